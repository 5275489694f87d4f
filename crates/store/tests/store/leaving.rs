//! Nodes that leave the market: with notice, and with whatever becomes of their rentals told.

use std::cell::Cell;

use domain::id::{MailId, NodeId};
use domain::leaving::NoticeError;
use domain::listing::Listing;
use domain::money::Usd;
use domain::payout::RequestError;
use domain::provisioning::Owed;
use domain::rental::{ExtendError, RentalState};
use domain::term::Term;
use domain::time::Timestamp;
use store::due::NotificationMail;
use store::leaving::{
    Destination, LeaveFailure, alternatives, cancel_leave, compensation_of, cost, end, leave,
    move_rental, notify, overdue, pay_owed, plan_end, plan_move, unnotified, withdraw,
};
use store::payouts::{self, RequestFailure};
use store::rentals::{ChangeFailure, Rental};
use store::renting::Basis;
use store::{
    Db, RusqliteDb, StoreError, accounts, ledger, nodes, offering, receipts, rentals, sync,
};

use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, balance,
    by_hand, carries, count, earned, evaluate, extend, fund, last_week, market, now, one, order,
    order_once, pass, prove_farm, publish, quote, random, register, rent, rental_of, report, set,
    states, usd, version,
};
use crate::payouts::ask;

const DAY: i64 = 86_400;

fn days(days: i64) -> Timestamp {
    now().plus_seconds(days * DAY)
}

/// Omar has slice 1 for a year, at $255; the node leaves in 73 days, a fifth of it.
fn leaving_market() -> (RusqliteDb, Rental) {
    let db = market();
    fund(&db, OMAR, "900");
    let rental = rent(&db, Attempt { term: Term::Year, ..attempt(OMAR, "key") }).unwrap();
    withdraw(&db, account(FARMER), NodeId(NODE), Some(days(73)), now()).unwrap();
    (db, rental)
}

fn to(db: &dyn Db, node: u32) -> Destination {
    Destination { node: NodeId(node), slice: None, offer_version: version(db, node) }
}

/// The kinds of events of an account, from those that begin with a word.
fn told(db: &RusqliteDb, number: u32, word: &str) -> i64 {
    let who = account(number);
    let sql = format!(
        "SELECT count(*) FROM events
          WHERE kind = '{word}' AND (renter_id = '{who}' OR farmer_id = '{who}')"
    );
    count(db, &sql)
}

#[test]
fn a_notice_takes_a_node_off_the_market_and_is_told() {
    let (db, rental) = leaving_market();
    let (node, _) = nodes::find(&db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
    assert_eq!((node.offer.listing, node.leaves_at), (Listing::Paused, Some(days(73))));
    assert_eq!((told(&db, OMAR, "node-leaving"), told(&db, FARMER, "node-leaving")), (1, 1));
    assert_eq!(told(&db, AIDA, "node-leaving"), 0);
    let again = withdraw(&db, account(FARMER), NodeId(NODE), None, now()).unwrap_err();
    assert_eq!(again, LeaveFailure::Rule(NoticeError::Leaving(days(73))));
    let others = withdraw(&db, account(OTHER_FARMER), NodeId(NODE), None, now()).unwrap_err();
    assert_eq!(others, LeaveFailure::NoSuchNode);
    assert_eq!(cancel_leave(&db, account(OTHER_FARMER), NodeId(NODE), now()), Ok(false));
    // It is not published by any statement.
    let terms = crate::market::terms(NODE, Some(usd("25")), Listing::Published);
    let seen = node.offer.version;
    let refused = offering::save(&db, account(FARMER), NodeId(NODE), seen, &terms, now());
    assert_eq!(refused, Err(StoreError::Violation("node_leaving_not_published".into())));
    // What is locked does not change, not even by its farmer's leave.
    offering::lock(&db, account(FARMER), NodeId(NODE), now()).unwrap();
    assert_eq!(cancel_leave(&db, account(FARMER), NodeId(NODE), now()), Ok(false));
    offering::unlock(&db, account(FARMER), NodeId(NODE), now()).unwrap();
    let year = Attempt { id: 80, term: Term::Year, ..attempt(OMAR, "more") };
    let beyond = extend(&db, &year, rental.life.id, None).unwrap_err();
    assert_eq!(beyond, ChangeFailure::Extend(ExtendError::TermBeyondLeaveDate(days(73))));
    assert_eq!(cancel_leave(&db, account(FARMER), NodeId(NODE), now()), Ok(true));
    assert_eq!(cancel_leave(&db, account(FARMER), NodeId(NODE), now()), Ok(false), "once");
    assert_eq!(
        (told(&db, OMAR, "node-leaving-canceled"), told(&db, FARMER, "node-leaving-canceled")),
        (1, 1)
    );
    extend(&db, &year, rental.life.id, None).unwrap();
    assert_sound(&db);
}

#[test]
fn what_was_decided_before_the_notice_is_decided_again() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let before = rental.life.version;
    withdraw(&db, account(FARMER), NodeId(NODE), None, now()).unwrap();
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.version, before + 1);
    cancel_leave(&db, account(FARMER), NodeId(NODE), now()).unwrap();
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.version, before + 2);
}

