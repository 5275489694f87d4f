//! Webhooks of accounts, and the messages that wait to be sent to them.
//!
//! A message is sent at least once, as mails are: taking it moves its next attempt on, in one
//! statement. At a time, one message of each webhook is taken, so that one that does not answer
//! keeps only itself waiting.

use domain::id::{AccountId, DeliveryId, WebhookId};
use domain::recurring::SWEEP_MESSAGES;
use domain::time::Timestamp;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::db::{Db, StoreError, Value};
use crate::row::{names, returning, row, select};

/// The most webhooks of one account.
pub const WEBHOOKS_MAX: u32 = 5;
/// How long after each attempt that failed the next one is due, in seconds: the schedule that
/// Standard Webhooks recommends, three days in all.
pub const WAITS_SECONDS: [i64; 9] =
    [5, 300, 1_800, 2 * 3_600, 5 * 3_600, 10 * 3_600, 14 * 3_600, 20 * 3_600, 24 * 3_600];
/// How often a message is tried before it is given up.
pub const ATTEMPTS_MAX: u32 = 10;
/// How long a message that was taken is left alone, in seconds. An attempt is over by then, or its
/// sender has died.
pub const LEASE_SECONDS: i64 = 60;
/// How long a webhook fails before it is disabled, in seconds: five days.
pub const FAILING_SECONDS: i64 = 5 * 24 * 60 * 60;
/// How long a message is kept after it was sent or has failed, in seconds: 30 days.
pub const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;
/// What a test tells.
pub const TEST: &str = "test";

/// The most characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 200;

/// A webhook to add.
pub struct NewWebhook<'a> {
    /// Its id.
    pub id: WebhookId,
    /// Whose it is.
    pub account: AccountId,
    /// Where it is.
    pub url: &'a str,
    /// What its messages are signed with, encrypted.
    pub sealed: &'a [u8],
}

/// Adds a webhook. `?1` id, `?2` account, `?3` URL, `?4` sealed, `?5` now, `?6` the most webhooks
/// of an account. No row comes back if it has as many. Served by `webhooks_by_account`.
const ADD: &str = "
    INSERT INTO webhooks (id, account_id, url, sealed, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5
     WHERE (SELECT count(*) FROM webhooks WHERE account_id = ?2) < ?6
 RETURNING id";

/// Adds a webhook; `false` if the account has as many as it can have.
pub fn add(db: &dyn Db, webhook: &NewWebhook<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let params = [
        Value::text(webhook.id),
        Value::text(webhook.account),
        webhook.url.into(),
        webhook.sealed.into(),
        now.into(),
        WEBHOOKS_MAX.into(),
    ];
    db.has_row(ADD, &params)
}

row! {
    /// A webhook, as its owner sees it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Webhook {
        /// Its id.
        pub id: WebhookId = "id",
        /// Where it is.
        pub url: String = "url",
        /// When it was added.
        pub created_at: Timestamp = "created_at",
        /// Since when nothing has got through; `None` while it does.
        pub failing_since: Option<Timestamp> = "failing_since",
        /// When it was disabled, if it was.
        pub disabled_at: Option<Timestamp> = "disabled_at",
    }
}

/// The webhooks of the account `?1`, the first one first; at most `?2`. Served by
/// `webhooks_by_account`.
const OF_ACCOUNT: &str =
    select!(Webhook, "FROM webhooks WHERE account_id = ?1 ORDER BY id LIMIT ?2");

/// The webhooks of an account.
pub fn of_account(db: &dyn Db, account: AccountId) -> Result<Vec<Webhook>, StoreError> {
    db.all(OF_ACCOUNT, &[Value::text(account), WEBHOOKS_MAX.into()])
}

row! {
    /// A webhook, and what it signs with.
    struct WithSecret {
        webhook: Webhook,
        sealed: Vec<u8> = "sealed",
    }
}

