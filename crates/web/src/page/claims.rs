//! Whose a farm is: `/dashboard/farm/claims` and `/operator/farms`.

use super::{Badge, Field, Frame, Moment};
use askama::Template;

/// What `farm_claims.html` shows: a farmer's farms, and the form that begins a claim.
#[derive(Clone, Debug, Template)]
#[template(path = "farm_claims.html")]
pub struct FarmClaims {
    /// What surrounds the page.
    pub frame: Frame,
    /// One page of the farmer's farms.
    pub farms: Vec<ProvenFarmRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
    /// Nodes of these farms that others have registered.
    pub foreign: Vec<ForeignNodeRow>,
    /// `farm_id` of the form.
    pub farm_id: Field,
    /// `grid_node_id` of the form.
    pub grid_node_id: Field,
    /// Why no claim was begun, when it is not about one field.
    pub error: Option<String>,
    /// Why a node was not taken over.
    pub not_taken: Option<String>,
}

/// A farm that somebody has proven to own.
#[derive(Clone, Debug)]
pub struct ProvenFarmRow {
    /// Its number on the grid.
    pub id: u32,
    /// Its name and number, such as `Freefarm, farm 1`.
    pub name: String,
    /// `signature` or `operator`.
    pub how: Badge,
    /// The address of the account that it belongs to on the grid.
    pub signer: String,
    /// Whose it is here: an email address.
    pub owner: String,
    /// Since when.
    pub since: Moment,
    /// When the grid was last asked.
    pub checked_at: Moment,
    /// Where its nodes are added.
    pub add_url: String,
    /// Where the operator's button posts to.
    pub revoke_url: String,
}

/// A node that somebody else has registered.
#[derive(Clone, Debug)]
pub struct ForeignNodeRow {
    /// Its id.
    pub node: String,
    /// What it is called, of which farm, and what is rented on it.
    pub about: String,
    /// Where the button posts to.
    pub take_over_url: String,
}

/// What `farm_claim.html` shows: a message, and how to sign it.
#[derive(Clone, Debug, Template)]
#[template(path = "farm_claim.html")]
pub struct FarmClaim {
    /// What surrounds the page.
    pub frame: Frame,
    /// The farm's name and number.
    pub farm: String,
    /// The address that must sign.
    pub signer: String,
    /// The message.
    pub message: String,
    /// Hidden field `challenge`.
    pub challenge: String,
    /// Until when the message is good.
    pub until: Moment,
    /// `signature`
    pub signature: Field,
    /// `signed_as`
    pub signed_as: Field,
    /// Why the signature does not prove it.
    pub error: Option<String>,
    /// The command that signs with `subkey`.
    pub subkey: String,
    /// The command that signs with our own tool.
    pub xtask: String,
}

/// What `operator_farms.html` shows: every proven farm, and the form that approves one by hand.
#[derive(Clone, Debug, Template)]
#[template(path = "operator_farms.html")]
pub struct OperatorFarms {
    /// What surrounds the page.
    pub frame: Frame,
    /// One page of farms.
    pub farms: Vec<ProvenFarmRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
    /// `farm`
    pub farm: Field,
    /// `email`
    pub email: Field,
    /// `reason`
    pub reason: Field,
    /// Why nothing was approved, when it is not about one field.
    pub error: Option<String>,
}
