//! Outages: when a rental could not be used through its farm's side, and what of that is paid for.
//!
//! An outage of a day or more is not paid for from its first second. Until it is over or a day old,
//! nobody earns its time.

use alloc::vec::Vec;

use crate::time::Timestamp;

/// An outage of so long is not paid for, and its renter may move. Seconds: 24 hours.
pub const UNPAID_AFTER_SECONDS: i64 = 86_400;

/// A node that was seen to be down, and is again, was down in between, unless nobody looked for
/// longer than this. Seconds: 26 hours.
pub const UNSEEN_SECONDS: i64 = 26 * 3_600;
/// A node that is up again was down until now, unless nobody looked for longer than this: then
/// until it was last seen to be down. Seconds: an hour.
pub const UNSEEN_END_SECONDS: i64 = 3_600;

/// A time in which a rental could not be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outage {
    /// From when.
    pub from: Timestamp,
    /// Up to when; `None` while it goes on.
    pub until: Option<Timestamp>,
    /// When it was last seen to go on; `None` where it goes on until the opposite is reported.
    pub seen_at: Option<Timestamp>,
}

impl Outage {
    /// Whether it goes on at `now`, as far as that is known.
    fn goes_on(self, now: Timestamp) -> bool {
        let is_seen = |seen_at| now.seconds_since(seen_at) <= UNSEEN_SECONDS;
        self.until.is_none() && self.seen_at.is_none_or(is_seen)
    }

    /// Up to when it was seen, at `now`.
    fn seen_until(self, now: Timestamp) -> Timestamp {
        self.until.or(self.seen_at).unwrap_or(now)
    }

    /// Up to when it lasts, as far as that is known at `now`: not much longer than it was seen.
    fn known_until(self, now: Timestamp) -> Timestamp {
        let seen = self.seen_until(now);
        let is_fresh = now.seconds_since(seen) <= UNSEEN_END_SECONDS;
        if self.until.is_none() && is_fresh { now.max(seen) } else { seen }
    }

    /// Its seconds from `from` to before `until`, as far as they are known at `now`.
    fn seconds_between(self, from: Timestamp, until: Timestamp, now: Timestamp) -> i64 {
        self.known_until(now).min(until).seconds_since(self.from.max(from)).max(0)
    }

    /// Whether another one that begins at `from`, and not before this one, is the same outage. One
    /// that nobody has seen to go on until then may have ended.
    fn reaches(self, from: Timestamp) -> bool {
        let may_last = self.seen_at.map(|seen_at| seen_at.plus_seconds(UNSEEN_END_SECONDS));
        self.until.or(may_last).is_none_or(|until| from <= until)
    }

    fn is_unpaid(self, now: Timestamp) -> bool {
        self.seen_until(now).seconds_since(self.from) >= UNPAID_AFTER_SECONDS
    }

    /// Both as one, which touch.
    fn and(self, other: Outage) -> Outage {
        let until = self.until.zip(other.until).map(|(one, other)| one.max(other));
        let [one, other] = [self, other].map(|outage| outage.until.or(outage.seen_at));
        let last = one.zip(other).map(|(one, other)| one.max(other));
        let seen_at = last.filter(|_| until.is_none());
        Outage { from: self.from, until, seen_at }
    }
}

/// The outages of a rental, in order, none of which touches another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outages(Vec<Outage>);

impl Outages {
    /// None at all.
    pub const NONE: Outages = Outages(Vec::new());

    /// Joins outages of its node and of its machine.
    pub fn join(outages: impl IntoIterator<Item = Outage>) -> Outages {
        let mut all: Vec<Outage> = outages.into_iter().collect();
        all.sort_by_key(|outage| outage.from);
        let mut joined: Vec<Outage> = Vec::with_capacity(all.len());
        for outage in all {
            match joined.last_mut() {
                Some(last) if last.reaches(outage.from) => *last = last.and(outage),
                Some(_) | None => joined.push(outage),
            }
        }
        Outages(joined)
    }

