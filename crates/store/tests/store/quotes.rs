//! Quotes: what they say, what they hold, and that each is good once.

use domain::listing::Listing;
use domain::order::{
    Filter, HOLDS_MAX, HOLDS_OF_SLICE_MAX, HOLDS_SECONDS, QUOTE_SECONDS, RentError, RentRequest,
    Spread, Wanted,
};
use domain::time::Timestamp;
use store::quotes::{Quote, find, make, release, release_due, sweep};
use store::renting::{Basis, Ordered, RentFailure};
use store::{Db, RusqliteDb, StoreError, sync};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, SLICES_MAX, account, assert_sound, attempt, balance,
    carries, charged, count, fund, market, now, one, open_account, order, order_once, publish,
    quote, quote_id, quote_up_to, register, rent, rent_all, report, request, set, shown, slice,
    some, states, usd, whole,
};

/// When a quote of `now` is over.
fn over() -> Timestamp {
    now().plus_seconds(QUOTE_SECONDS)
}

/// So many slices, wherever they are.
fn anywhere(count: u32) -> RentRequest {
    request(Wanted::OnMarket { filter: Filter::default(), count, spread: Spread::Any })
}

/// Rents by a quote.
fn use_it(db: &dyn Db, attempt: &Attempt<'_>, quote: &Quote) -> Result<Ordered, RentFailure> {
    order(db, attempt, Basis::Quote(quote))
}

fn rule(error: RentError) -> Result<Ordered, RentFailure> {
    Err(RentFailure::Rule(error))
}

