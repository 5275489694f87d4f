//! How the market in memory quotes and rents.

use std::collections::BTreeSet;

use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::order::{
    HOLDS_MAX, HOLDS_OF_SLICE_MAX, HOLDS_SECONDS, QUOTE_SECONDS, RentError, RentRequest, Spread,
    Wanted,
};
use domain::period::Period;
use domain::rental::RentalState;
use domain::term::Term;
use domain::time::Timestamp;
use store::StoreError;
use store::renting::RentFailure;

use crate::market::KEY_USED;
use crate::model::{FEE_PERCENT, Model, ModelNode, ModelRental, RENTED_MAX, Slot, dollars};

/// What is to be rented: a slice, any one, or so many as the whole node has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ModelItem {
    node: u32,
    slice: Option<u32>,
    whole: Option<u32>,
    version: i64,
    price: Usd,
    term: Term,
}

impl ModelItem {
    fn slices(&self) -> u32 {
        self.whole.unwrap_or(1)
    }

    pub(crate) fn total(&self) -> Usd {
        self.term.total(self.price.times(self.slices()))
    }
}

pub(crate) struct ModelQuote {
    /// The number of its id.
    pub(crate) id: u32,
    pub(crate) account: u32,
    pub(crate) items: Vec<ModelItem>,
    pub(crate) expires_at: Timestamp,
    pub(crate) is_held: bool,
    pub(crate) is_used: bool,
    /// The slices that it held: the node and the number.
    pub(crate) held: Vec<(u32, u32)>,
}

/// What an account asked for with a key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    Request(RentRequest),
    Quote(usize),
    Extension { rental: usize, term: Term, max: Option<i64> },
}

pub(crate) struct ModelOrder {
    pub(crate) account: u32,
    pub(crate) key: u32,
    pub(crate) asked: Asked,
    pub(crate) response: String,
}

impl Model {
    fn is_lapsed(&self, slot: Slot, now: Timestamp) -> bool {
        matches!(slot, Slot::Held(quote) if self.quotes[quote].expires_at <= now)
    }

    /// The numbers of the slices that are free now, with those that nobody holds any more.
    pub(crate) fn free_of(&self, node: &ModelNode, now: Timestamp) -> Vec<u32> {
        let is_free =
            |slot: Slot| slot == Slot::Free || (self.is_lapsed(slot, now) && !node.has_excess());
        (1..)
            .zip(&node.slices)
            .filter(|(number, slot)| {
                is_free(**slot) && !self.left_out.contains(&(node.id, *number))
            })
            .map(|(number, _)| number)
            .collect()
    }

    /// What an account has held so often that it may not hold it again now.
    fn held_often(&self, account: u32, now: Timestamp) -> Vec<(u32, u32)> {
        let since = now.plus_seconds(-HOLDS_SECONDS);
        let counts = |quote: &&ModelQuote| {
            quote.account == account && !quote.is_used && quote.expires_at > since
        };
        let held: Vec<_> =
            self.quotes.iter().filter(counts).flat_map(|quote| quote.held.clone()).collect();
        let times = |slice| held.iter().filter(|other| **other == slice).count();
        let max = usize::try_from(HOLDS_OF_SLICE_MAX).unwrap();
        held.iter().copied().filter(|slice| times(*slice) >= max).collect()
    }

    fn taken_of(&self, node: &ModelNode, now: Timestamp) -> u32 {
        let all = node.slices.iter().filter(|slot| **slot != Slot::Retired).count();
        u32::try_from(all - self.free_of(node, now).len()).unwrap()
    }

    /// Gives back what is held beyond its time, in the order in which it lapsed.
    pub(crate) fn release_lapsed(&mut self, now: Timestamp) {
        let lapsed = |quote: &ModelQuote| quote.is_held && quote.expires_at <= now;
        let mut all: Vec<usize> =
            (0..self.quotes.len()).filter(|quote| lapsed(&self.quotes[*quote])).collect();
        all.sort_by_key(|quote| self.quotes[*quote].expires_at);
        for quote in all {
            self.release(quote, now);
        }
    }

    pub(crate) fn release(&mut self, quote: usize, now: Timestamp) {
        if !self.quotes[quote].is_held {
            return;
        }
        self.quotes[quote].is_held = false;
        let made_at = self.quotes[quote].expires_at.plus_seconds(-QUOTE_SECONDS);
        self.quotes[quote].expires_at =
            self.quotes[quote].expires_at.min(now).max(made_at.plus_seconds(1));
        for node in self.nodes.values_mut() {
            if node.slices.contains(&Slot::Held(quote)) {
                node.free(|slot| slot == Slot::Held(quote));
                node.fit();
            }
        }
    }

