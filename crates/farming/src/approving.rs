//! The operator says by hand whose a farm is; for programs and people alike.

use domain::account::Email;
use domain::audit::Action;
use http::StatusCode;
use store::accounts;
use store::farms::{self, VerificationMethod, VerifiedFarm};
use ui::done::Done;
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::form::{self, Form, keep};
use web::{Context, Kind, Problem, Response, json, respond};

use crate::asking;
use crate::claiming::json::{ApproveBody, VerifiedFarmView, farm_id, parse_farm, reason};
use crate::claiming::page::{ApproveForm, FARMS_PER_PAGE, OperatorFarms};
use crate::claiming::subject;

const PATH: &str = "/operator/farms";

fn approve(cx: &Context<'_>, farm: u32, body: &ApproveBody) -> Result<VerifiedFarm, Problem> {
    let mut wrong = Vec::new();
    let email = keep(&mut wrong, Email::parse(&body.email));
    let reason = keep(&mut wrong, reason(&body.reason));
    let (Some(email), Some(reason)) = (email, reason) else { return Err(Problem::fields(wrong)) };
    let owner = accounts::credentials(cx.db, &email)?;
    let owner = owner.ok_or_else(|| Problem::plain(Kind::NoSuchAccount))?.account;
    let farm = asking::farm(cx, farm)?;
    farms::verify(cx.db, &farm, owner, VerificationMethod::Operator, cx.now)?;
    let description = format!("{}: {reason}", subject(farm.id));
    cx.audit(Action::FarmApproved, Some(owner), &description)?;
    let found = farms::of_owner(cx.db, owner, Some(farm.id - 1), 1)?;
    found.into_iter().find(|it| it.farm.id == farm.id).ok_or_else(Problem::not_found)
}

fn revoke(cx: &Context<'_>, farm: u32) -> Result<(), Problem> {
    let owner = farms::revoke(cx.db, farm, cx.now)?.ok_or_else(Problem::not_found)?;
    Ok(cx.audit(Action::FarmApprovalRevoked, Some(owner), &subject(farm))?)
}

pub(crate) fn list_farms(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let found = farms::all(cx.db, api::cursor(cx, parse_farm)?, limit + 1)?;
    let place = |verified: &VerifiedFarm| verified.farm.id.to_string();
    respond::json(
        StatusCode::OK,
        &PageOf::new(cx.search(), found, limit, place, VerifiedFarmView::new),
    )
}

pub(crate) fn approve_farm(cx: &Context<'_>) -> Result<Response, Problem> {
    let farm = farm_id(cx.param("farm"))?;
    let verified = approve(cx, farm, &json::body(cx.request)?)?;
    respond::json(StatusCode::OK, &VerifiedFarmView::new(&verified))
}

pub(crate) fn revoke_farm(cx: &Context<'_>) -> Result<Response, Problem> {
    revoke(cx, farm_id(cx.param("farm"))?)?;
    Ok(respond::no_content())
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &all_farms(cx)?)
}

fn all_farms(cx: &Context<'_>) -> Result<OperatorFarms, Problem> {
    let behind = api::cursor(cx, parse_farm)?;
    let found = farms::all(cx.db, behind, FARMS_PER_PAGE + 1)?;
    Ok(OperatorFarms::new(&Visit::of(cx)?, found))
}

pub(crate) fn send_approval(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|form: ApproveForm| approve(cx, form.farm()?, &form.body)) {
        Ok(_) => Ok(respond::see_other(&Done::FarmApproved.at(PATH))),
        Err(problem) => {
            form::refused(problem, |problem| Ok(all_farms(cx)?.refused(&form, problem)))
        }
    }
}

pub(crate) fn send_revocation(cx: &Context<'_>) -> Result<Response, Problem> {
    revoke(cx, farm_id(cx.param("farm"))?)?;
    Ok(respond::see_other(&Done::FarmRevoked.at(PATH)))
}
