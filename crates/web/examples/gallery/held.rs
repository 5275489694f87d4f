//! Samples of what a renter holds.

use askama::Template;
use web::page::{
    Access, AutoRenewForm, Badge, Choice, EndRental, ExtendForm, Extending, Fact, Field, Frame,
    Invitation, Link, MeasuredUptime, NameForm, Notice, Period, PriceConsent, Rental, RentalEvent,
    RentalRow, Resources, Section, Slices, Stage, StateLink, TermOption, Tone, Transfer,
    UptimeRecord, UsedTime,
};

use crate::measured;
use crate::offered::term;
use crate::sample::{Rendered, charge, day, member};

/// A name of 80 wide letters.
pub(crate) const WIDE: &str =
    "WWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWWW";

/// Every page, most of them in more than one state.
pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("slices", full_list().render()),
        ("slices-empty", slices(Vec::new()).render()),
        ("slices-none-ended", narrowed(Vec::new()).render()),
        ("slices-wide", wide_list().render()),
        ("rental", rental().render()),
        ("rental-ready", rental_with_access().render()),
        ("rental-refused", rental_refused().render()),
        ("rental-grace", rental_in_grace().render()),
        ("rental-ended", rental_ended().render()),
        ("rental-grace-closed", rental_that_cannot_be_extended().render()),
        ("rental-whole", rental_of_a_node().render()),
        ("rental-wide", wide_rental().render()),
        ("end-rental", end_rental().render()),
        ("end-rental-grace", end_in_grace().render()),
        ("end-rental-refused", end_rental_refused().render()),
    ]
}

pub(crate) fn slices(rentals: Vec<RentalRow>) -> Slices {
    Slices {
        frame: member("My slices", Section::Slices),
        invitations: Vec::new(),
        low_balance: Vec::new(),
        states: states("All"),
        is_narrowed: false,
        rentals,
        next_page: None,
    }
}

/// The list of what has ended.
pub(crate) fn narrowed(rentals: Vec<RentalRow>) -> Slices {
    Slices { states: states("Ended"), is_narrowed: true, ..slices(rentals) }
}

fn states(chosen: &str) -> Vec<StateLink> {
    [("All", ""), ("Running", "?state=running"), ("Ended", "?state=ended")]
        .map(|(text, query)| StateLink {
            url: format!("/dashboard/slices{query}"),
            text: text.into(),
            is_chosen: text == chosen,
        })
        .into()
}

/// Something of everything.
pub(crate) fn full_list() -> Slices {
    Slices {
        invitations: vec![invitation()],
        low_balance: vec![
            "On 1 August 2026 the renewal of node4417_slice_12 will cost $32.00; your wallet \
             holds $12.00."
                .into(),
        ],
        next_page: Some("/dashboard/slices?cursor=sample".into()),
        ..slices(rentals())
    }
}

fn wide_list() -> Slices {
    let row = RentalRow {
        name: Some(WIDE.into()),
        labels: vec![WIDE[..40].into(); 10],
        node: Link::new("/marketplace/compute/32", WIDE),
        place: WIDE.into(),
        ..rental_row()
    };
    let invitation = Invitation { from: WIDE.into(), place: WIDE.into(), ..invitation() };
    Slices { invitations: vec![invitation], ..slices(vec![row]) }
}

pub(crate) fn invitation() -> Invitation {
    Invitation {
        accept_url: "/dashboard/transfers/019f0000-0000-7000-8000-000000000007/accept".into(),
        decline_url: "/dashboard/transfers/019f0000-0000-7000-8000-000000000007/decline".into(),
        from: "aida@example.org".into(),
        slice_id: "node11_slice_5".into(),
        place: "Vienna, Austria".into(),
        resources: one_slice(),
        open_until: day("2026-08-05", "5 August 2026, 12:00 UTC"),
        monthly_cost: "$40.00".into(),
        ends_at: day("2026-12-31", "31 December 2026"),
    }
}

fn one_slice() -> Resources {
    Resources {
        slices: 1,
        is_whole_node: false,
        processors: "1".into(),
        memory: "4 GB".into(),
        storage: "200 GB".into(),
    }
}

fn whole_node() -> Resources {
    Resources {
        slices: 9,
        is_whole_node: true,
        processors: "9".into(),
        memory: "36 GB".into(),
        storage: "1,800 GB".into(),
    }
}

fn record(percent: &str, is_below: bool) -> UptimeRecord {
    UptimeRecord {
        promised: "99.5%".into(),
        measured: Some(MeasuredUptime {
            at_least: "98.7%".into(),
            percent: percent.into(),
            observations: "8,140".into(),
            new_node: None,
        }),
        is_below,
    }
}