    pub(crate) fn checked(
        &self,
        node: u32,
        request: &RentRequest,
        who: u32,
    ) -> Result<&ModelNode, RentError> {
        let offer = self.nodes.get(&node).ok_or(RentError::NoSuchNode)?;
        let price = dollars(offer.dollars.ok_or(RentError::NoSuchNode)?);
        match offer.listing {
            Listing::Draft => return Err(RentError::NoSuchNode),
            Listing::Paused => return Err(RentError::NotOffered),
            Listing::Published if offer.farmer == who => return Err(RentError::OwnSlice),
            Listing::Published => {}
        }
        if request.offer_version.is_some_and(|seen| seen != offer.version) {
            return Err(RentError::OfferChanged);
        }
        match request.max_price {
            Some(max) if max < price => Err(RentError::AboveMaxPrice { price, max }),
            _ => Ok(offer),
        }
    }

    /// How many rentals it makes on a node, if there is enough.
    pub(crate) fn enough(
        &self,
        node: &ModelNode,
        wanted: &Wanted,
        now: Timestamp,
    ) -> Result<u32, RentError> {
        let numbers = self.free_of(node, now);
        let free = u32::try_from(numbers.len()).unwrap();
        let taken = self.taken_of(node, now);
        let is_down = free == 0 && !node.is_up && !node.is_whole;
        if let Wanted::Slice(slice) = wanted {
            let index = usize::try_from(slice.number).unwrap().wrapping_sub(1);
            return match node.slices.get(index) {
                None => Err(RentError::NoSuchSlice),
                Some(_) if numbers.contains(&slice.number) => Ok(1),
                Some(Slot::Retired) if is_down => Err(RentError::NodeDown),
                Some(_) => Err(RentError::SliceTaken),
            };
        }
        match wanted {
            _ if is_down => Err(RentError::NodeDown),
            Wanted::OfNode(_, count) if free >= *count => Ok(*count),
            Wanted::OfNode(_, count) => Err(RentError::SoldOut { wanted: *count, free }),
            _ if free > 0 && taken == 0 => Ok(1),
            _ => Err(RentError::SoldOut { wanted: free + taken, free }),
        }
    }

    fn item(&self, node: u32, request: &RentRequest, now: Timestamp) -> ModelItem {
        let offer = &self.nodes[&node];
        let (slice, whole) = match &request.wanted {
            Wanted::Slice(slice) => (Some(slice.number), None),
            Wanted::WholeNode(_) => {
                (None, Some(u32::try_from(self.free_of(offer, now).len()).unwrap()))
            }
            Wanted::OfNode(..) | Wanted::OnMarket { .. } => (None, None),
        };
        ModelItem {
            node,
            slice,
            whole,
            version: offer.version,
            price: dollars(offer.dollars.unwrap()),
            term: request.term,
        }
    }

    fn choose(
        &self,
        request: &RentRequest,
        who: u32,
        now: Timestamp,
    ) -> Result<Vec<ModelItem>, RentError> {
        let Wanted::OnMarket { count, spread, .. } = &request.wanted else {
            let node = request.wanted.node().unwrap().0;
            let offer = self.checked(node, request, who)?;
            let makes = self.enough(offer, &request.wanted, now)?;
            return Ok(vec![self.item(node, request, now); makes.try_into().unwrap()]);
        };
        // Cheapest first; nodes with nothing but lapsed holds are not looked at.
        let mut nodes: Vec<u32> = self.nodes.keys().copied().collect();
        nodes.retain(|node| {
            let has_free = self.nodes[node].slices.contains(&Slot::Free);
            has_free && self.nodes[node].is_up && self.checked(*node, request, who).is_ok()
        });
        nodes.sort_by_key(|node| (self.nodes[node].dollars, *node));
        let mut chosen: Vec<u32> = vec![];
        let count = usize::try_from(*count).unwrap();
        for node in nodes {
            let free = self.free_of(&self.nodes[&node], now).len();
            let take = match spread {
                Spread::Any => free.min(count - chosen.len()),
                Spread::SameNode if chosen.is_empty() && free >= count => count,
                Spread::SameNode => 0,
                Spread::Nodes => 1.min(count - chosen.len()),
                // Every node of the tests is of one farm and one country.
                Spread::Farms | Spread::Countries => usize::from(chosen.is_empty()),
            };
            chosen.extend(vec![node; take]);
        }
        if chosen.len() < count {
            let (wanted, free) = (count.try_into().unwrap(), chosen.len().try_into().unwrap());
            return Err(RentError::SoldOut { wanted, free });
        }
        Ok(chosen.into_iter().map(|node| self.item(node, request, now)).collect())
    }

