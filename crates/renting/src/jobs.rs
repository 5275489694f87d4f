//! What time does to quotes and rentals.

use domain::recurring;
use store::{due as kept, quotes, transfers, waitlist as lines};
use web::{Job, JobError};

use crate::{due, leaving, searches, waitlist};

/// Every recurring job of this feature. Rentals without access are not renewed, and renewed rentals
/// do not expire: they run in this order.
pub const JOBS: &[Job] = &[
    Job { about: &recurring::REFUND_WITHOUT_ACCESS, run: due::refund_without_access },
    Job { about: &recurring::RENEW, run: due::renew },
    Job { about: &recurring::REMIND, run: due::remind },
    Job { about: &recurring::NOTIFY_OF_LEAVING, run: leaving::notify },
    Job { about: &recurring::COMPLETE_LEAVING, run: leaving::complete },
    Job {
        about: &recurring::EXPIRE,
        run: |env| JobError::of_each(kept::expire(env.db, env.now, recurring::EXPIRE.limit())?),
    },
    Job {
        about: &recurring::EARN,
        run: |env| JobError::of_each(kept::earn(env.db, env.now, recurring::EARN.limit())?),
    },
    Job { about: &recurring::RELEASE_HOLDS, run: |env| Ok(quotes::release_due(env.db, env.now)?) },
    Job { about: &recurring::OFFER_WAITLIST_SLICES, run: waitlist::turns::offer },
    Job { about: &recurring::SWEEP_WAITLIST, run: |env| Ok(lines::sweep(env.db, env.now)?) },
    Job { about: &recurring::SWEEP_QUOTES, run: |env| Ok(quotes::sweep(env.db, env.now)?) },
    Job { about: &recurring::SWEEP_TRANSFERS, run: |env| Ok(transfers::sweep(env.db, env.now)?) },
    Job { about: &recurring::LOOK_FOR_SAVED_SEARCHES, run: searches::look::look },
];
