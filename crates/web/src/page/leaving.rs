//! A node that leaves, `/dashboard/farm/nodes/{node}/leave`, and a rental that goes on elsewhere,
//! `/dashboard/slices/{rental}/move`.

use super::{Field, Frame, Moment};
use askama::Template;

/// What `leave.html` shows: what leaving means for the node's rentals, and the forms for it.
#[derive(Clone, Debug, Template)]
#[template(path = "leave.html")]
pub struct Leave {
    /// What surrounds the page.
    pub frame: Frame,
    /// The page of the node, `/dashboard/farm/nodes/{node}`; the forms post below it.
    pub node_url: String,
    /// The farmer's name for the node.
    pub name: String,
    /// Whether it stays, leaves or has left.
    pub stage: LeaveStage,
    /// Its rentals and what becomes of them, by slice.
    pub rows: Vec<LeavingRow>,
    /// Why nothing was done, as a sentence.
    pub error: Option<String>,
}

/// Where a node is between the market and having left it.
#[derive(Clone, Debug)]
pub enum LeaveStage {
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
pub struct LeavingRow {
    /// Such as `node32_slice_1`.
    pub slice: String,
    /// The renter, as they chose to be seen.
    pub renter: String,
    /// Until when it is paid.
    pub until: Moment,
    /// What becomes of it, in a few words.
    pub outcome: String,
}

/// What a renter can do where the node of a rental leaves.
#[derive(Clone, Debug)]
pub struct LeavingNotice {
    /// When it leaves.
    pub at: Moment,
    /// What staying until then means, in a sentence.
    pub stay: String,
    /// Whether the rental was paid for beyond that: the refund of ending it now.
    pub refund_now: Option<String>,
    /// Whether it can be moved.
    pub can_move: bool,
}

/// What `move_rental.html` shows: the slices that a rental could go on with.
#[derive(Clone, Debug, Template)]
#[template(path = "move_rental.html")]
pub struct MoveRental {
    /// What surrounds the page.
    pub frame: Frame,
    /// The page of the rental, `/dashboard/slices/{rental}`; the forms post to `/move` below it.
    pub rental_url: String,
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// What the renter calls it.
    pub name: Option<String>,
    /// Why it can go.
    pub why: MoveReason,
    /// What is still paid for and goes with it, such as `$204.00`.
    pub held: String,
    /// The slices, the nearest and cheapest first.
    pub options: Vec<MoveOption>,
    /// Why it was not moved, as a sentence.
    pub error: Option<String>,
}

/// Why a rental can go on elsewhere.
#[derive(Clone, Debug)]
pub enum MoveReason {
    /// Its node leaves.
    Leaves {
        /// When.
        at: Moment,
    },
    /// Its machine is late, or could not be made.
    Overdue {
        /// When everything is paid back, wherever it goes.
        refund_at: Option<Moment>,
    },
    /// There is none: it cannot.
    None,
}

impl MoveReason {
    /// Whether there is one.
    pub fn is_one(&self) -> bool {
        match self {
            MoveReason::Leaves { .. } | MoveReason::Overdue { .. } => true,
            MoveReason::None => false,
        }
    }
}

/// A slice that a rental could go on with.
#[derive(Clone, Debug)]
pub struct MoveOption {
    /// Such as `node33_slice_1`; hidden field `slice_id`.
    pub slice_id: String,
    /// Hidden field `node_id`.
    pub node_id: String,
    /// Hidden field `offer_version`: the offer that is shown.
    pub version: String,
    /// The farmer's name for the node.
    pub name: String,
    /// City and country.
    pub place: String,
    /// Per month, such as `$24.00`.
    pub price: String,
    /// The promise, such as `99.5% uptime, 200 Mbit/s`.
    pub promise: String,
}
