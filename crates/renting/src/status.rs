//! Status: pages and the API.

pub(crate) mod json;
pub(crate) mod page;
