//! A farmer's whole journey: a farm is claimed, its nodes are looked at and added, one is offered
//! at an SLA whose cost is confirmed, and its first slice is rented while the farmer looks on.

use std::sync::Arc;

use browser::{Tab, journey};
use e2e::twin::{FARM, TWIN, address, sign};
use e2e::{Market, PASSWORD};
use serde_json::json;

const FARMER: &str = "farmer@example.org";
const RENTER: &str = "ada@example.org";
const NODE: &str = "/dashboard/farm/nodes/node32";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farmer_goes_from_a_claim_to_the_first_rental() {
    let market = Arc::new(Market::start().await);
    let url = market.url();
    journey(&url, |tab| async move {
        tab.open("/signup").await;
        tab.fill("email", FARMER).await;
        tab.fill("password", PASSWORD).await;
        tab.submit().await;
        tab.see("Your account is ready.").await;
        claim_the_farm(&tab).await;
        add_its_nodes(&tab).await;
        set_sla_above_measured(&tab).await;
        look_at_the_market(&tab).await;
        look_at_what_comes_later(&tab).await;
        see_the_first_rental(&tab, &market).await;
        read_what_happened(&tab).await;
        market.check_invariants().await;
    })
    .await;
}

async fn claim_the_farm(tab: &Tab) {
    tab.open("/dashboard/farm").await;
    tab.press("Verified farms").await;
    tab.arrive("Verified farms").await;
    tab.take_pictures("60-farms-none").await;
    tab.fill("grid_node_id", "32").await;
    tab.press("Continue").await;
    tab.arrive("Verify farm").await;
    tab.take_pictures("61-claim").await;
    let message = tab.text("#message").await;

    tab.fill("signature", &sign(TWIN, "another text")).await;
    tab.press("Verify farm").await;
    tab.see("another key").await;
    // The browser complains of the status.
    tab.clear_console().await;
    tab.take_pictures("62-claim-refused").await;
    tab.fill("signature", &sign(TWIN, &message)).await;
    tab.press("Verify farm").await;
    tab.see("Farm verified.").await;
    claim_it_with_a_wallet(tab).await;
    tab.take_pictures("63-farm-proven").await;
}

/// A wallet with the farm's account, as the polkadot.js extension offers itself to pages. It signs
/// what it is asked to once the test has said how.
const WALLET: &str = "
    window.injectedWeb3 = {
      'polkadot-js': {
        enable: async () => ({
          accounts: { get: async () => [{ address: 'SIGNER' }] },
          signer: {
            signRaw: ({ data }) => new Promise((sign) => {
              const asked = document.createElement('output');
              asked.id = 'asked';
              const bytes = data.slice(2).match(/../g).map((byte) => parseInt(byte, 16));
              asked.textContent = new TextDecoder().decode(new Uint8Array(bytes));
              document.body.append(asked);
              window.answer = (signature) => sign({ id: 1, signature });
            }),
          },
        }),
      },
    };";

/// The same farm again, with one click.
async fn claim_it_with_a_wallet(tab: &Tab) {
    tab.before_each_page(&WALLET.replace("SIGNER", &address(TWIN))).await;
    tab.open("/dashboard/farm/claims").await;
    tab.fill("grid_node_id", "32").await;
    tab.press("Continue").await;
    tab.see("Sign with your browser wallet").await;
    assert!(!tab.script("return document.querySelector('details').open").await.as_bool().unwrap());
    tab.take_pictures("63a-claim-by-wallet").await;
    tab.press("Sign and verify farm").await;
    let message = tab.text("#asked").await;
    // As a wallet signs all that is no transaction.
    let signature = sign(TWIN, &format!("<Bytes>{message}</Bytes>"));
    tab.script(&format!("window.answer('{signature}')")).await;
    tab.see("Farm verified.").await;
}

async fn add_its_nodes(tab: &Tab) {
    tab.click("a[href^='/dashboard/farm/add?farm=']").await;
    tab.arrive("Add nodes").await;
    tab.see("up to $225/month").await;
    tab.take_pictures("64-add-nodes").await;
    tab.press("Add selected nodes").await;
    tab.see("Nodes registered.").await;
    tab.take_pictures("65-farm-of-drafts").await;
}

async fn set_sla_above_measured(tab: &Tab) {
    tab.open(NODE).await;
    tab.fill("price_per_month", "25").await;
    tab.fill("min_uptime", "99.5").await;
    tab.fill("min_bandwidth_mbps", "900").await;
    tab.press("Save offer").await;
    tab.see("900 Mbit/s is guaranteed but 810 Mbit/s was measured").await;
    tab.clear_console().await;
    tab.take_pictures("66-promise-above-measured").await;
    tab.click("[name=confirm_cost_per_month]").await;
    // The slider goes with the field, and what it brings with both.
    let slider = "return document.querySelector('[data-slider] input').value";
    assert_eq!(tab.script(slider).await, "25");
    tab.see("you earn up to $202.50 a month").await;
    tab.press("Save and publish node").await;
    tab.arrive("Start the agent").await;
    tab.see("Waiting for the agent.").await;
    assert!(tab.text("#agent-command").await.contains("MYCELIUM_AGENT=farm"));
    tab.take_pictures("67-start-agent").await;
    tab.press("Go to node").await;
    tab.see("View in marketplace").await;
    tab.take_pictures("67a-node-offered").await;
    tab.open(&format!("/farms/{FARM}")).await;
    tab.see("1 node on the market").await;
    tab.take_pictures("67b-public-farm").await;
}

async fn look_at_the_market(tab: &Tab) {
    tab.open(&format!("{NODE}/market?price=22")).await;
    tab.arrive("Price comparison: node32").await;
    tab.take_pictures("68-market").await;
}

async fn look_at_what_comes_later(tab: &Tab) {
    for (path, picture) in [
        (format!("{NODE}/history"), "69-history"),
        (format!("{NODE}/maintenance"), "70-maintenance"),
        (format!("{NODE}/leave"), "71-leave"),
        ("/dashboard/farm/payouts".to_owned(), "72-payouts"),
        ("/dashboard/notifications/settings".to_owned(), "73-notification-settings"),
        ("/dashboard/notifications/webhooks".to_owned(), "74-webhooks"),
    ] {
        tab.open(&path).await;
        tab.take_pictures(picture).await;
    }
}

async fn see_the_first_rental(tab: &Tab, market: &Market) {
    tab.open(NODE).await;
    tab.see("9 available.").await;
    let renter = market.sign_up_with(RENTER, "300").await;
    let wanted = json!({ "node_id": "node32", "duration_months": 3 });
    renter.post("/api/marketplace/rent-slice", &wanted).await.ok(201);
    // Without a reload.
    tab.see("1 rented, 8 available.").await;
    tab.see(RENTER).await;
    // Some days are earned. A page that follows what happens would keep the session alive.
    tab.open("/api/openapi.json").await;
    for _ in 0..20 {
        market.pass(86_400);
        market.sync().await;
    }
    // Nobody was here for so long that the session is over.
    tab.open(NODE).await;
    tab.fill("email", FARMER).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.see("Earned this month").await;
    tab.take_pictures("75-node-rented").await;
    tab.open("/dashboard/farm").await;
    tab.take_pictures("76-farm-earning").await;
}

async fn read_what_happened(tab: &Tab) {
    tab.open("/dashboard/notifications").await;
    tab.see("node32_slice_1 was rented").await;
    tab.take_pictures("77-notifications").await;
    tab.open("/dashboard/farm/nodes/node32/history").await;
    tab.take_pictures("78-history-of-offer").await;
}
