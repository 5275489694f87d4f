//! Nodes that leave the market, and what becomes of their rentals: ended, or moved elsewhere.

use domain::evaluation;
use domain::id::{AccountId, NodeId, RentalId, SliceId};
use domain::leaving::{self, MoveCause, MoveError, NoticeError, SlaCommitment, Target};
use domain::money::Usd;
use domain::offering::{self, OfferingError};
use domain::provisioning::{AGENT_SECONDS, Owed, REMOVAL_LATE_SECONDS};
use domain::rental::{self, Ending};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::due::{NotificationMail, mail_params, write_down};
use crate::jobs;
use crate::nodes::{self, FarmNode, Farmer};
use crate::offers::Offer;
use crate::refusal::Refusal;
use crate::rentals::{
    Rental, SAVE_ATTEMPTS, booking_json, bookings_json, change_params, find, periods_json,
    removal_late_at,
};
use crate::renting::{self, RenterContext, SLICES_MAX};
use crate::row::{row, select};
use crate::sla_results::OWED_AGAIN_SECONDS;

/// Why a node was not withdrawn.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum LeaveFailure {
    /// It is not the farmer's.
    #[error("there is no such node")]
    NoSuchNode,
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] NoticeError),
    /// Its offer is locked.
    #[error(transparent)]
    Locked(#[from] OfferingError),
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Withdraws a node, if it is as the caller saw it: `?1` farmer, `?2` node, `?3` version of its
/// offer, `?4` when it leaves, `?5` now, `?6` whether something of it was rented or held. What is
/// free is gone at once where nothing was. No row comes back if it has changed meanwhile.
const ANNOUNCE: &str = "
    UPDATE nodes
       SET leaves_at = ?4, left_at = CASE WHEN ?4 <= ?5 AND ?6 = 0 THEN ?5 END,
           listing = CASE listing WHEN 'published' THEN 'paused' ELSE listing END,
           offer_version = offer_version + 1, offer_changed_at = ?5
     WHERE farmer_id = ?1 AND id = ?2 AND offer_version = ?3 AND leaves_at IS NULL
       AND locked_by IS NULL
       AND (?6 = 1 OR (allocated_slices = 0 AND reserved_slices = 0 AND whole_rental_id IS NULL))
 RETURNING id";

/// Withdraws a farmer's node: it is off the market now, and leaves on the day that is `wanted`, or
/// as early as it can.
pub fn withdraw(
    db: &dyn Db,
    farmer: impl Into<Farmer>,
    node: NodeId,
    wanted: Option<Timestamp>,
    now: Timestamp,
) -> Result<(), LeaveFailure> {
    let farmer = farmer.into();
    for _ in 0..SAVE_ATTEMPTS {
        let (seen, _) = nodes::find(db, farmer, node)?.ok_or(LeaveFailure::NoSuchNode)?;
        offering::unlocked(&seen.seen())?;
        let leaves_at = leaving::notice(seen.leaves_at, seen.is_used(), wanted, now)?;
        let params = [
            Value::text(farmer.account),
            node.0.into(),
            seen.offer.version.into(),
            leaves_at.into(),
            now.into(),
            seen.is_used().into(),
        ];
        if db.has_row(ANNOUNCE, &params)? {
            return Ok(());
        }
    }
    Err(StoreError::Busy.into())
}

/// Takes a notice back, also where the node has left: `?1` farmer, `?2` node, `?3` now. No row
/// comes back where there is none.
const CANCEL_LEAVE: &str = "
    UPDATE nodes
       SET leaves_at = NULL, left_at = NULL, offer_version = offer_version + 1,
           offer_changed_at = ?3
     WHERE farmer_id = ?1 AND id = ?2 AND leaves_at IS NOT NULL AND locked_by IS NULL
 RETURNING id";

/// Lets a farmer's node stay, or come back; `false` if it does not leave. It is not on the market
/// until its farmer publishes it.
pub fn cancel_leave(
    db: &dyn Db,
    farmer: AccountId,
    node: NodeId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [Value::text(farmer), node.0.into(), now.into()];
    db.has_row(CANCEL_LEAVE, &params)
}

row! {
    /// An offer that a rental could be moved to.
    struct Alternative {
        offer: Offer,
        /// Its lowest free slice that the rental `?7` has not left; `None` where it has left all.
        slice: Option<u32> =
            "(SELECT min(number) FROM slices s
               WHERE node_id = n.id AND state = 'available'
                 AND NOT EXISTS (SELECT 1 FROM jobs
                                  WHERE rental_id = ?7 AND slice_number = s.number
                                    AND node_id = s.node_id))",
    }
}

