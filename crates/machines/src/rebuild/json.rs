//! What a machine is made anew with.

use domain::account::Scope;
use domain::field::FieldError;
use domain::template::{Template, parse_user_data};
use http::Method;
use schemars::JsonSchema;
use serde::Deserialize;
use web::Kind;
use web::form::keep;
use web::operation::{Access, Operation, schema_of};

use crate::actions::json::{ActionView, GROUP};

/// `POST /api/rentals/{rental}/rebuild`
pub(crate) const REBUILD_MACHINE: Operation = Operation {
    id: "rebuildMachine",
    group: GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/rebuild",
    summary: "Deletes everything on a machine and sets it up again, with the same address and \
              ports.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    body: Some(schema_of::<RebuildBody>),
    status: 201,
    about_answer: "The action, which waits for the farm's agent. The machine has new host keys \
                   afterwards.",
    answer: Some(schema_of::<ActionView>),
    problems: &[
        Kind::NotFound,
        Kind::MachineNotReady,
        Kind::MachineActionOpen,
        Kind::MachineActionUnsupported,
        Kind::NoEncryptionKeys,
    ],
    ..Operation::READ
};

/// What a machine is made anew with.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RebuildBody {
    /// The number of the slice on its node; may be left out where the rental has one.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub slice: Option<u32>,
    /// A template: `plain`, `docker`, `k3s`, `postgresql` or `web`. Without one, and without user
    /// data, the machine has the farm's image as it is.
    #[serde(default)]
    pub template: Option<String>,
    /// Your own document for cloud-init, up to 16 KiB, instead of a template.
    #[serde(default)]
    pub user_data: Option<String>,
}

impl RebuildBody {
    /// Reads the template or the user data, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(Option<Template>, Option<String>), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let template = self.template.as_ref();
        let template = template.and_then(|it| keep(&mut wrong, Template::parse("template", it)));
        let user_data = self.user_data.as_ref();
        let user_data = user_data.and_then(|it| keep(&mut wrong, parse_user_data("user_data", it)));
        if template.is_some() && user_data.is_some() {
            wrong.push(FieldError::new("user_data", "no template in the same request"));
        }
        if wrong.is_empty() { Ok((template, user_data)) } else { Err(wrong) }
    }
}
