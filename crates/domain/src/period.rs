//! What a paid period of a rental is worth: earned day by day, and refunded where it is not used.

use alloc::vec::Vec;

use strum::VariantArray;

use crate::money::{Percent, Usd};
use crate::outage::{Outages, SliceOutages, UNPAID_AFTER_SECONDS};
use crate::term::Term;
use crate::time::Timestamp;

/// Seconds of a day: what is earned is earned once a day.
const DAY: i64 = 86_400;
/// Seconds of an hour: time is used by the hour begun, so that a refund that was shown stays true
/// for a while.
const HOUR: i64 = 3_600;
/// Micro-dollars of a cent.
const CENT: i64 = 10_000;

/// A term of a rental that was paid in advance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Period {
    /// Its number in the rental, from 1.
    pub number: u32,
    /// Calendar months.
    pub months: u32,
    /// Per slice and month, before the discount.
    pub price: Usd,
    /// What was charged.
    pub total: Usd,
    /// What of the total the platform keeps once all is earned.
    pub fee: Usd,
    /// What of the total farmer and platform have.
    pub earned: Usd,
    /// What of the total went back.
    pub refunded: Usd,
    /// Its start: that of the rental, or the end of the period before.
    pub starts_at: Timestamp,
    /// Its end.
    pub ends_at: Timestamp,
}

/// The time of a period that was used, and what it costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Used {
    /// Whole calendar months.
    pub months: u32,
    /// Hours beyond them, the last one as begun.
    pub hours: i64,
    /// The discount of the longest term that was reached, in percent.
    pub discount_percent: u8,
    /// What it costs: never more than was charged.
    pub cost: Usd,
}

impl Period {
    /// What is held in escrow for it.
    pub fn held(&self) -> Usd {
        self.total - self.earned - self.refunded
    }

    /// What of the total is earned at `now`: that of the days that are over, down to the cent; all
    /// of it at the end. Any split of the period earns what the whole earns. Nothing is earned with
    /// outages that are not paid for, nor with one of which that is not decided.
    pub fn earned_at(&self, outages: &Outages, now: Timestamp) -> Usd {
        if outages.each().all(|(_, it)| it.certain_until(now) >= self.ends_at) {
            return self.total - self.outages_cost(outages, now);
        }
        // Of each slice, the seconds of the days that are over.
        let earned = |it: &SliceOutages| {
            let until = it.certain_until(now).min(self.ends_at);
            let elapsed = until.seconds_since(self.starts_at).max(0);
            let paid = elapsed - it.unpaid_seconds(self.starts_at, until, now);
            if until < self.ends_at { paid / DAY * DAY } else { paid }
        };
        let seconds = outages.each().map(|(slices, it)| i64::from(slices) * earned(it)).sum();
        self.share_of(seconds, outages)
    }

    /// What of the total pays for outages until `now` that are not paid for, down to the cent.
    pub fn outages_cost(&self, outages: &Outages, now: Timestamp) -> Usd {
        let until = now.min(self.ends_at);
        self.share_of(outages.unpaid_seconds(self.starts_at, until, now), outages)
    }

    /// What of the total pays for so many seconds of all slices together, down to the cent.
    fn share_of(&self, seconds: i64, outages: &Outages) -> Usd {
        share(self.total, seconds, self.seconds() * i64::from(outages.slices()))
    }

    /// The instant up to which it would have been used, if it had no outages that are not paid for:
    /// of several slices, on average.
    fn used_until(&self, outages: &Outages, now: Timestamp) -> Timestamp {
        let until = now.min(self.ends_at);
        let unpaid = outages.unpaid_seconds(self.starts_at, until, now);
        until.plus_seconds(-unpaid / i64::from(outages.slices()))
    }

