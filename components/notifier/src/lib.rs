//! Tells people what happened: makes mails and messages of events, each once, and posts messages to
//! webhooks.

edge::cron!(
    Notifier,
    &[
        notifying::LOOK_AT_PROMISES,
        notifying::TELL,
        notifying::DELIVER_MESSAGES,
        notifying::SWEEP_MESSAGES,
    ]
);
