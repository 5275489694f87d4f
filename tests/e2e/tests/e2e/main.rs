//! Every route, over HTTP, on the real components: what it does, and every way it refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod checklist;
mod factors;
mod farm;
mod mail;
mod operations;
mod pages;
mod protected;
mod race;
mod readme;
mod refusals;
mod renting;
mod search;
mod sync;
mod wire;
