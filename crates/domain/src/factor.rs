//! Second factors: what an account can have, and what must be verified before they change.

use alloc::string::String;

use strum::IntoStaticStr;

use crate::field::FieldError;
use crate::text::parse_line;
use crate::time::Timestamp;

/// The most passkeys of an account.
pub const PASSKEYS_MAX: u32 = 20;
/// The longest name of a passkey, in characters.
pub const PASSKEY_NAME_CHARS_MAX: usize = 80;
/// How many recovery codes there are at a time.
pub const RECOVERY_CODES: usize = 10;
/// For how long a verification counts, in seconds: 15 minutes.
///
/// It is long enough to set up a passkey and an app in one go, and shorter than the time for which
/// people leave a browser open somewhere.
pub const VERIFICATION_SECONDS: i64 = 15 * 60;

/// What shows, besides a password, who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Factor {
    /// A passkey; it needs no password either.
    Passkey,
    /// A code of an authenticator app.
    Totp,
    /// A code that was written down.
    RecoveryCode,
}

/// The second factors of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factors {
    /// How many passkeys.
    pub passkeys: u32,
    /// Whether an authenticator app is set up.
    pub has_totp: bool,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
}

impl Factors {
    /// Whether a password alone does not sign in. Recovery codes stand in for a factor.
    /// They are none.
    pub fn are_required(self) -> bool {
        self.passkeys > 0 || self.has_totp
    }

    /// What can be shown besides the password.
    pub fn offered(self) -> impl Iterator<Item = Factor> {
        [
            (self.has_totp, Factor::Totp),
            (self.recovery_codes > 0, Factor::RecoveryCode),
            (self.passkeys > 0, Factor::Passkey),
        ]
        .into_iter()
        .filter_map(|(is_there, factor)| is_there.then_some(factor))
    }
}

/// What a session has shown of who holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verification {
    /// When it was last shown.
    pub verified_at: Timestamp,
    /// Whether a second factor was shown.
    pub is_strong: bool,
}

impl Verification {
    /// Whether it was shown lately.
    pub fn is_recent(self, now: Timestamp) -> bool {
        now.is_near(self.verified_at, VERIFICATION_SECONDS - 1)
    }
}

/// Decides whether a session may add or remove factors: it was verified lately, and with a factor
/// as soon as there is one, so that a stolen session and password cannot put in another one.
pub fn may_change_factors(factors: Factors, verification: Verification, now: Timestamp) -> bool {
    verification.is_recent(now) && (verification.is_strong || !factors.are_required())
}

/// What the owner of a passkey calls it: 1 to 80 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasskeyName(String);

impl PasskeyName {
    /// Reads a name; surrounding white space is dropped.
    pub fn parse(text: &str) -> Result<PasskeyName, FieldError> {
        parse_line("name", text, 1..=PASSKEY_NAME_CHARS_MAX).map(PasskeyName)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const NONE: Factors = Factors { passkeys: 0, has_totp: false, recovery_codes: 0 };
    const APP: Factors = Factors { has_totp: true, recovery_codes: 9, ..NONE };
    const PASSKEY: Factors = Factors { passkeys: 1, ..NONE };

    #[test]
    fn factors_change_for_who_has_verified_it_lately() {
        let now = Timestamp::from_seconds(10_000);
        let check = |factors, age: i64, is_strong, expected| {
            let verification = Verification { verified_at: now.plus_seconds(-age), is_strong };
            let found = may_change_factors(factors, verification, now);
            assert_eq!(found, expected, "{factors:?} {verification:?}");
        };
        for (factors, is_strong) in [(NONE, false), (NONE, true), (APP, true), (PASSKEY, true)] {
            check(factors, 0, is_strong, true);
            check(factors, VERIFICATION_SECONDS - 1, is_strong, true);
            check(factors, VERIFICATION_SECONDS, is_strong, false);
            // By a clock that was a day ahead.
            check(factors, -24 * 60 * 60, is_strong, false);
        }
        check(APP, 0, false, false);
        check(PASSKEY, 0, false, false);
    }

    #[test]
    fn recovery_codes_stand_in_for_a_factor_and_are_none() {
        let names = |factors: Factors| {
            factors.offered().map(|factor| factor.into_str()).collect::<Vec<_>>()
        };
        assert_eq!(names(APP), ["totp", "recovery-code"]);
        assert_eq!(names(PASSKEY), ["passkey"]);
        assert!(!Factors { recovery_codes: 10, ..NONE }.are_required());
    }

    #[test]
    fn a_passkey_has_a_name_on_one_line() {
        assert_eq!(PasskeyName::parse("  Phone ").unwrap().as_str(), "Phone");
        assert!(PasskeyName::parse(&"ä".repeat(80)).is_ok());
        for name in ["", "  ", "a\nb", "a\u{7}", &"x".repeat(81)] {
            assert_eq!(PasskeyName::parse(name).unwrap_err().field, "name", "{name:?}");
        }
    }
}
