//! What a farmer reads.

use crate::{check, sample};
use expect_test::expect;

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the expected text")]
fn farm() {
    check(
        &sample::farm(Vec::new()),
        expect![[r#"
            Farm
            Add nodes </dashboard/farm/add> Verified farms </dashboard/farm/claims> SLA credits
              </dashboard/farm/credits> Payouts </dashboard/farm/payouts>
            Nodes
            No nodes yet
            Enter your node's grid ID to see how many slices it can provide.
            Add a node
            post /dashboard/farm/nodes
            [hidden form_token=sample-token]
            Grid node ID [text grid_node_id=32b]
            A whole number, such as 32.
            (Add node)
            We read the node's capacity from the grid. Nodes stay private until you set a price
              and publish them."#]],
    );
    check(
        &sample::farm(vec![sample::farm_row()]),
        expect![[r#"
            Farm
            Add nodes </dashboard/farm/add> Verified farms </dashboard/farm/claims> SLA credits
              </dashboard/farm/credits> Payouts </dashboard/farm/payouts>
            Nodes: 3
            Slices rented: 3 of 25, 22 free, 12% rented
            Earned this month: $12.50
            In escrow: $168.75
            Available for payout: $1,022.40 and $25.00 in progress
            Paid out: $300.00
            Revenue
            Earned by month
            Earned by month
            $63.75 in 3 months; most in July 2026.
            Show as table
            Earned by month
            | Month | Earned
            | May 2026 | $0.00
            | June 2026 | $11.25
            | July 2026 | $52.50
            Earned by node
            Earned by node
            $63.75 in 3 months; most in July 2026.
            Show as table
            Earned by node
            | Node | Earned
            | Canal house | $52.50
            | Old mill | $11.25
            Download CSV: revenue by month and node </dashboard/farm/revenue.csv>, slices and
              renters </dashboard/farm/slices.csv>, uptime and bandwidth
              </dashboard/farm/uptime.csv>.
            Nodes
            Canal house </dashboard/farm/nodes/32>
            Grid node 32, Ghent, Belgium
            published up
            3 of 9 rented
            $25.00 per slice per month
            3 rented, 1 held, 5 available, 1 kept back
            Slices 2, 3 and 7: omar@example.org until 29 October 2026
            Earned this month: $12.50. In escrow: $56.25. Uptime: 99.1% measured, at least 98.7%,
              from 2,016 checks; guaranteed 99.5% below SLA. Bandwidth: 940 Mbit/s measured;
              guaranteed 100 Mbit/s.
            Add a node
            post /dashboard/farm/nodes
            [hidden form_token=sample-token]
            Grid node ID
            Your node&#39;s ID on the grid. [text grid_node_id=]
            (Add node)
            We read the node's capacity from the grid. Nodes stay private until you set a price
              and publish them."#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of it is the expected text")]
fn node() {
    check(
        &sample::farm_node(),
        expect![[r#"
            Farm </dashboard/farm>
            Canal house
            Grid node 32, Ghent, Belgium published View in marketplace </marketplace/compute/32>
              Compare prices </dashboard/farm/nodes/32/market>
            This node can provide 9 slices, up to $225.00 a month at your price.
            Processor: 32 vCPU free, enough for 32 slices
            Memory: 122 GB free, enough for 30 slices
            SSD: 1,863 GB free, enough for 9 slices limiting
            The 99.5% uptime SLA allows 41 more minutes of downtime this month.
            Slices
            3 of 9 rented. 3 rented, 1 held, 5 available, 1 kept back.
            node32_slice_1: available
            node32_slice_2: omar@example.org until 29 October 2026
            node32_slice_3: omar@example.org until 29 October 2026
            node32_slice_4: available
            node32_slice_5: available
            node32_slice_6: available
            node32_slice_7: omar@example.org until 29 October 2026
            node32_slice_8: available
            node32_slice_9: available
            Agents
            Agent rack-7, last seen 2 minutes ago
            Revenue
            Earned this month: $12.50
            In escrow: $56.25
            Rented: 33%
            Uptime: 99.1% measured, at least 98.7%, from 2,016 checks; guaranteed 99.5% below SLA
            Bandwidth: 940 Mbit/s measured; guaranteed 100 Mbit/s
            Earned by month
            Earned by month
            $63.75 in 3 months; most in July 2026.
            Show as table
            Earned by month
            | Month | Earned
            | May 2026 | $0.00
            | June 2026 | $11.25
            | July 2026 | $52.50
            Latest grid report
            Status: up
            Health: healthy
            Updated: 29 July 2026, 11:55 UTC
            Offer published
            Renters can find this node. Pausing hides it and leaves running rentals alone.
            post /dashboard/farm/nodes/32/pause
            [hidden form_token=sample-token] [hidden version=4]
            (Pause node)
            Leave the market </dashboard/farm/nodes/32/leave>
            Price and SLA
            post /dashboard/farm/nodes/32
            [hidden form_token=sample-token] [hidden version=4]
            Terms for new rentals
            Price per slice per month
            From $1.00 to $500.00. $[text price_per_month=25.00]
            $22.50 of it is yours after the fee of 10%.
            Guaranteed uptime [text min_uptime=100.5]%
            A percentage from 0 to 100.
            Guaranteed bandwidth
            Measured: 810 Mbit/s. [text min_bandwidth_mbps=100]Mbit/s
            A month below the promise is credited with 10% of its price.
            Rental terms offered [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6] 6 months
            [checkbox terms=12 checked] 12 months
            Reserved slices
            Not offered for rent. Rented slices are not affected. [text kept_slices=0]
            Name in the marketplace [text name=Canal house]
            (Save offer)
            Offer history </dashboard/farm/nodes/32/history>
            Scheduled maintenance
            No maintenance scheduled. Renters get at least 24 hours' notice.
            Manage maintenance </dashboard/farm/nodes/32/maintenance>
            Offer lock
            post /dashboard/farm/nodes/32/lock
            [hidden form_token=sample-token]
            While the offer is locked, nobody can change it, on this site or through the API.
            (Lock offer)"#]],
    );
}

#[test]
fn a_node_without_a_slice_says_why() {
    check(
        &sample::farm_node_without_slices(),
        expect![[r#"
            Farm </dashboard/farm>
            Canal house
            Grid node 32, Ghent, Belgium draft Compare prices </dashboard/farm/nodes/32/market>
            This node can provide no slice now.
            It has no SSD: slices need 200 GB of SSD each.
            Processor: 32 vCPU free, enough for 32 slices
            Memory: 122 GB free, enough for 30 slices
            SSD: 0 GB free, enough for 0 slices limiting
            The 99.5% uptime SLA allows 41 more minutes of downtime this month.
            Slices
            This node has no slices yet.
            Agents
            Agent rack-7, last seen 2 minutes ago
            Revenue
            Earned this month: $12.50
            In escrow: $56.25
            Rented: 33%
            Uptime: 99.1% measured, at least 98.7%, from 2,016 checks; guaranteed 99.5% below SLA
            Bandwidth: 940 Mbit/s measured; guaranteed 100 Mbit/s
            Earned by month
            Earned by month
            $63.75 in 3 months; most in July 2026.
            Show as table
            Earned by month
            | Month | Earned
            | May 2026 | $0.00
            | June 2026 | $11.25
            | July 2026 | $52.50
            Latest grid report
            No grid report for this node yet.
            Offer draft
            Publish it now, and slices appear as soon as there is room.
            post /dashboard/farm/nodes/32/publish
            [hidden form_token=sample-token] [hidden version=4]
            (Publish node)
            Leave the market </dashboard/farm/nodes/32/leave>
            Price and SLA
            post /dashboard/farm/nodes/32
            [hidden form_token=sample-token] [hidden version=4]
            Terms for new rentals
            Price per slice per month
            From $1.00 to $500.00. $[text price_per_month=25.00]
            $22.50 of it is yours after the fee of 10%.
            Guaranteed uptime [text min_uptime=100.5]%
            A percentage from 0 to 100.
            Guaranteed bandwidth
            Measured: 810 Mbit/s. [text min_bandwidth_mbps=100]Mbit/s
            A month below the promise is credited with 10% of its price.
            Rental terms offered [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6] 6 months
            [checkbox terms=12 checked] 12 months
            Reserved slices
            Not offered for rent. Rented slices are not affected. [text kept_slices=0]
            Name in the marketplace [text name=Canal house]
            (Save offer)
            Offer history </dashboard/farm/nodes/32/history>
            Scheduled maintenance
            No maintenance scheduled. Renters get at least 24 hours' notice.
            Manage maintenance </dashboard/farm/nodes/32/maintenance>
            Offer lock
            post /dashboard/farm/nodes/32/lock
            [hidden form_token=sample-token]
            While the offer is locked, nobody can change it, on this site or through the API.
            (Lock offer)"#]],
    );
}
