//! Looks at nodes: what was not seen is neither up nor down, and what is old stays as days.

use domain::id::{MaintenanceId, NodeId};
use domain::month::Month;
use domain::node::{NodeReport, NodeStatus};
use domain::outlook::{Observations, Outlook};
use domain::time::Timestamp;
use domain::uptime::Uptime;
use store::observations::{
    self, Observation, Record, excused, fold_at_once, last_day, last_days, measure, months,
    rank_at_once,
};
use store::offers::{Filter, Sort};
use store::{RusqliteDb, maintenance, offers, sla_alerts, sync};

use crate::dump::dump;
use crate::market::{
    FARMER, NODE, OTHER_FARMER, account, assert_sound, by_hand, carries, count, market, now,
    publish, random, register, report, usd,
};

/// How a node is at an observation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Up,
    /// Up, with so many Mbit/s down; the upload is faster.
    Fast(u32),
    Down,
    /// Up, and the grid's own check does not reach it.
    Unhealthy,
    /// The grid does not know it any more.
    Missing,
}

/// One observation of the sync at a node.
pub(crate) fn observe(db: &RusqliteDb, node: u32, at: Timestamp, seen: Seen) {
    let report = report(node);
    let report = match seen {
        Seen::Up => NodeReport { upload_mbps: None, download_mbps: None, ..report },
        Seen::Fast(mbps) => {
            NodeReport { upload_mbps: Some(mbps + 7), download_mbps: Some(mbps), ..report }
        }
        Seen::Down => NodeReport { status: NodeStatus::Down, ..report },
        Seen::Unhealthy => NodeReport { healthy: Some(false), ..report },
        Seen::Missing => return sync::save_missing(db, &[NodeId(node)], at).unwrap(),
    };
    sync::save_reports(db, &[(report, carries(9))], at).unwrap();
}

fn minutes(minutes: i64) -> Timestamp {
    now().plus_seconds(minutes * 60)
}

#[test]
fn a_run_that_did_not_see_a_node_says_nothing_of_it() {
    let db = market();
    register(&db, OTHER_FARMER, 33, 5);
    observe(&db, NODE, minutes(0), Seen::Fast(900));
    observe(&db, NODE, minutes(5), Seen::Down);
    observe(&db, NODE, minutes(15), Seen::Unhealthy);
    // An index that lacks it once says nothing of it; one that goes on lacking it does.
    observe(&db, NODE, minutes(18), Seen::Missing);
    observe(&db, NODE, minutes(20), Seen::Missing);
    // At this one, only another node was seen.
    observe(&db, 33, minutes(10), Seen::Up);
    let found = observations::of_month(&db, NodeId(NODE), Month::of(now())).unwrap();
    let line = |observation: &Observation| {
        let minute = observation.at.seconds_since(now()) / 60;
        let Observation { status, is_up, healthy, upload_mbps, download_mbps, .. } = observation;
        format!("{minute} {status:?} {is_up} {healthy:?} {upload_mbps:?} {download_mbps:?}")
    };
    let lines: Vec<String> = found.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "0 Up true Some(true) Some(907) Some(900)",
            "5 Down false Some(true) None None",
            "15 Up false Some(false) None None",
            "20 Down false Some(false) None None",
        ]
    );
    let record = last_day(&db, NodeId(NODE), minutes(20)).unwrap();
    let expected = Record {
        observations: Observations { observed: 4, up: 1 },
        speeds: 1,
        upload_mbps: 907,
        download_mbps: 900,
    };
    assert_eq!(record, expected);
    assert_eq!(last_days(&db, NodeId(NODE), 30, minutes(20)), Ok(expected));
    assert_eq!(record.uptime(), Uptime::from_hundredths(2_500));
    assert!(record.uptime_lower_bound() < record.uptime());
    // An observation that was made twice counts once.
    let days = dump(&db);
    by_hand(
        &db,
        "INSERT INTO observations SELECT * FROM observations WHERE true ON CONFLICT DO NOTHING",
    )
    .unwrap();
    assert!(dump(&db) == days);
    let nobody = last_day(&db, NodeId(NODE), minutes(20 + 1_440)).unwrap();
    assert_eq!((nobody.uptime(), nobody.uptime_lower_bound()), (None, None));
    assert_sound(&db);
}

#[test]
fn windows_roll_and_months_do_not() {
    let db = market();
    let day = |days: i64| now().plus_seconds(days * 86_400);
    observe(&db, NODE, day(0), Seen::Down);
    observe(&db, NODE, day(1), Seen::Up);
    observe(&db, NODE, day(29), Seen::Up);
    observe(&db, NODE, day(30), Seen::Up);
    let of = |record: Record| (record.observations.observed, record.observations.up);
    assert_eq!(of(last_day(&db, NodeId(NODE), day(30)).unwrap()), (1, 1));
    assert_eq!(of(last_day(&db, NodeId(NODE), day(30).plus_seconds(-1)).unwrap()), (1, 1));
    assert_eq!(of(last_days(&db, NodeId(NODE), 30, day(29)).unwrap()), (3, 2));
    assert_eq!(of(last_days(&db, NodeId(NODE), 30, day(30)).unwrap()), (3, 3));
    let months = months(&db, NodeId(NODE), 9).unwrap();
    let months: Vec<String> = months
        .iter()
        .map(|it| format!("{} {}/{}", it.month, it.observations.up, it.observations.observed))
        .collect();
    assert_eq!(months, ["2026-12 2/2", "2026-11 1/2"]);
    let days = observations::days(&db, NodeId(NODE), 400, day(30)).unwrap();
    assert_eq!(days.len(), 4);
    assert_eq!(days[0].day.date(), "2026-11-22");
}

