//! An account: the forms to sign up and in, and what the API says of it.

pub(crate) mod json;
pub(crate) mod page;
pub(crate) mod way_on;
