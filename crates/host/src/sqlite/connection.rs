//! One SQLite connection: how it is set up, what it may do, and how long it may work.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, Authorization};

/// SQLite asks whether to go on each time it has done so many steps of its virtual machine.
const STEPS_BETWEEN_CHECKS: i32 = 1_000;

/// How often it asks in a statement that stays on a thread of the runtime: for some milliseconds.
const INLINE_CHECKS: i64 = 50;

/// Prepared statements that a connection keeps.
const STATEMENTS_KEPT: usize = 64;

/// How long opening waits for another process that has the file locked, for recovery say.
const OPEN_WAIT: Duration = Duration::from_secs(5);

/// A connection as the pool keeps it.
pub(super) struct Connection {
    pub(super) sqlite: rusqlite::Connection,
    allowance: Arc<Allowance>,
    /// Set once a statement left something that the next user would notice.
    altered: Arc<AtomicBool>,
}

impl Connection {
    /// Opens and sets up a connection. Blocks.
    pub(super) fn open(path: &Path) -> Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut sqlite = rusqlite::Connection::open_with_flags(path, flags)
            .with_context(|| format!("cannot open the database {}", path.display()))?;
        set_up(&sqlite)
            .with_context(|| format!("cannot set up the database {}", path.display()))?;

        let allowance = Arc::new(Allowance::new());
        let checked = Arc::clone(&allowance);
        sqlite.progress_handler(STEPS_BETWEEN_CHECKS, Some(move || checked.is_used_up()))?;
        let altered = Arc::new(AtomicBool::new(false));
        let alters = Arc::clone(&altered);
        sqlite.authorizer(Some(move |context: rusqlite::hooks::AuthContext<'_>| {
            match effect(&context.action) {
                Effect::Forbidden => Authorization::Deny,
                Effect::Stays => {
                    alters.store(true, Relaxed);
                    Authorization::Allow
                }
                Effect::Ends => Authorization::Allow,
            }
        }))?;
        Ok(Connection { sqlite, allowance, altered })
    }

    /// Whether the next user gets it as it was opened.
    pub(super) fn is_reusable(&self) -> bool {
        !self.altered.load(Relaxed) && self.sqlite.is_autocommit()
    }

    /// The next statement may take some milliseconds.
    pub(super) fn allow_inline(&self) {
        self.allowance.checks_left.store(INLINE_CHECKS, Relaxed);
        self.allowance.ends_after_ms.store(u64::MAX, Relaxed);
    }

    /// The next statement may take this long.
    pub(super) fn allow_for(&self, duration: Duration) {
        self.allowance.checks_left.store(i64::MAX, Relaxed);
        self.allowance.ends_after_ms.store(self.allowance.elapsed_ms(duration), Relaxed);
    }
}

fn set_up(sqlite: &rusqlite::Connection) -> Result<()> {
    sqlite.busy_timeout(OPEN_WAIT)?;
    let mode: String =
        sqlite.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    ensure!(mode == "wal", "its folder cannot hold a write-ahead log (journal mode is {mode})");
    sqlite.pragma_update(None, "synchronous", "full")?;
    sqlite.pragma_update(None, "foreign_keys", true)?;
    sqlite.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    sqlite.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // From here on SQLite must not sleep: it would hold a thread of the runtime.
    sqlite.busy_timeout(Duration::ZERO)?;
    Ok(())
}

/// What remains of a statement on its connection, beside the data.
#[derive(Debug, PartialEq, Eq)]
enum Effect {
    /// It would reach other files, or undo what `set_up` promises.
    Forbidden,
    /// A temporary table or a setting, which the next user must not find.
    Stays,
    Ends,
}

fn effect(action: &AuthAction<'_>) -> Effect {
    match action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Effect::Forbidden,
        AuthAction::Pragma { pragma_name, pragma_value: Some(_) } => match *pragma_name {
            "busy_timeout" | "journal_mode" | "locking_mode" | "synchronous" => Effect::Forbidden,
            // These have the name of a table or index for a value, and set nothing.
            "foreign_key_check" | "foreign_key_list" | "index_info" | "index_list"
            | "index_xinfo" | "integrity_check" | "quick_check" | "table_info" | "table_list"
            | "table_xinfo" => Effect::Ends,
            _ => Effect::Stays,
        },
        AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. } => Effect::Stays,
        _ => Effect::Ends,
    }
}

/// How much longer a statement may run.
struct Allowance {
    start: Instant,
    checks_left: AtomicI64,
    ends_after_ms: AtomicU64,
}

impl Allowance {
    fn new() -> Allowance {
        Allowance {
            start: Instant::now(),
            checks_left: AtomicI64::new(i64::MAX),
            ends_after_ms: AtomicU64::new(u64::MAX),
        }
    }

    fn elapsed_ms(&self, more: Duration) -> u64 {
        u64::try_from((self.start.elapsed() + more).as_millis()).unwrap_or(u64::MAX)
    }

    fn is_used_up(&self) -> bool {
        self.checks_left.fetch_sub(1, Relaxed) <= 0
            || self.elapsed_ms(Duration::ZERO) > self.ends_after_ms.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bundled_sqlite_has_the_fix() {
        assert!(rusqlite::version_number() >= super::super::OLDEST_SOUND_VERSION);
    }

    #[test]
    fn a_connection_is_set_up_as_promised() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(&folder.path().join("a.db")).unwrap();
        let setting = |name: &str| -> String {
            let sql = format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}");
            connection.sqlite.query_row(&sql, [], |row| row.get(0)).unwrap()
        };
        assert_eq!(setting("journal_mode"), "wal");
        assert_eq!(setting("synchronous"), "2");
        assert_eq!(setting("foreign_keys"), "1");
        let wait: i64 = connection
            .sqlite
            .query_row("SELECT timeout FROM pragma_busy_timeout", [], |row| row.get(0))
            .unwrap();
        assert_eq!(wait, 0);
    }

    #[track_caller]
    fn check(sql: &str, allowed: bool, reusable: bool) {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(&folder.path().join("a.db")).unwrap();
        assert_eq!(connection.sqlite.execute_batch(sql).is_ok(), allowed, "{sql}");
        assert_eq!(connection.is_reusable(), reusable, "{sql}");
    }

    #[test]
    fn what_reaches_out_or_stays_behind_is_known() {
        check("CREATE TABLE t (id INTEGER) STRICT", true, true);
        check("PRAGMA user_version", true, true);
        check("PRAGMA table_info(t)", true, true);
        check("PRAGMA foreign_key_check", true, true);
        check("ATTACH 'other.db' AS other", false, true);
        check("ATTACH ':memory:' AS other", false, true);
        check("DETACH main", false, true);
        check("PRAGMA busy_timeout = 1000", false, true);
        check("PRAGMA journal_mode = DELETE", false, true);
        check("PRAGMA synchronous = OFF", false, true);
        check("PRAGMA foreign_keys = OFF", true, false);
        check("CREATE TEMP TABLE t (id INTEGER)", true, false);
        check("BEGIN", true, false);
    }
}
