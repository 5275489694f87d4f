//! A renter's whole journey: slices found and rented, one of them named, extended, renewed by
//! itself and ended, with every amount in the wallet, on receipts and in the month's statement;
//! then a whole node.

use std::sync::Arc;

use browser::{Tab, journey};
use e2e::{Client, Market, PASSWORD};
use serde_json::json;

const RENTER: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renter_holds_slices_to_their_end() {
    let market = Arc::new(Market::start().await);
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish_as(32, &terms("Alpine one", "25")).await;
    market.sign_up("other@example.org").await.publish_as(7002, &terms("Beta", "20")).await;
    market.sign_up(RENTER).await;
    let url = market.url();
    journey(&url, |tab| async move {
        tab.open("/login").await;
        tab.fill("email", RENTER).await;
        tab.fill("password", PASSWORD).await;
        tab.submit().await;
        tab.see(RENTER).await;
        lack_the_money(&tab).await;
        market.credit(RENTER, "300").await.ok(201);
        rent_two_slices(&tab).await;
        see_the_rentals(&tab).await;
        name_one(&tab).await;
        extend_by_three_months(&tab).await;
        renew_by_itself(&tab).await;
        market.pass(10 * DAY);
        end_early(&tab).await;
        read_the_books(&tab).await;
        meet_a_new_price(&tab, &market, &farmer).await;
        rent_a_whole_node(&tab).await;
        see_it_run_out(&tab, &market).await;
        tab.check_console().await;
        market.check_invariants().await;
    })
    .await;
}

/// A day, in seconds.
const DAY: i64 = 86_400;

fn terms(name: &str, price: &str) -> serde_json::Value {
    json!({
        "name": name,
        "price_per_month": price,
        "min_uptime": 99.5,
        "min_bandwidth_mbps": 100,
    })
}

async fn lack_the_money(tab: &Tab) {
    tab.open("/marketplace/compute/node32").await;
    tab.press("Rent a slice").await;
    tab.see("Your balance is $25.00 short of this total.").await;
    tab.take_pictures_of_dialog("40-dialog-without-money").await;
    tab.open("/dashboard/wallet").await;
    tab.see("with your email address and the amount.").await;
    tab.take_pictures("41-wallet-empty").await;
}

async fn rent_two_slices(tab: &Tab) {
    tab.open("/marketplace/compute").await;
    tab.fill("place", "Belgium").await;
    tab.press("Show slices").await;
    tab.press("Alpine one").await;
    tab.arrive("Alpine one").await;
    tab.press("Rent a slice").await;
    choose(tab, "count", "2").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$50.00");
    // The total of the whole node is more than the wallet holds only for longer terms.
    tab.click("label:has([name=whole_node][value=yes])").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$225.00");
    tab.click("label:has([name=duration_months][value='3'])").await;
    assert_eq!(tab.text("[data-shows=missing]").await, "$341.25");
    tab.click("label:has([name=duration_months][value='1'])").await;
    choose(tab, "count", "2").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$50.00");
    tab.take_pictures_of_dialog("42-dialog-two-slices").await;
    tab.press("Rent for $50.00").await;
    tab.see("Rented and paid for the full term.").await;
}

/// Chooses an option, as the keyboard does.
async fn choose(tab: &Tab, name: &str, value: &str) {
    let script = format!(
        "const field = document.querySelector('main [name={name}]');
         field.value = '{value}';
         field.dispatchEvent(new Event('change', {{ bubbles: true }}));
         return field.value"
    );
    assert_eq!(tab.script(&script).await, value);
}

async fn see_the_rentals(tab: &Tab) {
    tab.arrive("My slices").await;
    tab.see("node32_slice_1").await;
    tab.see("node32_slice_2").await;
    tab.see("Access: not set up yet").await;
    tab.take_pictures("43-my-slices").await;
    tab.press("node32_slice_1").await;
    tab.arrive("node32_slice_1").await;
    tab.see("Its farm has no automatic setup").await;
    tab.take_pictures("44-rental").await;
}

async fn name_one(tab: &Tab) {
    tab.click("#name-and-labels summary").await;
    tab.fill("name", "Mail server").await;
    tab.fill("labels", "mail, production").await;
    tab.press("Save name and labels").await;
    tab.arrive("Mail server").await;
    tab.see("Saved.").await;
}

