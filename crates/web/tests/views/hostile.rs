//! Whatever the grid, a farmer or a renter says is text on a page, from the store to the browser.

use askama::Template;
use domain::listing::Listing;
use store::RusqliteDb;
use store::sync::{self, RefusedDocument};
use web::view;
use web::{Kind, Problem};

use crate::html;
use crate::market::{Who, empty, form, now, offer, register, rent, report};
use crate::{account, books, comparison, farmer, renter};

const HOSTILE: &str = "<3>\"&'</title><script src=\"x\"></script>";
/// How a page must print it, in text and in attributes alike.
const ESCAPED: &str = "&#60;3&#62;&#34;&#38;&#39;&#60;/title&#62;";

/// A market whose node says something hostile wherever it can.
fn market() -> RusqliteDb {
    let db = empty();
    let mut report = report(32, 3);
    for text in [&mut report.farm_name, &mut report.country, &mut report.city] {
        HOSTILE.clone_into(text);
    }
    register(&db, HOSTILE, &report);
    offer(&db, 32, HOSTILE, Listing::Published);
    db
}

/// Expects the text on a page, every time as text.
#[track_caller]
fn check(page: &impl Template) {
    let html = page.render().expect("templates print fields only");
    html::check_form("hostile", &html);
    assert!(!html.contains("<3>"), "printed as markup");
    let ours = html.matches("<script src=\"/static/").count();
    assert_eq!(html.matches("<script").count(), ours, "only our own scripts");
    assert!(html.contains(ESCAPED), "not printed at all");
}

#[test]
fn names_from_the_grid_are_text_on_every_page() {
    let db = market();
    check(&renter::compute(&db, Who::Visitor, "/marketplace/compute"));
    check(&renter::node(&db, Who::Visitor));
    check(&renter::node(&db, Who::Omar));
    check(&farmer::farm(&db, Who::Fatima));
    check(&farmer::node(&db));
    check(&comparison::full(&db));
    let held = rent(&db);
    check(&renter::slices(&db, Who::Omar));
    check(&renter::rental(&db, Who::Omar, &held));
    check(&books::receipt(&db, Who::Omar));
    check(&farmer::node(&db));
}

#[test]
fn a_document_that_was_refused_is_text() {
    let db = market();
    let text = || HOSTILE.to_owned();
    let refused = RefusedDocument { node_id: 32, reason: text(), excerpt: text() };
    sync::save_refused(&db, &[refused], now()).unwrap();
    check(&farmer::farm(&db, Who::Fatima));
    check(&farmer::node(&db));
}

#[test]
fn what_an_address_or_a_form_says_is_text() {
    let db = market();
    let sent = hostile_fields();
    let path = format!("/marketplace/compute?{sent}&max_price=x");
    check(&renter::compute(&db, Who::Visitor, &path));
    let problem = Problem::new(Kind::SoldOut, HOSTILE);
    let sent = form(&sent);
    check(&renter::node(&db, Who::Omar).refused(&problem, &[]));
    check(&farmer::farm(&db, Who::Fatima).refused(&sent, &problem));
    check(&farmer::node(&db).refused(&sent, &problem));
    check(&account::signup(None).refused(&sent, &problem));
    check(&account::login(view::next(Some("/a"))).refused(&sent, &problem));
}

/// Hostile text in every field of every form.
fn hostile_fields() -> String {
    let fields = ["country", "grid_node_id", "name", "price_per_month", "email"];
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.map(|field| (field, HOSTILE)))
        .finish()
}
