//! Runs of the sync: one at a time, each from where the last one stopped, and their history.

use domain::breaker::Breaker;
use domain::id::NodeId;
use domain::reconciliation::{Observation, Seen, reconcile};
use domain::time::Timestamp;
use store::sync::{RefusedDocument, quarantine, refused, registered, save, sweep};
use store::sync_runs::{
    self, APART_SECONDS, LEASE_SECONDS, Lease, Run, Upstream, begin, end, list, save_cursor,
    save_upstreams, upstreams,
};
use store::{Refusal, RusqliteDb, StoreError, migrate};

use crate::dump::dump;
use crate::market::{
    Disk, FARMER, NODE, OTHER_FARMER, assert_sound, count, empty, furnish, market, now,
    open_account, register, report, states,
};
use crate::races::at_once;

fn at(seconds: i64) -> Timestamp {
    now().plus_seconds(seconds)
}

#[track_caller]
fn begun(db: &RusqliteDb, seconds: i64) -> Lease {
    begin(db, at(seconds)).unwrap().expect("nobody syncs")
}

/// An observation that misses a node.
fn miss(db: &RusqliteDb, node: u32) -> Observation {
    let known = registered(db, Some(NodeId(node - 1)), 1, now()).unwrap();
    reconcile(&known[0], Seen::Unlisted, now())
}

#[test]
fn one_run_at_a_time() {
    let db = empty();
    let first = begun(&db, 0);
    assert_eq!((first.fence, first.behind), (1, None));
    assert_eq!(begin(&db, at(0)), Ok(None));
    assert_eq!(begin(&db, at(LEASE_SECONDS - 1)), Ok(None));
    // A run that goes on keeps it; one that has died has it until its time is over.
    assert_eq!(save_cursor(&db, &first, Some(NodeId(7)), at(100)), Ok(true));
    assert_eq!(begin(&db, at(LEASE_SECONDS)), Ok(None));
    let second = begun(&db, 100 + LEASE_SECONDS);
    assert_eq!((second.fence, second.behind), (2, Some(NodeId(7))));
    assert_eq!(save_cursor(&db, &first, Some(NodeId(9)), at(400)), Ok(false));
    // A run that was overtaken ends in the history, and ends nothing else.
    end(&db, &Run { behind: None, ..Run::begun(&first, at(0)) }).unwrap();
    assert_eq!(begin(&db, at(101 + LEASE_SECONDS)), Ok(None));
    end(&db, &Run { behind: Some(NodeId(8)), ..Run::begun(&second, at(400)) }).unwrap();
    let third = begun(&db, 401);
    assert_eq!((third.fence, third.behind), (3, Some(NodeId(8))));
}

#[test]
fn runs_that_look_at_all_are_apart() {
    let db = empty();
    let first = begun(&db, 0);
    end(&db, &Run::begun(&first, at(0))).unwrap();
    // Another host was woken at the same time, by a clock that is a little behind or ahead.
    for seconds in [-2, 0, 1, APART_SECONDS - 1] {
        assert_eq!(begin(&db, at(seconds)), Ok(None));
    }
    let second = begun(&db, APART_SECONDS);
    // What it has left is gone on with at once.
    end(&db, &Run { behind: Some(NodeId(8)), ..Run::begun(&second, at(60)) }).unwrap();
    let third = begun(&db, APART_SECONDS + 1);
    assert_eq!((third.fence, third.behind), (3, Some(NodeId(8))));
}

#[test]
fn a_clock_that_was_ahead_holds_no_lease() {
    let db = empty();
    begun(&db, 1_000_000);
    assert_eq!(begun(&db, 0).fence, 2);
    // What was looked at with that clock is looked at again with this one.
    let db = market();
    let ahead = begun(&db, 1_000_000);
    save(&db, &[miss(&db, NODE)], Some(ahead.fence), at(1_000_000)).unwrap();
    end(&db, &Run::begun(&ahead, at(1_000_000))).unwrap();
    let lease = begun(&db, 0);
    let known = registered(&db, None, 1, now()).unwrap();
    let observation = reconcile(&known[0], Seen::Listed(&report(NODE)), now());
    save(&db, &[observation], Some(lease.fence), now()).unwrap();
    assert_eq!(registered(&db, None, 1, now()).unwrap()[0].standing.status.into_str(), "up");
}

#[test]
fn a_late_writer_is_refused() {
    let db = market();
    let late = begun(&db, 0);
    let next = begun(&db, LEASE_SECONDS);
    let before = dump(&db);
    let refusal = save(&db, &[miss(&db, NODE)], Some(late.fence), at(0));
    assert_eq!(refusal, Err(StoreError::Refused(Refusal::SyncRunSuperseded)));
    let document =
        RefusedDocument { node_id: NODE, reason: "no status".into(), excerpt: "{}".into() };
    quarantine(&db, std::slice::from_ref(&document), Some(late.fence), at(0)).unwrap();
    assert_eq!(dump(&db), before);
    // Who has the lease is not.
    quarantine(&db, std::slice::from_ref(&document), Some(next.fence), at(0)).unwrap();
    assert_eq!(refused(&db, 10), Ok(vec![document]));
    save(&db, &[miss(&db, NODE)], Some(next.fence), at(0)).unwrap();
    assert_eq!(states(&db, NODE), "---------");
    assert_sound(&db);
}

