//! Outages: when a rental could not be used through its farm's side, and what of that is paid for.
//!
//! An outage of a day or more is not paid for from its first second. Until it is over or a day old,
//! nobody earns its time. Of a rental of several slices, each counts for its share.

use alloc::collections::BTreeMap;
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

/// The outages of one slice, in order, none of which touches another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SliceOutages(Vec<Outage>);

impl SliceOutages {
    fn join(mut all: Vec<Outage>) -> SliceOutages {
        all.sort_by_key(|outage| outage.from);
        let mut joined: Vec<Outage> = Vec::with_capacity(all.len());
        for outage in all {
            match joined.last_mut() {
                Some(last) if last.reaches(outage.from) => *last = last.and(outage),
                Some(_) | None => joined.push(outage),
            }
        }
        SliceOutages(joined)
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
    fn seconds(
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
}

/// The outages of a rental: each of its slices is worth the same, and is down with its node or with
/// its own machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outages {
    /// How many slices have the outages of their node only.
    others: u32,
    of_node: SliceOutages,
    /// Of each slice whose machine had one, those of its node among them.
    of_machines: Vec<SliceOutages>,
}

/// Slices of a rental that are down while others are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartDown {
    /// How many.
    pub slices: u32,
    /// How many of them have been so for a day.
    pub unpaid: u32,
    /// Since when the first of them is.
    pub since: Timestamp,
}

impl Outages {
    /// None at all.
    pub const NONE: Outages =
        Outages { others: 1, of_node: SliceOutages(Vec::new()), of_machines: Vec::new() };

    /// Joins outages of the node and of the machine of a rental of one slice.
    pub fn join(outages: impl IntoIterator<Item = Outage>) -> Outages {
        let of_node = SliceOutages::join(outages.into_iter().collect());
        Outages { of_node, ..Outages::NONE }
    }

    /// Joins those of a rental of several `slices`: of its node, and of the machines of slices,
    /// each with the slice's number.
    pub fn of_slices(
        slices: u32,
        of_node: impl IntoIterator<Item = Outage>,
        of_machines: impl IntoIterator<Item = (u32, Outage)>,
    ) -> Outages {
        let of_node: Vec<Outage> = of_node.into_iter().collect();
        let mut by_slice: BTreeMap<u32, Vec<Outage>> = BTreeMap::new();
        for (slice, outage) in of_machines {
            by_slice.entry(slice).or_insert_with(|| of_node.clone()).push(outage);
        }
        let own = u32::try_from(by_slice.len()).unwrap_or(u32::MAX);
        Outages {
            others: slices.saturating_sub(own),
            of_node: SliceOutages::join(of_node),
            of_machines: by_slice.into_values().map(SliceOutages::join).collect(),
        }
    }

    /// The outages of all slices, each with how many slices have them.
    pub fn each(&self) -> impl Iterator<Item = (u32, &SliceOutages)> {
        let others = (self.others, &self.of_node);
        let own = self.of_machines.iter().map(|outages| (1, outages));
        own.chain(Some(others).filter(|(others, _)| *others > 0))
    }

    /// How many slices there are.
    pub fn slices(&self) -> u32 {
        self.each().map(|(slices, _)| slices).sum()
    }

    /// Since when all slices are down at once; `None` where one is not.
    pub fn current(&self, now: Timestamp) -> Option<Timestamp> {
        self.since(|outages| outages.current(now))
    }

    /// The same, where each of them has been so for a day.
    pub fn unpaid_since(&self, now: Timestamp) -> Option<Timestamp> {
        self.since(|outages| outages.unpaid_since(now))
    }

    fn since(&self, of: impl Fn(&SliceOutages) -> Option<Timestamp>) -> Option<Timestamp> {
        let all: Option<Vec<Timestamp>> = self.each().map(|(_, outages)| of(outages)).collect();
        all.and_then(|all| all.into_iter().max())
    }

    /// The slices that are down at `now` while others are not; `None` where there are none.
    pub fn part_down(&self, now: Timestamp) -> Option<PartDown> {
        let down = || self.each().filter_map(|(slices, it)| Some((slices, it, it.current(now)?)));
        let slices = down().map(|(slices, ..)| slices).sum();
        let is_unpaid = |it: &SliceOutages| it.unpaid_since(now).is_some();
        let unpaid = down().filter(|(_, it, _)| is_unpaid(it)).map(|(slices, ..)| slices).sum();
        let since = down().map(|(.., since)| since).min()?;
        (slices < self.slices()).then_some(PartDown { slices, unpaid, since })
    }

    /// How long outages that are not paid for have lasted from `from` to before `until`: the
    /// seconds of all slices together.
    pub fn unpaid_seconds(&self, from: Timestamp, until: Timestamp, now: Timestamp) -> i64 {
        let of = |outages: &SliceOutages| outages.unpaid_seconds(from, until, now);
        self.each().map(|(slices, outages)| i64::from(slices) * of(outages)).sum()
    }

