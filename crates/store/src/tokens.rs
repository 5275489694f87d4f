//! API tokens of accounts.

use domain::account::{AGENT_TOKEN_NOTICE_DAYS, Scopes};
use domain::id::{AccountId, TokenId};
use domain::money::Usd;
use domain::recurring::{NOTIFY_OF_EXPIRING_TOKENS, SWEEP_TOKENS};
use domain::time::Timestamp;

use crate::accounts::{Grant, Identity, SecretHash};
use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

/// The most tokens that one account can have.
pub const TOKENS_PER_ACCOUNT_MAX: u32 = 100;
/// How old the note of the last use may get before it is written again, in seconds.
pub const USED_SECONDS: i64 = 60;

/// A token to record.
pub struct NewToken<'a> {
    /// Its id.
    pub id: TokenId,
    /// The hash of its text.
    pub hash: &'a SecretHash,
    /// The beginning of its text.
    pub hint: &'a str,
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: &'a str,
    /// What it may do.
    pub scopes: Scopes,
    /// The only farm that it may touch.
    pub farm: Option<u32>,
    /// What it may spend in all.
    pub spending_limit: Option<Usd>,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// Records a token. `?1` id, `?2` hash, `?3` account, `?4` name, `?5` scopes, `?6` now, `?7` end,
/// `?8` the most tokens of an account, `?9` hint, `?10` farm, `?11` ceiling. No row comes back if
/// it has as many.
const CREATE: &str = "
    INSERT INTO tokens (id, hash, account_id, name, scopes, created_at, expires_at, hint, farm_id,
                        ceiling_micros)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?9, ?10, ?11
     WHERE (SELECT count(*) FROM tokens WHERE account_id = ?3 AND expires_at > ?6) < ?8
 RETURNING id";

/// Records a token; `false` if the account has as many as it can have.
pub fn create(db: &dyn Db, token: &NewToken<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let params = [
        Value::text(token.id),
        Value::from(&token.hash[..]),
        Value::text(token.account),
        token.name.into(),
        Value::text(token.scopes),
        now.into(),
        token.expires_at.into(),
        TOKENS_PER_ACCOUNT_MAX.into(),
        token.hint.into(),
        token.farm.into(),
        token.spending_limit.map(Usd::micros).into(),
    ];
    db.has_row(CREATE, &params)
}

row! {
    /// A token and its account.
    struct Holder {
        account: AccountId = "a.id",
        email: String = "a.email",
        display_name: Option<String> = "a.display_name",
        is_operator: bool = "a.is_operator",
        token: TokenId = "t.id",
        scopes: Scopes = "t.scopes",
        farm: Option<u32> = "t.farm_id",
        used_at: Option<Timestamp> = "t.used_at",
    }
}

/// Who holds the token with the hash `?1` at `?2`.
const FIND: &str = select!(
    Holder,
    "FROM tokens t JOIN accounts a ON a.id = t.account_id
     WHERE t.hash = ?1 AND t.expires_at > ?2
       AND a.deleted_at IS NULL AND a.disabled_at IS NULL"
);

/// Notes that the token `?1` was used at `?2`.
const USE: &str = "UPDATE tokens SET used_at = ?2 WHERE id = ?1";

/// Who holds a token; `None` if it is unknown or over. Notes that it was used, now and then.
pub fn find(
    db: &dyn Db,
    hash: &SecretHash,
    now: Timestamp,
) -> Result<Option<Identity>, StoreError> {
    let found: Option<Holder> = db.first(FIND, &[Value::from(&hash[..]), now.into()])?;
    let Some(holder) = found else { return Ok(None) };
    if holder.used_at.is_none_or(|used_at| used_at.plus_seconds(USED_SECONDS) <= now) {
        match db.run(USE, &[Value::text(holder.token), now.into()]) {
            // Who waits for an answer does not wait for this note.
            Ok(_) | Err(StoreError::Busy) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(Some(Identity {
        account: holder.account,
        email: holder.email,
        display_name: holder.display_name,
        is_operator: holder.is_operator,
        scopes: holder.scopes,
        grant: Grant::Token { id: holder.token, farm: holder.farm },
    }))
}

row! {
    /// A token, for the account's owner to look at. Its text is not kept.
    pub struct Token {
        /// Its id.
        pub id: TokenId = "id",
        /// The beginning of its text.
        pub hint: String = "hint",
        /// What its owner calls it.
        pub name: String = "name",
        /// What it may do.
        pub scopes: Scopes = "scopes",
        /// The only farm that it may touch.
        pub farm: Option<u32> = "farm_id",
        /// What it may spend in all.
        pub spending_limit: Option<Usd> = "ceiling_micros",
        /// What it has spent.
        pub spent: Usd = "spent_micros",
        /// When it was made.
        pub created_at: Timestamp = "created_at",
        /// When it was last used, to the minute.
        pub used_at: Option<Timestamp> = "used_at",
        /// When it ends.
        pub expires_at: Timestamp = "expires_at",
    }
}

/// The tokens of the account `?1` at `?2`, the newest first.
const OF_ACCOUNT: &str = select!(
    Token,
    "FROM tokens
     WHERE account_id = ?1 AND expires_at > ?2
     ORDER BY id DESC LIMIT ?3"
);

/// The tokens that an account has now, the newest first.
pub fn of_account(
    db: &dyn Db,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<Token>, StoreError> {
    let limit = TOKENS_PER_ACCOUNT_MAX.into();
    db.all(OF_ACCOUNT, &[Value::text(account), now.into(), limit])
}

/// Removes the token `?2` of the account `?1`.
const REVOKE: &str = "DELETE FROM tokens WHERE account_id = ?1 AND id = ?2 RETURNING id";

/// Revokes a token: from the next request on it is nobody's. `false` if the account has none of
/// this id.
pub fn revoke(db: &dyn Db, account: AccountId, id: TokenId) -> Result<bool, StoreError> {
    db.has_row(REVOKE, &[Value::text(account), Value::text(id)])
}

/// Notifies people that tokens of agents expire; the columns of the command view, in order.
const NOTIFY_OF_EXPIRY: &str = "
    INSERT INTO notify_expiring_tokens (days, from_at, until_at, notified_at, tokens_max)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Notifies farmers that tokens of their agents expire: once for each of these numbers of days.
pub fn notify_of_expiry(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let mut from = now;
    for days in AGENT_TOKEN_NOTICE_DAYS {
        let until = now.plus_seconds(days * 86_400);
        let most = NOTIFY_OF_EXPIRING_TOKENS.limit();
        let params = [days.into(), from.into(), until.into(), now.into(), most.into()];
        db.run(NOTIFY_OF_EXPIRY, &params)?;
        from = until;
    }
    Ok(())
}

/// Removes up to `?2` tokens that ended before `?1`. Served by `tokens_by_end`.
const SWEEP: &str = "
    DELETE FROM tokens WHERE id IN (
        SELECT id FROM tokens WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

/// Removes tokens that have ended; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP, &[now.into(), SWEEP_TOKENS.limit().into()]).map(drop)
}
