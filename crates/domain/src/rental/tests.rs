//! The rules of a rental: what is earned, refunded and charged, and that no amount is lost.

use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;

mod random;

const DAY: i64 = 86_400;

fn start() -> Timestamp {
    Timestamp::from_seconds(1_795_367_321)
}

fn usd(text: &str) -> Usd {
    Usd::parse("amount", text).unwrap()
}

fn account(byte: u8) -> AccountId {
    AccountId::from_random(start(), [byte; 10])
}

fn order() -> OrderId {
    OrderId::from_random(start(), [9; 10])
}

fn period(term: Term, price: Usd, slices: u32, starts_at: Timestamp) -> Period {
    let total = term.total(price.times(slices));
    Period {
        number: 1,
        months: term.months(),
        price,
        total,
        fee: total.percent(Percent::whole(10)).to_cents(),
        earned: Usd::ZERO,
        refunded: Usd::ZERO,
        starts_at,
        ends_at: starts_at.plus_months(term.months()),
    }
}

/// A rental of one term, at this price per slice and month.
fn rental(term: Term, price: &str, slices: u32) -> Rental {
    let first = period(term, usd(price), slices, start());
    Rental {
        id: RentalId::from_random(start(), [3; 10]),
        version: 1,
        node: NodeId(32),
        slice: (slices == 1).then_some(7),
        slices,
        renter: account(2),
        farmer: account(1),
        state: RentalState::Active,
        price: usd(price),
        price_until: first.ends_at.plus_months(PRICE_MONTHS),
        started_at: start(),
        ends_at: first.ends_at,
        ended_at: None,
        periods: vec![first],
        outages: Outages::NONE,
    }
}

fn context(price: &str) -> ExtendContext {
    ExtendContext {
        market: Market { listing: Listing::Published, price: Some(usd(price)), leaves_at: None },
        balance: usd("9999"),
        spendable: None,
        platform_fee: Percent::whole(10),
    }
}

fn paid(rental: &Rental) -> Usd {
    rental.periods.iter().fold(Usd::ZERO, |sum, period| sum + period.total)
}

/// Where the money of a rental is. What was paid at first is in escrow, and the wallet begins
/// empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Purse {
    wallet: Usd,
    escrow: Usd,
    earnings: Usd,
    platform: Usd,
}

impl Purse {
    fn of(rental: &Rental) -> Purse {
        let (zero, escrow) = (Usd::ZERO, paid(rental));
        Purse { wallet: zero, escrow, earnings: zero, platform: zero }
    }

    fn sum(&self) -> Usd {
        self.wallet + self.escrow + self.earnings + self.platform
    }

    /// Moves what a change books; each booking sums to zero.
    #[track_caller]
    fn book(&mut self, change: &Change) {
        for booking in &change.bookings {
            let mut sum = Usd::ZERO;
            for entry in &booking.entries {
                let place = match entry.account {
                    LedgerAccount::Wallet(_) => &mut self.wallet,
                    LedgerAccount::Escrow(_) => &mut self.escrow,
                    LedgerAccount::Earnings(_) => &mut self.earnings,
                    LedgerAccount::Platform => &mut self.platform,
                    LedgerAccount::Funding | LedgerAccount::Payout(_) => {
                        unreachable!("a rental moves nothing there")
                    }
                };
                *place = *place + entry.amount;
                sum = sum + entry.amount;
            }
            assert_eq!(sum, Usd::ZERO, "{booking:?}");
        }
        assert_eq!(change.after.held(), self.escrow, "the escrow is what is held");
    }
}

/// What a change books, in words.
fn words(change: &Change) -> Vec<String> {
    let entry =
        |entry: &crate::booking::Entry| format!("{} {}", entry.account.into_str(), entry.amount);
    let booking = |booking: &Booking| {
        let entries: Vec<String> = booking.entries.iter().map(entry).collect();
        format!("{}: {}", booking.kind.into_str(), entries.join(", "))
    };
    change.bookings.iter().map(booking).collect()
}

