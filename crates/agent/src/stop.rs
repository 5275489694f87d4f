//! Being asked to stop: the first signal lets jobs finish, the second one ends at once.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::log::say;

/// How often a wait looks whether it shall end.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The status of a program that a second signal ended: jobs are in the journal.
const ENDED_AT_ONCE: i32 = 130;

/// Whether the agent is asked to stop, and since when.
#[derive(Clone)]
pub(crate) struct Stop {
    asked_at: Arc<Mutex<Option<Instant>>>,
    grace: Duration,
}

impl Stop {
    /// Nobody asks yet. `grace` is how long jobs may go on after the first signal.
    pub(crate) fn new(grace: Duration) -> Stop {
        Stop { asked_at: Arc::default(), grace }
    }

    /// Listens to SIGTERM, SIGINT and SIGHUP from now on.
    pub(crate) fn on_signals(grace: Duration) -> Result<Stop> {
        let stop = Stop::new(grace);
        let mut signals =
            Signals::new([SIGHUP, SIGINT, SIGTERM]).context("listening for signals")?;
        let asked = stop.clone();
        thread::spawn(move || {
            for _ in signals.forever() {
                if asked.is_asked() {
                    say!("agent: stopping immediately; running jobs are in the journal");
                    std::process::exit(ENDED_AT_ONCE);
                }
                say!("agent: stopping; running jobs have {} seconds to finish", grace.as_secs());
                asked.ask();
            }
        });
        Ok(stop)
    }

    /// Asks to stop.
    pub(crate) fn ask(&self) {
        let mut asked_at = self.asked_at.lock().unwrap_or_else(PoisonError::into_inner);
        asked_at.get_or_insert_with(Instant::now);
    }

    /// No new job is begun.
    pub(crate) fn is_asked(&self) -> bool {
        self.since().is_some()
    }

    /// Running jobs are given back.
    pub(crate) fn is_over(&self) -> bool {
        self.since().is_some_and(|asked_at| asked_at.elapsed() >= self.grace)
    }

    fn since(&self) -> Option<Instant> {
        *self.asked_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for so long, or until `is_done` says that it may end.
    pub(crate) fn wait(wait: Duration, is_done: impl Fn() -> bool) {
        let end = Instant::now() + wait;
        while !is_done() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(POLL_INTERVAL));
        }
    }
}
