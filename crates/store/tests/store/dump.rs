//! Everything that is in a database, and what changes in it.

use std::fmt::Write;

use domain::id::RentalId;
use rusqlite::types::ValueRef;
use store::RusqliteDb;

use crate::market::{AIDA, FARMER, OMAR, OTHER_FARMER, account};

/// One row of a table, as text.
#[derive(Debug, PartialEq)]
pub(crate) struct DumpedRow {
    table: String,
    /// How many columns, from the first, tell its rows apart.
    key_columns: u8,
    /// Names and values.
    columns: Vec<(String, String)>,
}

impl DumpedRow {
    fn key(&self) -> (&str, &[(String, String)]) {
        (&self.table, &self.columns[..self.key_columns.into()])
    }
}

/// Every row of every table.
pub(crate) fn dump(db: &RusqliteDb) -> Vec<DumpedRow> {
    let tables = "SELECT t.name, (SELECT count(*) FROM pragma_table_info(t.name) WHERE pk > 0)
                    FROM sqlite_schema t WHERE t.type = 'table' ORDER BY t.name";
    let mut tables = db.connection().prepare(tables).unwrap();
    let tables = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    tables.flat_map(|table| table.map(|(name, keys)| dump_table(db, name, keys)).unwrap()).collect()
}

fn dump_table(db: &RusqliteDb, table: String, key_columns: u8) -> Vec<DumpedRow> {
    let mut statement = db.connection().prepare(&format!("SELECT * FROM {table}")).unwrap();
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let read = |row: &rusqlite::Row<'_>| {
        let value = |index| match row.get_ref_unwrap(index) {
            ValueRef::Null => "NULL".to_owned(),
            ValueRef::Integer(value) => value.to_string(),
            ValueRef::Real(value) => value.to_string(),
            ValueRef::Text(value) => format!("'{}'", String::from_utf8_lossy(value)),
            ValueRef::Blob(value) => {
                // The tests' hashes are text with zeros behind it.
                format!("x'{}'", String::from_utf8_lossy(value).trim_end_matches('\0'))
            }
        };
        let columns = names.iter().enumerate().map(|(index, name)| (name.clone(), value(index)));
        Ok(DumpedRow { table: table.clone(), key_columns, columns: columns.collect() })
    };
    statement.query_map([], read).unwrap().map(Result::unwrap).collect()
}

/// What came (`+`), went (`-`) and changed (`~`) between two dumps. Counters of SQLite's own are
/// left out; the market's people are called by their names, and a rental is called so.
pub(crate) fn difference(before: &[DumpedRow], after: &[DumpedRow], rental: RentalId) -> String {
    let own = |row: &&DumpedRow| row.table != "sqlite_sequence";
    let find = |rows: &[DumpedRow], row: &DumpedRow| rows.iter().position(|r| r.key() == row.key());
    let mut rows: Vec<Vec<String>> = vec![];
    for row in before.iter().filter(own).filter(|row| find(after, row).is_none()) {
        rows.push(words('-', row, |_| true));
    }
    for row in after.iter().filter(own) {
        match find(before, row).map(|index| &before[index]) {
            None => rows.push(words('+', row, |_| true)),
            Some(old) if old == row => {}
            Some(old) => rows.push(words('~', row, |column| !old.columns.contains(column))),
        }
    }
    let people = [(FARMER, "farmer"), (OTHER_FARMER, "other"), (OMAR, "omar"), (AIDA, "aida")];
    let names: Vec<(String, &str)> = people
        .map(|(number, name)| (account(number).to_string(), name))
        .into_iter()
        .chain([(rental.to_string(), "rental")])
        .collect();
    let name = |word: String| names.iter().fold(word, |word, (id, name)| word.replace(id, name));
    rows.into_iter().map(|words| lines(words.into_iter().map(name))).collect()
}

/// The table and the key of a row, and those of its columns that count.
fn words(sign: char, row: &DumpedRow, counts: impl Fn(&(String, String)) -> bool) -> Vec<String> {
    let key = row.columns.iter().take(row.key_columns.into());
    let rest = row.columns.iter().skip(row.key_columns.into()).filter(|column| counts(column));
    let columns = key.chain(rest).map(|(name, value)| format!("{name}={value}"));
    [format!("{sign} {}", row.table)].into_iter().chain(columns).collect()
}

/// A row in lines of readable length.
fn lines(words: impl Iterator<Item = String>) -> String {
    const WIDTH: usize = 88;
    let mut text = String::new();
    let mut width = 0;
    for word in words {
        if width > 0 && width + word.len() > WIDTH {
            text.push_str("\n   ");
            width = 3;
        }
        let space = if width > 0 { " " } else { "" };
        write!(text, "{space}{word}").unwrap();
        width += space.len() + word.len();
    }
    text + "\n"
}
