//! The API document, and that each of its operations does what it is for.

use e2e::{Client, Market, PASSWORD};
use gridproxy::{Documents, Standin};
use serde_json::json;

use crate::{factors, leaving, notifications, ownership, payments, payouts, provisioning, sla};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_of_the_document_succeeds_once() {
    let market = Market::start_with_folder().await;
    let visitor = market.visitor();
    visitor.get("/api/openapi.json").await.ok(200);
    assert_eq!(visitor.get("/api/health").await.ok(200), json!({ "status": "ok" }));

    let farmer = market.sign_up("farmer@example.org").await;
    let body = json!({ "email": "farmer@example.org", "password": PASSWORD });
    visitor.post("/api/account/sessions", &body).await.ok(201);
    farmer.get("/api/account").await.ok(200);
    farmer.publish(32, "25").await;
    farmer.get("/api/farm/nodes").await.ok(200);
    farmer.get("/api/farm/nodes/node32").await.ok(200);
    farmer.get("/api/farm/market?node=node32").await.ok(200);

    let ada = market.sign_up_with("ada@example.org", "100").await;
    visitor.get("/api/marketplace/nodes").await.ok(200);
    visitor.get("/api/marketplace/nodes/node32").await.ok(200);
    visitor.get("/api/marketplace/slices").await.ok(200);
    let rental = ada.token(&["rent"]).await.rent("node32", 1).await.ok(201)["rental"].clone();
    ada.get("/api/rentals").await.ok(200);
    ada.get(&format!("/api/rentals/{}", rental["id"].as_str().unwrap())).await.ok(200);
    rent_and_hand_over(&market, &ada, rental["id"].as_str().unwrap()).await;
    ada.get("/api/wallet").await.ok(200);
    let entries = ada.get("/api/wallet/entries").await.ok(200);
    ada.get(entries["items"][0]["receipt"].as_str().unwrap()).await.ok(200);
    farmer.get("/api/wallet/earnings/entries").await.ok(200);
    let months = ada.get("/api/wallet/statements").await.ok(200);
    ada.get(months["items"][0]["statement"].as_str().unwrap()).await.ok(200);
    ada.get("/api/events?after=0").await.ok(200);
    save_a_search(&ada).await;
    wait_in_line(&farmer, &ada).await;

    ownership::use_each_operation(&market, &farmer).await;

    farmer.get("/api/farm/payout").await.ok(200);
    let payout = json!({ "payout_address": "BE71 0961 2345 6769" });
    market.strengthen(&farmer);
    farmer.put("/api/farm/payout", &payout).await.ok(200);
    // Its mail is not the one that fails below.
    market.run_mailer().await.unwrap();
    farmer.patch("/api/account", &json!({ "display_name": "Freya" })).await.ok(200);

    notifications::use_each_operation(&farmer).await;
    farmer.post_empty("/api/farm/nodes/node32/pause").await.ok(200);
    look_after_an_offer(&market, &farmer).await;
    market.sync().await;
    market.check_invariants().await;
    let mail = market.put_failed_mail("ada@example.org");
    market.mails().await;
    market.operator().post_empty(&format!("/api/admin/mails/{mail}/retry")).await.ok(204);
    change_the_account(&market).await;
    operate(&market).await;
    farmer.delete("/api/account/sessions").await.ok(204);

    let (mut succeeded, all) = market.operations().await;
    // Passkeys need a market that has a name.
    succeeded.extend(factors::use_each_operation().await);
    // Who leaves has a market of their own.
    succeeded.extend(leaving::use_each_operation().await);
    // Payouts need what was earned.
    succeeded.extend(payouts::use_each_operation().await);
    // SLAs need a month that is over.
    succeeded.extend(sla::use_each_operation().await);
    // Agents need a farm of their own.
    succeeded.extend(provisioning::use_each_operation().await);
    // Payments need their provider.
    succeeded.extend(payments::use_each_operation().await);
    succeeded.sort();
    succeeded.dedup();
    assert_eq!(succeeded, all);
}

