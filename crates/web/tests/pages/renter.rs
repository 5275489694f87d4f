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
            Independent farmers run thousands of servers on the ThreeFold Grid. Mycelium divides
              them into equal slices, so you rent only what you need.
            Find a slice </marketplace/compute> Offer a node </dashboard/farm>
            One node, sixteen slices
            A server drawn as a row of sixteen equal slices. One is lifted out and is labeled 1
              vCPU, 4 GB memory, 200 GB SSD.
            1 vCPU
            4 GB memory
            200 GB SSD
            For example, a node with 16 vCPU, 64 GB of memory and 4 TB of SSD free provides 16
              slices.
            Processor: 1 vCPU
            Memory: 4 GB
            SSD storage: 200 GB
            One size, everywhere
            No instance types to compare. Every slice is the same size, so you compare what
              matters: location, price, and guaranteed against measured uptime.
            Rent in three clicks
            You pay exactly the amount you confirm. If the price changes in the meantime, nothing
              is charged and we ask you again.
            Find a slice </marketplace/compute>
            Choose a node
            Filter by country, price, guaranteed uptime and bandwidth. Measured uptime is shown
              next to each guarantee.
            Choose a term
            Longer terms cost less. A rental ends on its last day unless you turn on auto-renew.
            1 month: full price
            3 months: 5% off
            6 months: 10% off
            12 months: 15% off
            Confirm
            Review the total, the end date and the name the farmer sees. Then the slice is yours.
            Earn with every part of your node
            A whole node needs one renter who wants all of it. Divided into slices, it serves
              many renters, at your price.
            Offer a node </dashboard/farm>
            Enter your grid node ID
            We read its free capacity from the grid. The smallest of these three is the number of
              slices.
            Processor: free ÷ 1 vCPU
            Memory: free ÷ 4 GB
            SSD: free ÷ 200 GB
            Set a price and an SLA
            Set one price per slice per month, and guarantee an uptime and a bandwidth. Term
              discounts are taken off your price.
            Publish
            See who rents each slice and until when. Pause the offer any time; existing rentals
              continue.
            10%
            Fees
            Listing a node is free. Mycelium keeps 10% of each payment, and you get the rest.
              Payments are held in escrow until you have earned them."#]],
    );
}

