//! Fills the farmer's list of nodes, and the form that adds one.

use askama::Template;
use domain::field::FieldError;
use domain::id::NodeId;
use domain::money::Usd;
use domain::time::Timestamp;
use serde::Deserialize;
use store::dashboard::{Dashboard, Figures, NodeStanding};
use store::farm_tasks::FarmTasks;
use ui::badge;
use ui::visit::Visit;
use ui::wording::place;
use web::Problem;
use web::api::PageOf;
use web::form::{Form, error_of};
use web::page::{Badge, Field, Frame, Section};
use web::text::sentence;

use crate::farm::dashboard::{FarmRevenue, NodeRecord, SliceGrid, utilization};
use crate::farm::json::reason;
use crate::farm::to_do::{self, ToDo};

/// What `farm.html` shows: the farmer's nodes, and the form that adds one.
#[derive(Clone, Debug, Template)]
#[template(path = "farm/farm.html")]
pub(crate) struct Farm {
    /// What surrounds the page.
    pub frame: Frame,
    /// `grid_node_id` of the form that adds a node.
    pub grid_node_id: Field,
    /// The sums over all nodes.
    pub summary: FarmSummary,
    /// What is to be done, the urgent first.
    pub tasks: Vec<ToDo>,
    /// What it earns; `None` without a node.
    pub revenue: Option<FarmRevenue>,
    /// One page of nodes.
    pub nodes: Vec<FarmRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// The sums over all nodes of a farmer.
#[derive(Clone, Debug, Default)]
pub(crate) struct FarmSummary {
    /// How many nodes.
    pub nodes: u32,
    /// All slices.
    pub total_slices: u32,
    /// Slices that are rented.
    pub allocated_slices: u32,
    /// Slices that can be rented now.
    pub available_slices: u32,
    /// Rented of all slices, such as `33%`; `None` without slices.
    pub utilization: Option<String>,
    /// Earned this month, such as `$12.50`.
    pub earned: String,
    /// Paid by renters and not yet due to the farmer, such as `$71.25`.
    pub in_escrow: String,
    /// Earned and not asked for yet.
    pub balance: String,
    /// On its way in payouts; `None` for nothing.
    pub in_payout: Option<String>,
    /// Paid out so far, such as `$0.00`.
    pub paid: String,
}

/// One node in the farmer's list.
#[derive(Clone, Debug)]
pub(crate) struct FarmRow {
    /// The page of the node, `/dashboard/farm/nodes/{node}`.
    pub url: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// Its number on the grid.
    pub grid_node_id: String,
    /// City and country.
    pub place: String,
    /// Such as `published`, `draft` or `paused`.
    pub status: Badge,
    /// Such as `up` or `down`, as the grid reports it.
    pub grid_status: Badge,
    /// The price per slice and month, once set.
    pub price_per_month: Option<String>,
    /// Slices that are rented.
    pub allocated_slices: u32,
    /// All slices.
    pub total_slices: u32,
    /// Its slices.
    pub grid: SliceGrid,
    /// Earned this month.
    pub earned: String,
    /// Paid by renters and not earned yet.
    pub pending: String,
    /// Uptime and bandwidth against the SLA, once there is one.
    pub record: Option<NodeRecord>,
    /// What needs attention, such as why the node has no slice.
    pub reason: Option<String>,
}

/// How many nodes one page of a farm shows.
pub(crate) const FARM_NODES_PER_PAGE: u32 = 50;

impl Farm {
    /// A page of a farmer's nodes: one more than it holds, if there are more. `days` are what all
    /// of them earned on each of the last days.
    pub(crate) fn new(
        visit: &Visit<'_>,
        dashboard: Dashboard,
        days: &[(Timestamp, Usd)],
        tasks: &FarmTasks,
    ) -> Farm {
        let Dashboard { figures, nodes: found, months, lines } = dashboard;
        let cursor = |standing: &NodeStanding| standing.node.offer.node.to_string();
        let page = PageOf::new(visit.search, found, FARM_NODES_PER_PAGE, cursor, FarmRow::new);
        Farm {
            frame: visit.frame("Farm", Section::Farm),
            grid_node_id: Field::default(),
            summary: FarmSummary::new(&figures),
            tasks: to_do::list(tasks, visit.now),
            revenue: (figures.nodes > 0).then(|| FarmRevenue::new(&months, &lines, days)),
            nodes: page.items,
            next_page: visit.next_page("/dashboard/farm", page.next_cursor),
        }
    }

    /// The same after a node was not added.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Farm {
        let error = error_of(&problem.fields, "grid_node_id");
        let error = error.unwrap_or_else(|| sentence(&problem.detail));
        self.grid_node_id = Field::refused(form.text("grid_node_id"), error);
        self
    }
}

/// The form that adds a node.
#[derive(Deserialize)]
pub(crate) struct NodeForm {
    grid_node_id: String,
}

impl NodeForm {
    /// The node: by its number on the grid, or our name for it.
    pub(crate) fn node(&self) -> Result<NodeId, FieldError> {
        let rule = "a positive whole number, such as 32";
        let node = NodeId::parse(self.grid_node_id.trim());
        node.ok_or_else(|| FieldError::new("grid_node_id", rule))
    }
}

impl FarmSummary {
    pub(crate) fn new(figures: &Figures) -> FarmSummary {
        let Figures { available_slices, reserved_slices, allocated_slices, money, .. } = figures;
        let total_slices = available_slices + reserved_slices + allocated_slices;
        let in_payout = Some(money.in_payout).filter(|usd| *usd > Usd::ZERO);
        FarmSummary {
            nodes: figures.nodes,
            total_slices,
            allocated_slices: *allocated_slices,
            available_slices: *available_slices,
            utilization: utilization(*allocated_slices, total_slices),
            earned: money.earned.for_people(),
            in_escrow: money.pending.for_people(),
            balance: money.balance.for_people(),
            in_payout: in_payout.map(Usd::for_people),
            paid: money.paid.for_people(),
        }
    }
}

impl FarmRow {
    pub(crate) fn new(standing: &NodeStanding) -> FarmRow {
        let node = &standing.node;
        let offer = &node.offer;
        FarmRow {
            url: format!("/dashboard/farm/nodes/{}", offer.node),
            name: offer.name.clone(),
            grid_node_id: offer.node.0.to_string(),
            place: place(&offer.city, &offer.country),
            status: badge::farm_node(node),
            grid_status: badge::status(offer.status),
            price_per_month: offer.price.map(Usd::for_people),
            allocated_slices: offer.allocated_slices,
            total_slices: offer.total_slices(),
            grid: SliceGrid::new(node, &standing.slices, 0),
            earned: standing.earned.for_people(),
            pending: standing.pending.for_people(),
            record: NodeRecord::new(offer),
            // What the grid says of a node that has left is nobody's concern any more.
            reason: reason(node).filter(|_| node.left_at.is_none()).map(sentence),
        }
    }
}
