//! The agent of a farmer: takes jobs from the market, lets a driver make or remove machines, checks
//! them from outside, and tells what became of them. And the drivers themselves.
//!
//! `README.md` beside this crate is for those who run it, `DRIVERS.md` for those who write a
//! driver.

mod backoff;
mod client;
mod config;
mod console;
mod drive;
mod driver;
pub mod grid;
mod job;
mod journal;
pub mod linux;
mod log;
mod machine;
pub mod process;
pub mod protocol;
mod reach;
mod run;
mod stop;
mod turns;
mod usage;
mod watch;

pub use client::{Access, Job, Step};
pub use config::{Config, ConfigError};
pub use drive::{serve as serve_driver, serve_with_disk as serve_driver_with_disk};
pub use run::run;