#[test]
fn marketplace() {
    check(
        &sample::compute(Vec::new()),
        expect![[r#"
            Slices for rent
            Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. Price, location and uptime depend
              on the node.
            get /marketplace/compute
            Country [text country=]
            Maximum monthly price $[text max_price=]
            Minimum uptime [text min_uptime=]%
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            Sort by
            Price, lowest first Promised uptime Promised bandwidth
            [checkbox certified=true] Certified hardware only
            (Show slices)
            No nodes on the market yet
            Slices appear here as soon as a farmer publishes a node.
            Offer a node </dashboard/farm>"#]],
    );
    check(
        &sample::compute(vec![sample::node_card()]),
        expect![[r#"
            Slices for rent
            Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. Price, location and uptime depend
              on the node.
            get /marketplace/compute
            Country [text country=]
            Maximum monthly price $[text max_price=]
            Minimum uptime [text min_uptime=]%
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            Sort by
            Price, lowest first Promised uptime Promised bandwidth
            [checkbox certified=true] Certified hardware only
            (Show slices)
            5 nodes, cheapest first
            Canal house </marketplace/compute/32>
            Ghent, Belgium
            6 of 9 slices free
            Guaranteed: 99.5% uptime 100 Mbit/s
            Measured: 99.87% uptime at least 98.7%, from 2,016 checks
            $25.00 per month $0.034 per hour
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
            Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. Price, location and uptime depend
              on the node.
            get /marketplace/compute
            Country [text country=]
            Maximum monthly price $[text max_price=]
            Minimum uptime [text min_uptime=]%
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            Sort by
            Price, lowest first Promised uptime Promised bandwidth
            [checkbox certified=true] Certified hardware only Clear </marketplace/compute>
            (Show slices)
            No matching nodes
            No node meets all of these conditions. Try a higher price or a lower uptime.
            Clear filter </marketplace/compute>"#]],
    );
}

#[test]
fn a_filter_with_an_error_says_so_beside_the_field() {
    check(
        &sample::compute_with_errors(),
        expect![[r#"
            Slices for rent
            Every slice is 1 vCPU, 4 GB memory and 200 GB SSD. Price, location and uptime depend
              on the node.
            get /marketplace/compute
            Country [text country=Belgium]
            Maximum monthly price $[text max_price=cheap]
            An amount in dollars, such as 25.
            Minimum uptime [text min_uptime=101]%
            A percentage from 0 to 100.
            Minimum bandwidth [text min_bandwidth=]Mbit/s
            Sort by
            Price, lowest first Promised uptime Promised bandwidth
            [checkbox certified=true] Certified hardware only Clear </marketplace/compute>
            (Show slices)
            Invalid filter
            Some filter values are invalid. Correct the highlighted fields and search again."#]],
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
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Rent a slice <#rent>
            Longer terms cost less. You see the total before you confirm.
            Uptime and bandwidth
            Guaranteed uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 checks
            Guaranteed bandwidth: 100 Mbit/s
            | Period | Uptime | At least | Checks | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            All checks this month (CSV) </api/marketplace/nodes/node32/samples>. How SLA credits
              work </docs/promises>
            Slices
            6 of 9 free. All slices are identical, so you get the next free one.
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
            Number of slices
            1 slice 2 slices 3 slices 4 slices 5 slices 6 slices
            Totals below are for one slice. You pay the total times the number of slices.
            Term
            [radio duration_months=1 required] 1 month $25.00 $25.00 per month, until 29 August
              2026
            [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 per month,
              until 29 October 2026
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
              month, until 29 January 2027 $35.00 short
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
              month, until 29 July 2027 $155.00 short
            SSH key
            Laptop
            Image setup
            Plain Linux Docker
            Applies on farms with automatic setup. Through the API you can send your own
              cloud-init document.
            Your balance: $100.00
            The farmer sees you as omar@example.org (change </dashboard/settings#shown>). The
              rental ends on its last day unless you extend it.
            (Rent)"#]],
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
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Every slice is rented.
            Browse other nodes </marketplace/compute>
            Uptime and bandwidth
            Guaranteed uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 checks
            Guaranteed bandwidth: 100 Mbit/s
            | Period | Uptime | At least | Checks | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            All checks this month (CSV) </api/marketplace/nodes/node32/samples>. How SLA credits
              work </docs/promises>
            Slices
            0 of 9 free.
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
            Size
            [radio whole_node= checked] Individual slices $25.00 per slice per month, on a shared
              node
            [radio whole_node=yes] The whole node (9 slices) $225.00 per month, as one rental on
              a dedicated node
            Number of slices
            1 slice 2 slices 3 slices 4 slices 5 slices 6 slices 7 slices 8 slices 9 slices
            Totals below are for one slice. You pay the total times the number of slices. This
              setting doesn't apply to the whole node.
            Term
            [radio duration_months=1 required] 1 month $25.00 $25.00 per month, until 29 August
              2026 Whole node: $225.00
            [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 per month,
              until 29 October 2026 Whole node: $641.25
            [radio duration_months=6 required] 6 months 10% off $135.00 $22.50 per month, until
              29 January 2027 Whole node: $1,215.00
            [radio duration_months=12 required] 12 months 15% off $255.00 $21.25 per month, until
              29 July 2027 Whole node: $2,295.00
            SSH key
            Laptop
            Image setup
            Plain Linux Docker
            Applies on farms with automatic setup. Through the API you can send your own
              cloud-init document.
            Your balance: $1,000.00
            The farmer sees you as omar@example.org (change </dashboard/settings#shown>). The
              rental ends on its last day unless you extend it.
            (Rent)"#]],
    );
    check_part(
        &offered::node_rented_whole(),
        "Slices for rent </marketplace/compute>",
        "node32_slice_1: allocated",
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up certified rented whole
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            This node is rented whole until 29 October 2026.
            Browse other nodes </marketplace/compute>
            Uptime and bandwidth
            Guaranteed uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 checks
            Guaranteed bandwidth: 100 Mbit/s
            | Period | Uptime | At least | Checks | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            All checks this month (CSV) </api/marketplace/nodes/node32/samples>. How SLA credits
              work </docs/promises>
            Slices
            One renter holds this whole node, all 9 slices of it."#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the expected text")]
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
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            Similar slices
            Lock keeper </marketplace/compute/4417>
            Bruges, Belgium; 3 slices free
            $24.00 per month
            node 4417 </marketplace/compute/4417>
            Ghent, Belgium; 11 slices free
            $27.50 per month
            Spree rack 2, upper shelf </marketplace/compute/4417>
            Berlin, Germany; 1 slice free
            $32.00 per month
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Every slice of this node is rented.
            Browse other nodes </marketplace/compute>
            Uptime and bandwidth
            Guaranteed uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 checks
            Guaranteed bandwidth: 100 Mbit/s
            | Period | Uptime | At least | Checks | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            All checks this month (CSV) </api/marketplace/nodes/node32/samples>. How SLA credits
              work </docs/promises>
            Slices
            0 of 9 free.
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
    check_part(
        &offered::node_with_new_price(),
        "Slices for rent </marketplace/compute>",
        "$25.00 a month",
        expect![[r#"
            Slices for rent </marketplace/compute>
            Canal house
            Ghent, Belgium up certified
            The price has changed since you saw it. Nothing was rented, and nothing was charged.
            The current total is $85.50. See new price <#rent>
            Scheduled maintenance: 31 July 2026, 10:00 UTC to 31 July 2026, 12:00 UTC. Note from
              the farmer: New disks
            $25.00 per month
            $0.034 per hour, per slice
            1 vCPU
            4 GB memory
            200 GB SSD
            Rent a slice <#rent>
            Longer terms cost less. You see the total before you confirm.
            Uptime and bandwidth
            Guaranteed uptime: 99.5%
            Measured uptime: 99.87% at least 98.7%, from 2,016 checks
            Guaranteed bandwidth: 100 Mbit/s
            | Period | Uptime | At least | Checks | Bandwidth
            | Last 24 hours | 100% | 98.68% | 288 | 940 Mbit/s
            | July 2026 | 99.2% | 98.98% | 8,140 |
            All checks this month (CSV) </api/marketplace/nodes/node32/samples>. How SLA credits
              work </docs/promises>
            Slices
            6 of 9 free. All slices are identical, so you get the next free one.
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
            Number of slices
            1 slice 2 slices 3 slices 4 slices 5 slices 6 slices
            Totals below are for one slice. You pay the total times the number of slices.
            Term
            [radio duration_months=1 required] 1 month $25.00 $25.00 per month, until 29 August
              2026
            [radio duration_months=3 checked required] 3 months 5% off $71.25 $23.75 per month,
              until 29 October 2026
            [radio duration_months=6 disabled required] 6 months 10% off $135.00 $22.50 per
              month, until 29 January 2027 $35.00 short
            [radio duration_months=12 disabled required] 12 months 15% off $255.00 $21.25 per
              month, until 29 July 2027 $155.00 short
            SSH key
            Laptop
            Image setup
            Plain Linux Docker
            Applies on farms with automatic setup. Through the API you can send your own
              cloud-init document.
            Your balance: $100.00
            The farmer sees you as omar@example.org (change </dashboard/settings#shown>). The
              rental ends on its last day unless you extend it.
            (Rent)"#]],
    );
}

#[test]
fn accounts() {
    check(
        &sample::signup(),
        expect![[r#"
            Create an account
            Use one account to rent slices and to offer nodes.
            post /signup
            [hidden next=/dashboard/farm]
            Email address [email email=omar required]
            An email address, such as you@example.org.
            Password
            At least 12 characters. A few words work well. [password password= required]
            At least 12 characters; this one has 8.
            (Create account)
            Already have an account? Sign in </login?next=%2Fdashboard%2Ffarm>"#]],
    );
    check(
        &sample::login(),
        expect![[r#"
            Sign in
            post /login
            No account has this email address and password.
            Email address [email email=omar@example.org required]
            Password [password password= required]
            (Sign in)
            Forgot your password? </reset>
            No account yet? Create one </signup>"#]],
    );
}

#[test]
fn slices() {
    check(
        &held::slices(Vec::new()),
        expect![[r#"
            My slices
            You haven't rented a slice yet
            Choose a location and a price, and rent in three clicks.
            Find a slice </marketplace/compute>"#]],
    );
    check(
        &held::slices(vec![held::rental_row()]),
        expect![[r#"
            My slices
            Rent another slice </marketplace/compute>
            All </dashboard/slices>
            Running </dashboard/slices?state=running>
            Ended </dashboard/slices?state=ended>
            | Slice | State | Ends | Uptime | Monthly price | Actions
            | node32_slice_1 </dashboard/slices/019f0000-0000-7000-8000-000000000001> Canal
              house, Ghent, Belgium 1 vCPU, 4 GB, 200 GB | active Access: not set up yet | 29
              October 2026 89 days left | 99.87% measured, at least 98.7%, from 8,140 checks;
              guaranteed 99.5% | $23.75 | Extend node32_slice_1
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
            One statement per month with transactions, in UTC.
            | Month | Download
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
            One statement per month with transactions, in UTC.
            No statements yet. The first one appears with your first transaction."#]],
    );
}

#[test]
fn a_statement_and_a_receipt() {
    check(
        &books::statement(),
        expect![[r#"
            Statements </dashboard/wallet/statements>
            To print this page or save it as a PDF, use your browser's print command. CSV for
              spreadsheets </dashboard/wallet/statements/2026-07/csv>
            Mycelium
            https://mycelium.example
            Statement, July 2026
            Account: omar@example.org
            Period: 1 to 31 July 2026, UTC
            Issued: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            This month is still open. The statement shows transactions so far.
            Wallet
            Wallet: totals by type
            | Opening balance | | $12.50
            | Credit | 1 entry | +$100.00
            | Rental | 1 entry | −$71.25
            | Closing balance | | $41.25
            Wallet: transactions by date
            | Date | Description | Amount | Balance after
            | 28 July 2026, 09:14 UTC | Credit: bank transfer of 27 July Receipt R-00000004
              </dashboard/wallet/receipts/4> | +$100.00 | $112.50
            | 28 July 2026, 09:14 UTC | Rental of node32_slice_1 Receipt R-00000007
              </dashboard/wallet/receipts/7> | −$71.25 | $41.25
            Earnings
            Earnings: totals by type
            | Opening balance | | $0.00
            | Settlement | 1 entry | +$22.50
            | Closing balance | | $22.50
            Earnings: transactions by date
            | Date | Description | Amount | Balance after
            | 28 July 2026, 09:14 UTC | Earned with node11_slice_3 | +$22.50 | $22.50
            The first 5,000 of 12,345 entries are listed."#]],
    );
    check(
        &books::receipt(),
        expect![[r#"
            Wallet </dashboard/wallet>
            To print this page or save it as a PDF, use your browser's print command.
            Mycelium
            https://mycelium.example
            Receipt R-00000007
            Rental of node32_slice_1 −$71.25
            Account: omar@example.org
            Date: 29 July 2026, 12:00 UTC
            Currency: US dollars (USD)
            Issued: 29 July 2026, 12:00 UTC
            Slice: node32_slice_1
            Size: 1 vCPU, 4 GB memory, 200 GB SSD
            Node: Canal house (node32)
            Place: Ghent, Belgium
            Period: 29 July 2026, 12:00 UTC to 29 October 2026, 12:00 UTC
            Rental: 019f0000-0000-7000-8000-000000000001
              </dashboard/slices/019f0000-0000-7000-8000-000000000001>
            Ledger entries
            | Your wallet | −$71.25
            | Held in escrow for the rental | +$71.25
            | Wallet balance after | $28.75
            Ledger seal: 5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f5f"#]],
    );
}

#[test]
fn wallet() {
    check(
        &sample::wallet(Vec::new()),
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
    check(
        &sample::wallet(sample::entries()),
        expect![[r#"
            Wallet
            $28.75 USD
            Available balance
            Add credit
            post /dashboard/wallet/top-ups
            [hidden form_token=sample-token] [hidden
              idempotency_key=0199f0a0-0000-7000-8000-000000000001]
            Amount
            $5 to $5,000, by card through Stripe. $[text amount_usd=]
            (Continue to payment)
            $25.00 not confirmed yet Pay <https://checkout.stripe.com/c/pay/cs_sample> 29 July
              2026, 12:00 UTC
            Find a slice </marketplace/compute>
            Transactions
            Monthly statements </dashboard/wallet/statements>
            | Date | Description | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1 for 3 months
              </dashboard/slices/019f0000-0000-7000-8000-000000000001> Receipt R-00000007
              </dashboard/wallet/receipts/7> | −$71.25 | $28.75
            | 28 July 2026, 09:14 UTC | Credit: bank transfer of 27 July Receipt R-00000004
              </dashboard/wallet/receipts/4> | +$100.00 | $100.00
            Next page </dashboard/wallet?cursor=sample>"#]],
    );
}
