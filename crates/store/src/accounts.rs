//! Accounts, and who is asking.

use domain::account::{Email, Scopes};
use domain::id::{AccountId, SessionId, TokenId};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::mails::NewMail;
use crate::row::{row, select};

/// SHA-256 of a secret that is itself random: nothing slower is needed, for there is nothing to
/// guess.
pub type SecretHash = [u8; 32];

/// Who is asking.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The account.
    pub account: AccountId,
    /// Its email address.
    pub email: String,
    /// What farmers see of it where it rents; `None` for its email address.
    pub display_name: Option<String>,
    /// Whether it is an operator's.
    pub is_operator: bool,
    /// What it may do this way.
    pub scopes: Scopes,
    /// The way in which it asks.
    pub grant: Grant,
}

/// How an account asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grant {
    /// In a browser that is signed in.
    Session {
        /// The session.
        id: SessionId,
        /// Whether a second factor was shown.
        is_strong: bool,
        /// When its holder last verified who they are.
        verified_at: Timestamp,
    },
    /// With an API token.
    Token {
        /// The token.
        id: TokenId,
        /// The only farm that it may touch, by the grid's number.
        farm: Option<u32>,
    },
}

impl Identity {
    /// How farmers see it where it rents.
    pub fn shown_as(&self) -> &str {
        self.display_name.as_deref().unwrap_or(&self.email)
    }

    /// The token that asks, if one does.
    pub fn token(&self) -> Option<TokenId> {
        match self.grant {
            Grant::Token { id, .. } => Some(id),
            Grant::Session { .. } => None,
        }
    }

    /// The session that asks, if one does.
    pub fn session(&self) -> Option<SessionId> {
        match self.grant {
            Grant::Session { id, .. } => Some(id),
            Grant::Token { .. } => None,
        }
    }

    /// The only farm that may be touched this way; `None` for any.
    pub fn farm(&self) -> Option<u32> {
        match self.grant {
            Grant::Token { farm, .. } => farm,
            Grant::Session { .. } => None,
        }
    }
}

/// Whether an account has one.
const HAS_SECOND_FACTOR: &str = "
    EXISTS (SELECT 1 FROM passkeys WHERE account_id = accounts.id)
    OR EXISTS (SELECT 1 FROM totp_secrets
                WHERE account_id = accounts.id AND confirmed_at IS NOT NULL)";

row! {
    /// What an account is signed in with.
    pub struct Credentials {
        /// The account.
        pub account: AccountId = "id",
        /// Its email address.
        pub email: String = "email",
        /// An Argon2id hash in PHC form.
        pub password_hash: String = "password_hash",
        /// Whether a second factor is asked for after the password.
        pub has_second_factor: bool = HAS_SECOND_FACTOR,
    }
}

/// Creates an account. `?1` id, `?2` email, `?3` password hash, `?4` when. No row comes back if
/// the address is taken.
const CREATE: &str = "
    INSERT INTO accounts (id, email, password_hash, created_at) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (email) DO NOTHING
 RETURNING id";

/// Creates an account; `false` if the address is taken.
pub fn create(
    db: &dyn Db,
    id: AccountId,
    email: &Email,
    password_hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [Value::text(id), email.as_str().into(), password_hash.into(), now.into()];
    db.has_row(CREATE, &params)
}

/// The account with the email `?1`, unless it is deleted.
const BY_EMAIL: &str =
    select!(Credentials, "FROM accounts WHERE email = ?1 AND deleted_at IS NULL");

/// The account with the id `?1`, unless it is deleted.
const BY_ID: &str = select!(Credentials, "FROM accounts WHERE id = ?1 AND deleted_at IS NULL");

/// What an account is signed in with; `None` if there is no such account.
pub fn credentials(db: &dyn Db, email: &Email) -> Result<Option<Credentials>, StoreError> {
    db.first(BY_EMAIL, &[email.as_str().into()])
}

/// What an account is signed in with; `None` if it is deleted.
pub fn credentials_of(db: &dyn Db, id: AccountId) -> Result<Option<Credentials>, StoreError> {
    db.first(BY_ID, &[Value::text(id)])
}

/// Replaces the password hash `?2` of the account `?1` by `?3`; another one stays.
const REHASH: &str = "UPDATE accounts SET password_hash = ?3 WHERE id = ?1 AND password_hash = ?2";

/// Replaces the hash of an unchanged password, unless the password has changed meanwhile.
pub fn rehash(
    db: &dyn Db,
    id: AccountId,
    old_hash: &str,
    new_hash: &str,
) -> Result<(), StoreError> {
    db.run(REHASH, &[Value::text(id), old_hash.into(), new_hash.into()]).map(drop)
}

/// Sets a password. `?1` account, `?2` password hash, `?3` the hash of the session that stays, `?4`
/// the tokens that stay, as a JSON array.
const SET_PASSWORD: &str = "
    INSERT INTO set_password (account_id, password_hash, kept_session, kept_tokens)
    VALUES (?1, ?2, ?3, ?4)";

/// Sets a password, and ends every session but `kept`, every token but `kept_tokens`, and every
/// code on its way.
pub fn change_password(
    db: &dyn Db,
    id: AccountId,
    password_hash: &str,
    kept: Option<&SecretHash>,
    kept_tokens: &[TokenId],
) -> Result<(), StoreError> {
    let kept = kept.map(|hash| Value::from(&hash[..]));
    let tokens: Vec<String> = kept_tokens.iter().map(ToString::to_string).collect();
    let tokens = serde_json::to_string(&tokens).expect("text can be written as JSON");
    let params = [Value::text(id), password_hash.into(), kept.into(), Value::Text(tokens)];
    db.run(SET_PASSWORD, &params).map(drop)
}

