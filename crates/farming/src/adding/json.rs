//! Nodes of the grid before they are registered: what each could offer, and several at once.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::{AccountId, NodeId};
use domain::money::{PriceLimits, Usd};
use domain::node::{Capacity, NodeReport, Resources, capacity};
use domain::potential::{EXAMPLE_PRICE, limit, potential};
use schemars::JsonSchema;
use serde::Serialize;
use strum::IntoStaticStr;
use web::json::DOLLARS;
use web::operation::{Access, Form, Operation, Parameter, schema_of};
use web::{Kind, Problem};

/// How many nodes are looked at, or added, at once.
pub(crate) const NODES_AT_ONCE_MAX: usize = 200;

/// The most characters of a list of nodes: 200 of the largest numbers.
const IDS_CHARS_MAX: usize = 3_000;

/// `GET /api/farm/grid-nodes`
pub(crate) const PREVIEW_NODES: Operation = Operation {
    id: "previewNodes",
    group: "Farm",
    path: "/api/farm/grid-nodes",
    summary: "Previews what grid nodes could offer, before you register them.",
    access: Access::Account(Scope::Read),
    query: &[
        Parameter {
            name: "ids",
            form: Form::Text(IDS_CHARS_MAX),
            about: "Node numbers separated by commas or spaces, up to 200.",
            example: "11,32,600",
        },
        Parameter {
            name: "farm",
            form: Form::Whole(1, u32::MAX),
            about: "Alternatively, a farm ID. The first 200 nodes of the farm are returned.",
            example: "1",
        },
        Parameter {
            name: "price",
            form: Form::Decimal(DOLLARS),
            about: "The price per slice per month for the revenue estimate. Defaults to 25 \
                    dollars.",
            example: "22.50",
        },
    ],
    about_answer: "The nodes, by number.",
    answer: Some(schema_of::<GridNodesView>),
    problems: &[Kind::GridUnreachable, Kind::TooManyRequests],
    ..Operation::READ
};

/// What is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PreviewTarget {
    /// These nodes, each once.
    Nodes(Vec<NodeId>),
    /// The nodes of this farm.
    Farm(u32),
}

/// Reads which nodes are meant: a list of ids, or a farm.
pub(crate) fn preview_target(ids: &str, farm: &str) -> Result<PreviewTarget, FieldError> {
    let (ids, farm) = (ids.trim(), farm.trim());
    match (ids.is_empty(), farm.is_empty()) {
        (false, true) => node_ids(ids).map(PreviewTarget::Nodes),
        (true, false) => {
            let wrong = || FieldError::new("farm", "a farm ID above 0");
            crate::claiming::json::parse_farm(farm).map(PreviewTarget::Farm).ok_or_else(wrong)
        }
        (true, true) | (false, false) => {
            Err(FieldError::new("ids", "either node numbers or a farm ID"))
        }
    }
}

fn node_ids(text: &str) -> Result<Vec<NodeId>, FieldError> {
    let words = text.split(|c: char| c == ',' || c.is_whitespace()).filter(|word| !word.is_empty());
    let ids: Option<Vec<NodeId>> = words.take(NODES_AT_ONCE_MAX + 1).map(NodeId::parse).collect();
    ids.and_then(at_most).ok_or_else(|| {
        FieldError::new("ids", "1 to 200 node numbers separated by commas or spaces")
    })
}

/// Each once and in order; `None` if there are none or too many.
fn at_most(mut ids: Vec<NodeId>) -> Option<Vec<NodeId>> {
    ids.sort_unstable();
    ids.dedup();
    (1..=NODES_AT_ONCE_MAX).contains(&ids.len()).then_some(ids)
}

/// Reads the numbers of nodes that are to be added.
pub(crate) fn grid_node_ids(numbers: &[i64]) -> Result<Vec<NodeId>, FieldError> {
    let read = |number: &i64| u32::try_from(*number).ok().filter(|id| *id > 0).map(NodeId);
    let ids: Option<Vec<NodeId>> = numbers.iter().map(read).collect();
    ids.and_then(at_most)
        .ok_or_else(|| FieldError::new("grid_node_ids", "1 to 200 whole numbers above 0"))
}

/// Reads the price that a potential is computed with.
pub(crate) fn price(text: &str, limits: PriceLimits) -> Result<Usd, FieldError> {
    if text.trim().is_empty() {
        return Ok(EXAMPLE_PRICE.clamp(limits.min, limits.max));
    }
    limits.parse("price", text)
}

