//! Sign-ins of accounts in browsers.

use domain::account::Scopes;
use domain::id::{AccountId, SessionId};
use domain::recurring::SWEEP_SESSIONS;
use domain::time::Timestamp;

use crate::accounts::{Grant, Identity, SecretHash};
use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

/// A sign-in that is not used for so long is over, in seconds: 14 days.
pub const IDLE_SECONDS: i64 = 14 * 24 * 60 * 60;
/// How old the note of the last use may get before it is written again, in seconds: a write an
/// hour, instead of one for each look at a page.
pub const SEEN_SECONDS: i64 = 60 * 60;
/// The most sessions that an account can have; one more ends the oldest.
pub const SESSIONS_PER_ACCOUNT_MAX: u32 = 50;

/// A sign-in to record.
pub struct NewSession<'a> {
    /// Its id.
    pub id: SessionId,
    /// The hash of the cookie's secret.
    pub hash: &'a SecretHash,
    /// Whose it is.
    pub account: AccountId,
    /// Whether a second factor was shown.
    pub is_strong: bool,
    /// From where it was opened.
    pub address: &'a str,
    /// With what it was opened.
    pub user_agent: &'a str,
    /// When it ends at the latest.
    pub expires_at: Timestamp,
}

/// Records a sign-in. `?1` id, `?2` hash, `?3` account, `?4` now, `?5` end, `?6` strong,
/// `?7` address, `?8` user agent. No row comes back if the account is gone or shut out.
const OPEN: &str = "
    INSERT INTO sessions (id, hash, account_id, created_at, expires_at, seen_at, verified_at,
                          is_strong, address, user_agent)
    SELECT ?1, ?2, id, ?4, ?5, ?4, ?4, ?6, ?7, ?8 FROM accounts
     WHERE id = ?3 AND deleted_at IS NULL AND disabled_at IS NULL
 RETURNING id";

/// Ends the oldest sessions of the account `?1`, so that `?2` are left. Served by
/// `sessions_by_account`: ids are in the order of their time.
const TRIM: &str = "
    DELETE FROM sessions
     WHERE account_id = ?1 AND id NOT IN (
           SELECT id FROM sessions WHERE account_id = ?1 ORDER BY id DESC LIMIT ?2)";

/// Records a sign-in; `false` if the account is gone or shut out.
pub fn open(db: &dyn Db, session: &NewSession<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let params = [
        Value::text(session.id),
        Value::from(&session.hash[..]),
        Value::text(session.account),
        now.into(),
        session.expires_at.into(),
        session.is_strong.into(),
        session.address.into(),
        session.user_agent.into(),
    ];
    let is_open = db.has_row(OPEN, &params)?;
    db.run(TRIM, &[Value::text(session.account), SESSIONS_PER_ACCOUNT_MAX.into()])?;
    Ok(is_open)
}

row! {
    /// A session and its account.
    struct Holder {
        account: AccountId = "a.id",
        email: String = "a.email",
        display_name: Option<String> = "a.display_name",
        is_operator: bool = "a.is_operator",
        session: SessionId = "s.id",
        is_strong: bool = "s.is_strong",
        verified_at: Timestamp = "s.verified_at",
        seen_at: Timestamp = "s.seen_at",
    }
}

/// Who holds the session with the hash `?1` at `?2`, if it was seen after `?3`.
const FIND: &str = select!(
    Holder,
    "FROM sessions s JOIN accounts a ON a.id = s.account_id
     WHERE s.hash = ?1 AND s.expires_at > ?2 AND s.seen_at > ?3
       AND a.deleted_at IS NULL AND a.disabled_at IS NULL"
);

/// Notes that the session with the hash `?1` was used at `?2`.
const SEE: &str = "UPDATE sessions SET seen_at = ?2 WHERE hash = ?1 AND seen_at < ?2";

