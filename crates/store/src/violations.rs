//! Bugs of ours that the schema has kept from doing harm: which rule, and how often.

use domain::time::Timestamp;

use crate::db::{Db, StoreError};

/// Counts that the rule `?1` was met at `?2`.
const COUNT: &str = "
    INSERT INTO violations (name, count, last_at) VALUES (?1, 1, ?2)
        ON CONFLICT (name) DO UPDATE SET count = count + 1, last_at = excluded.last_at";

/// Counts that a change met a rule of the schema; see [`StoreError::bug`].
pub fn count(db: &dyn Db, rule: &str, now: Timestamp) -> Result<(), StoreError> {
    db.run(COUNT, &[rule.into(), now.into()]).map(drop)
}
