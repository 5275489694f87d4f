//! Integrity checks: what must always hold, each as queries that must find nothing.
//!
//! The current state, such as slices and live rentals, is checked as a whole, with indexes that
//! leave out what has ended. History is checked in windows: each run checks new rows, together with
//! the rentals and accounts that they are about, and the next window of a pass over all rows that
//! begins again at its end. So the cost of a run does not grow with history. Archived rows are left
//! out; the views `archive_bounds` and `closed_rentals` say which those are.

mod credits;
mod histories;
mod ledger;
mod market;
mod money;
mod rentals;
mod revenue;
mod scans;
mod seen;
mod work;

use std::collections::BTreeSet;

use domain::recurring::CHECK_INTEGRITY;
use histories::History;
use scans::Scan;

use crate::db::{Db, StoreError};

/// Something that must always hold.
pub struct Invariant {
    /// A short name for programs.
    pub id: &'static str,
    /// What holds, in a sentence.
    pub claim: &'static str,
    checks: &'static [Check],
}

/// A check of an invariant. An invariant has at most one for each history.
enum Check {
    /// A query over the current state that counts violations.
    Whole(&'static str),
    /// A query over the rows of a history after `?1` up to `?2` that returns a row for each
    /// violation: what it is about, such as `rental 0192…`.
    Scan(&'static History, &'static str),
    /// The same, for new rows only. Whatever it finds, another check of the invariant finds in its
    /// pass over all rows.
    ScanNew(&'static History, &'static str),
    /// Computes the seals of a history again.
    Seals(&'static History, CountBroken),
}

/// Counts the rows after one number up to another that are not as they were sealed, and returns
/// the number of the first.
type CountBroken = fn(&dyn Db, i64, i64) -> Result<(u64, i64), StoreError>;

/// Every invariant that the database alone can show.
pub const INVARIANTS: [Invariant; 43] = [
    market::ONE_RENTAL_PER_SLICE,
    rentals::NEVER_OVERLAP,
    market::ALLOCATED_MEANS_RENTED,
    market::RESERVED_MEANS_HELD,
    market::TURNS_ARE_HOLDS,
    money::QUOTES_ARE_KEPT_TO,
    market::COUNTERS_ARE_COUNTS,
    market::CAPACITY_IS_KEPT,
    market::OFFERS_HAVE_A_HISTORY,
    market::MAINTENANCE_IS_APART,
    market::WHO_LEAVES_OFFERS_NOTHING,
    ledger::TRANSACTIONS_SUM_TO_ZERO,
    ledger::BALANCES_ARE_SUMS,
    ledger::NO_NEGATIVE_BALANCE,
    money::REVERSALS_ARE_DEBITED,
    money::PROVEN_FARMS_HOLD_NOTHING,
    money::RENTALS_ARE_PAID,
    rentals::TERMS_FOLLOW_ONE_ANOTHER,
    money::ORDERS_ARE_SUMS,
    money::ESCROW_HOLDS_WHAT_IS_NOT_EARNED,
    money::EARNINGS_ARE_SPLIT,
    money::REFUNDS_ARE_PAID_BACK,
    money::COMPENSATIONS_ARE_BOOKED,
    rentals::ARE_EVENTS,
    rentals::OWN_SLICES_ARE_NOT_RENTED,
    money::TOP_UPS_ARE_CREDITED,
    revenue::IS_THE_LEDGERS,
    money::PAYOUTS_ARE_BOOKED,
    work::REMOVED_BEFORE_OFFERED,
    work::ACCESS_BEFORE_EARNING,
    work::ONE_ACCESS_AT_A_TIME,
    work::MACHINES_ARE_OF_RENTALS,
    work::NO_ACCESS_NO_PAY,
    ledger::AUDIT_CHAIN,
    ledger::BALANCES_RUN_ON,
    ledger::ENTRIES_HAVE_A_MONTH,
    market::FARMS_ARE_OFFERED_BY_OWNERS,
    market::RENTALS_EARN_FOR_THE_FARMER,
    rentals::STAYS_ARE_THE_RENTAL,
    credits::ARE_THE_EVIDENCE,
    credits::ARE_BOOKED,
    ledger::LEDGER_CHAIN,
    Invariant {
        id: "no-violations",
        claim: "In the last day no change has met a rule of the schema that code should have kept.",
        checks: &[Check::Whole(
            "SELECT coalesce(sum(count), 0) FROM violations
              WHERE last_at > (SELECT coalesce(max(checked_at), 0) - 86400 FROM invariant_checks)",
        )],
    },
];

/// The result of checking an invariant.
pub struct Finding {
    /// What should hold.
    pub invariant: &'static Invariant,
    /// How many violations were found.
    pub violations: u64,
    /// What one of them is about, where the check says so, such as `rental 0192…`.
    pub example: Option<String>,
}

/// Violations that checks of an invariant found.
#[derive(Debug, Default, PartialEq, Eq)]
struct Violations {
    /// Violations that were counted only.
    counted: u64,
    /// What the others are about. Two checks can find the same one.
    named: BTreeSet<String>,
}

impl Violations {
    fn add(&mut self, other: Violations) {
        self.counted += other.counted;
        self.named.extend(other.named);
    }

    fn is_empty(&self) -> bool {
        self.counted == 0 && self.named.is_empty()
    }
}

/// Checks every invariant over all of history, however long that takes.
pub fn check_everything(db: &dyn Db) -> Result<Vec<Finding>, StoreError> {
    let find = |invariant: &'static Invariant| {
        let mut violations = Violations::default();
        for check in invariant.checks {
            if !matches!(check, Check::ScanNew(..)) {
                violations.add(run(db, invariant, check, &|scan| scan.everything(db))?);
            }
        }
        Ok(Finding::new(invariant, violations))
    };
    INVARIANTS.iter().map(find).collect()
}

/// Checks every invariant over the current state, new rows and the next window of all rows. Moves
/// no cursor.
pub fn check(db: &dyn Db) -> Result<Vec<Finding>, StoreError> {
    INVARIANTS.iter().map(|invariant| check_next(db, invariant, Cursors::Stay)).collect()
}

/// Checks an invariant like [`check`], and moves its cursors on.
pub fn check_and_move(db: &dyn Db, invariant: &'static Invariant) -> Result<Finding, StoreError> {
    check_next(db, invariant, Cursors::Move)
}

/// Whether the next run checks the same windows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Cursors {
    Stay,
    Move,
}

