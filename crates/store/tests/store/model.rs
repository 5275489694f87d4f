//! The market in memory: what must be true of it, in the simplest form that can tell. This part is
//! its nodes, slices and wallets; `model_rent` rents, `model_life` is what becomes of rentals, and
//! `model_pay` pays farmers.

use std::collections::{BTreeMap, BTreeSet};

use domain::listing::Listing;
use domain::money::Usd;
use domain::period::Period;
use domain::rental::RentalState;
use domain::term::Term;
use domain::time::Timestamp;
use store::ledger::CreditFailure;

use crate::market::KEY_USED;
use crate::model_pay::ModelPayout;
use crate::model_rent::{ModelOrder, ModelQuote};

/// The accounts: each of them rents, and each can be a farmer.
pub(crate) const ACCOUNTS: std::ops::RangeInclusive<u32> = 1..=4;
/// What the platform keeps.
pub(crate) const FEE_PERCENT: u8 = 10;
/// How many slices an account may rent.
pub(crate) const RENTED_MAX: u32 = 12;
/// Micro-dollars of a dollar.
pub(crate) const MICROS: i64 = 1_000_000;

pub(crate) fn dollars(dollars: i64) -> Usd {
    Usd::from_micros(dollars * MICROS)
}

/// What must be true of the market, in the simplest form that can tell. Quotes, orders, rentals
/// and payouts are called by their place in the list.
#[derive(Default)]
pub(crate) struct Model {
    pub(crate) nodes: BTreeMap<u32, ModelNode>,
    pub(crate) wallets: BTreeMap<u32, Usd>,
    pub(crate) earnings: BTreeMap<u32, Usd>,
    /// The day that it is, such as `2026-11-22`.
    pub(crate) today: String,
    /// Of each farmer and farm: the days on which it was used, as far as they count.
    pub(crate) uses: BTreeMap<(u32, u32), BTreeSet<String>>,
    /// Of each farmer and farm: what is not paid out, because nobody has proven the farm.
    pub(crate) unproven: BTreeMap<(u32, u32), Usd>,
    pub(crate) platform_micros: i64,
    pub(crate) credits: BTreeMap<u32, (u32, i64, Usd)>,
    pub(crate) quotes: Vec<ModelQuote>,
    /// Slices that whoever asks for a hold may not have: the node and the number.
    pub(crate) left_out: Vec<(u32, u32)>,
    pub(crate) orders: Vec<ModelOrder>,
    pub(crate) rentals: Vec<ModelRental>,
    pub(crate) payouts: Vec<ModelPayout>,
}

/// What a slice is doing, and for whom.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Free,
    Retired,
    Held(usize),
    Rented(usize),
}

pub(crate) struct ModelNode {
    pub(crate) id: u32,
    pub(crate) farmer: u32,
    pub(crate) listing: Listing,
    pub(crate) version: i64,
    pub(crate) dollars: Option<i64>,
    pub(crate) capacity: usize,
    /// How many slices are not offered.
    pub(crate) kept: usize,
    pub(crate) is_up: bool,
    pub(crate) slices: Vec<Slot>,
    /// Whether one rental has all of it.
    pub(crate) is_whole: bool,
    pub(crate) leaves_at: Option<Timestamp>,
    pub(crate) has_left: bool,
}

pub(crate) struct ModelRental {
    /// The number of its id.
    pub(crate) id: u32,
    pub(crate) node: u32,
    pub(crate) slice: Option<u32>,
    pub(crate) slices: u32,
    pub(crate) renter: u32,
    pub(crate) farmer: u32,
    pub(crate) state: RentalState,
    pub(crate) price: Usd,
    pub(crate) price_until: Timestamp,
    pub(crate) started_at: Timestamp,
    pub(crate) ends_at: Timestamp,
    pub(crate) periods: Vec<Period>,
    pub(crate) renewal: Option<(Term, Usd)>,
    /// To whom it is offered, and until when.
    pub(crate) transfer: Option<(u32, Timestamp)>,
}

impl ModelNode {
    fn carried(&self) -> usize {
        self.slices.iter().filter(|slot| **slot != Slot::Retired).count()
    }

    pub(crate) fn is_overfull(&self) -> bool {
        self.carried() > self.capacity
    }

    /// How many slices there are to be, where none is rented or held.
    fn offered(&self) -> usize {
        self.capacity.saturating_sub(self.kept)
    }

    /// Whether it has more slices than its farmer offers.
    pub(crate) fn has_excess(&self) -> bool {
        self.carried() > self.offered()
    }

