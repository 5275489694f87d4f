//! Notifications: the events that an account may see and wants to be told of. What is in the page
//! is read from the events; what goes out by mail and webhook is made once for each event.

use std::collections::BTreeMap;

use domain::account::Email;
use domain::event::EventKind;
use domain::id::{AccountId, DeliveryId, MailId, WebhookId};
use domain::notification::{Channel, NotificationCategory, NotificationSettings, Side};
use serde::Serialize;

use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::events::Event;
use crate::refusal::Refusal;
use crate::row::{FromJson, row, select};

/// The most unread notifications that are counted; there may be more.
pub const UNREAD_MAX: u32 = 99;

/// How many of an account's latest events are looked at for those that are unread.
const UNREAD_SCANNED_MAX: u32 = 500;

/// How many of an account's events are looked through for one page. Those that nobody is
/// notified of count, too.
const EVENTS_SCANNED_MAX: u32 = 5_000;

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// The event.
    pub event: Event,
    /// What it is about.
    pub kind: NotificationCategory,
    /// Which side of it the account is on.
    pub side: Side,
}

row! {
    /// An event as an account sees it.
    struct SeenEvent {
        event: Event,
        is_renter: bool = "is_renter",
    }
}

/// The latest `?4` events before `?2` that the account `?1` sees, of the kinds that `?3`, an object
/// of events and their kinds, has, and that the account has not taken from the page; the last one
/// first, at most `?5`. Served by `events_by_renter` and `events_by_farmer`, whose rows SQLite
/// merges.
const LIST: &str = select!(
    SeenEvent,
    "FROM (SELECT id, kind, node_id, slice_number, rental_id, created_at, subject, 1 AS is_renter
              FROM events WHERE renter_id = ?1 AND id < ?2
             UNION ALL
            SELECT id, kind, node_id, slice_number, NULL, created_at, subject, 0
              FROM events WHERE farmer_id = ?1 AND id < ?2 AND renter_id IS NOT ?1
             ORDER BY id DESC LIMIT ?4)
     WHERE kind IN (SELECT key FROM json_each(?3)
                     WHERE value NOT IN (SELECT kind FROM notification_settings
                                          WHERE account_id = ?1 AND channel = 'page' AND is_on = 0))
     ORDER BY id DESC LIMIT ?5"
);

