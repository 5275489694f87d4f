//! Payouts: asking for what was earned, and what the operator does to pay it.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::PayoutId;
use domain::money::Usd;
use domain::payout::{self, PayoutState};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::payouts::Payout;
use web::api::{CURRENCY, PAGING, PageOf};
use web::csv::{Field, Table};
use web::json::{Decimal, ONE_LINE_OF_200};
use web::operation::{Access, Form, Operation, Parameter, schema_of};
use web::{Kind, Problem};

const FARM: &str = "Farm";

const OPERATOR: &str = "Operator";

/// `GET /api/farm/payouts`
pub(crate) const LIST_PAYOUTS: Operation = Operation {
    id: "listPayouts",
    group: FARM,
    path: "/api/farm/payouts",
    summary: "Lists your payouts, newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of payouts.",
    answer: Some(schema_of::<PageOf<FarmPayoutView>>),
    ..Operation::READ
};

/// `POST /api/farm/payouts`
pub(crate) const REQUEST_PAYOUT: Operation = Operation {
    id: "requestPayout",
    group: FARM,
    method: Method::POST,
    path: "/api/farm/payouts",
    summary: "Requests a payout of your earnings to your current payout address. The amount is \
              reserved immediately. Requires a session with a second factor.",
    access: Access::Account(Scope::Farm),
    takes_key: true,
    body: Some(schema_of::<RequestPayoutBody>),
    status: 201,
    about_answer: "The payout. A retry with the same key returns the same response.",
    answer: Some(schema_of::<FarmPayoutView>),
    problems: &[
        Kind::VerificationRequired,
        Kind::NoPayoutAddress,
        Kind::PayoutAddressChanged,
        Kind::InsufficientEarnings,
        Kind::InsufficientFunds,
        Kind::TooManyPayouts,
    ],
    ..Operation::READ
};

/// `GET /api/farm/payouts/{payout}`
pub(crate) const SHOW_FARM_PAYOUT: Operation = Operation {
    id: "showFarmPayout",
    group: FARM,
    path: "/api/farm/payouts/{payout}",
    summary: "Shows one of your payouts.",
    access: Access::Account(Scope::Read),
    about_answer: "The payout.",
    answer: Some(schema_of::<FarmPayoutView>),
    ..Operation::READ
};

/// `POST /api/farm/payouts/{payout}/cancel`
pub(crate) const CANCEL_PAYOUT: Operation = Operation {
    id: "cancelPayout",
    group: FARM,
    method: Method::POST,
    path: "/api/farm/payouts/{payout}/cancel",
    summary: "Cancels a payout request that hasn't been approved yet.",
    access: Access::Account(Scope::Farm),
    about_answer: "The payout. Its amount is back in your earnings.",
    answer: Some(schema_of::<FarmPayoutView>),
    problems: &[Kind::WrongPayoutState],
    ..Operation::READ
};

/// `GET /api/admin/payouts`
pub(crate) const LIST_ALL_PAYOUTS: Operation = Operation {
    id: "listAllPayouts",
    group: OPERATOR,
    path: "/api/admin/payouts",
    summary: "Lists payouts in a state, longest waiting first.",
    access: Access::Operator,
    query: &[
        Parameter {
            name: "state",
            form: Form::OneOf(&["requested", "approved", "sent", "done", "failed", "canceled"]),
            about: "The state. Defaults to `requested`.",
            example: "approved",
        },
        PAGING[0],
        PAGING[1],
    ],
    about_answer: "A page of payouts.",
    answer: Some(schema_of::<PageOf<PayoutView>>),
    problems: &[Kind::InvalidFields],
    ..Operation::READ
};

/// `GET /api/admin/payouts/export`
pub(crate) const EXPORT_PAYOUTS: Operation = Operation {
    id: "exportPayouts",
    group: OPERATOR,
    path: "/api/admin/payouts/export",
    summary: "Exports approved payouts as CSV with id, address, amount, currency, reference and \
              account, longest waiting first, up to 5,000.",
    access: Access::Operator,
    about_answer: "The CSV file.",
    table: Some("A header line and one line per payout (RFC 4180)."),
    ..Operation::READ
};

/// `POST /api/admin/payouts/{payout}/approve`
pub(crate) const APPROVE_PAYOUT: Operation = Operation {
    id: "approvePayout",
    path: "/api/admin/payouts/{payout}/approve",
    summary: "Approves a requested payout and adds it to the export.",
    about_answer: "The payout.",
    ..CHANGE_PAYOUT
};

/// `POST /api/admin/payouts/{payout}/send`
pub(crate) const SEND_PAYOUT: Operation = Operation {
    id: "sendPayout",
    path: "/api/admin/payouts/{payout}/send",
    summary: "Marks an approved payout as sent. Its amount leaves the ledger.",
    body: Some(schema_of::<SendPayoutBody>),
    about_answer: "The payout.",
    ..CHANGE_PAYOUT
};

/// `POST /api/admin/payouts/{payout}/done`
pub(crate) const FINISH_PAYOUT: Operation = Operation {
    id: "finishPayout",
    path: "/api/admin/payouts/{payout}/done",
    summary: "Marks a sent payout as completed.",
    about_answer: "The payout.",
    ..CHANGE_PAYOUT
};

