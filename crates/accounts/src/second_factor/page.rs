//! Second factors: the second step of signing in, confirming who one is, and setting factors up.

use askama::Template;
use domain::factor::{self, PASSKEYS_MAX};
use store::factors::Passkey;
use ui::moment::to_the_minute;
use ui::visit::Visit;
use web::Problem;
use web::page::{Frame, Moment, Section};
use web::route::SETTINGS;
use web::text::sentence;

use crate::account::page::HOME;
use crate::account::way_on::WayOn;
use crate::second_factor::json::passkey_id;

/// What `second_factor.html` shows: the step after the password.
#[derive(Clone, Debug, Template)]
#[template(path = "second_factor/second_factor.html")]
pub(crate) struct SecondFactor {
    /// What surrounds the page.
    pub frame: Frame,
    /// Hidden field `challenge`: that the password was right.
    pub challenge: String,
    /// Where to go afterwards.
    pub way_on: WayOn,
    /// What is asked for, in a sentence.
    pub lede: String,
    /// Whether a code can be entered.
    pub takes_code: bool,
    /// Whether a passkey can be shown.
    pub takes_passkey: bool,
    /// Why the code was refused.
    pub error: Option<String>,
}

/// What `verify.html` shows: somebody who is signed in confirms that it is still them.
#[derive(Clone, Debug, Template)]
#[template(path = "second_factor/verify.html")]
pub(crate) struct Verify {
    /// What surrounds the page.
    pub frame: Frame,
    /// Where to go afterwards.
    pub way_on: WayOn,
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
pub(crate) struct Factors {
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
pub(crate) struct PasskeyRow {
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
#[template(path = "second_factor/totp.html")]
pub(crate) struct TotpSetup {
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
#[template(path = "second_factor/recovery_codes.html")]
pub(crate) struct RecoveryCodes {
    /// What surrounds the page.
    pub frame: Frame,
    /// The codes.
    pub codes: Vec<String>,
}

impl SecondFactor {
    /// The form of somebody whose password was right.
    pub(crate) fn new(
        visit: &Visit<'_>,
        challenge: &str,
        factors: factor::Factors,
        way_on: WayOn,
    ) -> SecondFactor {
        let (takes_passkey, takes_code) = (factors.passkeys > 0, takes_code(factors));
        SecondFactor {
            frame: visit.frame("Two-factor authentication", Section::Elsewhere),
            challenge: challenge.to_owned(),
            way_on,
            lede: sentence(match (takes_code, takes_passkey) {
                (true, true) => "use a passkey or enter a code",
                (true, false) => "enter a code",
                (false, _) => "use a passkey",
            }),
            takes_code,
            takes_passkey,
            error: None,
        }
    }

    /// The form again, after a code was refused.
    pub(crate) fn refused(mut self, problem: &Problem) -> SecondFactor {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl Verify {
    /// The form of somebody who wants to go on.
    pub(crate) fn new(visit: &Visit<'_>, factors: factor::Factors, way_on: WayOn) -> Verify {
        Verify {
            frame: visit.frame("Verify it's you", Section::Elsewhere),
            way_on,
            lede: "The next page is protected. Your verification is valid for 15 minutes."
                .to_owned(),
            takes_password: !factors.are_required(),
            takes_code: takes_code(factors),
            takes_passkey: factors.passkeys > 0,
            error: None,
        }
    }

    /// The form again, after what was entered was refused.
    pub(crate) fn refused(mut self, problem: &Problem) -> Verify {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

fn takes_code(factors: factor::Factors) -> bool {
    factors.are_required() && (factors.has_totp || factors.recovery_codes > 0)
}

impl Factors {
    /// The part of the settings about second factors; `totp_note` says why no app can be set up.
    pub(crate) fn new(
        factors: factor::Factors,
        passkeys: &[Passkey],
        totp_note: Option<&str>,
    ) -> Factors {
        let row = |passkey: &Passkey| PasskeyRow {
            id: passkey_id(&passkey.id),
            name: passkey.name.clone(),
            added: to_the_minute(passkey.created_at),
            used: passkey.used_at.map(to_the_minute),
        };
        let left = match factors.recovery_codes {
            0 => "You have no recovery codes.".to_owned(),
            1 => "You have 1 recovery code left.".to_owned(),
            count => format!("You have {count} recovery codes left."),
        };
        Factors {
            passkeys: passkeys.iter().map(row).collect(),
            can_add_passkey: factors.passkeys < PASSKEYS_MAX,
            has_totp: factors.has_totp,
            totp_note: totp_note.map(sentence),
            recovery_codes: factors.are_required().then_some(left),
        }
    }
}

impl TotpSetup {
    /// The secret to scan or type.
    pub(crate) fn new(
        visit: &Visit<'_>,
        qr: (i32, String),
        secret: String,
        url: String,
    ) -> TotpSetup {
        let (qr_size, qr_path) = qr;
        let frame = visit.frame("Set up an authenticator app", Section::Elsewhere);
        TotpSetup { frame, qr_size, qr_path, secret, url, error: None }
    }

    /// The same again, after a code was refused.
    pub(crate) fn refused(mut self, problem: &Problem) -> TotpSetup {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl RecoveryCodes {
    /// The codes, once.
    pub(crate) fn new(visit: &Visit<'_>, codes: Vec<String>) -> RecoveryCodes {
        let frame = visit.frame("Your recovery codes", Section::Elsewhere);
        RecoveryCodes { frame, codes }
    }
}
