//! Notifications: in the page, by mail and by webhook; what is chosen, and what is at risk.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use e2e::{Client, MORNING, Market, Posted, Receiver};
use gridproxy::{Documents, Standin};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::browser::Browser;

const LIST: &str = "/dashboard/notifications";
const HOOKS: &str = "/api/notifications/webhooks";
const FARMER: &str = "farmer@example.org";

/// A market whose webhooks may be on this machine.
async fn market() -> Market {
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let url = grid.url();
    let variables = [("gridproxy_urls", url.as_str()), ("webhook_private_addresses", "allow")];
    Market::start_with(grid, variables).await
}

/// A farmer with node 32 on the market, a renter, and a webhook of the farmer's with its secret.
async fn people(market: &Market, receiver: &Receiver) -> (Client, Client, Value) {
    let farmer = market.sign_up(FARMER).await;
    farmer.publish(32, "25").await;
    let renter = market.sign_up_with("ada@example.org", "1000").await;
    let hook = farmer.post(HOOKS, &json!({ "url": receiver.url() })).await.ok(201);
    (farmer, renter, hook)
}

async fn notify(market: &Market) {
    market.fire("notifier").await.unwrap();
}

/// Whether one of the signatures is what the specification says, computed here.
fn is_signed(posted: &Posted, secret: &str) -> bool {
    let key = BASE64_STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let (id, at) = (posted.header("webhook-id"), posted.header("webhook-timestamp"));
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{}", posted.body).as_bytes());
    let expected = format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()));
    posted.header("webhook-signature").split(' ').any(|signature| signature == expected)
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_rented_is_in_the_page_and_posted_once_with_the_right_signature() {
    let market = market().await;
    let receiver = Receiver::start().await;
    let (farmer, ada, hook) = people(&market, &receiver).await;
    let secret = text(&hook["secret"]);
    assert!(!market.database_contains(secret), "the secret is sealed");
    ada.rent("node32", 1).await.ok(201);
    notify(&market).await;
    notify(&market).await;
    let posted = receiver.take();
    let [message] = &posted[..] else { panic!("{posted:?}") };
    assert!(is_signed(message, secret), "{message:?}");
    let mut other = message.clone();
    other.body.push(' ');
    assert!(!is_signed(&other, secret));
    let document = message.json();
    assert_eq!(
        (&document["type"], &document["data"]["category"]),
        (&json!("slice-rented"), &json!("rented"))
    );
    assert_eq!(document["data"]["rental_id"], Value::Null, "a renter's rental is its renter's");
    assert_eq!(message.header("webhook-timestamp"), MORNING.to_string());

    let list = farmer.get("/api/notifications").await.ok(200);
    assert_eq!((&list["unread"], list["items"].as_array().unwrap().len()), (&json!(1), 1));
    let notice = &list["items"][0];
    assert_eq!(notice["id"], document["data"]["event_id"]);
    assert_eq!(notice["title"], "node32_slice_1 was rented");
    assert_eq!(notice["is_read"], false);
    let ours = ada.get("/api/notifications").await.ok(200);
    assert!(text(&ours["items"][0]["path"]).starts_with("/dashboard/slices/"));
    let page = farmer.get(LIST).await.page(200);
    page.says(&["node32_slice_1 was rented", "new", "1 unread", "Mark all as read"]);
    let read = json!({ "through": notice["id"] });
    assert_eq!(farmer.post("/api/notifications/read", &read).await.ok(200)["unread"], 0);
    let wrong = farmer.post("/api/notifications/read", &json!({ "through": -1 })).await;
    assert_eq!(wrong.wrong_fields(), ["through"]);
    let page = farmer.get(LIST).await.page(200);
    assert!(!page.html().contains("Mark all as read"));
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_of_one_kind_come_in_one_mail() {
    let market = Market::start_with_folder().await;
    let farmer = market.sign_up(FARMER).await;
    farmer.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "1000").await;
    for _ in 0..3 {
        ada.rent("node32", 1).await.ok(201);
    }
    notify(&market).await;
    market.run_mailer().await.unwrap();
    let mails = market.mails_to(FARMER);
    let told: Vec<_> = mails.iter().filter(|mail| mail.contains("was rented")).collect();
    let [mail] = &told[..] else { panic!("{told:?}") };
    assert!(mail.contains("Subject: Rented: 3 notifications"), "{mail}");
    assert!(mail.contains("node32_slice_3 was rented, on "), "{mail}");
    assert!(!market.was_told("ada@example.org", "You rented"), "she did it herself");
}