#[test]
fn a_quote_holds_its_slices_and_is_used_once() {
    let db = market();
    let held = quote(&db, 1, OMAR, &some(3), true, now()).unwrap();
    assert_eq!(states(&db, NODE), "hhhaaaaaa");
    assert_eq!((held.total(), held.held_until), (usd("75"), Some(over())));
    assert_eq!(find(&db, account(OMAR), held.id), Ok(Some(held.clone())));
    assert_eq!(find(&db, account(AIDA), held.id), Ok(None));
    assert_sound(&db);
    assert_eq!(slice(&rent(&db, attempt(AIDA, "key")).unwrap()), 4, "it is nobody else's");
    let three = use_it(&db, &attempt(OMAR, "key"), &held).unwrap();
    assert_eq!(three.rentals.iter().map(slice).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!(states(&db, NODE), "RRRRaaaaa");
    assert_eq!((three.total, balance(&db, OMAR)), (usd("75"), usd("25")));
    assert_sound(&db);
    // A retry has its answer; another order has none.
    let after = dump(&db);
    let retry = Attempt { id: 70, ..attempt(OMAR, "key") };
    assert_eq!(order_once(&db, &retry, Basis::Quote(&held)), Ok(shown(&three)));
    let other = Attempt { id: 71, ..attempt(OMAR, "other") };
    assert_eq!(use_it(&db, &other, &held), Err(RentFailure::QuoteUsed));
    release(&db, account(OMAR), held.id, now()).unwrap();
    assert_eq!(dump(&db), after);
}

#[test]
fn a_quote_is_what_was_told_word_for_word() {
    let db = market();
    let told = quote(&db, 1, OMAR, &one(4), false, now()).unwrap();
    assert_eq!(
        told.document,
        format!(
            concat!(
                r#"{{"id":"{}","account_id":"{}","created_at":1795367321,"#,
                r#""expires_at":1795367621,"held_until":null,"items":[{{"node":32,"slice":4,"#,
                r#""whole":null,"offer_version":2,"months":1,"price_micros":25000000,"#,
                r#""total_micros":25000000,"fee_micros":2500000,"min_uptime":9950,"#,
                r#""min_bandwidth_mbps":100}}],"total_micros":25000000}}"#
            ),
            quote_id(1),
            account(OMAR)
        )
    );
    assert_eq!(told.signature.as_deref(), Some(&*format!("signed {}", told.document.len())));
}

#[test]
fn a_quote_is_good_until_its_second() {
    for is_held in [true, false] {
        let db = market();
        let told = quote(&db, 1, OMAR, &some(2), is_held, now()).unwrap();
        let before = dump(&db);
        let late = Attempt { at: over(), ..attempt(OMAR, "key") };
        assert_eq!(use_it(&db, &late, &told), Err(RentFailure::QuoteExpired));
        assert_eq!(dump(&db), before);
        let in_time = Attempt { at: over().plus_seconds(-1), ..late };
        use_it(&db, &in_time, &told).unwrap();
        assert_sound(&db);
    }
}

#[test]
fn what_is_given_back_is_free_and_the_quote_is_over() {
    let db = market();
    let held = quote(&db, 1, OMAR, &some(2), true, now()).unwrap();
    let at = now().plus_seconds(9);
    release(&db, account(AIDA), held.id, at).unwrap();
    assert_eq!(states(&db, NODE), "hhaaaaaaa", "nobody gives back what is another's");
    release(&db, account(OMAR), held.id, at).unwrap();
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    let late = Attempt { at, ..attempt(OMAR, "key") };
    // As found now, and as found before it was given back.
    let found = find(&db, account(OMAR), held.id).unwrap().unwrap();
    assert_eq!((found.held_until, found.expires_at), (None, at));
    for quote in [&found, &held] {
        assert_eq!(use_it(&db, &late, quote), Err(RentFailure::QuoteExpired));
    }
    // Another machine's clock is a bit behind: it has the market's price, not the held one.
    publish(&db, NODE, "30");
    let behind = Attempt { at: now().plus_seconds(5), ..late };
    assert_eq!(use_it(&db, &behind, &held), rule(RentError::OfferChanged));
    assert_sound(&db);
}

#[test]
fn a_hold_is_all_or_nothing() {
    let db = market();
    fund(&db, AIDA, "75");
    quote(&db, 1, AIDA, &some(7), true, now()).unwrap();
    let before = dump(&db);
    let three = quote(&db, 2, OMAR, &some(3), true, now());
    assert_eq!(three, Err(RentFailure::Rule(RentError::SoldOut { wanted: 3, free: 2 })));
    let first = quote(&db, 2, OMAR, &one(1), true, now());
    assert_eq!(first, Err(RentFailure::Rule(RentError::SliceTaken)));
    assert_eq!(dump(&db), before);
    assert_eq!(
        rent_all(&db, &attempt(OMAR, "key"), &some(3)),
        rule(RentError::SoldOut { wanted: 3, free: 2 })
    );
}

#[test]
fn an_account_holds_with_three_quotes_at_once() {
    let db = market();
    for number in 1..=HOLDS_MAX {
        quote(&db, number, OMAR, &some(1), true, now()).unwrap();
    }
    let one_more = |number, is_held, at| quote(&db, number, OMAR, &some(1), is_held, at);
    let refused = Err(RentFailure::Rule(RentError::TooManyHolds(HOLDS_MAX)));
    assert_eq!(one_more(4, true, now()), refused);
    one_more(4, false, now()).unwrap();
    quote(&db, 5, AIDA, &some(1), true, now()).unwrap();
    release(&db, account(OMAR), quote_id(2), now()).unwrap();
    one_more(6, true, now()).unwrap();
    assert_eq!(one_more(7, true, over().plus_seconds(-1)), refused);
    one_more(7, true, over()).unwrap();
    assert_sound(&db);
}

/// Without money nothing is held, and what is held counts.
#[test]
fn a_hold_needs_the_money_that_it_would_cost() {
    let db = market();
    open_account(&db, 9);
    let poor = |total, missing| {
        let (total, missing) = (usd(total), usd(missing));
        Err(RentFailure::Rule(RentError::InsufficientFunds { total, missing }))
    };
    let before = dump(&db);
    assert_eq!(quote(&db, 1, 9, &whole(NODE), true, now()), poor("225", "225"));
    assert_eq!(dump(&db), before);
    quote(&db, 2, 9, &whole(NODE), false, now()).unwrap();
    // Omar has $100, and three slices cost $75.
    quote(&db, 3, OMAR, &some(3), true, now()).unwrap();
    assert_eq!(quote(&db, 4, OMAR, &some(2), true, now()), poor("50", "25"));
    quote(&db, 5, OMAR, &some(1), true, now()).unwrap();
    // Once they are given back, they cost nothing.
    release(&db, account(OMAR), quote_id(3), now()).unwrap();
    quote(&db, 6, OMAR, &some(2), true, now()).unwrap();
    assert_sound(&db);
}

#[test]
fn a_hold_counts_against_the_slices_of_an_account() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let up_to = |max, number, count| {
        quote_up_to(max, &db, number, OMAR, &some(count), true, now()).map(|_| ())
    };
    let over = |slices| Err(RentFailure::Rule(RentError::OverLimit { slices, max: 3 }));
    assert_eq!(up_to(3, 1, 3), over(1));
    up_to(3, 2, 1).unwrap();
    assert_eq!(up_to(3, 3, 2), over(2));
    up_to(3, 4, 1).unwrap();
    assert_sound(&db);
}

