//! What a farmer reads.

use crate::{check, sample};
use expect_test::expect;

#[test]
fn farm() {
    check(
        &sample::farm(Vec::new()),
        expect![[r#"
        Farm
        Payout </dashboard/farm/payout>
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
        Payout </dashboard/farm/payout>
        Nodes: 3
        Slices rented: 3 of 25, 22 free
        In escrow: $168.75
        Earned: $1,022.40
        Nodes
        Canal house </dashboard/farm/nodes/32>
        Grid node 32, Ghent, Belgium
        published up
        3 of 9 rented
        $25.00 a slice and month
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
fn node() {
    check(
        &sample::farm_node(),
        expect![[r#"
        Farm </dashboard/farm>
        Canal house
        Grid node 32, Ghent, Belgium published See it in the marketplace
          </marketplace/compute/32>
        This node can provide 9 slices, up to $225.00 a month at your price.
        Processor: 32 vCPU free, enough for 32 slices
        Memory: 122 GB free, enough for 30 slices
        SSD: 1,863 GB free, enough for 9 slices sets the limit
        Slices
        Rented now: 3 of 9.
        node32_slice_1: available
        node32_slice_2: omar@example.org until 29 October 2026
        node32_slice_3: omar@example.org until 29 October 2026
        node32_slice_4: available
        node32_slice_5: available
        node32_slice_6: available
        node32_slice_7: omar@example.org until 29 October 2026
        node32_slice_8: available
        node32_slice_9: available
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
        Price per slice and month
        From $1.00 to $500.00. $[text price_per_month=25.00]
        $22.50 of it is yours after the fee of 10%.
        Uptime that you promise [text min_uptime=100.5]%
        A percentage from 0 to 100.
        Bandwidth that you promise [text min_bandwidth_mbps=100]Mbit/s
        Name in the marketplace [text name=Canal house]
        (Save)"#]],
    );
}

#[test]
fn a_node_without_a_slice_says_why() {
    check(
        &sample::farm_node_without_slices(),
        expect![[r#"
        Farm </dashboard/farm>
        Canal house
        Grid node 32, Ghent, Belgium draft
        This node can provide no slice now.
        It has no SSD: slices need 200 GB of SSD each.
        Processor: 32 vCPU free, enough for 32 slices
        Memory: 122 GB free, enough for 30 slices
        SSD: 0 GB free, enough for 0 slices sets the limit
        Slices
        This node has no slice yet.
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
        Price per slice and month
        From $1.00 to $500.00. $[text price_per_month=25.00]
        $22.50 of it is yours after the fee of 10%.
        Uptime that you promise [text min_uptime=100.5]%
        A percentage from 0 to 100.
        Bandwidth that you promise [text min_bandwidth_mbps=100]Mbit/s
        Name in the marketplace [text name=Canal house]
        (Save)"#]],
    );
}
