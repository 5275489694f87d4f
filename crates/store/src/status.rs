//! The market's state for everybody: a job checks and writes it down, and the page reads that.

use domain::health::{Health, KEPT_DAYS, Part, Region, Sync, Verdict, check_verdict};
use domain::region;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::invariants::{INVARIANTS, Invariant, check_and_move};
use crate::row::{row, select};
use crate::{mails, unprovisioned};

/// An invariant that was checked so recently is not checked again. Seconds.
const CHECKED_FOR_SECONDS: i64 = 240;
/// The most checks that are read; there are fewer invariants.
const CHECKS_MAX: u32 = 1_000;
/// The most countries that are counted; there are fewer.
const COUNTRIES_MAX: u32 = 300;
/// What a country is in that no region has.
const ELSEWHERE: &str = "Elsewhere";

row! {
    /// When an invariant was last checked, and what was found.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Check {
        /// The invariant's id.
        pub id: String = "id",
        /// How many things broke it.
        pub violations: u64 = "violations",
        /// When it was checked.
        pub checked_at: Timestamp = "checked_at",
        /// Since when it is broken; `None` while it holds.
        pub broken_at: Option<Timestamp> = "broken_at",
    }
}

/// Every check that is written down: one for each invariant. At most `?1`.
const CHECKS: &str = select!(Check, "FROM invariant_checks ORDER BY id LIMIT ?1");

/// When each invariant was last checked, by id: those that this version knows.
pub fn checks(db: &dyn Db) -> Result<Vec<Check>, StoreError> {
    let checks: Vec<Check> = db.all(CHECKS, &[CHECKS_MAX.into()])?;
    let is_known = |check: &Check| INVARIANTS.iter().any(|invariant| invariant.id == check.id);
    Ok(checks.into_iter().filter(is_known).collect())
}

/// Writes down what was found of the invariant `?1`: `?2` violations at `?3`. A later finding
/// stays.
const SAVE_CHECK: &str = "
    INSERT INTO invariant_checks (id, violations, checked_at, broken_at)
    VALUES (?1, ?2, ?3, iif(?2 > 0, ?3, NULL))
        ON CONFLICT (id) DO UPDATE
       SET violations = excluded.violations, checked_at = excluded.checked_at,
           broken_at = iif(excluded.violations > 0,
                           coalesce(broken_at, excluded.checked_at), NULL)
     WHERE checked_at <= excluded.checked_at";

/// Checks up to `limit` invariants, those first that were not checked for longest: the next run
/// goes on. One that cannot be checked does not keep the others from it. Answers how many were.
pub fn check(db: &dyn Db, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
    let known = checks(db)?;
    let checked_at = |invariant: &Invariant| {
        known.iter().find(|check| check.id == invariant.id).map(|check| check.checked_at)
    };
    let before = now.plus_seconds(-CHECKED_FOR_SECONDS);
    let mut due: Vec<&'static Invariant> =
        INVARIANTS.iter().filter(|it| checked_at(it).is_none_or(|at| at <= before)).collect();
    due.sort_by_key(|invariant| checked_at(invariant));
    due.truncate(limit as usize);
    let mut failure = None;
    for invariant in &due {
        let checked = check_and_move(db, invariant).and_then(|found| {
            let found = i64::try_from(found.violations).unwrap_or(i64::MAX);
            db.run(SAVE_CHECK, &[invariant.id.into(), found.into(), now.into()])
        });
        failure = failure.or(checked.err());
    }
    failure.map_or(Ok(due.len()), Err)
}

row! {
    impl Sync {
        finished_at: i64 = "finished_at",
        is_whole: bool = "failure IS NULL",
    }
}

/// How the last run of the sync went.
const LAST_SYNC: &str = select!(Sync, "FROM sync_runs ORDER BY id DESC LIMIT 1");

row! {
    // Of a country, with its name in place of a region's.
    impl Region {
        name: String = "country",
        nodes: u64 = "count(*)",
        up: u64 = "sum(status = 'up')",
        oldest_at: i64 = "min(synced_at)",
        newest_at: i64 = "max(synced_at)",
    }
}

/// What is known of the nodes that are or were on the market, by country: how many, how many of
/// them are up, and when the grid was last asked about the one that it was asked about longest ago,
/// and last. At most `?1`.
const COUNTRIES: &str = select!(
    Region,
    "FROM nodes WHERE listing <> 'draft' AND left_at IS NULL
     GROUP BY country LIMIT ?1"
);

/// Writes down the state `?1` at `?2`, unless a later one is there.
const SAVE: &str = "
    INSERT INTO market_status (id, document, written_at) VALUES (1, ?1, ?2)
        ON CONFLICT (id) DO UPDATE
       SET document = excluded.document, written_at = excluded.written_at
     WHERE written_at <= excluded.written_at";