/// One after the other, for a quarter of an hour in all: then they are somebody else's.
#[test]
fn an_account_does_not_hold_a_slice_for_ever() {
    let refused = |made: Result<Quote, RentFailure>| {
        let too_often = RentError::HeldTooOften(HOLDS_OF_SLICE_MAX);
        assert_eq!(made, Err(RentFailure::Rule(too_often)));
    };
    for request in [one(2), some(9), whole(NODE), anywhere(8)] {
        let db = market();
        fund(&db, OMAR, "900");
        let after = |holds: u32| now().plus_seconds(i64::from(holds) * (QUOTE_SECONDS + 1));
        for nth in 0..HOLDS_OF_SLICE_MAX {
            let held = quote(&db, nth, OMAR, &request, true, after(nth)).unwrap();
            // Giving it back early makes no difference.
            if nth == 1 {
                release(&db, account(OMAR), held.id, after(nth).plus_seconds(9)).unwrap();
            }
        }
        let hold = |number, who, at| quote(&db, number, who, &request, true, at);
        let next = after(HOLDS_OF_SLICE_MAX);
        let before = dump(&db);
        refused(hold(20, OMAR, next));
        assert_eq!(dump(&db), before);
        // A day after the first one there is room for one more.
        let next_day = after(1).plus_seconds(HOLDS_SECONDS);
        let last = hold(21, OMAR, next_day).unwrap();
        release(&db, account(OMAR), last.id, next_day.plus_seconds(1)).unwrap();
        refused(hold(22, OMAR, next_day.plus_seconds(2)));
        // Somebody else may, and whoever rents may as ever.
        fund(&db, AIDA, "900");
        let at = next_day.plus_seconds(2 * QUOTE_SECONDS);
        let theirs = hold(23, AIDA, at).unwrap();
        release(&db, account(AIDA), theirs.id, at).unwrap();
        rent_all(&db, &Attempt { at, ..attempt(OMAR, "key") }, &request).unwrap();
        assert_sound(&db);
    }
}

/// Of a node, the slices that were not held so often are still to be had.
#[test]
fn a_hold_takes_other_slices_where_there_are_some() {
    let db = market();
    fund(&db, OMAR, "900");
    let after = |holds: u32| now().plus_seconds(i64::from(holds) * (QUOTE_SECONDS + 1));
    for nth in 0..HOLDS_OF_SLICE_MAX {
        quote(&db, nth, OMAR, &some(4), true, after(nth)).unwrap();
    }
    let next = after(HOLDS_OF_SLICE_MAX);
    let held = quote(&db, 20, OMAR, &some(5), true, next).unwrap();
    let slices: Vec<_> = held.items.iter().filter_map(|item| item.slice).collect();
    assert_eq!(slices, [5, 6, 7, 8, 9]);
    assert_sound(&db);
}

#[test]
fn a_held_quote_keeps_its_price() {
    let change: [fn(&RusqliteDb); 3] = [
        |db| publish(db, NODE, "30"),
        |db| set(db, NODE, Some(usd("25")), Listing::Paused),
        |db| {
            set(db, NODE, Some(usd("99")), Listing::Paused);
            set(db, NODE, Some(usd("99")), Listing::Published);
        },
    ];
    let refusals = [RentError::OfferChanged, RentError::NotOffered, RentError::OfferChanged];
    for (change, refusal) in change.into_iter().zip(refusals) {
        let db = market();
        let held = quote(&db, 1, OMAR, &some(2), true, now()).unwrap();
        let told = quote(&db, 2, AIDA, &some(2), false, now()).unwrap();
        change(&db);
        let made = use_it(&db, &attempt(OMAR, "key"), &held).unwrap();
        assert_eq!((made.total, charged(&made.rentals[0])), (usd("50"), usd("25")));
        let before = dump(&db);
        assert_eq!(use_it(&db, &attempt(AIDA, "key"), &told), rule(refusal));
        assert_eq!(dump(&db), before);
        assert_sound(&db);
    }
}

