//! What was measured of a node, for everybody: over a day, a month and by month, and look by look.

use domain::confidence::lower_bound;
use domain::field::FieldError;
use domain::month::Month;
use domain::time::Timestamp;
use domain::uptime::Uptime;
use schemars::JsonSchema;
use serde::Serialize;
use store::observations::{DayRecord, KEPT_DAYS, MonthRecord, Observation, Record};
use web::Problem;
use web::csv::{Field, Table};
use web::operation::{Form, Operation, Parameter, schema_of};

const GROUP: &str = "Marketplace";

/// How many days a record has.
pub(crate) const DAYS_SHOWN: u32 = 90;

/// How many months a record has.
pub(crate) const MONTHS_SHOWN: u32 = 13;

/// How many days the longer window has.
pub(crate) const WINDOW_DAYS: u32 = 30;

/// `GET /api/marketplace/nodes/{node}/record`
pub(crate) const SHOW_NODE_RECORD: Operation = Operation {
    id: "showNodeRecord",
    group: GROUP,
    path: "/api/marketplace/nodes/{node}/record",
    summary: "Returns a node's measured uptime and bandwidth over 24 hours, 30 days, by month and \
              by day. Time without checks doesn't count.",
    about_answer: "The record.",
    answer: Some(schema_of::<NodeRecordView>),
    ..Operation::READ
};

/// `GET /api/marketplace/nodes/{node}/samples`
pub(crate) const LIST_NODE_SAMPLES: Operation = Operation {
    id: "listNodeSamples",
    group: GROUP,
    path: "/api/marketplace/nodes/{node}/samples",
    summary: "Exports all checks of a node in a month as CSV with at, status, up, healthy, \
              upload_mbps and download_mbps. Checks are kept for 90 days, and daily totals for \
              longer.",
    query: &[Parameter {
        name: "month",
        form: Form::Text(7),
        about: "The month, in UTC. Defaults to the current month.",
        example: "2026-11",
    }],
    about_answer: "The CSV file.",
    table: Some("A header line and one line per check (RFC 4180)."),
    ..Operation::READ
};

/// What was measured of a node.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NodeRecordView {
    /// Such as `node32`.
    pub node_id: String,
    /// The last 24 hours.
    pub last_24_hours: WindowView,
    /// The last 30 days, today and all.
    pub last_30_days: WindowView,
    /// By month of UTC, the newest first.
    pub months: Vec<RecordMonthView>,
    /// By day of UTC, the last one last: up to 90 days on which somebody looked.
    pub days: Vec<RecordDayView>,
}

impl NodeRecordView {
    /// Shows a record.
    pub(crate) fn new(
        node: domain::id::NodeId,
        [day, month]: [Record; 2],
        months: &[MonthRecord],
        days: &[DayRecord],
    ) -> NodeRecordView {
        NodeRecordView {
            node_id: node.to_string(),
            last_24_hours: WindowView::new(&day),
            last_30_days: WindowView::new(&month),
            months: months.iter().map(RecordMonthView::new).collect(),
            days: days.iter().map(RecordDayView::new).collect(),
        }
    }
}

/// What was measured over a while.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WindowView {
    /// The share of the looks at which it was up, in percent, rounded down; null without looks.
    pub uptime: Option<f64>,
    /// The uptime that it has at least, with a confidence of 95 %: the lower bound of Wilson's
    /// score interval, in percent, rounded down.
    pub uptime_lower_bound: Option<f64>,
    /// How many looks this rests on.
    pub observations: u64,
    /// The average upload that the grid has measured, in Mbit/s; null where it has not.
    pub upload_mbps: Option<u32>,
    /// The average download that the grid has measured, in Mbit/s; null where it has not.
    pub download_mbps: Option<u32>,
}

impl WindowView {
    fn new(record: &Record) -> WindowView {
        let known = |mbps| (record.speeds > 0).then_some(mbps);
        WindowView {
            uptime: record.uptime().map(Uptime::percent),
            uptime_lower_bound: record.uptime_lower_bound().map(Uptime::percent),
            observations: record.observations.observed,
            upload_mbps: known(record.upload_mbps),
            download_mbps: known(record.download_mbps),
        }
    }
}

