//! How long a comparison takes on a market of 5,000 nodes with eight weeks of samples.
//!
//! `cargo run --release -p store --features rusqlite --example comparison_bench`

#![expect(clippy::unwrap_used, reason = "a measurement that cannot go on fails")]
#![expect(clippy::print_stdout, reason = "the figures are what it is for")]

use std::time::{Duration, Instant};

use domain::id::NodeId;
use domain::money::{PriceLimits, Usd};
use domain::time::Timestamp;
use store::{Db, RusqliteDb, comparisons, migrate, offers, samples};

/// 2026-11-22T17:20:00Z.
const NOW: i64 = 1_795_368_000;
const DAY: i64 = 86_400;

/// 5,000 nodes of 200 farmers with 9 slices each, half of them in Belgium, some of them rented,
/// and a sample for each hour of 56 days.
const FILL: [&str; 4] = [
    "INSERT INTO accounts (id, email, password_hash, created_at)
     SELECT printf('00000000-0000-7000-8000-%012d', number), number || '@example.org', '', 0
       FROM slice_numbers WHERE number <= 200",
    "INSERT INTO nodes
            (id, farmer_id, name, created_at, listing, offer_changed_at, price_micros, farm_id,
             farm_name, country, city, status, certified, reported_at, synced_at, by_cpu,
             by_memory, by_ssd, observed, observed_up, available_slices, allocated_slices)
     SELECT id, printf('00000000-0000-7000-8000-%012d', id % 200 + 1), 'node' || id, 0,
            'published', 0, 15000000 + id * 37 % 400 * 50000, id % 200 + 1, 'farm',
            CASE id % 4 WHEN 0 THEN 'Germany' WHEN 1 THEN 'Egypt' ELSE 'Belgium' END, 'City', 'up',
            0, 0, 0, 9, 9, 9, 1000, 900 + id % 100, 9 - id % 10, id % 10
       FROM (SELECT a.number + (b.number - 1) * 500 AS id
               FROM slice_numbers a JOIN slice_numbers b
              WHERE a.number <= 500 AND b.number <= 10)",
    "INSERT INTO market_nodes (node_id, offered_since, checked_at) SELECT id, 0, 0 FROM nodes",
    "INSERT INTO node_days (node_id, day, price_micros, samples, offered, rented)
     SELECT n.id, 1795368000 / 86400 - d.number, n.price_micros, 24, 216, 24 * n.allocated_slices
       FROM nodes n JOIN slice_numbers d
      WHERE d.number <= 56",
];

fn timed<T>(what: &str, times: u32, mut work: impl FnMut() -> T) -> T {
    let mut took: Vec<Duration> = Vec::new();
    let mut last = None;
    for _ in 0..times {
        let begin = Instant::now();
        last = Some(work());
        took.push(begin.elapsed());
    }
    took.sort_unstable();
    println!("{what}: median {:?}, most {:?}", took[took.len() / 2], took[took.len() - 1]);
    last.unwrap()
}

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let db = RusqliteDb::open(&folder.path().join("market.db")).unwrap();
    let now = Timestamp::from_seconds(NOW);
    migrate::apply(&db, now).unwrap();
    for statement in FILL {
        db.run(statement, &[]).unwrap();
    }
    for node in [1_002, 1_001] {
        let (own, _) = offers::find(&db, NodeId(node)).unwrap().unwrap();
        let what = format!("a node in {}", own.country);
        let picture = timed(&what, 50, || comparisons::of_node(&db, &own, now).unwrap());
        let found = picture.found.unwrap();
        println!("  {} similar, {} weeks", found.comparison.nodes.len(), found.weeks.len());
    }
    let mut hour = 0;
    timed("a sample of all nodes", 20, || {
        hour += 1;
        assert!(samples::sample(&db, now.plus_seconds(hour * 3_600)).unwrap());
    });
    timed("nothing to sample", 50, || samples::sample(&db, now).unwrap());
    let limits = PriceLimits { min: Usd::whole(1), max: Usd::whole(500) };
    let later = now.plus_seconds(DAY);
    timed("a run that looks at 20 prices", 10, || {
        comparisons::suggest_prices(&db, limits, later).unwrap()
    });
    let mut minute = 0;
    timed("a search in vain", 50, || {
        minute += 60;
        samples::count_unmet(&db, Some("Belgium"), false, now.plus_seconds(minute)).unwrap();
    });
}
