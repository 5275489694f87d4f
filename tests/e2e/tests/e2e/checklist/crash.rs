//! A host that is killed, or has no room left on its disk, in the middle of renting.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use e2e::{ENCRYPTION_KEYS, OPERATOR_TOKEN, PASSWORD, Snapshot};
use gridproxy::{Documents, Standin};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::task::JoinSet;

/// How long hosts are killed, and how many renters keep each of them busy.
const TIME: Duration = Duration::from_secs(20);
const RENTERS: usize = 8;

/// The fewest rounds and rentals that count as a test: on a machine that is busy with other tests
/// it goes on for longer, but not for ever.
const ROUNDS_MIN: u32 = 5;
const RENTALS_MIN: usize = 20;
const ROUNDS_MAX: u32 = 200;

/// The longest that a host works before it is killed, for so many rounds; then it is as long again.
const WORK_MS_MAX: u64 = 300;
const ROUNDS_OF_SPAN: u32 = 20;

/// The project's folder.
fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A host in a process of its own.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: String,
}

impl Process {
    /// Starts it on a data folder, on a free port of its own; no file may grow beyond `blocks` of
    /// 512 bytes.
    async fn start(data: &Path, grid: &str, blocks: Option<u64>) -> Process {
        Process::start_at("127.0.0.1:0", data, grid, blocks).await
    }

    /// The same at an address.
    pub(crate) async fn start_at(
        address: &str,
        data: &Path,
        grid: &str,
        blocks: Option<u64>,
    ) -> Process {
        let tests = std::env::current_exe().unwrap();
        let host = tests.ancestors().nth(2).unwrap().join("mycelium-host");
        assert!(host.is_file(), "{} is not there: run `cargo xtask test`", host.display());
        // A write beyond the limit is then an error, as on a full disk, rather than a signal.
        let limit = blocks.map_or(String::new(), |n| format!("trap '' XFSZ; ulimit -f {n}; "));
        let mut child = Command::new("sh")
            .args(["-c", &format!("{limit}exec \"$0\" \"$@\"")])
            .arg(host)
            .args(["up", "--listen", address, "--quiet", "--no-schedules"])
            .args(["--allow-private-network", "--manifest", "spin.toml", "--data"])
            .arg(data)
            .args(["--variable", &format!("gridproxy_urls={grid}")])
            .args(["--variable", "limit_factor=10000"])
            .args(["--variable", &format!("operator_token={OPERATOR_TOKEN}")])
            .args(["--variable", &format!("encryption_keys={ENCRYPTION_KEYS}")])
            .current_dir(workspace())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some(address) = line.strip_prefix("listening on http://") {
                return Process { child, address: address.to_owned() };
            }
        }
        panic!("the host ended: {:?}", child.wait().await);
    }

    /// Kills it, as the power going would.
    pub(crate) async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }
}

/// Asks, and answers status and document; `None` where the connection breaks before the whole
/// answer is there.
pub(crate) async fn ask(
    address: &str,
    call: [&str; 2],
    headers: &[(&str, &str)],
    body: &Value,
) -> Option<(u16, String, Value)> {
    let [method, path] = call;
    let mut stream = TcpStream::connect(address).await.ok()?;
    let body = body.to_string();
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    let status = answer.split(' ').nth(1)?.parse().ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((status, head.to_owned(), serde_json::from_str(body).ok()?))
}

/// A market in a folder, with a node of many slices and a rich renter.
struct Ground {
    data: TempDir,
    grid: Standin,
    token: String,
}

impl Ground {
    async fn make() -> Ground {
        let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
        let many =
            json!({ "cru": 512, "mru": 4_400_000_000_000_u64, "sru": 220_000_000_000_000_u64 });
        assert!(grid.patch_node(32, json!({ "total_resources": many })));
        let data = tempfile::tempdir().unwrap();
        let mut ground = Ground { data, grid, token: String::new() };
        let host = ground.host(None).await;
        let at = host.address.as_str();
        let farmer = sign_up(at, "farmer@example.org").await;
        let farmer = [("authorization", farmer.as_str())];
        let node = "/api/farm/nodes/node32";
        let publish = format!("{node}/publish");
        for (call, body) in [
            (["POST", "/api/farm/nodes"], json!({ "grid_node_id": 32 })),
            (["PATCH", node], json!({ "price_per_month": "2" })),
            (["POST", &publish], json!({})),
        ] {
            let (status, _, said) = ask(at, call, &farmer, &body).await.unwrap();
            assert!(status < 300, "{call:?}: {said}");
        }
        ground.token = sign_up(at, "ada@example.org").await;
        let operator = format!("Bearer {OPERATOR_TOKEN}");
        let credit = json!({ "email": "ada@example.org", "amount_usd": "2000", "reason": "a" });
        let call = ["POST", "/api/admin/credits"];
        let (status, _, said) =
            ask(at, call, &[("authorization", &operator)], &credit).await.unwrap();
        assert_eq!(status, 201, "{said}");
        host.kill().await;
        ground
    }

