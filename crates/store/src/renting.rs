//! Renting: a slice, several, or a whole node; from a request or from a quote.

use domain::evaluation;
use domain::id::{AccountId, NodeId, OrderId, QuoteId, RentalId, TokenId};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::node::Refusal;
use domain::order::{
    self, Item, Offer, RentError, RentRequest, Renter, SLICES_PER_ORDER_MAX, Wanted,
};
use domain::outage::Outages;
use domain::period::Period;
use domain::port::Port;
use domain::rental::{self, Market, PRICE_MONTHS, RentalState};
use domain::slice::SliceState;
use domain::template::Template;
use domain::term::Terms;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use serde_json::{Value as Json, json};

use crate::chain::hex;
use crate::db::{Db, StoreError, Value};
use crate::jobs;
use crate::offers::{self, Sort};
use crate::ports;
use crate::quotes::Quote;
use crate::rentals::{Rental, SAVE_ATTEMPTS};
use crate::responses::{self, Intention, StoredResponse};
use crate::row::{row, select};

/// How many nodes of a search are looked at, the cheapest first.
const CANDIDATES_MAX: u32 = 200;

/// What is rented.
#[derive(Clone, Copy, Debug)]
pub enum Basis<'a> {
    /// What fits a request, at the price of now.
    Request(&'a RentRequest),
    /// What a quote says, at its price.
    Quote(&'a Quote),
}

/// An order: what is asked for, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// The id that it gets.
    pub id: OrderId,
    /// The ids that its rentals get: as many as an order may have.
    pub rentals: &'a [RentalId],
    /// What is asked for.
    pub basis: Basis<'a>,
    /// Who asks.
    pub renter: AccountId,
    /// The token that asks, if one does.
    pub token: Option<TokenId>,
    /// Has its response stored; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
    /// What the platform keeps.
    pub platform_fee: Percent,
    /// How many slices an account may rent.
    pub slices_max: u32,
    /// What its machines start with.
    pub setup: &'a Setup,
}

/// What machines start with, where the farm has an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// A public key, one line; `None` for the account's first one.
    pub ssh_key: Option<String>,
    /// A document of ours.
    pub template: Option<Template>,
    /// The renter's own user data, encrypted for each rental in turn; none if it is empty.
    pub sealed: Vec<Vec<u8>>,
    /// What is to be reachable beside SSH.
    pub ports: Vec<Port>,
}

/// Why nothing was rented.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RentFailure {
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] RentError),
    /// The quote was used for another order.
    #[error("this quote was used already; a quote is good once")]
    QuoteUsed,
    /// The quote is over.
    #[error("this quote is over; ask for a new one")]
    QuoteExpired,
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whom a look is for, and what it looks for besides nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RenterContext {
    pub(crate) renter: AccountId,
    pub(crate) token: Option<TokenId>,
    pub(crate) quote: Option<QuoteId>,
    pub(crate) slices_max: u32,
    /// How many free slices of each node it names.
    pub(crate) named_max: u32,
}

/// What is true now, as far as an order or a quote depends on it.
#[derive(Debug)]
pub(crate) struct Seen {
    quote: QuoteState,
    /// How many quotes of the account hold slices, how many, and what these would cost.
    pub(crate) holds: u32,
    pub(crate) held_slices: u32,
    pub(crate) held: Usd,
    pub(crate) renter: Renter,
    pub(crate) offers: Vec<Offer>,
    /// What else is known of the node of each offer.
    details: Vec<Details>,
}

impl Seen {
    /// Chooses the slices of items that name none; with a `start`, somewhere else than the lowest.
    /// `None` if too few are free by now.
    pub(crate) fn assign(&self, items: Vec<Item>, start: Option<u16>) -> Option<Vec<Item>> {
        order::assign(items, |node| self.free(node).to_vec(), start)
    }

    /// The numbers of free slices of a node, from the lowest: as many as the look named.
    pub(crate) fn free(&self, node: NodeId) -> &[u32] {
        self.details(node).map_or(&[], |details| &details.free)
    }

    /// Leaves out slices that were free: those that the account may not hold again.
    pub(crate) fn leave_out(&mut self, slices: &[(NodeId, u32)]) {
        for (offer, details) in self.offers.iter_mut().zip(&mut self.details) {
            let is_left_out = |number: u32| slices.contains(&(offer.node, number));
            let of_node = slices.iter().filter(|(node, _)| *node == offer.node).count();
            let count = u32::try_from(of_node).unwrap_or(u32::MAX).min(offer.available);
            (offer.available, offer.taken) = (offer.available - count, offer.taken + count);
            details.free.retain(|number| !is_left_out(*number));
        }
    }

