//! The pages of claims: a farmer's farms, a message to sign, and what others have registered.

use domain::field::FieldError;
use http::StatusCode;
use store::farms;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{Form, belongs_to_form};
use web::{Context, Problem, Response, api, respond};

use crate::claiming;
use crate::claiming::json::{ClaimBody, SignedClaimBody, parse_farm};
use crate::claiming::page::{FARMS_PER_PAGE, FarmClaim, FarmClaims};

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
    let claim = read_claim(&form).map_err(Problem::from);
    match claim.and_then(|body| claiming::begin(cx, &body)) {
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

fn read_claim(form: &Form) -> Result<ClaimBody, FieldError> {
    let number = |field: &'static str| {
        let Some(text) = form.filled(field) else { return Ok(None) };
        let digits = text.trim().strip_prefix("node").unwrap_or(text.trim());
        let read = digits.parse::<i64>().map(Some);
        read.map_err(|_| FieldError::new(field, "a positive whole number, such as 32"))
    };
    Ok(ClaimBody { farm_id: number("farm_id")?, grid_node_id: number("grid_node_id")? })
}

pub(crate) fn verify(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let body = SignedClaimBody {
        challenge: form.text("challenge").to_owned(),
        signature: form.text("signature").to_owned(),
        signed_as: form.filled("signed_as").map(str::to_owned),
    };
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
        Err(problem) if belongs_to_form(&problem) => {
            let page = own_claims(cx)?.not_taken(&problem);
            respond::page(problem.kind.status(), &page)
        }
        Err(problem) => Err(problem),
    }
}
