//! Every route, over HTTP, on the real components: what it does, and every way it refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod books;
mod browser;
mod checklist;
mod events;
mod factors;
mod farm;
mod holding;
mod lives;
mod mail;
mod operations;
mod operator;
mod pages;
mod payments;
mod protected;
mod provisioning;
mod quotes;
mod race;
mod readme;
mod refusals;
mod renting;
mod search;
mod settings;
mod soak;
mod sync;
mod wire;
