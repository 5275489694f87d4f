//! Every SQL statement, and what its rows mean.
//!
//! The store is synchronous, and every change of state is one statement: an `INSERT` into a
//! command view of `migrations/`, or an `UPDATE` that names the version it read.

pub mod access;
pub mod accounts;
pub mod agents;
pub mod archive_file;
pub mod archives;
pub mod audit;
pub mod chain;
pub mod challenges;
pub mod comparisons;
pub mod dashboard;
pub mod db;
#[cfg(feature = "rusqlite")]
pub mod db_rusqlite;
pub mod disputes;
pub mod due;
pub mod events;
pub mod factors;
pub mod farms;
pub mod future_times;
pub mod incidents;
pub mod invariants;
pub mod job_runs;
pub mod jobs;
pub mod leaving;
pub mod ledger;
pub mod ledger_chain;
pub mod limits;
pub mod listings;
pub mod machine_actions;
pub mod machines;
pub mod mails;
pub mod maintenance;
pub mod migrate;
pub mod nodes;
pub mod notifications;
pub mod observations;
pub mod offering;
pub mod offers;
pub mod outages;
pub mod overview;
pub mod payouts;
pub mod ports;
pub mod quotes;
pub mod receipts;
pub mod refusal;
pub mod rentals;
pub mod renting;
pub mod responses;
pub mod revenue;
pub mod row;
pub mod samples;
pub mod saved_searches;
pub mod schema;
pub mod sealed;
pub mod sessions;
pub mod sla_alerts;
pub mod sla_results;
pub mod ssh_keys;
pub mod statements;
pub mod status;
pub mod sync;
pub mod sync_runs;
pub mod tokens;
pub mod top_ups;
pub mod transfers;
pub mod unprovisioned;
pub mod violations;
pub mod webhooks;

pub use db::{Db, NoDatabase, Row, Rows, StoreError, Value};
#[cfg(feature = "rusqlite")]
pub use db_rusqlite::RusqliteDb;
pub use refusal::Refusal;
