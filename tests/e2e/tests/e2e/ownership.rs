//! Whose a farm is: claimed with a signature, approved by hand, lost and taken over.

use e2e::twin::{FARM, TWIN, address, sign};
use e2e::{Client, MORNING, Market};
use gridproxy::{Collection, Documents, Effect, Fault, Standin};
use ownership::{Scheme, SignedForm, signer};
use serde_json::{Value, json};

use crate::browser::Browser;

/// Another farm, and its twin.
const OTHER_FARM: u32 = 50;
const OTHER_TWIN: u32 = 90;

const CLAIMS: &str = "/api/farm/claims";
const VERIFY: &str = "/api/farm/claims/verify";
const HOUR: i64 = 60 * 60;

async fn claim(client: &Client, farm: u32) -> Value {
    client.post(CLAIMS, &json!({ "farm_id": farm })).await.ok(201)
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap().to_owned()
}

/// What proves a claim, signed by a twin.
fn verification(claim: &Value, twin: u32) -> Value {
    json!({ "challenge": claim["challenge"], "signature": sign(twin, &text(claim, "message")) })
}

/// Proves that a farm of a twin is this account's.
pub(crate) async fn own(client: &Client, farm: u32, twin: u32) {
    let claim = claim(client, farm).await;
    client.post(VERIFY, &verification(&claim, twin)).await.ok(200);
}

/// Each operation on farms succeeds once.
pub(crate) async fn use_each_operation(market: &Market, farmer: &Client) {
    own(farmer, OTHER_FARM, OTHER_TWIN).await;
    farmer.get(CLAIMS).await.ok(200);
    farmer.get("/api/farm/grid-nodes?ids=11").await.ok(200);
    let other = market.sign_up("other-farmer@example.org").await;
    let operator = market.operator();
    operator.delete(&format!("/api/admin/farms/{OTHER_FARM}")).await.ok(204);
    other.add_node(11).await.ok(201);
    let approval = json!({ "email": "farmer@example.org", "reason": "Keys lost, seen in person" });
    operator.post(&format!("/api/admin/farms/{OTHER_FARM}"), &approval).await.ok(200);
    operator.get("/api/admin/farms").await.ok(200);
    farmer.post_empty("/api/farm/nodes/node11/take-over").await.ok(200);
}

