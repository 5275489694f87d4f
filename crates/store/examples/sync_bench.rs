//! How long the database takes for a sync of many nodes, page by page, on a file, with the settings
//! of our host.
//!
//! `cargo run --release -p store --features rusqlite --example sync_bench -- 5000` registers so
//! many nodes and goes through them three times: everything is new, nothing has changed, a tenth
//! has.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::time::{Duration, Instant};

use domain::account::Email;
use domain::id::{AccountId, NodeId, RANDOM_ID_BYTES};
use domain::node::{NodeReport, NodeStatus, Resources, capacity};
use domain::reconciliation::{Observation, Seen, reconcile};
use domain::time::Timestamp;
use store::sync_runs::{self, Run};
use store::{RusqliteDb, accounts, migrate, nodes, sync};
use tempfile::TempDir;

const PAGE: u32 = 200;
const GIB: i64 = 1 << 30;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_367_321)
}

fn report(id: NodeId, status: NodeStatus) -> NodeReport {
    NodeReport {
        id,
        farm_id: 1,
        farm_name: "Freefarm".into(),
        country: "Belgium".into(),
        city: "Ghent".into(),
        status,
        healthy: Some(true),
        certified: false,
        total: Resources { cpu_cores: 32, memory_bytes: 128 * GIB, ssd_bytes: 2_000 * GIB },
        used: Resources { cpu_cores: 0, memory_bytes: 13 * GIB, ssd_bytes: 20 * GIB },
        in_dedicated_farm: false,
        extra_fee_musd: 0,
        rented_whole: false,
        runs_machines: Some(true),
        upload_mbps: Some(940),
        download_mbps: Some(810),
        reported_at: now(),
    }
}

fn market(db: &RusqliteDb, count: u32) {
    migrate::apply(db, now()).unwrap();
    let farmer = AccountId::from_random(now(), [1; RANDOM_ID_BYTES]);
    let email = Email::parse("farmer@example.org").unwrap();
    assert!(accounts::create(db, farmer, &email, "$argon2id$", now()).unwrap());
    for id in (1..=count).map(NodeId) {
        let report = report(id, NodeStatus::Down);
        let (name, capacity) = (id.to_string(), capacity(&report));
        assert!(nodes::register(db, farmer, &name, &report, &capacity, now()).unwrap());
    }
}

/// One run, without the grid: how long was read, decided and written.
fn run(db: &RusqliteDb, nth_is_down: u32) -> (u32, [Duration; 3]) {
    let lease = sync_runs::begin(db, now()).unwrap().unwrap();
    let (mut read, mut decided, mut written) = Default::default();
    let (mut behind, mut changed) = (None, 0);
    loop {
        let began = Instant::now();
        let page = sync::registered(db, behind, PAGE, now()).unwrap();
        read += began.elapsed();
        let Some(last) = page.last() else { break };
        behind = Some(last.id);
        let status = |id: NodeId| {
            let is_down = nth_is_down > 0 && id.0.is_multiple_of(nth_is_down);
            if is_down { NodeStatus::Down } else { NodeStatus::Up }
        };
        let began = Instant::now();
        let observation = |known: &_| {
            let known: &domain::reconciliation::Known = known;
            reconcile(known, Seen::Listed(&report(known.id, status(known.id))), now())
        };
        let observations: Vec<Observation> = page.iter().map(observation).collect();
        decided += began.elapsed();
        changed += observations.iter().filter(|observation| observation.change.is_some()).count();
        let began = Instant::now();
        sync::save(db, &observations, Some(lease.fence), now()).unwrap();
        assert!(sync_runs::save_cursor(db, &lease, behind, now()).unwrap());
        written += began.elapsed();
    }
    sync_runs::end(db, &Run { behind: None, ..Run::begun(&lease, now()) }).unwrap();
    (u32::try_from(changed).unwrap(), [read, decided, written])
}

fn main() {
    let count = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(5_000);
    let folder = TempDir::new().unwrap();
    let db = RusqliteDb::open(&folder.path().join("market.db")).unwrap();
    let connection = db.connection();
    connection.pragma_update(None, "journal_mode", "wal").unwrap();
    connection.pragma_update(None, "synchronous", "off").unwrap();
    market(&db, count);
    connection.pragma_update(None, "synchronous", "full").unwrap();
    for (what, nth_is_down) in [("all new", 0), ("nothing changed", 0), ("a tenth changed", 10)] {
        let (changed, [read, decided, written]) = run(&db, nth_is_down);
        println!(
            "{count} nodes, {what}: {changed} changed; read {} ms, decided {} ms, wrote {} ms",
            read.as_millis(),
            decided.as_millis(),
            written.as_millis()
        );
    }
}
