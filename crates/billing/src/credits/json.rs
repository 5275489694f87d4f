//! What operators send and get when they credit an account.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ui::groups;
use web::Kind;
use web::json::{Decimal, EMAIL, ONE_LINE_OF_200};
use web::operation::{Access, Operation, schema_of};

/// `POST /api/admin/credits`
pub(crate) const CREDIT_WALLET: Operation = Operation {
    id: "creditWallet",
    group: groups::OPERATOR,
    method: Method::POST,
    path: "/api/admin/credits",
    summary: "Credits a wallet with an external payment.",
    access: Access::Operator,
    takes_key: true,
    body: Some(schema_of::<CreditBody>),
    status: 201,
    about_answer: "The wallet balance after the credit.",
    answer: Some(schema_of::<CreditView>),
    problems: &[Kind::NoSuchAccount],
    ..Operation::READ
};

/// `POST /api/admin/sla-credits`
pub(crate) const CREDIT_SLA: Operation = Operation {
    id: "creditSla",
    group: groups::OPERATOR,
    method: Method::POST,
    path: "/api/admin/sla-credits",
    summary: "Credits a renter for a missed SLA from the farmer's earnings.",
    access: Access::Operator,
    takes_key: true,
    body: Some(schema_of::<SlaCreditBody>),
    status: 204,
    about_answer: "The credit was booked. A retry with the same key returns the same response and \
                   books nothing more.",
    problems: &[Kind::NotFound, Kind::InsufficientFarmerEarnings],
    ..Operation::READ
};

/// A credit to grant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreditBody {
    /// Whose wallet.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// How much, in dollars and cents.
    #[schemars(schema_with = "web::json::dollars")]
    pub amount_usd: Decimal,
    /// Why, in a few words; the renter sees it.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

/// A credit for a missed SLA.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SlaCreditBody {
    /// The rental whose SLA was broken.
    pub rental_id: String,
    /// How much, in dollars and cents.
    #[schemars(schema_with = "web::json::dollars")]
    pub amount_usd: Decimal,
    /// Why, in a few words; renter and farmer see it.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

/// A credit that was granted.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CreditView {
    /// Whose wallet.
    pub email: String,
    /// How much, as decimal text.
    pub amount: String,
    /// What the wallet held then, as decimal text.
    pub balance: String,
    /// Of every amount here.
    pub currency: &'static str,
}
