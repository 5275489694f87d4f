//! Signing as the account of a twin does: for development, and for who has the phrase at hand.

use anyhow::{Context as _, Result, anyhow};
use bip39::{Language, Mnemonic};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use ed25519_dalek::Signer as _;

use crate::address::Address;
use crate::signature::{SIGNING_CONTEXT, Scheme};

/// The bytes of a secret seed.
const SEED_BYTES: usize = 32;

/// A text with the address that has signed it, and the signature in hex.
pub struct Signed {
    /// Whose key has signed.
    pub signer: Address,
    /// The signature, with `0x` before it.
    pub signature: String,
}

/// Signs a message with the key of a phrase of twelve to twenty-four words or of a seed in hex.
///
/// # Errors
/// If `secret` is neither.
pub fn sign(scheme: Scheme, secret: &str, message: &str) -> Result<Signed> {
    let seed = seed(secret.trim())?;
    let (key, signature) = match scheme {
        Scheme::Sr25519 => {
            let mini = schnorrkel::MiniSecretKey::from_bytes(&seed)
                .map_err(|error| anyhow!("the seed is of no key: {error}"))?;
            let pair = mini.expand_to_keypair(schnorrkel::ExpansionMode::Ed25519);
            let signature = pair.sign_simple(SIGNING_CONTEXT, message.as_bytes());
            (pair.public.to_bytes(), signature.to_bytes())
        }
        Scheme::Ed25519 => {
            let pair = ed25519_dalek::SigningKey::from_bytes(&seed);
            (pair.verifying_key().to_bytes(), pair.sign(message.as_bytes()).to_bytes())
        }
    };
    let signature = format!("0x{}", HEXLOWER.encode(&signature));
    Ok(Signed { signer: Address::of_key(key), signature })
}

fn seed(secret: &str) -> Result<[u8; SEED_BYTES]> {
    if let Some(digits) = secret.strip_prefix("0x") {
        let bytes = HEXLOWER_PERMISSIVE.decode(digits.as_bytes()).ok();
        let seed = bytes.and_then(|bytes| bytes.try_into().ok());
        return seed.context("a seed is 0x and 64 hex digits");
    }
    let phrase = Mnemonic::parse_in(Language::English, secret)
        .map_err(|error| anyhow!("this is no phrase of a wallet: {error}"))?;
    let mini = substrate_bip39::mini_secret_from_entropy(&phrase.to_entropy(), "")
        .map_err(|error| anyhow!("this phrase is of no key: {error:?}"))?;
    Ok(mini.to_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::signature::{Signature, SignedForm, signed_by};

    #[test]
    fn a_phrase_signs_as_an_independent_implementation_does() {
        let file: Value = serde_json::from_str(include_str!("../tests/vectors.json")).unwrap();
        for vector in file["vectors"].as_array().unwrap() {
            let text = |field: &str| vector[field].as_str().unwrap();
            let scheme =
                if text("scheme") == "sr25519" { Scheme::Sr25519 } else { Scheme::Ed25519 };
            let message = match text("form") {
                "line" => SignedForm::Line.of(text("message")),
                "wrapped" => SignedForm::Wrapped.of(text("message")),
                _ => text("message").to_owned(),
            };
            let signed = sign(scheme, text("mnemonic"), &message).unwrap();
            assert_eq!(signed.signer.to_string(), text("address"));
            let signature = Signature::parse(&signed.signature).unwrap();
            let found = signed_by(&signed.signer, &message, &signature);
            assert_eq!(found, Some((scheme, SignedForm::Plain)));
            // Signatures by ed25519 are the same ones each time; the type may be before them.
            if scheme == Scheme::Ed25519 {
                assert!(text("signature").ends_with(&signed.signature[2..]), "{vector:#}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        for secret in ["", "0x12", "bottom drive", "0xzz"] {
            assert!(sign(Scheme::Sr25519, secret, "message").is_err(), "{secret}");
        }
    }
}
