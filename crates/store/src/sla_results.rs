//! SLAs that are compared with what was measured, month by month and at a rental's end, and the
//! credits that follow: a bounded number at a time, each in a statement of its own.

use domain::evaluation::{self, Due, MachineTime, Measured, SlaCommitment, Subject, Tenure};
use domain::id::{AccountId, NodeId, RentalId};
use domain::money::Usd;
use domain::month::Month;
use domain::outage::Outages;
use domain::outlook::Observations;
use domain::period::Period;
use domain::sla;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};

use crate::db::{Db, StoreError, Value};
use crate::disputes::{DISPUTES, Dispute};
use crate::observations;
use crate::outages::{self, OUTAGES};
use crate::refusal::Refusal;
use crate::rentals::{PERIODS, booking_json};
use crate::row::{fields, row, select};

/// How many times a node is measured for these. Rentals that lived equally long on one node share
/// one.
const MEASURED_AT_ONCE: usize = 100;
/// After how long what is owed is tried again. Seconds: six hours.
pub(crate) const OWED_AGAIN_SECONDS: i64 = 6 * 3_600;
/// The most months of one rental that are read at once.
const MONTHS_MAX: u32 = 120;

row! {
    /// A tenure whose SLA is to be compared.
    struct DueTenure {
        rental: RentalId = "s.rental_id",
        number: u32 = "s.number",
        node: NodeId = "s.node_id",
        place: String = "'node' || s.node_id || coalesce('_slice_' || s.slice_number, '')",
        farmer: AccountId = "s.farmer_id",
        sla: SlaCommitment = "s.min_uptime, s.min_bandwidth_mbps",
        span: Tenure,
        version: i64 = "r.version",
        renter: AccountId = "r.renter_id",
        rental_ended_at: Option<Timestamp> = "r.ended_at",
        periods: Vec<Period> = PERIODS,
        outages: Outages = OUTAGES,
    }
}

row! {
    impl Tenure {
        evaluated_until: Timestamp = "s.evaluated_until",
        ended_at: Option<Timestamp> = "s.ended_at",
        paid_until: Timestamp = "r.ends_at",
    }
}

fields! { SlaCommitment { uptime: Uptime, bandwidth: Bandwidth } }
fields! { MachineTime { seconds: u64, down_seconds: u64 } }

impl DueTenure {
    fn subject(&self, month: Month) -> Subject {
        Subject {
            rental: self.rental,
            tenure: self.number,
            month,
            place: self.place.clone(),
            renter: self.renter,
            farmer: self.farmer,
        }
    }
}

/// Up to `?2` stays that are to be evaluated at `?1`, the longest due first, and those of one node
/// together. Served by the index `tenures_by_evaluation`.
const DUE: &str = select!(
    DueTenure,
    " FROM tenures s
      JOIN rentals r ON r.id = s.rental_id
     WHERE s.evaluate_at <= ?1
     ORDER BY s.evaluate_at, s.node_id, s.evaluated_until LIMIT ?2"
);

/// Saves an SLA result; the columns of the command view, in order.
const EVALUATE: &str = "
    INSERT INTO compare_tenure
           (rental_id, tenure, version, seen_end, from_at, evaluated_until, evaluate_at,
            evaluated_at, month,
            until_at, observed, observed_up, excused, measured, measured_uptime, measured_mbps,
            base_micros, percent, credit_micros, machine_seconds, machine_down_seconds, booking,
            owed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19,
            ?20, ?21, ?22, ?23)";