pub(crate) fn rental_row() -> RentalRow {
    RentalRow {
        url: "/dashboard/slices/019f0000-0000-7000-8000-000000000001".into(),
        slice_id: "node32_slice_1".into(),
        name: None,
        labels: Vec::new(),
        node: Link::new("/marketplace/compute/32", "Canal house"),
        place: "Ghent, Belgium".into(),
        resources: one_slice(),
        status: Badge::new("active", Tone::Good),
        access: Badge::new("not set up yet", Tone::Plain),
        monthly_cost: "$23.75".into(),
        ends_at: day("2026-10-29", "29 October 2026"),
        time_left: Some("89 days left".into()),
        renews: None,
        uptime: record("99.87%", false),
        can_extend: true,
        can_end: true,
    }
}

pub(crate) fn named_row() -> RentalRow {
    RentalRow {
        slice_id: "node4417_slice_12".into(),
        name: Some("Database of the shop".into()),
        labels: vec!["shop".into(), "production".into()],
        node: Link::new("/marketplace/compute/4417", "Spree rack 2, upper shelf"),
        place: "Berlin, Germany".into(),
        status: Badge::new("ends soon", Tone::Warn),
        monthly_cost: "$32.00".into(),
        ends_at: day("2026-08-01", "1 August 2026"),
        time_left: Some("3 days left".into()),
        renews: Some("renews for 1 month".into()),
        uptime: record("99.2%", true),
        ..rental_row()
    }
}

fn rentals() -> Vec<RentalRow> {
    vec![
        rental_row(),
        named_row(),
        RentalRow {
            slice_id: "node8".into(),
            name: Some("Build farm".into()),
            resources: whole_node(),
            status: Badge::new("grace", Tone::Bad),
            monthly_cost: "$213.75".into(),
            ends_at: day("2026-07-28", "28 July 2026"),
            time_left: Some("31 hours left to extend".into()),
            uptime: UptimeRecord { measured: None, ..record("", false) },
            ..rental_row()
        },
        RentalRow {
            slice_id: "node11_slice_3".into(),
            status: Badge::new("ended", Tone::Plain),
            access: Badge::new("closed", Tone::Plain),
            ends_at: day("2026-06-30", "30 June 2026"),
            time_left: None,
            can_extend: false,
            can_end: false,
            ..rental_row()
        },
    ]
}

pub(crate) fn rental() -> Rental {
    let row = rental_row();
    Rental {
        frame: Frame {
            notice: Some(Notice {
                text: "The slice is yours until 29 October 2026.".into(),
                tone: Tone::Good,
            }),
            ..member("node32_slice_1", Section::Slices)
        },
        url: row.url,
        slice_id: row.slice_id,
        name: None,
        labels: Vec::new(),
        node: row.node,
        place: row.place,
        resources: row.resources,
        status: row.status,
        maintenance: vec![super::offering::window()],
        stage: Stage::Active,
        monthly_cost: row.monthly_cost,
        total_cost: "$71.25".into(),
        term: "3 months, 5% off".into(),
        started_at: day("2026-07-29", "29 July 2026"),
        ends_at: row.ends_at,
        time_left: row.time_left,
        access: Access {
            status: Badge::new("not provisioned yet", Tone::Plain),
            text: "The slice is reserved for you and not provisioned yet. When it is, the command \
                   that reaches it stands here."
                .into(),
            command: None,
        },
        machines: Vec::new(),
        can_go_on: false,
        uptime: row.uptime,
        leaving: None,
        extend: Some(Extending::Open(Box::new(extend_form()))),
        auto_renew: Some(auto_renew_off()),
        naming: Some(NameForm::default()),
        transfer: Some(Transfer::Open { email: Field::default(), error: None }),
        can_end: true,
        periods: vec![first_period()],
        months: vec![measured::month()],
        months_error: None,
        facts: vec![
            Fact::new("Promised bandwidth", "100 Mbit/s"),
            Fact::new("The farmer sees", "omar@example.org"),
            Fact::new("Rental", "019f0000-0000-7000-8000-000000000001"),
        ],
        entries: vec![charge()],
        events: vec![
            RentalEvent {
                at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
                what: "Access requested".into(),
            },
            RentalEvent {
                at: day("2026-07-29", "29 July 2026, 12:00 UTC"),
                what: "Rented for 3 months".into(),
            },
        ],
    }
}

