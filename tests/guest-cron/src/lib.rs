//! A cron guest for the tests of the host.