    /// When there is more to earn or to refund than at `now`, as far as that is known: while an
    /// outage goes on, after each day, and when it may be a day old.
    pub fn settles_next(&self, outages: &Outages, now: Timestamp) -> Option<Timestamp> {
        if outages.is_empty() {
            return self.earns_next(now);
        }
        let settled = |at| (self.earned_at(outages, at), self.outages_cost(outages, at));
        let before = settled(now);
        let elapsed = now.seconds_since(self.starts_at).max(0) / DAY;
        let days = (elapsed + 1..).map(|day| self.starts_at.plus_seconds(day * DAY));
        let mut days = days.take_while(|day| *day < self.ends_at);
        let mut next = Vec::new();
        let mut goes_well = false;
        for (_, it) in outages.each() {
            match it.current(now) {
                None => goes_well = true,
                Some(_) if it.unpaid_since(now).is_some() => next.extend(days.clone().next()),
                Some(from) => {
                    let decided = from.plus_seconds(UNPAID_AFTER_SECONDS);
                    next.push(if decided > now { decided } else { now.plus_seconds(HOUR) });
                }
            }
        }
        if goes_well {
            next.extend(days.find(|day| settled(*day) != before));
        }
        let end = Some(self.ends_at).filter(|end| *end > now);
        next.into_iter().chain(end).min()
    }

    fn seconds(&self) -> i64 {
        self.ends_at.seconds_since(self.starts_at)
    }

    /// When more is earned than at `now`: at the end of a day, though not of each where a day is
    /// worth less than a cent; `None` once the period is over.
    pub fn earns_next(&self, now: Timestamp) -> Option<Timestamp> {
        let length = i128::from(self.ends_at.seconds_since(self.starts_at));
        let cents = i128::from(self.total.micros() / CENT).max(1);
        let next_cent = i128::from(self.earned_at(&Outages::NONE, now).micros() / CENT) + 1;
        // Rounded up: the first whole day at which the next cent is reached.
        let day = cents * i128::from(DAY);
        let days = (next_cent * length + day - 1) / day;
        let days = i64::try_from(days).unwrap_or(i64::MAX / DAY);
        let next = self.starts_at.plus_seconds(days.saturating_mul(DAY)).min(self.ends_at);
        (now < self.ends_at).then_some(next)
    }

    /// What was used of it until `now` as a share of its time, by the hour begun and down to the
    /// cent: what was paid is spread evenly over the period, and no term is priced anew.
    pub fn share_used(&self, outages: &Outages, now: Timestamp) -> Usd {
        let hours = self.hours_begun(self.used_until(outages, now));
        let share = share(self.total, hours.min(self.seconds()), self.seconds());
        share.min(self.total - self.outages_cost(outages, now))
    }

    /// What the renter loses of its discount if it ends at `until`, by the hour begun: the time
    /// that is left costs more by the terms that fit into it than the even share of what was paid.
    /// Never more than that part of the discount, and nothing where nothing was charged.
    pub fn discount_lost(&self, slices: u32, until: Timestamp) -> Usd {
        let price = self.price.times(slices);
        let full = price.times(self.months);
        if self.total == Usd::ZERO || full <= self.total {
            return Usd::ZERO;
        }
        let used = self.hours_begun(until).min(self.seconds());
        let left = |amount: Usd| amount - share(amount, used, self.seconds());
        let from = self.starts_at.plus_seconds(used);
        let months =
            (1..=self.months).take_while(|count| from.plus_months(*count) <= self.ends_at).count();
        let months = u32::try_from(months).unwrap_or(self.months);
        let reached = Term::VARIANTS.iter().copied().rev().find(|term| term.months() <= months);
        let discount_percent = reached.map_or(0, Term::discount_percent);
        let full_left = left(full);
        let cost = (full_left - full_left.percent(Percent::whole(discount_percent))).to_cents();
        let longer = Term::VARIANTS.iter().copied().filter(|term| term.months() > months);
        let cost = longer.map(|term| term.total(price)).fold(cost.min(full_left), Usd::min);
        (cost - left(self.total)).max(Usd::ZERO)
    }

