//! Limits: so many at once, then as many as time drains.

use proptest::prelude::*;
use store::RusqliteDb;
use store::limits::{Use, consume, give_back, level, sweep};

use crate::market::{count, empty, now};

/// Five in a minute.
const FIVE: Use<'static> = Use { policy: "five", key: "a", span: 60_000, cost: 12_000 };

fn left(db: &RusqliteDb, seconds: i64, limit: Use<'_>) -> Option<i64> {
    consume(db, &[limit], now().plus_seconds(seconds)).unwrap()[0]
}

#[test]
fn a_bucket_takes_a_burst_and_then_as_time_drains_it() {
    let db = empty();
    let consumed: Vec<Option<i64>> = (0..6).map(|_| left(&db, 0, FIVE)).collect();
    let full = [12_000, 24_000, 36_000, 48_000, 60_000].map(Some);
    assert_eq!((&consumed[..5], consumed[5]), (&full[..], None));
    assert_eq!(left(&db, 11, FIVE), None);
    assert_eq!(left(&db, 12, FIVE), Some(60_000));
    assert_eq!(left(&db, 12, FIVE), None);
    assert_eq!(level(&db, "five", "a", now().plus_seconds(13)), Ok(59_000));
    // Who is refused is not refused for longer by asking again.
    assert_eq!(left(&db, 24, FIVE), Some(60_000));
}

#[test]
fn each_has_a_bucket_of_their_own() {
    let db = empty();
    for _ in 0..5 {
        left(&db, 0, FIVE).unwrap();
    }
    assert_eq!(left(&db, 0, Use { key: "b", ..FIVE }), Some(12_000));
    assert_eq!(left(&db, 0, Use { policy: "other", ..FIVE }), Some(12_000));
    let both = consume(&db, &[FIVE, Use { policy: "other", ..FIVE }], now()).unwrap();
    assert_eq!(both, [None, Some(24_000)]);
    assert_eq!(level(&db, "five", "nobody", now()), Ok(0));
}

#[test]
fn a_use_can_be_given_back() {
    let db = empty();
    for _ in 0..20 {
        left(&db, 0, FIVE).unwrap();
        give_back(&db, &FIVE).unwrap();
    }
    assert_eq!(level(&db, "five", "a", now()), Ok(0));
}

#[test]
fn empty_buckets_are_swept() {
    let db = empty();
    left(&db, 0, FIVE).unwrap();
    left(&db, 5, Use { key: "b", ..FIVE }).unwrap();
    sweep(&db, now().plus_seconds(12)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM rate_limits"), 1);
}

proptest! {
    /// Over any stretch of time no more get through than the burst and what drained meanwhile.
    #[test]
    fn no_more_get_through_than_the_limit(pauses in proptest::collection::vec(0_i64..20, 1..80)) {
        let db = empty();
        let (mut at, mut through) = (0, 0);
        for pause in pauses {
            at += pause;
            through += i64::from(left(&db, at, FIVE).is_some());
        }
        prop_assert!(through <= 5 + at * 1000 / FIVE.cost, "{through} in {at} s");
    }
}
