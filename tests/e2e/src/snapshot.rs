//! What a database holds, to see whether it has changed.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::{Connection, OpenFlags};

/// Tables that say how much of a limit is used: every request may count, a read too.
const COUNTING_TABLES: [&str; 1] = ["rate_limits"];

/// Columns that only say when something was last seen, so that its owner can tell; a read is a use.
const SEEN_COLUMNS: [(&str, &str); 2] = [("sessions", "seen_at"), ("tokens", "used_at")];

/// Every row of every table, as text.
#[derive(Debug, PartialEq, Eq)]
pub struct Snapshot {
    tables: BTreeMap<String, Vec<String>>,
}

impl Snapshot {
    /// Reads a database that others may be using.
    pub fn of(database: &Path) -> Snapshot {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(database, flags).unwrap();
        let names = "SELECT name FROM sqlite_schema WHERE type = 'table'";
        let names = texts(&connection, names, "");
        let kept = names.into_iter().filter(|name| !COUNTING_TABLES.contains(&name.as_str()));
        let tables = kept.map(|name| (name.clone(), rows(&connection, &name))).collect();
        Snapshot { tables }
    }

    /// What is different in `after`: each table with the rows that went and came.
    pub fn changes(&self, after: &Snapshot) -> Vec<String> {
        let none = Vec::new();
        let names = self.tables.keys().chain(after.tables.keys());
        let mut changes = Vec::new();
        for name in names.collect::<std::collections::BTreeSet<_>>() {
            let old = self.tables.get(name).unwrap_or(&none);
            let new = after.tables.get(name).unwrap_or(&none);
            let gone = old.iter().filter(|row| !new.contains(row));
            changes.extend(gone.map(|row| format!("{name}: - {row}")));
            let come = new.iter().filter(|row| !old.contains(row));
            changes.extend(come.map(|row| format!("{name}: + {row}")));
        }
        changes
    }

    /// Whether any row of any table holds this text.
    pub fn holds(&self, text: &str) -> bool {
        self.tables.values().flatten().any(|row| row.contains(text))
    }

    /// How many rows a table has.
    pub fn count(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, Vec::len)
    }
}

/// The rows of a table, each as its quoted values, in order.
fn rows(connection: &Connection, table: &str) -> Vec<String> {
    let columns = texts(connection, "SELECT name FROM pragma_table_info(?1)", table);
    let kept = columns.iter().filter(|column| !SEEN_COLUMNS.contains(&(table, column.as_str())));
    // Names out of the schema, not out of a request; a statement cannot take them as parameters.
    let values: Vec<_> = kept.map(|column| format!("quote(\"{column}\")")).collect();
    let all = format!("SELECT {} FROM \"{table}\" WHERE ?1 = ''", values.join(" || ', ' || "));
    let mut rows = texts(connection, &all, "");
    rows.sort_unstable();
    rows
}

fn texts(connection: &Connection, query: &str, parameter: &str) -> Vec<String> {
    let mut statement = connection.prepare(query).unwrap();
    // A statement without the parameter takes none.
    let given: &[&str] = if statement.parameter_count() == 1 { &[parameter] } else { &[] };
    let rows = statement.query_map(rusqlite::params_from_iter(given), |row| row.get(0));
    rows.unwrap().map(Result::unwrap).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_and_an_observation_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a.db");
        let database = Connection::open(&file).unwrap();
        let tables = "CREATE TABLE tokens (id TEXT, used_at INTEGER);
                      CREATE TABLE rate_limits (key TEXT);
                      INSERT INTO tokens VALUES ('a', 1);";
        database.execute_batch(tables).unwrap();
        let before = Snapshot::of(&file);
        let looked = "UPDATE tokens SET used_at = 2; INSERT INTO rate_limits VALUES ('a');";
        database.execute_batch(looked).unwrap();
        assert_eq!(before.changes(&Snapshot::of(&file)), [""; 0]);
        database.execute_batch("UPDATE tokens SET id = 'b'").unwrap();
        let after = Snapshot::of(&file);
        assert_eq!(before.changes(&after), ["tokens: - 'a'", "tokens: + 'b'"]);
        assert!(after.holds("'b'") && after.count("tokens") == 1);
    }
}
