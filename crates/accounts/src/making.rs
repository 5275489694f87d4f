//! Tokens that are made and revoked, and sessions that are ended, for the API and the page alike.

use domain::account::{Scope, Scopes};
use domain::audit::Action;
use domain::field::FieldError;
use domain::id::{AccountId, SessionId, TokenId};
use domain::money::Usd;
use domain::text::parse_line;
use store::sessions;
use store::tokens::{self, NewToken, Token};
use web::form::keep;
use web::session::Secret;
use web::{Context, Kind, Problem};

use crate::account::json::{NewTokenView, TokenBody, TokenView};

/// The longest name of a token.
const TOKEN_NAME_CHARS_MAX: usize = 80;
/// How long a token lasts if nobody says, in days.
const TOKEN_DAYS: i64 = 90;
/// How long a token lasts at most, in days.
const TOKEN_DAYS_MAX: i64 = 365;
/// Seconds of a day.
const DAY_SECONDS: i64 = 24 * 60 * 60;

/// What is asked of a token.
struct NewTokenRequest {
    name: String,
    scopes: Scopes,
    farm: Option<u32>,
    spending_limit: Option<Usd>,
    days: i64,
}

/// Makes a token of who is signed in. Its text is in the answer and nowhere else.
pub(crate) fn create_token(cx: &Context<'_>, body: &TokenBody) -> Result<NewTokenView, Problem> {
    let identity = cx.session()?;
    let NewTokenRequest { name, scopes, farm, spending_limit, days } = read(body)?;
    if scopes.allow(Scope::Admin) {
        if !identity.is_operator {
            let rule = "no `admin`: this account is not an operator's";
            return Err(FieldError::new("scopes", rule).into());
        }
        cx.require_strong()?;
    }
    let secret = Secret::for_token(cx.random);
    let token = NewToken {
        id: TokenId::from_random(cx.now, cx.random.id()),
        hash: &secret.hash,
        hint: secret.hint(),
        account: identity.account,
        name: &name,
        scopes,
        farm,
        spending_limit,
        expires_at: cx.now.plus_seconds(days * DAY_SECONDS),
    };
    if !tokens::create(cx.db, &token, cx.now)? {
        return Err(Problem::plain(Kind::TooManyTokens));
    }
    cx.audit(Action::TokenCreated, Some(identity.account), &token.id.to_string())?;
    let made = Token {
        id: token.id,
        hint: token.hint.to_owned(),
        name: name.clone(),
        scopes,
        farm: token.farm,
        spending_limit,
        spent: Usd::ZERO,
        created_at: cx.now,
        used_at: None,
        expires_at: token.expires_at,
    };
    let details = TokenView::new(&made);
    Ok(NewTokenView { token: secret.text, details })
}

fn read(body: &TokenBody) -> Result<NewTokenRequest, Problem> {
    let mut wrong = Vec::new();
    let name = keep(&mut wrong, parse_line("name", &body.name, 1..=TOKEN_NAME_CHARS_MAX));
    let scopes = keep(&mut wrong, Scopes::parse(body.scopes.iter().map(String::as_str)));
    let spending_limit =
        body.spending_limit_usd.as_ref().map(|usd| Usd::parse("spending_limit_usd", &usd.text()));
    let spending_limit = keep(&mut wrong, spending_limit.transpose()).flatten();
    let farm = body.farm_id.map(|number| {
        let farm = u32::try_from(number).ok().filter(|farm| *farm > 0);
        farm.ok_or_else(|| FieldError::new("farm_id", "a grid farm ID above 0"))
    });
    let farm = keep(&mut wrong, farm.transpose()).flatten();
    let days = body.expires_in_days.unwrap_or(TOKEN_DAYS);
    if !(1..=TOKEN_DAYS_MAX).contains(&days) {
        wrong.push(FieldError::new("expires_in_days", "a whole number of days, 1 to 365"));
    }
    match name.zip(scopes) {
        Some((name, scopes)) if wrong.is_empty() => {
            Ok(NewTokenRequest { name, scopes, farm, spending_limit, days })
        }
        _ => Err(Problem::fields(wrong)),
    }
}

/// Revokes a token; another's does not exist.
pub(crate) fn revoke_token(
    cx: &Context<'_>,
    account: AccountId,
    id: TokenId,
) -> Result<(), Problem> {
    if !tokens::revoke(cx.db, account, id)? {
        return Err(Problem::not_found());
    }
    Ok(cx.audit(Action::TokenRevoked, Some(account), &id.to_string())?)
}

/// Ends a session; another's does not exist.
pub(crate) fn end_session(
    cx: &Context<'_>,
    account: AccountId,
    id: SessionId,
) -> Result<(), Problem> {
    if !sessions::end(cx.db, account, id)? {
        return Err(Problem::not_found());
    }
    Ok(cx.audit(Action::SessionEnded, Some(account), &id.to_string())?)
}

/// Ends every session of who is signed in, but this one.
pub(crate) fn end_other_sessions(cx: &Context<'_>) -> Result<(), Problem> {
    let identity = cx.session()?;
    sessions::end_others(cx.db, identity.account, identity.session())?;
    Ok(cx.audit(Action::SessionsEnded, Some(identity.account), "")?)
}
