//! Does what time does to rentals, and copies capacity, status and uptime from the grid.

use farming::{jobs as nodes, sync};
use renting::jobs as rentals;

edge::cron!(
    GridSync,
    &[
        rentals::PAY_BACK,
        rentals::RENEW,
        rentals::REMIND,
        rentals::TELL_OF_LEAVING,
        rentals::LEAVE,
        rentals::EXPIRE,
        rentals::EARN,
        sync::CHECK_FARMS,
        nodes::SAMPLE_MARKET,
        nodes::SUGGEST_PRICES,
        nodes::SWEEP_SAMPLES,
        nodes::JUDGE_PROMISES,
        nodes::PAY_OWED,
        nodes::RANK_NODES,
        nodes::FOLD_LOOKS,
        operating::CHECK_MARKET,
        sync::SWEEP_SYNC,
        sync::SYNC,
    ]
);
