//! From a paid rental to a login and back: the tests play the agent over HTTP, as a program does.

use e2e::{Call, Client, Market};
use gridproxy::{Documents, Standin};
use serde_json::{Value, json};

const RENT: &str = "/api/marketplace/rent-slice";
const KEYS: &str = "/api/account/ssh-keys";
const LEASE: &str = "/api/agent/jobs/lease";
const PAGE: &str = "/dashboard/settings/ssh-keys";
const DAY: i64 = 86_400;

const ADAS_KEY: &str = "ssh-ed25519 \
    AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl ada@laptop";
const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

/// Node 32 on a farm with an agent, and Ada with $100 and a key.
struct Farm {
    market: Market,
    farmer: Client,
    agent: Client,
    ada: Client,
}

async fn farm_on(market: Market) -> Farm {
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let token = market.agent_token(&farmer, 32).await;
    let agent = market.visitor().with_token(&token);
    ask(&agent, 0).await.ok(204);
    let ada = market.sign_up_with("ada@example.org", "100").await;
    ada.post(KEYS, &json!({ "public_key": ADAS_KEY })).await.ok(201);
    Farm { market, farmer, agent, ada }
}

async fn farm() -> Farm {
    farm_on(Market::start().await).await
}

async fn ask(agent: &Client, wait_seconds: u32) -> e2e::Answer {
    agent.post(LEASE, &json!({ "agent": "rack-7", "wait_seconds": wait_seconds })).await
}

impl Farm {
    async fn rent(&self) -> String {
        let made = self.ada.rent("node32", 1).await.ok(201);
        made["rental"]["id"].as_str().unwrap().to_owned()
    }

    async fn lease(&self) -> Value {
        ask(&self.agent, 0).await.ok(200)["job"].clone()
    }

    async fn notify(&self, job: &Value, what: &str, mut body: Value) -> e2e::Answer {
        body["fence"] = job["fence"].clone();
        let path = format!("/api/agent/jobs/{}/{what}", job["id"].as_str().unwrap());
        self.agent.post(&path, &body).await
    }

    async fn complete(&self, job: &Value) -> e2e::Answer {
        let body = if job["kind"] == "create" { json!({ "access": access() }) } else { json!({}) };
        self.notify(job, "complete", body).await
    }

    async fn access(&self, rental: &str) -> Value {
        self.ada.get(&format!("/api/rentals/{rental}/access")).await.ok(200)
    }

    /// Whether the first slice is free to rent.
    async fn is_offered(&self) -> bool {
        let node = self.farmer.get("/api/farm/nodes/node32").await.ok(200);
        let slices = node["slices"].as_array().unwrap();
        slices.iter().any(|it| it["id"] == "node32_slice_1" && it["state"] == "available")
    }

    async fn events(&self, who: &Client) -> Vec<String> {
        let found = who.get("/api/events?after=0").await.ok(200);
        let kind = |event: &Value| event["kind"].as_str().unwrap().to_owned();
        found["items"].as_array().unwrap().iter().map(kind).collect()
    }
}