/// Looks at the state of the market, and writes it down.
pub fn write(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let health = Health {
        sync: db.first(LAST_SYNC, &[])?,
        regions: regions(db)?,
        mail_waits_since: mails::waiting(db)?.since.map(Timestamp::seconds),
        late_jobs: unprovisioned::late_count(db)?,
    };
    let document = serde_json::to_string(&health).expect("numbers and text can be written as JSON");
    db.run(SAVE, &[Value::Text(document), now.into()])?;
    count(db, &health, now)
}

/// Counts for today how each part is. A new market is not counted until it was looked at.
fn count(db: &dyn Db, health: &Health, now: Timestamp) -> Result<(), StoreError> {
    let day = now.seconds().div_euclid(DAY_SECONDS);
    let checks = checks(db)?;
    let checked = checks.iter().map(|it| check_verdict(it.violations, it.checked_at, now)).max();
    // Whatever the age of the market: what was never done is not counted.
    let synced = health.sync.map(|_| health.sync_verdict(now, now));
    for (part, verdict) in [
        (Part::Sync, synced),
        (Part::Mail, Some(health.mail_verdict(now))),
        (Part::Setup, Some(health.access_verdict())),
        (Part::Checks, checked),
    ] {
        let Some(verdict) = verdict else { continue };
        let (is_late, is_broken) = (verdict == Verdict::Degraded, verdict == Verdict::Bad);
        let part = part.into_str();
        db.run(COUNT, &[day.into(), part.into(), is_late.into(), is_broken.into()])?;
    }
    db.run(COUNT_NODES, &[day.into(), Part::Nodes.into_str().into()])?;
    db.run(SWEEP, &[(day - KEPT_DAYS).into()]).map(drop)
}

const DAY_SECONDS: i64 = 86_400;

/// Counts that the part `?2` was looked at on the day `?1`: whether it was late, `?3`, or broken,
/// `?4`.
const COUNT: &str = "
    INSERT INTO status_days (day, part, looked, late, broken) VALUES (?1, ?2, 1, ?3, ?4)
        ON CONFLICT (day, part) DO UPDATE
       SET looked = looked + 1, late = late + excluded.late, broken = broken + excluded.broken";

/// Counts how often nodes were observed on the day `?1`, and found down, as the part `?2`.
const COUNT_NODES: &str = "
    INSERT INTO status_days (day, part, looked, late, broken)
    SELECT ?1, ?2, looked, looked - up, 0
      FROM (SELECT sum(observed) AS looked, sum(observed_up) AS up
              FROM observation_days WHERE day = ?1)
     WHERE looked > 0
        ON CONFLICT (day, part) DO UPDATE SET looked = excluded.looked, late = excluded.late";

/// Deletes what is known of the day `?1` and of those before it.
const SWEEP: &str = "DELETE FROM status_days WHERE day <= ?1";

row! {
    /// How a part was on a day.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PartDay {
        /// The part.
        pub part: Part = "part",
        /// Days since 1970, in UTC.
        pub day: i64 = "day",
        /// How often it was looked at.
        pub looked: i64 = "looked",
        /// How often it was late, of those.
        pub late: i64 = "late",
        /// How often it was broken, of those.
        pub broken: i64 = "broken",
    }
}

/// How each part was on the days behind `?1`; at most `?2`. Served by the primary key.
const DAYS: &str = select!(PartDay, "FROM status_days WHERE day > ?1 ORDER BY day LIMIT ?2");

/// The most rows for days: five parts.
const PART_DAYS_MAX: u32 = 500;

/// How each part was on each of the last 90 days of which something is known.
pub fn days(db: &dyn Db, now: Timestamp) -> Result<Vec<PartDay>, StoreError> {
    let today = now.seconds().div_euclid(DAY_SECONDS);
    db.all(DAYS, &[(today - KEPT_DAYS).into(), PART_DAYS_MAX.into()])
}

/// Since when there is this market: when its tables were made.
const SINCE: &str = "SELECT min(applied_at) FROM schema_releases";

/// Since when there is this market.
pub fn since(db: &dyn Db) -> Result<Timestamp, StoreError> {
    db.one(SINCE, &[])
}

fn regions(db: &dyn Db) -> Result<Vec<Region>, StoreError> {
    let mut regions: Vec<Region> = Vec::new();
    for country in db.all::<Region>(COUNTRIES, &[COUNTRIES_MAX.into()])? {
        let name = region::region(&country.name).map_or(ELSEWHERE, |region| region.name);
        let found = Region { name: name.to_owned(), ..country };
        match regions.iter_mut().find(|region| region.name == found.name) {
            Some(region) => region.add(&found),
            None => regions.push(found),
        }
    }
    regions.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(regions)
}

/// The state as it was written down, and when.
const READ: &str = "SELECT document, written_at FROM market_status WHERE id = 1";

/// The state as it was written down, and when; `None` before that.
pub fn read(db: &dyn Db) -> Result<Option<(Health, Timestamp)>, StoreError> {
    let Some((document, written_at)) = db.first::<(String, Timestamp)>(READ, &[])? else {
        return Ok(None);
    };
    let health = serde_json::from_str(&document)
        .map_err(|_| StoreError::Corrupt("a state of the market of another form".into()))?;
    Ok(Some((health, written_at)))
}
