//! What the market shows of its nodes beside their offers: their days, and how long setups took.

use domain::id::NodeId;
use domain::outlook::Observations;
use domain::provisioning::{Report, Step};
use store::listings::{days, setup_seconds};

use crate::jobs::{lease, notify, provisioned};
use crate::market::{Attempt, NODE, OMAR, attempt, by_hand, credit, market, now, rent, usd};

const DAY: i64 = 86_400;

#[test]
fn the_last_days_of_nodes_are_read_at_once() {
    let db = market();
    let today = now().seconds() / DAY;
    for (node, day, up) in [
        (NODE, today, 280),
        (NODE, today - 29, 288),
        (NODE, today - 30, 0),
        (7, today - 1, 144),
        (8, today, 288),
    ] {
        let sql = format!(
            "INSERT INTO observation_days (day, node_id, observed, observed_up, healthy, unhealthy,
                                           measured, upload_mbps, download_mbps)
             VALUES ({day}, {node}, 288, {up}, 0, 0, 0, 0, 0)"
        );
        by_hand(&db, &sql).unwrap();
    }
    let found = days(&db, &[NodeId(NODE), NodeId(7), NodeId(9)], 30, now()).unwrap();
    let seen = |node: u32| {
        let days = &found[&NodeId(node)];
        assert_eq!(days.len(), 30);
        let up = |(nth, day): (usize, &Option<Observations>)| day.map(|day| (nth, day.up));
        days.iter().enumerate().filter_map(up).collect::<Vec<_>>()
    };
    assert_eq!(seen(NODE), [(0, 288), (29, 280)]);
    assert_eq!(seen(7), [(28, 144)]);
    assert_eq!(seen(9), [(0, 0); 0]);
    assert!(!found.contains_key(&NodeId(8)));
}

/// How long a setup takes is the median of the last five rentals, and unknown with too few of them.
#[test]
fn setups_count_once_there_are_three() {
    let db = provisioned();
    credit(&db, OMAR, usd("100"), "more", now()).unwrap();
    let seconds = || setup_seconds(&db, &[NodeId(NODE)]).unwrap().get(&NodeId(NODE)).copied();
    let mut seen = vec![];
    for (id, took) in [(1, 900), (2, 40), (3, 70), (4, 50), (5, 60), (6, 80)] {
        let key = format!("key-{id}");
        rent(&db, Attempt { id, ..attempt(OMAR, &key) }).unwrap();
        let job = lease(&db, 0);
        notify(&db, &job, Report::Progress(Step::Accepted), 10).unwrap();
        notify(&db, &job, Report::Progress(Step::Reachable), 10 + took).unwrap();
        notify(&db, &job, Report::Complete, 11 + took).unwrap();
        seen.push(seconds());
    }
    assert_eq!(seen, [None, None, Some(70), Some(70), Some(60), Some(60)]);
}
