//! Makes mails and messages of events, in batches: one statement each, which only one run gets
//! done.

use std::collections::BTreeMap;

use domain::account::Email;
use domain::id::{AccountId, DeliveryId};
use domain::notice::NoticeKind;
use domain::recurring::{CREATE_NOTIFICATIONS, EVENTS_PER_STATEMENT};
use mail::SealedMail;
use seal::Keys;
use store::notices::{self, Batch, NewDelivery, NoticeMail, Telling};
use ui::event::{notice_path, notice_title};
use web::{Env, JobError};

use crate::mails::{NoticeLine, notices as notices_mail};
use crate::message as webhook;
use crate::notices::page::{kind_words, notice_time};

/// What mails are made with.
struct Outlet {
    keys: Keys,
    /// Where the app is reached from outside, without a slash at the end.
    base_url: String,
}

/// Makes mails and messages of what has happened since the last run.
pub(crate) fn tell(env: &Env<'_>) -> Result<(), JobError> {
    let outlet = outlet(env)?;
    let at_once = EVENTS_PER_STATEMENT.count;
    for _ in 0..CREATE_NOTIFICATIONS.limit() / at_once {
        let Some(batch) = notices::next(env.db, at_once)? else { break };
        let mails = match &outlet {
            Some(outlet) => mails(env, outlet, &batch)?,
            None => Vec::new(),
        };
        // Where somebody else was faster, the next batch begins behind theirs.
        notices::dispatch(env.db, &batch, &mails, &messages(env, &batch), env.now)?;
    }
    Ok(())
}

/// What mails are made with; `None` where none can be sent, or links would lead nowhere.
fn outlet(env: &Env<'_>) -> Result<Option<Outlet>, JobError> {
    let base_url = env.config.public_url.clone();
    if !env.config.has_mail || base_url.is_empty() {
        return Ok(None);
    }
    Ok(Some(Outlet { keys: env.keys()?, base_url }))
}

/// One mail for each account and kind, however often that has happened.
fn mails(env: &Env<'_>, outlet: &Outlet, batch: &Batch) -> Result<Vec<NoticeMail>, JobError> {
    let mut bundles: BTreeMap<(AccountId, NoticeKind), (&Email, Vec<NoticeLine>)> = BTreeMap::new();
    for telling in &batch.tellings {
        let Telling { notice, account, mail_to: Some(to), .. } = telling else { continue };
        let line = NoticeLine {
            title: notice_title(notice),
            at: notice_time(notice),
            url: format!("{}{}", outlet.base_url, notice_path(notice)),
        };
        let bundle = bundles.entry((*account, notice.kind)).or_insert((to, Vec::new()));
        bundle.1.push(line);
    }
    let settings_url = format!("{}/dashboard/notifications/settings", outlet.base_url);
    let sealed = bundles.into_iter().map(|((account, kind), (to, lines))| {
        let mail = notices_mail(to, kind_words(kind), &lines, &settings_url);
        let SealedMail { id, kind, sealed } =
            mail::seal_new(&outlet.keys, &mail, env.random, env.now)
                .map_err(|error| JobError(error.to_string()))?;
        Ok(NoticeMail { id, account, kind, sealed })
    });
    sealed.collect()
}

fn messages(env: &Env<'_>, batch: &Batch) -> Vec<NewDelivery> {
    let of = |telling: &Telling| {
        let body = webhook::notice_body(&telling.notice);
        let message = |id| NewDelivery {
            id: DeliveryId::from_random(env.now, env.random.id()),
            webhook: id,
            event: telling.notice.event.id,
            kind: telling.notice.event.kind,
            body: body.clone(),
        };
        telling.webhooks.iter().copied().map(message).collect::<Vec<_>>()
    };
    batch.tellings.iter().flat_map(of).collect()
}
