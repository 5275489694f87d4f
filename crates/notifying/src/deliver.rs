//! Posts messages to webhooks: one of each webhook at a time, several webhooks at once. One that
//! has failed is left alone until the next run.

use std::time::Duration;

use domain::id::WebhookId;
use domain::recurring::{DELIVER_MESSAGES, MESSAGES_AT_ONCE, SENDING_SECONDS};
use seal::Keys;
use store::webhooks::{self, ATTEMPTS_MAX, Claimed, Failure};
use web::env::{Message, NoKeys};
use web::job::log;
use web::{Env, JobError};

use crate::message::{Reach, Secret, parse_url};

/// Posts messages that are due.
pub(crate) fn deliver(env: &Env<'_>) -> Result<(), JobError> {
    let keys = match env.keys() {
        // Then there is no webhook.
        Err(NoKeys::Unset) => return Ok(()),
        keys => keys?,
    };
    let reach = Reach::read(|name| env.variable(name)).map_err(JobError)?;
    let started = env.clock.elapsed();
    let taking_time = Duration::from_secs(SENDING_SECONDS.count.into());
    let mut failed: Vec<WebhookId> = Vec::new();
    for _ in 0..DELIVER_MESSAGES.limit() {
        if env.clock.elapsed().saturating_sub(started) > taking_time {
            break;
        }
        let claimed = webhooks::claim(env.db, &failed, MESSAGES_AT_ONCE.count, env.clock.now())?;
        if claimed.is_empty() {
            break;
        }
        post(env, &keys, reach, &claimed, &mut failed)?;
    }
    Ok(())
}

/// Posts messages at once, and writes down what came of each.
fn post(
    env: &Env<'_>,
    keys: &Keys,
    reach: Reach,
    claimed: &[Claimed],
    failed: &mut Vec<WebhookId>,
) -> Result<(), JobError> {
    let ready: Vec<Result<Message<'_>, String>> =
        claimed.iter().map(|claimed| message(env, keys, reach, claimed)).collect();
    let (kept, refused): (Vec<_>, Vec<_>) =
        ready.into_iter().zip(claimed).partition(|(ready, _)| ready.is_ok());
    let mut outcomes: Vec<(&Claimed, Result<u16, String>)> =
        refused.into_iter().map(|(ready, claimed)| (claimed, ready.map(|_| 0))).collect();
    let (messages, posted): (Vec<_>, Vec<_>) =
        kept.into_iter().filter_map(|(ready, claimed)| Some((ready.ok()?, claimed))).unzip();
    outcomes.extend(posted.into_iter().zip(env.outbound.post_all(&messages)));
    for (claimed, outcome) in outcomes {
        let Claimed { id, webhook, attempt, .. } = claimed;
        let failure = match outcome {
            Ok(status @ 200..=299) => {
                webhooks::sent(env.db, *id, status, env.clock.now())?;
                log(&format!("notifier {id} attempt={attempt} sent"));
                continue;
            }
            Ok(status) => Failure { status: Some(status), why: format!("status {status}") },
            Err(why) => Failure { status: None, why },
        };
        let Failure { why, .. } = &failure;
        log(&format!("notifier {id} attempt={attempt} failed {why:?}"));
        webhooks::failed_attempt(env.db, claimed, &failure, env.clock.now())?;
        failed.push(*webhook);
    }
    Ok(())
}

/// A message that is ready to be posted, or why it cannot be.
fn message<'a>(
    env: &Env<'_>,
    keys: &Keys,
    reach: Reach,
    claimed: &'a Claimed,
) -> Result<Message<'a>, String> {
    if claimed.attempt > ATTEMPTS_MAX {
        // A message that ends its notifier would otherwise do so for ever.
        return Err("the last attempt had no end".to_owned());
    }
    // What was good when it was saved may be refused by now.
    parse_url("url", &claimed.url, reach).map_err(|wrong| format!("expected {}", wrong.rule))?;
    let secret = Secret::open(keys, claimed.webhook, &claimed.sealed)
        .map_err(|error| format!("the secret cannot be opened: {error}"))?;
    let headers = secret.headers(claimed.id, &claimed.body, env.clock.now());
    Ok(Message { url: &claimed.url, headers, body: claimed.body.as_bytes() })
}
