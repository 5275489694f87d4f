//! What changes an account: password, email address, a forgotten password, and its end.

use domain::account::{Email, Password};
use domain::audit::Action;
use domain::field::FieldError;
use domain::id::{AccountId, TokenId};
use store::accounts::{self, Credentials, SecretHash};
use store::challenges::{self, Challenge, ChallengeKind};
use store::tokens::{self, Token};
use web::limit;
use web::session::{self, Secret};
use web::{Context, Kind, Problem};

use crate::credentials::{confirm_password, open_the_way, renew_session};
use crate::password::{self, Hasher};
use crate::{mailing, mails};

/// What `keep_tokens` has to be.
const KEEP_RULE: &str = "IDs of your API tokens";

/// Changes the password of who is signed in, and ends every other session and every token but
/// `keep`. This session goes on under another secret, whose `Set-Cookie` is answered.
pub(crate) fn change_password(
    cx: &Context<'_>,
    current: &str,
    new: &str,
    keep: &[String],
) -> Result<String, Problem> {
    let account = cx.session()?.account;
    let new = password::read_new("password", new)?;
    let tokens = Tokens::read(cx, account, keep)?;
    let credentials = confirm_password(cx, current)?;
    set_password(cx, &credentials, &new, session::session_hash(cx.request).as_ref(), &tokens)?;
    renew_session(cx, false)
}

/// What becomes of an account's tokens when its password changes. Whoever knew the password may
/// have made one, so each ends unless its owner keeps it; also an agent's, whose farm then sets up
/// no machines, so the page says what each is for before it asks.
struct Tokens {
    kept: Vec<TokenId>,
    ended: Vec<TokenId>,
}

impl Tokens {
    /// Reads which of an account's tokens to keep. Others' are nobody's.
    fn read(cx: &Context<'_>, account: AccountId, keep: &[String]) -> Result<Tokens, Problem> {
        let wrong = || FieldError::new("keep_tokens", KEEP_RULE);
        let keep: Option<Vec<TokenId>> = keep.iter().map(|id| TokenId::parse(id)).collect();
        let keep = keep.ok_or_else(wrong)?;
        let own = tokens::of_account(cx.db, account, cx.now)?.into_iter().map(|token| token.id);
        let (kept, ended) = own.partition(|id| keep.contains(id));
        Ok(Tokens { kept, ended })
    }
}

fn set_password(
    cx: &Context<'_>,
    credentials: &Credentials,
    password: &Password,
    session: Option<&SecretHash>,
    tokens: &Tokens,
) -> Result<(), Problem> {
    let account = credentials.account;
    let hash = Hasher::new(cx)?.hash(password)?;
    accounts::change_password(cx.db, account, &hash, session, &tokens.kept)?;
    cx.audit(Action::PasswordChanged, Some(account), "")?;
    for token in &tokens.ended {
        cx.audit(Action::TokenRevoked, Some(account), &token.to_string())?;
    }
    let email = Email::parse(&credentials.email)?;
    let mail = mails::password_changed(&email, tokens.ended.len(), tokens.kept.len());
    mailing::notify(cx, account, &mail)
}

/// The tokens of the account whose password the code of a mail resets; none if it is over.
pub(crate) fn tokens_of_reset(cx: &Context<'_>, code: &str) -> Result<Vec<Token>, Problem> {
    let found =
        challenges::find(cx.db, &session::hash(code), ChallengeKind::PasswordReset, cx.now)?;
    match found.and_then(|challenge| challenge.account) {
        Some(account) => Ok(tokens::of_account(cx.db, account, cx.now)?),
        None => Ok(Vec::new()),
    }
}

/// What came of changing an email address.
pub(crate) enum NewEmail {
    /// It is changed.
    Changed(Email),
    /// A mail is on its way to it.
    ByMail,
}

/// Changes the email address or, where mail can be sent, asks the new one to confirm.
pub(crate) fn change_email(
    cx: &Context<'_>,
    email: &str,
    password: &str,
) -> Result<NewEmail, Problem> {
    let account = cx.session()?.account;
    let email = Email::parse(email)?;
    confirm_password(cx, password)?;
    if !cx.config.has_mail {
        let unasked = Challenge { account: Some(account), payload: bytes(&email) };
        return Ok(NewEmail::Changed(move_to(cx, &unasked)?));
    }
    let secret = Secret::for_challenge(cx.random);
    let found = accounts::credentials(cx.db, &email)?;
    let kind = ChallengeKind::EmailChange;
    limit::spend(cx, &[mailing::limit(cx, &email, kind, None)])?;
    let mail = match found {
        Some(other) if other.account != account => mailing::address_taken(cx, &email),
        _ => mails::email_change(&email, &mailing::url(cx, "/email/confirm", &secret)),
    };
    mailing::challenge(cx, kind, Some(account), &bytes(&email), &secret, &mail)?;
    Ok(NewEmail::ByMail)
}

