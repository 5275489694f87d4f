//! What the marketplace does again and again, as time passes: the one table of it.
//!
//! A job takes a bounded number of small steps. Each is a statement of its own that names what it
//! saw, so a run that dies is gone on with by the next one, and two at once do everything once.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::time::Timestamp;

/// Which component runs a job, and how often it is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RunBy {
    /// What time does to rentals, and the grid.
    GridSync,
    /// Mail, and small things.
    Mailer,
    /// Notifications and webhooks.
    Notifier,
}

impl RunBy {
    /// Every component that is woken by the clock.
    pub const ALL: [RunBy; 3] = [RunBy::GridSync, RunBy::Mailer, RunBy::Notifier];

    /// Its name in `spin.toml`.
    pub fn as_str(self) -> &'static str {
        match self {
            RunBy::GridSync => "grid-sync",
            RunBy::Mailer => "mailer",
            RunBy::Notifier => "notifier",
        }
    }

    /// When it is woken, as `spin.toml` says it.
    pub fn cron_expression(self) -> &'static str {
        match self {
            RunBy::GridSync => "0 */5 * * * *",
            RunBy::Mailer | RunBy::Notifier => "*/10 * * * * *",
        }
    }

    /// So many seconds apart, counted from the full hour.
    pub fn period_seconds(self) -> i64 {
        match self {
            RunBy::GridSync => 300,
            RunBy::Mailer | RunBy::Notifier => 10,
        }
    }

    /// When it is woken next after `now`.
    pub fn next(self, now: Timestamp) -> Timestamp {
        let period = self.period_seconds();
        Timestamp::from_seconds((now.seconds() / period + 1) * period)
    }
}

/// How much one run does at most. The code takes the number from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bound {
    /// How many.
    pub count: u32,
    /// Of what.
    pub of: &'static str,
}

impl Bound {
    const fn new(count: u32, of: &'static str) -> Bound {
        Bound { count, of }
    }
}

impl fmt::Display for Bound {
    /// Such as `2,000 nodes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.count / 1_000, self.count % 1_000) {
            (0, count) => write!(f, "{count} {}", self.of),
            (thousands, rest) => write!(f, "{thousands},{rest:03} {}", self.of),
        }
    }
}

/// Something that is done again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecurringJob {
    /// Its name.
    pub name: &'static str,
    /// Who does it.
    pub by: RunBy,
    /// How many seconds are at least between two runs; 0 where it is done whenever its component
    /// is woken.
    pub every_seconds: i64,
    /// What it does.
    pub does: &'static str,
    /// What bounds one run, at least one; the first is [`RecurringJob::limit`].
    pub bounds: &'static [Bound],
    /// How the next run goes on.
    pub resumed: &'static str,
}

impl RecurringJob {
    /// How many things one run does at most.
    pub const fn limit(&self) -> u32 {
        self.bounds[0].count
    }

    /// What bounds one run, such as `20 farms, 3 failures`.
    pub fn bounded(&self) -> String {
        self.bounds.iter().map(Bound::to_string).collect::<Vec<_>>().join(", ")
    }

    /// Whether it is to be done at `now`, when it was last begun at `last`. A last time that is
    /// still to come is one of a clock that was ahead.
    pub fn is_due(&self, last: Option<Timestamp>, now: Timestamp) -> bool {
        last.is_none_or(|last| !(0..self.every_seconds).contains(&now.seconds_since(last)))
    }

    /// When it is done next, when it was last begun at `last`.
    pub fn next(&self, last: Option<Timestamp>, now: Timestamp) -> Timestamp {
        let due = last.map_or(now, |last| last.plus_seconds(self.every_seconds - 1));
        if self.is_due(last, now) { self.by.next(now) } else { self.by.next(due.max(now)) }
    }
}

const GRID_SYNC: RecurringJob = RecurringJob {
    name: "",
    by: RunBy::GridSync,
    every_seconds: 0,
    does: "",
    bounds: &[Bound::new(500, "rentals, each in a statement of its own")],
    resumed: "what is still due is found again",
};

const MAILER: RecurringJob = RecurringJob { by: RunBy::Mailer, ..GRID_SYNC };

const NOTIFIER: RecurringJob = RecurringJob { by: RunBy::Notifier, ..GRID_SYNC };

/// Deletes up to 1,000 rows that nobody needs any more.
const SWEEP: RecurringJob = RecurringJob { bounds: &[Bound::new(1_000, "rows")], ..MAILER };

/// Rentals without access.
pub const PAY_BACK: RecurringJob = RecurringJob {
    name: "pay back",
    does: "Pays back, in full, rentals that have no access a day after they were paid.",
    ..GRID_SYNC
};

