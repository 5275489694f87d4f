//! Email and password: signing up and signing in.

use domain::account::{Email, Password};
use domain::audit::Action;
use domain::id::{AccountId, SessionId};
use serde::{Deserialize, Serialize};
use store::accounts::{self, Credentials, Identity};
use store::challenges::{self, ChallengeKind};
use store::sessions::{self, NewSession};
use web::form::keep;
use web::limit::{self, Limit};
use web::session::{self, SESSION_SECONDS, Secret};
use web::{Context, Kind, Problem};

use crate::device::{self, Device};
use crate::password::{self, Comparison, Hasher};
use crate::verification::{self, Waiting};
use crate::{mailing, mails};

/// How much of a browser's own words is kept, in characters.
const USER_AGENT_CHARS_MAX: usize = 200;

/// Somebody who has just signed in.
pub(crate) struct SignedIn {
    /// Who.
    pub(crate) identity: Identity,
    /// The `Set-Cookie` of the new session.
    pub(crate) cookie: String,
}

/// What came of a right password.
pub(crate) enum SignIn {
    /// Somebody is signed in.
    Done(Box<SignedIn>),
    /// A second factor is still to be shown.
    Waits(Waiting),
}

/// What came of a sign-up.
pub(crate) enum SignedUp {
    /// The account is there, and signed in.
    In(Box<SignedIn>),
    /// A mail is on its way.
    ByMail,
}

/// What a mailed sign-up goes on with.
#[derive(Serialize, Deserialize)]
struct PendingAccount {
    email: String,
    password_hash: String,
}

/// Creates an account and signs it in or, where mail can be sent, once its address is confirmed.
/// Then nobody learns from the answer whether the address has an account already.
pub(crate) fn sign_up(cx: &Context<'_>, email: &str, password: &str) -> Result<SignedUp, Problem> {
    let mut wrong = Vec::new();
    let email = keep(&mut wrong, Email::parse(email));
    let password = keep(&mut wrong, password::read_new("password", password));
    let (email, password) = email.zip(password).ok_or_else(|| Problem::fields(wrong))?;
    let mut limits = vec![Limit::new(cx, limit::SIGN_UPS, &cx.address)];
    if cx.config.has_mail {
        limits.insert(0, mailing::limit(cx, &email, ChallengeKind::SignUp, None));
    }
    limit::spend(cx, &limits)?;
    let password_hash = Hasher::new(cx)?.hash(&password)?;
    if cx.config.has_mail {
        ask_to_confirm(cx, &email, password_hash)?;
        return Ok(SignedUp::ByMail);
    }
    let signed_in = create(cx, &email, &password_hash)?;
    Ok(SignedUp::In(Box::new(signed_in)))
}

/// Does the same work whether or not the address has an account: only its mail says.
fn ask_to_confirm(cx: &Context<'_>, email: &Email, password_hash: String) -> Result<(), Problem> {
    let secret = Secret::for_challenge(cx.random);
    let mail = match accounts::credentials(cx.db, email)? {
        None => mails::sign_up(email, &mailing::url(cx, "/signup/confirm", &secret)),
        Some(_) => mailing::address_taken(cx, email),
    };
    // The secret of an address that is taken is in no mail: its challenge leads nowhere.
    let pending = PendingAccount { email: email.to_string(), password_hash };
    let payload = serde_json::to_vec(&pending).map_err(Problem::internal)?;
    mailing::challenge(cx, ChallengeKind::SignUp, None, &payload, &secret, &mail)
}

/// Makes the account that a mail was sent for.
pub(crate) fn confirm(cx: &Context<'_>, code: &str) -> Result<SignedIn, Problem> {
    let expired = || Problem::plain(Kind::ExpiredCode);
    let hash = session::hash(code);
    let challenge = challenges::take(cx.db, &hash, ChallengeKind::SignUp, cx.now)?;
    let pending: PendingAccount =
        serde_json::from_slice(&challenge.ok_or_else(expired)?.payload).map_err(|_| expired())?;
    let email = Email::parse(&pending.email)?;
    create(cx, &email, &pending.password_hash)
}

