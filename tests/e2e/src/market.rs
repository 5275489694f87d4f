//! A whole marketplace for one test: host, components, grid, clock and an empty database.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use domain::id::{AccountId, NodeId};
use domain::node::{NodeReport, NodeStatus, Resources, capacity};
use domain::recurring;
use domain::time::Timestamp;
use gridproxy::{Documents, Standin};
use host::{Clock, Host, HostOptions};
use serde_json::{Value, json};
use store::{job_runs, nodes, sessions, sync_runs};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::{Mutex, OnceCell};
use web::session;

use crate::answer::Answer;
use crate::client::{self, Call, Client, Credential};
use crate::contract::Contract;

/// When a market starts: 2026-11-22T17:20:00Z, a quarter of an hour after the recorded documents.
pub const MORNING: i64 = 1_795_368_000;
/// What identifies the operator.
pub const OPERATOR_TOKEN: &str = "the-operator-of-the-tests-0001";
/// What is encrypted in the database is so with this key.
pub const ENCRYPTION_KEYS: &str = "1:dGhlIGtleSBvZiB0aGUgdGVzdHMgaXMgMzIgYnl0ZXM=";
/// The component that does what time does.
const CLOCK: &str = "clock";
/// The component that syncs.
const SYNC: &str = "grid-sync";
/// Everybody's password.
pub const PASSWORD: &str = "a few words work well";

/// How long a server that has said what it has to say is quiet.
const QUIET: Duration = Duration::from_millis(500);

/// Rentals of farms without an agent have their machines, as those from before there were jobs:
/// most tests are about the market, and no farmer does anything by hand in them.
const NOTHING_BY_HAND: &str = "
    CREATE TRIGGER IF NOT EXISTS tests_set_up_nothing_by_hand
    BEFORE INSERT ON jobs WHEN NEW.is_by_hand = 1 BEGIN
        SELECT RAISE(IGNORE);
    END";

/// A marketplace, running. It stops when it is dropped.
pub struct Market {
    /// The stand-in for the grid's server.
    pub grid: Standin,
    host: Host,
    /// Another host on the same data, if there is one, and how both were started.
    second: Option<Host>,
    options: HostOptions,
    clock: Arc<AtomicI64>,
    /// When it last began to sync.
    synced_at: AtomicI64,
    reach: Arc<Reach>,
    data: TempDir,
    /// See [`Market::set_up_by_hand`].
    sets_up_by_hand: AtomicBool,
}

/// Where the market is, and what its answers must be like.
pub(crate) struct Reach {
    pub(crate) address: SocketAddr,
    contract: OnceCell<Contract>,
}

impl Reach {
    /// What answers must be like; asked for after the first answer, so that a test can see what the
    /// first requests of a new database meet.
    pub(crate) async fn contract(&self) -> &Contract {
        let ask = async || {
            let call = Call::get("/api/openapi.json");
            Contract::new(client::exchange(self.address, &call, &[]).await.ok(200))
        };
        self.contract.get_or_init(ask).await
    }
}

/// One host starts at a time: the first one compiles the components, and the others find them.
static STARTING: Mutex<()> = Mutex::const_new(());

impl Market {
    /// An empty market on the recorded nodes.
    pub async fn start() -> Market {
        Market::start_on(Documents::example().unwrap()).await
    }

    /// An empty market on these documents of the grid.
    pub async fn start_on(documents: Documents) -> Market {
        let grid = Standin::start(documents).await.unwrap();
        let url = grid.url();
        Market::start_with(grid, [("gridproxy_urls", url.as_str())]).await
    }

    /// An empty market with these variables beside the tests' secrets.
    pub async fn start_with<'a>(
        grid: Standin,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Market {
        Market::start_as(grid, variables, |_| {}).await
    }

