//! The operation by which a farm confirms that a machine is gone.

use domain::account::Scope;
use http::Method;
use web::operation::{Access, Operation};

/// `POST /api/farm/nodes/{node}/slices/{number}/confirm-removed`
pub(crate) const CONFIRM_REMOVED: Operation = Operation {
    id: "confirmRemoved",
    group: "Agents",
    method: Method::POST,
    path: "/api/farm/nodes/{node}/slices/{number}/confirm-removed",
    summary: "Confirms the removal of an ended rental's machine on a farm without an agent. The \
              slice is offered again.",
    access: Access::Account(Scope::Farm),
    status: 204,
    about_answer: "The slice is offered again if the node has capacity for it.",
    ..Operation::READ
};