/// An account's notifications, the last one first, before the event `before`; at most `limit`.
pub fn list(
    db: &dyn Db,
    account: AccountId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Notice>, StoreError> {
    let params = [
        Value::text(account),
        before.unwrap_or(i64::MAX).into(),
        Value::Text(kinds()),
        EVENTS_SCANNED_MAX.into(),
        limit.into(),
    ];
    let notice = |SeenEvent { event, is_renter }: SeenEvent| {
        let kind = event.kind.notice();
        let kind = kind.ok_or_else(|| StoreError::Corrupt("an event that is no notice".into()))?;
        Ok(Notice { event, kind, side: side(is_renter) })
    };
    db.all(LIST, &params)?.into_iter().map(notice).collect()
}

fn side(is_renter: bool) -> Side {
    if is_renter { Side::Renter } else { Side::Farmer }
}

/// Every event that people are notified of, and its kind, as a JSON object.
fn kinds() -> String {
    let told = EventKind::with_notice().map(|(event, kind)| (event.into_str(), kind.into_str()));
    json(&told.collect::<BTreeMap<_, _>>())
}

/// How many notifications the account `?1` has not read, up to `?4`, of its latest `?3` events.
/// `?2` as in `LIST`. Served by `events_by_renter` and `events_by_farmer`.
const UNREAD: &str = "
    SELECT count(*) FROM (
        SELECT 1
          FROM (SELECT id, kind FROM events
                 WHERE renter_id = ?1
                   AND id > (SELECT notices_read_id FROM accounts WHERE id = ?1)
                 UNION ALL
                SELECT id, kind FROM events
                 WHERE farmer_id = ?1 AND renter_id IS NOT ?1
                   AND id > (SELECT notices_read_id FROM accounts WHERE id = ?1)
                 ORDER BY id DESC LIMIT ?3)
         WHERE kind IN (SELECT key FROM json_each(?2)
                         WHERE value NOT IN (
                               SELECT kind FROM notification_settings
                                WHERE account_id = ?1 AND channel = 'page' AND is_on = 0))
         LIMIT ?4)";

/// How many notifications an account has not read: at most one more than [`UNREAD_MAX`].
pub fn unread(db: &dyn Db, account: AccountId) -> Result<u32, StoreError> {
    let params = [
        Value::text(account),
        Value::Text(kinds()),
        UNREAD_SCANNED_MAX.into(),
        (UNREAD_MAX + 1).into(),
    ];
    db.one(UNREAD, &params)
}

/// Up to which event the account `?1` has read its notifications.
const READ_UP_TO: &str = "SELECT notices_read_id FROM accounts WHERE id = ?1";

/// Up to which event an account has read its notifications.
pub fn read_up_to(db: &dyn Db, account: AccountId) -> Result<i64, StoreError> {
    Ok(db.first(READ_UP_TO, &[Value::text(account)])?.unwrap_or(0))
}

/// The account `?1` has read up to the event `?2`, or to the last one there is. It stays read.
const MARK_READ: &str = "
    UPDATE accounts
       SET notices_read_id = max(notices_read_id,
                                 min(?2, (SELECT coalesce(max(id), 0) FROM events)))
     WHERE id = ?1";

/// Writes down that an account has read its notifications up to the event `through`.
pub fn mark_read(db: &dyn Db, account: AccountId, through: i64) -> Result<(), StoreError> {
    db.run(MARK_READ, &[Value::text(account), through.into()]).map(drop)
}

/// What the account `?1` has chosen otherwise than the defaults. Served by the primary key.
const CHOICES: &str =
    "SELECT kind, channel, is_on FROM notification_settings WHERE account_id = ?1";

/// What an account has chosen.
pub fn settings(db: &dyn Db, account: AccountId) -> Result<NotificationSettings, StoreError> {
    let mut settings = NotificationSettings::default();
    for (kind, channel, is_on) in db.all(CHOICES, &[Value::text(account)])? {
        settings.set(kind, channel, is_on);
    }
    Ok(settings)
}

/// Keeps what the account `?1` chooses, `?2` as the command view takes it.
const CHOOSE: &str =
    "INSERT INTO change_notification_settings (account_id, choices) VALUES (?1, ?2)";

/// Keeps what an account chooses.
pub fn choose(
    db: &dyn Db,
    account: AccountId,
    settings: &NotificationSettings,
) -> Result<(), StoreError> {
    #[derive(Serialize)]
    struct ChannelSetting {
        kind: &'static str,
        channel: &'static str,
        is_on: u8,
    }
    let kept: Vec<ChannelSetting> = settings
        .differing()
        .map(|(kind, channel, is_on)| ChannelSetting {
            kind: kind.into_str(),
            channel: channel.into_str(),
            is_on: is_on.into(),
        })
        .collect();
    db.run(CHOOSE, &[Value::text(account), Value::Text(json(&kept))]).map(drop)
}

/// Somebody who is to be notified of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingNotification {
    /// The notification.
    pub notice: Notice,
    /// Who gets it.
    pub account: AccountId,
    /// Where mail goes to; `None` where none is sent.
    pub mail_to: Option<Email>,
    /// The webhooks that get it.
    pub webhooks: Vec<WebhookId>,
}

/// Events that nothing was made of yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// The event up to which everything was made before.
    pub seen: i64,
    /// The last event of the batch.
    pub last: i64,
    /// Who is notified of what, in the order of events.
    pub pending: Vec<PendingNotification>,
}

row! {
    /// An event, and an account that sees it.
    struct Pending {
        event: Event,
        is_renter: Option<bool> = "is_renter",
        /// The event up to which everything was made before.
        seen: i64 = "seen_id",
        account: Option<AccountId> = "account_id",
        /// Empty where the account is suspended or deleted.
        email: Option<String> = "email",
        settings: Vec<(NotificationCategory, Channel, bool)> =
            "(SELECT json_group_array(json_array(kind, channel, is_on)) FROM notification_settings c
               WHERE c.account_id = e.account_id)",
        webhooks: Vec<WebhookId> =
            "(SELECT json_group_array(id) FROM webhooks w
               WHERE w.account_id = e.account_id AND disabled_at IS NULL)",
    }
}

impl FromJson for (NotificationCategory, Channel, bool) {
    type Json = (String, String, u8);

    fn from_json((kind, channel, is_on): Self::Json) -> Option<Self> {
        Some((kind.parse().ok()?, channel.parse().ok()?, is_on == 1))
    }
}

impl FromJson for WebhookId {
    type Json = String;

    fn from_json(id: String) -> Option<WebhookId> {
        WebhookId::parse(&id)
    }
}

/// The next `?1` events behind the cursor, each with the accounts that see it: the renter's row has
/// the rental, the farmer's has not. With the account's address, what it has chosen, and its
/// webhooks. Served by the primary keys and `webhooks_by_account`.
const BATCH: &str = select!(
    Pending,
    "FROM (
         SELECT e.id, e.kind, e.node_id, e.slice_number,
                CASE WHEN w.is_renter THEN e.rental_id END AS rental_id, e.created_at, e.subject,
                w.is_renter, c.event_id AS seen_id, a.id AS account_id,
                CASE WHEN a.deleted_at IS NULL AND a.disabled_at IS NULL THEN a.email ELSE '' END
                AS email
           FROM notification_cursor c
           JOIN (SELECT id, kind, renter_id, farmer_id, node_id, slice_number, rental_id,
                        created_at, subject
                   FROM events WHERE id > (SELECT event_id FROM notification_cursor)
                  ORDER BY id LIMIT ?1) e
           LEFT JOIN (SELECT 1 AS is_renter UNION ALL SELECT 0) w
             ON CASE WHEN w.is_renter THEN e.renter_id IS NOT NULL
                     ELSE e.farmer_id IS NOT NULL AND e.farmer_id IS NOT e.renter_id END
           LEFT JOIN accounts a
             ON a.id = CASE WHEN w.is_renter THEN e.renter_id ELSE e.farmer_id END) e
     ORDER BY id, is_renter"
);

