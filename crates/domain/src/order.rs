//! Requests to rent, and the decision: which slices, at what price.

mod error;
mod idempotency_key;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::{self, Vec};

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::booking::{Booking, BookingKind, LedgerAccount};
use crate::id::{AccountId, NodeId, RentalId, SliceId};
use crate::listing::Listing;
use crate::money::{Percent, Usd};
use crate::place::Places;
use crate::slice::SliceState;
use crate::term::{Term, Terms};
use crate::uptime::{Bandwidth, Uptime};

pub use self::error::RentError;
pub use self::idempotency_key::IdempotencyKey;

/// How many slices one order takes at most.
pub const SLICES_PER_ORDER_MAX: u32 = 50;

/// How long a quote is good, and holds what it holds.
///
/// Seconds: five minutes.
pub const QUOTE_SECONDS: i64 = 300;

/// How many quotes of one account may hold slices at once: holding costs nothing.
pub const HOLDS_MAX: u32 = 3;

/// How often an account may hold the same slice within `HOLDS_SECONDS` without renting it: for a
/// quarter of an hour in all.
pub const HOLDS_OF_SLICE_MAX: u32 = 3;

/// Seconds: a day.
pub const HOLDS_SECONDS: i64 = 86_400;

/// What a search is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The country's English name, in any case.
    pub country: Option<String>,
    /// The highest price per slice and month.
    pub max_price: Option<Usd>,
    /// The lowest guaranteed uptime.
    pub min_uptime: Option<Uptime>,
    /// The lowest guaranteed bandwidth.
    pub min_bandwidth: Option<Bandwidth>,
    /// Whether only certified hardware counts.
    pub certified_only: bool,
    /// Whether only farms count whose agent sets machines up.
    pub automatic_setup: bool,
    /// Only farms whose farmer has shown that they own it.
    pub verified_farm: bool,
    /// The fewest free slices on one node.
    pub min_free: Option<u32>,
    /// The uptime that a node has shown at least, by everything that was observed of it.
    pub min_measured: Option<Uptime>,
    /// The term that it must be offered for.
    pub term: Option<Term>,
    /// Where it may be; `None` for everywhere.
    pub places: Option<Places>,
}

/// A part of a filter that can be taken back alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum Condition {
    /// The highest price.
    MaxPrice,
    /// The lowest guaranteed uptime.
    MinUptime,
    /// The lowest guaranteed bandwidth.
    MinBandwidth,
    /// Certified hardware.
    Certified,
    /// Farms with an agent.
    AutomaticSetup,
    /// Verified farms.
    VerifiedFarm,
    /// The fewest free slices.
    MinFree,
    /// The lowest measured uptime.
    MinMeasured,
    /// The term.
    Term,
    /// The places.
    Places,
}

/// How several slices lie to each other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Spread {
    /// The cheapest ones, wherever they are.
    #[default]
    Any,
    /// All on one node.
    SameNode,
    /// Each on another node.
    #[strum(serialize = "different-nodes")]
    Nodes,
    /// Each on a node of another farm.
    #[strum(serialize = "different-farms")]
    Farms,
    /// Each in another country.
    #[strum(serialize = "different-countries")]
    Countries,
}

/// What a renter wants to have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// This slice.
    Slice(SliceId),
    /// So many free slices of a node.
    OfNode(NodeId, u32),
    /// So many free slices of whatever fits.
    OnMarket {
        /// What fits.
        filter: Filter,
        /// How many.
        count: u32,
        /// How they lie to each other.
        spread: Spread,
    },
    /// Every slice of a node, as one rental.
    WholeNode(NodeId),
}

impl Wanted {
    /// The node, where one was named.
    pub fn node(&self) -> Option<NodeId> {
        match self {
            Wanted::Slice(slice) => Some(slice.node),
            Wanted::OfNode(node, _) | Wanted::WholeNode(node) => Some(*node),
            Wanted::OnMarket { .. } => None,
        }
    }
}

/// A request to rent, or for a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RentRequest {
    /// What.
    pub wanted: Wanted,
    /// How long.
    pub term: Term,
    /// The version of the offer that the renter saw; `None` takes the offer as it is now.
    pub offer_version: Option<i64>,
    /// The highest price per slice and month that the renter pays.
    pub max_price: Option<Usd>,
}