proptest! {
    #[test]
    fn what_never_had_access_is_refunded_to_the_cent(
        cents in 1..50_000_i64,
        slices in 1..9_u32,
        months in prop::sample::select(Term::VARIANTS),
        extended in any::<bool>(),
        later in 0..99_999_i64,
    ) {
        let price = Usd::from_micros(cents * 10_000);
        let mut rental = rental(months, &price.to_string(), slices);
        let mut purse = Purse::of(&rental);
        if extended {
            let rich = context(&price.to_string());
            let context = ExtendContext { balance: usd("999999"), ..rich };
            let change = extend(&rental, Term::Month, None, &context, order(), start());
            let change = change.unwrap();
            purse.book(&change);
            rental = change.after;
        }
        let ending = refund(&rental, start().plus_seconds(later)).unwrap();
        purse.book(&ending.change);
        prop_assert_eq!(ending.refund, paid(&rental));
        prop_assert_eq!(ending.paid, paid(&rental));
        // The first term was paid before the purse was looked at.
        prop_assert_eq!(purse.wallet, rental.periods[0].total);
        prop_assert_eq!((purse.escrow, purse.earnings), (Usd::ZERO, Usd::ZERO));
        prop_assert_eq!(ending.change.after.state, RentalState::Ended);
        prop_assert_eq!(refund(&ending.change.after, start()), Err(EndedAlready));
    }

    #[test]
    fn what_was_earned_is_not_refunded_with_it(
        cents in 1..50_000_i64, days in 0..29_i64, later in 0..9_i64,
    ) {
        let rental = rental(Term::Month, &Usd::from_micros(cents * 10_000).to_string(), 1);
        let at = start().plus_seconds(days * DAY);
        let after = earn(&rental, at).map_or(rental, |change| change.after);
        let earned = after.periods[0].earned;
        let ending = refund(&after, at.plus_seconds(later * DAY)).unwrap();
        prop_assert_eq!(ending.refund + earned, after.periods[0].total);
        prop_assert_eq!(ending.change.after.held(), Usd::ZERO);
    }
}

#[track_caller]
fn check(change: &Change, state: RentalState, event: Option<EventKind>, statements: &[&str]) {
    assert_eq!((change.after.state, change.event), (state, event));
    assert_eq!(words(change), statements);
}

#[test]
fn days_are_earned_when_they_are_over() {
    let month = rental(Term::Month, "25", 1);
    let at = |days: i64| earn(&month, start().plus_seconds(days * DAY));
    assert_eq!(at(-3), None);
    assert_eq!(earn(&month, start().plus_seconds(DAY - 1)), None);
    let statements = ["earning: escrow -0.83, earnings 0.75, platform 0.08"];
    check(&at(1).unwrap(), RentalState::Active, None, &statements);
    let statements = ["earning: escrow -25.00, earnings 22.50, platform 2.50"];
    check(&at(30).unwrap(), RentalState::Active, None, &statements);
    assert_eq!(at(99).unwrap().bookings, at(30).unwrap().bookings);
    // Nothing twice, and nothing back.
    let after = at(15).unwrap().after;
    for days in [15, 14, 0, -5] {
        assert_eq!(earn(&after, start().plus_seconds(days * DAY)), None);
    }
}

#[test]
fn a_term_is_over_at_its_second() {
    let month = rental(Term::Month, "25", 1);
    assert_eq!(expire(&month, month.ends_at.plus_seconds(-1)), None);
    let over = expire(&month, month.ends_at).unwrap();
    let statements = ["earning: escrow -25.00, earnings 22.50, platform 2.50"];
    check(&over, RentalState::Grace, Some(EventKind::RentalExpired), &statements);
    assert_eq!(over.after.held(), Usd::ZERO);
    assert_eq!(expire(&over.after, month.ends_at), None, "once");
    // Whatever was earned before.
    let earned = earn(&month, month.ends_at).unwrap().after;
    let over = expire(&earned, month.ends_at).unwrap();
    check(&over, RentalState::Grace, Some(EventKind::RentalExpired), &[]);
}

