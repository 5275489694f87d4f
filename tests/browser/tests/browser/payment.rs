//! Paying money into the wallet, from a real browser: it holds the content security policy against
//! where a form leads on to.

use std::sync::Arc;

use browser::journey;
use e2e::{Localstripe, PASSWORD};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_tops_up_by_card_and_comes_back() {
    let stripe = Localstripe::start_with_checkout().await;
    let market = Arc::new(stripe.market().await);
    stripe.notify("market", &market, Localstripe::SECRET).await;
    let url = market.url();
    journey(&url, |tab| async move {
        tab.open("/signup").await;
        tab.fill("email", "ada@example.org").await;
        tab.fill("password", PASSWORD).await;
        tab.submit().await;
        tab.see("Your account is ready.").await;
        tab.open("/dashboard/wallet").await;
        tab.check_names().await;
        tab.fill("amount_usd", "30").await;
        tab.check_console().await;
        tab.press("Continue to payment").await;
        tab.see("Pay 30.00").await;
        // What that page lacks is not ours.
        tab.clear_console().await;
        // Who turns back finds the way there again.
        let ada = market.sign_in("ada@example.org").await;
        let begun = ada.get("/api/wallet/top-ups").await.ok(200);
        let id = begun["items"][0]["id"].as_str().unwrap();
        tab.open(&format!("/dashboard/wallet?canceled={id}")).await;
        tab.see("Payment canceled. You were not charged.").await;
        tab.take_pictures("29-top-up-waits").await;
        tab.check_console().await;
        tab.press("Pay").await;
        tab.see("Pay 30.00").await;
        tab.clear_console().await;
        tab.press("Pay 30.00").await;
        tab.see("Thank you. The credit appears here once the payment is confirmed.").await;
        market.sign_in("ada@example.org").await.wait_for_balance("30.00").await;
        tab.open("/dashboard/wallet").await;
        tab.see("Credit: Top-up by card").await;
        tab.take_pictures("30-topped-up").await;
        tab.check_console().await;
    })
    .await;
}
