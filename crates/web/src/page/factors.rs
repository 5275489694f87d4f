//! Second factors: the second step of signing in, confirming who one is, and setting factors up.

use super::{Frame, Moment};
use askama::Template;

/// What `second_factor.html` shows: the step after the password.
#[derive(Clone, Debug, Template)]
#[template(path = "second_factor.html")]
pub struct SecondFactor {
    /// What surrounds the page.
    pub frame: Frame,
    /// Hidden field `challenge`: that the password was right.
    pub challenge: String,
    /// Hidden field `next`: where to go afterwards.
    pub next: Option<String>,
    /// What is asked for, in a sentence.
    pub lede: String,
    /// Whether a code can be entered.
    pub takes_code: bool,
    /// Where a passkey leads to, if one can be shown.
    pub passkey_next: Option<String>,
    /// Why the code was refused.
    pub error: Option<String>,
}

/// What `prove.html` shows: somebody who is signed in confirms that it is still them.
#[derive(Clone, Debug, Template)]
#[template(path = "prove.html")]
pub struct Prove {
    /// What surrounds the page.
    pub frame: Frame,
    /// Hidden field `next`: where to go afterwards.
    pub next: String,
    /// Why this is asked.
    pub lede: String,
    /// Whether the password is asked for.
    pub takes_password: bool,
    /// Whether a code can be entered.
    pub takes_code: bool,
    /// Whether a passkey can be shown.
    pub takes_passkey: bool,
    /// Why the password or code was refused.
    pub error: Option<String>,
}

/// What `factors.html` shows, a part of the settings.
#[derive(Clone, Debug, Default)]
pub struct Factors {
    /// The account's passkeys.
    pub passkeys: Vec<PasskeyRow>,
    /// Whether it can have one more.
    pub can_add_passkey: bool,
    /// Whether an authenticator app is set up.
    pub has_totp: bool,
    /// Why no app can be set up; `None` if one can.
    pub totp_note: Option<String>,
    /// How many recovery codes are left, in a sentence; `None` where there is nothing to recover.
    pub recovery_codes: Option<String>,
}

/// A passkey.
#[derive(Clone, Debug)]
pub struct PasskeyRow {
    /// Its id, for the form that removes it.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// When it was added.
    pub added: Moment,
    /// When it was last shown.
    pub used: Option<Moment>,
}

/// What `totp.html` shows: an authenticator app is set up.
#[derive(Clone, Debug, Template)]
#[template(path = "totp.html")]
pub struct TotpSetup {
    /// What surrounds the page.
    pub frame: Frame,
    /// Width and height of the QR code, in its modules.
    pub qr_size: i32,
    /// The dark modules of the QR code, as an SVG path.
    pub qr_path: String,
    /// The secret, for typing.
    pub secret: String,
    /// The same for an app on this device.
    pub url: String,
    /// Why the code was refused.
    pub error: Option<String>,
}

/// What `recovery_codes.html` shows, once.
#[derive(Clone, Debug, Template)]
#[template(path = "recovery_codes.html")]
pub struct RecoveryCodes {
    /// What surrounds the page.
    pub frame: Frame,
    /// The codes.
    pub codes: Vec<String>,
}
