//! Second factors: passkeys, the secret of an authenticator app, and recovery codes.

use domain::factor::{Factors, PASSKEYS_MAX, PasskeyName};
use domain::id::AccountId;
use domain::time::Timestamp;

use crate::accounts::SecretHash;
use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::row::{row, select};

row! {
    impl Factors {
        passkeys: u32 = "(SELECT count(*) FROM passkeys WHERE account_id = ?1)",
        has_totp: bool =
            "EXISTS (SELECT 1 FROM totp_secrets
                      WHERE account_id = ?1 AND confirmed_at IS NOT NULL)",
        recovery_codes: u32 = "(SELECT count(*) FROM recovery_codes WHERE account_id = ?1)",
    }
}

/// What account `?1` has. An app counts from its first code on.
const OF_ACCOUNT: &str = select!(Factors);

/// The second factors of an account.
pub fn of_account(db: &dyn Db, account: AccountId) -> Result<Factors, StoreError> {
    db.one(OF_ACCOUNT, &[Value::text(account)])
}

row! {
    /// A passkey, as its owner sees it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Passkey {
        /// The credential's id.
        pub id: Vec<u8> = "id",
        /// What its owner calls it.
        pub name: String = "name",
        /// When it was added.
        pub created_at: Timestamp = "created_at",
        /// When it was last shown.
        pub used_at: Option<Timestamp> = "used_at",
    }
}

/// The passkeys of account `?1`, at most `?2`. Served by `passkeys_by_account`.
const PASSKEYS: &str = select!(
    Passkey,
    "FROM passkeys
     WHERE account_id = ?1 ORDER BY created_at LIMIT ?2"
);

/// The passkeys of an account, the oldest first.
pub fn passkeys(db: &dyn Db, account: AccountId) -> Result<Vec<Passkey>, StoreError> {
    db.all(PASSKEYS, &[Value::text(account), PASSKEYS_MAX.into()])
}

/// A passkey to keep.
pub struct NewPasskey<'a> {
    /// The credential's id.
    pub id: &'a [u8],
    /// Whose it is.
    pub account: AccountId,
    /// What its owner calls it.
    pub name: &'a PasskeyName,
    /// What never changes of it.
    pub fixed: &'a [u8],
    /// What changes with each use.
    pub moving: &'a [u8],
}

/// Keeps a passkey. `?1` id, `?2` account, `?3` name, `?4` fixed, `?5` moving, `?6` now, `?7` the
/// most of an account. No row comes back if it has as many, or if the id is taken.
const ADD_PASSKEY: &str = "
    INSERT INTO passkeys (id, account_id, name, fixed, moving, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6
     WHERE (SELECT count(*) FROM passkeys WHERE account_id = ?2) < ?7
        ON CONFLICT (id) DO NOTHING
 RETURNING id";

/// Keeps a passkey; `false` if its id is taken, by whomever, or if the account has as many as it
/// can have.
pub fn add_passkey(
    db: &dyn Db,
    passkey: &NewPasskey<'_>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [
        passkey.id.into(),
        Value::text(passkey.account),
        passkey.name.as_str().into(),
        passkey.fixed.into(),
        passkey.moving.into(),
        now.into(),
        PASSKEYS_MAX.into(),
    ];
    db.has_row(ADD_PASSKEY, &params)
}

row! {
    /// A passkey, as it is checked.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KeptPasskey {
        /// Whose it is.
        pub account: AccountId = "account_id",
        /// What never changes of it.
        pub fixed: Vec<u8> = "fixed",
        /// What changes with each use.
        pub moving: Vec<u8> = "moving",
    }
}

/// The passkey `?1`.
const FIND_PASSKEY: &str = select!(KeptPasskey, "FROM passkeys WHERE id = ?1");

/// The passkey with this id, whoever's it is.
pub fn find_passkey(db: &dyn Db, id: &[u8]) -> Result<Option<KeptPasskey>, StoreError> {
    db.first(FIND_PASSKEY, &[id.into()])
}

/// Counts a use of passkey `?1`: `?2` what was checked, `?3` what changes, `?4` now. No row comes
/// back if it was used or removed meanwhile.
const USE_PASSKEY: &str = "
    UPDATE passkeys SET moving = ?3, used_at = ?4 WHERE id = ?1 AND moving = ?2 RETURNING id";

/// Counts a use of a passkey that was checked with `seen`; `false` if it is not as it was then.
pub fn use_passkey(
    db: &dyn Db,
    id: &[u8],
    seen: &[u8],
    moving: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [id.into(), seen.into(), moving.into(), now.into()];
    db.has_row(USE_PASSKEY, &params)
}

/// Removes passkey `?1` of account `?2`.
const REMOVE_PASSKEY: &str = "DELETE FROM passkeys WHERE id = ?1 AND account_id = ?2 RETURNING id";

