//! What the marketplace does again and again, as time passes: the one table of it.
//!
//! A job takes a bounded number of small steps. Each is a statement of its own that names what it
//! saw, so a run that dies is gone on with by the next one, and two at once do everything once.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use strum::{IntoStaticStr, VariantArray};

use crate::time::Timestamp;

/// Which component runs a job, by its name in `spin.toml`, and how often it is woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum RunBy {
    /// What time does to rentals, nodes, offers and the database.
    Clock,
    /// What is copied from the grid.
    GridSync,
    /// Mail.
    Mailer,
    /// Notifications and webhooks.
    Notifier,
}

impl RunBy {
    /// When it is woken, as `spin.toml` says it.
    pub fn cron_expression(self) -> &'static str {
        match self {
            RunBy::GridSync => "0 */5 * * * *",
            RunBy::Clock | RunBy::Mailer | RunBy::Notifier => "*/10 * * * * *",
        }
    }

    /// So many seconds apart, counted from the full hour.
    pub fn period_seconds(self) -> i64 {
        match self {
            RunBy::GridSync => 300,
            RunBy::Clock | RunBy::Mailer | RunBy::Notifier => 10,
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

const CLOCK: RecurringJob = RecurringJob {
    name: "",
    by: RunBy::Clock,
    every_seconds: 0,
    does: "",
    bounds: &[Bound::new(500, "rentals, each in a statement of its own")],
    resumed: "remaining work is found by the next run",
};

const EVERY_FIVE_MINUTES: RecurringJob = RecurringJob { every_seconds: 5 * 60, ..CLOCK };

const HOURLY: RecurringJob = RecurringJob { every_seconds: 60 * 60, ..CLOCK };

const GRID_SYNC: RecurringJob = RecurringJob { by: RunBy::GridSync, ..CLOCK };

const NOTIFIER: RecurringJob = RecurringJob { by: RunBy::Notifier, ..CLOCK };

/// Deletes up to 1,000 rows that nobody needs any more.
const SWEEP: RecurringJob = RecurringJob { bounds: &[Bound::new(1_000, "rows")], ..CLOCK };

/// Rentals without access.
pub const REFUND_WITHOUT_ACCESS: RecurringJob = RecurringJob {
    name: "refund rentals without access",
    does: "Refunds in full all rentals without access a day after payment.",
    ..EVERY_FIVE_MINUTES
};

/// Rentals that renew themselves.
pub const RENEW: RecurringJob = RecurringJob {
    name: "renew",
    does: "Auto-renews rentals and notifies renters of failed renewals.",
    ..EVERY_FIVE_MINUTES
};

/// Reminders.
pub const REMIND: RecurringJob = RecurringJob {
    name: "remind",
    does: "Reminds renters 14, 3 and 1 days before a rental ends.",
    resumed: "each reminder is recorded once per end date",
    ..EVERY_FIVE_MINUTES
};

/// Notifications of nodes that leave.
pub const NOTIFY_OF_LEAVING: RecurringJob = RecurringJob {
    name: "notify renters of leaving nodes",
    does: "Notifies renters whose node is leaving the market.",
    resumed: "each notification is recorded once",
    ..EVERY_FIVE_MINUTES
};

/// Nodes that leave.
pub const COMPLETE_LEAVING: RecurringJob = RecurringJob {
    name: "complete leaving",
    does: "Ends and refunds remaining rentals on nodes that leave today, and completes their \
           leaving.",
    ..EVERY_FIVE_MINUTES
};

/// Ends of rentals.
pub const EXPIRE: RecurringJob = RecurringJob {
    name: "expire",
    does: "Starts the grace period of expired rentals, and ends rentals after it.",
    ..EVERY_FIVE_MINUTES
};

/// Escrow.
pub const EARN: RecurringJob = RecurringJob {
    name: "earn",
    does: "Moves used rental payments from escrow to earnings, day by day.",
    ..EVERY_FIVE_MINUTES
};

/// After how many failures no more farms are asked for: the grid is not there, and each takes its
/// time.
pub const CHECK_FAILURES: Bound = Bound::new(3, "failures");

/// Who owns farms.
pub const CHECK_FARMS: RecurringJob = RecurringJob {
    name: "check farms",
    does: "Checks hourly on the grid that verified farms still belong to their owners, and returns \
           lost ones that do again.",
    bounds: &[Bound::new(20, "farms"), CHECK_FAILURES],
    resumed: "those waiting longest come first",
    ..GRID_SYNC
};

/// Samples of the market.
pub const SAMPLE_MARKET: RecurringJob = RecurringJob {
    name: "sample the market",
    does: "Records hourly how much is offered and rented.",
    bounds: &[Bound::new(1, "statement")],
    resumed: "the hour advances in the statement that samples it",
    ..EVERY_FIVE_MINUTES
};

/// With how many nodes one is compared.
pub const SIMILAR_NODES: Bound = Bound::new(2_000, "similar nodes for each");

/// Suggestions.
pub const SUGGEST_PRICES: RecurringJob = RecurringJob {
    name: "suggest prices",
    does: "Compares prices with similar nodes and notifies farmers of better ones.",
    bounds: &[Bound::new(20, "nodes"), SIMILAR_NODES],
    resumed: "nodes not compared for longest come first",
    ..EVERY_FIVE_MINUTES
};

/// For how many nodes the sync asks in one request.
pub const SYNC_PAGE: Bound = Bound::new(200, "nodes in each");

/// How long the sync goes on asking.
pub const SYNC_SECONDS: Bound = Bound::new(100, "seconds");

/// The grid.
pub const SYNC: RecurringJob = RecurringJob {
    name: "sync",
    does: "Reads all registered nodes from the grid and stores changes.",
    bounds: &[Bound::new(300, "requests"), SYNC_PAGE, SYNC_SECONDS],
    resumed: "continues after the last node; one run at a time, by a lease",
    ..GRID_SYNC
};

/// Samples of long ago.
pub const SWEEP_SAMPLES: RecurringJob = RecurringJob {
    name: "sweep samples",
    every_seconds: 5 * 60,
    does: "Deletes samples of the market and of searches after 400 days.",
    ..SWEEP
};

/// SLA of rentals, by month.
pub const EVALUATE_SLA: RecurringJob = RecurringJob {
    name: "evaluate SLA",
    does: "Evaluates rentals' months against their SLA and credits shortfalls.",
    bounds: &[Bound::new(1_000, "months of rentals, each in a statement of its own")],
    resumed: "each month is evaluated once; remaining work is found by the next run",
    ..EVERY_FIVE_MINUTES
};

/// Credits that a farmer's earnings did not cover.
pub const PAY_OWED_CREDITS: RecurringJob = RecurringJob {
    name: "pay owed SLA credits",
    does: "Pays SLA credits and compensations for leaving that a farmer's earnings didn't cover.",
    bounds: &[Bound::new(200, "of each, each in a statement of its own")],
    resumed: "each is retried after six hours",
    ..EVERY_FIVE_MINUTES
};

/// The order by uptime.
pub const RANK_NODES: RecurringJob = RecurringJob {
    name: "rank nodes",
    does: "Ranks nodes by their confidently measured uptime.",
    bounds: &[Bound::new(2_000, "nodes in one statement")],
    resumed: "continues after the last node",
    ..EVERY_FIVE_MINUTES
};

/// Observations of long ago.
pub const AGGREGATE_OBSERVATIONS: RecurringJob = RecurringJob {
    name: "aggregate observations",
    does: "Deletes node checks after 90 days and keeps daily totals.",
    bounds: &[Bound::new(60_000, "checks, in whole days")],
    resumed: "the oldest checks come first",
    ..EVERY_FIVE_MINUTES
};

/// Integrity checks, and what the status page says.
pub const CHECK_INTEGRITY: RecurringJob = RecurringJob {
    name: "run integrity checks",
    does: "Runs integrity checks and records the marketplace status.",
    bounds: &[Bound::new(40, "checks, each of a bounded part of history")],
    resumed: "the check that ran longest ago comes first",
    ..EVERY_FIVE_MINUTES
};

/// The history of syncs.
pub const SWEEP_SYNC: RecurringJob = RecurringJob {
    name: "sweep syncs",
    by: RunBy::GridSync,
    every_seconds: 60 * 60,
    does: "Deletes sync history after 90 days, and after 30 quarantined documents and lost farms.",
    ..SWEEP
};

/// How long a run goes on taking mails or messages, however slow those are who take them.
pub const SENDING_SECONDS: Bound = Bound::new(60, "seconds");

/// The outbox of mail.
pub const DELIVER_MAILS: RecurringJob = RecurringJob {
    name: "deliver mails",
    by: RunBy::Mailer,
    does: "Sends queued email.",
    bounds: &[Bound::new(100, "mails"), SENDING_SECONDS],
    resumed: "an email that was taken but not sent is retried after 30 seconds",
    ..CLOCK
};

/// Holds of quotes.
pub const RELEASE_HOLDS: RecurringJob = RecurringJob {
    name: "release holds",
    does: "Releases slices held by expired quotes.",
    bounds: &[Bound::new(500, "quotes, in one statement")],
    ..CLOCK
};

/// Turns of waitlists.
pub const OFFER_WAITLIST_SLICES: RecurringJob = RecurringJob {
    name: "offer waitlist slices",
    does: "Holds free slices for the first in line on a waitlist, and notifies them.",
    bounds: &[Bound::new(100, "turns, each in a statement of its own")],
    ..CLOCK
};

/// Places on waitlists of long ago.
pub const SWEEP_WAITLIST: RecurringJob = RecurringJob {
    name: "sweep waitlists",
    every_seconds: 60 * 60,
    does: "Deletes places on waitlists after 90 days.",
    ..SWEEP
};

/// How many changed offers one saved search is compared with.
pub const CHANGED_OFFERS: Bound = Bound::new(5_000, "changed offers for each");

/// Saved searches.
pub const LOOK_FOR_SAVED_SEARCHES: RecurringJob = RecurringJob {
    name: "look for saved searches",
    every_seconds: 60,
    does: "Notifies people of nodes that fit their saved searches.",
    bounds: &[Bound::new(200, "searches, each in a statement of its own"), CHANGED_OFFERS],
    resumed: "searches that waited longest come first",
    ..CLOCK
};

/// Price increases.
pub const APPLY_PRICE_INCREASES: RecurringJob = RecurringJob {
    name: "apply price increases",
    does: "Applies price increases that are due.",
    bounds: &[Bound::new(100, "nodes, each in a statement of its own")],
    ..CLOCK
};

/// Maintenance.
pub const NOTIFY_OF_MAINTENANCE: RecurringJob = RecurringJob {
    name: "notify of maintenance",
    does: "Notifies renters of maintenance that starts soon.",
    bounds: &[Bound::new(20, "windows, in one statement")],
    resumed: "each window is notified of once",
    ..CLOCK
};

/// Agents that are not heard of.
pub const GIVE_UP_JOBS: RecurringJob = RecurringJob {
    name: "give up jobs",
    does: "Gives up machine setups after too many attempts.",
    bounds: &[Bound::new(100, "jobs of agents, in one statement")],
    ..CLOCK
};

/// What renters have done with their machines.
pub const EXPIRE_MACHINE_ACTIONS: RecurringJob = RecurringJob {
    name: "expire machine actions",
    does: "Fails starts, shutdowns and resets of machines that agents did not do in time.",
    bounds: &[Bound::new(100, "actions, in one statement")],
    ..CLOCK
};

/// The same of long ago.
pub const SWEEP_MACHINE_ACTIONS: RecurringJob = RecurringJob {
    name: "sweep machine actions",
    does: "Deletes actions of machines 90 days after they are over.",
    ..SWEEP
};

/// Outages.
pub const NOTIFY_OF_OUTAGES: RecurringJob = RecurringJob {
    name: "notify of outages",
    does: "Notifies renters and farmers of rentals that have been down for a day.",
    bounds: &[Bound::new(20, "outages, in one statement")],
    resumed: "each is notified of once",
    ..CLOCK
};

/// Outages of long ago.
pub const SWEEP_OUTAGES: RecurringJob = RecurringJob {
    name: "sweep outages",
    does: "Deletes outages that last less than a day together after 45 days, and others after four \
           years.",
    ..SWEEP
};

/// Agents that are late.
pub const NOTIFY_OF_LATE_JOBS: RecurringJob = RecurringJob {
    name: "notify of late jobs",
    does: "Notifies people of overdue machine setups and removals.",
    bounds: &[Bound::new(100, "jobs of agents, each in a statement of its own")],
    resumed: "each is notified of once",
    ..CLOCK
};

/// Seals of the audit log.
pub const SEAL_AUDIT: RecurringJob = RecurringJob {
    name: "seal the audit log",
    does: "Seals new audit log entries.",
    bounds: &[Bound::new(500, "entries")],
    resumed: "continues after the last seal, which is verified",
    ..CLOCK
};

/// Seals of the ledger.
pub const SEAL_LEDGER: RecurringJob = RecurringJob {
    name: "seal the ledger",
    does: "Seals new ledger entries.",
    bounds: &[Bound::new(500, "bookings")],
    resumed: "continues after the last seal, which is verified",
    ..CLOCK
};

/// Mail of long ago.
pub const SWEEP_MAILS: RecurringJob = RecurringJob {
    name: "sweep mails",
    by: RunBy::Mailer,
    does: "Deletes old sent email.",
    ..SWEEP
};

/// Sessions that are over.
pub const SWEEP_SESSIONS: RecurringJob =
    RecurringJob { name: "sweep sessions", does: "Deletes expired sessions.", ..SWEEP };

/// Tokens that are over.
pub const SWEEP_TOKENS: RecurringJob =
    RecurringJob { name: "sweep tokens", does: "Deletes expired tokens.", ..SWEEP };

/// Tokens of agents that are about to be over.
pub const NOTIFY_OF_EXPIRING_TOKENS: RecurringJob = RecurringJob {
    name: "notify of expiring agent tokens",
    every_seconds: 600,
    does: "Notifies farmers 14 and 3 days before the token of an agent expires.",
    bounds: &[Bound::new(100, "tokens")],
    resumed: "each is notified of once for each number of days",
    ..CLOCK
};

/// Challenges that are over.
pub const SWEEP_CHALLENGES: RecurringJob = RecurringJob {
    name: "sweep challenges",
    does: "Deletes expired challenges and codes.",
    ..SWEEP
};

/// Limits that limit nobody any more.
pub const SWEEP_LIMITS: RecurringJob =
    RecurringJob { name: "sweep limits", does: "Deletes unused rate-limit counters.", ..SWEEP };

/// Times that a clock that was ahead has left.
pub const RESET_FUTURE_TIMES: RecurringJob = RecurringJob {
    name: "reset future times",
    every_seconds: 60,
    does: "Resets waits, leases and holds that end later than they can, because a host's clock was \
           ahead.",
    bounds: &[Bound::new(1_000, "rows of each kind")],
    ..CLOCK
};

/// Responses of long ago.
pub const SWEEP_RESPONSES: RecurringJob = RecurringJob {
    name: "sweep responses",
    does: "Deletes responses stored for retries after 30 days and keeps their keys.",
    ..SWEEP
};

/// Quotes that are over.
pub const SWEEP_QUOTES: RecurringJob =
    RecurringJob { name: "sweep quotes", does: "Deletes expired quotes.", ..SWEEP };

/// Invitations that are over.
pub const SWEEP_TRANSFERS: RecurringJob = RecurringJob {
    name: "sweep transfers",
    does: "Deletes expired transfer invitations.",
    ..SWEEP
};

/// Agents of long ago.
pub const SWEEP_AGENTS: RecurringJob = RecurringJob {
    name: "sweep agents",
    every_seconds: 60 * 60,
    does: "Deletes agents not seen for 90 days.",
    ..SWEEP
};

/// The log of the database.
pub const CHECKPOINT: RecurringJob = RecurringJob {
    name: "checkpoint",
    does: "Checkpoints the database's write-ahead log.",
    bounds: &[Bound::new(1, "statement, which waits for no reader")],
    resumed: "by the next one, or by any writer",
    ..HOURLY
};

/// The planner of the database.
pub const OPTIMIZE: RecurringJob = RecurringJob {
    name: "optimize",
    does: "Updates the query planner's statistics for tables that have grown tenfold.",
    bounds: &[Bound::new(1, "statement, which samples the rows of each index")],
    resumed: "remaining tables follow in the next run",
    ..HOURLY
};

/// How many months of nodes are looked at in one statement.
pub const MONTHS_PER_STATEMENT: Bound = Bound::new(200, "in a statement");

/// SLA that is at risk.
pub const CHECK_SLA_AT_RISK: RecurringJob = RecurringJob {
    name: "check SLA at risk",
    does: "Checks whether nodes can still meet their SLA this month.",
    bounds: &[Bound::new(1_000, "months of nodes"), MONTHS_PER_STATEMENT],
    ..NOTIFIER
};

/// Of how many events mails and messages are made in one statement.
pub const EVENTS_PER_STATEMENT: Bound = Bound::new(500, "in a statement");

/// Notifications.
pub const CREATE_NOTIFICATIONS: RecurringJob = RecurringJob {
    name: "create notifications",
    does: "Creates notifications, emails and webhook messages from events.",
    bounds: &[Bound::new(2_000, "events"), EVENTS_PER_STATEMENT],
    resumed: "continues after a cursor that advances with each statement",
    ..NOTIFIER
};

/// How many messages are posted at once.
pub const MESSAGES_AT_ONCE: Bound = Bound::new(16, "messages at once");

/// Webhooks.
pub const DELIVER_MESSAGES: RecurringJob = RecurringJob {
    name: "deliver messages",
    does: "Posts messages to webhooks.",
    bounds: &[Bound::new(100, "rounds"), MESSAGES_AT_ONCE, SENDING_SECONDS],
    resumed: "a message that was taken but not delivered is retried",
    ..NOTIFIER
};

/// Messages of long ago.
pub const SWEEP_MESSAGES: RecurringJob = RecurringJob {
    name: "sweep messages",
    by: RunBy::Notifier,
    does: "Deletes old webhook messages.",
    ..SWEEP
};

/// Every recurring job, in the order in which its component does them: money first. Rentals without
/// access are not renewed, and renewed rentals do not expire.
pub const ALL: [&RecurringJob; 50] = [
    // Rentals.
    &REFUND_WITHOUT_ACCESS,
    &RENEW,
    &REMIND,
    &NOTIFY_OF_LEAVING,
    &COMPLETE_LEAVING,
    &EXPIRE,
    &EARN,
    &RELEASE_HOLDS,
    &OFFER_WAITLIST_SLICES,
    &SWEEP_WAITLIST,
    &SWEEP_QUOTES,
    &SWEEP_TRANSFERS,
    &LOOK_FOR_SAVED_SEARCHES,
    // Nodes and offers.
    &APPLY_PRICE_INCREASES,
    &NOTIFY_OF_MAINTENANCE,
    &SAMPLE_MARKET,
    &SUGGEST_PRICES,
    &SWEEP_SAMPLES,
    &EVALUATE_SLA,
    &PAY_OWED_CREDITS,
    &RANK_NODES,
    &AGGREGATE_OBSERVATIONS,
    // Machines.
    &GIVE_UP_JOBS,
    &NOTIFY_OF_LATE_JOBS,
    &SWEEP_AGENTS,
    &EXPIRE_MACHINE_ACTIONS,
    &SWEEP_MACHINE_ACTIONS,
    &NOTIFY_OF_OUTAGES,
    &SWEEP_OUTAGES,
    // Accounts.
    &NOTIFY_OF_EXPIRING_TOKENS,
    &SWEEP_SESSIONS,
    &SWEEP_TOKENS,
    &SWEEP_CHALLENGES,
    // The marketplace itself.
    &CHECK_INTEGRITY,
    &SEAL_AUDIT,
    &SEAL_LEDGER,
    &SWEEP_LIMITS,
    &RESET_FUTURE_TIMES,
    &SWEEP_RESPONSES,
    &CHECKPOINT,
    &OPTIMIZE,
    // The grid.
    &CHECK_FARMS,
    &SWEEP_SYNC,
    &SYNC,
    // Mail.
    &DELIVER_MAILS,
    &SWEEP_MAILS,
    // Notifications.
    &CHECK_SLA_AT_RISK,
    &CREATE_NOTIFICATIONS,
    &DELIVER_MESSAGES,
    &SWEEP_MESSAGES,
];

#[cfg(test)]
mod tests;
