//! Requests to rent, and the decision: which slices, at what price.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::{self, Vec};

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::booking::{Booking, BookingKind, LedgerAccount};
use crate::field::FieldError;
use crate::id::{AccountId, NodeId, RentalId, SliceId};
use crate::listing::Listing;
use crate::money::{Percent, Usd};
use crate::slice::SliceState;
use crate::term::{Term, Terms};
use crate::uptime::{Bandwidth, Uptime};

/// How many slices one order takes at most.
pub const SLICES_PER_ORDER_MAX: u32 = 50;

/// How long a quote is good, and holds what it holds.
///
/// Seconds: five minutes.
pub const QUOTE_SECONDS: i64 = 300;

/// How many quotes of one account may hold slices at once: holding costs nothing.
pub const HOLDS_MAX: u32 = 3;

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

/// Why something could not be rented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RentError {
    /// The node does not exist, or is not shown to this renter.
    #[error("this node is not on the market")]
    NoSuchNode,
    /// The node has no slice of that number.
    #[error("this node has no such slice")]
    NoSuchSlice,
    /// The node is paused.
    #[error("this node is no longer on the market; choose another node")]
    NotOffered,
    /// The node is down, or cannot run slices for another reason.
    #[error("this node is not running; choose another node, or try again once it is back up")]
    NodeDown,
    /// The slice is held by somebody else.
    #[error("this slice is no longer available; choose another slice")]
    SliceTaken,
    /// Fewer slices are free than were asked for.
    #[error("you asked for {wanted} slices, but only {free} are free; choose others")]
    SoldOut {
        /// How many were asked for.
        wanted: u32,
        /// How many are free, as far as they fit.
        free: u32,
    },
    /// The price or the SLA is not the one that the renter saw.
    #[error("the offer has changed since you opened it; review the current offer")]
    OfferChanged,
    /// The price is above what the renter pays at most.
    #[error("a slice now costs ${price} per month, above your maximum of ${max}")]
    AboveMaxPrice {
        /// Per slice and month.
        price: Usd,
        /// The renter's ceiling.
        max: Usd,
    },
    /// The farmer does not offer this term.
    #[error("this node is not offered for {0} months; choose another term")]
    TermNotOffered(u32),
    /// Renter and farmer are the same account.
    #[error("you can't rent slices of your own node")]
    OwnSlice,
    /// The wallet does not hold the total.
    #[error("your balance is ${missing} short of the total of ${total}; add credit and try again")]
    InsufficientFunds {
        /// The total of the term.
        total: Usd,
        /// What the wallet lacks of it.
        missing: Usd,
    },
    /// The token that asks may not spend the total.
    #[error("this token can spend only ${left} more, and the total is ${total}; use another token")]
    OverSpendingLimit {
        /// The total of the term.
        total: Usd,
        /// What the token may still spend.
        left: Usd,
    },
    /// The account holds as many quotes as it may.
    #[error("you can hold slices with at most {0} quotes at a time; use or release one")]
    TooManyHolds(u32),
    /// The account would rent more slices than it may.
    #[error(
        "an account can rent at most {max} slices, and you have {slices}; ask the operator for a \
         higher limit"
    )]
    OverLimit {
        /// How many it rents.
        slices: u32,
        /// How many it may rent.
        max: u32,
    },
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