#[test]
fn of_sixteen_hosts_one_syncs() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        migrate::apply(&db, now()).unwrap();
        furnish(&db);
        let begun = at_once(&disk, 16, |db, _| {
            loop {
                match begin(db, now()) {
                    Err(StoreError::Busy) => {}
                    other => return other.unwrap().is_some(),
                }
            }
        });
        assert_eq!(begun.into_iter().filter(|begun| *begun).count(), 1, "{journal_mode}");
    }
}

#[test]
fn what_is_as_it_was_is_counted_and_not_written() {
    let db = market();
    register(&db, OTHER_FARMER, 33, 2);
    let lease = begun(&db, 0);
    // So that a write of anything but the look would be seen.
    let guard = "CREATE TRIGGER nothing_is_written
                  AFTER UPDATE OF status, capacity, farm_name, oversold ON nodes
                 BEGIN SELECT RAISE(ABORT, 'written'); END";
    store::Db::run(&db, guard, &[]).unwrap();
    let observations = [NODE, 33].map(|node| Observation {
        id: NodeId(node),
        change: None,
        is_up: Some(node == NODE),
        is_down: Some(node != NODE),
        reported_at: Some(at(50)),
    });
    save(&db, &observations, Some(lease.fence), at(60)).unwrap();
    let seen = "SELECT sum(observed) * 10 + sum(observed_up) FROM nodes
                 WHERE synced_at = 1795367381 AND reported_at = 1795367371";
    assert_eq!(count(&db, seen), 21);
    let changed = [miss(&db, NODE)];
    let refusal = save(&db, &changed, Some(lease.fence), at(61));
    assert!(matches!(refusal, Err(StoreError::Failed(why)) if why.contains("written")));
}

#[test]
fn runs_are_remembered_for_a_while() {
    let db = empty();
    let lease = begun(&db, 0);
    let failed = Run {
        failure: Some("no gridproxy answered".into()),
        behind: Some(NodeId(600)),
        finished_at: at(3),
        ..Run::begun(&lease, now())
    };
    let whole = Run {
        upstream: Some("https://gridproxy.example.org".into()),
        updated: 5,
        changed: 4,
        missing: 1,
        refused: 2,
        failure: None,
        behind: None,
        requests: 6,
        waited_ms: 7,
        read_ms: 8,
        wrote_ms: 9,
        ..failed.clone()
    };
    end(&db, &failed).unwrap();
    end(&db, &whole).unwrap();
    let (failed, whole) = (Run { id: 1, ..failed }, Run { id: 2, ..whole });
    assert_eq!(list(&db, None, 10), Ok(vec![whole.clone(), failed.clone()]));
    assert_eq!(list(&db, None, 1), Ok(vec![whole]));
    assert_eq!(list(&db, Some(2), 10), Ok(vec![failed]));
    let day = 24 * 60 * 60;
    sync_runs::sweep(&db, at(90 * day)).unwrap();
    assert_eq!(list(&db, None, 10).unwrap().len(), 2);
    sync_runs::sweep(&db, at(91 * day)).unwrap();
    assert_eq!(list(&db, None, 10), Ok(vec![]));
}

#[test]
fn what_was_in_quarantine_for_long_is_forgotten() {
    let db = market();
    let document =
        RefusedDocument { node_id: NODE, reason: "no status".into(), excerpt: "{}".into() };
    quarantine(&db, &[document], None, now()).unwrap();
    let day = 24 * 60 * 60;
    sweep(&db, at(30 * day)).unwrap();
    assert_eq!(refused(&db, 10).unwrap().len(), 1);
    sweep(&db, at(31 * day)).unwrap();
    assert_eq!(refused(&db, 10), Ok(vec![]));
}

#[test]
fn servers_are_remembered() {
    let db = empty();
    let base = "https://grid.example";
    assert_eq!(upstreams(&db), Ok(vec![]));
    let good = Upstream { succeeded_at: Some(now()), ..Upstream::new(base) };
    let other = Upstream::new("https://other.example");
    save_upstreams(&db, &[good.clone(), other.clone()]).unwrap();
    assert_eq!(upstreams(&db), Ok(vec![good.clone(), other.clone()]));
    let bad = Upstream {
        breaker: Breaker { failures: 3, open_until: at(600) },
        failed_at: Some(at(1)),
        failure: Some("é".repeat(501)),
        ..good
    };
    save_upstreams(&db, std::slice::from_ref(&bad)).unwrap();
    let kept = Upstream { failure: Some("é".repeat(500)), ..bad };
    assert_eq!(upstreams(&db), Ok(vec![kept, other]));
}

/// Ten pages of five hundred: each is one statement, of which none holds the lock for long.
#[test]
fn five_thousand_nodes_are_looked_at_page_by_page() {
    let db = empty();
    open_account(&db, FARMER);
    for node in 1..=5_000 {
        register(&db, FARMER, node, 2);
    }
    let lease = begun(&db, 0);
    let (mut behind, mut pages, mut looked) = (None, 0, 0);
    loop {
        let page = registered(&db, behind, 500, now()).unwrap();
        let Some(last) = page.last() else { break };
        behind = Some(last.id);
        let observations: Vec<Observation> =
            page.iter().map(|known| reconcile(known, Seen::Unlisted, now())).collect();
        save(&db, &observations, Some(lease.fence), now()).unwrap();
        assert!(save_cursor(&db, &lease, behind, now()).unwrap());
        (pages, looked) = (pages + 1, looked + observations.len());
    }
    assert_eq!((pages, looked), (10, 5_000));
    assert_eq!(count(&db, "SELECT sum(available_slices) FROM nodes"), 0);
    assert_eq!(count(&db, "SELECT behind FROM sync_state"), 5_000);
}
