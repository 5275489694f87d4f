//! How long to wait before something is tried again.

use std::time::Duration;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(1);

/// The longest wait of our own.
const LONGEST: Duration = Duration::from_mins(1);

/// The longest wait that a server may ask for with `Retry-After`.
const LONGEST_ASKED: Duration = Duration::from_mins(5);

/// Waits that double, each shortened by chance to as little as half, so that agents that failed
/// together do not come back together.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The wait after one more failure; at least what the server asked for, within limits.
    pub(crate) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let wait = longest_wait(self.failures);
        self.failures = self.failures.saturating_add(1);
        let wait = wait.mul_f64(1.0 - chance() / 2.0);
        asked.map_or(wait, |asked| wait.max(asked.min(LONGEST_ASKED)))
    }

    /// Begins again, after a success.
    pub(crate) fn reset(&mut self) {
        self.failures = 0;
    }
}

fn longest_wait(failures: u32) -> Duration {
    FIRST.saturating_mul(1 << failures.min(6)).min(LONGEST)
}

/// A number from 0 up to 1, by chance; the middle where the system has no randomness.
fn chance() -> f64 {
    getrandom::u32().map_or(0.5, |number| f64::from(number) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_a_limit_and_begin_again() {
        let mut backoff = Backoff::default();
        for seconds in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let wait = backoff.next(None);
            let longest = Duration::from_secs(seconds);
            assert!(wait <= longest && wait >= longest / 2, "{wait:?} of {longest:?}");
        }
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }

    #[test]
    fn what_the_server_asks_for_counts_within_limits() {
        let mut backoff = Backoff::default();
        assert_eq!(backoff.next(Some(Duration::from_secs(7))), Duration::from_secs(7));
        assert_eq!(backoff.next(Some(Duration::from_hours(24))), LONGEST_ASKED);
    }
}
