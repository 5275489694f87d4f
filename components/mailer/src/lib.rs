//! Sends mail that is due, and does the other small things that are to be done all the time.

use farming::jobs as nodes;
use renting::jobs as rentals;

edge::cron!(
    Mailer,
    &[
        operating::DELIVER_MAILS,
        rentals::RELEASE_HOLDS,
        nodes::APPLY_RAISES,
        nodes::TELL_OF_MAINTENANCE,
        machines::GIVE_UP_JOBS,
        machines::TELL_OF_LATE_JOBS,
        operating::SEAL_AUDIT,
        operating::SEAL_LEDGER,
        operating::SWEEP_MAILS,
        accounts::SWEEP_SESSIONS,
        accounts::SWEEP_TOKENS,
        accounts::SWEEP_CHALLENGES,
        operating::SWEEP_LIMITS,
        operating::SWEEP_RESPONSES,
        rentals::SWEEP_QUOTES,
        rentals::SWEEP_TRANSFERS,
        machines::SWEEP_AGENTS,
        operating::CHECKPOINT,
        operating::OPTIMIZE,
    ]
);
