//! Outages are deleted once they decide nothing any more.

use domain::provisioning::Report;
use store::outages::sweep;

use crate::jobs::{lease, notify, provisioned};
use crate::market::{NODE, OMAR, attempt, by_hand, count, now, rent};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

#[test]
fn a_part_of_a_long_outage_is_kept_with_it() {
    let db = provisioned();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let job = lease(&db, 0);
    notify(&db, &job, Report::Complete, 0).unwrap();
    // By node and machine together, 30 hours; of the others, none lasts for a day.
    for (from, until, is_of_machine) in
        [(0, 20, false), (10, 25, true), (25, 30, true), (50, 60, false), (61, 70, true)]
    {
        let at = |hours: i64| now().seconds() + hours * HOUR;
        let job = if is_of_machine { format!("'{}'", job.id) } else { "NULL".to_owned() };
        let seen_at = if is_of_machine { "NULL".to_owned() } else { at(until).to_string() };
        let (from, until) = (at(from), at(until));
        let sql = format!(
            "INSERT INTO outages (node_id, job_id, from_at, until_at, seen_at)
             VALUES ({NODE}, {job}, {from}, {until}, {seen_at})"
        );
        by_hand(&db, &sql).unwrap();
    }
    let kept = |days: i64| {
        sweep(&db, now().plus_seconds(days * DAY)).unwrap();
        count(&db, "SELECT count(*) FROM outages")
    };
    assert_eq!([kept(46), kept(60), kept(1_400), kept(1_470)], [5, 3, 3, 0]);
}
