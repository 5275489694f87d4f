//! Accounts, sessions and tokens.

use domain::account::{Email, Scopes};
use domain::id::{AccountId, SessionId, TokenId};
use domain::time::Timestamp;

use crate::db::{Db, Row, StoreError, Value, only};

/// SHA-256 of a secret that is itself random: nothing slower is needed, for there is nothing to
/// guess.
pub type SecretHash = [u8; 32];

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// Its e-mail address.
    pub email: String,
    /// What it may do this way.
    pub scopes: Scopes,
}

/// An account's id and password hash.
pub struct Credentials {
    /// The account.
    pub account: AccountId,
    /// An Argon2id hash in PHC form.
    pub password_hash: String,
}

/// Creates an account. `?1` id, `?2` e-mail, `?3` password hash, `?4` when. No row comes back if
/// the address is taken.
const CREATE: &str = "
    INSERT INTO accounts (id, email, password_hash, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (email) DO NOTHING
 RETURNING id";

/// Creates an account; `false` if the address is taken.
pub fn create(
    db: &impl Db,
    id: AccountId,
    email: &Email,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [Value::text(id), email.as_str().into(), password_hash.into(), now.into()];
    Ok(!db.run(CREATE, &params)?.is_empty())
}

/// The account with the e-mail `?1`.
const CREDENTIALS: &str = "SELECT id, password_hash FROM accounts WHERE email = ?1";

/// What an account is signed in with; `None` if there is no such account.
pub fn credentials(db: &impl Db, email: &Email) -> Result<Option<Credentials>, StoreError> {
    let read = |row: Row| {
        Ok(Credentials {
            account: row.parsed(0, AccountId::parse)?,
            password_hash: row.text(1)?.to_owned(),
        })
    };
    only(db.run(CREDENTIALS, &[email.as_str().into()])?).map(read).transpose()
}

/// Records a sign-in. `?1` id, `?2` hash, `?3` account, `?4` now, `?5` end.
const OPEN_SESSION: &str = "
    INSERT INTO sessions (id, hash, account_id, created_at, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Records a sign-in that lasts until `expires_at`.
pub fn open_session(
    db: &impl Db,
    id: SessionId,
    hash: &SecretHash,
    account: AccountId,
    now: Timestamp,
    expires_at: Timestamp,
) -> Result<(), StoreError> {
    let params = [
        Value::text(id),
        Value::from(&hash[..]),
        Value::text(account),
        now.into(),
        expires_at.into(),
    ];
    db.run(OPEN_SESSION, &params).map(drop)
}

/// Ends the session with the hash `?1`.
const CLOSE_SESSION: &str = "DELETE FROM sessions WHERE hash = ?1";

/// Ends a session, if it is there.
pub fn close_session(db: &impl Db, hash: &SecretHash) -> Result<(), StoreError> {
    db.run(CLOSE_SESSION, &[Value::from(&hash[..])]).map(drop)
}

/// Removes up to 1,000 sessions that ended before `?1`. Served by `sessions_by_end`.
const SWEEP_SESSIONS: &str = "
    DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions WHERE expires_at <= ?1 ORDER BY expires_at LIMIT 1000)";

/// Removes sessions that have ended; a bounded number each time.
pub fn sweep_sessions(db: &impl Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP_SESSIONS, &[now.into()]).map(drop)
}

/// Who holds the session with the hash `?1` at `?2`.
const BY_SESSION: &str = "
    SELECT a.id, a.email
      FROM sessions s JOIN accounts a ON a.id = s.account_id
     WHERE s.hash = ?1 AND s.expires_at > ?2";

/// Who holds a session; `None` if it is unknown or over.
pub fn by_session(
    db: &impl Db,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    let read = |row: Row| {
        Ok(Identity {
            account: row.parsed(0, AccountId::parse)?,
            email: row.text(1)?.to_owned(),
            scopes: Scopes::ALL,
        })
    };
    only(db.run(BY_SESSION, &[Value::from(&hash[..]), now.into()])?).map(read).transpose()
}

/// The most tokens that one account can have.
pub const TOKENS_PER_ACCOUNT_MAX: u32 = 100;

/// Records a token. `?1` id, `?2` hash, `?3` account, `?4` name, `?5` scopes, `?6` now, `?7` end,
/// `?8` the most tokens of an account. No row comes back if it has as many.
const CREATE_TOKEN: &str = "
    INSERT INTO tokens (id, hash, account_id, name, scopes, created_at, expires_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7
     WHERE (SELECT count(*) FROM tokens WHERE account_id = ?3 AND expires_at > ?6) < ?8
 RETURNING id";

/// A token to record.
pub struct NewToken<'a> {
    /// Its id.
    pub id: TokenId,
    /// The hash of its text.
    pub hash: &'a SecretHash,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: &'a str,
    /// What it may do.
    pub scopes: Scopes,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Records a token; `false` if the account has as many as it can have.
pub fn create_token(
    db: &impl Db,
    token: &NewToken<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [
        Value::text(token.id),
        Value::from(&token.hash[..]),
        Value::text(token.account),
        token.name.into(),
        Value::text(token.scopes),
        now.into(),
        token.expires_at.into(),
        TOKENS_PER_ACCOUNT_MAX.into(),
    ];
    Ok(!db.run(CREATE_TOKEN, &params)?.is_empty())
}

/// Who holds the token with the hash `?1` at `?2`.
const BY_TOKEN: &str = "
    SELECT a.id, a.email, t.scopes
      FROM tokens t JOIN accounts a ON a.id = t.account_id
     WHERE t.hash = ?1 AND t.expires_at > ?2";

/// Who holds a token; `None` if it is unknown or over.
pub fn by_token(
    db: &impl Db,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    let read = |row: Row| {
        Ok(Identity {
            account: row.parsed(0, AccountId::parse)?,
            email: row.text(1)?.to_owned(),
            scopes: row.parsed(2, |names| Scopes::parse(names.split(' ')).ok())?,
        })
    };
    only(db.run(BY_TOKEN, &[Value::from(&hash[..]), now.into()])?).map(read).transpose()
}
