//! How often somebody may do something: the generic cell rate algorithm, one row for each who.
//!
//! A bucket holds `span` milliseconds. Each use pours some in, and time drains it; a use that would
//! make it spill is refused and pours nothing. One statement does it, so that no two requests share
//! the last drop.

use domain::recurring::SWEEP_LIMITS;
use domain::time::Timestamp;

use crate::db::{Db, StoreError};
use crate::migrate;

/// A use of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use<'a> {
    /// The limit's name.
    pub policy: &'static str,
    /// Whom it limits, as a digest.
    pub key: &'a str,
    /// What the bucket holds, in milliseconds.
    pub span: i64,
    /// What this use pours in, in milliseconds.
    pub cost: i64,
}

/// Pours into the buckets of `?1`, a JSON array of `[policy, key, span, cost]`, at `?2`
/// milliseconds. A row comes back for each that did not spill, with the release that the database
/// is at.
const CONSUME: &str = "
    INSERT INTO rate_limits (policy, key, span, empty_at)
    SELECT value ->> 0, value ->> 1, value ->> 2, ?2 + (value ->> 3) FROM json_each(?1) WHERE true
        ON CONFLICT (policy, key) DO UPDATE
       SET span = excluded.span, empty_at = max(empty_at, ?2) + excluded.empty_at - ?2
     WHERE max(empty_at, ?2) + excluded.empty_at - ?2 <= ?2 + excluded.span
 RETURNING policy, empty_at, (SELECT max(number) FROM schema_releases)";

/// Uses limits. Answers, in their order, the milliseconds until each bucket is empty again; `None`
/// for one that would have spilled.
///
/// Every request that changes something comes here first, and fails where the database has been
/// upgraded since the instance began: this program does not know what its commands mean by now.
pub fn consume(
    db: &dyn Db,
    uses: &[Use<'_>],
    now: Timestamp,
) -> Result<Vec<Option<i64>>, StoreError> {
    let now = millis(now);
    let consumed: Vec<(String, i64, i64)> =
        db.all(CONSUME, &[json(uses).as_str().into(), now.into()])?;
    consumed.first().map_or(Ok(()), |(_, _, release)| migrate::check_release(*release))?;
    let left = |limit: &Use<'_>| {
        let found = consumed.iter().find(|(policy, ..)| policy == limit.policy);
        found.map(|(_, empty_at, _)| empty_at - now)
    };
    Ok(uses.iter().map(left).collect())
}

/// When the bucket `?1` of `?2` is empty again.
const LEVEL: &str = "SELECT empty_at FROM rate_limits WHERE policy = ?1 AND key = ?2";

/// The milliseconds until a bucket is empty again.
pub fn level(
    db: &dyn Db,
    policy: &'static str,
    key: &str,
    now: Timestamp,
) -> Result<i64, StoreError> {
    let empty_at: i64 = db.first(LEVEL, &[policy.into(), key.into()])?.unwrap_or(0);
    Ok((empty_at - millis(now)).max(0))
}

/// Takes `?3` milliseconds out of the bucket `?1` of `?2` again.
const GIVE_BACK: &str =
    "UPDATE rate_limits SET empty_at = empty_at - ?3 WHERE policy = ?1 AND key = ?2";

/// Takes a use back, because it turned out to be none of those that are limited.
pub fn give_back(db: &dyn Db, used: &Use<'_>) -> Result<(), StoreError> {
    db.run(GIVE_BACK, &[used.policy.into(), used.key.into(), used.cost.into()]).map(drop)
}

/// Removes up to `?2` buckets that are empty at `?1`. Served by `rate_limits_by_end`.
const SWEEP: &str = "
    DELETE FROM rate_limits WHERE (policy, key) IN (
        SELECT policy, key FROM rate_limits WHERE empty_at <= ?1 ORDER BY empty_at LIMIT ?2)";

/// Removes empty buckets; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP, &[millis(now).into(), SWEEP_LIMITS.limit().into()]).map(drop)
}

fn millis(now: Timestamp) -> i64 {
    now.seconds().saturating_mul(1000)
}

/// Names and digests need no escapes: both are of letters, digits and hyphens.
fn json(uses: &[Use<'_>]) -> String {
    let row = |u: &Use<'_>| format!("[\"{}\",\"{}\",{},{}]", u.policy, u.key, u.span, u.cost);
    format!("[{}]", uses.iter().map(row).collect::<Vec<_>>().join(","))
}
