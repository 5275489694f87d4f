//! Many renters who do whatever they can, at random and at once, while days pass, prices change and
//! the crons run: nothing fails on our side, what must hold holds all the time, and what a client
//! was told has happened.
//!
//! It does a bounded number of things; with `SOAK_SECONDS=60` it goes on for a minute instead. What
//! was asked and answered, and how fast, is in `target/soak.md`.

mod journal;
mod renter;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use domain::time::Timestamp;
use e2e::{Client, MORNING, Market, Random};
use gridproxy::{Documents, Standin};
use rusqlite::{Connection, OpenFlags};
use serde_json::json;
use tokio::task::JoinSet;

use journal::{Journal, Kind};
use renter::Renter;

/// How many renters there are.
const RENTERS: usize = 32;
/// How many things they do together, where no time is set.
const COMMANDS: usize = 1_500;
/// What each of them has at first, in dollars.
const DOLLARS: u32 = 600;
/// What is on offer: 32 slices on seven nodes, and their price. Who asks for one node asks for one
/// of the first five; the others are the most expensive, so that they are rented whole now and
/// then.
const OFFERS: [(u32, u32); 7] =
    [(11, 40), (32, 25), (600, 18), (7001, 21), (7002, 25), (17, 45), (198, 42)];
/// How long it is between two looks at the clock.
const TICK: Duration = Duration::from_millis(700);
/// How long it is between two looks at what must hold.
const CHECK: Duration = Duration::from_secs(3);

/// What all that happens at once share.
pub(crate) struct Ground {
    pub(crate) market: Market,
    pub(crate) journal: Journal,
    pub(crate) emails: Vec<String>,
    left: AtomicUsize,
    until: Option<Instant>,
    is_over: AtomicBool,
}

