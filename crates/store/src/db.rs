//! A database connection, its values, and the ways in which it fails.

use domain::time::Timestamp;

use crate::refusal::{Refusal, Rule};

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

/// A database that can be read: a statement that could change something fails, and is not run.
pub struct ReadOnly<'a>(pub &'a dyn Db);

impl Db for ReadOnly<'_> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        let writes = |word: &str| ["INSERT", "UPDATE", "DELETE", "REPLACE"].contains(&word);
        if sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').any(writes) {
            return Err(StoreError::Failed("this is read only".into()));
        }
        self.0.run(sql, params)
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
    /// A command or a rule of the schema refused the statement, and nothing has changed. Where that
    /// is a race, load again and decide again: the decision then says why.
    #[error("the database refused the change: {}", .0.into_str())]
    Refused(Refusal),
    /// A rule of the schema, by its name, that no code expects to meet: a bug of ours. Nothing has
    /// changed.
    #[error("the change violates {0}")]
    Violation(String),
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
        if BUSY.iter().any(|text| message.contains(text)) {
            return StoreError::Busy;
        }
        match Rule::of_message(message) {
            Some(rule) => match rule.refusal() {
                Some(refusal) => StoreError::Refused(refusal),
                None => StoreError::Violation(rule.to_string()),
            },
            None => StoreError::Failed(message.to_owned()),
        }
    }

    /// Whether somebody was faster: load again and decide again.
    pub fn is_race(&self) -> bool {
        matches!(self, StoreError::Refused(refusal) if refusal.is_race())
    }

    /// Whether the idempotency key was used: the response to the request that used it is stored.
    pub fn is_key_used(&self) -> bool {
        *self == StoreError::Refused(Refusal::IdempotencyKeyUsed)
    }

    /// The name of the rule that was met by a bug of ours.
    pub fn bug(&self) -> Option<&str> {
        match self {
            StoreError::Violation(name) => Some(name),
            StoreError::Refused(refusal) if !refusal.is_race() => Some(refusal.into_str()),
            _ => None,
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
        check("Hrana: `cursor error: … SQLite error: refused: slice_taken`", "Refused(SliceTaken)");
        check("refused: something_new", "Violation(\"something_new\")");
        check("CHECK constraint failed: balance_never_negative", "Refused(BalanceNeverNegative)");
        check("CHECK constraint failed: node_id_in_range", "Violation(\"node_id_in_range\")");
        check("UNIQUE constraint failed: accounts.email", "Refused(EmailTaken)");
        check("UNIQUE constraint failed: a.b, a.c", "Violation(\"UNIQUE a.b, a.c\")");
        check("FOREIGN KEY constraint failed", "Violation(\"FOREIGN KEY\")");
        check("NOT NULL constraint failed: a.b", "Violation(\"NOT NULL a.b\")");
        check("database or disk is full", "Failed");
        check("no such table: nodes", "Failed");
    }
}