    fn details(&self, node: NodeId) -> Option<&Details> {
        let mut both = self.offers.iter().zip(&self.details);
        both.find(|(offer, _)| offer.node == node).map(|(_, details)| details)
    }
}

/// What has become of a quote since it was made.
#[derive(Clone, Copy, Debug)]
enum QuoteState {
    Open {
        expires_at: Timestamp,
        is_held: bool,
    },
    Used,
    /// It is over for so long that it was deleted, or there was none.
    Gone,
}

row! {
    /// What an order depends on, with one of its nodes.
    struct Situation {
        quote: Option<KeptQuote>,
        balance: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'wallet' AND owner_id = ?2), 0)",
        spendable: Option<Usd> = "(SELECT ceiling_micros - spent_micros FROM tokens WHERE id = ?3)",
        slices: u32 =
            "(SELECT coalesce(sum(slices), 0) FROM rentals
               WHERE renter_id = ?2 AND state <> 'ended')",
        holds: u32 = "(SELECT count(*) FROM quotes WHERE account_id = ?2 AND held_until > ?4)",
        held_slices: u32 =
            "(SELECT count(*) FROM quotes h JOIN slices s ON s.quote_id = h.id
               WHERE h.account_id = ?2 AND h.held_until > ?4)",
        held: Usd =
            "(SELECT coalesce(sum(document ->> 'total_micros'), 0) FROM quotes
               WHERE account_id = ?2 AND held_until > ?4)",
        /// `None` where there is no such node.
        node: Option<Node>,
    }
}

row! {
    struct KeptQuote {
        is_used: bool = "CASE WHEN q.id IS NOT NULL THEN q.used_at IS NOT NULL END",
        expires_at: Timestamp = "q.expires_at",
        is_held: bool = "q.held_until IS NOT NULL",
    }
}

row! {
    struct Node {
        id: NodeId = "n.id",
        farmer: AccountId = "n.farmer_id",
        farm: i64 = "n.farm_id",
        country: String = "n.country",
        listing: Listing = "n.listing",
        refusal: Option<Refusal> = "n.refusal",
        version: i64 = "n.offer_version",
        price: Option<Usd> = "n.price_micros",
        terms: Terms = "n.terms",
        min_uptime: Uptime = "n.min_uptime",
        min_bandwidth: Bandwidth = "n.min_bandwidth_mbps",
        free: u32 = "n.available_slices",
        reserved: u32 = "n.reserved_slices",
        allocated: u32 = "n.allocated_slices",
        /// Slices that quotes hold beyond their time.
        lapsed: u32 =
            "(SELECT count(*) FROM slices s JOIN quotes h ON h.id = s.quote_id
               WHERE s.node_id = n.id AND s.state = 'reserved' AND h.held_until <= ?4
                 AND n.capacity - n.kept_slices
                     >= n.available_slices + n.reserved_slices + n.allocated_slices)",
        /// The state of the slice that was named.
        slice: Option<SliceState> =
            "(SELECT CASE WHEN h.held_until <= ?4 AND n.capacity - n.kept_slices
                               >= n.available_slices + n.reserved_slices + n.allocated_slices
                          THEN 'available' ELSE s.state END
                FROM slices s LEFT JOIN quotes h ON h.id = s.quote_id
               WHERE s.node_id = n.id AND s.number = w.value ->> 1)",
        is_whole: bool = "n.whole_rental_id IS NOT NULL",
        is_overfull: bool =
            "n.capacity < n.available_slices + n.reserved_slices + n.allocated_slices",
        details: Details,
    }
}

row! {
    /// What a rental shows of its node, and which slices it can have.
    #[derive(Debug)]
    struct Details {
        name: String = "n.name",
        city: String = "n.city",
        leaves_at: Option<Timestamp> = "n.leaves_at",
        observed: u64 = "n.observed",
        observed_up: u64 = "n.observed_up",
        /// The lowest `?6` free slices.
        free: Vec<u32> =
            "(SELECT json_group_array(number)
                FROM (SELECT s.number
                        FROM slices s LEFT JOIN quotes h ON h.id = s.quote_id
                       WHERE s.node_id = n.id
                         AND (s.state = 'available'
                              OR (h.held_until <= ?4 AND n.capacity - n.kept_slices
                                  >= n.available_slices + n.reserved_slices + n.allocated_slices))
                       ORDER BY s.number LIMIT ?6))",
    }
}