/// Who holds a session; `None` if it is unknown or over. Notes that it was used, now and then.
pub fn find(
    db: &dyn Db,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    let idle = now.plus_seconds(-IDLE_SECONDS);
    let hash = Value::from(&hash[..]);
    let found: Option<Holder> = db.first(FIND, &[hash.clone(), now.into(), idle.into()])?;
    let Some(holder) = found else { return Ok(None) };
    if holder.seen_at.plus_seconds(SEEN_SECONDS) <= now {
        match db.run(SEE, &[hash, now.into()]) {
            // Who waits for a page does not wait for this note.
            Ok(_) | Err(StoreError::Busy) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(Identity {
        account: holder.account,
        email: holder.email,
        display_name: holder.display_name,
        is_operator: holder.is_operator,
        scopes: Scopes::ALL,
        grant: Grant::Session {
            id: holder.session,
            is_strong: holder.is_strong,
            verified_at: holder.verified_at,
        },
    }))
}

/// Ends the session with the hash `?1`.
const CLOSE: &str = "DELETE FROM sessions WHERE hash = ?1";

/// Ends a session, if it is there.
pub fn close(db: &dyn Db, hash: &SecretHash) -> Result<(), StoreError> {
    db.run(CLOSE, &[Value::from(&hash[..])]).map(drop)
}

/// Ends the session `?2` of the account `?1`.
const END: &str = "DELETE FROM sessions WHERE account_id = ?1 AND id = ?2 RETURNING id";

/// Ends one session of an account; `false` if it has none of this id.
pub fn end(db: &dyn Db, account: AccountId, id: SessionId) -> Result<bool, StoreError> {
    db.has_row(END, &[Value::text(account), Value::text(id)])
}

/// Ends every session of the account `?1` but the one with the id `?2`, which may be NULL.
const END_OTHERS: &str = "DELETE FROM sessions WHERE account_id = ?1 AND id IS NOT ?2";

/// Ends the sessions of an account, all but `kept`.
pub fn end_others(
    db: &dyn Db,
    account: AccountId,
    kept: Option<SessionId>,
) -> Result<(), StoreError> {
    db.run(END_OTHERS, &[Value::text(account), kept.map(Value::text).into()]).map(drop)
}

/// Gives the session `?1` another secret, and notes what was verified. `?2` the new secret's hash,
/// `?3` now, `?4` whether a second factor was shown.
const VERIFY: &str = "
    UPDATE sessions SET hash = ?2, verified_at = ?3, is_strong = max(is_strong, ?4)
     WHERE id = ?1
 RETURNING id";

/// Notes that a session's holder verified who they are. It goes on under another secret, so that a
/// secret that was seen before is worth nothing after. `false` if the session is over.
pub fn verify(
    db: &dyn Db,
    id: SessionId,
    hash: &SecretHash,
    is_strong: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [Value::text(id), Value::from(&hash[..]), now.into(), is_strong.into()];
    db.has_row(VERIFY, &params)
}

row! {
    /// A sign-in, for the account's owner to look at.
    pub struct Session {
        /// Its id.
        pub id: SessionId = "id",
        /// When it began.
        pub created_at: Timestamp = "created_at",
        /// When it was last used, to the hour.
        pub seen_at: Timestamp = "seen_at",
        /// Whether a second factor was shown.
        pub is_strong: bool = "is_strong",
        /// From where it was opened.
        pub address: String = "address",
        /// With what it was opened.
        pub user_agent: String = "user_agent",
    }
}

/// The sessions of the account `?1` at `?2` that were seen after `?3`, the newest first.
const OF_ACCOUNT: &str = select!(
    Session,
    "FROM sessions
     WHERE account_id = ?1 AND expires_at > ?2 AND seen_at > ?3
     ORDER BY id DESC LIMIT ?4"
);

/// The sessions that an account has now, the newest first.
pub fn of_account(
    db: &dyn Db,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<Session>, StoreError> {
    let idle = now.plus_seconds(-IDLE_SECONDS);
    let limit = SESSIONS_PER_ACCOUNT_MAX.into();
    db.all(OF_ACCOUNT, &[Value::text(account), now.into(), idle.into(), limit])
}

/// Removes up to `?2` sessions that ended before `?1`. Served by `sessions_by_end`.
const SWEEP: &str = "
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

/// Removes sessions that have ended; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP, &[now.into(), SWEEP_SESSIONS.limit().into()]).map(drop)
}
