//! Nodes that are watched: down and back, and what is left of a month's SLA.

use domain::id::NodeId;
use domain::month::Month;
use domain::node::{NodeReport, NodeStatus};
use domain::outlook::{Observations, Outlook};
use domain::time::Timestamp;
use store::sla_alerts::{evaluate, month};
use store::{RusqliteDb, sync};

use crate::market::{
    FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, by_hand, carries, count,
    market, now, rent, report,
};

/// One observation of the sync, so many minutes later.
fn observe(db: &RusqliteDb, minutes: i64, is_up: bool) {
    let status = if is_up { NodeStatus::Up } else { NodeStatus::Down };
    let report = NodeReport { status, ..report(NODE) };
    let capacity = carries(if is_up { 9 } else { 0 });
    let at = now().plus_seconds(minutes * 60);
    sync::save_reports(db, &[(report, capacity)], at).unwrap();
}

/// Events of these kinds, in order, with their times in minutes.
fn told(db: &RusqliteDb) -> String {
    let sql =
        "SELECT coalesce(group_concat(kind || ' ' || ((created_at - 1795367321) / 60), ', '), '')
                 FROM (SELECT kind, created_at FROM events
                        WHERE kind IN ('node-down', 'node-recovered', 'sla-at-risk',
                                       'sla-missed') AND farmer_id IS NOT NULL
                        ORDER BY id)";
    db.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

#[test]
fn a_farmer_is_notified_that_a_node_is_down_and_that_it_is_back() {
    let db = market();
    observe(&db, 0, true);
    observe(&db, 5, false);
    observe(&db, 10, false);
    observe(&db, 15, true);
    observe(&db, 20, true);
    assert_eq!(told(&db), "node-down 5, node-recovered 15");
    let farmers = format!("farmer_id = '{}' AND node_id = {NODE}", account(FARMER));
    assert_eq!(
        count(
            &db,
            &format!(
                "SELECT count(*) FROM events WHERE kind LIKE 'node-%'
                                     AND kind IN ('node-down', 'node-recovered') AND {farmers}"
            )
        ),
        2
    );
}

#[test]
fn a_node_that_flaps_is_told_of_once_an_hour_and_never_forgotten() {
    let db = market();
    for minutes in (0..60).step_by(10) {
        observe(&db, minutes, false);
        observe(&db, minutes + 5, true);
    }
    assert_eq!(told(&db), "node-down 0, node-recovered 5");
    observe(&db, 59, false);
    assert_eq!(told(&db), "node-down 0, node-recovered 5");
    // Still down once the hour is over.
    observe(&db, 64, false);
    assert_eq!(told(&db), "node-down 0, node-recovered 5, node-down 64");
}

#[test]
fn nobody_is_told_of_a_node_that_is_not_on_the_market() {
    let db = market();
    by_hand(&db, "UPDATE nodes SET listing = 'paused'").unwrap();
    observe(&db, 5, false);
    assert_eq!(told(&db), "");
    rent_and_pause(&db);
    observe(&db, 10, false);
    assert_eq!(told(&db), "node-down 10");
    // Its renter is, too.
    let renters = "SELECT count(*) FROM events WHERE kind = 'node-down' AND renter_id IS NOT NULL
                      AND rental_id IS NOT NULL AND farmer_id IS NULL";
    assert_eq!(count(&db, renters), 1);
}

fn rent_and_pause(db: &RusqliteDb) {
    by_hand(db, "UPDATE nodes SET listing = 'published'").unwrap();
    by_hand(db, "UPDATE nodes SET capacity = 9").unwrap();
    rent(db, attempt(OMAR, "key")).unwrap();
    by_hand(db, "UPDATE nodes SET listing = 'paused'").unwrap();
}

#[test]
fn months_are_counted_each_on_its_own() {
    let db = market();
    observe(&db, 0, true);
    observe(&db, 5, false);
    // 1 December.
    observe(&db, 9 * 1_440, true);
    let of = |name: &str| {
        let name = Month::parse(name).unwrap();
        month(&db, account(FARMER), NodeId(NODE), name).unwrap().map(|month| month.observations)
    };
    assert_eq!(of("2026-11"), Some(Observations { observed: 2, up: 1 }));
    assert_eq!(of("2026-12"), Some(Observations { observed: 1, up: 1 }));
    assert_eq!(of("2027-01"), None);
    let november = Month::parse("2026-11").unwrap();
    assert_eq!(month(&db, account(OTHER_FARMER), NodeId(NODE), november), Ok(None));
}

/// At the end of the month, when nothing is to come.
fn end_of_month() -> Timestamp {
    Month::of(now()).last_second()
}

#[test]
fn a_farmer_is_notified_once_that_an_sla_is_at_risk_and_once_that_it_is_missed() {
    let db = market();
    observe(&db, 0, true);
    assert_eq!(evaluate(&db, 9, now()), Ok(0), "nothing was down");
    // 99.5 % of what is to come allow 11 observations to be down; of these, less than a quarter is
    // left.
    let observations =
        |down: i64| format!("UPDATE node_months SET observed = {down} + 1, observed_up = 1");
    let at = now().plus_seconds(60);
    by_hand(&db, &observations(2)).unwrap();
    assert_eq!(evaluate(&db, 9, at), Ok(1));
    assert_eq!((evaluate(&db, 9, at), told(&db).as_str()), (Ok(0), ""));
    by_hand(&db, &observations(10)).unwrap();
    for _ in 0..2 {
        evaluate(&db, 9, at).unwrap();
        assert_eq!(told(&db), "sla-at-risk 1");
    }
    by_hand(&db, &observations(11)).unwrap();
    evaluate(&db, 9, at).unwrap();
    assert_eq!(told(&db), "sla-at-risk 1");
    for down in [30, 31] {
        by_hand(&db, &observations(down)).unwrap();
        evaluate(&db, 9, at).unwrap();
    }
    assert_eq!(told(&db), "sla-at-risk 1, sla-missed 1");
    let subjects = "SELECT group_concat(subject, '; ') FROM (
                        SELECT subject FROM events WHERE kind IN ('sla-at-risk', 'sla-missed')
                         ORDER BY id)";
    let subjects: String = db.connection().query_row(subjects, [], |row| row.get(0)).unwrap();
    assert_eq!(subjects, "2026-11: 5 min; 2026-11");
    assert_sound(&db);
}

#[test]
fn the_strictest_sla_counts_and_none_where_nothing_is_guaranteed() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    observe(&db, 0, true);
    let found = || month(&db, account(FARMER), NodeId(NODE), Month::of(now())).unwrap().unwrap();
    assert_eq!(found().sla.unwrap().hundredths(), 9_950);
    by_hand(&db, "UPDATE nodes SET min_uptime = 9000").unwrap();
    assert_eq!(found().sla.unwrap().hundredths(), 9_950, "as it was sold");
    by_hand(&db, "UPDATE nodes SET min_uptime = 9990").unwrap();
    assert_eq!(found().sla.unwrap().hundredths(), 9_990, "as it is offered");
    by_hand(&db, "UPDATE nodes SET listing = 'paused'").unwrap();
    assert_eq!(found().sla.unwrap().hundredths(), 9_950);
    assert_eq!(found().outlook(end_of_month()), Some(Outlook::Met));
    store::rentals::end(&db, account(OMAR), crate::market::rental_id(OMAR), None, now()).unwrap();
    assert_eq!((found().sla, found().outlook(now())), (None, None));
}