impl Node {
    fn offer(self) -> (Offer, Details) {
        let node = self;
        let offer = Offer {
            node: node.id,
            farmer: node.farmer,
            farm: node.farm,
            country: node.country,
            listing: node.listing,
            // Who rents the whole node has it, whatever the grid says of it.
            is_up: node.is_whole || node.refusal.is_none_or(Refusal::is_full),
            version: node.version,
            price: node.price,
            terms: node.terms,
            min_uptime: node.min_uptime,
            min_bandwidth: node.min_bandwidth,
            available: node.free + node.lapsed,
            taken: node.reserved.saturating_sub(node.lapsed) + node.allocated,
            is_overfull: node.is_overfull,
            slice: node.slice,
        };
        (offer, node.details)
    }
}

/// What an order depends on, at one moment: the wallet, and the nodes. `?1` a JSON array of pairs
/// of a node and the number of a slice or NULL, `?2` renter, `?3` token or NULL, `?4` now, `?5`
/// quote or NULL, `?6` how many free slices are named of each node. There is always a row; the
/// columns of a node are NULL where it does not exist. What a quote holds beyond its time is free,
/// except on a node that has more slices than it can carry or its farmer offers: which of them stay
/// is not known yet.
const LOAD: &str = select!(
    Situation,
    "FROM (SELECT 1)
     LEFT JOIN json_each(?1) w
     LEFT JOIN nodes n ON n.id = w.value ->> 0
     LEFT JOIN quotes q ON q.id = ?5
    ORDER BY w.key"
);

pub(crate) fn load(
    db: &dyn Db,
    nodes: &[(NodeId, Option<u32>)],
    context: &RenterContext,
    now: Timestamp,
) -> Result<Seen, StoreError> {
    let nodes: Vec<Json> = nodes.iter().map(|(node, slice)| json!([node.0, slice])).collect();
    let params = [
        Value::Text(Json::from(nodes).to_string()),
        Value::text(context.renter),
        context.token.map(Value::text).into(),
        now.into(),
        context.quote.map(Value::text).into(),
        context.named_max.into(),
    ];
    let mut rows = db.all::<Situation>(LOAD, &params)?;
    let (offers, details) =
        rows.iter_mut().filter_map(|row| row.node.take()).map(Node::offer).unzip();
    let row = rows.into_iter().next().ok_or_else(no_row)?;
    let renter = Renter {
        account: context.renter,
        balance: row.balance,
        spendable: row.spendable,
        slices: row.slices,
        slices_max: context.slices_max,
    };
    let quote = match row.quote {
        None => QuoteState::Gone,
        Some(KeptQuote { is_used: true, .. }) => QuoteState::Used,
        Some(KeptQuote { expires_at, is_held, .. }) => QuoteState::Open { expires_at, is_held },
    };
    let (holds, held_slices, held) = (row.holds, row.held_slices, row.held);
    Ok(Seen { quote, holds, held_slices, held, renter, offers, details })
}

fn no_row() -> StoreError {
    StoreError::Corrupt("what was just there is not".into())
}

/// The nodes that a request is about, each with the slice that was named.
pub(crate) fn candidates(
    db: &dyn Db,
    wanted: &Wanted,
    now: Timestamp,
) -> Result<Vec<(NodeId, Option<u32>)>, StoreError> {
    match wanted {
        Wanted::Slice(slice) => Ok(vec![(slice.node, Some(slice.number))]),
        Wanted::OfNode(node, _) | Wanted::WholeNode(node) => Ok(vec![(*node, None)]),
        Wanted::OnMarket { filter, .. } => {
            let found = offers::nodes(db, filter, Sort::Price, None, CANDIDATES_MAX, now)?;
            Ok(found.into_iter().map(|offer| (offer.node, None)).collect())
        }
    }
}

/// The most slices of a node.
pub(crate) const SLICES_MAX: u32 = 512;