/// What a node offers now, as far as a request to rent depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The node.
    pub node: NodeId,
    /// Who owns it.
    pub farmer: AccountId,
    /// Its farm's number on the grid.
    pub farm: i64,
    /// Its country.
    pub country: String,
    /// Whether it is on the market.
    pub listing: Listing,
    /// Whether it could run slices now.
    pub is_up: bool,
    /// Counts the changes of price and SLA.
    pub version: i64,
    /// Per slice and month; `None` where the farmer has set none.
    pub price: Option<Usd>,
    /// The terms that it is offered for.
    pub terms: Terms,
    /// The SLA.
    pub min_uptime: Uptime,
    /// The SLA.
    pub min_bandwidth: Bandwidth,
    /// Free slices.
    pub available: u32,
    /// Slices that quotes or rentals hold.
    pub taken: u32,
    /// Whether it has more slices than it can carry now.
    pub is_overfull: bool,
    /// The state of the slice that was asked for, if one was and it exists.
    pub slice: Option<SliceState>,
}

/// Who asks, and what they may spend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renter {
    /// The account.
    pub account: AccountId,
    /// What the wallet holds.
    pub balance: Usd,
    /// What the token that asks may still spend; `None` where nothing limits it.
    pub spendable: Option<Usd>,
    /// How many slices the account rents.
    pub slices: u32,
    /// How many it may rent.
    pub slices_max: u32,
}

/// A rental to be: what of which node, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// The node.
    pub node: NodeId,
    /// The slice's number; `None` for any free one, or for the whole node.
    pub slice: Option<u32>,
    /// How many slices, where the whole node is rented.
    pub whole: Option<u32>,
    /// The version of the offer that was agreed to.
    pub offer_version: i64,
    /// Per slice and month, before the discount.
    pub price: Usd,
    /// For how long.
    pub term: Term,
    /// What is charged, for the whole term.
    pub total: Usd,
    /// What of it the platform keeps.
    pub fee: Usd,
    /// The SLA as sold.
    pub min_uptime: Uptime,
    /// The SLA as sold.
    pub min_bandwidth: Bandwidth,
}

impl Item {
    /// How many slices are paid for.
    pub fn slices(&self) -> u32 {
        self.whole.unwrap_or(1)
    }

    /// What renting it would book: the rental has no id yet.
    pub fn booking(&self, renter: AccountId) -> Option<Booking> {
        Booking::new(
            BookingKind::Rental,
            String::new(),
            match (self.slice, self.whole) {
                (Some(number), _) => alloc::format!("Rental of {}_slice_{number}", self.node),
                (None, Some(_)) => alloc::format!("Rental of {}, the whole node", self.node),
                (None, None) => alloc::format!("Rental of a free slice of {}", self.node),
            },
            LedgerAccount::Wallet(renter),
            &[(LedgerAccount::Escrow(RentalId::from_bytes([0; 16])), self.total)],
        )
    }
}

/// What all of it costs.
pub fn total(items: &[Item]) -> Usd {
    items.iter().fold(Usd::ZERO, |sum, item| sum + item.total)
}

/// Chooses what is rented, of `offers` in the order of preference, and prices it.
pub fn choose(
    offers: &[Offer],
    request: &RentRequest,
    renter: AccountId,
    platform_fee: Percent,
) -> Result<Vec<Item>, RentError> {
    let price_of = |offer: &Offer| Some(priced(offer, request, platform_fee));
    match &request.wanted {
        Wanted::OnMarket { count, spread, .. } => {
            let fit = |offer: &&Offer| {
                offer.farmer != renter && check(offer, request, renter).is_ok() && offer.is_up
            };
            let fitting: Vec<&Offer> = offers.iter().filter(fit).collect();
            let chosen = spread_over(&fitting, *count, *spread)?;
            Ok(chosen.into_iter().filter_map(price_of).flatten().collect())
        }
        Wanted::Slice(_) | Wanted::OfNode(..) | Wanted::WholeNode(_) => {
            let offer = offers.first().ok_or(RentError::NoSuchNode)?;
            check(offer, request, renter)?;
            let count = free(offer, &request.wanted)?;
            let item = priced(offer, request, platform_fee).ok_or(RentError::NoSuchNode)?;
            Ok(alloc::vec![item; count as usize])
        }
    }
}

