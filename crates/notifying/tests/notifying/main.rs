//! What somebody is notified of, called natively on SQLite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod pages;
mod stream;
