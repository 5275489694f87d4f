//! The way from a paid rental to a machine that its renter can log in to, and back: jobs that an
//! agent of the farm leases, reports on, and completes or fails.
//!
//! The tables of states and of deadlines are printed by tests below.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::time::Timestamp;

/// A lease lasts so long, and each report prolongs it to that. Seconds.
pub const LEASE_SECONDS: i64 = 60;
/// An agent that asks for a job waits for one at most so long. Seconds.
pub const WAIT_SECONDS_MAX: u32 = 20;
/// Access is guaranteed within so long; then people are notified. Seconds: 5 minutes.
pub const LATE_SECONDS: i64 = 5 * 60;
/// A removal takes at most so long; then people are notified. Seconds: an hour.
pub const REMOVAL_LATE_SECONDS: i64 = 3_600;
/// What a farmer does by hand, because the farm has no agent, is late so much later. Seconds: 12
/// hours.
pub const BY_HAND_SECONDS: i64 = 12 * 3_600;
/// What has no access by then is refunded in full. Seconds: ten minutes less than 24 hours, which
/// is two runs of what refunds.
pub const REFUND_SECONDS: i64 = 24 * 3_600 - 600;
/// The pause after the first failure; each next one is twice as long. Seconds.
pub const RETRY_FIRST_SECONDS: i64 = 30;
/// The longest pause after a failure. Seconds: half an hour.
pub const RETRY_MAX_SECONDS: i64 = 1_800;
/// A machine is tried to be made so often, whether agents failed or died. A removal is tried until
/// it is done.
pub const ATTEMPTS_MAX: u32 = 10;
/// A renter may end so many rentals, which an agent has begun to set up, in
/// [`FREE_SETUPS_SECONDS`] at no charge. From then on the time since renting is charged.
pub const FREE_SETUPS: u32 = 3;
/// Seconds: 24 hours.
pub const FREE_SETUPS_SECONDS: i64 = 86_400;
/// A farm has an agent if one has asked for a job within so long. Seconds: 30 days.
pub const AGENT_SECONDS: i64 = 30 * 86_400;

/// A time by which something must have happened, who sees to it, and what happens otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadline {
    /// What must have happened.
    pub what: &'static str,
    /// Within so many seconds.
    pub seconds: i64,
    /// Since when.
    pub since: &'static str,
    /// The component, and its job, that looks.
    pub owner: &'static str,
    /// What it does about it.
    pub then: &'static str,
}

/// Every deadline of a job.
pub const DEADLINES: [Deadline; 7] = [
    Deadline {
        what: "report",
        seconds: LEASE_SECONDS,
        since: "lease or last report",
        owner: "provisioner, lease",
        then: "the next agent that asks gets the job, with a higher fence",
    },
    Deadline {
        what: "access",
        seconds: LATE_SECONDS,
        since: "payment, the first key, or a move",
        owner: "clock, notify of late jobs",
        then: "renter, farmer and operators are notified once",
    },
    Deadline {
        what: "access",
        seconds: REFUND_SECONDS,
        since: "payment, or the first key",
        owner: "clock, refund rentals without access",
        then: "the rental is refunded in full and ends",
    },
    Deadline {
        what: "access or removal by hand",
        seconds: BY_HAND_SECONDS,
        since: "when it would be late with an agent",
        owner: "clock, notify of late jobs",
        then: "renter or farmer, and operators, are notified once",
    },
    Deadline {
        what: "next attempt",
        seconds: RETRY_MAX_SECONDS,
        since: "a failure",
        owner: "provisioner, lease",
        then: "the job is due again; sooner after the first failures",
    },
    Deadline {
        what: "removal",
        seconds: REMOVAL_LATE_SECONDS,
        since: "end of the rental",
        owner: "clock, notify of late jobs",
        then: "farmer and operators are notified once; the slice stays off the market",
    },
    Deadline {
        what: "a sign of life",
        seconds: AGENT_SECONDS,
        since: "the agent last asked",
        owner: "the trigger that makes jobs",
        then: "what is rented from then on is set up by hand",
    },
];

