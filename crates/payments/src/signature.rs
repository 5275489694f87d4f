//! Signatures of events: HMAC-SHA256 over the time and the body.
//!
//! `Stripe-Signature: t=1492774577,v1=5257a8…,v1=…`: while a secret is rolled, each one signs.
//! Parts of other names are ignored, as the documentation asks for.

use domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq};

/// How far the time of a signature may be from ours, either way, in seconds. The documentation's
/// default.
pub const TOLERANCE_SECONDS: i64 = 300;

/// The longest header that is looked at.
const HEADER_LENGTH_MAX: usize = 2048;
/// The most signatures that are compared.
const SIGNATURES_MAX: usize = 8;

/// Why an event is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header is not of the form that it must have.
    #[error("there is no signature of the form t=…,v1=…")]
    MalformedRequest,
    /// None of the signatures is one of this body with our secret.
    #[error("the signature is not one of this body with this endpoint's secret")]
    Wrong,
    /// It was signed too long ago, or is from the future.
    #[error("the signature is not of the last five minutes")]
    Stale,
}

/// Checks that `body` was signed with `secret`, and when.
pub fn verify(
    secret: &[u8],
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Result<(), SignatureError> {
    let (time, signatures) = read(header).ok_or(SignatureError::MalformedRequest)?;
    let seconds: i64 = time.parse().map_err(|_| SignatureError::MalformedRequest)?;
    let expected = sign(secret, time, body).ok_or(SignatureError::MalformedRequest)?;
    // As text, and all of them: neither how far one fits nor which one does takes another time.
    let is_right = signatures.iter().fold(Choice::from(0), |found, signature| {
        found | expected.as_bytes().ct_eq(signature.as_bytes())
    });
    if !bool::from(is_right) {
        return Err(SignatureError::Wrong);
    }
    let distance = now.seconds().abs_diff(seconds);
    if distance > TOLERANCE_SECONDS.unsigned_abs() {
        return Err(SignatureError::Stale);
    }
    Ok(())
}

/// The time, as it is written, and every signature of the version that we know.
fn read(header: &str) -> Option<(&str, Vec<&str>)> {
    if header.len() > HEADER_LENGTH_MAX {
        return None;
    }
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.split_once('=')? {
            ("t", _) if time.is_some() => return None,
            ("t", text) => time = Some(text),
            ("v1", _) if signatures.len() == SIGNATURES_MAX => return None,
            ("v1", text) => signatures.push(text),
            _ => {}
        }
    }
    let time = time.filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
    (!signatures.is_empty()).then_some((time, signatures))
}

