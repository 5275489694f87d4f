//! Whatever the grid, a farmer or a renter says is text on a page, from the store to the browser.

use domain::listing::Listing;
use stage::{ADA, HOSTILE, Stage, report};

/// A market whose node says something hostile wherever it can.
fn market() -> Stage {
    let stage = Stage::without_nodes();
    let mut report = report(32, 3);
    for text in [&mut report.farm_name, &mut report.country, &mut report.city] {
        HOSTILE.clone_into(text);
    }
    stage.register(HOSTILE, &report);
    stage.offer(32, HOSTILE, Listing::Published);
    stage
}

#[test]
fn names_from_the_grid_are_text_on_every_page() {
    let stage = market();
    let (market, node) = ("/marketplace/compute", "/marketplace/compute/node32");
    for path in [market, node] {
        stage.as_visitor().get(renting::ROUTES, path).escapes_hostile_text();
    }
    let rental = format!("/dashboard/slices/{}", stage.rent().life.id);
    for path in [market, node, "/dashboard/slices", &rental] {
        stage.as_user(ADA).get(renting::ROUTES, path).escapes_hostile_text();
    }
}

#[test]
fn what_an_address_or_a_form_says_is_text() {
    let stage = market();
    let fields = ["country", "grid_node_id", "name", "price_per_month", "email"];
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(fields.map(|field| (field, HOSTILE)))
        .finish();
    for path in [
        format!("/marketplace/compute?{query}"),
        format!("/marketplace/compute?{query}&max_price=x"),
    ] {
        stage.as_visitor().get(renting::ROUTES, &path).escapes_hostile_text();
    }
    let ada = stage.as_user(ADA);
    let order = [("node_id", "node32"), ("duration_months", HOSTILE), ("idempotency_key", HOSTILE)];
    ada.form(renting::ROUTES, "/dashboard/slices", &order).escapes_hostile_text();
    let rental = format!("/dashboard/slices/{}", stage.rent().life.id);
    let long = HOSTILE.repeat(3);
    for (form, fields) in [
        ("auto-renew", &[("duration_months", "1"), ("max_price", long.as_str())][..]),
        ("name", &[("name", ""), ("labels", &long)]),
        ("transfer", &[("email", &long)]),
    ] {
        let path = format!("{rental}/{form}");
        ada.form(renting::ROUTES, &path, fields).escapes_hostile_text();
    }
}

#[test]
fn what_a_renter_calls_a_rental_is_text() {
    let stage = Stage::three_slices();
    let rental = format!("/dashboard/slices/{}", stage.rent().life.id);
    let ada = stage.as_user(ADA);
    let fields = [("name", HOSTILE), ("labels", HOSTILE)];
    ada.form(renting::ROUTES, &format!("{rental}/name"), &fields).see_other();
    let (end, choose) = (format!("{rental}/cancel"), format!("{rental}/move"));
    for path in ["/dashboard/slices", &rental, &end, &choose] {
        ada.get(renting::ROUTES, path).escapes_hostile_text();
    }
}
