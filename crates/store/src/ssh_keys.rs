//! The SSH public keys of accounts.

use domain::id::{AccountId, RentalId, SshKeyId};
use domain::ssh::{KEYS_MAX, SshKey};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::jobs;
use crate::refusal::Refusal;
use crate::row::{column, row, select};

/// Public keys, each one line in OpenSSH's form: in the database, a JSON array.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyLines(pub Vec<String>);

column! { KeyLines: text(|json| serde_json::from_str(json).ok().map(KeyLines)) }

impl From<&KeyLines> for Value {
    fn from(KeyLines(lines): &KeyLines) -> Value {
        Value::Text(serde_json::Value::from(lines.as_slice()).to_string())
    }
}

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

/// Registers a key; the columns of the command view, in order.
const ADD: &str = "
    INSERT INTO add_ssh_key
           (id, account_id, name, key, fingerprint, keys_max, late_at, refund_at, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

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
    let [late_at, refund_at, _] = jobs::creation_times(now);
    let params = [
        Value::text(id),
        Value::text(account),
        name.into(),
        key.line.as_str().into(),
        key.fingerprint.as_str().into(),
        KEYS_MAX.into(),
        late_at,
        refund_at,
        now.into(),
    ];
    match db.run(ADD, &params) {
        Ok(_) => Ok(Ok(())),
        Err(StoreError::Refused(Refusal::SshKeyExists)) => Ok(Err(Refused::There)),
        Err(StoreError::Refused(Refusal::SshKeyLimitReached)) => Ok(Err(Refused::TooMany)),
        Err(error) => Err(error),
    }
}

/// The keys of the account `?1`, the oldest first, which is the one that is taken where none is
/// chosen; `?2` the most. Served by the index `ssh_keys_by_account`.
const OF_ACCOUNT: &str =
    select!(RegisteredKey, "FROM ssh_keys WHERE account_id = ?1 ORDER BY id LIMIT ?2");

/// The keys of an account, the oldest first.
pub fn of_account(db: &dyn Db, account: AccountId) -> Result<Vec<RegisteredKey>, StoreError> {
    db.all(OF_ACCOUNT, &[Value::text(account), KEYS_MAX.into()])
}

row! {
    /// A machine of a renter, with the key that was put on it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KeyOnMachine {
        /// The rental.
        pub rental: RentalId = "r.id",
        /// Such as `node32_slice_7`.
        pub place: String = "'node' || j.node_id || '_slice_' || j.slice_number",
        /// The key: one line in OpenSSH's form.
        pub line: String = "k.value",
    }
}

/// Up to `?2` machines of the account `?1`, with their keys: of rentals that have not ended.
/// Served by the index `rentals_live_by_renter`.
const ON_MACHINES: &str = select!(
    KeyOnMachine,
    "FROM rentals r INDEXED BY rentals_live_by_renter
     JOIN setups s ON s.rental_id = r.id
     JOIN jobs j ON j.rental_id = r.id AND j.kind = 'create'
     JOIN machines m ON m.job_id = j.id
     JOIN json_each(s.ssh_keys) k
     WHERE r.renter_id = ?1 AND r.state <> 'ended'
     LIMIT ?2"
);

/// The most machines that are shown with their keys, one row for each key of each.
const ON_MACHINES_MAX: u32 = 2_048;

/// The machines of an account, with the keys that were put on them, by name.
pub fn on_machines(db: &dyn Db, account: AccountId) -> Result<Vec<KeyOnMachine>, StoreError> {
    let params = [Value::text(account), ON_MACHINES_MAX.into()];
    let mut found: Vec<KeyOnMachine> = db.all(ON_MACHINES, &params)?;
    found.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(found)
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

/// The keys that get in to the machines of the rental `?1`, which the caller has shown to be seen.
const OF_RENTAL: &str = "SELECT ssh_keys FROM setups WHERE rental_id = ?1";

/// The keys that get in to a rental's machines.
pub fn of_rental(db: &dyn Db, rental: RentalId) -> Result<KeyLines, StoreError> {
    let found: Option<KeyLines> = db.first(OF_RENTAL, &[Value::text(rental)])?;
    Ok(found.unwrap_or_default())
}

/// Removes the key `?2` of the account `?1`. No row comes back if it is not theirs.
const REMOVE: &str = "DELETE FROM ssh_keys WHERE account_id = ?1 AND id = ?2 RETURNING id";

/// Removes a key; `false` if it is not theirs. Machines that have it keep it.
pub fn remove(db: &dyn Db, account: AccountId, id: SshKeyId) -> Result<bool, StoreError> {
    db.has_row(REMOVE, &[Value::text(account), Value::text(id)])
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 2] =
    [(OF_ACCOUNT, "ssh_keys_by_account"), (ON_MACHINES, "rentals_live_by_renter")];
