//! Runs one statement and collects its rows.

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{ErrorCode, ffi, params_from_iter};

use super::connection::Connection;
use crate::bindings::imports::spin::sqlite::sqlite::{QueryResult, RowResult, Value};

/// Why a statement gave no answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Somebody else has the file locked: later it may work. The text is SQLite's.
    Busy(String),
    /// The time that the statement had is over.
    UsedUp,
    /// SQLite's text, which is what the guest gets.
    Refused(String),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Failure {
        let text = error.to_string();
        let Some(code) = error.sqlite_error() else {
            return Failure::Refused(text);
        };
        match code.code {
            // The rows that this transaction has read were changed since: it can never go on.
            ErrorCode::DatabaseBusy if code.extended_code == ffi::SQLITE_BUSY_SNAPSHOT => {
                Failure::Refused(text)
            }
            ErrorCode::DatabaseBusy => Failure::Busy(text),
            ErrorCode::OperationInterrupted => Failure::UsedUp,
            _ => Failure::Refused(text),
        }
    }
}

/// Whether a statement leaves the database as it is.
pub(super) fn is_read_only(connection: &Connection, sql: &str) -> Result<bool, Failure> {
    Ok(connection.sqlite.prepare_cached(sql)?.readonly())
}

/// Runs one statement to its end.
pub(super) fn run(
    connection: &Connection,
    sql: &str,
    parameters: &[Value],
    bytes_max: usize,
) -> Result<QueryResult, Failure> {
    let mut statement = connection.sqlite.prepare_cached(sql)?;
    let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut bytes: usize = 0;
    let mut answer = Vec::new();
    let mut rows = statement.query(params_from_iter(parameters.iter().map(Parameter)))?;
    while let Some(row) = rows.next()? {
        let mut values = Vec::with_capacity(columns.len());
        for column in 0..columns.len() {
            let value = read(row.get_ref(column)?)?;
            bytes += size_of::<Value>() + content_bytes(&value);
            values.push(value);
        }
        if bytes > bytes_max {
            let text = format!("query result exceeds limit of {bytes_max} bytes");
            return Err(Failure::Refused(text));
        }
        answer.push(RowResult { values });
    }
    drop(rows);
    Ok(QueryResult { columns, rows: answer })
}

/// A parameter, borrowed from the guest's list.
struct Parameter<'a>(&'a Value);

impl ToSql for Parameter<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Value::Null => ValueRef::Null,
            Value::Integer(integer) => ValueRef::Integer(*integer),
            Value::Real(real) => ValueRef::Real(*real),
            Value::Text(text) => ValueRef::Text(text.as_bytes()),
            Value::Blob(blob) => ValueRef::Blob(blob),
        }))
    }
}

fn read(value: ValueRef<'_>) -> Result<Value, Failure> {
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(integer) => Value::Integer(integer),
        ValueRef::Real(real) => Value::Real(real),
        ValueRef::Text(text) => match std::str::from_utf8(text) {
            Ok(text) => Value::Text(text.to_owned()),
            Err(error) => return Err(Failure::Refused(error.to_string())),
        },
        ValueRef::Blob(blob) => Value::Blob(blob.to_vec()),
    })
}

fn content_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) => text.len(),
        Value::Blob(blob) => blob.len(),
        Value::Null | Value::Integer(_) | Value::Real(_) => 0,
    }
}
