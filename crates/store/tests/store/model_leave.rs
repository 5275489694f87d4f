//! How nodes leave the market in memory, and what becomes of their rentals.

use domain::id::{NodeId, SliceId};
use domain::leaving::{MoveError, NoticeError};
use domain::listing::Listing;
use domain::money::Usd;
use domain::order::{RentRequest, Wanted};
use domain::outage::Outages;
use domain::rental::RentalState;
use domain::term::Term;
use domain::time::Timestamp;
use store::leaving::{LeaveFailure, MoveFailure};

use crate::model::{Model, ModelNode, Slot, dollars};

const DAY: i64 = 86_400;

impl ModelNode {
    fn is_used(&self) -> bool {
        let is_used = |slot: &Slot| matches!(slot, Slot::Held(_) | Slot::Rented(_));
        self.is_whole || self.slices.iter().any(is_used)
    }

    /// Nothing of it is there any more.
    fn go(&mut self) {
        self.has_left = true;
        for slot in &mut self.slices {
            *slot = Slot::Retired;
        }
    }
}

impl Model {
    pub(crate) fn withdraw(
        &mut self,
        farmer: u32,
        node: u32,
        days: Option<i64>,
        now: Timestamp,
    ) -> Result<(), LeaveFailure> {
        let found = self.nodes.get_mut(&node).filter(|node| node.farmer == farmer);
        let node = found.ok_or(LeaveFailure::NoSuchNode)?;
        if let Some(leaves_at) = node.leaves_at {
            return Err(NoticeError::Leaving(leaves_at).into());
        }
        let least = if node.is_used() { 30 } else { 0 };
        let days = days.unwrap_or(least);
        if days < least {
            let day = Timestamp::of_day(&now.plus_seconds((least + 1) * DAY).date()).unwrap();
            return Err(NoticeError::TooSoon(day).into());
        }
        node.leaves_at = Some(now.plus_seconds(days * DAY));
        node.version += 1;
        if node.listing == Listing::Published {
            node.listing = Listing::Paused;
        }
        if days == 0 {
            node.go();
        }
        Ok(())
    }

    pub(crate) fn cancel_leave(&mut self, farmer: u32, node: u32) -> bool {
        let own = |node: &&mut ModelNode| node.farmer == farmer && node.leaves_at.is_some();
        let Some(node) = self.nodes.get_mut(&node).filter(own) else { return false };
        (node.leaves_at, node.has_left) = (None, false);
        node.version += 1;
        // One that never left has not changed.
        if node.slices.iter().all(|slot| *slot == Slot::Retired) {
            node.fit();
        }
        true
    }

    /// Whether it was paid for beyond the day on which its node leaves.
    pub(crate) fn is_cut(&self, rental: usize) -> bool {
        let of = &self.rentals[rental];
        self.nodes[&of.node].leaves_at.is_some_and(|leaves_at| of.ends_at > leaves_at)
    }

    /// Ends a rental for an even share of what was paid.
    pub(crate) fn give_back(&mut self, rental: usize, until: Timestamp) -> Usd {
        let (mut refund, mut lost) = (Usd::ZERO, Usd::ZERO);
        let (slices, farmer) = (self.rentals[rental].slices, self.rentals[rental].farmer);
        for nth in 0..self.rentals[rental].periods.len() {
            let used = self.rentals[rental].periods[nth].share_used(&Outages::NONE, until);
            lost = lost + self.rentals[rental].periods[nth].discount_lost(slices, until);
            self.earn_up_to(rental, nth, used, false);
            let period = &mut self.rentals[rental].periods[nth];
            period.refunded = period.total - period.earned;
            refund = refund + period.refunded;
        }
        self.pay(self.rentals[rental].renter, refund);
        // What the earnings do not cover is owed.
        let earnings = self.earnings.entry(farmer).or_insert(Usd::ZERO);
        if *earnings >= lost {
            *earnings = *earnings - lost;
            self.pay(self.rentals[rental].renter, lost);
        }
        self.free(rental);
        refund
    }

    /// Where it is then.
    pub(crate) fn relocate(
        &mut self,
        who: u32,
        rental: usize,
        to: (u32, Option<u32>),
        version: i64,
        now: Timestamp,
    ) -> Result<(u32, Option<u32>), MoveFailure> {
        self.is_theirs(rental, who).map_err(|_| MoveFailure::NoSuchRental)?;
        let (of, (node, slice)) = (&self.rentals[rental], to);
        if of.node == node && (slice.is_none() || slice == of.slice) {
            return Ok((of.node, of.slice));
        }
        if self.nodes[&of.node].leaves_at.is_none() {
            return Err(MoveError::NotLeaving.into());
        }
        if of.state != RentalState::Active || of.ends_at <= now {
            return Err(MoveError::Over.into());
        }
        if of.slice.is_none() {
            return Err(MoveError::WholeNode.into());
        }
        let wanted = match slice {
            Some(number) => Wanted::Slice(SliceId { node: NodeId(node), number }),
            None => Wanted::OfNode(NodeId(node), 1),
        };
        let offer_version = Some(version);
        let request = RentRequest { wanted, term: Term::Month, offer_version, max_price: None };
        let offer = self.checked(node, &request, who).map_err(MoveError::Offer)?;
        let (price, agreed, farmer) = (dollars(offer.dollars.unwrap()), of.price, offer.farmer);
        if price > agreed {
            return Err(MoveError::Dearer { price, agreed }.into());
        }
        self.enough(offer, &request.wanted, now).map_err(MoveError::Offer)?;
        let number = slice.unwrap_or_else(|| self.free_of(offer, now)[0]);
        self.release_lapsed(now);
        for nth in 0..self.rentals[rental].periods.len() {
            let used = self.rentals[rental].periods[nth].share_used(&Outages::NONE, now);
            self.earn_up_to(rental, nth, used, true);
        }
        let old = self.nodes.get_mut(&self.rentals[rental].node).unwrap();
        old.free(|slot| slot == Slot::Rented(rental));
        old.fit();
        let new = self.nodes.get_mut(&node).unwrap();
        new.slices[usize::try_from(number).unwrap() - 1] = Slot::Rented(rental);
        let of = &mut self.rentals[rental];
        (of.node, of.slice, of.farmer, of.price) = (node, Some(number), farmer, price);
        Ok((node, Some(number)))
    }

    /// Ends what is still there on the day on which a node leaves, and lets it leave.
    pub(crate) fn leave(&mut self, now: Timestamp) {
        let day = |of: &Model, rental: usize| of.nodes[&of.rentals[rental].node].leaves_at;
        let is_due = |rental: &usize| {
            let is_over = day(self, *rental).is_some_and(|leaves_at| leaves_at <= now);
            self.rentals[*rental].state != RentalState::Ended && is_over
        };
        let mut due: Vec<usize> = (0..self.rentals.len()).filter(is_due).collect();
        due.sort_by_key(|rental| {
            let of = &self.rentals[*rental];
            (day(self, *rental), of.node, of.slice)
        });
        for rental in due {
            let leaves_at = day(self, rental).unwrap();
            self.give_back(rental, leaves_at);
        }
        for node in self.nodes.values_mut() {
            if node.leaves_at.is_some_and(|leaves_at| leaves_at <= now) && !node.is_used() {
                node.go();
            }
        }
    }
}