fn create(cx: &Context<'_>, email: &Email, password_hash: &str) -> Result<SignedIn, Problem> {
    let account = AccountId::from_random(cx.now, cx.random.id());
    if !accounts::create(cx.db, account, email, password_hash, cx.now)? {
        return Err(Problem::plain(Kind::EmailTaken));
    }
    cx.audit(Action::SignUp, Some(account), "")?;
    open_session(cx, account, false)
}

/// Signs in. The response reveals neither whether the account exists nor whether the password was
/// close: an unknown address costs a hash, too, and past the limits none is computed.
pub(crate) fn sign_in(cx: &Context<'_>, email: &str, password: &str) -> Result<SignIn, Problem> {
    let credentials = check(cx, email, password)?;
    if credentials.has_second_factor {
        return Ok(SignIn::Waits(verification::wait(cx, credentials.account)?));
    }
    let signed_in = open_session(cx, credentials.account, false)?;
    Ok(SignIn::Done(Box::new(signed_in)))
}

/// Whose email and password these are.
fn check(cx: &Context<'_>, email: &str, password: &str) -> Result<Credentials, Problem> {
    let wrong = || Problem::plain(Kind::WrongCredentials);
    let (Ok(email), Ok(password)) = (Email::parse(email), Password::parse(password)) else {
        return Err(wrong());
    };
    let found = accounts::credentials(cx.db, &email)?;
    let limits = on_failures(cx, &email, found.as_ref());
    limit::spend(cx, &limits)?;
    let hasher = Hasher::new(cx)?;
    let Some(credentials) = found else {
        hasher.compare_with_none(&password)?;
        cx.audit(Action::SignInFailed, None, "")?;
        return Err(wrong());
    };
    let comparison = hasher.compare(&password, &credentials.password_hash)?;
    if let Comparison::Wrong = comparison {
        cx.audit(Action::SignInFailed, Some(credentials.account), "")?;
        return Err(wrong());
    }
    for limit in &limits {
        limit.give_back(cx)?;
    }
    if let Comparison::Outdated = comparison {
        let (old, new) = (&credentials.password_hash, hasher.hash(&password)?);
        accounts::rehash(cx.db, credentials.account, old, &new)?;
    }
    Ok(credentials)
}

/// The limits on failed sign-ins to an account, if it is one: of this browser, if the account has
/// signed in from it, or else of everybody.
fn on_failures(cx: &Context<'_>, email: &Email, found: Option<&Credentials>) -> Vec<Limit> {
    let known = found.and_then(|found| Some(Device::of(cx, found)?.key(found.account)));
    if let Some(device) = known {
        return vec![Limit::new(cx, limit::FAILURES_BY_DEVICE, &device)];
    }
    let [by_pair, by_account] = of_strangers(cx, email);
    vec![by_pair, Limit::new(cx, limit::FAILURES_BY_ADDRESS, &cx.address), by_account]
}

/// The limits on failed sign-ins to one account from this address, and from everywhere.
fn of_strangers(cx: &Context<'_>, email: &Email) -> [Limit; 2] {
    let pair = format!("{email} {}", cx.address);
    [
        Limit::new(cx, limit::FAILURES_BY_PAIR, &pair),
        Limit::new(cx, limit::FAILURES_BY_ACCOUNT, email.as_str()),
    ]
}

/// Lets an account be signed in to again that nobody could sign in to for wrong passwords: its
/// owner has just set a new one by mail. This browser is known from now on.
pub(crate) fn open_the_way(cx: &Context<'_>, credentials: &Credentials) -> Result<(), Problem> {
    for limit in of_strangers(cx, &Email::parse(&credentials.email)?) {
        limit.clear(cx)?;
    }
    device::remember(cx, credentials.account, false)
}

