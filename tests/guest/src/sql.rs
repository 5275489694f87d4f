//! Runs a script of SQL statements on a connection that the instance keeps.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::imports::spin::sqlite::sqlite::{Connection, QueryResult, Value};

thread_local! {
    static CONNECTIONS: RefCell<BTreeMap<String, Connection>> =
        const { RefCell::new(BTreeMap::new()) };
}

/// Runs one statement a line, with text parameters after tabs, and answers a line for each.
///
/// The database's label may end in `!`: then its connection is not kept.
pub(crate) fn run(label: &str, script: &str) -> String {
    let (label, keeps) = match label.strip_suffix('!') {
        Some(label) => (label, false),
        None => (label, true),
    };
    CONNECTIONS.with_borrow_mut(|connections| {
        let connection = match connections.remove(label) {
            Some(connection) => connection,
            None => match Connection::open(label) {
                Ok(connection) => connection,
                Err(error) => return format!("error: {error:?}"),
            },
        };
        let lines: Vec<String> = script.lines().map(|line| execute(&connection, line)).collect();
        if keeps {
            connections.insert(label.to_owned(), connection);
        }
        lines.join("\n")
    })
}

fn execute(connection: &Connection, line: &str) -> String {
    match line {
        "changes" => return connection.changes().to_string(),
        "rowid" => return connection.last_insert_rowid().to_string(),
        _ => {}
    }
    let mut parts = line.split('\t');
    let statement = parts.next().unwrap_or_default();
    let parameters: Vec<Value> = parts.map(|text| Value::Text(text.to_owned())).collect();
    match connection.execute(statement, &parameters) {
        Ok(result) => show(&result),
        Err(error) => format!("error: {error:?}"),
    }
}

fn show(result: &QueryResult) -> String {
    let rows = result.rows.iter().map(|row| {
        let values: Vec<String> = row.values.iter().map(show_value).collect();
        values.join(",")
    });
    let rows: Vec<String> = rows.collect();
    format!("[{}] {}", result.columns.join(","), rows.join(";"))
}

fn show_value(value: &Value) -> String {
    match value {
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => format!("{real:?}"),
        Value::Text(text) => format!("'{text}'"),
        Value::Blob(blob) => format!("{blob:02x?}"),
        Value::Null => "null".to_owned(),
    }
}
