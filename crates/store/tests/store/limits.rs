//! Limits: so many at once, then as many as time drains.

use proptest::prelude::*;
use store::RusqliteDb;
use store::limits::{Consumption, SPAN_MAX, Use, clear, consume, give_back, sweep};

use crate::market::{count, empty, now};

/// Five in a minute.
const FIVE: Use<'static> = Use { policy: "five", key: "a", span: 60_000, cost: 12_000 };

fn left(db: &RusqliteDb, seconds: i64, limit: Use<'_>) -> Option<i64> {
    match consume(db, &[limit], now().plus_seconds(seconds)).unwrap() {
        Consumption::Counted(levels) => Some(levels[0]),
        Consumption::Refused { .. } => None,
    }
}

/// What a use that costs more than there ever is finds in a bucket.
fn level(db: &RusqliteDb, seconds: i64, limit: Use<'_>) -> i64 {
    let all = Use { cost: limit.span + 1, ..limit };
    match consume(db, &[all], now().plus_seconds(seconds)).unwrap() {
        Consumption::Refused { level, .. } => level,
        Consumption::Counted(_) => unreachable!("it holds less"),
    }
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
    assert_eq!(level(&db, 13, FIVE), 59_000);
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
    assert_eq!(level(&db, 0, Use { key: "nobody", ..FIVE }), 0);
}

#[test]
fn a_use_that_is_refused_uses_up_nothing_else() {
    let db = empty();
    let wide = Use { policy: "wide", cost: 6_000, ..FIVE };
    for _ in 0..5 {
        consume(&db, &[FIVE, wide], now()).unwrap();
    }
    for _ in 0..100 {
        let refused = Consumption::Refused { place: 0, level: 60_000, wait: 12_000 };
        assert_eq!(consume(&db, &[FIVE, wide], now()), Ok(refused));
    }
    assert_eq!(level(&db, 0, wide), 30_000);
    // If several are used up, whoever waits waits for the last.
    for _ in 0..5 {
        left(&db, 0, wide).unwrap();
    }
    let both = [wide, FIVE];
    let refused = Consumption::Refused { place: 1, level: 60_000, wait: 12_000 };
    assert_eq!(consume(&db, &both, now()), Ok(refused));
    assert_eq!(
        consume(&db, &both, now().plus_seconds(12)),
        Ok(Consumption::Counted(vec![54_000, 60_000]))
    );
    assert_eq!(consume(&db, &[], now()), Ok(Consumption::Counted(vec![])));
}

/// T10: a host whose clock is a day ahead counts a use, and is set right.
#[test]
fn a_clock_that_was_ahead_keeps_nobody_waiting() {
    const DAY: i64 = 24 * 60 * 60;
    let db = empty();
    for _ in 0..5 {
        left(&db, DAY, FIVE).unwrap();
    }
    assert_eq!(left(&db, 0, FIVE), Some(12_000));
    // Nobody waits longer than the span, wherever the clock jumps.
    for jump in [-DAY, -3_600, -59, -1, 0, 1, 59, 3_600, DAY] {
        let db = empty();
        for _ in 0..5 {
            left(&db, jump, FIVE).unwrap();
        }
        for seconds in 0..120 {
            let wait = level(&db, seconds, FIVE);
            assert!((0..=FIVE.span).contains(&wait), "{jump}: {wait}");
        }
        assert_eq!(left(&db, 120, FIVE), Some(12_000), "{jump}");
    }
}

#[test]
fn what_was_counted_while_the_clock_was_ahead_is_swept() {
    let db = empty();
    let ahead = SPAN_MAX / 1000;
    left(&db, ahead, FIVE).unwrap();
    left(&db, 1, Use { key: "b", ..FIVE }).unwrap();
    sweep(&db, now()).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM rate_limits WHERE key = 'b'"), 1);
    assert_eq!(count(&db, "SELECT count(*) FROM rate_limits"), 1);
}

#[test]
fn a_limit_can_be_cleared() {
    let db = empty();
    for _ in 0..5 {
        left(&db, 0, FIVE).unwrap();
    }
    clear(&db, FIVE.policy, FIVE.key).unwrap();
    assert_eq!(left(&db, 0, FIVE), Some(12_000));
}

#[test]
fn a_use_can_be_given_back() {
    let db = empty();
    for _ in 0..20 {
        left(&db, 0, FIVE).unwrap();
        give_back(&db, &FIVE).unwrap();
    }
    assert_eq!(level(&db, 0, FIVE), 0);
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
