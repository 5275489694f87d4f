//! When a server that fails is left alone, and when it is tried again.

use alloc::vec::Vec;

use strum::IntoStaticStr;

use crate::time::Timestamp;

/// After how many failures in a row a server is left alone.
pub const FAILURES_MAX: u32 = 3;
/// For how long the first time, in seconds: two runs of the sync.
pub const PAUSE_SECONDS: i64 = 10 * 60;
/// For how long at most.
pub const PAUSE_SECONDS_MAX: i64 = 80 * 60;

/// What is remembered of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Breaker {
    /// How often it has failed in a row.
    pub failures: u32,
    /// It is left alone until then.
    pub open_until: Timestamp,
}

/// Whether a server is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Circuit {
    /// It is.
    Closed,
    /// It is left alone.
    Open,
    /// It was left alone for long enough: one request shows whether it is back.
    HalfOpen,
}

impl Breaker {
    /// Of a server that was never asked, or has answered.
    pub fn closed() -> Breaker {
        Breaker { failures: 0, open_until: Timestamp::from_seconds(0) }
    }

    /// Whether it is asked at `now`. A pause that is longer than any is one of a clock that was
    /// ahead, and over.
    pub fn circuit(self, now: Timestamp) -> Circuit {
        let left = self.open_until.seconds_since(now);
        match self.failures {
            ..FAILURES_MAX => Circuit::Closed,
            FAILURES_MAX.. if (1..=PAUSE_SECONDS_MAX).contains(&left) => Circuit::Open,
            FAILURES_MAX.. => Circuit::HalfOpen,
        }
    }

    /// After it has failed once more, at `now`: each time that it fails when it is tried again, it
    /// is left alone for twice as long.
    #[must_use]
    pub fn after_failure(self, now: Timestamp) -> Breaker {
        let failures = self.failures.saturating_add(1);
        let Some(again) = failures.checked_sub(FAILURES_MAX) else {
            return Breaker { failures, ..self };
        };
        let pause = PAUSE_SECONDS.saturating_mul(1 << again.min(16)).min(PAUSE_SECONDS_MAX);
        Breaker { failures, open_until: now.plus_seconds(pause) }
    }
}

/// Which of several servers to ask at `now`, in their order, until one answers. Where all are left
/// alone it is the one whose pause ends first: so it is noticed soon that they are back.
pub fn to_ask(servers: &[Breaker], now: Timestamp) -> Vec<usize> {
    let is_asked = |index: &usize| servers[*index].circuit(now) != Circuit::Open;
    let asked: Vec<usize> = (0..servers.len()).filter(is_asked).collect();
    if asked.is_empty() {
        let first = (0..servers.len()).min_by_key(|index| servers[*index].open_until);
        return first.into_iter().collect();
    }
    asked
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_seconds(1_795_368_000 + minutes * 60)
    }

    #[test]
    fn a_server_that_fails_is_left_alone_for_longer_each_time() {
        let mut breaker = Breaker::closed();
        let mut now = at(0);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            assert_ne!(breaker.circuit(now), Circuit::Open);
            breaker = breaker.after_failure(now);
            if breaker.circuit(now) == Circuit::Open {
                pauses.push(breaker.open_until.seconds_since(now) / 60);
                assert_eq!(breaker.circuit(breaker.open_until.plus_seconds(-1)), Circuit::Open);
                now = breaker.open_until;
                assert_eq!(breaker.circuit(now), Circuit::HalfOpen);
            }
        }
        assert_eq!(pauses, [10, 20, 40, 80, 80, 80]);
    }

    #[test]
    fn a_few_failures_are_forgiven() {
        let two = Breaker::closed().after_failure(at(0)).after_failure(at(0));
        assert_eq!(two.circuit(at(0)), Circuit::Closed);
        assert_eq!(two.after_failure(at(0)).circuit(at(0)), Circuit::Open);
        assert_eq!(Breaker::closed().circuit(at(0)), Circuit::Closed);
        let names = [Circuit::Closed, Circuit::Open, Circuit::HalfOpen].map(|it| it.into_str());
        assert_eq!(names, ["closed", "open", "half-open"]);
    }

    #[test]
    fn servers_are_asked_in_their_order() {
        let closed = Breaker::closed();
        let open = |minutes| Breaker { failures: 3, open_until: at(minutes) };
        assert_eq!(to_ask(&[closed, closed], at(0)), [0, 1]);
        assert_eq!(to_ask(&[open(5), closed, open(0)], at(0)), [1, 2]);
        assert_eq!(to_ask(&[open(9), open(5), open(7)], at(0)), [1]);
        assert_eq!(to_ask(&[], at(0)), [] as [usize; 0]);
    }

    #[test]
    fn a_clock_that_was_ahead_keeps_nobody_away() {
        let three = Breaker { failures: 3, open_until: at(100_000) };
        assert_eq!(three.circuit(at(0)), Circuit::HalfOpen);
        let many = Breaker { failures: u32::MAX, open_until: at(0) };
        assert_eq!(many.after_failure(at(0)).open_until, at(80));
    }
}