fn announce(db: &RusqliteDb, number: u32, from: Timestamp, hours: i64) {
    let id = MaintenanceId::from_random(now(), random(number));
    let until = from.plus_seconds(hours * 3_600);
    let window = domain::maintenance::Window::announce(from, until, "", now()).unwrap();
    maintenance::announce(db, account(FARMER), NodeId(NODE), id, window, now()).unwrap();
}

#[test]
fn announced_maintenance_is_left_out_as_far_as_the_allowance_goes() {
    let db = market();
    let from = now().plus_seconds(86_400);
    announce(&db, 1, from, 5);
    announce(&db, 2, from.plus_seconds(10 * 3_600), 5);
    announce(&db, 3, from.plus_seconds(20 * 3_600), 5);
    // An observation each hour, from the window's start on: down in every window.
    for hour in 0..30 {
        let seen = if hour % 10 < 5 { Seen::Down } else { Seen::Fast(100) };
        observe(&db, NODE, from.plus_seconds(hour * 3_600), seen);
    }
    let month = Month::of(now());
    let spans = excused(&db, NodeId(NODE), month).unwrap();
    let lengths: Vec<i64> = spans.iter().map(|(a, b)| b.seconds_since(*a) / 3_600).collect();
    assert_eq!(lengths, [5, 3]);
    let measured = measure(&db, NodeId(NODE), (now(), month.last_second()), &spans).unwrap();
    assert_eq!(measured.observations, Observations { observed: 22, up: 15 });
    assert_eq!((measured.excused, measured.speeds, measured.speed_sum), (8, 15, 1_500));
    // The outlook leaves out the same.
    let seen = sla_alerts::month(&db, account(FARMER), NodeId(NODE), month).unwrap().unwrap();
    assert_eq!(seen.observations, Observations { observed: 22, up: 15 });
    assert!(matches!(seen.outlook(month.last_second()), Some(Outlook::Missed)));
    // What is called off excuses nothing; what was called off while it ran, as far as it had come.
    let (first, third) = (from.plus_seconds(2 * 3_600), from.plus_seconds(15 * 3_600));
    for (number, at) in [(1, first), (3, third)] {
        let id = MaintenanceId::from_random(now(), random(number));
        assert_eq!(
            maintenance::cancel(&db, account(FARMER), NodeId(NODE), id, at).ok(),
            Some(true)
        );
    }
    let spans = excused(&db, NodeId(NODE), month).unwrap();
    let lengths: Vec<i64> = spans.iter().map(|(a, b)| b.seconds_since(*a) / 3_600).collect();
    assert_eq!(lengths, [2, 5]);
}

#[test]
fn observations_are_folded_in_steps_and_their_days_stay() {
    let db = market();
    register(&db, OTHER_FARMER, 33, 5);
    for hour in 0..60 {
        observe(&db, NODE, now().plus_seconds(hour * 3_600), Seen::Up);
        observe(&db, 33, now().plus_seconds(hour * 3_600), Seen::Down);
    }
    let (observations, times) =
        ("SELECT count(*) FROM observations", "SELECT count(*) FROM observation_times");
    let days = "SELECT sum(observed * 7 + observed_up) FROM observation_days";
    let (before, sum) = (dump(&db), count(&db, days));
    let later = |days: i64| now().plus_seconds(days * 86_400);
    fold_at_once(&db, later(90), 50).unwrap();
    assert!(dump(&db) == before, "nothing of a day goes before all of it does");
    // 7 hours are left of the first day, and the next one has 24.
    let mut left = vec![];
    for _ in 0..4 {
        fold_at_once(&db, later(92), 25).unwrap();
        left.push((count(&db, observations), count(&db, times)));
    }
    assert_eq!(left, [(95, 48), (70, 35), (58, 29), (58, 29)]);
    assert_eq!(count(&db, days), sum);
    // Done twice, nothing more happens; and later, the rest goes.
    for _ in 0..9 {
        fold_at_once(&db, later(99), 25).unwrap();
    }
    assert_eq!((count(&db, observations), count(&db, times), count(&db, days)), (0, 0, sum));
}

#[test]
fn three_days_without_a_fault_rank_below_a_year_of_999() {
    let db = market();
    for node in [33, 34] {
        register(&db, OTHER_FARMER, node, 2);
        publish(&db, node, "20");
    }
    by_hand(
        &db,
        "UPDATE nodes SET observed = 864, observed_up = 864 WHERE id = 33;
         UPDATE nodes SET observed = 105120, observed_up = 105014 WHERE id = 34;",
    )
    .unwrap();
    let order = || {
        let found = offers::nodes(&db, &Filter::default(), Sort::Uptime, None, 9, now()).unwrap();
        found.iter().map(|offer| offer.node.0).collect::<Vec<_>>()
    };
    assert_eq!(order(), [33, 34, NODE], "all promise the same, and the first two are cheaper");
    // One node at a time: 32, 33, 34, and then it begins again.
    let mut cursors = vec![];
    for _ in 0..5 {
        rank_at_once(&db, 1).unwrap();
        cursors.push(count(&db, "SELECT node_id FROM rank_cursor"));
    }
    assert_eq!(cursors, [32, 33, 34, 0, 32]);
    assert_eq!(order(), [34, 33, NODE]);
    let found = offers::nodes(&db, &Filter::default(), Sort::Uptime, None, 1, now()).unwrap();
    assert_eq!(found[0].uptime_lower_bound(), Uptime::from_hundredths(9_987));
    assert_eq!(count(&db, "SELECT proven_uptime FROM nodes WHERE id = 33"), 9_955);
    assert_eq!(found[0].price, Some(usd("20")));
    assert_sound(&db);
}