/// Chooses the slices of items that name none, of those that are `free` on their node, in order:
/// the lowest ones or, with a `start`, those from a random one on. `None` where too few are free.
pub fn assign(
    mut items: Vec<Item>,
    free: impl Fn(NodeId) -> Vec<u32>,
    start: Option<u16>,
) -> Option<Vec<Item>> {
    let mut of_nodes: BTreeMap<u32, vec::IntoIter<u32>> = BTreeMap::new();
    for item in items.iter_mut().filter(|item| item.slice.is_none() && item.whole.is_none()) {
        let numbers =
            of_nodes.entry(item.node.0).or_insert_with(|| in_order(free(item.node), start));
        item.slice = Some(numbers.next()?);
    }
    Some(items)
}

/// The numbers of free slices in the order in which they are tried: from the lowest or, with a
/// `start`, from a random one on.
pub(crate) fn in_order(mut free: Vec<u32>, start: Option<u16>) -> vec::IntoIter<u32> {
    let start = usize::from(start.unwrap_or(0)).checked_rem(free.len());
    free.rotate_left(start.unwrap_or(0));
    free.into_iter()
}

/// Refuses items of an earlier quote that cannot be had at its price any more. What is held for the
/// quote has its price, whatever the farmer does meanwhile; the rest is as the market is now.
pub fn still_holds(items: &[Item], offers: &[Offer], is_held: bool) -> Result<(), RentError> {
    for item in items {
        let same = |other: &&Item| other.node == item.node && other.slice.is_none();
        let wanted = u32::try_from(items.iter().filter(same).count()).unwrap_or(u32::MAX);
        let mut of_node = offers.iter().filter(|offer| offer.node == item.node);
        let offer = match item.slice {
            // Each named slice of a node has a row of its own, in the order of the items.
            Some(_) => offers.iter().zip(items).find(|(_, other)| *other == item).map(|(o, _)| o),
            None => of_node.next(),
        };
        let offer = offer.ok_or(RentError::NoSuchNode)?;
        if is_held {
            if offer.is_overfull || !offer.is_up {
                return Err(RentError::NodeDown);
            }
            // Slices that came meanwhile are not part of what was quoted as the whole node.
            if item.whole.is_some_and(|slices| slices != offer.available + offer.taken) {
                return Err(RentError::OfferChanged);
            }
            continue;
        }
        match offer.listing {
            Listing::Published if offer.version == item.offer_version => {}
            Listing::Published => return Err(RentError::OfferChanged),
            Listing::Draft | Listing::Paused => return Err(RentError::NotOffered),
        }
        let wanted = match (item.slice, item.whole) {
            (Some(number), _) => Wanted::Slice(SliceId { node: item.node, number }),
            (None, Some(_)) => Wanted::WholeNode(item.node),
            (None, None) => Wanted::OfNode(item.node, wanted),
        };
        free(offer, &wanted)?;
        if item.whole.is_some_and(|slices| slices != offer.available) {
            return Err(RentError::OfferChanged);
        }
    }
    Ok(())
}

/// Refuses more slices than an account may rent: it rents `slices` so far, and would rent so many
/// `more`.
pub fn fit(slices: u32, more: u32, max: u32) -> Result<(), RentError> {
    if slices.saturating_add(more) > max {
        return Err(RentError::OverLimit { slices, max });
    }
    Ok(())
}

/// Refuses what the renter cannot pay, or may not have.
pub fn afford(items: &[Item], renter: &Renter) -> Result<(), RentError> {
    let more = items.iter().fold(0, |sum, item| sum + item.slices());
    fit(renter.slices, more, renter.slices_max)?;
    pay(total(items), renter.balance, renter.spendable)
}

/// Refuses to hold what the renter could not pay besides all that they hold for `held` already, or
/// may not have besides these `slices`.
pub fn hold(items: &[Item], renter: &Renter, held: Usd, slices: u32) -> Result<(), RentError> {
    let (balance, slices) = (renter.balance - held, renter.slices.saturating_add(slices));
    afford(items, &Renter { balance, slices, ..*renter })
}

/// Refuses a total that the wallet does not hold, or that the token may not spend.
pub fn pay(total: Usd, balance: Usd, spendable: Option<Usd>) -> Result<(), RentError> {
    if balance < total {
        return Err(RentError::InsufficientFunds { total, missing: total - balance });
    }
    match spendable {
        Some(left) if left < total => Err(RentError::OverSpendingLimit { total, left }),
        Some(_) | None => Ok(()),
    }
}

/// Refuses an offer that is not one to this renter, or not what was seen.
fn check(offer: &Offer, request: &RentRequest, renter: AccountId) -> Result<(), RentError> {
    let price = price_for(offer, request.offer_version, renter)?;
    if !offer.terms.has(request.term) {
        return Err(RentError::TermNotOffered(request.term.months()));
    }
    match request.max_price {
        Some(max) if price > max => Err(RentError::AboveMaxPrice { price, max }),
        Some(_) | None => Ok(()),
    }
}