/// Takes on the address that a mail was sent to.
pub(crate) fn confirm_email(cx: &Context<'_>, code: &str) -> Result<(), Problem> {
    move_to(cx, &taken(cx, ChallengeKind::EmailChange, code)?).map(drop)
}

fn move_to(cx: &Context<'_>, challenge: &Challenge) -> Result<Email, Problem> {
    let expired = || Problem::plain(Kind::ExpiredCode);
    let account = challenge.account.ok_or_else(expired)?;
    let text = str::from_utf8(&challenge.payload).map_err(|_| expired())?;
    let email = Email::parse(text)?;
    let before = accounts::credentials_of(cx.db, account)?.ok_or_else(expired)?;
    if !accounts::change_email(cx.db, account, &email)? {
        return Err(Problem::plain(Kind::EmailTaken));
    }
    cx.audit(Action::EmailChanged, Some(account), "")?;
    mailing::notify(cx, account, &mails::email_changed(&Email::parse(&before.email)?))?;
    Ok(email)
}

/// Sends a mail to choose a new password, to whatever address: it says whether there is an account,
/// and nothing else does.
pub(crate) fn ask_reset(cx: &Context<'_>, email: &str) -> Result<(), Problem> {
    mailing::required(cx)?;
    let email = Email::parse(email)?;
    let secret = Secret::for_challenge(cx.random);
    let found = accounts::credentials(cx.db, &email)?;
    let kind = ChallengeKind::PasswordReset;
    limit::spend(cx, &[mailing::limit(cx, &email, kind, found.as_ref())])?;
    let found = found.map(|credentials| credentials.account);
    let mail = match found {
        Some(_) => mails::password_reset(&email, &mailing::url(cx, "/reset/confirm", &secret)),
        None => mails::no_account(&email, &format!("{}/signup", cx.config.public_url)),
    };
    // The secret of an address without an account is in no mail: its challenge leads nowhere.
    mailing::challenge(cx, kind, found, b"", &secret, &mail)?;
    Ok(cx.audit(Action::PasswordResetRequested, found, "")?)
}

/// Sets a new password with the code of a mail. It ends every session, and every token but `keep`,
/// opens no session, and opens the way where wrong passwords have closed it.
pub(crate) fn reset(
    cx: &Context<'_>,
    code: &str,
    password: &str,
    keep: &[String],
) -> Result<(), Problem> {
    let password = password::read_new("password", password)?;
    if keep.iter().any(|id| TokenId::parse(id).is_none()) {
        return Err(FieldError::new("keep_tokens", KEEP_RULE).into());
    }
    let challenge = taken(cx, ChallengeKind::PasswordReset, code)?;
    let expired = || Problem::plain(Kind::ExpiredCode);
    let account = challenge.account.ok_or_else(expired)?;
    let credentials = accounts::credentials_of(cx.db, account)?.ok_or_else(expired)?;
    let tokens = Tokens::read(cx, account, keep)?;
    set_password(cx, &credentials, &password, None, &tokens)?;
    open_the_way(cx, &credentials)
}

/// Sets how farmers see the account of who is signed in; `None` is by its email address.
pub(crate) fn set_name(cx: &Context<'_>, name: Option<&str>) -> Result<(), Problem> {
    let account = cx.session()?.account;
    accounts::set_display_name(cx.db, account, name)?;
    Ok(cx.audit(Action::DisplayNameSet, Some(account), "")?)
}

/// Deletes the account of who is signed in.
pub(crate) fn delete(cx: &Context<'_>, password: &str) -> Result<(), Problem> {
    let credentials = confirm_password(cx, password)?;
    if !accounts::delete(cx.db, credentials.account, cx.now)? {
        return Err(Problem::plain(Kind::InUse));
    }
    Ok(cx.audit(Action::AccountDeleted, Some(credentials.account), "")?)
}

fn taken(cx: &Context<'_>, kind: ChallengeKind, code: &str) -> Result<Challenge, Problem> {
    let found = challenges::take(cx.db, &session::hash(code), kind, cx.now)?;
    found.ok_or_else(|| Problem::plain(Kind::ExpiredCode))
}

fn bytes(email: &Email) -> Vec<u8> {
    email.as_str().as_bytes().to_owned()
}
