//! How often somebody may do something: the generic cell rate algorithm, one row for each who.
//!
//! A bucket holds `span` milliseconds. Each use pours some in, and time drains it. A request names
//! every bucket that it uses: if one of them would spill, it is refused and pours into none, so
//! that whoever is refused by a narrow limit uses up no wider one, which others share. One
//! statement does it, so that no two requests share the last drop.
//!
//! A bucket that is empty later than `span` from now was filled while the clock was ahead. It
//! counts as empty: nobody waits longer than `span`, wherever the clock jumps.

use domain::recurring::SWEEP_LIMITS;
use domain::time::Timestamp;

use crate::db::{Db, StoreError};
use crate::migrate;

/// The longest span of a bucket, in milliseconds: a day.
pub const SPAN_MAX: i64 = 24 * 60 * 60 * 1000;

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

/// What came of a request to use limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Consumption {
    /// All of them were used. The milliseconds until each bucket is empty again, in their order.
    Counted(Vec<i64>),
    /// None was used, because this one would have spilled; if several would, the one that drains
    /// last.
    Refused {
        /// Its place among the limits.
        place: usize,
        /// The milliseconds until its bucket is empty again.
        level: i64,
        /// The milliseconds until it takes this use.
        wait: i64,
    },
}

/// The limits of `?1`, a JSON array of `[policy, key, span, cost]`, with the time at which each
/// bucket is empty, seen from `?2` milliseconds.
macro_rules! asked {
    ($rest:literal) => {
        concat!(
            "WITH asked AS MATERIALIZED (
                SELECT asked.key AS place, asked.value ->> 0 AS policy, asked.value ->> 1 AS who,
                       asked.value ->> 2 AS span, asked.value ->> 3 AS cost,
                       iif(found.empty_at BETWEEN ?2 AND ?2 + (asked.value ->> 2),
                           found.empty_at, ?2) AS empty_at
                  FROM json_each(?1) asked
                  LEFT JOIN rate_limits found
                    ON found.policy = asked.value ->> 0 AND found.key = asked.value ->> 1) ",
            $rest
        )
    };
}

/// Pours into every bucket of `?1` at `?2`, or into none if one would spill. A row comes back for
/// each, with the release that the database is at.
const CONSUME: &str = asked!(
    "INSERT INTO rate_limits (policy, key, span, empty_at)
     SELECT policy, who, span, empty_at + cost FROM asked
      WHERE NOT EXISTS (SELECT 1 FROM asked WHERE empty_at + cost > ?2 + span)
         ON CONFLICT (policy, key) DO UPDATE SET span = excluded.span, empty_at = excluded.empty_at
  RETURNING policy || ' ' || key, empty_at, (SELECT max(number) FROM schema_releases)"
);

/// Of the buckets of `?1`, the one that takes a use last at `?2`: its place, the milliseconds until
/// it is empty, and until it takes the use.
const LAST: &str = asked!(
    "SELECT place, empty_at - ?2, empty_at + cost - span - ?2 AS wait FROM asked
      ORDER BY wait DESC, place LIMIT 1"
);

/// Uses limits: all of them, or none.
///
/// Every request that changes something comes here first, and fails where the database has been
/// upgraded since the instance began: this program does not know what its commands mean by now.
pub fn consume(db: &dyn Db, uses: &[Use<'_>], now: Timestamp) -> Result<Consumption, StoreError> {
    let (asked, now) = (json(uses), millis(now));
    let consumed: Vec<(String, i64, i64)> =
        db.all(CONSUME, &[asked.as_str().into(), now.into()])?;
    let Some((_, _, release)) = consumed.first() else {
        return refused(db, &asked, now);
    };
    migrate::check_release(*release)?;
    let level = |limit: &Use<'_>| {
        let name = format!("{} {}", limit.policy, limit.key);
        let found = consumed.iter().find(|(bucket, ..)| *bucket == name);
        found.map(|(_, empty_at, _)| empty_at - now)
    };
    Ok(Consumption::Counted(uses.iter().filter_map(level).collect()))
}

fn refused(db: &dyn Db, asked: &str, now: i64) -> Result<Consumption, StoreError> {
    let found: Option<(u32, i64, i64)> = db.first(LAST, &[asked.into(), now.into()])?;
    Ok(match found {
        Some((place, level, wait)) => Consumption::Refused { place: place as usize, level, wait },
        None => Consumption::Counted(Vec::new()),
    })
}

/// Takes `?3` milliseconds out of the bucket `?1` of `?2` again.
const GIVE_BACK: &str =
    "UPDATE rate_limits SET empty_at = empty_at - ?3 WHERE policy = ?1 AND key = ?2";

/// Takes a use back, because it turned out to be none of those that are limited.
pub fn give_back(db: &dyn Db, used: &Use<'_>) -> Result<(), StoreError> {
    db.run(GIVE_BACK, &[used.policy.into(), used.key.into(), used.cost.into()]).map(drop)
}

/// Empties the bucket `?1` of `?2`.
const CLEAR: &str = "DELETE FROM rate_limits WHERE policy = ?1 AND key = ?2";

/// Takes every use of a limit back.
pub fn clear(db: &dyn Db, policy: &'static str, key: &str) -> Result<(), StoreError> {
    db.run(CLEAR, &[policy.into(), key.into()]).map(drop)
}

/// Removes up to `?2` buckets that are empty at `?1`, and as many that are empty after `?3`, which
/// were filled while the clock was ahead. Served by `rate_limits_by_end`.
const SWEEP: &str = "
    DELETE FROM rate_limits WHERE (policy, key) IN (
        SELECT * FROM (SELECT policy, key FROM rate_limits WHERE empty_at <= ?1 LIMIT ?2)
         UNION ALL
        SELECT * FROM (SELECT policy, key FROM rate_limits WHERE empty_at > ?3 LIMIT ?2))";

/// Removes empty buckets; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let now = millis(now);
    db.run(SWEEP, &[now.into(), SWEEP_LIMITS.limit().into(), (now + SPAN_MAX).into()]).map(drop)
}

fn millis(now: Timestamp) -> i64 {
    now.seconds().saturating_mul(1000)
}

/// Names and digests need no escapes: both are of letters, digits and hyphens.
fn json(uses: &[Use<'_>]) -> String {
    let row = |u: &Use<'_>| format!("[\"{}\",\"{}\",{},{}]", u.policy, u.key, u.span, u.cost);
    format!("[{}]", uses.iter().map(row).collect::<Vec<_>>().join(","))
}