/// The next events to tell of, at most `limit`; `None` where there are none.
pub fn next(db: &dyn Db, limit: u32) -> Result<Option<Batch>, StoreError> {
    let rows: Vec<Pending> = db.all(BATCH, &[limit.into()])?;
    let Some(last) = rows.last() else { return Ok(None) };
    let (seen, last) = (last.seen, last.event.id);
    Ok(Some(Batch { seen, last, pending: rows.into_iter().filter_map(pending).collect() }))
}

/// Who is notified of an event, and how; `None` where nobody is.
fn pending(row: Pending) -> Option<PendingNotification> {
    let kind = row.event.kind.notice()?;
    let account = row.account?;
    let side = side(row.is_renter == Some(true));
    let mut settings = NotificationSettings::default();
    for (of, channel, is_on) in row.settings {
        settings.set(of, channel, is_on);
    }
    let email = row.email.and_then(|email| Email::parse(&email).ok());
    let is_mailed = settings.is_on(kind, Channel::Mail) && row.event.kind.is_mailed_to(side);
    let is_told = settings.is_on(kind, Channel::Webhook) && email.is_some();
    let pending = PendingNotification {
        notice: Notice { event: row.event, kind, side },
        account,
        mail_to: email.filter(|_| is_mailed),
        webhooks: if is_told { row.webhooks } else { Vec::new() },
    };
    let has_channel = pending.mail_to.is_some() || !pending.webhooks.is_empty();
    Some(pending).filter(|_| has_channel)
}

/// A mail about events.
pub struct NotificationMail {
    /// Its id.
    pub id: MailId,
    /// Whose account it is about.
    pub account: AccountId,
    /// Which mail.
    pub kind: String,
    /// Recipient, subject and text, encrypted.
    pub sealed: Vec<u8>,
}

/// A message to a webhook.
pub struct NewDelivery {
    /// Its id.
    pub id: DeliveryId,
    /// The webhook.
    pub webhook: WebhookId,
    /// The event that it is about.
    pub event: i64,
    /// Its kind.
    pub kind: EventKind,
    /// The very bytes that are sent.
    pub body: String,
}

/// The columns of the command view, in order.
const DISPATCH: &str = "
    INSERT INTO dispatch_notifications (seen_id, event_id, mails, deliveries, dispatched_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Puts the mails and messages of a batch where they are sent from, and goes on behind it; `false`
/// if somebody else has done so meanwhile, and then nothing has changed.
pub fn dispatch(
    db: &dyn Db,
    batch: &Batch,
    mails: &[NotificationMail],
    deliveries: &[NewDelivery],
    now: Timestamp,
) -> Result<bool, StoreError> {
    #[derive(Serialize)]
    struct MailJson<'a> {
        id: String,
        account: String,
        kind: &'a str,
        sealed: String,
    }
    #[derive(Serialize)]
    struct DeliveryJson<'a> {
        id: String,
        webhook: String,
        event: i64,
        kind: &'a str,
        body: &'a str,
    }
    let mails: Vec<MailJson<'_>> = mails
        .iter()
        .map(|mail| MailJson {
            id: mail.id.to_string(),
            account: mail.account.to_string(),
            kind: &mail.kind,
            sealed: crate::chain::hex(&mail.sealed),
        })
        .collect();
    let deliveries: Vec<DeliveryJson<'_>> = deliveries
        .iter()
        .map(|delivery| DeliveryJson {
            id: delivery.id.to_string(),
            webhook: delivery.webhook.to_string(),
            event: delivery.event,
            kind: delivery.kind.into_str(),
            body: &delivery.body,
        })
        .collect();
    let params = [
        batch.seen.into(),
        batch.last.into(),
        Value::Text(json(&mails)),
        Value::Text(json(&deliveries)),
        now.into(),
    ];
    match db.run(DISPATCH, &params) {
        Ok(_) => Ok(true),
        Err(StoreError::Refused(Refusal::NoticeCursorMoved)) => Ok(false),
        Err(error) => Err(error),
    }
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("numbers and text can be written as JSON")
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 5] = [
    (LIST, "events_by_renter"),
    (LIST, "events_by_farmer"),
    (UNREAD, "events_by_renter"),
    (UNREAD, "events_by_farmer"),
    (BATCH, "webhooks_by_account"),
];
