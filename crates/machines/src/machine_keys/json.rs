//! Which SSH keys get in to the machines of a rental.

use domain::account::Scope;
use domain::id::{ActionId, JobId};
use domain::machine_action::MachineAction;
use domain::ssh::SshKey;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::jobs::Machine;
use store::ssh_keys::{KeyLines, RegisteredKey};
use web::operation::{Access, Operation, schema_of};
use web::{Context, Kind};

use crate::actions::json::{ActionView, GROUP};

/// The most keys of one machine: agents take no more.
pub(crate) const KEYS_MAX: usize = 16;

/// `GET /api/rentals/{rental}/keys`
pub(crate) const LIST_MACHINE_KEYS: Operation = Operation {
    id: "listMachineKeys",
    group: GROUP,
    path: "/api/rentals/{rental}/keys",
    summary: "Lists the SSH keys that the market puts on the machines of a rental.",
    access: Access::Account(Scope::Read),
    about_answer: "The keys. Keys that you added on a machine yourself are not among them.",
    answer: Some(schema_of::<MachineKeys>),
    ..Operation::READ
};

/// `PUT /api/rentals/{rental}/keys`
pub(crate) const SET_MACHINE_KEYS: Operation = Operation {
    id: "setMachineKeys",
    group: GROUP,
    method: Method::PUT,
    path: "/api/rentals/{rental}/keys",
    summary: "Changes the SSH keys on the machines of a rental while they run.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    body: Some(schema_of::<KeysBody>),
    about_answer: "The keys, and an action for each machine that waits for the farm's agent. Keys \
                   that you added on a machine yourself stay. SSH sessions that are open go on \
                   until they are closed or the machine restarts.",
    answer: Some(schema_of::<KeysChanged>),
    problems: &[
        Kind::NotFound,
        Kind::MachineNotReady,
        Kind::MachineActionOpen,
        Kind::MachineActionUnsupported,
    ],
    ..Operation::READ
};

/// Which keys get in.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct KeysBody {
    /// The ids of 1 to 16 of your SSH keys. All others that the market has put there are removed.
    #[serde(default)]
    #[schemars(length(min = 1, max = 16))]
    pub ssh_key_ids: Vec<String>,
}

/// The keys that get in to the machines of a rental.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MachineKeys {
    /// Each key.
    pub keys: Vec<MachineKey>,
}

/// A key that gets in.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MachineKey {
    /// Its id among your SSH keys; null if it is not there any more.
    pub ssh_key_id: Option<String>,
    /// In OpenSSH's form, in one line.
    pub public_key: String,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
}

impl MachineKeys {
    /// Shows keys; `own` are those of the account that looks.
    pub(crate) fn new(KeyLines(lines): &KeyLines, own: &[RegisteredKey]) -> MachineKeys {
        let show = |line: &String| MachineKey {
            ssh_key_id: own.iter().find(|key| key.line == *line).map(|key| key.id.to_string()),
            public_key: line.clone(),
            fingerprint: fingerprint(line),
        };
        MachineKeys { keys: lines.iter().map(show).collect() }
    }
}

/// The fingerprint of a key that was taken once.
pub(crate) fn fingerprint(line: &str) -> String {
    SshKey::parse("key", line).map_or_else(|_| line.to_owned(), |key| key.fingerprint)
}

/// The keys, and what brings them to the machines.
#[derive(Serialize, JsonSchema)]
pub(crate) struct KeysChanged {
    /// Each key.
    pub keys: Vec<MachineKey>,
    /// The action of each machine.
    pub actions: Vec<ActionView>,
}

impl KeysChanged {
    pub(crate) fn new(
        cx: &Context<'_>,
        keys: &KeyLines,
        own: &[RegisteredKey],
        machines: &[Machine],
        actions: &[(ActionId, &JobId, MachineAction)],
    ) -> KeysChanged {
        let action = |((id, _, kind), machine): (&(ActionId, &JobId, MachineAction), &Machine)| {
            ActionView::requested(*id, *kind, machine.slice, cx.now)
        };
        KeysChanged {
            keys: MachineKeys::new(keys, own).keys,
            actions: actions.iter().zip(machines).map(action).collect(),
        }
    }
}
