//! Fills the farmer's list of nodes, and the form that adds one.

use domain::field::FieldError;
use domain::id::NodeId;
use domain::money::Usd;
use store::nodes::{self, Summary};

use crate::api::PageOf;
use crate::api::farm::reason;
use crate::form::Form;
use crate::page::{Farm, FarmRow, FarmSummary, Field, Section};
use crate::problem::Problem;
use crate::view::badge;
use crate::view::visit::Visit;
use crate::view::wording::{error_of, place, sentence};

/// How many nodes one page of a farm shows.
pub const FARM_NODES_PER_PAGE: u32 = 50;

impl Farm {
    /// A page of a farmer's nodes: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, summary: Summary, found: Vec<nodes::FarmNode>) -> Farm {
        let cursor = |node: &nodes::FarmNode| node.offer.node.to_string();
        let page = PageOf::new(found, FARM_NODES_PER_PAGE, cursor, FarmRow::new);
        Farm {
            frame: visit.frame("Farm", Section::Farm),
            grid_node_id: Field::default(),
            summary: FarmSummary::new(summary),
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
    node.ok_or_else(|| FieldError::new("grid_node_id", "a whole number above 0, such as 32"))
}

impl FarmSummary {
    fn new(summary: Summary) -> FarmSummary {
        FarmSummary {
            nodes: summary.nodes,
            total_slices: summary.available_slices
                + summary.reserved_slices
                + summary.allocated_slices,
            allocated_slices: summary.allocated_slices,
            available_slices: summary.available_slices,
            in_escrow: summary.in_escrow.for_people(),
            earned: summary.earned.for_people(),
        }
    }
}

impl FarmRow {
    fn new(node: &nodes::FarmNode) -> FarmRow {
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
            // What the grid says of a node that has left is nobody's concern any more.
            reason: reason(node).filter(|_| node.left_at.is_none()).map(sentence),
        }
    }
}
