//! Sample pages of revenue and payouts. Nothing here is real.

use askama::Template;
use domain::money::Usd;
use web::page::{Badge, Frame};
use web::page::{
    BandwidthRecord, DeedField, Fact, FarmRevenue, Field, GridCell, MeasuredUptime, NodeRecord,
    NodeRevenue, OperatorPayoutRow, OperatorPayouts, PayoutDeed, PayoutRow, PayoutStateLink,
    Payouts, RentedSlices, Section, SliceGrid, Tone, UptimeRecord,
};
use web::plot::bars::{Bar, Columns, Head, Rows};

use super::sample::{Rendered, day, member};

pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("payouts", payouts(vec![payout("requested", Tone::Plain)]).render()),
        ("payouts-empty", Payouts { is_locked: true, ..payouts(Vec::new()) }.render()),
        ("operator-payouts", operator_payouts(vec![operator_payout()]).render()),
        ("operator-payouts-empty", operator_payouts(Vec::new()).render()),
    ]
}

fn bar(name: &str, cents: i64) -> Bar {
    let label = name.chars().take(3).collect();
    Bar { name: name.into(), label, amount: Usd::from_micros(cents * 10_000) }
}

fn head(id: &'static str, title: &str, names: &'static str) -> Head {
    let about = "$63.75 in 3 months; most in July 2026.".into();
    Head { id, title: title.into(), about, names, amounts: "Earned" }
}

fn by_month(id: &'static str) -> Columns {
    let bars = [bar("May 2026", 0), bar("June 2026", 1_125), bar("July 2026", 5_250)];
    Columns::new(head(id, "Earned by month", "Month"), &bars)
}

pub(crate) fn farm_revenue() -> FarmRevenue {
    let nodes = [bar("Canal house", 5_250), bar("Old mill", 1_125)];
    FarmRevenue {
        by_month: Some(by_month("revenue-months")),
        by_node: Rows::new(head("revenue-nodes", "Earned by node", "Node"), &nodes, 10),
    }
}

pub(crate) fn record() -> NodeRecord {
    NodeRecord {
        uptime: UptimeRecord {
            promised: "99.5%".into(),
            measured: Some(MeasuredUptime {
                at_least: "98.7%".into(),
                percent: "99.1%".into(),
                observations: "2,016".into(),
                new_node: None,
            }),
            is_below: true,
        },
        bandwidth: BandwidthRecord {
            measured: Some("940 Mbit/s".into()),
            promised: "100 Mbit/s".into(),
            is_below: false,
        },
    }
}

pub(crate) fn node_revenue() -> NodeRevenue {
    NodeRevenue {
        earned: "$12.50".into(),
        pending: "$56.25".into(),
        utilization: Some("33%".into()),
        record: Some(record()),
        by_month: Some(by_month("node-months")),
    }
}

pub(crate) fn grid() -> SliceGrid {
    let class = |number| match number {
        2 | 3 | 7 => "cell-rented",
        8 => "cell-held",
        _ => "cell-open",
    };
    let cell = |number: u32| GridCell { number: number.to_string(), class: class(number) };
    let kept = GridCell { number: String::new(), class: "cell-kept" };
    SliceGrid {
        cells: (1..=9).map(cell).chain([kept]).collect(),
        words: "3 rented, 1 held, 5 available, 1 kept back".into(),
        rented: vec![RentedSlices {
            slices: "Slices 2, 3 and 7".into(),
            renter: "omar@example.org".into(),
            until: day("2026-10-29", "29 October 2026"),
        }],
    }
}

pub(crate) fn payout(state: &str, tone: Tone) -> PayoutRow {
    PayoutRow {
        at: day("2026-07-28", "28 July 2026, 12:00 UTC"),
        amount: "$25.00".into(),
        state: Badge::new(state, tone),
        address: "BE71 0961 2345 6769".into(),
        notes: vec!["Transfer SEPA 7".into()],
        withdraw_url: Some("/dashboard/farm/payouts/1/withdraw".into()),
    }
}

pub(crate) fn payouts(payouts: Vec<PayoutRow>) -> Payouts {
    Payouts {
        frame: member("Payouts", Section::Farm),
        balance: "$45.00".into(),
        withheld: Some("$6.00".into()),
        address: Some("BE71 0961 2345 6769".into()),
        is_locked: false,
        obstacle: None,
        amount: Field::new("45.00"),
        hint: "$25.00 at least.".into(),
        idempotency_key: "sample-key".into(),
        error: None,
        payouts,
        next_page: None,
    }
}

pub(crate) fn operator_payout() -> OperatorPayoutRow {
    OperatorPayoutRow {
        id: "019f".into(),
        amount: "$25.00".into(),
        email: "fatima@example.org".into(),
        address: "BE71 0961 2345 6769".into(),
        facts: vec![Fact::new("Requested", "28 July 2026, 12:00 UTC")],
        deeds: vec![
            PayoutDeed {
                url: "/operator/payouts/019f/send".into(),
                text: "Sent",
                field: Some(DeedField {
                    name: "reference",
                    label: "Name of the transfer",
                    id: "reference-019f".into(),
                }),
                is_quiet: false,
            },
            PayoutDeed {
                url: "/operator/payouts/019f/done".into(),
                text: "It has arrived",
                field: None,
                is_quiet: true,
            },
        ],
    }
}

pub(crate) fn operator_payouts(payouts: Vec<OperatorPayoutRow>) -> OperatorPayouts {
    let frame = Frame { is_operator: true, ..member("Payouts", Section::Operator) };
    OperatorPayouts {
        frame,
        states: vec![PayoutStateLink {
            url: "/operator/payouts?state=approved".into(),
            text: "Approved: 1, $25.00".into(),
            is_chosen: true,
        }],
        state: "approved",
        has_export: true,
        error: None,
        payouts,
        next_page: None,
    }
}
