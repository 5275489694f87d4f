//! The API of SLA disputes, for operators.

use domain::evaluation::parse_words;
use domain::field::FieldError;
use domain::id::DisputeId;
use domain::money::Usd;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::disputes::Case;
use ui::sla_json::{DisputeView, SlaResultView};
use web::api::{PAGING, PageOf};
use web::form::keep;
use web::json::Decimal;
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

const OPERATOR: &str = "Operator";

/// `GET /api/admin/disputes`
pub(crate) const LIST_DISPUTES: Operation = Operation {
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
pub(crate) const DECIDE_DISPUTE: Operation = Operation {
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
    problems: &[Kind::DisputeDecided, Kind::InsufficientPayerBalance],
    ..Operation::READ
};

/// How a dispute is decided.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecideBody {
    /// What the renter gets of the month, all in all, in dollars and cents: 0 for nothing.
    #[schemars(with = "String", regex(pattern = r"^\d{1,7}(\.\d{1,2})?$"))]
    pub credit_usd: Decimal,
    /// Why: 1 to 1,000 characters. Both sides read it.
    #[schemars(length(min = 1, max = 1000))]
    pub answer: String,
}

impl DecideBody {
    /// Reads the amount, which may be nothing, and the answer, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(Usd, String), Problem> {
        let mut wrong = Vec::new();
        let amount = self.credit_usd.text();
        let amount = amount.trim();
        let is_nothing = !amount.is_empty() && amount.bytes().all(|it| it == b'0' || it == b'.');
        let amount = if is_nothing {
            Some(Usd::ZERO)
        } else {
            let rule = "an amount in dollars and cents, or 0";
            let amount = Usd::parse("credit_usd", amount);
            keep(&mut wrong, amount.map_err(|_| FieldError::new("credit_usd", rule)))
        };
        let answer = keep(&mut wrong, parse_words("answer", &self.answer));
        match (amount, answer) {
            (Some(amount), Some(answer)) => Ok((amount, answer)),
            _ => Err(Problem::fields(wrong)),
        }
    }
}

/// A dispute and what it is about.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CaseView {
    /// The dispute.
    pub dispute: DisputeView,
    /// What it is about.
    pub month: SlaResultView,
}

impl CaseView {
    /// Shows a case.
    pub(crate) fn new(case: &Case) -> CaseView {
        CaseView {
            dispute: DisputeView::new(&case.dispute),
            month: SlaResultView::new(&case.sla_result),
        }
    }
}

/// A dispute's id in a path; what is not one does not exist.
pub(crate) fn dispute_id(text: &str) -> Result<DisputeId, Problem> {
    DisputeId::parse(text).ok_or_else(Problem::not_found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_an_amount_to_decide_for() {
        let read = |amount: &str, answer: &str| {
            let (credit_usd, answer) = (Decimal::Text(amount.to_owned()), answer.to_owned());
            DecideBody { credit_usd, answer }.read()
        };
        let amount = |text| read(text, "So it is").map(|(amount, _)| amount);
        assert_eq!(amount("0").unwrap(), Usd::ZERO);
        assert_eq!(amount("0.00").unwrap(), Usd::ZERO);
        assert_eq!(amount("2.50").unwrap(), Usd::parse("a", "2.50").unwrap());
        for text in ["", "-1", "1.234", "one"] {
            let problem = amount(text).unwrap_err();
            assert_eq!(problem.fields[0].field, "credit_usd");
        }
        assert_eq!(read("x", "").unwrap_err().fields.len(), 2);
    }
}
