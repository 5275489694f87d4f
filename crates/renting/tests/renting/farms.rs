//! The page of a farm that everybody may see, and its badge.

use domain::listing::Listing;
use stage::{HOSTILE, Stage, report};

#[test]
fn a_farm_has_a_page_while_it_is_on_the_market() {
    let stage = Stage::three_slices();
    stage.rent();
    let page = stage.as_visitor().get(renting::ROUTES, "/farms/1").page(200);
    for part in [
        "Freefarm",
        "1 node on the market, 2 of 3 slices free.",
        "Canal house",
        "No SLA credit was due in the last year.",
        "/farms/1/badge.svg",
    ] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let node = stage.as_visitor().get(renting::ROUTES, "/marketplace/compute/node32").html(200);
    assert!(node.contains("href=\"/farms/1\""), "{node}");
    for path in ["/farms/2", "/farms/01", "/farms/x", "/farms/0", "/farms/2/badge.svg"] {
        stage.as_visitor().get(renting::ROUTES, path).html(404);
    }
    let draft = Stage::without_nodes();
    draft.register("node32", &report(32, 3));
    draft.as_visitor().get(renting::ROUTES, "/farms/1").html(404);
}

#[test]
fn a_badge_is_kept_and_can_be_shown_elsewhere() {
    let stage = Stage::three_slices();
    let badge = stage.as_visitor().get(renting::ROUTES, "/farms/1/badge.svg");
    let header = |name: &str| badge.headers()[name].to_str().unwrap().to_owned();
    assert_eq!((badge.status(), header("content-type").as_str()), (200, "image/svg+xml"));
    assert_eq!(header("cache-control"), "public, max-age=3600");
    assert_eq!(header("cross-origin-resource-policy"), "cross-origin");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert!(badge.text().contains("no checks yet"), "{}", badge.text());
    let page = stage.as_visitor().get(renting::ROUTES, "/farms/1");
    assert_eq!(page.headers()["cross-origin-resource-policy"], "same-origin");
}

#[test]
fn what_a_farmer_wrote_is_text() {
    let stage = Stage::without_nodes();
    let mut report = report(32, 3);
    for text in [&mut report.farm_name, &mut report.country, &mut report.city] {
        HOSTILE.clone_into(text);
    }
    stage.register(HOSTILE, &report);
    stage.offer(32, HOSTILE, Listing::Published);
    stage.as_visitor().get(renting::ROUTES, "/farms/1").escapes_hostile_text();
    let badge = stage.as_visitor().get(renting::ROUTES, "/farms/1/badge.svg").text();
    assert!(!badge.contains("script"), "{badge}");
}
