//! What can become of a machine: a password for its console, a new renter for whom it is rebuilt,
//! and a node that is gone. The test plays the farm's agent.

use browser::{Tab, journey};
use e2e::{Client, Market, PASSWORD};
use serde_json::{Value, json};

const FARMER: &str = "farmer@example.org";
const ADA: &str = "ada@example.org";
const BEN: &str = "ben@example.org";
const NODE: u32 = 32;
const HOUR: i64 = 3_600;
const KEY: &str = "ssh-ed25519 \
    AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

struct Farm {
    market: Market,
    agent: Client,
    rental: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_machine_gets_a_password_and_another_renter_and_is_gone() {
    let market = Market::start().await;
    let farmer = market.sign_up(FARMER).await;
    farmer.publish(NODE, "25").await;
    let agent = market.visitor().with_token(&market.agent_token(&farmer, NODE).await);
    let lease = json!({ "agent": "rack-7", "wait_seconds": 0 });
    agent.post("/api/agent/jobs/lease", &lease).await.ok(204);
    let renter = market.sign_up_with(ADA, "100").await;
    for renter in [&renter, &market.sign_up(BEN).await] {
        renter.post("/api/account/ssh-keys", &json!({ "public_key": KEY })).await.ok(201);
    }
    let made = renter.rent("node32", 1).await.ok(201);
    let rental = made["rental"]["id"].as_str().unwrap().to_owned();
    let farm = Farm { market, agent, rental };
    let url = farm.market.url();
    journey(&url, |tab| async move {
        farm.do_job("create").await;
        farm.report().await;
        set_a_password(&tab, &farm).await;
        transfer(&tab).await;
        accept(&tab, &farm).await;
        lose_the_node(&tab, &farm).await;
        farm.market.check_invariants().await;
    })
    .await;
}

impl Farm {
    fn page(&self) -> String {
        format!("/dashboard/slices/{}", self.rental)
    }

    /// The agent does its next job.
    async fn do_job(&self, kind: &str) {
        let lease = json!({ "agent": "rack-7", "wait_seconds": 0 });
        let job: Value =
            self.agent.post("/api/agent/jobs/lease", &lease).await.ok(200)["job"].clone();
        assert_eq!(job["kind"], kind);
        let mut done = json!({ "fence": job["fence"] });
        if matches!(kind, "create" | "rebuild") {
            done["access"] = json!({
                "address": "203.0.113.7", "port": 2201, "user": "root", "host_keys": [KEY],
                "console_url": null, "notes": null,
            });
        }
        let path = format!("/api/agent/jobs/{}/complete", job["id"].as_str().unwrap());
        self.agent.post(&path, &done).await.ok(200);
    }

    /// The agent says that the machine runs, and that all but its keys can be changed.
    async fn report(&self) {
        let machine = json!({
            "rental_id": self.rental, "slice_id": "node32_slice_1", "state": "running", "ssh": true,
            "can": ["power", "rebuild", "set-password", "set-ports"],
        });
        let report = json!({ "agent": "rack-7", "machines": [machine] });
        self.agent.post("/api/agent/machines", &report).await.ok(200);
    }

    /// Time passes, and the grid says that the node is down.
    async fn pass_without_node(&self, seconds: i64) {
        self.market.pass(seconds);
        self.market.sync().await;
        self.market.fire("mailer").await.unwrap();
        self.market.fire("notifier").await.unwrap();
    }
}

async fn sign_in(tab: &Tab, email: &str) {
    tab.open("/login").await;
    tab.fill("email", email).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.see(email).await;
}

async fn change_to(tab: &Tab, email: &str) {
    tab.press("Sign out").await;
    tab.see("You are signed out.").await;
    sign_in(tab, email).await;
}

async fn set_a_password(tab: &Tab, farm: &Farm) {
    sign_in(tab, ADA).await;
    tab.open(&farm.page()).await;
    tab.see("Set console password").await;
    tab.take_pictures("100-machine").await;
    tab.press("Set console password").await;
    tab.arrive("Console password").await;
    tab.see("This password is shown only once.").await;
    tab.take_pictures("101-console-password").await;
    tab.press("Back to rental").await;
    tab.see("Setting the console password, requested").await;
    tab.take_pictures("102-console-password-underway").await;
    farm.do_job("set-password").await;
    tab.open(&farm.page()).await;
    tab.see("Console password set on").await;
}

async fn transfer(tab: &Tab) {
    tab.click("#transfer summary").await;
    tab.see("all data on it is deleted").await;
    tab.take_pictures("103-transfer-with-rebuild").await;
    tab.fill("email", BEN).await;
    tab.press("Send invitation").await;
    tab.see("Cancel invitation").await;
    tab.see("all data on it is deleted").await;
    tab.take_pictures("104-invited").await;
}

async fn accept(tab: &Tab, farm: &Farm) {
    // What was done last is known by its second.
    farm.market.pass(60);
    change_to(tab, BEN).await;
    tab.open("/dashboard/slices").await;
    tab.see("all data on it is deleted").await;
    tab.take_pictures("105-invitation").await;
    tab.press("Accept and rebuild").await;
    tab.arrive("node32_slice_1").await;
    tab.see("Rebuilding, requested").await;
    tab.take_pictures("106-accepted").await;
    farm.do_job("rebuild").await;
    farm.report().await;
    tab.open(&farm.page()).await;
    tab.see("Rebuilt on").await;
    tab.take_pictures("107-rebuilt").await;
}

async fn lose_the_node(tab: &Tab, farm: &Farm) {
    assert!(farm.market.grid.patch_node(NODE, json!({ "status": "down" })));
    farm.pass_without_node(HOUR).await;
    farm.pass_without_node(HOUR).await;
    tab.open(&farm.page()).await;
    tab.see("Down since").await;
    tab.take_pictures("108-node-down").await;
    farm.pass_without_node(12 * HOUR).await;
    farm.pass_without_node(12 * HOUR).await;
    tab.open(&farm.page()).await;
    tab.see("You aren't charged for this outage").await;
    tab.take_pictures("109-node-down-for-a-day").await;
    tab.open("/dashboard/slices").await;
    tab.see("node32_slice_1").await;
    tab.take_pictures("110-list-with-a-node-down").await;
    tab.open("/dashboard/notifications").await;
    tab.take_pictures("111-notifications-of-it").await;
    change_to(tab, FARMER).await;
    tab.open("/dashboard/farm").await;
    tab.take_pictures("112-farm-with-a-node-down").await;
    tab.open("/dashboard/farm/nodes/node32").await;
    tab.see("down").await;
    tab.take_pictures("113-farmers-node-down").await;
}
