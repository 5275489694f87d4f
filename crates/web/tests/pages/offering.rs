//! What a farmer reads around an offer: raises, locks, maintenance, and the history.

use expect_test::expect;

use crate::{check, check_part, offering};

#[test]
fn an_offer_that_waits_and_costs() {
    check_part(&offering::waiting_node(), "Price and promise", "(nothing)", expect![[""]]);
}

#[test]
fn an_offer_that_is_locked() {
    check_part(&offering::locked_node(), "Lock locked", "(nothing)", expect![[""]]);
}

#[test]
fn maintenance() {
    check(&offering::maintenance(offering::windows()), expect![[""]]);
    check_part(&offering::maintenance(Vec::new()), "Announced", "(nothing)", expect![[""]]);
}

#[test]
fn the_history_of_an_offer() {
    check(&offering::offer_history(), expect![[""]]);
}