    /// An empty market on a host whose options were changed.
    pub(crate) async fn start_as<'a>(
        grid: Standin,
        variables: impl IntoIterator<Item = (&'a str, &'a str)>,
        change: impl FnOnce(&mut HostOptions),
    ) -> Market {
        let data = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(MORNING));
        let mut options = HostOptions::new(manifest(), data.path());
        options.cache = Some(workspace().join("target/e2e-cache"));
        options.variables = BTreeMap::from([
            ("operator_token".into(), OPERATOR_TOKEN.into()),
            ("encryption_keys".into(), ENCRYPTION_KEYS.into()),
        ]);
        for (name, value) in variables {
            options.variables.insert(name.into(), value.into());
        }
        options.clock = Clock::Set(Arc::clone(&clock));
        options.run_schedules = false;
        change(&mut options);
        let host = start_host(&options).await;
        let address = host.addr();
        let reach = Arc::new(Reach { address, contract: OnceCell::new() });
        Market {
            grid,
            host,
            second: None,
            options,
            clock,
            synced_at: AtomicI64::new(0),
            reach,
            data,
            sets_up_by_hand: AtomicBool::new(false),
        }
    }

    /// Starts a second host on the same database, with the same clock.
    pub async fn start_second_host(&mut self) {
        let mut options = self.options.clone();
        options.listen.set_port(0);
        self.second = Some(start_host(&options).await);
    }

    /// Runs a cron component now, on every host at once.
    pub async fn fire_everywhere(&self, component: &str) {
        let second = async {
            match &self.second {
                Some(host) => host.fire_cron(component).await,
                None => Ok(()),
            }
        };
        let (one, other) = tokio::join!(self.host.fire_cron(component), second);
        one.and(other).unwrap_or_else(|error| panic!("{component}: {error:#}"));
        self.failed_jobs(component).unwrap();
    }

    /// What failed of the last run of a component. Where several runs of the sync are at once, or
    /// the grid is not there, something may.
    fn failed_jobs(&self, component: &str) -> Result<(), String> {
        let runs = job_runs::all(&self.open_database()).unwrap();
        let jobs = recurring::ALL.iter().filter(|job| job.by.into_str() == component);
        let failed = jobs.filter_map(|job| Some((job.name, runs.get(job.name)?.failure.as_ref()?)));
        let failed: Vec<String> = failed.map(|(name, why)| format!("{name}: {why}")).collect();
        if component == SYNC || failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
    }

    /// Where the market is, such as `http://127.0.0.1:40123`.
    pub fn url(&self) -> String {
        format!("http://{}", self.reach.address)
    }

    /// The socket that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.reach.address
    }

    /// Where the database is.
    pub fn database(&self) -> PathBuf {
        self.data.path().join("mycelium.db")
    }

    /// Somebody who has not signed in.
    pub fn visitor(&self) -> Client {
        Client::new(Arc::clone(&self.reach), Credential::Nobody)
    }

    /// The operator.
    pub fn operator(&self) -> Client {
        self.visitor().with_token(OPERATOR_TOKEN)
    }

    /// A new account, signed in with a cookie.
    pub async fn sign_up(&self, email: &str) -> Client {
        let body = json!({ "email": email, "password": PASSWORD });
        let mut answer = self.visitor().post("/api/account", &body).await;
        if answer.status == 202 {
            let code = self.code_mailed_to(email).await.unwrap();
            answer = self.visitor().post("/api/account/confirm", &json!({ "code": code })).await;
        }
        let cookie = answer.cookie();
        answer.ok(201);
        if !self.sets_up_by_hand.load(Ordering::Relaxed) {
            self.open_database().connection().execute_batch(NOTHING_BY_HAND).unwrap();
        }
        self.visitor().with_cookie(&cookie)
    }

    /// Farmers without an agent have to set machines up by hand from now on, as they really have
    /// to.
    pub fn set_up_by_hand(&self) {
        self.sets_up_by_hand.store(true, Ordering::Relaxed);
        let sql = "DROP TRIGGER IF EXISTS tests_set_up_nothing_by_hand";
        self.open_database().connection().execute_batch(sql).unwrap();
    }

    /// A new session of an account.
    pub async fn sign_in(&self, email: &str) -> Client {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = self.visitor().post("/api/account/sessions", &body).await;
        let cookie = answer.cookie();
        answer.ok(201);
        self.visitor().with_cookie(&cookie)
    }

    /// A new account with money.
    pub async fn sign_up_with(&self, email: &str, usd: &str) -> Client {
        let client = self.sign_up(email).await;
        self.credit(email, usd).await.ok(201);
        client
    }

    /// The token of an agent for the farm of a node that is registered.
    pub async fn agent_token(&self, farmer: &Client, node: u32) -> String {
        let farm: u32 = {
            let db = self.open_database();
            let sql = "SELECT farm_id FROM nodes WHERE id = ?1";
            db.connection().query_row(sql, [node], |row| row.get(0)).unwrap()
        };
        let body = json!({
            "name": "rack", "scopes": ["agent"], "farm_id": farm, "expires_in_days": 365,
        });
        let made = farmer.post("/api/account/tokens", &body).await.ok(201);
        made["token"].as_str().unwrap().to_owned()
    }

    /// Writes down that the holder of a client's session has shown a second factor.
    pub fn strengthen(&self, client: &Client) {
        let Credential::Cookie(cookie) = &client.credential else { panic!("no session") };
        let (_, secret) = cookie.split_once('=').unwrap();
        let (db, hash) = (self.open_database(), session::hash(secret));
        let identity = sessions::find(&db, &hash, self.now()).unwrap().unwrap();
        let id = identity.session().unwrap();
        assert!(sessions::verify(&db, id, &hash, true, self.now()).unwrap());
    }

    /// Credits a wallet, as the operator.
    pub async fn credit(&self, email: &str, usd: &str) -> Answer {
        let body = json!({ "email": email, "amount_usd": usd, "reason": "bank transfer" });
        self.operator().post("/api/admin/credits", &body).await
    }

    /// Moves the clock.
    pub fn pass(&self, seconds: i64) {
        self.clock.fetch_add(seconds, Ordering::Relaxed);
    }

    /// Sets the clock, in POSIX seconds.
    pub fn set_clock(&self, seconds: i64) {
        self.clock.store(seconds, Ordering::Relaxed);
    }

    /// The time of its clock.
    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_seconds(self.clock.load(Ordering::Relaxed))
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Runs a cron component now: those of its jobs that are due. Fails if one of them does.
    pub async fn fire(&self, component: &str) -> Result<(), String> {
        self.wake(component).await?;
        self.failed_jobs(component)
    }

    /// The same where a job may fail, as one may of several runs at once.
    pub async fn wake(&self, component: &str) -> Result<(), String> {
        if component == SYNC {
            self.synced_at.store(self.now().seconds(), Ordering::Relaxed);
        }
        self.host.fire_cron(component).await.map_err(|error| format!("{error:#}"))
    }

    /// Does what time does, now: every job of `clock`, whenever it was last done.
    pub async fn run_clock(&self) -> Result<(), String> {
        self.forget_runs();
        self.fire(CLOCK).await
    }

    /// Makes every job due, whenever it was last done. Before the first request there is no table,
    /// and nothing to forget.
    pub fn forget_runs(&self) {
        let db = self.open_database();
        let has_table = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'job_runs')";
        if db.connection().query_row(has_table, [], |row| row.get(0)).unwrap() {
            db.connection().execute("UPDATE job_runs SET begun_at = NULL", []).unwrap();
        }
    }

    /// Gets what the host shows itself, outside of the app and its document.
    pub(crate) async fn ask_host(&self, target: &str) -> Answer {
        client::exchange(self.reach.address, &Call::get(target), &[]).await
    }

    /// Registers the nodes 1 to `count` for an account, without asking the grid and without waiting
    /// for the disk: for markets of size.
    pub fn put_nodes(&self, farmer: &str, count: u32) {
        let db = self.open_database();
        db.connection().pragma_update(None, "synchronous", "off").unwrap();
        let farmer = AccountId::parse(farmer).unwrap();
        let nothing = Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 };
        for id in (1..=count).map(NodeId) {
            let report = NodeReport {
                id,
                farm_id: 0,
                farm_name: String::new(),
                country: String::new(),
                city: String::new(),
                status: NodeStatus::Down,
                healthy: None,
                certified: false,
                total: nothing,
                used: nothing,
                in_dedicated_farm: false,
                extra_fee_musd: 0,
                rented_whole: false,
                runs_machines: None,
                upload_mbps: None,
                download_mbps: None,
                reported_at: self.now(),
            };
            let (name, capacity) = (id.to_string(), capacity(&report));
            assert!(nodes::register(&db, farmer, &name, &report, &capacity, self.now()).unwrap());
        }
    }

    /// Does what time does, lets the market sync with the grid, and answers the run as the operator
    /// sees it. Now, or as soon as it may: after a run it waits for a minute.
    pub async fn sync(&self) -> Value {
        let next = self.synced_at.load(Ordering::Relaxed) + sync_runs::APART_SECONDS;
        if (1..=sync_runs::APART_SECONDS).contains(&(next - self.now().seconds())) {
            self.set_clock(next);
        }
        self.run_clock().await.unwrap();
        self.fire(SYNC).await.unwrap();
        self.sync_runs().await["runs"][0].clone()
    }

    /// What the operator sees of the syncs.
    pub async fn sync_runs(&self) -> Value {
        self.operator().get("/api/admin/sync-runs").await.ok(200)
    }

    /// Fails unless everything holds that must always hold.
    pub async fn check_invariants(&self) {
        let found = self.operator().get("/api/admin/invariants").await.ok(200);
        assert_eq!(found["ok"], true, "{found:#}");
    }

    /// The ids of the operations that succeeded so far, and of all that the document lists.
    pub async fn operations(&self) -> (Vec<String>, Vec<String>) {
        let contract = self.reach.contract().await;
        (contract.succeeded(), contract.operations())
    }

    /// Sends these bytes on a connection of their own, and reads what comes back until the server
    /// closes it or says nothing more for half a second.
    pub async fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.address()).await.unwrap();
        stream.write_all(request).await.unwrap();
        let mut said = Vec::new();
        let mut piece = [0; 4096];
        loop {
            let read = tokio::time::timeout(QUIET, stream.read(&mut piece)).await;
            match read {
                Ok(Ok(count)) if count > 0 => said.extend_from_slice(&piece[..count]),
                Ok(_) | Err(_) => return String::from_utf8_lossy(&said).into_owned(),
            }
        }
    }

    /// Everything that any component has logged so far, by component.
    pub fn logs(&self) -> BTreeMap<String, String> {
        let files = std::fs::read_dir(self.data.path().join("logs")).unwrap();
        let paths = files.map(|file| file.unwrap().path());
        let read = |path: PathBuf| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned())
        };
        paths.map(read).collect()
    }

    /// What a component has logged so far.
    pub fn log(&self, component: &str) -> String {
        let file = self.data.path().join(format!("logs/{component}.log"));
        std::fs::read_to_string(file).unwrap_or_default()
    }
}

async fn start_host(options: &HostOptions) -> Host {
    let _one_at_a_time = STARTING.lock().await;
    Host::start(options.clone()).await.unwrap_or_else(|error| panic!("{error:?}"))
}

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The real manifest, whose components must have been built.
fn manifest() -> PathBuf {
    let manifest = workspace().join("spin.toml");
    let text = std::fs::read_to_string(&manifest).unwrap();
    let sources =
        text.lines().filter_map(|line| line.strip_prefix("source = \"")?.split('"').next());
    for source in sources {
        let is_built = workspace().join(source).is_file();
        assert!(is_built, "{source} is not there: run `cargo xtask test`, which builds components");
    }
    manifest
}
