//! Signals that ask this program to stop, passed on to the server that it runs.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator;

/// Passes signals on from the moment it is made.
pub(crate) struct Signals {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    came: bool,
    server: Option<Pid>,
}

impl Signals {
    /// Starts to pass on Ctrl-C, SIGTERM and the end of the terminal.
    pub(crate) fn forward() -> Result<Signals> {
        let state = Arc::new(Mutex::new(State::default()));
        let mut incoming =
            iterator::Signals::new([SIGHUP, SIGINT, SIGTERM]).context("listening for signals")?;
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for _ in incoming.forever() {
                let mut state = lock(&shared);
                state.came = true;
                state.ask_server();
            }
        });
        Ok(Signals { state })
    }

    /// Names the server; if a signal has come already, the server gets it now.
    pub(crate) fn add(&self, server: Pid) {
        let mut state = lock(&self.state);
        state.server = Some(server);
        if state.came {
            state.ask_server();
        }
    }

    /// Whether a signal has come.
    pub(crate) fn came(&self) -> bool {
        lock(&self.state).came
    }
}

impl State {
    fn ask_server(&self) {
        if let Some(server) = self.server {
            // An error here means that the server has ended already.
            let _ = kill_process(server, Signal::TERM);
        }
    }
}

/// The state stays right whatever a thread that panicked was doing.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