/// Rentals that renew themselves.
pub const RENEW: RecurringJob = RecurringJob {
    name: "renew",
    does: "Extends rentals that renew themselves, and tells of those that cannot be.",
    ..GRID_SYNC
};

/// Reminders.
pub const REMIND: RecurringJob = RecurringJob {
    name: "remind",
    does: "Reminds renters 14, 3 and 1 days before a rental ends.",
    resumed: "each reminder is written down once for each end",
    ..GRID_SYNC
};

/// Notices of nodes that leave.
pub const TELL_OF_LEAVING: RecurringJob = RecurringJob {
    name: "tell of nodes that leave",
    does: "Tells renters that the node of a rental leaves the market.",
    resumed: "each notice is written down once",
    ..GRID_SYNC
};

/// Nodes that leave.
pub const LEAVE: RecurringJob = RecurringJob {
    name: "let nodes leave",
    does: "Ends and refunds what is left on nodes whose day has come, and lets them leave.",
    ..GRID_SYNC
};

/// Ends of rentals.
pub const EXPIRE: RecurringJob = RecurringJob {
    name: "expire",
    does: "Begins the grace of rentals whose term is over, and ends those whose grace is over.",
    ..GRID_SYNC
};

/// Escrow.
pub const EARN: RecurringJob = RecurringJob {
    name: "earn",
    does: "Moves what was used, day by day, from escrow to who earned it.",
    ..GRID_SYNC
};

/// After how many failures no more farms are asked for: the grid is not there, and each takes its
/// time.
pub const CHECK_FAILURES: Bound = Bound::new(3, "failures");

/// Who owns farms.
pub const CHECK_FARMS: RecurringJob = RecurringJob {
    name: "check farms",
    does: "Asks the grid once an hour whether proven farms still belong to who proved them.",
    bounds: &[Bound::new(20, "farms"), CHECK_FAILURES],
    resumed: "those that wait the longest come first",
    ..GRID_SYNC
};

/// Samples of the market.
pub const SAMPLE_MARKET: RecurringJob = RecurringJob {
    name: "sample the market",
    does: "Samples once an hour what is offered and rented.",
    bounds: &[Bound::new(1, "statement")],
    resumed: "the hour is moved in the statement that samples it",
    ..GRID_SYNC
};

/// With how many nodes one is compared.
pub const SIMILAR_NODES: Bound = Bound::new(2_000, "similar nodes for each");

/// Suggestions.
pub const SUGGEST_PRICES: RecurringJob = RecurringJob {
    name: "suggest prices",
    does: "Compares prices with those of similar nodes, and tells farmers of better ones.",
    bounds: &[Bound::new(20, "nodes"), SIMILAR_NODES],
    resumed: "nodes that were not compared for long come first",
    ..GRID_SYNC
};

/// For how many nodes the sync asks in one request.
pub const SYNC_PAGE: Bound = Bound::new(200, "nodes in each");

/// How long the sync goes on asking.
pub const SYNC_SECONDS: Bound = Bound::new(100, "seconds");

/// The grid.
pub const SYNC: RecurringJob = RecurringJob {
    name: "sync",
    does: "Asks the grid for every registered node, and keeps what has changed.",
    bounds: &[Bound::new(300, "requests"), SYNC_PAGE, SYNC_SECONDS],
    resumed: "from the node behind which the last run stopped; one run at a time, by a lease",
    ..GRID_SYNC
};

/// Samples of long ago.
pub const SWEEP_SAMPLES: RecurringJob = RecurringJob {
    name: "sweep samples",
    by: RunBy::GridSync,
    does: "Deletes samples of the market and of searches after 400 days.",
    ..SWEEP
};

/// Months of rentals, against their promises.
pub const JUDGE_PROMISES: RecurringJob = RecurringJob {
    name: "judge promises",
    does: "Compares the months of rentals with their promises, and credits what was missed.",
    bounds: &[Bound::new(1_000, "months of rentals, each in a statement of its own")],
    resumed: "each month of a rental is judged once; those that are due are found again",
    ..GRID_SYNC
};

/// Credits that a farmer's earnings did not cover.
pub const PAY_OWED: RecurringJob = RecurringJob {
    name: "pay what is owed",
    does: "Pays credits that a farmer had not earned enough for.",
    bounds: &[Bound::new(200, "credits, each in a statement of its own")],
    resumed: "each is tried again after six hours",
    ..GRID_SYNC
};

/// The order by uptime.
pub const RANK_NODES: RecurringJob = RecurringJob {
    name: "rank nodes",
    does: "Ranks nodes by the uptime that is proven of them.",
    bounds: &[Bound::new(2_000, "nodes in one statement")],
    resumed: "from the node behind which the last run stopped",
    ..GRID_SYNC
};

