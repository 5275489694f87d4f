//! What every component needs of Spin: request in, answer out, database, variables, the network.
//!
//! The only crate, besides the components themselves, that knows Spin.

pub mod cron;

mod body;
mod database;
mod env;
mod outbound;
mod serve;

pub use body::{Body, StreamBody};
pub use serve::{serve, serve_without_database};

#[expect(clippy::pedantic, reason = "generated from the interfaces that the host offers")]
mod bindings {
    wit_bindgen::generate!({
        path: "../host/wit",
        world: "mycelium:host/imports",
        generate_all,
    });
}
