//! What was measured of a rental in a month, compared with the SLA: the level of service,
//! and the credit that follows.

use alloc::format;
use alloc::string::String;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::booking::{Booking, BookingKind, LedgerAccount};
use crate::field::FieldError;
use crate::id::{AccountId, DisputeId, RentalId};
use crate::money::Usd;
use crate::month::Month;
use crate::outage::Outages;
use crate::outlook::Observations;
use crate::period::Period;
use crate::sla::{self, Compared};
use crate::time::Timestamp;
use crate::uptime::{Bandwidth, Uptime};

/// A month is evaluated so long after its end: all of it is earned then, and every observation is
/// in.
///
/// Seconds: two days. A tenure that is over is evaluated at once.
pub const SETTLED_AFTER_SECONDS: i64 = 2 * 86_400;

/// Fewer observations than this say too little to go by: those of an hour.
pub const OBSERVATIONS_MIN: u64 = 12;
/// The same of a machine, which is watched all the time. Seconds: an hour.
pub const MACHINE_SECONDS_MIN: u64 = 3_600;

/// For so long after an SLA result it can be disputed: the observations that it rests on are there
/// then.
///
/// Seconds: 30 days.
pub const DISPUTED_WITHIN_SECONDS: i64 = 30 * 86_400;

/// The longest text of a dispute, and of the answer to it.
pub const WORDS_CHARS_MAX: usize = 1_000;

/// The SLA that a farmer sold to a renter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlaCommitment {
    /// The share of looks at which the node is up.
    pub uptime: Uptime,
    /// What the grid measures of it on average.
    pub bandwidth: Bandwidth,
}

/// What the observations of a node have shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measured {
    /// Those that count.
    pub observations: Observations,
    /// Those that were left out because of announced maintenance.
    pub excused: u64,
    /// Of those that count, how many knew the speed.
    pub speeds: u64,
    /// The sum of these speeds, each the lower of both directions. Mbit/s.
    pub speed_sum: u64,
    /// What the reports of its agent say of the rental's machines; `None` where it has none.
    pub machines: Option<MachineTime>,
}

/// How long the machines of a rental were its own, without announced maintenance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MachineTime {
    /// All of it. Seconds, of several machines together.
    pub seconds: u64,
    /// Of these, how many they could not be used through the farm's side. Seconds.
    pub down_seconds: u64,
}

impl MachineTime {
    /// The uptime, rounded down; `None` where it is too short to say.
    pub fn uptime(self) -> Option<Uptime> {
        let up = self.seconds.saturating_sub(self.down_seconds);
        (self.seconds >= MACHINE_SECONDS_MIN).then(|| Uptime::measured(up, self.seconds)).flatten()
    }
}

impl Measured {
    /// The uptime by which a month is evaluated: that of its node or of its machines, whichever is
    /// lower; `None` where too little was seen to say.
    pub fn uptime(&self) -> Option<Uptime> {
        let of_machines = self.machines.and_then(MachineTime::uptime);
        self.node_uptime().into_iter().chain(of_machines).min()
    }

    /// The uptime of its node, rounded down; `None` where too little was seen to say.
    pub fn node_uptime(&self) -> Option<Uptime> {
        let Observations { observed, up } = self.observations;
        (observed >= OBSERVATIONS_MIN).then(|| Uptime::measured(up, observed)).flatten()
    }

    /// The average bandwidth, rounded down; `None` where too little was seen to say.
    pub fn bandwidth(&self) -> Option<Bandwidth> {
        let mean = self.speed_sum.checked_div(self.speeds)?;
        let mean = Bandwidth::from_mbps(u32::try_from(mean).unwrap_or(Bandwidth::MAX_MBPS));
        (self.speeds >= OBSERVATIONS_MIN).then_some(mean)
    }

    /// The share of what the time cost that is credited. Percent.
    pub fn credit_percent(&self, sla: SlaCommitment) -> u8 {
        let uptime = self.uptime();
        let bandwidth = self.bandwidth();
        sla::credit_percent(
            uptime.map(|measured| Compared { guaranteed: sla.uptime, measured }),
            bandwidth.map(|measured| Compared { guaranteed: sla.bandwidth, measured }),
        )
    }
}

