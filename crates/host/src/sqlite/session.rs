//! A guest's connection: decides where each statement runs, and when it is its turn.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

use super::connection::Connection;
use super::database::{Database, Turn};
use super::run::{Failure, is_read_only, run};
use crate::bindings::imports::spin::sqlite::sqlite::{QueryResult, Value};

/// The first pause before a locked database is tried again; each further one is twice as long.
const RETRY_PAUSE_MIN: Duration = Duration::from_millis(1);

/// The longest pause: a lock held by another process is found free this late at worst.
const RETRY_PAUSE_MAX: Duration = Duration::from_millis(20);

/// A connection as a guest holds it. Clones are the same connection.
#[derive(Clone)]
#[expect(unreachable_pub, reason = "bindgen re-exports the type of a WIT resource")]
pub struct Session {
    /// Empty while a statement runs, and for good when the guest died during it.
    open: Arc<Mutex<Option<Open>>>,
}

impl Session {
    pub(crate) async fn open(database: &Arc<Database>) -> Result<Session> {
        let connection = database.connection().await?;
        let open = Open {
            connection: Some(connection),
            database: Arc::clone(database),
            turn: None,
            has_written: false,
        };
        Ok(Session { open: Arc::new(Mutex::new(Some(open))) })
    }

    /// Runs one statement; an error is the text for the guest.
    pub(crate) async fn execute(
        &self,
        sql: String,
        parameters: Vec<Value>,
    ) -> Result<QueryResult, String> {
        let Some(open) = self.lock().take() else {
            return Err("the connection is at work on another statement".into());
        };
        let (open, answer) = execute(open, sql.into(), parameters.into()).await;
        *self.lock() = open;
        answer
    }

    fn roll_back(&self) -> bool {
        self.lock().as_mut().is_some_and(Open::roll_back)
    }

    /// The rowid of the last INSERT, 0 before the first.
    pub(crate) fn last_insert_rowid(&self) -> i64 {
        self.written(rusqlite::Connection::last_insert_rowid).unwrap_or(0)
    }

    /// How many rows the last change touched.
    pub(crate) fn changes(&self) -> u64 {
        self.written(rusqlite::Connection::changes).unwrap_or(0)
    }

    /// A fact about the last write: what the connection's user before has left does not count.
    fn written<T>(&self, fact: fn(&rusqlite::Connection) -> T) -> Option<T> {
        let open = self.lock();
        let open = open.as_ref().filter(|open| open.has_written)?;
        open.connection.as_ref().map(|connection| fact(&connection.sqlite))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The connections of one instance that are open.
#[derive(Default)]
pub(crate) struct Sessions {
    open: Mutex<Vec<Weak<Mutex<Option<Open>>>>>,
}

impl Sessions {
    /// Remembers a connection for as long as the guest holds it.
    pub(crate) fn add(&self, session: &Session) {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|session| session.strong_count() > 0);
        open.push(Arc::downgrade(&session.open));
    }

    /// How many the guest holds.
    pub(crate) fn count(&self) -> usize {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.iter().filter(|session| session.strong_count() > 0).count()
    }

    /// Undoes what a request left uncommitted. Returns whether there was something.
    pub(crate) fn roll_back(&self) -> bool {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let sessions = open.iter().filter_map(Weak::upgrade).map(|open| Session { open });
        sessions.filter(Session::roll_back).count() > 0
    }
}

/// A connection out of the pool. Dropping it rolls back and returns it, wherever that happens.
struct Open {
    /// Taken out by `drop` alone.
    connection: Option<Connection>,
    database: Arc<Database>,
    /// Held from the first write of a transaction until its end.
    turn: Option<Turn>,
    has_written: bool,
}

impl Open {
    fn connection(&self) -> &Connection {
        self.connection.as_ref().expect("only `drop` takes it")
    }

    fn is_in_transaction(&self) -> bool {
        !self.connection().sqlite.is_autocommit()
    }

