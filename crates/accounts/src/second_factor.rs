//! Second factors: passkeys, authenticator apps and recovery codes, on pages and in the API.

pub(crate) mod json;
pub(crate) mod page;