/// The webhook `?2` of the account `?1`, and what it signs with. Served by the primary key.
const FIND: &str = select!(WithSecret, "FROM webhooks WHERE id = ?2 AND account_id = ?1");

/// A webhook of an account, and what it signs with, encrypted; `None` if the account has no such
/// webhook.
pub fn find(
    db: &dyn Db,
    account: AccountId,
    id: WebhookId,
) -> Result<Option<(Webhook, Vec<u8>)>, StoreError> {
    let found: Option<WithSecret> = db.first(FIND, &[Value::text(account), Value::text(id)])?;
    Ok(found.map(|WithSecret { webhook, sealed }| (webhook, sealed)))
}

/// Sets what the webhook `?2` of the account `?1` signs with to `?4`, if it is still `?3`. No row
/// comes back if it is not.
const ROTATE: &str = "
    UPDATE webhooks SET sealed = ?4 WHERE id = ?2 AND account_id = ?1 AND sealed = ?3
 RETURNING id";

/// Sets what a webhook signs with; `false` if somebody else has done so meanwhile.
pub fn rotate(
    db: &dyn Db,
    account: AccountId,
    id: WebhookId,
    seen: &[u8],
    sealed: &[u8],
) -> Result<bool, StoreError> {
    let params = [Value::text(account), Value::text(id), seen.into(), sealed.into()];
    db.has_row(ROTATE, &params)
}

/// Removes the webhook `?2` of the account `?1` with its messages. No row comes back if there is
/// none.
const REMOVE: &str = "DELETE FROM webhooks WHERE id = ?2 AND account_id = ?1 RETURNING id";

/// Removes a webhook with its messages; `false` if the account has no such webhook.
pub fn remove(db: &dyn Db, account: AccountId, id: WebhookId) -> Result<bool, StoreError> {
    db.has_row(REMOVE, &[Value::text(account), Value::text(id)])
}

/// Makes the message `?3` with the body `?4` to the webhook `?2` of the account `?1`, due at `?5`;
/// `?6` is its kind. No row comes back if the account has no such webhook.
const MAKE_TEST: &str = returning!(
    "INSERT INTO webhook_deliveries (id, webhook_id, kind, body, due_at, created_at)
     SELECT ?3, id, ?6, ?4, ?5, ?5 FROM webhooks WHERE id = ?2 AND account_id = ?1",
    Delivery
);

/// Makes a test message; `None` if the account has no such webhook.
pub fn make_test(
    db: &dyn Db,
    account: AccountId,
    webhook: WebhookId,
    id: DeliveryId,
    body: &str,
    now: Timestamp,
) -> Result<Option<Delivery>, StoreError> {
    let params = [
        Value::text(account),
        Value::text(webhook),
        Value::text(id),
        body.into(),
        now.into(),
        TEST.into(),
    ];
    db.first(MAKE_TEST, &params)
}

/// How far a message has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum DeliveryState {
    /// It is tried, or tried again.
    Waiting,
    /// The endpoint has taken it.
    Sent,
    /// It is not tried any more.
    Failed,
}

names! { DeliveryState }

row! {
    /// A message, as the owner of its webhook sees it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Delivery {
        /// Its id, the same through all attempts.
        pub id: DeliveryId = "id",
        /// The event that it is about; `None` for a test.
        pub event: Option<i64> = "event_id",
        /// Its type, such as `slice-rented`.
        pub kind: String = "kind",
        /// The very bytes that are sent.
        pub body: String = "body",
        /// How far it has come.
        pub state: DeliveryState = "state",
        /// How often it was tried.
        pub attempts: u32 = "attempts",
        /// When it is tried next, while it waits.
        pub due_at: Timestamp = "due_at",
        /// What the last attempt was answered with.
        pub last_status: Option<u16> = "last_status",
        /// Why the last attempt failed.
        pub last_error: Option<String> = "last_error",
        /// When it was made.
        pub created_at: Timestamp = "created_at",
        /// When it was sent or given up.
        pub finished_at: Option<Timestamp> = "finished_at",
    }
}