    /// How long all outages have lasted from `from` to before `until`, without the times of
    /// `excused`, which do not touch each other: the seconds of all slices together.
    pub fn seconds(&self, span: (Timestamp, Timestamp), excused: &[(Timestamp, Timestamp)]) -> i64 {
        let of = |outages: &SliceOutages| outages.seconds(span, excused);
        self.each().map(|(slices, outages)| i64::from(slices) * of(outages)).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.of_node.0.is_empty() && self.of_machines.is_empty()
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
        let expected = SliceOutages(alloc::vec![outage(0, Some(30)), outage(50, None)]);
        assert_eq!(joined, Outages { of_node: expected, ..Outages::NONE });
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
            assert_eq!(outages.of_node.certain_until(at(now)), at(certain), "{now}");
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
        assert_eq!(outages.of_node.certain_until(at(66)), at(40));
        // A while after it was seen, it goes on.
        assert_eq!(outages.unpaid_seconds(at(0), at(41), at(41)), 31 * 3_600);
        assert_eq!(outages.of_node.certain_until(at(41)), at(41));
        // Seen once, a day ago.
        let once = Outages::join([seen(10, 10)]);
        assert_eq!((once.current(at(35)), once.unpaid_since(at(35))), (Some(at(10)), None));
        assert_eq!(once.unpaid_seconds(at(0), at(35), at(35)), 0);
        assert_eq!(once.of_node.certain_until(at(35)), at(10));
        // Nobody has looked for more than 26 hours.
        assert_eq!(outages.current(at(67)), None);
        assert_eq!(outages.of_node.certain_until(at(67)), at(67));
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
        assert_eq!(outages.of_node.certain_until(at(40)), at(34));
        // The node is up when it is looked at again: nothing changes for what was.
        let up = Outage { until: Some(at(34)), ..outage(10, None) };
        let outages = Outages::join([up, outage(39, None)]);
        assert_eq!(outages.unpaid_seconds(at(0), at(40), at(40)), 24 * 3_600);
        assert_eq!(
            (outages.current(at(40)), outages.of_node.certain_until(at(40))),
            (Some(at(39)), at(39))
        );
        // It is down: it was all the time.
        let outages = Outages::join([seen(10, 40), outage(39, None)]);
        assert_eq!(outages.unpaid_seconds(at(0), at(41), at(41)), 31 * 3_600);
        assert_eq!(outages.of_node.certain_until(at(41)), at(41));
        // Not a day old, so neither is decided.
        let outages = Outages::join([seen(10, 12), outage(20, None)]);
        assert_eq!((outages.current(at(21)), outages.unpaid_since(at(21))), (Some(at(10)), None));
        assert_eq!(outages.of_node.certain_until(at(21)), at(10));
        assert_eq!(outages.unpaid_since(at(44)), Some(at(20)));
        assert_eq!(outages.unpaid_seconds(at(0), at(44), at(44)), 24 * 3_600);
        // Nobody has looked at the node for more than 26 hours.
        assert_eq!(
            (outages.current(at(39)), outages.of_node.certain_until(at(39))),
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

    #[test]
    fn a_machine_of_several_counts_for_its_share() {
        let machines = [(3, outage(10, None)), (7, outage(40, Some(44))), (7, outage(50, None))];
        // Slice 3 is down from 10 on; slice 7 from 20 to 46 and from 50 on; two from 20 to 46.
        for (now, all, unpaid_since, part, unpaid) in [
            (15, None, None, Some((1, 0, 10)), 0),
            (21, Some(20), None, None, 0),
            (35, Some(20), None, None, 25),
            (45, Some(20), Some(20), None, 35 + 3 * 25),
            (46, None, None, Some((1, 1, 10)), 36 + 3 * 26),
            (60, None, None, Some((2, 1, 10)), 50 + 3 * 26),
            (74, None, None, Some((2, 2, 10)), 64 + 3 * 26 + 24),
        ] {
            let of_node = [outage(20, Some(46).filter(|until| *until <= now))];
            let begun = machines.into_iter().filter(|(_, outage)| outage.from <= at(now));
            let known = Outages::of_slices(4, of_node.into_iter().filter(|_| now > 20), begun);
            assert_eq!(known.slices(), 4);
            assert_eq!(known.current(at(now)), all.map(at), "{now}");
            assert_eq!(known.unpaid_since(at(now)), unpaid_since.map(at), "{now}");
            let found = known.part_down(at(now)).map(|it| (it.slices, it.unpaid, it.since));
            let part = part.map(|(slices, unpaid, since)| (slices, unpaid, at(since)));
            assert_eq!(found, part, "{now}");
            let seconds = known.unpaid_seconds(at(0), at(now), at(now));
            assert_eq!(seconds, unpaid * 3_600, "{now}");
        }
        // A node of which every machine is gone is gone.
        let gone = Outages::of_slices(2, [], [(1, outage(10, None)), (2, outage(30, None))]);
        assert_eq!((gone.current(at(31)), gone.unpaid_since(at(53))), (Some(at(30)), None));
        assert_eq!((gone.unpaid_since(at(54)), gone.part_down(at(54))), (Some(at(30)), None));
    }
}
