//! The page `/docs/promises`: how uptime is measured and credited.

use askama::Template;
use domain::level::{DISPUTED_WITHIN_SECONDS, LOOKS_MIN, SETTLED_AFTER_SECONDS};
use domain::maintenance::ALLOWED_SECONDS;
use domain::sla::{
    BAD_PERCENT, BAD_UPTIME, BELOW_PROMISE_PERCENT, PERCENT_MAX, POOR_PERCENT, POOR_UPTIME,
    SLOW_PERCENT,
};
use store::looks::KEPT_DAYS;
use ui::visit::Visit;
use web::page::{Frame, Section};

/// What `promises.html` shows: what a promise means, and what it costs where it is not kept.
#[derive(Clone, Debug, Template)]
#[template(path = "promises.html")]
pub(crate) struct Promises {
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
pub(crate) struct ScaleRow {
    /// Such as `Below the promise`.
    pub measured: String,
    /// Such as `10%`.
    pub credit: String,
}

impl Promises {
    /// What a promise means, and what it costs.
    pub(crate) fn new(visit: &Visit<'_>) -> Promises {
        const DAY: i64 = 86_400;
        let row =
            |measured: String, percent: u8| ScaleRow { measured, credit: format!("{percent}%") };
        Promises {
            frame: visit.frame("SLA", Section::Docs),
            scale: vec![
                row("Uptime below the SLA".to_owned(), BELOW_PROMISE_PERCENT),
                row(format!("Uptime below the SLA and below {POOR_UPTIME}%"), POOR_PERCENT),
                row(format!("Uptime below the SLA and below {BAD_UPTIME}%"), BAD_PERCENT),
                row("Bandwidth below the SLA, in addition".to_owned(), SLOW_PERCENT),
            ],
            most: format!("{PERCENT_MAX}%"),
            looks_min: LOOKS_MIN,
            allowed_hours: ALLOWED_SECONDS / 3_600,
            settled_days: SETTLED_AFTER_SECONDS / DAY,
            dispute_days: DISPUTED_WITHIN_SECONDS / DAY,
            kept_days: KEPT_DAYS,
        }
    }
}
