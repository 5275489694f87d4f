//! What a renter sees: the market, a node, and what they hold.

use domain::id::NodeId;
use domain::listing::Listing;
use expect_test::expect;
use store::offers::{self, Offer};
use store::rentals::{self, Rental};
use store::{RusqliteDb, ledger};
use web::api::market::Search;
use web::page;
use web::view::NODES_PER_PAGE;
use web::{Kind, Problem};

use crate::market::{Who, empty, market, now, offer, register, rent, report, shown, try_to_rent};
use crate::{check, check_frame};

pub(crate) fn compute(db: &RusqliteDb, who: Who, path: &str) -> page::Compute {
    shown(db, who, path, |cx, visit| {
        let countries = offers::countries(db).unwrap();
        match Search::read(cx) {
            Ok(search) => {
                let Search { filter, sort, behind, .. } = &search;
                let found = offers::nodes(db, filter, *sort, *behind, NODES_PER_PAGE + 1).unwrap();
                page::Compute::found(visit, countries, &search, found)
            }
            Err(wrong) => page::Compute::refused(visit, countries, &wrong),
        }
    })
}

pub(crate) fn node(db: &RusqliteDb, who: Who) -> page::Node {
    let (offer, slices) = offers::find(db, NodeId(32)).unwrap().unwrap();
    shown(db, who, "/marketplace/compute/node32", |_, visit| {
        page::Node::new(visit, &offer, &slices)
    })
}

pub(crate) fn rental(db: &RusqliteDb, who: Who, rental: &Rental) -> page::Rental {
    let entry = ledger::entry_of_rental(db, who.account(), rental.id).unwrap();
    let events = rentals::events(db, rental).unwrap();
    shown(db, who, "/dashboard/slices/x?done=rented", |_, visit| {
        page::Rental::new(visit, rental, entry.as_ref(), &events)
    })
}

pub(crate) fn slices(db: &RusqliteDb, who: Who) -> page::Slices {
    let found = rentals::of_renter(db, who.account(), None, 100).unwrap();
    shown(db, who, "/dashboard/slices", |_, visit| page::Slices::new(visit, found))
}

pub(crate) fn wallet(db: &RusqliteDb, who: Who) -> page::Wallet {
    let found = ledger::entries(db, who.account(), None, 100).unwrap();
    shown(db, who, "/dashboard/wallet", |_, visit| page::Wallet::new(visit, found))
}

