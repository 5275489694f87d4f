//! What a renter sees: the market, a node, and what they hold.

use domain::id::{NodeId, RANDOM_ID_BYTES, TopUpId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::top_up::TopUpState;
use expect_test::expect;
use store::offers::{self, Offer};
use store::rentals::{self, Rental, Which};
use store::top_ups::TopUp;
use store::{RusqliteDb, due, ledger, transfers};
use web::api::market::Search;
use web::form::Form;
use web::page;
use web::view::{NODES_PER_PAGE, read_top_up};
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
    let (account, id) = (who.account(), rental.life.id);
    let entries = ledger::of_rental(db, account, id).unwrap();
    let events = rentals::events(db, id).unwrap();
    let offered = transfers::of_rental(db, account, id, now()).unwrap();
    shown(db, who, "/dashboard/slices/x?done=rented", |_, visit| {
        page::Rental::new(visit, rental, &entries, &events, offered.as_ref())
    })
}

pub(crate) fn slices(db: &RusqliteDb, who: Who) -> page::Slices {
    let found = rentals::of_renter(db, who.account(), Which::All, None, 100).unwrap();
    let offered = transfers::to_account(db, who.account(), now()).unwrap();
    shown(db, who, "/dashboard/slices", |_, visit| {
        page::Slices::new(visit, Which::All, found, &offered)
    })
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
            How much of it?
            [radio whole_node= checked] Single slices $25.00 a slice and month; others rent
              beside you
            [radio whole_node=yes] The whole node (3 slices) $75.00 a month, as one rental;
              nobody else is on it
            How many slices?
            1 slice 2 slices 3 slices
            The totals below are for one slice: what is charged is the total times the number of
              slices. For the whole node, this number does not count.
            For how long?
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 a month, until 29
              August 2026 The whole node: $75.00
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 a month, until 29
              October 2026 The whole node: $213.75
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
              until 29 January 2027 The whole node: $405.00 Your wallet lacks $35.00
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
              month, until 29 July 2027 The whole node: $765.00 Your wallet lacks $155.00
            You have no SSH key yet: the machine waits until you add one
              </dashboard/settings/ssh-keys>.
            What does it start with?
            Plain Linux: The farmer&#39;s Debian or Ubuntu as it is, with security updates.
              Docker: Containers with the distribution&#39;s Docker. Kubernetes (k3s): A
              Kubernetes node of its own. PostgreSQL: A database on the loopback, sized for the
              slice. Web server: nginx on port 80.
            Where the farm sets up machines by itself. Through the API, it can be a document of
              your own for cloud-init.
            Your balance: $100.00
            The farmer sees you as o&#39;mar&#38;co@example.org (change it
              </dashboard/settings#shown>). The rental ends by itself on its last day, unless you
              extend it.
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
    let page = node(&db, Who::Aida).refused(&problem, &[]);
    assert!(matches!(page.renting, page::Renting::Open(_)), "the offer stands");
    let error = "Nothing was rented, and nothing was charged: the wallet lacks $71.25 of the \
                 total of $71.25; add credit and try again.";
    assert_eq!(page.refusal.unwrap().text, error);

    offer(&db, 32, "Canal house", Listing::Paused);
    let problem = Problem::from(try_to_rent(&db, Who::Omar, "k").unwrap_err());
    let refusal = node(&db, Who::Omar).refused(&problem, &[]).refusal.unwrap();
    assert!(refusal.text.starts_with("Nothing was rented, and nothing was charged: the farmer"));
}

