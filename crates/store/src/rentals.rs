//! Renting, rentals, and their end.

use domain::id::{AccountId, NodeId, RentalId, SliceId, TokenId};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::promise::{Bandwidth, Uptime};
use domain::rental::{self, IdempotencyKey, RentError, RentRequest, RentalState, Snapshot};
use domain::slice::SliceState;
use domain::term::Term;
use domain::time::Timestamp;

use crate::db::{Db, Row, StoreError, Value, only};

/// How often a request to rent is decided before the caller is asked to try again.
const SAVE_ATTEMPTS: u32 = 3;

/// One renter holding one slice for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rental {
    /// Its id.
    pub id: RentalId,
    /// The slice.
    pub slice: SliceId,
    /// Who holds it.
    pub renter: AccountId,
    /// Whether it runs.
    pub state: RentalState,
    /// For how long.
    pub term: Term,
    /// The price per month before the discount.
    pub price: Usd,
    /// What was charged for the whole term.
    pub total: Usd,
    /// The promise as sold.
    pub min_uptime: Uptime,
    /// The promise as sold.
    pub min_bandwidth: Bandwidth,
    /// The start.
    pub started_at: Timestamp,
    /// The end.
    pub ends_at: Timestamp,
    /// The farmer's name for the node.
    pub node_name: String,
    /// The node's country.
    pub country: String,
    /// The node's city.
    pub city: String,
    request_hash: Vec<u8>,
}

/// A request to rent, and who makes it.
#[derive(Clone, Copy, Debug)]
pub struct Order<'a> {
    /// What is asked for.
    pub request: &'a RentRequest,
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
}

/// Why a slice was not rented.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RentFailure {
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] RentError),
    /// The key was used for another request.
    #[error("this Idempotency-Key was used for another request; use a new key")]
    KeyReused,
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The columns of a `Rental`, of the tables `rentals r` and `nodes n`.
macro_rules! rental_columns {
    () => {
        "r.id, r.node_id, r.slice_number, r.renter_id, r.state, r.term_months, r.price_micros,
         r.total_micros, r.min_uptime, r.min_bandwidth_mbps, r.started_at, r.ends_at,
         n.name, n.country, n.city, r.request_hash"
    };
}

fn read_rental(row: &Row) -> Result<Rental, StoreError> {
    let corrupt = |what: &str| StoreError::Corrupt(format!("a rental's {what} is out of range"));
    Ok(Rental {
        id: row.parsed(0, RentalId::parse)?,
        slice: SliceId { node: NodeId(row.number(1)?), number: row.number(2)? },
        renter: row.parsed(3, AccountId::parse)?,
        state: row.parsed(4, RentalState::parse)?,
        term: Term::from_months(row.integer(5)?).map_err(|_| corrupt("term"))?,
        price: Usd::from_micros(row.integer(6)?),
        total: Usd::from_micros(row.integer(7)?),
        min_uptime: Uptime::from_hundredths(row.integer(8)?).ok_or_else(|| corrupt("promise"))?,
        min_bandwidth: Bandwidth::from_mbps(row.number(9)?),
        started_at: row.timestamp(10)?,
        ends_at: row.timestamp(11)?,
        node_name: row.text(12)?.to_owned(),
        country: row.text(13)?.to_owned(),
        city: row.text(14)?.to_owned(),
        request_hash: row.blob(15)?.to_owned(),
    })
}

/// What a request to rent depends on, at one moment: the rental of this key, if there is one, and
/// the node, slice and wallet.
///
/// `?1` node, `?2` number of the slice or NULL for any free one, `?3` renter, `?4` key, `?5` token
/// or NULL. There is always one row; its columns are NULL where the thing does not exist.
const LOAD: &str = "
    SELECT r.id, n.farmer_id, n.listing, n.offer_version, n.price_micros,
           CASE WHEN ?2 IS NULL
                THEN (SELECT state FROM slices
                       WHERE node_id = n.id AND state = 'available' LIMIT 1)
                ELSE (SELECT state FROM slices WHERE node_id = n.id AND number = ?2) END,
           coalesce((SELECT balance_micros FROM ledger_accounts
                      WHERE kind = 'wallet' AND owner_id = ?3), 0),
           (SELECT ceiling_micros - spent_micros FROM tokens WHERE id = ?5)
      FROM (SELECT 1)
      LEFT JOIN nodes n ON n.id = ?1
      LEFT JOIN rentals r ON r.renter_id = ?3 AND r.idempotency_key = ?4";

/// Rents a slice; the columns of the command view, in order. Aborts, changing nothing, unless
/// offer, slice and wallet are as the decision saw them.
const RENT: &str = "
    INSERT INTO rent_slice
           (id, node_id, slice_number, renter_id, term_months, offer_version, price_micros,
            total_micros, fee_micros, idempotency_key, request_hash, started_at, ends_at,
            token_id)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";

