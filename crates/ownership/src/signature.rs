//! Signatures of a chain's accounts over a text, as wallets and tools make them.

use data_encoding::HEXLOWER_PERMISSIVE;

use crate::address::Address;

/// The longest text of a signature that is read: `0x`, and 65 bytes in hex.
pub const SIGNATURE_CHARS_MAX: usize = 2 + 2 * (SIGNATURE_BYTES + 1);

/// The bytes of a signature, without the byte that says by which scheme it was made.
const SIGNATURE_BYTES: usize = 64;
/// The byte of `MultiSignature` before a signature by ed25519.
const ED25519: u8 = 0;
/// The byte of `MultiSignature` before a signature by sr25519.
const SR25519: u8 = 1;
/// What Substrate signs under with sr25519.
pub(crate) const SIGNING_CONTEXT: &[u8] = b"substrate";
/// What wallets put around a text, so that nobody has a transaction signed as one
/// (`@polkadot/util`, `u8aWrapBytes`).
const WRAPPING: (&str, &str) = ("<Bytes>", "</Bytes>");

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// What wallets make by default.
    Sr25519,
    /// The older one.
    Ed25519,
}

/// A signature, as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// By which scheme, where it says so.
    scheme: Option<Scheme>,
    bytes: [u8; SIGNATURE_BYTES],
}

/// Why a text is no signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// It has other letters than hex digits, or an odd number of them.
    #[error("a signature is written in hex digits, with or without 0x before them")]
    Hex,
    /// It is too short or too long.
    #[error("a signature has 64 bytes, or 65 with the kind of key before them")]
    Length,
    /// It was made with a key of another kind.
    #[error("keys of the kinds sr25519 and ed25519 can own a farm, and this is of another kind")]
    Scheme,
}

impl Signature {
    /// Reads a signature in hex: 64 bytes, or 65 with the byte of a `MultiSignature` before them.
    pub fn parse(text: &str) -> Result<Signature, SignatureError> {
        let text = text.trim();
        let digits = text.strip_prefix("0x").unwrap_or(text);
        if digits.len() > SIGNATURE_CHARS_MAX {
            return Err(SignatureError::Length);
        }
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes());
        let bytes = bytes.map_err(|_| SignatureError::Hex)?;
        let (scheme, bytes) = match bytes.split_first() {
            Some((&ED25519, rest)) if rest.len() == SIGNATURE_BYTES => {
                (Some(Scheme::Ed25519), rest)
            }
            Some((&SR25519, rest)) if rest.len() == SIGNATURE_BYTES => {
                (Some(Scheme::Sr25519), rest)
            }
            Some((_, rest)) if rest.len() == SIGNATURE_BYTES => {
                return Err(SignatureError::Scheme);
            }
            Some(_) | None => (None, bytes.as_slice()),
        };
        let bytes = bytes.try_into().map_err(|_| SignatureError::Length)?;
        Ok(Signature { scheme, bytes })
    }
}

/// What was signed: the text itself, or the text as a tool or wallet changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedForm {
    /// The text.
    Plain,
    /// The text and the end of its line, as a shell gives it to `subkey`.
    Line,
    /// The text in `<Bytes>`, as wallets in a browser sign it.
    Wrapped,
}

impl SignedForm {
    const ALL: [SignedForm; 3] = [SignedForm::Plain, SignedForm::Line, SignedForm::Wrapped];

    /// The bytes that are signed.
    pub fn of(self, message: &str) -> String {
        match self {
            SignedForm::Plain => message.to_owned(),
            SignedForm::Line => format!("{message}\n"),
            SignedForm::Wrapped => format!("{}{message}{}", WRAPPING.0, WRAPPING.1),
        }
    }
}

/// How the account has signed the message; `None` if this is not its signature over it.
pub fn signed_by(
    signer: &Address,
    message: &str,
    signature: &Signature,
) -> Option<(Scheme, SignedForm)> {
    let schemes = [Scheme::Sr25519, Scheme::Ed25519];
    let possible = schemes.into_iter().filter(|it| signature.scheme.is_none_or(|told| told == *it));
    for scheme in possible {
        for form in SignedForm::ALL {
            if is_signature(scheme, signer.key(), form.of(message).as_bytes(), &signature.bytes) {
                return Some((scheme, form));
            }
        }
    }
    None
}

