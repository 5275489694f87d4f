//! Claims to farms: the message, the signature over it, and what its owner may do.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::time::Timestamp;
use http::StatusCode;
use ownership::{Address, Claim, Signature, signed_by};
use serde::{Deserialize, Serialize};
use store::challenges::{self, CHALLENGE_SECONDS, ChallengeKind, NewChallenge};
use store::farms::{self, ForeignNode, GridFarm, TakeOver, VerificationMethod, VerifiedFarm};
use store::nodes::{FarmNode, FarmSlice};
use ui::ids::node_id;
use web::api::{self, PageOf};
use web::limit::{self, CLAIMS, Limit};
use web::session::{self, Secret};
use web::{Context, Kind, Problem, Response, respond};

use crate::claiming::json::{
    ClaimBody, ClaimView, Claimed, FarmClaimView, SignedClaimBody, parse_farm,
};
use crate::{asking, farm, offering};

/// What a challenge remembers of its claim. The nonce is the challenge itself, and is not kept.
#[derive(Deserialize, Serialize)]
struct Payload {
    platform: String,
    farm: u32,
    name: String,
    twin: u32,
    signer: String,
    expires_at: i64,
}

/// Begins a claim: finds out whose key must sign, and makes the message.
pub(crate) fn begin(cx: &Context<'_>, body: &ClaimBody) -> Result<ClaimView, Problem> {
    let claimed = body.claimed()?;
    spend(cx)?;
    let identity = cx.account()?;
    let farm = match claimed {
        Claimed::Farm(farm) => farm,
        Claimed::FarmOf(node) => match asking::node(cx, node)?.farm_id {
            0 => {
                let detail = format!("the grid's data for {node} has no farm");
                return Err(Problem::new(Kind::UnusableDocument, detail));
            }
            farm => farm,
        },
    };
    refuse_other_farm(cx, farm)?;
    let farm = asking::farm(cx, farm)?;
    let signer = read_signer(&farm)?;
    let secret = Secret::for_challenge(cx.random);
    let payload = Payload {
        platform: cx.base_url(),
        farm: farm.id,
        name: farm.name,
        twin: farm.twin,
        signer: farm.account,
        expires_at: cx.now.plus_seconds(CHALLENGE_SECONDS).seconds(),
    };
    let json = serde_json::to_vec(&payload).map_err(Problem::internal)?;
    let challenge = NewChallenge {
        hash: &secret.hash,
        kind: ChallengeKind::FarmClaim,
        account: Some(identity.account),
        payload: &json,
    };
    challenges::sweep(cx.db, cx.now)?;
    challenges::open(cx.db, &challenge, cx.now)?;
    view(cx, &payload, &signer, &secret.text)
}

fn read_signer(farm: &GridFarm) -> Result<Address, Problem> {
    Address::parse(&farm.account).map_err(|error| {
        let detail = format!("farm {} can't be verified by signature: {error}", farm.id);
        Problem::new(Kind::UnusableDocument, detail)
    })
}

fn view(
    cx: &Context<'_>,
    payload: &Payload,
    signer: &Address,
    challenge: &str,
) -> Result<ClaimView, Problem> {
    let expires_at = Timestamp::from_seconds(payload.expires_at);
    let claim = Claim {
        platform: &payload.platform,
        farm: payload.farm,
        signer,
        account: &cx.account()?.account.to_string(),
        nonce: challenge,
        expires_at,
    };
    Ok(ClaimView {
        farm_id: payload.farm,
        farm_name: payload.name.clone(),
        twin_id: payload.twin,
        signer: payload.signer.clone(),
        message: claim.to_string(),
        challenge: challenge.to_owned(),
        expires_at: expires_at.to_string(),
        until: expires_at,
    })
}

/// A claim that waits for its signature; `ExpiredCode` if there is none such of this account.
pub(crate) fn waiting(cx: &Context<'_>, challenge: &str) -> Result<ClaimView, Problem> {
    let (payload, signer) = open(cx, challenge)?;
    view(cx, &payload, &signer, challenge)
}

fn open(cx: &Context<'_>, challenge: &str) -> Result<(Payload, Address), Problem> {
    let account = cx.account()?.account;
    let hash = session::hash(challenge);
    let found = challenges::find(cx.db, &hash, ChallengeKind::FarmClaim, cx.now)?;
    let found = found.filter(|found| found.account == Some(account)).ok_or_else(over)?;
    let payload: Payload = serde_json::from_slice(&found.payload).map_err(Problem::internal)?;
    let signer = Address::parse(&payload.signer).map_err(Problem::internal)?;
    Ok((payload, signer))
}

fn over() -> Problem {
    let detail = "this message was used or has expired; request a new message and sign it";
    Problem::new(Kind::ExpiredCode, detail)
}

