//! Renting: a slice, several, or a whole node; from a request or from a quote.

use domain::id::{AccountId, NodeId, OrderId, QuoteId, RentalId, TokenId};
use domain::level;
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::node::Refusal;
use domain::order::{self, IdempotencyKey, Item, Offer, RentError, RentRequest, Renter, Wanted};
use domain::period::Period;
use domain::promise::{Bandwidth, Uptime};
use domain::rental::{PRICE_MONTHS, RentalState};
use domain::slice::SliceState;
use domain::template::Template;
use domain::term::Terms;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::chain::hex;
use crate::db::{Db, StoreError, Value};
use crate::jobs;
use crate::offers::{self, Sort};
use crate::quotes::Quote;
use crate::rentals::{Rental, SAVE_ATTEMPTS};
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
    /// Marks the intention.
    pub key: &'a IdempotencyKey,
    /// SHA-256 of the request, to tell a retry from another request with the same key.
    pub request_hash: [u8; 32],
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
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request; use a new key")]
    KeyReused,
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Whom a look is for, and what it looks for besides nodes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) renter: AccountId,
    pub(crate) token: Option<TokenId>,
    pub(crate) key: Option<&'a str>,
    pub(crate) quote: Option<QuoteId>,
    pub(crate) slices_max: u32,
}

/// What is true now, as far as an order or a quote depends on it.
#[derive(Debug)]
pub(crate) struct Seen {
    /// The order of this key and its hash, if there is one.
    earlier: Option<(OrderId, Vec<u8>)>,
    quote: QuoteState,
    /// How many quotes of the account hold slices.
    pub(crate) holds: u32,
    renter: Renter,
    pub(crate) offers: Vec<Offer>,
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
        /// The order of this key, if there is one, and its hash.
        earlier: Option<(OrderId, Vec<u8>)> = "o.id, o.request_hash",
        quote: Option<KeptQuote>,
        balance: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'wallet' AND owner_id = ?2), 0)",
        spendable: Option<Usd> = "(SELECT ceiling_micros - spent_micros FROM tokens WHERE id = ?4)",
        slices: u32 =
            "(SELECT coalesce(sum(slices), 0) FROM rentals
               WHERE renter_id = ?2 AND state <> 'ended')",
        holds: u32 = "(SELECT count(*) FROM quotes WHERE account_id = ?2 AND held_until > ?5)",
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
               WHERE s.node_id = n.id AND s.state = 'reserved' AND h.held_until <= ?5
                 AND n.capacity - n.kept_slices
                     >= n.available_slices + n.reserved_slices + n.allocated_slices)",
        /// The state of the slice that was named.
        slice: Option<SliceState> =
            "(SELECT CASE WHEN h.held_until <= ?5 AND n.capacity - n.kept_slices
                               >= n.available_slices + n.reserved_slices + n.allocated_slices
                          THEN 'available' ELSE s.state END
                FROM slices s LEFT JOIN quotes h ON h.id = s.quote_id
               WHERE s.node_id = n.id AND s.number = w.value ->> 1)",
        is_whole: bool = "n.whole_rental_id IS NOT NULL",
        is_overfull: bool =
            "n.capacity < n.available_slices + n.reserved_slices + n.allocated_slices",
    }
}

impl From<Node> for Offer {
    fn from(node: Node) -> Offer {
        Offer {
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
        }
    }
}

/// What an order depends on, at one moment: the order of this key, if there is one, the wallet, and
/// the nodes. `?1` a JSON array of pairs of a node and the number of a slice or NULL, `?2` renter,
/// `?3` key or NULL, `?4` token or NULL, `?5` now, `?6` quote or NULL. There is always a row; the
/// columns of a node are NULL where it does not exist. What a quote holds beyond its time is free,
/// except on a node that has more slices than it can carry or its farmer offers: which of them stay
/// is not known yet.
const LOAD: &str = select!(
    Situation,
    "FROM (SELECT 1)
     LEFT JOIN json_each(?1) w
     LEFT JOIN nodes n ON n.id = w.value ->> 0
     LEFT JOIN quotes q ON q.id = ?6
     LEFT JOIN orders o ON o.account_id = ?2 AND o.idempotency_key = ?3
    ORDER BY w.key"
);

