//! HTTP and HTML, shared by all components.
//!
//! A component binds handlers to routes; everything between the bytes of a request and a handler,
//! and between its result and the bytes of an answer, is here.

// Templates that other crates extend name this crate.
extern crate self as web;

mod address;
pub mod api;
pub mod assets;
mod audit;
pub mod body;
pub mod config;
pub mod confirmation;
pub mod context;
pub mod csv;
pub mod env;
pub mod form;
pub mod job;
pub mod json;
pub mod kept;
pub mod limit;
pub mod openapi;
pub mod operation;
pub mod page;
pub mod problem;
pub mod respond;
pub mod route;
pub mod session;
pub mod stored;
pub mod text;

pub use body::Body;
pub use config::{Config, FarmClaims};
pub use context::{Context, Request, Response};
pub use env::Env;
pub use job::{Job, JobError};
pub use problem::{Kind, Problem};
pub use route::{Route, dispatch};