/// When a webhook was disabled; null where it is not. Those of one second are in any order.
async fn disabled_at(farmer: &Client, id: &str) -> Value {
    let hooks = farmer.get(HOOKS).await.ok(200);
    let hook = hooks["items"].as_array().unwrap().iter().find(|hook| hook["id"] == id);
    hook.unwrap()["disabled_at"].clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_tried_again_replayed_and_given_up_by_a_gone() {
    let market = market().await;
    let receiver = Receiver::start().await;
    let other = Receiver::start().await;
    let (farmer, ada, hook) = people(&market, &receiver).await;
    farmer.post(HOOKS, &json!({ "url": other.url() })).await.ok(201);
    let id = text(&hook["id"]).to_owned();
    let hook = format!("{HOOKS}/{id}");
    // Whoever redirects has failed: nobody follows.
    receiver.answer(302);
    ada.rent("node32", 1).await.ok(201);
    ada.rent("node32", 1).await.ok(201);
    notify(&market).await;
    let first = receiver.take();
    assert_eq!(first.len(), 1, "one that fails is paused in this run");
    assert_eq!(other.take().len(), 2, "and keeps nobody else waiting");
    let log = farmer.get(&format!("{hook}/deliveries")).await.ok(200);
    let failed = log["items"].as_array().unwrap().iter().find(|item| item["attempts"] == 1);
    let failed = failed.unwrap();
    assert_eq!((&failed["state"], &failed["last_status"]), (&json!("waiting"), &json!(302)));
    assert_eq!(text(&failed["id"]), first[0].header("webhook-id"));

    receiver.answer(204);
    market.pass(5);
    notify(&market).await;
    let again = receiver.take();
    assert_eq!(again.len(), 2);
    let same = again.iter().find(|posted| posted.body == first[0].body).unwrap();
    assert_eq!(same.header("webhook-id"), first[0].header("webhook-id"));
    assert_ne!(same.header("webhook-signature"), first[0].header("webhook-signature"));

    let replay = format!("{hook}/deliveries/{}/replay", text(&failed["id"]));
    farmer.post_empty(&replay).await.ok(204);
    ada.post_empty(&replay).await.problem(404, "not-found");
    notify(&market).await;
    assert_eq!(receiver.take()[0].header("webhook-id"), text(&failed["id"]));

    receiver.answer(410);
    farmer.post_empty(&format!("{hook}/test")).await.ok(201);
    notify(&market).await;
    assert_eq!(receiver.take()[0].json()["type"], "test");
    let since = disabled_at(&farmer, &id).await;
    assert!(since.is_string(), "{since}");
    let list = farmer.get("/api/notifications").await.ok(200);
    assert_eq!(list["items"][0]["kind"], "webhook-disabled");
    ada.rent("node32", 1).await.ok(201);
    notify(&market).await;
    assert_eq!(receiver.take().len(), 0);
    // A test that gets through enables it.
    receiver.answer(200);
    farmer.post_empty(&format!("{hook}/test")).await.ok(201);
    notify(&market).await;
    assert_eq!(receiver.take().len(), 1);
    assert_eq!(disabled_at(&farmer, &id).await, Value::Null);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_chosen_is_kept_to() {
    let market = market().await;
    let receiver = Receiver::start().await;
    let (farmer, ada, _) = people(&market, &receiver).await;
    let off = json!({ "settings": [{ "category": "rented", "page": false, "webhook": false }] });
    let set = farmer.put("/api/notifications/settings", &off).await.ok(200);
    let rented = json!({ "category": "rented", "page": false, "mail": true, "webhook": false });
    assert_eq!(set["settings"][0], rented);
    assert_eq!(farmer.get("/api/notifications/settings").await.ok(200), set);
    let wrong = json!({ "settings": [{ "category": "weather" }] });
    let wrong = farmer.put("/api/notifications/settings", &wrong).await;
    assert_eq!(wrong.wrong_fields(), ["settings"]);
    ada.rent("node32", 1).await.ok(201);
    notify(&market).await;
    assert_eq!(receiver.take().len(), 0);
    let list = farmer.get("/api/notifications").await.ok(200);
    assert_eq!((&list["items"], &list["unread"]), (&json!([]), &json!(0)));
    assert_eq!(ada.get("/api/notifications").await.ok(200)["unread"], 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_inside_of_the_network_is_refused_and_so_is_a_sixth() {
    let market = Market::start().await;
    let ada = market.sign_up("ada@example.org").await;
    for url in [
        "http://hooks.example.org/",
        "https://127.0.0.1/",
        "https://[::1]/",
        "https://169.254.169.254/latest",
        "https://10.0.0.1:8443/",
        "https://localhost/",
        "https://db.internal/",
        "https://ada:secret@hooks.example.org/",
        "file:///etc/passwd",
    ] {
        let refused = ada.post(HOOKS, &json!({ "url": url })).await;
        assert_eq!(refused.wrong_fields(), ["url"], "{url}");
    }
    for number in 0..5 {
        let url = json!({ "url": format!("https://hook{number}.example.org/") });
        ada.post(HOOKS, &url).await.ok(201);
    }
    let sixth = ada.post(HOOKS, &json!({ "url": "https://hook6.example.org/" })).await;
    sixth.problem(409, "too-many-webhooks");
    let hook = text(&ada.get(HOOKS).await.ok(200)["items"][0]["id"]).to_owned();
    let ben = market.sign_up("ben@example.org").await;
    let path = format!("{HOOKS}/{hook}");
    ben.delete(&path).await.problem(404, "not-found");
    ben.post_empty(&format!("{path}/secret")).await.problem(404, "not-found");
    ben.post_empty(&format!("{path}/test")).await.problem(404, "not-found");
    ben.get(&format!("{path}/deliveries")).await.problem(404, "not-found");
    ben.get(&format!("{LIST}/webhooks/{hook}")).await.page(404);
    ada.delete(&path).await.ok(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_added_tested_and_removed_by_forms() {
    let market = market().await;
    let receiver = Receiver::start().await;
    let mut ada = Browser::new(&market);
    ada.sign_up("ada@example.org").await;
    let page = ada.open(LIST).await;
    page.says(&["No notifications yet."]);
    let list = "/dashboard/notifications/webhooks";
    let page = ada.open(list).await;
    let refused = ada.send(page.submit(list, &[("url", "hooks")])).await.page(400);
    refused.says(&["A URL that starts with https://."]);
    let made = ada.send(page.submit(list, &[("url", &receiver.url())])).await.page(201);
    made.says(&["Webhook secret", "whsec_"]);
    let hook = ada.client.get(HOOKS).await.ok(200);
    let path = format!("{list}/{}", text(&hook["items"][0]["id"]));
    ada.open(list).await.says(&[&receiver.url()]);
    let page = ada.open(&path).await;
    let (to, page) = ada.submit(&page, &format!("{path}/test"), &[]).await;
    assert_eq!(to, format!("{path}?done=webhook-tested"));
    page.says(&["Test queued.", "waiting"]);
    notify(&market).await;
    let sent = receiver.take().remove(0);
    let page = ada.open(&path).await;
    page.says(&["test", "sent", "1 attempt; response 204."]);
    let id = sent.header("webhook-id");
    ada.submit(&page, &format!("{path}/deliveries/{id}/replay"), &[]).await;
    notify(&market).await;
    assert_eq!(receiver.take()[0].header("webhook-id"), id);
    let old = made.words();
    let old = old.split_whitespace().find(|word| word.starts_with("whsec_")).unwrap();
    let made = ada.send(page.submit(&format!("{path}/secret"), &[])).await.page(200);
    let new = made.words();
    let new = new.split_whitespace().find(|word| word.starts_with("whsec_")).unwrap();
    ada.submit(&page, &format!("{path}/test"), &[]).await;
    notify(&market).await;
    let sent = receiver.take().remove(0);
    assert!(is_signed(&sent, old) && is_signed(&sent, new) && old != new);
    let (to, _) = ada.submit(&page, &format!("{path}/remove"), &[]).await;
    assert_eq!(to, format!("{list}?done=webhook-removed"));

    let settings = "/dashboard/notifications/settings";
    let page = ada.open(settings).await;
    let (to, page) = ada.submit(&page, settings, &[("on", "rented/page")]).await;
    assert_eq!(to, format!("{settings}?done=notification-settings-saved"));
    assert_eq!(page.html().matches(" checked").count(), 1);
    let chosen = ada.client.get("/api/notifications/settings").await.ok(200);
    assert_eq!(chosen["settings"][1]["page"], false);
    assert_eq!(chosen["settings"][0]["page"], true);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farmer_is_notified_that_a_node_is_down_and_what_is_left_of_the_sla() {
    let market = market().await;
    let receiver = Receiver::start().await;
    let farmer = market.sign_up(FARMER).await;
    farmer.publish_as(32, &json!({ "price_per_month": "25", "min_uptime": "99.5" })).await;
    farmer.post(HOOKS, &json!({ "url": receiver.url() })).await.ok(201);
    market.sync().await;
    let page = farmer.get("/dashboard/farm/nodes/node32").await.page(200);
    page.says(&["The 99.5% uptime SLA allows"]);
    assert!(market.grid.patch_node(32, json!({ "status": "down" })));
    for _ in 0..12 {
        market.pass(300);
        market.sync().await;
    }
    market.grid.patch_node(32, json!({ "status": "up" }));
    market.pass(300);
    market.sync().await;
    notify(&market).await;
    notify(&market).await;
    let told: Vec<String> =
        receiver.take().iter().map(|posted| text(&posted.json()["type"]).to_owned()).collect();
    assert_eq!(told, ["node-down", "node-recovered", "sla-missed"]);
    let page = farmer.get("/dashboard/farm/nodes/node32").await.page(200);
    page.says(&["This month misses the 99.5% uptime SLA: 12 checks found the node down."]);
    let page = farmer.get(LIST).await.page(200);
    page.says(&["node32 is down", "node32 is back up", "misses its uptime SLA this month"]);
    let page_form = page.submit("/dashboard/notifications/read", &[]);
    assert_eq!(farmer.send(page_form).await.see_other(), format!("{LIST}?done=notifications-read"));
    market.check_invariants().await;
}

/// Every operation on notifications, on a market where webhooks are on the internet only.
pub(crate) async fn use_each_operation(farmer: &Client) {
    let list = farmer.get("/api/notifications").await.ok(200);
    let through = list["items"][0]["id"].clone();
    farmer.post("/api/notifications/read", &json!({ "through": through })).await.ok(200);
    let settings = farmer.get("/api/notifications/settings").await.ok(200);
    farmer.put("/api/notifications/settings", &settings).await.ok(200);
    let url = json!({ "url": "https://hooks.example.org/in" });
    let hook = farmer.post(HOOKS, &url).await.ok(201);
    let path = format!("{HOOKS}/{}", text(&hook["id"]));
    farmer.get(HOOKS).await.ok(200);
    farmer.post_empty(&format!("{path}/secret")).await.ok(200);
    let test = farmer.post_empty(&format!("{path}/test")).await.ok(201);
    farmer.get(&format!("{path}/deliveries")).await.ok(200);
    let replay = format!("{path}/deliveries/{}/replay", text(&test["id"]));
    farmer.post_empty(&replay).await.ok(204);
    farmer.delete(&path).await.ok(204);
}
