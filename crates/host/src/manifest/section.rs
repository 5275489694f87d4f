//! Reads one table of a manifest key by key, and says where it was when something is wrong.

use std::collections::BTreeMap;

use anyhow::{Result, anyhow, bail};
use toml::{Table, Value};

/// A table with its place, such as `spin.toml: [component.site]`.
///
/// Each key is taken out as it is read, so that what is left at [`Section::finish`] is unknown.
pub(super) struct Section {
    place: String,
    entries: Table,
    asked: Vec<&'static str>,
}

impl Section {
    pub(super) fn new(place: String, entries: Table) -> Section {
        Section { place, entries, asked: Vec::new() }
    }

    /// An error about this table.
    pub(super) fn error(&self, message: impl std::fmt::Display) -> anyhow::Error {
        anyhow!("{}: {message}", self.place)
    }

    /// A table inside this one.
    pub(super) fn child(&self, label: &str, entries: Table) -> Section {
        Section::new(format!("{} {label}", self.place), entries)
    }

    fn take(&mut self, key: &'static str) -> Option<Value> {
        self.asked.push(key);
        self.entries.remove(key)
    }

    fn wrong_kind(&self, key: &str, expected: &str, found: &Value) -> anyhow::Error {
        self.error(format!("`{key}` must be {expected}, not {}", found.type_str()))
    }

    /// The raw value of a key that may have several forms.
    pub(super) fn value(&mut self, key: &'static str) -> Option<Value> {
        self.take(key)
    }

    pub(super) fn text(&mut self, key: &'static str) -> Result<Option<String>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(other) => Err(self.wrong_kind(key, "a string", &other)),
        }
    }

    pub(super) fn required_text(&mut self, key: &'static str) -> Result<String> {
        self.text(key)?.ok_or_else(|| self.error(format!("the key `{key}` is missing")))
    }

    pub(super) fn number(&mut self, key: &'static str) -> Result<Option<i64>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Integer(number)) => Ok(Some(number)),
            Some(other) => Err(self.wrong_kind(key, "a whole number", &other)),
        }
    }

    pub(super) fn flag(&mut self, key: &'static str) -> Result<bool> {
        match self.take(key) {
            None => Ok(false),
            Some(Value::Boolean(flag)) => Ok(flag),
            Some(other) => Err(self.wrong_kind(key, "true or false", &other)),
        }
    }

    pub(super) fn list(&mut self, key: &'static str) -> Result<Vec<Value>> {
        match self.take(key) {
            None => Ok(Vec::new()),
            Some(Value::Array(values)) => Ok(values),
            Some(other) => Err(self.wrong_kind(key, "a list", &other)),
        }
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Result<Vec<String>> {
        let mut texts = Vec::new();
        for value in self.list(key)? {
            match value {
                Value::String(text) => texts.push(text),
                other => return Err(self.wrong_kind(key, "a list of strings", &other)),
            }
        }
        Ok(texts)
    }

    pub(super) fn text_map(&mut self, key: &'static str) -> Result<BTreeMap<String, String>> {
        let mut texts = BTreeMap::new();
        for (name, value) in self.table(key)?.unwrap_or_default() {
            match value {
                Value::String(text) => texts.insert(name, text),
                other => {
                    return Err(self.wrong_kind(&format!("{key}.{name}"), "a string", &other));
                }
            };
        }
        Ok(texts)
    }

    pub(super) fn table(&mut self, key: &'static str) -> Result<Option<Table>> {
        match self.take(key) {
            None => Ok(None),
            Some(Value::Table(table)) => Ok(Some(table)),
            Some(other) => Err(self.wrong_kind(key, "a table", &other)),
        }
    }

    /// The tables below a key, each with its own place.
    pub(super) fn sections(
        &mut self,
        key: &'static str,
        place: impl Fn(&str) -> String,
    ) -> Result<Vec<(String, Section)>> {
        let mut sections = Vec::new();
        for (name, value) in self.table(key)?.unwrap_or_default() {
            match value {
                Value::Table(table) => {
                    let section = Section::new(place(&name), table);
                    sections.push((name, section));
                }
                other => {
                    return Err(self.wrong_kind(&format!("{key}.{name}"), "a table", &other));
                }
            }
        }
        Ok(sections)
    }

    /// Every key must have been read by now.
    pub(super) fn finish(mut self) -> Result<()> {
        let Some(unknown) = self.entries.keys().next() else {
            return Ok(());
        };
        self.asked.sort_unstable();
        bail!("{}: unknown key `{unknown}`; known are {}", self.place, self.asked.join(", "))
    }
}
