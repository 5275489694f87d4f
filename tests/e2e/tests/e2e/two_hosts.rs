//! Two hosts on one database, both woken by the clock at the same time, do everything once: what is
//! left of two months is what one host leaves.

use std::collections::BTreeMap;

use e2e::{Client, MORNING, Market, Receiver};
use serde_json::json;

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const STEP: i64 = 12 * HOUR;
const STEPS: i64 = 64 * DAY / STEP;
const FARMER: &str = "farmer@example.org";
const RENTERS: [&str; 3] = ["ada@example.org", "ben@example.org", "cleo@example.org"];
const RENT: &str = "/api/marketplace/rent-slice";

/// What is left of a play.
#[derive(Debug, PartialEq, Eq)]
struct Left {
    /// Counts and sums of the database.
    numbers: BTreeMap<String, i64>,
    /// Subjects of mails, each with who has got it.
    mails: Vec<String>,
    /// Kinds of webhook messages.
    posts: Vec<String>,
}

/// Ada rents three slices that renew themselves; Ben's run out; Cleo ends hers early. All of it
/// while the nodes fail now and then.
struct Play {
    market: Market,
    receiver: Receiver,
    farmer: Client,
    ada: Client,
    cleo: Client,
    /// What Cleo ends.
    rental: String,
    posts: Vec<(String, String)>,
}

impl Play {
    async fn begin(with_second_host: bool) -> Play {
        let variables = [("webhook_private_addresses", "allow"), ("limit_factor", "10000")];
        let mut market = Market::start_with_folder_and(&variables).await;
        if with_second_host {
            market.start_second_host().await;
        }
        let receiver = Receiver::start().await;
        let farmer = market.sign_up(FARMER).await;
        for node in [32, 600] {
            farmer.publish(node, "20").await;
            let sla = json!({ "min_uptime": "99.5", "min_bandwidth_mbps": 100 });
            farmer.patch(&format!("/api/farm/nodes/node{node}"), &sla).await.ok(200);
        }
        let [ada, ben, cleo] = RENTERS.map(|email| market.sign_up_with(email, "500"));
        let (ada, ben, cleo) = (ada.await, ben.await, cleo.await);
        for client in [&farmer, &ada] {
            let hook = json!({ "url": receiver.url() });
            client.post("/api/notifications/webhooks", &hook).await.ok(201);
        }
        let wanted = json!({ "node_id": "node32", "duration_months": 1, "count": 3 });
        let rented = ada.post(RENT, &wanted).await.ok(201)["rentals"].clone();
        for rental in rented.as_array().unwrap() {
            let path = format!("/api/rentals/{}", rental["id"].as_str().unwrap());
            let wish = json!({ "auto_renew": { "duration_months": 1, "max_price": "30" } });
            ada.patch(&path, &wish).await.ok(200);
        }
        ben.rent("node600", 1).await.ok(201);
        ben.rent("node32", 1).await.ok(201);
        let rental = cleo.rent("node600", 3).await.ok(201)["rental"]["id"].clone();
        let rental = rental.as_str().unwrap().to_owned();
        let farmer = farmer.token(&["read", "farm"]).await;
        let (ada, cleo) = (ada.token(&["read", "rent"]).await, cleo.token(&["read", "rent"]).await);
        Play { market, receiver, farmer, ada, cleo, rental, posts: vec![] }
    }

    /// What happens on a day, before the jobs run.
    async fn happen(&self, step: i64) {
        let grid = &self.market.grid;
        let node32 = "/api/farm/nodes/node32";
        match step {
            4 => {
                let (starts, ends) = ("2026-12-02T10:00:00Z", "2026-12-02T16:00:00Z");
                let window = json!({ "starts_at": starts, "ends_at": ends });
                self.farmer.post(&format!("{node32}/maintenance"), &window).await.ok(201);
                // It waits for a day, and then a job does it.
                let price = json!({ "price_per_month": "24" });
                self.farmer.patch(node32, &price).await.ok(200);
            }
            8 => assert!(grid.patch_node(32, json!({ "status": "down" }))),
            14 => assert!(grid.patch_node(32, json!({ "status": "up" }))),
            // More is rented than it can carry, for a while.
            20 => {
                let small = json!({ "total_resources": { "sru": 500_i64 << 30 } });
                assert!(grid.patch_node(32, small));
            }
            26 | 80 => grid.reset().await,
            30 => {
                let held = json!({ "node_id": "node600", "duration_months": 1, "hold": true });
                self.ada.post("/api/marketplace/quotes", &held).await.ok(201);
            }
            40 => {
                let cancel = format!("/api/rentals/{}/cancel", self.rental);
                self.cleo.post_empty(&cancel).await.ok(200);
            }
            70 => assert!(grid.remove_node(600)),
            _ => {}
        }
    }

