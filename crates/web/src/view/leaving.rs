//! Fills the pages of nodes that leave, and of rentals that go on elsewhere.

use domain::field::FieldError;
use domain::id::SliceId;
use domain::leaving;
use domain::money::Usd;
use domain::provisioning::Owed;
use domain::rental::RentalState;
use domain::time::Timestamp;
use store::jobs;
use store::leaving::Destination;
use store::nodes::{FarmNode, FarmSlice};
use store::offers::Offer;
use store::rentals::Rental;

use crate::api::access::{owed, refund_at};
use crate::api::leaving::{MoveBody, leaving_day};
use crate::form::Form;
use crate::page::{
    Field, Leave, LeaveStage, LeavingNotice, LeavingRow, MoveOption, MoveReason, MoveRental,
    Section,
};
use crate::problem::Problem;
use crate::view::moment;
use crate::view::visit::Visit;
use crate::view::wording::{bandwidth, error_above, error_of, place, sentence, uptime};

impl Leave {
    /// What leaving means for a node and its rentals.
    pub fn new(visit: &Visit<'_>, node: &FarmNode, slices: &[FarmSlice]) -> Leave {
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
            rows: slices.iter().filter_map(row).collect(),
            error: None,
        }
    }

    /// The same after nothing was done: the form holds what was sent.
    #[must_use]
    pub fn refused(mut self, form: &Form, problem: &Problem) -> Leave {
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
    fn new(node: &FarmNode, slice: &FarmSlice, leaves_at: Timestamp) -> Option<LeavingRow> {
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

/// The day of the form that gives notice; an empty one is as early as can be.
pub fn read_day(form: &Form) -> Result<Option<Timestamp>, FieldError> {
    form.filled("leaves_at").map(leaving_day).transpose()
}

impl LeavingNotice {
    /// What a renter can do; `None` where the node stays, or the rental has ended.
    pub(super) fn of(rental: &Rental, now: Timestamp) -> Option<LeavingNotice> {
        let leaves_at = rental.market.leaves_at?;
        let life = &rental.life;
        if life.state == RentalState::Ended {
            return None;
        }
        let day = moment::day(leaves_at);
        let is_cut = leaving::is_cut(life, Some(leaves_at));
        let later = leaving::leave(life, leaves_at, leaves_at.max(now));
        let stay = match later.filter(|_| is_cut) {
            Some(ending) => format!(
                "Keep it until {day}: you are refunded {} for the unused time automatically.",
                ending.refund.for_people()
            ),
            None => {
                "Your paid term ends before that day, so nothing changes until it ends.".to_owned()
            }
        };
        let ending = leaving::end(life, Some(leaves_at), now).ok().filter(|_| is_cut);
        Some(LeavingNotice {
            at: moment::to_the_minute(leaves_at),
            stay,
            refund_now: ending.map(|ending| ending.refund.for_people()),
            can_move: life.state == RentalState::Active && life.slice.is_some(),
        })
    }
}

impl MoveRental {
    /// The slices that a rental could go on with, and how far its machines are.
    pub fn new(
        visit: &Visit<'_>,
        rental: &Rental,
        machines: &[jobs::Machine],
        found: &[(SliceId, Offer)],
    ) -> MoveRental {
        let why = match (owed(machines), rental.market.leaves_at) {
            (Owed::Overdue, _) => {
                MoveReason::Overdue { refund_at: refund_at(machines).map(moment::to_the_minute) }
            }
            (Owed::Nothing | Owed::Access, Some(at)) => {
                MoveReason::Leaves { at: moment::to_the_minute(at) }
            }
            (Owed::Nothing | Owed::Access, None) => MoveReason::None,
        };
        let title = match why {
            MoveReason::Overdue { .. } => "Move to another slice",
            MoveReason::Leaves { .. } | MoveReason::None => "Move to another node",
        };
        MoveRental {
            frame: visit.frame(title, Section::Slices),
            rental_url: format!("/dashboard/slices/{}", rental.life.id),
            slice_id: rental.life.place(),
            name: Some(rental.name.clone()).filter(|name| !name.is_empty()),
            why,
            held: rental.life.held().for_people(),
            options: found.iter().map(MoveOption::new).collect(),
            error: None,
        }
    }

    /// The same after it was not moved.
    #[must_use]
    pub fn refused(mut self, problem: &Problem) -> MoveRental {
        self.error = Some(sentence(problem.detail.clone()));
        self
    }
}

impl MoveOption {
    fn new((slice, offer): &(SliceId, Offer)) -> MoveOption {
        let (up, fast) = (uptime(offer.min_uptime), bandwidth(offer.min_bandwidth));
        MoveOption {
            slice_id: slice.to_string(),
            node_id: offer.node.to_string(),
            version: offer.version.to_string(),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            price: offer.price.map(Usd::for_people).unwrap_or_default(),
            promise: format!("{up} uptime, {fast}"),
        }
    }
}

/// Where the form wants a rental to go on.
pub fn read_destination(form: &Form) -> Result<Destination, Vec<FieldError>> {
    let rule = "the version of the offer shown; reload the page";
    let version = form.text("offer_version").parse();
    let offer_version = version.map_err(|_| vec![FieldError::new("offer_version", rule)])?;
    let body = MoveBody {
        node_id: form.text("node_id").to_owned(),
        slice_id: form.filled("slice_id").map(str::to_owned),
        offer_version,
        dry_run: false,
    };
    body.read()
}
