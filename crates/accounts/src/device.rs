//! Browsers that an account has signed in from. Their mistakes are counted apart, so that guesses
//! from elsewhere do not keep the account's owner out.
//!
//! A cookie proves it: a random number, whether a second factor was shown, and a signature over
//! both and the hash of the account's password. It is worth nothing once the password has changed,
//! opens no session, and needs no row. Without `encryption_keys` no browser is known.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::id::AccountId;
use store::accounts::{self, Credentials};
use web::{Context, Problem, session};

/// What the signature of a browser is for.
const PURPOSE: &str = "device";
/// How long a browser keeps its cookie, in seconds: a year.
const COOKIE_SECONDS: i64 = 365 * 24 * 60 * 60;
/// Random bytes that tell a browser from others.
const ID_BYTES: usize = 16;

/// A browser that an account has signed in from.
pub(crate) struct Device {
    id: String,
    /// Whether it has shown a second factor.
    pub(crate) is_strong: bool,
}

impl Device {
    /// The browser of a request, if this account has signed in from it.
    pub(crate) fn of(cx: &Context<'_>, credentials: &Credentials) -> Option<Device> {
        let text = session::cookie(cx.request, &cookie_name(credentials.account))?;
        let (id, rest) = text.split_once('.')?;
        let (is_strong, signature) = rest.split_once('.')?;
        let device = Device { id: id.to_owned(), is_strong: is_strong == "1" };
        let is_ours = cx.keys().ok()?.verify(PURPOSE, &device.message(credentials), signature);
        is_ours.then_some(device)
    }

    /// Whom a limit on mistakes in this browser counts.
    pub(crate) fn key(&self, account: AccountId) -> String {
        format!("{account} {}", self.id)
    }

    fn message(&self, credentials: &Credentials) -> Vec<u8> {
        let Credentials { account, password_hash, .. } = credentials;
        let is_strong = u8::from(self.is_strong);
        format!("{account} {} {is_strong} {password_hash}", self.id).into_bytes()
    }
}

/// Has the browser of a request keep that an account has signed in from it. What it has shown
/// before, it has shown.
pub(crate) fn remember(
    cx: &Context<'_>,
    account: AccountId,
    is_strong: bool,
) -> Result<(), Problem> {
    let Ok(keys) = cx.keys() else { return Ok(()) };
    let Some(credentials) = accounts::credentials_of(cx.db, account)? else { return Ok(()) };
    let known = Device::of(cx, &credentials);
    let had_factor = known.as_ref().is_some_and(|device| device.is_strong);
    let new_id = || BASE64_URL_SAFE_NO_PAD.encode(cx.random.bytes::<ID_BYTES>());
    let id = known.map_or_else(new_id, |device| device.id);
    let device = Device { id, is_strong: is_strong || had_factor };
    let signature = keys.sign(PURPOSE, &device.message(&credentials));
    let text = format!("{}.{}.{signature}", device.id, u8::from(device.is_strong));
    let name = cookie_name(account);
    cx.set_cookie(session::new_cookie(cx.request, &name, &text, COOKIE_SECONDS));
    Ok(())
}

/// Several accounts can sign in from one browser.
fn cookie_name(account: AccountId) -> String {
    format!("device-{account}")
}
