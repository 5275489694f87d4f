//! From a payment to a login: the real agent with `driver-process`, whose machine is a real OpenSSH
//! server, and OpenSSH's client. Agent and host are killed on the way.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

use e2e::{Client, Market, OPERATOR_TOKEN};
use gridproxy::{Documents, Standin};
use rusqlite::{Connection, OpenFlags};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::checklist::crash::{Process, ask, session};

/// How long anything may take here; a login is promised within five minutes.
const LIMIT: Duration = Duration::from_mins(2);

/// How far a job has come, in order.
const STAGES: [&str; 7] = ["leased", "accepted", "disk", "booting", "reachable", "checked", "done"];

/// How long an agent waits for a job at most, each time that it asks.
const POLL_SECONDS: u64 = 2;

/// The ports of one farm.
const PORTS: u16 = 8;

/// A server of a farmer's: a driver, an agent, and the keys of who logs in.
struct Rack {
    folder: TempDir,
    market: String,
    token: String,
    agent: Option<Child>,
}

impl Rack {
    fn new(market: &str, token: &str) -> Rack {
        let folder = tempfile::Builder::new().prefix("rack").tempdir().unwrap();
        let rack = Rack { folder, market: market.to_owned(), token: token.to_owned(), agent: None };
        for name in ["renter", "stranger"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(rack.path(name));
            assert!(keygen.status().unwrap().success());
        }
        rack.write(
            "driver.toml",
            &format!(
                "state_folder = '{}'\naddress = '127.0.0.1'\nbind = '127.0.0.1'\n\
                 first_port = {}\nports = {PORTS}\n",
                rack.path("driver").display(),
                free_ports()
            ),
        );
        // The driver as it is, but for a pause after each of its steps, in which others can act.
        rack.write(
            "driver.sh",
            &format!(
                "#!/bin/sh\nout=$(mktemp -p {folder})\n\
                 {driver} {folder}/driver.toml 2>&1 >\"$out\" | while read -r line\n\
                 do echo \"$line\" >&2; sleep 0.3; done\ncat \"$out\"\n",
                folder = rack.folder.path().display(),
                driver = program("driver-process").display()
            ),
        );
        rack
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o700)).unwrap();
    }

    fn public_key(&self) -> String {
        fs::read_to_string(self.path("renter.pub")).unwrap().trim().to_owned()
    }

    /// Starts the agent.
    fn start(&mut self) {
        let config = format!(
            "server = '{}'\ntoken = '{}'\nagent = 'rack-7'\ndriver = ['{}']\n\
             state_folder = '{}'\npoll_seconds = {POLL_SECONDS}\nrenew_seconds = 1\n",
            self.market,
            self.token,
            self.path("driver.sh").display(),
            self.path("agent").display()
        );
        self.write("agent.toml", &config);
        fs::set_permissions(self.path("agent.toml"), private()).unwrap();
        let mut log = fs::File::options();
        let log = log.create(true).append(true).open(self.path("agent.log")).unwrap();
        let agent = Command::new(program("mycelium-agent"))
            .arg(self.path("agent.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.agent = Some(agent);
    }

    /// Kills the agent, as the power going would, but for its driver.
    fn kill(&mut self) {
        let mut agent = self.agent.take().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// How many SSH servers of this rack wait for logins.
    fn servers(&self) -> usize {
        let mark = self.path("driver").display().to_string();
        let lines = command_lines();
        lines.iter().filter(|line| line.contains("sshd") && line.contains(&mark)).count()
    }

    /// Logs in as the marketplace says, with somebody's key.
    fn log_in(&self, access: &Value, who: &str) -> Output {
        let hosts = self.path("known_hosts");
        fs::write(&hosts, access["known_hosts"].as_str().unwrap()).unwrap();
        let command = access["command"].as_str().unwrap();
        let mut words = command.split(' ');
        Command::new(words.next().unwrap())
            .args(["-F", "none", "-n", "-i"])
            .arg(self.path(who))
            .arg(format!("-oUserKnownHostsFile={}", hosts.display()))
            .args(["-oStrictHostKeyChecking=yes", "-oBatchMode=yes", "-oIdentitiesOnly=yes"])
            .args(["-oIdentityAgent=none", "-oConnectTimeout=20", "-oLogLevel=ERROR"])
            .args(words)
            .arg("nproc")
            .output()
            .unwrap()
    }

    /// The renter gets in and has one processor; who has another key does not get in.
    #[track_caller]
    fn check_login(&self, access: &Value) {
        let renter = self.log_in(access, "renter");
        assert_eq!(String::from_utf8_lossy(&renter.stdout), "1\n", "{renter:?}");
        let stranger = self.log_in(access, "stranger");
        assert!(!stranger.status.success(), "another key gets in");
        let said = String::from_utf8_lossy(&stranger.stderr).into_owned();
        assert!(said.contains("Permission denied (publickey)"), "{said}");
    }
}

impl Drop for Rack {
    #[expect(clippy::print_stderr, reason = "what the agent said explains a failure")]
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("agent.log")).unwrap_or_default();
            eprintln!("--- the agent's log\n{log}---");
        }
        // Whatever is left of its machines is known by its folder.
        let mark = self.folder.path().display().to_string();
        let _ = Command::new("pkill").args(["-KILL", "-f", &mark]).status();
    }
}

fn private() -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(0o600)
}

/// A program of this workspace, built beside the tests.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join(name);
    assert!(path.is_file(), "{} is not there: run `cargo xtask test`", path.display());
    path
}

/// The first of some ports that nobody uses, below those that the system gives to connections.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(28_100);
    let is_free = |first: &u16| {
        (*first..first + PORTS).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    };
    let mut tries = (0..400).map(|_| NEXT.fetch_add(PORTS, Ordering::Relaxed));
    tries.find(is_free).unwrap()
}

fn command_lines() -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}

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
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + LIMIT;
    while !is_so().await {
        assert!(Instant::now() < end, "{what}: not within {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
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
        let rack = Rack::new(&market.url(), &agent_token(&market, &farmer).await);
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

async fn agent_token(market: &Market, farmer: &Client) -> String {
    let farm = farm_of(&market.database());
    let body = json!({ "name": "rack", "scopes": ["agent"], "farm_id": farm });
    let made = farmer.post("/api/account/tokens", &body).await.ok(201);
    made["token"].as_str().unwrap().to_owned()
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
    farm.rack.check_login(&access);
    print_times(&times, paid_at.elapsed());
    assert_eq!(farm.rack.servers(), 1);

    farm.end(&rental).await;
    assert!(!farm.rack.log_in(&access, "renter").status.success(), "it is closed");
    assert_eq!(farm.rack.servers(), 0);
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
        farm.rack.check_login(&access);
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
    let mut other = Rack::new(&farm.rack.market, &farm.rack.token);
    other.start();
    let access = farm.access(&rental).await;
    // The first one is back, goes on, and hears that it has lost the job.
    farm.rack.start();
    until("the first server's machine is gone", async || farm.rack.servers() == 0).await;
    for name in ["renter", "renter.pub"] {
        fs::copy(farm.rack.path(name), other.path(name)).unwrap();
    }
    other.check_login(&access);
    assert_eq!(other.servers(), 1);
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
        rack.check_login(&shown["machines"][0]["access"]);
        assert_eq!(rack.servers(), nth + 1, "{name}");
        let call = ["GET", "/api/admin/invariants"];
        let (_, _, found) = ask(&at, call, &operator, &json!({})).await.unwrap();
        assert_eq!(found["ok"], true, "{name}: {found:#}");
    }
    host.kill().await;
}
