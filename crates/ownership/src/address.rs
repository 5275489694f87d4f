//! Addresses of accounts in SS58, the text form of Substrate chains.

use core::fmt;

use blake2::{Blake2b512, Digest};

/// The longest address that is read, in characters. A usual one has 48.
pub const ADDRESS_CHARS_MAX: usize = 64;

/// The bytes of an account's key.
const KEY_BYTES: usize = 32;
/// The bytes of the checksum behind a key.
const CHECKSUM_BYTES: usize = 2;
/// What the checksum is computed over, before the address.
const CHECKSUM_CONTEXT: &[u8] = b"SS58PRE";
/// The number of Substrate chains in general.
const ANY_NETWORK: u8 = 42;
/// Networks up to this number take one byte, others two.
const ONE_BYTE_NETWORKS: u8 = 64;
/// The first byte of a form that nobody uses.
const RESERVED: u8 = 128;

/// An account of the grid's chain: its key, and the address as it was written.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    key: [u8; KEY_BYTES],
    text: String,
}

/// Why a text is no address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It has letters that no address has, or is too long.
    #[error("it is not written in SS58")]
    Letters,
    /// It is not of a key.
    #[error("it is not the address of a key")]
    Length,
    /// A letter is wrong or missing.
    #[error("its checksum is wrong: a letter was mistyped or is missing")]
    Checksum,
    /// Everybody can sign for it.
    #[error("it is the address of no key")]
    Nobody,
}

fn checksum(body: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let mut hash = Blake2b512::new();
    hash.update(CHECKSUM_CONTEXT);
    hash.update(body);
    let hash = hash.finalize();
    [hash[0], hash[1]]
}

impl Address {
    /// Reads an address of any network: what counts is the key.
    pub fn parse(text: &str) -> Result<Address, AddressError> {
        if text.len() > ADDRESS_CHARS_MAX {
            return Err(AddressError::Letters);
        }
        let bytes = bs58::decode(text).into_vec().map_err(|_| AddressError::Letters)?;
        let prefix = match bytes.first() {
            Some(&first) if first < ONE_BYTE_NETWORKS => 1,
            Some(&first) if first < RESERVED => 2,
            Some(_) | None => return Err(AddressError::Length),
        };
        if bytes.len() != prefix + KEY_BYTES + CHECKSUM_BYTES {
            return Err(AddressError::Length);
        }
        let (body, checksum) = bytes.split_at(prefix + KEY_BYTES);
        if self::checksum(body) != *checksum {
            return Err(AddressError::Checksum);
        }
        let key = body[prefix..].try_into().map_err(|_| AddressError::Length)?;
        // To sr25519 it is the neutral element, for which anybody can make a signature.
        if key == [0; KEY_BYTES] {
            return Err(AddressError::Nobody);
        }
        Ok(Address { key, text: text.to_owned() })
    }

    /// The address of a key on networks in general.
    pub fn of_key(key: [u8; KEY_BYTES]) -> Address {
        let mut bytes = vec![ANY_NETWORK];
        bytes.extend(key);
        let checksum = checksum(&bytes);
        bytes.extend(checksum);
        Address { key, text: bs58::encode(bytes).into_string() }
    }

    /// The account's public key.
    pub fn key(&self) -> &[u8; KEY_BYTES] {
        &self.key
    }

    /// Whether both are the same account, whatever network they are written for.
    pub fn is_same_account(&self, other: &Address) -> bool {
        self.key == other.key
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Alice, the account that every Substrate chain has for tests, on three networks.
    const ALICE: [&str; 3] = [
        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY",
        "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
        "HNZata7iMYWmk5RvZRTiAsSDhV8366zq2YGb3tLH5Upf74F",
    ];

    #[test]
    fn an_account_is_the_same_on_every_network() {
        let read = ALICE.map(|text| Address::parse(text).unwrap());
        assert_eq!(read[0].key()[..4], [0xd4, 0x35, 0x93, 0xc7]);
        assert!(read.iter().all(|address| address.is_same_account(&read[0])));
        assert_eq!(read[1].to_string(), ALICE[1]);
        assert_eq!(Address::of_key(*read[1].key()).to_string(), ALICE[0]);
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let nobody = "5C4hrfjw9DjXZTzV3MwzrrAr9P1MJhSrvWGWqi1eSuyUpnhM";
        for (text, why) in [
            ("", AddressError::Length),
            ("1", AddressError::Length),
            ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKut0Y", AddressError::Letters),
            ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ", AddressError::Checksum),
            ("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQ", AddressError::Length),
            (nobody, AddressError::Nobody),
        ] {
            assert_eq!(Address::parse(text), Err(why), "{text}");
        }
        assert_eq!(Address::parse(&"1".repeat(10_000)), Err(AddressError::Letters));
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in ".{0,80}") {
            let _ = Address::parse(&text);
        }
    }
}
