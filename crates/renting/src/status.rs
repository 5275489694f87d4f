//! The state of the market, on its page and in the API.

pub(crate) mod json;
pub(crate) mod page;
