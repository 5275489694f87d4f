//! Rentals as they are, and what becomes of them.

use domain::booking::{Booking, Entry, LedgerAccount};
use domain::evaluation;
use domain::event::EventKind;
use domain::id::{AccountId, NodeId, OrderId, RentalId, SliceId, TokenId};
use domain::leaving;
use domain::listing::Listing;
use domain::machine::{self, Machine, MachineStatus};
use domain::money::{Percent, Usd};
use domain::outage::Outages;
use domain::period::Period;
use domain::provisioning::{JobState, REMOVAL_LATE_SECONDS};
use domain::rental::{
    self, CeilingError, Change, EndedAlready, Ending, ExtendContext, ExtendError, Market, Renewal,
    RentalState,
};
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use serde_json::{Value as Json, json};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::db::{Db, StoreError, Value};
use crate::due::NotificationMail;
use crate::outages::OUTAGES;
use crate::responses::{self, Intention, StoredResponse};
use crate::row::{FromJson, fields, row, select};
use crate::unprovisioned;

/// How often a change is decided before the caller is asked to try again. Each miss means that
/// somebody else was done: with 32 renters after the same few slices, three were not enough.
pub(crate) const SAVE_ATTEMPTS: u32 = 20;

row! {
    /// A renter holding a slice, or a whole node, for a while.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Rental {
        /// What decisions are made on.
        pub life: rental::Rental,
        /// The SLA as sold.
        pub min_uptime: Uptime = "r.min_uptime",
        /// The SLA as sold.
        pub min_bandwidth: Bandwidth = "r.min_bandwidth_mbps",
        /// The renter's own name for it; empty if there is none.
        pub name: String = "r.name",
        /// The renter's own labels.
        pub labels: Vec<String> = "r.labels",
        /// Whether and how it is extended by itself.
        pub renewal: Option<Renewal> = "r.renew_months, r.renew_max_micros",
        /// Whether a machine of it that was shut down inside is started again.
        pub auto_start: bool = "r.auto_start",
        /// The farmer's name for the node.
        pub node_name: String = "n.name",
        /// The node's country.
        pub country: String = "n.country",
        /// The node's city.
        pub city: String = "n.city",
        /// How often a sync looked at the node.
        pub observed: u64 = "n.observed",
        /// How often it was up then.
        pub observed_up: u64 = "n.observed_up",
        /// What the node offers now.
        pub market: Market,
        /// Its machines, where its farm has an agent: one for each slice.
        pub machines: Vec<RentedMachine> = MACHINES,
    }
}

impl Rental {
    /// The slice; `None` for a whole node.
    pub fn slice(&self) -> Option<SliceId> {
        self.life.slice.map(|number| SliceId { node: self.life.node, number })
    }

    /// The uptime that was measured of its node; `None` before the first observation.
    pub fn measured_uptime(&self) -> Option<Uptime> {
        Uptime::measured(self.observed_up, self.observed)
    }

    /// How its machine is, and since when; of several, the worst. `None` before one is there.
    pub fn machine(&self, now: Timestamp) -> Option<(MachineStatus, Timestamp)> {
        machine::worst(self.machines.iter().filter_map(|machine| machine.live), now)
    }

    /// What one term costs that follows now, at the price that an extension has; `None` where there
    /// can be none.
    pub fn renewal_total(&self, term: Term) -> Option<Usd> {
        let price = self.life.renewal_price(self.market).ok()?;
        Some(term.total(price.times(self.life.slices)))
    }
}

row! {
    impl rental::Rental {
        id: RentalId = "r.id",
        version: i64 = "r.version",
        node: NodeId = "r.node_id",
        slice: Option<u32> = "r.slice_number",
        slices: u32 = "r.slices",
        renter: AccountId = "r.renter_id",
        farmer: AccountId = "r.farmer_id",
        state: RentalState = "r.state",
        price: Usd = "r.price_micros",
        price_until: Timestamp = "r.price_until",
        started_at: Timestamp = "r.started_at",
        ends_at: Timestamp = "r.ends_at",
        ended_at: Option<Timestamp> = "r.ended_at",
        periods: Vec<Period> = PERIODS,
        outages: Outages = OUTAGES,
    }
}

row! {
    impl Market {
        listing: Listing = "n.listing",
        price: Option<Usd> = "n.price_micros",
        leaves_at: Option<Timestamp> = "n.leaves_at",
    }
}

fields! { Renewal { term: Term, max_price: Usd } }