fn rental_with_access() -> Rental {
    let access = Access {
        status: Badge::new("ready", Tone::Good),
        text: "Reach the slice with your own SSH key, over the Mycelium network.".into(),
        command: Some("ssh root@5f3:1c9a:77e0:41b2:9d0e:2a7c:55b1:8e02".into()),
    };
    let auto_renew = AutoRenewForm {
        status: Badge::new("on", Tone::Good),
        outcome: "On 29 October 2026 it is extended by 3 months for $71.25, if the price of the \
                  day is at most $26.00."
            .into(),
        warning: Some(
            "Your wallet holds $12.00: as it stands, the renewal would fail, and the slice would \
             be kept for 48 hours."
                .into(),
        ),
        terms: renewal_terms("3"),
        max_price: Field::new("26.00"),
        ..auto_renew_off()
    };
    let pending = Transfer::Pending {
        email: "aida@example.org".into(),
        open_until: day("2026-08-05", "5 August 2026, 12:00 UTC"),
    };
    let row = named_row();
    Rental {
        name: row.name,
        labels: row.labels,
        uptime: row.uptime,
        access,
        auto_renew: Some(auto_renew),
        transfer: Some(pending),
        ..rental()
    }
}

fn extend_form() -> ExtendForm {
    ExtendForm {
        idempotency_key: "019f0000-0000-7000-8000-000000000002".into(),
        price_note: "Your price of $25.00 a slice and month is guaranteed until 29 July 2027."
            .into(),
        terms: vec![
            TermOption { is_chosen: true, ..term(1, None, "$25.00", "$25.00", "29 November 2026") },
            term(3, Some("5% off"), "$23.75", "$71.25", "29 January 2027"),
            TermOption {
                missing: Some("$35.00".into()),
                ..term(6, Some("10% off"), "$22.50", "$135.00", "29 April 2027")
            },
            TermOption {
                missing: Some("$155.00".into()),
                ..term(12, Some("15% off"), "$21.25", "$255.00", "29 October 2027")
            },
        ],
        consent: None,
        balance: "$100.00".into(),
        balance_cents: 10_000,
        is_affordable: true,
        error: None,
    }
}

fn auto_renew_off() -> AutoRenewForm {
    AutoRenewForm {
        status: Badge::new("off", Tone::Plain),
        outcome: "The rental ends on 29 October 2026. Its data is then kept for 48 hours.".into(),
        warning: None,
        terms: renewal_terms(""),
        terms_hint: "Charged a day before the end.".into(),
        terms_error: None,
        max_price: Field::default(),
        max_price_hint: "The price is $25.00 now.".into(),
        error: None,
    }
}

fn renewal_terms(chosen: &str) -> Vec<Choice> {
    [
        ("", "Off"),
        ("1", "1 month"),
        ("3", "3 months, 5% off"),
        ("6", "6 months, 10% off"),
        ("12", "12 months, 15% off"),
    ]
    .map(|(value, label)| Choice {
        value: value.into(),
        label: label.into(),
        is_chosen: value == chosen,
    })
    .into()
}

fn first_period() -> Period {
    Period {
        what: "First term".into(),
        term: "3 months".into(),
        from: day("2026-07-29", "29 July 2026"),
        until: day("2026-10-29", "29 October 2026"),
        price: "$25.00".into(),
        discount: Some("5% off".into()),
        total: "$71.25".into(),
        earned: "$2.32".into(),
        refunded: None,
    }
}

fn refused_extension() -> ExtendForm {
    let mut form = ExtendForm {
        price_note: "Your price of $25.00 was guaranteed until 29 July 2026.".into(),
        consent: Some(PriceConsent {
            max_price: "30.00".into(),
            was: "$25.00".into(),
            now: "$30.00".into(),
            is_given: false,
            error: Some("Without it, the rental cannot be extended.".into()),
        }),
        error: Some("Nothing was extended, and nothing was charged: the price has risen.".into()),
        ..extend_form()
    };
    form.terms[0].is_chosen = false;
    form.terms[1].is_chosen = true;
    form
}

/// Every form was refused at once, which no real page shows.
pub(crate) fn rental_refused() -> Rental {
    let auto_renew = AutoRenewForm {
        terms: renewal_terms("6"),
        terms_error: Some("1, 3, 6 or 12 months, or off.".into()),
        max_price: Field::refused("a lot", "An amount in dollars, such as 25.00."),
        ..auto_renew_off()
    };
    let naming = NameForm {
        name: Field::refused(WIDE, "At most 80 characters."),
        labels: Field::refused("a, b, c", "At most 10 labels."),
        error: None,
    };
    let transfer = Transfer::Open {
        email: Field::refused("aida", "An email address, such as you@example.org."),
        error: Some("Nobody was invited.".into()),
    };
    Rental {
        frame: member("node32_slice_1", Section::Slices),
        extend: Some(Extending::Open(Box::new(refused_extension()))),
        auto_renew: Some(auto_renew),
        naming: Some(naming),
        transfer: Some(transfer),
        ..rental()
    }
}

