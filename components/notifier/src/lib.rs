//! Tells people what happened: makes mails and messages of events, each once, and posts messages to
//! webhooks. What looks at promises is here, too, for that is what it tells.

mod deliver;
mod tell;

use store::{promises, webhooks};
use web::{Env, Job, JobError};

edge::cron!("notifier", &[JOBS]);

/// How many months of nodes are looked at in one statement, and in how many in one run.
const MONTHS_AT_ONCE: u32 = 200;
const ROUNDS_MAX: usize = 5;

/// What every run does, in this order: what is found of promises is told in the same run.
const JOBS: &[Job] = &[
    Job { name: "look at promises", run: judge },
    Job { name: "tell", run: tell::tell },
    Job { name: "deliver messages", run: deliver::deliver },
    Job { name: "sweep messages", run: |env| Ok(webhooks::sweep(env.db, env.now)?) },
];

fn judge(env: &Env<'_>) -> Result<(), JobError> {
    for _ in 0..ROUNDS_MAX {
        if promises::judge(env.db, MONTHS_AT_ONCE, env.now)? == 0 {
            break;
        }
    }
    Ok(())
}