/// Slices that are as good as that of the rental `?7`: one of each node, its lowest free one that
/// the rental has not left; in the country of the node `?1` first, then by price. `?2` the agreed
/// price, `?3` and `?4` the SLA, `?5` the renter, `?6` how many rows. `?8` is 1 where access is
/// owed, and 2 where it is overdue: of farms with an agent after `?9`, and, where it is overdue, of
/// the same node before all others. Served by the index `nodes_by_price`: it reads what is on
/// offer.
const ALTERNATIVES: &str = select!(
    Alternative,
    "FROM nodes n
       JOIN nodes h ON h.id = ?1
      WHERE n.listing = 'published' AND n.available_slices > 0 AND n.price_micros <= ?2
        AND n.min_uptime >= ?3 AND n.min_bandwidth_mbps >= ?4
        AND n.farmer_id <> ?5 AND (n.id <> ?1 OR ?8 = 2)
        AND (?8 = 0 OR EXISTS (SELECT 1 FROM agents a
                                WHERE a.account_id = n.farmer_id AND a.farm_id = n.farm_id
                                  AND a.seen_at > ?9))
      ORDER BY n.id <> ?1, n.country <> h.country, n.price_micros, n.id
      LIMIT ?6"
);

/// Slices that a rental could be moved to, the nearest and cheapest first. One that has no access
/// in time goes on with another slice of its own node before all others.
pub fn alternatives(
    db: &dyn Db,
    rental: &Rental,
    owed: Owed,
    now: Timestamp,
) -> Result<Vec<(SliceId, Offer)>, StoreError> {
    let owing: u32 = match owed {
        Owed::Nothing => 0,
        Owed::Access => 1,
        Owed::Overdue => 2,
    };
    let params = [
        rental.life.node.0.into(),
        rental.life.price.micros().into(),
        rental.min_uptime.hundredths().into(),
        rental.min_bandwidth.mbps().into(),
        Value::text(rental.life.renter),
        leaving::ALTERNATIVES_MAX.into(),
        Value::text(rental.life.id),
        owing.into(),
        now.plus_seconds(-AGENT_SECONDS).into(),
    ];
    let found = db.all::<Alternative>(ALTERNATIVES, &params)?.into_iter();
    let slice = |Alternative { offer, slice }: Alternative| {
        Some((SliceId { node: offer.node, number: slice? }, offer))
    };
    Ok(found.filter_map(slice).collect())
}

/// Where a renter wants to go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The node.
    pub node: NodeId,
    /// The slice's number; `None` for any free one, of another node.
    pub slice: Option<u32>,
    /// The version of the offer that the renter saw.
    pub offer_version: i64,
}

/// Why a rental was not moved.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoveFailure {
    /// It is not the renter's.
    #[error("there is no such rental")]
    NoSuchRental,
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] MoveError),
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Decides a move, and changes nothing: `None` where the rental is there already.
pub fn plan_move(
    db: &dyn Db,
    renter: AccountId,
    id: RentalId,
    to: &Destination,
    now: Timestamp,
) -> Result<(Rental, Option<leaving::Move>), MoveFailure> {
    decide(db, renter, id, to, 0, now).map(|(found, _, moved)| (found, moved))
}

