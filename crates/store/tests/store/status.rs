//! The market's state for everybody: invariants are checked in turns, and what was seen is written
//! down.

use domain::health::{Region, Verdict};
use domain::node::{NodeReport, NodeStatus};
use store::invariants::INVARIANTS;
use store::status::{check, checks, read, write};
use store::sync;
use store::sync_runs::{self, Run};

use crate::market::{FARMER, NODE, by_hand, carries, market, now, publish, register, report};

#[test]
fn invariants_are_checked_in_turns_and_written_down() {
    let db = market();
    assert_eq!(check(&db, now(), 10), Ok(10));
    assert_eq!(checks(&db).unwrap().len(), 10);
    let later = now().plus_seconds(60);
    assert_eq!(check(&db, later, u32::MAX), Ok(INVARIANTS.len() - 10), "those not yet checked");
    assert_eq!(check(&db, later, u32::MAX), Ok(0));
    // Four minutes on, the first ones come first again.
    assert_eq!(check(&db, now().plus_seconds(240), 1), Ok(1));
    let all = checks(&db).unwrap();
    assert_eq!(all.len(), INVARIANTS.len());
    let newest = all.iter().max_by_key(|check| check.checked_at).unwrap();
    assert_eq!(newest.id, INVARIANTS[0].id);
    assert!(all.iter().all(|check| check.violations == 0 && check.broken_at.is_none()));
}

#[test]
fn one_that_cannot_be_checked_keeps_no_other_from_it() {
    let db = market();
    by_hand(&db, "DROP TABLE violations").unwrap();
    check(&db, now(), u32::MAX).unwrap_err();
    let all = checks(&db).unwrap();
    assert_eq!(all.len(), INVARIANTS.len() - 1);
    assert!(all.iter().all(|check| check.id != "no-violations"));
}

#[test]
fn what_is_broken_is_said_since_when() {
    let db = market();
    check(&db, now(), u32::MAX).unwrap();
    by_hand(&db, "UPDATE nodes SET available_slices = 7").unwrap();
    for minutes in [5, 10] {
        check(&db, now().plus_seconds(minutes * 60), u32::MAX).unwrap();
        let found = checks(&db).unwrap();
        let broken: Vec<_> = found.iter().filter(|check| check.violations > 0).collect();
        assert_eq!(broken.len(), 1);
        assert_eq!(broken[0].id, "counters-are-counts");
        assert_eq!(broken[0].broken_at, Some(now().plus_seconds(300)));
    }
    by_hand(&db, "UPDATE nodes SET available_slices = 9").unwrap();
    check(&db, now().plus_seconds(900), u32::MAX).unwrap();
    // A run that was overtaken changes nothing.
    by_hand(&db, "UPDATE nodes SET available_slices = 7").unwrap();
    check(&db, now().plus_seconds(600), u32::MAX).unwrap();
    assert!(checks(&db).unwrap().iter().all(|check| check.broken_at.is_none()));
}

#[test]
fn the_state_is_what_was_written_down_last() {
    let db = market();
    assert_eq!(read(&db), Ok(None));
    write(&db, now()).unwrap();
    let (health, written_at) = read(&db).unwrap().unwrap();
    assert_eq!((health.sync, written_at), (None, now()));
    assert_eq!(health.verdict(written_at, now().plus_seconds(-86_400), now()), Verdict::Degraded);
    for (node, country) in [(33, "Netherlands"), (34, "Kenya"), (35, "Atlantis")] {
        register(&db, FARMER, node, 2);
        publish(&db, node, "20");
        let status = if node == 33 { NodeStatus::Down } else { NodeStatus::Up };
        let report = NodeReport { country: country.into(), status, ..report(node) };
        let at = now().plus_seconds(i64::from(node));
        sync::save_reports(&db, &[(report, carries(2))], at).unwrap();
    }
    register(&db, FARMER, 36, 2);
    let finished_at = now().plus_seconds(40);
    let lease = sync_runs::begin(&db, now()).unwrap().unwrap();
    let run = Run { finished_at, updated: 3, ..Run::begun(&lease, now()) };
    sync_runs::end(&db, &run).unwrap();
    write(&db, finished_at).unwrap();
    // Somebody else's older look stays out.
    write(&db, now()).unwrap();
    let (health, written_at) = read(&db).unwrap().unwrap();
    assert_eq!(written_at, finished_at);
    let region = |name: &str, nodes, up, oldest: i64, newest: i64| Region {
        name: name.into(),
        nodes,
        up,
        oldest_at: now().seconds() + oldest,
        newest_at: now().seconds() + newest,
    };
    let expected = [
        region("Eastern Africa", 1, 1, 34, 34),
        region("Elsewhere", 1, 1, 35, 35),
        // Belgium and the Netherlands.
        region("Western Europe", 2, 1, 0, 33),
    ];
    assert_eq!(health.regions, expected, "{NODE} is in Belgium");
    assert_eq!(health.verdict(written_at, written_at, finished_at), Verdict::Good);
}