/// Compares SLAs with what was measured: at most `limit` tenures, those of months that are over
/// and settled, and those that are over. Answers those that failed.
pub fn evaluate(
    db: &dyn Db,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(RentalId, StoreError)>, StoreError> {
    let rows = db.run(DUE, &[now.into(), limit.into()])?;
    let mut measurements = Measurements { last: None, count: 0 };
    let mut failed = Vec::new();
    for row in &rows {
        if measurements.count >= MEASURED_AT_ONCE {
            break;
        }
        let id = row.head()?;
        let sla_result = row.read().and_then(|due| evaluate_one(db, &due, &mut measurements, now));
        if let Err(error) = sla_result {
            failed.push((id, error));
        }
    }
    Ok(failed)
}

/// What was measured last: the next stay is often of the same node and time.
struct Measurements {
    last: Option<((NodeId, Timestamp, Timestamp), Measured)>,
    count: usize,
}

impl Measurements {
    fn of(&mut self, db: &dyn Db, node: NodeId, due: &Due) -> Result<Measured, StoreError> {
        let key = (node, due.from, due.until);
        if let Some((_, measured)) = self.last.filter(|(last, _)| *last == key) {
            return Ok(measured);
        }
        self.count += 1;
        let excused = observations::excused(db, node, due.month)?;
        let measured = observations::measure(db, node, (due.from, due.until), &excused)?;
        self.last = Some((key, measured));
        Ok(measured)
    }
}

fn evaluate_one(
    db: &dyn Db,
    tenure: &DueTenure,
    measurements: &mut Measurements,
    now: Timestamp,
) -> Result<(), StoreError> {
    let due = &tenure.span.due();
    let subject = tenure.subject(due.month);
    let head = [
        Value::text(subject.rental),
        subject.tenure.into(),
        tenure.version.into(),
        tenure.span.ended_at.into(),
        due.from.into(),
        due.evaluated_until.into(),
        due.next_at.into(),
        now.into(),
    ];
    if due.until <= due.from {
        let nothing = vec![Value::Null; 15];
        return save(db, [&head[..], &nothing].concat()).map(drop);
    }
    let of_node = measurements.of(db, tenure.node, due)?;
    let excused = observations::excused(db, tenure.node, due.month)?;
    let whole = (tenure.rental, tenure.number);
    let machines = outages::machine_time(db, whole, (due.from, due.until), &excused)?;
    let measured = Measured { machines, ..of_node };
    let (span, outages) = ((due.from, due.until), (&tenure.outages, now));
    let base = evaluation::price_of(&tenure.periods, span, tenure.rental_ended_at, outages);
    let percent = measured.credit_percent(tenure.sla);
    let credit = sla::credit(base, percent);
    let evidence = [
        Value::text(due.month),
        due.until.into(),
        number(measured.observations.observed),
        number(measured.observations.up),
        number(measured.excused),
        number(measured.speeds),
        measured.uptime().map(Uptime::hundredths).into(),
        measured.bandwidth().map(Bandwidth::mbps).into(),
        base.micros().into(),
        u32::from(percent).into(),
        credit.micros().into(),
        machines.map(|time| number(time.seconds)).into(),
        machines.map(|time| number(time.down_seconds)).into(),
    ];
    let with = |booking: Value, owed_at: Value| {
        save(db, [&head[..], &evidence, &[booking, owed_at]].concat())
    };
    let why = evaluation::reason(&measured, tenure.sla);
    let Some(booking) = subject.credit(credit, &why) else {
        return with(Value::Null, Value::Null).map(drop);
    };
    // Refused where the farmer's earnings do not suffice: then it is owed. Refused again, the
    // rental has changed, and the next run looks again.
    if !with(Value::Text(booking_json(&booking).to_string()), Value::Null)? {
        with(Value::Null, now.plus_seconds(OWED_AGAIN_SECONDS).into())?;
    }
    Ok(())
}

fn number(count: u64) -> Value {
    Value::Integer(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Whether it was saved; `false` if the earnings do not suffice, or something has changed.
fn save(db: &dyn Db, params: Vec<Value>) -> Result<bool, StoreError> {
    match db.run(EVALUATE, &params) {
        Ok(_) => Ok(true),
        Err(StoreError::Refused(Refusal::BalanceNeverNegative | Refusal::TenureChanged)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

row! {
    /// A month of a rental that was compared with its SLA: the evidence, and what followed.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SlaResult {
        /// Whose it is.
        pub subject: Subject,
        /// The node.
        pub node: NodeId = "m.node_id",
        /// The part of the month that the rental lived there, and was paid for: from when.
        pub from: Timestamp = "m.from_at",
        /// Up to when.
        pub until: Timestamp = "m.until_at",
        /// The SLA, as it was sold.
        pub sla: SlaCommitment = "m.min_uptime, m.min_bandwidth_mbps",
        /// The observations that count.
        pub observations: Observations = "m.observed, m.observed_up",
        /// Those that were left out because of announced maintenance.
        pub excused: u64 = "m.excused",
        /// Those that knew the speed.
        pub speeds: u64 = "m.measured",
        /// How long its machines were there, and could not be used; `None` where it had none.
        pub machines: Option<MachineTime> = "m.machine_seconds, m.machine_down_seconds",
        /// The measured uptime: that of the node or of the machines, whichever is lower; `None`
        /// where too little was seen to say.
        pub uptime: Option<Uptime> = "m.measured_uptime",
        /// The measured bandwidth; `None` where too little was seen to say.
        pub bandwidth: Option<Bandwidth> = "m.measured_mbps",
        /// What that part of the month costs.
        pub base: Usd = "m.base_micros",
        /// The share of it that is credited. Percent.
        pub percent: u8 = "m.percent",
        /// What is credited by the published scale.
        pub credit: Usd = "m.credit_micros",
        /// What the renter has of the month by now.
        pub paid: Usd = "m.paid_micros",
        /// Whether some of the credit is still owed.
        pub is_owed: bool = "m.owed_at IS NOT NULL",
        /// When it was evaluated.
        pub evaluated_at: Timestamp = "m.evaluated_at",
        /// What was said against it.
        pub disputes: Vec<Dispute> = DISPUTES,
    }
}

row! {
    impl Subject {
        rental: RentalId = "m.rental_id",
        tenure: u32 = "m.tenure",
        month: Month = "m.month",
        place: String = "'node' || m.node_id || coalesce('_slice_' || s.slice_number, '')",
        renter: AccountId = "m.renter_id",
        farmer: AccountId = "m.farmer_id",
    }
}

/// Where a `SlaResult` is.
pub(crate) const SLA_RESULT: &str = "
      FROM sla_months m
      JOIN tenures s ON s.rental_id = m.rental_id AND s.number = m.tenure ";

/// The months of the rental `?1` that were evaluated while it was of the renter `?2`, the newest
/// first: at most `?3`. Served by the primary key.
const OF_RENTAL: &str = select!(
    SlaResult,
    SLA_RESULT,
    "WHERE m.rental_id = ?1 AND m.renter_id = ?2 ORDER BY m.month DESC, m.tenure DESC LIMIT ?3"
);

/// The months of a renter's rental that were evaluated, the newest first.
pub fn of_rental(
    db: &dyn Db,
    renter: AccountId,
    rental: RentalId,
) -> Result<Vec<SlaResult>, StoreError> {
    let params = [Value::text(rental), Value::text(renter), MONTHS_MAX.into()];
    db.all(OF_RENTAL, &params)
}

/// Where a page of a farmer's credits ended: the next one begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// When its last month was evaluated, in POSIX seconds.
    pub evaluated_at: i64,
    /// That month's rental.
    pub rental: RentalId,
    /// The month.
    pub month: Month,
    /// The tenure.
    pub tenure: u32,
}

impl Cursor {
    /// Where a page ends whose last item is this.
    pub fn after(sla_result: &SlaResult) -> Cursor {
        Cursor {
            evaluated_at: sla_result.evaluated_at.seconds(),
            rental: sla_result.subject.rental,
            month: sla_result.subject.month,
            tenure: sla_result.subject.tenure,
        }
    }
}

/// One page of the months that the farmer `?1` is charged for, the last evaluated first, behind
/// `?2` to `?5`; at most `?6`. Served by the index `sla_months_by_farmer`.
const OF_FARMER: &str = select!(
    SlaResult,
    SLA_RESULT,
    "WHERE m.farmer_id = ?1 AND m.credit_micros > 0
       AND (m.evaluated_at, m.rental_id, m.month, m.tenure) < (?2, ?3, ?4, ?5)
     ORDER BY m.evaluated_at DESC, m.rental_id DESC, m.month DESC, m.tenure DESC LIMIT ?6"
);

/// A page of the months for which a farmer's renters were credited, the last evaluated first.
pub fn of_farmer(
    db: &dyn Db,
    farmer: AccountId,
    behind: Option<Cursor>,
    limit: u32,
) -> Result<Vec<SlaResult>, StoreError> {
    let params = [
        Value::text(farmer),
        behind.map_or(i64::MAX, |behind| behind.evaluated_at).into(),
        behind.map(|behind| behind.rental.to_string()).unwrap_or_default().as_str().into(),
        behind.map(|behind| behind.month.to_string()).unwrap_or_default().as_str().into(),
        behind.map_or(0, |behind| behind.tenure).into(),
        limit.into(),
    ];
    db.all(OF_FARMER, &params)
}

/// Up to `?2` credits that are owed and to be tried at `?1`. Served by the index `sla_months_owed`.
const OWED: &str =
    select!(SlaResult, SLA_RESULT, "WHERE m.owed_at <= ?1 ORDER BY m.owed_at LIMIT ?2");

/// Books a credit that was owed; the columns of the command view, in order.
const PAY: &str = "
    INSERT INTO pay_credit (rental_id, month, tenure, booking, paid_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// The credit of `?1`, `?2` and `?3` is tried again at `?4`, if it is still owed.
const LATER: &str = "
    UPDATE sla_months SET owed_at = ?4
     WHERE rental_id = ?1 AND month = ?2 AND tenure = ?3 AND owed_at IS NOT NULL";

/// Books credits that were owed, as far as the earnings suffice by now: at most `limit` of them.
pub fn pay_owed(db: &dyn Db, now: Timestamp, limit: u32) -> Result<(), StoreError> {
    for sla_result in db.all::<SlaResult>(OWED, &[now.into(), limit.into()])? {
        let key = [
            Value::text(sla_result.subject.rental),
            Value::text(sla_result.subject.month),
            sla_result.subject.tenure.into(),
        ];
        let Some(booking) = sla_result.subject.credit(sla_result.credit, "as it was owed") else {
            continue;
        };
        let booking = Value::Text(booking_json(&booking).to_string());
        match db.run(PAY, &[&key[..], &[booking, now.into()]].concat()) {
            Ok(_) => {}
            Err(StoreError::Refused(Refusal::BalanceNeverNegative | Refusal::CreditChanged)) => {
                let later = now.plus_seconds(OWED_AGAIN_SECONDS);
                db.run(LATER, &[&key[..], &[later.into()]].concat())?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] = [
    (DUE, "tenures_by_evaluation"),
    (OF_FARMER, "sla_months_by_farmer"),
    (OWED, "sla_months_owed"),
];
