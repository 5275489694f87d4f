//! A password for the console of a machine.

use domain::account::Scope;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use web::Kind;
use web::operation::{Access, Operation, schema_of};

use crate::actions::json::{ActionView, GROUP};

/// `POST /api/rentals/{rental}/console-password`
pub(crate) const SET_CONSOLE_PASSWORD: Operation = Operation {
    id: "setConsolePassword",
    group: GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/console-password",
    summary: "Sets a new password for a machine's console and returns it once. It takes no \
              idempotency key, because the answer has a secret.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<PasswordBody>),
    is_body_optional: true,
    status: 201,
    about_answer: "The password, which works once the action is done. It can't be shown again; \
                   set another one instead.",
    answer: Some(schema_of::<PasswordAnswer>),
    problems: &[
        Kind::NotFound,
        Kind::MachineNotReady,
        Kind::MachineActionOpen,
        Kind::MachineActionUnsupported,
    ],
    ..Operation::READ
};

/// Which machine's console.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ConsolePasswordBody")]
pub(crate) struct PasswordBody {
    /// The number of the slice on its node; may be left out where the rental has one.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub slice: Option<u32>,
}

/// A password, shown once.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PasswordAnswer {
    /// The password of the user that you log in as. It doesn't work for SSH.
    pub password: String,
    /// What sets it.
    pub action: ActionView,
}