    /// Gives each item that needs one the lowest free slice of its node.
    fn place(&self, items: &mut [ModelItem], now: Timestamp) {
        let mut gone: BTreeSet<(u32, u32)> = BTreeSet::new();
        for item in items.iter_mut().filter(|item| item.whole.is_none()) {
            let free = self.free_of(&self.nodes[&item.node], now);
            let lowest = free.into_iter().find(|number| !gone.contains(&(item.node, *number)));
            item.slice = item.slice.or(lowest);
            gone.extend(item.slice.map(|number| (item.node, number)));
        }
    }

    /// Puts all slices of the items into a slot.
    fn fill(&mut self, item: &ModelItem, slot: Slot) {
        let node = self.nodes.get_mut(&item.node).unwrap();
        for (number, old) in (1..).zip(&mut node.slices) {
            let is_of_it = item.slice.map_or(*old == Slot::Free, |slice| slice == number);
            if is_of_it {
                *old = slot;
            }
        }
    }

    pub(crate) fn quote(
        &mut self,
        account: u32,
        request: &RentRequest,
        is_held: bool,
        now: Timestamp,
    ) -> Result<Usd, RentFailure> {
        let holding = |quote: &&ModelQuote| {
            quote.account == account && quote.is_held && quote.expires_at > now
        };
        let holds = self.quotes.iter().filter(holding).count();
        if is_held && holds >= usize::try_from(HOLDS_MAX).unwrap() {
            return Err(RentError::TooManyHolds(HOLDS_MAX).into());
        }
        let mut items = self.choose(request, account, now)?;
        if is_held {
            items = self.hold(request, account, now)?;
        }
        self.release_lapsed(now);
        let number = self.quotes.len();
        if is_held {
            for item in &items {
                self.fill(item, Slot::Held(number));
            }
        }
        let held = self.nodes.values().flat_map(|node| {
            let all = (1..).zip(&node.slices);
            let held = all.filter(|(_, slot)| **slot == Slot::Held(number));
            held.map(|(slice, _)| (node.id, slice))
        });
        let held = held.collect();
        let total = items.iter().fold(Usd::ZERO, |sum, item| sum + item.total());
        let expires_at = now.plus_seconds(QUOTE_SECONDS);
        let is_used = false;
        self.quotes.push(ModelQuote { id: 0, account, items, expires_at, is_held, is_used, held });
        Ok(total)
    }

    /// Chooses what is held, of what the account may hold.
    fn hold(
        &mut self,
        request: &RentRequest,
        account: u32,
        now: Timestamp,
    ) -> Result<Vec<ModelItem>, RentError> {
        self.left_out = self.held_often(account, now);
        let chosen = self.choose(request, account, now).map(|mut items| {
            self.place(&mut items, now);
            items
        });
        self.left_out.clear();
        let items = chosen.map_err(|_| RentError::HeldTooOften(HOLDS_OF_SLICE_MAX))?;
        let slices = |items: &[ModelItem]| items.iter().map(ModelItem::slices).sum::<u32>();
        let total =
            |items: &[ModelItem]| items.iter().fold(Usd::ZERO, |sum, item| sum + item.total());
        let holding = |quote: &&ModelQuote| {
            quote.account == account && quote.is_held && quote.expires_at > now
        };
        let held = || self.quotes.iter().filter(holding);
        let has = self.rented(account) + held().map(|quote| slices(&quote.items)).sum::<u32>();
        if has + slices(&items) > RENTED_MAX {
            return Err(RentError::OverLimit { slices: has, max: RENTED_MAX });
        }
        let left = held().fold(self.wallet(account), |left, quote| left - total(&quote.items));
        let total = total(&items);
        if left < total {
            return Err(RentError::InsufficientFunds { total, missing: total - left });
        }
        Ok(items)
    }