fn is_signature(scheme: Scheme, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    match scheme {
        Scheme::Sr25519 => {
            let key = schnorrkel::PublicKey::from_bytes(key);
            let signature = schnorrkel::Signature::from_bytes(signature);
            let (Ok(key), Ok(signature)) = (key, signature) else { return false };
            key.verify_simple(SIGNING_CONTEXT, message, &signature).is_ok()
        }
        Scheme::Ed25519 => {
            let Ok(key) = ed25519_dalek::VerifyingKey::from_bytes(key) else { return false };
            let signature = ed25519_dalek::Signature::from_bytes(signature);
            // Strict: no key of small order, for which one signature fits many messages.
            key.verify_strict(message, &signature).is_ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    /// Made by `@polkadot/keyring`; see the file beside it.
    const VECTORS: &str = include_str!("../tests/vectors.json");

    fn vectors() -> Vec<Value> {
        let file: Value = serde_json::from_str(VECTORS).unwrap();
        file["vectors"].as_array().unwrap().clone()
    }

    fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
        vector[field].as_str().unwrap()
    }

    fn read(vector: &Value) -> (Address, Signature) {
        let address = Address::parse(text(vector, "address")).unwrap();
        (address, Signature::parse(text(vector, "signature")).unwrap())
    }

    #[test]
    fn signatures_of_an_independent_implementation_are_taken() {
        for vector in vectors() {
            let (address, signature) = read(&vector);
            let scheme = match text(&vector, "scheme") {
                "sr25519" => Scheme::Sr25519,
                "ed25519" => Scheme::Ed25519,
                other => panic!("{other}"),
            };
            let form = match text(&vector, "form") {
                "plain" => SignedForm::Plain,
                "line" => SignedForm::Line,
                "wrapped" => SignedForm::Wrapped,
                other => panic!("{other}"),
            };
            let found = signed_by(&address, text(&vector, "message"), &signature);
            assert_eq!(found, Some((scheme, form)), "{vector:#}");
        }
    }

    #[test]
    fn another_key_text_or_kind_is_refused() {
        let vectors = vectors();
        for vector in &vectors {
            let (address, signature) = read(vector);
            let message = text(vector, "message");
            assert_eq!(signed_by(&address, &format!("{message}!"), &signature), None);
            assert_eq!(signed_by(&address, &message[1..], &signature), None);
            for other in &vectors {
                let (other, _) = read(other);
                let found = signed_by(&other, message, &signature);
                assert_eq!(found.is_some(), other.is_same_account(&address), "{vector:#}");
            }
            let other_kind = match signature.scheme {
                Some(Scheme::Sr25519) => Some(Scheme::Ed25519),
                Some(Scheme::Ed25519) => Some(Scheme::Sr25519),
                None => continue,
            };
            let claimed = Signature { scheme: other_kind, ..signature };
            assert_eq!(signed_by(&address, message, &claimed), None);
        }
    }

    #[test]
    fn every_bit_of_a_signature_counts() {
        for vector in vectors() {
            let (address, signature) = read(&vector);
            for bit in 0..8 * SIGNATURE_BYTES {
                let mut changed = signature;
                changed.bytes[bit / 8] ^= 1 << (bit % 8);
                let message = text(&vector, "message");
                assert_eq!(signed_by(&address, message, &changed), None, "bit {bit}");
            }
        }
    }

    #[test]
    fn what_is_no_signature_says_why() {
        let digits = "ab".repeat(SIGNATURE_BYTES);
        let check = |text: &str, why| assert_eq!(Signature::parse(text), Err(why), "{text}");
        check("", SignatureError::Length);
        check("0x", SignatureError::Length);
        check("0xzz", SignatureError::Hex);
        check(&digits[1..], SignatureError::Hex);
        check(&digits[2..], SignatureError::Length);
        check(&format!("0x02{digits}"), SignatureError::Scheme);
        check(&format!("0x01{digits}01"), SignatureError::Length);
        check(&"0".repeat(10_000), SignatureError::Length);
        assert!(Signature::parse(&format!(" 0x{}\n", digits.to_uppercase())).is_ok());
        assert_eq!(Signature::parse(&format!("01{digits}")).unwrap().scheme, Some(Scheme::Sr25519));
    }

    #[test]
    fn a_weak_key_signs_nothing() {
        // A point of order 1: to who is not strict, the signature (1, 0) of it fits every text.
        let mut weak = [0; 32];
        weak[0] = 1;
        let mut forged = [0; SIGNATURE_BYTES];
        forged[0] = 1;
        assert!(!is_signature(Scheme::Ed25519, &weak, b"anything", &forged));
    }

    proptest! {
        #[test]
        fn no_bytes_are_too_much(text in "(0x)?[0-9a-f]{120,134}", message in ".{0,40}") {
            let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY";
            let alice = Address::parse(alice).unwrap();
            if let Ok(signature) = Signature::parse(&text) {
                prop_assert_eq!(signed_by(&alice, &message, &signature), None);
            }
        }
    }
}
