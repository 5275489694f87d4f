//! What a visitor and a renter read.

use crate::{books, check, check_part, held, offered, sample};
use expect_test::expect;
use web::page::{Compute, ComputeFilter, Renting, Statements};

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
        Measured: 99.87% uptime at least 98.7%, from 2,016 observations
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
        &offered::node(Renting::Open(Box::new(offered::rent_form()))),
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up certified
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks
            $25.00 a month
            $0.034 an hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Rent a slice <#rent>
            Longer terms cost less. You see the total before you confirm.
            Promise and record
            Promised uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 observations
            Promised bandwidth: 100 Mbit/s
            | Measured | Uptime | At least | Observations | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            Every observation of this month (CSV) </api/marketplace/nodes/node32/samples>. What
              happens where a promise is not kept </docs/promises>
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
            How many slices?
            1 slice 2 slices 3 slices 4 slices 5 slices 6 slices
            The totals below are for one slice: what is charged is the total times the number of
              slices.
            For how long?
            [radio duration_months=1 required] 1 month $25.00 $25.00 a month, until 29 August
              2026
            [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 a month,
              until 29 October 2026
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 a month,
              until 29 January 2027 Your wallet lacks $35.00
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 a
              month, until 29 July 2027 Your wallet lacks $155.00
            Which SSH key gets in?
            Laptop
            What does it start with?
            Plain Linux Docker
            Where the farm sets up machines by itself. Through the API, it can be a document of
              your own for cloud-init.
            Your balance: $100.00
            The farmer sees you as omar@example.org (change it </dashboard/settings#shown>). The
              rental ends by itself on its last day, unless you extend it.
            (Confirm and rent)"#]],
    );
}