    /// What of the money that was paid for it, and does not go back, pays for the time from `from`
    /// to `until`, by the second. It pays until `over`, where the rental has ended before the
    /// period, and not for outages that are known at `now`. The parts of any split are what the
    /// whole is.
    pub fn paid_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        over: Option<Timestamp>,
        (outages, now): (&Outages, Timestamp),
    ) -> Usd {
        let end = over.map_or(self.ends_at, |over| over.min(self.ends_at)).max(self.starts_at);
        let paid_seconds = |at: Timestamp| {
            let at = at.min(end).max(self.starts_at);
            let unpaid = outages.unpaid_seconds(self.starts_at, at, now);
            at.seconds_since(self.starts_at) * i64::from(outages.slices()) - unpaid
        };
        let length = paid_seconds(end);
        if length <= 0 {
            return Usd::ZERO;
        }
        let refunded = self.refunded.max(self.outages_cost(outages, now));
        let up_to = |at| share(self.total - refunded, paid_seconds(at), length);
        up_to(until.max(from)) - up_to(from)
    }

    /// The time until `now`, by the hour begun. Seconds.
    fn hours_begun(&self, now: Timestamp) -> i64 {
        let elapsed = now.seconds_since(self.starts_at).max(0);
        (elapsed + HOUR - 1) / HOUR * HOUR
    }

    /// What the platform keeps of `earned`: its part, down to the cent.
    pub fn fee_of(&self, earned: Usd) -> Usd {
        share(self.fee, earned.micros() / CENT, (self.total.micros() / CENT).max(1))
    }

    /// What was used of it until `now`, and what that costs at the discount that was reached.
    /// Outages that are not paid for are not used.
    ///
    /// `before` is how many months of the rental lie before this period, and `started_at` is the
    /// rental's start, from which all months are counted. Nobody pays more for less: what was used
    /// never costs more than a longer term would have, nor more than all of it less its outages.
    pub fn used(
        &self,
        started_at: Timestamp,
        before: u32,
        slices: u32,
        outages: &Outages,
        now: Timestamp,
    ) -> Used {
        let month = |count: u32| started_at.plus_months(before + count);
        let hours = self.hours_begun(self.used_until(outages, now));
        let until = self.starts_at.plus_seconds(hours).min(self.ends_at);
        let months = (1..=self.months).take_while(|count| month(*count) <= until).count();
        let months = u32::try_from(months).unwrap_or(self.months);
        let (from, to) = (month(months), month(months + 1));
        let beyond = until.seconds_since(from).max(0);
        let price = self.price.times(slices);
        let reached = Term::VARIANTS.iter().copied().rev().find(|term| term.months() <= months);
        let discount_percent = reached.map_or(0, Term::discount_percent);
        let full = price.times(months) + price.part(beyond, to.seconds_since(from).max(1));
        let cost = (full - full.percent(Percent::whole(discount_percent))).to_cents();
        let longer = Term::VARIANTS.iter().copied().filter(|term| term.months() > months);
        let most = self.total - self.outages_cost(outages, now);
        let cost = longer.map(|term| term.total(price)).fold(cost, Usd::min).min(most);
        Used { months, hours: (beyond + HOUR - 1) / HOUR, discount_percent, cost }
    }
}

