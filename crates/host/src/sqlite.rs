//! SQLite for guests: one file for each label, with as many connections as are wanted at once.
//!
//! Components are synchronous and many, a host's threads are few, and other processes may share a
//! file. So nothing here waits inside SQLite: a statement that is not ready to run is tried again
//! later, and one that runs for long moves to a thread of its own.

mod connection;
mod database;
mod run;
mod session;

pub(crate) use database::{Database, Databases};
#[expect(unreachable_pub, reason = "bindgen re-exports the type of a WIT resource")]
pub use session::Session;
pub(crate) use session::Sessions;

/// Up to 3.51.2 a rare race of two writers could corrupt a database in WAL mode.
const OLDEST_SOUND_VERSION: i32 = 3_051_003;

const _: () = assert!(
    rusqlite::ffi::SQLITE_VERSION_NUMBER >= OLDEST_SOUND_VERSION,
    "the bundled SQLite has the WAL-reset bug, see https://sqlite.org/wal.html"
);
