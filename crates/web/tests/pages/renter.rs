//! What a visitor and a renter read.

use crate::{check, sample};
use expect_test::expect;
use web::page::{Compute, ComputeFilter, Renting};

#[test]
fn home() {
    check(
        &sample::home(),
        expect![[r#"
        Servers, by the slice.
        Independent farmers run thousands of servers on the ThreeFold Grid. Mycelium cuts
          them into equal slices, so that you rent what you need and not the whole machine.
        Find a slice </marketplace/compute> Offer a node </dashboard/farm>
        One node, sixteen slices
        A server drawn as a row of sixteen equal slices. One is lifted out and is labeled 1
          vCPU, 4 GB memory, 200 GB SSD.
        1 vCPU
        4 GB memory
        200 GB SSD
        For example: 16 vCPU, 64 GB of memory and 4 TB of SSD, all free, make 16 slices.
        Processor: 1 vCPU
        Memory: 4 GB
        SSD storage: 200 GB
        One size, everywhere
        No instance types, no sums to do. Every slice is the same, so you compare what
          matters: the place, the price, and the farmer’s promise beside what we measured.
        Rent in three clicks
        The amount that you confirm is the amount that you pay. If the farmer changed the
          price in the meantime, nothing is charged and you are asked again.
        Find a slice </marketplace/compute>
        Choose a node
        Filter by country, price, promised uptime and bandwidth. Measured uptime stands next
          to each promise.
        Choose a term
        Longer terms cost less. A rental ends on its date; there is no renewal that you did
          not ask for.
        1 month: full price
        3 months: 5% off
        6 months: 10% off
        12 months: 15% off
        Confirm
        You see the total, the last day and what the farmer gets to know of you. Then the
          slice is yours alone.
        Let every part of your node earn
        A node that is rented whole waits for somebody who needs all of it. Cut in slices, it
          can have many renters, at your price.
        Offer a node </dashboard/farm>
        Enter its grid node id
        We read its free capacity from the grid. The least of these three is how many slices
          it makes.
        Processor: free ÷ 1 vCPU
        Memory: free ÷ 4 GB
        SSD: free ÷ 200 GB
        Set one price and a promise
        One price per slice and month, an uptime and a bandwidth. Discounts for longer terms
          come off your price.
        Publish
        See who rents which slice until when, and pause the offer whenever you like. Running
          rentals go on.
        10%
        What it costs
        Offering is free. Mycelium keeps 10% of each payment and the rest is yours. Payments
          wait in escrow until they are due to you."#]],
    );
}

#[test]
fn marketplace() {
    check(
        &sample::compute(Vec::new()),
        expect![[r#"
        Slices for rent
        Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. What differs is the node it is cut
          from.
        get /marketplace/compute
        Country [text country=]
        Monthly price up to $[text max_price=]
        Uptime from [text min_uptime=]%
        Bandwidth from [text min_bandwidth=]Mbit/s
        Sort by
        Price, lowest first Promised uptime Promised bandwidth
        [checkbox certified=true] Certified hardware only
        (Show slices)
        No node is on offer yet
        As soon as a farmer publishes a node, its slices appear here.
        Offer a node </dashboard/farm>"#]],
    );
    check(
        &sample::compute(vec![sample::node_card()]),
        expect![[r#"
        Slices for rent
        Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. What differs is the node it is cut
          from.
        get /marketplace/compute
        Country [text country=]
        Monthly price up to $[text max_price=]
        Uptime from [text min_uptime=]%
        Bandwidth from [text min_bandwidth=]Mbit/s
        Sort by
        Price, lowest first Promised uptime Promised bandwidth
        [checkbox certified=true] Certified hardware only
        (Show slices)
        5 nodes, cheapest first
        Canal house </marketplace/compute/32>
        Ghent, Belgium
        6 of 9 slices free
        Promised: 99.5% uptime 100 Mbit/s
        Measured: 99.87% uptime 2,016 observations
        $25.00 a month $0.034 an hour
        Next page </marketplace/compute?cursor=sample>"#]],
    );
}

#[test]
fn a_filter_that_finds_nothing_can_be_cleared() {
    let page = sample::compute(Vec::new());
    let filter = ComputeFilter { is_active: true, ..page.filter };
    check(
        &Compute { filter, ..sample::compute(Vec::new()) },
        expect![[r#"
        Slices for rent
        Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. What differs is the node it is cut
          from.
        get /marketplace/compute
        Country [text country=]
        Monthly price up to $[text max_price=]
        Uptime from [text min_uptime=]%
        Bandwidth from [text min_bandwidth=]Mbit/s
        Sort by
        Price, lowest first Promised uptime Promised bandwidth
        [checkbox certified=true] Certified hardware only Clear </marketplace/compute>
        (Show slices)
        No node matches
        Nothing on offer fits all of these conditions at once. Try a higher price or a lower
          promise.
        Clear the filter </marketplace/compute>"#]],
    );
}

#[test]
fn a_filter_with_an_error_says_so_beside_the_field() {
    check(
        &sample::compute_with_errors(),
        expect![[r#"
        Slices for rent
        Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. What differs is the node it is cut
          from.
        get /marketplace/compute
        Country [text country=Belgium]
        Monthly price up to $[text max_price=cheap]
        An amount in dollars, such as 25.
        Uptime from [text min_uptime=101]%
        A percentage from 0 to 100.
        Bandwidth from [text min_bandwidth=]Mbit/s
        Sort by
        Price, lowest first Promised uptime Promised bandwidth
        [checkbox certified=true] Certified hardware only Clear </marketplace/compute>
        (Show slices)
        The filter needs a correction
        Nothing was looked for, because the marked fields cannot be used as they are."#]],
    );
}

#[test]
fn node() {
    check(
        &sample::node(Renting::Open(Box::new(sample::rent_form()))),
        expect![[r#"
        Slices for rent </marketplace/compute>
        Canal house
        Ghent, Belgium up certified
        $25.00 a month
        $0.034 an hour, per slice
        1 vCPU
        4 GB memory
        200 GB SSD
        Rent a slice <#rent>
        Longer terms cost less. You see the total before you confirm.
        Promise and record
        Promised uptime: 99.5%
        Measured uptime: 99.87% in 2,016 observations
        Promised bandwidth: 100 Mbit/s
        Slices
        Free now: 6 of 9. They are all alike, so you get the next free one.
        node32_slice_1: available
        node32_slice_2: allocated
        node32_slice_3: allocated
        node32_slice_4: available
        node32_slice_5: available
        node32_slice_6: available
        node32_slice_7: allocated
        node32_slice_8: available
        node32_slice_9: available
        About the node
        Grid node: 32
        Farm: Freefarm
        Country: Belgium
        City: Ghent
        Offered since: 12 July 2026
        post /dashboard/slices
        [hidden form_token=sample-token] [hidden node_id=32] [hidden offer_version=7] [hidden
          idempotency_key=019f0000-0000-7000-8000-000000000001]
        Rent a slice
        Canal house, Ghent, Belgium <#content>
        For how long?
        [radio duration_months=1 required] 1 month $25.00 $25.00 a month, until 29 August
          2026
        [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 a month,
          until 29 October 2026
        [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
          until 29 January 2027 Your wallet lacks $35.00
        [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
          month, until 29 July 2027 Your wallet lacks $155.00
        Your balance: $100.00
        The farmer sees you as omar@example.org. The rental ends by itself on its last day.
        (Confirm and rent)"#]],
    );
}

#[test]
fn a_node_without_a_free_slice_offers_no_form() {
    let closed = Renting::Closed { reason: "Every slice is rented.".into() };
    check(
        &sample::node(closed),
        expect![[r#"
        Slices for rent </marketplace/compute>
        Canal house
        Ghent, Belgium up certified
        $25.00 a month
        $0.034 an hour, per slice
        1 vCPU
        4 GB memory
        200 GB SSD
        Every slice is rented.
        See other nodes </marketplace/compute>
        Promise and record
        Promised uptime: 99.5%
        Measured uptime: 99.87% in 2,016 observations
        Promised bandwidth: 100 Mbit/s
        Slices
        Free now: 0 of 9.
        node32_slice_1: allocated
        node32_slice_2: allocated
        node32_slice_3: allocated
        node32_slice_4: allocated
        node32_slice_5: allocated
        node32_slice_6: allocated
        node32_slice_7: allocated
        node32_slice_8: allocated
        node32_slice_9: allocated
        About the node
        Grid node: 32
        Farm: Freefarm
        Country: Belgium
        City: Ghent
        Offered since: 12 July 2026"#]],
    );
}

#[test]
fn accounts() {
    check(
        &sample::signup(),
        expect![[r#"
        Make an account
        One account rents slices and offers nodes.
        post /signup
        [hidden next=/dashboard/farm]
        E-mail address [email email=omar required]
        An e-mail address, such as you@example.org.
        Password
        At least 12 characters. A few words work well. [password password= required]
        At least 12 characters; this one has 8.
        (Make the account)
        You have one already? Sign in </login?next=%2Fdashboard%2Ffarm>"#]],
    );
    check(
        &sample::login(),
        expect![[r#"
        Sign in
        post /login
        No account has this e-mail address and password.
        E-mail address [email email=omar@example.org required]
        Password [password password= required]
        (Sign in)
        I have forgotten my password </reset>
        No account yet? Make one </signup>"#]],
    );
}

#[test]
fn slices() {
    check(
        &sample::slices(Vec::new()),
        expect![[r#"
        My slices
        You have not rented a slice yet
        Choose a place and a price; it takes three clicks.
        Find a slice </marketplace/compute>"#]],
    );
    check(
        &sample::slices(vec![sample::rental_row()]),
        expect![[r#"
        My slices
        Rent another </marketplace/compute>
        | Slice | Status | From | Until | A month | Charged
        | node32_slice_1 </dashboard/slices/019f0000-0000-7000-8000-000000000001>Canal house,
          Ghent, Belgium | active | 29 July 2026 | 29 October 2026 | $23.75 | $71.25"#]],
    );
    check(
        &sample::rental(),
        expect![[r#"
        The slice is yours until 29 October 2026.
        My slices </dashboard/slices>
        node32_slice_1
        On Canal house </marketplace/compute/32>, Ghent, Belgium active
        Access not provisioned yet
        The slice is reserved for you and not provisioned yet. When it is, the command that
          reaches it stands here.
        Money
        | When | What | Amount | Balance after
        | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 for 3 months
          </dashboard/slices/019f0000-0000-7000-8000-000000000001> | −$71.25 | $28.75
        History
        Access requested 29 July 2026, 12:00 UTC
        Rented for 3 months 29 July 2026, 12:00 UTC
        89 days left
        1 vCPU
        4 GB memory
        200 GB SSD
        Term: 3 months, 5% off
        From: 29 July 2026
        Until: 29 October 2026
        A month: $23.75
        Charged: $71.25
        Promise: 99.5% uptime, 100 Mbit/s
        The farmer sees: omar@example.org
        Rental: 019f0000-0000-7000-8000-000000000001"#]],
    );
}

#[test]
fn wallet() {
    check(
        &sample::wallet(Vec::new()),
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
    check(
        &sample::wallet(sample::entries()),
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
        | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 for 3 months
          </dashboard/slices/019f0000-0000-7000-8000-000000000001> | −$71.25 | $28.75
        | 28 July 2026, 09:14 UTC | Credit: bank transfer of 27 July | +$100.00 | $100.00
        Next page </dashboard/wallet?cursor=sample>"#]],
    );
}