async fn extend_by_three_months(tab: &Tab) {
    tab.press("Billing").await;
    tab.see("Auto-renew").await;
    tab.click("#extend label:has([value='3'])").await;
    assert_eq!(tab.text("#extend [data-shows=total]").await, "$71.25");
    tab.press("Extend for $71.25").await;
    tab.arrive("Extend rental").await;
    tab.press("Extend for $71.25").await;
    tab.see("Extended and paid.").await;
    assert_eq!(tab.text(".nav-figure").await, "$178.75");
    tab.see("Extension 1").await;
}

async fn renew_by_itself(tab: &Tab) {
    choose(tab, "max_price", "28").await;
    tab.click("#renew-term").await;
    tab.click("#renew-term option[value='1']").await;
    tab.press("Save auto-renew").await;
    tab.see("the rental is extended by 1 month at up to $28.00").await;
    tab.take_pictures("45-rental-extended").await;
}

async fn end_early(tab: &Tab) {
    tab.click("#end a").await;
    tab.arrive("End rental").await;
    tab.see("Used: 10 days").await;
    assert_eq!(tab.text(".sum-total strong").await, "$87.92");
    tab.take_pictures("46-end").await;
    tab.press("End rental and refund $87.92").await;
    tab.see("Rental ended. The refund is in your wallet.").await;
    assert_eq!(tab.text(".nav-figure").await, "$266.67");
    tab.take_pictures("47-rental-ended").await;
}

async fn read_the_books(tab: &Tab) {
    tab.click(".site-nav a[href='/dashboard/wallet']").await;
    tab.arrive("Wallet").await;
    tab.see("+$87.92").await;
    tab.take_pictures("48-wallet").await;
    tab.click("main .money a.under").await;
    tab.see("$87.92").await;
    tab.take_pictures("49-receipt-of-the-refund").await;
    tab.open("/dashboard/wallet").await;
    tab.press("Monthly statements").await;
    tab.arrive("Statements").await;
    tab.take_pictures("50-statements").await;
    tab.click("main table a").await;
    tab.see("$266.67").await;
    tab.take_pictures("51-statement").await;
}

/// The dialog was open while the farmer raised the price: nothing is charged, and the new total is
/// what the page goes on with.
async fn meet_a_new_price(tab: &Tab, market: &Market, farmer: &Client) {
    tab.open("/marketplace/compute/node32").await;
    tab.press("Rent a slice").await;
    let raised = json!({ "price_per_month": "30" });
    farmer.patch("/api/farm/nodes/node32", &raised).await.ok(200);
    // While something is rented, a raise waits a day.
    market.pass(DAY);
    market.run_clock().await.expect("the clock runs");
    tab.press("Rent for $25.00").await;
    tab.see("Nothing was rented or charged").await;
    tab.see("The current total is $30.00.").await;
    tab.clear_console().await;
    tab.take_pictures("52-price-changed").await;
}

async fn rent_a_whole_node(tab: &Tab) {
    tab.open("/marketplace/compute/node7002").await;
    tab.press("Rent a slice").await;
    tab.click("label:has([name=whole_node][value=yes])").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$60.00");
    tab.take_pictures_of_dialog("53-dialog-whole-node").await;
    tab.press("Rent for $60.00").await;
    tab.see("Rented and paid for the full term.").await;
    tab.see("whole node").await;
    tab.take_pictures("54-rental-whole-node").await;
    tab.open("/marketplace/compute/node7002").await;
    tab.see("One renter holds this whole node, all 3 slices of it.").await;
    tab.take_pictures("55-node-rented-whole").await;
}

/// Who comes too late is told what else there is; and a term that is over is kept for two days.
async fn see_it_run_out(tab: &Tab, market: &Market) {
    tab.open("/marketplace/compute/node32").await;
    tab.press("Rent a slice").await;
    choose(tab, "count", "5").await;
    let other = market.sign_up_with("rival@example.org", "1000").await;
    let body = json!({ "node_id": "node32", "count": 8, "duration_months": 1 });
    other.post("/api/marketplace/rent-slice", &body).await.ok(201);
    tab.press("Rent for $150.00").await;
    tab.see("Nothing was rented or charged").await;
    tab.clear_console().await;
    tab.take_pictures("56-sold-out").await;
    market.pass(20 * DAY);
    market.sync().await;
    // Nobody was here for so long that the session is over.
    tab.open("/dashboard/slices").await;
    tab.fill("email", RENTER).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.arrive("My slices").await;
    tab.press("node32_slice_2").await;
    tab.see("Until").await;
    tab.take_pictures("57-rental-in-grace").await;
}
