//! Months that were compared with their promise: the evidence, the credits, and disputes.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::{DisputeId, RentalId};
use domain::level::parse_words;
use domain::money::Usd;
use domain::month::Month;
use domain::promise::{Bandwidth, Uptime};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::disputes::{Case, Dispute, Key};
use store::levels::{Cursor, Judged};

use crate::api::rentals::rental_id;
use crate::api::{CURRENCY, PAGING, PageOf};
use crate::form::keep;
use crate::json::{Decimal, optional_whole};
use crate::operation::{Access, Operation, schema_of};
use crate::problem::{Kind, Problem};

const RENTALS: &str = "Rentals and wallet";
const FARM: &str = "Farm";
const OPERATOR: &str = "Operator";

/// `GET /api/rentals/{rental}/months`
pub const LIST_RENTAL_MONTHS: Operation = Operation {
    id: "listRentalMonths",
    group: RENTALS,
    path: "/api/rentals/{rental}/months",
    summary: "Lists a rental's SLA results by month, newest first, with measurements and credits.",
    access: Access::Account(Scope::Read),
    about_answer: "The months. Each is evaluated two days after its end, or when the rental ends.",
    answer: Some(schema_of::<MonthsView>),
    ..Operation::READ
};

/// `POST /api/rentals/{rental}/months/{month}/dispute`
pub const DISPUTE_MONTH: Operation = Operation {
    id: "disputeMonth",
    group: RENTALS,
    method: Method::POST,
    path: "/api/rentals/{rental}/months/{month}/dispute",
    summary: "Disputes the SLA result of a month of your rental, once, within 30 days. The \
              operator decides.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<DisputeBody>),
    status: 201,
    about_answer: "The month, with your dispute.",
    answer: Some(schema_of::<JudgedView>),
    problems: &[Kind::TooLateToDispute, Kind::AlreadyDisputed],
    ..Operation::READ
};

/// `GET /api/farm/credits`
pub const LIST_CREDITS: Operation = Operation {
    id: "listCredits",
    group: FARM,
    path: "/api/farm/credits",
    summary: "Lists months with SLA credits to your renters, latest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of months.",
    answer: Some(schema_of::<PageOf<JudgedView>>),
    ..Operation::READ
};

/// `POST /api/farm/credits/{rental}/{month}/dispute`
pub const DISPUTE_CREDIT: Operation = Operation {
    id: "disputeCredit",
    group: FARM,
    method: Method::POST,
    path: "/api/farm/credits/{rental}/{month}/dispute",
    summary: "Disputes an SLA credit to one of your renters, once, within 30 days. The operator \
              decides.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<DisputeBody>),
    status: 201,
    about_answer: "The month, with your dispute.",
    answer: Some(schema_of::<JudgedView>),
    problems: &[Kind::TooLateToDispute, Kind::AlreadyDisputed, Kind::NothingCharged],
    ..Operation::READ
};

/// `GET /api/admin/disputes`
pub const LIST_DISPUTES: Operation = Operation {
    id: "listDisputes",
    group: OPERATOR,
    path: "/api/admin/disputes",
    summary: "Lists open disputes with their evidence, oldest first.",
    access: Access::Operator,
    query: &PAGING,
    about_answer: "A page of disputes.",
    answer: Some(schema_of::<PageOf<CaseView>>),
    ..Operation::READ
};

/// `POST /api/admin/disputes/{dispute}/decide`
pub const DECIDE_DISPUTE: Operation = Operation {
    id: "decideDispute",
    group: OPERATOR,
    method: Method::POST,
    path: "/api/admin/disputes/{dispute}/decide",
    summary: "Decides a dispute by setting the renter's total credit for the month. The \
              difference is booked between farmer and renter, and both are notified.",
    access: Access::Operator,
    body: Some(schema_of::<DecideBody>),
    about_answer: "The dispute, decided.",
    answer: Some(schema_of::<CaseView>),
    problems: &[Kind::DisputeDecided, Kind::NotCovered],
    ..Operation::READ
};

/// What somebody says against a judgement.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DisputeBody {
    /// What was wrong: 1 to 1,000 characters. The other side and the operator read it.
    #[schemars(length(min = 1, max = 1000))]
    pub text: String,
    /// Which of the month's stays, where the rental moved to another node; the last one if left
    /// out.
    #[serde(default, deserialize_with = "optional_whole")]
    #[schemars(with = "Option<i64>", range(min = 1))]
    pub stay: Option<i64>,
}