pub(crate) fn load(
    db: &dyn Db,
    nodes: &[(NodeId, Option<u32>)],
    look: &Look<'_>,
    now: Timestamp,
) -> Result<Seen, StoreError> {
    let nodes: Vec<Json> = nodes.iter().map(|(node, slice)| json!([node.0, slice])).collect();
    let params = [
        Value::Text(Json::from(nodes).to_string()),
        Value::text(look.renter),
        look.key.into(),
        look.token.map(Value::text).into(),
        now.into(),
        look.quote.map(Value::text).into(),
    ];
    let mut rows = db.all::<Situation>(LOAD, &params)?;
    let offers = rows.iter_mut().filter_map(|row| row.node.take()).map(Offer::from).collect();
    let row = rows.into_iter().next().ok_or_else(no_row)?;
    let renter = Renter {
        account: look.renter,
        balance: row.balance,
        spendable: row.spendable,
        slices: row.slices,
        slices_max: look.slices_max,
    };
    let quote = match row.quote {
        None => QuoteState::Gone,
        Some(KeptQuote { is_used: true, .. }) => QuoteState::Used,
        Some(KeptQuote { expires_at, is_held, .. }) => QuoteState::Open { expires_at, is_held },
    };
    Ok(Seen { earlier: row.earlier, quote, holds: row.holds, renter, offers })
}

fn no_row() -> StoreError {
    StoreError::Corrupt("what was just there is not".into())
}

/// The nodes that a request is about, each with the slice that was named.
pub(crate) fn candidates(
    db: &dyn Db,
    wanted: &Wanted,
) -> Result<Vec<(NodeId, Option<u32>)>, StoreError> {
    match wanted {
        Wanted::Slice(slice) => Ok(vec![(slice.node, Some(slice.number))]),
        Wanted::OfNode(node, _) | Wanted::WholeNode(node) => Ok(vec![(*node, None)]),
        Wanted::OnMarket { filter, .. } => {
            let found = offers::nodes(db, filter, Sort::Price, None, CANDIDATES_MAX)?;
            Ok(found.into_iter().map(|offer| (offer.node, None)).collect())
        }
    }
}

/// What an order comes to.
#[derive(Debug, PartialEq, Eq)]
pub enum Plan {
    /// These rentals would be made.
    Items(Vec<Item>),
    /// An earlier try with the same key has made the order.
    Done(OrderId),
}

/// Decides an order, and changes nothing.
pub fn plan(db: &dyn Db, order: &Order<'_>, now: Timestamp) -> Result<Plan, RentFailure> {
    let quote = match order.basis {
        Basis::Request(_) => None,
        Basis::Quote(quote) => Some(quote.id),
    };
    let look = Look {
        renter: order.renter,
        token: order.token,
        key: Some(order.key.as_str()),
        quote,
        slices_max: order.slices_max,
    };
    let (items, seen) = match order.basis {
        Basis::Request(request) => {
            let seen = load(db, &candidates(db, &request.wanted)?, &look, now)?;
            (order::choose(&seen.offers, request, order.renter, order.platform_fee), seen)
        }
        Basis::Quote(quote) => {
            let nodes: Vec<_> = quote.items.iter().map(|item| (item.node, item.slice)).collect();
            let seen = load(db, &nodes, &look, now)?;
            let is_held = matches!(seen.quote, QuoteState::Open { is_held: true, .. });
            let holds = order::still_holds(&quote.items, &seen.offers, is_held);
            (holds.map(|()| quote.items.clone()), seen)
        }
    };
    if let Some((earlier, hash)) = seen.earlier {
        let is_same = hash == order.request_hash;
        return if is_same { Ok(Plan::Done(earlier)) } else { Err(RentFailure::KeyReused) };
    }
    match (order.basis, seen.quote) {
        (Basis::Request(_), _) => {}
        (Basis::Quote(_), QuoteState::Open { expires_at, .. }) if now < expires_at => {}
        (Basis::Quote(_), QuoteState::Used) => return Err(RentFailure::QuoteUsed),
        (Basis::Quote(_), QuoteState::Open { .. } | QuoteState::Gone) => {
            return Err(RentFailure::QuoteExpired);
        }
    }
    let items = items?;
    order::afford(&items, &seen.renter)?;
    Ok(Plan::Items(items))
}

