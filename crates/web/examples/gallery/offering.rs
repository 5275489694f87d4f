//! Samples of what a farmer offers: raises, locks, maintenance, and the history.

use askama::Template;
use web::page::{
    Badge, Choice, CostConsent, FarmNode, FarmNodeForm, FarmOffer, Field, Link, Maintenance,
    Moment, OfferHistory, OfferLock, Section, Tone, VersionRow, WaitingRaise, WindowNotice,
    WindowRow,
};

use super::sample::{Rendered, farm_node, member};

pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("farm-node-offer", waiting_node().render()),
        ("farm-node-locked", locked_node().render()),
        ("maintenance", maintenance(windows()).render()),
        ("maintenance-empty", maintenance(Vec::new()).render()),
        ("offer-history", offer_history().render()),
    ]
}

fn moment(iso: &str, text: &str) -> Moment {
    Moment::new(iso, text)
}

pub(crate) fn term_boxes() -> Vec<Choice> {
    let choice = |(value, label): (&str, &str)| Choice {
        value: value.into(),
        label: label.into(),
        is_chosen: value != "6",
    };
    [("1", "1 month"), ("3", "3 months"), ("6", "6 months"), ("12", "12 months")].map(choice).into()
}

pub(crate) fn window() -> WindowNotice {
    WindowNotice {
        from: moment("2026-07-31T10:00:00Z", "31 July 2026, 10:00 UTC"),
        until: moment("2026-07-31T12:00:00Z", "31 July 2026, 12:00 UTC"),
        note: Some("New disks".into()),
        is_now: false,
    }
}

/// A node whose price rises tomorrow, and whose farmer promises more than it has shown.
pub(crate) fn waiting_node() -> FarmNode {
    let form = farm_node().form;
    FarmNode {
        form: FarmNodeForm {
            min_uptime: Field::new("99.99"),
            uptime_hint: "Measured: 99.7% in 2,016 observations.".into(),
            consent: Some(CostConsent {
                text: "The SLA is above the measured values: an uptime of 99.99% \
                       is promised and 99.7% was measured."
                    .into(),
                cost: "3.00".into(),
                cost_in_words: "$3.00".into(),
            }),
            terms_error: Some("At least one of 1, 3, 6 and 12.".into()),
            ..form
        },
        offer: FarmOffer {
            raise: Some(WaitingRaise {
                price: "$25.00".into(),
                price_value: "25.00".into(),
                raised: "$30.00".into(),
                at: moment("2026-07-30T12:00:00Z", "30 July 2026, 12:00 UTC"),
            }),
            lock: OfferLock::Open,
            windows: vec![window()],
        },
        ..farm_node()
    }
}

pub(crate) fn locked_node() -> FarmNode {
    let reason = Some("The promise is looked into.".into());
    FarmNode {
        can_pause: false,
        offer: FarmOffer { lock: OfferLock::Operator { reason }, ..FarmOffer::default() },
        ..farm_node()
    }
}

fn node() -> Link {
    Link::new("/dashboard/farm/nodes/32", "Canal house")
}

pub(crate) fn window_row() -> WindowRow {
    let window = window();
    WindowRow {
        from: window.from,
        until: window.until,
        note: window.note,
        announced_at: moment("2026-07-29T12:00:00Z", "29 July 2026, 12:00 UTC"),
        status: Badge::new("announced", Tone::Good),
        cancel_url: Some("/dashboard/farm/nodes/32/maintenance/w1/cancel".into()),
    }
}

pub(crate) fn windows() -> Vec<WindowRow> {
    let over = WindowRow {
        from: moment("2026-06-01T10:00:00Z", "1 June 2026, 10:00 UTC"),
        until: moment("2026-06-01T11:00:00Z", "1 June 2026, 11:00 UTC"),
        note: None,
        status: Badge::new("canceled", Tone::Plain),
        cancel_url: None,
        ..window_row()
    };
    vec![window_row(), over]
}

pub(crate) fn maintenance(windows: Vec<WindowRow>) -> Maintenance {
    let hour = |hours: u32| Choice {
        value: hours.to_string(),
        label: format!("{hours} hours"),
        is_chosen: hours == 2,
    };
    Maintenance {
        frame: member("Maintenance", Section::Farm),
        node: node(),
        is_locked: false,
        starts_at: Field::refused("2026-07-29T13:00", "A time 24 hours to 90 days from now."),
        example: "2026-07-31T12:00".into(),
        hours: [2, 4, 8].map(hour).into(),
        note: Field::default(),
        error: None,
        windows,
        next_page: None,
    }
}

pub(crate) fn version_row() -> VersionRow {
    VersionRow {
        number: "3".into(),
        changed_at: moment("2026-07-29T12:00:00Z", "29 July 2026, 12:00 UTC"),
        price: "$25.00".into(),
        raise: Some("$30.00 from 30 July 2026, 12:00 UTC".into()),
        promise: "99.5%, 100 Mbit/s".into(),
        terms: "1, 3 and 12 months".into(),
        kept_slices: 2,
        name: "Canal house".into(),
        listing: Badge::new("published", Tone::Good),
    }
}

pub(crate) fn offer_history() -> OfferHistory {
    let first = VersionRow {
        number: "1".into(),
        price: "–".into(),
        raise: None,
        promise: "0%, 0 Mbit/s".into(),
        terms: "1, 3, 6 and 12 months".into(),
        kept_slices: 0,
        listing: Badge::new("draft", Tone::Plain),
        ..version_row()
    };
    OfferHistory {
        frame: member("Offer history", Section::Farm),
        node: node(),
        versions: vec![version_row(), first],
        next_page: Some("/dashboard/farm/nodes/32/history?cursor=MQ".into()),
    }
}
