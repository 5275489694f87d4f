//! The SSH public keys of accounts.

use domain::id::{AccountId, SshKeyId};
use domain::ssh::{KEYS_MAX, SshKey};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

row! {
    /// A key that somebody has registered.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RegisteredKey {
        /// Its id.
        pub id: SshKeyId = "id",
        /// What its owner calls it.
        pub name: String = "name",
        /// One line in OpenSSH's form.
        pub line: String = "key",
        /// `SHA256:…`
        pub fingerprint: String = "fingerprint",
        /// When it was registered.
        pub created_at: Timestamp = "created_at",
    }
}

/// Registers the key `?1` of the account `?2`: `?3` name, `?4` line, `?5` fingerprint, `?6` now,
/// `?7` the most keys of an account. No row comes back where it has as many, or this one. Served by
/// the index `ssh_keys_by_account`.
const ADD: &str = "
    INSERT INTO ssh_keys (id, account_id, name, key, fingerprint, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6
     WHERE (SELECT count(*) FROM ssh_keys WHERE account_id = ?2) < ?7
        ON CONFLICT (account_id, fingerprint) DO NOTHING
 RETURNING id";

/// Why a key was not registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The account has it already.
    There,
    /// The account has as many as it can have.
    TooMany,
}

/// Registers a key. Machines that waited for one get it.
pub fn add(
    db: &dyn Db,
    account: AccountId,
    id: SshKeyId,
    name: &str,
    key: &SshKey,
    now: Timestamp,
) -> Result<Result<(), Refused>, StoreError> {
    let params = [
        Value::text(id),
        Value::text(account),
        name.into(),
        key.line.as_str().into(),
        key.fingerprint.as_str().into(),
        now.into(),
        KEYS_MAX.into(),
    ];
    if db.has_row(ADD, &params)? {
        return Ok(Ok(()));
    }
    let own = of_account(db, account)?;
    let is_there = own.iter().any(|other| other.fingerprint == key.fingerprint);
    Ok(Err(if is_there { Refused::There } else { Refused::TooMany }))
}

/// The keys of the account `?1`, the oldest first, which is the one that is taken where none is
/// chosen; `?2` the most. Served by the index `ssh_keys_by_account`.
const OF_ACCOUNT: &str =
    select!(RegisteredKey, "FROM ssh_keys WHERE account_id = ?1 ORDER BY id LIMIT ?2");

/// The keys of an account, the oldest first.
pub fn of_account(db: &dyn Db, account: AccountId) -> Result<Vec<RegisteredKey>, StoreError> {
    db.all(OF_ACCOUNT, &[Value::text(account), KEYS_MAX.into()])
}

/// The key `?2` of the account `?1`.
const FIND: &str = select!(RegisteredKey, "FROM ssh_keys WHERE account_id = ?1 AND id = ?2");

/// A key of an account; `None` if it is not theirs.
pub fn find(
    db: &dyn Db,
    account: AccountId,
    id: SshKeyId,
) -> Result<Option<RegisteredKey>, StoreError> {
    db.first(FIND, &[Value::text(account), Value::text(id)])
}

/// Removes the key `?2` of the account `?1`. No row comes back if it is not theirs.
const REMOVE: &str = "DELETE FROM ssh_keys WHERE account_id = ?1 AND id = ?2 RETURNING id";

/// Removes a key; `false` if it is not theirs. Machines that have it keep it.
pub fn remove(db: &dyn Db, account: AccountId, id: SshKeyId) -> Result<bool, StoreError> {
    db.has_row(REMOVE, &[Value::text(account), Value::text(id)])
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(OF_ACCOUNT, "ssh_keys_by_account")];
