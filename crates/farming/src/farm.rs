//! A farmer's farm and its nodes, on pages and in the API.

pub(crate) mod dashboard;
pub(crate) mod json;
pub(crate) mod node;
pub(crate) mod page;
pub(crate) mod sla;
