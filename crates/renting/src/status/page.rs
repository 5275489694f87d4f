//! How the marketplace is and was, `/status`.

use askama::Template;
use domain::health::{Health, Part, Region, Verdict};
use domain::time::Timestamp;
use store::incidents::Incident;
use store::status::PartDay;
use ui::moment;
use ui::visit::Visit;
use web::page::{Badge, Frame, Moment, Section, Tone};
use web::text::{counted, grouped};

use crate::status::checks::summary;
use crate::status::json::{Known, verdict};
use crate::status::ribbon::Ribbon;

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
    /// What goes on, as the operator tells it.
    pub open: Vec<IncidentRow>,
    /// What is over, the latest first.
    pub past: Vec<IncidentRow>,
    /// The parts of the marketplace.
    pub parts: Vec<StatusPart>,
    /// What is known of the grid, by region.
    pub regions: Vec<RegionRow>,
}

/// Something that went wrong.
#[derive(Clone, Debug)]
pub(crate) struct IncidentRow {
    /// What, on one line.
    pub title: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// Since when.
    pub started_at: Moment,
    /// Until when.
    pub ended_at: Option<Moment>,
}

/// A part of the marketplace.
#[derive(Clone, Debug)]
pub(crate) struct StatusPart {
    /// Such as `Sync with the grid`.
    pub name: &'static str,
    /// How it is; `None` where that is not known.
    pub state: Option<Badge>,
    /// More, as a sentence.
    pub about: String,
    /// Where there is still more.
    pub url: Option<&'static str>,
    /// How it was.
    pub ribbon: Ribbon,
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

pub(crate) fn badge(verdict: Verdict, [good, degraded, bad]: [&str; 3]) -> Badge {
    match verdict {
        Verdict::Good => Badge::new(good, Tone::Good),
        Verdict::Degraded => Badge::new(degraded, Tone::Warn),
        Verdict::Bad => Badge::new(bad, Tone::Bad),
    }
}

impl Status {
    /// How the marketplace is, as it was written down, and how it was on each of these days.
    pub(crate) fn new(visit: &Visit<'_>, known: &Known, days: &[PartDay]) -> Status {
        let now = visit.now;
        let words = [
            "All systems operational",
            "Degraded: some data is out of date",
            "Outage: some parts are failing",
        ];
        let (open, past): (Vec<_>, Vec<_>) =
            known.incidents.iter().partition(|incident| incident.ended_at.is_none());
        let row = |incident: &&Incident| IncidentRow::new(incident);
        let regions = known.health.as_ref().map_or(&[][..], |(health, _)| &health.regions);
        let verdict = match verdict(known, now) {
            Verdict::Good if known.health.is_none() => Badge::new("Starting", Tone::Plain),
            verdict => badge(verdict, words),
        };
        Status {
            frame: visit.frame("Status", Section::Elsewhere),
            verdict,
            updated_at: known.health.as_ref().map(|(_, at)| moment::to_the_minute(*at)),
            open: open.iter().map(row).collect(),
            past: past.iter().map(row).collect(),
            parts: parts(known, days, now),
            regions: regions.iter().map(|region| RegionRow::new(region, now)).collect(),
        }
    }
}

impl IncidentRow {
    fn new(incident: &Incident) -> IncidentRow {
        IncidentRow {
            title: incident.title.clone(),
            text: incident
                .text
                .lines()
                .filter(|line| !line.trim().is_empty())
                .map(str::to_owned)
                .collect(),
            started_at: moment::to_the_minute(incident.started_at),
            ended_at: incident.ended_at.map(moment::to_the_minute),
        }
    }
}

fn parts(known: &Known, days: &[PartDay], now: Timestamp) -> Vec<StatusPart> {
    let words = ["works", "late", "broken"];
    let part = |part: Part, state: Option<Badge>, about: String| StatusPart {
        name: match part {
            Part::Sync => "Grid sync",
            Part::Mail => "Email",
            Part::Setup => "Machine setup",
            Part::Checks => "Integrity checks",
            Part::Nodes => "Nodes",
        },
        state,
        about,
        url: (part == Part::Checks).then_some("/status/checks"),
        ribbon: Ribbon::new(part, days, now),
    };
    let seen = known.health.as_ref().map(|(health, _)| health);
    let starting = || Badge::new("starting", Tone::Plain);
    let state = |of: &dyn Fn(&Health) -> Verdict| {
        Some(seen.map_or_else(starting, |health| badge(of(health), words)))
    };
    let sync = match seen.map(|health| health.sync) {
        Some(None) if health_is_new(known, now) => Some(starting()),
        _ => state(&|health| health.sync_verdict(known.since, now)),
    };
    let (checks, about_checks) = summary(known, now);
    let about =
        |of: &dyn Fn(&Health) -> String| seen.map_or_else(|| "Not looked at yet.".to_owned(), of);
    vec![
        part(Part::Sync, sync, about(&|health| about_sync(health, now))),
        part(Part::Setup, state(&Health::access_verdict), about(&about_setup)),
        part(
            Part::Mail,
            state(&|health| health.mail_verdict(now)),
            about(&|it| about_mail(it, now)),
        ),
        part(Part::Checks, Some(checks), about_checks),
        part(Part::Nodes, None, about(&about_nodes)),
    ]
}

fn health_is_new(known: &Known, now: Timestamp) -> bool {
    Health::default().sync_verdict(known.since, now) == Verdict::Good
}

fn about_sync(health: &Health, now: Timestamp) -> String {
    let ago = |seconds| moment::ago(Timestamp::from_seconds(seconds), now);
    match health.sync {
        None => "The first sync hasn't run yet.".to_owned(),
        Some(sync) if sync.is_whole => {
            format!("Last run {}, without errors.", ago(sync.finished_at))
        }
        Some(sync) => format!(
            "The last run {} failed. The marketplace shows the last known data.",
            ago(sync.finished_at)
        ),
    }
}

fn about_mail(health: &Health, now: Timestamp) -> String {
    health.mail_waits_since.map_or_else(
        || "No emails are queued.".to_owned(),
        |since| {
            let ago = moment::ago(Timestamp::from_seconds(since), now);
            format!("The oldest queued email is from {ago}.")
        },
    )
}

fn about_setup(health: &Health) -> String {
    match health.late_jobs {
        0 => "No machines are overdue.".to_owned(),
        jobs => format!("Late: {}.", counted(jobs, "machine")),
    }
}

fn about_nodes(health: &Health) -> String {
    let (up, all) = health
        .regions
        .iter()
        .fold((0, 0), |(up, all), region| (up + region.up, all + region.nodes));
    match all {
        0 => "No nodes on the market yet.".to_owned(),
        all => format!("{} of {} up.", grouped(up), grouped(all)),
    }
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
