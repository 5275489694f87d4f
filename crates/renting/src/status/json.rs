//! The market's state, for everybody.

use domain::health::{Health, Region, Verdict, check_verdict, unseen_verdict};
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use store::incidents::Incident;
use store::invariants::INVARIANTS;
use store::status::Check;
use web::operation::{Operation, schema_of};

/// `GET /api/status`
pub(crate) const SHOW_STATUS: Operation = Operation {
    id: "showStatus",
    group: "Marketplace",
    path: "/api/status",
    summary: "Returns the marketplace status: grid sync, age of grid data by region, and the \
              integrity checks with their last run.",
    about_answer: "The status, at most a few minutes old.",
    answer: Some(schema_of::<StatusView>),
    ..Operation::READ
};

/// How the marketplace is.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StatusView {
    /// `ok`; `degraded` where something is late, old or not checked; `trouble` where something that
    /// must hold does not.
    pub status: &'static str,
    /// When the rest was written down (RFC 3339); null before the first time.
    pub updated_at: Option<String>,
    /// The sync with the grid: `ok` or `degraded`.
    pub grid_sync: &'static str,
    /// When the last run of the sync was done (RFC 3339); null before the first.
    pub synced_at: Option<String>,
    /// Mail: `ok` or `degraded`.
    pub mail: &'static str,
    /// Setting up machines: `ok` or `degraded`.
    pub access: &'static str,
    /// What is known of the grid, by region.
    pub regions: Vec<RegionView>,
    /// What must always hold.
    pub invariants: Vec<CheckView>,
    /// What went wrong in the last 90 days and what goes on, as the operator tells it, the latest
    /// first.
    pub incidents: Vec<StatusIncidentView>,
}

/// Something that went wrong.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StatusIncidentView {
    /// What, on one line.
    pub title: String,
    /// What it means for people, and what is done about it.
    pub text: String,
    /// Since when (RFC 3339).
    pub started_at: String,
    /// Until when (RFC 3339); null while it goes on.
    pub ended_at: Option<String>,
}

impl StatusIncidentView {
    fn new(incident: &Incident) -> StatusIncidentView {
        StatusIncidentView {
            title: incident.title.clone(),
            text: incident.text.clone(),
            started_at: incident.started_at.to_string(),
            ended_at: incident.ended_at.map(|at| at.to_string()),
        }
    }
}

/// What is known of the market's state.
pub(crate) struct Known {
    /// As a job wrote it down, and when.
    pub health: Option<(Health, Timestamp)>,
    /// When each invariant was last checked.
    pub checks: Vec<Check>,
    /// Since when there is this market.
    pub since: Timestamp,
    /// What the operator tells.
    pub incidents: Vec<Incident>,
}

impl StatusView {
    /// Shows the state.
    pub(crate) fn new(known: &Known, now: Timestamp) -> StatusView {
        let none = Health::default();
        let (health, checks) = (known.health.as_ref(), &known.checks);
        let seen = health.map_or(&none, |(health, _)| health);
        let check = |invariant: &'static store::invariants::Invariant| {
            let check = checks.iter().find(|check| check.id == invariant.id);
            CheckView {
                id: invariant.id,
                claim: invariant.claim,
                ok: check.map(|check| check.violations == 0),
                checked_at: check.map(|check| check.checked_at.to_string()),
                broken_since: check
                    .and_then(|check| check.broken_at)
                    .map(|broken_at| broken_at.to_string()),
            }
        };
        let instant = |seconds| Timestamp::from_seconds(seconds).to_string();
        StatusView {
            status: verdict(known, now).into_str(),
            updated_at: health.map(|(_, at)| at.to_string()),
            grid_sync: seen.sync_verdict(known.since, now).into_str(),
            synced_at: seen.sync.map(|sync| instant(sync.finished_at)),
            mail: seen.mail_verdict(now).into_str(),
            access: seen.access_verdict().into_str(),
            regions: seen.regions.iter().map(|region| RegionView::new(region, now)).collect(),
            invariants: INVARIANTS.iter().map(check).collect(),
            incidents: known.incidents.iter().map(StatusIncidentView::new).collect(),
        }
    }
}

/// What is known of the nodes of a region.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RegionView {
    /// Its name, such as `Western Europe`.
    pub region: String,
    /// How many nodes of it are or were on the market.
    pub nodes: u64,
    /// How many of them are up, by the grid's last word.
    pub nodes_up: u64,
    /// How old what is known of them is at most, in seconds.
    pub age_seconds_max: i64,
    /// How old what is known is of the node that was asked about last, in seconds.
    pub age_seconds_min: i64,
    /// `ok`, or `degraded` where what is known is older than 15 minutes.
    pub status: &'static str,
}

impl RegionView {
    pub(crate) fn new(region: &Region, now: Timestamp) -> RegionView {
        let verdict = if region.is_old(now) { Verdict::Degraded } else { Verdict::Good };
        RegionView {
            region: region.name.clone(),
            nodes: region.nodes,
            nodes_up: region.up,
            age_seconds_max: (now.seconds() - region.oldest_at).max(0),
            age_seconds_min: (now.seconds() - region.newest_at).max(0),
            status: verdict.into_str(),
        }
    }
}

/// Something that must always hold, and when it was checked.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CheckView {
    /// A short name.
    pub id: &'static str,
    /// What holds, in a sentence.
    pub claim: &'static str,
    /// Whether it held; null where it was not checked yet.
    pub ok: Option<bool>,
    /// When it was last checked (RFC 3339); null where it was not yet.
    pub checked_at: Option<String>,
    /// Since when it is broken (RFC 3339); null while it holds.
    pub broken_since: Option<String>,
}

/// What everything comes to: what is not known is not good, unless the market is new.
pub(crate) fn verdict(known: &Known, now: Timestamp) -> Verdict {
    let unseen = unseen_verdict(known.since, now);
    let health = known.health.as_ref();
    let health = health.map_or(unseen, |(health, at)| health.verdict(*at, known.since, now));
    health.max(checks_verdict(known, now))
}

/// What all checks come to.
pub(crate) fn checks_verdict(known: &Known, now: Timestamp) -> Verdict {
    let unseen = unseen_verdict(known.since, now);
    let each = INVARIANTS.iter().map(|invariant| {
        let check = known.checks.iter().find(|check| check.id == invariant.id);
        check.map_or(unseen, |it| check_verdict(it.violations, it.checked_at, now))
    });
    each.fold(Verdict::Good, Verdict::max)
}
