//! Disputes about SLA results: each side says so once, and the operator decides.

use domain::evaluation::{DISPUTED_WITHIN_SECONDS, DisputeSide};
use domain::id::{AccountId, DisputeId, RentalId};
use domain::money::Usd;
use domain::month::Month;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::rentals::{SAVE_ATTEMPTS, booking_json};
use crate::row::{FromJson, row, select};
use crate::sla_results::{SLA_RESULT, SlaResult};

/// What somebody says against an SLA result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dispute {
    /// Its id.
    pub id: DisputeId,
    /// Who says it.
    pub side: DisputeSide,
    /// What, in their words.
    pub words: String,
    /// When.
    pub created_at: Timestamp,
    /// What the operator has decided; `None` while it is open.
    pub decision: Option<Decision>,
}

/// What the operator has decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Timestamp,
    /// What the operator says to it.
    pub answer: String,
    /// What the renter gets of the month, all in all.
    pub credit: Usd,
}

/// The disputes about the SLA result `m`.
pub(crate) const DISPUTES: &str = "
    (SELECT json_group_array(json_array(id, side, words, created_at, decided_at, answer,
                                        credit_micros))
       FROM sla_disputes
      WHERE rental_id = m.rental_id AND month = m.month AND tenure = m.tenure)";

impl FromJson for Dispute {
    type Json = (String, String, String, i64, Option<i64>, Option<String>, Option<i64>);

    fn from_json(json: Self::Json) -> Option<Dispute> {
        let (id, side, words, created_at, decided_at, answer, credit) = json;
        let decision = match (decided_at, answer, credit) {
            (Some(at), Some(answer), Some(credit)) => Some(Decision {
                at: Timestamp::from_seconds(at),
                answer,
                credit: Usd::from_micros(credit),
            }),
            _ => None,
        };
        Some(Dispute {
            id: DisputeId::parse(&id)?,
            side: side.parse().ok()?,
            words,
            created_at: Timestamp::from_seconds(created_at),
            decision,
        })
    }
}

/// Which SLA result is disputed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The rental.
    pub rental: RentalId,
    /// The month.
    pub month: Month,
    /// The number of its tenure.
    pub tenure: u32,
}

/// A dispute that somebody begins.
pub struct NewDispute<'a> {
    /// Its id.
    pub id: DisputeId,
    /// What about.
    pub key: Key,
    /// From which side.
    pub side: DisputeSide,
    /// Who.
    pub account: AccountId,
    /// Why.
    pub words: &'a str,
}

/// Why there is no dispute.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DisputeFailure {
    /// There is no such SLA result, or it is somebody else's.
    #[error("there is no such month of a rental")]
    NoSuchMonth,
    /// It was too long ago.
    #[error("a month can be disputed for 30 days after it was judged")]
    TooLate,
    /// A farmer was charged nothing.
    #[error("nothing was taken from your earnings for this month")]
    NothingToDispute,
    /// It was said already.
    #[error("you have disputed this month already")]
    Already,
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The SLA result of `?1`, `?2` and `?3`, if it is of the renter `?4` or of the farmer `?5`. Served
/// by the primary key.
const FIND: &str = select!(
    SlaResult,
    SLA_RESULT,
    "WHERE m.rental_id = ?1 AND m.month = ?2 AND m.tenure = ?3
       AND (m.renter_id = ?4 OR m.farmer_id = ?5)"
);

/// An SLA result, for who is on this side of it; `None` for everybody else.
pub fn sla_result(
    db: &dyn Db,
    key: Key,
    side: DisputeSide,
    account: AccountId,
) -> Result<Option<SlaResult>, StoreError> {
    let (renter, farmer) = match side {
        DisputeSide::Renter => (Some(account), None),
        DisputeSide::Farmer => (None, Some(account)),
    };
    let params = [
        Value::text(key.rental),
        Value::text(key.month),
        key.tenure.into(),
        renter.map(Value::text).into(),
        farmer.map(Value::text).into(),
    ];
    db.first(FIND, &params)
}