/// What a job is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum JobKind {
    /// A machine is made on a slice.
    Create,
    /// It is removed, with all that is on it.
    Remove,
}

/// Where a job is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum JobState {
    /// The renter has no SSH key that could be put on the machine; no clock runs.
    NeedsKey,
    /// It waits for an agent, from its due time on.
    Waiting,
    /// An agent has it, until its lease is over.
    Leased,
    /// The machine is there, or is gone.
    Done,
    /// It is not tried again.
    Failed,
    /// Everything was refunded.
    Refunded,
    /// The rental ended, or went on with another slice, before it was done.
    Canceled,
}

impl JobState {
    /// Whether access is owed: it is paid for, there is a key, and no machine yet.
    pub fn is_owed(self) -> bool {
        match self {
            JobState::Waiting | JobState::Leased | JobState::Failed => true,
            JobState::NeedsKey | JobState::Done | JobState::Refunded | JobState::Canceled => false,
        }
    }
}

/// What a renter who has paid waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owed {
    /// Nothing: the machines are there, or nobody has begun with them.
    Nothing,
    /// Access, which is not late yet.
    Access,
    /// Access, which is late or was given up: the renter may go on with another slice.
    Overdue,
}

impl Owed {
    /// What the jobs that make a rental's machines come to: the state of each, and whether it is
    /// late.
    pub fn of(jobs: impl IntoIterator<Item = (JobState, bool)>) -> Owed {
        let each = jobs.into_iter().map(|(state, is_late)| match state {
            JobState::Failed => Owed::Overdue,
            JobState::Waiting | JobState::Leased if is_late => Owed::Overdue,
            JobState::Waiting | JobState::Leased => Owed::Access,
            JobState::NeedsKey | JobState::Done | JobState::Refunded | JobState::Canceled => {
                Owed::Nothing
            }
        });
        each.max().unwrap_or(Owed::Nothing)
    }

    /// Whether nothing is earned until a machine is there.
    pub fn is_owed(self) -> bool {
        match self {
            Owed::Nothing => false,
            Owed::Access | Owed::Overdue => true,
        }
    }
}

/// The setup of a rental that its renter ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setup {
    /// What its renter waits for.
    pub owed: Owed,
    /// Whether an agent has begun with a machine of it.
    pub has_begun: bool,
    /// How many rentals the renter has ended during their setup within [`FREE_SETUPS_SECONDS`].
    pub ended_before: u32,
}

impl Setup {
    /// Whether nothing is charged: there is no machine that could have been used, or it is late, or
    /// the renter seldom does so. `None` where no setup goes on.
    pub fn is_free(self) -> Option<bool> {
        match self.owed {
            Owed::Nothing => None,
            Owed::Access => Some(!self.has_begun || self.ended_before < FREE_SETUPS),
            Owed::Overdue => Some(true),
        }
    }
}

/// What happens to a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum JobEvent {
    /// The renter registers a key.
    KeyGiven,
    /// An agent takes it: once it is due, or once the lease of another one is over.
    Leased,
    /// The agent tells a step.
    Progressed,
    /// The agent is done.
    Completed,
    /// The agent could not do it, and it can be tried again.
    Missed,
    /// It cannot be done, or was tried too often.
    GivenUp,
    /// The farmer says that they have set the machine up by hand, or that it is gone.
    Confirmed,
    /// Everything is refunded.
    Refunded,
    /// The rental ends, or goes on with another slice.
    RentalEnded,
}

