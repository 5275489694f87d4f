//! Variables: where their values come from, and the `{{ name }}` templates that use them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::manifest::Manifest;

/// What the name of an environment variable that sets a variable begins with, as on Spin.
pub(crate) const ENVIRONMENT_PREFIX: &str = "SPIN_VARIABLE_";

/// A value that its `Debug` output may not show when it is secret.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Variable {
    text: String,
    secret: bool,
}

impl Variable {
    /// The value itself: for the guest, never for a log.
    pub(crate) fn expose(&self) -> &str {
        &self.text
    }

    pub(crate) fn is_secret(&self) -> bool {
        self.secret
    }
}

impl fmt::Debug for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.secret { f.write_str("[secret]") } else { write!(f, "{:?}", self.text) }
    }
}

/// The values of all variables that the manifest declares.
#[derive(Debug)]
pub(crate) struct Variables {
    values: BTreeMap<String, Variable>,
}

/// Where values come from, the first that has one winning; below them all is the default.
pub(crate) struct Sources<'a> {
    pub(crate) given: &'a BTreeMap<String, String>,
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    pub(crate) file: &'a BTreeMap<String, String>,
}

impl Variables {
    /// Finds the value of each declared variable.
    pub(crate) fn resolve(manifest: &Manifest, sources: &Sources<'_>) -> Result<Variables> {
        let file = manifest.file.display();
        for name in sources.given.keys().chain(sources.file.keys()) {
            ensure!(
                manifest.variables.contains_key(name),
                "a value was given for the variable `{name}`, which {file} does not declare"
            );
        }
        let mut values = BTreeMap::new();
        for (name, declaration) in &manifest.variables {
            let variable = environment_name(name);
            let text = None
                .or_else(|| sources.given.get(name).cloned())
                .or_else(|| (sources.environment)(&variable))
                .or_else(|| sources.file.get(name).cloned())
                .or_else(|| declaration.default.clone());
            let Some(text) = text else {
                bail!("{file}: [variables] {name} is required and has no value; set {variable}")
            };
            values.insert(name.clone(), Variable { text, secret: declaration.secret });
        }
        Ok(Variables { values })
    }

    /// Replaces each `{{ name }}` in a template. What uses a secret is secret itself.
    pub(crate) fn expand(&self, template: &str) -> Result<Variable> {
        let mut expanded = Variable { text: String::new(), secret: false };
        let mut rest = template;
        while let Some((literal, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else {
                bail!("`{template}` has a `{{{{` without its `}}}}`")
            };
            let name = name.trim();
            let value = self.values.get(name).with_context(|| {
                format!("`{template}` uses `{name}`, which is not in [variables]")
            })?;
            expanded.text.push_str(literal);
            expanded.text.push_str(&value.text);
            expanded.secret |= value.secret;
            rest = after;
        }
        expanded.text.push_str(rest);
        Ok(expanded)
    }
}

fn environment_name(name: &str) -> String {
    format!("{ENVIRONMENT_PREFIX}{}", name.to_ascii_uppercase())
}

/// Reads a file of `SPIN_VARIABLE_NAME=value` lines into values by variable name.
///
/// Blank lines, `#` comments, `export ` and other programs' settings are passed over; a value may
/// stand in single or double quotes.
pub(crate) fn read_env_file(path: &Path) -> Result<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path)
        .with_context(|| format!("cannot read the variables in {}", path.display()))?;
    parse_env_file(&text).with_context(|| format!("in {}", path.display()))
}

fn parse_env_file(text: &str) -> Result<BTreeMap<String, String>> {
    let mut values = BTreeMap::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let line = line.strip_prefix("export ").unwrap_or(line);
        // The line itself stays out of the message: it may hold a secret.
        let Some((key, value)) = line.split_once('=') else {
            bail!("line {} is not of the form NAME=value", index + 1)
        };
        if let Some(name) = key.trim().strip_prefix(ENVIRONMENT_PREFIX) {
            values.insert(name.to_ascii_lowercase(), unquote(value.trim()).to_owned());
        }
    }
    Ok(values)
}

fn unquote(value: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| value.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = r#"
        spin_manifest_version = 2
        [application]
        name = "test"
        [variables]
        host = { default = "example.org" }
        token = { required = true, secret = true }
    "#;

    fn resolve(
        given: &[(&str, &str)],
        environment: Option<&str>,
        file: &[(&str, &str)],
    ) -> Result<Variables> {
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
        };
        let manifest = Manifest::parse(Path::new("spin.toml"), MANIFEST)?;
        let sources = Sources {
            given: &map(given),
            environment: &|name| {
                environment.filter(|_| name == "SPIN_VARIABLE_TOKEN").map(str::to_owned)
            },
            file: &map(file),
        };
        Variables::resolve(&manifest, &sources)
    }

    #[test]
    fn the_nearest_source_wins() {
        let token = |given: &[(&str, &str)], environment, file: &[(&str, &str)]| {
            resolve(given, environment, file).unwrap().values["token"].text.clone()
        };
        assert_eq!(token(&[("token", "1")], Some("2"), &[("token", "3")]), "1");
        assert_eq!(token(&[], Some("2"), &[("token", "3")]), "2");
        assert_eq!(token(&[], None, &[("token", "3")]), "3");
    }

    #[test]
    fn a_missing_value_names_the_variable_and_the_way_to_set_it() {
        assert_eq!(
            resolve(&[], None, &[]).unwrap_err().to_string(),
            "spin.toml: [variables] token is required and has no value; set SPIN_VARIABLE_TOKEN"
        );
        assert_eq!(
            resolve(&[("tokem", "1")], None, &[]).unwrap_err().to_string(),
            "a value was given for the variable `tokem`, which spin.toml does not declare"
        );
    }

    #[test]
    fn templates_are_filled_in() {
        let variables = resolve(&[("token", "t0p")], None, &[]).unwrap();
        let expand = |template| variables.expand(template).map(|value| value.text);
        assert_eq!(expand("plain").unwrap(), "plain");
        assert_eq!(expand("https://{{ host }}/{{token}}!").unwrap(), "https://example.org/t0p!");
        assert_eq!(
            expand("{{ hots }}").unwrap_err().to_string(),
            "`{{ hots }}` uses `hots`, which is not in [variables]"
        );
        assert_eq!(
            expand("{{ host").unwrap_err().to_string(),
            "`{{ host` has a `{{` without its `}}`"
        );
    }

    #[test]
    fn secrets_do_not_print() {
        let variables = resolve(&[("token", "t0p")], None, &[]).unwrap();
        let bearer = variables.expand("Bearer {{ token }}").unwrap();
        let printed = format!("{variables:?} {bearer:?}");
        assert!(!printed.contains("t0p"), "{printed}");
        assert!(printed.contains("[secret]") && printed.contains("example.org"), "{printed}");
        assert_eq!(bearer.expose(), "Bearer t0p");
    }

    #[test]
    fn env_files_are_read_line_by_line() {
        let text =
            "# ours\n\nSPIN_VARIABLE_TOKEN='a = b'\nexport SPIN_VARIABLE_HOST=\"h\"\nOTHER=1\n";
        let values = parse_env_file(text).unwrap();
        assert_eq!(values["token"], "a = b");
        assert_eq!(values["host"], "h");
        assert_eq!(values.len(), 2);
        let error = parse_env_file("A=1\nsecret words").unwrap_err().to_string();
        assert_eq!(error, "line 2 is not of the form NAME=value");
    }
}