/// The terms of the rental `r`.
pub(crate) const PERIODS: &str = "
    (SELECT json_group_array(json_array(number, months, price_micros, total_micros, fee_micros,
                                        earned_micros, refunded_micros, starts_at, ends_at))
       FROM rental_periods WHERE rental_id = r.id)";

/// A machine of a rental, or what is on the way to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RentedMachine {
    /// How far its setup is.
    pub setup: JobState,
    /// Whether the farmer makes it by hand.
    pub is_by_hand: bool,
    /// How it is, once it is there.
    pub live: Option<Machine>,
}

/// The machines of the rental `r`. Served by the index `jobs_by_rental`.
const MACHINES: &str = "
    (SELECT json_group_array(json_array(j.state, j.is_by_hand, m.state, m.since, m.reported_at,
                                        m.is_outage))
       FROM jobs j LEFT JOIN machines m ON m.job_id = j.id
      WHERE j.rental_id = r.id AND j.kind = 'create' AND j.node_id = r.node_id
        AND j.slice_number = coalesce(r.slice_number, j.slice_number))";

impl FromJson for RentedMachine {
    type Json = (String, u8, Option<String>, Option<i64>, Option<i64>, Option<u8>);

    fn from_json((setup, by_hand, state, since, at, is_outage): Self::Json) -> Option<Self> {
        let live = FromJson::from_json((state, since, at, is_outage))?;
        Some(RentedMachine { setup: setup.parse().ok()?, is_by_hand: by_hand != 0, live })
    }
}

impl FromJson for Period {
    type Json = (u32, u32, i64, i64, i64, i64, i64, i64, i64);

    fn from_json(json: Self::Json) -> Option<Period> {
        let (number, months, price, total, fee, earned, refunded, starts_at, ends_at) = json;
        Some(Period {
            number,
            months,
            price: Usd::from_micros(price),
            total: Usd::from_micros(total),
            fee: Usd::from_micros(fee),
            earned: Usd::from_micros(earned),
            refunded: Usd::from_micros(refunded),
            starts_at: Timestamp::from_seconds(starts_at),
            ends_at: Timestamp::from_seconds(ends_at),
        })
    }
}

/// The rental `?1` of the renter `?2`.
const FIND: &str = select!(
    Rental,
    "FROM rentals r JOIN nodes n ON n.id = r.node_id WHERE r.id = ?1 AND r.renter_id = ?2"
);

/// A renter's rental; `None` if it is not theirs.
pub fn find(db: &dyn Db, renter: AccountId, id: RentalId) -> Result<Option<Rental>, StoreError> {
    db.first(FIND, &[Value::text(id), Value::text(renter)])
}

/// Which rentals are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Which {
    /// All.
    #[default]
    All,
    /// Those that hold a slice.
    #[strum(serialize = "running")]
    Live,
    /// Those that have ended.
    Ended,
}

/// One page of a renter's rentals, the newest first: ids sort by time. `?1` renter, `?2` the last
/// rental of the page before, `?3` how many rows, `?4` 1 for live ones, 0 for ended ones, NULL for
/// all. Served by the index `rentals_by_renter`.
const OF_RENTER: &str = select!(
    Rental,
    "FROM rentals r JOIN nodes n ON n.id = r.node_id
     WHERE r.renter_id = ?1 AND r.id < ?2 AND (?4 IS NULL OR (r.state <> 'ended') = ?4)
     ORDER BY r.id DESC LIMIT ?3"
);

/// A page of a renter's rentals before `before`, the newest first.
pub fn of_renter(
    db: &dyn Db,
    renter: AccountId,
    which: Which,
    before: Option<RentalId>,
    limit: u32,
) -> Result<Vec<Rental>, StoreError> {
    // "~" sorts behind every digit and letter of an id.
    let before = before.map_or_else(|| "~".to_owned(), |id| id.to_string());
    let is_live = match which {
        Which::All => None,
        Which::Live => Some(true),
        Which::Ended => Some(false),
    };
    let params = [Value::text(renter), Value::Text(before), limit.into(), is_live.into()];
    db.all(OF_RENTER, &params)
}

row! {
    /// One thing that happened to a rental.
    pub struct RentalEvent {
        /// What it was.
        pub kind: EventKind = "kind",
        /// What else it is about, such as the step of an agent.
        pub subject: Option<String> = "subject",
        /// When.
        pub at: Timestamp = "created_at",
    }
}

