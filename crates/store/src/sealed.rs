//! Every encrypted value, for a change of keys.

use crate::db::{Db, StoreError, Value};
use crate::row::fields;

/// How many values are read at once.
const READ_AT_ONCE: u32 = 500;

/// A column whose values are encrypted.
pub struct SealedColumn {
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// Up to `?2` values and their rows' keys, behind the key `?1`.
    list: &'static str,
    /// Sets the value of the row `?1` to `?3`, if it is still `?2`.
    replace: &'static str,
}

/// Every such column. A test compares it with the schema.
pub const SEALED_COLUMNS: [SealedColumn; 5] = [
    SealedColumn {
        table: "jobs",
        column: "sealed",
        list: "SELECT id, sealed FROM jobs
                WHERE id > ?1 AND sealed IS NOT NULL ORDER BY id LIMIT ?2",
        replace: "UPDATE jobs SET sealed = ?3 WHERE id = ?1 AND sealed = ?2",
    },
    SealedColumn {
        table: "mails",
        column: "sealed",
        list: "SELECT id, sealed FROM mails
                WHERE id > ?1 AND sealed IS NOT NULL ORDER BY id LIMIT ?2",
        replace: "UPDATE mails SET sealed = ?3 WHERE id = ?1 AND sealed = ?2",
    },
    SealedColumn {
        table: "setups",
        column: "sealed",
        list: "SELECT rental_id, sealed FROM setups
                WHERE rental_id > ?1 AND sealed IS NOT NULL ORDER BY rental_id LIMIT ?2",
        replace: "UPDATE setups SET sealed = ?3 WHERE rental_id = ?1 AND sealed = ?2",
    },
    SealedColumn {
        table: "totp_secrets",
        column: "sealed",
        list: "SELECT account_id, sealed FROM totp_secrets
                WHERE account_id > ?1 ORDER BY account_id LIMIT ?2",
        replace: "UPDATE totp_secrets SET sealed = ?3 WHERE account_id = ?1 AND sealed = ?2",
    },
    SealedColumn {
        table: "webhooks",
        column: "sealed",
        list: "SELECT id, sealed FROM webhooks WHERE id > ?1 ORDER BY id LIMIT ?2",
        replace: "UPDATE webhooks SET sealed = ?3 WHERE id = ?1 AND sealed = ?2",
    },
];

/// An encrypted value.
pub struct SealedValue {
    /// The key of its row.
    pub row: String,
    /// The value.
    pub sealed: Vec<u8>,
}

fields! { SealedValue { row: String, sealed: Vec<u8> } }

impl SealedColumn {
    /// Some of the values, behind the row `after`; none at the end.
    pub fn list(&self, db: &dyn Db, after: &str) -> Result<Vec<SealedValue>, StoreError> {
        db.all(self.list, &[after.into(), READ_AT_ONCE.into()])
    }

    /// Sets a value anew, unless it has changed meanwhile.
    pub fn replace(
        &self,
        db: &dyn Db,
        value: &SealedValue,
        sealed: &[u8],
    ) -> Result<(), StoreError> {
        let old = Value::from(&value.sealed[..]);
        db.run(self.replace, &[value.row.as_str().into(), old, sealed.into()]).map(drop)
    }
}
