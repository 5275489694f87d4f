//! The checklist of `SECURITY.md`, one module for each of its headings. A test has the number of
//! its item in its name, and shows it from outside, over HTTP.

mod authentication;
mod authorization;
mod business;
pub(crate) mod crash;
mod headers;
mod injection;