/// Whether `password` is the account's: asked again before something that is protected. Where there
/// is a second factor, the session must have shown it.
pub(crate) fn confirm_password(cx: &Context<'_>, password: &str) -> Result<Credentials, Problem> {
    let identity = cx.session()?;
    let account = identity.account;
    let wrong = || Problem::plain(Kind::WrongPassword);
    let password = Password::parse(password).map_err(|_| wrong())?;
    // By session: who has stolen one does not keep its owner from confirming in another.
    let session = identity.session().map(|session| session.to_string()).unwrap_or_default();
    let limit = Limit::new(cx, limit::VERIFICATIONS, &session);
    limit::spend(cx, std::slice::from_ref(&limit))?;
    let credentials = accounts::credentials_of(cx.db, account)?.ok_or_else(Problem::not_found)?;
    if credentials.has_second_factor {
        cx.require_strong()?;
    }
    match Hasher::new(cx)?.compare(&password, &credentials.password_hash)? {
        Comparison::Wrong => {
            cx.audit(Action::SignInFailed, Some(account), "")?;
            Err(wrong())
        }
        Comparison::Right | Comparison::Outdated => {
            limit.give_back(cx)?;
            Ok(credentials)
        }
    }
}

/// Opens a session under a new secret, and ends the one that the request came with: whatever secret
/// was in the browser before is worth nothing after.
pub(crate) fn open_session(
    cx: &Context<'_>,
    account: AccountId,
    is_strong: bool,
) -> Result<SignedIn, Problem> {
    session::close(cx.db, cx.request)?;
    let secret = Secret::for_session(cx.random);
    let id = SessionId::from_random(cx.now, cx.random.id());
    let user_agent = user_agent(cx);
    let session = NewSession {
        id,
        hash: &secret.hash,
        account,
        is_strong,
        address: &cx.address,
        user_agent: &user_agent,
        expires_at: cx.now.plus_seconds(SESSION_SECONDS),
    };
    sessions::open(cx.db, &session, cx.now)?;
    // An account that is suspended is not signed in, and does not learn that it is.
    let identity = sessions::find(cx.db, &secret.hash, cx.now)?
        .ok_or_else(|| Problem::plain(Kind::WrongCredentials))?;
    cx.audit(Action::SignIn, Some(account), &id.to_string())?;
    device::remember(cx, account, is_strong)?;
    Ok(SignedIn { identity, cookie: session::sign_in_cookie(cx.request, &secret) })
}

/// Notes that the holder of this session has just verified who they are. It goes on under another
/// secret, whose `Set-Cookie` is answered.
pub(crate) fn renew_session(cx: &Context<'_>, is_strong: bool) -> Result<String, Problem> {
    let identity = cx.session()?;
    let id = identity.session().ok_or_else(|| Problem::plain(Kind::NotSignedIn))?;
    let secret = Secret::for_session(cx.random);
    if !sessions::verify(cx.db, id, &secret.hash, is_strong, cx.now)? {
        return Err(Problem::plain(Kind::NotSignedIn));
    }
    device::remember(cx, identity.account, is_strong)?;
    Ok(session::sign_in_cookie(cx.request, &secret))
}

/// Ends the session of this request, if it has one.
pub(crate) fn sign_out(cx: &Context<'_>) -> Result<(), Problem> {
    session::close(cx.db, cx.request)?;
    if let Some(identity) = &cx.identity {
        cx.audit(Action::SignOut, Some(identity.account), "")?;
    }
    Ok(())
}

/// What the browser calls itself, on one line and cut.
fn user_agent(cx: &Context<'_>) -> String {
    let text = cx.header(http::header::USER_AGENT).unwrap_or_default();
    text.chars().filter(|c| !c.is_control()).take(USER_AGENT_CHARS_MAX).collect()
}
