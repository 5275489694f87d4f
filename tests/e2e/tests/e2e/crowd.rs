//! Agents that wait for jobs, pages that listen, and clients that send nothing: everybody else is
//! served as if they were not there.
//!
//! With `CROWD_AGENTS=1000 CROWD_PAGES=2000 CROWD_SECONDS=60` the crowd is that large, each of it
//! at an address of its own. What everybody else was served, how fast, and the memory of host and
//! crowd together is in `target/crowd.md`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use e2e::{Client, Market};
use gridproxy::{Documents, Standin};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;

const LEASE: &str = "/api/agent/jobs/lease";
/// As many as a browser's pages of one person have.
const STREAMS_PER_ACCOUNT: usize = 16;
/// How long a page waits before it opens a stream again.
const REOPEN: Duration = Duration::from_secs(3);
/// The pause between two requests of somebody who is served beside the crowd.
const PAUSE: Duration = Duration::from_millis(20);
/// The pause before one more of the crowd comes.
const ARRIVAL: Duration = Duration::from_millis(20);
/// How often somebody is served before the crowd comes.
const ALONE: usize = 200;
/// How long a crowd may take until it is there.
const GATHERING: Duration = Duration::from_mins(2);

/// A connection that costs little here.
struct Wire {
    stream: BufReader<TcpStream>,
}

impl Wire {
    /// From the `number`th address of this machine.
    async fn open(address: SocketAddr, number: usize) -> Wire {
        let [.., high, low] = u32::try_from(number).unwrap().to_be_bytes();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::new(127, 1, high, low), 0).into()).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Wire { stream: BufReader::with_capacity(512, stream) }
    }

    async fn send(&mut self, head: &str, body: &str) {
        let request = format!("{head}\r\nhost: {}\r\n\r\n{body}", self.host());
        self.stream.get_mut().write_all(request.as_bytes()).await.unwrap();
    }

    fn host(&self) -> SocketAddr {
        self.stream.get_ref().peer_addr().unwrap()
    }

    /// The status of an answer, and the length that its head says.
    async fn head(&mut self) -> (u16, usize) {
        let status = self.line().await;
        let status = status.split(' ').nth(1).expect("a status").parse().unwrap();
        let mut length = 0;
        loop {
            let line = self.line().await;
            if line.is_empty() {
                return (status, length);
            }
            if let Some((name, value)) = line.split_once(": ")
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.parse().unwrap();
            }
        }
    }

    /// The status of an answer that has an end.
    async fn answer(&mut self) -> u16 {
        let (status, length) = self.head().await;
        self.stream.read_exact(&mut vec![0; length]).await.unwrap();
        status
    }

    async fn line(&mut self) -> String {
        self.next_line().await.unwrap_or_default()
    }

    /// The next line; `None` behind the last one.
    async fn next_line(&mut self) -> Option<String> {
        let mut line = String::new();
        let length = self.stream.read_line(&mut line).await.unwrap();
        (length > 0).then(|| line.trim_end().to_owned())
    }
}

/// The head of a request of somebody.
fn head_of(client: &Client, request: &str) -> String {
    let (name, value) = client.role("crowd").credential.unwrap();
    format!("{request} HTTP/1.1\r\n{name}: {value}")
}

