//! Pages that change by themselves, and leave alone what somebody is busy with.

use std::sync::Arc;
use std::time::Duration;

use browser::{Tab, journey};
use e2e::{Client, Market, PASSWORD};
use serde_json::json;

const FARMER: &str = "farmer@example.org";
const RENTER: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_follows_what_happens() {
    let market = Arc::new(Market::start().await);
    let farmer = market.sign_up(FARMER).await;
    farmer.publish(32, "25").await;
    let renter = market.sign_up(RENTER).await;
    let url = market.url();
    journey(&url, |tab| async move {
        sign_in(&tab, RENTER).await;
        tab.open("/dashboard/wallet").await;
        tab.see("No transactions yet.").await;
        mark(&tab).await;
        market.credit(RENTER, "100").await.ok(201);
        tab.see("bank transfer").await;
        assert_eq!(tab.text(".nav-figure").await, "$100.00");
        tab.see("This page was updated.").await;
        lose_the_streams(&tab).await;
        market.credit(RENTER, "7").await.ok(201);
        tab.see("$107.00").await;
        check_mark(&tab).await;

        tab.open("/dashboard/slices").await;
        tab.see("You haven't rented a slice yet").await;
        mark(&tab).await;
        renter.rent("node32", 1).await.ok(201);
        tab.see("node32_slice_1").await;
        keep_the_focus(&tab, &renter).await;
        check_mark(&tab).await;
        tab.press("Sign out").await;

        sign_in(&tab, FARMER).await;
        keep_what_is_typed(&tab, &farmer, &renter).await;
        tab.check_console().await;
    })
    .await;
}

/// From here on no stream gets through to the page, as behind some proxies.
async fn lose_the_streams(tab: &Tab) {
    let script = "window.EventSource = class {
                      constructor() { setTimeout(() => this.failed(), 10); }
                      addEventListener(name, act) { if (name === 'error') this.failed = act; }
                      close() {}
                  };
                  document.dispatchEvent(new Event('visibilitychange'));";
    tab.script(script).await;
}

/// A list in which somebody is at a link does not change under their hands, but as soon as they
/// leave it.
async fn keep_the_focus(tab: &Tab, renter: &Client) {
    tab.script("document.querySelector('main .row-link').focus()").await;
    renter.rent("node32", 1).await.ok(201);
    tokio::time::sleep(Duration::from_secs(4)).await;
    let focused = tab.script("return document.activeElement.textContent").await;
    assert_eq!(focused, "node32_slice_1");
    assert!(!tab.text("main").await.contains("node32_slice_2"));
    tab.script("document.activeElement.blur()").await;
    tab.see("node32_slice_2").await;
}

/// A form that is half filled stays as it is, its version among that, while the page around it
/// changes: so it is still refused if the offer has changed meanwhile.
async fn keep_what_is_typed(tab: &Tab, farmer: &Client, renter: &Client) {
    let node = "/dashboard/farm/nodes/node32";
    tab.open(node).await;
    tab.see("2 rented, 7 available.").await;
    mark(tab).await;
    let form = format!("document.querySelector('main form[action=\"{node}\"]').elements");
    let version = format!("return {form}.offer_version.value");
    let before = tab.script(&version).await;
    tab.fill("price_per_month", "31").await;
    let offer = json!({ "price_per_month": "26" });
    farmer.patch("/api/farm/nodes/node32", &offer).await.ok(200);
    renter.rent("node32", 1).await.ok(201);
    tab.see("3 rented, 6 available.").await;
    assert_eq!(tab.script(&version).await, before);
    assert_eq!(tab.script(&format!("return {form}.price_per_month.value")).await, "31");
    assert_eq!(tab.script("return document.activeElement.name").await, "price_per_month");
    check_mark(tab).await;
}

async fn sign_in(tab: &Tab, email: &str) {
    tab.open("/login").await;
    tab.fill("email", email).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.see(email).await;
}

/// Leaves something in the tab that another load of the page would not have.
async fn mark(tab: &Tab) {
    tab.script("window.stayed = true").await;
}

async fn check_mark(tab: &Tab) {
    assert_eq!(tab.script("return window.stayed").await, true, "the page was loaded again");
}
