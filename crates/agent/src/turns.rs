//! Who works on which slice: jobs in the order in which they came, one at a time.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A place in the queue of a slice.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Turn {
    slice: String,
    number: u64,
}

/// The queues of all slices.
#[derive(Debug, Default)]
pub(crate) struct Turns(Mutex<Queues>);

#[derive(Debug, Default)]
struct Queues {
    /// Whoever works or waits, in the order in which they came.
    waiting: Vec<Turn>,
    count: u64,
    /// The number of the last job of each slice since the agent's start.
    last_jobs: HashMap<String, u64>,
    /// How many are done.
    left: u64,
}

impl Queues {
    fn push(&mut self, slice: &str) -> Turn {
        self.count += 1;
        let turn = Turn { slice: slice.to_owned(), number: self.count };
        self.waiting.push(turn.clone());
        turn
    }

    fn is_busy(&self, slice: &str) -> bool {
        self.waiting.iter().any(|turn| turn.slice == slice)
    }
}

impl Turns {
    /// Lines a job up.
    pub(crate) fn join(&self, slice: &str) -> Turn {
        let mut queues = self.lock();
        let turn = queues.push(slice);
        queues.last_jobs.insert(slice.to_owned(), turn.number);
        turn
    }

    /// Whether everyone who came earlier is done.
    pub(crate) fn has_come(&self, turn: &Turn) -> bool {
        self.lock().waiting.iter().find(|other| other.slice == turn.slice) == Some(turn)
    }

    /// Lets the next one work.
    pub(crate) fn leave(&self, turn: &Turn) {
        let mut queues = self.lock();
        queues.waiting.retain(|other| other != turn);
        queues.left += 1;
    }

    /// How many have left: as long as it stays the same, there is nothing new to see.
    pub(crate) fn left(&self) -> u64 {
        self.lock().left
    }

    /// The number of the last job of a slice, 0 if there was none; nothing while one works or
    /// waits. As long as it stays the same, nobody has changed the slice's machine.
    pub(crate) fn last_job(&self, slice: &str) -> Option<u64> {
        let queues = self.lock();
        let last = queues.last_jobs.get(slice).copied().unwrap_or_default();
        (!queues.is_busy(slice)).then_some(last)
    }

    /// A turn for the agent itself, if no job of this slice has come since the agent's start.
    pub(crate) fn claim(&self, slice: &str) -> Option<Turn> {
        let mut queues = self.lock();
        let is_free = !queues.last_jobs.contains_key(slice) && !queues.is_busy(slice);
        is_free.then(|| queues.push(slice))
    }

    /// The queues stay right whatever a thread that panicked was doing.
    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_of_a_slice_come_one_after_the_other() {
        let turns = Turns::default();
        let (first, second, other) = (turns.join("s1"), turns.join("s1"), turns.join("s2"));
        assert!(turns.has_come(&first) && !turns.has_come(&second) && turns.has_come(&other));
        assert_eq!(turns.last_job("s1"), None, "it is being worked on");
        turns.leave(&first);
        assert!(turns.has_come(&second));
        turns.leave(&second);
        assert_eq!((turns.last_job("s1"), turns.last_job("s3")), (Some(2), Some(0)));
    }

    #[test]
    fn the_agent_leaves_a_slice_to_its_jobs() {
        let turns = Turns::default();
        let claimed = turns.claim("s1").unwrap();
        assert_eq!((turns.claim("s1"), turns.last_job("s1")), (None, None));
        let job = turns.join("s1");
        assert!(!turns.has_come(&job), "the agent is still at it");
        turns.leave(&claimed);
        assert!(turns.has_come(&job));
        turns.leave(&job);
        assert_eq!(turns.claim("s1"), None, "a job has been there");
        assert!(turns.claim("s2").is_some());
    }
}
