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
        From your notice on, the node is off the market, and no rental of it is extended
          beyond its last day. Its renters are told at once. Whoever has paid for longer is
          refunded for every day that they do not get, or goes on with another farmer's node
          if they like that better.
        post /dashboard/farm/nodes/node32/withdraw
        It leaves on
        At the beginning of that day, in UTC. Renters have at least 30 days. [date
          leaves_at=2026-08-29 required]
        (Give notice) Keep the node </dashboard/farm/nodes/node32>
        Rentals
        The rentals of this node, and what becomes of them
        | Slice | Renter | Paid until | What becomes of it
        | node32_slice_1 | o&#39;mar&#38;co@example.org | 29 October 2026 | refunded from
          that day on, or moved before it, as its renter chooses"#]],
    );
    let sent: Form = form("leaves_at=soon");
    let problem = Problem::fields(vec![wrong("leaves_at", "a day, such as 2027-03-31")]);
    let refused = leave(&db).refused(&sent, &problem);
    check(
        &refused,
        expect![[r#"
        Canal house </dashboard/farm/nodes/node32>
        Leave the market
        From your notice on, the node is off the market, and no rental of it is extended
          beyond its last day. Its renters are told at once. Whoever has paid for longer is
          refunded for every day that they do not get, or goes on with another farmer's node
          if they like that better.
        post /dashboard/farm/nodes/node32/withdraw
        It leaves on
        At the beginning of that day, in UTC. Renters have at least 30 days. [date
          leaves_at=soon required]
        A day, such as 2027-03-31.
        (Give notice) Keep the node </dashboard/farm/nodes/node32>
        Rentals
        The rentals of this node, and what becomes of them
        | Slice | Renter | Paid until | What becomes of it
        | node32_slice_1 | o&#39;mar&#38;co@example.org | 29 October 2026 | refunded from
          that day on, or moved before it, as its renter chooses"#]],
    );
    withdraw(&db);
    let again = leave(&db).refused(&sent, &Problem::plain(Kind::NodeLeaving));
    check(
        &again,
        expect![[r#"
        Canal house </dashboard/farm/nodes/node32>
        Leave the market
        The node leaves the market. Take the notice back first, where that is what you want.
        This node leaves on 28 August 2026, 12:00 UTC. It is off the market, and its renters
          are told.
        post /dashboard/farm/nodes/node32/stay
        (Take the notice back)
        Rentals
        The rentals of this node, and what becomes of them
        | Slice | Renter | Paid until | What becomes of it
        | node32_slice_1 | o&#39;mar&#38;co@example.org | 29 October 2026 | refunded from
          that day on, or moved before it, as its renter chooses"#]],
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
        This node left on 29 July 2026, 12:00 UTC. Nothing of it is offered, whatever the
          grid reports.
        post /dashboard/farm/nodes/node32/stay
        (Bring the node back)
        Rentals
        Nothing of this node is rented."#]],
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
    assert!(notice.can_move && notice.stay.contains("is paid back by itself"), "{notice:?}");
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
        Go on with another node
        The node of this rental leaves on 28 August 2026, 12:00 UTC. Each of these slices
          costs no more and promises no less. $71.25 of what you have paid is still held for
          the rental: it goes with it, and nothing more is charged. Later extensions cost the
          price that is shown.
        The data stays behind, and the new machine has to be set up anew: copy what you need
          first.
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/move
        [hidden node_id=node33] [hidden slice_id=node33_slice_1] [hidden offer_version=2]
        Mill
        node33_slice_1, Ghent, Belgium
        A month: $25.00
        Promise: 99.5% uptime, 1,000 Mbit/s
        (Move to node33_slice_1)
        Back to the rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
    let none = shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
        page::MoveRental::new(visit, &held, &[], &[])
    });
    let problem = Problem::plain(Kind::OfferChanged);
    check(
        &none.refused(&problem),
        expect![[r#"
        node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
        Go on with another node
        The offer has changed. Read the offer again and decide anew; nothing was charged.
        The node of this rental leaves on 28 August 2026, 12:00 UTC. Each of these slices
          costs no more and promises no less. $71.25 of what you have paid is still held for
          the rental: it goes with it, and nothing more is charged. Later extensions cost the
          price that is shown.
        The data stays behind, and the new machine has to be set up anew: copy what you need
          first.
        No equivalent slice is free now. Look again later, or end the rental for its refund.
        Back to the rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
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
    let go_on = "/move\">Go on with another slice</a>";
    assert!(html.contains(go_on) && html.contains("/end\">End the rental now</a>"), "{html}");
    assert!(page.access.text.contains("on another slice"), "{}", page.access.text);

    let found = leaving::alternatives(&db, &rental, Owed::Overdue, now()).unwrap();
    let choose = shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
        page::MoveRental::new(visit, &rental, &machines(now()), &found)
    });
    check(
        &choose,
        expect![[r#"
        node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
        Go on with another slice
        The machine of this rental is late or could not be set up. If you agree, it is set up
          on another slice, with the same key and the same start. Each of these slices costs
          no more and promises no less. The farmer that you leave has earned nothing: $71.25
          of what you have paid goes with the rental, and nothing more is charged. Later
          extensions cost the price that is shown.
        If there is no access by 30 July 2026, 11:50 UTC, everything is paid back by itself,
          wherever the rental is then.
        post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/move
        [hidden node_id=node32] [hidden slice_id=node32_slice_2] [hidden offer_version=2]
        Canal house
        node32_slice_2, Ghent, Belgium
        A month: $25.00
        Promise: 99.5% uptime, 1,000 Mbit/s
        (Move to node32_slice_2)
        Back to the rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
    let stays = shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
        page::MoveRental::new(visit, &rental, &[], &found)
    });
    check(
        &stays,
        expect![[r#"
        node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
        Go on with another node
        The node of this rental stays on the market, and its access is not overdue: there is
          no reason to go.
        Back to the rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
}
