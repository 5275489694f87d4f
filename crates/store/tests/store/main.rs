//! The store against real SQLite: statements, races, constraints, plans, and a model.
//!
//! One program for all subjects, so that SQLite is linked once. `market` is what they share.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod accounts;
mod audit;
mod challenges;
mod commands;
mod dump;
mod ends;
mod factors;
mod farm;
mod invariants;
mod ledger;
mod limits;
mod mails;
mod market;
mod migrate;
mod model;
mod plans;
mod races;
mod rent;
mod schema;
mod search;
mod sessions;
mod sync;
mod tokens;
