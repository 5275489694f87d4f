//! Makes mails and messages of events, in batches: one statement each, which only one run gets
//! done.

use std::collections::BTreeMap;

use domain::account::Email;
use domain::id::{AccountId, DeliveryId};
use domain::notification::NotificationCategory;
use domain::recurring::{CREATE_NOTIFICATIONS, EVENTS_PER_STATEMENT};
use mail::SealedMail;
use seal::Keys;
use store::notifications::{self, Batch, NewDelivery, NotificationMail, PendingNotification};
use ui::event::{notification_path, notification_title};
use web::{Env, JobError};

use crate::mails::{NoticeLine, notifications as notices_mail};
use crate::message as webhook;
use crate::notifications::page::{kind_words, notification_time};

/// What mails are made with.
struct MailSetup {
    keys: Keys,
    /// Where the app is reached from outside, without a slash at the end.
    base_url: String,
}

/// Makes mails and messages of what has happened since the last run.
pub(crate) fn notify(env: &Env<'_>) -> Result<(), JobError> {
    let mail_setup = mail_setup(env)?;
    let at_once = EVENTS_PER_STATEMENT.count;
    for _ in 0..CREATE_NOTIFICATIONS.limit() / at_once {
        let Some(batch) = notifications::next(env.db, at_once)? else { break };
        let mails = match &mail_setup {
            Some(mail_setup) => mails(env, mail_setup, &batch)?,
            None => Vec::new(),
        };
        // Where somebody else was faster, the next batch begins behind theirs.
        notifications::dispatch(env.db, &batch, &mails, &messages(env, &batch), env.now)?;
    }
    Ok(())
}

/// What mails are made with; `None` where none can be sent, or links would lead nowhere.
fn mail_setup(env: &Env<'_>) -> Result<Option<MailSetup>, JobError> {
    let base_url = env.config.public_url.clone();
    if !env.config.has_mail || base_url.is_empty() {
        return Ok(None);
    }
    Ok(Some(MailSetup { keys: env.keys()?, base_url }))
}

/// One mail for each account and kind, however often that has happened.
fn mails(
    env: &Env<'_>,
    mail_setup: &MailSetup,
    batch: &Batch,
) -> Result<Vec<NotificationMail>, JobError> {
    let mut bundles: BTreeMap<(AccountId, NotificationCategory), (&Email, Vec<NoticeLine>)> =
        BTreeMap::new();
    for pending in &batch.pending {
        let PendingNotification { notice, account, mail_to: Some(to), .. } = pending else {
            continue;
        };
        let line = NoticeLine {
            title: notification_title(notice),
            at: notification_time(notice),
            url: format!("{}{}", mail_setup.base_url, notification_path(notice)),
        };
        let bundle = bundles.entry((*account, notice.kind)).or_insert((to, Vec::new()));
        bundle.1.push(line);
    }
    let settings_url = format!("{}/dashboard/notifications/settings", mail_setup.base_url);
    let sealed = bundles.into_iter().map(|((account, kind), (to, lines))| {
        let mail = notices_mail(to, kind_words(kind), &lines, &settings_url);
        let SealedMail { id, kind, sealed } =
            mail::seal_new(&mail_setup.keys, &mail, env.random, env.now)
                .map_err(|error| JobError(error.to_string()))?;
        Ok(NotificationMail { id, account, kind, sealed })
    });
    sealed.collect()
}

fn messages(env: &Env<'_>, batch: &Batch) -> Vec<NewDelivery> {
    let of = |pending: &PendingNotification| {
        let body = webhook::notification_body(&pending.notice);
        let message = |id| NewDelivery {
            id: DeliveryId::from_random(env.now, env.random.id()),
            webhook: id,
            event: pending.notice.event.id,
            kind: pending.notice.event.kind,
            body: body.clone(),
        };
        pending.webhooks.iter().copied().map(message).collect::<Vec<_>>()
    };
    batch.pending.iter().flat_map(of).collect()
}
