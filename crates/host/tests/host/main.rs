//! The host on real components: one program, because each links wasmtime.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod command;
mod cron;
mod dev_mail;
mod http;
mod robustness;
mod settings;
mod sqlite;
mod start;
mod support;
mod waiting;
