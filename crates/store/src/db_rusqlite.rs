//! `Db` on rusqlite: for tests and tools.

use std::path::Path;
use std::time::Duration;

use rusqlite::types::{ToSqlOutput, Value as SqlValue, ValueRef};
use rusqlite::{Connection, MAIN_DB, ToSql, params_from_iter};

use crate::db::{Db, Row, Rows, StoreError, Value};

/// How long a statement waits for another connection's write: as on Spin.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// A connection of rusqlite.
pub struct RusqliteDb(Connection);

impl RusqliteDb {
    /// Opens or creates the database at `path`.
    pub fn open(path: &Path) -> Result<RusqliteDb, StoreError> {
        RusqliteDb::prepare(Connection::open(path))
    }

    /// A new database in memory.
    pub fn in_memory() -> Result<RusqliteDb, StoreError> {
        RusqliteDb::prepare(Connection::open_in_memory())
    }

    /// A new database in memory from an image.
    pub fn from_image(image: &[u8]) -> Result<RusqliteDb, StoreError> {
        let mut db = RusqliteDb::in_memory()?;
        let read = db.0.deserialize_read_exact(MAIN_DB, image, image.len(), false);
        read.map_err(failure)?;
        Ok(db)
    }

    /// The whole database, to be copied.
    pub fn into_image(mut self) -> Result<Vec<u8>, StoreError> {
        Ok(self.0.serialize(MAIN_DB).map_err(failure)?.to_vec())
    }

    /// The connection itself, for tests that break things on purpose.
    pub fn connection(&self) -> &Connection {
        &self.0
    }

    fn prepare(opened: rusqlite::Result<Connection>) -> Result<RusqliteDb, StoreError> {
        let connection = opened.map_err(failure)?;
        connection.busy_timeout(BUSY_TIMEOUT).map_err(failure)?;
        connection.pragma_update(None, "foreign_keys", true).map_err(failure)?;
        Ok(RusqliteDb(connection))
    }
}

impl Db for RusqliteDb {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        let mut statement = self.0.prepare_cached(sql).map_err(failure)?;
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params)).map_err(failure)?;
        let mut answer = Rows::new();
        while let Some(row) = rows.next().map_err(failure)? {
            let value = |column| row.get_ref(column).map_err(failure).and_then(read);
            answer.push(Row((0..columns).map(value).collect::<Result<_, _>>()?));
        }
        Ok(answer)
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Null => ToSqlOutput::Owned(SqlValue::Null),
            Value::Integer(value) => ToSqlOutput::Owned(SqlValue::Integer(*value)),
            Value::Text(value) => ToSqlOutput::Borrowed(ValueRef::Text(value.as_bytes())),
            Value::Blob(value) => ToSqlOutput::Borrowed(ValueRef::Blob(value)),
        })
    }
}

fn read(value: ValueRef<'_>) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(value) => Ok(Value::Integer(value)),
        ValueRef::Real(_) => Err(StoreError::Corrupt("a number that is not whole".into())),
        ValueRef::Text(value) => match std::str::from_utf8(value) {
            Ok(text) => Ok(Value::text(text)),
            Err(_) => Err(StoreError::Corrupt("text that is not UTF-8".into())),
        },
        ValueRef::Blob(value) => Ok(Value::Blob(value.to_owned())),
    }
}

fn failure(error: rusqlite::Error) -> StoreError {
    StoreError::from_message(&error.to_string())
}
