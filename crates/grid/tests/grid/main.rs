//! Documents of the grid: recorded ones, changed ones, and those of servers that lie.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod hostile;
mod mutations;
mod recorded;