/// Looks of long ago.
pub const FOLD_LOOKS: RecurringJob = RecurringJob {
    name: "fold looks",
    does: "Deletes looks at nodes after 90 days: the sums of their days are kept.",
    bounds: &[Bound::new(60_000, "looks, whole days")],
    resumed: "the oldest looks come first",
    ..GRID_SYNC
};

/// What the status page says.
pub const CHECK_MARKET: RecurringJob = RecurringJob {
    name: "check the market",
    does: "Checks invariants, and writes down how the market is.",
    bounds: &[Bound::new(8, "invariants, each in a statement of its own")],
    resumed: "the invariant that was not checked for longest comes first",
    ..GRID_SYNC
};

/// The history of syncs.
pub const SWEEP_SYNC: RecurringJob = RecurringJob {
    name: "sweep syncs",
    by: RunBy::GridSync,
    every_seconds: 60 * 60,
    does: "Deletes the history of syncs after 90 days, and documents that were not seen in \
           quarantine for 30.",
    ..SWEEP
};

/// How long a run goes on taking mails or messages, however slow those are who take them.
pub const SENDING_SECONDS: Bound = Bound::new(60, "seconds");

/// The outbox of mail.
pub const DELIVER_MAILS: RecurringJob = RecurringJob {
    name: "deliver mails",
    does: "Sends mail that is due.",
    bounds: &[Bound::new(100, "mails"), SENDING_SECONDS],
    resumed: "a mail that was taken and not sent is free again after 30 seconds",
    ..MAILER
};

/// Holds of quotes.
pub const RELEASE_HOLDS: RecurringJob = RecurringJob {
    name: "release holds",
    does: "Frees slices that a quote has held for its time.",
    bounds: &[Bound::new(500, "quotes, in one statement")],
    ..MAILER
};

/// Raises of prices.
pub const APPLY_RAISES: RecurringJob = RecurringJob {
    name: "apply raises",
    does: "Raises prices whose notice is over.",
    bounds: &[Bound::new(100, "nodes, each in a statement of its own")],
    ..MAILER
};

/// Maintenance.
pub const TELL_OF_MAINTENANCE: RecurringJob = RecurringJob {
    name: "tell of maintenance",
    does: "Tells renters that maintenance begins soon.",
    bounds: &[Bound::new(20, "windows, in one statement")],
    resumed: "each window is told of once",
    ..MAILER
};

/// Agents that are not heard of.
pub const GIVE_UP_JOBS: RecurringJob = RecurringJob {
    name: "give up jobs",
    does: "Gives up making machines that were tried too often.",
    bounds: &[Bound::new(100, "jobs of agents, in one statement")],
    ..MAILER
};

/// Agents that are late.
pub const TELL_OF_LATE_JOBS: RecurringJob = RecurringJob {
    name: "tell of late jobs",
    does: "Tells people of access that is late, and of machines that are not removed in time.",
    bounds: &[Bound::new(100, "jobs of agents, each in a statement of its own")],
    resumed: "each is told of once",
    ..MAILER
};

/// Seals of the audit log.
pub const SEAL_AUDIT: RecurringJob = RecurringJob {
    name: "seal the audit log",
    does: "Seals what was written to the audit log.",
    bounds: &[Bound::new(500, "entries")],
    resumed: "behind the last seal, which is compared",
    ..MAILER
};

/// Seals of the ledger.
pub const SEAL_LEDGER: RecurringJob = RecurringJob {
    name: "seal the ledger",
    does: "Seals what was booked.",
    bounds: &[Bound::new(500, "bookings")],
    resumed: "behind the last seal, which is compared",
    ..MAILER
};

/// Mail of long ago.
pub const SWEEP_MAILS: RecurringJob =
    RecurringJob { name: "sweep mails", does: "Deletes mail that was sent long ago.", ..SWEEP };

/// Sessions that are over.
pub const SWEEP_SESSIONS: RecurringJob =
    RecurringJob { name: "sweep sessions", does: "Deletes sessions that are over.", ..SWEEP };

/// Tokens that are over.
pub const SWEEP_TOKENS: RecurringJob =
    RecurringJob { name: "sweep tokens", does: "Deletes tokens that are over.", ..SWEEP };

/// Challenges that are over.
pub const SWEEP_CHALLENGES: RecurringJob = RecurringJob {
    name: "sweep challenges",
    does: "Deletes challenges and codes that are over.",
    ..SWEEP
};

/// Limits that limit nobody any more.
pub const SWEEP_LIMITS: RecurringJob =
    RecurringJob { name: "sweep limits", does: "Deletes limits that nobody is near.", ..SWEEP };