impl Ground {
    /// Takes one of the things that are to be done; `false` once it is enough.
    pub(crate) fn goes_on(&self) -> bool {
        let is_over = match self.until {
            Some(until) => Instant::now() >= until,
            None => self
                .left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
                .is_err(),
        };
        self.is_over.fetch_or(is_over, Ordering::Relaxed);
        !is_over
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renters_at_random_break_nothing() {
    let seconds = std::env::var("SOAK_SECONDS").ok().map(|text| text.parse().unwrap());
    let (ground, farmer, renters) = prepare(seconds.map(Duration::from_secs)).await;
    let began = Instant::now();
    let mut running = JoinSet::new();
    for renter in renters {
        running.spawn(renter.run());
    }
    let mut around = JoinSet::new();
    around.spawn(change_prices(Arc::clone(&ground), farmer));
    around.spawn(let_time_pass(Arc::clone(&ground)));
    around.spawn(look(Arc::clone(&ground)));
    let renters = running.join_all().await;
    let took = began.elapsed();
    around.join_all().await;

    check(&ground).await;
    ground.journal.check(&open(&ground.market));
    // Once everything has ended, nothing is left in between.
    for renter in &renters {
        renter.end_all().await;
    }
    check(&ground).await;
    let balances = balances(&ground.market);
    assert_eq!(balances.escrow, 0, "{balances:?}");
    assert_eq!(balances.funding, ground.journal.funding(), "{balances:?}");
    let own: i64 = renters_hold(&renters).await;
    assert_eq!(own, balances.wallets, "what the wallets say is what the ledger says");
    let report = ground.journal.report(took, RENTERS);
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/soak.md");
    std::fs::write(file, report).unwrap();
    ground.journal.check_failures();
    if ground.until.is_some() {
        ground.journal.check_coverage();
    }
}

async fn prepare(time: Option<Duration>) -> (Arc<Ground>, Client, Vec<Renter>) {
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    let url = grid.url();
    let variables = [("gridproxy_urls", url.as_str()), ("limit_factor", "10000")];
    let market = Market::start_with(grid, variables).await;
    let farmer = market.sign_up("farmer@example.org").await.token(&["read", "farm"]).await;
    for (node, price) in OFFERS {
        farmer.publish(node, &price.to_string()).await;
    }
    let emails: Vec<String> = (0..RENTERS).map(|n| format!("renter{n}@example.org")).collect();
    let mut clients = Vec::new();
    for email in &emails {
        let account = market.sign_up_with(email, &DOLLARS.to_string()).await;
        clients.push(account.token(&["read", "rent"]).await);
    }
    let journal = Journal::default();
    journal.funded(DOLLARS * u32::try_from(RENTERS).unwrap());
    let ground = Arc::new(Ground {
        market,
        journal,
        emails,
        left: AtomicUsize::new(COMMANDS),
        until: time.map(|time| Instant::now() + time),
        is_over: AtomicBool::new(false),
    });
    let renter = |(number, client)| Renter::new(Arc::clone(&ground), number, client);
    let renters = clients.into_iter().enumerate().map(renter).collect();
    (ground, farmer, renters)
}

/// A farmer who cannot decide on a price.
async fn change_prices(ground: Arc<Ground>, farmer: Client) {
    let mut random = Random::new(1_000);
    while !ground.is_over() {
        let (node, price) = *random.one_of(&OFFERS);
        let path = format!("/api/farm/nodes/node{node}");
        let terms = json!({ "price_per_month": (price + random.below(3)).to_string() });
        let answer = farmer.patch(&path, &terms).await;
        ground.journal.note(Kind::Offer, &answer);
        if random.below(8) == 0 {
            for verb in ["pause", "publish"] {
                let answer = farmer.post_empty(&format!("{path}/{verb}")).await;
                ground.journal.note(Kind::Offer, &answer);
            }
        }
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// Minutes, hours and sometimes days pass; the crons run, sometimes two at once.
async fn let_time_pass(ground: Arc<Ground>) {
    let mut random = Random::new(2_000);
    let mut now = MORNING;
    while !ground.is_over() {
        let seconds = match random.below(6) {
            0..=2 => 60 * i64::from(1 + random.below(9)),
            3 | 4 => 3_600 * i64::from(1 + random.below(11)),
            _ => 86_400 * i64::from(3 + random.below(6)),
        };
        now += seconds;
        ground.journal.pass(Timestamp::from_seconds(now));
        ground.market.pass(seconds);
        let market = &ground.market;
        let (clock, sync) = (|| market.wake("clock"), || market.wake("grid-sync"));
        let mailer = market.fire("mailer");
        market.forget_runs();
        let (one, other, third, fourth, mailer) =
            tokio::join!(clock(), clock(), sync(), sync(), mailer);
        one.and(other).and(third).and(fourth).and(mailer).unwrap();
        tokio::time::sleep(TICK).await;
    }
}

/// Looks again and again whether all holds that must hold.
async fn look(ground: Arc<Ground>) {
    while !ground.is_over() {
        check(&ground).await;
        tokio::time::sleep(CHECK).await;
    }
}

/// Every invariant of the database holds, and no money came or went but what was credited.
async fn check(ground: &Ground) {
    let acknowledged = ground.journal.funding();
    ground.market.check_invariants().await;
    let balances = balances(&ground.market);
    let held = balances.wallets + balances.escrow + balances.earnings + balances.platform;
    assert_eq!(held, balances.funding, "{balances:?}");
    // More where somebody is being credited just now, and has not been told yet.
    assert!(acknowledged <= balances.funding, "{acknowledged} {balances:?}");
}

/// The sums of the ledger's accounts, in micro-dollars.
#[derive(Debug)]
struct Balances {
    wallets: i64,
    escrow: i64,
    earnings: i64,
    platform: i64,
    funding: i64,
}

/// All at one moment.
fn balances(market: &Market) -> Balances {
    let sql = "SELECT sum(balance_micros) FILTER (WHERE kind = 'wallet'),
                      sum(balance_micros) FILTER (WHERE kind = 'escrow'),
                      sum(balance_micros) FILTER (WHERE kind = 'earnings'),
                      sum(balance_micros) FILTER (WHERE kind = 'platform'),
                      -sum(balance_micros) FILTER (WHERE kind = 'funding')
                 FROM ledger_accounts";
    let row = |row: &rusqlite::Row<'_>| {
        let sum = |column: usize| -> rusqlite::Result<i64> {
            Ok(row.get::<_, Option<i64>>(column)?.unwrap_or(0))
        };
        Ok(Balances {
            wallets: sum(0)?,
            escrow: sum(1)?,
            earnings: sum(2)?,
            platform: sum(3)?,
            funding: sum(4)?,
        })
    };
    open(market).query_row(sql, [], row).unwrap()
}

fn open(market: &Market) -> Connection {
    let connection =
        Connection::open_with_flags(market.database(), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection
}

/// What the renters' wallets hold by the API, in micro-dollars.
async fn renters_hold(renters: &[Renter]) -> i64 {
    let mut sum = 0;
    for renter in renters {
        sum += journal::micros(&renter.balance().await);
    }
    sum
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_held_beyond_its_time_can_be_held_again() {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(17, "25").await;
    let ada = market.sign_up_with("ada@example.org", "50").await;
    let ben = market.sign_up_with("ben@example.org", "50").await;
    let body = json!({ "node_id": "node17", "count": 2, "duration_months": 1, "hold": true });
    ada.post("/api/marketplace/quotes", &body).await.ok(201);
    ben.post("/api/marketplace/quotes", &body).await.problem(409, "sold-out");
    // No cron has run since.
    market.pass(301);
    ben.post("/api/marketplace/quotes", &body).await.ok(201);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_balance_runs_on_over_slices_that_are_rented_together() {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    let ada = market.sign_up_with("ada@example.org", "300").await;
    let body = json!({ "node_id": "node32", "count": 9, "duration_months": 1 });
    ada.post("/api/marketplace/rent-slice", &body).await.ok(201);
    let entries = ada.get("/api/wallet/entries").await.ok(200);
    let entries = entries["items"].as_array().unwrap().clone();
    let balances: Vec<i64> = entries
        .iter()
        .map(|entry| journal::micros(entry["balance_after"].as_str().unwrap()) / 1_000_000)
        .collect();
    assert_eq!(balances, [75, 100, 125, 150, 175, 200, 225, 250, 275, 300]);
    market.check_invariants().await;
}