/// The key by which a renter's program marks one intention, so that a retry has no second effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, in bytes.
    const LENGTH_MAX: usize = 128;

    /// Reads a key of visible ASCII characters.
    pub fn parse(text: &str) -> Result<IdempotencyKey, FieldError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > IdempotencyKey::LENGTH_MAX || !visible {
            return Err(IdempotencyKey::wrong());
        }
        Ok(IdempotencyKey(text.into()))
    }

    /// What is said of a key that is not allowed.
    pub fn wrong() -> FieldError {
        let rule = "one key of 1 to 128 visible ASCII characters, such as a UUID";
        FieldError::new("Idempotency-Key", rule)
    }

    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;
    use crate::time::Timestamp;

    const NODE: NodeId = NodeId(32);

    fn account(byte: u8) -> AccountId {
        AccountId::from_random(Timestamp::from_seconds(1_795_367_321), [byte; 10])
    }

    fn usd(text: &str) -> Usd {
        Usd::parse("amount", text).unwrap()
    }

    fn offer(node: u32) -> Offer {
        Offer {
            node: NodeId(node),
            farmer: account(1),
            farm: i64::from(node / 10),
            country: "Belgium".into(),
            listing: Listing::Published,
            is_up: true,
            version: 4,
            price: Some(usd("25")),
            terms: Terms::ALL,
            min_uptime: Uptime::FULL,
            min_bandwidth: Bandwidth::from_mbps(100),
            available: 3,
            taken: 2,
            is_overfull: false,
            slice: Some(SliceState::Available),
        }
    }

    fn request(wanted: Wanted) -> RentRequest {
        RentRequest { wanted, term: Term::Quarter, offer_version: Some(4), max_price: None }
    }

    fn decide(offers: &[Offer], request: &RentRequest) -> Result<Vec<Item>, RentError> {
        choose(offers, request, account(2), Percent::whole(10))
    }

    fn renter() -> Renter {
        Renter {
            account: account(2),
            balance: usd("100"),
            spendable: None,
            slices: 4,
            slices_max: 5,
        }
    }

    #[test]
    fn three_months_at_25_dollars_cost_71_25() {
        let items = decide(&[offer(32)], &request(Wanted::OfNode(NODE, 2))).unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].total, usd("71.25"));
        assert_eq!(items[0].fee, usd("7.12"), "10 % is 7.125, and half rounds to even");
        assert_eq!(total(&items), usd("142.50"));
    }

    #[test]
    fn a_whole_node_is_one_rental_of_all_its_slices() {
        let node = Offer { taken: 0, ..offer(32) };
        let items = decide(&[node], &request(Wanted::WholeNode(NODE))).unwrap();
        assert_eq!((items.len(), items[0].slices(), items[0].total), (1, 3, usd("213.75")));
    }

    #[track_caller]
    fn check_refused(expected: RentError, change: fn(&mut Offer, &mut RentRequest)) {
        let (mut offer, mut request) = (offer(32), request(Wanted::OfNode(NODE, 1)));
        change(&mut offer, &mut request);
        assert_eq!(decide(&[offer], &request), Err(expected));
    }

    const SLICE: Wanted = Wanted::Slice(SliceId { node: NODE, number: 7 });

    #[test]
    fn each_refusal_has_its_reason() {
        let check = check_refused;
        check(RentError::NoSuchNode, |offer, _| offer.listing = Listing::Draft);
        check(RentError::NoSuchNode, |offer, _| offer.price = None);
        check(RentError::NotOffered, |offer, _| offer.listing = Listing::Paused);
        check(RentError::OwnSlice, |offer, _| offer.farmer = account(2));
        check(RentError::OfferChanged, |_, request| request.offer_version = Some(3));
        check(RentError::TermNotOffered(3), |offer, _| {
            offer.terms = Terms::of([Term::Month, Term::Year]).unwrap();
        });
        let (price, max) = (usd("25"), usd("24.99"));
        check(RentError::AboveMaxPrice { price, max }, |_, request| {
            request.max_price = Some(usd("24.99"));
        });
        check(RentError::SoldOut { wanted: 1, free: 0 }, |offer, _| offer.available = 0);
        check(RentError::SoldOut { wanted: 4, free: 3 }, |_, request| {
            request.wanted = Wanted::OfNode(NODE, 4);
        });
        check(RentError::SoldOut { wanted: 5, free: 3 }, |_, request| {
            request.wanted = Wanted::WholeNode(NODE);
        });
        check(RentError::NodeDown, |offer, _| (offer.available, offer.is_up) = (0, false));
        check(RentError::NodeDown, |offer, request| {
            (offer.available, offer.is_up) = (0, false);
            (offer.slice, request.wanted) = (Some(SliceState::Retired), SLICE);
        });
        check(RentError::NoSuchSlice, |offer, request| {
            (offer.slice, request.wanted) = (None, SLICE);
        });
        for state in [SliceState::Allocated, SliceState::Reserved, SliceState::Retired] {
            let mut offer = offer(32);
            offer.slice = Some(state);
            assert_eq!(decide(&[offer], &request(SLICE)), Err(RentError::SliceTaken));
        }
        assert_eq!(decide(&[], &request(SLICE)), Err(RentError::NoSuchNode));
    }

    #[test]
    fn what_cannot_be_paid_is_refused() {
        let items = decide(&[offer(32)], &request(Wanted::OfNode(NODE, 1))).unwrap();
        let afford = |change: fn(&mut Renter)| {
            let mut renter = renter();
            change(&mut renter);
            super::afford(&items, &renter)
        };
        assert_eq!(afford(|_| ()), Ok(()));
        let (total, missing) = (usd("71.25"), usd("0.01"));
        let poor = RentError::InsufficientFunds { total, missing };
        assert_eq!(afford(|renter| renter.balance = usd("71.24")), Err(poor));
        let over = RentError::OverSpendingLimit { total, left: usd("71") };
        assert_eq!(afford(|renter| renter.spendable = Some(usd("71"))), Err(over));
        let over = RentError::OverLimit { slices: 5, max: 5 };
        assert_eq!(afford(|renter| renter.slices = 5), Err(over));
    }

    /// The nodes that `count` slices are spread over.
    fn spread(count: u32, spread: Spread) -> Result<Vec<u32>, RentError> {
        let country = |node, country: &str, available| Offer {
            country: country.into(),
            available,
            ..offer(node)
        };
        let offers = [
            country(10, "Belgium", 2),
            country(11, "belgium", 3),
            country(20, "Belgium", 5),
            country(30, "", 1),
            country(31, "Austria", 1),
            Offer { farmer: account(2), ..offer(41) },
            Offer { is_up: false, ..offer(42) },
        ];
        let filter = Filter::default();
        let request = RentRequest {
            offer_version: None,
            ..request(Wanted::OnMarket { filter, count, spread })
        };
        let items = decide(&offers, &request)?;
        Ok(items.iter().map(|item| item.node.0).collect())
    }

    #[test]
    fn slices_are_spread_as_wanted() {
        let sold_out = |wanted, free| Err(RentError::SoldOut { wanted, free });
        assert_eq!(spread(4, Spread::Any), Ok(alloc::vec![10, 10, 11, 11]));
        assert_eq!(spread(13, Spread::Any), sold_out(13, 12));
        assert_eq!(spread(3, Spread::SameNode), Ok(alloc::vec![11, 11, 11]));
        assert_eq!(spread(6, Spread::SameNode), sold_out(6, 0));
        assert_eq!(spread(3, Spread::Nodes), Ok(alloc::vec![10, 11, 20]));
        assert_eq!(spread(6, Spread::Nodes), sold_out(6, 5));
        assert_eq!(spread(3, Spread::Farms), Ok(alloc::vec![10, 20, 30]));
        assert_eq!(spread(4, Spread::Farms), sold_out(4, 3));
        assert_eq!(spread(2, Spread::Countries), Ok(alloc::vec![10, 31]));
        assert_eq!(spread(3, Spread::Countries), sold_out(3, 2));
        for &spread in Spread::VARIANTS {
            assert_eq!(spread.into_str().parse(), Ok(spread));
        }
    }

    #[test]
    fn slices_are_the_lowest_free_ones_or_random_ones() {
        let numbers = |wanted, start| {
            let items = decide(&[offer(32)], &request(wanted)).unwrap();
            let free = |node| if node == NODE { alloc::vec![2, 5, 7] } else { Vec::new() };
            let items = assign(items, free, start)?;
            Some(items.iter().map(|item| item.slice).collect::<Vec<_>>())
        };
        let two = || Wanted::OfNode(NODE, 2);
        assert_eq!(numbers(two(), None), Some(alloc::vec![Some(2), Some(5)]));
        assert_eq!(numbers(two(), Some(302)), Some(alloc::vec![Some(7), Some(2)]));
        assert_eq!(numbers(SLICE, Some(1)), Some(alloc::vec![Some(7)]), "it was named");
        let items = decide(&[offer(32)], &request(two())).unwrap();
        assert_eq!(assign(items.clone(), |_| alloc::vec![1], None), None);
        assert_eq!(assign(items, |_| Vec::new(), Some(1)), None);
        let whole = decide(&[Offer { taken: 0, ..offer(32) }], &request(Wanted::WholeNode(NODE)));
        assert_eq!(assign(whole.clone().unwrap(), |_| Vec::new(), None), whole.ok());
    }

    #[test]
    fn keys_are_short_and_visible() {
        assert!(IdempotencyKey::parse("0199f0a0-7e2b").is_ok());
        for text in ["", "a b", "ä", "a\n", &"x".repeat(129)] {
            assert!(IdempotencyKey::parse(text).is_err(), "{text}");
        }
        assert_eq!(RentError::NoSuchSlice.to_string(), "this node has no such slice");
    }

    proptest! {
        #[test]
        fn no_node_gives_more_than_it_has(
            free in prop::collection::vec((0..6_u32, 0..3_i64), 0..6),
            count in 1..12_u32,
            spread in prop::sample::select(Spread::VARIANTS),
        ) {
            let offers: Vec<Offer> = (1..)
                .zip(&free)
                .map(|(node, (available, farm))| Offer {
                    available: *available, farm: *farm, ..offer(node)
                })
                .collect();
            let filter = Filter::default();
            let request = request(Wanted::OnMarket { filter, count, spread });
            if let Ok(items) = decide(&offers, &request) {
                prop_assert_eq!(u32::try_from(items.len()).unwrap(), count);
                for offer in &offers {
                    let taken = items.iter().filter(|item| item.node == offer.node).count();
                    prop_assert!(taken <= offer.available as usize);
                }
            }
        }
    }
}
