//! `Db` on Spin's synchronous SQLite interface.
//!
//! Opening a connection parses the schema again, so an instance opens one and keeps it. That is
//! safe because every change is one statement. The synchronous `execute` is five times as fast as
//! the asynchronous one (measured on Spin 4.1).

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use domain::time::Timestamp;
use store::{Db, Row, Rows, StoreError, Value, migrate, violations};
use web::env::Clock as _;

use crate::bindings::spin::sqlite::sqlite::{Connection, Error, QueryResult, Value as SpinValue};
use crate::env::HostClock;

/// The label of the database in `spin.toml`.
const DATABASE: &str = "default";
/// How often a busy database is asked again while it is migrated by another instance.
const MIGRATION_ATTEMPTS: u32 = 5;

thread_local! {
    /// The instance's connection.
    static CONNECTION: RefCell<Option<Rc<Connection>>> = const { RefCell::new(None) };
    /// Whether this instance has seen that the schema is current.
    static IS_CURRENT: Cell<bool> = const { Cell::new(false) };
}

/// The instance's connection to the app's database.
pub(crate) struct SpinDb;

/// The app's database, with the schema of this version: brought to it if need be by this call.
pub(crate) fn current_database(now: Timestamp) -> Result<SpinDb, StoreError> {
    if !IS_CURRENT.get() {
        if !migrate::is_current(&SpinDb)? {
            migrate_first(now)?;
        }
        IS_CURRENT.set(true);
    }
    Ok(SpinDb)
}

/// Migrates on a connection of its own, which ends with this call and takes an open transaction
/// with it.
fn migrate_first(now: Timestamp) -> Result<(), StoreError> {
    for _ in 0..MIGRATION_ATTEMPTS {
        let own = OwnConnection(open()?);
        match migrate::apply(&own, now) {
            Ok(_) => return Ok(()),
            // Another instance is at it; the next look finds it done, or waits its turn.
            Err(StoreError::Busy) => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Busy)
}

impl Db for SpinDb {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        let result = execute(&*kept_connection()?, sql, params);
        if matches!(result, Err(StoreError::Busy | StoreError::Failed(_))) {
            // The connection itself may be what is broken: the next statement opens another. And a
            // newer version may have replaced what the statement is about: the next request looks.
            CONNECTION.take();
            IS_CURRENT.set(false);
        }
        if let Some(rule) = result.as_ref().err().and_then(StoreError::bug) {
            // The error itself is what is answered and logged.
            let _ = violations::count(self, rule, HostClock::start().now());
        }
        result
    }
}

struct OwnConnection(Connection);

impl Db for OwnConnection {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        execute(&self.0, sql, params)
    }
}

fn kept_connection() -> Result<Rc<Connection>, StoreError> {
    CONNECTION.with_borrow_mut(|kept| {
        if let Some(connection) = kept {
            return Ok(Rc::clone(connection));
        }
        Ok(Rc::clone(kept.insert(Rc::new(open()?))))
    })
}

fn open() -> Result<Connection, StoreError> {
    Connection::open(DATABASE).map_err(|error| failure(&error))
}

fn execute(connection: &Connection, sql: &str, params: &[Value]) -> Result<Rows, StoreError> {
    let params: Vec<SpinValue> = params.iter().map(to_spin).collect();
    let QueryResult { rows, .. } =
        connection.execute(sql, &params).map_err(|error| failure(&error))?;
    rows.into_iter()
        .map(|row| row.values.into_iter().map(from_spin).collect::<Result<_, _>>().map(Row))
        .collect()
}

fn to_spin(value: &Value) -> SpinValue {
    match value {
        Value::Null => SpinValue::Null,
        Value::Integer(value) => SpinValue::Integer(*value),
        Value::Text(value) => SpinValue::Text(value.clone()),
        Value::Blob(value) => SpinValue::Blob(value.clone()),
    }
}

fn from_spin(value: SpinValue) -> Result<Value, StoreError> {
    match value {
        SpinValue::Null => Ok(Value::Null),
        SpinValue::Integer(value) => Ok(Value::Integer(value)),
        SpinValue::Text(value) => Ok(Value::Text(value)),
        SpinValue::Blob(value) => Ok(Value::Blob(value)),
        SpinValue::Real(_) => Err(StoreError::Corrupt("a number that is not whole".into())),
    }
}

fn failure(error: &Error) -> StoreError {
    match error {
        Error::Io(message) => StoreError::from_message(message),
        Error::NoSuchDatabase => StoreError::Failed("there is no such database".into()),
        Error::AccessDenied => StoreError::Failed("this component may not open it".into()),
        Error::InvalidConnection => StoreError::Failed("the connection is gone".into()),
        Error::DatabaseFull => StoreError::Failed("the database is full".into()),
    }
}
