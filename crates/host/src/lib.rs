//! Runs what a `spin.toml` says in wasmtime: for development, tests and single machines.
//!
//! It offers the interfaces that our components import and no more, and behaves as Spin does where
//! a component can notice. What it does not know is an error at start that names the place.
//!
//! Start reading at [`Host::start`]; a request goes `http` → `route` → `dispatch` → the guest →
//! `state`, and from there to `sqlite`, `variables` or `outbound`.

mod bindings;
mod component;
mod connect;
mod control;
mod cron;
mod dev_mail;
mod dispatch;
mod engine;
mod files;
mod http;
mod linker;
mod logs;
pub mod manifest;
mod networks;
mod options;
mod outbound;
mod problem;
mod room;
mod route;
mod running;
mod sqlite;
mod state;
mod turns;
mod variables;

pub use control::ask_to_fire;
pub use options::{Clock, HostOptions, Limits, Outbound, Randomness};
pub use running::Host;

pub(crate) use running::Running;
