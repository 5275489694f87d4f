//! Samples of a node's page: what a renter is offered, and why not.

use askama::Template;
use web::page::{
    Alternative, Badge, Choice, Fact, MeasuredUptime, Node, NodeCost, Refusal, Remedy, RentForm,
    Renting, Section, SliceCell, TermOption, Tone, WholeNode,
};

use crate::measured;
use crate::sample::{Rendered, member, visitor};

/// Every page, most of them in more than one state.
pub(crate) fn gallery() -> Vec<Rendered> {
    vec![
        ("node", node(Renting::Open(Box::new(rent_form()))).render()),
        ("node-poor", node_without_money().render()),
        ("node-new-price", node_with_new_price().render()),
        ("node-visitor", node_for_visitor().render()),
        ("node-full", node(every_slice_is_rented()).render()),
        ("node-sold-out", sold_out_node().render()),
        ("node-free", free_node().render()),
        ("node-rented-whole", node_rented_whole().render()),
    ]
}

pub(crate) fn node(renting: Renting) -> Node {
    let taken = [2, 3, 7];
    let is_free = |number| matches!(renting, Renting::Open(_)) && !taken.contains(&number);
    Node {
        frame: member("Canal house", Section::Marketplace),
        name: "Canal house".into(),
        place: "Ghent, Belgium".into(),
        is_certified: true,
        status: Badge::new("up", Tone::Good),
        price_per_month: "$25.00".into(),
        price_per_hour: "$0.034".into(),
        min_uptime: "99.5%".into(),
        min_bandwidth: "100 Mbit/s".into(),
        measured_uptime: Some(MeasuredUptime {
            at_least: "98.7%".into(),
            percent: "99.87%".into(),
            observations: "2,016".into(),
            new_node: None,
        }),
        record: Some(measured::record()),
        available_slices: if matches!(renting, Renting::Open(_)) { 6 } else { 0 },
        total_slices: 9,
        facts: vec![
            Fact::new("Grid node", "32"),
            Fact::new("Farm", "Freefarm"),
            Fact::new("Country", "Belgium"),
            Fact::new("City", "Ghent"),
            Fact::new("Offered since", "12 July 2026"),
        ],
        slices: (1..=9)
            .map(|number| SliceCell {
                id: format!("node32_slice_{number}"),
                number,
                is_available: is_free(number),
                state: if is_free(number) { "available" } else { "allocated" }.into(),
            })
            .collect(),
        is_rented_whole: false,
        renting,
        maintenance: vec![super::offering::window()],
        refusal: None,
        alternatives: Vec::new(),
    }
}

fn node_for_visitor() -> Node {
    let open = node(Renting::Open(Box::new(rent_form())));
    let url = "/login?next=/marketplace/compute/32".into();
    Node {
        frame: visitor("Canal house", Section::Marketplace),
        measured_uptime: None,
        is_certified: false,
        renting: Renting::SignIn { url },
        ..open
    }
}

fn every_slice_is_rented() -> Renting {
    Renting::Closed { reason: "Every slice of this node is rented.".into() }
}

pub(crate) fn rent_form() -> RentForm {
    RentForm {
        node_id: "32".into(),
        slice_id: None,
        offer_version: "7".into(),
        idempotency_key: "019f0000-0000-7000-8000-000000000001".into(),
        terms: vec![
            term(1, None, "$25.00", "$25.00", "29 August 2026"),
            TermOption {
                is_chosen: true,
                ..term(3, Some("5% off"), "$23.75", "$71.25", "29 October 2026")
            },
            TermOption {
                missing: Some("$35.00".into()),
                ..term(6, Some("10% off"), "$22.50", "$135.00", "29 January 2027")
            },
            TermOption {
                missing: Some("$155.00".into()),
                ..term(12, Some("15% off"), "$21.25", "$255.00", "29 July 2027")
            },
        ],
        counts: counts(6),
        whole_node: None,
        balance: "$100.00".into(),
        balance_cents: 10_000,
        is_affordable: true,
        ssh_keys: vec![Choice {
            value: "019f0000-0000-7000-8000-000000000005".into(),
            label: "Laptop".into(),
            is_chosen: true,
        }],
        templates: vec![
            Choice { value: "plain".into(), label: "Plain Linux".into(), is_chosen: true },
            Choice { value: "docker".into(), label: "Docker".into(), is_chosen: false },
        ],
        farmer_sees: "omar@example.org".into(),
    }
}