/// Proves a claim. A message counts once; a signature that is wrong can be made anew until it ends.
pub(crate) fn verify(cx: &Context<'_>, body: &SignedClaimBody) -> Result<VerifiedFarm, Problem> {
    spend(cx)?;
    let (payload, signer) = open(cx, &body.challenge)?;
    refuse_other_farm(cx, payload.farm)?;
    let message = view(cx, &payload, &signer, &body.challenge)?.message;
    let account = cx.account()?.account;
    if let Err(why) = check(&signer, &message, body) {
        cx.audit(Action::FarmClaimFailed, Some(account), &subject(payload.farm))?;
        return Err(Problem::new(Kind::WrongClaim, why));
    }
    // Of many who show it at once, one gets it.
    let hash = session::hash(&body.challenge);
    challenges::take(cx.db, &hash, ChallengeKind::FarmClaim, cx.now)?.ok_or_else(over)?;
    let Payload { farm: id, name, twin, signer, .. } = payload;
    let farm = GridFarm { id, name, twin, account: signer };
    farms::verify(cx.db, &farm, account, VerificationMethod::Signature, cx.now)?;
    cx.audit(Action::FarmClaimed, Some(account), &subject(id))?;
    verified(cx, id)
}

/// Why a signature does not prove a claim, as far as that can be known.
fn check(signer: &Address, message: &str, body: &SignedClaimBody) -> Result<(), String> {
    let signature = Signature::parse(&body.signature).map_err(|error| error.to_string())?;
    if signed_by(signer, message, &signature).is_some() {
        return Ok(());
    }
    let signed_as = body.signed_as.as_deref().map(str::trim).filter(|text| !text.is_empty());
    let Some(text) = signed_as else {
        return Err(format!(
            "this is not a signature of {signer} over this message; it was made with another key \
             or over another text"
        ));
    };
    let signed_as =
        Address::parse(text).map_err(|error| format!("the signing address is invalid: {error}"))?;
    if signed_as.is_same_account(signer) {
        return Err(
            "this signature is for a different text; sign the whole message exactly as shown"
                .to_owned(),
        );
    }
    Err(match signed_by(&signed_as, message, &signature) {
        Some(_) => format!("this was signed by {signed_as}, but the farm belongs to {signer}"),
        None => format!(
            "this is not a signature over this message by {signed_as} or by {signer}; the farm's \
             account {signer} must sign"
        ),
    })
}

/// Refuses a token that is for another farm.
fn refuse_other_farm(cx: &Context<'_>, farm: u32) -> Result<(), Problem> {
    match cx.account()?.farm().filter(|own| *own != farm) {
        Some(own) => {
            let detail =
                format!("this token is limited to farm {own}, so it can't access farm {farm}");
            Err(Problem::new(Kind::MissingScope, detail))
        }
        None => Ok(()),
    }
}

fn spend(cx: &Context<'_>) -> Result<(), Problem> {
    limit::spend(cx, &[Limit::new(cx, CLAIMS, &cx.account()?.account.to_string())])
}

/// How a farm is named in the audit log.
pub(crate) fn subject(farm: u32) -> String {
    format!("farm{farm}")
}

/// A farm that this account has verified.
fn verified(cx: &Context<'_>, farm: u32) -> Result<VerifiedFarm, Problem> {
    let found = farms::of_owner(cx.db, cx.account()?.account, Some(farm - 1), 1)?;
    found.into_iter().find(|verified| verified.farm.id == farm).ok_or_else(Problem::not_found)
}

/// Takes over a node of a verified farm that somebody else has registered.
pub(crate) fn take_over(cx: &Context<'_>) -> Result<(FarmNode, Vec<FarmSlice>), Problem> {
    let (node, identity) = (node_id(cx.param("node"))?, cx.account()?);
    match farms::take_over(cx.db, node, identity, cx.now)? {
        TakeOver::Done => {
            let account = Some(identity.account);
            cx.audit(Action::NodeTakeOver, account, &node.to_string())?;
            offering::own_node(cx, node)
        }
        TakeOver::NotOwned => Err(Problem::not_found()),
        TakeOver::Renting => {
            let detail = format!("you rent slices on {node}, and you can't rent from yourself");
            Err(Problem::new(Kind::HasRentalsOnNode, detail))
        }
        TakeOver::Changed => Err(Problem::plain(Kind::OfferChanged)),
    }
}

/// The most nodes of others that are shown to the owner of their farms.
pub(crate) const FOREIGN_SHOWN: u32 = 200;

/// Nodes of this account's farms that others have registered.
pub(crate) fn foreign(cx: &Context<'_>) -> Result<Vec<ForeignNode>, Problem> {
    Ok(farms::foreign(cx.db, cx.account()?.account, FOREIGN_SHOWN)?)
}

pub(crate) fn list_claims(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let behind = api::cursor(cx, parse_farm)?;
    let found = farms::of_owner(cx.db, cx.account()?, behind, limit + 1)?;
    let place = |verified: &VerifiedFarm| verified.farm.id.to_string();
    respond::json(
        StatusCode::OK,
        &PageOf::new(cx.search(), found, limit, place, FarmClaimView::new),
    )
}

pub(crate) fn claim_farm(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::CREATED, &begin(cx, &web::json::body(cx.request)?)?)
}

pub(crate) fn verify_farm(cx: &Context<'_>) -> Result<Response, Problem> {
    let verified = verify(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::OK, &FarmClaimView::new(&verified))
}

pub(crate) fn take_over_node(cx: &Context<'_>) -> Result<Response, Problem> {
    let (node, slices) = take_over(cx)?;
    farm::answer_node(cx, StatusCode::OK, &node, &slices)
}