/// The state of a job after an event; `None` where the event cannot happen.
pub fn after(kind: JobKind, state: JobState, event: JobEvent) -> Option<JobState> {
    use JobState::{Canceled, Done, Failed, Leased, NeedsKey, Refunded, Waiting};
    match (kind, event, state) {
        (JobKind::Create, JobEvent::KeyGiven, NeedsKey) | (_, JobEvent::Missed, Leased) => {
            Some(Waiting)
        }
        (_, JobEvent::Leased, Waiting | Leased) | (_, JobEvent::Progressed, Leased) => Some(Leased),
        (_, JobEvent::Completed, Leased)
        | (JobKind::Create, JobEvent::Confirmed, Waiting)
        | (JobKind::Remove, JobEvent::Confirmed, Waiting | Leased | Failed) => Some(Done),
        (_, JobEvent::GivenUp, Leased) => Some(Failed),
        (JobKind::Create, JobEvent::Refunded, Waiting | Leased | Failed) => Some(Refunded),
        (JobKind::Create, JobEvent::RentalEnded, NeedsKey | Waiting | Leased | Failed) => {
            Some(Canceled)
        }
        (
            JobKind::Create | JobKind::Remove,
            JobEvent::KeyGiven
            | JobEvent::Leased
            | JobEvent::Progressed
            | JobEvent::Completed
            | JobEvent::Missed
            | JobEvent::GivenUp
            | JobEvent::Confirmed
            | JobEvent::Refunded
            | JobEvent::RentalEnded,
            NeedsKey | Waiting | Leased | Done | Failed | Refunded | Canceled,
        ) => None,
    }
}

/// How far an agent is with a machine.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, EnumString, IntoStaticStr, VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Step {
    /// It has begun.
    Accepted,
    /// The disk is made.
    Disk,
    /// The machine boots.
    Booting,
    /// Its port answers.
    Reachable,
    /// From outside, it shows the host key that it should.
    Checked,
}

/// A job as far as reports on it are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Job {
    /// What it is for.
    pub kind: JobKind,
    /// Where it is.
    pub state: JobState,
    /// Counts its leases: only the holder of the newest one is heard.
    pub fence: u32,
    /// How often it was leased.
    pub attempts: u32,
    /// The last step of this lease.
    pub step: Option<Step>,
}

/// What an agent reports about a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// It has come so far.
    Progress(Step),
    /// It is done.
    Complete,
    /// It could not be done.
    Fail {
        /// Whether it may work another time.
        retry: bool,
    },
}

/// What becomes of a job that was reported on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Next {
    /// The state.
    pub state: JobState,
    /// The last step.
    pub step: Option<Step>,
    /// When it can be leased next: at the end of the lease, or after the pause.
    pub due_at: Timestamp,
}

/// Somebody else has the job by now, or nobody needs it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this lease has expired because the job was reassigned or canceled; stop the job")]
pub struct LeaseLost;

/// Decides a report of whoever holds the lease of this `fence`. `None` is a report that was heard
/// already.
pub fn report(
    job: &Job,
    fence: u32,
    report: Report,
    now: Timestamp,
) -> Result<Option<Next>, LeaseLost> {
    if fence != job.fence || job.attempts == 0 {
        return Err(LeaseLost);
    }
    let event = match (report, job.state) {
        (Report::Complete, JobState::Done)
        | (Report::Fail { .. }, JobState::Waiting | JobState::Failed) => return Ok(None),
        (Report::Progress(_), _) => JobEvent::Progressed,
        (Report::Complete, _) => JobEvent::Completed,
        (Report::Fail { retry: true }, _) if can_retry(job) => JobEvent::Missed,
        (Report::Fail { .. }, _) => JobEvent::GivenUp,
    };
    let state = after(job.kind, job.state, event).ok_or(LeaseLost)?;
    let step = match report {
        // A step that is reported late does not take the others back.
        Report::Progress(step) => job.step.max(Some(step)),
        Report::Complete | Report::Fail { .. } => job.step,
    };
    let due_at = match event {
        JobEvent::Missed => now.plus_seconds(pause(job.attempts)),
        _ => now.plus_seconds(LEASE_SECONDS),
    };
    Ok(Some(Next { state, step, due_at }))
}

fn can_retry(job: &Job) -> bool {
    match job.kind {
        JobKind::Create => job.attempts < ATTEMPTS_MAX,
        JobKind::Remove => true,
    }
}

