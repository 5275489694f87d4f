//! Sends queued mail, and deletes old mail.

edge::cron!(Mailer, &[operating::JOBS]);