/// What a farmer and the operator do with an offer besides changing it.
async fn save_a_search(ada: &Client) {
    let search = json!({ "query": "place=Belgium&max_price=30" });
    let saved = ada.post("/api/saved-searches", &search).await.ok(201);
    ada.get("/api/saved-searches").await.ok(200);
    let path = format!("/api/saved-searches/{}", saved["id"].as_str().unwrap());
    ada.patch(&path, &json!({ "notify": false })).await.ok(200);
    ada.delete(&path).await.ok(204);
}

async fn wait_in_line(farmer: &Client, ada: &Client) {
    let withhold = async |slices: u32| {
        let body = json!({ "withheld_slices": slices });
        farmer.patch("/api/farm/nodes/node32", &body).await.ok(200);
    };
    withhold(512).await;
    let wanted = json!({ "node_id": "node32", "duration_months": 1 });
    ada.post("/api/waitlist", &wanted).await.ok(201);
    ada.get("/api/waitlist").await.ok(200);
    ada.delete("/api/waitlist/node32").await.ok(204);
    withhold(0).await;
}

async fn look_after_an_offer(market: &Market, farmer: &Client) {
    let (node, any) = ("/api/farm/nodes/node32", "/api/admin/nodes/node32");
    farmer.patch(node, &json!({ "withheld_slices": 1 })).await.ok(200);
    farmer.get(&format!("{node}/history")).await.ok(200);
    let list = format!("{node}/maintenance");
    let window = json!({
        "starts_at": "2026-12-24T10:00:00Z", "ends_at": "2026-12-24T12:00:00Z",
    });
    let window = farmer.post(&list, &window).await.ok(201);
    farmer.get(&list).await.ok(200);
    farmer.delete(&format!("{list}/{}", window["id"].as_str().unwrap())).await.ok(204);
    farmer.post_empty(&format!("{node}/lock")).await.ok(200);
    farmer.post_empty(&format!("{node}/unlock")).await.ok(200);
    let reason = json!({ "reason": "Looked into" });
    market.operator().post(&format!("{any}/lock"), &reason).await.ok(204);
    market.operator().post(&format!("{any}/unlock"), &reason).await.ok(204);
}

/// What a renter does, from a quote to the end of a rental of somebody else's.
async fn rent_and_hand_over(market: &Market, ada: &Client, rental: &str) {
    let path = format!("/api/rentals/{rental}");
    ada.patch(&path, &json!({ "name": "web" })).await.ok(200);
    ada.get(&format!("{path}/access")).await.ok(200);
    let month = json!({ "duration_months": 1 });
    ada.post(&format!("{path}/extend"), &month).await.ok(201);
    let wanted = json!({ "node_id": "node32", "duration_months": 1, "hold": true });
    let quote = ada.post("/api/marketplace/quotes", &wanted).await.ok(201);
    let quote = format!("/api/marketplace/quotes/{}", quote["id"].as_str().unwrap());
    ada.get(&quote).await.ok(200);
    ada.delete(&quote).await.ok(204);

    let ben = market.sign_up_with("ben@example.org", "1000").await;
    let offer = json!({ "email": "ben@example.org" });
    ada.post(&format!("{path}/transfer"), &offer).await.ok(201);
    ada.delete(&format!("{path}/transfer")).await.ok(204);
    ada.post(&format!("{path}/transfer"), &offer).await.ok(201);
    ben.get("/api/transfers").await.ok(200);
    ben.post_empty(&format!("/api/transfers/{rental}/accept")).await.ok(200);
    market.pass(86_400);
    market.sync().await;
    let credit = json!({ "rental_id": rental, "amount_usd": "0.01", "reason": "An hour down" });
    market.operator().post("/api/admin/sla-credits", &credit).await.ok(204);
    ben.post_empty(&format!("{path}/cancel")).await.ok(200);
    let node = json!({ "node_id": "node32", "duration_months": 1 });
    ben.post("/api/marketplace/rent-node", &node).await.ok(201);
}

