//! The rules of leaving: notice, refunds to the cent, and moves that lose none.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use alloc::{format, vec};

use expect_test::expect;
use proptest::prelude::*;
use strum::VariantArray;

use super::*;
use crate::booking::LedgerAccount;
use crate::id::{AccountId, NodeId, OrderId, RentalId};
use crate::listing::Listing;
use crate::money::Percent;
use crate::outage::Outages;
use crate::rental::{ExtendContext, ExtendError, Market, PRICE_MONTHS, earn, expire, extend};
use crate::slice::SliceState;
use crate::term::{Term, Terms};

const DAY: i64 = 86_400;

/// 2026-11-22T17:08:41Z.
fn start() -> Timestamp {
    Timestamp::from_seconds(1_795_367_321)
}

fn days(days: i64) -> Timestamp {
    start().plus_seconds(days * DAY)
}

fn usd(text: &str) -> Usd {
    Usd::parse("amount", text).unwrap()
}

fn account(byte: u8) -> AccountId {
    AccountId::from_random(start(), [byte; 10])
}

fn rental(term: Term, price: Usd, slices: u32) -> Rental {
    let total = term.total(price.times(slices));
    let ends_at = start().plus_months(term.months());
    Rental {
        id: RentalId::from_random(start(), [3; 10]),
        version: 1,
        node: NodeId(32),
        slice: (slices == 1).then_some(7),
        slices,
        renter: account(2),
        farmer: account(1),
        state: RentalState::Active,
        price,
        price_until: ends_at.plus_months(PRICE_MONTHS),
        started_at: start(),
        ends_at,
        ended_at: None,
        periods: vec![Period {
            number: 1,
            months: term.months(),
            price,
            total,
            fee: total.percent(Percent::whole(10)).to_cents(),
            earned: Usd::ZERO,
            refunded: Usd::ZERO,
            starts_at: start(),
            ends_at,
        }],
        outages: Outages::NONE,
    }
}

fn sla(hundredths: i64, mbps: u32) -> SlaCommitment {
    SlaCommitment {
        min_uptime: Uptime::from_hundredths(hundredths).unwrap(),
        min_bandwidth: Bandwidth::from_mbps(mbps),
    }
}

fn offer(price: &str) -> Offer {
    Offer {
        node: NodeId(33),
        farmer: account(4),
        farm: 9,
        country: "Belgium".into(),
        listing: Listing::Published,
        is_up: true,
        version: 5,
        price: Some(usd(price)),
        terms: Terms::ALL,
        min_uptime: Uptime::from_hundredths(9_950).unwrap(),
        min_bandwidth: Bandwidth::from_mbps(200),
        available: 2,
        taken: 1,
        is_overfull: false,
        slice: Some(SliceState::Available),
    }
}

fn to(offer: &Offer) -> Target<'_> {
    Target {
        offer: Some(offer),
        slice: None,
        free: &[1, 4],
        start: None,
        version: 5,
        has_agent: false,
        left: &[],
    }
}

/// The node leaves, and nothing is owed.
fn leaves(at: Timestamp) -> MoveCause {
    MoveCause { leaves_at: Some(at), owed: Owed::Nothing, is_down: false }
}

/// What goes to an account.
fn gets(change: &Change, account: LedgerAccount) -> Usd {
    let entries = change.bookings.iter().flat_map(|booking| &booking.entries);
    entries
        .filter(|entry| entry.account == account)
        .fold(Usd::ZERO, |sum, entry| sum + entry.amount)
}

#[test]
fn a_notice_leaves_renters_thirty_days() {
    let now = start();
    let asked = |is_used, wanted| notice(None, is_used, wanted, now);
    assert_eq!(asked(true, None), Ok(days(30)));
    assert_eq!(asked(true, Some(days(30))), Ok(days(30)));
    let first_day = Timestamp::of_day("2026-12-23").unwrap();
    let just_before = days(30).plus_seconds(-1);
    assert_eq!(asked(true, Some(just_before)), Err(NoticeError::TooSoon(first_day)));
    assert_eq!(asked(true, Some(now)), Err(NoticeError::TooSoon(first_day)));
    let latest = now.plus_months(36);
    assert_eq!(asked(true, Some(latest)), Ok(latest));
    let late = latest.plus_seconds(1);
    assert_eq!(asked(true, Some(late)), Err(NoticeError::TooLate(latest)));
    // Nobody has to be told of a node that nobody rents.
    assert_eq!(asked(false, None), Ok(now));
    assert_eq!(asked(false, Timestamp::of_day("2026-11-22")), Ok(now));
    let yesterday = asked(false, Timestamp::of_day("2026-11-21"));
    assert_eq!(yesterday, Err(NoticeError::TooSoon(Timestamp::of_day("2026-11-23").unwrap())));
    let again = notice(Some(days(40)), false, None, now);
    assert_eq!(again, Err(NoticeError::Leaving(days(40))));
    let words = again.unwrap_err().to_string();
    assert_eq!(words, "this node is already leaving on 1 January 2027; cancel that first");
}

