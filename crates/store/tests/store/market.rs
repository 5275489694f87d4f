//! What the tests share: a market, its people, and one line for each thing that they do.

use std::path::PathBuf;

use domain::account::Email;
use domain::id::{AccountId, NodeId, RentalId};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::node::{Capacity, NodeReport, NodeStatus, Refusal, Resources};
use domain::promise::{Bandwidth, Uptime};
use domain::rental::{IdempotencyKey, RentRequest};
use domain::term::Term;
use domain::time::Timestamp;
use rusqlite::types::ValueRef;
use store::ledger::{Credit, Credited};
use store::nodes::Terms;
use store::rentals::{Order, Rental, RentFailure};
use store::{Db, RusqliteDb, accounts, ledger, migrate, nodes, rentals};
use tempfile::TempDir;

/// 2026-11-22T17:08:41Z.
pub(crate) const NOW: Timestamp = Timestamp::EPOCH_OF_TESTS;