#[test]
fn a_hold_keeps_its_word_and_is_told_at_once() {
    let db = market();
    let held = quote(&db, 1, AIDA, &one(3), true, now()).unwrap();
    withdraw(&db, account(FARMER), NodeId(NODE), None, now()).unwrap();
    assert_eq!(told(&db, AIDA, "node-leaving"), 0);
    order(&db, &attempt(AIDA, "by-quote"), Basis::Quote(&held)).unwrap();
    assert_eq!(told(&db, AIDA, "node-leaving"), 1);
    assert_sound(&db);
}

#[test]
fn a_node_without_rentals_is_gone_at_once_and_no_sync_brings_it_back() {
    let db = market();
    withdraw(&db, account(FARMER), NodeId(NODE), None, now()).unwrap();
    assert_eq!(states(&db, NODE), "---------");
    assert_eq!(told(&db, FARMER, "node-left"), 1);
    for slices in [9, 4, 12] {
        sync::save_reports(&db, &[(report(NODE), carries(slices))], now()).unwrap();
        assert_eq!(states(&db, NODE), "---------");
        assert_sound(&db);
    }
    // Its farmer takes it back, and offers it again.
    assert_eq!(cancel_leave(&db, account(FARMER), NodeId(NODE), now()), Ok(true));
    assert_eq!(states(&db, NODE), "aaaaaaaaaaaa");
    publish(&db, NODE, "25");
    rent(&db, attempt(OMAR, "key")).unwrap();
    assert_sound(&db);
}

#[test]
fn what_is_still_there_on_the_day_ends_with_its_refund_and_a_mail() {
    let (db, rental) = leaving_market();
    assert_eq!(overdue(&db, days(73).plus_seconds(-1), 10), Ok(vec![]));
    let due = overdue(&db, days(74), 10).unwrap();
    assert_eq!((due.len(), due[0].leaves_at), (1, days(73)));
    let ending = plan_end(&due[0], days(74)).unwrap();
    assert_eq!(ending.refund, usd("204"));
    let id = MailId::from_random(now(), random(9));
    let mail = NotificationMail { id, kind: "node-left", sealed: b"sealed" };
    end(&db, &due[0], &ending, Some(&mail), days(74)).unwrap();
    // Once: the rental has another version by then.
    assert!(end(&db, &due[0], &ending, None, days(74)).is_err());
    assert_eq!(count(&db, "SELECT count(*) FROM mails WHERE kind = 'node-left'"), 1);
    // Of the discount, $12.00 are lost.
    assert_eq!(balance(&db, OMAR), usd("1000") - usd("51") + usd("12"));
    assert_eq!(earned(&db, FARMER), usd("45.90") - usd("12"));
    assert_eq!(compensation_of(&db, rental.life.id), Ok(Some((usd("12"), false))));
    let ended = rental_of(&db, OMAR, rental.life.id).life;
    assert_eq!((ended.state, ended.ended_at), (RentalState::Ended, Some(days(74))));
    assert_eq!(leave(&db, days(74), 10), Ok(1));
    assert_eq!((leave(&db, days(74), 10), states(&db, NODE).contains('a')), (Ok(0), false));
    assert_sound(&db);
}