/// `POST /api/admin/payouts/{payout}/fail`
pub(crate) const FAIL_PAYOUT: Operation = Operation {
    id: "failPayout",
    path: "/api/admin/payouts/{payout}/fail",
    summary: "Rejects a payout or marks it as failed. Its amount returns to the farmer's earnings.",
    body: Some(schema_of::<FailPayoutBody>),
    about_answer: "The payout.",
    ..CHANGE_PAYOUT
};

/// What the operator's changes of a payout have in common.
const CHANGE_PAYOUT: Operation = Operation {
    group: OPERATOR,
    method: Method::POST,
    access: Access::Operator,
    answer: Some(schema_of::<PayoutView>),
    problems: &[Kind::WrongPayoutState],
    ..Operation::READ
};

/// What a farmer asks to be paid.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RequestPayoutBody {
    /// Dollars and cents; no less than the marketplace pays out at once.
    #[schemars(schema_with = "web::json::dollars")]
    pub amount_usd: Decimal,
}

impl RequestPayoutBody {
    /// Reads the amount.
    pub(crate) fn read(&self) -> Result<Usd, FieldError> {
        Usd::parse("amount_usd", &self.amount_usd.text())
    }
}

/// What a payout was sent as.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendPayoutBody {
    /// What the transfer is called where it was made; the farmer sees it.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reference: String,
}

impl SendPayoutBody {
    /// Reads the reference.
    pub(crate) fn read(&self) -> Result<String, FieldError> {
        payout::parse_words("reference", &self.reference)
    }
}

/// Why a payout failed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailPayoutBody {
    /// Why, in a few words; the farmer sees it.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

impl FailPayoutBody {
    /// Reads the reason.
    pub(crate) fn read(&self) -> Result<String, FieldError> {
        payout::parse_words("reason", &self.reason)
    }
}

/// A payout, as its farmer sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FarmPayoutView {
    /// Its id.
    pub id: String,
    /// `requested`, `approved`, `sent`, `done`, `failed` or `canceled`.
    pub state: &'static str,
    /// How much, as decimal text.
    pub amount: String,
    /// Of the amount.
    pub currency: &'static str,
    /// Where it is paid to: the address when it was requested.
    pub payout_address: String,
    /// What the operator calls the transfer; null until it is sent.
    pub reference: Option<String>,
    /// Why it failed; null if it has not.
    pub reason: Option<String>,
    /// When it was requested (RFC 3339).
    pub requested_at: String,
    /// When it was approved (RFC 3339); null until then.
    pub approved_at: Option<String>,
    /// When it was sent (RFC 3339); null until then.
    pub sent_at: Option<String>,
    /// When it was done, failed or canceled (RFC 3339); null until then.
    pub finished_at: Option<String>,
}

impl FarmPayoutView {
    /// Shows a payout.
    pub(crate) fn new(payout: &Payout) -> FarmPayoutView {
        FarmPayoutView {
            id: payout.life.id.to_string(),
            state: payout.life.state.into_str(),
            amount: payout.life.amount.to_string(),
            currency: CURRENCY,
            payout_address: payout.address.clone(),
            reference: payout.reference.clone(),
            reason: payout.note.clone(),
            requested_at: payout.requested_at.to_string(),
            approved_at: payout.approved_at.map(|at| at.to_string()),
            sent_at: payout.sent_at.map(|at| at.to_string()),
            finished_at: payout.finished_at.map(|at| at.to_string()),
        }
    }
}

/// A payout, as the operator sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PayoutView {
    /// What its farmer sees of it.
    #[serde(flatten)]
    pub payout: FarmPayoutView,
    /// The account that it pays.
    pub account_id: String,
    /// The address by which that account signs in.
    pub email: String,
}

impl PayoutView {
    /// Shows a payout.
    pub(crate) fn new(payout: &Payout) -> PayoutView {
        PayoutView {
            payout: FarmPayoutView::new(payout),
            account_id: payout.life.account.to_string(),
            email: payout.email.clone(),
        }
    }
}

/// A payout's id in a path; what is not one does not exist.
pub(crate) fn payout_id(text: &str) -> Result<PayoutId, Problem> {
    PayoutId::parse(text).ok_or_else(Problem::not_found)
}

/// The state that a list is of: `requested` where none is asked for.
pub(crate) fn state_asked(text: Option<&str>) -> Result<PayoutState, FieldError> {
    let Some(text) = text else { return Ok(PayoutState::Requested) };
    let rule = "requested, approved, sent, done, failed or canceled";
    text.parse().map_err(|_| FieldError::new("state", rule))
}

/// Payouts as a table to pay from. The reference is what to write on the transfer, so that it is
/// known by it: the payout's id.
pub(crate) fn payouts_table(payouts: &[Payout]) -> Result<Vec<u8>, Problem> {
    let header = ["id", "address", "amount", "currency", "reference", "account"];
    let mut table = Table::new(&header)?;
    for payout in payouts {
        table.line(&[
            Field::Plain(payout.life.id.to_string()),
            Field::Text(&payout.address),
            Field::Plain(payout.life.amount.to_string()),
            Field::Plain(CURRENCY.to_owned()),
            Field::Plain(payout.life.id.to_string()),
            Field::Text(&payout.email),
        ])?;
    }
    table.finish()
}
