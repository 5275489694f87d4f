//! What every component needs of Spin: request in, answer out, database, variables, the network.
//!
//! The only crate, besides the components themselves, that knows Spin.

pub mod outbound;
pub mod recurring;

mod database;
mod live;
mod serve;
mod variables;

pub use database::{SpinDb, current_database};
pub use live::{FeedBody, LiveBody};
pub use serve::{serve, serve_live, serve_waiting};
pub use variables::{config, keys, variable};
pub use web::ambient::now;

pub use web::{Context, Route};

#[expect(clippy::pedantic, reason = "generated from the interfaces that the host offers")]
mod bindings {
    wit_bindgen::generate!({
        path: "../host/wit",
        world: "mycelium:host/imports",
        generate_all,
    });
}