/// Messages to the webhook `?2` of the account `?1` before `?3`, the last one first; at most `?4`.
/// Served by `webhook_deliveries_by_webhook`.
const DELIVERIES: &str = select!(
    Delivery,
    "FROM webhook_deliveries
     WHERE webhook_id = (SELECT id FROM webhooks WHERE id = ?2 AND account_id = ?1) AND id < ?3
     ORDER BY id DESC LIMIT ?4"
);

/// Messages to a webhook of an account, the last one first; at most `limit`.
pub fn deliveries(
    db: &dyn Db,
    account: AccountId,
    webhook: WebhookId,
    before: Option<DeliveryId>,
    limit: u32,
) -> Result<Vec<Delivery>, StoreError> {
    // No id begins with a character behind the digits of hexadecimal numbers.
    let before = before.map_or("g".to_owned(), |id| id.to_string());
    let params = [Value::text(account), Value::text(webhook), Value::Text(before), limit.into()];
    db.all(DELIVERIES, &params)
}

/// Lets the message `?3` to the webhook `?2` of the account `?1` be sent once more, due at `?4`,
/// with all of its attempts. No row comes back if there is none, or if it waits already.
const REPLAY: &str = "
    UPDATE webhook_deliveries
       SET state = 'waiting', attempts = 0, due_at = ?4, finished_at = NULL
     WHERE id = ?3 AND webhook_id = ?2 AND state <> 'waiting'
       AND EXISTS (SELECT 1 FROM webhooks WHERE id = ?2 AND account_id = ?1)
 RETURNING id";

/// Whether the message `?3` to the webhook `?2` of the account `?1` exists.
const HAS_DELIVERY: &str = "
    SELECT 1 FROM webhook_deliveries d JOIN webhooks w ON w.id = d.webhook_id
     WHERE d.id = ?3 AND w.id = ?2 AND w.account_id = ?1";

/// Lets a message be sent once more, unless it waits already; `false` if there is none.
pub fn replay(
    db: &dyn Db,
    account: AccountId,
    webhook: WebhookId,
    id: DeliveryId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let place = [Value::text(account), Value::text(webhook), Value::text(id)];
    let [account, webhook, delivery] = place.clone();
    if db.has_row(REPLAY, &[account, webhook, delivery, now.into()])? {
        return Ok(true);
    }
    db.has_row(HAS_DELIVERY, &place)
}

row! {
    /// A message that was taken, to be sent now.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Claimed {
        /// The message.
        pub id: DeliveryId = "id",
        /// The webhook.
        pub webhook: WebhookId = "webhook_id",
        /// Where it is.
        pub url: String = "(SELECT url FROM webhooks w WHERE w.id = webhook_id)",
        /// What it signs with, encrypted.
        pub sealed: Vec<u8> = "(SELECT sealed FROM webhooks w WHERE w.id = webhook_id)",
        /// Its type.
        pub kind: String = "kind",
        /// The very bytes that are sent.
        pub body: String = "body",
        /// Which attempt this is, from 1.
        pub attempt: u32 = "attempts",
    }
}

/// Takes the message that has been due for longest at `?1` of each webhook but those in `?3`, a
/// JSON array, those of the webhooks that have waited longest first and at most `?4`: nobody else
/// takes them for `?2` seconds. Events that are due at once are sent in their order. Of each
/// webhook it looks at those that are due first, by `webhook_deliveries_by_due`.
const CLAIM: &str = returning!(
    "UPDATE webhook_deliveries
        SET attempts = attempts + 1, due_at = ?1 + ?2
      WHERE id IN (
            SELECT id
              FROM (SELECT d.id, d.due_at
                      FROM webhooks w
                      JOIN webhook_deliveries d
                        ON d.id = (SELECT id FROM webhook_deliveries
                                    WHERE webhook_id = w.id AND state = 'waiting' AND due_at <= ?1
                                    ORDER BY due_at, event_id LIMIT 1)
                     WHERE w.id NOT IN (SELECT value FROM json_each(?3)))
             ORDER BY due_at, id LIMIT ?4)",
    Claimed
);