/// What the farmer's payouts have to leave there, and what leaving costs at most.
fn held(db: &dyn Db, at: Timestamp) -> (Usd, Usd) {
    let (node, _) = nodes::find(db, account(FARMER), NodeId(NODE)).unwrap().unwrap();
    let funds = payouts::funds(db, account(FARMER), at).unwrap();
    (funds.withheld, cost(db, &node, at).unwrap())
}

#[test]
fn what_leaving_costs_is_held_from_the_notice_on() {
    let db = market();
    prove_farm(&db, FARMER, 1);
    fund(&db, OMAR, "900");
    accounts::set_payout(&db, account(FARMER), "BE71", None, last_week()).unwrap();
    rent(&db, Attempt { term: Term::Year, ..attempt(OMAR, "key") }).unwrap();
    // Aida's month is over before the node leaves: she loses nothing.
    rent(&db, attempt(AIDA, "key")).unwrap();
    let over = now().plus_months(2);
    pass(&db, over, 10);
    pass(&db, over, 10);
    evaluate(&db, over);
    let funds = || payouts::funds(&db, account(FARMER), over).unwrap();
    let before = funds().withheld;
    // Of a year, 57 % of a month's price, and a cent.
    let (_, most) = held(&db, over);
    assert_eq!(most, usd("14.26"));
    withdraw(&db, account(FARMER), NodeId(NODE), None, over).unwrap();
    assert_eq!(held(&db, over), (before + most, most));
    let rest = funds().payable();
    let cut = funds().balance - before - most - rest;
    assert!((Usd::ZERO..usd("0.01")).contains(&cut), "{cut}");
    let all = funds().balance;
    let refused = ask(&db, 1, &(rest + usd("0.01")).to_string());
    let expected = RequestError::InsufficientFarmerEarnings { balance: rest };
    assert_eq!(refused, Err(RequestFailure::Rule(expected)));
    ask(&db, 2, &rest.to_string()).unwrap();
    assert!(all > rest);
    // It falls as the term runs out, and is enough on the day.
    let day = over.plus_seconds(30 * DAY);
    pass(&db, day.plus_seconds(-60), 10);
    let (_, later) = held(&db, day.plus_seconds(-60));
    assert!(later <= most, "{later} of {most}");
    let due = overdue(&db, day, 10).unwrap();
    let ending = plan_end(&due[0], day).unwrap();
    assert!(ending.compensation > Usd::ZERO && ending.compensation <= later);
    end(&db, &due[0], &ending, None, day).unwrap();
    assert_eq!(compensation_of(&db, due[0].rental.life.id), Ok(Some((ending.compensation, false))));
    assert_eq!(held(&db, day).1, Usd::ZERO);
    assert_sound(&db);
}

