//! Samples of what was measured: months, credits, disputes, and the market's state.

use askama::Template;
use web::page::{
    Badge, CaseRow, CheckGroup, CheckRow, Credits, DisputeForm, Fact, Field, Frame, JudgedRow,
    MeasuredRecord, MeasuredRow, OperatorDisputes, Promises, RegionRow, Remark, ScaleRow, Section,
    Status, StatusPart, Tone,
};

use crate::sample::{Rendered, day, member};

/// Every page, some of them in more than one state.
pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("credits", credits(vec![month()]).render()),
        ("credits-empty", credits(Vec::new()).render()),
        ("operator-disputes", disputes(vec![case()]).render()),
        ("operator-disputes-empty", disputes(Vec::new()).render()),
        ("status", status().render()),
        ("promises", promises().render()),
    ]
}

pub(crate) fn record() -> MeasuredRecord {
    MeasuredRecord {
        rows: vec![
            MeasuredRow {
                what: "Last 24 hours".into(),
                uptime: "100%".into(),
                at_least: "98.68%".into(),
                observations: "288".into(),
                bandwidth: "940 Mbit/s".into(),
            },
            MeasuredRow {
                what: "July 2026".into(),
                uptime: "99.2%".into(),
                at_least: "98.98%".into(),
                observations: "8,140".into(),
                bandwidth: String::new(),
            },
        ],
        samples_url: "/api/marketplace/nodes/node32/samples".into(),
    }
}

pub(crate) fn month() -> JudgedRow {
    JudgedRow {
        month: "July 2026".into(),
        place: "node32_slice_1".into(),
        outcome: Badge::new("credited $2.50", Tone::Warn),
        facts: vec![Fact::new("Uptime", "99.2%, promised 99.5%")],
        remarks: vec![Remark {
            who: "The farmer".into(),
            text: "It was up.".into(),
            at: day("2026-08-04", "4 August 2026, 12:00 UTC"),
        }],
        dispute: Some(DisputeForm {
            url: "/dashboard/slices/1/months/2026-07/dispute".into(),
            id: "text-1".into(),
            stay: 1,
            text: Field::default(),
        }),
    }
}

pub(crate) fn credits(months: Vec<JudgedRow>) -> Credits {
    Credits {
        frame: member("Credits to renters", Section::Farm),
        error: None,
        months,
        next_page: None,
    }
}

pub(crate) fn case() -> CaseRow {
    CaseRow {
        judged: JudgedRow { dispute: None, ..month() },
        url: "/operator/disputes/019f/decide".into(),
        id: "019f".into(),
        credit: "2.50".into(),
        most: "$25.00".into(),
    }
}

pub(crate) fn disputes(cases: Vec<CaseRow>) -> OperatorDisputes {
    OperatorDisputes {
        frame: member("Disputes", Section::Operator),
        error: None,
        cases,
        next_page: None,
    }
}

pub(crate) fn status() -> Status {
    let check = CheckRow {
        claim: "A slice has at most one live rental.",
        state: Badge::new("holds", Tone::Good),
        checked_at: Some(day("2026-07-29", "29 July 2026, 12:00 UTC")),
        age: "2 minutes ago".into(),
    };
    Status {
        frame: Frame::new("Status", Section::Elsewhere),
        verdict: Badge::new("everything works", Tone::Good),
        written_at: Some(day("2026-07-29", "29 July 2026, 12:00 UTC")),
        parts: vec![StatusPart {
            name: "Mail",
            state: Badge::new("works", Tone::Good),
            about: "No mail waits.".into(),
        }],
        regions: vec![RegionRow {
            name: "Western Europe".into(),
            nodes: "6 of 7 up".into(),
            newest: "2 minutes ago".into(),
            oldest: "7 minutes ago".into(),
            state: Badge::new("fresh", Tone::Good),
        }],
        checks: vec![CheckGroup {
            id: "booking",
            title: "No slice is rented twice",
            checks: vec![check],
        }],
    }
}

pub(crate) fn promises() -> Promises {
    Promises {
        frame: Frame::new("Promises", Section::Docs),
        scale: vec![ScaleRow { measured: "Below SLA".into(), credit: "10%".into() }],
        most: "60%".into(),
        looks_min: 12,
        allowed_hours: 8,
        settled_days: 2,
        dispute_days: 30,
        kept_days: 90,
    }
}