/// What was measured in a month.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RecordMonthView {
    /// Such as `2026-11`.
    pub month: String,
    /// The share of the looks at which it was up, in percent, rounded down.
    pub uptime: Option<f64>,
    /// The uptime that it has at least, with a confidence of 95 %, in percent.
    pub uptime_lower_bound: Option<f64>,
    /// How many looks this rests on.
    pub observations: u64,
}

impl RecordMonthView {
    fn new(month: &MonthRecord) -> RecordMonthView {
        let (up, observed) = (month.observations.up, month.observations.observed);
        RecordMonthView {
            month: month.month.to_string(),
            uptime: Uptime::measured(up, observed).map(Uptime::percent),
            uptime_lower_bound: lower_bound(up, observed).map(Uptime::percent),
            observations: observed,
        }
    }
}

/// What was measured on a day.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RecordDayView {
    /// Such as `2026-11-22`.
    pub day: String,
    /// What was measured.
    #[serde(flatten)]
    pub window: WindowView,
}

impl RecordDayView {
    fn new(day: &DayRecord) -> RecordDayView {
        RecordDayView { day: day.day.date(), window: WindowView::new(&day.record) }
    }
}

/// The month that is asked for: this one, or one whose looks may still be there.
pub(crate) fn month_asked(text: Option<&str>, now: Timestamp) -> Result<Month, FieldError> {
    let this = Month::of(now);
    let Some(text) = text else { return Ok(this) };
    let first = Month::of(now.plus_seconds(-KEPT_DAYS * 86_400));
    let month = Month::parse(text).filter(|month| (first..=this).contains(month));
    let rule = format!("a month from {first} to {this}, such as {this}");
    month.ok_or_else(|| FieldError::new("month", &rule))
}

/// Looks as a table, in order.
pub(crate) fn observations_table(observations: &[Observation]) -> Result<Vec<u8>, Problem> {
    let header = ["at", "status", "up", "healthy", "upload_mbps", "download_mbps"];
    let mut table = Table::new(&header)?;
    let number = |mbps: Option<u32>| mbps.map(|mbps| mbps.to_string()).unwrap_or_default();
    for look in observations {
        table.line(&[
            Field::Plain(look.at.to_string()),
            Field::Plain(look.status.into_str().to_owned()),
            Field::Plain(look.is_up.to_string()),
            Field::Plain(look.healthy.map(|healthy| healthy.to_string()).unwrap_or_default()),
            Field::Plain(number(look.upload_mbps)),
            Field::Plain(number(look.download_mbps)),
        ])?;
    }
    table.finish()
}

#[cfg(test)]
mod tests {
    use domain::node::NodeStatus;

    use super::*;

    /// 2026-11-22T17:08:41Z.
    fn now() -> Timestamp {
        Timestamp::from_seconds(1_795_367_321)
    }

    #[test]
    fn a_month_is_one_of_which_observations_may_be_there() {
        let asked = |text| month_asked(text, now()).map(|month| month.to_string());
        assert_eq!(asked(None).unwrap(), "2026-11");
        assert_eq!(asked(Some("2026-08")).unwrap(), "2026-08");
        for text in ["2026-07", "2026-12", "november", ""] {
            let wrong = asked(Some(text)).unwrap_err();
            assert_eq!((wrong.field, wrong.rule.contains("2026-08 to 2026-11")), ("month", true));
        }
    }

    #[test]
    fn an_observation_is_a_line() {
        let look = Observation {
            at: now(),
            status: NodeStatus::Up,
            is_up: true,
            healthy: Some(true),
            upload_mbps: Some(907),
            download_mbps: Some(900),
        };
        let unknown = Observation {
            status: NodeStatus::Standby,
            is_up: false,
            healthy: None,
            upload_mbps: None,
            download_mbps: None,
            ..look.clone()
        };
        let table = String::from_utf8(observations_table(&[look, unknown]).unwrap()).unwrap();
        assert_eq!(
            table,
            "\u{feff}at,status,up,healthy,upload_mbps,download_mbps\r\n\
             2026-11-22T17:08:41Z,up,true,true,907,900\r\n\
             2026-11-22T17:08:41Z,standby,false,,,\r\n"
        );
    }
}