/// Uses each operation of agents and keys; answers the operations that succeeded.
pub(crate) async fn use_each_operation() -> Vec<String> {
    let farm = farm().await;
    let keys = farm.ada.get(KEYS).await.ok(200);
    let key = keys["items"][0]["id"].as_str().unwrap();
    farm.ada.delete(&format!("{KEYS}/{key}")).await.ok(204);
    farm.ada.post(KEYS, &json!({ "public_key": ADAS_KEY })).await.ok(201);
    let rental = farm.rent().await;
    let job = farm.lease().await;
    farm.notify(&job, "progress", json!({ "step": "accepted" })).await.ok(200);
    farm.notify(&job, "fail", json!({ "reason": "no disk", "retry": true })).await.ok(200);
    farm.market.pass(30);
    let job = farm.lease().await;
    farm.notify(&job, "complete", json!({ "access": access_with_console() })).await.ok(200);
    farm.ada.post(&format!("/api/rentals/{rental}/console"), &json!({ "slice": 1 })).await.ok(200);
    let machine = json!({
        "rental_id": rental, "slice_id": "node32_slice_1", "state": "running", "ssh": true,
        "can": ["power", "set-keys", "rebuild", "set-password", "set-ports"],
    });
    let report = json!({ "agent": "rack-7", "machines": [machine] });
    farm.agent.post("/api/agent/machines", &report).await.ok(200);
    let of_rental = |what: &str| format!("/api/rentals/{rental}/{what}");
    farm.ada.get(&of_rental("keys")).await.ok(200);
    let keys = farm.ada.get(KEYS).await.ok(200);
    let ids = json!({ "ssh_key_ids": [keys["items"][0]["id"]] });
    farm.ada.put(&of_rental("keys"), &ids).await.ok(200);
    let job = farm.lease().await;
    farm.complete(&job).await.ok(200);
    farm.ada.post(&of_rental("rebuild"), &json!({})).await.ok(201);
    let job = farm.lease().await;
    farm.notify(&job, "complete", json!({ "access": access_with_console() })).await.ok(200);
    farm.ada.post(&of_rental("console-password"), &json!({})).await.ok(201);
    let job = farm.lease().await;
    farm.complete(&job).await.ok(200);
    let actions = format!("/api/rentals/{rental}/actions");
    farm.ada.post(&actions, &json!({ "action": "restart" })).await.ok(201);
    farm.ada.get(&actions).await.ok(200);
    let job = farm.lease().await;
    farm.complete(&job).await.ok(200);
    let ports = json!({ "ports": [{ "protocol": "tcp", "port": 80 }] });
    farm.ada.put(&format!("/api/rentals/{rental}/ports"), &ports).await.ok(200);
    farm.ada.post_empty(&format!("/api/rentals/{rental}/cancel")).await.ok(200);
    let confirm = "/api/farm/nodes/node32/slices/1/confirm-removed";
    farm.farmer.post_empty(confirm).await.ok(204);
    let by_hand = by_hand(&farm).await;
    let setups = by_hand.get("/api/farm/nodes/node17/manual-setups").await.ok(200);
    let confirmation = confirmation(setups["setups"][0]["rental_id"].as_str().unwrap());
    let confirm = "/api/farm/nodes/node17/slices/1/confirm-setup";
    by_hand.post(confirm, &confirmation).await.ok(204);
    farm.market.operations().await.0
}

/// The farmer has set up Ada's machine by hand.
fn confirmation(rental: &str) -> Value {
    json!({ "rental_id": rental, "ssh_keys": [ADAS_KEY], "access": access() })
}

/// A farmer without an agent, whose node 17 Ada rents a slice of.
async fn by_hand(farm: &Farm) -> Client {
    farm.market.set_up_by_hand();
    let farmer = farm.market.sign_up("by-hand@example.org").await;
    farmer.publish(17, "20").await;
    farm.ada.rent("node17", 1).await.ok(201);
    farmer
}

/// M12: a farm without an agent, waited for in vain.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_farm_without_an_agent_confirms_within_a_day_or_it_is_refunded() {
    let farm = farm().await;
    let farmer = by_hand(&farm).await;
    assert_eq!(farm.ada.balance().await, "80.00");
    let setups = farmer.get("/api/farm/nodes/node17/manual-setups").await.ok(200);
    let rental = setups["setups"][0]["rental_id"].as_str().unwrap().to_owned();
    assert_eq!(setups["setups"][0]["ssh_keys"], json!([ADAS_KEY]));
    assert_eq!(farm.access(&rental).await["state"], "pending");
    farm.market.pass(DAY);
    farm.market.run_clock().await.unwrap();
    assert_eq!(farm.access(&rental).await["state"], "closed");
    assert_eq!(farm.ada.balance().await, "100.00");
    let confirm = "/api/farm/nodes/node17/slices/1/confirm-setup";
    farmer.post(confirm, &confirmation(&rental)).await.problem(404, "not-found");

    // The next one is set up, and what an agent finds waiting later is the agent's.
    let first = farm.ada.rent("node17", 1).await.ok(201)["rental"]["id"].clone();
    let second = farm.ada.rent("node17", 1).await.ok(201)["rental"]["id"].clone();
    farmer.post(confirm, &confirmation(first.as_str().unwrap())).await.ok(204);
    assert_eq!(farm.access(first.as_str().unwrap()).await["state"], "ready");
    let token = farm.market.agent_token(&farmer, 17).await;
    let agent = farm.market.visitor().with_token(&token);
    let job = ask(&agent, 0).await.ok(200)["job"].clone();
    assert_eq!((&job["rental_id"], &job["kind"]), (&second, &json!("create")));
    farm.market.pass(DAY);
    let cancel = format!("/api/rentals/{}/cancel", first.as_str().unwrap());
    farm.ada.post_empty(&cancel).await.ok(200);
    let gone = "/api/farm/nodes/node17/slices/1/confirm-removed";
    farmer.post_empty(gone).await.ok(204);
    farm.market.check_invariants().await;
}