/// How many free slices of each node are to be named for a request: as many as may be taken or,
/// once somebody was faster, all of them.
pub(crate) fn named_max(wanted: &Wanted, attempt: u32) -> u32 {
    match wanted {
        Wanted::Slice(_) => 0,
        Wanted::OfNode(_, count) | Wanted::OnMarket { count, .. } if attempt == 0 => *count,
        Wanted::OfNode(..) | Wanted::OnMarket { .. } | Wanted::WholeNode(_) => SLICES_MAX,
    }
}

/// Where to begin among free slices: with the lowest or, once somebody was faster, somewhere else.
/// An id is random from its tenth byte on.
pub(crate) fn start(id: &[u8; 16], attempt: u32) -> Option<u16> {
    let [.., a, b, c, d] = *id;
    let pairs = [[a, b], [c, d], [b, c], [d, a]];
    let nth = attempt.checked_sub(1)? as usize % pairs.len();
    Some(u16::from_be_bytes(pairs[nth]))
}

/// Decides an order, and changes nothing.
pub fn plan(db: &dyn Db, order: &Order<'_>, now: Timestamp) -> Result<Vec<Item>, RentFailure> {
    decide(db, order, 0, now).map(|(items, _)| items)
}

fn decide(
    db: &dyn Db,
    order: &Order<'_>,
    attempt: u32,
    now: Timestamp,
) -> Result<(Vec<Item>, Seen), RentFailure> {
    let (quote, named_max) = match order.basis {
        Basis::Request(request) => (None, named_max(&request.wanted, attempt)),
        Basis::Quote(quote) if attempt == 0 => (Some(quote.id), SLICES_PER_ORDER_MAX),
        Basis::Quote(quote) => (Some(quote.id), SLICES_MAX),
    };
    let (renter, token, slices_max) = (order.renter, order.token, order.slices_max);
    let context = RenterContext { renter, token, quote, slices_max, named_max };
    let (items, seen) = match order.basis {
        Basis::Request(request) => {
            let seen = load(db, &candidates(db, &request.wanted, now)?, &context, now)?;
            (order::choose(&seen.offers, request, order.renter, order.platform_fee), seen)
        }
        Basis::Quote(quote) => {
            let nodes: Vec<_> = quote.items.iter().map(|item| (item.node, item.slice)).collect();
            let seen = load(db, &nodes, &context, now)?;
            let is_held = matches!(seen.quote, QuoteState::Open { is_held: true, .. });
            let holds = order::still_holds(&quote.items, &seen.offers, is_held);
            (holds.map(|()| quote.items.clone()), seen)
        }
    };
    match (order.basis, seen.quote) {
        (Basis::Request(_), _) => {}
        // One that lasts longer than any was made while a clock was ahead.
        (Basis::Quote(quote), QuoteState::Open { expires_at, .. })
            if (1..=quote.good_seconds()).contains(&expires_at.seconds_since(now)) => {}
        (Basis::Quote(_), QuoteState::Used) => return Err(RentFailure::QuoteUsed),
        (Basis::Quote(_), QuoteState::Open { .. } | QuoteState::Gone) => {
            return Err(RentFailure::QuoteExpired);
        }
    }
    let items = items?;
    order::afford(&items, &seen.renter)?;
    Ok((items, seen))
}

/// Rents what was agreed on; the columns of the command view, in order.
const RENT: &str = "
    INSERT INTO rent
           (id, account_id, total_micros, token_id, quote_id, items, slices_max, evaluate_at,
            late_at, refund_at, seen_after, response, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// What an order made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// The order.
    pub id: OrderId,
    /// Its rentals, as they were made.
    pub rentals: Vec<Rental>,
    /// What was charged.
    pub total: Usd,
}