#[test]
fn a_whole_day_is_not_before() {
    let day = |text| Timestamp::of_day(text).unwrap();
    assert_eq!(whole_day(start()), day("2026-11-23"));
    assert_eq!(whole_day(day("2026-11-23")), day("2026-11-23"));
}

#[test]
fn no_extension_goes_beyond_the_day() {
    let month = rental(Term::Month, usd("25"), 1);
    let context = |leaves_at| ExtendContext {
        market: Market { listing: Listing::Paused, price: Some(usd("25")), leaves_at },
        balance: usd("999"),
        spendable: None,
        platform_fee: Percent::whole(10),
    };
    let order = OrderId::from_random(start(), [9; 10]);
    let asked = |term: Term, leaves_at| {
        extend(&month, term, None, &context(leaves_at), order, start()).map(drop)
    };
    let last = start().plus_months(2);
    assert_eq!(asked(Term::Month, Some(last)), Ok(()), "what fits is fine");
    assert_eq!(asked(Term::Month, None), Ok(()));
    let leaves_at = start().plus_months(2).plus_seconds(-1);
    let beyond = ExtendError::TermBeyondLeaveDate(leaves_at);
    assert_eq!(asked(Term::Month, Some(leaves_at)), Err(beyond));
    assert_eq!(asked(Term::Year, Some(last)), Err(ExtendError::TermBeyondLeaveDate(last)));
    let words = "this node leaves the market on 22 January 2027, before the term ends; \
                 choose a shorter term or another node";
    assert_eq!(beyond.to_string(), words);
}

#[test]
fn a_refund_is_an_even_share_of_what_was_paid() {
    let year = rental(Term::Year, usd("25"), 1);
    assert_eq!(year.held(), usd("255"));
    // A year is 365 days, and 73 of them are a fifth.
    let ending = end(&year, Some(days(100)), days(73)).unwrap();
    assert_eq!((ending.paid, ending.refund), (usd("255"), usd("204")));
    assert_eq!(gets(&ending.change, LedgerAccount::Earnings(account(1))), usd("45.90"));
    assert_eq!(gets(&ending.change, LedgerAccount::Platform), usd("5.10"));
    assert_eq!(gets(&ending.change, LedgerAccount::Wallet(account(2))), usd("204"));
    assert_eq!(ending.change.after.state, RentalState::Ended);
    // An early end would have priced the time anew: it is more than that.
    assert!(ending.refund > rental::end(&year, days(73)).unwrap().refund);
    // Where what was paid for is over by then, or the node stays, an early end is one.
    for leaves_at in [None, Some(year.ends_at)] {
        let plain = rental::end(&year, days(73)).unwrap();
        assert_eq!(end(&year, leaves_at, days(73)).unwrap(), plain);
        assert!(!is_cut(&year, leaves_at));
    }
    assert!(is_cut(&year, Some(days(100))));
    assert_eq!(end(&ending.change.after, Some(days(100)), days(73)), Err(EndedAlready));
}

/// What a rental's renter gets beside the refund, who has paid $25 a month.
#[track_caller]
fn compensated(life: &Rental, until: Timestamp, expected: &str) {
    let ending = end(life, Some(start().plus_seconds(1)), until).unwrap();
    assert_eq!(ending.compensation.to_string(), expected, "{}", ending.refund);
}