fn ask_for_job(token: &Client, agent: usize) -> (String, String) {
    let body = format!(r#"{{"agent":"rack-{agent}","wait_seconds":20}}"#);
    let head = head_of(token, &format!("POST {LEASE}"));
    let length = body.len();
    (format!("{head}\r\ncontent-type: application/json\r\ncontent-length: {length}"), body)
}

fn listen(account: &Client) -> String {
    let head = head_of(account, "GET /api/events");
    format!("{head}\r\naccept: text/event-stream")
}

/// What a crowd has done so far.
#[derive(Default)]
struct Seen {
    waiting: AtomicUsize,
    polls: AtomicUsize,
    streams: AtomicUsize,
    /// Statuses of other answers, and how many there were.
    refused: Mutex<BTreeMap<u16, usize>>,
    is_over: AtomicBool,
}

impl Seen {
    fn goes_on(&self) -> bool {
        !self.is_over.load(Ordering::Relaxed)
    }

    fn count(&self, status: u16, expected: u16, what: &AtomicUsize) {
        if status == expected {
            what.fetch_add(1, Ordering::Relaxed);
        } else {
            *self.refused.lock().unwrap().entry(status).or_default() += 1;
        }
    }
}

/// An agent that asks for a job again and again. There is none.
async fn wait_for_jobs(seen: Arc<Seen>, mut wire: Wire, (head, body): (String, String)) {
    while seen.goes_on() {
        wire.send(&head, &body).await;
        seen.waiting.fetch_add(1, Ordering::Relaxed);
        let status = wire.answer().await;
        seen.waiting.fetch_sub(1, Ordering::Relaxed);
        seen.count(status, 204, &seen.polls);
    }
}

/// A page that opens its stream again when it ends.
async fn follow_events(seen: Arc<Seen>, address: SocketAddr, number: usize, head: String) {
    while seen.goes_on() {
        let mut wire = Wire::open(address, number).await;
        wire.send(&head, "").await;
        let (status, _) = wire.head().await;
        seen.count(status, 200, &seen.streams);
        seen.waiting.fetch_add(1, Ordering::Relaxed);
        // The last chunk of a body is empty.
        while status == 200 && wire.next_line().await.is_some_and(|line| line != "0") {}
        seen.waiting.fetch_sub(1, Ordering::Relaxed);
        tokio::time::sleep(REOPEN).await;
    }
}

/// How long everybody else waited.
#[derive(Default)]
struct Waits(Vec<Duration>);

impl Waits {
    /// Asks for the landing page and for what is on offer, so often and for so long.
    async fn measure(address: SocketAddr, path: &str, times: usize, time: Duration) -> Waits {
        let mut wire = Wire::open(address, 0xffff).await;
        let mut waits = Waits::default();
        let began = Instant::now();
        while waits.0.len() < times || began.elapsed() < time {
            let asked = Instant::now();
            wire.send(&format!("GET {path} HTTP/1.1"), "").await;
            assert_eq!(wire.answer().await, 200, "{path}");
            waits.0.push(asked.elapsed());
            tokio::time::sleep(PAUSE).await;
        }
        waits.0.sort_unstable();
        waits
    }

    fn row(&self, what: &str) -> String {
        let at = |part: usize| self.0[(self.0.len() - 1) * part / 1_000].as_secs_f64() * 1e3;
        let count = self.0.len();
        format!("| {what} | {count} | {:.1} | {:.1} | {:.1} |", at(500), at(990), at(1_000))
    }
}

/// The memory of this process, in MB.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() / 1_024
}

/// The number that an environment variable says, or a small one.
fn number(name: &str, small: usize) -> usize {
    std::env::var(name).map_or(small, |text| text.parse().unwrap())
}