/// The signature of a body, in hexadecimal digits.
fn sign(secret: &[u8], time: &str, body: &[u8]) -> Option<String> {
    let mac = Hmac::<Sha256>::new_from_slice(secret).ok()?;
    let mac = mac.chain_update(time).chain_update(b".").chain_update(body);
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or_default();
    let bytes = mac.finalize().into_bytes();
    Some(bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECRET: &[u8] = b"whsec_test_secret";
    const BODY: &[u8] = br#"{"type":"payment_intent.succeeded"}"#;
    const NOW: i64 = 1_795_368_000;

    fn signed(seconds: i64, body: &[u8]) -> String {
        let time = seconds.to_string();
        format!("t={time},v1={}", sign(SECRET, &time, body).unwrap())
    }

    fn check(header: &str, body: &[u8], now: i64) -> Result<(), SignatureError> {
        verify(SECRET, header, body, Timestamp::from_seconds(now))
    }

    /// Computed with another implementation:
    /// `printf '1492774577.{}' | openssl dgst -sha256 -hmac whsec_test_secret`.
    #[test]
    fn a_signature_is_what_openssl_computes() {
        let expected = "53140ab8fa70c511cc40d5c9198af7dd";
        let found = sign(SECRET, "1492774577", b"{}").unwrap();
        assert_eq!(found.len(), 64);
        assert_eq!(&found[..32], expected);
    }

    #[test]
    fn what_is_signed_is_believed_for_five_minutes_either_way() {
        let header = signed(NOW, BODY);
        for (seconds, expected) in [
            (0, Ok(())),
            (300, Ok(())),
            (-300, Ok(())),
            (301, Err(SignatureError::Stale)),
            (-301, Err(SignatureError::Stale)),
            (i64::MAX - NOW, Err(SignatureError::Stale)),
        ] {
            assert_eq!(check(&header, BODY, NOW + seconds), expected, "{seconds}");
        }
    }

    #[test]
    fn one_of_several_signatures_is_enough() {
        let header = signed(NOW, BODY);
        let (time, right) = header.split_once(',').unwrap();
        let wrong = "v1=".to_owned() + &"0".repeat(64);
        for header in [
            format!("{time},{wrong},{right}"),
            format!("{time},{right},{wrong}"),
            format!("{right},{time}"),
            format!("{time},v0=abc,{right},v2=def"),
        ] {
            assert_eq!(check(&header, BODY, NOW), Ok(()), "{header}");
        }
        assert_eq!(check(&format!("{time},{wrong}"), BODY, NOW), Err(SignatureError::Wrong));
        let other = right.replacen("v1", "v0", 1);
        assert_eq!(
            check(&format!("{time},{other}"), BODY, NOW),
            Err(SignatureError::MalformedRequest)
        );
    }

    #[test]
    fn another_secret_or_body_is_not_believed() {
        let header = signed(NOW, BODY);
        assert_eq!(check(&header, b"{}", NOW), Err(SignatureError::Wrong));
        let now = Timestamp::from_seconds(NOW);
        assert_eq!(verify(b"whsec_other", &header, BODY, now), Err(SignatureError::Wrong));
        assert_eq!(verify(b"", &header, BODY, now), Err(SignatureError::Wrong));
        // A signature of another time is none of this one.
        let moved = header.replacen(&NOW.to_string(), &(NOW + 1).to_string(), 1);
        assert_eq!(check(&moved, BODY, NOW), Err(SignatureError::Wrong));
    }

    #[test]
    fn what_is_no_signature_is_unreadable() {
        let right = signed(NOW, BODY);
        for header in [
            String::new(),
            "t".to_owned(),
            "t=1".to_owned(),
            "v1=00".to_owned(),
            "t=,v1=00".to_owned(),
            "t=-5,v1=00".to_owned(),
            "t=+5,v1=00".to_owned(),
            "t=99999999999999999999,v1=00".to_owned(),
            format!("{right},"),
            format!("{right},t={NOW}"),
            format!("{right}{}", ",v1=00".repeat(8)),
            format!("{right},v0={}", "0".repeat(2_048)),
        ] {
            assert_eq!(
                check(&header, BODY, NOW),
                Err(SignatureError::MalformedRequest),
                "{header}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_flipped_bit_is_refused(
            body in proptest::collection::vec(any::<u8>(), 1..200),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let header = signed(NOW, &body);
            prop_assert_eq!(check(&header, &body, NOW), Ok(()));
            let mut other = body.clone();
            other[at.index(body.len())] ^= 1 << bit;
            prop_assert_eq!(check(&header, &other, NOW), Err(SignatureError::Wrong));
            let mut other = header.clone().into_bytes();
            other[at.index(header.len())] ^= 1 << bit;
            if let Ok(other) = String::from_utf8(other) {
                prop_assert!(check(&other, &body, NOW).is_err(), "{}", other);
            }
            let mut secret = SECRET.to_vec();
            secret[at.index(SECRET.len())] ^= 1 << bit;
            let now = Timestamp::from_seconds(NOW);
            prop_assert_eq!(verify(&secret, &header, &body, now), Err(SignatureError::Wrong));
        }

        #[test]
        fn reading_never_panics(header in "\\PC{0,80}", body in "\\PC{0,40}", now in any::<i64>()) {
            prop_assert!(check(&header, body.as_bytes(), now).is_err());
            let _ = check(&format!("t={now},v1={header}"), body.as_bytes(), now);
            let _ = check(&signed(now, body.as_bytes()), body.as_bytes(), i64::MIN);
        }
    }
}