/// What happened to the rental `?1`, in order. Served by the index `events_by_rental`.
const EVENTS: &str = select!(RentalEvent, "FROM events WHERE rental_id = ?1 ORDER BY id LIMIT 100");

/// What happened to a rental, in order. The caller has shown that it may be seen.
pub fn events(db: &dyn Db, rental: RentalId) -> Result<Vec<RentalEvent>, StoreError> {
    db.all(EVENTS, &[Value::text(rental)])
}

/// Saves a change of a rental; the columns of the command view, in order.
const CHANGE: &str = "
    INSERT INTO change_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, order_id, total_micros, token_id, response, removal_late_at,
            changed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";

/// What an extension writes besides what it changes.
pub(crate) struct Extended {
    /// The order that it becomes.
    pub(crate) order: OrderId,
    /// The token that asks, if one does.
    pub(crate) token: Option<TokenId>,
    /// What `store_response` takes.
    pub(crate) response: Value,
}

/// Pays a rental back in full, and ends it; the columns of the command view, in order.
const REFUND: &str = "
    INSERT INTO refund_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, removal_late_at, changed_at, mail_id, mail_kind, sealed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)";

/// Saves what becomes of a rental; refused if it has changed since it was seen.
pub(crate) fn save(
    db: &dyn Db,
    seen: &rental::Rental,
    change: &Change,
    extended: Option<Extended>,
    now: Timestamp,
) -> Result<(), StoreError> {
    if change.event == Some(EventKind::RentalRefunded) {
        return save_refund(db, seen, change, None, now);
    }
    let paid = change.after.periods.last().map_or(Usd::ZERO, |period| period.total);
    let extended = match extended {
        None => [Value::Null, Value::Null, Value::Null, Value::Null],
        Some(Extended { order, token, response }) => {
            [Value::text(order), paid.micros().into(), token.map(Value::text).into(), response]
        }
    };
    let rest = [removal_late_at(change), now.into()];
    db.run(CHANGE, &[&change_params(seen, change, now)[..], &extended, &rest].concat()).map(drop)
}

/// Saves a refund in full, with a mail about it; refused if the rental has changed since it
/// was seen.
pub(crate) fn save_refund(
    db: &dyn Db,
    seen: &rental::Rental,
    change: &Change,
    mail: Option<&NotificationMail<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let [rental @ .., _event] = change_params(seen, change, now);
    let mail = [
        removal_late_at(change),
        now.into(),
        mail.map(|mail| Value::text(mail.id)).into(),
        mail.map(|mail| mail.kind).into(),
        mail.map(|mail| mail.sealed).into(),
    ];
    db.run(REFUND, &[&rental[..], &mail].concat()).map(drop)
}

/// What `change_rental` takes of a change, from the rental's id to the event.
pub(crate) fn change_params(seen: &rental::Rental, change: &Change, now: Timestamp) -> [Value; 11] {
    let after = &change.after;
    [
        Value::text(seen.id),
        seen.version.into(),
        after.state.into_str().into(),
        after.price.micros().into(),
        after.price_until.into(),
        after.ends_at.into(),
        after.ended_at.into(),
        after.earns_at(now).into(),
        periods_json(change),
        bookings_json(change),
        change.event.into(),
    ]
}

/// When the removal of its machines is late, of a rental that has ended.
pub(crate) fn removal_late_at(change: &Change) -> Value {
    change.after.ended_at.map(|at| at.plus_seconds(REMOVAL_LATE_SECONDS)).into()
}

/// The periods that came or changed, as the commands take them.
pub(crate) fn periods_json(change: &Change) -> Value {
    let is_changed = |period: &&Period| change.periods.contains(&period.number);
    let periods: Vec<Json> =
        change.after.periods.iter().filter(is_changed).map(period_json).collect();
    Value::Text(Json::from(periods).to_string())
}

/// What moves in the ledger, as the commands take it.
pub(crate) fn bookings_json(change: &Change) -> Value {
    let bookings: Vec<Json> = change.bookings.iter().map(booking_json).collect();
    Value::Text(Json::from(bookings).to_string())
}

fn period_json(period: &Period) -> Json {
    json!({
        "number": period.number,
        "months": period.months,
        "price": period.price.micros(),
        "total": period.total.micros(),
        "fee": period.fee.micros(),
        "earned": period.earned.micros(),
        "refunded": period.refunded.micros(),
        "starts_at": period.starts_at.seconds(),
        "ends_at": period.ends_at.seconds(),
    })
}

