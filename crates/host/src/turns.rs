//! Keeps components that compute for long from taking every thread of the runtime.
//!
//! A guest yields at each tick, but only to what is ready: a runtime whose threads always have a
//! ready guest hardly ever looks at its sockets. So a guest that goes on computing takes turns
//! with others of its kind, on all threads but one.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use wasmtime::UpdateDeadline;

use crate::engine::EPOCH_TICK;

/// Ticks that a request may compute before it has to take turns: most never do.
const FREE_TICKS: u32 = 5;

/// A pause in which a thread that has nothing else to do looks at its sockets and timers.
const PAUSE: Duration = Duration::from_millis(1);

/// The turns of one host.
#[derive(Clone)]
pub(crate) struct LongTurns {
    places: Arc<Semaphore>,
    is_over: Arc<AtomicBool>,
}

impl LongTurns {
    /// For the runtime that the caller runs in.
    pub(crate) fn new() -> LongTurns {
        let threads = tokio::runtime::Handle::current().metrics().num_workers();
        let places = Arc::new(Semaphore::new(threads.saturating_sub(1).max(1)));
        LongTurns { places, is_over: Arc::default() }
    }

    /// Traps every guest that still computes: nobody waits for it any more.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
    }

    /// What a guest does that still computes at a tick, after so many before.
    pub(crate) fn at_tick(&self, ticks: u32) -> UpdateDeadline {
        if self.is_over.load(Ordering::Relaxed) {
            return UpdateDeadline::Interrupt;
        }
        if ticks <= FREE_TICKS {
            return UpdateDeadline::Yield(1);
        }
        let places = Arc::clone(&self.places);
        UpdateDeadline::YieldCustom(1, Box::pin(take_turn(places)))
    }
}

async fn take_turn(places: Arc<Semaphore>) {
    // The places are never closed; without one the guest would just go on.
    let place = places.acquire_owned().await;
    tokio::time::sleep(PAUSE).await;
    // The turn ends with the tick, also if the guest waits for something by then.
    tokio::spawn(async move {
        tokio::time::sleep(EPOCH_TICK).await;
        drop(place);
    });
}