    fn roll_back(&mut self) -> bool {
        let rolls_back = self.is_in_transaction();
        if rolls_back {
            self.connection().allow_for(self.database.limits.statement_deadline);
            // It fails only if SQLite has rolled back by itself meanwhile.
            let _ = self.connection().sqlite.execute_batch("ROLLBACK");
        }
        self.turn = None;
        rolls_back
    }

    fn run_inline(&self, sql: &str, parameters: &[Value]) -> Result<QueryResult, Failure> {
        self.connection().allow_inline();
        run(self.connection(), sql, parameters, self.database.limits.query_result_bytes)
    }

    fn run_long(&self, sql: &str, parameters: &[Value]) -> Result<QueryResult, Failure> {
        self.connection().allow_for(self.database.limits.statement_deadline);
        run(self.connection(), sql, parameters, self.database.limits.query_result_bytes)
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.roll_back();
        if let Some(connection) = self.connection.take() {
            self.database.give_back(connection);
        }
    }
}

/// Runs one statement, with as many attempts as its time allows.
///
/// The connection is lost only if the thread that works with it panics.
async fn execute(
    mut open: Open,
    sql: Arc<str>,
    parameters: Arc<[Value]>,
) -> (Option<Open>, Result<QueryResult, String>) {
    let until = Instant::now() + open.database.limits.busy_wait;
    let mut pause = RETRY_PAUSE_MIN;
    loop {
        let attempt;
        (open, attempt) = match attempt_once(open, &sql, &parameters, until).await {
            (Some(open), attempt) => (open, attempt),
            (None, attempt) => return (None, attempt.map_err(|failure| failure_text(&failure))),
        };
        if matches!(attempt, Err(Failure::Busy(_))) && Instant::now() < until {
            tokio::time::sleep_until(until.min(Instant::now() + pause)).await;
            pause = RETRY_PAUSE_MAX.min(pause * 2);
            continue;
        }
        if !open.is_in_transaction() {
            open.turn = None;
        }
        return (Some(open), attempt.map_err(|failure| failure_text(&failure)));
    }
}

/// Runs one statement where it belongs: a quick query at once, the rest on a thread of its own.
///
/// Writing waits for the disk, so it blocks a thread. A read blocks one only when it proves long:
/// then it starts anew there, and is known the next time.
async fn attempt_once(
    mut open: Open,
    sql: &Arc<str>,
    parameters: &Arc<[Value]>,
    until: Instant,
) -> (Option<Open>, Result<QueryResult, Failure>) {
    open.connection().allow_for(open.database.limits.statement_deadline);
    let reads = match is_read_only(open.connection(), sql) {
        Ok(reads) => reads,
        Err(failure) => return (Some(open), Err(failure)),
    };
    if reads && !open.is_in_transaction() && !open.database.is_slow(sql) {
        match open.run_inline(sql, parameters) {
            Err(Failure::UsedUp) => open.database.remember_slow(sql),
            done => return (Some(open), done),
        }
    }
    if !reads && open.turn.is_none() {
        open.turn = open.database.turn_to_write(until).await;
        if open.turn.is_none() {
            return (Some(open), Err(Failure::Busy("database is locked".into())));
        }
    }
    open.has_written |= !reads;
    let (sql, parameters) = (Arc::clone(sql), Arc::clone(parameters));
    let work = tokio::task::spawn_blocking(move || {
        let done = open.run_long(&sql, &parameters);
        (open, done)
    });
    match work.await {
        Ok((open, done)) => (Some(open), done),
        Err(error) => (None, Err(Failure::Refused(format!("the statement was lost: {error}")))),
    }
}

fn failure_text(failure: &Failure) -> String {
    match failure {
        Failure::Busy(text) | Failure::Refused(text) => text.clone(),
        Failure::UsedUp => "interrupted: the statement took too long".into(),
    }
}