#[test]
fn a_node_without_a_free_slice_offers_no_form() {
    let closed = Renting::Closed { reason: "Every slice is rented.".into() };
    check(
        &offered::node(closed),
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up certified
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks
            $25.00 a month
            $0.034 an hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Every slice is rented.
            See other nodes </marketplace/compute>
            Promise and record
            Promised uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 observations
            Promised bandwidth: 100 Mbit/s
            | Measured | Uptime | At least | Observations | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            Every observation of this month (CSV) </api/marketplace/nodes/node32/samples>. What
              happens where a promise is not kept </docs/promises>
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
fn a_node_that_is_free_can_be_rented_whole() {
    check_part(
        &offered::free_node(),
        "Rent a slice",
        "the end",
        expect![[r#"
            Rent a slice
            Canal house, Ghent, Belgium <#content>
            How much of it?
            [radio whole_node= checked] Single slices $25.00 a slice and month; others rent
              beside you
            [radio whole_node=yes] The whole node (9 slices) $225.00 a month, as one rental;
              nobody else is on it
            How many slices?
            1 slice 2 slices 3 slices 4 slices 5 slices 6 slices 7 slices 8 slices 9 slices
            The totals below are for one slice: what is charged is the total times the number of
              slices. For the whole node, this number does not count.
            For how long?
            [radio duration_months=1 required] 1 month $25.00 $25.00 a month, until 29 August
              2026 The whole node: $225.00
            [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 a month,
              until 29 October 2026 The whole node: $641.25
            [radio duration_months=6 required] 6 months 10% off $135.00 $22.50 a month, until 29
              January 2027 The whole node: $1,215.00
            [radio duration_months=12 required] 12 months 15% off $255.00 $21.25 a month, until
              29 July 2027 The whole node: $2,295.00
            Which SSH key gets in?
            Laptop
            What does it start with?
            Plain Linux Docker
            Where the farm sets up machines by itself. Through the API, it can be a document of
              your own for cloud-init.
            Your balance: $1,000.00
            The farmer sees you as omar@example.org (change it </dashboard/settings#shown>). The
              rental ends by itself on its last day, unless you extend it.
            (Confirm and rent)"#]],
    );
    check_part(
        &offered::node_rented_whole(),
        "Slices for rent </marketplace/compute>",
        "node32_slice_1: allocated",
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up certified rented whole
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks
            $25.00 a month
            $0.034 an hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            This node is rented whole until 29 October 2026.
            See other nodes </marketplace/compute>
            Promise and record
            Promised uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 observations
            Promised bandwidth: 100 Mbit/s
            | Measured | Uptime | At least | Observations | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            Every observation of this month (CSV) </api/marketplace/nodes/node32/samples>. What
              happens where a promise is not kept </docs/promises>
            Slices
            This node is rented whole: one renter holds all 9 slices as one."#]],
    );
}

#[test]
fn a_refusal_says_what_helps() {
    check_part(
        &offered::sold_out_node(),
        "Slices for rent </marketplace/compute>",
        "Promise and record",
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up certified
            Nothing was rented, and nothing was charged: somebody was faster, and every slice of
              this node is taken.
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks
            Nearest alternatives
            Lock keeper </marketplace/compute/4417>
            Bruges, Belgium; 3 slices free
            $24.00 a month
            node 4417 </marketplace/compute/4417>
            Ghent, Belgium; 11 slices free
            $27.50 a month
            Spree rack 2, upper shelf </marketplace/compute/4417>
            Berlin, Germany; 1 slice free
            $32.00 a month
            $25.00 a month
            $0.034 an hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Every slice of this node is rented.
            See other nodes </marketplace/compute>"#]],
    );
    check_part(
        &offered::node_with_new_price(),
        "Slices for rent </marketplace/compute>",
        "$25.00 a month",
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up certified
            The price has changed since you saw it. Nothing was rented, and nothing was charged.
            What you asked for costs $85.50 now. See the new price <#rent>
            The node is worked on, from 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. The
              farmer says: New disks"#]],
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
        &held::slices(Vec::new()),
        expect![[r#"
        My slices
        You have not rented a slice yet
        Choose a place and a price; it takes three clicks.
        Find a slice </marketplace/compute>"#]],
    );
    check(
        &held::slices(vec![held::rental_row()]),
        expect![[r#"
            My slices
            Rent another </marketplace/compute>
            All </dashboard/slices>
            Running </dashboard/slices?state=running>
            Ended </dashboard/slices?state=ended>
            | Slice | State | Ends | Uptime | A month | Actions
            | node32_slice_1 </dashboard/slices/019f0000-0000-7000-8000-000000000001> Canal
              house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | active Access: not set up yet | 29
              October 2026 89 days left | measured 99.87%, at least 98.7%, from 8,140
              observations, promised 99.5% | $23.75 | Extend node32_slice_1
              </dashboard/slices/019f0000-0000-7000-8000-000000000001#extend> End node32_slice_1
              </dashboard/slices/019f0000-0000-7000-8000-000000000001/end>"#]],
    );
}

#[test]
fn statements() {
    check(
        &books::statements(),
        expect![[r#"
        Wallet </dashboard/wallet>
        Statements
        One for each month in which something was booked, in UTC.
        | Month | For spreadsheets
        | July 2026 </dashboard/wallet/statements/2026-07> so far | CSV
          </dashboard/wallet/statements/2026-07/csv>
        | March 2026 </dashboard/wallet/statements/2026-03> | CSV
          </dashboard/wallet/statements/2026-03/csv>"#]],
    );
    let empty = Statements { months: Vec::new(), ..books::statements() };
    check(
        &empty,
        expect![[r#"
        Wallet </dashboard/wallet>
        Statements
        One for each month in which something was booked, in UTC.
        Nothing was booked yet. The first month with an entry appears here."#]],
    );
}

#[test]
fn a_statement_and_a_receipt() {
    check(
        &books::statement(),
        expect![[r#"
        Statements </dashboard/wallet/statements>
        To print it or keep it as a PDF, use your browser's print command. CSV for
          spreadsheets </dashboard/wallet/statements/2026-07/csv>
        Mycelium
        https://mycelium.example
        Statement, July 2026
        Account: omar@example.org
        Period: 1 to 31 July 2026, UTC
        Made at: 29 July 2026, 12:00 UTC
        Currency: US dollars (USD)
        The month is not over: this is what was booked so far.
        Wallet
        Wallet: sums by kind
        | Opening balance | | $12.50
        | Credit | 1 entry | +$100.00
        | Rental | 1 entry | −$71.25
        | Closing balance | | $41.25
        Wallet: entries in order
        | When | What | Amount | Balance after
        | 28 July 2026, 09:14 UTC | Credit: bank transfer of 27 July Receipt R-00000004
          </dashboard/wallet/receipts/4> | +$100.00 | $112.50
        | 28 July 2026, 09:14 UTC | Rental of node32_slice_1 Receipt R-00000007
          </dashboard/wallet/receipts/7> | −$71.25 | $41.25
        Earnings
        Earnings: sums by kind
        | Opening balance | | $0.00
        | Settlement | 1 entry | +$22.50
        | Closing balance | | $22.50
        Earnings: entries in order
        | When | What | Amount | Balance after
        | 28 July 2026, 09:14 UTC | Earned with node11_slice_3 | +$22.50 | $22.50
        The first 5,000 of 12,345 entries are listed."#]],
    );
    check(
        &books::receipt(),
        expect![[r#"
            Wallet </dashboard/wallet>
            To print it or keep it as a PDF, use your browser's print command.
            Mycelium
            https://mycelium.example
            Receipt R-00000007
            Rental of node32_slice_1 −$71.25
            Account: omar@example.org
            Booked at: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            Made at: 29 July 2026, 12:00 UTC
            Slice: node32_slice_1
            Size: 1 vCPU, 4 GB memory, 200 GB SSD
            Node: Canal house (node32)
            Place: Ghent, Belgium
            Period: 29 July 2026, 12:00 UTC to 29 October 2026, 12:00 UTC
            Rental: 019f0000-0000-7000-8000-000000000001
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>
            How it was booked
            | Your wallet | −$71.25
            | Held in escrow for the rental | +$71.25
            | Your wallet held then | $28.75
            Seal of the ledger up to here:
              5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"#]],
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
            Statements by month </dashboard/wallet/statements>
            Nothing was booked yet. The first credit appears here."#]],
    );
    check(
        &sample::wallet(sample::entries()),
        expect![[r#"
            Wallet
            $28.75 US dollars
            Your balance, to rent slices with
            Add credit
            post /dashboard/wallet/top-ups
            [hidden form_token=sample-token] [hidden
              idempotency_key=0199f0a0-0000-7000-8000-000000000001]
            Amount
            5 to 5,000 dollars, paid by card at Stripe. $[text amount_usd=]
            (Go on to payment)
            $25.00 not confirmed yet Pay <https://checkout.stripe.com/c/pay/cs_sample> 29 July
              2026, 12:00 UTC
            Find a slice </marketplace/compute>
            Entries
            Statements by month </dashboard/wallet/statements>
            | When | What | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 for 3 months
              </dashboard/slices/019f0000-0000-7000-8000-000000000001> Receipt R-00000007
              </dashboard/wallet/receipts/7> | −$71.25 | $28.75
            | 28 July 2026, 09:14 UTC | Credit: bank transfer of 27 July Receipt R-00000004
              </dashboard/wallet/receipts/4> | +$100.00 | $100.00
            Next page </dashboard/wallet?cursor=sample>"#]],
    );
}
