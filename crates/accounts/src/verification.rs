//! Who somebody is, beyond a password: the second step of a sign-in, and verifying it again later.

use domain::account::Email;
use domain::audit::Action;
use domain::factor::{self, Factors};
use domain::id::AccountId;
use store::accounts::{Grant, Identity};
use store::challenges::{self, ChallengeKind, NewChallenge};
use store::factors;
use web::session::{self, Secret};
use web::{Context, Kind, Problem};

use crate::credentials::{self, SignedIn};
use crate::second_factor::json::{SecondFactorView, ShownPasskeyBody, VerificationBody};
use crate::{codes, mailing, mails, passkeys};

/// A sign-in that waits for a second factor.
pub(crate) struct Waiting {
    /// That the password was right.
    pub(crate) challenge: String,
    /// What can be shown.
    pub(crate) factors: Factors,
}

impl Waiting {
    /// What a program is answered.
    pub(crate) fn view(&self) -> SecondFactorView {
        SecondFactorView {
            challenge: self.challenge.clone(),
            factors: self.factors.offered().map(|factor| factor.into_str()).collect(),
        }
    }
}

/// Lets a sign-in wait for a second factor; its password was right.
pub(crate) fn wait(cx: &Context<'_>, account: AccountId) -> Result<Waiting, Problem> {
    let secret = Secret::for_challenge(cx.random);
    let challenge = NewChallenge {
        hash: &secret.hash,
        kind: ChallengeKind::SecondFactor,
        account: Some(account),
        payload: &[],
    };
    challenges::sweep(cx.db, cx.now)?;
    challenges::open(cx.db, &challenge, cx.now)?;
    Ok(Waiting { challenge: secret.text, factors: factors::of_account(cx.db, account)? })
}

/// What a sign-in that waits can be finished with.
pub(crate) fn waiting(cx: &Context<'_>, challenge: &str) -> Result<Factors, Problem> {
    Ok(factors::of_account(cx.db, account_of(cx, challenge)?)?)
}

fn account_of(cx: &Context<'_>, challenge: &str) -> Result<AccountId, Problem> {
    let hash = session::hash(challenge);
    let found = challenges::find(cx.db, &hash, ChallengeKind::SecondFactor, cx.now)?;
    found.and_then(|found| found.account).ok_or_else(over)
}

fn over() -> Problem {
    Problem::new(Kind::ExpiredCode, "this sign-in has expired; start over")
}

/// Finishes a sign-in with a code. A wrong one can be corrected; the sign-in goes on waiting.
pub(crate) fn finish(cx: &Context<'_>, challenge: &str, code: &str) -> Result<SignedIn, Problem> {
    let account = account_of(cx, challenge)?;
    check_code(cx, account, code)?;
    let hash = session::hash(challenge);
    challenges::take(cx.db, &hash, ChallengeKind::SecondFactor, cx.now)?.ok_or_else(over)?;
    credentials::open_session(cx, account, true)
}

/// Signs in with a passkey alone.
pub(crate) fn sign_in_with_passkey(
    cx: &Context<'_>,
    body: &ShownPasskeyBody,
) -> Result<SignedIn, Problem> {
    let account = passkeys::finish_use(cx, body)?;
    credentials::open_session(cx, account, true)
}

fn check_code(cx: &Context<'_>, account: AccountId, code: &str) -> Result<(), Problem> {
    let checked = codes::check(cx, account, code);
    if checked.as_ref().is_err_and(|problem| problem.kind == Kind::WrongCode) {
        cx.audit(Action::SignInFailed, Some(account), "")?;
    }
    checked
}

/// Verifies again who holds the session, and answers its new cookie. Where there is a second
/// factor, it has to be that: whoever has the session may have the password too.
pub(crate) fn verify(cx: &Context<'_>, body: &VerificationBody) -> Result<String, Problem> {
    let account = cx.session()?.account;
    let factors = factors::of_account(cx.db, account)?;
    let is_strong = match body {
        VerificationBody {
            password: None,
            code: None,
            challenge: Some(challenge),
            credential: Some(credential),
        } => {
            let (challenge, credential) = (challenge.clone(), credential.clone());
            let shown = ShownPasskeyBody { challenge, credential };
            if passkeys::finish_use(cx, &shown)? != account {
                return Err(Problem::plain(Kind::PasskeyRefused));
            }
            true
        }
        VerificationBody {
            password: None,
            code: Some(code),
            challenge: None,
            credential: None,
        } => {
            check_code(cx, account, code)?;
            true
        }
        VerificationBody {
            password: Some(password),
            code: None,
            challenge: None,
            credential: None,
        } => {
            if factors.are_required() {
                let detail = "a password is not enough; enter a code or use a passkey";
                return Err(Problem::new(Kind::VerificationRequired, detail));
            }
            credentials::confirm_password(cx, password)?;
            false
        }
        _ => {
            let detail = "send a password, a code, or a challenge with its credential";
            return Err(Problem::new(Kind::MalformedRequest, detail));
        }
    };
    cx.audit(Action::Verification, Some(account), "")?;
    credentials::renew_session(cx, is_strong)
}

/// Who asks and what factors they have, if they may change those now.
pub(crate) fn require_recent<'a>(cx: &'a Context<'_>) -> Result<(&'a Identity, Factors), Problem> {
    let identity = cx.session()?;
    let factors = factors::of_account(cx.db, identity.account)?;
    let may_change = match identity.grant {
        Grant::Session { is_strong, verified_at, .. } => factor::may_change_factors(
            factors,
            factor::Verification { verified_at, is_strong },
            cx.now,
        ),
        Grant::Token { .. } => false,
    };
    if may_change {
        Ok((identity, factors))
    } else {
        Err(Problem::plain(Kind::VerificationRequired))
    }
}

/// Tells an account by mail that its factors have changed; `description` says it in a clause.
pub(crate) fn notify(
    cx: &Context<'_>,
    identity: &Identity,
    description: &str,
) -> Result<(), Problem> {
    let email = Email::parse(&identity.email)?;
    mailing::notify(cx, identity.account, &mails::factor_changed(&email, description))
}