#[test]
fn the_market_shows_what_is_on_offer() {
    let path = "/marketplace/compute?country=belgium&max_price=30&sort=uptime&done=signed-up";
    check(
        &compute(&market(), Who::Visitor, path),
        expect![[r#"
        Your account is ready.
        Slices for rent
        Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. What differs is the node it is cut
          from.
        get /marketplace/compute
        Country [text country=belgium]
        Monthly price up to $[text max_price=30]
        Uptime from [text min_uptime=]%
        Bandwidth from [text min_bandwidth=]Mbit/s
        Sort by
        Price, lowest first Promised uptime, highest first
        [checkbox certified=true] Certified hardware only Clear </marketplace/compute>
        (Show slices)
        1 node, highest promised uptime first
        Canal house </marketplace/compute/node32>
        Ghent, Belgium
        3 of 3 slices free
        Promised: 99.5% uptime 1,000 Mbit/s
        Measured: Not measured yet
        $25.00 a month $0.034 an hour"#]],
    );
}

#[test]
fn a_filter_that_cannot_be_used_says_so_beside_the_field() {
    let path = "/marketplace/compute?max_price=cheap&min_uptime=101&certified=true";
    check(
        &compute(&market(), Who::Visitor, path),
        expect![[r#"
        Slices for rent
        Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. What differs is the node it is cut
          from.
        get /marketplace/compute
        Country [text country=]
        Monthly price up to $[text max_price=cheap]
        An amount of dollars with at most two decimals, above 0, such as 25.00.
        Uptime from [text min_uptime=101]%
        A percentage from 0 to 100, such as 99.5.
        Bandwidth from [text min_bandwidth=]Mbit/s
        Sort by
        Price, lowest first Promised uptime, highest first
        [checkbox certified=true checked] Certified hardware only Clear
          </marketplace/compute>
        (Show slices)
        The filter needs a correction
        Nothing was looked for, because the marked fields cannot be used as they are."#]],
    );
    let page = compute(&market(), Who::Visitor, "/marketplace/compute?cursor=x&sort=luck");
    let notice = page.frame.notice.unwrap().text;
    assert_eq!(notice, "The address has a wrong sort.");
}

#[test]
fn a_long_market_has_a_next_page() {
    let db = empty();
    for number in 1..=NODES_PER_PAGE + 1 {
        register(&db, "x", &report(number, 1));
        offer(&db, number, "x", Listing::Published);
    }
    let first = compute(&db, Who::Visitor, "/marketplace/compute?min_uptime=99&cursor=");
    assert_eq!(first.summary, "24 nodes on this page, cheapest first");
    let next = first.next_page.unwrap();
    assert!(next.starts_with("/marketplace/compute?min_uptime=99&cursor="), "{next}");
    let second = compute(&db, Who::Visitor, &next);
    assert_eq!((second.nodes.len(), second.next_page), (1, None));
    assert_eq!(second.nodes[0].url, "/marketplace/compute/node25");
}

#[test]
fn a_visitor_signs_in_first() {
    let db = market();
    check(
        &node(&db, Who::Visitor),
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up
            $25.00 a month
            $0.034 an hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Sign in to rent </login?next=%2Fmarketplace%2Fcompute%2Fnode32>
            You come back to this page.
            Promise and record
            Promised uptime: 99.5%
            Measured uptime: Not measured yet
            Promised bandwidth: 1,000 Mbit/s
            Slices
            Free now: 3 of 3. They are all alike, so you get the next free one.
            node32_slice_1: available
            node32_slice_2: available
            node32_slice_3: available
            About the node
            Grid node id: 32
            Farm: Freefarm
            Country: Belgium
            City: Ghent
            Upload, as the grid measured: 940 Mbit/s
            Last read from the grid: 29 July 2026, 12:00 UTC"#]],
    );
}

#[test]
fn a_renter_sees_what_each_term_costs() {
    let page = node(&market(), Who::Omar);
    check(
        &page,
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up
            $25.00 a month
            $0.034 an hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Rent a slice <#rent>
            Longer terms cost less. You see the total before you confirm.
            Promise and record
            Promised uptime: 99.5%
            Measured uptime: Not measured yet
            Promised bandwidth: 1,000 Mbit/s
            Slices
            Free now: 3 of 3. They are all alike, so you get the next free one.
            node32_slice_1: available
            node32_slice_2: available
            node32_slice_3: available
            About the node
            Grid node id: 32
            Farm: Freefarm
            Country: Belgium
            City: Ghent
            Upload, as the grid measured: 940 Mbit/s
            Last read from the grid: 29 July 2026, 12:00 UTC
            post /dashboard/slices
            [hidden node_id=node32] [hidden offer_version=2] [hidden idempotency_key=request-1]
            Rent a slice
            Canal house, Ghent, Belgium <#content>
            For how long?
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 a month, until 29
              August 2026
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 a month, until 29
              October 2026
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
              until 29 January 2027 Your wallet lacks $35.00
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
              month, until 29 July 2027 Your wallet lacks $155.00
            Your balance: $100.00
            The farmer sees you as o&#39;mar&#38;co@example.org. The rental ends by itself on its
              last day.
            (Confirm and rent)"#]],
    );
    check_frame(&page, &["o&#39;mar&#38;co@example.org", "$100.00", "/logout"], &["/login"]);
}

#[test]
fn who_cannot_pay_for_a_term_sees_what_is_missing() {
    let page = node(&market(), Who::Aida);
    let page::Renting::Open(form) = page.renting else { panic!("the form is there to be seen") };
    assert!(!form.is_affordable && form.terms.iter().all(|term| !term.is_chosen));
    let missing: Vec<_> = form.terms.iter().map(|term| term.missing.as_deref()).collect();
    assert_eq!(missing, [Some("$25.00"), Some("$71.25"), Some("$135.00"), Some("$255.00")]);
}

/// Why a slice cannot be rented by `who`.
#[track_caller]
fn check_closed(db: &RusqliteDb, who: Who, expected: &str) {
    match node(db, who).renting {
        page::Renting::Closed { reason } => assert_eq!(reason, expected),
        other => panic!("{other:?}"),
    }
}

#[test]
fn where_nothing_can_be_rented_the_page_says_why() {
    let db = market();
    check_closed(&db, Who::Fatima, "This is your own node: others can rent its slices.");
    offer(&db, 32, "Canal house", Listing::Paused);
    let paused = "The farmer has taken this node off the market; choose another one.";
    check_closed(&db, Who::Visitor, paused);
    check_closed(&db, Who::Omar, paused);

    let db = empty();
    register(&db, "Canal house", &report(32, 1));
    offer(&db, 32, "Canal house", Listing::Published);
    rent(&db);
    let sold_out = "Every slice of this node is taken; choose another node.";
    check_closed(&db, Who::Visitor, sold_out);

    let db = empty();
    register(&db, "Canal house", &report(32, 0));
    offer(&db, 32, "Canal house", Listing::Published);
    let empty = "This node can carry no slice at the moment; choose another node.";
    check_closed(&db, Who::Omar, empty);
}

#[test]
fn a_refusal_is_said_where_the_offer_is() {
    let db = market();
    let problem = Problem::from(try_to_rent(&db, Who::Aida, "k").unwrap_err());
    assert_eq!(problem.kind, Kind::InsufficientFunds);
    let page = node(&db, Who::Aida).refused(&problem);
    let page::Renting::Open(form) = page.renting else { panic!("the offer stands") };
    let error = "Nothing was rented, and nothing was charged: the wallet lacks $71.25 of the \
                 total of $71.25; add credit and try again.";
    assert_eq!(form.error.as_deref(), Some(error));

    offer(&db, 32, "Canal house", Listing::Paused);
    let problem = Problem::from(try_to_rent(&db, Who::Omar, "k").unwrap_err());
    let notice = node(&db, Who::Omar).refused(&problem).frame.notice.unwrap();
    assert!(notice.text.starts_with("Nothing was rented, and nothing was charged: the farmer"));
}

#[test]
fn a_renter_finds_what_they_hold_and_what_it_cost() {
    let db = market();
    let held = rent(&db);
    check(
        &slices(&db, Who::Omar),
        expect![[r#"
        My slices
        Rent another </marketplace/compute>
        | Slice | Status | From | Until | A month | Charged
        | node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>Canal house,
          Ghent, Belgium | active | 29 July 2026 | 29 October 2026 | $23.75 | $71.25"#]],
    );
    check(
        &rental(&db, Who::Omar, &held),
        expect![[r#"
            Rented, and paid for the whole term.
            My slices </dashboard/slices>
            node32_slice_1
            On Canal house </marketplace/compute/node32>, Ghent, Belgium active
            Access not set up yet
            The slice is yours. Its machine has not been set up yet: this version of the
              marketplace does not set up machines by itself.
            Money
            | When | What | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 | −$71.25 | $28.75
            History
            Rented for 3 months 29 July 2026, 12:00 UTC
            92 days left
            1 vCPU
            4 GB memory
            200 GB SSD
            Term: 3 months, 5% off
            From: 29 July 2026, 12:00 UTC
            Until: 29 October 2026, 12:00 UTC
            A month: $23.75
            Charged: $71.25
            Promise: 99.5% uptime, 1,000 Mbit/s
            The farmer sees: o&#39;mar&#38;co@example.org
            Rental: 019fadbe-f200-7000-8000-000000000000"#]],
    );
    check(
        &wallet(&db, Who::Omar),
        expect![[r#"
        Wallet
        $28.75 US dollars
        Your balance, to rent slices with
        Add credit
        The operator of this marketplace adds credit. Tell them the address that you sign in
          with, and the amount.
        Find a slice </marketplace/compute>
        Entries
        | When | What | Amount | Balance after
        | 29 July 2026, 12:00 UTC | Rental of node32_slice_1
          </dashboard/slices/019fadbe-f200-7000-8000-000000000000> | −$71.25 | $28.75
        | 29 July 2026, 12:00 UTC | Credit: bank transfer | +$100.00 | $100.00"#]],
    );
}

#[test]
fn a_rental_that_is_over_is_told_from_one_that_runs() {
    let db = market();
    let held = rent(&db);
    rentals::end_due(&db, now().plus_months(3), 10).unwrap();
    let ended = rentals::find(&db, Who::Omar.account(), held.id).unwrap().unwrap();
    let page = rental(&db, Who::Omar, &ended);
    assert_eq!((page.status.text.as_str(), page.time_left), ("ended", None));
    assert_eq!(page.access.status.text, "closed");
    let events: Vec<_> = page.events.iter().map(|event| event.what.as_str()).collect();
    assert_eq!(events, ["The rental ended", "Rented for 3 months"]);
}

#[test]
fn somebody_without_a_slice_is_led_to_the_market() {
    let db = market();
    check(
        &slices(&db, Who::Aida),
        expect![[r#"
        My slices
        You have not rented a slice yet
        Choose a place and a price; it takes three clicks.
        Find a slice </marketplace/compute>"#]],
    );
    check(
        &wallet(&db, Who::Aida),
        expect![[r#"
        Wallet
        $0.00 US dollars
        Your balance, to rent slices with
        Add credit
        The operator of this marketplace adds credit. Tell them the address that you sign in
          with, and the amount.
        Find a slice </marketplace/compute>
        Entries
        Nothing was booked yet. The first credit appears here."#]],
    );
}

#[test]
fn observations_are_counted_in_the_card() {
    let offer = |offer: Offer| Offer { observed: 2_016, observed_up: 2_015, ..offer };
    let found = offers::find(&market(), NodeId(32)).unwrap().unwrap();
    let page = shown(&market(), Who::Visitor, "/", |_, visit| {
        page::Node::new(visit, &offer(found.0), &found.1)
    });
    let measured = page.measured_uptime.unwrap();
    assert_eq!((measured.percent.as_str(), measured.observations.as_str()), ("99.95%", "2,016"));
}
