//! The SSH public keys of an account.

use domain::account::Scope;
use domain::id::SshKeyId;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::ssh_keys::{KeyOnMachine, RegisteredKey};
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

const GROUP: &str = "SSH keys";

/// `GET /api/account/ssh-keys`
pub(crate) const LIST_SSH_KEYS: Operation = Operation {
    id: "listSshKeys",
    group: GROUP,
    path: "/api/account/ssh-keys",
    summary: "Lists your SSH public keys, oldest first. The first one is the default.",
    access: Access::Account(Scope::Read),
    about_answer: "All your keys, up to 20.",
    answer: Some(schema_of::<SshKeys>),
    ..Operation::READ
};

/// `POST /api/account/ssh-keys`
pub(crate) const ADD_SSH_KEY: Operation = Operation {
    id: "addSshKey",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/ssh-keys",
    summary: "Adds an SSH public key. Machines waiting for a key are then set up.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<SshKeyBody>),
    status: 201,
    about_answer: "The key.",
    answer: Some(schema_of::<SshKeyView>),
    problems: &[Kind::SshKeyTaken, Kind::TooManySshKeys],
    ..Operation::READ
};

/// `DELETE /api/account/ssh-keys/{key}`
pub(crate) const REMOVE_SSH_KEY: Operation = Operation {
    id: "removeSshKey",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/account/ssh-keys/{key}",
    summary: "Removes an SSH public key from the account. Machines that already have it keep it \
              until you change their keys, and SSH sessions that are open go on.",
    access: Access::Account(Scope::Rent),
    status: 204,
    about_answer: "The key was removed.",
    ..Operation::READ
};

/// A key to register.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SshKeyBody {
    /// What you call it; its comment where it is left out.
    #[serde(default)]
    #[schemars(length(max = 80))]
    pub name: String,
    /// One public key in OpenSSH's form: ed25519, ecdsa, rsa with 2,048 bits or more, or sk-.
    #[schemars(length(min = 1, max = 4096))]
    pub public_key: String,
}

/// Keys.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SshKeys {
    /// The oldest first.
    pub items: Vec<SshKeyView>,
}

/// A key.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SshKeyView {
    /// Its id: send it as `ssh_key_id` to rent.
    pub id: String,
    /// What you call it.
    pub name: String,
    /// In OpenSSH's form, in one line.
    pub public_key: String,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// When it was registered (RFC 3339).
    pub created_at: String,
    /// The slices whose machines have it, which removing it here does not change.
    pub machines: Vec<String>,
}

impl SshKeyView {
    /// Shows a key.
    pub(crate) fn new(key: &RegisteredKey, on_machines: &[KeyOnMachine]) -> SshKeyView {
        let has_it = |machine: &&KeyOnMachine| machine.line == key.line;
        SshKeyView {
            id: key.id.to_string(),
            name: key.name.clone(),
            public_key: key.line.clone(),
            fingerprint: key.fingerprint.clone(),
            created_at: key.created_at.to_string(),
            machines: on_machines.iter().filter(has_it).map(|it| it.place.clone()).collect(),
        }
    }
}

/// A key's id in a path; what is not one does not exist.
pub(crate) fn ssh_key_id(text: &str) -> Result<SshKeyId, Problem> {
    SshKeyId::parse(text).ok_or_else(Problem::not_found)
}