/// What an account does with itself, from its sessions to its end.
async fn change_the_account(market: &Market) {
    let (before, after) = ("eve@example.org", "eve@example.net");
    let eve = market.sign_up(before).await;
    for list in ["sessions", "tokens", "audit"] {
        eve.get(&format!("/api/account/{list}")).await.ok(200);
    }
    let other = json!({ "email": before, "password": PASSWORD });
    market.visitor().post("/api/account/sessions", &other).await.ok(201);
    let sessions = eve.get("/api/account/sessions").await.ok(200);
    let sessions = sessions["items"].as_array().unwrap();
    let other = sessions.iter().find(|session| session["is_current"] == false).unwrap();
    let path = format!("/api/account/sessions/{}", other["id"].as_str().unwrap());
    eve.delete(&path).await.ok(204);
    eve.post_empty("/api/account/sessions/end-others").await.ok(204);
    eve.token(&["read"]).await;
    let token = eve.get("/api/account/tokens").await.ok(200)["items"][0]["id"].clone();
    eve.delete(&format!("/api/account/tokens/{}", token.as_str().unwrap())).await.ok(204);

    let new = "another few words";
    let body = json!({ "current_password": PASSWORD, "password": new });
    let changed = eve.post("/api/account/password", &body).await;
    changed.ok(204);
    let eve = market.visitor().with_cookie(&changed.cookie());
    let body = json!({ "email": after, "password": new });
    eve.post("/api/account/email", &body).await.ok(202);
    let code = json!({ "code": market.code_mailed_to(after).await.unwrap() });
    market.visitor().post("/api/account/email/confirm", &code).await.ok(204);
    market.visitor().post("/api/account/reset", &json!({ "email": after })).await.ok(202);
    let code = market.code_mailed_to(after).await.unwrap();
    let body = json!({ "code": code, "password": PASSWORD });
    market.visitor().post("/api/account/reset/confirm", &body).await.ok(204);
    let body = json!({ "email": after, "password": PASSWORD });
    let signed_in = market.visitor().post("/api/account/sessions", &body).await;
    let eve = market.visitor().with_cookie(&signed_in.cookie());
    eve.post("/api/account/delete", &json!({ "password": PASSWORD })).await.ok(204);
}

/// What the operator does with accounts.
async fn operate(market: &Market) {
    let operator = market.operator();
    operator.get("/api/admin/audit").await.ok(200);
    operator.get("/api/admin/jobs").await.ok(200);
    let incident = json!({
        "title": "No emails",
        "text": "We are moving to another provider.",
        "started_at": "2026-11-22T17:00:00Z",
        "ended_at": null,
    });
    let published = operator.post("/api/admin/incidents", &incident).await.ok(201);
    let path = format!("/api/admin/incidents/{}", published["id"].as_str().unwrap());
    operator.put(&path, &incident).await.ok(200);
    operator.get("/api/admin/incidents").await.ok(200);
    operator.delete(&path).await.ok(204);
    let accounts = operator.get("/api/admin/accounts?prefix=ada").await.ok(200);
    let account = accounts["items"][0]["id"].as_str().unwrap();
    for what in ["end-sessions", "suspend", "reactivate", "grant-operator", "revoke-operator"] {
        operator.post_empty(&format!("/api/admin/accounts/{account}/{what}")).await.ok(204);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_the_document_begin_where_the_operator_says() {
    let market = Market::start().await;
    let document = market.visitor().get("/api/openapi.json").await.ok(200);
    assert_eq!(document["servers"], json!([{ "url": "/" }]));
    assert_eq!(document["info"]["title"], "Mycelium");
    drop(market);

    let grid = Standin::start(Documents::default()).await.unwrap();
    let public = [("public_url", "https://mycelium.example/")];
    let market = Market::start_with(grid, public).await;
    let document = market.visitor().get("/api/openapi.json").await.ok(200);
    assert_eq!(document["servers"], json!([{ "url": "https://mycelium.example" }]));
}
