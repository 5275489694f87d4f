//! The outbox: mail that waits to be sent, and what became of it.
//!
//! A mail is sent at least once. Taking it moves its next attempt on, in one statement, so that two
//! mailers at once do not take the same one, and one that dies leaves its mail to the next.

use domain::id::{AccountId, MailId};
use domain::recurring::SWEEP_MAILS;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::row::{returning, row, select};

/// How often a mail is tried before it is left to the operator: for four hours and a quarter.
pub const ATTEMPTS_MAX: u32 = 10;
/// How long after the first attempt the second one is due, in seconds. Each next wait is twice as
/// long. An attempt must be over by then, or another mailer takes the mail too.
pub const FIRST_WAIT_SECONDS: i64 = 30;
/// How long a mail is kept after it was sent or has failed, in seconds: 30 days.
pub const KEPT_SECONDS: i64 = 30 * 24 * 60 * 60;

/// The most characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 200;

/// A mail to send.
pub struct NewMail<'a> {
    /// Its id.
    pub id: MailId,
    /// The account that it is about; `None` where there is none.
    pub account: Option<AccountId>,
    /// Which mail, such as `sign-up`.
    pub kind: &'a str,
    /// Recipient, subject and text, encrypted.
    pub sealed: &'a [u8],
}

/// Puts a mail into the outbox, due at once. `?1` id, `?2` account, `?3` kind, `?4` sealed,
/// `?5` now.
const ENQUEUE: &str = "
    INSERT INTO mails (id, account_id, kind, sealed, due_at, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?5)";

/// Puts a mail into the outbox, due at once.
pub fn enqueue(db: &dyn Db, mail: &NewMail<'_>, now: Timestamp) -> Result<(), StoreError> {
    let params = [
        Value::text(mail.id),
        mail.account.map(|account| account.to_string()).as_deref().into(),
        mail.kind.into(),
        mail.sealed.into(),
        now.into(),
    ];
    db.run(ENQUEUE, &params).map(drop)
}

row! {
    /// A mail that was taken, to be sent now.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Claimed {
        /// The mail.
        pub id: MailId = "id",
        /// Which mail, such as `sign-up`.
        pub kind: String = "kind",
        /// Recipient, subject and text, encrypted.
        pub sealed: Vec<u8> = "sealed",
        /// Which attempt this is, from 1.
        pub attempt: u32 = "attempts",
    }
}

/// Takes the mail that has been due for longest at `?1`: its next attempt is `?2` seconds away,
/// doubled for each attempt so far but at most `?3` times. No row comes back if none is due. Served
/// by `mails_by_due`.
const CLAIM: &str = returning!(
    "UPDATE mails
        SET attempts = attempts + 1, due_at = ?1 + (?2 << min(attempts, ?3))
      WHERE id = (SELECT id FROM mails WHERE state = 'waiting' AND due_at <= ?1
                   ORDER BY due_at, id LIMIT 1)",
    Claimed
);

/// Takes the mail that has been due for longest; `None` if none is due.
pub fn claim(db: &dyn Db, now: Timestamp) -> Result<Option<Claimed>, StoreError> {
    let params = [now.into(), FIRST_WAIT_SECONDS.into(), ATTEMPTS_MAX.into()];
    db.first(CLAIM, &params)
}

/// The mail `?1` was taken by a mail transport at `?2`: nobody needs its text any more.
const SENT: &str = "
    UPDATE mails SET state = 'sent', sealed = NULL, finished_at = ?2
     WHERE id = ?1 AND state <> 'sent'";

/// Records that a mail transport took a mail.
pub fn sent(db: &dyn Db, id: MailId, now: Timestamp) -> Result<(), StoreError> {
    db.run(SENT, &[Value::text(id), now.into()]).map(drop)
}

