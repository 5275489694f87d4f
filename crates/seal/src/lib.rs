//! Encryption of what the database must not show to who reads it: XChaCha20-Poly1305, with the row
//! as associated data.
//!
//! A sealed value opens in its own row and column only: who can write to the database cannot move
//! a secret to where it would be shown to somebody else. The keys have numbers, so that a new one
//! can take over while the old one still opens what it sealed (`cargo xtask rotate-keys`).

#![no_std]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

/// Bytes of a key: 256 bits.
pub const KEY_BYTES: usize = 32;
/// Bytes of a nonce. At 192 bits, random ones do not meet (draft-irtf-cfrg-xchacha-03, 2.1).
pub const NONCE_BYTES: usize = 24;
/// The most keys at once: the one that seals, and those that still open.
pub const KEYS_MAX: usize = 8;

/// The form of sealed bytes: this byte, the key's number, the nonce, the ciphertext with its tag.
const FORM: u8 = 1;
/// Bytes before the nonce: the form and the key's number.
const HEAD_BYTES: usize = 1 + size_of::<u32>();

/// Where a sealed value is kept. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place<'a> {
    /// The table.
    pub table: &'a str,
    /// The column.
    pub column: &'a str,
    /// The row, by its primary key.
    pub row: &'a str,
}

impl Place<'_> {
    /// The associated data: each part with its length before it, so that no two places meet.
    fn bytes(&self, head: &[u8]) -> Vec<u8> {
        let mut bytes = head.to_vec();
        for part in [self.table, self.column, self.row] {
            bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes
    }
}

/// The keys that the operator has set: the first one seals, each one opens. Never printed.
pub struct Keys(Vec<Key>);

#[derive(Zeroize, ZeroizeOnDrop)]
struct Key {
    id: u32,
    bytes: [u8; KEY_BYTES],
}

impl Keys {
    /// Reads `NUMBER:BASE64,…`, such as `2:…,1:…`: each key has a number of its own from 1 and is
    /// 32 bytes in base64. The one that seals comes first.
    pub fn parse(text: &str) -> Result<Keys, KeysError> {
        let mut keys: Vec<Key> = Vec::new();
        for part in text.split(',').map(str::trim) {
            let key = Key::parse(part).ok_or(KeysError::Form)?;
            if keys.iter().any(|other| other.id == key.id) {
                return Err(KeysError::Twice(key.id));
            }
            keys.push(key);
        }
        if keys.len() > KEYS_MAX { Err(KeysError::Many) } else { Ok(Keys(keys)) }
    }

    /// The number of the key that seals.
    pub fn current(&self) -> u32 {
        self.0[0].id
    }

    /// Seals `plaintext` for `place`. The nonce is random and never used again.
    pub fn seal(
        &self,
        place: Place<'_>,
        plaintext: &[u8],
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, SealError> {
        let key = &self.0[0];
        let mut sealed = Vec::from([FORM]);
        sealed.extend_from_slice(&key.id.to_be_bytes());
        let aad = place.bytes(&sealed);
        let payload = Payload { msg: plaintext, aad: &aad };
        let hidden =
            key.cipher().encrypt(&XNonce::from(nonce), payload).map_err(|_| SealError::TooLong)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&hidden);
        Ok(sealed)
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: Place<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let id = key_id(sealed).ok_or(SealError::Damaged)?;
        let key = self.0.iter().find(|key| key.id == id).ok_or(SealError::NoSuchKey(id))?;
        let (head, rest) = sealed.split_at(HEAD_BYTES);
        let (nonce, hidden) = rest.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::Damaged)?;
        let aad = place.bytes(head);
        let payload = Payload { msg: hidden, aad: &aad };
        let opened = key.cipher().decrypt(&XNonce::from(*nonce), payload);
        opened.map(Zeroizing::new).map_err(|_| SealError::Damaged)
    }
}

impl Keys {
    /// Signs a message for `purpose`: the key's number and an HMAC-SHA256 in base64.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> String {
        let key = &self.0[0];
        let mac = key.mac(purpose, message).finalize().into_bytes();
        alloc::format!("{}:{}", key.id, BASE64_STANDARD.encode(mac))
    }

    /// Whether this is what one of these keys signs a message with, for `purpose`.
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &str) -> bool {
        let signed = || {
            let (id, mac) = signature.split_once(':')?;
            let id: u32 = id.parse().ok()?;
            let key = self.0.iter().find(|key| key.id == id)?;
            let mac = BASE64_STANDARD.decode(mac).ok()?;
            key.mac(purpose, message).verify_slice(&mac).ok()
        };
        signed().is_some()
    }
}

/// The number of the key that sealed these bytes; `None` if they are of another form.
pub fn key_id(sealed: &[u8]) -> Option<u32> {
    let (form, rest) = sealed.split_first()?;
    let id = rest.first_chunk()?;
    (*form == FORM).then(|| u32::from_be_bytes(*id))
}

impl Key {
    fn parse(text: &str) -> Option<Key> {
        let (id, key) = text.split_once(':')?;
        let id = id.parse().ok().filter(|id| *id > 0)?;
        let decoded = Zeroizing::new(BASE64_STANDARD.decode(key).ok()?);
        let bytes = decoded.as_slice().try_into().ok()?;
        Some(Key { id, bytes })
    }

