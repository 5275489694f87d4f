//! What a farmer reads who leaves, and a renter whose node does.

use askama::Template;
use domain::id::{NodeId, RANDOM_ID_BYTES, SshKeyId};
use domain::listing::Listing;
use domain::provisioning::{Owed, Report};
use domain::ssh::SshKey;
use expect_test::expect;
use store::jobs::{self, Agent, Told};
use store::{RusqliteDb, leaving, nodes, rentals, ssh_keys};
use web::api::access::AccessAnswer;
use web::form::Form;
use web::page;
use web::{Kind, Problem};

use crate::market::{Who, form, market, now, offer, register, rent, report, shown, wrong};
use crate::{check, renter};

fn leave(db: &RusqliteDb) -> page::Leave {
    let (node, slices) = nodes::find(db, Who::Fatima.account(), NodeId(32)).unwrap().unwrap();
    shown(db, Who::Fatima, "/dashboard/farm/nodes/node32/leave", |_, visit| {
        page::Leave::new(visit, &node, &slices)
    })
}

fn withdraw(db: &RusqliteDb) {
    leaving::withdraw(db, Who::Fatima.account(), NodeId(32), None, now()).unwrap();
}

#[test]
fn a_farmer_sees_what_leaving_means() {
    let db = market();
    rent(&db);
    check(
        &leave(&db),
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            When you give notice, the node goes off the market, its renters are notified, and
              rentals can't be extended past its last day. Renters who paid beyond that day are
              refunded for the remaining time, or move to another farmer's node if they prefer.
            post /dashboard/farm/nodes/node32/withdraw
            Last day
            The node leaves at 00:00 UTC on this day. Renters get at least 30 days&#39; notice.
              [date leaves_at=2026-08-29 required]
            (Give notice) Keep node </dashboard/farm/nodes/node32>
            Rentals
            Rentals of this node and their outcome
            | Slice | Renter | Paid until | Outcome
            | node32_slice_1 | o&#39;mar&#38;co@example.org | 29 October 2026 | Refunded for the
              time after the last day, or moved to another node, as the renter chooses"#]],
    );
    let sent: Form = form("leaves_at=soon");
    let problem = Problem::fields(vec![wrong("leaves_at", "a date, such as 2027-03-31")]);
    let refused = leave(&db).refused(&sent, &problem);
    check(
        &refused,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            When you give notice, the node goes off the market, its renters are notified, and
              rentals can't be extended past its last day. Renters who paid beyond that day are
              refunded for the remaining time, or move to another farmer's node if they prefer.
            post /dashboard/farm/nodes/node32/withdraw
            Last day
            The node leaves at 00:00 UTC on this day. Renters get at least 30 days&#39; notice.
              [date leaves_at=soon required]
            A date, such as 2027-03-31.
            (Give notice) Keep node </dashboard/farm/nodes/node32>
            Rentals
            Rentals of this node and their outcome
            | Slice | Renter | Paid until | Outcome
            | node32_slice_1 | o&#39;mar&#38;co@example.org | 29 October 2026 | Refunded for the
              time after the last day, or moved to another node, as the renter chooses"#]],
    );
    withdraw(&db);
    let again = leave(&db).refused(&sent, &Problem::plain(Kind::NodeLeaving));
    check(
        &again,
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            The node is leaving the market. Cancel leaving first.
            This node leaves the market on 28 August 2026, 12:00 UTC. It is no longer offered,
              and its renters have been notified.
            post /dashboard/farm/nodes/node32/stay
            (Cancel leaving)
            Rentals
            Rentals of this node and their outcome
            | Slice | Renter | Paid until | Outcome
            | node32_slice_1 | o&#39;mar&#38;co@example.org | 29 October 2026 | Refunded for the
              time after the last day, or moved to another node, as the renter chooses"#]],
    );
}

