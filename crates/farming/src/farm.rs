//! Farm: pages and the API.

pub(crate) mod dashboard;
pub(crate) mod json;
pub(crate) mod node;
pub(crate) mod page;
pub(crate) mod sla;