/// The farmer has emptied the earnings before the notice, or they were taken otherwise.
#[test]
fn what_the_earnings_do_not_cover_is_owed_and_paid_later() {
    let (db, rental) = leaving_market();
    // The renter ends on the 3rd day: little was earned by then.
    let at = days(3);
    let (_, refund) = rentals::end(&db, account(OMAR), rental.life.id, None, at).unwrap();
    let lost = usd("2.09");
    assert_eq!(compensation_of(&db, rental.life.id), Ok(Some((lost, true))));
    assert_eq!((refund, balance(&db, OMAR)), (usd("252.91"), usd("997.91")));
    assert_eq!(held(&db, at).0, earned(&db, FARMER));
    assert_sound(&db);
    let later = at.plus_seconds(6 * 3_600);
    pay_owed(&db, later, 9).unwrap();
    assert_eq!(compensation_of(&db, rental.life.id), Ok(Some((lost, true))));
    // Aida's rental of another node earns enough, and all of it is held until then.
    register(&db, FARMER, 34, 2);
    publish(&db, 34, "25");
    rent(&db, Attempt { node: 34, at, ..attempt(AIDA, "key") }).unwrap();
    pass(&db, days(20), 9);
    for _ in 0..2 {
        pay_owed(&db, days(20), 9).unwrap();
        assert_eq!(compensation_of(&db, rental.life.id), Ok(Some((lost, false))));
        assert_eq!(balance(&db, OMAR), usd("997.91") + lost);
        assert_sound(&db);
    }
}

/// The notice is taken back before the rental ends by it: nothing is compensated.
#[test]
fn a_notice_that_was_canceled_compensates_nobody() {
    let (db, rental) = leaving_market();
    let due = overdue(&db, days(73), 10).unwrap();
    let ending = plan_end(&due[0], days(73)).unwrap();
    cancel_leave(&db, account(FARMER), NodeId(NODE), days(72)).unwrap();
    assert!(end(&db, &due[0], &ending, None, days(73)).unwrap_err().is_race());
    rentals::end(&db, account(OMAR), rental.life.id, None, days(73)).unwrap();
    assert_eq!(compensation_of(&db, rental.life.id), Ok(None));
    assert_sound(&db);
}

#[test]
fn each_renter_is_notified_once_of_each_notice() {
    let (db, _) = leaving_market();
    let due = unnotified(&db, 10).unwrap();
    assert_eq!((due.len(), due[0].email.as_str()), (1, "account3@example.org"));
    notify(&db, &due[0], None, now()).unwrap();
    assert_eq!(unnotified(&db, 10), Ok(vec![]));
    cancel_leave(&db, account(FARMER), NodeId(NODE), now()).unwrap();
    assert_eq!(unnotified(&db, 10), Ok(vec![]));
    withdraw(&db, account(FARMER), NodeId(NODE), Some(days(73)), now()).unwrap();
    assert_eq!(unnotified(&db, 10).unwrap().len(), 1);
}

#[test]
fn a_rental_goes_on_elsewhere_with_its_money() {
    let (db, rental) = leaving_market();
    let id = rental.life.id;
    register(&db, OTHER_FARMER, 33, 2);
    publish(&db, 33, "20");
    let moved = move_rental(&db, account(OMAR), id, &to(&db, 33), days(73)).unwrap();
    assert_eq!((moved.life.node, moved.life.slice), (NodeId(33), Some(1)));
    assert_eq!((moved.life.farmer, moved.life.price), (account(OTHER_FARMER), usd("20")));
    assert_eq!((states(&db, NODE).as_str(), states(&db, 33).as_str()), ("aaaaaaaaa", "Ra"));
    assert_eq!((earned(&db, FARMER), earned(&db, OTHER_FARMER).micros()), (usd("45.90"), 0));
    assert_eq!(moved.life.held(), usd("204"));
    assert_eq!((told(&db, FARMER, "rental-moved-out"), told(&db, OMAR, "rental-moved-in")), (1, 1));
    assert_eq!((told(&db, OMAR, "rental-moved-out"), told(&db, FARMER, "rental-moved-in")), (0, 0));
    assert_eq!(told(&db, OTHER_FARMER, "rental-moved-in"), 1);
    assert_sound(&db);
    // A second try finds it done, and an old order's key does nothing again.
    let again = move_rental(&db, account(OMAR), id, &to(&db, 33), days(73)).unwrap();
    assert_eq!(again, moved);
    let retry = Attempt { term: Term::Year, id: 99, ..attempt(OMAR, "key") };
    let first = order_once(&db, &retry, Basis::Request(&retry.request()));
    assert_eq!(first.as_deref(), Ok("([(32, Some(1), 1)], 255000000)"));
    // From then on the other farmer earns; the node that it left goes.
    pass(&db, days(74), 10);
    pass(&db, rental.life.ends_at, 10);
    assert_eq!((earned(&db, FARMER), earned(&db, OTHER_FARMER)), (usd("45.90"), usd("183.60")));
    assert!(!states(&db, NODE).contains('a'));
    assert_sound(&db);
}

