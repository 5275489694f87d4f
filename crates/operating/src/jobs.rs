//! What watches the books and the market.

use domain::recurring::CHECK_INTEGRITY;
use store::chain::{Head, hex};
use store::{audit, ledger_chain, status};
use web::job::log;
use web::{Env, JobError};

/// Checks invariants, and writes the market's state down.
pub(crate) fn check_integrity(env: &Env<'_>) -> Result<(), JobError> {
    let checked = status::check(env.db, env.now, CHECK_INTEGRITY.limit());
    status::write(env.db, env.now)?;
    Ok(checked.map(drop)?)
}

/// Seals what was written to the audit log since the last run.
pub(crate) fn seal_audit(env: &Env<'_>) -> Result<(), JobError> {
    log_end("the audit log", &audit::seal(env.db)?);
    Ok(())
}

/// Seals what was booked since the last run.
pub(crate) fn seal_ledger(env: &Env<'_>) -> Result<(), JobError> {
    log_end("the ledger", &ledger_chain::seal(env.db)?);
    Ok(())
}

/// The end of a chain goes to the log, which is out of reach of who can write to the database.
fn log_end(description: &str, head: &Head) {
    if head.is_new {
        log(&format!("{description} is sealed up to {} with {}", head.id, hex(&head.hash)));
    }
}
