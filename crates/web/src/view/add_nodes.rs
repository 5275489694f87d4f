//! Fills the page that adds nodes: what the grid says of each, in plain words.

use domain::id::NodeId;
use domain::money::Usd;
use domain::node::{NodeReport, Resources};
use domain::potential::{limit, potential};
use store::farms::ProvenFarm;

use crate::api::grid_nodes::{Held, LookedAt};
use crate::page::{
    AddNodes, AddedRow, Badge, Fact, FarmLink, Field, GridNodeRow, Section, ShownNodes, Tone,
};
use crate::problem::{Kind, Problem};
use crate::view::badge;
use crate::view::claims::farm_name;
use crate::view::visit::Visit;
use crate::view::wording::{counted, error_above, error_of, grouped, mbps, place, sentence};

/// The fields of the form.
const FIELDS: [&str; 3] = ["ids", "farm", "price"];

impl AddNodes {
    /// The form, as the query fills it.
    pub fn new(visit: &Visit<'_>, farms: &[ProvenFarm]) -> AddNodes {
        let limits = visit.price_limits;
        let (least, most) = (limits.min.for_people(), limits.max.for_people());
        let link = |proven: &ProvenFarm| FarmLink {
            url: format!("/dashboard/farm/add?farm={}", proven.farm.id),
            text: format!("All nodes of {}", farm_name(&proven.farm.name, proven.farm.id)),
        };
        AddNodes {
            frame: visit.frame("Add nodes", Section::Farm),
            ids: Field::new(visit.query("ids")),
            farm: Field::new(visit.query("farm")),
            price: Field::new(visit.query("price")),
            price_hint: format!("Optional, to estimate earnings. Between {least} and {most}."),
            error: None,
            farms: farms.iter().map(link).collect(),
            shown: None,
            outcomes: Vec::new(),
        }
    }

    /// The same with nodes.
    pub fn shows(mut self, nodes: &[LookedAt], price: Usd, has_more: bool) -> AddNodes {
        self.shown = Some(ShownNodes {
            headline: headline(nodes, price),
            has_more,
            can_add: nodes.iter().any(LookedAt::can_add),
            nodes: nodes.iter().map(|node| GridNodeRow::new(node, price)).collect(),
        });
        self
    }

    /// The same after something was wrong with what was asked for.
    pub fn refused(mut self, problem: &Problem) -> AddNodes {
        for (field, name) in
            [(&mut self.ids, "ids"), (&mut self.farm, "farm"), (&mut self.price, "price")]
        {
            field.error = error_of(&problem.fields, name);
        }
        self.error = error_above(problem, &FIELDS);
        self
    }

    /// The same after not all nodes were added that were chosen.
    pub fn added(mut self, outcomes: &[(NodeId, Result<(), Problem>)]) -> AddNodes {
        let row = |(node, outcome): &(NodeId, Result<(), Problem>)| AddedRow {
            node: node.to_string(),
            outcome: match outcome {
                Ok(()) => Badge::new("added", Tone::Good),
                Err(_) => Badge::new("not added", Tone::Bad),
            },
            why: outcome.as_ref().err().map(|it| sentence(&it.detail)).unwrap_or_default(),
        };
        self.outcomes = outcomes.iter().map(row).collect();
        self
    }
}

fn headline(nodes: &[LookedAt], price: Usd) -> String {
    let addable: Vec<&LookedAt> = nodes.iter().filter(|node| node.can_add()).collect();
    let slices: u32 = addable.iter().filter_map(|it| it.capacity()).map(|it| it.slices).sum();
    let nodes = counted(i64::try_from(nodes.len()).unwrap_or(i64::MAX), "node");
    match addable.len() {
        0 => format!("{nodes}, none can be added"),
        count => format!(
            "{nodes}, {count} can be added: {}, {}",
            counted(slices, "slice"),
            potential(slices, price)
        ),
    }
}

impl GridNodeRow {
    fn new(looked: &LookedAt, price: Usd) -> GridNodeRow {
        let capacity = looked.capacity();
        let report = looked.report.as_ref().ok();
        let offered = capacity.filter(|capacity| capacity.slices > 0).map(|it| it.slices);
        GridNodeRow {
            id: looked.node.to_string(),
            name: format!("Grid node {}", looked.node.0),
            place: report.map(where_it_is).unwrap_or_default(),
            badges: report.map(badges).unwrap_or_default(),
            facts: report.map(facts).unwrap_or_default(),
            offer: offered.map(|slices| {
                format!("{}, {}", counted(slices, "slice"), potential(slices, price))
            }),
            limit: capacity.map(|capacity| sentence(limit(&capacity))),
            reason: looked.reason().map(sentence),
            not_added: not_added(looked).map(sentence),
            can_add: looked.can_add(),
            is_chosen: looked.can_add() && offered.is_some(),
        }
    }
}

/// Why a node cannot be added, where the grid's document is not the reason.
fn not_added(looked: &LookedAt) -> Option<&'static str> {
    match (looked.registered, looked.refused) {
        (Held::You, _) => Some("You have already registered this node"),
        (Held::Another, _) if looked.proven == Held::You => {
            Some("Another account registered this node. You own its farm, so you can take it over")
        }
        (Held::Another, _) => {
            Some("Another account registered this node. If you own its farm, verify the farm first")
        }
        (Held::Nobody, Some(Kind::FarmOfAnother)) => {
            Some("Another account has verified this node's farm")
        }
        (Held::Nobody, Some(_)) => Some("Verify this node's farm first"),
        (Held::Nobody, None) => None,
    }
}

fn where_it_is(report: &NodeReport) -> String {
    let place = place(&report.city, &report.country);
    if report.farm_id == 0 {
        return place;
    }
    format!("{place}, {}", farm_name(&report.farm_name, report.farm_id))
}

fn badges(report: &NodeReport) -> Vec<Badge> {
    let mut badges = vec![badge::status(report.status)];
    if report.healthy == Some(false) {
        badges.push(badge::health(report.healthy));
    }
    if report.certified {
        badges.push(Badge::new("certified", Tone::Good));
    }
    badges
}

fn facts(report: &NodeReport) -> Vec<Fact> {
    const GIB: i64 = 1 << 30;
    let Resources { cpu_cores, memory_bytes, ssd_bytes } = report.total;
    let used = report.used;
    let amount = |used: i64, total: i64, unit: &str| {
        format!("{} of {} {unit} in use", grouped(used.max(0)), grouped(total.max(0)))
    };
    let mut facts = vec![
        Fact::new("CPU", amount(used.cpu_cores, cpu_cores, "vCPU")),
        Fact::new("Memory", amount(used.memory_bytes / GIB, memory_bytes / GIB, "GB")),
        Fact::new("SSD", amount(used.ssd_bytes / GIB, ssd_bytes / GIB, "GB")),
    ];
    if let Some(bandwidth) = report.bandwidth_mbps() {
        facts.push(Fact::new("Bandwidth", format!("{} (measured by the grid)", mbps(bandwidth))));
    }
    facts
}
