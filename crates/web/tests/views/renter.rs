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
            Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. Price, location and uptime depend
              on the node.
            get /marketplace/compute
            Country [text country=belgium]
            Maximum monthly price $[text max_price=30]
            Minimum uptime [text min_uptime=]%
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            Sort by
            Price: low to high Guaranteed uptime: high to low
            [checkbox certified=true] Certified hardware only Clear </marketplace/compute>
            (Show slices)
            1 node, highest guaranteed uptime first
            Canal house </marketplace/compute/node32>
            Ghent, Belgium
            3 of 3 slices free
            Guaranteed: 99.5% uptime 1,000 Mbit/s
            Measured: Not measured yet
            $25.00 per month $0.034 per hour"#]],
    );
}

#[test]
fn a_filter_that_cannot_be_used_says_so_beside_the_field() {
    let path = "/marketplace/compute?max_price=cheap&min_uptime=101&certified=true";
    check(
        &compute(&market(), Who::Visitor, path),
        expect![[r#"
            Slices for rent
            Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. Price, location and uptime depend
              on the node.
            get /marketplace/compute
            Country [text country=]
            Maximum monthly price $[text max_price=cheap]
            An amount of dollars with at most two decimals, above 0, such as 25.00.
            Minimum uptime [text min_uptime=101]%
            A percentage from 0 to 100, such as 99.5.
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            Sort by
            Price: low to high Guaranteed uptime: high to low
            [checkbox certified=true checked] Certified hardware only Clear
              </marketplace/compute>
            (Show slices)
            Invalid filter
            Some filter values are invalid. Correct the highlighted fields and search again."#]],
    );
    let page = compute(&market(), Who::Visitor, "/marketplace/compute?cursor=x&sort=luck");
    let notice = page.frame.notice.unwrap().text;
    assert_eq!(notice, "The URL has an invalid sort.");
}

#[test]
fn a_long_market_has_a_next_page() {
    let db = empty();
    for number in 1..=NODES_PER_PAGE + 1 {
        register(&db, "x", &report(number, 1));
        offer(&db, number, "x", Listing::Published);
    }
    let first = compute(&db, Who::Visitor, "/marketplace/compute?min_uptime=99&cursor=");
    assert_eq!(first.summary, "24 nodes on this page, lowest price first");
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
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Sign in to rent </login?next=%2Fmarketplace%2Fcompute%2Fnode32>
            You'll return to this page.
            Uptime and bandwidth
            Guaranteed uptime: 99.5%
            Measured uptime: Not measured yet
            Guaranteed bandwidth: 1,000 Mbit/s
            Slices
            3 of 3 free. All slices are identical, so you get the next free one.
            node32_slice_1: available
            node32_slice_2: available
            node32_slice_3: available
            About the node
            Grid node id: 32
            Farm: Freefarm
            Country: Belgium
            City: Ghent
            Measured upload: 940 Mbit/s
            Last updated from the grid: 29 July 2026, 12:00 UTC"#]],
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
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Rent a slice <#rent>
            Longer terms cost less. You see the total before you confirm.
            Uptime and bandwidth
            Guaranteed uptime: 99.5%
            Measured uptime: Not measured yet
            Guaranteed bandwidth: 1,000 Mbit/s
            Slices
            3 of 3 free. All slices are identical, so you get the next free one.
            node32_slice_1: available
            node32_slice_2: available
            node32_slice_3: available
            About the node
            Grid node id: 32
            Farm: Freefarm
            Country: Belgium
            City: Ghent
            Measured upload: 940 Mbit/s
            Last updated from the grid: 29 July 2026, 12:00 UTC
            post /dashboard/slices
            [hidden node_id=node32] [hidden offer_version=2] [hidden idempotency_key=request-1]
            Rent a slice
            Canal house, Ghent, Belgium <#content>
            Size
            [radio whole_node= checked] Individual slices $25.00 per slice per month, on a shared
              node
            [radio whole_node=yes] The whole node (3 slices) $75.00 per month, as one rental on a
              dedicated node
            Number of slices
            1 slice 2 slices 3 slices
            Totals below are for one slice. You pay the total times the number of slices. This
              setting doesn't apply to the whole node.
            Term
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 per month, until 29
              August 2026 Whole node: $75.00
            [radio duration_months=3 required] 3 months 5% off $71.25 $23.75 per month, until 29
              October 2026 Whole node: $213.75
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
              month, until 29 January 2027 Whole node: $405.00 $35.00 short
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
              month, until 29 July 2027 Whole node: $765.00 $155.00 short
            You have no SSH key yet. The machine is set up as soon as you add one
              </dashboard/settings/ssh-keys>.
            Image setup
            Plain Linux: The farm&#39;s Debian or Ubuntu image, with security updates. Docker:
              Containers with the distribution&#39;s Docker. Kubernetes (k3s): A single-node
              Kubernetes cluster. PostgreSQL: A database on localhost, sized for the slice. Web
              server: nginx on port 80.
            Applies on farms with automatic setup. Through the API you can send your own
              cloud-init document.
            Your balance: $100.00
            The farmer sees you as o&#39;mar&#38;co@example.org (change
              </dashboard/settings#shown>). The rental ends on its last day unless you extend it.
            (Rent)"#]],
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
    check_closed(&db, Who::Fatima, "This is your own node, so you can't rent its slices.");
    offer(&db, 32, "Canal house", Listing::Paused);
    let paused = "This node is no longer on the market; choose another node.";
    check_closed(&db, Who::Visitor, paused);
    check_closed(&db, Who::Omar, paused);

    let db = empty();
    register(&db, "Canal house", &report(32, 1));
    offer(&db, 32, "Canal house", Listing::Published);
    rent(&db);
    let sold_out = "All slices of this node are rented; choose another node.";
    check_closed(&db, Who::Visitor, sold_out);

    let db = empty();
    register(&db, "Canal house", &report(32, 0));
    offer(&db, 32, "Canal house", Listing::Published);
    let empty = "This node has no capacity right now; choose another node.";
    check_closed(&db, Who::Omar, empty);
}

#[test]
fn a_refusal_is_said_where_the_offer_is() {
    let db = market();
    let problem = Problem::from(try_to_rent(&db, Who::Aida).unwrap_err());
    assert_eq!(problem.kind, Kind::InsufficientFunds);
    let page = node(&db, Who::Aida).refused(&problem, &[]);
    assert!(matches!(page.renting, page::Renting::Open(_)), "the offer stands");
    let error = "Nothing was rented or charged: your balance is $71.25 short of \
                 the total of $71.25; add credit and try again.";
    assert_eq!(page.refusal.unwrap().text, error);

    offer(&db, 32, "Canal house", Listing::Paused);
    let problem = Problem::from(try_to_rent(&db, Who::Omar).unwrap_err());
    let refusal = node(&db, Who::Omar).refused(&problem, &[]).refusal.unwrap();
    assert!(refusal.text.starts_with("Nothing was rented or charged: this node"));
}

#[test]
fn a_renter_finds_what_they_hold_and_what_it_cost() {
    let db = market();
    rent(&db);
    check(
        &slices(&db, Who::Omar),
        expect![[r#"
            My slices
            Rent another slice </marketplace/compute>
            All </dashboard/slices?state=all>
            Running </dashboard/slices?state=running>
            Ended </dashboard/slices?state=ended>
            | Slice | State | Ends | Uptime | Monthly price | Actions
            | node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000> Canal
              house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | active Access: not set up yet | 29
              October 2026 92 days left | not measured yet; guaranteed 99.5% | $23.75 | Extend
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
            Rented and paid for the full term.
            My slices </dashboard/slices>
            node32_slice_1
            On Canal house </marketplace/compute/node32>, Ghent, Belgium until 29 October 2026,
              12:00 UTC active
            Access not set up yet
            The slice is yours. If its farm has an agent, the machine is set up within minutes;
              see the rental&#39;s access for progress.
            Extend
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/extend
            [hidden idempotency_key=request-1]
            Your price of $25.00 per month is guaranteed until 29 October 2027.
            Extend by
            [radio duration_months=1 checked required] 1 month $25.00 $25.00 per month, until 29
              November 2026
            [radio duration_months=3 disabled required] 3 months 5% off $71.25 $23.75 per month,
              until 29 January 2027 $42.50 short
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
              month, until 29 April 2027 $106.25 short
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
              month, until 29 October 2027 $226.25 short
            Your balance: $28.75
            (Extend)
            Auto-renew off
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/auto-renew
            The rental ends on 29 October 2026. Your data is kept for 48 hours after that.
            Extend by
            Charged one day before the term ends.
            Off For 1 month For 3 months For 6 months For 12 months
            Maximum price per slice per month
            The current price is $25.00. $[text max_price=25.00]
            (Save auto-renew)
            Name and labels
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/name
            Name
            Up to 80 characters. Only you see it. [text name=]
            Labels
            Separated by commas. Up to 10 labels of 40 characters each. [text labels=]
            (Save name and labels)
            Transfer rental
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/transfer
            Recipient's email address
            The rental stays yours until they accept, and you can cancel the invitation until
              then. [email email= required]
            (Send invitation)
            End early
            You are refunded for the unused time. You see the amount before you confirm.
            Review refund </dashboard/slices/019fadbe-f200-7000-8000-000000000000/end>
            Periods
            | Period | From | Until | Monthly price | Total | Earned so far
            | First term 3 months, 5% off | 29 July 2026 | 29 October 2026 | $25.00 | $71.25 |
              $0.00
            Transactions
            | Date | Description | Amount | Balance after
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
            Monthly price: $23.75
            Total charged: $71.25
            Uptime: not measured yet; guaranteed 99.5%
            Guaranteed: 99.5% uptime, 1,000 Mbit/s
            Price guaranteed until: 29 October 2027
            Shown to the farmer as: o&#39;mar&#38;co@example.org
            Rental ID: 019fadbe-f200-7000-8000-000000000000"#]],
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
            $28.75 USD
            Available balance
            Add credit
            The marketplace operator adds credit for you. Send them your email address and the
              amount.
            Find a slice </marketplace/compute>
            Transactions
            Monthly statements </dashboard/wallet/statements>
            | Date | Description | Amount | Balance after
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
    let grace = "Term ended; data kept for 48 hours";
    assert_eq!(events, ["Rental ended", grace, "Rented"]);
}

#[test]
fn somebody_without_a_slice_is_led_to_the_market() {
    let db = market();
    check(
        &slices(&db, Who::Aida),
        expect![[r#"
            My slices
            You haven't rented a slice yet
            Choose a location and a price, and rent in three clicks.
            Find a slice </marketplace/compute>"#]],
    );
    check(
        &wallet(&db, Who::Aida),
        expect![[r#"
            Wallet
            $0.00 USD
            Available balance
            Add credit
            The marketplace operator adds credit for you. Send them your email address and the
              amount.
            Find a slice </marketplace/compute>
            Transactions
            Monthly statements </dashboard/wallet/statements>
            No transactions yet. Your first credit appears here."#]],
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
            Thank you. The credit appears here once the payment is confirmed.
            Wallet
            $0.00 USD
            Available balance
            Add credit
            post /dashboard/wallet/top-ups
            [hidden idempotency_key=request-1]
            Amount
            $5 to $5,000, by card through Stripe. $[text amount_usd=]
            (Continue to payment)
            $20.00 awaiting confirmation Pay <https://checkout.stripe.com/c/pay/cs_0> 29 July
              2026, 12:00 UTC
            $23.00 a different amount was paid; contact the operator 29 July 2026, 12:00 UTC
            $24.00 awaiting confirmation 28 July 2026, 12:00 UTC
            Find a slice </marketplace/compute>
            Transactions
            Monthly statements </dashboard/wallet/statements>
            No transactions yet. Your first credit appears here."#]],
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
