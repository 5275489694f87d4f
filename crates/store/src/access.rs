//! How machines are reached, where that has changed since they were set up.

use domain::id::JobId;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::chain::hex;
use crate::db::{Db, StoreError, Value};

/// A machine that is reached in another way.
#[derive(Clone, Debug)]
pub struct AccessChange<'a> {
    /// The machine, by the job that created it.
    pub job: &'a JobId,
    /// How it was reached, encrypted.
    pub was: &'a [u8],
    /// How it is reached, encrypted.
    pub sealed: Vec<u8>,
    /// Whether what its renter knew of it leads nowhere.
    pub has_moved: bool,
}

/// Changes how machines are reached; the columns of the command view, in order. `?1` is a JSON
/// array of objects.
const CHANGE: &str = "
    INSERT INTO change_access (job_id, was, sealed, has_moved, changed_at)
    SELECT value ->> 'job', unhex(value ->> 'was'), unhex(value ->> 'sealed'),
           value ->> 'has_moved', ?2
      FROM json_each(?1)";

/// Changes how machines are reached, and notifies those renters whose machine has moved.
pub fn change(db: &dyn Db, changes: &[AccessChange<'_>], now: Timestamp) -> Result<(), StoreError> {
    if changes.is_empty() {
        return Ok(());
    }
    let change = |AccessChange { job, was, sealed, has_moved }: &AccessChange<'_>| {
        json!({
            "job": job.as_str(),
            "was": hex(was),
            "sealed": hex(sealed),
            "has_moved": has_moved,
        })
    };
    let changes: Json = changes.iter().map(change).collect();
    db.run(CHANGE, &[Value::Text(changes.to_string()), now.into()]).map(drop)
}