/// Rents a slice: it changes hands, is paid and is recorded, or nothing happens. A retry with the
/// same key finds the rental that the first try made.
pub fn rent(
    db: &impl Db,
    order: &Order<'_>,
    id: RentalId,
    now: Timestamp,
) -> Result<Rental, RentFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let (earlier, seen) = load(db, order)?;
        if let Some(earlier) = earlier {
            return earlier_answer(db, order, earlier);
        }
        let seen = seen.ok_or(RentError::NoSuchNode)?;
        let agreed = rental::rent(&seen, order.request, order.renter, order.platform_fee, now)?;
        match db.run(RENT, &rent_params(order, &agreed, id)) {
            Ok(_) => {
                let made = find(db, order.renter, id)?;
                return made.ok_or_else(|| no_rental().into());
            }
            // Somebody was faster: look again, and let the decision say why.
            Err(StoreError::Refused(_)) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

fn rent_params(order: &Order<'_>, agreed: &rental::Agreement, id: RentalId) -> [Value; 14] {
    [
        Value::text(id),
        order.request.node.0.into(),
        order.request.slice.into(),
        Value::text(order.renter),
        order.request.term.months().into(),
        agreed.offer_version.into(),
        agreed.price.micros().into(),
        agreed.total.micros().into(),
        agreed.fee.micros().into(),
        order.key.as_str().into(),
        Value::from(&order.request_hash[..]),
        agreed.started_at.into(),
        agreed.ends_at.into(),
        order.token.map(Value::text).into(),
    ]
}

fn load(
    db: &impl Db,
    order: &Order<'_>,
) -> Result<(Option<RentalId>, Option<Snapshot>), StoreError> {
    let params = [
        order.request.node.0.into(),
        order.request.slice.into(),
        Value::text(order.renter),
        order.key.as_str().into(),
        order.token.map(Value::text).into(),
    ];
    let row = only(db.run(LOAD, &params)?).ok_or_else(no_rental)?;
    let earlier = row.optional_text(0)?.map(|_| row.parsed(0, RentalId::parse)).transpose()?;
    if row.optional_text(1)?.is_none() {
        return Ok((earlier, None));
    }
    let slice = row.optional_text(5)?.map(|_| row.parsed(5, SliceState::parse)).transpose()?;
    let seen = Snapshot {
        farmer: row.parsed(1, AccountId::parse)?,
        listing: row.parsed(2, Listing::parse)?,
        offer_version: row.integer(3)?,
        price: row.optional_integer(4)?.map(Usd::from_micros),
        slice,
        balance: Usd::from_micros(row.integer(6)?),
        spendable: row.optional_integer(7)?.map(Usd::from_micros),
    };
    Ok((earlier, Some(seen)))
}

/// The answer to a retry: the rental as it was made.
fn earlier_answer(db: &impl Db, order: &Order<'_>, id: RentalId) -> Result<Rental, RentFailure> {
    let rental = find(db, order.renter, id)?.ok_or_else(no_rental)?;
    if rental.request_hash == order.request_hash {
        Ok(Rental { state: RentalState::Active, ..rental })
    } else {
        Err(RentFailure::KeyReused)
    }
}

fn no_rental() -> StoreError {
    StoreError::Corrupt("a rental that was just there is not".into())
}

/// The rental `?1` of the renter `?2`.
const FIND: &str = concat!(
    "SELECT ",
    rental_columns!(),
    " FROM rentals r JOIN nodes n ON n.id = r.node_id WHERE r.id = ?1 AND r.renter_id = ?2"
);

/// A renter's rental; `None` if it is not theirs.
pub fn find(db: &impl Db, renter: AccountId, id: RentalId) -> Result<Option<Rental>, StoreError> {
    only(db.run(FIND, &[Value::text(id), Value::text(renter)])?)
        .map(|row| read_rental(&row))
        .transpose()
}

/// One page of a renter's rentals, the newest first: ids sort by time. `?1` renter, `?2` the last
/// rental of the page before, `?3` how many rows. Served by the index `rentals_by_renter`.
const OF_RENTER: &str = concat!(
    "SELECT ",
    rental_columns!(),
    " FROM rentals r JOIN nodes n ON n.id = r.node_id
     WHERE r.renter_id = ?1 AND r.id < ?2 ORDER BY r.id DESC LIMIT ?3"
);

/// A page of a renter's rentals before `before`, the newest first.
pub fn of_renter(
    db: &impl Db,
    renter: AccountId,
    before: Option<RentalId>,
    limit: u32,
) -> Result<Vec<Rental>, StoreError> {
    // "~" sorts behind every digit and letter of an id.
    let before = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let params = [Value::text(renter), Value::Text(before), limit.into()];
    db.run(OF_RENTER, &params)?.iter().map(read_rental).collect()
}

/// One thing that happened to a rental.
pub struct RentalEvent {
    /// `slice-rented` or `rental-ended`.
    pub kind: String,
    /// When.
    pub at: Timestamp,
}

/// What happened to the rental `?1`, in order. Served by the index `events_by_rental`.
const EVENTS: &str = "
    SELECT kind, created_at FROM events WHERE rental_id = ?1 ORDER BY id LIMIT 100";

/// What happened to a rental, in order. The caller has shown that it may be seen.
pub fn events(db: &impl Db, rental: &Rental) -> Result<Vec<RentalEvent>, StoreError> {
    db.run(EVENTS, &[Value::text(rental.id)])?
        .iter()
        .map(|row| Ok(RentalEvent { kind: row.text(0)?.to_owned(), at: row.timestamp(1)? }))
        .collect()
}

/// Ends up to `?2` rentals that are over at `?1`. Served by the index `rentals_by_end`.
const END_DUE: &str = "
    INSERT INTO end_rental (id, ended_at)
    SELECT id, ?1 FROM rentals WHERE state = 'active' AND ends_at <= ?1 ORDER BY ends_at LIMIT ?2";

/// Ends rentals that are over: at most `limit`, the longest over first. Slices are free again where
/// their node can carry them, and escrows are paid out.
pub fn end_due(db: &impl Db, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    db.run(END_DUE, &[now.into(), limit.into()]).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] =
    [(OF_RENTER, "rentals_by_renter"), (EVENTS, "events_by_rental"), (END_DUE, "rentals_by_end")];