fn check_next(
    db: &dyn Db,
    invariant: &'static Invariant,
    cursors: Cursors,
) -> Result<Finding, StoreError> {
    let next = |scan: &Scan<'_>| {
        let (violations, cursor) = scan.next(db)?;
        if cursors == Cursors::Move {
            scan.save(db, cursor)?;
        }
        Ok(violations)
    };
    let mut violations = Violations::default();
    for check in invariant.checks {
        violations.add(run(db, invariant, check, &next)?);
    }
    Ok(Finding::new(invariant, violations))
}

/// Runs a check; `scan` decides which windows of its history it covers.
fn run(
    db: &dyn Db,
    invariant: &'static Invariant,
    check: &Check,
    scan: &dyn Fn(&Scan<'_>) -> Result<Violations, StoreError>,
) -> Result<Violations, StoreError> {
    let scan_with = |history, check_rows: &dyn Fn(i64, i64) -> Result<Violations, StoreError>| {
        let is_new_only = matches!(check, Check::ScanNew(..));
        scan(&Scan { invariant: invariant.id, history, check: check_rows, is_new_only })
    };
    match *check {
        Check::Whole(sql) => {
            let counted = db.first(sql, &[])?.unwrap_or(1);
            Ok(Violations { counted, ..Violations::default() })
        }
        Check::Scan(history, sql) | Check::ScanNew(history, sql) => {
            scan_with(history, &|after, until| {
                let named = db.all(sql, &[after.into(), until.into()])?;
                Ok(Violations { counted: 0, named: named.into_iter().collect() })
            })
        }
        Check::Seals(history, count_broken) => scan_with(history, &|after, until| {
            let (count, first) = count_broken(db, after, until)?;
            let named = (count > 0).then(|| format!("number {first}")).into_iter().collect();
            Ok(Violations { counted: count.saturating_sub(1), named })
        }),
    }
}

impl Finding {
    fn new(invariant: &'static Invariant, violations: Violations) -> Finding {
        let count = violations.counted + violations.named.len() as u64;
        Finding { invariant, violations: count, example: violations.named.into_iter().next() }
    }
}

/// About how many seconds a pass over all of history takes.
pub fn pass_seconds(db: &dyn Db) -> Result<i64, StoreError> {
    Ok(histories::runs_per_pass(db)? * CHECK_INTEGRITY.every_seconds)
}