/// Decides a move, and what was owed then.
fn decide(
    db: &dyn Db,
    renter: AccountId,
    id: RentalId,
    to: &Destination,
    attempt: u32,
    now: Timestamp,
) -> Result<(Rental, Owed, Option<leaving::Move>), MoveFailure> {
    let owed = jobs::owed(db, id, now)?;
    let found = find(db, renter, id)?.ok_or(MoveFailure::NoSuchRental)?;
    if found.life.node == to.node && to.slice.is_none_or(|slice| found.life.slice == Some(slice)) {
        return Ok((found, owed, None));
    }
    let (has_agent, left) = jobs::ahead(db, id, to.node, now)?;
    let named_max = if to.slice.is_none() { SLICES_MAX } else { 0 };
    let context = RenterContext { renter, token: None, quote: None, slices_max: 0, named_max };
    let seen = renting::load(db, &[(to.node, to.slice)], &context, now)?;
    let sold = SlaCommitment { min_uptime: found.min_uptime, min_bandwidth: found.min_bandwidth };
    let target = Target {
        offer: seen.offers.first(),
        slice: to.slice,
        free: seen.free(to.node),
        start: renting::start(id.as_bytes(), attempt),
        version: to.offer_version,
        has_agent,
        left: &left,
    };
    let is_down = found.life.outages.unpaid_since(now).is_some();
    let cause = MoveCause { leaves_at: found.market.leaves_at, owed, is_down };
    let moved = leaving::move_to(&found.life, sold, cause, &target, now)?;
    Ok((found, owed, Some(moved)))
}

/// Moves a rental; the columns of the command view, in order.
const MOVE: &str = "
    INSERT INTO move_rental_to_slice
           (id, version, node_id, slice_number, offer_version, price_micros, min_uptime,
            min_bandwidth_mbps, earns_at, periods, bookings, is_owed, removal_late_at, evaluate_at,
            late_at, refund_at, seen_after, moved_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)";

