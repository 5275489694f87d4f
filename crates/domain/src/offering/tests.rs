//! Changes of an offer, by table and by law.

use alloc::format;
use alloc::string::ToString;

use proptest::prelude::*;
use strum::VariantArray;

use super::*;

const NOW: i64 = 1_795_367_321;

fn now() -> Timestamp {
    Timestamp::from_seconds(NOW)
}

fn usd(text: &str) -> Usd {
    Usd::parse("price", text).unwrap()
}

fn uptime(hundredths: i64) -> Uptime {
    Uptime::from_hundredths(hundredths).unwrap()
}

/// A published node at $25 that guarantees 99.5 % and 100 Mbit/s, and has shown 99.7 % and 200.
fn seen() -> Seen {
    Seen {
        offering: Offering {
            name: "Cellar".into(),
            price: Some(usd("25")),
            raise: None,
            min_uptime: uptime(9_950),
            min_bandwidth: Bandwidth::from_mbps(100),
            terms: Terms::ALL,
            withheld_slices: 0,
            listing: Listing::Published,
        },
        locked_by: None,
        uptime: Some(uptime(9_970)),
        bandwidth: Some(Bandwidth::from_mbps(200)),
        occupied_slices: 0,
        is_leaving: false,
    }
}

fn rented() -> Seen {
    Seen { occupied_slices: 1, ..seen() }
}

fn price(text: &str) -> Wanted {
    Wanted { price: Some(usd(text)), ..Wanted::default() }
}

/// The price after a change, and the raise that waits with the seconds that it does.
#[track_caller]
fn check_price(seen: &Seen, wanted: Wanted, expected: &str) {
    let after = change(seen, wanted, now()).unwrap();
    let raise = after.raise.map(|raise| format!(" {} {}", raise.price, raise.at.seconds() - NOW));
    let price = after.price.map(|price| price.to_string()).unwrap_or_default();
    assert_eq!(price + &raise.unwrap_or_default(), expected);
}

#[test]
fn a_raise_waits_where_something_is_rented() {
    check_price(&seen(), price("30"), "30.00");
    check_price(&seen(), price("20"), "20.00");
    check_price(&rented(), price("30"), "25.00 30.00 86400");
    check_price(&rented(), price("20"), "20.00");
    check_price(&rented(), price("25"), "25.00");
    check_price(&rented(), Wanted::default(), "25.00");
    let free = Offering { price: None, ..seen().offering };
    check_price(&Seen { offering: free, ..rented() }, price("30"), "30.00");
}

#[test]
fn a_raise_that_waits_is_kept_replaced_or_taken_back() {
    let raise = Some(Raise { price: usd("30"), at: now().plus_seconds(60) });
    let waits = Seen { offering: Offering { raise, ..seen().offering }, ..rented() };
    check_price(&waits, Wanted::default(), "25.00 30.00 60");
    check_price(&waits, price("30"), "25.00 30.00 60");
    check_price(&waits, price("31"), "25.00 31.00 86400");
    check_price(&waits, price("29"), "25.00 29.00 86400");
    check_price(&waits, price("25"), "25.00");
    check_price(&waits, price("24"), "24.00");
    // Nothing is rented any more: what was to wait need not.
    check_price(&Seen { occupied_slices: 0, ..waits }, price("30"), "30.00");
}

/// Whether an SLA is set, and what it costs where it is not.
#[track_caller]
fn check_sla(seen: &Seen, hundredths: i64, mbps: u32, expected: Option<&str>) {
    let wanted = |confirmed_cost| Wanted {
        min_uptime: Some(uptime(hundredths)),
        min_bandwidth: Some(Bandwidth::from_mbps(mbps)),
        confirmed_cost,
        ..Wanted::default()
    };
    let cost = match change(seen, wanted(None), now()) {
        Ok(after) => {
            assert_eq!(after.min_uptime, uptime(hundredths));
            None
        }
        Err(OfferingError::SlaAboveMeasured(above)) => {
            let other = above.cost_per_month + usd("0.01");
            assert!(change(seen, wanted(Some(other)), now()).is_err());
            assert!(change(seen, wanted(Some(above.cost_per_month)), now()).is_ok());
            Some(above.cost_per_month.to_string())
        }
        Err(other) => panic!("{other}"),
    };
    assert_eq!(cost.as_deref(), expected);
}

#[test]
fn an_sla_above_what_was_measured_has_a_cost() {
    check_sla(&seen(), 9_970, 200, None);
    check_sla(&seen(), 9_971, 200, Some("2.50"));
    check_sla(&seen(), 9_970, 201, Some("2.50"));
    check_sla(&seen(), 10_000, 1_000, Some("5.00"));
    let poor = Seen { uptime: Some(uptime(9_899)), ..seen() };
    check_sla(&poor, 9_951, 100, Some("6.25"));
    // What stands is not asked about, nor a lower one.
    check_sla(&poor, 9_950, 100, None);
    check_sla(&poor, 9_900, 100, None);
    let bad = Seen { uptime: Some(uptime(0)), bandwidth: Some(Bandwidth::from_mbps(0)), ..seen() };
    check_sla(&bad, 9_951, 101, Some("15.00"));
    // Before the first observation nobody knows.
    check_sla(&Seen { uptime: None, bandwidth: None, ..seen() }, 10_000, 1_000, None);
}