/// A part of a rental's life on one node, with one SLA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenure {
    /// Up to when it is evaluated already.
    pub evaluated_until: Timestamp,
    /// When it ended; `None` while it goes on.
    pub ended_at: Option<Timestamp>,
    /// Up to when the rental is paid for.
    pub paid_until: Timestamp,
}

/// What is to be evaluated of a tenure now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The month.
    pub month: Month,
    /// From when.
    pub from: Timestamp,
    /// Up to when; not after `from` where nothing of it was paid for.
    pub until: Timestamp,
    /// Up to when the tenure is evaluated then.
    pub evaluated_until: Timestamp,
    /// When there is more to evaluate; `None` for nothing.
    pub next_at: Option<Timestamp>,
}

/// When the month of an instant is evaluated.
pub fn settled_at(at: Timestamp) -> Timestamp {
    Month::of(at).last_second().plus_seconds(1 + SETTLED_AFTER_SECONDS)
}

impl Tenure {
    /// What is evaluated of it next: the rest of a month, or of what it lived of it.
    pub fn due(&self) -> Due {
        let (from, month) = (self.evaluated_until, Month::of(self.evaluated_until));
        let over = month.last_second().plus_seconds(1);
        let end = self.ended_at.unwrap_or(over).max(from);
        let evaluated_until = end.min(over);
        let next = settled_at(over);
        let next_at = self.ended_at.map_or(Some(next), |at| Some(at).filter(|at| *at > over));
        Due { month, from, until: evaluated_until.min(self.paid_until), evaluated_until, next_at }
    }
}

/// What the time from `from` to `until` cost: what was paid for it and does not go back, by the
/// second. `over` is when the rental ended, if it has; its outages are those that are known at an
/// instant.
pub fn price_of(
    periods: &[Period],
    (from, until): (Timestamp, Timestamp),
    over: Option<Timestamp>,
    outages: (&Outages, Timestamp),
) -> Usd {
    let paid = |period: &Period| period.paid_between(from, until, over, outages);
    periods.iter().fold(Usd::ZERO, |sum, period| sum + paid(period))
}

/// Whose month it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    /// The rental.
    pub rental: RentalId,
    /// The number of its tenure.
    pub tenure: u32,
    /// The month.
    pub month: Month,
    /// How the rental is called in the ledger.
    pub place: String,
    /// Who is credited.
    pub renter: AccountId,
    /// Out of whose earnings.
    pub farmer: AccountId,
}

impl Subject {
    /// What makes its credit happen once. No key of the operator has a space.
    pub fn reference(&self) -> String {
        format!("month {}/{}/{}", self.rental, self.month, self.tenure)
    }

    /// The credit that follows; `None` for nothing.
    pub fn credit(&self, amount: Usd, why: &str) -> Option<Booking> {
        let reason = format!("SLA credit for {} in {}: {why}", self.place, self.month);
        let (from, to) = (LedgerAccount::Earnings(self.farmer), LedgerAccount::Wallet(self.renter));
        Booking::new(BookingKind::SlaCredit, self.reference(), reason, from, &[(to, amount)])
    }

    /// What moves where the operator decides that the renter gets `after` of the month instead of
    /// `before`; `None` for nothing.
    pub fn correction(&self, dispute: DisputeId, before: Usd, after: Usd) -> Option<Booking> {
        let reason = format!("Dispute about {} in {} decided", self.place, self.month);
        let (earnings, wallet) =
            (LedgerAccount::Earnings(self.farmer), LedgerAccount::Wallet(self.renter));
        let reference = format!("{dispute}");
        let kind = BookingKind::SlaCorrection;
        Booking::new(kind, reference, reason, earnings, &[(wallet, after - before)])
    }
}

/// Why something was credited, in a few words: such as `98.7% uptime, 99.5% guaranteed`.
pub fn reason(measured: &Measured, sla: SlaCommitment) -> String {
    let uptime = measured.uptime().filter(|uptime| *uptime < sla.uptime);
    let uptime = uptime.map(|uptime| format!("{uptime}% uptime, {}% guaranteed", sla.uptime));
    let bandwidth = measured.bandwidth().filter(|bandwidth| *bandwidth < sla.bandwidth);
    let bandwidth = bandwidth.map(|bandwidth| {
        format!("{} Mbit/s, {} Mbit/s guaranteed", bandwidth.mbps(), sla.bandwidth.mbps())
    });
    match (uptime, bandwidth) {
        (Some(uptime), Some(bandwidth)) => format!("{uptime}, {bandwidth}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::new(),
    }
}

/// Which side of a rental somebody disputes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum DisputeSide {
    /// Who rents it, and says that too little was credited.
    Renter,
    /// Whose earnings it was taken from.
    Farmer,
}