fn counts(most: u32) -> Vec<Choice> {
    (1..=most)
        .map(|count| Choice {
            value: count.to_string(),
            label: if count == 1 { "1 slice".into() } else { format!("{count} slices") },
            is_chosen: count == 1,
        })
        .collect()
}

/// A form whose balance covers nothing, after a refusal that says so.
fn node_without_money() -> Node {
    let rich = rent_form();
    let terms = rich
        .terms
        .into_iter()
        .map(|term| TermOption { missing: Some("$12.50".into()), is_chosen: false, ..term })
        .collect();
    let form = RentForm {
        terms,
        balance: "$12.50".into(),
        balance_cents: 1_250,
        is_affordable: false,
        ..rent_form()
    };
    Node {
        refusal: Some(Refusal {
            text: "Nothing was rented, and nothing was charged.".into(),
            remedy: Remedy::AddCredit { missing: "$12.50".into() },
        }),
        ..node(Renting::Open(Box::new(form)))
    }
}

pub(crate) fn node_with_new_price() -> Node {
    Node {
        refusal: Some(Refusal {
            text: "The price has changed since you saw it. Nothing was rented, and nothing was \
                   charged."
                .into(),
            remedy: Remedy::NewTotal { now: "$85.50".into() },
        }),
        ..node(Renting::Open(Box::new(rent_form())))
    }
}

pub(crate) fn sold_out_node() -> Node {
    Node {
        refusal: Some(Refusal {
            text: "Nothing was rented, and nothing was charged: somebody was faster, and every \
                   slice of this node is taken."
                .into(),
            remedy: Remedy::AsSaid,
        }),
        alternatives: vec![
            alternative("Lock keeper", "Bruges, Belgium", "$24.00", 3),
            alternative("node 4417", "Ghent, Belgium", "$27.50", 11),
            alternative("Spree rack 2, upper shelf", "Berlin, Germany", "$32.00", 1),
        ],
        ..node(every_slice_is_rented())
    }
}

pub(crate) fn alternative(name: &str, place: &str, price: &str, free: u32) -> Alternative {
    Alternative {
        url: "/marketplace/compute/4417".into(),
        name: name.into(),
        place: place.into(),
        price_per_month: price.into(),
        available_slices: free,
    }
}

/// A node whose slices are all free, so that it can be rented whole.
pub(crate) fn free_node() -> Node {
    let form = rent_form();
    let node_cents =
        |cents: u64, text: &str| Some(NodeCost { total_cost: text.into(), total_cents: cents });
    let costs = [
        node_cents(22_500, "$225.00"),
        node_cents(64_125, "$641.25"),
        node_cents(121_500, "$1,215.00"),
        node_cents(229_500, "$2,295.00"),
    ];
    let terms = form.terms.into_iter().zip(costs);
    let terms = terms.map(|(term, whole_node)| TermOption { whole_node, missing: None, ..term });
    let form = RentForm {
        terms: terms.collect(),
        counts: counts(9),
        whole_node: Some(WholeNode {
            slices: 9,
            price_per_month: "$225.00".into(),
            is_chosen: false,
        }),
        balance: "$1,000.00".into(),
        balance_cents: 100_000,
        ..rent_form()
    };
    let node = node(Renting::Open(Box::new(form)));
    let free = |slice| SliceCell { is_available: true, state: "available".into(), ..slice };
    Node { available_slices: 9, slices: node.slices.into_iter().map(free).collect(), ..node }
}

pub(crate) fn node_rented_whole() -> Node {
    let reason = "This node is rented whole until 29 October 2026.".into();
    Node { is_rented_whole: true, ..node(Renting::Closed { reason }) }
}

pub(crate) fn term(
    months: u32,
    discount: Option<&str>,
    monthly: &str,
    total: &str,
    ends: &str,
) -> TermOption {
    TermOption {
        months,
        label: if months == 1 { "1 month".into() } else { format!("{months} months") },
        discount: discount.map(Into::into),
        monthly_cost: monthly.into(),
        total_cost: total.into(),
        total_cents: total.replace(['$', '.', ','], "").parse().expect("an amount"),
        whole_node: None,
        ends_on: ends.into(),
        missing: None,
        is_chosen: false,
    }
}
