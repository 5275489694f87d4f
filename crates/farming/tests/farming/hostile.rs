//! Whatever the grid or a farmer says is text on a page, from the store to the browser.

use domain::listing::Listing;
use stage::{HOSTILE, Stage, report};
use store::Db;
use store::sync::{self, RefusedDocument};

use crate::{FARM, NODE, ask, send};

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
    for path in ["", "/market", "/leave", "/history", "/maintenance"] {
        ask(&stage, &format!("{NODE}{path}")).escapes_hostile_text();
    }
    ask(&stage, FARM).escapes_hostile_text();
    stage.rent();
    ask(&stage, NODE).escapes_hostile_text();
}

#[test]
fn the_name_of_a_renter_is_text() {
    let stage = Stage::three_slices();
    stage.rent();
    let name = "UPDATE accounts SET display_name = ?1";
    stage.db.run(name, &[HOSTILE.into()]).unwrap();
    for path in [FARM, NODE, &format!("{NODE}/leave")] {
        ask(&stage, path).escapes_hostile_text();
    }
}

#[test]
fn a_document_that_was_refused_is_text() {
    let stage = market();
    let text = || HOSTILE.to_owned();
    let refused = RefusedDocument { node_id: 32, reason: text(), excerpt: text() };
    sync::save_refused(&stage.db, &[refused], stage.now()).unwrap();
    ask(&stage, FARM).escapes_hostile_text();
    ask(&stage, NODE).escapes_hostile_text();
}

#[test]
fn what_a_form_says_is_text() {
    let stage = market();
    let long = HOSTILE.repeat(3);
    send(&stage, "/dashboard/farm/nodes", &[("grid_node_id", HOSTILE)]).escapes_hostile_text();
    let fields = ["price_per_month", "min_uptime", "min_bandwidth_mbps", "name"];
    let change: Vec<_> = [("offer_version", "2")]
        .into_iter()
        .chain(fields.map(|field| (field, long.as_str())))
        .collect();
    send(&stage, NODE, &change).escapes_hostile_text();
    let leave = format!("{NODE}/leave");
    send(&stage, &leave, &[("leaves_at", HOSTILE)]).escapes_hostile_text();
    ask(&stage, &format!("{NODE}/market?price=%3C3%3E%22%26%27%3C/title%3E"))
        .escapes_hostile_text();
}