/// Moves a rental to another slice, as its renter wants. A second try of the same finds it done.
pub fn move_rental(
    db: &dyn Db,
    renter: AccountId,
    id: RentalId,
    to: &Destination,
    now: Timestamp,
) -> Result<Rental, MoveFailure> {
    for attempt in 0..SAVE_ATTEMPTS {
        let (found, owed, moved) = decide(db, renter, id, to, attempt, now)?;
        let Some(moved) = moved else { return Ok(found) };
        let after = &moved.change.after;
        let [late_at, refund_at, seen_after] = jobs::creation_times(now);
        let params = [
            Value::text(id),
            found.life.version.into(),
            after.node.0.into(),
            after.slice.into(),
            moved.offer_version.into(),
            after.price.micros().into(),
            moved.sla.min_uptime.hundredths().into(),
            moved.sla.min_bandwidth.mbps().into(),
            after.earns_at(now).into(),
            periods_json(&moved.change),
            bookings_json(&moved.change),
            owed.is_owed().into(),
            now.plus_seconds(REMOVAL_LATE_SECONDS).into(),
            evaluation::settled_at(now).into(),
            late_at,
            refund_at,
            seen_after,
            now.into(),
        ];
        match db.run(MOVE, &params) {
            Ok(_) => return find(db, renter, id)?.ok_or(MoveFailure::NoSuchRental),
            // Somebody was faster: look again, and let the decision say why.
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

row! {
    /// A rental whose node leaves, and whom to notify.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LeavingRental {
        /// The rental.
        pub rental: Rental,
        /// When its node leaves.
        pub leaves_at: Timestamp = "n.leaves_at",
        /// The renter's address.
        pub email: String = "a.email",
    }
}

/// The running rentals of nodes that leave, each with its renter. Few nodes leave: these come
/// first, which is what `CROSS` tells SQLite.
const FROM: &str = "
      FROM nodes n
     CROSS JOIN rentals r ON r.node_id = n.id AND r.state <> 'ended'
      JOIN accounts a ON a.id = r.renter_id
     WHERE n.left_at IS NULL AND n.leaves_at IS NOT NULL ";

/// In `reminders`, as the number of days: that its node leaves.
const NOTICE: i64 = -1;

/// Up to `?1` rentals whose renters were not notified yet, in `reminders` as `?2`, that the node
/// leaves.
/// Served by the index `nodes_by_leaving`.
const UNNOTIFIED: &str = select!(
    LeavingRental,
    FROM,
    "AND NOT EXISTS (SELECT 1 FROM reminders d
                      WHERE d.rental_id = r.id AND d.ends_at = n.leaves_at AND d.days = ?2)
     ORDER BY n.leaves_at LIMIT ?1"
);

/// Up to `?2` rentals whose node was to leave by `?1`, the longest overdue first. Served by the
/// index `nodes_by_leaving`.
const OVERDUE: &str =
    select!(LeavingRental, FROM, "AND n.leaves_at <= ?1 ORDER BY n.leaves_at LIMIT ?2");

/// Rentals whose renters are to be notified that their node leaves.
pub fn unnotified(db: &dyn Db, limit: u32) -> Result<Vec<LeavingRental>, StoreError> {
    db.all(UNNOTIFIED, &[limit.into(), NOTICE.into()])
}

/// Writes down that a renter was notified, with the mail that did, where there is one.
pub fn notify(
    db: &dyn Db,
    told: &LeavingRental,
    mail: Option<&NotificationMail<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    write_down(db, told.rental.life.id, (told.leaves_at, NOTICE), None, mail, now)
}

/// Rentals that are to be ended because their node leaves.
pub fn overdue(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<LeavingRental>, StoreError> {
    db.all(OVERDUE, &[now.into(), limit.into()])
}

/// Ends a rental because its node leaves; the columns of the command view, in order.
const END: &str = "
    INSERT INTO end_cut_rental
           (id, version, state, price_micros, price_until, ends_at, ended_at, earns_at, periods,
            bookings, event, mail_id, mail_kind, sealed, removal_late_at, changed_at, leaves_at,
            compensation_micros, compensation, owed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
            ?20)";

/// What ending a rental means because its node leaves; `None` before that.
pub fn plan_end(due: &LeavingRental, now: Timestamp) -> Option<Ending> {
    leaving::leave(&due.rental.life, due.leaves_at, now)
}

/// Ends a rental because its node leaves, with the mail that tells its renter. Refused where it has
/// changed meanwhile: the next run looks again.
pub fn end(
    db: &dyn Db,
    due: &LeavingRental,
    ending: &Ending,
    mail: Option<&NotificationMail<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    save_end(db, &due.rental.life, ending, due.leaves_at, mail, now)
}

/// Ends a rental whose node leaves at `leaves_at`, and books what the farmer owes the renter for
/// it, or notes that it is owed. Refused where the rental or the notice has changed meanwhile.
pub(crate) fn save_end(
    db: &dyn Db,
    seen: &rental::Rental,
    ending: &Ending,
    leaves_at: Timestamp,
    mail: Option<&NotificationMail<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let change = change_params(seen, &ending.change, now);
    let times = [removal_late_at(&ending.change), now.into(), leaves_at.into()];
    let head: Vec<Value> = change.into_iter().chain(mail_params(mail)).chain(times).collect();
    let booking = leaving::compensation(seen, ending.compensation);
    let booking = booking.map(|booking| booking_json(&booking).to_string());
    let with = |booking: Option<&str>, owed_at: Option<Timestamp>| {
        let money = [ending.compensation.micros().into(), booking.into(), owed_at.into()];
        db.run(END, &[&head[..], &money].concat()).map(drop)
    };
    match with(booking.as_deref(), None) {
        // The earnings do not suffice: then it is owed.
        Err(StoreError::Refused(Refusal::BalanceNeverNegative)) if booking.is_some() => {
            with(None, Some(now.plus_seconds(OWED_AGAIN_SECONDS)))
        }
        other => other,
    }
}

row! {
    /// A compensation that is owed.
    struct Owing {
        rental: rental::Rental,
        amount: Usd = "m.micros",
    }
}

/// Up to `?2` compensations that are owed and to be tried at `?1`. Served by the index
/// `leaving_compensations_owed`.
const OWED: &str = select!(
    Owing,
    "FROM leaving_compensations m
     CROSS JOIN rentals r ON r.id = m.rental_id
     WHERE m.owed_at <= ?1 ORDER BY m.owed_at LIMIT ?2"
);

/// Books a compensation that was owed; the columns of the command view, in order.
const PAY: &str = "
    INSERT INTO pay_compensation (rental_id, booking, paid_at) VALUES (?1, ?2, ?3)";

/// The compensation of `?1` is tried again at `?2`, if it is still owed.
const LATER: &str = "
    UPDATE leaving_compensations SET owed_at = ?2
     WHERE rental_id = ?1 AND owed_at IS NOT NULL";

/// Books compensations that were owed, as far as the earnings suffice by now: at most `limit` of
/// them.
pub fn pay_owed(db: &dyn Db, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    for Owing { rental, amount } in db.all(OWED, &[now.into(), limit.into()])? {
        let Some(booking) = leaving::compensation(&rental, amount) else { continue };
        let booking = Value::Text(booking_json(&booking).to_string());
        match db.run(PAY, &[Value::text(rental.id), booking, now.into()]) {
            Ok(_) => {}
            Err(StoreError::Refused(Refusal::BalanceNeverNegative | Refusal::CreditChanged)) => {
                let later = now.plus_seconds(OWED_AGAIN_SECONDS);
                db.run(LATER, &[Value::text(rental.id), later.into()])?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// What leaving costs the farmer of the node `?1` at most, if it leaves at `?2`: compensations of
/// the rentals that are paid for beyond that. Served by the index `rentals_one_live_per_slice`.
const COST: &str = "
    SELECT coalesce(sum(micros), 0) FROM leaving_costs WHERE node_id = ?1 AND ends_at > ?2";

/// What leaving the market costs the farmer of a node at most by now: on its day, or as early as it
/// can; nothing once it has left.
pub fn cost(db: &dyn Db, node: &FarmNode, now: Timestamp) -> Result<Usd, StoreError> {
    let leaves_at = node.leaves_at.unwrap_or_else(|| leaving::earliest(node.is_used(), now));
    db.one(COST, &[node.offer.node.0.into(), leaves_at.into()])
}

/// What makes good that the node of the rental `?1` left, and whether that is still owed.
const COMPENSATION: &str = "
    SELECT micros, owed_at IS NOT NULL FROM leaving_compensations WHERE rental_id = ?1";

/// What a renter gets because a rental's node left, and whether the farmer still owes it; `None`
/// for nothing.
pub fn compensation_of(db: &dyn Db, rental: RentalId) -> Result<Option<(Usd, bool)>, StoreError> {
    db.first(COMPENSATION, &[Value::text(rental)])
}

/// Marks up to `?2` nodes as left whose day has come by `?1` and of which nothing is rented or
/// held. Served by the index `nodes_by_leaving`.
const LEAVE: &str = "
    UPDATE nodes SET left_at = ?1
     WHERE id IN (SELECT id FROM nodes
                   WHERE leaves_at <= ?1 AND left_at IS NULL AND allocated_slices = 0
                     AND reserved_slices = 0 AND whole_rental_id IS NULL
                   ORDER BY leaves_at LIMIT ?2)
 RETURNING id";

/// Lets nodes leave whose day has come and whose last rental has ended: at most `limit` of them.
/// Answers how many.
pub fn leave(db: &dyn Db, now: Timestamp, limit: u32) -> Result<usize, StoreError> {
    Ok(db.run(LEAVE, &[now.into(), limit.into()])?.len())
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 5] = [
    (UNNOTIFIED, "nodes_by_leaving"),
    (OVERDUE, "nodes_by_leaving"),
    (LEAVE, "nodes_by_leaving"),
    (OWED, "leaving_compensations_owed"),
    (COST, "rentals_one_live_per_slice"),
];
