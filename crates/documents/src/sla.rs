//! The page `/docs/sla`: how uptime is measured and credited.

use askama::Template;
use domain::evaluation::{DISPUTED_WITHIN_SECONDS, OBSERVATIONS_MIN, SETTLED_AFTER_SECONDS};
use domain::maintenance::ALLOWED_SECONDS;
use domain::outage::UNPAID_AFTER_SECONDS;
use domain::sla::{
    BAD_PERCENT, BAD_UPTIME, BELOW_SLA_PERCENT, PERCENT_MAX, POOR_PERCENT, POOR_UPTIME,
    SLOW_PERCENT,
};
use store::observations::KEPT_DAYS;
use ui::visit::Visit;
use web::page::{Frame, Section};

/// What `sla.html` shows: what an SLA means, and what missing it costs.
#[derive(Clone, Debug, Template)]
#[template(path = "sla.html")]
pub(crate) struct Sla {
    /// What surrounds the page.
    pub frame: Frame,
    /// The published scale.
    pub scale: Vec<ScaleRow>,
    /// The most of a month that is credited, such as `60%`.
    pub most: String,
    /// How many looks are needed to evaluate.
    pub looks_min: u64,
    /// How many hours of announced maintenance a month do not count.
    pub allowed_hours: i64,
    /// After how many days a month is evaluated.
    pub settled_days: i64,
    /// For how many days it can be disputed.
    pub dispute_days: i64,
    /// For how many days every look is kept.
    pub kept_days: i64,
    /// After how many hours an outage is not paid for.
    pub unpaid_hours: i64,
}

/// A line of the published scale.
#[derive(Clone, Debug)]
pub(crate) struct ScaleRow {
    /// Such as `Below the sla`.
    pub measured: String,
    /// Such as `10%`.
    pub credit: String,
}

impl Sla {
    /// What an SLA means, and what it costs.
    pub(crate) fn new(visit: &Visit<'_>) -> Sla {
        const DAY: i64 = 86_400;
        let row =
            |measured: String, percent: u8| ScaleRow { measured, credit: format!("{percent}%") };
        Sla {
            frame: visit.frame("SLA", Section::Docs),
            scale: vec![
                row("Uptime below the SLA".to_owned(), BELOW_SLA_PERCENT),
                row(format!("Uptime below the SLA and below {POOR_UPTIME}%"), POOR_PERCENT),
                row(format!("Uptime below the SLA and below {BAD_UPTIME}%"), BAD_PERCENT),
                row("Bandwidth below the SLA, in addition".to_owned(), SLOW_PERCENT),
            ],
            most: format!("{PERCENT_MAX}%"),
            looks_min: OBSERVATIONS_MIN,
            allowed_hours: ALLOWED_SECONDS / 3_600,
            settled_days: SETTLED_AFTER_SECONDS / DAY,
            dispute_days: DISPUTED_WITHIN_SECONDS / DAY,
            kept_days: KEPT_DAYS,
            unpaid_hours: UNPAID_AFTER_SECONDS / 3_600,
        }
    }
}
