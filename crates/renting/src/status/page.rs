//! How the marketplace is, `/status`, and what an SLA costs, `/docs/sla`.

use askama::Template;
use domain::health::{Health, Region, Verdict, check_verdict};
use domain::time::Timestamp;
use store::invariants::{INVARIANTS, Invariant};
use store::status::Check;
use ui::moment;
use ui::visit::Visit;
use web::page::{Badge, Frame, Moment, Section, Tone};
use web::text::{counted, grouped};

use crate::status::json::verdict;

/// What `status.html` shows: how the marketplace is, for everybody.
#[derive(Clone, Debug, Template)]
#[template(path = "status/status.html")]
pub(crate) struct Status {
    /// What surrounds the page.
    pub frame: Frame,
    /// Such as `everything works`.
    pub verdict: Badge,
    /// When it was written down; `None` before the first time.
    pub updated_at: Option<Moment>,
    /// The parts of the marketplace.
    pub parts: Vec<StatusPart>,
    /// What is known of the grid, by region.
    pub regions: Vec<RegionRow>,
    /// What must always hold about slices and rentals, about money, and the rest.
    pub checks: Vec<CheckGroup>,
}

/// A part of the marketplace.
#[derive(Clone, Debug)]
pub(crate) struct StatusPart {
    /// Such as `Sync with the grid`.
    pub name: &'static str,
    /// How it is.
    pub state: Badge,
    /// More, as a sentence.
    pub about: String,
}

/// What is known of a region.
#[derive(Clone, Debug)]
pub(crate) struct RegionRow {
    /// Such as `Western Europe`.
    pub name: String,
    /// Such as `6 of 7 up`.
    pub nodes: String,
    /// Such as `3 minutes ago`.
    pub newest: String,
    /// The same of the node that was asked about longest ago.
    pub oldest: String,
    /// Whether that is old.
    pub state: Badge,
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
const BOOKING: [&str; 5] = [
    "one-rental-per-slice",
    "rentals-never-overlap",
    "allocated-means-rented",
    "reserved-means-held",
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

fn badge(verdict: Verdict, [good, degraded, bad]: [&str; 3]) -> Badge {
    match verdict {
        Verdict::Good => Badge::new(good, Tone::Good),
        Verdict::Degraded => Badge::new(degraded, Tone::Warn),
        Verdict::Bad => Badge::new(bad, Tone::Bad),
    }
}

impl Status {
    /// How the marketplace is, as it was written down.
    pub(crate) fn new(
        visit: &Visit<'_>,
        health: Option<&(Health, Timestamp)>,
        checks: &[Check],
    ) -> Status {
        let now = visit.now;
        let words = [
            "All systems operational",
            "Degraded: some data is out of date",
            "Outage: some parts are failing",
        ];
        let none = Health::default();
        let seen = health.map_or(&none, |(health, _)| health);
        let is_of = |ids: &[&str], invariant: &Invariant| ids.contains(&invariant.id);
        let rows = |is_in: &dyn Fn(&Invariant) -> bool| {
            let found = INVARIANTS.iter().filter(|invariant| is_in(invariant));
            found.map(|invariant| CheckRow::new(invariant, checks, now)).collect()
        };
        let group = |id, title, checks| CheckGroup { id, title, checks };
        Status {
            frame: visit.frame("Status", Section::Elsewhere),
            verdict: badge(verdict(health, checks, now), words),
            updated_at: health.map(|(_, at)| moment::to_the_minute(*at)),
            parts: if health.is_some() { parts(seen, now) } else { Vec::new() },
            regions: seen.regions.iter().map(|region| RegionRow::new(region, now)).collect(),
            checks: vec![
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

fn parts(health: &Health, now: Timestamp) -> Vec<StatusPart> {
    let words = ["works", "late", "broken"];
    let ago = |seconds| moment::ago(Timestamp::from_seconds(seconds), now);
    let sync = match health.sync {
        None => "The first sync hasn't run yet.".to_owned(),
        Some(sync) if sync.is_whole => {
            format!("Last run {}, without errors.", ago(sync.finished_at))
        }
        Some(sync) => format!(
            "The last run {} failed. The marketplace shows the last known data.",
            ago(sync.finished_at)
        ),
    };
    let mail = health.mail_waits_since.map_or_else(
        || "No emails are queued.".to_owned(),
        |since| format!("The oldest queued email is from {}.", ago(since)),
    );
    let access = match health.late_jobs {
        0 => "No machines are overdue.".to_owned(),
        jobs => format!("Late: {}.", counted(jobs, "machine")),
    };
    let part = |name, verdict, about| StatusPart { name, state: badge(verdict, words), about };
    vec![
        part("Grid sync", health.sync_verdict(now), sync),
        part("Email", health.mail_verdict(now), mail),
        part("Machine setup", health.access_verdict(), access),
    ]
}

impl RegionRow {
    pub(crate) fn new(region: &Region, now: Timestamp) -> RegionRow {
        let ago = |seconds| moment::ago(Timestamp::from_seconds(seconds), now);
        let verdict = if region.is_old(now) { Verdict::Degraded } else { Verdict::Good };
        RegionRow {
            name: region.name.clone(),
            nodes: format!("{} of {} up", grouped(region.up), grouped(region.nodes)),
            newest: ago(region.newest_at),
            oldest: ago(region.oldest_at),
            state: badge(verdict, ["fresh", "old", "old"]),
        }
    }
}

impl CheckRow {
    pub(crate) fn new(invariant: &'static Invariant, checks: &[Check], now: Timestamp) -> CheckRow {
        let check = checks.iter().find(|check| check.id == invariant.id);
        let verdict = check.map_or(Verdict::Degraded, |check| {
            check_verdict(check.violations, check.checked_at, now)
        });
        CheckRow {
            claim: invariant.claim,
            state: badge(verdict, ["passed", "check overdue", "broken"]),
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
