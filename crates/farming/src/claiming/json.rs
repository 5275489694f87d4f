//! Claims to farms: proving whose a farm is, and what its owner may do.

use domain::account::Scope;
use domain::field::FieldError;
use domain::text::parse_line;
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::farms::VerifiedFarm;
use web::api::{PAGING, PageOf};
use web::json::{EMAIL, ONE_LINE_OF_200};
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

use crate::farm::json::{FarmNodeWithSlices, grid_node_id};

const GROUP: &str = "Farm";

const OPERATOR: &str = "Operator";

/// `GET /api/farm/claims`
pub(crate) const LIST_FARM_CLAIMS: Operation = Operation {
    id: "listFarmClaims",
    group: GROUP,
    path: "/api/farm/claims",
    summary: "Lists your verified farms.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of your farms.",
    answer: Some(schema_of::<PageOf<FarmClaimView>>),
    ..Operation::READ
};

/// `POST /api/farm/claims`
pub(crate) const CLAIM_FARM: Operation = Operation {
    id: "claimFarm",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/claims",
    summary: "Starts the verification of a farm and returns the message its TFChain account must \
              sign.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<ClaimBody>),
    status: 201,
    about_answer: "The message, the required signer and the deadline.",
    answer: Some(schema_of::<ClaimView>),
    problems: &[
        Kind::NoSuchGridFarm,
        Kind::NoSuchGridNode,
        Kind::UnusableDocument,
        Kind::GridUnreachable,
    ],
    ..Operation::READ
};

