//! Quotes: what something costs, told in writing and, where asked for, held for some minutes.

use domain::id::{AccountId, NodeId, QuoteId, SliceId, TokenId};
use domain::money::{Percent, Usd};
use domain::order::{
    self, HOLDS_MAX, HOLDS_OF_SLICE_MAX, HOLDS_SECONDS, Item, QUOTE_SECONDS, RentError,
    RentRequest, Wanted,
};
use domain::recurring::{RELEASE_HOLDS, SWEEP_QUOTES};
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use domain::waitlist::TURN_SECONDS;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::db::{Db, StoreError, Value};
use crate::rentals::SAVE_ATTEMPTS;
use crate::renting::{
    RentFailure, RenterContext, SLICES_MAX, Seen, candidates, load, named_max, start,
};
use crate::row::{row, select};

/// How long a quote that was not used is kept, in seconds: a week.
const KEPT_SECONDS: i64 = 7 * 86_400;

/// A price that an account was quoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its id.
    pub id: QuoteId,
    /// Whose it is.
    pub account: AccountId,
    /// What, one for each rental.
    pub items: Vec<Item>,
    /// When.
    pub created_at: Timestamp,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// Until when it holds the slices; `None` where it does not, or not any more.
    pub held_until: Option<Timestamp>,
    /// When it was used, if it was.
    pub used_at: Option<Timestamp>,
    /// What was answered, word for word: a JSON document.
    pub document: String,
    /// Over the document; `None` where there was no key.
    pub signature: Option<String>,
}

impl Quote {
    /// What all of it costs.
    pub fn total(&self) -> Usd {
        order::total(&self.items)
    }

    /// For how long it was good when it was made, in seconds.
    pub(crate) fn good_seconds(&self) -> i64 {
        self.expires_at.seconds_since(self.created_at)
    }
}

/// The document of a quote. Amounts are in micro-dollars, times in POSIX seconds, uptime in
/// hundredths of a percent, bandwidth in Mbit/s.
#[derive(Serialize, Deserialize)]
struct Document {
    id: String,
    account_id: String,
    created_at: i64,
    expires_at: i64,
    held_until: Option<i64>,
    items: Vec<ItemDocument>,
    total_micros: i64,
}

#[derive(Serialize, Deserialize)]
struct ItemDocument {
    node: u32,
    slice: Option<u32>,
    whole: Option<u32>,
    offer_version: i64,
    months: i64,
    price_micros: i64,
    total_micros: i64,
    fee_micros: i64,
    min_uptime: i64,
    min_bandwidth_mbps: u32,
}

impl ItemDocument {
    fn new(item: &Item) -> ItemDocument {
        ItemDocument {
            node: item.node.0,
            slice: item.slice,
            whole: item.whole,
            offer_version: item.offer_version,
            months: item.term.months().into(),
            price_micros: item.price.micros(),
            total_micros: item.total.micros(),
            fee_micros: item.fee.micros(),
            min_uptime: item.min_uptime.hundredths(),
            min_bandwidth_mbps: item.min_bandwidth.mbps(),
        }
    }

    fn read(&self) -> Option<Item> {
        Some(Item {
            node: NodeId(self.node),
            slice: self.slice,
            whole: self.whole,
            offer_version: self.offer_version,
            price: Usd::from_micros(self.price_micros),
            term: Term::from_months(self.months).ok()?,
            total: Usd::from_micros(self.total_micros),
            fee: Usd::from_micros(self.fee_micros),
            min_uptime: Uptime::from_hundredths(self.min_uptime)?,
            min_bandwidth: Bandwidth::from_mbps(self.min_bandwidth_mbps),
        })
    }
}

/// A quote to be made.
#[derive(Clone, Copy)]
pub struct NewQuote<'a> {
    /// The id that it gets.
    pub id: QuoteId,
    /// What is asked for.
    pub request: &'a RentRequest,
    /// Who asks.
    pub account: AccountId,
    /// The token that asks, if one does.
    pub token: Option<TokenId>,
    /// How many slices the account may rent and hold.
    pub slices_max: u32,
    /// What the platform keeps.
    pub platform_fee: Percent,
    /// Whether it holds the slices.
    pub is_held: bool,
    /// Signs a document; `None` where there is no key.
    pub sign: &'a dyn Fn(&str) -> Option<String>,
}

/// Keeps a quote: the columns of the command view, in order.
const KEEP: &str = "
    INSERT INTO keep_quote
           (id, account_id, document, signature, items, created_at, expires_at, held_until,
            holds_max, slices_max, holds_after, holds_of_slice_max)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

/// The free slices that the account `?1` has held `?2` times in quotes that ended after `?3` and
/// were not used, at `?4`. Served by `quotes_unused`.
const HELD_OFTEN: &str = "
    SELECT s.node_id, s.number
      FROM quotes q
      JOIN json_each(q.items) i
      JOIN slices s ON s.node_id = i.value ->> 'node' AND s.number = i.value ->> 'slice'
      LEFT JOIN quotes h ON h.id = s.quote_id
     WHERE q.account_id = ?1 AND q.used_at IS NULL AND q.expires_at > ?3
       AND q.document ->> 'held_until' IS NOT NULL
       AND (s.state = 'available' OR h.held_until <= ?4)
     GROUP BY s.node_id, s.number HAVING count(*) >= ?2";

