//! Every route, over HTTP, on the real components: what it does, and every way it refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod browser;
mod checklist;
mod factors;
mod farm;
mod mail;
mod operations;
mod operator;
mod pages;
mod protected;
mod race;
mod readme;
mod refusals;
mod renting;
mod search;
mod settings;
mod sync;
mod wire;
