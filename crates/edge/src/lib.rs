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

/// What a handler of a component is given.
pub type Context<'a> = web::Context<'a, SpinDb>;
/// A route of a component.
pub type Route = web::Route<SpinDb>;

#[expect(clippy::pedantic, reason = "generated from the interfaces that the host offers")]
mod bindings {
    wit_bindgen::generate!({
        path: "../host/wit",
        world: "mycelium:host/imports",
        generate_all,
    });
}
