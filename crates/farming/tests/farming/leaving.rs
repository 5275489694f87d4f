//! What a farmer reads who leaves.

use domain::id::NodeId;
use expect_test::expect;
use stage::{Answer, FARMER, Stage};
use store::leaving;

use crate::{NODE, ask, send};

fn leave(stage: &Stage) -> Answer {
    ask(stage, &format!("{NODE}/leave"))
}

fn withdraw(stage: &Stage) {
    leaving::withdraw(&stage.db, FARMER.account(), NodeId(32), None, stage.now()).unwrap();
}

#[test]
fn a_farmer_sees_what_leaving_means() {
    let stage = Stage::three_slices();
    stage.rent();
    leave(&stage).reads(
        200,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            When you give notice, the node goes off the market, its renters are notified, and
              rentals can't be extended past its last day. Renters who paid beyond that day are
              refunded for the remaining time, or move to another farmer's node if they prefer.
            Leaving costs you up to $3.76, which renters lose in term discounts. It falls as
              their terms run out, and is held from payouts from your notice on.
            post /dashboard/farm/nodes/node32/leave
            Last day
            The node leaves at 00:00 UTC on this day. Renters get at least 30 days&#39; notice.
              [date leaves_at=2026-08-29 required]
            (Give notice) Keep node </dashboard/farm/nodes/node32>
            Rentals
            Rentals of this node and their outcome
            | Slice | Renter | Paid until | Outcome
            | node32_slice_1 | o&#39;ada&#38;co@example.org | 29 October 2026 | Refunded for the
              time after the last day, or moved to another node, as the renter chooses"#]],
    );
    let path = format!("{NODE}/leave");
    send(&stage, &path, &[("leaves_at", "soon")]).reads(
        400,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            When you give notice, the node goes off the market, its renters are notified, and
              rentals can't be extended past its last day. Renters who paid beyond that day are
              refunded for the remaining time, or move to another farmer's node if they prefer.
            Leaving costs you up to $3.76, which renters lose in term discounts. It falls as
              their terms run out, and is held from payouts from your notice on.
            post /dashboard/farm/nodes/node32/leave
            Last day
            The node leaves at 00:00 UTC on this day. Renters get at least 30 days&#39; notice.
              [date leaves_at=soon required]
            A date, such as 2027-03-31.
            (Give notice) Keep node </dashboard/farm/nodes/node32>
            Rentals
            Rentals of this node and their outcome
            | Slice | Renter | Paid until | Outcome
            | node32_slice_1 | o&#39;ada&#38;co@example.org | 29 October 2026 | Refunded for the
              time after the last day, or moved to another node, as the renter chooses"#]],
    );
    withdraw(&stage);
    send(&stage, &path, &[("leaves_at", "2026-09-30")]).reads(
        409,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            This node is already leaving on 28 August 2026; cancel that first.
            This node leaves the market on 28 August 2026, 12:00 UTC. It is no longer offered,
              and its renters have been notified.
            Leaving costs you up to $3.76, which renters lose in term discounts. It falls as
              their terms run out, and is held from payouts until they have ended.
            post /dashboard/farm/nodes/node32/cancel-leave
            (Cancel leaving)
            Rentals
            Rentals of this node and their outcome
            | Slice | Renter | Paid until | Outcome
            | node32_slice_1 | o&#39;ada&#38;co@example.org | 29 October 2026 | Refunded for the
              time after the last day, or moved to another node, as the renter chooses"#]],
    );
}

#[test]
fn a_node_that_nobody_rents_leaves_today() {
    let stage = Stage::three_slices();
    withdraw(&stage);
    leave(&stage).reads(
        200,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            This node left the market on 29 July 2026, 12:00 UTC and is no longer offered.
            post /dashboard/farm/nodes/node32/cancel-leave
            (Bring node back)
            Rentals
            This node has no rentals."#]],
    );
}
