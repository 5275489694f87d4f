//! What people do, one journey a module. Every test has a market and a browser of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod farming;
mod journey;
mod kept;
mod live;
mod machines;
mod passkey;
mod payment;
mod renting;
