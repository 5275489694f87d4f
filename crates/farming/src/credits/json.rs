//! The API of SLA credits, for farmers.

use domain::account::Scope;
use http::Method;
use ui::sla_json::{DisputeBody, SlaResultView};
use web::Kind;
use web::api::{PAGING, PageOf};
use web::operation::{Access, Operation, schema_of};

const FARM: &str = "Farm";

/// `GET /api/farm/credits`
pub(crate) const LIST_CREDITS: Operation = Operation {
    id: "listCredits",
    group: FARM,
    path: "/api/farm/credits",
    summary: "Lists months with SLA credits to your renters, latest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of months.",
    answer: Some(schema_of::<PageOf<SlaResultView>>),
    ..Operation::READ
};

/// `POST /api/farm/credits/{rental}/{month}/dispute`
pub(crate) const DISPUTE_CREDIT: Operation = Operation {
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
    answer: Some(schema_of::<SlaResultView>),
    problems: &[Kind::TooLateToDispute, Kind::AlreadyDisputed, Kind::NothingToDispute],
    ..Operation::READ
};