#[test]
fn a_lost_discount_is_made_good() {
    // Of a year at 15 %, 292 days are left: $204 of $240. By the six months that fit into them they
    // cost 10 % less: $216.
    let year = rental(Term::Year, usd("25"), 1);
    compensated(&year, days(73), "12.00");
    // At the start, a day later, and with half a year, a quarter, two months and one left.
    compensated(&year, start(), "0.00");
    compensated(&year, days(1), "0.69");
    compensated(&year, start().plus_months(6), "7.57");
    compensated(&year, start().plus_months(9), "7.56");
    compensated(&year, start().plus_months(10), "7.52");
    compensated(&year, start().plus_months(11), "3.82");
    compensated(&year, year.ends_at.plus_seconds(-1), "0.00");
    // Three slices lose three times as much.
    compensated(&rental(Term::Year, usd("25"), 3), days(73), "36.00");
    // A month has no discount to lose, and who was charged nothing loses nothing.
    compensated(&rental(Term::Month, usd("25"), 1), days(3), "0.00");
    let mut imported = rental(Term::Year, usd("25"), 1);
    imported.periods[0] =
        Period { total: Usd::ZERO, fee: Usd::ZERO, ..imported.periods[0].clone() };
    compensated(&imported, days(73), "0.00");
    // Whoever ends where the node stays, or moves, loses nothing by the farmer.
    assert_eq!(rental::end(&year, days(73)).unwrap().compensation, Usd::ZERO);
    assert_eq!(rental::refund(&year, days(73)).unwrap().compensation, Usd::ZERO);
    let booking = compensation(&year, usd("12")).unwrap();
    assert_eq!(booking.reference, year.id.to_string());
    assert_eq!(compensation(&year, Usd::ZERO), None);
}

#[test]
fn a_late_run_takes_no_more_than_was_used() {
    let year = rental(Term::Year, usd("25"), 1);
    assert_eq!(leave(&year, days(73), days(73).plus_seconds(-1)), None);
    let ending = leave(&year, days(73), days(90)).unwrap();
    assert_eq!((ending.refund, ending.change.after.ended_at), (usd("204"), Some(days(90))));
    assert_eq!(leave(&ending.change.after, days(73), days(91)), None, "once");
    // Unless it was earned already.
    let earned = earn(&year, days(80)).unwrap().after;
    assert_eq!(
        leave(&earned, days(73), days(90)).unwrap().refund,
        usd("255") - earned.periods[0].earned
    );
    // In its grace there is nothing to give back.
    let month = rental(Term::Month, usd("25"), 1);
    let over = expire(&month, month.ends_at).unwrap().after;
    let ending = leave(&over, month.ends_at, month.ends_at.plus_seconds(60)).unwrap();
    assert_eq!((ending.refund, ending.change.bookings.len()), (Usd::ZERO, 0));
}

#[test]
fn the_money_goes_with_the_rental() {
    let year = rental(Term::Year, usd("25"), 1);
    let sold = sla(9_900, 100);
    let found = offer("24");
    let moved = move_to(&year, sold, leaves(days(100)), &to(&found), days(73)).unwrap();
    let after = &moved.change.after;
    assert_eq!((after.node, after.farmer, after.slice), (NodeId(33), account(4), Some(1)));
    assert_eq!((after.price, after.ends_at, after.held()), (usd("24"), year.ends_at, usd("204")));
    assert_eq!((moved.offer_version, moved.sla), (5, sla(9_950, 200)));
    assert_eq!(gets(&moved.change, LedgerAccount::Earnings(account(1))), usd("45.90"));
    assert_eq!(moved.change.bookings[0].reason, "Earned with node32_slice_7");
    // From then on the other farmer earns.
    let later = earn(after, year.ends_at).unwrap();
    assert_eq!(gets(&later, LedgerAccount::Earnings(account(1))), Usd::ZERO);
    assert_eq!(gets(&later, LedgerAccount::Earnings(account(4))), usd("183.60"));
}

#[test]
fn only_an_equivalent_slice_is_taken() {
    let year = rental(Term::Year, usd("25"), 1);
    let (sold, cause) = (sla(9_950, 200), leaves(days(100)));
    let asked = |offer: &Offer| move_to(&year, sold, cause, &to(offer), days(9)).map(drop);
    assert_eq!(asked(&offer("25")), Ok(()));
    let dearer = MoveError::Dearer { price: usd("25.01"), agreed: usd("25") };
    assert_eq!(asked(&offer("25.01")), Err(dearer));
    let less = [
        Offer { min_uptime: sla(9_949, 0).min_uptime, ..offer("1") },
        Offer { min_bandwidth: Bandwidth::from_mbps(199), ..offer("1") },
    ];
    assert!(less.iter().all(|offer| asked(offer) == Err(MoveError::WeakerSla)));
    let refused = [
        (Offer { farmer: account(2), ..offer("1") }, RentError::OwnSlice),
        (Offer { listing: Listing::Paused, ..offer("1") }, RentError::NotOffered),
        (Offer { version: 6, ..offer("1") }, RentError::OfferChanged),
        (Offer { available: 0, ..offer("1") }, RentError::SoldOut { wanted: 1, free: 0 }),
        (Offer { available: 0, is_up: false, ..offer("1") }, RentError::NodeDown),
    ];
    for (offer, why) in refused {
        assert_eq!(asked(&offer), Err(MoveError::Offer(why)));
    }
    let nowhere = Target { offer: None, ..to(&less[0]) };
    let found = move_to(&year, sold, cause, &nowhere, days(9));
    assert_eq!(found, Err(MoveError::Offer(RentError::NoSuchNode)));
    let taken = Offer { slice: Some(SliceState::Allocated), ..offer("1") };
    let named = Target { slice: Some(3), ..to(&taken) };
    let found = move_to(&year, sold, cause, &named, days(9));
    assert_eq!(found, Err(MoveError::Offer(RentError::SliceTaken)));
}