/// Rents what was agreed on; the columns of the command view, in order.
const RENT: &str = "
    INSERT INTO rent
           (id, account_id, idempotency_key, request_hash, total_micros, token_id, quote_id, items,
            slices_max, evaluate_at, late_at, refund_at, seen_after, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

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

/// Rents: everything changes hands, is paid and is recorded, or nothing happens. A retry with the
/// same key finds what the first try made.
pub fn rent(db: &dyn Db, order: &Order<'_>, now: Timestamp) -> Result<Ordered, RentFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let items = match plan(db, order, now)? {
            Plan::Done(earlier) => return Ok(as_made(db, earlier, order.renter)?),
            Plan::Items(items) => items,
        };
        match db.run(RENT, &rent_params(order, &items, now)) {
            Ok(_) => return Ok(as_made(db, order.id, order.renter)?),
            // Somebody was faster: look again, and let the decision say why.
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

fn rent_params(order: &Order<'_>, items: &[Item], now: Timestamp) -> [Value; 14] {
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
            let Setup { ssh_key, template, sealed } = order.setup;
            json["ssh_key"] = ssh_key.as_deref().into();
            json["template"] = template.map(|template| template.name).into();
            json["template_version"] = template.map(|template| template.version).into();
            json["user_data"] = sealed.get(nth).map(|sealed| hex(sealed)).into();
            json
        })
        .collect();
    let [late_at, refund_at, seen_after] = jobs::creation_times(now);
    [
        Value::text(order.id),
        Value::text(order.renter),
        order.key.as_str().into(),
        Value::from(&order.request_hash[..]),
        order::total(items).micros().into(),
        order.token.map(Value::text).into(),
        quote.map(Value::text).into(),
        Value::Text(Json::from(items_json).to_string()),
        order.slices_max.into(),
        level::settled_at(now).into(),
        late_at,
        refund_at,
        seen_after,
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

row! {
    /// A rental, with where it began, and whose that was.
    struct Begun {
        rental: Rental,
        node: NodeId = "e.node_id",
        slice: Option<u32> = "e.slice_number",
        farmer: AccountId = "e.farmer_id",
    }
}

/// The rentals of the order `?1`, with where each began, and whose that was. Served by the index
/// `rentals_by_order`.
const OF_ORDER: &str = select!(
    Begun,
    "FROM rentals r
     JOIN events e ON e.id = (SELECT min(id) FROM events WHERE rental_id = r.id)
     JOIN nodes n ON n.id = e.node_id
    WHERE r.order_id = ?1 ORDER BY r.id LIMIT 50"
);

/// An order's rentals as they were made for `renter`, whatever has become of them.
fn as_made(db: &dyn Db, order: OrderId, renter: AccountId) -> Result<Ordered, StoreError> {
    let as_begun = |Begun { rental, node, slice, farmer }: Begun| {
        let mut rental = first_form(rental, renter);
        (rental.life.node, rental.life.slice, rental.life.farmer) = (node, slice, farmer);
        rental
    };
    let begun = db.all(OF_ORDER, &[Value::text(order)])?;
    let rentals: Vec<Rental> = begun.into_iter().map(as_begun).collect();
    if rentals.is_empty() {
        // The key marks an extension, which is another request.
        return Err(no_row());
    }
    let first = |rental: &Rental| rental.life.periods[0].total;
    let total = rentals.iter().map(first).fold(Usd::ZERO, |sum, part| sum + part);
    Ok(Ordered { id: order, rentals, total })
}

/// A rental as it began.
fn first_form(mut rental: Rental, renter: AccountId) -> Rental {
    // Whoever took it over is not the first one's to know.
    rental.life.renter = renter;
    rental.life.periods.truncate(1);
    if let Some(first) = rental.life.periods.first_mut() {
        (first.earned, first.refunded) = (Usd::ZERO, Usd::ZERO);
        (rental.life.price, rental.life.ends_at) = (first.price, first.ends_at);
    }
    rental.life.price_until = rental.life.ends_at.plus_months(PRICE_MONTHS);
    (rental.life.state, rental.life.ended_at) = (RentalState::Active, None);
    (rental.name, rental.labels, rental.renewal) = (String::new(), Vec::new(), None);
    Rental { life: domain::rental::Rental { version: 1, ..rental.life }, ..rental }
}

/// Up to `?2` numbers of slices of the node `?1` that are free at `?3`, from the lowest; what a
/// quote holds beyond its time is free, as in `LOAD`. At most 512: a node has no more.
const FREE: &str = "
    SELECT s.number
      FROM slices s
      JOIN nodes n ON n.id = s.node_id
      LEFT JOIN quotes q ON q.id = s.quote_id
     WHERE s.node_id = ?1
       AND (s.state = 'available'
            OR (q.held_until <= ?3 AND n.capacity
                >= n.available_slices + n.reserved_slices + n.allocated_slices))
     ORDER BY s.number LIMIT ?2";

/// The numbers of free slices of a node, from the lowest.
pub(crate) fn free(
    db: &dyn Db,
    node: NodeId,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<u32>, StoreError> {
    let params = [node.0.into(), limit.into(), now.into()];
    db.all(FREE, &params)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(OF_ORDER, "rentals_by_order")];
