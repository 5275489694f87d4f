//! Tells people what happened: makes mails and messages of events, each once, and posts messages to
//! webhooks.

edge::cron!(Notifier, &[notifying::JOBS]);