#[test]
fn any_slice_is_the_lowest_free_one_or_a_random_one() {
    let (month, found) = (rental(Term::Month, usd("25"), 1), offer("1"));
    let chosen = |left: &'static [u32], start| {
        let target = Target { free: &[2, 5, 7], start, left, ..to(&found) };
        let moved = move_to(&month, sla(9_000, 1), leaves(days(100)), &target, days(9));
        moved.map(|moved| moved.change.after.slice)
    };
    assert_eq!(chosen(&[], None), Ok(Some(2)));
    assert_eq!(chosen(&[], Some(301)), Ok(Some(5)));
    assert_eq!(chosen(&[2, 3], None), Ok(Some(5)), "never one that it left");
    assert_eq!(chosen(&[2, 3], Some(301)), Ok(Some(7)));
    assert_eq!(chosen(&[2, 5, 7], Some(1)), Err(MoveError::LeftBefore));
}

#[test]
fn only_a_running_slice_of_a_leaving_node_is_moved() {
    let (cheap, sold, leaves_at) = (offer("1"), sla(9_000, 1), leaves(days(100)));
    let asked =
        |rental: &Rental, cause, now| move_to(rental, sold, cause, &to(&cheap), now).map(drop);
    let month = rental(Term::Month, usd("25"), 1);
    assert_eq!(asked(&month, leaves_at, start()), Ok(()));
    let stays = MoveCause { leaves_at: None, owed: Owed::Nothing, is_down: false };
    assert_eq!(asked(&month, stays, start()), Err(MoveError::NotLeaving));
    assert_eq!(asked(&month, leaves_at, month.ends_at), Err(MoveError::Over));
    let over = expire(&month, month.ends_at).unwrap().after;
    assert_eq!(asked(&over, leaves_at, start()), Err(MoveError::Over));
    let whole = rental(Term::Month, usd("25"), 3);
    assert_eq!(asked(&whole, leaves_at, start()), Err(MoveError::WholeNode));
}