/// `POST /api/farm/claims/verify`
pub(crate) const VERIFY_FARM: Operation = Operation {
    id: "verifyFarm",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/claims/verify",
    summary: "Completes a farm verification with a signature. Any previous owner loses the farm.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<SignedClaimBody>),
    about_answer: "The farm.",
    answer: Some(schema_of::<FarmClaimView>),
    problems: &[Kind::WrongClaim, Kind::ExpiredCode],
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/take-over`
pub(crate) const TAKE_OVER_NODE: Operation = Operation {
    id: "takeOverNode",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/take-over",
    summary: "Takes over a node of your verified farm that another account registered. The node \
              is paused, and its rentals continue and earn for you from now on.",
    access: Access::Account(Scope::Farm),
    about_answer: "The node.",
    answer: Some(schema_of::<FarmNodeWithSlices>),
    problems: &[Kind::HasRentalsOnNode, Kind::OfferChanged],
    ..Operation::READ
};

/// `GET /api/admin/farms`
pub(crate) const LIST_VERIFIED_FARMS: Operation = Operation {
    id: "listVerifiedFarms",
    group: OPERATOR,
    path: "/api/admin/farms",
    summary: "Lists all verified farms.",
    access: Access::Operator,
    query: &PAGING,
    about_answer: "A page of farms.",
    answer: Some(schema_of::<PageOf<VerifiedFarmView>>),
    ..Operation::READ
};

/// `POST /api/admin/farms/{farm}`
pub(crate) const APPROVE_FARM: Operation = Operation {
    id: "approveFarm",
    group: OPERATOR,
    method: Method::POST,
    path: "/api/admin/farms/{farm}",
    summary: "Approves a farm's owner by hand, for owners who have lost their keys.",
    access: Access::Operator,
    body: Some(schema_of::<ApproveBody>),
    about_answer: "The farm.",
    answer: Some(schema_of::<VerifiedFarmView>),
    problems: &[
        Kind::NoSuchAccount,
        Kind::NoSuchGridFarm,
        Kind::UnusableDocument,
        Kind::GridUnreachable,
    ],
    ..Operation::READ
};

/// `DELETE /api/admin/farms/{farm}`
pub(crate) const REVOKE_FARM: Operation = Operation {
    id: "revokeFarm",
    group: OPERATOR,
    method: Method::DELETE,
    path: "/api/admin/farms/{farm}",
    summary: "Revokes the ownership of a farm. The owner's nodes in it leave the market.",
    access: Access::Operator,
    status: 204,
    about_answer: "The ownership was revoked.",
    ..Operation::READ
};

/// Which farm is claimed: by its own number, or by that of one of its nodes.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ClaimBody {
    /// The grid's number of the farm.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub farm_id: Option<i64>,
    /// The grid's number of one of its nodes.
    #[schemars(range(min = 1, max = 4_294_967_295_u32))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub grid_node_id: Option<i64>,
}

impl ClaimBody {
    /// Reads which farm is meant.
    pub(crate) fn claimed(&self) -> Result<Claimed, FieldError> {
        match (self.farm_id, self.grid_node_id) {
            (Some(number), None) => {
                let farm = u32::try_from(number).ok().filter(|farm| *farm > 0);
                let wrong = || FieldError::new("farm_id", "a positive whole number, such as 32");
                farm.map(Claimed::Farm).ok_or_else(wrong)
            }
            (None, Some(number)) => grid_node_id(number).map(Claimed::FarmOf),
            (None, None) | (Some(_), Some(_)) => {
                Err(FieldError::new("farm_id", "either a farm ID or a node ID"))
            }
        }
    }
}

/// Which farm is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claimed {
    /// The farm of this number.
    Farm(u32),
    /// The farm of this node.
    FarmOf(domain::id::NodeId),
}

/// What is to be signed, by whom, until when.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ClaimView {
    /// The grid's number of the farm.
    pub farm_id: u32,
    /// Its name on the grid.
    pub farm_name: String,
    /// The twin that it belongs to.
    pub twin_id: u32,
    /// The address (SS58) of that twin's account, whose key must sign.
    pub signer: String,
    /// The text to sign: exactly this, on one line, as it is or in `<Bytes>` as wallets do.
    pub message: String,
    /// What proves that the signature is for this claim: send it along.
    pub challenge: String,
    /// Until when (RFC 3339).
    pub expires_at: String,
    /// The same, for the page.
    #[serde(skip)]
    #[schemars(skip)]
    pub until: Timestamp,
}

/// A signature over the message of a claim.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedClaimBody {
    /// The `challenge` of the claim.
    #[schemars(length(max = 200))]
    pub challenge: String,
    /// The signature, by sr25519 or ed25519: 64 bytes in hex, or 65 with the kind before them.
    #[schemars(length(max = 200))]
    pub signature: String,
    /// The address that you signed with, if the error should say which of key and text is wrong.
    #[serde(default)]
    #[schemars(length(max = 64))]
    pub signed_as: Option<String>,
}

/// A farm that somebody has verified, as its owner sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FarmClaimView {
    /// The grid's number.
    pub farm_id: u32,
    /// Its name on the grid.
    pub farm_name: String,
    /// The twin that it belongs to on the grid.
    pub twin_id: u32,
    /// The address (SS58) of that twin's account.
    pub signer: String,
    /// How it was verified: `signature` or `operator`.
    pub verified_by: &'static str,
    /// When (RFC 3339).
    pub verified_at: String,
    /// When the grid was last asked whether it still belongs to that twin (RFC 3339).
    pub checked_at: String,
}

impl FarmClaimView {
    /// Shows a verified farm.
    pub(crate) fn new(verified: &VerifiedFarm) -> FarmClaimView {
        FarmClaimView {
            farm_id: verified.farm.id,
            farm_name: verified.farm.name.clone(),
            twin_id: verified.farm.twin,
            signer: verified.farm.account.clone(),
            verified_by: verified.method.into_str(),
            verified_at: verified.verified_at.to_string(),
            checked_at: verified.checked_at.to_string(),
        }
    }
}

/// A farm that somebody has verified, as the operator sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct VerifiedFarmView {
    /// The farm.
    #[serde(flatten)]
    pub farm: FarmClaimView,
    /// Whose it is: an email address.
    pub owner: String,
}

impl VerifiedFarmView {
    /// Shows a verified farm.
    pub(crate) fn new(verified: &VerifiedFarm) -> VerifiedFarmView {
        VerifiedFarmView { farm: FarmClaimView::new(verified), owner: verified.email.clone() }
    }
}

/// Whose a farm is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApproveBody {
    /// The account's address.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// Why, in a few words; it goes to the audit log.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 200;

/// Reads why the operator approves.
pub(crate) fn reason(text: &str) -> Result<String, FieldError> {
    parse_line("reason", text, 1..=REASON_CHARS_MAX)
}

/// A farm's number in a path; what is not one does not exist.
pub(crate) fn farm_id(text: &str) -> Result<u32, Problem> {
    parse_farm(text).ok_or_else(Problem::not_found)
}

/// A farm's number, in the one spelling that it is printed in.
pub(crate) fn parse_farm(text: &str) -> Option<u32> {
    text.parse().ok().filter(|farm: &u32| *farm > 0 && farm.to_string() == text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_names_a_farm_or_a_node() {
        let claimed = |farm_id, grid_node_id| ClaimBody { farm_id, grid_node_id }.claimed();
        assert_eq!(claimed(Some(50), None), Ok(Claimed::Farm(50)));
        assert_eq!(claimed(None, Some(32)), Ok(Claimed::FarmOf(domain::id::NodeId(32))));
        for (farm, node) in [(None, None), (Some(1), Some(1)), (Some(0), None), (None, Some(-1))] {
            assert!(claimed(farm, node).is_err(), "{farm:?} {node:?}");
        }
        assert_eq!(parse_farm("50"), Some(50));
        for text in ["", "0", "050", "+50", "-1", "4294967296", "farm50"] {
            assert_eq!(parse_farm(text), None, "{text}");
        }
    }
}