/// The attempt `?2` to send the mail `?1` failed at `?3` with the error `?4`. It is the last one if
/// `?5` is true. Somebody who has taken the mail since then is not in the way.
const FAILED_ATTEMPT: &str = "
    UPDATE mails
       SET last_error = ?4,
           state = CASE WHEN ?5 THEN 'failed' ELSE state END,
           finished_at = CASE WHEN ?5 THEN ?3 ELSE finished_at END
     WHERE id = ?1 AND attempts = ?2 AND state = 'waiting'";

/// Whether a mail may be tried again after an attempt that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Unless it was the last attempt.
    Yes,
    /// This mail will never be taken.
    No,
}

/// Records that an attempt failed. `error` holds no address and no text of the mail; it is put on
/// one line and cut. After the last attempt the mail waits for the operator.
pub fn failed_attempt(
    db: &dyn Db,
    mail: &Claimed,
    error: &str,
    retry: Retry,
    now: Timestamp,
) -> Result<(), StoreError> {
    let error: String =
        error.chars().map(|c| if c.is_control() { ' ' } else { c }).take(ERROR_CHARS_MAX).collect();
    let is_last = retry == Retry::No || mail.attempt >= ATTEMPTS_MAX;
    let params =
        [Value::text(mail.id), mail.attempt.into(), now.into(), Value::Text(error), is_last.into()];
    db.run(FAILED_ATTEMPT, &params).map(drop)
}

row! {
    /// How much waits in the outbox.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Waiting {
        /// How many mails.
        pub count: u64 = "count(*)",
        /// When the oldest one was put there.
        pub since: Option<Timestamp> = "min(created_at)",
    }
}

/// How many mails wait, and when the oldest one was made. Served by `mails_by_state`.
const WAITING: &str = select!(Waiting, "FROM mails WHERE state = 'waiting'");

/// How much waits in the outbox.
pub fn waiting(db: &dyn Db) -> Result<Waiting, StoreError> {
    db.one(WAITING, &[])
}

row! {
    /// A mail that could not be sent.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct FailedMail {
        /// The mail.
        pub id: MailId = "id",
        /// Which mail, such as `sign-up`.
        pub kind: String = "kind",
        /// What went wrong last.
        pub last_error: Option<String> = "last_error",
        /// How often it was tried.
        pub attempts: u32 = "attempts",
        /// When it was put into the outbox.
        pub created_at: Timestamp = "created_at",
        /// When it was given up.
        pub failed_at: Timestamp = "finished_at",
    }
}

/// Up to `?1` mails that failed, the last one first. Served by `mails_by_state`.
const FAILED: &str =
    select!(FailedMail, "FROM mails WHERE state = 'failed' ORDER BY finished_at DESC LIMIT ?1");

/// Mails that failed, the last one first.
pub fn failed(db: &dyn Db, limit: u32) -> Result<Vec<FailedMail>, StoreError> {
    db.all(FAILED, &[limit.into()])
}

/// Puts the failed mail `?1` back into the outbox, due at `?2`, with all of its attempts. No row
/// comes back if no failed mail has this id.
const RETRY: &str = "
    UPDATE mails SET state = 'waiting', attempts = 0, due_at = ?2, finished_at = NULL
     WHERE id = ?1 AND state = 'failed'
 RETURNING id";

/// Puts a failed mail back into the outbox; `false` if no failed mail has this id.
pub fn retry(db: &dyn Db, id: MailId, now: Timestamp) -> Result<bool, StoreError> {
    db.has_row(RETRY, &[Value::text(id), now.into()])
}

/// Removes up to `?2` mails that were sent or given up before `?1`. Served by `mails_by_state`.
const SWEEP: &str = "
    DELETE FROM mails WHERE id IN (
        SELECT id FROM mails
         WHERE state IN ('sent', 'failed') AND finished_at <= ?1 LIMIT ?2)";

/// Removes mails that were sent or given up long ago; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP, &[now.plus_seconds(-KEPT_SECONDS).into(), SWEEP_MAILS.limit().into()]).map(drop)
}
