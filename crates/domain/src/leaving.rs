//! A node leaves the market, with notice: what becomes of its rentals is their renters' to say.
//!
//! Until the node leaves, its rentals run, but none is extended beyond that day. Whoever paid for
//! longer is refunded evenly for what is left, or goes on with an equivalent slice of another node.
//! So does, where their renter agrees, a rental whose machine is late, could not be made, or has
//! been down for a day.
//!
//! Who is refunded pays more for the same time elsewhere, because a shorter term has a smaller
//! discount: the farmer makes that good. Who goes on elsewhere keeps what was paid, and loses
//! nothing.

use alloc::format;
use core::slice;

use crate::booking::{Booking, BookingKind, LedgerAccount};
use crate::id::SliceId;
use crate::money::Usd;
use crate::order::{self, Offer, RentError, Wanted};
use crate::period::{Period, Used};
use crate::provisioning::Owed;
use crate::rental::{self, Change, EndedAlready, Ending, MONTHS_AHEAD_MAX, Rental, RentalState};
use crate::time::Timestamp;
use crate::uptime::{Bandwidth, Uptime};

/// A node of which something is rented or held leaves after at least so long.
///
/// Seconds: 30 days.
pub const NOTICE_SECONDS: i64 = 30 * 86_400;

/// How many equivalent slices a renter is shown.
pub const ALTERNATIVES_MAX: u32 = 10;

/// Why a node does not leave on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoticeError {
    /// It leaves already.
    #[error("this node is already leaving on {}; cancel that first", .0.day_for_people())]
    Leaving(Timestamp),
    /// Its renters would have too little time, or none.
    #[error("a date of {} or later", .0.date())]
    TooSoon(Timestamp),
    /// Nobody has paid for as long.
    #[error("a day before {}", .0.date())]
    TooLate(Timestamp),
}

/// When a node can leave at the earliest: at once where nothing of it is rented or held.
pub fn earliest(is_used: bool, now: Timestamp) -> Timestamp {
    if is_used { now.plus_seconds(NOTICE_SECONDS) } else { now }
}

/// Decides when a node leaves: on the day that its farmer wants, or as early as it can.
pub fn notice(
    leaving: Option<Timestamp>,
    is_used: bool,
    wanted: Option<Timestamp>,
    now: Timestamp,
) -> Result<Timestamp, NoticeError> {
    if let Some(leaves_at) = leaving {
        return Err(NoticeError::Leaving(leaves_at));
    }
    let earliest = earliest(is_used, now);
    let latest = now.plus_months(MONTHS_AHEAD_MAX);
    match wanted {
        None => Ok(earliest),
        // A day begins before anybody can say so.
        Some(today) if !is_used && today.date() == now.date() => Ok(today.max(now)),
        Some(day) if day < earliest => Err(NoticeError::TooSoon(whole_day(earliest))),
        Some(day) if day > latest => Err(NoticeError::TooLate(latest)),
        Some(day) => Ok(day),
    }
}

/// The first instant of a day that is not before `at`.
pub fn whole_day(at: Timestamp) -> Timestamp {
    let begun = Timestamp::of_day(&at.date()).unwrap_or(at);
    if begun == at { at } else { begun.plus_seconds(86_400) }
}

/// Whether what was paid for reaches beyond the day on which its node leaves.
pub fn is_cut(rental: &Rental, leaves_at: Option<Timestamp>) -> bool {
    rental.state != RentalState::Ended && leaves_at.is_some_and(|at| rental.ends_at > at)
}

/// Ends a rental now, as its renter wants. Where its node leaves before what was paid for is over,
/// the refund is an even share of what was paid; else what was used costs the term that it reached.
pub fn end(
    rental: &Rental,
    leaves_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Ending, EndedAlready> {
    match leaves_at {
        Some(_) if is_cut(rental, leaves_at) => refund(rental, now, now),
        Some(_) | None => rental::end(rental, now),
    }
}

/// Ends a rental because its node leaves; `None` before that. A late run takes nothing more than
/// what was used when the node left.
pub fn leave(rental: &Rental, leaves_at: Timestamp, now: Timestamp) -> Option<Ending> {
    if now < leaves_at {
        return None;
    }
    refund(rental, leaves_at, now).ok()
}

fn refund(rental: &Rental, until: Timestamp, now: Timestamp) -> Result<Ending, EndedAlready> {
    let before = |number: u32| -> u32 {
        let earlier = rental.periods.iter().filter(|period| period.number < number);
        earlier.map(|period| period.months).sum()
    };
    let (started_at, slices, outages) = (rental.started_at, rental.slices, &rental.outages);
    let used_of = |period: &Period| Used {
        cost: period.share_used(outages, until),
        ..period.used(started_at, before(period.number), slices, outages, until)
    };
    let lost = |period: &Period| period.discount_lost(slices, until);
    let compensation = rental.periods.iter().fold(Usd::ZERO, |sum, period| sum + lost(period));
    Ok(Ending { compensation, ..rental::end_with(rental, used_of, now)? })
}

/// What makes good that a rental was ended because its node left; `None` for nothing.
pub fn compensation(rental: &Rental, amount: Usd) -> Option<Booking> {
    Booking::new(
        BookingKind::LeavingCompensation,
        format!("{}", rental.id),
        format!("Lost term discount of {}", rental.place()),
        LedgerAccount::Earnings(rental.farmer),
        &[(LedgerAccount::Wallet(rental.renter), amount)],
    )
}

/// The SLA of a rental.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaCommitment {
    /// The share of time for which it is up.
    pub min_uptime: Uptime,
    /// Its bandwidth.
    pub min_bandwidth: Bandwidth,
}

