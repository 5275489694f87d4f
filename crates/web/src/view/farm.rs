//! Fills the farmer's list of nodes, and the form that adds one.

use domain::field::FieldError;
use domain::id::NodeId;
use domain::money::Usd;
use domain::month::Month;
use store::dashboard::{Figures, NodeStanding};
use store::revenue::Line;

use crate::api::PageOf;
use crate::api::farm::reason;
use crate::form::Form;
use crate::page::{Farm, FarmRevenue, FarmRow, FarmSummary, Field, NodeRecord, Section, SliceGrid};
use crate::problem::Problem;
use crate::view::badge;
use crate::view::dashboard::utilization;
use crate::view::visit::Visit;
use crate::view::wording::{error_of, place, sentence};

/// How many nodes one page of a farm shows.
pub const FARM_NODES_PER_PAGE: u32 = 50;

impl Farm {
    /// A page of a farmer's nodes: one more than it holds, if there are more. `lines` are what all
    /// nodes earned in `months`, which are in order.
    pub fn new(
        visit: &Visit<'_>,
        figures: &Figures,
        found: Vec<NodeStanding>,
        months: &[Month],
        lines: &[Line],
    ) -> Farm {
        let cursor = |standing: &NodeStanding| standing.node.offer.node.to_string();
        let page = PageOf::new(found, FARM_NODES_PER_PAGE, cursor, FarmRow::new);
        Farm {
            frame: visit.frame("Farm", Section::Farm),
            grid_node_id: Field::default(),
            summary: FarmSummary::new(figures),
            revenue: (figures.nodes > 0).then(|| FarmRevenue::new(months, lines)),
            nodes: page.items,
            next_page: visit.next_page("/dashboard/farm", page.next_cursor),
        }
    }

    /// The same after a node was not added.
    pub fn refused(mut self, form: &Form, problem: &Problem) -> Farm {
        let error = error_of(&problem.fields, "grid_node_id");
        let error = error.unwrap_or_else(|| sentence(&problem.detail));
        self.grid_node_id = Field::refused(form.text("grid_node_id"), error);
        self
    }
}

/// The node that the form is to add: its number on the grid, or our name for it.
pub fn read_node(form: &Form) -> Result<NodeId, FieldError> {
    let node = NodeId::parse(form.text("grid_node_id").trim());
    node.ok_or_else(|| FieldError::new("grid_node_id", "a positive whole number, such as 32"))
}

impl FarmSummary {
    fn new(figures: &Figures) -> FarmSummary {
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
    fn new(standing: &NodeStanding) -> FarmRow {
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