/// Takes messages that are due, at most one of each webhook and at most `limit`; none of the
/// webhooks that `failed` names.
pub fn claim(
    db: &dyn Db,
    failed: &[WebhookId],
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Claimed>, StoreError> {
    let failed: Vec<String> = failed.iter().map(ToString::to_string).collect();
    let failed = serde_json::to_string(&failed).expect("text can be written as JSON");
    let params = [now.into(), LEASE_SECONDS.into(), Value::Text(failed), limit.into()];
    db.all(CLAIM, &params)
}

/// The message `?1` was taken by its endpoint at `?2` with the status `?3`.
const SENT: &str = "
    UPDATE webhook_deliveries
       SET state = 'sent', last_status = ?3, last_error = NULL, finished_at = ?2
     WHERE id = ?1 AND state <> 'sent'";

/// Records that an endpoint took a message.
pub fn sent(db: &dyn Db, id: DeliveryId, status: u16, now: Timestamp) -> Result<(), StoreError> {
    let params = [Value::text(id), now.into(), u32::from(status).into()];
    db.run(SENT, &params).map(drop)
}

/// Why an attempt failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What the endpoint answered; `None` if it did not.
    pub status: Option<u16>,
    /// Why, in words. Nothing of the answer's body.
    pub why: String,
}

/// The status by which an endpoint says that it does not want messages any more.
const GONE: u16 = 410;

/// The columns of the command view, in order.
const FAIL: &str = "
    INSERT INTO fail_delivery (id, attempts, last_status, last_error, retry_at, is_gone,
                               failing_before, failed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Records that an attempt failed. The message is tried again by the schedule; a test is not. The
/// webhook is disabled if it has failed for too long, or has answered that it is gone.
pub fn failed_attempt(
    db: &dyn Db,
    claimed: &Claimed,
    failure: &Failure,
    now: Timestamp,
) -> Result<(), StoreError> {
    let is_gone = failure.status == Some(GONE);
    let attempt = usize::try_from(claimed.attempt).unwrap_or(usize::MAX);
    let wait = WAITS_SECONDS.get(attempt.saturating_sub(1));
    let wait = wait.filter(|_| !is_gone && claimed.kind != TEST);
    let line = |c: char| if c.is_control() { ' ' } else { c };
    let why: String = failure.why.chars().map(line).take(ERROR_CHARS_MAX).collect();
    let params = [
        Value::text(claimed.id),
        claimed.attempt.into(),
        failure.status.map(u32::from).into(),
        Value::Text(why),
        wait.map(|seconds| now.plus_seconds(*seconds)).into(),
        is_gone.into(),
        now.plus_seconds(-FAILING_SECONDS).into(),
        now.into(),
    ];
    db.run(FAIL, &params).map(drop)
}

/// Removes up to `?2` messages that were sent or given up before `?1`. Served by
/// `webhook_deliveries_by_end`.
const SWEEP: &str = "
    DELETE FROM webhook_deliveries WHERE id IN (
        SELECT id FROM webhook_deliveries WHERE finished_at <= ?1 LIMIT ?2)";

/// Removes messages that were sent or given up long ago; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP, &[now.plus_seconds(-KEPT_SECONDS).into(), SWEEP_MESSAGES.limit().into()])
        .map(drop)
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 4] = [
    (OF_ACCOUNT, "webhooks_by_account"),
    (ADD, "webhooks_by_account"),
    (DELIVERIES, "webhook_deliveries_by_webhook"),
    (SWEEP, "webhook_deliveries_by_end"),
];
