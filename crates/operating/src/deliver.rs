//! Sending: takes one mail after the other from the outbox, and hands each to the mail transport.

use std::time::Duration;

use domain::recurring::{DELIVER_MAILS, SENDING_SECONDS};
use domain::time::Timestamp;
use mail::{Failure, MailConfig, OpenError};
use seal::SealError;
use store::mails::{self, ATTEMPTS_MAX, Claimed, Retry};
use web::env::Message;
use web::job::log;
use web::{Env, JobError};

/// Sends mail that is due. A mail transport that fails is left alone until the next run: one that
/// is down is asked once in a run, not once for each mail.
pub(crate) fn deliver(env: &Env<'_>) -> Result<(), JobError> {
    let (db, clock) = (env.db, env.clock);
    let Some(config) = MailConfig::read(|name| env.variable(name)).map_err(JobError)? else {
        return Ok(());
    };
    let started = clock.elapsed();
    let taking_time = Duration::from_secs(SENDING_SECONDS.count.into());
    for _ in 0..DELIVER_MAILS.limit() {
        if clock.elapsed().saturating_sub(started) > taking_time {
            break;
        }
        // The next attempt is so long after this mail was taken, not after the run began.
        let now = clock.now();
        let Some(claimed) = mails::claim(db, now)? else { break };
        let Claimed { id, ref kind, attempt, .. } = claimed;
        match send(env, &config, &claimed, now) {
            Ok(()) => {
                mails::sent(db, id, clock.now())?;
                log(&format!("mailer {id} {kind} attempt={attempt} sent"));
            }
            Err(failure) => {
                let retry = match failure {
                    Failure::OfMail(_) => Retry::No,
                    Failure::Transport(_) => Retry::Yes,
                };
                let why = failure.to_string();
                log(&format!("mailer {id} {kind} attempt={attempt} failed {why:?}"));
                mails::failed_attempt(db, &claimed, &why, retry, clock.now())?;
                if retry == Retry::Yes {
                    break;
                }
            }
        }
    }
    Ok(())
}

fn send(
    env: &Env<'_>,
    config: &MailConfig,
    claimed: &Claimed,
    now: Timestamp,
) -> Result<(), Failure> {
    let Claimed { id, ref sealed, attempt, .. } = *claimed;
    if attempt > ATTEMPTS_MAX {
        // A mail that ends its mailer would otherwise do so for ever.
        return Err(Failure::OfMail("the last attempt had no end".to_owned()));
    }
    let mail = mail::open(&config.keys, id, sealed).map_err(|error| match error {
        // It opens once the operator has set its key again.
        OpenError::Sealed(SealError::NoSuchKey(_)) => Failure::Transport(error.to_string()),
        OpenError::Sealed(_) | OpenError::MalformedRequest => Failure::OfMail(error.to_string()),
    })?;
    let post = config.post(id, &mail, now);
    let message = Message { url: &post.url, headers: post.headers, body: &post.body };
    let answer = env.outbound.post(&message).map_err(Failure::Transport)?;
    config.verdict(answer.status, &answer.body)
}
