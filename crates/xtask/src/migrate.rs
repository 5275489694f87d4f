//! `cargo xtask migrate`: brings a database up to date before the app does it by itself.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::artifact::Programs;
use crate::process;
use crate::progress::say;

/// Applies the migrations that the database lacks, and says which version it has then.
///
/// A program of its own does it, so that `cargo xtask` is there in seconds: SQLite takes a minute
/// to compile, and is built along with the host.
pub(crate) fn apply(programs: &Programs, database: &Path) -> Result<()> {
    let said = process::output(Command::new(&programs.migrate).arg(database))?;
    say(said.trim_end());
    Ok(())
}
