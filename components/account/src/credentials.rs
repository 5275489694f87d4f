//! E-mail and password: signing up and signing in. The only place that hashes.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use domain::account::{Email, Password, Scopes};
use domain::id::{AccountId, SessionId};
use edge::Context;
use store::accounts::{self, Identity};
use web::form::keep;
use web::session::{self, SESSION_SECONDS, Secret};
use web::{Kind, Problem, ambient};

/// Memory of one hash in KiB: the least that OWASP's password storage sheet (2026) accepts with two
/// passes and one lane.
const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bytes of salt, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;

/// Somebody who has just signed in.
pub(crate) struct SignedIn {
    /// Who.
    pub(crate) identity: Identity,
    /// The `Set-Cookie` of the new session.
    pub(crate) cookie: String,
}

/// Creates an account and signs it in.
pub(crate) fn sign_up(cx: &Context<'_>, email: &str, password: &str) -> Result<SignedIn, Problem> {
    let (email, password) = read(email, password)?;
    let hash = hash(&password)?;
    let account = AccountId::from_random(cx.now, ambient::random_id());
    if !accounts::create(cx.db, account, &email, &hash, cx.now)? {
        return Err(Problem::plain(Kind::EmailTaken));
    }
    open_session(cx, account, &email)
}

/// Signs in. An unknown address costs as much time as a wrong password.
pub(crate) fn sign_in(cx: &Context<'_>, email: &str, password: &str) -> Result<SignedIn, Problem> {
    let wrong = || Problem::plain(Kind::WrongCredentials);
    let (Ok(email), Ok(password)) = (Email::parse(email), Password::parse(password)) else {
        return Err(wrong());
    };
    let Some(credentials) = accounts::credentials(cx.db, &email)? else {
        hash(&password)?;
        return Err(wrong());
    };
    let expected = PasswordHash::new(&credentials.password_hash).map_err(Problem::internal)?;
    match hasher()?.verify_password(password.as_bytes(), &expected) {
        Ok(()) => open_session(cx, credentials.account, &email),
        Err(_) => Err(wrong()),
    }
}

fn read(email: &str, password: &str) -> Result<(Email, Password), Problem> {
    let mut wrong = Vec::new();
    let email = keep(&mut wrong, Email::parse(email));
    let password = keep(&mut wrong, Password::parse(password));
    email.zip(password).ok_or_else(|| Problem::fields(wrong))
}

fn hash(password: &Password) -> Result<String, Problem> {
    let salt: [u8; SALT_BYTES] = ambient::random();
    let hash =
        hasher()?.hash_password_with_salt(password.as_bytes(), &salt).map_err(Problem::internal)?;
    Ok(hash.to_string())
}

fn hasher() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(Problem::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn open_session(cx: &Context<'_>, account: AccountId, email: &Email) -> Result<SignedIn, Problem> {
    accounts::sweep_sessions(cx.db, cx.now)?;
    let secret = Secret::for_session();
    let id = SessionId::from_random(cx.now, ambient::random_id());
    let expires_at = cx.now.plus_seconds(SESSION_SECONDS);
    accounts::open_session(cx.db, id, &secret.hash, account, cx.now, expires_at)?;
    let cookie = session::sign_in_cookie(cx.request, &secret);
    let identity = Identity { account, email: email.as_str().to_owned(), scopes: Scopes::ALL };
    Ok(SignedIn { identity, cookie })
}
