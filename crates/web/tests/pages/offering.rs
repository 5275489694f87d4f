//! What a farmer reads around an offer: raises, locks, maintenance, and the history.

use expect_test::expect;

use crate::{check, check_part, offering};

#[test]
fn an_offer_that_waits_and_costs() {
    check_part(
        &offering::waiting_node(),
        "Price and SLA",
        "(nothing)",
        expect![[r#"
            Price and SLA
            post /dashboard/farm/nodes/32
            [hidden form_token=sample-token] [hidden version=4]
            Terms for new rentals
            Price per slice per month
            From $1.00 to $500.00. $[text price_per_month=25.00]
            $22.50 of it is yours after the fee of 10%.
            Guaranteed uptime
            Measured: 99.7% in 2,016 observations. [text min_uptime=99.99]%
            Guaranteed bandwidth
            Measured: 810 Mbit/s. [text min_bandwidth_mbps=100]Mbit/s
            A month below the promise is credited with 10% of its price.
            The SLA is above the measured values: an uptime of 99.99% is promised and 99.7% was
              measured.
            [checkbox confirm_cost_per_month=3.00] I accept this SLA and its estimated cost of
              $3.00 per rented slice per month.
            Rental terms offered [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6] 6 months
            [checkbox terms=12 checked] 12 months
            At least one of 1, 3, 6 and 12.
            Reserved slices
            Not offered for rent. Rented slices are not affected. [text kept_slices=0]
            Name in the marketplace [text name=Canal house]
            (Save offer)
            post /dashboard/farm/nodes/32
            [hidden form_token=sample-token] [hidden version=4] [hidden price_per_month=25.00]
            New rentals cost $25.00 until 30 July 2026, 12:00 UTC, and $30.00 after that.
              Existing rentals keep their price.
            (Cancel price increase)
            Offer history </dashboard/farm/nodes/32/history>
            Scheduled maintenance
            31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC
            Manage maintenance </dashboard/farm/nodes/32/maintenance>
            Offer lock
            post /dashboard/farm/nodes/32/lock
            [hidden form_token=sample-token]
            While the offer is locked, nobody can change it, on this site or through the API.
            (Lock offer)"#]],
    );
}

#[test]
fn an_offer_that_is_locked() {
    check_part(&offering::locked_node(), "Lock locked", "(nothing)", expect![""]);
}

#[test]
fn maintenance() {
    check(
        &offering::maintenance(offering::windows()),
        expect![[r#"
            Canal house </dashboard/farm/nodes/32>
            Scheduled maintenance
            Schedule maintenance for this node. Renters are notified immediately and reminded a
              day before.
            post /dashboard/farm/nodes/32/maintenance
            [hidden form_token=sample-token]
            Schedule maintenance
            Start (UTC)
            At least 24 hours from now, for example 2026-07-31T12:00. [datetime-local
              starts_at=2026-07-29T13:00 required]
            A time 24 hours to 90 days from now.
            Duration
            Up to eight hours.
            2 hours 4 hours 8 hours
            Note (optional)
            Shown to renters. [text note=]
            (Schedule maintenance)
            Maintenance windows
            | From | Until | Note | Scheduled on | State
            | 31 July 2026, 10:00 UTC | 31 July 2026, 12:00 UTC | New disks | 29 July 2026, 12:00
              UTC | announced
            post /dashboard/farm/nodes/32/maintenance/w1/cancel
            [hidden form_token=sample-token]
            (Cancel)
            | 1 June 2026, 10:00 UTC | 1 June 2026, 11:00 UTC | – | 29 July 2026, 12:00 UTC |
              canceled"#]],
    );
    check_part(&offering::maintenance(Vec::new()), "Announced", "(nothing)", expect![""]);
}

#[test]
fn the_history_of_an_offer() {
    check(
        &offering::offer_history(),
        expect![[r#"
            Canal house </dashboard/farm/nodes/32>
            Offer history
            All versions, newest first. Each rental keeps the price and SLA of the version it was
              rented at.
            | Version | Changed | Price | SLA | Terms | Reserved | Name | Listing
            | 3 | 29 July 2026, 12:00 UTC | $25.00 $30.00 from 30 July 2026, 12:00 UTC | 99.5%,
              100 Mbit/s | 1, 3 and 12 months | 2 | Canal house | published
            | 1 | 29 July 2026, 12:00 UTC | – | 0%, 0 Mbit/s | 1, 3, 6 and 12 months | 0 | Canal
              house | draft
            Next page </dashboard/farm/nodes/32/history?cursor=MQ>"#]],
    );
}