#[test]
fn an_unheld_quote_takes_what_is_still_there() {
    let db = market();
    let any = quote(&db, 1, OMAR, &some(2), false, now()).unwrap();
    let first = quote(&db, 2, OMAR, &one(1), false, now()).unwrap();
    rent_all(&db, &attempt(AIDA, "key"), &some(2)).unwrap();
    let omar = |id, key| Attempt { id, ..attempt(OMAR, key) };
    assert_eq!(use_it(&db, &omar(71, "first"), &first), rule(RentError::SliceTaken));
    let made = use_it(&db, &omar(72, "any"), &any).unwrap();
    assert_eq!(made.rentals.iter().map(slice).collect::<Vec<_>>(), [3, 4]);
    assert_sound(&db);
}

#[test]
fn what_cannot_be_paid_leaves_the_hold() {
    let db = market();
    fund(&db, OMAR, "25");
    let held = quote(&db, 1, OMAR, &some(5), true, now()).unwrap();
    // It was spent on something else meanwhile.
    rent(&db, Attempt { id: 70, ..attempt(OMAR, "other") }).unwrap();
    let before = dump(&db);
    let (total, missing) = (usd("125"), usd("25"));
    let poor = RentError::InsufficientFunds { total, missing };
    assert_eq!(use_it(&db, &attempt(OMAR, "key"), &held), rule(poor));
    assert_eq!(dump(&db), before);
    fund(&db, OMAR, "35");
    use_it(&db, &attempt(OMAR, "key"), &held).unwrap();
    assert_sound(&db);
}

/// Nothing has to run for it: what a quote holds beyond its time is free.
#[test]
fn a_lapsed_hold_is_free_without_any_job() {
    let wanted = [one(2), some(9), whole(NODE), some(1)];
    for request in wanted {
        let db = market();
        fund(&db, AIDA, "900");
        fund(&db, OMAR, "900");
        quote(&db, 1, OMAR, &some(5), true, now()).unwrap();
        quote(&db, 2, OMAR, &some(4), true, now()).unwrap();
        let early = Attempt { at: over().plus_seconds(-1), ..attempt(AIDA, "key") };
        assert!(matches!(rent_all(&db, &early, &request), Err(RentFailure::Rule(_))));
        rent_all(&db, &Attempt { at: over(), ..early }, &request).unwrap();
        assert_sound(&db);
    }
    // The same for who holds it next.
    let db = market();
    fund(&db, OMAR, "900");
    quote(&db, 1, OMAR, &some(9), true, now()).unwrap();
    let next = quote(&db, 2, AIDA, &some(2), true, over()).unwrap();
    assert_eq!(next.items.iter().map(|item| item.slice).collect::<Vec<_>>(), [Some(1), Some(2)]);
    assert_eq!(states(&db, NODE), "hhaaaaaaa");
    assert_sound(&db);
}

#[test]
fn a_node_that_shrinks_gives_no_more_than_it_carries() {
    let db = market();
    let held = quote(&db, 1, OMAR, &some(3), true, now()).unwrap();
    sync::save_reports(&db, &[(report(NODE), carries(2))], now()).unwrap();
    assert_eq!(states(&db, NODE), "hhh------");
    let before = dump(&db);
    assert_eq!(use_it(&db, &attempt(OMAR, "key"), &held), rule(RentError::NodeDown));
    assert_eq!(dump(&db), before);
    // Lapsed, and yet nobody's: which of them stay is only known once they are given back.
    let late = Attempt { at: over(), ..attempt(AIDA, "key") };
    assert_eq!(rent(&db, late), Err(RentFailure::Rule(RentError::SoldOut { wanted: 1, free: 0 })));
    assert_eq!(
        rent(&db, Attempt { slice: Some(1), ..late }),
        Err(RentFailure::Rule(RentError::SliceTaken))
    );
    release_due(&db, over()).unwrap();
    assert_eq!(states(&db, NODE), "aa-------");
    rent(&db, late).unwrap();
    assert_sound(&db);
}