/// What an account was told: the kinds of its events.
async fn told(client: &Client) -> Vec<String> {
    let events = client.get("/api/events?after=0").await.ok(200);
    let items = events["items"].as_array().unwrap();
    items.iter().map(|event| text(event, "kind")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_is_claimed_with_its_twins_signature() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let begun = farmer.post(CLAIMS, &json!({ "grid_node_id": 32 })).await.ok(201);
    assert_eq!((&begun["farm_id"], &begun["twin_id"]), (&json!(FARM), &json!(TWIN)));
    assert_eq!((&begun["farm_name"], text(&begun, "signer")), (&json!("duck farm"), address(TWIN)));
    let message = text(&begun, "message");
    let account = text(&farmer.get("/api/account").await.ok(200), "id");
    for part in [market.url(), format!("farm {FARM} "), account, text(&begun, "challenge")] {
        assert!(message.contains(&part), "{message} lacks {part}");
    }
    assert!(message.is_ascii() && !message.contains('\n'), "{message}");
    // The nonce is not in the database, so that its copy claims nothing.
    assert!(!market.database_contains(&text(&begun, "challenge")));

    let verified = farmer.post(VERIFY, &verification(&begun, TWIN)).await.ok(200);
    assert_eq!(
        (&verified["farm_id"], &verified["verified_by"]),
        (&json!(FARM), &json!("signature"))
    );
    // The same again proves nothing: a message counts once.
    farmer.post(VERIFY, &verification(&begun, TWIN)).await.problem(403, "expired-code");

    // As a wallet signs it, as a shell gives it to a tool, and with the kind of key before it.
    for (form, before) in
        [(SignedForm::Wrapped, "0x"), (SignedForm::Wrapped, "0x00"), (SignedForm::Line, "")]
    {
        let again = claim(&farmer, FARM).await;
        let signed = sign(TWIN, &form.of(&text(&again, "message")));
        let signature = format!("{before}{}", &signed[2..]);
        let body = json!({ "challenge": again["challenge"], "signature": signature });
        farmer.post(VERIFY, &body).await.ok(200);
    }
    let own = farmer.get(CLAIMS).await.ok(200);
    assert_eq!(own["items"].as_array().unwrap().len(), 1);
    assert!(told(&farmer).await.contains(&"farm-verified".to_owned()));
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_the_usual_kind_signs_too() {
    let phrase = "bottom drive obey lake curtain smoke basket hold race lonely fit walk";
    let market = Market::start().await;
    let twin = signer::sign(Scheme::Sr25519, phrase, "").unwrap().signer.to_string();
    let patch = json!({ "accountId": twin });
    let patch = patch.as_object().unwrap().clone();
    assert!(market.grid.patch(Collection::Twins, TWIN.into(), patch));
    let farmer = market.sign_up("farmer@example.org").await;
    let begun = claim(&farmer, FARM).await;
    assert_eq!(begun["signer"], twin);
    let message = SignedForm::Wrapped.of(&text(&begun, "message"));
    let signature = signer::sign(Scheme::Sr25519, phrase, &message).unwrap().signature;
    let body = json!({ "challenge": begun["challenge"], "signature": signature });
    farmer.post(VERIFY, &body).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_signature_says_what_is_wrong() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let other = market.sign_up("other@example.org").await;
    let begun = claim(&farmer, FARM).await;
    let message = text(&begun, "message");
    let refused = async |signature: &str, signed_as: Option<String>, words: &str| {
        let body = json!({
            "challenge": begun["challenge"], "signature": signature, "signed_as": signed_as
        });
        let problem = farmer.post(VERIFY, &body).await.problem(403, "wrong-claim-signature");
        let detail = text(&problem, "detail");
        assert!(detail.contains(words), "{detail}");
    };
    let by_other = sign(OTHER_TWIN, &message);
    let over_other = sign(TWIN, "something else");
    refused(&by_other, None, "with another key or over another text").await;
    refused(&by_other, Some(address(OTHER_TWIN)), "but the farm belongs to").await;
    refused(&over_other, Some(address(TWIN)), "for a different text").await;
    refused(&sign(90, "x"), Some(address(OTHER_TWIN)), "not a signature over this message by")
        .await;
    refused(&by_other, Some("5Abc".into()), "the signing address is invalid").await;
    refused("0xabcd", None, "64 bytes").await;
    refused("a signature", None, "hex digits").await;
    refused(&format!("0x02{}", &by_other[2..]), None, "of another kind").await;

    // What others do with the message is worth nothing, and the message is still good.
    let right = verification(&begun, TWIN);
    other.post(VERIFY, &right).await.problem(403, "expired-code");
    let own = claim(&other, FARM).await;
    let crossed = json!({ "challenge": own["challenge"], "signature": right["signature"] });
    other.post(VERIFY, &crossed).await.problem(403, "wrong-claim-signature");
    let nothing = json!({ "challenge": "mcc_0", "signature": right["signature"] });
    farmer.post(VERIFY, &nothing).await.problem(403, "expired-code");
    farmer.post(VERIFY, &right).await.ok(200);

    // After ten minutes it is over.
    let late = claim(&farmer, FARM).await;
    market.set_clock(MORNING + 10 * 60);
    farmer.post(VERIFY, &verification(&late, TWIN)).await.problem(403, "expired-code");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_needs_a_farm_that_the_grid_knows() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    for body in [json!({}), json!({ "farm_id": 0 }), json!({ "farm_id": 1, "grid_node_id": 1 })] {
        assert_eq!(farmer.post(CLAIMS, &body).await.wrong_fields(), ["farm_id"]);
    }
    let unknown = json!({ "farm_id": 99_999 });
    farmer.post(CLAIMS, &unknown).await.problem(404, "no-such-grid-farm");
    let unknown = json!({ "grid_node_id": 99_999 });
    farmer.post(CLAIMS, &unknown).await.problem(404, "no-such-grid-node");
    let body = json!({ "farm_id": FARM });
    for account in ["5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM", "nobody"] {
        let patch = json!({ "accountId": account }).as_object().unwrap().clone();
        market.grid.patch(Collection::Twins, TWIN.into(), patch);
        farmer.post(CLAIMS, &body).await.problem(502, "unusable-grid-document");
    }
    market.grid.set_fault(Fault::new(Effect::Html)).await.unwrap();
    farmer.post(CLAIMS, &body).await.problem(502, "grid-unreachable");
    farmer.token(&["read"]).await.post(CLAIMS, &body).await.problem(403, "missing-scope");
    market.visitor().post(CLAIMS, &body).await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn claims_are_limited() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let body = json!({ "farm_id": 99_999 });
    for _ in 0..60 {
        farmer.post(CLAIMS, &body).await.problem(404, "no-such-grid-farm");
    }
    farmer.post(CLAIMS, &body).await.problem(429, "too-many-requests");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_verified_nobody_else_offers() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let squatter = market.sign_up("squatter@example.org").await;
    squatter.publish(32, "25").await;
    squatter.add_node(600).await.ok(201);
    let ada = market.sign_up_with("ada@example.org", "100").await;
    let rental = ada.rent("node32", 1).await.ok(201)["rental"].clone();

    own(&farmer, FARM, TWIN).await;
    squatter.add_node(17).await.ok(201);
    squatter.add_node(7001).await.problem(403, "farm-verified-by-another");
    let price = json!({ "price_per_month": "20" });
    squatter.patch("/api/farm/nodes/node600", &price).await.ok(200);
    for node in ["node600", "node32"] {
        let path = format!("/api/farm/nodes/{node}/publish");
        squatter.post_empty(&path).await.problem(403, "farm-verified-by-another");
    }
    assert_eq!(squatter.get("/api/farm/nodes/node32").await.ok(200)["listing"], "paused");
    let path = format!("/api/rentals/{}", text(&rental, "id"));
    assert_eq!(ada.get(&path).await.ok(200)["status"], "active");
    assert!(told(&squatter).await.contains(&"node-claimed".to_owned()));
    market.check_invariants().await;

    // Who proves it last has it, both are notified, and the audit log says who did what.
    own(&squatter, FARM, TWIN).await;
    assert_eq!(farmer.get(CLAIMS).await.ok(200)["items"], json!([]));
    assert!(told(&farmer).await.contains(&"farm-lost".to_owned()));
    squatter.post_empty("/api/farm/nodes/node32/publish").await.ok(200);
    let audit = market.operator().get("/api/admin/audit?limit=100").await.ok(200).to_string();
    assert!(audit.contains("farm-claimed") && audit.contains("farm2997"), "{audit}");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_may_require_a_proof() {
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let url = grid.url();
    let variables = [("gridproxy_urls", url.as_str()), ("farm_claims", "required")];
    let market = Market::start_with(grid, variables).await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.add_node(32).await.problem(403, "farm-not-verified");
    own(&farmer, FARM, TWIN).await;
    farmer.publish(32, "25").await;
    farmer.post_empty("/api/farm/nodes/node32/pause").await.ok(200);
    market.operator().delete(&format!("/api/admin/farms/{FARM}")).await.ok(204);
    let publish = "/api/farm/nodes/node32/publish";
    farmer.post_empty(publish).await.problem(403, "farm-not-verified");
    let path = format!("/api/admin/farms/{FARM}");
    let approval = json!({ "email": "farmer@example.org", "reason": "Keys lost" });
    let approved = market.operator().post(&path, &approval).await.ok(200);
    assert_eq!(
        (&approved["verified_by"], &approved["owner"]),
        (&json!("operator"), &approval["email"])
    );
    farmer.post_empty(publish).await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_approves_by_hand() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let operator = market.operator();
    let path = format!("/api/admin/farms/{FARM}");
    let approval = json!({ "email": "farmer@example.org", "reason": "Keys lost" });
    farmer.post(&path, &approval).await.problem(404, "not-found");
    let nobody = json!({ "email": "nobody@example.org", "reason": "Keys lost" });
    operator.post(&path, &nobody).await.problem(404, "no-such-account");
    operator.post("/api/admin/farms/99999", &approval).await.problem(404, "no-such-grid-farm");
    operator.post("/api/admin/farms/x", &approval).await.problem(404, "not-found");
    operator.delete(&path).await.problem(404, "not-found");
    let empty = json!({ "email": "x", "reason": "" });
    assert_eq!(operator.post(&path, &empty).await.wrong_fields(), ["email", "reason"]);
    operator.post(&path, &approval).await.ok(200);
    assert_eq!(farmer.get(CLAIMS).await.ok(200)["items"][0]["verified_by"], "operator");
    let audit = operator.get("/api/admin/audit?limit=100").await.ok(200).to_string();
    assert!(audit.contains("farm2997: Keys lost"), "{audit}");
    operator.delete(&path).await.ok(204);
    assert!(told(&farmer).await.contains(&"farm-revoked".to_owned()));

    // The same on the operator's page.
    let boss = market.sign_up("boss@example.org").await;
    let accounts = operator.get("/api/admin/accounts?prefix=boss").await.ok(200);
    let id = accounts["items"][0]["id"].as_str().unwrap();
    operator.post_empty(&format!("/api/admin/accounts/{id}/grant-operator")).await.ok(204);
    market.strengthen(&boss);
    let page = boss.get("/operator/farms").await.page(200);
    page.says(&["No verified farms yet."]);
    let fields = [("farm", "0"), ("email", "farmer@example.org"), ("reason", "Keys lost")];
    let refused = boss.send(page.submit("/operator/farms", &fields)).await.page(400);
    refused.says(&["A farm ID above 0."]);
    let fields = [("farm", "2997"), ("email", "farmer@example.org"), ("reason", "Keys lost")];
    let to = boss.send(page.submit("/operator/farms", &fields)).await.see_other();
    assert_eq!(to, "/operator/farms?done=farm-approved");
    let page = boss.get(&to).await.page(200);
    page.says(&["duck farm, farm 2997", "approved by the operator", "farmer@example.org"]);
    let to = boss.send(page.submit("/operator/farms/2997/revoke", &[])).await.see_other();
    boss.get(&to).await.page(200).says(&["Farm ownership revoked."]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_is_taken_over_with_its_rentals() {
    let market = Market::start().await;
    let squatter = market.sign_up("squatter@example.org").await;
    squatter.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    let rental = ada.rent("node32", 1).await.ok(201)["rental"].clone();
    let farmer = market.sign_up_with("farmer@example.org", "100").await;
    let own_rental = farmer.rent("node32", 1).await.ok(201)["rental"].clone();
    let take = "/api/farm/nodes/node32/take-over";
    farmer.post_empty(take).await.problem(404, "not-found");
    own(&farmer, FARM, TWIN).await;
    farmer.post_empty("/api/farm/nodes/node99/take-over").await.problem(404, "not-found");
    farmer.post_empty(take).await.problem(409, "has-rentals-on-node");
    let page = farmer.get("/dashboard/farm/claims").await.page(200);
    page.says(&["Registered by another account", "node32", "2 slices rented"]);
    let form = "/dashboard/farm/nodes/node32/take-over";
    let refused = farmer.send(page.submit(form, &[])).await.page(409);
    refused.says(&["You rent slices on node32, and you can't rent from yourself."]);
    market.pass(86_400);
    market.sync().await;
    let path = format!("/api/rentals/{}/cancel", text(&own_rental, "id"));
    farmer.post_empty(&path).await.ok(200);

    let to = farmer.send(page.submit(form, &[])).await.see_other();
    assert_eq!(to, "/dashboard/farm/nodes/node32?done=taken-over");
    squatter.get("/api/farm/nodes/node32").await.problem(404, "not-found");
    let node = farmer.post_empty(take).await.ok(200);
    assert_eq!((&node["listing"], &node["allocated_slices"]), (&json!("paused"), &json!(1)));
    assert_eq!(node["slices"][0]["renter"], "ada@example.org");
    assert!(told(&squatter).await.contains(&"node-lost".to_owned()));
    assert!(told(&farmer).await.contains(&"node-taken-over".to_owned()));
    assert!(told(&ada).await.contains(&"farmer-changed".to_owned()));
    let page = ada.get(&format!("/dashboard/slices/{}", text(&rental, "id"))).await.page(200);
    page.says(&["Node has a new farmer"]);
    market.check_invariants().await;

    // What was earned stays, and what comes is the new farmer's.
    let escrow = async |client: &Client| {
        let page = client.get("/dashboard/farm").await.page(200);
        page.words()
    };
    assert!(!escrow(&farmer).await.contains("In escrow $0.00"));
    for _ in 0..3 {
        market.pass(10 * 86_400);
        market.sync().await;
    }
    market.check_invariants().await;
    // A session lasts for a month at most.
    let farmer = market.sign_in("farmer@example.org").await;
    farmer.post_empty("/api/farm/nodes/node32/publish").await.ok(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_that_changes_hands_on_the_grid_is_noticed() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let buyer = market.sign_up("buyer@example.org").await;
    farmer.publish(32, "25").await;
    own(&farmer, FARM, TWIN).await;
    own(&buyer, OTHER_FARM, OTHER_TWIN).await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    ada.rent("node32", 1).await.ok(201);
    let listing = async || text(&farmer.get("/api/farm/nodes/node32").await.ok(200), "listing");

    let moved = json!({ "twinId": OTHER_TWIN }).as_object().unwrap().clone();
    assert!(market.grid.patch(Collection::Farms, FARM.into(), moved));
    market.sync().await;
    assert_eq!(listing().await, "published", "it was asked less than an hour ago");
    // A grid that fails says nothing of a farm.
    market.pass(HOUR);
    market.grid.set_fault(Fault::new(Effect::Html).on("/farms")).await.unwrap();
    market.sync().await;
    assert_eq!(listing().await, "published");
    market.grid.clear_fault().await;
    market.sync().await;
    assert_eq!(listing().await, "paused");
    assert_eq!(farmer.get(CLAIMS).await.ok(200)["items"], json!([]));
    for client in [&farmer, &buyer] {
        assert!(told(client).await.contains(&"farm-moved".to_owned()));
    }
    assert_eq!(ada.get("/api/rentals").await.ok(200)["items"][0]["status"], "active");
    // The key of before signs for nobody any more, the buyer's does.
    let begun = claim(&farmer, FARM).await;
    farmer.post(VERIFY, &verification(&begun, TWIN)).await.problem(403, "wrong-claim-signature");
    own(&buyer, FARM, OTHER_TWIN).await;
    market.check_invariants().await;

    // A farm that is not listed once is its owner's still; one that is not for a day is not, until
    // it is listed again.
    assert!(market.grid.remove(Collection::Farms, OTHER_FARM.into()));
    let left = async || buyer.get(CLAIMS).await.ok(200)["items"].as_array().unwrap().len();
    market.pass(HOUR + 60);
    market.sync().await;
    assert_eq!(left().await, 2);
    market.pass(24 * HOUR);
    market.sync().await;
    assert_eq!(left().await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_moves_to_another_farm_is_paused() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    let buyer = market.sign_up("buyer@example.org").await;
    farmer.publish(32, "25").await;
    own(&buyer, OTHER_FARM, OTHER_TWIN).await;
    assert!(market.grid.patch_node(32, json!({ "farmId": OTHER_FARM })));
    market.sync().await;
    assert_eq!(farmer.get("/api/farm/nodes/node32").await.ok(200)["listing"], "paused");
    for client in [&farmer, &buyer] {
        assert!(told(client).await.contains(&"node-moved".to_owned()));
    }
    let publish = "/api/farm/nodes/node32/publish";
    farmer.post_empty(publish).await.problem(403, "farm-verified-by-another");
    buyer.post_empty("/api/farm/nodes/node32/take-over").await.ok(200);
    buyer.post_empty(publish).await.ok(200);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_is_claimed_on_its_page() {
    let market = Market::start().await;
    let mut farmer = Browser::new(&market);
    farmer.sign_up("farmer@example.org").await;
    let page = farmer.open("/dashboard/farm/claims").await;
    page.says(&["You haven't verified a farm yet."]);
    for (field, value, words) in [
        ("farm_id", "", "Either a farm ID or a node ID."),
        ("grid_node_id", "many", "A positive whole number, such as 32."),
    ] {
        let call = page.submit("/dashboard/farm/claims", &[(field, value)]);
        farmer.send(call).await.page(400).says(&[words]);
    }
    let call = page.submit("/dashboard/farm/claims", &[("farm_id", "99999")]);
    farmer.send(call).await.page(404).says(&["The grid has no farm 99999."]);
    let call = page.submit("/dashboard/farm/claims", &[("grid_node_id", "32")]);
    let shown = farmer.send(call).await.page(200);
    shown.says(&["duck farm, farm 2997", "subkey sign", "cargo xtask sign-claim", "polkadot.js"]);
    let (_, rest) = shown.html().split_once("class=\"claim-message\">").unwrap();
    let message = rest.split_once("</code>").unwrap().0.to_owned();

    let verify = "/dashboard/farm/claims/verify";
    let call = shown.submit(verify, &[("signature", &sign(90, &message))]);
    let refused = farmer.send(call).await.page(403);
    refused.says(&["it was made with another key or over another text"]);
    let call = refused.submit(verify, &[("signature", &sign(TWIN, &message))]);
    let to = farmer.send(call).await.see_other();
    assert_eq!(to, "/dashboard/farm/claims?done=farm-verified");
    farmer.open(&to).await.says(&["duck farm, farm 2997", "verified by signature"]);
    let again = farmer.send(refused.submit(verify, &[("signature", "0x")])).await.page(403);
    again.says(&["This message was used or has expired"]);
}
