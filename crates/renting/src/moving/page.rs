//! The page `/dashboard/slices/{rental}/move`, and what a rental on a leaving node shows.

use askama::Template;
use domain::id::SliceId;
use domain::leaving;
use domain::money::Usd;
use domain::provisioning::Owed;
use domain::rental::RentalState;
use domain::time::Timestamp;
use store::jobs;
use store::offers::Offer;
use store::rentals::Rental;
use ui::moment;
use ui::visit::Visit;
use ui::wording::{bandwidth, place, uptime};
use web::Problem;
use web::page::{Frame, Moment, Section};
use web::text::sentence;

use crate::provision::json::{owed, refund_at};
use crate::rentals::json::compensated;

/// What a renter can do where the node of a rental leaves.
#[derive(Clone, Debug)]
pub(crate) struct LeavingNotice {
    /// When it leaves.
    pub at: Moment,
    /// What staying until then means, in a sentence.
    pub stay: String,
    /// Whether the rental was paid for beyond that: the refund of ending it now.
    pub refund_now: Option<String>,
    /// A sentence about what the farmer pays beside that; empty for nothing.
    pub compensation_now: String,
    /// Whether it can be moved.
    pub can_move: bool,
}

/// What `move_rental.html` shows: the slices that a rental could go on with.
#[derive(Clone, Debug, Template)]
#[template(path = "moving/move_rental.html")]
pub(crate) struct MoveRental {
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
pub(crate) enum MoveReason {
    /// Its node leaves.
    Leaves {
        /// When.
        at: Moment,
    },
    /// Its machine is late, or could not be made.
    Overdue {
        /// When everything is refunded, wherever it goes.
        refund_at: Option<Moment>,
    },
    /// It has been down for a day.
    Down {
        /// Since when.
        since: Moment,
    },
    /// There is none: it cannot.
    None,
}

impl MoveReason {
    /// Whether there is one.
    pub(crate) fn is_one(&self) -> bool {
        match self {
            MoveReason::Leaves { .. } | MoveReason::Overdue { .. } | MoveReason::Down { .. } => {
                true
            }
            MoveReason::None => false,
        }
    }
}

/// A slice that a rental could go on with.
#[derive(Clone, Debug)]
pub(crate) struct MoveOption {
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
    /// The SLA, such as `99.5% uptime, 200 Mbit/s`.
    pub sla: String,
}

impl LeavingNotice {
    /// What a renter can do; `None` where the node stays, or the rental has ended.
    pub(crate) fn of(rental: &Rental, now: Timestamp) -> Option<LeavingNotice> {
        let leaves_at = rental.market.leaves_at?;
        let life = &rental.life;
        if life.state == RentalState::Ended {
            return None;
        }
        let day = leaves_at.day_for_people();
        let is_cut = leaving::is_cut(life, Some(leaves_at));
        let later = leaving::leave(life, leaves_at, leaves_at.max(now));
        let stay = match later.filter(|_| is_cut) {
            Some(ending) => format!(
                "Keep it until {day}: you are refunded {} for the unused time automatically.{}",
                ending.refund.for_people(),
                compensated(ending.compensation, "pays")
            ),
            None => {
                "Your paid term ends before that day, so nothing changes until it ends.".to_owned()
            }
        };
        let ending = leaving::end(life, Some(leaves_at), now).ok().filter(|_| is_cut);
        Some(LeavingNotice {
            at: moment::to_the_minute(leaves_at),
            stay,
            compensation_now: ending
                .as_ref()
                .map_or_else(String::new, |ending| compensated(ending.compensation, "pays")),
            refund_now: ending.map(|ending| ending.refund.for_people()),
            can_move: life.state == RentalState::Active && life.slice.is_some(),
        })
    }
}

impl MoveRental {
    /// The slices that a rental could go on with, and how far its machines are.
    pub(crate) fn new(
        visit: &Visit<'_>,
        rental: &Rental,
        machines: &[jobs::Machine],
        found: &[(SliceId, Offer)],
    ) -> MoveRental {
        let down_since = rental.life.outages.unpaid_since(visit.now);
        let why = match (owed(machines), down_since, rental.market.leaves_at) {
            (Owed::Overdue, _, _) => {
                MoveReason::Overdue { refund_at: refund_at(machines).map(moment::to_the_minute) }
            }
            (Owed::Nothing | Owed::Access, Some(since), _) => {
                MoveReason::Down { since: moment::to_the_minute(since) }
            }
            (Owed::Nothing | Owed::Access, None, Some(at)) => {
                MoveReason::Leaves { at: moment::to_the_minute(at) }
            }
            (Owed::Nothing | Owed::Access, None, None) => MoveReason::None,
        };
        let title = match why {
            MoveReason::Overdue { .. } | MoveReason::Down { .. } => "Move to another slice",
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
    pub(crate) fn refused(mut self, problem: &Problem) -> MoveRental {
        self.error = Some(sentence(problem.detail.clone()));
        self
    }
}

impl MoveOption {
    pub(crate) fn new((slice, offer): &(SliceId, Offer)) -> MoveOption {
        let (up, fast) = (uptime(offer.min_uptime), bandwidth(offer.min_bandwidth));
        MoveOption {
            slice_id: slice.to_string(),
            node_id: offer.node.to_string(),
            version: offer.version.to_string(),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            price: offer.price.map(Usd::for_people).unwrap_or_default(),
            sla: format!("{up} uptime, {fast}"),
        }
    }
}