/// Reads what somebody says about an SLA result, or the operator about a dispute.
pub fn parse_words(field: &'static str, text: &str) -> Result<String, FieldError> {
    let words = text.trim();
    let is_fine = (1..=WORDS_CHARS_MAX).contains(&words.chars().count())
        && !words.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t');
    let rule = "1 to 1000 characters of text";
    is_fine.then(|| words.into()).ok_or_else(|| FieldError::new(field, rule))
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(&format!("{text}:00Z")).unwrap()
    }

    #[track_caller]
    fn check(tenure: (&str, Option<&str>, &str), expected: (&str, &str, &str, Option<&str>)) {
        let (evaluated_until, ended_at, paid_until) = tenure;
        let tenure = Tenure {
            evaluated_until: at(evaluated_until),
            ended_at: ended_at.map(at),
            paid_until: at(paid_until),
        };
        let due = tenure.due();
        let next_at = due.next_at.map(|at| at.to_string());
        let found = (due.month.to_string(), due.until, due.evaluated_until);
        assert_eq!(found, (expected.0.to_string(), at(expected.1), at(expected.2)));
        assert_eq!(next_at, expected.3.map(|text| format!("{text}:00Z")));
    }

    #[test]
    fn a_tenure_is_evaluated_month_by_month_and_at_its_end() {
        let (december, january) = ("2026-12-01T00:00", "2027-01-01T00:00");
        check(
            ("2026-11-22T17:08", None, "2027-02-22T17:08"),
            ("2026-11", december, december, Some("2027-01-03T00:00")),
        );
        check(
            (december, None, "2027-02-22T17:08"),
            ("2026-12", january, january, Some("2027-02-03T00:00")),
        );
        // It ended in the month, or in a later one.
        check(
            ("2026-11-22T17:08", Some("2026-11-25T10:00"), "2026-12-22T17:08"),
            ("2026-11", "2026-11-25T10:00", "2026-11-25T10:00", None),
        );
        check(
            ("2026-11-22T17:08", Some("2026-12-02T10:00"), "2026-12-22T17:08"),
            ("2026-11", december, december, Some("2026-12-02T10:00")),
        );
        check(
            ("2026-11-22T17:08", Some(december), "2026-12-22T17:08"),
            ("2026-11", december, december, None),
        );
        // The grace is not paid for, and does not count.
        check(
            (december, Some("2026-12-24T17:08"), "2026-12-22T17:08"),
            ("2026-12", "2026-12-22T17:08", "2026-12-24T17:08", None),
        );
        check(
            (january, Some("2027-01-02T17:08"), "2026-12-31T17:08"),
            ("2027-01", "2026-12-31T17:08", "2027-01-02T17:08", None),
        );
        let now = "2026-11-22T17:08";
        check((now, Some(now), "2026-12-22T17:08"), ("2026-11", now, now, None));
    }

    fn sla() -> SlaCommitment {
        SlaCommitment {
            uptime: Uptime::from_hundredths(9_950).unwrap(),
            bandwidth: Bandwidth::from_mbps(100),
        }
    }

    #[test]
    fn the_worse_of_node_and_machines_counts() {
        let measured = |up, down_seconds| Measured {
            observations: Observations { observed: 1_000, up },
            machines: Some(MachineTime { seconds: 100_000, down_seconds }),
            ..Measured::default()
        };
        let percent = |measured: Measured| measured.uptime().unwrap().to_string();
        assert_eq!(percent(measured(990, 0)), "99");
        assert_eq!(percent(measured(1_000, 2_001)), "97.99");
        assert_eq!(percent(measured(950, 2_001)), "95");
        assert_eq!(measured(1_000, 5_000).credit_percent(sla()), 25);
        // Of less than an hour nothing is said.
        let short = MachineTime { seconds: 3_599, down_seconds: 3_599 };
        assert_eq!(
            Measured { machines: Some(short), ..measured(1_000, 0) }.uptime(),
            Some(Uptime::FULL)
        );
    }

    #[track_caller]
    fn check_credit(observed: u64, up: u64, speeds: u64, speed_sum: u64, expected: u8) {
        let observations = Observations { observed, up };
        let measured = Measured { observations, excused: 0, speeds, speed_sum, machines: None };
        assert_eq!(measured.credit_percent(sla()), expected);
    }

    #[test]
    fn what_was_not_seen_is_neither_kept_nor_broken() {
        check_credit(0, 0, 0, 0, 0);
        check_credit(11, 0, 11, 0, 0);
        check_credit(12, 0, 0, 0, 50);
        check_credit(12, 12, 12, 12 * 99 + 11, 10);
        check_credit(12, 12, 12, 12 * 100, 0);
        check_credit(12, 12, 11, 0, 0);
        check_credit(1_000, 995, 900, 900 * 100, 0);
        check_credit(1_000, 994, 900, 900 * 99, 20);
        check_credit(1_000, 0, 900, 0, sla::PERCENT_MAX);
    }

    #[test]
    fn the_books_say_why() {
        let observations = Observations { observed: 1_000, up: 987 };
        let measured =
            Measured { observations, excused: 0, speeds: 20, speed_sum: 1_590, machines: None };
        let why = reason(&measured, sla());
        assert_eq!(why, "98.7% uptime, 99.5% guaranteed, 79 Mbit/s, 100 Mbit/s guaranteed");
        let kept = Observations { observed: 1_000, up: 1_000 };
        let slow = reason(&Measured { observations: kept, ..measured }, sla());
        assert_eq!(slow, "79 Mbit/s, 100 Mbit/s guaranteed");
        let id = |number| AccountId::from_random(Timestamp::from_seconds(0), [number; 10]);
        let subject = Subject {
            rental: RentalId::from_random(Timestamp::from_seconds(0), [7; 10]),
            tenure: 1,
            month: Month::parse("2026-11").unwrap(),
            place: "node32_slice_1".into(),
            renter: id(1),
            farmer: id(2),
        };
        let credit = subject.credit(Usd::whole(2), "98.7% uptime, 99.5% guaranteed").unwrap();
        assert_eq!(
            credit.reason,
            "SLA credit for node32_slice_1 in 2026-11: 98.7% uptime, 99.5% guaranteed"
        );
        assert_eq!(credit.entries[0].account, LedgerAccount::Earnings(id(2)));
        assert_eq!(credit.entries[0].amount, -Usd::whole(2));
        assert_eq!(subject.credit(Usd::ZERO, ""), None);
        let dispute = DisputeId::from_random(Timestamp::from_seconds(0), [9; 10]);
        let back = subject.correction(dispute, Usd::whole(2), Usd::whole(1)).unwrap();
        assert_eq!(back.entries[1].amount, -Usd::whole(1));
        assert_eq!(subject.correction(dispute, Usd::whole(2), Usd::whole(2)), None);
    }

    #[test]
    fn words_may_have_several_lines() {
        assert_eq!(parse_words("text", " It was up.\nSee my logs. ").unwrap().len(), 23);
        for text in ["", " \n ", "a\u{7}b", &"x".repeat(1_001)] {
            assert!(parse_words("text", text).is_err(), "{text:?}");
        }
    }

    proptest! {
        /// A tenure is evaluated in parts that join, each inside of one month, until it is over.
        #[test]
        fn months_join(start in 0..4_000_000_000_i64, length in 0..100_000_000_i64,
                       paid in 0..100_000_000_i64) {
            let at = |seconds| Timestamp::from_seconds(seconds);
            let mut tenure = Tenure {
                evaluated_until: at(start),
                ended_at: Some(at(start + length)),
                paid_until: at(start + paid),
            };
            let mut evaluated = 0;
            for _ in 0..60 {
                let due = tenure.due();
                prop_assert_eq!(due.from, tenure.evaluated_until);
                prop_assert!(Month::of(due.from) == due.month);
                evaluated += due.until.seconds_since(due.from).max(0);
                tenure.evaluated_until = due.evaluated_until;
                if due.next_at.is_none() {
                    break;
                }
            }
            prop_assert_eq!(tenure.evaluated_until, at(start + length));
            prop_assert_eq!(evaluated, length.min(paid));
        }
    }
}
