//! A node that leaves, `/dashboard/farm/nodes/{node}/leave`, and a rental that goes on elsewhere,
//! `/dashboard/slices/{rental}/move`.

use askama::Template;
use domain::id::SliceId;
use domain::leaving;
use domain::money::Usd;
use domain::time::Timestamp;
use store::nodes::{FarmNode, FarmSlice};
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, error_of};
use web::page::{Field, Frame, Moment, Section};

/// What `leave.html` shows: what leaving means for the node's rentals, and the forms for it.
#[derive(Clone, Debug, Template)]
#[template(path = "leaving/leave.html")]
pub(crate) struct Leave {
    /// What surrounds the page.
    pub frame: Frame,
    /// The page of the node, `/dashboard/farm/nodes/{node}`; the forms post below it.
    pub node_url: String,
    /// The farmer's name for the node.
    pub name: String,
    /// Whether it stays, leaves or has left.
    pub stage: LeaveStage,
    /// What leaving costs at most by now, such as `$12.40`; `None` for nothing.
    pub cost: Option<String>,
    /// Its rentals and what becomes of them, by slice.
    pub rows: Vec<LeavingRow>,
    /// Why nothing was done, as a sentence.
    pub error: Option<String>,
}

/// Where a node is between the market and having left it.
#[derive(Clone, Debug)]
pub(crate) enum LeaveStage {
    /// It stays; the form gives notice.
    Stays {
        /// `leaves_at`: a day, such as `2026-12-23`.
        day: Field,
        /// The first day that can be chosen, such as `2026-12-23`.
        earliest: String,
        /// What the notice means, in a sentence.
        hint: String,
    },
    /// It leaves.
    Leaves {
        /// When.
        at: Moment,
    },
    /// It has left.
    Left {
        /// When.
        at: Moment,
    },
}

/// A rental of a node that leaves or could leave.
#[derive(Clone, Debug)]
pub(crate) struct LeavingRow {
    /// Such as `node32_slice_1`.
    pub slice: String,
    /// The renter, as they chose to be seen.
    pub renter: String,
    /// Until when it is paid.
    pub until: Moment,
    /// What becomes of it, in a few words.
    pub outcome: String,
}

impl Leave {
    /// What leaving means for a node and its rentals.
    pub(crate) fn new(
        visit: &Visit<'_>,
        node: &FarmNode,
        slices: &[FarmSlice],
        cost: Usd,
    ) -> Leave {
        let earliest = leaving::earliest(node.is_used(), visit.now);
        let first_day = if node.is_used() { leaving::whole_day(earliest) } else { earliest };
        let stage = match (node.left_at, node.leaves_at) {
            (Some(at), _) => LeaveStage::Left { at: moment::to_the_minute(at) },
            (None, Some(at)) => LeaveStage::Leaves { at: moment::to_the_minute(at) },
            (None, None) => LeaveStage::Stays {
                day: Field::new(first_day.date()),
                earliest: first_day.date(),
                hint: hint(node),
            },
        };
        let leaves_at = node.leaves_at.unwrap_or(first_day);
        let row = |slice: &FarmSlice| LeavingRow::new(node, slice, leaves_at);
        Leave {
            frame: visit.frame("Leave the market", Section::Farm),
            node_url: format!("/dashboard/farm/nodes/{}", node.offer.node),
            name: node.offer.name.clone(),
            stage,
            cost: (cost > Usd::ZERO).then(|| cost.for_people()),
            rows: slices.iter().filter_map(row).collect(),
            error: None,
        }
    }

    /// The same after nothing was done: the form holds what was sent.
    #[must_use]
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Leave {
        if let LeaveStage::Stays { day, .. } = &mut self.stage
            && let Some(error) = error_of(&problem.fields, "leaves_at")
        {
            *day = Field::refused(form.text("leaves_at"), error);
        }
        self.error = error_above(problem, &["leaves_at"]);
        self
    }
}

fn hint(node: &FarmNode) -> String {
    if node.is_used() {
        "The node leaves at 00:00 UTC on this day. Renters get at least 30 days' notice.".to_owned()
    } else {
        "The node has no rentals, so it can leave today.".to_owned()
    }
}

impl LeavingRow {
    /// A rented slice, and what becomes of its rental; `None` for others.
    pub(crate) fn new(
        node: &FarmNode,
        slice: &FarmSlice,
        leaves_at: Timestamp,
    ) -> Option<LeavingRow> {
        let ends_at = slice.ends_at?;
        let outcome = if ends_at <= leaves_at {
            "Ends as planned"
        } else {
            "Refunded for the time after the last day, or moved to another node, as the renter \
             chooses"
        };
        Some(LeavingRow {
            slice: SliceId { node: node.offer.node, number: slice.number }.to_string(),
            renter: slice.renter.clone()?,
            until: moment::on_day(ends_at),
            outcome: outcome.to_owned(),
        })
    }
}