    /// What a quote says, if it can still be had.
    fn still(&self, quote: &ModelQuote, now: Timestamp) -> Result<(), RentError> {
        for item in &quote.items {
            let node = &self.nodes[&item.node];
            let free = u32::try_from(self.free_of(node, now).len()).unwrap();
            if quote.is_held {
                let is_more = item.whole.is_some_and(|all| all != free + self.taken_of(node, now));
                match () {
                    () if node.is_overfull() || !(node.is_up || node.is_whole) => {
                        return Err(RentError::NodeDown);
                    }
                    () if is_more => return Err(RentError::OfferChanged),
                    () => continue,
                }
            }
            match node.listing {
                Listing::Published if node.version == item.version => {}
                Listing::Published => return Err(RentError::OfferChanged),
                Listing::Draft | Listing::Paused => return Err(RentError::NotOffered),
            }
            let alike = |other: &&ModelItem| other.node == item.node && other.slice.is_none();
            let count = u32::try_from(quote.items.iter().filter(alike).count()).unwrap();
            let id = domain::id::NodeId(item.node);
            let wanted = match (item.slice, item.whole) {
                (Some(number), _) => Wanted::Slice(domain::id::SliceId { node: id, number }),
                (None, Some(_)) => Wanted::WholeNode(id),
                (None, None) => Wanted::OfNode(id, count),
            };
            self.enough(node, &wanted, now)?;
            if item.whole.is_some_and(|all| all != free) {
                return Err(RentError::OfferChanged);
            }
        }
        Ok(())
    }

    /// The response to the order of a key, if there is one.
    pub(crate) fn earlier(
        &self,
        account: u32,
        key: u32,
        asked: &Asked,
    ) -> Option<Result<String, StoreError>> {
        let is_it = |order: &&ModelOrder| (order.account, order.key) == (account, key);
        let earlier = self.orders.iter().find(is_it)?;
        let is_same = earlier.asked == *asked;
        Some(if is_same { Ok(earlier.response.clone()) } else { Err(KEY_USED) })
    }

    pub(crate) fn rent(
        &mut self,
        account: u32,
        key: u32,
        asked: &Asked,
        step: u32,
        now: Timestamp,
    ) -> Result<String, RentFailure> {
        if let Some(earlier) = self.earlier(account, key, asked) {
            return Ok(earlier?);
        }
        let mut items = match asked {
            Asked::Request(request) => self.choose(request, account, now)?,
            Asked::Quote(quote) if self.quotes[*quote].is_used => {
                return Err(RentFailure::QuoteUsed);
            }
            Asked::Quote(quote) if self.quotes[*quote].expires_at <= now => {
                return Err(RentFailure::QuoteExpired);
            }
            Asked::Quote(quote) => {
                self.still(&self.quotes[*quote], now)?;
                self.quotes[*quote].items.clone()
            }
            Asked::Extension { .. } => unreachable!("it is extended elsewhere"),
        };
        let total = items.iter().fold(Usd::ZERO, |sum, item| sum + item.total());
        let (slices, wanted) =
            (self.rented(account), items.iter().map(ModelItem::slices).sum::<u32>());
        if slices + wanted > RENTED_MAX {
            Err(RentError::OverLimit { slices, max: RENTED_MAX })?;
        }
        let wallet = self.wallet(account);
        if wallet < total {
            Err(RentError::InsufficientFunds { total, missing: total - wallet })?;
        }
        self.release_lapsed(now);
        if let Asked::Quote(quote) = asked {
            self.quotes[*quote].is_used = true;
            self.quotes[*quote].is_held = false;
            self.nodes.values_mut().for_each(|node| node.free(|slot| slot == Slot::Held(*quote)));
        }
        self.place(&mut items, now);
        self.pay(account, -total);
        for (nth, item) in (0..).zip(&items) {
            self.begin(item, account, if nth == 0 { step } else { step * 100 + nth }, now);
        }
        // Node, slice and number of slices of each rental, and what all of them cost.
        let made = items.iter().map(|item| (item.node, item.slice, item.slices()));
        let response = format!("{:?}", (made.collect::<Vec<_>>(), total.micros()));
        let asked = asked.clone();
        self.orders.push(ModelOrder { account, key, asked, response: response.clone() });
        Ok(response)
    }

    fn begin(&mut self, item: &ModelItem, renter: u32, id: u32, now: Timestamp) {
        let (total, months) = (item.total(), item.term.months());
        let ends_at = now.plus_months(months);
        let period = Period {
            number: 1,
            months,
            price: item.price,
            total,
            fee: total.percent(Percent::whole(FEE_PERCENT)).to_cents(),
            earned: Usd::ZERO,
            refunded: Usd::ZERO,
            starts_at: now,
            ends_at,
        };
        let rental = self.rentals.len();
        self.fill(item, Slot::Rented(rental));
        let node = self.nodes.get_mut(&item.node).unwrap();
        node.is_whole = item.whole.is_some();
        self.rentals.push(ModelRental {
            id,
            node: item.node,
            slice: item.slice,
            slices: item.slices(),
            renter,
            farmer: node.farmer,
            state: RentalState::Active,
            price: item.price,
            price_until: ends_at.plus_months(12),
            started_at: now,
            ends_at,
            periods: vec![period],
            renewal: None,
            transfer: None,
        });
    }
}