/// Removes a passkey of an account; `false` if it has no such one.
pub fn remove_passkey(db: &dyn Db, account: AccountId, id: &[u8]) -> Result<bool, StoreError> {
    db.has_row(REMOVE_PASSKEY, &[id.into(), Value::text(account)])
}

row! {
    /// The secret that an account shares with its app.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KeptSecret {
        /// The secret, encrypted.
        pub sealed: Vec<u8> = "sealed",
        /// Whether the app was confirmed with a code.
        pub is_confirmed: bool = "confirmed_at IS NOT NULL",
    }
}

/// The secret of account `?1`.
const TOTP_SECRET: &str = select!(KeptSecret, "FROM totp_secrets WHERE account_id = ?1");

/// The secret of an account, confirmed or not.
pub fn totp_secret(db: &dyn Db, account: AccountId) -> Result<Option<KeptSecret>, StoreError> {
    db.first(TOTP_SECRET, &[Value::text(account)])
}

/// Begins to set up an app. `?1` account, `?2` sealed secret, `?3` now. It replaces a secret that
/// no code has confirmed; no row comes back if one has.
const BEGIN_TOTP: &str = "
    INSERT INTO totp_secrets (account_id, sealed, created_at) VALUES (?1, ?2, ?3)
        ON CONFLICT (account_id) DO UPDATE
           SET sealed = excluded.sealed, created_at = excluded.created_at
         WHERE confirmed_at IS NULL
 RETURNING account_id";

/// Begins to set up an app; `false` if one is set up already.
pub fn begin_totp(
    db: &dyn Db,
    account: AccountId,
    sealed: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [Value::text(account), sealed.into(), now.into()];
    db.has_row(BEGIN_TOTP, &params)
}

/// The first code of an app. `?1` account, `?2` the sealed secret that it fits, `?3` its time step,
/// `?4` now, `?5` hashes of recovery codes. Refused if the secret is another or confirmed.
const CONFIRM_TOTP: &str = "
    INSERT INTO confirm_totp (account_id, sealed, last_step, confirmed_at, hashes)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Confirms the secret `sealed` by a code of the time step `step`, and keeps the recovery codes
/// that come with it; `false` if the secret was replaced or confirmed meanwhile.
pub fn confirm_totp(
    db: &dyn Db,
    account: AccountId,
    sealed: &[u8],
    step: i64,
    codes: &[SecretHash],
    now: Timestamp,
) -> Result<bool, StoreError> {
    let hashes = Value::Blob(codes.concat());
    let params = [Value::text(account), sealed.into(), step.into(), now.into(), hashes];
    match db.run(CONFIRM_TOTP, &params) {
        Ok(_) => Ok(true),
        Err(StoreError::Refused(Refusal::TotpSecretChanged)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// Counts a code of the time step `?2` for account `?1`. No row comes back if one of that step or a
/// later one has counted, or if no app is set up.
const USE_TOTP: &str = "
    UPDATE totp_secrets SET last_step = ?2
     WHERE account_id = ?1 AND confirmed_at IS NOT NULL AND last_step < ?2
 RETURNING account_id";

/// Counts a code; `false` if its time step has counted already (RFC 6238, 5.2).
pub fn use_totp(db: &dyn Db, account: AccountId, step: i64) -> Result<bool, StoreError> {
    db.has_row(USE_TOTP, &[Value::text(account), step.into()])
}

/// Removes the secret of account `?1`.
const REMOVE_TOTP: &str = "DELETE FROM totp_secrets WHERE account_id = ?1 RETURNING confirmed_at";

/// Removes an app, or the beginning of one; `false` if there was none that counted.
pub fn remove_totp(db: &dyn Db, account: AccountId) -> Result<bool, StoreError> {
    let removed = db.first::<Option<Timestamp>>(REMOVE_TOTP, &[Value::text(account)])?;
    Ok(removed.flatten().is_some())
}

/// New recovery codes for account `?1`; `?2` their hashes, one behind another.
const NEW_RECOVERY_CODES: &str = "
    INSERT INTO new_recovery_codes (account_id, hashes) VALUES (?1, ?2)";

/// Keeps recovery codes in place of those that were there.
pub fn replace_recovery_codes(
    db: &dyn Db,
    account: AccountId,
    codes: &[SecretHash],
) -> Result<(), StoreError> {
    let params = [Value::text(account), Value::Blob(codes.concat())];
    db.run(NEW_RECOVERY_CODES, &params).map(drop)
}

/// Takes the recovery code `?2` of account `?1`. No row comes back if there is none.
const USE_RECOVERY_CODE: &str = "
    DELETE FROM recovery_codes WHERE account_id = ?1 AND hash = ?2 RETURNING account_id";

/// Takes a recovery code; `false` if it is not one of the account, or was used.
pub fn use_recovery_code(
    db: &dyn Db,
    account: AccountId,
    hash: &SecretHash,
) -> Result<bool, StoreError> {
    let params = [Value::text(account), Value::from(&hash[..])];
    db.has_row(USE_RECOVERY_CODE, &params)
}