#[test]
fn the_cost_is_of_the_price_that_comes() {
    let wanted = Wanted { min_uptime: Some(Uptime::FULL), ..price("50") };
    let Err(OfferingError::SlaAboveMeasured(above)) = change(&rented(), wanted.clone(), now())
    else {
        panic!("it is above")
    };
    assert_eq!(above.cost_per_month, usd("5"));
    let free = Offering { price: None, ..seen().offering };
    let free = Seen { offering: free, ..seen() };
    assert!(change(&free, wanted, now()).is_err_and(|e| e != OfferingError::PriceMissing));
    let unpriced = Wanted { min_uptime: Some(Uptime::FULL), ..Wanted::default() };
    assert_eq!(change(&free, unpriced, now()), Err(OfferingError::PriceMissing));
}

#[test]
fn what_is_refused_is_said() {
    let wanted = Wanted {
        min_uptime: Some(Uptime::FULL),
        min_bandwidth: Some(Bandwidth::from_mbps(300)),
        ..Wanted::default()
    };
    assert_eq!(
        change(&seen(), wanted, now()).unwrap_err().to_string(),
        "the SLA is above the measured values: 100% uptime is guaranteed but 99.7% was measured, \
         and 300 Mbit/s is guaranteed but 200 Mbit/s was measured; at this rate, each rented slice \
         costs $5.00 per month in SLA credits. Lower the SLA or accept that cost"
    );
}

#[test]
fn what_is_locked_does_not_change() {
    for &locker in Locker::VARIANTS {
        assert_eq!(locker.into_str().parse(), Ok(locker));
        let locked = Seen { locked_by: Some(locker), ..seen() };
        let error = Err(OfferingError::Locked(locker));
        assert_eq!(change(&locked, price("20"), now()), error);
        assert_eq!(change(&locked, Wanted::default(), now()), error);
        assert_eq!(list(&locked, ListingEvent::Pause), error);
        assert_eq!(list(&locked, ListingEvent::Publish), error);
    }
}

#[test]
fn a_listing_needs_a_price() {
    let paused = list(&seen(), ListingEvent::Pause).unwrap();
    assert_eq!(paused, Offering { listing: Listing::Paused, ..seen().offering });
    let free = Offering { price: None, listing: Listing::Draft, ..seen().offering };
    let free = Seen { offering: free, ..seen() };
    assert_eq!(list(&free, ListingEvent::Publish), Err(OfferingError::PriceMissing));
    let leaving = Seen { is_leaving: true, ..seen() };
    assert_eq!(list(&leaving, ListingEvent::Publish), Err(OfferingError::Leaving));
    assert!(matches!(list(&free, ListingEvent::Pause), Err(OfferingError::NeverPublished(_))));
}

prop_compose! {
    fn any_seen()(
        price in 1..5_000_i64,
        waiting in proptest::option::of((1..5_000_i64, -100_000..100_000_i64)),
        guaranteed in (0..=10_000_i64, 0..1_000_u32),
        shown in (proptest::option::of(0..=10_000_i64), proptest::option::of(0..1_000_u32)),
        occupied_slices in 0..3_u32,
    ) -> Seen {
        let raise = waiting.map(|(more, after)| Raise {
            price: Usd::from_micros((price + more) * 10_000),
            at: now().plus_seconds(after),
        });
        Seen {
            offering: Offering {
                price: Some(Usd::from_micros(price * 10_000)),
                raise,
                min_uptime: uptime(guaranteed.0),
                min_bandwidth: Bandwidth::from_mbps(guaranteed.1),
                ..seen().offering
            },
            uptime: shown.0.map(uptime),
            bandwidth: shown.1.map(Bandwidth::from_mbps),
            occupied_slices,
            is_leaving: false,
            locked_by: None,
        }
    }
}

proptest! {
    /// While something is rented the price never rises at once, and a new raise waits a day.
    #[test]
    fn a_raise_never_takes_effect_within_a_day_while_rented(
        seen in any_seen(),
        cents in 1..10_000_i64,
    ) {
        let wanted = Usd::from_micros(cents * 10_000);
        let after = change(&seen, Wanted { price: Some(wanted), ..Wanted::default() }, now());
        let after = after.unwrap();
        if seen.occupied_slices > 0 {
            prop_assert!(after.price <= seen.offering.price);
            if after.raise != seen.offering.raise && let Some(raise) = after.raise {
                prop_assert_eq!(raise.at.seconds_since(now()), RAISE_WAITS_SECONDS);
            }
        } else {
            prop_assert_eq!((after.price, after.raise), (Some(wanted), None));
        }
        // What is wanted is what it comes to, sooner or later, and never less than the price now.
        let comes_to = after.raise.map(|raise| raise.price).or(after.price);
        prop_assert_eq!(comes_to, Some(wanted));
    }

    /// An SLA at or below what was shown, or not above what stands, is never asked about; the
    /// cost of any other is above nothing and at most the price.
    #[test]
    fn only_what_is_raised_above_the_shown_is_asked_about(
        seen in any_seen(),
        guaranteed in 0..=10_000_i64,
        mbps in 0..1_000_u32,
    ) {
        let (guaranteed, mbps) = (uptime(guaranteed), Bandwidth::from_mbps(mbps));
        let wanted = Wanted {
            min_uptime: Some(guaranteed),
            min_bandwidth: Some(mbps),
            ..Wanted::default()
        };
        let before = &seen.offering;
        let is_above = guaranteed > before.min_uptime
            && seen.uptime.is_some_and(|it| guaranteed > it)
            || mbps > before.min_bandwidth && seen.bandwidth.is_some_and(|it| mbps > it);
        match change(&seen, wanted, now()) {
            Ok(_) => prop_assert!(!is_above),
            Err(OfferingError::SlaAboveMeasured(above)) => {
                prop_assert!(is_above);
                let price = before.raise.map(|raise| raise.price).or(before.price).unwrap();
                prop_assert!(above.cost_per_month <= price);
            }
            Err(other) => panic!("{other}"),
        }
    }
}