impl DisputeBody {
    /// Reads the text.
    pub fn read(&self) -> Result<String, FieldError> {
        parse_words("text", &self.text)
    }

    /// The stay that is meant, if one is named.
    pub fn stay(&self) -> Option<u32> {
        self.stay.map(|stay| u32::try_from(stay).unwrap_or(0))
    }
}

/// How a dispute is decided.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DecideBody {
    /// What the renter gets of the month, all in all, in dollars and cents: 0 for nothing.
    #[schemars(with = "String", regex(pattern = r"^\d{1,7}(\.\d{1,2})?$"))]
    pub credit_usd: Decimal,
    /// Why: 1 to 1,000 characters. Both sides read it.
    #[schemars(length(min = 1, max = 1000))]
    pub answer: String,
}

impl DecideBody {
    /// Reads the amount and the answer, or every field that is wrong.
    pub fn read(&self) -> Result<(Usd, String), Problem> {
        read_decision(&self.credit_usd.text(), &self.answer)
    }
}

/// Reads a decision: an amount, which may be nothing, and the answer.
pub fn read_decision(amount: &str, answer: &str) -> Result<(Usd, String), Problem> {
    let mut wrong = Vec::new();
    let is_nothing =
        !amount.trim().is_empty() && amount.trim().bytes().all(|byte| byte == b'0' || byte == b'.');
    let amount = if is_nothing {
        Some(Usd::ZERO)
    } else {
        let rule = "an amount in dollars and cents, or 0";
        let amount = Usd::parse("credit_usd", amount);
        keep(&mut wrong, amount.map_err(|_| FieldError::new("credit_usd", rule)))
    };
    let answer = keep(&mut wrong, parse_words("answer", answer));
    match (amount, answer) {
        (Some(amount), Some(answer)) => Ok((amount, answer)),
        _ => Err(Problem::fields(wrong)),
    }
}

/// Months of a rental.
#[derive(Serialize, JsonSchema)]
pub struct MonthsView {
    /// The newest first: up to 120.
    pub items: Vec<JudgedView>,
}

/// A month of a rental that was compared with its promise.
#[derive(Serialize, JsonSchema)]
pub struct JudgedView {
    /// The rental.
    pub rental_id: String,
    /// Such as `2026-11`, of UTC.
    pub month: String,
    /// Counts the nodes and promises that the rental had; 1 for most.
    pub stay: u32,
    /// Such as `node32_slice_1`.
    pub place: String,
    /// The part of the month that the rental lived there, and was paid for: from when (RFC 3339).
    pub from: String,
    /// Up to when (RFC 3339).
    pub until: String,
    /// The promised uptime, as it was sold, in percent.
    pub min_uptime: f64,
    /// The promised bandwidth, as it was sold, in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The measured uptime in percent, rounded down; null where too little was seen to say.
    pub measured_uptime: Option<f64>,
    /// The average bandwidth in Mbit/s, rounded down; null where too little was seen to say.
    pub measured_bandwidth_mbps: Option<u32>,
    /// How many looks count.
    pub observations: u64,
    /// At how many of them the node was up.
    pub observations_up: u64,
    /// How many looks were left out because of announced maintenance.
    pub observations_excused: u64,
    /// What that part of the month has cost, as decimal text.
    pub price: String,
    /// The share of it that is credited by the published scale, in percent.
    pub credit_percent: u8,
    /// That in money, as decimal text.
    pub credit: String,
    /// What the renter has of it by now, as decimal text.
    pub paid: String,
    /// Whether the credit is still owed, because the farmer's earnings do not suffice yet.
    pub is_owed: bool,
    /// Of every amount here.
    pub currency: &'static str,
    /// When it was judged (RFC 3339).
    pub judged_at: String,
    /// What was said against it.
    pub disputes: Vec<DisputeView>,
}

impl JudgedView {
    /// Shows a judgement.
    pub fn new(judged: &Judged) -> JudgedView {
        JudgedView {
            rental_id: judged.subject.rental.to_string(),
            month: judged.subject.month.to_string(),
            stay: judged.subject.stay,
            place: judged.subject.place.clone(),
            from: judged.from.to_string(),
            until: judged.until.to_string(),
            min_uptime: judged.promise.uptime.percent(),
            min_bandwidth_mbps: judged.promise.bandwidth.mbps(),
            measured_uptime: judged.uptime.map(Uptime::percent),
            measured_bandwidth_mbps: judged.bandwidth.map(Bandwidth::mbps),
            observations: judged.looks.observed,
            observations_up: judged.looks.up,
            observations_excused: judged.excused,
            price: judged.base.to_string(),
            credit_percent: judged.percent,
            credit: judged.credit.to_string(),
            paid: judged.paid.to_string(),
            is_owed: judged.is_owed,
            currency: CURRENCY,
            judged_at: judged.judged_at.to_string(),
            disputes: judged.disputes.iter().map(DisputeView::new).collect(),
        }
    }
}