/// Who has a node or a farm already, as the one who looks sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub(crate) enum Held {
    /// Nobody.
    Nobody,
    /// Whoever looks.
    You,
    /// Somebody else.
    Another,
}

impl Held {
    /// Who holds what `owner` holds, as `viewer` sees it.
    pub(crate) fn by(owner: Option<&AccountId>, viewer: AccountId) -> Held {
        match owner {
            None => Held::Nobody,
            Some(owner) if *owner == viewer => Held::You,
            Some(_) => Held::Another,
        }
    }
}

/// A node that was looked at.
pub(crate) struct PreviewedNode {
    /// Its number.
    pub node: NodeId,
    /// What the grid says of it, or why that cannot be used.
    pub report: Result<NodeReport, String>,
    /// Who has registered it.
    pub registered: Held,
    /// Who has verified its farm.
    pub verified: Held,
    /// Why it cannot be added by who looks, where that is not because it is registered.
    pub refused: Option<Kind>,
}

impl PreviewedNode {
    /// How many slices it could offer, and what decides that.
    pub(crate) fn capacity(&self) -> Option<Capacity> {
        self.report.as_ref().ok().map(capacity)
    }

    /// Why it cannot be offered, in words; `None` if it can.
    pub(crate) fn reason(&self) -> Option<String> {
        match &self.report {
            Err(why) => Some(why.clone()),
            Ok(report) => capacity(report).refusal.map(|refusal| refusal.to_string()),
        }
    }

    /// Whether who looks can register it.
    pub(crate) fn can_add(&self) -> bool {
        self.report.is_ok() && self.registered == Held::Nobody && self.refused.is_none()
    }
}

/// Nodes of the grid.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GridNodesView {
    /// The price per slice and month that potentials are computed with, as decimal text.
    pub price_per_month: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// The nodes, by number.
    pub items: Vec<GridNodeView>,
    /// Whether the farm has more nodes than are shown.
    pub has_more: bool,
}

/// A node of the grid, and what it could offer.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GridNodeView {
    /// The grid's number.
    pub grid_node_id: u32,
    /// Its id here, once it is registered.
    pub node_id: String,
    /// What the grid says of it; null where that cannot be used.
    pub document: Option<GridDocumentView>,
    /// Why it cannot be offered now, in words; null if it can.
    pub reason: Option<String>,
    /// Who has registered it: `nobody`, `you` or `another`.
    pub registered_by: &'static str,
    /// Who has verified its farm: `nobody`, `you` or `another`.
    pub farm_verified_by: &'static str,
    /// Whether you can add it. One that offers nothing now can be added, too.
    pub can_add: bool,
}

impl GridNodeView {
    /// Shows a node that was looked at.
    pub(crate) fn new(previewed: &PreviewedNode, price: Usd) -> GridNodeView {
        let document = previewed.report.as_ref().ok();
        GridNodeView {
            grid_node_id: previewed.node.0,
            node_id: previewed.node.to_string(),
            document: document.map(|report| GridDocumentView::new(report, price)),
            reason: previewed.reason(),
            registered_by: previewed.registered.into_str(),
            farm_verified_by: previewed.verified.into_str(),
            can_add: previewed.can_add(),
        }
    }
}

/// What the grid says of a node.
#[derive(Serialize, JsonSchema)]
pub(crate) struct GridDocumentView {
    /// The grid's number of its farm; 0 where it does not say.
    pub farm_id: u32,
    /// The farm's name.
    pub farm_name: String,
    /// The country's English name; empty where it is not known.
    pub country: String,
    /// The city's name; empty where it is not known.
    pub city: String,
    /// `up`, `down` or `standby`.
    pub status: &'static str,
    /// Whether the grid's last check reached it; null where the server does not say.
    pub healthy: Option<bool>,
    /// Whether its hardware is certified.
    pub certified: bool,
    /// What it has.
    pub total: ResourcesView,
    /// What of it is in use, the system's own part included.
    pub used: ResourcesView,
    /// Measured by the grid, in Mbit/s; null where it was not.
    pub upload_mbps: Option<u32>,
    /// Measured by the grid, in Mbit/s; null where it was not.
    pub download_mbps: Option<u32>,
    /// How many slices it could offer now.
    pub slices: u32,
    /// How many its free vCPUs alone would allow.
    pub slices_by_cpu: u32,
    /// How many its free memory alone would allow.
    pub slices_by_memory: u32,
    /// How many its free SSD storage alone would allow.
    pub slices_by_ssd: u32,
    /// What limits it, in words.
    pub limit: String,
    /// What all these slices would earn a month, as decimal text, before the platform's fee.
    pub potential_per_month: String,
    /// The same in words.
    pub potential: String,
}

