//! What the database makes of what `domain::reconciliation` decides.

use domain::id::NodeId;
use domain::node::{NodeReport, Resources, SLICE_MEMORY_BYTES, SLICE_SSD_BYTES, capacity};
use domain::provisioning::Report;
use domain::reconciliation::{IN_USE_AFTER_SECONDS, OwnUsage, Seen, offered, reconcile};
use domain::time::Timestamp;
use store::rentals::end;
use store::renting::RentFailure;
use store::sync::{Oversold, oversold, registered, save};
use store::{RusqliteDb, nodes, sync};

use crate::jobs::{lease, notify, provisioned};
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, account, assert_sound, attempt, count, email, market, now,
    rent, report, states,
};

const GIB: i64 = 1 << 30;

fn at(seconds: i64) -> Timestamp {
    now().plus_seconds(seconds)
}

/// A report of `NODE` with room for so many slices, of which so many are in use on the grid.
fn holds(slices: i64, used: i64) -> NodeReport {
    let of = |slices: i64, cpu: i64| Resources {
        cpu_cores: cpu + slices,
        memory_bytes: 2 * GIB + slices * SLICE_MEMORY_BYTES,
        ssd_bytes: 20 * GIB + slices * SLICE_SSD_BYTES,
    };
    NodeReport { total: of(slices, 1), used: of(used, 0), ..report(NODE) }
}

/// A look at `NODE`.
fn observe(db: &RusqliteDb, seen: Seen<'_>, seconds: i64) {
    let known = registered(db, Some(NodeId(NODE - 1)), 1, at(seconds)).unwrap();
    save(db, &[reconcile(&known[0], seen, at(seconds))], None, at(seconds)).unwrap();
    assert_sound(db);
}

fn own(db: &RusqliteDb, seconds: i64) -> OwnUsage {
    registered(db, Some(NodeId(NODE - 1)), 1, at(seconds)).unwrap()[0].own
}

#[test]
fn a_machine_of_ours_is_counted_once_the_grid_counts_it() {
    let db = provisioned();
    observe(&db, Seen::Listed(&holds(3, 0)), 0);
    assert_eq!(states(&db, NODE), "aaa------");
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    observe(&db, Seen::Listed(&holds(3, 0)), 10);
    assert_eq!((states(&db, NODE).as_str(), own(&db, 10).machines), ("Raa------", 0));
    let job = lease(&db, 20);
    notify(&db, &job, Report::Complete, 60).unwrap();
    // The grid counts it already, and it is not certain yet: less is offered for a while.
    observe(&db, Seen::Listed(&holds(3, 1)), 120);
    assert_eq!(states(&db, NODE), "Ra-------");
    assert_eq!(own(&db, 60 + IN_USE_AFTER_SECONDS - 1).machines, 0);
    let certain = 60 + IN_USE_AFTER_SECONDS;
    assert_eq!(own(&db, certain), OwnUsage { sold: 1, leaving: 0, machines: 1, answers: false });
    observe(&db, Seen::Listed(&holds(3, 1)), certain);
    assert_eq!(states(&db, NODE), "Raa------");
    // Its rental is over: the machine takes its place until it is gone.
    end(&db, account(OMAR), rental, None, at(certain + 10)).unwrap();
    assert_eq!(
        own(&db, certain + 10),
        OwnUsage { sold: 0, leaving: 1, machines: 1, answers: false }
    );
    observe(&db, Seen::Listed(&holds(3, 1)), certain + 20);
    assert_eq!(states(&db, NODE), "-aa------");
    let removal = lease(&db, certain + 30);
    notify(&db, &removal, Report::Complete, certain + 40).unwrap();
    assert_eq!(own(&db, certain + 40), OwnUsage::default());
    observe(&db, Seen::Listed(&holds(3, 0)), certain + 50);
    assert_eq!(states(&db, NODE), "aaa------");
}

#[test]
fn an_oversold_node_is_told_of_once_and_sells_nothing() {
    let db = market();
    for (nth, slice) in [(1, 1), (2, 2), (3, 3)] {
        let key = format!("key-{nth}");
        rent(&db, Attempt { id: 60 + nth, slice: Some(slice), ..attempt(OMAR, &key) }).unwrap();
    }
    let told = |kind: &str| {
        count(&db, &format!("SELECT count(*) FROM events WHERE kind = '{kind}' AND node_id = 32"))
    };
    let flagged = || {
        let (node, _) = nodes::find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
        node.oversold
    };
    observe(&db, Seen::Listed(&holds(9, 3)), 60);
    assert_eq!((flagged(), told("node-oversold")), (0, 0));
    for seconds in [120, 180] {
        observe(&db, Seen::Listed(&holds(2, 0)), seconds);
        assert_eq!((flagged(), told("node-oversold")), (1, 1));
        assert_eq!(states(&db, NODE), "RRR------");
    }
    let expected = Oversold {
        node: NodeId(NODE),
        name: format!("Node {NODE}"),
        farmer: email(FARMER).to_string(),
        sold: 3,
        over: 1,
        synced_at: at(180),
    };
    assert_eq!(oversold(&db, 10), Ok(vec![expected]));
    assert!(matches!(rent(&db, attempt(AIDA, "new")), Err(RentFailure::Rule(_))));
    // Somebody else has rented it on the grid: what we sold is not there.
    let whole = NodeReport { rented_whole: true, ..holds(9, 0) };
    observe(&db, Seen::Listed(&whole), 240);
    assert_eq!((flagged(), told("node-oversold"), told("node-oversold-resolved")), (3, 1, 0));
    assert_eq!(states(&db, NODE), "RRR------");
    // Of one that is gone nobody knows better.
    observe(&db, Seen::Unlisted, 250);
    assert_eq!(flagged(), 3);
    observe(&db, Seen::Listed(&holds(9, 0)), 300);
    assert_eq!((flagged(), told("node-oversold-resolved")), (0, 1));
    assert_eq!(oversold(&db, 10), Ok(vec![]));
    rent(&db, attempt(AIDA, "new")).unwrap();
    assert_sound(&db);
}

/// The database withdraws and restores as the pure function says.
#[test]
fn what_is_offered_is_what_the_domain_says() {
    let db = market();
    let mut sold = 0;
    for (nth, (room, rents)) in (0_u32..).zip([(9, 1), (4, 1), (9, 0), (2, 0), (0, 0), (7, 1)]) {
        let report = holds(room, 0);
        observe(&db, Seen::Listed(&report), i64::from(nth) * 60);
        let free = offered(capacity(&report).slices, 0, sold);
        let (node, _) = nodes::find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
        assert_eq!(node.offer.available_slices, free, "{room}");
        if rents > 0 {
            let key = format!("key-{nth}");
            rent(&db, Attempt { id: 70 + nth, ..attempt(OMAR, &key) }).unwrap();
            sold += 1;
        }
    }
    assert_eq!(sold, 3);
    sync::save_missing(&db, &[NodeId(NODE)], at(900)).unwrap();
    let (node, _) = nodes::find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
    assert_eq!((node.offer.available_slices, node.offer.allocated_slices), (0, 3));
}