pub(crate) fn rental_in_grace() -> Rental {
    let row = named_row();
    let access = Access {
        status: Badge::new("closed", Tone::Warn),
        text: "The slice does not run while the term is over. Extend the rental to get back in."
            .into(),
        command: None,
    };
    Rental {
        frame: member("Database of the shop", Section::Slices),
        name: row.name,
        labels: row.labels,
        status: Badge::new("grace", Tone::Bad),
        stage: Stage::Grace {
            kept_until: day("2026-10-31", "31 October 2026, 12:00 UTC"),
            time_left: "31 hours left to extend".into(),
        },
        time_left: None,
        access,
        auto_renew: None,
        transfer: None,
        can_end: false,
        ..rental()
    }
}

/// In grace, and the farmer has taken the node off the market.
pub(crate) fn rental_that_cannot_be_extended() -> Rental {
    let reason =
        "Your guaranteed price has expired, and the node is no longer on the market.".into();
    Rental { extend: Some(Extending::Closed { reason }), can_end: true, ..rental_in_grace() }
}

pub(crate) fn rental_ended() -> Rental {
    let used = Period {
        from: day("2026-10-29", "29 October 2026"),
        until: day("2026-11-29", "29 November 2026"),
        what: "Renewed by itself".into(),
        term: "1 month".into(),
        discount: None,
        total: "$25.00".into(),
        earned: "$8.06".into(),
        refunded: Some("$16.94".into()),
        ..first_period()
    };
    Rental {
        frame: member("node32_slice_1", Section::Slices),
        status: Badge::new("ended", Tone::Plain),
        stage: Stage::Ended {
            remains: "You ended this rental on 8 November 2026, and its data was deleted. What \
                      was booked and what happened stays here."
                .into(),
        },
        ends_at: day("2026-11-08", "8 November 2026"),
        time_left: None,
        access: Access {
            status: Badge::new("closed", Tone::Plain),
            text: "The rental has ended, and its access.".into(),
            command: None,
        },
        machines: Vec::new(),
        can_go_on: false,
        extend: None,
        auto_renew: None,
        transfer: None,
        can_end: false,
        periods: vec![Period { earned: "$71.25".into(), ..first_period() }, used],
        ..rental()
    }
}

fn rental_of_a_node() -> Rental {
    let total = |cents: u64| TermOption {
        total_cents: cents,
        ..term(1, None, "$225.00", "$225.00", "29 November 2026")
    };
    let extend = ExtendForm { terms: vec![total(22_500)], ..extend_form() };
    Rental {
        frame: member("node8", Section::Slices),
        slice_id: "node8".into(),
        resources: whole_node(),
        monthly_cost: "$213.75".into(),
        total_cost: "$641.25".into(),
        extend: Some(Extending::Open(Box::new(extend))),
        ..rental()
    }
}

fn wide_rental() -> Rental {
    Rental {
        name: Some(WIDE.into()),
        labels: vec![WIDE[..40].into(); 10],
        node: Link::new("/marketplace/compute/32", WIDE),
        transfer: Some(Transfer::Pending {
            email: WIDE.into(),
            open_until: day("2026-08-05", "5 August 2026, 12:00 UTC"),
        }),
        ..rental()
    }
}

pub(crate) fn end_rental() -> EndRental {
    let row = rental_row();
    EndRental {
        frame: member("End node32_slice_1", Section::Slices),
        rental_url: row.url,
        slice_id: row.slice_id,
        name: None,
        node: row.node,
        place: row.place,
        is_in_grace: false,
        ends_at: day("2026-10-29", "29 October 2026, 12:00 UTC"),
        paid: "$71.25".into(),
        used: Some(UsedTime {
            time: "1 month, 12 days and 3 hours".into(),
            price: "$25.00 a month: 1 month is reached, which has no discount".into(),
            amount: "$35.42".into(),
        }),
        refund: "$35.83".into(),
        refund_value: "35.83".into(),
        computed_at: day("2026-09-10", "10 September 2026, 15:00 UTC"),
        error: None,
    }
}

/// The term is over: nothing is left to pay back.
pub(crate) fn end_in_grace() -> EndRental {
    EndRental {
        is_in_grace: true,
        ends_at: day("2026-10-31", "31 October 2026, 12:00 UTC"),
        paid: "$0.00".into(),
        used: None,
        refund: "$0.00".into(),
        refund_value: "0.00".into(),
        ..end_rental()
    }
}

pub(crate) fn end_rental_refused() -> EndRental {
    EndRental {
        name: Some(WIDE.into()),
        error: Some(
            "Nothing was ended: the refund is $35.83 now, and was $35.86 when you saw it.".into(),
        ),
        ..end_rental()
    }
}