impl GridDocumentView {
    pub(crate) fn new(report: &NodeReport, price: Usd) -> GridDocumentView {
        let capacity = capacity(report);
        GridDocumentView {
            farm_id: report.farm_id,
            farm_name: report.farm_name.clone(),
            country: report.country.clone(),
            city: report.city.clone(),
            status: report.status.into_str(),
            healthy: report.healthy,
            certified: report.certified,
            total: ResourcesView::new(&report.total),
            used: ResourcesView::new(&report.used),
            upload_mbps: report.upload_mbps,
            download_mbps: report.download_mbps,
            slices: capacity.slices,
            slices_by_cpu: capacity.by_cpu,
            slices_by_memory: capacity.by_memory,
            slices_by_ssd: capacity.by_ssd,
            limit: limit(&capacity),
            potential_per_month: price.times(capacity.slices).to_string(),
            potential: potential(capacity.slices, price),
        }
    }
}

/// Resources of a node.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ResourcesView {
    /// vCPUs.
    pub cpu_cores: i64,
    /// Whole GiB of memory.
    pub memory_gib: i64,
    /// Whole GiB of SSD storage; hard disks cannot hold a slice and are not counted.
    pub ssd_gib: i64,
}

impl ResourcesView {
    pub(crate) fn new(resources: &Resources) -> ResourcesView {
        const GIB: i64 = 1 << 30;
        ResourcesView {
            cpu_cores: resources.cpu_cores,
            memory_gib: resources.memory_bytes / GIB,
            ssd_gib: resources.ssd_bytes / GIB,
        }
    }
}

/// What became of several nodes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AddedNodesView {
    /// How many were registered.
    pub added: u32,
    /// Each node that was asked for, by number.
    pub nodes: Vec<AddedNodeView>,
}

impl AddedNodesView {
    /// Shows what became of nodes.
    pub(crate) fn new(outcomes: &[(NodeId, Result<(), Problem>)]) -> AddedNodesView {
        let show = |(node, outcome): &(NodeId, Result<(), Problem>)| {
            let problem = outcome.as_ref().err();
            AddedNodeView {
                grid_node_id: node.0,
                node_id: node.to_string(),
                added: problem.is_none(),
                kind: problem.map(|problem| problem.kind.into_str()),
                detail: problem.map(|problem| problem.detail.clone()),
            }
        };
        let nodes: Vec<AddedNodeView> = outcomes.iter().map(show).collect();
        let added = nodes.iter().map(|node| u32::from(node.added)).sum();
        AddedNodesView { added, nodes }
    }
}

/// What became of a node.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AddedNodeView {
    /// The grid's number.
    pub grid_node_id: u32,
    /// Its id here.
    pub node_id: String,
    /// Whether it was registered.
    pub added: bool,
    /// The kind of the problem that kept it from that; null if it was registered.
    pub kind: Option<&'static str>,
    /// The same in words; null if it was registered.
    pub detail: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_nodes_are_read_as_people_write_them() {
        let nodes =
            |ids: &[u32]| Ok(PreviewTarget::Nodes(ids.iter().copied().map(NodeId).collect()));
        assert_eq!(preview_target(" 600, node32\n11,32 ", ""), nodes(&[11, 32, 600]));
        assert_eq!(preview_target("", " 50 "), Ok(PreviewTarget::Farm(50)));
        let many = |count: u32| (1..=count).map(|id| id.to_string()).collect::<Vec<_>>().join(",");
        assert!(preview_target(&many(200), "").is_ok());
        for (ids, farm) in [
            ("", ""),
            ("32", "50"),
            ("0", ""),
            ("a", ""),
            (",", ""),
            ("", "x"),
            (many(201).as_str(), ""),
        ] {
            assert!(preview_target(ids, farm).is_err(), "{ids:.20} {farm}");
        }
        assert!(grid_node_ids(&[]).is_err() && grid_node_ids(&[1, 0]).is_err());
        assert_eq!(grid_node_ids(&[2, 1, 2]), Ok(vec![NodeId(1), NodeId(2)]));
    }
}
