//! Mail to accounts: sealed, into the outbox, together with what it is good for.

use domain::account::Email;
use domain::id::AccountId;
use mail::{Mail, SealedMail};
use store::accounts::Credentials;
use store::challenges::{self, ChallengeKind, NewChallenge};
use store::mails as outbox;
use store::mails::NewMail;
use web::limit::{self, Limit};
use web::session::Secret;
use web::{Context, Kind, Problem};

use crate::device::Device;
use crate::mails;

/// The address of `path` with the code of a challenge. Always below what the operator has set:
/// where a request came in may be a lie, and the link would lead there.
pub(crate) fn url(cx: &Context<'_>, path: &str, secret: &Secret) -> String {
    format!("{}{path}?code={}", cx.config.public_url, secret.text)
}

/// The mail to an address that somebody wants for an account, and that has one.
pub(crate) fn address_taken(cx: &Context<'_>, to: &Email) -> Mail {
    let base = &cx.config.public_url;
    mails::address_taken(to, &format!("{base}/login"), &format!("{base}/reset"))
}

/// The limit on mails of a kind to an address. Who asks for one in a browser that the account has
/// signed in from is counted apart: others do not keep its owner from a mail.
pub(crate) fn limit(
    cx: &Context<'_>,
    to: &Email,
    kind: ChallengeKind,
    found: Option<&Credentials>,
) -> Limit {
    let known = found.and_then(|found| Some(Device::of(cx, found)?.key(found.account)));
    let device = known.unwrap_or_default();
    Limit::new(cx, limit::MAILS, &format!("{} {to} {device}", kind.into_str()))
}

/// Records a challenge and queues the mail that brings its secret, in one statement.
pub(crate) fn challenge(
    cx: &Context<'_>,
    kind: ChallengeKind,
    account: Option<AccountId>,
    payload: &[u8],
    secret: &Secret,
    mail: &Mail,
) -> Result<(), Problem> {
    if cx.config.public_url.is_empty() {
        return Err(Problem::internal("public_url: links in mails need it"));
    }
    let challenge = NewChallenge { hash: &secret.hash, kind, account, payload };
    let SealedMail { id, kind, sealed } = seal(cx, mail)?;
    challenges::open_by_mail(cx.db, &challenge, id, &kind, &sealed, cx.now)?;
    Ok(())
}

/// Queues a mail that says what has happened, where mail can be sent.
pub(crate) fn notify(cx: &Context<'_>, account: AccountId, mail: &Mail) -> Result<(), Problem> {
    if cx.config.has_mail {
        let SealedMail { id, kind, sealed } = seal(cx, mail)?;
        let mail = NewMail { id, account: Some(account), kind: &kind, sealed: &sealed };
        outbox::enqueue(cx.db, &mail, cx.now)?;
    }
    Ok(())
}

/// Refuses what only works by mail where none can be sent.
pub(crate) fn required(cx: &Context<'_>) -> Result<(), Problem> {
    if cx.config.has_mail { Ok(()) } else { Err(Problem::plain(Kind::MailNotConfigured)) }
}

fn seal(cx: &Context<'_>, mail: &Mail) -> Result<SealedMail, Problem> {
    let keys = cx.keys().map_err(Problem::internal)?;
    mail::seal_new(&keys, mail, cx.random, cx.now).map_err(Problem::internal)
}
