//! The state of the market, on its page and in the API.

pub(crate) mod checks;
pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod ribbon;