/// The free slices that an account may not hold now.
fn held_often(
    db: &dyn Db,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<(NodeId, u32)>, StoreError> {
    let params =
        [Value::text(account), HOLDS_OF_SLICE_MAX.into(), holds_after(now).into(), now.into()];
    db.all(HELD_OFTEN, &params)
}

/// Since when it counts how often a slice was held.
fn holds_after(now: Timestamp) -> Timestamp {
    now.plus_seconds(-HOLDS_SECONDS)
}

/// Keeps the quote of a turn: `?1` the entry of the waitlist, and the columns of `keep_quote`.
const KEEP_FOR_TURN: &str = "
    INSERT INTO offer_waitlist_slice
           (entry, id, account_id, document, signature, items, created_at, expires_at, held_until,
            holds_max, slices_max, holds_after, holds_of_slice_max)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

/// Tells what a request would cost and keeps that; holds the slices, all or none, where asked to.
pub fn make(db: &dyn Db, new: &NewQuote<'_>, now: Timestamp) -> Result<Quote, RentFailure> {
    let over = now.plus_seconds(QUOTE_SECONDS);
    make_until(db, new, over, now, &|params| db.run(KEEP, &params).map(drop))
}

/// Holds a slice for the first in line, whose entry of the waitlist is `entry`.
pub fn make_for_turn(
    db: &dyn Db,
    new: &NewQuote<'_>,
    entry: i64,
    now: Timestamp,
) -> Result<Quote, RentFailure> {
    let over = now.plus_seconds(TURN_SECONDS);
    make_until(db, new, over, now, &|params| {
        let params: Vec<Value> = [entry.into()].into_iter().chain(params).collect();
        db.run(KEEP_FOR_TURN, &params).map(drop)
    })
}

/// Makes a quote that is good until `over`, and keeps it.
fn make_until(
    db: &dyn Db,
    new: &NewQuote<'_>,
    over: Timestamp,
    now: Timestamp,
    keep: &dyn Fn([Value; 12]) -> Result<(), StoreError>,
) -> Result<Quote, RentFailure> {
    for attempt in 0..SAVE_ATTEMPTS {
        let left_out = if new.is_held { held_often(db, new.account, now)? } else { Vec::new() };
        let context = RenterContext {
            renter: new.account,
            token: new.token,
            quote: None,
            slices_max: new.slices_max,
            named_max: match new.is_held {
                true if left_out.is_empty() => named_max(&new.request.wanted, attempt),
                true => SLICES_MAX,
                false => 0,
            },
        };
        let mut seen = load(db, &candidates(db, &new.request.wanted, now)?, &context, now)?;
        if new.is_held && seen.holds >= HOLDS_MAX {
            return Err(RentError::TooManyHolds(HOLDS_MAX).into());
        }
        let items = choose(&mut seen, new, &left_out)?;
        if new.is_held {
            order::hold(&items, &seen.renter, seen.held, seen.held_slices)?;
        }
        let held = if new.is_held {
            seen.assign(items, start(new.id.as_bytes(), attempt))
        } else {
            Some(items)
        };
        // Too few are free by now: look again.
        let Some(items) = held else { continue };
        let slices = slices(&items, new.is_held.then_some(&seen));
        let count: u32 = items.iter().map(Item::slices).sum();
        if new.is_held && slices.len() != count as usize {
            continue;
        }
        let quote = written(new, items, [now, over]);
        match keep(keep_params(&quote, slices, new.slices_max)) {
            Ok(()) => return Ok(quote),
            // Somebody was faster: look again, and let the decision say why.
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// Chooses what is quoted, of all but what is `left_out`.
fn choose(
    seen: &mut Seen,
    new: &NewQuote<'_>,
    left_out: &[(NodeId, u32)],
) -> Result<Vec<Item>, RentError> {
    let choose =
        |seen: &Seen| order::choose(&seen.offers, new.request, new.account, new.platform_fee);
    let items = choose(seen)?;
    if left_out.is_empty() {
        return Ok(items);
    }
    let too_often = RentError::HeldTooOften(HOLDS_OF_SLICE_MAX);
    match &new.request.wanted {
        Wanted::Slice(SliceId { node, number }) if left_out.contains(&(*node, *number)) => {
            Err(too_often)
        }
        _ => {
            seen.leave_out(left_out);
            choose(seen).map_err(|_| too_often)
        }
    }
}

/// The slices of a quote, for the command: of the whole node, each one that is free, if it holds
/// them.
fn slices(items: &[Item], held: Option<&Seen>) -> Vec<Json> {
    let of_item = |item: &Item| match (held, item.whole) {
        (Some(seen), Some(_)) => {
            seen.free(item.node).iter().map(|number| slice_json(item, Some(*number))).collect()
        }
        (Some(_) | None, _) => vec![slice_json(item, item.slice)],
    };
    items.iter().flat_map(of_item).collect()
}

fn slice_json(item: &Item, slice: Option<u32>) -> Json {
    json!({ "node": item.node.0, "slice": slice, "version": item.offer_version })
}

/// The quote with its document, signed.
fn written(new: &NewQuote<'_>, items: Vec<Item>, [now, expires_at]: [Timestamp; 2]) -> Quote {
    let held_until = new.is_held.then_some(expires_at);
    let document = Document {
        id: new.id.to_string(),
        account_id: new.account.to_string(),
        created_at: now.seconds(),
        expires_at: expires_at.seconds(),
        held_until: held_until.map(Timestamp::seconds),
        items: items.iter().map(ItemDocument::new).collect(),
        total_micros: order::total(&items).micros(),
    };
    let document = serde_json::to_string(&document).expect("numbers and text are JSON");
    let signature = (new.sign)(&document);
    Quote {
        id: new.id,
        account: new.account,
        items,
        created_at: now,
        expires_at,
        held_until,
        used_at: None,
        document,
        signature,
    }
}

fn keep_params(quote: &Quote, slices: Vec<Json>, slices_max: u32) -> [Value; 12] {
    [
        Value::text(quote.id),
        Value::text(quote.account),
        quote.document.as_str().into(),
        quote.signature.as_deref().into(),
        Value::Text(Json::from(slices).to_string()),
        quote.created_at.into(),
        quote.expires_at.into(),
        quote.held_until.into(),
        HOLDS_MAX.into(),
        slices_max.into(),
        holds_after(quote.created_at).into(),
        HOLDS_OF_SLICE_MAX.into(),
    ]
}

row! {
    /// A quote as it is kept.
    struct KeptQuote {
        id: QuoteId = "id",
        account: AccountId = "account_id",
        document: String = "document",
        signature: Option<String> = "signature",
        created_at: Timestamp = "created_at",
        expires_at: Timestamp = "expires_at",
        held_until: Option<Timestamp> = "held_until",
        used_at: Option<Timestamp> = "used_at",
    }
}

/// The quote `?1` of the account `?2`.
const FIND: &str = select!(KeptQuote, "FROM quotes WHERE id = ?1 AND account_id = ?2");

/// An account's quote; `None` if it is not theirs.
pub fn find(db: &dyn Db, account: AccountId, id: QuoteId) -> Result<Option<Quote>, StoreError> {
    db.first(FIND, &[Value::text(id), Value::text(account)])?.map(read).transpose()
}

fn read(kept: KeptQuote) -> Result<Quote, StoreError> {
    let corrupt = || StoreError::Corrupt("a quote's document cannot be read".into());
    let document: Document = serde_json::from_str(&kept.document).map_err(|_| corrupt())?;
    let items: Option<Vec<Item>> = document.items.iter().map(ItemDocument::read).collect();
    Ok(Quote {
        id: kept.id,
        account: kept.account,
        items: items.ok_or_else(corrupt)?,
        created_at: kept.created_at,
        expires_at: kept.expires_at,
        held_until: kept.held_until,
        used_at: kept.used_at,
        document: kept.document,
        signature: kept.signature,
    })
}

/// Gives back what the quote `?1` of the account `?2` holds, at `?3`.
const RELEASE: &str = "
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, ?3 FROM quotes WHERE id = ?1 AND account_id = ?2 AND held_until IS NOT NULL";

/// Gives back what a quote holds; the quote is over by that. One that holds nothing stays.
pub fn release(
    db: &dyn Db,
    account: AccountId,
    id: QuoteId,
    now: Timestamp,
) -> Result<(), StoreError> {
    db.run(RELEASE, &[Value::text(id), Value::text(account), now.into()]).map(drop)
}

/// Whether any quote holds slices beyond `?1`. Served by the index `quotes_by_hold`.
const IS_DUE: &str = "SELECT 1 FROM quotes WHERE held_until <= ?1 LIMIT 1";

/// Gives back what quotes held until `?1`, at most `?2` of them. Served by `quotes_by_hold`.
const RELEASE_DUE: &str = "
    INSERT INTO release_hold (quote_id, released_at)
    SELECT id, ?1 FROM quotes WHERE held_until <= ?1 LIMIT ?2";

/// Deletes up to `?2` quotes that were over at `?1` and not used. Served by `quotes_by_end`.
const SWEEP: &str = "
    DELETE FROM quotes WHERE id IN (
        SELECT id FROM quotes
         WHERE used_at IS NULL AND held_until IS NULL AND expires_at <= ?1 LIMIT ?2)";

/// Gives back what is held beyond its time. Nothing waits for it: who rents such a slice gets it.
pub fn release_due(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    if !db.has_row(IS_DUE, &[now.into()])? {
        return Ok(());
    }
    db.run(RELEASE_DUE, &[now.into(), RELEASE_HOLDS.limit().into()]).map(drop)
}

/// Deletes quotes that were not used for a week.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let params = [now.plus_seconds(-KEPT_SECONDS).into(), SWEEP_QUOTES.limit().into()];
    db.run(SWEEP, &params).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] =
    [(IS_DUE, "quotes_by_hold"), (RELEASE_DUE, "quotes_by_hold"), (SWEEP, "quotes_by_end")];
