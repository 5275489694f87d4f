//! From a payment to a login: the real agent with `driver-process`, whose machine is an SSH server,
//! and OpenSSH's client. Agent and host are killed on the way.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use e2e::{Client, Market, OPERATOR_TOKEN, POLL_SECONDS, Rack};
use gridproxy::{Documents, Standin};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::checklist::crash::{Process, ask, session};

/// How long anything may take here; a login is guaranteed within five minutes.
const LIMIT: Duration = Duration::from_mins(2);

/// How far a job has come, in order.
const STAGES: [&str; 7] = ["leased", "accepted", "disk", "booting", "reachable", "checked", "done"];

fn look(database: &Path) -> Connection {
    let db = Connection::open_with_flags(database, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    db.busy_timeout(LIMIT).unwrap();
    db
}

/// The farm of node 32.
fn farm_of(database: &Path) -> u32 {
    let sql = "SELECT farm_id FROM nodes WHERE id = 32";
    look(database).query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Waits until an agent has asked for jobs: what is rented from then on is provisioned.
async fn until_seen(database: &Path) {
    let sql = "SELECT count(*) FROM agents";
    let count = || look(database).query_row(sql, [], |row| row.get::<_, u32>(0)).unwrap();
    until("an agent that asks for jobs", async || count() > 0).await;
}

/// How far the job is that makes the machine of a rental: its place in `STAGES`.
fn stage(database: &Path, rental: &str) -> Option<usize> {
    let sql = "SELECT CASE WHEN state = 'leased' THEN coalesce(step, state) ELSE state END
                 FROM jobs WHERE rental_id = ?1 AND kind = 'create'";
    let found: String = look(database).query_row(sql, [rental], |row| row.get(0)).unwrap();
    STAGES.iter().position(|stage| *stage == found)
}

/// Waits until something is so.
async fn until(what: &str, is_so: impl AsyncFnMut() -> bool) {
    until_every(Duration::from_millis(5), what, is_so).await;
}

/// The same of what the API says, which limits requests: let the clock go on meanwhile.
async fn until_said(what: &str, is_so: impl AsyncFnMut() -> bool) {
    until_every(Duration::from_millis(500), what, is_so).await;
}

async fn until_every(pause: Duration, what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so().await {
        assert!(Instant::now() < end, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(pause).await;
    }
}

/// Waits until the machine of a rental has come to a stage, or further.
async fn until_stage(database: &Path, rental: &str, wanted: usize) {
    until(STAGES[wanted], async || stage(database, rental) >= Some(wanted)).await;
}

/// Node 32, its farmer, and a renter with money and a key.
struct Farm {
    market: Market,
    farmer: Client,
    ada: Client,
    rack: Rack,
}

impl Farm {
    async fn new() -> Farm {
        let market = Market::start().await;
        let farmer = market.sign_up("farmer@example.org").await;
        farmer.publish(32, "25").await;
        let rack = Rack::new(&market.url(), &market.agent_token(&farmer, 32).await);
        let ada = market.sign_up_with("ada@example.org", "500").await;
        let key = json!({ "public_key": rack.public_key() });
        ada.post("/api/account/ssh-keys", &key).await.ok(201);
        Farm { market, farmer, ada, rack }
    }

    /// Starts the agent, and waits until the marketplace knows it.
    async fn start(&mut self) {
        self.rack.start();
        until_seen(&self.market.database()).await;
    }

    async fn rent(&self) -> String {
        let made = self.ada.rent("node32", 1).await.ok(201);
        made["rental"]["id"].as_str().unwrap().to_owned()
    }

    /// How to get into the machine, once it is ready.
    async fn access(&self, rental: &str) -> Value {
        until_stage(&self.market.database(), rental, STAGES.len() - 1).await;
        let shown = self.ada.get(&format!("/api/rentals/{rental}/access")).await.ok(200);
        assert_eq!(shown["state"], "ready", "{shown:#}");
        shown["machines"][0]["access"].clone()
    }

    /// Ends a rental, and waits until its slice is offered again.
    async fn end(&self, rental: &str) {
        self.ada.post_empty(&format!("/api/rentals/{rental}/cancel")).await.ok(200);
        until("the slice is offered again", async || {
            let node = self.farmer.get("/api/farm/nodes/node32").await.ok(200);
            let slices = node["slices"].as_array().unwrap();
            slices.iter().any(|it| it["id"] == "node32_slice_1" && it["state"] == "available")
        })
        .await;
    }
}

/// The renter gets into the machine that an answer tells of, and nobody else does.
#[track_caller]
fn check_login(rack: &Rack, access: &Value) {
    let [command, known_hosts] = lines(access);
    rack.check_login(command, known_hosts);
}

/// The line that logs in, and the lines for `known_hosts`.
fn lines(access: &Value) -> [&str; 2] {
    ["command", "known_hosts"].map(|name| access[name].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_paid_logs_in_and_at_the_end_nobody_does() {
    let mut farm = Farm::new().await;
    farm.start().await;
    let paid_at = Instant::now();
    let rental = farm.rent().await;
    let mut times = Vec::new();
    for (nth, name) in STAGES.iter().enumerate() {
        until_stage(&farm.market.database(), &rental, nth).await;
        times.push(format!("{name} {} ms", paid_at.elapsed().as_millis()));
    }
    let access = farm.access(&rental).await;
    check_login(&farm.rack, &access);
    print_times(&times, paid_at.elapsed());
    assert_eq!(farm.rack.servers(), 1);

    farm.end(&rental).await;
    let [command, known_hosts] = lines(&access);
    let late = farm.rack.log_in(command, known_hosts, "renter");
    assert!(!late.status.success(), "it is closed");
    assert_eq!(farm.rack.servers(), 0);
    farm.market.check_invariants().await;
}

/// Waits until the agent has reported that something can be done with the machine of a rental.
async fn until_able(market: &Market, who: &Client, rental: &str, capability: &str) {
    let path = format!("/api/rentals/{rental}/access");
    until_said(capability, async || {
        market.pass(1);
        let shown = who.get(&path).await.ok(200);
        shown["machines"][0]["can"].as_array().unwrap().contains(&capability.into())
    })
    .await;
}

/// Waits until the latest action of a rental's machine is done.
async fn until_done(market: &Market, who: &Client, rental: &str, action: &str) {
    let path = format!("/api/rentals/{rental}/actions");
    until_said(action, async || {
        market.pass(1);
        let latest = who.get(&path).await.ok(200)["actions"][0].clone();
        assert_ne!(latest["state"], "failed", "{latest}");
        latest["action"] == action && latest["state"] == "done"
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_a_transfer_the_old_key_is_refused_and_the_new_one_logs_in() {
    let mut farm = Farm::new().await;
    farm.start().await;
    let ben = farm.market.sign_up_with("ben@example.org", "100").await;
    let key = std::fs::read_to_string(farm.rack.path("stranger.pub")).unwrap();
    ben.post("/api/account/ssh-keys", &json!({ "public_key": key.trim() })).await.ok(201);
    let rental = farm.rent().await;
    let access = farm.access(&rental).await;
    check_login(&farm.rack, &access);
    until_able(&farm.market, &farm.ada, &rental, "set-keys").await;

    let [command, known_hosts] = lines(&access);
    let mut hers = farm.rack.open_session(command, known_hosts, "renter");
    assert!(hers.try_wait().unwrap().is_none(), "Ada is logged in");
    let to = json!({ "email": "ben@example.org" });
    let offered = farm.ada.post(&format!("/api/rentals/{rental}/transfer"), &to).await.ok(201);
    assert_eq!(offered["machine"], "keys-replaced");
    ben.post_empty(&format!("/api/transfers/{rental}/accept")).await.ok(200);
    until_done(&farm.market, &ben, &rental, "restart").await;
    assert!(!hers.wait().unwrap().success(), "what she has open ends");
    let gets_in = |who: &str| farm.rack.log_in(command, known_hosts, who).status.success();
    assert!(gets_in("stranger"), "it is Ben's");
    assert!(!gets_in("renter"), "it was Ada's");

    // He has it rebuilt, so that nothing of hers is left.
    let rebuild = format!("/api/rentals/{rental}/rebuild");
    ben.post(&rebuild, &json!({})).await.ok(201);
    until_done(&farm.market, &ben, &rental, "rebuild").await;
    let shown = ben.get(&format!("/api/rentals/{rental}/access")).await.ok(200);
    let anew = &shown["machines"][0]["access"];
    assert_eq!((&anew["address"], &anew["port"]), (&access["address"], &access["port"]));
    assert_ne!(anew["host_keys"], access["host_keys"]);
    let [command, known_hosts] = lines(anew);
    assert!(farm.rack.log_in(command, known_hosts, "stranger").status.success());
    assert!(!farm.rack.log_in(command, known_hosts, "renter").status.success());
    assert_eq!(farm.rack.servers(), 1);
    farm.market.check_invariants().await;
}

#[expect(clippy::print_stdout, reason = "how long it took is for whoever runs the tests")]
fn print_times(times: &[String], login: Duration) {
    println!(
        "driver-process with a pause of 300 ms after each of its steps, from payment: {}, both \
         logins {} ms",
        times.join(", "),
        login.as_millis()
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_killed_at_any_step_makes_one_machine() {
    let mut farm = Farm::new().await;
    farm.start().await;
    for (nth, name) in STAGES.iter().enumerate() {
        let rental = farm.rent().await;
        until_stage(&farm.market.database(), &rental, nth).await;
        farm.rack.kill();
        // A question that it had just asked may still be answered, to nobody; that is over, and so
        // is its lease, before it is back.
        tokio::time::sleep(Duration::from_secs(POLL_SECONDS + 1)).await;
        farm.market.pass(61);
        farm.rack.start();
        let access = farm.access(&rental).await;
        assert_eq!(farm.rack.servers(), 1, "{name}");
        check_login(&farm.rack, &access);
        farm.end(&rental).await;
        assert_eq!(farm.rack.servers(), 0, "{name}");
        farm.market.check_invariants().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_that_goes_to_another_server_leaves_nothing_on_the_first() {
    let mut farm = Farm::new().await;
    farm.start().await;
    let rental = farm.rent().await;
    until_stage(&farm.market.database(), &rental, 3).await;
    farm.rack.kill();
    farm.market.pass(61);
    let mut other = Rack::new(&farm.market.url(), &farm.market.agent_token(&farm.farmer, 32).await);
    other.start();
    let access = farm.access(&rental).await;
    // The first one is back, goes on, and hears that it has lost the job.
    farm.rack.start();
    until("the first server's machine is gone", async || farm.rack.servers() == 0).await;
    other.take_keys_of(&farm.rack);
    check_login(&other, &access);
    assert_eq!(other.servers(), 1);
    farm.market.check_invariants().await;
}

/// A program that a renter runs on a machine: it answers every connection.
fn greeter(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(words.as_bytes());
        }
    });
    port
}

/// What is said at a port of an access, if it is open by now.
fn hear(access: &Value, nth: usize) -> Option<String> {
    let port = u16::try_from(access["ports"][nth]["public_port"].as_u64()?).unwrap();
    let mut stream = TcpStream::connect((access["address"].as_str().unwrap(), port)).ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    Some(said)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ports_are_reached_that_were_rented_with_a_slice_or_opened_later() {
    let (one, two) = (greeter("one"), greeter("two"));
    let port = |port: u16| json!({ "protocol": "tcp", "port": port });
    let mut farm = Farm::new().await;
    farm.start().await;
    let rent = json!({ "node_id": "node32", "duration_months": 1, "ports": [port(one)] });
    let made = farm.ada.post("/api/marketplace/rent-slice", &rent).await.ok(201);
    let rental = made["rental"]["id"].as_str().unwrap();
    let access = farm.access(rental).await;
    assert_eq!(hear(&access, 0).as_deref(), Some("one"), "{access:#}");
    let first = access["ports"][0].clone();

    let path = format!("/api/rentals/{rental}/ports");
    // Its agent has to say first that it can do so.
    until_said("ports can be set", async || {
        farm.ada.put(&path, &json!({ "ports": [port(one), port(two)] })).await.status == 200
    })
    .await;
    until_said("both ports are open", async || {
        let access = farm.access(rental).await;
        let ports = access["ports"].as_array().unwrap();
        let said: Vec<_> = (0..ports.len()).filter_map(|nth| hear(&access, nth)).collect();
        // The one that was there is where it was.
        said.len() == 2 && ports.contains(&first) && said.contains(&"two".to_owned())
    })
    .await;
    farm.ada.put(&path, &json!({ "ports": [port(two)] })).await.ok(200);
    until_said("the first is closed", async || {
        hear(&json!({ "address": access["address"], "ports": [first] }), 0).is_none()
    })
    .await;
    farm.end(rental).await;
    farm.market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renter_hears_at_once_that_the_farm_has_another_address() {
    let mut farm = Farm::new().await;
    farm.start().await;
    let rental = farm.rent().await;
    let access = farm.access(&rental).await;
    check_login(&farm.rack, &access);
    farm.rack.kill();
    farm.rack.move_to("localhost");
    farm.rack.start();
    until_said("the renter has the new address", async || {
        farm.access(&rental).await["address"] == "localhost"
    })
    .await;
    check_login(&farm.rack, &farm.access(&rental).await);
    let found = farm.ada.get("/api/events?after=0").await.ok(200);
    let changed = found["items"].as_array().unwrap().iter();
    assert_eq!(changed.filter(|event| event["kind"] == "access-changed").count(), 1);
    farm.market.check_invariants().await;
}

/// A marketplace whose host is a process, which can be killed.
struct Ground {
    data: TempDir,
    grid: Standin,
    address: String,
}

impl Ground {
    async fn host(&self) -> Process {
        Process::start_at(&self.address, self.data.path(), &self.grid.url(), None).await
    }
}

/// Sends a request that succeeds, with the session of a cookie.
async fn send(address: &str, call: [&str; 2], cookie: &str, body: &Value) -> Value {
    let headers = [("cookie", cookie), ("idempotency-key", "login")];
    let (status, _, said) = ask(address, call, &headers, body).await.unwrap();
    assert!(status < 300, "{call:?}: {said}");
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_killed_at_any_step_ends_with_one_machine_each() {
    let data = tempfile::tempdir().unwrap();
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let mut ground = Ground { data, grid, address: "127.0.0.1:0".to_owned() };
    let mut host = ground.host().await;
    ground.address.clone_from(&host.address);
    let at = ground.address.clone();
    let farmer = session(&at, "farmer@example.org").await;
    let node = "/api/farm/nodes/node32";
    let publish = format!("{node}/publish");
    send(&at, ["POST", "/api/farm/nodes"], &farmer, &json!({ "grid_node_id": 32 })).await;
    send(&at, ["PATCH", node], &farmer, &json!({ "price_per_month": "2" })).await;
    send(&at, ["POST", &publish], &farmer, &json!({})).await;
    let database = ground.data.path().join("mycelium.db");
    let token = json!({ "name": "rack", "scopes": ["agent"], "farm_id": farm_of(&database) });
    let token = send(&at, ["POST", "/api/account/tokens"], &farmer, &token).await;
    let mut rack = Rack::new(&format!("http://{at}"), token["token"].as_str().unwrap());
    let ada = session(&at, "ada@example.org").await;
    let operator = format!("Bearer {OPERATOR_TOKEN}");
    let operator = [("authorization", operator.as_str())];
    let credit = json!({ "email": "ada@example.org", "amount_usd": "100", "reason": "a" });
    ask(&at, ["POST", "/api/admin/credits"], &operator, &credit).await.unwrap();
    let key = json!({ "public_key": rack.public_key() });
    send(&at, ["POST", "/api/account/ssh-keys"], &ada, &key).await;
    rack.start();
    until_seen(&database).await;

    for (nth, name) in STAGES.iter().enumerate() {
        let body = json!({ "node_id": "node32", "duration_months": 1 });
        let headers = [("cookie", ada.as_str()), ("idempotency-key", name)];
        let rent = ["POST", "/api/marketplace/rent-slice"];
        let (status, _, said) = ask(&at, rent, &headers, &body).await.unwrap();
        assert_eq!(status, 201, "{said}");
        let rental = said["rental"]["id"].as_str().unwrap();
        until_stage(&database, rental, nth).await;
        host.kill().await;
        host = ground.host().await;
        until_stage(&database, rental, STAGES.len() - 1).await;
        let path = format!("/api/rentals/{rental}/access");
        let shown = send(&at, ["GET", &path], &ada, &json!({})).await;
        assert_eq!(shown["state"], "ready", "{name}: {shown:#}");
        check_login(&rack, &shown["machines"][0]["access"]);
        assert_eq!(rack.servers(), nth + 1, "{name}");
        let call = ["GET", "/api/admin/invariants"];
        let (_, _, found) = ask(&at, call, &operator, &json!({})).await.unwrap();
        assert_eq!(found["ok"], true, "{name}: {found:#}");
    }
    host.kill().await;
}