/// What an offer costs this renter per slice and month, if it is one to them and what was seen.
pub(crate) fn price_for(
    offer: &Offer,
    seen: Option<i64>,
    renter: AccountId,
) -> Result<Usd, RentError> {
    let Some(price) = offer.price else { return Err(RentError::NoSuchNode) };
    match offer.listing {
        Listing::Draft => return Err(RentError::NoSuchNode),
        Listing::Paused => return Err(RentError::NotOffered),
        Listing::Published => {}
    }
    if offer.farmer == renter {
        return Err(RentError::OwnSlice);
    }
    if seen.is_some_and(|version| version != offer.version) {
        return Err(RentError::OfferChanged);
    }
    Ok(price)
}

/// How many rentals a request for one node makes, if it has what is wanted.
pub(crate) fn free(offer: &Offer, wanted: &Wanted) -> Result<u32, RentError> {
    let is_down = offer.available == 0 && !offer.is_up;
    let sold_out = |wanted| RentError::SoldOut { wanted, free: offer.available };
    match wanted {
        Wanted::Slice(_) => match offer.slice {
            Some(SliceState::Available) => Ok(1),
            Some(SliceState::Retired) if is_down => Err(RentError::NodeDown),
            Some(SliceState::Reserved | SliceState::Allocated | SliceState::Retired) => {
                Err(RentError::SliceTaken)
            }
            None => Err(RentError::NoSuchSlice),
        },
        Wanted::OfNode(..) | Wanted::WholeNode(_) if is_down => Err(RentError::NodeDown),
        Wanted::OfNode(_, count) if offer.available >= *count => Ok(*count),
        Wanted::OfNode(_, count) => Err(sold_out(*count)),
        Wanted::WholeNode(_) if offer.available > 0 && offer.taken == 0 => Ok(1),
        Wanted::WholeNode(_) => Err(sold_out(offer.available + offer.taken)),
        Wanted::OnMarket { .. } => Ok(0),
    }
}

/// Spreads `count` slices over offers, the first ones preferred: the node of each slice.
fn spread_over<'a>(
    offers: &[&'a Offer],
    count: u32,
    spread: Spread,
) -> Result<Vec<&'a Offer>, RentError> {
    let mut chosen: Vec<&Offer> = Vec::new();
    for &offer in offers {
        let missing = count - u32::try_from(chosen.len()).unwrap_or(count);
        let is_new = |same: fn(&Offer, &Offer) -> bool| !chosen.iter().any(|c| same(c, offer));
        let take = match spread {
            Spread::Any => offer.available.min(missing),
            Spread::SameNode if offer.available >= count => missing,
            Spread::SameNode => 0,
            Spread::Nodes => offer.available.min(missing).min(1),
            Spread::Farms => u32::from(missing > 0 && is_new(|a, b| a.farm == b.farm)),
            Spread::Countries => {
                let is_known = !offer.country.is_empty();
                u32::from(missing > 0 && is_known && is_new(same_place))
            }
        };
        chosen.extend((0..take.min(offer.available)).map(|_| offer));
    }
    match u32::try_from(chosen.len()) {
        Ok(free) if free < count => Err(RentError::SoldOut { wanted: count, free }),
        Ok(_) | Err(_) => Ok(chosen),
    }
}

fn same_place(a: &Offer, b: &Offer) -> bool {
    a.country.eq_ignore_ascii_case(&b.country)
}

/// What one rental of an offer costs; `None` where it has no price.
fn priced(offer: &Offer, request: &RentRequest, platform_fee: Percent) -> Option<Item> {
    let price = offer.price?;
    let (slice, whole) = match &request.wanted {
        Wanted::Slice(slice) => (Some(slice.number), None),
        Wanted::OfNode(..) | Wanted::OnMarket { .. } => (None, None),
        Wanted::WholeNode(_) => (None, Some(offer.available)),
    };
    let total = request.term.total(price.times(whole.unwrap_or(1)));
    Some(Item {
        node: offer.node,
        slice,
        whole,
        offer_version: offer.version,
        price,
        term: request.term,
        total,
        fee: total.percent(platform_fee).to_cents(),
        min_uptime: offer.min_uptime,
        min_bandwidth: offer.min_bandwidth,
    })
}

#[cfg(test)]
mod tests;
