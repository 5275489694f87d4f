//! The main path as people walk it: a farmer offers a node, a renter finds it and rents a slice.

use std::sync::Arc;

use browser::{ENTER, ESCAPE, Tab, journey};
use e2e::{Market, PASSWORD};

const FARMER: &str = "farmer@example.org";
const RENTER: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renter_finds_and_rents_what_a_farmer_has_offered() {
    let market = Arc::new(Market::start().await);
    let url = market.url();
    journey(&url, |tab| async move {
        look_around(&tab).await;
        offer_a_node(&tab).await;
        sign_out(&tab).await;
        sign_up(&tab, RENTER).await;
        market.credit(RENTER, "100").await.ok(201);
        find_the_node(&tab).await;
        open_and_close_the_dialog_by_keyboard(&tab).await;
        rent_for_three_months(&tab).await;
        look_at_the_wallet(&tab).await;
        sign_out(&tab).await;
        see_who_rents(&tab).await;
        change_the_settings(&tab).await;
        operate(&tab, &market).await;
        forget_the_password(&tab).await;
        lose_the_way(&tab).await;
        market.check_invariants().await;
    })
    .await;
}

async fn look_around(tab: &Tab) {
    tab.open("/").await;
    tab.see("Servers, by the slice.").await;
    tab.take_pictures("01-start").await;
    tab.press("Find a slice").await;
    tab.arrive("Slices for rent").await;
    tab.see("No nodes on the market yet").await;
    tab.take_pictures("02-market-empty").await;
    for (path, picture) in [("/docs/api", "03-api"), ("/docs/problems", "04-problems")] {
        tab.open(path).await;
        tab.take_pictures(picture).await;
    }
}

async fn sign_up(tab: &Tab, email: &str) {
    tab.press("Sign up").await;
    tab.arrive("Create an account").await;
    tab.fill("email", email).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.see("Your account is ready.").await;
    tab.check_console().await;
}

async fn sign_out(tab: &Tab) {
    tab.press("Sign out").await;
    tab.see("You are signed out.").await;
}

async fn offer_a_node(tab: &Tab) {
    tab.open("/signup").await;
    tab.take_pictures("05-sign-up").await;
    sign_up(tab, FARMER).await;
    tab.click(".site-nav a[href='/dashboard/farm']").await;
    tab.arrive("Farm").await;
    tab.take_pictures("06-farm-empty").await;

    tab.fill("grid_node_id", "32").await;
    tab.press("Add node").await;
    tab.arrive("node32").await;
    tab.see("This node can provide 9 slices").await;
    tab.take_pictures("07-node-draft").await;

    tab.fill("price_per_month", "25").await;
    tab.fill("min_uptime", "99.5").await;
    tab.fill("min_bandwidth_mbps", "100").await;
    tab.fill("name", "Alpine one").await;
    tab.press("Save offer").await;
    tab.arrive("Alpine one").await;
    tab.see("up to $225.00 per month at your price").await;
    tab.press("Publish node").await;
    tab.see("Node published.").await;
    tab.take_pictures("08-node-published").await;
}

async fn find_the_node(tab: &Tab) {
    tab.arrive("Slices for rent").await;
    tab.fill("place", "Belgium").await;
    tab.fill("max_price", "30").await;
    tab.press("Show slices").await;
    tab.see("1 node, lowest price first").await;
    let path = tab.path().await;
    assert!(path.contains("place=Belgium") && path.contains("max_price=30"), "{path}");
    tab.take_pictures("09-market-filtered").await;
    tab.press("Alpine one").await;
    tab.arrive("Alpine one").await;
    tab.take_pictures("10-node").await;
}

async fn open_and_close_the_dialog_by_keyboard(tab: &Tab) {
    let is_open = "return document.querySelector('dialog#rent').matches(':modal')";
    let is_focused = "return document.activeElement.matches('[data-opens=rent]')";
    assert_eq!(tab.script(is_open).await, false);
    tab.script("document.querySelector('[data-opens=rent]').focus()").await;
    tab.key(ENTER).await;
    assert_eq!(tab.script(is_open).await, true);
    let within = "return document.querySelector('dialog#rent').contains(document.activeElement)";
    assert_eq!(tab.script(within).await, true);
    tab.key(ESCAPE).await;
    assert_eq!(tab.script(is_open).await, false);
    assert_eq!(tab.script(is_focused).await, true, "the focus goes back to where it came from");
}

async fn rent_for_three_months(tab: &Tab) {
    tab.press("Rent a slice").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$25.00");
    // The total follows the choice, and what the wallet lacks is said at once.
    tab.click("label:has([name=duration_months][value='3'])").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$71.25");
    tab.click("label:has([name=duration_months][value='12'])").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$255.00");
    assert_eq!(tab.text("[data-shows=missing]").await, "$155.00");
    tab.click("label:has([name=duration_months][value='3'])").await;
    assert_eq!(tab.text("[data-shows=total]").await, "$71.25");
    tab.take_pictures_of_dialog("11-rent-dialog").await;
    tab.press("Rent for $71.25").await;
    tab.see("Rented and paid for the full term.").await;
    let title = tab.text("h1").await;
    assert!(title.starts_with("node32_slice_"), "{title}");
    tab.take_pictures("12-rental").await;
    tab.click(".site-nav a[href='/dashboard/slices']").await;
    tab.arrive("My slices").await;
    tab.see(&title).await;
    tab.take_pictures("13-my-slices").await;
}

