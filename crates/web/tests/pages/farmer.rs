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
            Add nodes </dashboard/farm/add> Your farms </dashboard/farm/claims> Credits
              </dashboard/farm/credits> Payouts </dashboard/farm/payouts>
            Nodes
            No node yet
            Enter the id that your node has on the grid, and you will see how many slices it can
              provide.
            Add a node
            post /dashboard/farm/nodes
            [hidden form_token=sample-token]
            Grid node id [text grid_node_id=32b]
            A whole number, such as 32.
            (Add the node)
            We read its capacity from the grid. Nothing is offered before you set a price and
              publish."#]],
    );
    check(
        &sample::farm(vec![sample::farm_row()]),
        expect![[r#"
            Farm
            Add nodes </dashboard/farm/add> Your farms </dashboard/farm/claims> Credits
              </dashboard/farm/credits> Payouts </dashboard/farm/payouts>
            Nodes: 3
            Slices rented: 3 of 25, 22 free, 12% rented
            Earned this month: $12.50
            In escrow: $168.75
            To be paid out: $1,022.40 and $25.00 on its way
            Paid: $300.00
            Revenue
            Earned by month
            Earned by month
            $63.75 in 3 months; most in July 2026.
            As a table
            Earned by month
            | Month | Earned
            | May 2026 | $0.00
            | June 2026 | $11.25
            | July 2026 | $52.50
            Earned by node
            Earned by node
            $63.75 in 3 months; most in July 2026.
            As a table
            Earned by node
            | Node | Earned
            | Canal house | $52.50
            | Old mill | $11.25
            As CSV: revenue by month and node </dashboard/farm/revenue.csv>, slices and who rents
              them </dashboard/farm/slices.csv>, uptime and bandwidth
              </dashboard/farm/uptime.csv>.
            Nodes
            Canal house </dashboard/farm/nodes/32>
            Grid node 32, Ghent, Belgium
            published up
            3 of 9 rented
            $25.00 a slice and month
            3 rented, 1 held, 5 available, 1 kept back
            Slices 2, 3 and 7: omar@example.org until 29 October 2026
            Earned this month: $12.50. In escrow: $56.25. Uptime: measured 99.1%, at least 98.7%,
              from 2,016 observations, promised 99.5% below the promise. Bandwidth: measured 940
              Mbit/s, promised 100 Mbit/s.
            Add a node
            post /dashboard/farm/nodes
            [hidden form_token=sample-token]
            Grid node id
            The number of your node on the grid. [text grid_node_id=]
            (Add the node)
            We read its capacity from the grid. Nothing is offered before you set a price and
              publish."#]],
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
            Grid node 32, Ghent, Belgium published See it in the marketplace
              </marketplace/compute/32> Compare its price </dashboard/farm/nodes/32/market>
            This node can provide 9 slices, up to $225.00 a month at your price.
            Processor: 32 vCPU free, enough for 32 slices
            Memory: 122 GB free, enough for 30 slices
            SSD: 1,863 GB free, enough for 9 slices sets the limit
            The promised uptime of 99.5% can be kept: the node may be down 41 more minutes this
              month.
            Slices
            Rented now: 3 of 9. 3 rented, 1 held, 5 available, 1 kept back.
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
            What it earns
            Earned this month: $12.50
            In escrow: $56.25
            Rented: 33%
            Uptime: measured 99.1%, at least 98.7%, from 2,016 observations, promised 99.5% below
              the promise
            Bandwidth: measured 940 Mbit/s, promised 100 Mbit/s
            Earned by month
            Earned by month
            $63.75 in 3 months; most in July 2026.
            As a table
            Earned by month
            | Month | Earned
            | May 2026 | $0.00
            | June 2026 | $11.25
            | July 2026 | $52.50
            Last report from the grid
            Status: up
            Health: healthy
            Read: 29 July 2026, 11:55 UTC
            Offer published
            Renters can find this node. Pausing hides it and leaves running rentals alone.
            post /dashboard/farm/nodes/32/pause
            [hidden form_token=sample-token] [hidden version=4]
            (Pause)
            Leave the market </dashboard/farm/nodes/32/leave>
            Price and promise
            post /dashboard/farm/nodes/32
            [hidden form_token=sample-token] [hidden version=4]
            What new rentals get
            Price per slice and month
            From $1.00 to $500.00. $[text price_per_month=25.00]
            $22.50 of it is yours after the fee of 10%.
            Uptime that you promise [text min_uptime=100.5]%
            A percentage from 0 to 100.
            Bandwidth that you promise
            Measured: 810 Mbit/s. [text min_bandwidth_mbps=100]Mbit/s
            A month below the promise is credited with 10% of its price.
            Terms that you offer [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6] 6 months
            [checkbox terms=12 checked] 12 months
            Slices that you keep back
            They are not offered. What is rented stays rented. [text kept_slices=0]
            Name in the marketplace [text name=Canal house]
            (Save)
            History of the offer </dashboard/farm/nodes/32/history>
            Maintenance
            None is announced. Who rents here is told a day ahead at least.
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
#[expect(clippy::too_many_lines, reason = "most of it is the expected text")]
fn a_node_without_a_slice_says_why() {
    check(
        &sample::farm_node_without_slices(),
        expect![[r#"
            Farm </dashboard/farm>
            Canal house
            Grid node 32, Ghent, Belgium draft Compare its price
              </dashboard/farm/nodes/32/market>
            This node can provide no slice now.
            It has no SSD: slices need 200 GB of SSD each.
            Processor: 32 vCPU free, enough for 32 slices
            Memory: 122 GB free, enough for 30 slices
            SSD: 0 GB free, enough for 0 slices sets the limit
            The promised uptime of 99.5% can be kept: the node may be down 41 more minutes this
              month.
            Slices
            This node has no slice yet.
            Agents
            Agent rack-7, last seen 2 minutes ago
            What it earns
            Earned this month: $12.50
            In escrow: $56.25
            Rented: 33%
            Uptime: measured 99.1%, at least 98.7%, from 2,016 observations, promised 99.5% below
              the promise
            Bandwidth: measured 940 Mbit/s, promised 100 Mbit/s
            Earned by month
            Earned by month
            $63.75 in 3 months; most in July 2026.
            As a table
            Earned by month
            | Month | Earned
            | May 2026 | $0.00
            | June 2026 | $11.25
            | July 2026 | $52.50
            Last report from the grid
            The grid has not reported on this node yet.
            Offer draft
            Publish it now, and slices appear as soon as there is room.
            post /dashboard/farm/nodes/32/publish
            [hidden form_token=sample-token] [hidden version=4]
            (Publish)
            Leave the market </dashboard/farm/nodes/32/leave>
            Price and promise
            post /dashboard/farm/nodes/32
            [hidden form_token=sample-token] [hidden version=4]
            What new rentals get
            Price per slice and month
            From $1.00 to $500.00. $[text price_per_month=25.00]
            $22.50 of it is yours after the fee of 10%.
            Uptime that you promise [text min_uptime=100.5]%
            A percentage from 0 to 100.
            Bandwidth that you promise
            Measured: 810 Mbit/s. [text min_bandwidth_mbps=100]Mbit/s
            A month below the promise is credited with 10% of its price.
            Terms that you offer [hidden terms=]
            [checkbox terms=1 checked] 1 month
            [checkbox terms=3 checked] 3 months
            [checkbox terms=6] 6 months
            [checkbox terms=12 checked] 12 months
            Slices that you keep back
            They are not offered. What is rented stays rented. [text kept_slices=0]
            Name in the marketplace [text name=Canal house]
            (Save)
            History of the offer </dashboard/farm/nodes/32/history>
            Maintenance
            None is announced. Who rents here is told a day ahead at least.
            Announce or cancel </dashboard/farm/nodes/32/maintenance>
            Lock
            post /dashboard/farm/nodes/32/lock
            [hidden form_token=sample-token]
            A locked offer cannot be changed by anybody, neither here nor by a program, until you
              unlock it.
            (Lock the offer)"#]],
    );
}
