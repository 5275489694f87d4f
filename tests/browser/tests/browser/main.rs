//! What people do, one journey a module. Every test has a market and a browser of its own.

mod access;
mod farming;
mod journey;
mod live;
mod passkey;
mod payment;
mod renting;