impl SlaCommitment {
    /// The better of both, in each.
    #[must_use]
    pub fn or_better(self, other: SlaCommitment) -> SlaCommitment {
        SlaCommitment {
            min_uptime: self.min_uptime.max(other.min_uptime),
            min_bandwidth: self.min_bandwidth.max(other.min_bandwidth),
        }
    }
}

/// What can be a reason to go on elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MoveCause {
    /// When the rental's node leaves; `None` where it stays.
    pub leaves_at: Option<Timestamp>,
    /// Whether its renter waits for access.
    pub owed: Owed,
    /// Whether it has been down for a day.
    pub is_down: bool,
}

impl MoveCause {
    /// Whether the renter may go.
    pub fn allows_move(self) -> bool {
        self.leaves_at.is_some() || self.owed == Owed::Overdue || self.is_down
    }
}

/// Where a rental goes: what the renter chose, and what its node offers now.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The node's offer; `None` where there is no such node.
    pub offer: Option<&'a Offer>,
    /// The slice that was chosen; `None` for any free one.
    pub slice: Option<u32>,
    /// The free slices of the node, from the lowest, where any will do.
    pub free: &'a [u32],
    /// Where to begin among them: with the lowest or, once somebody was faster, somewhere else.
    pub start: Option<u16>,
    /// The version of the offer that the renter saw.
    pub version: i64,
    /// Whether its farm has an agent that makes machines.
    pub has_agent: bool,
    /// The slices of the node that this rental had before, and left.
    pub left: &'a [u32],
}

impl Target<'_> {
    /// The slice to go on with; `None` where the rental has left all that could be had.
    fn choose(&self) -> Option<u32> {
        let wanted = self.slice.as_ref().map_or(self.free, slice::from_ref);
        let never_left = wanted.iter().copied().filter(|number| !self.left.contains(number));
        order::in_order(never_left.collect(), self.start).next()
    }
}

/// What becomes of a rental that goes on elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// What changes.
    pub change: Change,
    /// The version of the offer that was agreed to.
    pub offer_version: i64,
    /// The SLA from then on.
    pub sla: SlaCommitment,
}

/// Why a rental does not go on elsewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveError {
    /// There is no reason to go.
    #[error(
        "this rental can't be moved: its node stays on the market, its access is not overdue, and \
         it has not been down for a day"
    )]
    NotLeaving,
    /// Its term is over.
    #[error("the term of this rental has ended; rent a new slice")]
    Over,
    /// It is a whole node.
    #[error("whole-node rentals can't be moved; you are refunded and can rent another node")]
    WholeNode,
    /// The other node asks more than was agreed on.
    #[error(
        "a slice there costs ${price} per month, more than your ${agreed}; choose another slice"
    )]
    Dearer {
        /// Per slice and month there.
        price: Usd,
        /// Per slice and month, as agreed.
        agreed: Usd,
    },
    /// The other node guarantees less than was sold.
    #[error("that node guarantees less than your rental; choose another node")]
    WeakerSla,
    /// Access is owed, and nobody there would make a machine by itself: nor refund in time.
    #[error("that farm has no automatic setup; choose another node")]
    NoAgent,
    /// A rental does not come back.
    #[error("this rental was on that slice before; choose another slice")]
    LeftBefore,
    /// The slice cannot be had.
    #[error(transparent)]
    Offer(#[from] RentError),
}

/// Moves a rental to an equivalent slice, because its renter agrees to that. What was used is
/// earned by the farmer whom it leaves, unless there was no access to use; the rest stays in escrow
/// and is earned by the other one. Later extensions cost what the other node asks, which is no more
/// than was agreed.
pub fn move_to(
    rental: &Rental,
    sold: SlaCommitment,
    cause: MoveCause,
    target: &Target<'_>,
    now: Timestamp,
) -> Result<Move, MoveError> {
    if !cause.allows_move() {
        return Err(MoveError::NotLeaving);
    }
    if rental.state != RentalState::Active || now >= rental.ends_at {
        return Err(MoveError::Over);
    }
    if rental.slice.is_none() {
        return Err(MoveError::WholeNode);
    }
    let offer = target.offer.ok_or(RentError::NoSuchNode)?;
    let price = order::price_for(offer, Some(target.version), rental.renter)?;
    if price > rental.price {
        return Err(MoveError::Dearer { price, agreed: rental.price });
    }
    let offered =
        SlaCommitment { min_uptime: offer.min_uptime, min_bandwidth: offer.min_bandwidth };
    let sla = sold.or_better(offered);
    if sla != offered {
        return Err(MoveError::WeakerSla);
    }
    let is_owed = cause.owed.is_owed();
    if is_owed && !target.has_agent {
        return Err(MoveError::NoAgent);
    }
    let wanted = match target.slice {
        Some(number) => Wanted::Slice(SliceId { node: offer.node, number }),
        None => Wanted::OfNode(offer.node, 1),
    };
    order::free(offer, &wanted)?;
    let slice = Some(target.choose().ok_or(MoveError::LeftBefore)?);
    let (node, farmer) = (offer.node, offer.farmer);
    let mut after = Rental { node, slice, farmer, price, ..rental.clone() };
    let outages = &rental.outages;
    let used =
        |period: &Period| if is_owed { period.earned } else { period.share_used(outages, now) };
    let (periods, earnings, fees) = after.settle(used);
    let bookings = rental.earning(earnings, fees).into_iter().collect();
    let change = Change { after, periods, bookings, event: None };
    Ok(Move { change, offer_version: offer.version, sla })
}

#[cfg(test)]
mod tests;
