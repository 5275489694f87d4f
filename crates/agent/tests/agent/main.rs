//! The agent and its drivers, as programs: against a market that keeps to the contract, with real
//! SSH servers and real SSH clients.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod addresses;
mod change;
mod checks;
mod console;
mod crash;
mod drivers;
mod grid;
mod lease;
mod linux;
mod login;
mod market;
mod ports;
mod power;
mod setup;
mod shell;
mod stop;
mod watch;
