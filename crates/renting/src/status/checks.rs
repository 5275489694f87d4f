//! The integrity checks, each with when it was last run, `/status/checks`.

use askama::Template;
use domain::health::{Verdict, check_verdict};
use domain::time::Timestamp;
use store::invariants::{INVARIANTS, Invariant};
use store::status::Check;
use ui::moment;
use ui::visit::Visit;
use web::page::{Badge, Frame, Moment, Section, Tone};

use crate::status::json::{Known, checks_verdict};
use crate::status::page::badge;

/// What `checks.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "status/checks.html")]
pub(crate) struct Checks {
    /// What surrounds the page.
    pub frame: Frame,
    /// What they come to.
    pub verdict: Badge,
    /// What must always hold about slices and rentals, about money, and the rest.
    pub groups: Vec<CheckGroup>,
}

/// Invariants about one thing.
#[derive(Clone, Debug)]
pub(crate) struct CheckGroup {
    /// Its place on the page.
    pub id: &'static str,
    /// Such as `No slice is rented twice`.
    pub title: &'static str,
    /// Each.
    pub checks: Vec<CheckRow>,
}

/// An invariant and when it was last checked.
#[derive(Clone, Debug)]
pub(crate) struct CheckRow {
    /// What holds, in a sentence.
    pub claim: &'static str,
    /// Such as `holds` or `broken`.
    pub state: Badge,
    /// When it was last checked; `None` where it was not yet.
    pub checked_at: Option<Moment>,
    /// Such as `2 minutes ago`.
    pub age: String,
}

/// What must hold so that no slice is rented twice.
const BOOKING: [&str; 6] = [
    "one-rental-per-slice",
    "rentals-never-overlap",
    "allocated-means-rented",
    "reserved-means-held",
    "turns-are-holds",
    "capacity-is-kept",
];

/// What must hold so that no money is lost or made up.
const LEDGER: [&str; 9] = [
    "transactions-sum-to-zero",
    "balances-are-sums",
    "balances-run-on",
    "no-negative-balance",
    "reversals-are-debited",
    "rentals-are-paid",
    "escrow-holds-what-is-not-earned",
    "credits-are-booked",
    "ledger-chain",
];

impl Checks {
    /// Every check, as it was written down.
    pub(crate) fn new(visit: &Visit<'_>, known: &Known) -> Checks {
        let now = visit.now;
        let is_of = |ids: &[&str], invariant: &Invariant| ids.contains(&invariant.id);
        let rows = |is_in: &dyn Fn(&Invariant) -> bool| {
            let found = INVARIANTS.iter().filter(|invariant| is_in(invariant));
            found.map(|invariant| CheckRow::new(invariant, known, now)).collect()
        };
        let group = |id, title, checks| CheckGroup { id, title, checks };
        Checks {
            frame: visit.frame("Integrity checks", Section::Elsewhere),
            verdict: summary(known, now).0,
            groups: vec![
                group("booking", "No slice is rented twice", rows(&|it| is_of(&BOOKING, it))),
                group("ledger", "No money is lost", rows(&|it| is_of(&LEDGER, it))),
                group(
                    "more",
                    "Other integrity checks",
                    rows(&|it| !is_of(&BOOKING, it) && !is_of(&LEDGER, it)),
                ),
            ],
        }
    }
}

/// What all checks come to, as a badge and a sentence.
pub(crate) fn summary(known: &Known, now: Timestamp) -> (Badge, String) {
    let all = INVARIANTS.len();
    let found = |of: &dyn Fn(&Check) -> bool| {
        INVARIANTS
            .iter()
            .filter(|it| known.checks.iter().any(|check| check.id == it.id && of(check)))
            .count()
    };
    let run = found(&|_| true);
    let broken = found(&|check| check.violations > 0);
    let verdict = checks_verdict(known, now);
    let text = match (run, broken) {
        (_, 1..) => format!("{broken} of {all} integrity checks failed."),
        (run, 0) if run < all => format!("{run} of {all} integrity checks have run so far."),
        _ if verdict == Verdict::Good => format!("All {all} integrity checks passed."),
        _ => format!("All {all} integrity checks passed, but some ran over an hour ago."),
    };
    let badge = if verdict == Verdict::Good && run < all {
        Badge::new("starting", Tone::Plain)
    } else {
        badge(verdict, ["passed", "check overdue", "broken"])
    };
    (badge, text)
}

impl CheckRow {
    fn new(invariant: &'static Invariant, known: &Known, now: Timestamp) -> CheckRow {
        let check = known.checks.iter().find(|check| check.id == invariant.id);
        let state = match check {
            Some(it) => {
                let verdict = check_verdict(it.violations, it.checked_at, now);
                badge(verdict, ["passed", "check overdue", "broken"])
            }
            None if domain::health::unseen_verdict(known.since, now) == Verdict::Good => {
                Badge::new("starting", Tone::Plain)
            }
            None => badge(Verdict::Degraded, ["passed", "check overdue", "broken"]),
        };
        CheckRow {
            claim: invariant.claim,
            state,
            checked_at: check.map(|check| moment::to_the_minute(check.checked_at)),
            age: check.map(|check| moment::ago(check.checked_at, now)).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_grouped_is_there() {
        for id in BOOKING.iter().chain(&LEDGER) {
            assert!(INVARIANTS.iter().any(|invariant| invariant.id == *id), "{id}");
        }
    }
}
