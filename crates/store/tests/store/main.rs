//! The store against real SQLite: statements, races, constraints, plans, and a model.
//!
//! One program for all subjects, so that SQLite is linked once. `market` is what they share.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod accounts;
mod archives;
mod audit;
mod challenges;
mod commands;
mod comparisons;
mod dashboard;
mod due;
mod dump;
mod early;
mod ends;
mod events;
mod extend;
mod factors;
mod farm;
mod farms;
mod future_times;
mod history;
mod invariants;
mod job_runs;
mod jobs;
mod leaving;
mod ledger;
mod ledger_chain;
mod limits;
mod listings;
mod mails;
mod maintenance;
mod market;
mod meanwhile;
mod migrate;
mod model;
mod model_leave;
mod model_life;
mod model_pay;
mod model_rent;
mod notifications;
mod observations;
mod offering;
mod outages;
mod payouts;
mod plans;
mod quotes;
mod races;
mod receipts;
mod reconciliation;
mod refusals;
mod rent;
mod reversals;
mod saved_searches;
mod scans;
mod schema;
mod schema_file;
mod search;
mod sessions;
mod several;
mod sla_alerts;
mod sla_random;
mod sla_results;
mod ssh_keys;
mod statements;
mod status;
mod sync;
mod sync_runs;
mod tokens;
mod top_ups;
mod transfers;
mod trigger_order;
mod unproven;
mod waitlist;
mod webhooks;
mod whole;

/// What a new renter brings to a rental that has no machine.
const NO_MACHINES: store::transfers::Handover<'static> =
    store::transfers::Handover { keys: &store::ssh_keys::KeyLines(Vec::new()), actions: &[] };