/// Writes a dispute down: the columns of the table, in order. A second one of a side is refused.
const BEGIN: &str = "
    INSERT INTO sla_disputes (id, rental_id, month, tenure, side, account_id, words, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Begins a dispute, and tells both sides.
pub fn begin(db: &dyn Db, new: &NewDispute<'_>, now: Timestamp) -> Result<(), DisputeFailure> {
    let sla_result =
        sla_result(db, new.key, new.side, new.account)?.ok_or(DisputeFailure::NoSuchMonth)?;
    if sla_result.disputes.iter().any(|dispute| dispute.side == new.side) {
        return Err(DisputeFailure::Already);
    }
    if now.seconds_since(sla_result.evaluated_at) > DISPUTED_WITHIN_SECONDS {
        return Err(DisputeFailure::TooLate);
    }
    if new.side == DisputeSide::Farmer && sla_result.credit == Usd::ZERO {
        return Err(DisputeFailure::NothingToDispute);
    }
    let params = [
        Value::text(new.id),
        Value::text(new.key.rental),
        Value::text(new.key.month),
        new.key.tenure.into(),
        new.side.into_str().into(),
        Value::text(new.account),
        new.words.into(),
        now.into(),
    ];
    match db.run(BEGIN, &params) {
        Ok(_) => Ok(()),
        // It was sent twice at once.
        Err(StoreError::Refused(Refusal::DisputeExists)) => Err(DisputeFailure::Already),
        Err(error) => Err(error.into()),
    }
}

/// A dispute that the operator decides, and what it is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The dispute.
    pub dispute: Dispute,
    /// What it is about.
    pub sla_result: SlaResult,
}

row! {
    /// An SLA result, and which of its disputes is meant.
    struct Disputed {
        sla_result: SlaResult,
        id: DisputeId = "d.id",
    }
}

/// Where a `Disputed` is.
const DISPUTED: &str = "
      FROM sla_disputes d
      JOIN sla_months m ON m.rental_id = d.rental_id AND m.month = d.month AND m.tenure = d.tenure
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure ";

fn case(Disputed { sla_result, id }: Disputed) -> Result<Case, StoreError> {
    let dispute = sla_result.disputes.iter().find(|dispute| dispute.id == id).cloned();
    let dispute = dispute.ok_or_else(|| StoreError::Corrupt("a dispute of nothing".into()))?;
    Ok(Case { dispute, sla_result })
}

/// One page of the disputes that are open, the oldest first: `?1` the last one of the page before,
/// empty for none, `?2` how many. Served by the index `sla_disputes_open`.
const OPEN: &str =
    select!(Disputed, DISPUTED, "WHERE d.decided_at IS NULL AND d.id > ?1 ORDER BY d.id LIMIT ?2");

/// A page of the disputes that are open, the oldest first.
pub fn open(db: &dyn Db, behind: Option<DisputeId>, limit: u32) -> Result<Vec<Case>, StoreError> {
    let behind = behind.map_or("".into(), Value::text);
    db.all(OPEN, &[behind, limit.into()])?.into_iter().map(case).collect()
}

/// The dispute `?1`.
const CASE: &str = select!(Disputed, DISPUTED, "WHERE d.id = ?1");

/// A dispute and what it is about.
pub fn find(db: &dyn Db, id: DisputeId) -> Result<Option<Case>, StoreError> {
    db.first(CASE, &[Value::text(id)])?.map(case).transpose()
}

/// Why a dispute was not decided.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecideFailure {
    /// There is none.
    #[error("there is no such dispute")]
    NoSuchDispute,
    /// It is decided.
    #[error("this dispute is decided")]
    Decided,
    /// The month has cost less.
    #[error("that part of the month has cost ${base}: no more can be credited")]
    AboveBase {
        /// What it has cost.
        base: Usd,
    },
    /// Who is to give something back does not have it.
    #[error("the {} does not have that much", match side {
        DisputeSide::Renter => "renter's wallet",
        DisputeSide::Farmer => "farmer's earnings",
    })]
    InsufficientPayerBalance {
        /// Who.
        side: DisputeSide,
    },
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Decides a dispute; the columns of the command view, in order.
const DECIDE: &str = "
    INSERT INTO decide_dispute (id, seen_micros, credit_micros, answer, booking, decided_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Decides a dispute: the renter gets `credit` of the month, all in all, and what that differs by
/// is booked.
pub fn decide(
    db: &dyn Db,
    id: DisputeId,
    credit: Usd,
    answer: &str,
    now: Timestamp,
) -> Result<Case, DecideFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let case = find(db, id)?.ok_or(DecideFailure::NoSuchDispute)?;
        let SlaResult { base, paid, .. } = case.sla_result;
        if case.dispute.decision.is_some() {
            return Err(DecideFailure::Decided);
        }
        if credit > base {
            return Err(DecideFailure::AboveBase { base });
        }
        let booking = case.sla_result.subject.correction(id, paid, credit);
        let params = [
            Value::text(id),
            paid.micros().into(),
            credit.micros().into(),
            answer.into(),
            booking.map(|booking| booking_json(&booking).to_string()).as_deref().into(),
            now.into(),
        ];
        match db.run(DECIDE, &params) {
            Ok(_) => return find(db, id)?.ok_or(DecideFailure::NoSuchDispute),
            Err(StoreError::Refused(Refusal::BalanceNeverNegative)) => {
                let side = if credit > paid { DisputeSide::Farmer } else { DisputeSide::Renter };
                return Err(DecideFailure::InsufficientPayerBalance { side });
            }
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(OPEN, "sla_disputes_open")];
