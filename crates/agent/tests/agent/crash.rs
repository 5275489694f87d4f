//! The agent is killed at each step, before and after the market has heard of it, and started
//! again: there is one machine, and its end is told once.

use std::time::Duration;

use crate::login::{access, check_login};
use crate::market::{Outcome, Trap, When};
use crate::setup::Farm;

const STEPS: [&str; 7] =
    ["lease", "accepted", "disk", "booting", "reachable", "checked", "complete"];

#[track_caller]
fn killed_at(farm: &mut Farm, event: &str, when: When) {
    farm.market.lock().trap = Some((event.to_owned(), Trap::Kill(when)));
    farm.start();
    assert!(!farm.ended().success(), "it was killed");
    assert!(farm.market.lock().trap.is_none(), "{event} {when:?} was reached");
    farm.start();
}

fn crash_while_creating(when: When) {
    for event in STEPS {
        let mut farm = Farm::with_leases(Duration::from_secs(3));
        let number = farm.create("r1");
        killed_at(&mut farm, event, when);
        let access = access(farm.market.outcome(number));
        assert_eq!(farm.servers(), 1, "{event} {when:?}");
        check_login(&farm, &access);
        let removed = farm.remove("r1");
        assert!(matches!(farm.market.outcome(removed), Outcome::Complete(_)));
        assert!(!farm.has_machine(), "{event} {when:?}");
    }
}

#[test]
fn killed_before_the_market_hears_of_a_step_there_is_one_machine() {
    crash_while_creating(When::Before);
}

#[test]
fn killed_when_the_market_has_heard_of_a_step_there_is_one_machine() {
    crash_while_creating(When::After);
}

#[test]
fn killed_while_removing_nothing_is_left() {
    for (event, when) in [
        ("lease", When::After),
        ("accepted", When::Before),
        ("accepted", When::After),
        ("complete", When::Before),
        ("complete", When::After),
    ] {
        let mut farm = Farm::with_leases(Duration::from_secs(3));
        farm.start();
        let number = farm.create("r1");
        access(farm.market.outcome(number));
        farm.signal();
        assert!(farm.ended().success(), "{}", farm.log());
        let removed = farm.remove("r1");
        killed_at(&mut farm, event, when);
        assert!(matches!(farm.market.outcome(removed), Outcome::Complete(_)));
        assert!(!farm.has_machine(), "{event} {when:?}");
    }
}
