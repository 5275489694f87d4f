//! The pages of claims: a farmer's farms, a message to sign, and what others have registered.

use http::StatusCode;
use store::farms;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form, belongs_to_form};
use web::{Context, Problem, Response, api, respond};

use crate::claiming;
use crate::claiming::json::{SignedClaimBody, parse_farm};
use crate::claiming::page::{ClaimForm, FARMS_PER_PAGE, FarmClaim, FarmClaims};

const PATH: &str = "/dashboard/farm/claims";

pub(crate) fn claims(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_claims(cx)?)
}

fn own_claims(cx: &Context<'_>) -> Result<FarmClaims, Problem> {
    let visit = Visit::live(cx)?;
    let behind = api::cursor(cx, parse_farm)?;
    let found = farms::of_owner(cx.db, cx.account()?, behind, FARMS_PER_PAGE + 1)?;
    Ok(FarmClaims::new(&visit, found, &claiming::foreign(cx)?))
}

pub(crate) fn begin(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|form: ClaimForm| claiming::begin(cx, &form.body())) {
        Ok(claim) => respond::page(StatusCode::OK, &FarmClaim::new(&Visit::of(cx)?, &claim)),
        Err(problem) if belongs_to_form(&problem) || is_unknown(&problem) => {
            respond::page(problem.kind.status(), &own_claims(cx)?.refused(&form, &problem))
        }
        Err(problem) => Err(problem),
    }
}

fn is_unknown(problem: &Problem) -> bool {
    matches!(problem.kind, web::Kind::NoSuchGridFarm | web::Kind::NoSuchGridNode)
}

pub(crate) fn verify(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request).without_empty(&["signed_as"]);
    let body: SignedClaimBody = form.body()?;
    let problem = match claiming::verify(cx, &body) {
        Ok(_) => return Ok(respond::see_other(&Done::FarmVerified.at(PATH))),
        Err(problem) if belongs_to_form(&problem) => problem,
        Err(problem) => return Err(problem),
    };
    // The message is good for another try, unless it is over.
    match claiming::waiting(cx, &body.challenge) {
        Ok(claim) => {
            let page = FarmClaim::new(&Visit::of(cx)?, &claim).refused(&form, &problem);
            respond::page(problem.kind.status(), &page)
        }
        Err(over) => {
            let page = own_claims(cx)?.refused(&form, &over);
            respond::page(over.kind.status(), &page)
        }
    }
}

pub(crate) fn take_over(cx: &Context<'_>) -> Result<Response, Problem> {
    match claiming::take_over(cx) {
        Ok((node, _)) => {
            let path = format!("/dashboard/farm/nodes/{}", node.offer.node);
            Ok(respond::see_other(&Done::NodeTakenOver.at(&path)))
        }
        Err(problem) => form::refused(problem, |problem| Ok(own_claims(cx)?.not_taken(problem))),
    }
}