    /// Wakes every job of every host, each on all of them at once. One component comes after the
    /// other: what is told in one mail depends on what has happened by then.
    async fn wake(&mut self) {
        for component in ["clock", "grid-sync", "notifier", "mailer"] {
            self.market.fire_everywhere(component).await;
        }
        for posted in self.receiver.take() {
            let kind = posted.json()["type"].as_str().unwrap().to_owned();
            self.posts.push((posted.header("webhook-id").to_owned(), kind));
        }
    }

    async fn end(mut self) -> Left {
        for step in 0..STEPS {
            self.market.set_clock(MORNING + HOUR + STEP * step);
            self.happen(step).await;
            self.wake().await;
        }
        // What one job has left to another is done by now.
        for minute in 1..10 {
            self.market.set_clock(MORNING + HOUR + STEP * STEPS + 300 * minute);
            self.wake().await;
        }
        self.market.check_invariants().await;
        let (mut ids, mut posts): (Vec<String>, Vec<String>) = self.posts.drain(..).unzip();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "a message was posted twice");
        posts.sort_unstable();
        Left { numbers: numbers(&self.market), mails: subjects(&self.market), posts }
    }
}

/// Who has got which mail.
fn subjects(market: &Market) -> Vec<String> {
    let mut mails = vec![];
    for address in RENTERS.into_iter().chain([FARMER]) {
        for mail in market.mails_to(address) {
            let subject = mail.lines().find(|line| line.starts_with("Subject: ")).unwrap();
            mails.push(format!("{address} {subject}"));
        }
    }
    mails.sort_unstable();
    mails
}

/// What may differ: how often jobs were woken, and requests counted.
const COUNTING_TABLES: [&str; 2] = ["job_runs", "rate_limits"];

/// How many rows each table has, how many events, bookings and audit entries there are of each
/// kind, what was booked, and what was observed.
fn numbers(market: &Market) -> BTreeMap<String, i64> {
    let db = market.open_database();
    let ask = |sql: &str| -> Vec<(String, i64)> {
        let mut statement = db.connection().prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    };
    let tables = ask("SELECT name, 0 FROM sqlite_schema WHERE type = 'table'");
    let mut numbers = BTreeMap::new();
    for (table, _) in tables.into_iter().filter(|(it, _)| !COUNTING_TABLES.contains(&it.as_str())) {
        numbers.extend(ask(&format!("SELECT 'rows of {table}', count(*) FROM \"{table}\"")));
    }
    for sql in [
        "SELECT 'event ' || kind, count(*) FROM events GROUP BY kind",
        "SELECT 'booking ' || kind, count(*) FROM ledger_transactions GROUP BY kind",
        "SELECT 'audit ' || action, count(*) FROM audit GROUP BY action",
        "SELECT 'rental ' || state, count(*) FROM rentals GROUP BY state",
        "SELECT 'mail ' || state, count(*) FROM mails GROUP BY state",
        "SELECT 'observed ' || id, observed * 1000 + observed_up FROM nodes",
        "SELECT 'balance ' || kind || coalesce(a.email, ''), balance_micros
           FROM ledger_accounts l LEFT JOIN accounts a ON a.id = l.owner_id",
        "SELECT 'syncs', sum(updated) * 1000 + sum(requests) FROM sync_runs",
    ] {
        numbers.extend(ask(sql));
    }
    numbers
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_do_everything_once() {
    let one = Play::begin(false).await.end().await;
    let two = Play::begin(true).await.end().await;
    let differ: Vec<_> =
        two.numbers.iter().filter(|(name, found)| one.numbers.get(*name) != Some(found)).collect();
    assert!(differ.is_empty(), "{differ:?}, where one host has {:?}", one.numbers);
    assert_eq!(two, one);
    // Something of everything has happened.
    for name in [
        "event rental-renewed",
        "event rental-expired",
        "event rental-ended",
        "event node-oversold",
        "booking sla-credit",
        "booking earning",
        "booking refund",
        "rows of sla_months",
        "rows of maintenance",
        "rows of observations",
    ] {
        assert!(one.numbers.get(name).is_some_and(|count| *count > 0), "{name}: {:?}", one.numbers);
    }
    assert!(one.mails.len() > 10 && one.posts.len() > 10, "{:?} {:?}", one.mails, one.posts);
    let mails = one.numbers.keys().filter(|name| name.starts_with("mail "));
    assert_eq!(mails.collect::<Vec<_>>(), ["mail sent"]);
}