pub(crate) fn booking_json(booking: &Booking) -> Json {
    let entry = |entry: &Entry| {
        let owner = owner(entry.account);
        json!({ "kind": entry.account.into_str(), "owner": owner, "micros": entry.amount.micros() })
    };
    json!({
        "kind": booking.kind.into_str(),
        "reference": booking.reference,
        "reason": booking.reason,
        "entries": booking.entries.iter().map(entry).collect::<Vec<Json>>(),
    })
}

/// Whose a ledger account is, as SQL keeps it.
fn owner(account: LedgerAccount) -> String {
    match account {
        LedgerAccount::Funding | LedgerAccount::Platform => String::new(),
        LedgerAccount::Wallet(owner) | LedgerAccount::Earnings(owner) => owner.to_string(),
        LedgerAccount::Escrow(rental) => rental.to_string(),
        LedgerAccount::Payout(payout) => payout.to_string(),
    }
}

/// Decides and saves, and decides again where somebody was faster. `None` is nothing to do.
pub(crate) fn change(
    db: &dyn Db,
    mut load: impl FnMut() -> Result<Option<rental::Rental>, StoreError>,
    decide: impl Fn(&rental::Rental) -> Option<Change>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    for _ in 0..SAVE_ATTEMPTS {
        let Some(seen) = load()? else { return Ok(false) };
        let Some(change) = decide(&seen) else { return Ok(false) };
        match save(db, &seen, &change, None, now) {
            Ok(()) => return Ok(true),
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Busy)
}

/// Why a rental was not changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeFailure {
    /// It is not the renter's.
    #[error("there is no such rental")]
    NoSuchRental,
    /// The rules do not let it be extended.
    #[error(transparent)]
    Extend(#[from] ExtendError),
    /// It has ended already.
    #[error(transparent)]
    Ended(#[from] EndedAlready),
    /// What goes back is not what the renter confirmed.
    #[error("the refund is ${refund} now, and ${confirmed} was confirmed; look at it again")]
    RefundChanged {
        /// What would go back.
        refund: Usd,
        /// What was confirmed.
        confirmed: Usd,
    },
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A request to extend a rental.
#[derive(Clone, Copy, Debug)]
pub struct Extension<'a> {
    /// Whose rental.
    pub renter: AccountId,
    /// Which.
    pub rental: RentalId,
    /// By how much.
    pub term: Term,
    /// The highest price per slice and month; `None` for the rental's own.
    pub max_price: Option<Usd>,
    /// What the platform keeps.
    pub platform_fee: Percent,
    /// The order that it becomes.
    pub order: OrderId,
    /// The token that asks, if one does.
    pub token: Option<TokenId>,
    /// Has its response stored; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
}

/// What an extension depends on besides the rental: `?1` renter, `?2` token or NULL. There is
/// always one row.
const EXTEND_CONTEXT: &str = "
    SELECT coalesce((SELECT balance_micros FROM ledger_accounts
                      WHERE kind = 'wallet' AND owner_id = ?1), 0),
           (SELECT ceiling_micros - spent_micros FROM tokens WHERE id = ?2)";

/// Decides an extension: the rental, and what would change.
pub fn plan_extension(
    db: &dyn Db,
    extension: &Extension<'_>,
    now: Timestamp,
) -> Result<(Rental, Change), ChangeFailure> {
    let Extension { renter, term, max_price, platform_fee, order, token, .. } = *extension;
    let params = [Value::text(renter), token.map(Value::text).into()];
    let (balance, spendable) = db.one::<(Usd, Option<Usd>)>(EXTEND_CONTEXT, &params)?;
    let found = find(db, renter, extension.rental)?.ok_or(ChangeFailure::NoSuchRental)?;
    let context = ExtendContext { market: found.market, balance, spendable, platform_fee };
    let change = rental::extend(&found.life, term, max_price, &context, order, now)?;
    Ok((found, change))
}

/// Extends a rental: it is paid into escrow, with the response that `respond` makes of the rental
/// as it is then; or nothing happens.
pub fn extend(
    db: &dyn Db,
    extension: &Extension<'_>,
    respond: &dyn Fn(&Rental) -> StoredResponse,
    now: Timestamp,
) -> Result<StoredResponse, ChangeFailure> {
    let Extension { order, token, intention, .. } = *extension;
    for _ in 0..SAVE_ATTEMPTS {
        let (found, change) = plan_extension(db, extension, now)?;
        let life = rental::Rental { version: found.life.version + 1, ..change.after.clone() };
        let response = respond(&Rental { life, ..found.clone() });
        let stored = responses::column(intention, &response);
        let extended = Extended { order, token, response: stored };
        match save(db, &found.life, &change, Some(extended), now) {
            Ok(()) => return Ok(response),
            Err(error) if error.is_race() && !error.is_key_used() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

fn again(db: &dyn Db, renter: AccountId, id: RentalId) -> Result<Rental, ChangeFailure> {
    find(db, renter, id)?.ok_or(ChangeFailure::NoSuchRental)
}

/// What ending a rental now would mean.
pub fn plan_end(
    db: &dyn Db,
    renter: AccountId,
    id: RentalId,
    now: Timestamp,
) -> Result<(Rental, Ending), ChangeFailure> {
    let found = find(db, renter, id)?.ok_or(ChangeFailure::NoSuchRental)?;
    let is_free = unprovisioned::setup(db, renter, id, now)?.is_free();
    // Who paid and was let in nowhere owes nothing for the time that they waited.
    let ending = if is_free == Some(true) {
        rental::refund(&found.life, now)?
    } else {
        let ending = leaving::end(&found.life, found.market.leaves_at, now)?;
        Ending { is_setup_charged: is_free == Some(false), ..ending }
    };
    Ok((found, ending))
}

/// Ends a rental now, and pays the unused time back. Where a refund was `confirmed`, it is that or
/// nothing happens.
pub fn end(
    db: &dyn Db,
    renter: AccountId,
    id: RentalId,
    confirmed: Option<Usd>,
    now: Timestamp,
) -> Result<(Rental, Usd), ChangeFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let (found, ending) = plan_end(db, renter, id, now)?;
        let (life, refund) = (&found.life, ending.refund);
        if let Some(confirmed) = confirmed.filter(|confirmed| *confirmed != refund) {
            return Err(ChangeFailure::RefundChanged { refund, confirmed });
        }
        let saved = match found.market.leaves_at.filter(|_| ending.compensation > Usd::ZERO) {
            Some(leaves_at) => crate::leaving::save_end(db, life, &ending, leaves_at, None, now),
            None => save(db, life, &ending.change, None, now),
        };
        match saved {
            Ok(()) => return Ok((again(db, renter, id)?, refund)),
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// Why what is the renter's own was not set.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsFailure {
    /// The rental is not the renter's.
    #[error("there is no such rental")]
    NoSuchRental,
    /// The token that asks may not arrange such a renewal.
    #[error(transparent)]
    Ceiling(#[from] CeilingError),
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Who says how a rental is renewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RenewalSetter {
    /// Nobody: it stays as it is, with whoever set it.
    Nobody,
    /// Its renter. What renewals cost is limited by the price that they agreed to.
    Renter,
    /// A token. Where it has a ceiling, renewals count against it.
    Token(TokenId),
}

/// What is the renter's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RentalSettings {
    /// A name; empty for none.
    pub name: String,
    /// Labels.
    pub labels: Vec<String>,
    /// Whether and how it is extended by itself.
    pub renewal: Option<Renewal>,
    /// Who says so.
    pub renewal_by: RenewalSetter,
    /// Whether a machine of it that was shut down inside is started again.
    pub auto_start: bool,
}

/// What the token `?1` may still arrange to be spent, besides with the rental `?2`: without what
/// its renewals of others cost at most. NULL where nothing limits it. There is always one row.
/// Served by the index `rentals_by_renewal_token`.
const ARRANGEABLE: &str = "
    SELECT (SELECT max(0, ceiling_micros - spent_micros
                          - coalesce((SELECT sum(renew_most_micros) FROM rentals
                                       WHERE renew_token_id = ?1 AND state <> 'ended'
                                         AND id <> ?2), 0))
              FROM tokens WHERE id = ?1)";

pub(crate) fn arrangeable(
    db: &dyn Db,
    token: TokenId,
    rental: RentalId,
) -> Result<Option<Usd>, StoreError> {
    db.one(ARRANGEABLE, &[Value::text(token), Value::text(rental)])
}

/// Sets what is the renter's own: `?1` rental, `?2` renter, `?3` name, `?4` labels, `?5` whether
/// machines are started again, `?6` whether the renewal is set, to `?7` months and `?8` at most, or
/// NULL, by the token `?9`, or NULL, where one costs `?10` at most. No row comes back if it is not
/// theirs, or the token may not arrange that.
const SET_OWN: &str = "
    UPDATE rentals
       SET name = ?3, labels = ?4, auto_start = ?5,
           renew_months = iif(?6, ?7, renew_months),
           renew_max_micros = iif(?6, ?8, renew_max_micros),
           renew_token_id = iif(?6, limited.id, renew_token_id),
           renew_most_micros = iif(?6, iif(limited.id IS NULL, NULL, ?10), renew_most_micros)
      FROM (SELECT 1)
      LEFT JOIN (SELECT id, ceiling_micros - spent_micros
                            - coalesce((SELECT sum(renew_most_micros) FROM rentals
                                         WHERE renew_token_id = ?9 AND state <> 'ended'
                                           AND id <> ?1), 0) AS left_micros
                   FROM tokens
                  WHERE id = ?9 AND ?7 IS NOT NULL AND ceiling_micros IS NOT NULL) limited
     WHERE rentals.id = ?1 AND renter_id = ?2
       AND (?9 IS NULL OR EXISTS (SELECT 1 FROM tokens WHERE id = ?9))
       AND (limited.id IS NULL OR limited.left_micros >= ?10)
 RETURNING id";

/// Refuses what whoever sets a renewal may not arrange.
pub fn check_settings(
    db: &dyn Db,
    rental: &rental::Rental,
    own: &RentalSettings,
) -> Result<(), SettingsFailure> {
    if let (Some(renewal), RenewalSetter::Token(token)) = (own.renewal, own.renewal_by) {
        rental::arrange_renewal(renewal, rental.slices, arrangeable(db, token, rental.id)?)?;
    }
    Ok(())
}

/// Sets what is the renter's own.
pub fn change_settings(
    db: &dyn Db,
    renter: AccountId,
    id: RentalId,
    own: &RentalSettings,
) -> Result<(), SettingsFailure> {
    let token = match own.renewal_by {
        RenewalSetter::Nobody | RenewalSetter::Renter => None,
        RenewalSetter::Token(token) => Some(token),
    };
    for _ in 0..SAVE_ATTEMPTS {
        let Rental { life, .. } = find(db, renter, id)?.ok_or(SettingsFailure::NoSuchRental)?;
        check_settings(db, &life, own)?;
        let params = [
            Value::text(id),
            Value::text(renter),
            own.name.as_str().into(),
            Value::Text(Json::from(own.labels.clone()).to_string()),
            own.auto_start.into(),
            (own.renewal_by != RenewalSetter::Nobody).into(),
            own.renewal.map(|renewal| renewal.term.months()).into(),
            own.renewal.map(|renewal| renewal.max_price.micros()).into(),
            token.map(Value::text).into(),
            own.renewal.map(|renewal| renewal.most(life.slices).micros()).into(),
        ];
        if db.has_row(SET_OWN, &params)? {
            return Ok(());
        }
    }
    Err(StoreError::Busy.into())
}

/// Imports a rental of a whole node from before there were slices; the columns of the command view.
const IMPORT: &str = "
    INSERT INTO import_node_rental
           (id, node_id, renter_id, months, price_micros, price_until, started_at, ends_at,
            evaluate_at, imported_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// A rental of a whole node from before there were slices.
#[derive(Clone, Copy, Debug)]
pub struct Import {
    /// The id that it gets.
    pub id: RentalId,
    /// The node.
    pub node: NodeId,
    /// Who rents it.
    pub renter: AccountId,
    /// When that began.
    pub started_at: Timestamp,
    /// For how many calendar months it is paid.
    pub months: u32,
    /// What an extension costs, per slice and month.
    pub price: Usd,
}

/// Takes over a rental of a whole node. No money moves. Refused while anything on the node is
/// rented or held, or where it is the renter's own.
pub fn import(db: &dyn Db, import: &Import, now: Timestamp) -> Result<(), StoreError> {
    let ends_at = import.started_at.plus_months(import.months);
    let params = [
        Value::text(import.id),
        import.node.0.into(),
        Value::text(import.renter),
        import.months.into(),
        import.price.micros().into(),
        ends_at.plus_months(rental::PRICE_MONTHS).into(),
        import.started_at.into(),
        ends_at.into(),
        evaluation::settled_at(import.started_at).into(),
        now.into(),
    ];
    db.run(IMPORT, &params).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 2] =
    [(OF_RENTER, "rentals_by_renter"), (EVENTS, "events_by_rental")];
