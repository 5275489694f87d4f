//! The keys of the recorded grid's twins: a test signs as the owner of a farm.

use ownership::{Scheme, signer};
use sha2::{Digest, Sha256};

/// The farm of node 32 and of most others.
pub const FARM: u32 = 2997;
/// The twin that it belongs to.
pub const TWIN: u32 = 4653;

/// The seed of a twin's key, as `tests/grid/README.md` says.
fn seed(twin: u32) -> String {
    let digest = Sha256::digest(format!("mycelium test twin {twin}"));
    format!("0x{}", store::chain::hex(&digest))
}

/// A twin's signature over a text.
pub fn sign(twin: u32, text: &str) -> String {
    signer::sign(Scheme::Ed25519, &seed(twin), text).unwrap().signature
}

/// A twin's address.
pub fn address(twin: u32) -> String {
    signer::sign(Scheme::Ed25519, &seed(twin), "").unwrap().signer.to_string()
}