/// `part` of `whole` parts of an amount of whole cents, down to the cent.
fn share(amount: Usd, part: i64, whole: i64) -> Usd {
    let cents = i128::from(amount.micros() / CENT) * i128::from(part) / i128::from(whole);
    Usd::from_micros(i64::try_from(cents).unwrap_or(i64::MAX / CENT) * CENT)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::{String, ToString};

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        let instant = chrono::DateTime::parse_from_rfc3339(text).unwrap();
        Timestamp::from_seconds(instant.timestamp())
    }

    fn usd(text: &str) -> Usd {
        Usd::parse("amount", text).unwrap()
    }

    fn period(start: Timestamp, term: Term, price: Usd) -> Period {
        let total = term.total(price);
        Period {
            number: 1,
            months: term.months(),
            price,
            total,
            fee: total.percent(Percent::whole(10)).to_cents(),
            earned: Usd::ZERO,
            refunded: Usd::ZERO,
            starts_at: start,
            ends_at: start.plus_months(term.months()),
        }
    }

    /// What a year's, half a year's … rental at $25 costs when it ends at `end`.
    #[track_caller]
    fn check(term: Term, start: &str, end: &str, expected: &str) {
        let paid = period(at(start), term, usd("25"));
        let used = paid.used(at(start), 0, 1, &Outages::NONE, at(end));
        let found = format!(
            "{} months {} hours, {} % off: {} of {}",
            used.months, used.hours, used.discount_percent, used.cost, paid.total
        );
        assert_eq!(found, expected);
    }

    #[test]
    fn what_was_used_costs_the_term_that_was_reached() {
        let year = |end, expected| check(Term::Year, "2026-01-31T12:00:00Z", end, expected);
        year("2026-01-31T12:00:00Z", "0 months 0 hours, 0 % off: 0.00 of 255.00");
        year("2026-01-31T12:00:01Z", "0 months 1 hours, 0 % off: 0.04 of 255.00");
        year("2026-02-14T12:00:00Z", "0 months 336 hours, 0 % off: 12.50 of 255.00");
        year("2026-02-28T12:00:00Z", "1 months 0 hours, 0 % off: 25.00 of 255.00");
        year("2026-03-31T12:00:00Z", "2 months 0 hours, 0 % off: 50.00 of 255.00");
        // Just before three months, it costs what three months cost.
        year("2026-04-30T10:00:00Z", "2 months 718 hours, 0 % off: 71.25 of 255.00");
        year("2026-04-30T12:00:00Z", "3 months 0 hours, 5 % off: 71.25 of 255.00");
        year("2026-07-31T12:00:00Z", "6 months 0 hours, 10 % off: 135.00 of 255.00");
        year("2026-10-31T12:00:00Z", "9 months 0 hours, 10 % off: 202.50 of 255.00");
        year("2027-01-30T12:00:00Z", "11 months 720 hours, 10 % off: 255.00 of 255.00");
        year("2027-01-31T12:00:00Z", "12 months 0 hours, 15 % off: 255.00 of 255.00");
        year("2030-01-01T00:00:00Z", "12 months 0 hours, 15 % off: 255.00 of 255.00");
    }

    #[test]
    fn months_of_a_leap_year_are_calendar_months() {
        let month = |start, end, expected| check(Term::Month, start, end, expected);
        // Half of February: 14.5 of 29 days, and 14 of 28.
        month(
            "2028-02-01T00:00:00Z",
            "2028-02-15T12:00:00Z",
            "0 months 348 hours, 0 % off: 12.50 of 25.00",
        );
        month(
            "2027-02-01T00:00:00Z",
            "2027-02-15T00:00:00Z",
            "0 months 336 hours, 0 % off: 12.50 of 25.00",
        );
        // The night in which Europe's clocks change is a night like any other.
        month(
            "2027-03-27T23:00:00Z",
            "2027-03-28T23:00:00Z",
            "0 months 24 hours, 0 % off: 0.81 of 25.00",
        );
    }

    #[test]
    fn a_later_period_counts_its_months_from_the_rental() {
        // From Jan 31, two months in: the third month is that of Mar 31 to Apr 30.
        let start = at("2027-01-31T00:00:00Z");
        let mut second = period(start.plus_months(2), Term::Month, usd("30"));
        second.ends_at = start.plus_months(3);
        assert_eq!(second.starts_at.to_string(), "2027-03-31T00:00:00Z");
        assert_eq!(second.ends_at.to_string(), "2027-04-30T00:00:00Z");
        let half = second.used(start, 2, 1, &Outages::NONE, at("2027-04-15T00:00:00Z"));
        assert_eq!((half.months, half.hours, half.cost), (0, 360, usd("15")));
        assert_eq!(
            second.used(start, 2, 1, &Outages::NONE, at("2027-03-01T00:00:00Z")).cost,
            Usd::ZERO
        );
    }

    #[test]
    fn a_month_costs_its_seconds() {
        let mut year = period(at("2026-11-22T00:00:00Z"), Term::Year, usd("25"));
        let cost = |year: &Period, from, until, over: Option<&str>| {
            let none = (&Outages::NONE, at(until));
            year.paid_between(at(from), at(until), over.map(at), none).to_string()
        };
        // $255 for 365 days: 9, 31 and 30 of them.
        assert_eq!(cost(&year, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", None), "6.28");
        assert_eq!(cost(&year, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", None), "21.66");
        assert_eq!(cost(&year, "2027-11-01T00:00:00Z", "2028-06-01T00:00:00Z", None), "14.68");
        assert_eq!(cost(&year, "2028-01-01T00:00:00Z", "2028-02-01T00:00:00Z", None), "0.00");
        assert_eq!(cost(&year, "2027-01-01T00:00:00Z", "2026-12-01T00:00:00Z", None), "0.00");
        // Ended after 40 days, of which the first 9 were in November.
        year.refunded = usd("215");
        let over = Some("2027-01-01T00:00:00Z");
        assert_eq!(cost(&year, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", over), "9.00");
        assert_eq!(cost(&year, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z", over), "31.00");
        let at_once = Some("2026-11-22T00:00:00Z");
        assert_eq!(cost(&year, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z", at_once), "0.00");
    }

    #[test]
    fn a_day_is_earned_when_it_is_over() {
        let start = at("2026-11-22T10:00:00Z");
        let month = period(start, Term::Month, usd("25"));
        let earned =
            |seconds| month.earned_at(&Outages::NONE, start.plus_seconds(seconds)).to_string();
        let days: [(i64, &str); 6] = [
            (-5, "0.00"),
            (DAY - 1, "0.00"),
            (DAY, "0.83"),
            (29 * DAY, "24.16"),
            (30 * DAY, "25.00"),
            (99 * DAY, "25.00"),
        ];
        for (seconds, expected) in days {
            assert_eq!(earned(seconds), expected, "{seconds}");
        }
        assert_eq!(month.earns_next(start), Some(start.plus_seconds(DAY)));
        assert_eq!(month.earns_next(start.plus_seconds(DAY)), Some(start.plus_seconds(2 * DAY)));
        assert_eq!(month.earns_next(month.ends_at.plus_seconds(-1)), Some(month.ends_at));
        assert_eq!(month.earns_next(month.ends_at), None);
        let text: String = month.fee_of(usd("0.83")).to_string();
        assert_eq!((text.as_str(), month.fee_of(month.total)), ("0.08", month.fee));
    }

    prop_compose! {
        fn any_period()(
            start in 0..4_000_000_000_i64,
            term in prop::sample::select(Term::VARIANTS),
            cents in 1..50_000_i64,
        ) -> Period {
            period(Timestamp::from_seconds(start), term, Usd::from_micros(cents * CENT))
        }
    }

    proptest! {
        #[test]
        fn any_split_of_a_period_earns_what_the_whole_earns(
            period in any_period(),
            mut cuts in prop::collection::vec(0..33_000_000_i64, 0..20),
        ) {
            cuts.sort_unstable();
            cuts.push(i64::from(u32::MAX));
            let (mut earned, mut fees) = (Usd::ZERO, Usd::ZERO);
            let (mut sum, mut kept) = (Usd::ZERO, Usd::ZERO);
            for cut in cuts {
                let at = period.starts_at.plus_seconds(cut);
                let next = period.earned_at(&Outages::NONE, at);
                let fee = period.fee_of(next);
                // Farmer and platform both get something or nothing, and never give back.
                prop_assert!(next >= earned && fee >= fees && next - earned >= fee - fees);
                sum = sum + (next - earned);
                kept = kept + (fee - fees);
                (earned, fees) = (next, fee);
            }
            prop_assert_eq!((sum, kept), (period.total, period.fee));
        }

        #[test]
        fn longer_use_never_costs_less_nor_more_than_was_paid(
            period in any_period(), first in 0..33_000_000_i64, more in 0..9_000_000_i64,
        ) {
            let used = |seconds| {
                let at = period.starts_at.plus_seconds(seconds);
                period.used(period.starts_at, 0, 1, &Outages::NONE, at).cost
            };
            prop_assert!(used(first) <= used(first + more));
            prop_assert!(used(first + more) <= period.total);
            prop_assert_eq!(used(0), Usd::ZERO);
            prop_assert_eq!(used(40_000_000), period.total);
        }

        #[test]
        fn an_even_share_is_all_at_the_end_and_nothing_at_the_start(
            period in any_period(), first in 0..33_000_000_i64, more in 0..9_000_000_i64,
        ) {
            let start = period.starts_at;
            let at = |seconds| period.share_used(&Outages::NONE, start.plus_seconds(seconds));
            prop_assert!(at(first) <= at(first + more) && at(first + more) <= period.total);
            prop_assert_eq!((at(-5), at(0), at(40_000_000)), (Usd::ZERO, Usd::ZERO, period.total));
            // It is the share of the time, to the cent and the hour.
            let length = i128::from(period.ends_at.seconds_since(period.starts_at));
            let exact = |seconds: i64| {
                let seconds = i128::from(seconds).min(length);
                i128::from(period.total.micros()) * seconds / length
            };
            let cents = i128::from(at(first).micros());
            prop_assert!(exact(first) - i128::from(CENT) < cents && cents <= exact(first + HOUR));
        }

        #[test]
        fn an_even_share_is_no_less_than_what_is_earned_and_no_more_than_an_early_end_costs(
            period in any_period(), at in 0..33_000_000_i64,
        ) {
            let now = period.starts_at.plus_seconds(at);
            let used = period.used(period.starts_at, 0, 1, &Outages::NONE, now).cost;
            let share = period.share_used(&Outages::NONE, now);
            let earned = period.earned_at(&Outages::NONE, now);
            prop_assert!(earned <= share && share <= used, "{share} of {used}");
        }

        #[test]
        fn what_months_cost_is_what_was_paid(
            period in any_period(), refunded in 0..=100_u8, ended in 1..40_000_000_i64,
            mut cuts in prop::collection::vec(-900_000..33_000_000_i64, 0..20),
        ) {
            let refunded = period.total.percent(Percent::whole(refunded)).to_cents();
            let period = Period { refunded, ..period };
            let outages = Outages::NONE;
            let over = (ended < 35_000_000).then(|| period.starts_at.plus_seconds(ended));
            cuts.extend([-900_000, 40_000_000]);
            cuts.sort_unstable();
            let parts = cuts.windows(2).map(|cut| {
                let [from, until] = [cut[0], cut[1]].map(|cut| period.starts_at.plus_seconds(cut));
                period.paid_between(from, until, over, (&outages, from))
            });
            let sum = parts.fold(Usd::ZERO, |sum, part| {
                assert!(part >= Usd::ZERO);
                sum + part
            });
            prop_assert_eq!(sum, period.total - period.refunded);
        }

        #[test]
        fn what_was_earned_is_never_refunded(period in any_period(), at in 0..33_000_000_i64) {
            let now = period.starts_at.plus_seconds(at);
            let used = period.used(period.starts_at, 0, 1, &Outages::NONE, now);
            prop_assert!(period.earned_at(&Outages::NONE, now) <= used.cost, "{:?}", used);
        }
    }
}
