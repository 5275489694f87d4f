//! A database connection, its values, and the ways in which it fails.

use domain::time::Timestamp;

/// A database connection. Two implementations: Spin's in the components, rusqlite in tests and
/// tools.
pub trait Db {
    /// Runs one statement to its end and returns every row. Parameters are positional.
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError>;
}

/// Stands in where there is no database, such as while a request is refused because of that: every
/// statement fails.
pub struct NoDatabase;

impl Db for NoDatabase {
    fn run(&self, _: &'static str, _: &[Value]) -> Result<Rows, StoreError> {
        Err(StoreError::Failed("there is no database here".into()))
    }
}

/// A value that a statement takes or gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number.
    Integer(i64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// The text form of something that prints itself, such as an id.
    pub fn text(value: impl ToString) -> Value {
        Value::Text(value.to_string())
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Value {
        Value::Integer(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Value {
        Value::Integer(value.into())
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Value {
        Value::Integer(value.into())
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Value {
        Value::Integer(value.seconds())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Value {
        Value::Text(value.to_owned())
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Value {
        Value::Blob(value.to_owned())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

/// The rows of an answer.
pub type Rows = Vec<Row>;

/// One row of an answer; `row` reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row(pub Vec<Value>);

/// The database failed, or refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Another connection is writing, or the connection was lost before anything was done: the
    /// same statement can be tried again.
    #[error("the database is busy")]
    Busy,
    /// A constraint, or a `RAISE` of our own, refused the statement, and nothing has changed.
    /// Load again and decide again: the decision then says why.
    #[error("the database refused the change: {0}")]
    Refused(String),
    /// The database has the schema of another version of this program: a newer one or, where the
    /// numbers are equal, one that was built from other files.
    #[error(
        "the database is at schema release {found}, but this version of Mycelium needs release \
         {known}{}: run the version that upgraded the database, or restore a backup from before",
        if found == known { " with other contents" } else { "" }
    )]
    WrongSchema {
        /// The release of the database.
        found: i64,
        /// The release of this program.
        known: i64,
    },
    /// The database was made before the first release.
    #[error(
        "this database was made by a development version of Mycelium from before the first \
         release, and cannot be upgraded: start with a new data folder"
    )]
    DevelopmentDatabase,
    /// A table migration that was applied is not the one that this program has.
    #[error(
        "table migration {number} was applied to this database with other contents: run the \
         version of Mycelium that made it, or restore a backup"
    )]
    MigrationChanged {
        /// The migration's number.
        number: i64,
    },
    /// The upgrade would keep others from the database for too long.
    #[error(
        "the upgrade takes {statements} statements, too many for a database that is in use: stop \
         the app, make a backup, and run `cargo xtask migrate`"
    )]
    UpgradeTooLarge {
        /// How many it takes.
        statements: usize,
    },
    /// A row that the schema should rule out.
    #[error("a row is corrupt: {0}")]
    Corrupt(String),
    /// Anything else, in the database's words.
    #[error("the database failed: {0}")]
    Failed(String),
}

impl StoreError {
    /// Tells the kinds of failure apart by the database's text, which is all that crosses Spin's
    /// boundary. This is the only place that reads it.
    pub fn from_message(message: &str) -> StoreError {
        const BUSY: [&str; 6] = [
            "database is locked",
            "database table is locked",
            // libSQL, where nothing was executed.
            "invalid baton",
            "STREAM_EXPIRED",
            "Connection refused",
            "interrupted",
        ];
        // Every refusal of our own that is not about being append-only begins with `stale`.
        const REFUSED: [&str; 3] = ["constraint failed", "stale ", "append-only"];
        if BUSY.iter().any(|text| message.contains(text)) {
            StoreError::Busy
        } else if REFUSED.iter().any(|text| message.contains(text)) {
            StoreError::Refused(message.to_owned())
        } else {
            StoreError::Failed(message.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_told_apart_by_their_text() {
        let check = |message: &str, expected: &str| {
            let found = format!("{:?}", StoreError::from_message(message));
            assert!(found.starts_with(expected), "{message}: {found}");
        };
        check("database is locked", "Busy");
        check("Hrana: `cursor error: … SQLite error: stale slice`", "Refused");
        check("CHECK constraint failed: no_negative_balance", "Refused");
        check("UNIQUE constraint failed: rentals.renter_id", "Refused");
        check("database or disk is full", "Failed");
        check("no such table: nodes", "Failed");
    }
}