#[test]
fn a_whole_node_is_held_whole() {
    let db = market();
    register(&db, FARMER, 33, 3);
    publish(&db, 33, "30");
    let held = quote(&db, 1, OMAR, &whole(33), true, now()).unwrap();
    assert_eq!((states(&db, 33).as_str(), held.total()), ("hhh", usd("90")));
    let taken = RentError::SoldOut { wanted: 1, free: 0 };
    let other = Attempt { node: 33, ..attempt(AIDA, "key") };
    assert_eq!(rent(&db, other), Err(RentFailure::Rule(taken)));
    // What comes meanwhile was not quoted.
    sync::save_reports(&db, &[(report(33), carries(4))], now()).unwrap();
    assert_eq!(use_it(&db, &attempt(OMAR, "key"), &held), rule(RentError::OfferChanged));
    sync::save_reports(&db, &[(report(33), carries(3))], now()).unwrap();
    use_it(&db, &attempt(OMAR, "key"), &held).unwrap();
    assert_eq!(states(&db, 33), "RRR-");
    assert_sound(&db);
    // One that is not held is of what the node had.
    register(&db, FARMER, 34, 3);
    publish(&db, 34, "1");
    let told = quote(&db, 2, AIDA, &whole(34), false, now()).unwrap();
    sync::save_reports(&db, &[(report(34), carries(4))], now()).unwrap();
    assert_eq!(use_it(&db, &attempt(AIDA, "whole"), &told), rule(RentError::OfferChanged));
}

#[test]
fn what_was_not_used_is_swept_after_a_week() {
    let db = market();
    let used = quote(&db, 1, OMAR, &some(1), true, now()).unwrap();
    use_it(&db, &attempt(OMAR, "key"), &used).unwrap();
    quote(&db, 2, OMAR, &some(1), true, now()).unwrap();
    let told = quote(&db, 3, OMAR, &some(1), false, now()).unwrap();
    let week = over().plus_seconds(7 * 86_400);
    let left = || count(&db, "SELECT count(*) FROM quotes");
    sweep(&db, week.plus_seconds(-1)).unwrap();
    assert_eq!(left(), 3);
    sweep(&db, week).unwrap();
    assert_eq!(left(), 2, "one was used, and one holds something yet");
    release_due(&db, week).unwrap();
    sweep(&db, week.plus_seconds(7 * 86_400)).unwrap();
    assert_eq!(left(), 1);
    assert_eq!(use_it(&db, &attempt(OMAR, "late"), &told), Err(RentFailure::QuoteExpired));
    assert_sound(&db);
}

#[test]
fn nobody_uses_the_quote_of_another() {
    let db = market();
    let held = quote(&db, 1, OMAR, &some(1), true, now()).unwrap();
    let before = dump(&db);
    let stolen = use_it(&db, &attempt(AIDA, "key"), &held);
    assert_eq!(stolen, Err(RentFailure::Store(StoreError::Busy)));
    assert_eq!(dump(&db), before);
}

#[test]
fn a_farmer_of_a_held_slice_stays() {
    let db = market();
    open_account(&db, 9);
    register(&db, 9, 40, 2);
    publish(&db, 40, "5");
    let of_node = request(Wanted::OfNode(domain::id::NodeId(40), 1));
    let held = quote(&db, 1, OMAR, &of_node, true, now()).unwrap();
    set(&db, 40, Some(usd("5")), Listing::Paused);
    assert_eq!(store::accounts::delete(&db, account(9), now()), Ok(false));
    // Who holds may go; what is held is free.
    assert_eq!(store::accounts::delete(&db, account(OMAR), now()), Ok(true));
    assert_eq!(states(&db, 40), "aa");
    assert_eq!(find(&db, account(OMAR), held.id).unwrap().unwrap().held_until, None);
    assert_eq!(store::accounts::delete(&db, account(9), now()), Ok(true));
    assert_sound(&db);
}

/// Between the choice of slices and the hold, somebody takes the last one.
#[test]
fn a_hold_never_has_fewer_than_it_says() {
    struct Faster<'a>(&'a RusqliteDb, std::cell::Cell<bool>);
    impl Db for Faster<'_> {
        fn run(
            &self,
            sql: &'static str,
            params: &[store::Value],
        ) -> Result<store::Rows, StoreError> {
            let is_first = sql.contains("SELECT s.number\n") && !self.1.replace(true);
            if is_first {
                rent_all(self.0, &attempt(AIDA, "key"), &some(4)).unwrap();
            }
            self.0.run(sql, params)
        }
    }
    let db = market();
    fund(&db, OMAR, "50");
    let request = some(6);
    let new = store::quotes::NewQuote {
        id: quote_id(1),
        request: &request,
        account: account(OMAR),
        token: None,
        slices_max: SLICES_MAX,
        platform_fee: domain::money::Percent::whole(10),
        is_held: true,
        sign: &|_| None,
    };
    let made = make(&Faster(&db, std::cell::Cell::new(false)), &new, now());
    assert_eq!(made, Err(RentFailure::Rule(RentError::SoldOut { wanted: 6, free: 5 })));
    assert_sound(&db);
}
