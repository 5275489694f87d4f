//! How the marketplace is, `/status`, and what a promise costs, `/docs/promises`.

use super::{Badge, Frame, Moment};
use askama::Template;

/// What `status.html` shows: how the marketplace is, for everybody.
#[derive(Clone, Debug, Template)]
#[template(path = "status.html")]
pub struct Status {
    /// What surrounds the page.
    pub frame: Frame,
    /// Such as `everything works`.
    pub verdict: Badge,
    /// When it was written down; `None` before the first time.
    pub written_at: Option<Moment>,
    /// The parts of the marketplace.
    pub parts: Vec<StatusPart>,
    /// What is known of the grid, by region.
    pub regions: Vec<RegionRow>,
    /// What must always hold about slices and rentals, about money, and the rest.
    pub checks: Vec<CheckGroup>,
}

/// A part of the marketplace.
#[derive(Clone, Debug)]
pub struct StatusPart {
    /// Such as `Sync with the grid`.
    pub name: &'static str,
    /// How it is.
    pub state: Badge,
    /// More, as a sentence.
    pub about: String,
}

/// What is known of a region.
#[derive(Clone, Debug)]
pub struct RegionRow {
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
pub struct CheckGroup {
    /// Its place on the page.
    pub id: &'static str,
    /// Such as `No slice is rented twice`.
    pub title: &'static str,
    /// Each.
    pub checks: Vec<CheckRow>,
}

/// An invariant and when it was last checked.
#[derive(Clone, Debug)]
pub struct CheckRow {
    /// What holds, in a sentence.
    pub claim: &'static str,
    /// Such as `holds` or `broken`.
    pub state: Badge,
    /// When it was last checked; `None` where it was not yet.
    pub checked_at: Option<Moment>,
    /// Such as `2 minutes ago`.
    pub age: String,
}

/// What `promises.html` shows: what a promise means, and what it costs where it is not kept.
#[derive(Clone, Debug, Template)]
#[template(path = "promises.html")]
pub struct Promises {
    /// What surrounds the page.
    pub frame: Frame,
    /// The published scale.
    pub scale: Vec<ScaleRow>,
    /// The most of a month that is credited, such as `60%`.
    pub most: String,
    /// How many looks are needed to judge.
    pub looks_min: u64,
    /// How many hours of announced maintenance a month do not count.
    pub allowed_hours: i64,
    /// After how many days a month is judged.
    pub settled_days: i64,
    /// For how many days it can be disputed.
    pub dispute_days: i64,
    /// For how many days every look is kept.
    pub kept_days: i64,
}

/// A line of the published scale.
#[derive(Clone, Debug)]
pub struct ScaleRow {
    /// Such as `Below the promise`.
    pub measured: String,
    /// Such as `10%`.
    pub credit: String,
}