fn access() -> Value {
    json!({
        "address": "203.0.113.7",
        "port": 2201,
        "user": "root",
        "host_keys": [HOST_KEY],
        "console_url": null,
        "notes": "rack 7",
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paid_rental_becomes_a_login_that_its_renter_alone_sees() {
    let farm = farm().await;
    let rental = farm.rent().await;
    assert_eq!(farm.access(&rental).await["state"], "setting-up");
    let job = farm.lease().await;
    assert_eq!(
        (&job["kind"], &job["fence"], &job["attempt"]),
        (&json!("create"), &json!(1), &json!(1))
    );
    assert_eq!((&job["rental_id"], &job["ssh_keys"]), (&json!(rental), &json!([ADAS_KEY])));
    let slice = json!({ "id": "node32_slice_1", "grid_node_id": 32, "number": 1, "cpu_cores": 1,
                        "memory_gb": 4, "storage_gb": 200 });
    assert_eq!(
        (&job["slice"], &job["user_data"], &job["template"]),
        (&slice, &Value::Null, &Value::Null)
    );
    ask(&farm.agent, 0).await.ok(204);

    let page = format!("/dashboard/slices/{rental}");
    for (step, words) in [
        ("accepted", "Accepted by agent"),
        ("disk", "Disk created"),
        ("booting", "Booting"),
        ("reachable", "Reachable"),
        ("checked", "Connection verified"),
    ] {
        farm.market.pass(5);
        farm.notify(&job, "progress", json!({ "step": step })).await.ok(200);
        farm.ada.get(&page).await.page(200).says(&["being set up", words]);
    }
    let shown = farm.access(&rental).await;
    assert_eq!(
        (&shown["state"], &shown["machines"][0]["access"]),
        (&json!("setting-up"), &Value::Null)
    );
    farm.complete(&job).await.ok(200);
    farm.complete(&job).await.ok(200);

    let shown = farm.access(&rental).await;
    let machine = &shown["machines"][0];
    assert_eq!((&shown["state"], &machine["state"]), (&json!("ready"), &json!("done")));
    assert_eq!(machine["access"]["command"], "ssh -p 2201 root@203.0.113.7");
    let known_hosts = format!("{rental}_32_1,[203.0.113.7]:2201 {HOST_KEY}\n");
    assert_eq!(machine["access"]["known_hosts"], known_hosts);
    farm.ada.get(&page).await.page(200).says(&[
        "running",
        "ssh -p 2201 root@203.0.113.7",
        "Host node32_slice_1",
        "SHA256:UMrMUBWB7jd//ntB9OkfIaakoDNUV/nWlWfbwHvhrDU",
    ]);
    let ben = farm.market.sign_up("ben@example.org").await;
    for other in [&farm.farmer, &ben] {
        other.get(&format!("/api/rentals/{rental}/access")).await.problem(404, "not-found");
        other.get(&page).await.page(404);
    }
    // Looks are written down once an hour, and what was looked at is nowhere in the database.
    let observations = farm.ada.get("/api/account/audit").await.ok(200);
    let is_look = |entry: &&Value| entry["action"] == "access-viewed";
    assert_eq!(observations["items"].as_array().unwrap().iter().filter(is_look).count(), 1);
    let bytes = farm.market.database_bytes();
    assert!(!bytes.windows(11).any(|window| window == b"203.0.113.7"));
    let events = farm.events(&farm.ada).await;
    assert_eq!(events.iter().filter(|kind| *kind == "access-progress").count(), 5);
    assert_eq!(events.last().unwrap(), "access-ready");
    farm.market.check_invariants().await;
}

const CONSOLE: &str = "https://farm.example:8443/console/node32_slice_1/r";
const SECRET: &str = "0707070707070707070707070707070707070707070707070707070707070707";

fn access_with_console() -> Value {
    let mut access = access();
    (access["console_url"], access["console_secret"]) = (json!(CONSOLE), json!(SECRET));
    access
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_console_is_opened_by_a_short_lived_link() {
    let farm = farm().await;
    let rental = farm.rent().await;
    let (page, path) =
        (format!("/dashboard/slices/{rental}"), format!("/api/rentals/{rental}/console"));
    let open = format!("{page}/console");
    let job = farm.lease().await;
    farm.ada.post(&path, &json!({})).await.problem(404, "not-found");
    farm.notify(&job, "complete", json!({ "access": access_with_console() })).await.ok(200);

    // Neither its address nor its secret is shown, but that it is there.
    let shown = farm.access(&rental).await;
    assert_eq!(shown["machines"][0]["access"]["has_console"], json!(true));
    let home = farm.ada.get(&page).await;
    for text in [shown.to_string(), home.text()] {
        assert!(!text.contains("farm.example") && !text.contains(SECRET), "{text}");
    }
    let bytes = farm.market.database_bytes();
    assert!(!bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes()));

    let made = farm.ada.post(&path, &json!({ "slice": 1 })).await.ok(200);
    let url = made["url"].as_str().unwrap().to_owned();
    let (address, signature) = url.rsplit_once("&signature=").unwrap();
    assert!(address.starts_with(&format!("{CONSOLE}?expires=")), "{url}");
    assert!(signature.len() == 64 && !url.contains(SECRET), "{url}");
    farm.market.pass(1);
    let again = farm.ada.post_empty(&path).await.ok(200);
    assert_ne!(again["url"], made["url"], "each link is another one");
    assert_ne!(again["expires_at"], made["expires_at"]);

    let opened = farm.ada.send(home.page(200).submit(&open, &[])).await;
    let opened = opened.page(200);
    opened.says(&["farm.example:8443", "works once", "Open console"]);
    let link = format!("href=\"{CONSOLE}?expires=");
    assert!(opened.html().contains(&link), "{}", opened.html());

    farm.ada.post(&path, &json!({ "slice": 2 })).await.problem(400, "invalid-fields");
    let ben = farm.market.sign_up("ben@example.org").await;
    for other in [&farm.farmer, &ben] {
        other.post(&path, &json!({})).await.problem(404, "not-found");
    }
    let audit = farm.ada.get("/api/account/audit").await.ok(200);
    let is_opening = |entry: &&Value| entry["action"] == "console-opened";
    assert_eq!(audit["items"].as_array().unwrap().iter().filter(is_opening).count(), 3);

    farm.ada.post_empty(&format!("/api/rentals/{rental}/cancel")).await.ok(200);
    farm.ada.post(&path, &json!({})).await.problem(404, "not-found");
    assert!(!farm.ada.get(&page).await.page(200).actions().contains(&open));
    farm.complete(&farm.lease().await).await.ok(200);

    // No console, no button; and the grid's own is passed on as it is.
    for (console, expected) in [(Value::Null, None), (json!("http://10.249.2.0:20002"), Some(()))] {
        let rental = farm.rent().await;
        let mut access = access();
        access["console_url"] = console.clone();
        let job = farm.lease().await;
        farm.notify(&job, "complete", json!({ "access": access })).await.ok(200);
        let (page, path) =
            (format!("/dashboard/slices/{rental}"), format!("/api/rentals/{rental}/console"));
        let has_button =
            farm.ada.get(&page).await.page(200).actions().contains(&format!("{page}/console"));
        assert_eq!(has_button, expected.is_some());
        let answer = farm.ada.post(&path, &json!({})).await;
        match expected {
            None => {
                answer.problem(404, "not-found");
            }
            Some(()) => {
                assert_eq!(answer.ok(200), json!({ "url": console, "expires_at": null }));
            }
        }
        farm.ada.post_empty(&format!("/api/rentals/{rental}/cancel")).await.ok(200);
        farm.complete(&farm.lease().await).await.ok(200);
    }
    farm.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_that_is_lost_is_lost() {
    let farm = farm().await;
    let rental = farm.rent().await;
    let first = farm.lease().await;
    farm.notify(&first, "progress", json!({ "step": "disk" })).await.ok(200);
    // Its agent dies, and comes back when another has the job.
    farm.market.pass(61);
    let second = farm.lease().await;
    assert_eq!(
        (&second["id"], &second["fence"], &second["attempt"]),
        (&first["id"], &json!(2), &json!(2))
    );
    let late = [
        farm.notify(&first, "progress", json!({ "step": "booting" })).await,
        farm.complete(&first).await,
        farm.notify(&first, "fail", json!({ "reason": "no disk", "retry": true })).await,
    ];
    for answer in late {
        answer.problem(409, "lease-lost");
    }
    farm.notify(&second, "fail", json!({ "reason": "no disk", "retry": true })).await.ok(200);
    farm.notify(&second, "fail", json!({ "reason": "no disk", "retry": true })).await.ok(200);
    let shown = farm.access(&rental).await;
    assert_eq!(shown["machines"][0]["reason"], "no disk");
    ask(&farm.agent, 0).await.ok(204);
    farm.market.pass(60);
    let third = farm.lease().await;
    farm.notify(&third, "fail", json!({ "reason": "no room", "retry": false })).await.ok(200);
    assert_eq!(farm.access(&rental).await["state"], "failed");
    let page = farm.ada.get(&format!("/dashboard/slices/{rental}")).await.page(200);
    page.says(&["setup failed", "no room", "End rental"]);
    // Who waits no longer has everything back.
    farm.ada.post_empty(&format!("/api/rentals/{rental}/cancel")).await.ok(200);
    assert_eq!(farm.ada.balance().await, "100.00");
    farm.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_waits_for_a_job() {
    let farm = farm().await;
    let waiting = {
        let agent = farm.agent.clone();
        tokio::spawn(async move { ask(&agent, 20).await.ok(200) })
    };
    tokio::time::sleep(std::time::Duration::from_millis(1_500)).await;
    let rental = farm.rent().await;
    let answer = waiting.await.unwrap();
    assert_eq!(answer["job"]["rental_id"], json!(rental));
    ask(&farm.agent, 1).await.ok(204);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn late_access_is_told_of_and_paid_back_within_a_day() {
    let market = Market::start_with_folder().await;
    let farm = farm_on(market).await;
    let rental = farm.rent().await;
    farm.lease().await;
    farm.market.pass(299);
    farm.market.run_clock().await.unwrap();
    assert!(!farm.events(&farm.ada).await.contains(&"access-late".to_owned()));
    farm.market.pass(1);
    for _ in 0..2 {
        farm.market.run_clock().await.unwrap();
    }
    farm.market.run_mailer().await.unwrap();
    for who in [&farm.ada, &farm.farmer] {
        let events = farm.events(who).await;
        assert_eq!(events.iter().filter(|kind| *kind == "access-late").count(), 1);
    }
    let mails = farm.market.mails_to("ada@example.org");
    assert_eq!(
        mails.iter().filter(|mail| mail.contains("is taking longer than expected")).count(),
        1,
        "{mails:#?}"
    );

    farm.market.pass(DAY - 300);
    farm.market.sync().await;
    assert_eq!(farm.ada.balance().await, "100.00");
    let shown = farm.ada.get(&format!("/api/rentals/{rental}")).await.ok(200);
    assert_eq!((&shown["status"], &shown["refunded"]), (&json!("ended"), &json!("25.00")));
    let events = farm.events(&farm.ada).await;
    assert_eq!(events[events.len() - 2..], ["rental-refunded", "rental-ended"]);
    assert_eq!(farm.access(&rental).await["state"], "closed");
    farm.market.run_mailer().await.unwrap();
    let mails = farm.market.mails_to("ada@example.org");
    assert!(mails.iter().any(|mail| mail.contains("refunded to your wallet")), "{mails:#?}");
    farm.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_machine_goes_on_elsewhere_with_its_renters_consent() {
    let farm = farm().await;
    let other = farm.market.sign_up("other@example.org").await;
    other.publish(17, "24").await;
    let rental = farm.rent().await;
    let (path, page) = (format!("/api/rentals/{rental}"), format!("/dashboard/slices/{rental}"));
    let (alternatives, at) = (format!("{path}/alternatives"), format!("{path}/move"));
    let offer = farm.ada.get("/api/marketplace/nodes/node32").await.ok(200);
    let next = json!({ "node_id": "node32", "slice_id": "node32_slice_2",
                       "offer_version": offer["offer_version"] });
    farm.ada.post(&at, &next).await.problem(409, "not-leaving");
    assert_eq!(farm.access(&rental).await["can_move"], false);

    let first = farm.lease().await;
    farm.notify(&first, "fail", json!({ "reason": "no disk", "retry": false })).await.ok(200);
    let shown = farm.access(&rental).await;
    assert_eq!((&shown["state"], &shown["can_move"]), (&json!("failed"), &json!(true)));
    farm.ada.get(&page).await.page(200).says(&["Move to another slice", "End rental"]);
    // Node 17 is as good, but nobody would make a machine there.
    let found = farm.ada.get(&alternatives).await.ok(200);
    assert_eq!(found.as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found[0]["slice_id"], "node32_slice_2");
    let offer = farm.ada.get("/api/marketplace/nodes/node17").await.ok(200);
    let unmanned = json!({ "node_id": "node17", "offer_version": offer["offer_version"] });
    farm.ada.post(&at, &unmanned).await.problem(409, "not-equivalent");
    let move_page = farm.ada.get(&format!("{page}/move")).await.page(200);
    move_page.says(&["overdue or couldn't be set up", "Move to node32_slice_2"]);

    farm.market.pass(60);
    let moved = farm.ada.post(&at, &next).await.ok(200);
    assert_eq!(moved["slice_id"], "node32_slice_2");
    assert_eq!(farm.ada.post(&at, &next).await.ok(200), moved, "a retry finds it done");
    farm.complete(&first).await.problem(409, "lease-lost");
    assert_eq!(farm.ada.balance().await, "75.00");
    let shown = farm.access(&rental).await;
    assert_eq!(
        (&shown["state"], shown["machines"].as_array().unwrap().len()),
        (&json!("setting-up"), 1)
    );
    // What was begun is removed, or its farmer says that it is gone.
    let node = "/dashboard/farm/nodes/node32";
    let farm_page = farm.farmer.get(node).await.page(200);
    farm_page.says(&["being removed", "Confirm removal", "rack-7", "last seen"]);
    let gone = farm_page.submit(&format!("{node}/slices/1/confirm-removed"), &[]);
    let done = farm.farmer.send(gone).await.see_other();
    farm.farmer.get(&done).await.page(200).says(&["Removal confirmed."]);
    // And the machine is made where the renter has agreed to.
    let job = farm.lease().await;
    assert_eq!((&job["kind"], &job["slice"]["id"]), (&json!("create"), &json!("node32_slice_2")));
    farm.complete(&job).await.ok(200);
    let shown = farm.access(&rental).await;
    assert_eq!((&shown["state"], &shown["can_move"]), (&json!("ready"), &json!(false)));
    farm.ada.post(&at, &unmanned).await.problem(409, "not-leaving");
    farm.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slice_is_offered_again_once_its_machine_is_gone() {
    let farm = farm().await;
    let rental = farm.rent().await;
    let made = farm.lease().await;
    farm.complete(&made).await.ok(200);
    farm.ada.post_empty(&format!("/api/rentals/{rental}/cancel")).await.ok(200);
    assert!(!farm.is_offered().await);
    farm.market.sync().await;
    assert!(!farm.is_offered().await);
    let job = farm.lease().await;
    assert_eq!((&job["kind"], &job["fence"]), (&json!("remove"), &json!(2)));
    let wrong = farm.notify(&job, "complete", json!({ "access": access() })).await;
    wrong.problem(400, "invalid-fields");
    farm.complete(&job).await.ok(200);
    assert!(farm.is_offered().await);

    // Or the farmer says so.
    let rental = farm.rent().await;
    let made = farm.lease().await;
    farm.complete(&made).await.ok(200);
    farm.ada.post_empty(&format!("/api/rentals/{rental}/cancel")).await.ok(200);
    let confirm = "/api/farm/nodes/node32/slices/1/confirm-removed";
    farm.ada.post_empty(confirm).await.problem(404, "not-found");
    let other = "/api/farm/nodes/node32/slices/2/confirm-removed";
    farm.farmer.post_empty(other).await.problem(404, "not-found");
    farm.farmer.post_empty(confirm).await.ok(204);
    assert!(farm.is_offered().await);
    ask(&farm.agent, 0).await.ok(204);
    farm.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_is_held_to_its_farm_and_to_the_form() {
    let farm = farm().await;
    let rental = farm.rent().await;
    let scoped = farm.farmer.token(&["agent"]).await;
    ask(&scoped, 0).await.problem(403, "missing-scope");
    ask(&farm.farmer, 0).await.problem(403, "missing-scope");
    ask(&farm.farmer.token(&["read", "rent", "farm"]).await, 0).await.problem(403, "missing-scope");
    ask(&farm.market.visitor(), 0).await.problem(401, "not-signed-in");
    let body = json!({ "agent": "a b", "wait_seconds": 21 });
    farm.agent.post(LEASE, &body).await.problem(400, "invalid-fields");
    // Somebody else's token for the same farm is worth nothing there.
    let thief = farm.market.sign_up("thief@example.org").await;
    let thief = farm.market.agent_token(&thief, 32).await;
    let thief = farm.market.visitor().with_token(&thief);
    ask(&thief, 0).await.ok(204);
    let job = farm.lease().await;
    let id = job["id"].as_str().unwrap();
    for (what, body) in [
        ("progress", json!({ "fence": 1, "step": "disk" })),
        ("complete", json!({ "fence": 1, "access": access() })),
        ("fail", json!({ "fence": 1, "reason": "x", "retry": true })),
    ] {
        thief.post(&format!("/api/agent/jobs/{id}/{what}"), &body).await.problem(404, "not-found");
        farm.agent
            .post(&format!("/api/agent/jobs/1/{what}"), &body)
            .await
            .problem(404, "not-found");
    }
    farm.notify(&job, "progress", json!({ "step": "done" })).await.problem(400, "invalid-fields");
    farm.notify(&job, "complete", json!({})).await.problem(400, "invalid-fields");
    for (field, value) in [
        ("address", json!("a;reboot")),
        ("address", json!("-oProxyCommand=id")),
        ("port", json!(0)),
        ("user", json!("root$(id)")),
        ("host_keys", json!(["ssh-ed25519 AAAA"])),
        ("console_url", json!("javascript:alert(1)")),
        ("console_secret", json!(SECRET)),
        ("notes", json!("\u{1b}[2J")),
    ] {
        let mut wrong = access();
        wrong[field] = value;
        let answer = farm.notify(&job, "complete", json!({ "access": wrong })).await;
        answer.problem(400, "invalid-fields");
        assert_eq!(answer.json()["errors"][0]["field"], format!("access.{field}"));
    }
    assert_eq!(farm.access(&rental).await["state"], "setting-up");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_checked_and_a_machine_waits_for_one() {
    let farm = farm().await;
    let ben = farm.market.sign_up_with("ben@example.org", "100").await;
    let rented = ben.rent("node32", 1).await.ok(201)["rental"]["id"].clone();
    let path = format!("/api/rentals/{}/access", rented.as_str().unwrap());
    assert_eq!(ben.get(&path).await.ok(200)["state"], "needs-key");
    ask(&farm.agent, 0).await.ok(204);
    for bad in [
        "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==",
        "ssh-ed25519 AAAA",
        &format!("command=\"id\" {ADAS_KEY}"),
        &format!("{ADAS_KEY}\n{ADAS_KEY}"),
    ] {
        let body = json!({ "name": "x", "public_key": bad });
        ben.post(KEYS, &body).await.problem(400, "invalid-fields");
        let page = ben.get(PAGE).await.page(200);
        let refused = ben.send(page.submit(PAGE, &[("public_key", bad)])).await;
        refused.page(400).says(&["one", "key"]);
        assert!(!refused.text().contains("b3BlbnNzaA"));
    }
    let page = ben.get(PAGE).await.page(200);
    let added = ben.send(page.submit(PAGE, &[("public_key", ADAS_KEY)])).await.see_other();
    assert_eq!(added, "/dashboard/settings/ssh-keys?done=key-added");
    ben.post(KEYS, &json!({ "public_key": ADAS_KEY })).await.problem(409, "ssh-key-taken");
    assert_eq!(farm.lease().await["rental_id"], rented);
    let keys = ben.get(KEYS).await.ok(200);
    let id = keys["items"][0]["id"].as_str().unwrap();
    assert_eq!(keys["items"][0]["name"], "ada@laptop");
    ben.get("/dashboard/settings/ssh-keys").await.page(200).says(&["ada@laptop", "SHA256:UMrM"]);
    farm.ada.delete(&format!("{KEYS}/{id}")).await.problem(404, "not-found");
    let remove = format!("/dashboard/settings/ssh-keys/{id}/remove");
    let page = ben.get("/dashboard/settings/ssh-keys").await.page(200);
    let removed = ben.send(page.submit(&remove, &[])).await.see_other();
    assert_eq!(removed, "/dashboard/settings/ssh-keys?done=key-removed");
    ben.delete(&format!("{KEYS}/{id}")).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_has_at_most_twenty_keys() {
    let grid = Standin::start(Documents::default()).await.unwrap();
    let market = Market::start_with(grid, []).await;
    let ada = market.sign_up("ada@example.org").await;
    {
        let db = market.open_database();
        let sql = "INSERT INTO ssh_keys
                   SELECT printf('01a2043b-3da8-7100-8000-%012d', n.number), a.id, 'key',
                          'ssh-rsa A', n.number, 1
                     FROM accounts a, slice_numbers n WHERE n.number <= 20";
        db.connection().execute_batch(sql).unwrap();
    }
    ada.post(KEYS, &json!({ "public_key": ADAS_KEY })).await.problem(409, "too-many-ssh-keys");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_starts_with_what_its_renter_chose() {
    let farm = farm().await;
    farm.market.credit("ada@example.org", "100").await.ok(201);
    let order = |more: Value| {
        let mut body = json!({ "node_id": "node32", "duration_months": 1 });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    farm.ada.post(RENT, &order(json!({ "template": "docker" }))).await.ok(201);
    let job = farm.lease().await;
    assert_eq!(job["template"], json!({ "name": "docker", "version": 1 }));
    assert!(job["user_data"].as_str().unwrap().starts_with("#cloud-config\n# docker, version 1"));
    let own = "#cloud-config\npackages: [a-renters-own]\n";
    let call = || Call::post(RENT, &order(json!({ "user_data": own }))).key("own");
    farm.ada.send(call()).await.ok(201);
    farm.ada.send(call()).await.ok(201);
    let job = farm.lease().await;
    assert_eq!((&job["template"], &job["user_data"]), (&Value::Null, &json!(own)));
    let bytes = farm.market.database_bytes();
    assert!(!bytes.windows(13).any(|window| window == b"a-renters-own"));
    let node = json!({ "node_id": "node32", "duration_months": 1, "template": "web" });
    farm.ada.post("/api/marketplace/rent-node", &node).await.problem(409, "sold-out");
    for wrong in [
        json!({ "template": "windows" }),
        json!({ "template": "web", "user_data": own }),
        json!({ "user_data": "packages: [git]" }),
        json!({ "user_data": format!("#cloud-config\n{}", "#".repeat(16_384)) }),
        json!({ "ssh_key_id": "mine" }),
        json!({ "ssh_key_id": "01a2043b-3da8-7100-8000-000000000009" }),
    ] {
        farm.ada.post(RENT, &order(wrong)).await.problem(400, "invalid-fields");
    }
    let page = farm.ada.get("/marketplace/compute/node32").await.page(200);
    page.says(&["SSH key", "ada@laptop", "Docker"]);
    farm.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_an_agent_everything_is_as_it_was() {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    let rental = ada.rent("node32", 1).await.ok(201)["rental"]["id"].clone();
    let path = format!("/api/rentals/{}", rental.as_str().unwrap());
    assert_eq!(ada.get(&format!("{path}/access")).await.ok(200)["state"], "pending");
    market.pass(2 * DAY);
    market.sync().await;
    let shown = ada.get(&path).await.ok(200);
    assert_eq!(
        (&shown["status"], &shown["terms"][0]["earned"]),
        (&json!("active"), &json!("1.66"))
    );
    market.check_invariants().await;
}