/// Rents: everything changes hands, is paid and is recorded, with the response that `respond` makes
/// of it; or nothing happens.
pub fn rent(
    db: &dyn Db,
    order: &Order<'_>,
    respond: &dyn Fn(&Ordered) -> StoredResponse,
    now: Timestamp,
) -> Result<StoredResponse, RentFailure> {
    for attempt in 0..SAVE_ATTEMPTS {
        let (items, seen) = decide(db, order, attempt, now)?;
        // Too few are free by now: look again.
        let Some(items) = seen.assign(items, start(order.id.as_bytes(), attempt)) else { continue };
        let ordered = ordered(order, &items, &seen, now)?;
        let response = respond(&ordered);
        match db.run(RENT, &rent_params(order, &items, &response, now)) {
            Ok(_) => return Ok(response),
            // Somebody was faster: look again, and let the decision say why.
            Err(error) if error.is_race() && !error.is_key_used() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// What an order makes, where it finds the market as it was seen.
fn ordered(
    order: &Order<'_>,
    items: &[Item],
    seen: &Seen,
    now: Timestamp,
) -> Result<Ordered, StoreError> {
    let rental = |(item, id): (&Item, &RentalId)| {
        let offer = seen.offers.iter().find(|offer| offer.node == item.node)?;
        let details = seen.details(item.node)?;
        let period = first_period(item, now);
        let life = rental::Rental {
            id: *id,
            version: 1,
            node: item.node,
            slice: item.slice,
            slices: item.slices(),
            renter: order.renter,
            farmer: offer.farmer,
            state: RentalState::Active,
            price: item.price,
            price_until: period.ends_at.plus_months(PRICE_MONTHS),
            started_at: now,
            ends_at: period.ends_at,
            ended_at: None,
            periods: vec![period],
            outages: Outages::NONE,
        };
        Some(Rental {
            life,
            min_uptime: item.min_uptime,
            min_bandwidth: item.min_bandwidth,
            name: String::new(),
            labels: Vec::new(),
            renewal: None,
            auto_start: false,
            node_name: details.name.clone(),
            country: offer.country.clone(),
            city: details.city.clone(),
            observed: details.observed,
            observed_up: details.observed_up,
            market: Market {
                listing: offer.listing,
                price: offer.price,
                leaves_at: details.leaves_at,
            },
            machines: Vec::new(),
        })
    };
    let rentals: Option<Vec<Rental>> = items.iter().zip(order.rentals).map(rental).collect();
    Ok(Ordered { id: order.id, rentals: rentals.ok_or_else(no_row)?, total: order::total(items) })
}

fn rent_params(
    order: &Order<'_>,
    items: &[Item],
    response: &StoredResponse,
    now: Timestamp,
) -> [Value; 13] {
    let quote = match order.basis {
        Basis::Request(_) => None,
        Basis::Quote(quote) => Some(quote.id),
    };
    let items_json: Vec<Json> = items
        .iter()
        .zip(order.rentals)
        .enumerate()
        .map(|(nth, (item, rental))| {
            let mut json = item_json(item, *rental, now);
            let Setup { ssh_key, template, sealed, ports } = order.setup;
            json["ssh_key"] = ssh_key.as_deref().into();
            json["template"] = template.map(|template| template.name).into();
            json["template_version"] = template.map(|template| template.version).into();
            json["ports"] = ports::pairs(ports);
            json["user_data"] = sealed.get(nth).map(|sealed| hex(sealed)).into();
            json
        })
        .collect();
    let [late_at, refund_at, seen_after] = jobs::creation_times(now);
    [
        Value::text(order.id),
        Value::text(order.renter),
        order::total(items).micros().into(),
        order.token.map(Value::text).into(),
        quote.map(Value::text).into(),
        Value::Text(Json::from(items_json).to_string()),
        order.slices_max.into(),
        evaluation::settled_at(now).into(),
        late_at,
        refund_at,
        seen_after,
        responses::column(order.intention, response),
        now.into(),
    ]
}

/// The term that an item pays for.
fn first_period(item: &Item, now: Timestamp) -> Period {
    Period {
        number: 1,
        months: item.term.months(),
        price: item.price,
        total: item.total,
        fee: item.fee,
        earned: Usd::ZERO,
        refunded: Usd::ZERO,
        starts_at: now,
        ends_at: now.plus_months(item.term.months()),
    }
}

fn item_json(item: &Item, rental: RentalId, now: Timestamp) -> Json {
    let period = first_period(item, now);
    let ends_at = period.ends_at;
    json!({
        "rental": rental.to_string(),
        "node": item.node.0,
        "slice": item.slice,
        "whole": item.whole,
        "version": item.offer_version,
        "price": item.price.micros(),
        "months": item.term.months(),
        "total": item.total.micros(),
        "fee": item.fee.micros(),
        "ends_at": ends_at.seconds(),
        "price_until": ends_at.plus_months(PRICE_MONTHS).seconds(),
        "earns_at": period.earns_next(now).map(Timestamp::seconds),
        "min_uptime": item.min_uptime.hundredths(),
        "min_bandwidth": item.min_bandwidth.mbps(),
    })
}
