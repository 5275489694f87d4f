//! What a farmer reads who leaves, and a renter whose node does.

use domain::id::NodeId;
use domain::listing::Listing;
use expect_test::expect;
use store::{RusqliteDb, leaving, nodes, rentals};
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
    check(&leave(&db), expect![[r#""#]]);
    let sent: Form = form("leaves_at=soon");
    let problem = Problem::fields(vec![wrong("leaves_at", "a day, such as 2027-03-31")]);
    let refused = leave(&db).refused(&sent, &problem);
    check(&refused, expect![[r#""#]]);
    withdraw(&db);
    let again = leave(&db).refused(&sent, &Problem::plain(Kind::NodeLeaving));
    check(&again, expect![[r#""#]]);
}

#[test]
fn a_node_that_nobody_rents_leaves_today() {
    let db = market();
    withdraw(&db);
    check(&leave(&db), expect![[r#""#]]);
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
    let found = leaving::alternatives(&db, &held).unwrap();
    let choose = || {
        shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
            page::MoveRental::new(visit, &held, &found)
        })
    };
    check(&choose(), expect![[r#""#]]);
    let none = shown(&db, Who::Omar, "/dashboard/slices/x/move", |_, visit| {
        page::MoveRental::new(visit, &held, &[])
    });
    let problem = Problem::plain(Kind::OfferChanged);
    check(&none.refused(&problem), expect![[r#""#]]);
}