async fn look_at_the_wallet(tab: &Tab) {
    tab.click(".site-nav a[href='/dashboard/wallet']").await;
    tab.arrive("Wallet").await;
    assert_eq!(tab.text(".price strong").await, "$28.75");
    tab.take_pictures("14-wallet").await;
}

async fn see_who_rents(tab: &Tab) {
    tab.open("/dashboard/farm").await;
    tab.arrive("Sign in").await;
    tab.take_pictures("15-sign-in").await;
    tab.fill("email", FARMER).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    // Signing in leads to the page that was asked for.
    tab.arrive("Farm").await;
    tab.take_pictures("16-farm").await;
    tab.press("Alpine one").await;
    tab.see(RENTER).await;
    tab.see("1 rented, 8 available.").await;
    tab.take_pictures("17-node-rented").await;
}

async fn change_the_settings(tab: &Tab) {
    tab.click(".site-email").await;
    tab.arrive("Settings").await;
    tab.take_pictures("18-settings").await;
    tab.click("main a[href='/dashboard/settings/tokens']").await;
    tab.arrive("API tokens").await;
    tab.see("No tokens yet.").await;
    tab.take_pictures("19-settings").await;
    tab.fill("name", "backup of the farm").await;
    tab.click("[name=scopes][value=farm]").await;
    tab.fill("spending_limit_usd", "100").await;
    tab.press("Create token").await;
    tab.arrive("Your new token").await;
    tab.see("Copy token").await;
    tab.take_pictures("20-token-made").await;
    tab.press("Back to API tokens").await;
    tab.see("Scopes: read, farm").await;
    tab.open("/dashboard/settings/security").await;
    tab.fill("current_password", "not this one").await;
    tab.click("#new-password").await;
    tab.key("quite another few words").await;
    tab.submit().await;
    tab.see("Incorrect password.").await;
    // The page opens at the mistake, which is far below its top.
    let focused = "return document.activeElement.id";
    assert_eq!(tab.script(focused).await, "current-password");
    // The browser complains of the status.
    tab.clear_console().await;
    tab.take_pictures("21-settings-refused").await;
    tab.open("/dashboard/settings/activity").await;
    tab.take_pictures("22-activity").await;
    tab.open("/dashboard/farm/payout").await;
    tab.take_pictures("23-payout-locked").await;
}

async fn operate(tab: &Tab, market: &Market) {
    let somebody = market.visitor().with_cookie(&tab.cookie("session").await);
    let account = somebody.get("/api/account").await.ok(200);
    let grant = format!(
        "/api/admin/accounts/{}/grant-operator",
        account["id"].as_str().unwrap_or_default()
    );
    market.operator().post_empty(&grant).await.ok(204);
    market.strengthen(&somebody);
    market.sync().await;
    market.put_failed_mail(RENTER);
    tab.open("/dashboard/farm/payout").await;
    tab.fill("payout_address", "BE71 0961 2345 6769").await;
    tab.press("Save payout address").await;
    tab.see("Payout address saved.").await;
    tab.take_pictures("24-payout").await;
    tab.click(".site-nav a[href='/operator']").await;
    tab.arrive("Operator").await;
    tab.see("all checks pass").await;
    tab.take_pictures("25-operator").await;
    tab.press("Accounts").await;
    tab.arrive("Accounts").await;
    tab.take_pictures("26-operator-accounts").await;
    tab.open("/operator/audit").await;
    tab.take_pictures("27-operator-audit").await;
    sign_out(tab).await;
}

/// What a visitor sees of the pages that lead through a mail.
async fn forget_the_password(tab: &Tab) {
    for (path, picture) in [
        ("/docs/limits", "28-limits"),
        ("/reset", "29-reset-without-mail"),
        ("/mail-sent", "30-mail-sent"),
        ("/signup/confirm?code=c0ffee", "31-confirm"),
        ("/reset/confirm?code=c0ffee", "32-new-password"),
    ] {
        tab.open(path).await;
        tab.take_pictures(picture).await;
    }
    // Such a page sends no referrer, and its form is still taken for one of this site.
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.see("This code has expired").await;
    tab.see("Request a new link").await;
    tab.clear_console().await;
    tab.take_pictures("33-expired-code").await;
}

/// The page of a problem; the browser complains of its status, so this comes last.
async fn lose_the_way(tab: &Tab) {
    tab.open("/nothing").await;
    tab.arrive("Not found").await;
    tab.clear_console().await;
    tab.take_pictures("18-nothing").await;
}