/// Quotes that are over.
pub const SWEEP_QUOTES: RecurringJob =
    RecurringJob { name: "sweep quotes", does: "Deletes quotes that were not used.", ..SWEEP };

/// Invitations that are over.
pub const SWEEP_TRANSFERS: RecurringJob = RecurringJob {
    name: "sweep transfers",
    does: "Deletes invitations to take over a rental that are over.",
    ..SWEEP
};

/// Agents of long ago.
pub const SWEEP_AGENTS: RecurringJob = RecurringJob {
    name: "sweep agents",
    every_seconds: 60 * 60,
    does: "Forgets agents that were not seen for 90 days.",
    ..SWEEP
};

/// The log of the database.
pub const CHECKPOINT: RecurringJob = RecurringJob {
    name: "checkpoint",
    every_seconds: 60 * 60,
    does: "Moves what is in the database's write-ahead log into its file.",
    bounds: &[Bound::new(1, "statement, which waits for no reader")],
    resumed: "by the next one, or by any writer",
    ..MAILER
};

/// The planner of the database.
pub const OPTIMIZE: RecurringJob = RecurringJob {
    name: "optimize",
    every_seconds: 60 * 60,
    does: "Lets the database look anew at tables that have grown tenfold, once the market has.",
    bounds: &[Bound::new(1, "statement, which samples the rows of each index")],
    resumed: "tables that were not looked at are looked at the next time",
    ..MAILER
};

/// How many months of nodes are looked at in one statement.
pub const MONTHS_PER_STATEMENT: Bound = Bound::new(200, "in a statement");

/// Promises.
pub const LOOK_AT_PROMISES: RecurringJob = RecurringJob {
    name: "look at promises",
    does: "Looks whether what was promised for a month can still be kept.",
    bounds: &[Bound::new(1_000, "months of nodes"), MONTHS_PER_STATEMENT],
    ..NOTIFIER
};

/// Of how many events mails and messages are made in one statement.
pub const EVENTS_PER_STATEMENT: Bound = Bound::new(500, "in a statement");

/// Notices.
pub const TELL: RecurringJob = RecurringJob {
    name: "tell",
    does: "Makes mails and messages of what has happened.",
    bounds: &[Bound::new(2_000, "events"), EVENTS_PER_STATEMENT],
    resumed: "behind a cursor, which is moved in the statement that makes them",
    ..NOTIFIER
};

/// How many messages are posted at once.
pub const MESSAGES_AT_ONCE: Bound = Bound::new(16, "messages at once");

/// Webhooks.
pub const DELIVER_MESSAGES: RecurringJob = RecurringJob {
    name: "deliver messages",
    does: "Posts messages to webhooks.",
    bounds: &[Bound::new(100, "rounds"), MESSAGES_AT_ONCE, SENDING_SECONDS],
    resumed: "a message that was taken and not delivered is free again",
    ..NOTIFIER
};

/// Messages of long ago.
pub const SWEEP_MESSAGES: RecurringJob = RecurringJob {
    name: "sweep messages",
    by: RunBy::Notifier,
    does: "Deletes messages to webhooks of long ago.",
    ..SWEEP
};

/// Every recurring job, in the order in which its component does them.
pub const ALL: [&RecurringJob; 40] = [
    &PAY_BACK,
    &RENEW,
    &REMIND,
    &TELL_OF_LEAVING,
    &LEAVE,
    &EXPIRE,
    &EARN,
    &CHECK_FARMS,
    &SAMPLE_MARKET,
    &SUGGEST_PRICES,
    &SWEEP_SAMPLES,
    &JUDGE_PROMISES,
    &PAY_OWED,
    &RANK_NODES,
    &FOLD_LOOKS,
    &CHECK_MARKET,
    &SWEEP_SYNC,
    &SYNC,
    &DELIVER_MAILS,
    &RELEASE_HOLDS,
    &APPLY_RAISES,
    &TELL_OF_MAINTENANCE,
    &GIVE_UP_JOBS,
    &TELL_OF_LATE_JOBS,
    &SEAL_AUDIT,
    &SEAL_LEDGER,
    &SWEEP_MAILS,
    &SWEEP_SESSIONS,
    &SWEEP_TOKENS,
    &SWEEP_CHALLENGES,
    &SWEEP_LIMITS,
    &SWEEP_QUOTES,
    &SWEEP_TRANSFERS,
    &SWEEP_AGENTS,
    &CHECKPOINT,
    &OPTIMIZE,
    &LOOK_AT_PROMISES,
    &TELL,
    &DELIVER_MESSAGES,
    &SWEEP_MESSAGES,
];

#[cfg(test)]
mod tests;
