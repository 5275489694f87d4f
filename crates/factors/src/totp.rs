//! Codes of an authenticator app (RFC 6238): six digits, a new one every 30 seconds.

use domain::time::Timestamp;
use totp_rs::{Algorithm, Builder, Secret, Totp};
use zeroize::Zeroizing;

/// Bytes of a secret: 160 bits, as RFC 4226 (section 4) recommends.
pub const SECRET_BYTES: usize = 20;
/// How long a code is shown, in seconds. Apps know no other period.
const STEP_SECONDS: u64 = 30;
/// How many steps a clock may be off, either way (RFC 6238, 5.2).
const SKEW_STEPS: u16 = 1;
/// Digits of a code. Apps know no other length.
const DIGITS: u8 = 6;
/// Characters of the secret in a group, for typing it.
const GROUP_CHARS: usize = 4;
/// Whose codes these are, as the app lists them.
const ISSUER: &str = "Mycelium";

/// A secret that an account shares with its app.
pub struct TotpSecret(Totp);

impl TotpSecret {
    /// A secret of these bytes; `email` is what the app lists it under.
    pub fn new(bytes: [u8; SECRET_BYTES], email: &str) -> TotpSecret {
        let bytes = Zeroizing::new(bytes);
        let totp = Builder::new()
            // Apps ignore the others, and what weakens SHA-1 does not weaken HMAC (RFC 6238, 1.2).
            .with_algorithm(Algorithm::SHA1)
            .with_digits(DIGITS)
            .with_step_duration(STEP_SECONDS)
            .with_skew(SKEW_STEPS)
            .with_secret(Secret::new_stack(*bytes))
            .with_issuer(Some(ISSUER))
            // The colon ends the issuer in the label, so that a name cannot have one.
            .with_account_name(email.replace(':', ""))
            .build_noncompliant();
        TotpSecret(totp)
    }

    /// The time step of a code that fits at `now`; `None` if it does not. Each step may count once:
    /// the caller remembers the last one.
    pub fn step(&self, code: &str, now: Timestamp) -> Option<i64> {
        let digits: Zeroizing<String> = Zeroizing::new(code.split_whitespace().collect());
        let step = self.0.check(&digits, u64::try_from(now.seconds()).ok()?)?;
        i64::try_from(step).ok()
    }

    /// What an app reads from a QR code.
    pub fn url(&self) -> Option<String> {
        self.0.to_url().ok()
    }

    /// What a person types into an app, in groups of four.
    pub fn text(&self) -> String {
        grouped(&self.0.secret().to_base32(), GROUP_CHARS, ' ')
    }
}

/// Whether a text looks like a code of an app rather than a recovery code.
pub fn is_code(text: &str) -> bool {
    let digits = text.chars().filter(|c| !c.is_whitespace());
    digits.clone().count() == usize::from(DIGITS) && digits.clone().all(|c| c.is_ascii_digit())
}

/// A text in groups of `size` characters.
pub(crate) fn grouped(text: &str, size: usize, between: char) -> String {
    let mut groups = String::new();
    for (index, character) in text.chars().enumerate() {
        if index > 0 && index % size == 0 {
            groups.push(between);
        }
        groups.push(character);
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The secret of RFC 6238's test vectors, Appendix B.
    const RFC_SECRET: [u8; SECRET_BYTES] = *b"12345678901234567890";

    fn secret() -> TotpSecret {
        TotpSecret::new(RFC_SECRET, "ada@example.org")
    }

    /// RFC 6238, Appendix B, SHA-1; of its eight digits an app shows the last six.
    #[test]
    fn the_vectors_of_rfc_6238_fit() {
        for (seconds, code) in [
            (59, "94287082"),
            (1_111_111_109, "07081804"),
            (1_111_111_111, "14050471"),
            (1_234_567_890, "89005924"),
            (2_000_000_000, "69279037"),
            (20_000_000_000, "65353130"),
        ] {
            let found = secret().step(&code[2..], Timestamp::from_seconds(seconds));
            assert_eq!(found, Some(seconds / 30), "{seconds}");
        }
    }

    #[test]
    fn a_code_fits_one_step_early_and_one_late() {
        let at = |seconds| secret().step("287 082", Timestamp::from_seconds(seconds));
        for seconds in [0, 29, 30, 59, 60, 89] {
            assert_eq!(at(seconds), Some(1), "{seconds}");
        }
        assert_eq!(at(90), None);
    }

    #[test]
    fn what_is_no_code_fits_never() {
        let now = Timestamp::from_seconds(59);
        for code in ["", "287083", "28708", "2870822", "+28708", "28708a", "94287082"] {
            assert_eq!(secret().step(code, now), None, "{code}");
        }
        assert!(is_code(" 287 082 ") && !is_code("28708") && !is_code("ABCD-EFGH-IJKL-MNOP"));
    }

    #[test]
    fn apps_and_people_get_the_same_secret() {
        let (text, url) = (secret().text(), secret().url().unwrap());
        assert_eq!(text, "GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ");
        let plain = text.replace(' ', "");
        assert_eq!(
            url,
            format!("otpauth://totp/Mycelium:ada%40example.org?secret={plain}&issuer=Mycelium")
        );
        assert!(TotpSecret::new(RFC_SECRET, "a:b@c.d").url().is_some());
    }
}