/// Sets an email address. `?1` account, `?2` email.
const CHANGE_EMAIL: &str = "INSERT INTO change_email (account_id, email) VALUES (?1, ?2)";

/// Sets an email address; `false` if another account has it.
pub fn change_email(db: &dyn Db, id: AccountId, email: &Email) -> Result<bool, StoreError> {
    refused_is_false(db.run(CHANGE_EMAIL, &[Value::text(id), email.as_str().into()]))
}

/// Shuts an account out. `?1` account, `?2` since when, NULL for not.
const DISABLE: &str = "INSERT INTO disable_account (account_id, disabled_at) VALUES (?1, ?2)";

/// Shuts an account out and ends its sessions or, without a time, lets it in again; `false` if
/// there is no such account.
pub fn disable(db: &dyn Db, id: AccountId, since: Option<Timestamp>) -> Result<bool, StoreError> {
    refused_is_false(db.run(DISABLE, &[Value::text(id), since.into()]))
}

/// Deletes an account. `?1` account, `?2` now.
const DELETE: &str = "INSERT INTO delete_account (account_id, deleted_at) VALUES (?1, ?2)";

/// Deletes the person and keeps money and history; `false` if the account still rents or offers
/// something, or waits for a payout.
pub fn delete(db: &dyn Db, id: AccountId, now: Timestamp) -> Result<bool, StoreError> {
    refused_is_false(db.run(DELETE, &[Value::text(id), now.into()]))
}

/// A refusal, in a command that has one thing to say.
fn refused_is_false<T>(result: Result<T, StoreError>) -> Result<bool, StoreError> {
    match result {
        Ok(_) => Ok(true),
        Err(error) if error.is_race() => Ok(false),
        Err(error) => Err(error),
    }
}

/// Names the account `?1` an operator, or, with `?2` 0, no longer.
const SET_OPERATOR: &str = "
    UPDATE accounts SET is_operator = ?2 WHERE id = ?1 AND deleted_at IS NULL RETURNING id";

/// Names an account an operator, or no longer; `false` if there is no such account.
pub fn set_operator(db: &dyn Db, id: AccountId, is_operator: bool) -> Result<bool, StoreError> {
    db.has_row(SET_OPERATOR, &[Value::text(id), is_operator.into()])
}

/// Farmers see the account `?1` as `?2`, or, where that is NULL, by its email address.
const SET_DISPLAY_NAME: &str =
    "UPDATE accounts SET display_name = ?2 WHERE id = ?1 AND deleted_at IS NULL";

/// Sets how farmers see an account where it rents; `None` is by its email address.
pub fn set_display_name(db: &dyn Db, id: AccountId, name: Option<&str>) -> Result<(), StoreError> {
    db.run(SET_DISPLAY_NAME, &[Value::text(id), name.into()]).map(drop)
}

/// The farmer `?1` is paid to `?2` from `?6` on, and gets the mail `?3` of the kind `?4` about it,
/// unless that is NULL: the columns of the command view, in order.
const SET_PAYOUT: &str = "
    INSERT INTO set_payout_address (account_id, address, mail_id, mail_kind, sealed, changed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Sets where a farmer is paid to, and notifies them, in one statement.
pub fn set_payout(
    db: &dyn Db,
    id: AccountId,
    address: &str,
    mail: Option<&NewMail<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let params = [
        Value::text(id),
        address.into(),
        mail.map(|mail| Value::text(mail.id)).into(),
        mail.map(|mail| mail.kind).into(),
        mail.map(|mail| Value::from(mail.sealed)).into(),
        now.into(),
    ];
    db.run(SET_PAYOUT, &params).map(drop)
}

/// Where the farmer `?1` is paid to.
const PAYOUT: &str = "SELECT payout_address FROM accounts WHERE id = ?1";

/// Where a farmer is paid to; `None` if that is not set.
pub fn payout(db: &dyn Db, id: AccountId) -> Result<Option<String>, StoreError> {
    Ok(db.first(PAYOUT, &[Value::text(id)])?.flatten())
}

row! {
    /// An account, as the operator sees it.
    pub struct Account {
        /// Its id.
        pub id: AccountId = "id",
        /// Its email address.
        pub email: String = "email",
        /// When it was made.
        pub created_at: Timestamp = "created_at",
        /// Whether it is an operator's.
        pub is_operator: bool = "is_operator",
        /// Since when it is suspended.
        pub disabled_at: Option<Timestamp> = "disabled_at",
        /// Whether it has a second factor.
        pub has_second_factor: bool = HAS_SECOND_FACTOR,
    }
}

/// Up to `?3` accounts whose address begins with `?1` and comes after `?2`, by address. Served by
/// the unique index on the address.
const LIST: &str = select!(
    Account,
    "FROM accounts
     WHERE email > ?2 AND email >= ?1 AND substr(email, 1, length(?1)) = ?1
       AND deleted_at IS NULL
     ORDER BY email LIMIT ?3"
);

/// Accounts whose address begins with `prefix`, in the order of addresses, behind `after`.
pub fn list(
    db: &dyn Db,
    prefix: &str,
    after: &str,
    limit: u32,
) -> Result<Vec<Account>, StoreError> {
    db.all(LIST, &[prefix.into(), after.into(), limit.into()])
}