/// What somebody said against a judgement.
#[derive(Serialize, JsonSchema)]
pub struct DisputeView {
    /// Its id.
    pub id: String,
    /// `renter` or `farmer`.
    pub side: &'static str,
    /// What they said.
    pub text: String,
    /// When (RFC 3339).
    pub created_at: String,
    /// When it was decided (RFC 3339); null while it is open.
    pub decided_at: Option<String>,
    /// What the operator said to it; null while it is open.
    pub answer: Option<String>,
    /// What the renter got of the month then, as decimal text; null while it is open.
    pub credit: Option<String>,
}

impl DisputeView {
    fn new(dispute: &Dispute) -> DisputeView {
        let decision = dispute.decision.as_ref();
        DisputeView {
            id: dispute.id.to_string(),
            side: dispute.side.as_str(),
            text: dispute.words.clone(),
            created_at: dispute.created_at.to_string(),
            decided_at: decision.map(|decision| decision.at.to_string()),
            answer: decision.map(|decision| decision.answer.clone()),
            credit: decision.map(|decision| decision.credit.to_string()),
        }
    }
}

/// A dispute and what it is about.
#[derive(Serialize, JsonSchema)]
pub struct CaseView {
    /// The dispute.
    pub dispute: DisputeView,
    /// What it is about.
    pub month: JudgedView,
}

impl CaseView {
    /// Shows a case.
    pub fn new(case: &Case) -> CaseView {
        CaseView { dispute: DisputeView::new(&case.dispute), month: JudgedView::new(&case.judged) }
    }
}

/// Which judgement the path is about; what is not one does not exist.
pub fn key(rental: &str, month: &str, stay: u32) -> Result<Key, Problem> {
    let month = Month::parse(month).ok_or_else(Problem::not_found)?;
    Ok(Key { rental: rental_id(rental)?, month, stay })
}

/// A dispute's id in a path; what is not one does not exist.
pub fn dispute_id(text: &str) -> Result<DisputeId, Problem> {
    DisputeId::parse(text).ok_or_else(Problem::not_found)
}

/// A place in a farmer's list, as text.
pub fn print_cursor(cursor: Cursor) -> String {
    let Cursor { judged_at, rental, month, stay } = cursor;
    format!("{judged_at}.{rental}.{month}.{stay}")
}

/// Reads a place in a farmer's list.
pub fn parse_cursor(text: &str) -> Option<Cursor> {
    let mut parts = text.split('.');
    let cursor = Cursor {
        judged_at: parts.next()?.parse().ok()?,
        rental: RentalId::parse(parts.next()?)?,
        month: Month::parse(parts.next()?)?,
        stay: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some(cursor)
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    #[test]
    fn a_place_is_read_as_it_was_printed() {
        let cursor = Cursor {
            judged_at: 1_795_367_321,
            rental: RentalId::from_random(Timestamp::from_seconds(5), [7; 10]),
            month: Month::parse("2026-11").unwrap(),
            stay: 2,
        };
        assert_eq!(parse_cursor(&print_cursor(cursor)), Some(cursor));
        for text in ["", "1", "1.x.2026-11.1", &format!("{}.1", print_cursor(cursor))] {
            assert_eq!(parse_cursor(text), None, "{text}");
        }
    }

    #[test]
    fn nothing_is_an_amount_to_decide_for() {
        let amount = |text: &str| read_decision(text, "So it is").map(|(amount, _)| amount);
        assert_eq!(amount("0").unwrap(), Usd::ZERO);
        assert_eq!(amount("0.00").unwrap(), Usd::ZERO);
        assert_eq!(amount("2.50").unwrap(), Usd::parse("a", "2.50").unwrap());
        for text in ["", "-1", "1.234", "one"] {
            let problem = amount(text).unwrap_err();
            assert_eq!(problem.fields[0].field, "credit_usd");
        }
        assert_eq!(read_decision("x", "").unwrap_err().fields.len(), 2);
    }
}