#[test]
fn the_grace_is_over_at_its_second() {
    let month = rental(Term::Month, "25", 1);
    assert_eq!(release(&month, month.grace_until()), None, "not before its term is over");
    let over = expire(&month, month.ends_at).unwrap().after;
    assert_eq!(release(&over, over.grace_until().plus_seconds(-1)), None);
    let free = release(&over, over.grace_until()).unwrap();
    check(&free, RentalState::Ended, Some(EventKind::RentalEnded), &[]);
    assert_eq!(free.after.ended_at, Some(over.grace_until()));
    assert_eq!(release(&free.after, over.grace_until()), None, "once");
}

#[test]
fn an_early_end_gives_the_rest_back() {
    let check_end = |rental: &Rental, now, paid, refund, statements: &[&str]| {
        let ending = end(rental, now).unwrap();
        check(&ending.change, RentalState::Ended, Some(EventKind::RentalEnded), statements);
        assert_eq!((ending.paid, ending.refund), (usd(paid), usd(refund)));
        assert_eq!(ending.change.after.held(), Usd::ZERO);
        assert_eq!(end(&ending.change.after, now), Err(EndedAlready));
    };
    let year = rental(Term::Year, "25", 1);
    let statements = ["refund: escrow -255.00, wallet 255.00"];
    check_end(&year, start(), "255", "255", &statements);
    let statements = [
        "earning: escrow -71.25, earnings 64.13, platform 7.12",
        "refund: escrow -183.75, wallet 183.75",
    ];
    check_end(&year, start().plus_months(3), "255", "183.75", &statements);
    // What was earned by the day is part of what was used.
    let earned = earn(&year, start().plus_months(3)).unwrap().after;
    assert_eq!(earned.periods[0].earned, usd("64.27"));
    let statements = [
        "earning: escrow -6.98, earnings 6.28, platform 0.70",
        "refund: escrow -183.75, wallet 183.75",
    ];
    check_end(&earned, start().plus_months(3), "255", "183.75", &statements);
    let over = expire(&year, year.ends_at).unwrap().after;
    let ending = end(&over, year.ends_at).unwrap();
    assert_eq!((ending.paid, ending.used, ending.refund), (Usd::ZERO, None, Usd::ZERO));
}

#[track_caller]
fn refused(
    rental: &Rental,
    term: Term,
    max: Option<&str>,
    context: &ExtendContext,
    now: Timestamp,
) -> ExtendError {
    extend(rental, term, max.map(usd), context, order(), now).unwrap_err()
}

#[test]
fn an_extension_is_paid_at_once_and_follows_the_last_term() {
    let node = rental(Term::Month, "25", 3);
    let change = extend(&node, Term::Quarter, None, &context("40"), order(), start()).unwrap();
    let statements = ["extension: wallet -213.75, escrow 213.75"];
    check(&change, RentalState::Active, Some(EventKind::RentalExtended), &statements);
    let added = change.after.periods.last().unwrap();
    assert_eq!((added.number, added.starts_at), (2, node.ends_at));
    assert_eq!((added.total, added.fee), (usd("213.75"), usd("21.38")));
    assert_eq!(change.after.ends_at, start().plus_months(4));
    assert_eq!((change.after.price_until, change.after.price), (node.price_until, node.price));
    assert_eq!((change.after.months(), change.after.place().as_str()), (4, "node32"));
    // The last second of the grace is not too late.
    let over = expire(&node, node.ends_at).unwrap().after;
    let last = node.grace_until().plus_seconds(-1);
    let change = extend(&over, Term::Month, None, &context("40"), order(), last).unwrap();
    assert_eq!(change.after.state, RentalState::Active);
    assert_eq!(change.after.ends_at, start().plus_months(2));
    let late = node.grace_until();
    assert_eq!(refused(&over, Term::Month, None, &context("40"), late), ExtendError::Ended);
    let ended = release(&over, late).unwrap().after;
    assert_eq!(refused(&ended, Term::Month, None, &context("40"), start()), ExtendError::Ended);
}

