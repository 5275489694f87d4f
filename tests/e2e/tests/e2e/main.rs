//! Every route, over HTTP, on the real components: what it does, and every way it refuses.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accounts;
mod browser;
mod checklist;
mod clients;
mod comparison;
mod demo;
mod events;
mod factors;
mod farm;
mod holding;
mod hostile;
mod leaving;
mod lives;
mod login;
mod mail;
mod notifications;
mod offers;
mod operations;
mod operator;
mod ownership;
mod pages;
mod payments;
mod payouts;
mod previews;
mod protected;
mod provisioning;
mod quotes;
mod race;
mod refusals;
mod renting;
mod revenue;
mod search;
mod settings;
mod sla;
mod soak;
mod statements;
mod sync;
mod sync_runs;
mod tutorial;
mod two_hosts;
mod wire;
mod year;
