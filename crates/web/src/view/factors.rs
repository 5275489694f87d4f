//! Fills the second step of signing in, and the pages on which second factors are set up.

use domain::factor::{self, PASSKEYS_MAX};
use store::factors::Passkey;

use crate::api::factors::passkey_id;
use crate::page::{Factors, PasskeyRow, Prove, RecoveryCodes, SecondFactor, Section, TotpSetup};
use crate::problem::Problem;
use crate::session::local_path;
use crate::view::account::HOME;
use crate::view::moment::to_the_minute;
use crate::view::visit::Visit;
use crate::view::wording::sentence;

impl SecondFactor {
    /// The form of somebody whose password was right.
    pub fn new(
        visit: &Visit<'_>,
        challenge: &str,
        factors: factor::Factors,
        next: Option<&str>,
    ) -> SecondFactor {
        let (has_passkey, takes_code) = (factors.passkeys > 0, takes_code(factors));
        SecondFactor {
            frame: visit.frame("Two-factor authentication", Section::Elsewhere),
            challenge: challenge.to_owned(),
            next: next.map(str::to_owned),
            lede: sentence(match (takes_code, has_passkey) {
                (true, true) => "use a passkey or enter a code",
                (true, false) => "enter a code",
                (false, _) => "use a passkey",
            }),
            takes_code,
            passkey_next: has_passkey.then(|| next.unwrap_or(HOME).to_owned()),
            error: None,
        }
    }

    /// The form again, after a code was refused.
    pub fn refused(mut self, problem: &Problem) -> SecondFactor {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl Prove {
    /// The form of somebody who wants to go on to `next`.
    pub fn new(visit: &Visit<'_>, factors: factor::Factors, next: &str) -> Prove {
        Prove {
            frame: visit.frame("Verify it's you", Section::Elsewhere),
            next: next.to_owned(),
            lede: "The next page is protected. Your verification is valid for 15 minutes."
                .to_owned(),
            takes_password: !factors.are_required(),
            takes_code: takes_code(factors),
            takes_passkey: factors.passkeys > 0,
            error: None,
        }
    }

    /// The form again, after what was entered was refused.
    pub fn refused(mut self, problem: &Problem) -> Prove {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

fn takes_code(factors: factor::Factors) -> bool {
    factors.are_required() && (factors.has_totp || factors.recovery_codes > 0)
}

impl Factors {
    /// The part of the settings about second factors; `totp_note` says why no app can be set up.
    pub fn new(factors: factor::Factors, passkeys: &[Passkey], totp_note: Option<&str>) -> Factors {
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
    pub fn new(visit: &Visit<'_>, qr: (i32, String), secret: String, url: String) -> TotpSetup {
        let (qr_size, qr_path) = qr;
        let frame = visit.frame("Set up an authenticator app", Section::Elsewhere);
        TotpSetup { frame, qr_size, qr_path, secret, url, error: None }
    }

    /// The same again, after a code was refused.
    pub fn refused(mut self, problem: &Problem) -> TotpSetup {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl RecoveryCodes {
    /// The codes, once.
    pub fn new(visit: &Visit<'_>, codes: Vec<String>) -> RecoveryCodes {
        let frame = visit.frame("Your recovery codes", Section::Elsewhere);
        RecoveryCodes { frame, codes }
    }
}

/// The page of the settings.
pub const SETTINGS: &str = "/dashboard/settings";

/// Where to go on to after a proof, if that is a path on this site.
pub fn back(next: Option<&str>) -> &str {
    local_path(next, SETTINGS)
}
