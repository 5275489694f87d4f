//! Measures one run of the integrity checks over a long history:
//! `cargo run --release -p store --features rusqlite --example integrity -- FILE [TERMS]`.
//!
//! It makes the database if the file is not there: 1,000 nodes of ten slices, each of which was
//! rented for `TERMS` months, one after the other. 12 months are ten million ledger entries.

#![expect(clippy::unwrap_used, reason = "what fails ends the measurement")]
#![expect(clippy::print_stdout, reason = "its answer is for the one who runs it")]

use std::env;
use std::path::Path;
use std::time::Instant;

use domain::time::Timestamp;
use store::invariants::{INVARIANTS, check_and_move, pass_seconds};
use store::{RusqliteDb, audit, ledger_chain, migrate};

#[path = "../tests/store/history.rs"]
mod history;

/// How often all checks run: the second run begins where the first one ended.
const RUNS: usize = 3;

fn main() {
    let mut arguments = env::args().skip(1);
    let path = arguments.next().expect("the file of the database");
    let terms = arguments.next().map_or(12, |terms| terms.parse().unwrap());
    let is_there = Path::new(&path).exists();
    let db = RusqliteDb::open(Path::new(&path)).unwrap();
    if !is_there {
        let begun = Instant::now();
        migrate::apply_offline(&db, Timestamp::from_seconds(0)).unwrap();
        history::load(&db, history::History { nodes: 1_000, terms, days: 30 });
        println!("loaded in {:.0?}", begun.elapsed());
        while ledger_chain::seal(&db).unwrap().is_new {}
        while audit::seal(&db).unwrap().is_new {}
        db.connection().execute_batch("ANALYZE").unwrap();
        println!("sealed after {:.0?}", begun.elapsed());
    }
    let entries = "SELECT count(*) FROM ledger_entries";
    let entries: i64 = db.connection().query_row(entries, [], |row| row.get(0)).unwrap();
    println!("{entries} ledger entries, a pass takes {} hours", pass_seconds(&db).unwrap() / 3600);
    for number in 1..=RUNS {
        let begun = Instant::now();
        for invariant in &INVARIANTS {
            let check = Instant::now();
            let finding = check_and_move(&db, invariant).unwrap();
            assert_eq!(finding.violations, 0, "{}: {:?}", invariant.id, finding.example);
            let took = check.elapsed();
            if took.as_millis() >= 50 {
                println!("  {:>6.0?} {}", took, invariant.id);
            }
        }
        println!("run {number}: {:.2?}", begun.elapsed());
        // New rows for the next run.
        let rewind = "UPDATE integrity_scans SET new_after = new_after - 1000
                       WHERE history <> 'SLA months'";
        db.connection().execute_batch(rewind).unwrap();
    }
}
