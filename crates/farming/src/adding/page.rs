//! Nodes before they are added, `/dashboard/farm/add`.

use askama::Template;
use domain::id::NodeId;
use domain::money::Usd;
use domain::node::{NodeReport, Resources};
use domain::potential::{limit, potential};
use serde::Deserialize;
use store::farms::VerifiedFarm;
use ui::badge;
use ui::visit::Visit;
use ui::wording::{mbps, place};
use web::form::{error_above, error_of};
use web::page::{Badge, Fact, Field, Frame, Section, Tone};
use web::text::{counted, grouped, sentence};
use web::{Kind, Problem};

use crate::adding::json::{Held, PreviewedNode, grid_node_ids};
use crate::claiming::page::farm_name;

/// What `add_nodes.html` shows: the form that asks for nodes, and what each could offer.
#[derive(Clone, Debug, Template)]
#[template(path = "adding/add_nodes.html")]
pub(crate) struct AddNodes {
    /// What surrounds the page.
    pub frame: Frame,
    /// `ids`: numbers of nodes.
    pub ids: Field,
    /// `farm`: the number of a farm.
    pub farm: Field,
    /// `price`: per slice and month.
    pub price: Field,
    /// What can be entered there.
    pub price_hint: String,
    /// Why nothing is shown, when it is not about one field.
    pub error: Option<String>,
    /// The farmer's own farms.
    pub farms: Vec<FarmLink>,
    /// The nodes, once some were asked for.
    pub shown: Option<ShownNodes>,
    /// What became of those that were to be added, where one was not.
    pub outcomes: Vec<AddedRow>,
}

/// Shows all nodes of a farm.
#[derive(Clone, Debug)]
pub(crate) struct FarmLink {
    /// Where to.
    pub url: String,
    /// Such as `All nodes of Freefarm`.
    pub text: String,
}

/// Nodes that were looked at.
#[derive(Clone, Debug)]
pub(crate) struct ShownNodes {
    /// Such as `3 nodes, 2 of which you can add: 13 slices, up to $325/month if all are rented`.
    pub headline: String,
    /// That there are more than are shown.
    pub has_more: bool,
    /// Whether one of them can be added.
    pub can_add: bool,
    /// The nodes, by number.
    pub nodes: Vec<GridNodeRow>,
}

/// A node that was looked at.
#[derive(Clone, Debug)]
pub(crate) struct GridNodeRow {
    /// Its id, as the form sends it.
    pub id: String,
    /// Such as `Grid node 32`.
    pub name: String,
    /// City, country and farm.
    pub place: String,
    /// Status and certification.
    pub badges: Vec<Badge>,
    /// Its resources in plain words.
    pub facts: Vec<Fact>,
    /// Such as `9 slices, up to $225/month if all slices are rented`.
    pub offer: Option<String>,
    /// What limits it, as a sentence.
    pub limit: Option<String>,
    /// Why it cannot be offered now, as a sentence.
    pub reason: Option<String>,
    /// Why it cannot be added, as a sentence.
    pub not_added: Option<String>,
    /// Whether it can be added.
    pub can_add: bool,
    /// Whether its box is ticked at first.
    pub is_chosen: bool,
}

/// What became of a node.
#[derive(Clone, Debug)]
pub(crate) struct AddedRow {
    /// Its id.
    pub node: String,
    /// Whether it was registered.
    pub outcome: Badge,
    /// Why not, as a sentence; empty if it was.
    pub why: String,
}

/// The fields of the form.
const FIELDS: [&str; 3] = ["ids", "farm", "price"];

impl AddNodes {
    /// The form, as the query fills it.
    pub(crate) fn new(visit: &Visit<'_>, farms: &[VerifiedFarm]) -> AddNodes {
        let limits = visit.price_limits;
        let (least, most) = (limits.min.for_people(), limits.max.for_people());
        let link = |verified: &VerifiedFarm| FarmLink {
            url: format!("/dashboard/farm/add?farm={}", verified.farm.id),
            text: format!("All nodes of {}", farm_name(&verified.farm.name, verified.farm.id)),
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
    pub(crate) fn shows(mut self, nodes: &[PreviewedNode], price: Usd, has_more: bool) -> AddNodes {
        self.shown = Some(ShownNodes {
            headline: headline(nodes, price),
            has_more,
            can_add: nodes.iter().any(PreviewedNode::can_add),
            nodes: nodes.iter().map(|node| GridNodeRow::new(node, price)).collect(),
        });
        self
    }

    /// The same after something was wrong with what was asked for.
    pub(crate) fn refused(mut self, problem: &Problem) -> AddNodes {
        for (field, name) in
            [(&mut self.ids, "ids"), (&mut self.farm, "farm"), (&mut self.price, "price")]
        {
            field.error = error_of(&problem.fields, name);
        }
        self.error = error_above(problem, &FIELDS);
        self
    }

    /// The same after not all nodes were added that were chosen.
    pub(crate) fn added(mut self, outcomes: &[(NodeId, Result<(), Problem>)]) -> AddNodes {
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

fn headline(nodes: &[PreviewedNode], price: Usd) -> String {
    let addable: Vec<&PreviewedNode> = nodes.iter().filter(|node| node.can_add()).collect();
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

/// The form that adds those nodes that are checked.
#[derive(Deserialize)]
pub(crate) struct NodesForm {
    #[serde(default)]
    node: Vec<String>,
}

impl NodesForm {
    /// The nodes.
    pub(crate) fn nodes(&self) -> Result<Vec<NodeId>, Problem> {
        let number = |text: &String| NodeId::parse(text).map(|node| i64::from(node.0));
        let numbers: Option<Vec<i64>> = self.node.iter().map(number).collect();
        grid_node_ids(&numbers.unwrap_or_default()).map_err(|_| {
            Problem::new(Kind::InvalidFields, "choose at least one node, and 200 at most")
        })
    }
}

impl GridNodeRow {
    pub(crate) fn new(previewed: &PreviewedNode, price: Usd) -> GridNodeRow {
        let capacity = previewed.capacity();
        let report = previewed.report.as_ref().ok();
        let offered = capacity.filter(|capacity| capacity.slices > 0).map(|it| it.slices);
        GridNodeRow {
            id: previewed.node.to_string(),
            name: format!("Grid node {}", previewed.node.0),
            place: report.map(where_it_is).unwrap_or_default(),
            badges: report.map(badges).unwrap_or_default(),
            facts: report.map(facts).unwrap_or_default(),
            offer: offered.map(|slices| {
                format!("{}, {}", counted(slices, "slice"), potential(slices, price))
            }),
            limit: capacity.map(|capacity| sentence(limit(&capacity))),
            reason: previewed.reason().map(sentence),
            not_added: not_added(previewed).map(sentence),
            can_add: previewed.can_add(),
            is_chosen: previewed.can_add() && offered.is_some(),
        }
    }
}

/// Why a node cannot be added, where the grid's document is not the reason.
fn not_added(previewed: &PreviewedNode) -> Option<&'static str> {
    match (previewed.registered, previewed.refused) {
        (Held::You, _) => Some("You have already registered this node"),
        (Held::Another, _) if previewed.verified == Held::You => {
            Some("Another account registered this node. You own its farm, so you can take it over")
        }
        (Held::Another, _) => {
            Some("Another account registered this node. If you own its farm, verify the farm first")
        }
        (Held::Nobody, Some(Kind::FarmVerifiedByAnother)) => {
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
