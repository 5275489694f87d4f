//! Handing a rental over to somebody else.

use domain::account::Scope;
use domain::time::Timestamp;
use http::Method;
use machines::Exchange;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::rentals::Rental;
use store::transfers::Transfer;
use web::operation::{Access, Operation, schema_of};
use web::{Kind, json};

use crate::rentals::json::{GROUP, RentalView};
use crate::renting::view::DryRunView;

/// `POST /api/rentals/{rental}/transfer`
pub(crate) const OFFER_TRANSFER: Operation = Operation {
    id: "offerTransfer",
    group: GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/transfer",
    summary: "Invites another account to take over a rental. This replaces any open invitation.",
    access: Access::Account(Scope::Rent),
    dry_run: Some(schema_of::<DryRunView>),
    body: Some(schema_of::<TransferBody>),
    status: 201,
    about_answer: "The invitation. The response doesn't reveal whether the address has an account.",
    answer: Some(schema_of::<TransferView>),
    problems: &[Kind::NotFound, Kind::RentalEnded, Kind::OverSpendingLimit],
    ..Operation::READ
};

/// `DELETE /api/rentals/{rental}/transfer`
pub(crate) const CANCEL_TRANSFER: Operation = Operation {
    id: "cancelTransfer",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/rentals/{rental}/transfer",
    summary: "Cancels an invitation you sent, or declines one you received.",
    access: Access::Account(Scope::Rent),
    status: 204,
    about_answer: "The invitation is closed.",
    ..Operation::READ
};

/// `GET /api/transfers`
pub(crate) const LIST_TRANSFERS: Operation = Operation {
    id: "listTransfers",
    group: GROUP,
    path: "/api/transfers",
    summary: "Lists the transfer invitations you received.",
    access: Access::Account(Scope::Read),
    about_answer: "Up to 20 invitations.",
    answer: Some(schema_of::<Vec<TransferView>>),
    ..Operation::READ
};

/// `POST /api/transfers/{rental}/accept`
pub(crate) const ACCEPT_TRANSFER: Operation = Operation {
    id: "acceptTransfer",
    group: GROUP,
    method: Method::POST,
    path: "/api/transfers/{rental}/accept",
    summary: "Accepts a rental transfer. Later refunds go to you, and your first SSH key replaces \
              those of the current renter.",
    access: Access::Account(Scope::Rent),
    dry_run: Some(schema_of::<DryRunView>),
    body: Some(schema_of::<AcceptBody>),
    is_body_optional: true,
    about_answer: "The transferred rental.",
    answer: Some(schema_of::<RentalView>),
    problems: &[
        Kind::NotFound,
        Kind::OwnSlice,
        Kind::OverLimit,
        Kind::RebuildRequired,
        Kind::SshKeyRequired,
    ],
    ..Operation::READ
};

/// To whom a rental is offered.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferBody {
    /// Whoever has an account with this address may take the rental over, for a week.
    #[schemars(regex(pattern = json::EMAIL))]
    pub email: String,
    /// Whether to tell what would be booked, which is nothing, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a request to take a rental over says.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct AcceptBody {
    /// Whether the machine may be rebuilt, which deletes all data on it: it must where `machine` of
    /// the invitation is `rebuild`.
    pub rebuild: bool,
    /// Whether to tell what would be booked, which is nothing, and change nothing.
    pub dry_run: bool,
}

/// An offer to take a rental over.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TransferView {
    /// The rental.
    pub rental: RentalView,
    /// The address of who offers it.
    pub from: String,
    /// The address of who may take it.
    pub to: String,
    /// Until when (RFC 3339).
    pub expires_at: String,
    /// What happens to the machine on acceptance, as it is now. `set-up`: it is set up with the new
    /// renter's SSH key. `keys-replaced`: their key replaces those of the current renter, and the
    /// machine is restarted, which ends open sessions; the data stays. `keys-only`: the same
    /// without a restart, so that open SSH sessions go on. `rebuild`: its keys can't be changed, so
    /// that it is rebuilt, and all data on it is deleted. `keys-kept`: the farm can do neither, so
    /// that the current renter's keys stay.
    pub machine: &'static str,
}

impl TransferView {
    /// Shows an offer. What the renter calls the rental is the renter's own.
    pub(crate) fn new(transfer: &Transfer, exchange: Exchange, now: Timestamp) -> TransferView {
        let own = Rental {
            name: String::new(),
            labels: Vec::new(),
            renewal: None,
            ..transfer.rental.clone()
        };
        TransferView {
            rental: RentalView::new(&own, now),
            from: transfer.from.clone(),
            to: transfer.to.clone(),
            expires_at: transfer.expires_at.to_string(),
            machine: exchange.into_str(),
        }
    }
}