    /// Another key for each purpose, so that what is signed for one is worth nothing for another,
    /// and none of them encrypts.
    fn mac(&self, purpose: &str, message: &[u8]) -> Hmac<Sha256> {
        let keyed = |key: &[u8]| {
            Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes a key of any length")
        };
        let derived = keyed(&self.bytes).chain_update(b"sign ").chain_update(purpose).finalize();
        keyed(&derived.into_bytes()).chain_update(message)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&self.bytes.into())
    }
}

/// The text of a new key, as [`Keys::parse`] reads it.
pub fn key_text(id: u32, bytes: &[u8; KEY_BYTES]) -> String {
    alloc::format!("{id}:{}", BASE64_STANDARD.encode(bytes))
}

/// Why keys cannot be used. No part of a key is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeysError {
    /// Not the text of keys.
    #[error("expected NUMBER:KEY, several separated by commas, each key 32 bytes in base64")]
    Form,
    /// Two keys have one number.
    #[error("the number {0} is there twice")]
    Twice(u32),
    /// More than anybody rotates.
    #[error("expected at most {KEYS_MAX} keys")]
    Many,
}

/// Why something was not sealed or opened. Nothing of the secret is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// More than the cipher takes: 256 GiB.
    #[error("too long to be sealed")]
    TooLong,
    /// The key that sealed it is not among the keys.
    #[error("sealed with key {0}, which is not among the encryption keys")]
    NoSuchKey(u32),
    /// Not what was sealed for this place.
    #[error("not what was sealed for this row")]
    Damaged,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLACE: Place<'static> = Place { table: "mails", column: "sealed", row: "1" };

    fn keys(ids: &[u32]) -> Keys {
        let texts: Vec<String> =
            ids.iter().map(|id| key_text(*id, &[u8::try_from(*id).unwrap(); KEY_BYTES])).collect();
        Keys::parse(&texts.join(", ")).unwrap()
    }

    #[test]
    fn what_is_sealed_opens_in_its_own_place_only() {
        let keys = keys(&[1]);
        let sealed = keys.seal(PLACE, b"a secret", [7; NONCE_BYTES]).unwrap();
        assert_eq!(*keys.open(PLACE, &sealed).unwrap(), b"a secret");
        assert!(!sealed.windows(8).any(|window| window == b"a secret"));
        for place in [
            Place { row: "2", ..PLACE },
            Place { column: "seale", row: "d1", ..PLACE },
            Place { table: "mail", ..PLACE },
        ] {
            assert_eq!(keys.open(place, &sealed), Err(SealError::Damaged), "{place:?}");
        }
    }

    #[test]
    fn a_new_key_takes_over_and_the_old_one_still_opens() {
        let old = keys(&[1]).seal(PLACE, b"x", [7; NONCE_BYTES]).unwrap();
        let both = keys(&[2, 1]);
        assert_eq!(*both.open(PLACE, &old).unwrap(), b"x");
        let new = both.seal(PLACE, b"x", [8; NONCE_BYTES]).unwrap();
        assert_eq!((key_id(&old), key_id(&new), both.current()), (Some(1), Some(2), 2));
        assert_eq!(keys(&[2]).open(PLACE, &old), Err(SealError::NoSuchKey(1)));
    }

    #[test]
    fn keys_are_read_and_told_apart() {
        let error = |text: &str| Keys::parse(text).err();
        assert_eq!(error(""), Some(KeysError::Form));
        assert_eq!(error("1:AAAA"), Some(KeysError::Form));
        let key = key_text(0, &[1; KEY_BYTES]);
        assert_eq!(error(&key), Some(KeysError::Form));
        let key = key_text(3, &[1; KEY_BYTES]);
        assert_eq!(error(&alloc::format!("{key},{key}")), Some(KeysError::Twice(3)));
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_opens(at in 0_usize..64, flip in 1_u8..) {
            let keys = keys(&[1]);
            let mut sealed = keys.seal(PLACE, &[0; 32], [7; NONCE_BYTES]).unwrap();
            let at = at % sealed.len();
            sealed[at] ^= flip;
            prop_assert!(keys.open(PLACE, &sealed).is_err());
        }

        #[test]
        fn any_bytes_are_refused(bytes: Vec<u8>) {
            prop_assert!(keys(&[1]).open(PLACE, &bytes).is_err());
        }
    }

    #[test]
    fn a_signature_is_good_for_its_message_and_purpose_only() {
        let keys = Keys::parse(&key_text(1, &[7; KEY_BYTES])).unwrap();
        let signature = keys.sign("quote", b"100 dollars");
        assert!(signature.starts_with("1:") && keys.verify("quote", b"100 dollars", &signature));
        assert!(!keys.verify("quote", b"1 dollar", &signature));
        assert!(!keys.verify("receipt", b"100 dollars", &signature));
        let other = Keys::parse(&key_text(1, &[8; KEY_BYTES])).unwrap();
        assert!(!other.verify("quote", b"100 dollars", &signature));
        for text in ["", "1:", "2:AAAA", "x", "1:####"] {
            assert!(!keys.verify("quote", b"100 dollars", text), "{text}");
        }
    }
}