    fn is_occupied(&self) -> bool {
        self.is_whole
            || self.slices.iter().any(|slot| matches!(slot, Slot::Held(_) | Slot::Rented(_)))
    }

    /// Retires from the highest number down, restores from the lowest up, and makes the rest;
    /// nothing while the whole node is rented.
    pub(crate) fn fit(&mut self) {
        if self.has_left {
            return;
        }
        while !self.is_whole && self.has_excess() {
            let Some(last) = self.slices.iter().rposition(|slot| *slot == Slot::Free) else {
                break;
            };
            self.slices[last] = Slot::Retired;
        }
        while !self.is_whole && self.carried() < self.offered() {
            match self.slices.iter().position(|slot| *slot == Slot::Retired) {
                Some(first) => self.slices[first] = Slot::Free,
                None => self.slices.push(Slot::Free),
            }
        }
    }

    /// The slices as `market::states` prints them.
    pub(crate) fn letters(&self) -> String {
        let letter = |slot: &Slot| match slot {
            Slot::Free => 'a',
            Slot::Retired => '-',
            Slot::Held(_) => 'h',
            Slot::Rented(_) => 'R',
        };
        self.slices.iter().map(letter).collect()
    }

    /// Frees what `is_whose` says.
    pub(crate) fn free(&mut self, is_whose: impl Fn(Slot) -> bool) {
        for slot in &mut self.slices {
            if is_whose(*slot) {
                *slot = Slot::Free;
            }
        }
    }
}

impl Model {
    pub(crate) fn register(&mut self, farmer: u32, node: u32, slices: u32) -> bool {
        if self.nodes.contains_key(&node) {
            return false;
        }
        let capacity = usize::try_from(slices).unwrap();
        let made = ModelNode {
            id: node,
            farmer,
            listing: Listing::Draft,
            version: 1,
            dollars: None,
            capacity,
            kept: 0,
            is_up: true,
            slices: vec![Slot::Free; capacity],
            is_whole: false,
            leaves_at: None,
            has_left: false,
        };
        self.nodes.insert(node, made);
        true
    }

    pub(crate) fn carry(&mut self, node: u32, slices: u32, is_up: bool) {
        if let Some(node) = self.nodes.get_mut(&node) {
            (node.capacity, node.is_up) = (usize::try_from(slices).unwrap(), is_up);
            node.fit();
        }
    }

    /// `None` is a refusal by the schema.
    pub(crate) fn offer(
        &mut self,
        farmer: u32,
        node: u32,
        dollars: Option<i64>,
        (listing, kept): (Listing, u32),
        is_stale: bool,
    ) -> Option<bool> {
        match self.nodes.get_mut(&node) {
            Some(node) if node.farmer == farmer && !is_stale => {
                // While anything is rented or held, the price does not rise at once.
                let stays = node.dollars.filter(|_| node.is_occupied());
                if stays.is_some_and(|price| dollars.is_none_or(|dollars| dollars > price)) {
                    return Some(false);
                }
                dollars?;
                if node.leaves_at.is_some() && listing == Listing::Published {
                    return None;
                }
                (node.dollars, node.listing) = (dollars, listing);
                node.kept = usize::try_from(kept).unwrap();
                node.version += 1;
                node.fit();
                Some(true)
            }
            Some(_) | None => Some(false),
        }
    }

    pub(crate) fn wallet(&self, account: u32) -> Usd {
        self.wallets.get(&account).copied().unwrap_or(Usd::ZERO)
    }

    pub(crate) fn pay(&mut self, account: u32, amount: Usd) {
        let wallet = self.wallet(account);
        self.wallets.insert(account, wallet + amount);
    }

    pub(crate) fn credit(
        &mut self,
        to: u32,
        amount: i64,
        key: u32,
    ) -> Result<String, CreditFailure> {
        match self.credits.get(&key) {
            Some((whose, earlier, after)) if (*whose, *earlier) == (to, amount) => {
                Ok(after.to_string())
            }
            Some(_) => Err(KEY_USED.into()),
            None if !ACCOUNTS.contains(&to) => Err(CreditFailure::NoSuchAccount),
            None => {
                self.pay(to, dollars(amount));
                let after = self.wallet(to);
                self.credits.insert(key, (to, amount, after));
                Ok(after.to_string())
            }
        }
    }

    /// How many slices an account rents.
    pub(crate) fn rented(&self, account: u32) -> u32 {
        let own =
            |rental: &&ModelRental| rental.renter == account && rental.state != RentalState::Ended;
        self.rentals.iter().filter(own).map(|rental| rental.slices).sum()
    }
}