#[test]
fn a_renter_finds_what_they_hold_and_what_it_cost() {
    let db = market();
    rent(&db);
    check(
        &slices(&db, Who::Omar),
        expect![[r#"
            My slices
            Rent another </marketplace/compute>
            All </dashboard/slices?state=all>
            Running </dashboard/slices?state=running>
            Ended </dashboard/slices?state=ended>
            | Slice | State | Ends | Uptime | A month | Actions
            | node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000> Canal
              house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | active Access: not set up yet | 29
              October 2026 92 days left | not measured yet, promised 99.5% | $23.75 | Extend
              node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000#extend> End
              node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000/end>"#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is one page, as it is read")]
fn the_page_of_a_rental_has_all_that_can_be_done_with_it() {
    let db = market();
    let held = rent(&db);
    check(
        &rental(&db, Who::Omar, &held),
        expect![[r#"
            Rented, and paid for the whole term.
            My slices </dashboard/slices>
            node32_slice_1
            On Canal house </marketplace/compute/node32>, Ghent, Belgium until 29 October 2026,
              12:00 UTC active
            Access not set up yet
            The slice is yours. Where its farm has an agent, its machine is set up within
              minutes: the rental&#39;s access tells how far that is.
            Extend
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/extend
            [hidden idempotency_key=request-1]
            Your price of $25.00 a month is guaranteed until 29 October 2027.
            By how long?
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 a month, until 29
              November 2026
            [radio duration_months=3 disabled required] 3 months 5% off $71.25 $23.75 a month,
              until 29 January 2027 Your wallet lacks $42.50
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
              until 29 April 2027 Your wallet lacks $106.25
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
              month, until 29 October 2027 Your wallet lacks $226.25
            Your balance: $28.75
            (Extend the rental)
            Renew by itself off
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/auto-renew
            It ends on 29 October 2026. The data is kept for 48 hours after that.
            At its end, extend by
            Charged a day before the end.
            Off: it ends For 1 month For 3 months For 6 months For 12 months
            At most, a slice and month
            The price is $25.00 now. $[text max_price=25.00]
            (Save)
            Name and labels
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/name
            Name
            At most 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas, at most 10 of 40 characters. [text labels=]
            (Save the name)
            Hand over to another account
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/transfer
            E-mail address of the account
            Until they accept, the rental stays yours, and you can take the invitation back.
              [email email= required]
            (Invite)
            End early
            The time that is not used is paid back. You see the refund before you confirm.
            See the refund </dashboard/slices/019fadbe-f200-7000-8000-000000000000/end>
            Periods
            | Period | From | Until | A month | Total | Earned by now
            | First term 3 months, 5% off | 29 July 2026 | 29 October 2026 | $25.00 | $71.25 |
              $0.00
            Money
            | When | What | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 Receipt R-00000002
              </dashboard/wallet/receipts/2> | −$71.25 | $28.75
            History
            Rented 29 July 2026, 12:00 UTC
            92 days left
            1 vCPU
            4 GB memory
            200 GB SSD
            Term: 3 months, 5% off
            From: 29 July 2026, 12:00 UTC
            Until: 29 October 2026, 12:00 UTC
            A month: $23.75
            Charged: $71.25
            Uptime: not measured yet, promised 99.5%
            Promise: 99.5% uptime, 1,000 Mbit/s
            Price holds until: 29 October 2027
            The farmer sees: o&#39;mar&#38;co@example.org
            Rental: 019fadbe-f200-7000-8000-000000000000"#]],
    );
}

#[test]
fn the_wallet_says_what_a_rental_cost() {
    let db = market();
    rent(&db);
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
            Statements by month </dashboard/wallet/statements>
            | When | What | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1
              </dashboard/slices/019fadbe-f200-7000-8000-000000000000> Receipt R-00000002
              </dashboard/wallet/receipts/2> | −$71.25 | $28.75
            | 29 July 2026, 12:00 UTC | Credit: bank transfer Receipt R-00000001
              </dashboard/wallet/receipts/1> | +$100.00 | $100.00"#]],
    );
}

#[test]
fn a_rental_that_is_over_is_told_from_one_that_runs() {
    let db = market();
    let held = rent(&db);
    let over = now().plus_months(3);
    let find = || rentals::find(&db, Who::Omar.account(), held.life.id).unwrap().unwrap();
    due::expire(&db, over, 10).unwrap();
    let page = rental(&db, Who::Omar, &find());
    assert_eq!((page.status.text.as_str(), page.time_left), ("grace", None));
    assert!(matches!(page.stage, page::Stage::Grace { .. }) && page.extend.is_some());
    due::expire(&db, over.plus_seconds(48 * 3_600), 10).unwrap();
    let page = rental(&db, Who::Omar, &find());
    assert_eq!((page.status.text.as_str(), page.time_left), ("ended", None));
    assert_eq!(page.access.status.text, "closed");
    assert!(page.extend.is_none() && page.transfer.is_none() && !page.can_end);
    let events: Vec<_> = page.events.iter().map(|event| event.what.as_str()).collect();
    let grace = "The term was over; the data is kept for 48 hours";
    assert_eq!(events, ["The rental ended", grace, "Rented"]);
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
            Statements by month </dashboard/wallet/statements>
            Nothing was booked yet. The first credit appears here."#]],
    );
}

/// A top-up of every state, the latest first; the last one is a day old.
fn top_ups() -> Vec<TopUp> {
    let states = TopUpState::ALL.into_iter().chain([TopUpState::Pending]);
    let top_up = |(number, state): (u8, TopUpState)| TopUp {
        id: TopUpId::from_random(now(), [number; RANDOM_ID_BYTES]),
        amount: Usd::whole(20 + u32::from(number)),
        state,
        url: Some(format!("https://checkout.stripe.com/c/pay/cs_{number}")),
        created_at: now().plus_seconds(-i64::from(number / 4) * 24 * 60 * 60),
        paid_at: (state == TopUpState::Paid).then(now),
    };
    (0..).zip(states).map(top_up).collect()
}

#[test]
fn a_wallet_that_can_be_paid_into_shows_what_is_not_credited_yet() {
    let db = empty();
    let page = shown(&db, Who::Aida, "/dashboard/wallet?done=topped-up", |_, visit| {
        page::Wallet::new(visit, Vec::new()).paying(visit, &top_ups())
    });
    check(
        &page,
        expect![[r#"
            The credit appears here as soon as the payment is confirmed.
            Wallet
            $0.00 US dollars
            Your balance, to rent slices with
            Add credit
            post /dashboard/wallet/top-ups
            [hidden idempotency_key=request-1]
            Amount
            5 to 5,000 dollars, paid by card at Stripe. $[text amount_usd=]
            (Go on to payment)
            $20.00 not confirmed yet Pay <https://checkout.stripe.com/c/pay/cs_0> 29 July 2026,
              12:00 UTC
            $23.00 another sum was paid: ask the operator 29 July 2026, 12:00 UTC
            $24.00 not confirmed yet 28 July 2026, 12:00 UTC
            Find a slice </marketplace/compute>
            Entries
            Statements by month </dashboard/wallet/statements>
            Nothing was booked yet. The first credit appears here."#]],
    );
    let form = request("amount_usd=4&idempotency_key=k");
    let form = Form::read(&form);
    let refused = |problem: Problem| {
        let page = shown(&db, Who::Aida, "/dashboard/wallet/top-ups", |_, visit| {
            page::Wallet::new(visit, Vec::new()).paying(visit, &[]).refused(&form, &problem)
        });
        let paying = page.paying.unwrap();
        (paying.amount.value, paying.amount.error.unwrap(), paying.idempotency_key == "k")
    };
    let wrong = read_top_up(&form).unwrap_err();
    let (value, error, _) = refused(Problem::fields(wrong));
    assert_eq!((value.as_str(), error.contains("from 5 to 5000")), ("4", true), "{error}");
    // What failed on the way may have worked all the same: it is tried again with the same key.
    assert!(refused(Problem::plain(Kind::PaymentProvider)).2);
    assert!(!refused(Problem::plain(Kind::TooManyTopUps)).2);
}

fn request(body: &str) -> web::Request {
    http::Request::post("/").body(body.as_bytes().to_vec()).unwrap()
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
