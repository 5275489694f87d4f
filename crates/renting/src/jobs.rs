//! What time does to quotes and rentals.
//!
//! What has no access is not renewed, and who is renewed does not expire: run them in this order.

use domain::recurring;
use store::{due as kept, quotes, transfers};
use web::{Job, JobError};

use crate::due;
use crate::leaving;

/// Quotes that hold slices.
pub const RELEASE_HOLDS: Job =
    Job { about: &recurring::RELEASE_HOLDS, run: |env| Ok(quotes::release_due(env.db, env.now)?) };

/// Rentals without access.
pub const PAY_BACK: Job = Job { about: &recurring::PAY_BACK, run: due::pay_back };

/// Rentals that renew themselves.
pub const RENEW: Job = Job { about: &recurring::RENEW, run: due::renew };

/// Reminders of ends.
pub const REMIND: Job = Job { about: &recurring::REMIND, run: due::remind };

/// Nodes that leave the market.
pub const TELL_OF_LEAVING: Job = Job { about: &recurring::TELL_OF_LEAVING, run: leaving::tell };

/// Nodes whose day to leave has come.
pub const LEAVE: Job = Job { about: &recurring::LEAVE, run: leaving::leave };

/// Rentals that are over.
pub const EXPIRE: Job = Job {
    about: &recurring::EXPIRE,
    run: |env| JobError::of_each(kept::expire(env.db, env.now, recurring::EXPIRE.limit())?),
};

/// What rentals have earned.
pub const EARN: Job = Job {
    about: &recurring::EARN,
    run: |env| JobError::of_each(kept::earn(env.db, env.now, recurring::EARN.limit())?),
};

/// Quotes that are old.
pub const SWEEP_QUOTES: Job =
    Job { about: &recurring::SWEEP_QUOTES, run: |env| Ok(quotes::sweep(env.db, env.now)?) };

/// Transfers that nobody has accepted.
pub const SWEEP_TRANSFERS: Job =
    Job { about: &recurring::SWEEP_TRANSFERS, run: |env| Ok(transfers::sweep(env.db, env.now)?) };
