//! Who sees what of what happened, and from where on.

use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use store::{RusqliteDb, events};

use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, attempt, fund, market, now, rent,
    rental_id, set, usd,
};

/// What an account sees after an event: number, kind, slice, and whether it sees the rental.
fn seen(db: &RusqliteDb, who: u32, after: i64, limit: u32) -> Vec<String> {
    let show = |event: events::Event| {
        assert_eq!(event.at, now());
        assert!(event.slice.is_none_or(|slice| Some(slice.node) == event.node));
        let slice = event.slice.map_or_else(|| "-".to_owned(), |slice| slice.to_string());
        let rental = if event.rental.is_some() { "its own" } else { "-" };
        format!("{} {} {slice} {rental}", event.id, event.kind)
    };
    events::since(db, account(who), after, limit).unwrap().into_iter().map(show).collect()
}

/// After the market's own beginning: Omar rents, Aida rents, the farmer pauses, Omar gets money.
fn busy_market() -> (RusqliteDb, i64) {
    let db = market();
    let before = [OMAR, AIDA, FARMER].map(|who| events::last(&db, account(who)).unwrap());
    let before = before.into_iter().max().unwrap();
    rent(&db, attempt(OMAR, "omar")).unwrap();
    rent(&db, Attempt { slice: Some(7), ..attempt(AIDA, "aida") }).unwrap();
    set(&db, NODE, Some(usd("25")), Listing::Paused);
    fund(&db, OMAR, "5");
    (db, before)
}

#[test]
fn everybody_sees_their_own() {
    let (db, before) = busy_market();
    let id = |behind: i64| before + behind;
    let rented = |behind, slice| format!("{} slice-rented node32_slice_{slice}", id(behind));
    assert_eq!(
        seen(&db, OMAR, before, 9),
        [format!("{} its own", rented(1, 1)), format!("{} wallet-credited - -", id(4))]
    );
    assert_eq!(seen(&db, AIDA, before, 9), [format!("{} its own", rented(2, 7))]);
    // A farm's owner sees that a slice is rented, and not whose rental that is.
    assert_eq!(
        seen(&db, FARMER, before, 9),
        [
            format!("{} -", rented(1, 1)),
            format!("{} -", rented(2, 7)),
            format!("{} node-paused - -", id(3))
        ]
    );
    assert!(seen(&db, OTHER_FARMER, 0, 9).is_empty());

    let first = &events::since(&db, account(OMAR), before, 1).unwrap()[0];
    assert_eq!(first.rental, Some(rental_id(OMAR)));
    assert_eq!(first.slice, Some(SliceId { node: NodeId(NODE), number: 1 }));
}

#[test]
fn whoever_goes_on_from_the_last_one_misses_nothing_and_sees_nothing_twice() {
    let (db, _) = busy_market();
    for (who, least) in [(FARMER, 5), (OMAR, 3), (AIDA, 2)] {
        let whole = seen(&db, who, 0, 100);
        assert!(whole.len() >= least, "{whole:?}");
        for limit in 1..=6 {
            let (mut after, mut all) = (0, vec![]);
            loop {
                let part = events::since(&db, account(who), after, limit).unwrap();
                let Some(last) = part.last() else { break };
                assert!(part.len() <= usize::try_from(limit).unwrap() && last.id > after);
                all.extend(seen(&db, who, after, limit));
                after = last.id;
            }
            assert_eq!(all, whole);
            assert_eq!(after, events::last(&db, account(who)).unwrap());
        }
    }
    assert_eq!(events::last(&db, account(OTHER_FARMER)), Ok(0));
}

/// The market does not let a farmer rent from themselves; what is both is still told once.
#[test]
fn what_concerns_somebody_twice_is_told_once() {
    let (db, _) = busy_market();
    let sql = "INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id,
                                   created_at)
               SELECT kind, farmer_id, farmer_id, node_id, slice_number, rental_id, created_at
                 FROM events WHERE kind = 'slice-rented'";
    let last = events::last(&db, account(FARMER)).unwrap();
    crate::market::by_hand(&db, sql).unwrap();
    assert_eq!(seen(&db, FARMER, last, 9).len(), 2);
}