#[test]
fn the_own_price_holds_for_a_year_and_a_raise_needs_a_word() {
    let mut month = rental(Term::Month, "25", 1);
    let max = |max| refused(&month, Term::Month, Some(max), &context("40"), start());
    let above = RentError::AboveMaxPrice { price: usd("25"), max: usd("24.99") };
    assert_eq!(max("24.99"), ExtendError::Money(above));
    month.price_until = month.ends_at;
    let raised = ExtendError::PriceRaised { agreed: usd("25"), price: usd("40") };
    for max in [None, Some("39.99"), Some("1")] {
        assert_eq!(refused(&month, Term::Month, max, &context("40"), start()), raised);
    }
    let mut paused = context("40");
    paused.market.listing = Listing::Paused;
    let gone = refused(&month, Term::Month, Some("99"), &paused, start());
    assert_eq!(gone, ExtendError::NotOffered);
    let change =
        extend(&month, Term::Month, Some(usd("40")), &context("40"), order(), start()).unwrap();
    assert_eq!(change.after.price, usd("40"));
    assert_eq!(change.after.price_until, start().plus_months(2 + PRICE_MONTHS));
    let cheaper = extend(&month, Term::Month, None, &context("5"), order(), start()).unwrap();
    assert_eq!(cheaper.after.price, usd("5"));
}

#[test]
fn nobody_pays_more_than_three_years_ahead_or_what_they_have_not() {
    let mut year = rental(Term::Year, "25", 1);
    for _ in 0..2 {
        year = extend(&year, Term::Year, None, &context("25"), order(), start()).unwrap().after;
    }
    let far = refused(&year, Term::Month, None, &context("25"), start());
    assert_eq!(far, ExtendError::TooFarAhead);
    let later = start().plus_months(1);
    let max = Some(usd("25"));
    extend(&year, Term::Month, max, &context("25"), order(), later).unwrap();
    let poor = ExtendContext { balance: usd("24.99"), ..context("25") };
    let month = rental(Term::Month, "25", 1);
    let lacking = RentError::InsufficientFunds { total: usd("25"), missing: usd("0.01") };
    let found = refused(&month, Term::Month, None, &poor, start());
    assert_eq!((found, found.to_string()), (lacking.into(), lacking.to_string()));
    let token = ExtendContext { spendable: Some(usd("24")), ..context("25") };
    let over = RentError::OverSpendingLimit { total: usd("25"), left: usd("24") };
    assert_eq!(refused(&month, Term::Month, None, &token, start()), over.into());
}

#[test]
fn months_are_counted_from_the_start() {
    let mut rental = rental(Term::Month, "25", 1);
    rental.started_at = Timestamp::from_seconds(1_801_396_800);
    rental.periods = vec![period(Term::Month, usd("25"), 1, rental.started_at)];
    rental.ends_at = rental.started_at.plus_months(1);
    rental.price_until = rental.ends_at.plus_months(PRICE_MONTHS);
    let mut ends = vec![rental.ends_at.date()];
    for _ in 0..3 {
        let now = rental.started_at;
        let change = extend(&rental, Term::Month, None, &context("25"), order(), now);
        rental = change.unwrap().after;
        ends.push(rental.ends_at.date());
    }
    assert_eq!(ends, ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]);
}

#[test]
fn nobody_takes_over_their_own_node_or_more_than_they_may() {
    let node = rental(Term::Month, "25", 3);
    assert_eq!(take_over(&node, account(5), 7, 10), Ok(()));
    assert_eq!(take_over(&node, account(1), 0, 10), Err(RentError::OwnSlice));
    let over = RentError::OverLimit { slices: 8, max: 10 };
    assert_eq!(take_over(&node, account(5), 8, 10), Err(over));
    assert_eq!(take_over(&node, account(2), 10, 10), Ok(()), "the renter has them already");
}

#[test]
fn states_have_stable_names() {
    for &state in RentalState::VARIANTS {
        assert_eq!(state.into_str().parse(), Ok(state));
    }
    assert!("settled".parse::<RentalState>().is_err());
}

mod outages;