/// Between the choice of a slice and the move, somebody takes that slice.
#[test]
fn a_move_to_any_slice_takes_another_one_if_somebody_was_faster() {
    struct Faster<'a>(&'a RusqliteDb, Cell<bool>);
    impl Db for Faster<'_> {
        fn run(
            &self,
            sql: &'static str,
            params: &[store::Value],
        ) -> Result<store::Rows, StoreError> {
            if sql.contains("INSERT INTO move_rental_to_slice") && !self.1.replace(true) {
                let fast = Attempt { node: 33, at: days(73), ..attempt(AIDA, "key") };
                rent(self.0, fast).unwrap();
            }
            self.0.run(sql, params)
        }
    }
    let (db, rental) = leaving_market();
    register(&db, OTHER_FARMER, 33, 3);
    publish(&db, 33, "20");
    let faster = Faster(&db, Cell::new(false));
    let to = to(&db, 33);
    let moved = move_rental(&faster, account(OMAR), rental.life.id, &to, days(73)).unwrap();
    assert!(matches!(moved.life.slice, Some(2 | 3)), "{:?}", moved.life.slice);
    assert_eq!(rental_of(&db, OMAR, rental.life.id), moved);
    assert_sound(&db);
}

#[test]
fn alternatives_are_as_good_and_the_nearest_come_first() {
    let (db, rental) = leaving_market();
    for (node, price) in [(33, "20"), (34, "25"), (35, "25.01"), (36, "19"), (37, "18"), (38, "17")]
    {
        register(&db, if node == 36 { OMAR } else { OTHER_FARMER }, node, 2);
        publish(&db, node, price);
    }
    by_hand(&db, "UPDATE nodes SET country = 'France' WHERE id = 33").unwrap();
    by_hand(&db, "UPDATE nodes SET min_uptime = 9949 WHERE id = 37").unwrap();
    set(&db, 38, Some(usd("17")), Listing::Paused);
    let rental = rental_of(&db, OMAR, rental.life.id);
    let found: Vec<String> = alternatives(&db, &rental, Owed::Nothing, now())
        .unwrap()
        .into_iter()
        .map(|(slice, _)| slice.to_string())
        .collect();
    assert_eq!(found, ["node34_slice_1", "node33_slice_1"]);
    // Each of them can be had, and a plan changes nothing.
    for node in [33, 34] {
        let (_, moved) =
            plan_move(&db, account(OMAR), rental.life.id, &to(&db, node), now()).unwrap();
        assert!(moved.is_some());
    }
    assert_eq!(rental_of(&db, OMAR, rental.life.id), rental);
}

#[test]
fn a_receipt_says_where_the_rental_was_then() {
    let (db, rental) = leaving_market();
    register(&db, OTHER_FARMER, 33, 2);
    publish(&db, 33, "20");
    let id = rental.life.id;
    move_rental(&db, account(OMAR), id, &to(&db, 33), days(73)).unwrap();
    rentals::end(&db, account(OMAR), id, None, days(80)).unwrap();
    let entries = ledger::entries(&db, account(OMAR), None, 2).unwrap();
    let places = entries.iter().map(|entry| {
        let receipt = receipts::find(&db, account(OMAR), entry.id).unwrap().unwrap();
        receipts::rented(&db, &receipt).unwrap().unwrap().node
    });
    assert_eq!(places.collect::<Vec<_>>(), [NodeId(33), NodeId(NODE)]);
    assert_sound(&db);
}
