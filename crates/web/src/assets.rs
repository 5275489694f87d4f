//! Where pages find static files. In a release, an address names its file's version, so a browser
//! keeps the file until there is another one.

use std::fmt;

/// The address of a static file.
pub struct Asset {
    path: &'static str,
    /// Of the file that was there when this was built; `None` in development, where a file may be
    /// another one each time.
    version: Option<u64>,
}

impl fmt::Display for Asset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version {
            Some(version) => write!(f, "{}?v={version:016x}", self.path),
            None => f.write_str(self.path),
        }
    }
}

/// FNV-1a of 64 bits. It tells versions of files of ours apart, and protects nothing.
pub const fn version(bytes: &[u8]) -> u64 {
    const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0100_0000_01b3;
    let mut hash = OFFSET;
    let mut rest = bytes;
    while let [first, others @ ..] = rest {
        hash = (hash ^ u64_of(*first)).wrapping_mul(PRIME);
        rest = others;
    }
    hash
}

const fn u64_of(byte: u8) -> u64 {
    u64::from_le_bytes([byte, 0, 0, 0, 0, 0, 0, 0])
}

#[cfg(not(debug_assertions))]
macro_rules! asset {
    ($name:literal) => {
        Asset {
            path: concat!("/static/", $name),
            version: Some(version(include_bytes!(concat!("../../../static/", $name)))),
        }
    };
}

#[cfg(debug_assertions)]
macro_rules! asset {
    ($name:literal) => {
        Asset { path: concat!("/static/", $name), version: None }
    };
}

/// How every page looks.
pub const STYLE: Asset = asset!("style.css");
/// What makes pages better where scripts run.
pub const APP: Asset = asset!("app.js");
/// What keeps a page up to date.
pub const LIVE: Asset = asset!("live.js");
/// What carries passkeys.
pub const PASSKEY: Asset = asset!("passkey.js");
/// What makes a node's offer easy to set.
pub const OFFER: Asset = asset!("offer.js");
/// What proves a farm with a browser wallet.
pub const WALLET: Asset = asset!("wallet.js");
/// The picture beside the page's name.
pub const ICON: Asset = asset!("icons/favicon.svg");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_the_version_of_its_file() {
        // From the reference of FNV, http://www.isthe.com/chongo/tech/comp/fnv/.
        assert_eq!(version(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(version(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(version(b"foobar"), 0x8594_4171_f739_67e8);
        let asset = |version| Asset { path: "/static/a.css", version }.to_string();
        assert_eq!(asset(None), "/static/a.css");
        assert_eq!(asset(Some(255)), "/static/a.css?v=00000000000000ff");
    }
}
