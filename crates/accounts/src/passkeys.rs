//! Passkeys of accounts: their two ceremonies, each over two requests.

use domain::audit::Action;
use domain::factor::{PASSKEYS_MAX, PasskeyName};
use domain::id::AccountId;
use factors::passkey::{Ceremony, KeptPasskey, PasskeyError, RelyingParty, ShownPasskey};
use store::challenges::{self, ChallengeKind, NewChallenge};
use store::factors as kept;
use web::session::{self, Secret};
use web::{Context, Kind, Problem};

use crate::second_factor::json::{CeremonyView, ShownPasskeyBody};
use crate::{credentials, verification};

/// The site that passkeys are bound to: what the operator has set or, where that is nothing,
/// localhost. A name that only the request says is not trusted with that.
fn site(cx: &Context<'_>) -> Result<RelyingParty, Problem> {
    let is_set = !cx.config.public_url.is_empty();
    let origin = if is_set { cx.config.public_url.clone() } else { session::origin(cx.request) };
    RelyingParty::at(&origin)
        .filter(|site| is_set || site.is_local())
        .ok_or_else(|| Problem::plain(Kind::PasskeysUnavailable))
}

/// Begins to add a passkey to the account.
pub(crate) fn begin_new(cx: &Context<'_>) -> Result<CeremonyView, Problem> {
    let (identity, factors) = verification::require_recent(cx)?;
    if factors.passkeys >= PASSKEYS_MAX {
        return Err(Problem::plain(Kind::TooManyPasskeys));
    }
    let account = identity.account;
    let existing: Vec<Vec<u8>> =
        kept::passkeys(cx.db, account)?.into_iter().map(|passkey| passkey.id).collect();
    let begun = site(cx)?.begin_new(*account.as_bytes(), &identity.email, &existing);
    open(cx, ChallengeKind::PasskeyNew, Some(account), begun.map_err(problem)?)
}

/// Adds the passkey that the browser has made; answers its id and the session's new cookie.
pub(crate) fn add(
    cx: &Context<'_>,
    challenge: &str,
    name: &PasskeyName,
    credential: &serde_json::Value,
) -> Result<(Vec<u8>, String), Problem> {
    let (identity, factors) = verification::require_recent(cx)?;
    let account = identity.account;
    let (of, state) = take(cx, challenge, ChallengeKind::PasskeyNew)?;
    if of != Some(account) {
        return Err(Problem::plain(Kind::ExpiredCode));
    }
    let credential = credential.to_string();
    let made = site(cx)?.finish_new(&state, *account.as_bytes(), credential.as_bytes());
    let made = made.map_err(problem)?;
    let passkey =
        kept::NewPasskey { id: &made.id, account, name, fixed: &made.fixed, moving: &made.moving };
    if !kept::add_passkey(cx.db, &passkey, cx.now)? {
        let is_full = factors.passkeys >= PASSKEYS_MAX;
        let kind = if is_full { Kind::TooManyPasskeys } else { Kind::PasskeyTaken };
        return Err(Problem::plain(kind));
    }
    cx.audit(Action::PasskeyAdded, Some(account), name.as_str())?;
    verification::notify(cx, identity, "a passkey was added")?;
    // Who has made it has shown it.
    let cookie = credentials::renew_session(cx, true)?;
    Ok((made.id, cookie))
}

/// Removes a passkey of the account.
pub(crate) fn remove(cx: &Context<'_>, id: &[u8]) -> Result<(), Problem> {
    let (identity, _) = verification::require_recent(cx)?;
    if !kept::remove_passkey(cx.db, identity.account, id)? {
        return Err(Problem::not_found());
    }
    cx.audit(Action::PasskeyRemoved, Some(identity.account), "")?;
    verification::notify(cx, identity, "a passkey was removed")
}

/// Begins to show a passkey, whoever's it is.
pub(crate) fn begin_use(cx: &Context<'_>) -> Result<CeremonyView, Problem> {
    let begun = site(cx)?.begin_use().map_err(problem)?;
    open(cx, ChallengeKind::PasskeySignIn, None, begun)
}

/// Whose passkey was shown.
pub(crate) fn finish_use(cx: &Context<'_>, body: &ShownPasskeyBody) -> Result<AccountId, Problem> {
    let shown = ShownPasskey::parse(body.credential.to_string().as_bytes()).map_err(problem)?;
    let (_, state) = take(cx, &body.challenge, ChallengeKind::PasskeySignIn)?;
    let id = shown.id();
    let refused = || Problem::plain(Kind::PasskeyRefused);
    let passkey = kept::find_passkey(cx.db, &id)?.ok_or_else(refused)?;
    let user = *passkey.account.as_bytes();
    let seen = KeptPasskey { user, fixed: &passkey.fixed, moving: &passkey.moving };
    let moving = site(cx)?.finish_use(&state, &shown, seen).map_err(problem)?;
    if kept::use_passkey(cx.db, &id, &passkey.moving, &moving, cx.now)? {
        Ok(passkey.account)
    } else {
        Err(refused())
    }
}

/// Keeps the state of a ceremony until the browser answers.
fn open(
    cx: &Context<'_>,
    kind: ChallengeKind,
    account: Option<AccountId>,
    begun: Ceremony,
) -> Result<CeremonyView, Problem> {
    let secret = Secret::for_challenge(cx.random);
    let challenge = NewChallenge { hash: &secret.hash, kind, account, payload: &begun.state };
    challenges::sweep(cx.db, cx.now)?;
    challenges::open(cx.db, &challenge, cx.now)?;
    Ok(CeremonyView { challenge: secret.text, options: begun.options })
}

/// Takes the state of a ceremony, and whose it is. It is good for one answer.
fn take(
    cx: &Context<'_>,
    challenge: &str,
    kind: ChallengeKind,
) -> Result<(Option<AccountId>, Vec<u8>), Problem> {
    let taken = challenges::take(cx.db, &session::hash(challenge), kind, cx.now)?;
    let taken = taken.ok_or_else(|| Problem::plain(Kind::ExpiredCode))?;
    Ok((taken.account, taken.payload))
}

fn problem(error: PasskeyError) -> Problem {
    match error {
        PasskeyError::MalformedRequest(_) => Problem::new(Kind::MalformedRequest, error),
        PasskeyError::Refused(_) => {
            Problem { cause: Some(error.to_string()), ..Problem::plain(Kind::PasskeyRefused) }
        }
        PasskeyError::Corrupt(_) => Problem::internal(error),
    }
}