    /// The outages that go on at `now`: of its node and of its machine, if nobody has seen since
    /// the latter began whether the former goes on.
    fn going_on(&self, now: Timestamp) -> impl Iterator<Item = &Outage> {
        self.0.iter().filter(move |outage| outage.goes_on(now))
    }

    /// Since when the outage lasts that goes on; `None` where none does.
    pub fn current(&self, now: Timestamp) -> Option<Timestamp> {
        self.going_on(now).map(|outage| outage.from).next()
    }

    /// The same, where it has lasted for a day.
    pub fn unpaid_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.going_on(now).find(|outage| outage.is_unpaid(now)).map(|outage| outage.from)
    }

    /// Up to when it is certain who gets the money: not beyond the beginning of an outage that goes
    /// on and is not a day old, nor beyond what was seen of one that is.
    pub fn certain_until(&self, now: Timestamp) -> Timestamp {
        let certain = |outage: &Outage| {
            if outage.is_unpaid(now) { outage.known_until(now) } else { outage.from }
        };
        self.going_on(now).map(certain).fold(now, Timestamp::min)
    }

    /// How long outages that are not paid for have lasted from `from` to before `until`. Seconds.
    pub fn unpaid_seconds(&self, from: Timestamp, until: Timestamp, now: Timestamp) -> i64 {
        let unpaid = self.0.iter().filter(|outage| outage.is_unpaid(now));
        unpaid.map(|outage| outage.seconds_between(from, until, now)).sum()
    }

    /// How long all outages have lasted from `from` to before `until`, without the times of
    /// `excused`, which do not touch each other. Seconds.
    pub fn seconds(
        &self,
        (from, until): (Timestamp, Timestamp),
        excused: &[(Timestamp, Timestamp)],
    ) -> i64 {
        let of = |outage: &Outage| {
            let within = |from, until| outage.seconds_between(from, until, until);
            let excused =
                excused.iter().map(|(begin, end)| within((*begin).max(from), *end.min(&until)));
            within(from, until) - excused.sum::<i64>()
        };
        self.0.iter().map(of).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_seconds(1_800_000_000).plus_seconds(hours * 3_600)
    }

    fn outage(from: i64, until: Option<i64>) -> Outage {
        Outage { from: at(from), until: until.map(at), seen_at: None }
    }

    #[test]
    fn outages_that_touch_are_one() {
        let joined = Outages::join([
            outage(50, Some(60)),
            outage(0, Some(10)),
            outage(10, Some(30)),
            outage(5, Some(7)),
            outage(58, None),
            outage(59, Some(61)),
        ]);
        assert_eq!(joined, Outages(alloc::vec![outage(0, Some(30)), outage(50, None)]));
        assert_eq!(joined.current(at(70)), Some(at(50)));
        assert_eq!(Outages::join([]).current(at(70)), None);
    }

    #[test]
    fn an_outage_of_a_day_is_not_paid_for_from_its_first_second() {
        let outages = Outages::join([outage(10, Some(20)), outage(40, None)]);
        for (now, since, certain, unpaid) in [
            (39, None, 39, 0),
            (41, None, 40, 0),
            (63, None, 40, 0),
            (64, Some(40), 64, 24),
            (100, Some(40), 100, 60),
        ] {
            assert_eq!(outages.unpaid_since(at(now)), since.map(at), "{now}");
            assert_eq!(outages.certain_until(at(now)), at(certain), "{now}");
            let seconds = outages.unpaid_seconds(at(0), at(now), at(now));
            assert_eq!(seconds, unpaid * 3_600, "{now}");
        }
        // Of a term, only what lies in it.
        assert_eq!(outages.unpaid_seconds(at(50), at(60), at(100)), 10 * 3_600);
    }

    #[test]
    fn what_nobody_saw_is_no_outage() {
        let seen = |from, seen_at| Outage { seen_at: Some(at(seen_at)), ..outage(from, None) };
        let outages = Outages::join([seen(10, 40)]);
        // Nobody has looked since: it seems to go on, and its time is not decided.
        assert_eq!(outages.unpaid_since(at(66)), Some(at(10)));
        assert_eq!(outages.unpaid_seconds(at(0), at(66), at(66)), 30 * 3_600);
        assert_eq!(outages.certain_until(at(66)), at(40));
        // A while after it was seen, it goes on.
        assert_eq!(outages.unpaid_seconds(at(0), at(41), at(41)), 31 * 3_600);
        assert_eq!(outages.certain_until(at(41)), at(41));
        // Seen once, a day ago.
        let once = Outages::join([seen(10, 10)]);
        assert_eq!((once.current(at(35)), once.unpaid_since(at(35))), (Some(at(10)), None));
        assert_eq!(once.unpaid_seconds(at(0), at(35), at(35)), 0);
        assert_eq!(once.certain_until(at(35)), at(10));
        // Nobody has looked for more than 26 hours.
        assert_eq!(outages.current(at(67)), None);
        assert_eq!(outages.certain_until(at(67)), at(67));
        assert_eq!(outages.unpaid_seconds(at(0), at(67), at(67)), 30 * 3_600);
        // What is reported goes on until the opposite is.
        let both = Outages::join([seen(10, 40), outage(20, None)]);
        assert_eq!(both.current(at(200)), Some(at(10)));
        let closed = Outages::join([seen(10, 40), outage(20, Some(50))]);
        assert_eq!((closed.current(at(76)), closed.current(at(77))), (Some(at(10)), None));
        assert_eq!(closed.unpaid_seconds(at(0), at(99), at(99)), 40 * 3_600);
    }

    #[test]
    fn a_machine_does_not_prove_that_its_node_was_down() {
        let seen = |from, seen_at| Outage { seen_at: Some(at(seen_at)), ..outage(from, None) };
        // The node was last seen down at 34, and the machine is gone since 39.
        let outages = Outages::join([seen(10, 34), outage(39, None)]);
        assert_eq!(
            (outages.current(at(40)), outages.unpaid_since(at(40))),
            (Some(at(10)), Some(at(10)))
        );
        assert_eq!(outages.unpaid_seconds(at(0), at(40), at(40)), 24 * 3_600);
        assert_eq!(outages.certain_until(at(40)), at(34));
        // The node is up when it is looked at again: nothing changes for what was.
        let up = Outage { until: Some(at(34)), ..outage(10, None) };
        let outages = Outages::join([up, outage(39, None)]);
        assert_eq!(outages.unpaid_seconds(at(0), at(40), at(40)), 24 * 3_600);
        assert_eq!(
            (outages.current(at(40)), outages.certain_until(at(40))),
            (Some(at(39)), at(39))
        );
        // It is down: it was all the time.
        let outages = Outages::join([seen(10, 40), outage(39, None)]);
        assert_eq!(outages.unpaid_seconds(at(0), at(41), at(41)), 31 * 3_600);
        assert_eq!(outages.certain_until(at(41)), at(41));
        // Not a day old, so neither is decided.
        let outages = Outages::join([seen(10, 12), outage(20, None)]);
        assert_eq!((outages.current(at(21)), outages.unpaid_since(at(21))), (Some(at(10)), None));
        assert_eq!(outages.certain_until(at(21)), at(10));
        assert_eq!(outages.unpaid_since(at(44)), Some(at(20)));
        assert_eq!(outages.unpaid_seconds(at(0), at(44), at(44)), 24 * 3_600);
        // Nobody has looked at the node for more than 26 hours.
        assert_eq!(
            (outages.current(at(39)), outages.certain_until(at(39))),
            (Some(at(20)), at(20))
        );
    }

    #[test]
    fn what_was_announced_does_not_count() {
        let outages = Outages::join([outage(10, Some(20)), outage(40, None)]);
        let seconds = |from, until, excused: &[(i64, i64)]| {
            let excused: Vec<_> =
                excused.iter().map(|(from, until)| (at(*from), at(*until))).collect();
            outages.seconds((at(from), at(until)), &excused) / 3_600
        };
        assert_eq!(seconds(0, 50, &[]), 20);
        assert_eq!(seconds(15, 45, &[]), 10);
        assert_eq!(seconds(15, 45, &[(0, 16), (17, 18), (44, 60)]), 7);
        assert_eq!(seconds(20, 40, &[(0, 60)]), 0);
    }
}
