//! The market in memory: what must be true of it, in the simplest form that can tell.

use std::collections::BTreeMap;

use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::rental::RentError;
use domain::term::Term;
use domain::time::Timestamp;
use store::ledger::Credited;
use store::rentals::RentFailure;

/// The accounts: each of them rents, and each can be a farmer.
pub(crate) const ACCOUNTS: std::ops::RangeInclusive<u32> = 1..=4;
/// What the platform keeps.
pub(crate) const FEE_PERCENT: u8 = 10;
/// Micro-dollars of a dollar.
pub(crate) const MICROS: i64 = 1_000_000;

/// What must be true of the market, in the simplest form that can tell.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) nodes: BTreeMap<u32, ModelNode>,
    pub(crate) wallets: BTreeMap<u32, i64>,
    pub(crate) earnings: BTreeMap<u32, i64>,
    pub(crate) credits: BTreeMap<u32, (u32, i64, i64)>,
    pub(crate) rentals: Vec<ModelRental>,
}

pub(crate) struct ModelNode {
    pub(crate) farmer: u32,
    pub(crate) listing: Listing,
    pub(crate) version: i64,
    pub(crate) dollars: Option<i64>,
    pub(crate) capacity: usize,
    /// A letter for each slice, as `market::states` prints them.
    pub(crate) slices: Vec<char>,
}

#[derive(Clone)]
pub(crate) struct ModelRental {
    pub(crate) renter: u32,
    pub(crate) key: u32,
    pub(crate) request: (u32, Option<u32>, Term, Option<i64>),
    pub(crate) slice: SliceId,
    pub(crate) total: i64,
    pub(crate) ends_at: Timestamp,
    pub(crate) is_over: bool,
}

impl ModelNode {
    /// Retires from the highest number down, restores from the lowest up, and makes the rest.
    pub(crate) fn fit(&mut self) {
        while self.slices.iter().filter(|state| **state != '-').count() > self.capacity {
            let Some(last) = self.slices.iter().rposition(|state| *state == 'a') else { break };
            self.slices[last] = '-';
        }
        while self.slices.iter().filter(|state| **state != '-').count() < self.capacity {
            match self.slices.iter().position(|state| *state == '-') {
                Some(first) => self.slices[first] = 'a',
                None => self.slices.push('a'),
            }
        }
    }
}

impl Model {
    pub(crate) fn register(&mut self, farmer: u32, node: u32, slices: u32) -> bool {
        if self.nodes.contains_key(&node) {
            return false;
        }
        let (listing, capacity) = (Listing::Draft, usize::try_from(slices).unwrap());
        let slices = vec!['a'; capacity];
        let made = ModelNode { farmer, listing, version: 1, dollars: None, capacity, slices };
        self.nodes.insert(node, made);
        true
    }

    pub(crate) fn credit(&mut self, to: u32, dollars: i64, key: u32) -> Credited {
        let wallet = self.wallets.get(&to).copied().unwrap_or(0);
        let is_known = ACCOUNTS.contains(&to);
        match self.credits.get(&key) {
            Some((whose, amount, after)) if (*whose, *amount) == (to, dollars) => {
                Credited::Done(Usd::from_micros(*after))
            }
            Some(_) => Credited::KeyReused,
            None if !is_known => Credited::NoSuchAccount,
            None => {
                let after = wallet + dollars * MICROS;
                self.wallets.insert(to, after);
                self.credits.insert(key, (to, dollars, after));
                Credited::Done(Usd::from_micros(after))
            }
        }
    }

    pub(crate) fn rent(
        &mut self,
        tried: &Tried,
        now: Timestamp,
    ) -> Result<ModelRental, RentFailure> {
        let (node, slice, term, seen) = tried.request;
        let earlier =
            |rental: &&ModelRental| (rental.renter, rental.key) == (tried.renter, tried.key);
        if let Some(earlier) = self.rentals.iter().find(earlier) {
            let is_same = earlier.request == tried.request;
            return if is_same { Ok(earlier.clone()) } else { Err(RentFailure::KeyReused) };
        }
        let offer = self.nodes.get_mut(&node).ok_or(RentError::NoSuchNode)?;
        let dollars = offer.dollars.ok_or(RentError::NoSuchNode)?;
        match offer.listing {
            Listing::Draft => Err(RentError::NoSuchNode)?,
            Listing::Paused => Err(RentError::NotOffered)?,
            Listing::Published if offer.farmer == tried.renter => Err(RentError::OwnSlice)?,
            Listing::Published if seen.is_some_and(|seen| seen != offer.version) => {
                Err(RentError::OfferChanged)?;
            }
            Listing::Published => {}
        }
        let index = match slice.map(|number| usize::try_from(number - 1).unwrap()) {
            None => offer.slices.iter().position(|s| *s == 'a').ok_or(RentError::SoldOut)?,
            Some(index) => match offer.slices.get(index).ok_or(RentError::NoSuchSlice)? {
                'a' => index,
                _ => Err(RentError::SliceTaken)?,
            },
        };
        let (months, percent) = match term {
            Term::Month => (1, 100),
            Term::Quarter => (3, 95),
            Term::HalfYear => (6, 90),
            Term::Year => (12, 85),
        };
        let total = dollars * months * percent * MICROS / 100;
        let wallet = self.wallets.entry(tried.renter).or_default();
        if *wallet < total {
            let missing = Usd::from_micros(total - *wallet);
            Err(RentError::InsufficientFunds { total: Usd::from_micros(total), missing })?;
        }
        *wallet -= total;
        offer.slices[index] = 'R';
        let made = ModelRental {
            renter: tried.renter,
            key: tried.key,
            request: tried.request,
            slice: SliceId { node: NodeId(node), number: u32::try_from(index + 1).unwrap() },
            total,
            ends_at: now.plus_months(u32::try_from(months).unwrap()),
            is_over: false,
        };
        self.rentals.push(made.clone());
        Ok(made)
    }

    pub(crate) fn end_due(&mut self, now: Timestamp, ends_max: u32) {
        let mut due: Vec<&mut ModelRental> =
            self.rentals.iter_mut().filter(|r| !r.is_over && r.ends_at <= now).collect();
        due.sort_by_key(|rental| rental.ends_at);
        for rental in due.into_iter().take(usize::try_from(ends_max).unwrap()) {
            rental.is_over = true;
            let node = self.nodes.get_mut(&rental.slice.node.0).unwrap();
            node.slices[usize::try_from(rental.slice.number - 1).unwrap()] = 'a';
            node.fit();
            let fee = to_cents_half_even(rental.total / 100 * i64::from(FEE_PERCENT));
            *self.earnings.entry(node.farmer).or_default() += rental.total - fee;
        }
    }
}

fn to_cents_half_even(micros: i64) -> i64 {
    let (cents, rest) = (micros / 10_000, micros % 10_000);
    let is_up = rest > 5_000 || (rest == 5_000 && cents % 2 == 1);
    (cents + i64::from(is_up)) * 10_000
}

/// A request to rent that was made, to be made again.
#[derive(Clone)]
pub(crate) struct Tried {
    pub(crate) renter: u32,
    pub(crate) key: u32,
    pub(crate) request: (u32, Option<u32>, Term, Option<i64>),
}
