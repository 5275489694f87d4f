//! A database file: its idle connections, the turn to write, and its slow statements.

use std::collections::{BTreeMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Result;
use tokio::sync::OwnedMutexGuard;
use tokio::time::Instant;

use super::connection::Connection;
use crate::options::Limits;

/// Connections that wait for their next user; each keeps two files open and a cache of pages.
const IDLE_CONNECTIONS_MAX: usize = 32;

/// Slow statements that are remembered, before all are forgotten and found again.
const SLOW_STATEMENTS_MAX: usize = 1_024;

/// Every database that components may open, by label.
#[derive(Debug, Default)]
pub(crate) struct Databases {
    by_label: BTreeMap<String, Arc<Database>>,
}

impl Databases {
    /// Opens the files of these labels in the data folder, and creates those that are missing.
    pub(crate) fn open(
        folder: &Path,
        labels: impl IntoIterator<Item = String>,
        limits: Limits,
    ) -> Result<Databases> {
        let mut by_label = BTreeMap::new();
        for label in labels {
            let file =
                if label == "default" { "mycelium.db".into() } else { format!("{label}.db") };
            by_label.insert(label, Database::open(folder.join(file), limits)?);
        }
        Ok(Databases { by_label })
    }

    pub(crate) fn get(&self, label: &str) -> Option<Arc<Database>> {
        self.by_label.get(label).cloned()
    }
}

/// One database file.
pub(crate) struct Database {
    path: PathBuf,
    pub(super) limits: Limits,
    idle: Mutex<Vec<Connection>>,
    /// Who holds it may write. Waiting for it is first come, first served, which waiting for
    /// SQLite's own lock is not; that one still decides against other processes.
    writer: Arc<tokio::sync::Mutex<()>>,
    slow: Mutex<HashSet<u64>>,
}

/// The turn to write to a database.
pub(super) type Turn = OwnedMutexGuard<()>;

impl std::fmt::Debug for Database {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Database({})", self.path.display())
    }
}

impl Database {
    /// Opens the file once, so that what is wrong with it shows at start. Blocks.
    pub(crate) fn open(path: PathBuf, limits: Limits) -> Result<Arc<Database>> {
        let first = Connection::open(&path)?;
        Ok(Arc::new(Database {
            path,
            limits,
            idle: Mutex::new(vec![first]),
            writer: Arc::default(),
            slow: Mutex::default(),
        }))
    }

    /// An idle connection, or a new one.
    pub(super) async fn connection(self: &Arc<Self>) -> Result<Connection> {
        if let Some(connection) = lock(&self.idle).pop() {
            return Ok(connection);
        }
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || Connection::open(&path)).await?
    }

    /// Takes a connection back, unless its next user would notice the last one.
    pub(super) fn give_back(&self, connection: Connection) {
        let mut idle = lock(&self.idle);
        if connection.is_reusable() && idle.len() < IDLE_CONNECTIONS_MAX {
            idle.push(connection);
        }
    }

    /// Waits for the turn to write; `None` when the time is over.
    pub(super) async fn turn_to_write(&self, until: Instant) -> Option<Turn> {
        let turn = Arc::clone(&self.writer).lock_owned();
        tokio::time::timeout_at(until, turn).await.ok()
    }

    pub(super) fn is_slow(&self, sql: &str) -> bool {
        lock(&self.slow).contains(&fingerprint(sql))
    }

    pub(super) fn remember_slow(&self, sql: &str) {
        let mut slow = lock(&self.slow);
        if slow.len() >= SLOW_STATEMENTS_MAX {
            slow.clear();
        }
        slow.insert(fingerprint(sql));
    }
}

fn fingerprint(sql: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    sql.hash(&mut hasher);
    hasher.finish()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
