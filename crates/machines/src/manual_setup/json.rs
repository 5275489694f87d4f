//! What farmers set up by hand, in JSON.

use domain::account::Scope;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::jobs::ManualSetup;
use store::ssh_keys::KeyLines;
use web::Kind;
use web::operation::{Access, Operation, schema_of};

use crate::agent::json::{AccessBody, GROUP};
use crate::ports::json::PortView;

/// `GET /api/farm/nodes/{node}/manual-setups`
pub(crate) const LIST_MANUAL_SETUPS: Operation = Operation {
    id: "listManualSetups",
    group: GROUP,
    path: "/api/farm/nodes/{node}/manual-setups",
    summary: "Lists the machines that you set up by hand on a node of a farm without an agent.",
    access: Access::Account(Scope::Farm),
    about_answer: "Each rented slice, by number: those that wait for you, and those you have set \
                   up.",
    answer: Some(schema_of::<ManualSetups>),
    ..Operation::READ
};

/// `POST /api/farm/nodes/{node}/slices/{number}/confirm-setup`
pub(crate) const CONFIRM_SETUP: Operation = Operation {
    id: "confirmSetup",
    group: GROUP,
    method: Method::POST,
    path: "/api/farm/nodes/{node}/slices/{number}/confirm-setup",
    summary: "Confirms that you have set up a machine by hand, and how its renter gets in. Sent \
              again, it changes how.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<ManualSetupBody>),
    status: 204,
    about_answer: "The renter is notified, and the rental earns from its start.",
    problems: &[Kind::MachineNotReady, Kind::NoEncryptionKeys],
    ..Operation::READ
};

/// What a farmer sets up by hand.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ManualSetups {
    /// Each machine, by slice.
    pub setups: Vec<ManualSetupView>,
}

impl ManualSetups {
    /// Shows machines that a farmer makes by hand.
    pub(crate) fn new(setups: &[ManualSetup]) -> ManualSetups {
        ManualSetups { setups: setups.iter().map(ManualSetupView::new).collect() }
    }
}

/// A machine that a farmer sets up by hand.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ManualSetupView {
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// The rental, which is sent with the confirmation.
    pub rental_id: String,
    /// `needs-key` until the renter has an SSH key, `waiting` for you, or `done`.
    pub state: &'static str,
    /// The public keys to let in, one line each.
    pub ssh_keys: Vec<String>,
    /// The template that the renter has chosen, such as `docker`; null for none.
    pub template: Option<String>,
    /// The ports that are to be reachable beside SSH.
    pub ports: Vec<PortView>,
    /// Since when the machine is waited for (RFC 3339).
    pub since: String,
    /// When the renter is refunded in full, unless you have confirmed by then (RFC 3339); null
    /// where nothing is waited for.
    pub refund_at: Option<String>,
}

impl ManualSetupView {
    fn new(setup: &ManualSetup) -> ManualSetupView {
        let ManualSetup { slice, rental, state, ssh_keys: KeyLines(ssh_keys), .. } = setup;
        ManualSetupView {
            slice_id: slice.to_string(),
            rental_id: rental.to_string(),
            state: (*state).into_str(),
            ssh_keys: ssh_keys.clone(),
            template: setup.template.clone(),
            ports: setup.ports.iter().copied().map(PortView::new).collect(),
            since: setup.since.to_string(),
            refund_at: state.is_owed().then(|| setup.refund_at.to_string()),
        }
    }
}

/// A machine was set up by hand.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ManualSetupBody {
    /// The rental that it was set up for, from `listManualSetups`.
    pub rental_id: String,
    /// The keys that get in, from there as well.
    #[schemars(length(min = 1, max = 16))]
    pub ssh_keys: Vec<String>,
    /// How the machine is reached.
    pub access: AccessBody,
}
