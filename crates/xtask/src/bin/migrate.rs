//! Applies the migrations that a database lacks: `migrate PATH`. `cargo xtask` builds and runs it.

use std::env;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use domain::time::Timestamp;
use store::{RusqliteDb, migrate};

#[expect(clippy::print_stdout, reason = "its answer is for the one who runs it")]
fn main() -> Result<()> {
    let path = env::args_os().nth(1).map(PathBuf::from).context("usage: migrate PATH")?;
    let context = || format!("migrating {}", path.display());
    let db = RusqliteDb::open(&path).with_context(context)?;
    let count = migrate::apply(&db, now()?).with_context(context)?;
    match count {
        0 => println!("The database is up to date: {}", path.display()),
        1 => println!("Applied 1 migration to {}", path.display()),
        _ => println!("Applied {count} migrations to {}", path.display()),
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "this is an edge of the project, like a component's")]
fn now() -> Result<Timestamp> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).context("reading the clock")?;
    let seconds = i64::try_from(since_epoch.as_secs()).context("reading the clock")?;
    Ok(Timestamp::from_seconds(seconds))
}