/// How long a job rests after so many attempts, in seconds.
pub fn pause(attempts: u32) -> i64 {
    let doublings = attempts.saturating_sub(1).min(16);
    (RETRY_FIRST_SECONDS << doublings).min(RETRY_MAX_SECONDS)
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;
    use alloc::vec::Vec;

    use expect_test::{Expect, expect};
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(kind: JobKind, expected: Expect) {
        let row = |state: JobState| {
            let next = |event: JobEvent| {
                let to = after(kind, state, event)?;
                Some(format!("  {event:?}: {}\n", to.into_str()))
            };
            let nexts: Vec<String> = JobEvent::VARIANTS.iter().copied().filter_map(next).collect();
            format!("{}\n{}", state.into_str(), nexts.concat())
        };
        let table: String = JobState::VARIANTS.iter().copied().map(row).collect();
        expected.assert_eq(&table);
    }

    #[test]
    fn the_life_of_a_job_that_makes_a_machine() {
        check(
            JobKind::Create,
            expect![[r#"
            needs-key
              KeyGiven: waiting
              RentalEnded: canceled
            waiting
              Leased: leased
              Confirmed: done
              Refunded: refunded
              RentalEnded: canceled
            leased
              Leased: leased
              Progressed: leased
              Completed: done
              Missed: waiting
              GivenUp: failed
              Refunded: refunded
              RentalEnded: canceled
            done
            failed
              Refunded: refunded
              RentalEnded: canceled
            refunded
            canceled
        "#]],
        );
    }

    #[test]
    fn the_life_of_a_job_that_removes_a_machine() {
        check(
            JobKind::Remove,
            expect![[r#"
            needs-key
            waiting
              Leased: leased
              Confirmed: done
            leased
              Leased: leased
              Progressed: leased
              Completed: done
              Missed: waiting
              GivenUp: failed
              Confirmed: done
            done
            failed
              Confirmed: done
            refunded
            canceled
        "#]],
        );
    }

    #[test]
    fn deadlines_and_who_owns_them() {
        let row = |d: &Deadline| {
            let Deadline { what, seconds, since, owner, then } = d;
            format!("{what} within {seconds} s of: {since}\n  {owner}:\n  {then}\n")
        };
        let table: String = DEADLINES.iter().map(row).collect();
        expect![[r#"
            report within 60 s of: lease or last report
              provisioner, lease:
              the next agent that asks gets the job, with a higher fence
            access within 300 s of: payment, the first key, or a move
              clock, notify of late jobs:
              renter, farmer and operators are notified once
            access within 85800 s of: payment, or the first key
              clock, refund rentals without access:
              the rental is refunded in full and ends
            access or removal by hand within 43200 s of: when it would be late with an agent
              clock, notify of late jobs:
              renter or farmer, and operators, are notified once
            next attempt within 1800 s of: a failure
              provisioner, lease:
              the job is due again; sooner after the first failures
            removal within 3600 s of: end of the rental
              clock, notify of late jobs:
              farmer and operators are notified once; the slice stays off the market
            a sign of life within 2592000 s of: the agent last asked
              the trigger that makes jobs:
              what is rented from then on is set up by hand
        "#]]
        .assert_eq(&table);
    }

    fn leased(kind: JobKind) -> Job {
        Job { kind, state: JobState::Leased, fence: 3, attempts: 2, step: Some(Step::Disk) }
    }

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_795_368_000)
    }

    #[test]
    fn the_holder_is_heard_and_heard_once() {
        let job = leased(JobKind::Create);
        let tell = |job: &Job, what| report(job, 3, what, now());
        let next = tell(&job, Report::Progress(Step::Booting)).unwrap().unwrap();
        assert_eq!((next.state, next.step), (JobState::Leased, Some(Step::Booting)));
        assert_eq!(next.due_at, now().plus_seconds(LEASE_SECONDS));
        let next = tell(&job, Report::Progress(Step::Accepted)).unwrap().unwrap();
        assert_eq!(next.step, Some(Step::Disk));
        let next = tell(&job, Report::Complete).unwrap().unwrap();
        assert_eq!(next.state, JobState::Done);
        let done = Job { state: JobState::Done, ..job };
        assert_eq!(tell(&done, Report::Complete), Ok(None));
        assert_eq!(tell(&done, Report::Progress(Step::Checked)), Err(LeaseLost));
        assert_eq!(tell(&done, Report::Fail { retry: true }), Err(LeaseLost));
        let next = tell(&job, Report::Fail { retry: true }).unwrap().unwrap();
        assert_eq!((next.state, next.due_at), (JobState::Waiting, now().plus_seconds(60)));
        let waiting = Job { state: JobState::Waiting, ..job };
        assert_eq!(tell(&waiting, Report::Fail { retry: true }), Ok(None));
        assert_eq!(tell(&waiting, Report::Complete), Err(LeaseLost));
        let next = tell(&job, Report::Fail { retry: false }).unwrap().unwrap();
        assert_eq!(next.state, JobState::Failed);
        let last = Job { attempts: ATTEMPTS_MAX, ..job };
        let next = tell(&last, Report::Fail { retry: true }).unwrap().unwrap();
        assert_eq!(next.state, JobState::Failed);
        let last = Job { kind: JobKind::Remove, ..last };
        let next = tell(&last, Report::Fail { retry: true }).unwrap().unwrap();
        assert_eq!(next.due_at, now().plus_seconds(RETRY_MAX_SECONDS));
    }

    #[test]
    fn what_is_owed_is_what_its_worst_job_owes() {
        let row = |state: JobState| {
            let of = [false, true].map(|is_late| Owed::of([(state, is_late)]));
            assert_eq!(of.map(Owed::is_owed), [state.is_owed(); 2], "{state:?}");
            format!("{}: {:?}, late: {:?}\n", state.into_str(), of[0], of[1])
        };
        let table: String = JobState::VARIANTS.iter().copied().map(row).collect();
        expect![[r#"
            needs-key: Nothing, late: Nothing
            waiting: Access, late: Overdue
            leased: Access, late: Overdue
            done: Nothing, late: Nothing
            failed: Overdue, late: Overdue
            refunded: Nothing, late: Nothing
            canceled: Nothing, late: Nothing
        "#]]
        .assert_eq(&table);
        assert_eq!(Owed::of([]), Owed::Nothing);
        let (done, waits) = ((JobState::Done, true), (JobState::Waiting, false));
        assert_eq!(Owed::of([done, waits, done]), Owed::Access);
        assert_eq!(Owed::of([waits, (JobState::Failed, false)]), Owed::Overdue);
    }

    #[test]
    fn nobody_else_is_heard() {
        for &state in JobState::VARIANTS {
            let job = Job { state, ..leased(JobKind::Create) };
            for what in [
                Report::Progress(Step::Checked),
                Report::Complete,
                Report::Fail { retry: true },
                Report::Fail { retry: false },
            ] {
                for fence in [0, 2, 4] {
                    assert_eq!(report(&job, fence, what, now()), Err(LeaseLost), "{job:?}");
                }
                // A job that was never leased has no holder, whatever its fence.
                let fresh = Job { attempts: 0, ..job };
                assert_eq!(report(&fresh, 3, what, now()), Err(LeaseLost));
            }
        }
    }

    proptest! {
        #[test]
        fn pauses_grow_and_end(attempts in 0..99_u32) {
            let pauses = (pause(attempts), pause(attempts + 1));
            prop_assert!(pauses.0 <= pauses.1);
            prop_assert!((RETRY_FIRST_SECONDS..=RETRY_MAX_SECONDS).contains(&pauses.1));
        }
    }

    #[test]
    fn ten_attempts_fit_into_the_time_until_the_refund() {
        let pauses: i64 = (1..ATTEMPTS_MAX).map(pause).sum();
        assert!(pauses + i64::from(ATTEMPTS_MAX) * LEASE_SECONDS < REFUND_SECONDS);
    }
}
