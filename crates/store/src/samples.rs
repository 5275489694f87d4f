//! What nodes offered and rented, seen once an hour, and searches that found nothing.

use domain::recurring::SWEEP_SAMPLES;
use domain::region;
use domain::time::Timestamp;

use crate::db::{Db, StoreError};

/// How long samples and searches are kept, in days.
pub const KEPT_DAYS: i64 = 400;
/// A search with the same key that comes sooner after one that was counted is not, in seconds.
pub const UNMET_SECONDS: i64 = 60;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

/// The day of an instant, counted from 1970-01-01.
pub fn day_of(at: Timestamp) -> i64 {
    at.seconds() / DAY
}

/// Whether the hour `?1` is still to be sampled: a read, so that most runs write nothing.
const IS_DUE: &str = "SELECT 1 FROM market_clock WHERE id = 1 AND sampled_hour < ?1";

/// Samples every node on the market for the hour `?1`: the trigger `new_hour_samples_market` does
/// it. No row comes back where another run was first.
const SAMPLE: &str = "
    UPDATE market_clock SET sampled_hour = ?1 WHERE id = 1 AND sampled_hour < ?1
 RETURNING sampled_hour";

/// Samples what is on the market, once an hour; `false` where that was done already.
pub fn sample(db: &dyn Db, now: Timestamp) -> Result<bool, StoreError> {
    let hour = [(now.seconds() / HOUR).into()];
    Ok(db.has_row(IS_DUE, &hour)? && db.has_row(SAMPLE, &hour)?)
}

/// Deletes up to `?2` samples from before the day `?1`. Served by the index `node_days_by_day`.
const SWEEP_DAYS: &str = "
    DELETE FROM node_days WHERE (node_id, day) IN (
        SELECT node_id, day FROM node_days WHERE day < ?1 ORDER BY day LIMIT ?2)";

/// Deletes up to `?2` counts of searches from before the day `?1`. Served by the index
/// `unmet_searches_by_day`.
const SWEEP_UNMET: &str = "
    DELETE FROM unmet_searches WHERE (country, certified, day) IN (
        SELECT country, certified, day FROM unmet_searches WHERE day < ?1 ORDER BY day LIMIT ?2)";

/// Whether there is anything to delete from before the day `?1`. Served by both indexes.
const HAS_OLD: &str = "
    SELECT 1 WHERE EXISTS (SELECT 1 FROM node_days WHERE day < ?1)
                OR EXISTS (SELECT 1 FROM unmet_searches WHERE day < ?1)";

/// Deletes what is too old, a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let before = day_of(now) - KEPT_DAYS;
    if !db.has_row(HAS_OLD, &[before.into()])? {
        return Ok(());
    }
    db.run(SWEEP_DAYS, &[before.into(), SWEEP_SAMPLES.limit().into()])?;
    db.run(SWEEP_UNMET, &[before.into(), SWEEP_SAMPLES.limit().into()]).map(drop)
}

/// Whether a search for the country `?1` with the certification `?2` was counted on the day `?3`
/// after the instant `?4`: a read, so that most searches write nothing.
const IS_COUNTED: &str = "
    SELECT 1 FROM unmet_searches
     WHERE country = ?1 AND certified = ?2 AND day = ?3 AND last_at > ?4";

/// Counts a search for the country `?1` with the certification `?2` on the day `?3` at `?5`, unless
/// one was counted after `?4`.
const COUNT: &str = "
    INSERT INTO unmet_searches (country, certified, day, count, last_at)
    VALUES (?1, ?2, ?3, 1, ?5)
        ON CONFLICT (country, certified, day) DO UPDATE
       SET count = count + 1, last_at = excluded.last_at
     WHERE last_at <= ?4";

/// Counts a search that found nothing: at most one a minute for a country and certification. A
/// country that is none counts as any, so that nobody fills the table with inventions.
pub fn count_unmet(
    db: &dyn Db,
    country: Option<&str>,
    certified_only: bool,
    now: Timestamp,
) -> Result<(), StoreError> {
    let country = country.and_then(region::country).unwrap_or_default();
    let before = now.plus_seconds(-UNMET_SECONDS);
    let key = [country.into(), certified_only.into(), day_of(now).into(), before.into()];
    if db.has_row(IS_COUNTED, &key)? {
        return Ok(());
    }
    let [country, certified, day, before] = key;
    db.run(COUNT, &[country, certified, day, before, now.into()]).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 4] = [
    (SWEEP_DAYS, "node_days_by_day"),
    (SWEEP_UNMET, "unmet_searches_by_day"),
    (HAS_OLD, "node_days_by_day"),
    (HAS_OLD, "unmet_searches_by_day"),
];
