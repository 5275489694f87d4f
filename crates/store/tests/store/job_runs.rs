//! Recurring jobs: when they were last done, and what waits for them.

use domain::recurring::ALL;
use domain::time::Timestamp;
use store::job_runs::{self, Begin, Done, JobRun, all, backlog, record};
use store::{RusqliteDb, jobs};

use crate::market::{
    AIDA, Disk, FARMER, OMAR, account, assert_sound, attempt, by_hand, count, empty, fund, market,
    now, one, quote, rent,
};

fn at(seconds: i64) -> Timestamp {
    now().plus_seconds(seconds)
}

fn done(failure: Option<&str>) -> [Done; 1] {
    [Done { name: "expire", took_ms: 7, failure: failure.map(str::to_owned) }]
}

#[test]
fn the_last_run_of_a_job_is_remembered() {
    let db = empty();
    assert!(all(&db).unwrap().is_empty());
    let check = |failure: Option<&str>, seconds, failing_since: Option<i64>, runs| {
        record(&db, &done(failure), at(seconds)).unwrap();
        let expected = JobRun {
            begun_at: None,
            started_at: at(seconds),
            took_ms: 7,
            failure: failure.map(str::to_owned),
            failing_since: failing_since.map(at),
            runs,
        };
        assert_eq!(all(&db).unwrap()["expire"], expected);
    };
    check(None, 0, None, 1);
    check(Some("no memory"), 10, Some(10), 2);
    check(Some("no disk"), 20, Some(10), 3);
    check(None, 30, None, 4);
    record(&db, &[], at(40)).unwrap();
    assert_eq!(all(&db).unwrap().len(), 1);
    record(&db, &done(Some(&"é".repeat(501))), at(50)).unwrap();
    assert_eq!(all(&db).unwrap()["expire"].failure.as_ref().unwrap().chars().count(), 500);
}

#[test]
fn a_job_is_begun_by_one_run() {
    let db = empty();
    let begin = |last_begun_at: Option<i64>, seconds| {
        let jobs = [Begin { name: "expire", last_begun_at }];
        job_runs::begin(&db, &jobs, at(seconds)).unwrap()
    };
    let run = || all(&db).unwrap()["expire"].clone();
    assert_eq!(begin(None, 0), ["expire"]);
    assert_eq!((run().begun_at, run().runs), (Some(at(0)), 0));
    // Another run that has seen the same is too late.
    assert!(begin(None, 0).is_empty() && begin(None, 300).is_empty());
    record(&db, &done(Some("no disk")), at(0)).unwrap();
    assert_eq!((run().begun_at, run().runs), (Some(at(0)), 1));
    let seen = Some(at(0).seconds());
    assert_eq!(begin(seen, 300), ["expire"]);
    assert!(begin(seen, 300).is_empty());
    // As long as it is not done, it is as it was left, and counts as late after a while.
    assert_eq!((run().begun_at, run().started_at), (Some(at(300)), at(0)));
    assert_eq!(run().failure.as_deref(), Some("no disk"));
    assert_eq!(job_runs::begin(&db, &[], at(300)), Ok(vec![]));
}

#[track_caller]
fn waits(db: &RusqliteDb, job: &str, seconds: i64) -> u64 {
    backlog(db, at(seconds)).unwrap()[job]
}

#[test]
fn what_waits_is_counted() {
    let db = market();
    for name in backlog(&db, now()).unwrap().into_keys() {
        assert!(ALL.iter().any(|job| job.name == name), "{name}");
    }
    let day = 24 * 60 * 60;
    rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!((waits(&db, "earn", 0), waits(&db, "expire", 0)), (0, 0));
    assert_eq!((waits(&db, "earn", day), waits(&db, "expire", 40 * day)), (1, 1));
    fund(&db, AIDA, "50");
    quote(&db, 1, AIDA, &one(5), true, now()).unwrap();
    assert_eq!((waits(&db, "release holds", 0), waits(&db, "release holds", day)), (0, 1));
    assert!(waits(&db, "create notifications", 0) > 0 && waits(&db, "seal the audit log", 0) > 0);
    store::audit::seal(&db).unwrap();
    assert_eq!(waits(&db, "seal the audit log", 0), 0);
    assert_eq!(waits(&db, "sync", 0), 0);
    by_hand(&db, "UPDATE sync_state SET behind = 31").unwrap();
    assert_eq!(waits(&db, "sync", 0), 1);
}

#[test]
fn the_database_keeps_house() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        store::migrate::apply(&db, now()).unwrap();
        crate::market::furnish(&db);
        assert_eq!((job_runs::checkpoint(&db), job_runs::optimize(&db)), (Ok(true), Ok(false)));
        let stats = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'";
        assert_eq!(count(&db, stats), 0, "a market that is small is left alone");
        let event =
            "INSERT INTO events (id, kind, created_at) VALUES (10000, 'node-oversold-resolved', 1)";
        by_hand(&db, event).unwrap();
        assert_eq!(job_runs::optimize(&db), Ok(true));
        rent(&db, attempt(OMAR, "key")).unwrap();
        assert_sound(&db);
    }
}

#[test]
fn agents_of_long_ago_are_forgotten() {
    let db = market();
    let day = 24 * 60 * 60;
    for (name, seconds) in [("old", 0), ("new", 2 * day)] {
        let agent = jobs::Agent { farmer: account(FARMER), farm: 1, name, token: None };
        jobs::see(&db, &agent, at(seconds)).unwrap();
    }
    let agents = || count(&db, "SELECT count(*) FROM agents");
    job_runs::sweep_agents(&db, at(90 * day)).unwrap();
    assert_eq!(agents(), 2);
    job_runs::sweep_agents(&db, at(91 * day)).unwrap();
    assert_eq!(agents(), 1);
}
