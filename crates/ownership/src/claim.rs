//! The text that a claim is made with.

use core::fmt;

use domain::time::Timestamp;

use crate::address::Address;

/// What somebody says who claims a farm. Printed, it is one line of ASCII, so that no field of a
/// wallet and no shell changes it.
#[derive(Clone, Copy, Debug)]
pub struct Claim<'a> {
    /// The marketplace's address: a signature for one counts at no other.
    pub platform: &'a str,
    /// The grid's number of the farm.
    pub farm: u32,
    /// The account of the chain that must sign.
    pub signer: &'a Address,
    /// The account of the marketplace that claims the farm.
    pub account: &'a str,
    /// What makes each claim another one.
    pub nonce: &'a str,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl fmt::Display for Claim<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Claim { platform, farm, signer, account, nonce, expires_at } = self;
        write!(
            f,
            "Mycelium at {platform}: as {signer}, which owns farm {farm} of the ThreeFold Grid, \
             I give that farm to account {account}. Nonce {nonce}. Good until {expires_at}."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_all_that_it_is_about_on_one_line() {
        let signer = Address::parse("5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY").unwrap();
        let claim = Claim {
            platform: "https://mycelium.example",
            farm: 50,
            signer: &signer,
            account: "0190163d-8694-739b-aea5-966c26f8ad91",
            nonce: "mcc_1234",
            expires_at: Timestamp::from_seconds(1_795_435_200),
        };
        assert_eq!(
            claim.to_string(),
            "Mycelium at https://mycelium.example: as \
             5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY, which owns farm 50 of the ThreeFold \
             Grid, I give that farm to account 0190163d-8694-739b-aea5-966c26f8ad91. Nonce \
             mcc_1234. Good until 2026-11-23T12:00:00Z."
        );
    }
}
