//! Codes of authenticator apps, and recovery codes.

pub(crate) mod page;

use domain::audit::Action;
use domain::factor::RECOVERY_CODES;
use domain::id::AccountId;
use factors::recovery::RecoveryCode;
use factors::totp::{self, SECRET_BYTES, TotpSecret};
use seal::Place;
use store::accounts;
use store::factors as kept;
use web::env::Random;
use web::limit::{self, Limit};
use web::{Context, Env, Kind, Problem};

use crate::device::Device;
use crate::{credentials, verification};

/// What was made when an app was confirmed, or on demand.
pub(crate) struct NewCodes {
    /// The recovery codes, as their owner writes them down.
    pub(crate) texts: Vec<String>,
    /// What is kept of them.
    hashes: Vec<[u8; 32]>,
}

impl NewCodes {
    fn new(random: &dyn Random) -> NewCodes {
        let codes: Vec<_> =
            (0..RECOVERY_CODES).map(|_| RecoveryCode::from_random(random.bytes())).collect();
        NewCodes {
            texts: codes.iter().map(RecoveryCode::text).collect(),
            hashes: codes.iter().map(RecoveryCode::hash).collect(),
        }
    }
}

/// Why no app can be set up; `None` if one can.
pub(crate) fn note(cx: &Context<'_>) -> Option<&'static str> {
    cx.keys().is_err().then_some("This marketplace doesn't support authenticator apps")
}

/// Begins to set up an app, in place of one that no code has confirmed.
pub(crate) fn begin(cx: &Context<'_>) -> Result<TotpSecret, Problem> {
    let (identity, _) = verification::require_recent(cx)?;
    let (account, bytes) = (identity.account, cx.random.bytes::<SECRET_BYTES>());
    let row = account.to_string();
    let sealed =
        cx.keys()?.seal(place(&row), &bytes, cx.random.bytes()).map_err(Problem::internal)?;
    if !kept::begin_totp(cx.db, account, &sealed, cx.now)? {
        return Err(Problem::plain(Kind::TotpAlreadySetUp));
    }
    Ok(TotpSecret::new(bytes, &identity.email))
}

/// The secret of an app that is being set up; `None` if none is.
pub(crate) fn begun(cx: &Context<'_>) -> Result<Option<TotpSecret>, Problem> {
    let (identity, _) = verification::require_recent(cx)?;
    let secret = kept::totp_secret(cx.db, identity.account)?.filter(|secret| !secret.is_confirmed);
    secret.map(|secret| open(cx, identity.account, &identity.email, &secret.sealed)).transpose()
}

/// Confirms an app by its first code; answers recovery codes and the session's new cookie.
pub(crate) fn confirm(cx: &Context<'_>, code: &str) -> Result<(NewCodes, String), Problem> {
    let (identity, _) = verification::require_recent(cx)?;
    let account = identity.account;
    let secret = kept::totp_secret(cx.db, account)?.ok_or_else(Problem::not_found)?;
    if secret.is_confirmed {
        return Err(Problem::plain(Kind::TotpAlreadySetUp));
    }
    let limit = spend(cx, account)?;
    let step = open(cx, account, &identity.email, &secret.sealed)?.step(code, cx.now);
    let step = step.ok_or_else(|| Problem::plain(Kind::WrongCode))?;
    let codes = NewCodes::new(cx.random);
    if !kept::confirm_totp(cx.db, account, &secret.sealed, step, &codes.hashes, cx.now)? {
        return Err(Problem::plain(Kind::WrongCode));
    }
    limit.give_back(cx)?;
    cx.audit(Action::TotpAdded, Some(account), "")?;
    verification::notify(cx, identity, "an authenticator app was set up")?;
    let cookie = credentials::renew_session(cx, true)?;
    Ok((codes, cookie))
}

/// Removes the app of the account.
pub(crate) fn remove(cx: &Context<'_>) -> Result<(), Problem> {
    let (identity, _) = verification::require_recent(cx)?;
    if !kept::remove_totp(cx.db, identity.account)? {
        return Err(Problem::not_found());
    }
    cx.audit(Action::TotpRemoved, Some(identity.account), "")?;
    verification::notify(cx, identity, "the authenticator app was removed")
}

/// Makes recovery codes, and voids those of before.
pub(crate) fn make_recovery_codes(cx: &Context<'_>) -> Result<NewCodes, Problem> {
    let (identity, factors) = verification::require_recent(cx)?;
    if !factors.are_required() {
        return Err(Problem::plain(Kind::SecondFactorRequired));
    }
    let codes = NewCodes::new(cx.random);
    kept::replace_recovery_codes(cx.db, identity.account, &codes.hashes)?;
    cx.audit(Action::RecoveryCodesGenerated, Some(identity.account), "")?;
    verification::notify(cx, identity, "new recovery codes were generated")?;
    Ok(codes)
}

/// Takes a code of an account: of its app, or a recovery code. Each counts once, and wrong ones are
/// limited.
pub(crate) fn check(cx: &Context<'_>, account: AccountId, code: &str) -> Result<(), Problem> {
    let limit = spend(cx, account)?;
    let is_right = if totp::is_code(code) {
        check_totp(cx, account, code)?
    } else {
        check_recovery(cx, account, code)?
    };
    if !is_right {
        return Err(Problem::plain(Kind::WrongCode));
    }
    Ok(limit.give_back(cx)?)
}

/// Counts a code, in this browser if it has shown a second factor before: whoever has the password
/// and guesses codes elsewhere does not keep the account's owner out.
fn spend(cx: &Context<'_>, account: AccountId) -> Result<Limit, Problem> {
    let credentials = accounts::credentials_of(cx.db, account)?.ok_or_else(Problem::not_found)?;
    let known = Device::of(cx, &credentials).filter(|device| device.is_strong);
    let who = known.map_or_else(|| account.to_string(), |device| device.key(account));
    let limit = [Limit::new(cx, limit::CODES, &who)];
    limit::spend(cx, &limit)?;
    let [limit] = limit;
    Ok(limit)
}

fn check_totp(cx: &Context<'_>, account: AccountId, code: &str) -> Result<bool, Problem> {
    let secret = kept::totp_secret(cx.db, account)?.filter(|secret| secret.is_confirmed);
    let Some(secret) = secret else { return Ok(false) };
    match open(cx, account, "", &secret.sealed)?.step(code, cx.now) {
        Some(step) => Ok(kept::use_totp(cx.db, account, step)?),
        None => Ok(false),
    }
}

fn check_recovery(cx: &Context<'_>, account: AccountId, code: &str) -> Result<bool, Problem> {
    let Some(code) = RecoveryCode::parse(code) else { return Ok(false) };
    let is_taken = kept::use_recovery_code(cx.db, account, &code.hash())?;
    if is_taken {
        cx.audit(Action::RecoveryCodeUsed, Some(account), "")?;
    }
    Ok(is_taken)
}

fn open(
    env: &Env<'_>,
    account: AccountId,
    email: &str,
    sealed: &[u8],
) -> Result<TotpSecret, Problem> {
    let row = account.to_string();
    let opened = env.keys()?.open(place(&row), sealed).map_err(Problem::internal)?;
    let bytes = opened.as_slice().try_into().map_err(Problem::internal)?;
    Ok(TotpSecret::new(bytes, email))
}

fn place(row: &str) -> Place<'_> {
    Place { table: "totp_secrets", column: "sealed", row }
}