/// Somebody with an agent's token, and so many accounts to listen with.
async fn people(market: &Market, listeners: usize) -> (Client, Vec<Client>) {
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let token = market.agent_token(&farmer, 32).await;
    let agent = market.visitor().with_token(&token);
    let mut accounts = Vec::new();
    for number in 0..listeners {
        accounts.push(market.sign_up(&format!("account{number}@example.org")).await);
    }
    (agent, accounts)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_accounts_hold_up_nobody() {
    let market = Market::start().await;
    let (agent, accounts) = people(&market, 2).await;
    let mut wires = Vec::new();
    for number in 0..96 {
        let mut wire = Wire::open(market.address(), 0).await;
        let (head, body) = ask_for_job(&agent, number);
        wire.send(&head, &body).await;
        wires.push(wire);
    }
    for account in &accounts {
        for _ in 0..STREAMS_PER_ACCOUNT {
            let mut wire = Wire::open(market.address(), 0).await;
            wire.send(&listen(account), "").await;
            assert_eq!(wire.head().await.0, 200);
            wires.push(wire);
        }
    }
    market.visitor().get("/").await.page(200);
    accounts[0].get("/dashboard/wallet").await.page(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_send_no_body_hold_up_nobody() {
    let market = Market::start().await;
    let mut wires = Vec::new();
    for (path, count) in [("/api/account/sessions", 96), ("/api/wallet/top-ups", 32)] {
        for _ in 0..count {
            let mut wire = Wire::open(market.address(), 0).await;
            wire.send(&format!("POST {path} HTTP/1.1\r\ncontent-length: 1000"), "").await;
            wires.push(wire);
        }
    }
    market.visitor().get("/").await.page(200);
    market.sign_up("ada@example.org").await.get("/dashboard/wallet").await.page(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_that_waits_slows_nobody_down() {
    let (agents, pages) = (number("CROWD_AGENTS", 60), number("CROWD_PAGES", 100));
    let time = Duration::from_secs(number("CROWD_SECONDS", 3).try_into().unwrap());
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let url = grid.url();
    // The market's clock stands still, so that no limit is ever filled up again.
    let variables = [("gridproxy_urls", url.as_str()), ("limit_factor", "100")];
    let market = Market::start_with(grid, variables).await;
    let (agent, accounts) = people(&market, pages.div_ceil(STREAMS_PER_ACCOUNT)).await;
    let address = market.address();
    let paths = ["/", "/api/marketplace/slices"];
    let mut rows = String::new();
    for path in paths {
        let waits = Waits::measure(address, path, ALONE, Duration::ZERO).await;
        writeln!(rows, "{}", waits.row(&format!("`{path}`, alone"))).unwrap();
    }
    let memory_alone = memory();

    let seen = Arc::new(Seen::default());
    let mut crowd = JoinSet::new();
    for number in 0..agents {
        tokio::time::sleep(ARRIVAL).await;
        let wire = Wire::open(address, number).await;
        crowd.spawn(wait_for_jobs(Arc::clone(&seen), wire, ask_for_job(&agent, number)));
    }
    for page in 0..pages {
        tokio::time::sleep(ARRIVAL).await;
        let head = listen(&accounts[page / STREAMS_PER_ACCOUNT]);
        crowd.spawn(follow_events(Arc::clone(&seen), address, agents + page, head));
    }
    let gathering = Instant::now();
    while seen.waiting.load(Ordering::Relaxed) < agents + pages {
        assert!(gathering.elapsed() < GATHERING, "{:?}", seen.waiting);
        tokio::time::sleep(PAUSE).await;
    }
    let gathered = gathering.elapsed();
    let [first, second] = paths.map(|path| Waits::measure(address, path, ALONE, time));
    let (first, second) = tokio::join!(first, second);
    for (path, waits) in paths.iter().zip([first, second]) {
        writeln!(rows, "{}", waits.row(&format!("`{path}`, beside the crowd"))).unwrap();
    }
    let memory_beside = memory();
    seen.is_over.store(true, Ordering::Relaxed);
    crowd.shutdown().await;
    let of = |what: &AtomicUsize| what.load(Ordering::Relaxed);
    let report = format!(
        "# {agents} agents that wait, {pages} pages that listen\n\n\
         They were there after {gathered:.1?}. Polls that ended: {}, streams: {}, refused: {:?}.\n\
         Memory of host and crowd together: {memory_alone} MB before, \
         {memory_beside} MB beside.\n\n\
         | Request | Count | Median ms | p99 ms | Most ms |\n\
         | --- | --- | --- | --- | --- |\n{rows}",
        of(&seen.polls),
        of(&seen.streams),
        seen.refused.lock().unwrap(),
    );
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/crowd.md");
    std::fs::write(file, &report).unwrap();
    assert!(seen.refused.lock().unwrap().is_empty(), "{report}");
}