#[test]
fn what_is_overdue_goes_on_elsewhere_and_nobody_has_earned() {
    let (found, sold) = (offer("24"), sla(9_000, 1));
    let month = rental(Term::Month, usd("25"), 1);
    let row = |leaves_at: Option<Timestamp>, owed: Owed, has_agent: bool| {
        let target = Target { has_agent, ..to(&found) };
        match move_to(&month, sold, MoveCause { leaves_at, owed, is_down: false }, &target, days(1))
        {
            Ok(moved) => {
                assert_eq!(moved.change.after.node, NodeId(33));
                format!("goes, with {} of $25.00", moved.change.after.held().for_people())
            }
            Err(error) => format!("{error:?}"),
        }
    };
    let mut table = Vec::new();
    for leaves_at in [None, Some(days(100))] {
        for owed in [Owed::Nothing, Owed::Access, Owed::Overdue] {
            for has_agent in [false, true] {
                let what = row(leaves_at, owed, has_agent);
                let leaves = leaves_at.is_some();
                table
                    .push(format!("leaves {leaves:5}, owed {owed:?}, agent {has_agent:5}: {what}"));
            }
        }
    }
    expect![[r#"
        leaves false, owed Nothing, agent false: NotLeaving
        leaves false, owed Nothing, agent true : NotLeaving
        leaves false, owed Access, agent false: NotLeaving
        leaves false, owed Access, agent true : NotLeaving
        leaves false, owed Overdue, agent false: NoAgent
        leaves false, owed Overdue, agent true : goes, with $25.00 of $25.00
        leaves true , owed Nothing, agent false: goes, with $24.17 of $25.00
        leaves true , owed Nothing, agent true : goes, with $24.17 of $25.00
        leaves true , owed Access, agent false: NoAgent
        leaves true , owed Access, agent true : goes, with $25.00 of $25.00
        leaves true , owed Overdue, agent false: NoAgent
        leaves true , owed Overdue, agent true : goes, with $25.00 of $25.00"#]]
    .assert_eq(&table.join("\n"));

    // It does not come back to what it left; what is taken is taken, whoever left it.
    let overdue = MoveCause { leaves_at: None, owed: Owed::Overdue, is_down: false };
    let back = Target { slice: Some(3), has_agent: true, left: &[3], ..to(&found) };
    assert_eq!(move_to(&month, sold, overdue, &back, days(1)), Err(MoveError::LeftBefore));
    let taken = Offer { slice: Some(SliceState::Allocated), ..offer("1") };
    let named = Target { offer: Some(&taken), ..back };
    let refused = move_to(&month, sold, overdue, &named, days(1));
    assert_eq!(refused, Err(MoveError::Offer(RentError::SliceTaken)));

    // Another slice of the same node will do.
    let same = Offer { node: NodeId(32), farmer: account(1), ..offer("25") };
    let next = Target { slice: Some(8), has_agent: true, ..to(&same) };
    let moved = move_to(&month, sold, overdue, &next, days(1)).unwrap();
    let after = &moved.change.after;
    assert_eq!((after.node, after.slice, after.held()), (NodeId(32), Some(8), usd("25")));
    assert_eq!(moved.change.bookings, []);
    assert_eq!(moved.change.periods, [0_u32; 0]);
}

fn any_rental() -> impl Strategy<Value = Rental> {
    let slices = prop_oneof![3 => Just(1_u32), 1 => 2..20_u32];
    let more = prop::collection::vec(prop::sample::select(Term::VARIANTS), 0..3);
    (prop::sample::select(Term::VARIANTS), 1..6_000_i64, slices, more).prop_map(
        |(term, cents, slices, more)| {
            let mut life = rental(term, Usd::from_micros(cents * 10_000), slices);
            let context = ExtendContext {
                market: Market { listing: Listing::Paused, price: None, leaves_at: None },
                balance: Usd::from_micros(i64::MAX / 4),
                spendable: None,
                platform_fee: Percent::whole(10),
            };
            for term in more {
                let order = OrderId::from_random(start(), [9; 10]);
                let longer = extend(&life, term, None, &context, order, start());
                life = longer.map_or(life, |change| change.after);
            }
            life
        },
    )
}

fn paid(rental: &Rental) -> Usd {
    rental.periods.iter().fold(Usd::ZERO, |sum, period| sum + period.total)
}

proptest! {
    #[test]
    fn what_is_refunded_and_what_is_earned_is_what_was_paid(
        life in any_rental(),
        earned_after in 0..100_000_000_i64,
        seconds in 0..100_000_000_i64,
    ) {
        let now = start().plus_seconds(seconds);
        let before = start().plus_seconds(earned_after.min(seconds));
        let earned = earn(&life, before).map_or(life.clone(), |change| change.after);
        let ending = end(&earned, Some(start()), now).unwrap();
        prop_assert!(ending.refund >= Usd::ZERO);
        prop_assert_eq!(ending.change.after.held(), Usd::ZERO);
        let all = ending.change.after.periods.iter();
        let got = all.fold(Usd::ZERO, |sum, period| sum + period.earned);
        prop_assert_eq!(got + ending.refund, paid(&life));
        // However much of it was earned by the day before, the refund is the same.
        prop_assert_eq!(ending.refund, end(&life, Some(start()), now).unwrap().refund);
        // It is never less than an early end gives back.
        let early = rental::end(&earned, now).unwrap().refund;
        prop_assert!(now >= life.ends_at || ending.refund >= early, "{early}");
    }

    /// The renter is made whole: what was used costs no more than by the term that was agreed, and
    /// what goes back buys the time that is left again. The farmer pays no more than the discount
    /// of that time.
    #[test]
    fn a_renter_is_made_whole_and_not_more(life in any_rental(), seconds in 0..100_000_000_i64) {
        let now = start().plus_seconds(seconds);
        let ending = end(&life, Some(start()), now).unwrap();
        let (mut agreed, mut discounts, mut again) = (Usd::ZERO, Usd::ZERO, Usd::ZERO);
        for period in &life.periods {
            agreed = agreed + period.share_used(&Outages::NONE, now);
            let price = period.price.times(life.slices);
            let full = price.times(period.months);
            let left = period.total - period.share_used(&Outages::NONE, now);
            let share = |amount: Usd| {
                let product = i128::from(amount.micros()) * i128::from(left.micros());
                let part = product / i128::from(period.total.micros());
                Usd::from_micros(i64::try_from(part).unwrap())
            };
            discounts = discounts + share(full - period.total) + Usd::from_micros(20_000);
            // With the discount of a term that is no longer than what is left.
            let from = now.max(period.starts_at);
            let fits = |term: &Term| from.plus_months(term.months()) <= period.ends_at;
            let term = Term::VARIANTS.iter().rev().find(|term| fits(term));
            let percent = term.map_or(0, |term| term.discount_percent());
            let full_left = share(full);
            let cost = full_left - full_left.percent(Percent::whole(percent));
            let longer = Term::VARIANTS.iter().filter(|term| !fits(term));
            let cost = longer.map(|term| term.total(price)).fold(cost, Usd::min);
            again = again + cost - Usd::from_micros(20_000);
        }
        // What payouts leave there for it: `leaving_costs`.
        for period in &life.periods {
            let percent = match period.months {
                1 => 0,
                3 => 15,
                6 => 29,
                _ => 57,
            };
            let most = period.price.times(life.slices).percent(Percent::whole(percent));
            let lost = period.discount_lost(life.slices, now);
            prop_assert!(lost <= most + Usd::from_micros(10_000), "{lost} of {most}");
        }
        prop_assert!(paid(&life) - ending.refund - ending.compensation <= agreed);
        prop_assert!(ending.compensation >= Usd::ZERO && ending.compensation <= discounts);
        prop_assert!(ending.refund + ending.compensation >= again);
        // It is booked once, from the farmer to the renter.
        let booking = compensation(&life, ending.compensation);
        let sum = |booking: &Booking| {
            booking.entries.iter().fold(Usd::ZERO, |sum, entry| sum + entry.amount)
        };
        prop_assert_eq!(booking.as_ref().map_or(Usd::ZERO, sum), Usd::ZERO);
    }

    #[test]
    fn at_the_start_it_is_everything_and_at_the_end_nothing(life in any_rental()) {
        let refund = |now| end(&life, Some(start()), now).unwrap().refund;
        prop_assert_eq!(refund(start()), paid(&life));
        prop_assert_eq!(refund(life.ends_at.plus_seconds(-1)), Usd::ZERO);
        prop_assert_eq!(leave(&life, life.ends_at, life.ends_at).unwrap().refund, Usd::ZERO);
    }

    #[test]
    fn a_move_loses_no_cent(
        term in prop::sample::select(Term::VARIANTS),
        cents in 1..6_000_i64,
        // The shortest term is of 30 days: what is over does not move.
        moments in (0..30 * 86_400_i64, 0..9_000_000_i64),
    ) {
        let life = rental(term, Usd::from_micros(cents * 10_000), 1);
        let cheap = Offer { price: Some(Usd::from_micros(10_000)), ..offer("1") };
        let now = start().plus_seconds(moments.0);
        let moved = move_to(&life, sla(0, 0), leaves(start()), &to(&cheap), now).unwrap();
        let ending = end(&moved.change.after, Some(start()), now.plus_seconds(moments.1)).unwrap();
        let of = |account| gets(&moved.change, account) + gets(&ending.change, account);
        let [old, new] = [1, 4].map(|byte| of(LedgerAccount::Earnings(account(byte))));
        let (fees, back) = (of(LedgerAccount::Platform), of(LedgerAccount::Wallet(account(2))));
        prop_assert_eq!(old + new + fees + back, paid(&life));
        // Both farmers together have what one would have.
        let stayed = end(&life, Some(start()), now.plus_seconds(moments.1)).unwrap();
        let alone = gets(&stayed.change, LedgerAccount::Earnings(account(1)));
        prop_assert_eq!(old + new, alone);
        prop_assert!(old >= Usd::ZERO && new >= Usd::ZERO);
    }
}

#[test]
fn refusals_are_words() {
    let words: String = MoveError::Dearer { price: usd("9"), agreed: usd("8") }.to_string();
    assert!(words.starts_with("a slice there costs $9"), "{words}");
    let soon = NoticeError::TooSoon(days(30)).to_string();
    assert_eq!(soon, "a date of 2026-12-22 or later");
}