    async fn host(&self, blocks: Option<u64>) -> Process {
        Process::start(self.data.path(), &self.grid.url(), blocks).await
    }

    fn database(&self) -> PathBuf {
        self.data.path().join("mycelium.db")
    }

    /// Rents under a key; answers the rental's id if it is said to be rented.
    async fn rent(&self, address: &str, key: &str) -> Option<String> {
        rent(address, &self.token, key).await
    }

    /// Expects that everything holds, that nothing said to be rented is lost, and that what was
    /// asked for without an answer is rented once when it is asked for again.
    async fn check(&self, host: &Process, rented: &[(String, String)], unanswered: &[String]) {
        let operator = format!("Bearer {OPERATOR_TOKEN}");
        let call = ["GET", "/api/admin/invariants"];
        let headers = [("authorization", operator.as_str())];
        let (_, _, found) = ask(&host.address, call, &headers, &json!({})).await.unwrap();
        assert_eq!(found["ok"], true, "{found:#}");
        let kept = Snapshot::of(&self.database());
        for (key, id) in rented {
            assert!(kept.holds(id), "the rental {id} of {key} was said to be made, and is lost");
        }
        for key in unanswered.iter().rev().take(RENTERS) {
            let first = self.rent(&host.address, key).await;
            assert_eq!(self.rent(&host.address, key).await, first);
        }
        for (key, id) in rented.iter().rev().take(RENTERS) {
            assert_eq!(self.rent(&host.address, key).await.as_ref(), Some(id), "{key}");
        }
    }
}

async fn rent(address: &str, token: &str, key: &str) -> Option<String> {
    let body = json!({ "node_id": "node32", "duration_months": 1 });
    let headers = [("authorization", token), ("idempotency-key", key)];
    let call = ["POST", "/api/marketplace/rent-slice"];
    let (status, _, said) = ask(address, call, &headers, &body).await?;
    (status == 201).then(|| said["rental"]["id"].as_str().unwrap().to_owned())
}

/// Makes an account; answers the `Authorization` of a token of it.
async fn sign_up(address: &str, email: &str) -> String {
    let cookie = session(address, email).await;
    let body = json!({ "name": "a", "scopes": ["read", "rent", "farm"] });
    let call = ["POST", "/api/account/tokens"];
    let (_, _, made) = ask(address, call, &[("cookie", &cookie)], &body).await.unwrap();
    format!("Bearer {}", made["token"].as_str().unwrap())
}

/// Makes an account; answers the cookie of its session.
pub(crate) async fn session(address: &str, email: &str) -> String {
    let body = json!({ "email": email, "password": PASSWORD });
    let (_, head, _) = ask(address, ["POST", "/api/account"], &[], &body).await.unwrap();
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_02_a_rental_is_whole_or_not_there() {
    let ground = Ground::make().await;
    let began = Instant::now();
    let mut rented = Vec::new();
    let mut round = 0;
    let has_enough =
        |round, rented| began.elapsed() >= TIME && round >= ROUNDS_MIN && rented > RENTALS_MIN;
    while !has_enough(round, rented.len()) && round < ROUNDS_MAX {
        round += 1;
        let host = ground.host(None).await;
        let mut renters = JoinSet::new();
        for renter in 0..RENTERS {
            let (address, token) = (host.address.clone(), ground.token.clone());
            renters.spawn(async move {
                let mut done = Vec::new();
                for number in 0.. {
                    let key = format!("{round}-{renter}-{number}");
                    match rent(&address, &token, &key).await {
                        Some(id) => done.push((key, id)),
                        None => return (done, key),
                    }
                }
                unreachable!("a renter goes on until there is no answer")
            });
        }
        // Another moment each time, spread over the whole span, which grows: where much else goes
        // on, little is rented in the first one.
        let span = WORK_MS_MAX * u64::from(1 + round / ROUNDS_OF_SPAN);
        let moment = (u64::from(round) * 97) % span;
        tokio::time::sleep(Duration::from_millis(moment)).await;
        host.kill().await;
        let mut unanswered = Vec::new();
        for (done, key) in renters.join_all().await {
            rented.extend(done);
            unanswered.push(key);
        }
        let host = ground.host(None).await;
        ground.check(&host, &rented, &unanswered).await;
        host.kill().await;
    }
    assert!(rented.len() > RENTALS_MIN, "{} rentals in {round} rounds", rented.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_02_a_full_disk_changes_nothing_by_halves() {
    let ground = Ground::make().await;
    // What is there, and room for a few rentals.
    let size = std::fs::metadata(ground.database()).unwrap().len();
    let host = ground.host(Some(size / 512 + 64)).await;
    let mut rented = Vec::new();
    let mut refused = Vec::new();
    for number in 0..400 {
        let key = format!("full-{number}");
        match ground.rent(&host.address, &key).await {
            Some(id) => rented.push((key, id)),
            None => refused.push(key),
        }
        if refused.len() > 10 {
            break;
        }
    }
    host.kill().await;
    assert!(!refused.is_empty(), "the disk was never full: {} rentals", rented.len());
    let host = ground.host(None).await;
    ground.check(&host, &rented, &refused).await;
}
