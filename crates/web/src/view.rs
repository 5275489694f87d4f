//! Fills the pages from what the store gives: all wording of dates, money and states is here.
//!
//! Each page has a constructor in the module of its name. It takes a [`Visit`] and values of the
//! store, and gives text that is ready to print.

mod account;
mod activity;
mod add_nodes;
mod asset;
mod badge;
mod books;
mod browser;
mod claims;
mod codes;
mod compute;
mod dashboard;
mod docs;
mod error;
mod factors;
mod farm;
mod farm_market;
mod farm_node;
mod farm_promise;
mod home;
mod leaving;
mod levels;
mod limits;
mod moment;
mod node;
mod notice;
mod notices;
mod offering;
mod operator;
mod order;
mod payout;
mod payouts;
mod provision;
mod rental;
mod settings;
mod slices;
mod status;
mod upkeep;
mod visit;
mod walk;
mod wallet;
mod webhooks;
pub(crate) mod wording;

pub use account::{HOME, next};
pub use activity::ACTIVITY_PER_PAGE;
pub use asset::asset_type;
pub use books::statement_table;
pub use claims::FARMS_PER_PAGE;
pub use compute::NODES_PER_PAGE;
pub use factors::{SETTINGS, back};
pub use farm::{FARM_NODES_PER_PAGE, read_node};
pub use farm_node::{read_change, read_version};
pub use leaving::{read_day, read_destination};
pub use levels::{CREDITS_PER_PAGE, MONTHS_PER_NODE};
pub use notice::Done;
pub use notices::{
    NOTICES_PER_PAGE, kind_words, notice_path, notice_time, notice_title, read_choices,
};
pub use offering::{HISTORY_PER_PAGE, read_window};
pub use operator::{ACCOUNTS_PER_PAGE, AUDIT_PER_PAGE, Standing, with_prefix};
pub use order::{Order, read_order};
pub use payouts::{PAYOUTS_PER_PAGE, read_payout};
pub use provision::SSH_KEYS;
pub use rental::{read_own, read_renewal};
pub use settings::read_token;
pub use slices::RENTALS_PER_PAGE;
pub use upkeep::{SYNC_RUNS_PER_PAGE, SyncStanding};
pub use visit::Visit;
pub use wallet::{ENTRIES_PER_PAGE, TOP_UPS_SHOWN, read_top_up};
pub use webhooks::DELIVERIES_PER_PAGE;
pub use wording::belongs_to_form;