#[test]
fn a_node_that_nobody_rents_leaves_today() {
    let db = market();
    withdraw(&db);
    check(
        &leave(&db),
        expect![[r#"
            Canal house </dashboard/farm/nodes/node32>
            Leave the market
            This node left the market on 29 July 2026, 12:00 UTC and is no longer offered.
            post /dashboard/farm/nodes/node32/stay
            (Bring node back)
            Rentals
            This node has no rentals."#]],
    );
}

#[test]
fn a_renter_chooses() {
    let db = market();
    let rental = rent(&db);
    withdraw(&db);
    register(&db, "node33", &report(33, 2));
    offer(&db, 33, "Mill", Listing::Published);
    let held = rentals::find(&db, Who::Omar.account(), rental.life.id).unwrap().unwrap();
    let page = renter::rental(&db, Who::Omar, &held);
    let notice = page.leaving.unwrap();
    assert_eq!(notice.refund_now.as_deref(), Some("$71.25"));
    assert!(
        notice.can_move && notice.stay.contains("for the unused time automatically"),
        "{notice:?}"
    );
    let found = leaving::alternatives(&db, &held, Owed::Nothing, now()).unwrap();
    let choose = || {
        shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
            page::MoveRental::new(visit, &held, &[], &found)
        })
    };
    check(
        &choose(),
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another node
            This rental's node leaves the market on 28 August 2026, 12:00 UTC. Each slice below
              costs no more and guarantees at least the same uptime and bandwidth. The unused
              $71.25 of your payment moves with the rental, and you pay nothing more until you
              extend it at the price shown.
            Your data is not moved, and the new machine is set up from scratch. Copy what you
              need first.
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/move
            [hidden node_id=node33] [hidden slice_id=node33_slice_1] [hidden offer_version=2]
            Mill
            node33_slice_1, Ghent, Belgium
            Monthly price: $25.00
            Guaranteed: 99.5% uptime, 1,000 Mbit/s
            (Move to node33_slice_1)
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
    let none = shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
        page::MoveRental::new(visit, &held, &[], &[])
    });
    let problem = Problem::plain(Kind::OfferChanged);
    check(
        &none.refused(&problem),
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another node
            The offer has changed. Nothing was charged. Review the current offer and try again.
            This rental's node leaves the market on 28 August 2026, 12:00 UTC. Each slice below
              costs no more and guarantees at least the same uptime and bandwidth. The unused
              $71.25 of your payment moves with the rental, and you pay nothing more until you
              extend it at the price shown.
            Your data is not moved, and the new machine is set up from scratch. Copy what you
              need first.
            No equivalent slice is free right now. Check again later, or end the rental for a
              refund.
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
}

#[test]
fn a_machine_that_failed_is_made_elsewhere_with_a_word_of_its_renter() {
    let db = market();
    let agent = Agent { farmer: Who::Fatima.account(), farm: 1, name: "rack-7", token: None };
    jobs::see(&db, &agent, now()).unwrap();
    let id = SshKeyId::from_random(now(), [0; RANDOM_ID_BYTES]);
    let key = SshKey {
        line: "ssh-ed25519 AAAA".into(),
        fingerprint: "SHA256:A".into(),
        comment: String::new(),
    };
    ssh_keys::add(&db, Who::Omar.account(), id, "laptop", &key, now()).unwrap().unwrap();
    let rental = rent(&db);
    let machines = |at| jobs::machines(&db, rental.life.id, at).unwrap();
    let opened = [None];
    let on_page = |at| {
        let machines = machines(at);
        renter::rental(&db, Who::Omar, &rental).provisioned(&rental.life, &machines, &opened)
    };
    let late = now().plus_seconds(300);
    assert!(!on_page(late.plus_seconds(-1)).can_go_on);
    assert!(on_page(late).can_go_on);
    let answer = AccessAnswer::new(&rental.life, &machines(late), &opened);
    assert!(answer.can_move && answer.state == "setting-up");

    let job = jobs::lease(&db, &agent, now()).unwrap().unwrap();
    let report = Report::Fail { retry: false };
    let told = Told { job: &job.id, fence: job.fence, report, sealed: None, reason: None };
    jobs::report(&db, &agent, &told, now()).unwrap();
    let page = on_page(now());
    let html = page.render().unwrap();
    let go_on = "/move\">Move to another slice</a>";
    assert!(html.contains(go_on) && html.contains("/end\">End rental</a>"), "{html}");
    assert!(page.access.text.contains("to another slice"), "{}", page.access.text);

    let found = leaving::alternatives(&db, &rental, Owed::Overdue, now()).unwrap();
    let choose = shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
        page::MoveRental::new(visit, &rental, &machines(now()), &found)
    });
    check(
        &choose,
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another slice
            This rental's machine is overdue or couldn't be set up. You can have it set up on
              another slice, with the same key and setup. Each slice below costs no more and
              guarantees at least the same uptime and bandwidth. The current farmer earns
              nothing: all $71.25 you paid moves with the rental, and you pay nothing more until
              you extend it at the price shown.
            If you have no access by 30 July 2026, 11:50 UTC, you are refunded in full
              automatically, on this slice or another.
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/move
            [hidden node_id=node32] [hidden slice_id=node32_slice_2] [hidden offer_version=2]
            Canal house
            node32_slice_2, Ghent, Belgium
            Monthly price: $25.00
            Guaranteed: 99.5% uptime, 1,000 Mbit/s
            (Move to node32_slice_2)
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
    let stays = shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
        page::MoveRental::new(visit, &rental, &[], &found)
    });
    check(
        &stays,
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another node
            You can move a rental only when its node leaves the market or its access is overdue.
              Neither applies to this one.
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
}
