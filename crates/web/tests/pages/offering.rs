//! What a farmer reads around an offer: raises, locks, maintenance, and the history.

use expect_test::expect;

use crate::{check, check_part, offering};

#[test]
fn an_offer_that_waits_and_costs() {
    check_part(
        &offering::waiting_node(),
        "Price and promise",
        "(nothing)",
        expect![[r#"
        Price and promise
        post /dashboard/farm/nodes/32
        [hidden form_token=sample-token] [hidden version=4]
        What new rentals get
        Price per slice and month
        From $1.00 to $500.00. $[text price_per_month=25.00]
        $22.50 of it is yours after the fee of 10%.
        Uptime that you promise
        Measured: 99.7% in 2,016 observations. [text min_uptime=99.99]%
        Bandwidth that you promise
        Measured: 810 Mbit/s. [text min_bandwidth_mbps=100]Mbit/s
        A month below the promise is credited with 10% of its price.
        The promise is above what the node has shown so far: an uptime of 99.99% is promised
          and 99.7% was measured.
        [checkbox confirm_cost_per_month=3.00] I promise it all the same, at $3.00 for each
          rented slice and month.
        Terms that you offer [hidden terms=]
        [checkbox terms=1 checked] 1 month
        [checkbox terms=3 checked] 3 months
        [checkbox terms=6] 6 months
        [checkbox terms=12 checked] 12 months
        At least one of 1, 3, 6 and 12.
        Slices that you keep back
        They are not offered. What is rented stays rented. [text kept_slices=0]
        Name in the marketplace [text name=Canal house]
        (Save)
        post /dashboard/farm/nodes/32
        [hidden form_token=sample-token] [hidden version=4] [hidden price_per_month=25.00]
        New rentals cost $25.00 until 30 July 2026, 12:00 UTC, and $30.00 from then on. What
          is rented already keeps its price.
        (Take the raise back)
        History of the offer </dashboard/farm/nodes/32/history>
        Maintenance
        31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC
        Announce or cancel </dashboard/farm/nodes/32/maintenance>
        Lock
        post /dashboard/farm/nodes/32/lock
        [hidden form_token=sample-token]
        A locked offer cannot be changed by anybody, neither here nor by a program, until you
          unlock it.
        (Lock the offer)"#]],
    );
}

#[test]
fn an_offer_that_is_locked() {
    check_part(
        &offering::locked_node(),
        "Lock locked",
        "(nothing)",
        expect![[r#"
        Lock locked
        The operator has locked the offer, and alone can unlock it. The reason: The promise
          is looked into."#]],
    );
}

#[test]
fn maintenance() {
    check(
        &offering::maintenance(offering::windows()),
        expect![[r#"
        Canal house </dashboard/farm/nodes/32>
        Maintenance
        Say when you work on the node. Who rents there is told at once, and reminded a day
          before.
        post /dashboard/farm/nodes/32/maintenance
        [hidden form_token=sample-token]
        Announce
        Begins, in UTC
        At least 24 hours from now, such as 2026-07-31T12:00. [datetime-local
          starts_at=2026-07-29T13:00 required]
        A time at least 24 hours and at most 90 days from now.
        Takes
        Eight hours at most.
        2 hours 4 hours 8 hours
        What for
        Who rents there reads it. May be empty. [text note=]
        (Announce it)
        Announced
        | From | Until | What for | Announced | State
        | 31 July 2026, 10:00 UTC | 31 July 2026, 12:00 UTC | New disks | 29 July 2026, 12:00
          UTC | announced
        post /dashboard/farm/nodes/32/maintenance/w1/cancel
        [hidden form_token=sample-token]
        (Cancel)
        | 1 June 2026, 10:00 UTC | 1 June 2026, 11:00 UTC | – | 29 July 2026, 12:00 UTC |
          cancelled"#]],
    );
    check_part(
        &offering::maintenance(Vec::new()),
        "Announced",
        "(nothing)",
        expect![[r#"
        Announced
        Nothing was announced yet."#]],
    );
}

#[test]
fn the_history_of_an_offer() {
    check(
        &offering::offer_history(),
        expect![[r#"
        Canal house </dashboard/farm/nodes/32>
        History of the offer
        Every version, the newest first. Whoever rented at a version keeps its price and its
          promise.
        | Version | Set | Price | Promise | Terms | Kept back | Name | Listing
        | 3 | 29 July 2026, 12:00 UTC | $25.00 $30.00 from 30 July 2026, 12:00 UTC | 99.5%,
          100 Mbit/s | 1, 3 and 12 months | 2 | Canal house | published
        | 1 | 29 July 2026, 12:00 UTC | – | 0%, 0 Mbit/s | 1, 3, 6 and 12 months | 0 | Canal
          house | draft
        Next page </dashboard/farm/nodes/32/history?cursor=MQ>"#]],
    );
}
