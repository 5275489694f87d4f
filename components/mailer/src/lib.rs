//! Sends mail that is due, and does the other small things that are to be done all the time.

mod deliver;
mod late;

use store::chain::{Head, hex};
use store::{
    audit, challenges, job_runs, jobs, ledger_chain, limits, mails, maintenance, offering, quotes,
    sessions, tokens, transfers,
};
use web::job::log;
use web::{Env, Job, JobError};

edge::cron!("mailer", &[JOBS]);

/// What every run does, in this order.
const JOBS: &[Job] = &[
    Job { name: "deliver mails", run: deliver::deliver },
    Job { name: "release holds", run: |env| Ok(quotes::release_due(env.db, env.now)?) },
    Job { name: "apply raises", run: |env| Ok(offering::apply_raises(env.db, env.now)?) },
    Job { name: "tell of maintenance", run: |env| Ok(maintenance::remind(env.db, env.now)?) },
    Job { name: "give up jobs", run: |env| Ok(jobs::give_up(env.db, env.now)?) },
    Job { name: "tell of late jobs", run: late::tell },
    Job { name: "seal the audit log", run: seal_audit },
    Job { name: "seal the ledger", run: seal_ledger },
    Job { name: "sweep mails", run: |env| Ok(mails::sweep(env.db, env.now)?) },
    Job { name: "sweep sessions", run: |env| Ok(sessions::sweep(env.db, env.now)?) },
    Job { name: "sweep tokens", run: |env| Ok(tokens::sweep(env.db, env.now)?) },
    Job { name: "sweep challenges", run: |env| Ok(challenges::sweep(env.db, env.now)?) },
    Job { name: "sweep limits", run: |env| Ok(limits::sweep(env.db, env.now)?) },
    Job { name: "sweep quotes", run: |env| Ok(quotes::sweep(env.db, env.now)?) },
    Job { name: "sweep transfers", run: |env| Ok(transfers::sweep(env.db, env.now)?) },
    Job { name: "sweep agents", run: |env| Ok(job_runs::sweep_agents(env.db, env.now)?) },
    Job { name: "checkpoint", run: |env| Ok(job_runs::checkpoint(env.db).map(drop)?) },
    Job { name: "optimize", run: |env| Ok(job_runs::optimize(env.db).map(drop)?) },
];

/// Seals what was written to the audit log since the last run.
fn seal_audit(env: &Env<'_>) -> Result<(), JobError> {
    log_end("the audit log", &audit::seal(env.db)?);
    Ok(())
}

/// Seals what was booked since the last run.
fn seal_ledger(env: &Env<'_>) -> Result<(), JobError> {
    log_end("the ledger", &ledger_chain::seal(env.db)?);
    Ok(())
}

/// The end of a chain goes to the log, which is out of reach of who can write to the database.
fn log_end(what: &str, head: &Head) {
    if head.is_new {
        log(&format!("{what} is sealed up to {} with {}", head.id, hex(&head.hash)));
    }
}
