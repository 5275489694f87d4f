//! Jobs: made with a rental, leased by one agent at a time, reported on by its holder alone, paid
//! back where nothing comes of them, and followed by a removal.

use std::thread;

use domain::event::EventKind;
use domain::id::{JobId, MailId, NodeId, RentalId, SliceId};
use domain::leaving::MoveError;
use domain::money::Usd;
use domain::provisioning::{
    AGENT_SECONDS, ATTEMPTS_MAX, BY_HAND_SECONDS, JobKind, JobState, LATE_SECONDS, LEASE_SECONDS,
    LeaseLost, Owed, REFUND_SECONDS, REMOVAL_LATE_SECONDS, Report, Step,
};
use domain::time::Timestamp;
use store::due::NotificationMail;
use store::jobs::{self, Agent, JobReport, Leased, ReportFailure};
use store::leaving::{Destination, MoveFailure, alternatives, move_rental, withdraw};
use store::rentals::{self, end};
use store::ssh_keys::KeyLines;
use store::{RusqliteDb, due, migrate, unprovisioned};
use strum::VariantArray;

use crate::market::{
    AIDA, Attempt, Disk, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, balance,
    by_hand, count, earned, extend, fund, furnish, market, now, publish, random, register, rent,
    rent_all, rental_of, set_up_by_hand, states, usd, version, whole,
};
use crate::ssh_keys::add;

/// A time after the beginning.
fn at(seconds: i64) -> Timestamp {
    now().plus_seconds(seconds)
}

fn agent(farmer: u32, farm: u32) -> Agent<'static> {
    Agent { farmer: account(farmer), farm, name: "rack-7", token: None }
}

/// The agent of `NODE`.
fn rack() -> Agent<'static> {
    agent(FARMER, 1)
}

/// A market with an agent and a renter with a key.
pub(crate) fn provisioned() -> RusqliteDb {
    let db = market();
    jobs::see(&db, &rack(), at(-60)).unwrap();
    add(&db, OMAR, 1).unwrap();
    db
}

#[track_caller]
pub(crate) fn lease(db: &RusqliteDb, seconds: i64) -> Leased {
    jobs::lease(db, &rack(), at(seconds)).unwrap().expect("a job is due")
}

fn nothing_is_due(db: &RusqliteDb, seconds: i64) {
    assert_eq!(jobs::lease(db, &rack(), at(seconds)), Ok(None));
}

pub(crate) fn notify(
    db: &RusqliteDb,
    job: &Leased,
    report: Report,
    seconds: i64,
) -> Result<Timestamp, ReportFailure> {
    let is_access = report == Report::Complete && job.kind == JobKind::Create;
    let sealed = is_access.then_some(&b"sealed"[..]);
    let told =
        JobReport { job: &job.id, fence: job.fence, report, sealed, reason: None, log: None };
    let done = jobs::report(db, &rack(), &told, at(seconds));
    assert_sound(db);
    done
}

#[track_caller]
fn check_lost(result: Result<Timestamp, ReportFailure>) {
    assert_eq!(result, Err(ReportFailure::Lost(LeaseLost)));
}

fn job_states(db: &RusqliteDb, rental: RentalId) -> Vec<(JobState, u32)> {
    let machines = jobs::machines(db, rental, now()).unwrap();
    machines.iter().map(|machine| (machine.state, machine.attempts)).collect()
}

fn events(db: &RusqliteDb, kind: &str) -> i64 {
    count(db, &format!("SELECT count(*) FROM events WHERE kind = '{kind}'"))
}

/// A market whose farm has no agent, a renter with a key, and their rental.
fn rented_by_hand() -> (RusqliteDb, RentalId) {
    let db = market();
    set_up_by_hand(&db);
    add(&db, OMAR, 1).unwrap();
    for other in [agent(FARMER, 2), agent(OTHER_FARMER, 1)] {
        jobs::see(&db, &other, now()).unwrap();
    }
    jobs::see(&db, &rack(), at(-AGENT_SECONDS)).unwrap();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    assert_eq!(events(&db, "manual-setup"), 1);
    (db, rental)
}

fn setups(db: &RusqliteDb) -> Vec<(u32, JobState)> {
    let setups = jobs::manual_setups(db, account(FARMER), NodeId(NODE)).unwrap();
    setups.iter().map(|setup| (setup.slice.number, setup.state)).collect()
}

fn confirm(db: &RusqliteDb, rental: RentalId, seconds: i64) -> bool {
    let job = &jobs::machines(db, rental, at(seconds)).unwrap()[0].job;
    let done = jobs::confirm_setup(db, account(FARMER), job, b"sealed", at(seconds)).unwrap();
    assert_sound(db);
    done
}

#[test]
fn what_a_farmer_sets_up_by_hand_is_confirmed_used_and_removed_by_hand() {
    let (db, rental) = rented_by_hand();
    let setup = &jobs::manual_setups(&db, account(FARMER), NodeId(NODE)).unwrap()[0];
    assert_eq!((setup.rental, setup.refund_at), (rental, at(REFUND_SECONDS)));
    assert_eq!(setup.ssh_keys, KeyLines(vec!["ssh-ed25519 AAAA1".to_owned()]));
    assert_eq!(jobs::manual_setups(&db, account(OTHER_FARMER), NodeId(NODE)), Ok(vec![]));
    let job = &setup.job;
    assert_eq!(jobs::confirm_setup(&db, account(OTHER_FARMER), job, b"no", now()), Ok(false));

    // Nothing is earned until the farmer has confirmed it.
    let day = 86_400;
    due::earn(&db, at(day - 700), 10).unwrap();
    assert_eq!(earned(&db, FARMER), Usd::ZERO);
    assert!(confirm(&db, rental, day - 700));
    assert!(!confirm(&db, rental, day - 699));
    assert_eq!((events(&db, "access-ready"), setups(&db)), (1, vec![(1, JobState::Done)]));
    assert_eq!(unprovisioned::refundable(&db, at(2 * day), 10), Ok(vec![]));
    due::earn(&db, at(2 * day), 10).unwrap();
    assert!(earned(&db, FARMER) > usd("1"));
    // Nobody watches it, and an agent that joins leaves it alone.
    let machine = &jobs::machines(&db, rental, at(2 * day)).unwrap()[0];
    assert_eq!((machine.live, machine.can, machine.is_by_hand), (None, None, true));
    jobs::see(&db, &rack(), at(2 * day)).unwrap();
    nothing_is_due(&db, 2 * day);

    end(&db, account(OMAR), rental, None, at(3 * day)).unwrap();
    nothing_is_due(&db, 4 * day);
    assert_eq!((events(&db, "manual-removal"), setups(&db)), (1, vec![]));
    assert_eq!(states(&db, NODE), "-aaaaaaaa");
    let removal = &jobs::being_removed(&db, account(FARMER), NodeId(NODE)).unwrap()[0];
    assert_eq!((removal.number, removal.is_by_hand), (1, true));
    let slice = SliceId { node: NodeId(NODE), number: 1 };
    assert_eq!(jobs::confirm_removed(&db, account(FARMER), slice, at(4 * day)), Ok(true));
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    assert_sound(&db);
}

#[test]
fn what_nobody_has_set_up_by_hand_is_late_after_half_a_day_and_refunded_after_a_day() {
    let (db, rental) = rented_by_hand();
    let late_at = LATE_SECONDS + BY_HAND_SECONDS;
    let late = |seconds: i64| unprovisioned::late(&db, at(seconds), 10).unwrap().len();
    let owed = |seconds: i64| jobs::owed(&db, rental, at(seconds)).unwrap();
    let waits =
        |seconds: i64| store::job_runs::backlog(&db, at(seconds)).unwrap()["notify of late jobs"];
    let is_late = |seconds: i64| jobs::machines(&db, rental, at(seconds)).unwrap()[0].is_late;
    assert_eq!((late(late_at - 1), owed(late_at - 1)), (0, Owed::Access));
    assert_eq!((waits(late_at - 1), is_late(late_at - 1)), (0, false));
    assert_eq!((late(late_at), owed(late_at)), (1, Owed::Overdue));
    assert_eq!((waits(late_at), is_late(late_at)), (1, true));

    let found = unprovisioned::refundable(&db, at(REFUND_SECONDS), 10).unwrap();
    assert_eq!(found.iter().map(|it| it.rental).collect::<Vec<_>>(), [rental]);
    unprovisioned::refund(&db, rental, None, at(REFUND_SECONDS)).unwrap();
    assert_eq!(balance(&db, OMAR), usd("100"));
    // Nothing was begun, so the slice is free at once.
    assert_eq!((states(&db, NODE), setups(&db)), ("aaaaaaaaa".to_owned(), vec![]));
    assert_eq!(events(&db, "manual-removal"), 0);
    assert_sound(&db);
}

#[test]
fn an_agent_that_joins_takes_over_what_waits_to_be_set_up_by_hand() {
    let (db, rental) = rented_by_hand();
    jobs::see(&db, &rack(), at(3_600)).unwrap();
    let job = lease(&db, 3_600);
    assert_eq!((job.rental, job.kind, setups(&db)), (rental, JobKind::Create, vec![]));
    assert!(!confirm(&db, rental, 3_601));
    // Its five minutes begin now.
    let is_late = |seconds: i64| jobs::machines(&db, rental, at(seconds)).unwrap()[0].is_late;
    assert!(!is_late(3_600 + LATE_SECONDS - 1) && is_late(3_600 + LATE_SECONDS));
    notify(&db, &job, Report::Complete, 3_700).unwrap();
    end(&db, account(OMAR), rental, None, at(7_200)).unwrap();
    assert_eq!(lease(&db, 7_200).kind, JobKind::Remove);
}

#[test]
fn a_farmer_is_notified_once_a_renter_has_a_key() {
    let db = market();
    set_up_by_hand(&db);
    rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!((events(&db, "manual-setup"), setups(&db)), (0, vec![(1, JobState::NeedsKey)]));
    add(&db, OMAR, 1).unwrap();
    assert_eq!((events(&db, "manual-setup"), setups(&db)), (1, vec![(1, JobState::Waiting)]));
    assert_sound(&db);
}

#[test]
fn a_job_is_leased_told_of_and_done() {
    let db = provisioned();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let job = lease(&db, 1);
    assert_eq!((job.kind, job.fence, job.attempt, job.rental), (JobKind::Create, 1, 1, rental));
    assert_eq!(job.slice, SliceId { node: NodeId(NODE), number: 1 });
    assert_eq!(job.id.as_str(), format!("{rental}_32_1_create"));
    assert_eq!(JobId::parse(job.id.as_str()), Some(job.id.clone()));
    assert_eq!(job.ssh_keys, Some(KeyLines(vec!["ssh-ed25519 AAAA1".to_owned()])));
    assert_eq!(job.lease_expires_at, at(1 + LEASE_SECONDS));
    assert_eq!(job.deadline_at, at(REFUND_SECONDS));
    nothing_is_due(&db, 1);
    for (seconds, step) in Step::VARIANTS.iter().copied().enumerate() {
        let seconds = 10 * (1 + i64::try_from(seconds).unwrap());
        let until = notify(&db, &job, Report::Progress(step), seconds).unwrap();
        assert_eq!(until, at(seconds + LEASE_SECONDS));
        notify(&db, &job, Report::Progress(step), seconds).unwrap();
    }
    assert_eq!(events(&db, "access-progress"), 5);
    let machine = &jobs::machines(&db, rental, now()).unwrap()[0];
    let times: Vec<i64> = machine.steps.iter().map(|(_, at)| at.seconds_since(now())).collect();
    assert_eq!(times, [10, 20, 30, 40, 50]);
    notify(&db, &job, Report::Complete, 60).unwrap();
    notify(&db, &job, Report::Complete, 61).unwrap();
    assert_eq!(events(&db, "access-ready"), 1);
    check_lost(notify(&db, &job, Report::Fail { retry: true }, 62));
    let machine = &jobs::machines(&db, rental, now()).unwrap()[0];
    assert_eq!(machine.sealed.as_deref(), Some(&b"sealed"[..]));
    nothing_is_due(&db, REFUND_SECONDS);
    let told: Vec<_> = rentals::events(&db, rental).unwrap();
    assert_eq!(told.last().unwrap().kind, EventKind::AccessReady);
    assert_eq!(told[1].subject.as_deref(), Some("accepted"));
}

#[test]
fn a_lease_that_is_over_goes_to_the_next_with_a_higher_fence() {
    let db = provisioned();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let first = lease(&db, 0);
    notify(&db, &first, Report::Progress(Step::Disk), 50).unwrap();
    nothing_is_due(&db, 50 + LEASE_SECONDS - 1);
    // Over, but nobody else has it: its holder is heard.
    notify(&db, &first, Report::Progress(Step::Booting), 200).unwrap();
    let second = lease(&db, 200 + LEASE_SECONDS);
    assert_eq!((second.id.clone(), second.fence, second.attempt), (first.id.clone(), 2, 2));
    for report in [Report::Progress(Step::Checked), Report::Complete, Report::Fail { retry: true }]
    {
        check_lost(notify(&db, &first, report, 270));
    }
    // The steps begin anew.
    assert_eq!(jobs::machines(&db, first.rental, now()).unwrap()[0].steps, []);
    notify(&db, &second, Report::Complete, 280).unwrap();
    check_lost(notify(&db, &first, Report::Complete, 290));
    let told = JobReport {
        job: &second.id,
        fence: 2,
        report: Report::Complete,
        sealed: None,
        reason: None,
        log: None,
    };
    for other in [agent(FARMER, 2), agent(OTHER_FARMER, 1)] {
        assert_eq!(jobs::report(&db, &other, &told, at(0)), Err(ReportFailure::NoSuchJob));
        assert_eq!(jobs::lease(&db, &other, at(999)), Ok(None));
    }
}

#[test]
fn a_failed_job_is_tried_again_and_given_up_in_the_end() {
    let db = provisioned();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let mut seconds = 0;
    for nth in 1..=ATTEMPTS_MAX {
        let job = lease(&db, seconds);
        let due = notify(&db, &job, Report::Fail { retry: true }, seconds + 5).unwrap();
        notify(&db, &job, Report::Fail { retry: true }, seconds + 6).unwrap();
        if nth < ATTEMPTS_MAX {
            assert_eq!(job_states(&db, rental), [(JobState::Waiting, nth)]);
            seconds = due.seconds_since(now());
            nothing_is_due(&db, seconds - 1);
        }
    }
    assert_eq!(job_states(&db, rental), [(JobState::Failed, ATTEMPTS_MAX)]);
    assert_eq!(events(&db, "access-failed"), 1);
    nothing_is_due(&db, REFUND_SECONDS);

    // One that cannot be done is not tried again; one whose agents die is given up as well.
    let db = provisioned();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let job = lease(&db, 0);
    notify(&db, &job, Report::Fail { retry: false }, 1).unwrap();
    assert_eq!(job_states(&db, rental), [(JobState::Failed, 1)]);
    let other = rent(&db, Attempt { id: 50, ..attempt(OMAR, "other") }).unwrap().life.id;
    for nth in 0..ATTEMPTS_MAX {
        jobs::give_up(&db, at(i64::from(nth) * LEASE_SECONDS)).unwrap();
        lease(&db, i64::from(nth) * LEASE_SECONDS);
    }
    let over = i64::from(ATTEMPTS_MAX) * LEASE_SECONDS;
    nothing_is_due(&db, over);
    jobs::give_up(&db, at(over - 1)).unwrap();
    assert_eq!(job_states(&db, other), [(JobState::Leased, ATTEMPTS_MAX)]);
    jobs::give_up(&db, at(over)).unwrap();
    assert_eq!(job_states(&db, other), [(JobState::Failed, ATTEMPTS_MAX)]);
    assert_sound(&db);
}

#[test]
fn without_a_key_the_clock_stands_still() {
    let db = provisioned();
    let rental = rent(&db, attempt(AIDA, "key")).unwrap().life.id;
    assert_eq!(job_states(&db, rental), [(JobState::NeedsKey, 0)]);
    nothing_is_due(&db, 9_999);
    assert_eq!(unprovisioned::late(&db, at(9_999), 9), Ok(vec![]));
    assert_eq!(unprovisioned::refundable(&db, at(99_999), 9), Ok(vec![]));
    assert_eq!(due::earn(&db, at(9 * 86_400), 9).unwrap(), []);
    assert_eq!(count(&db, "SELECT sum(earned_micros) FROM rental_periods"), 0);
    // The key of another does not help.
    add(&db, OMAR, 2).unwrap();
    assert_eq!(job_states(&db, rental), [(JobState::NeedsKey, 0)]);
    add(&db, AIDA, 7).unwrap();
    let job = lease(&db, 0);
    assert_eq!(job.rental, rental);
    assert_eq!(job.ssh_keys, Some(KeyLines(vec!["ssh-ed25519 AAAA7".to_owned()])));
    assert_eq!(job.deadline_at, at(REFUND_SECONDS));
    assert_sound(&db);
}

#[test]
fn people_are_told_once_that_a_job_is_late() {
    let db = provisioned();
    rent(&db, attempt(OMAR, "key")).unwrap();
    lease(&db, 0);
    assert_eq!(unprovisioned::late(&db, at(LATE_SECONDS - 1), 9), Ok(vec![]));
    let late = unprovisioned::late(&db, at(LATE_SECONDS), 9).unwrap();
    let [late] = &late[..] else { panic!("{late:?}") };
    assert_eq!((late.place.as_str(), late.account), ("node32_slice_1", account(OMAR)));
    let mails = [account(OMAR), account(FARMER)].map(|to| (to, mail(to == account(OMAR))));
    for _ in 0..2 {
        unprovisioned::notify(&db, late, &mails, at(LATE_SECONDS)).unwrap();
    }
    assert_eq!((events(&db, "access-late"), count(&db, "SELECT count(*) FROM mails")), (1, 2));
    assert_eq!(unprovisioned::late(&db, at(9_999), 9), Ok(vec![]));
    assert_eq!(unprovisioned::late_count(&db), Ok(1));
    assert_sound(&db);
}

fn mail(is_first: bool) -> NotificationMail<'static> {
    NotificationMail {
        id: MailId::from_random(now(), random(1 + u32::from(is_first))),
        kind: "access-late",
        sealed: b"sealed",
    }
}

#[test]
fn what_has_no_access_is_refunded_to_the_cent_and_ends() {
    let db = provisioned();
    fund(&db, OMAR, "900");
    let before = balance(&db, OMAR);
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    extend(&db, &Attempt { id: 60, ..attempt(OMAR, "more") }, rental, None).unwrap();
    lease(&db, 0);
    // A day is over, and nothing of it is earned.
    assert_eq!(due::earn(&db, at(86_400), 9).unwrap(), []);
    assert_eq!(unprovisioned::refundable(&db, at(REFUND_SECONDS - 1), 9), Ok(vec![]));
    let found = unprovisioned::refundable(&db, at(REFUND_SECONDS), 9).unwrap();
    assert_eq!((found.len(), found[0].rental), (1, rental));
    const { assert!(REFUND_SECONDS + 600 <= 86_400, "two runs before a day is over") };
    assert!(unprovisioned::refund(&db, rental, Some(&mail(true)), at(86_000)).unwrap());
    assert!(!unprovisioned::refund(&db, rental, Some(&mail(true)), at(86_000)).unwrap());
    assert_eq!(balance(&db, OMAR), before);
    let all = "SELECT coalesce(sum(balance_micros), 0) FROM ledger_accounts WHERE kind = ";
    for kind in ["'escrow'", "'earnings'", "'platform'"] {
        assert_eq!(count(&db, &format!("{all}{kind}")), 0, "{kind}");
    }
    assert_eq!((events(&db, "rental-refunded"), events(&db, "rental-ended")), (1, 1));
    assert_eq!(count(&db, "SELECT count(*) FROM mails"), 1);
    assert_eq!(job_states(&db, rental), [(JobState::Refunded, 1)]);
    // What its agent has begun is removed before the slice is offered again.
    assert_eq!(states(&db, NODE), "-aaaaaaaa");
    assert_sound(&db);
}

#[test]
fn a_renter_without_access_ends_without_cost() {
    let db = provisioned();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let (_, refund) = end(&db, account(OMAR), rental, None, at(7_200)).unwrap();
    assert_eq!((refund, balance(&db, OMAR)), (usd("25"), usd("100")));
    assert_eq!(job_states(&db, rental), [(JobState::Refunded, 0)]);
    // No agent ever had it: there is nothing to remove.
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    nothing_is_due(&db, 9_999);
    // With access, the time that was used costs what it costs.
    let rental = rent(&db, Attempt { id: 51, ..attempt(OMAR, "again") }).unwrap().life.id;
    let job = lease(&db, 1);
    notify(&db, &job, Report::Complete, 2).unwrap();
    let (_, refund) = end(&db, account(OMAR), rental, None, at(7_200)).unwrap();
    assert!(refund < usd("25"), "{refund}");
    // And without a key it is the renter who has waited.
    let rental = rent(&db, Attempt { id: 52, ..attempt(AIDA, "none") }).unwrap().life.id;
    let (_, refund) = end(&db, account(AIDA), rental, None, at(7_200)).unwrap();
    assert!(refund < usd("25"), "{refund}");
    assert_sound(&db);
}

#[test]
fn a_slice_is_offered_again_once_its_machine_is_gone() {
    let db = provisioned();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let made = lease(&db, 0);
    notify(&db, &made, Report::Complete, 1).unwrap();
    end(&db, account(OMAR), rental, None, at(100)).unwrap();
    assert_eq!(states(&db, NODE), "-aaaaaaaa");
    // Whatever the grid reports, it is not offered, and no other takes its place.
    for capacity in [9, 4, 12, 9] {
        by_hand(&db, &format!("UPDATE nodes SET capacity = {capacity}")).unwrap();
        let offered = count(&db, "SELECT available_slices FROM nodes");
        assert_eq!(offered, i64::from(capacity - 1), "{capacity}");
        assert!(states(&db, NODE).starts_with('-'));
        assert_sound(&db);
    }
    let job = lease(&db, 101);
    assert_eq!((job.kind, job.fence, job.attempt), (JobKind::Remove, made.fence + 1, 1));
    assert_eq!(job.deadline_at, at(100 + REMOVAL_LATE_SECONDS));
    check_lost(notify(&db, &made, Report::Progress(Step::Disk), 102));
    notify(&db, &job, Report::Fail { retry: true }, 103).unwrap();
    let job = lease(&db, 103 + 30);
    assert_eq!(jobs::being_removed(&db, account(FARMER), NodeId(NODE)).unwrap().len(), 1);
    let seen = jobs::agents(&db, account(FARMER), NodeId(NODE)).unwrap();
    assert_eq!((seen.len(), seen[0].name.as_str(), seen[0].seen_at), (1, "rack-7", at(-60)));
    assert_eq!(jobs::agents(&db, account(OTHER_FARMER), NodeId(NODE)), Ok(vec![]));
    notify(&db, &job, Report::Complete, 140).unwrap();
    notify(&db, &job, Report::Complete, 141).unwrap();
    assert_eq!((states(&db, NODE).as_str(), events(&db, "slice-removed")), ("aaaaaaaaa---", 1));
    assert_eq!(jobs::being_removed(&db, account(FARMER), NodeId(NODE)), Ok(vec![]));
    rent(&db, Attempt { id: 51, slice: Some(1), ..attempt(OMAR, "again") }).unwrap();
    assert_sound(&db);
}

#[test]
fn a_farmer_can_say_that_a_machine_is_gone() {
    let db = provisioned();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let job = lease(&db, 0);
    end(&db, account(OMAR), rental, None, at(10)).unwrap();
    // Its agent still has the lease: the removal waits until that is over.
    check_lost(notify(&db, &job, Report::Complete, 11));
    nothing_is_due(&db, LEASE_SECONDS - 1);
    let slice = SliceId { node: NodeId(NODE), number: 1 };
    let confirm =
        |farmer, slice| jobs::confirm_removed(&db, account(farmer), slice, at(20)).unwrap();
    assert!(!confirm(OTHER_FARMER, slice));
    assert!(!confirm(FARMER, SliceId { number: 2, ..slice }));
    let late = unprovisioned::late(&db, at(10 + REMOVAL_LATE_SECONDS), 9).unwrap();
    assert_eq!((late[0].kind, late[0].account), (JobKind::Remove, account(FARMER)));
    unprovisioned::notify(&db, &late[0], &[], at(3_700)).unwrap();
    assert_eq!(events(&db, "removal-late"), 1);
    assert!(confirm(FARMER, slice));
    assert!(!confirm(FARMER, slice));
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
    nothing_is_due(&db, 9_999);
    assert_sound(&db);
}

#[test]
fn a_whole_node_has_a_job_for_each_slice() {
    let db = provisioned();
    fund(&db, OMAR, "900");
    let wanted = Attempt { id: 70, ..attempt(OMAR, "whole") };
    let rental = rent_all(&db, &wanted, &whole(NODE)).unwrap().rentals[0].life.id;
    assert_eq!(job_states(&db, rental).len(), 9);
    for _ in 0..8 {
        let job = lease(&db, 0);
        notify(&db, &job, Report::Complete, 1).unwrap();
    }
    // Eight of nine are not what was paid for.
    assert_eq!(due::earn(&db, at(86_400), 9).unwrap(), []);
    assert!(unprovisioned::refund(&db, rental, None, at(REFUND_SECONDS)).unwrap());
    assert_eq!(states(&db, NODE), "--------a");
    for _ in 0..8 {
        let job = lease(&db, REFUND_SECONDS);
        assert_eq!(job.kind, JobKind::Remove);
        notify(&db, &job, Report::Complete, REFUND_SECONDS).unwrap();
    }
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
}

#[test]
fn a_day_is_earned_once_there_is_access() {
    let db = provisioned();
    rent(&db, attempt(OMAR, "key")).unwrap();
    let job = lease(&db, 0);
    due::earn(&db, at(86_400), 9).unwrap();
    assert_eq!(count(&db, "SELECT sum(earned_micros) FROM rental_periods"), 0);
    notify(&db, &job, Report::Complete, 86_400).unwrap();
    due::earn(&db, at(86_400), 9).unwrap();
    assert_eq!(count(&db, "SELECT sum(earned_micros) FROM rental_periods"), 830_000);
    assert_sound(&db);
}

/// A market in a file.
fn on_disk() -> Disk {
    let disk = Disk::new("wal");
    let db = disk.open();
    migrate::apply(&db, now()).unwrap();
    furnish(&db);
    disk
}

/// Several agents on connections of their own: each job is leased once.
#[test]
fn of_many_agents_one_gets_each_job() {
    let disk = on_disk();
    let db = disk.open();
    jobs::see(&db, &rack(), at(-60)).unwrap();
    fund(&db, OMAR, "900");
    add(&db, OMAR, 1).unwrap();
    for nth in 0..6 {
        rent(&db, Attempt { id: 80 + nth, ..attempt(OMAR, &format!("key-{nth}")) }).unwrap();
    }
    let work = || {
        let db = disk.open();
        let mut leased = Vec::new();
        for _ in 0..60 {
            match jobs::lease(&db, &rack(), at(1)) {
                Ok(Some(job)) => leased.push((job.id, job.fence)),
                Ok(None) => break,
                Err(store::StoreError::Busy) => {}
                Err(error) => panic!("{error}"),
            }
        }
        leased
    };
    let mut leased: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    leased.sort();
    assert_eq!((leased.len(), leased.iter().all(|(_, fence)| *fence == 1)), (6, true));
    leased.dedup();
    assert_eq!(leased.len(), 6);
    assert_sound(&db);
}

/// Completing and paying back at once: one of them, and never a machine for nothing.
#[test]
fn access_and_refund_exclude_each_other() {
    for round in 0..8_u32 {
        let disk = on_disk();
        let db = disk.open();
        jobs::see(&db, &rack(), at(-60)).unwrap();
        add(&db, OMAR, 1).unwrap();
        let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
        let job = lease(&db, 0);
        let complete = move |db: &RusqliteDb| {
            let told = JobReport {
                job: &job.id,
                fence: job.fence,
                report: Report::Complete,
                sealed: Some(b"sealed"),
                reason: None,
                log: None,
            };
            match jobs::report(db, &rack(), &told, at(REFUND_SECONDS)) {
                Ok(_) => Some(true),
                Err(ReportFailure::Lost(_)) => Some(false),
                Err(_) => None,
            }
        };
        let refund =
            move |db: &RusqliteDb| unprovisioned::refund(db, rental, None, at(REFUND_SECONDS)).ok();
        let (completed, refunded) = thread::scope(|scope| {
            let completing = scope.spawn(|| until_done(&disk.open(), complete));
            let refunding = scope.spawn(|| until_done(&disk.open(), refund));
            (completing.join().unwrap(), refunding.join().unwrap())
        });
        assert_ne!(completed, refunded, "round {round}");
        assert_sound(&db);
    }
}

/// Does it again while others are at it.
fn until_done(db: &RusqliteDb, work: impl Fn(&RusqliteDb) -> Option<bool>) -> bool {
    (0..99).find_map(|_| work(db)).expect("not busy for ever")
}

/// To any free slice of a node, or to the one that is named.
fn to(db: &RusqliteDb, node: u32, slice: Option<u32>) -> Destination {
    Destination { node: NodeId(node), slice, offer_version: version(db, node) }
}

fn go(
    db: &RusqliteDb,
    rental: RentalId,
    to: &Destination,
    seconds: i64,
) -> Result<(u32, Option<u32>), MoveFailure> {
    let moved = move_rental(db, account(OMAR), rental, to, at(seconds));
    assert_sound(db);
    moved.map(|rental| (rental.life.node.0, rental.life.slice))
}

#[track_caller]
fn check_refused(result: Result<(u32, Option<u32>), MoveFailure>, why: MoveError) {
    assert_eq!(result, Err(MoveFailure::Rule(why)));
}

/// What a rental could go on with.
fn choices(db: &RusqliteDb, rental: RentalId, seconds: i64) -> Vec<String> {
    let owed = jobs::owed(db, rental, at(seconds)).unwrap();
    let found = rental_of(db, OMAR, rental);
    let found = alternatives(db, &found, owed, at(seconds)).unwrap();
    found.into_iter().map(|(slice, _)| slice.to_string()).collect()
}

#[test]
fn a_failed_machine_is_made_on_another_slice_and_refunded_when_it_would_have_been() {
    let db = provisioned();
    register(&db, OTHER_FARMER, 33, 2);
    publish(&db, 33, "20");
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let first = lease(&db, 1);
    let next = to(&db, NODE, Some(2));
    check_refused(go(&db, rental, &next, 2), MoveError::NotLeaving);
    notify(&db, &first, Report::Fail { retry: false }, 10).unwrap();
    // Only where a machine would be made, and its own node comes first.
    assert_eq!(choices(&db, rental, 20), ["node32_slice_2"]);
    check_refused(go(&db, rental, &to(&db, 33, None), 20), MoveError::NoAgent);
    jobs::see(&db, &agent(OTHER_FARMER, 1), at(15)).unwrap();
    assert_eq!(choices(&db, rental, 20), ["node32_slice_2", "node33_slice_1"]);
    assert_eq!(go(&db, rental, &to(&db, NODE, None), 20), Ok((NODE, Some(1))), "it is there");

    assert_eq!(go(&db, rental, &next, 20), Ok((NODE, Some(2))));
    assert_eq!(go(&db, rental, &next, 20), Ok((NODE, Some(2))), "a second try finds it done");
    assert_eq!(states(&db, NODE), "-Raaaaaaa");
    let machines = jobs::machines(&db, rental, at(20)).unwrap();
    assert_eq!((machines.len(), machines[0].slice.number), (1, 2));
    assert_eq!((machines[0].refund_at, machines[0].is_late), (at(REFUND_SECONDS), false));
    check_lost(notify(&db, &first, Report::Complete, 21));
    // A removal where it was, and a machine where it is.
    let removal = lease(&db, 80);
    assert_eq!((removal.kind, removal.slice.number), (JobKind::Remove, 1));
    notify(&db, &removal, Report::Complete, 81).unwrap();
    assert_eq!(states(&db, NODE), "aRaaaaaaa");
    let second = lease(&db, 82);
    assert_eq!((second.kind, second.slice.number, second.fence), (JobKind::Create, 2, 1));

    // It is late there as well, by a clock of its own; and it never comes back.
    let late = 20 + LATE_SECONDS;
    check_refused(go(&db, rental, &to(&db, NODE, Some(1)), late - 1), MoveError::NotLeaving);
    check_refused(go(&db, rental, &to(&db, NODE, Some(1)), late), MoveError::LeftBefore);
    assert_eq!(choices(&db, rental, late), ["node32_slice_3", "node33_slice_1"]);
    assert_eq!(go(&db, rental, &to(&db, 33, None), late), Ok((33, Some(1))));
    check_lost(notify(&db, &second, Report::Complete, late + 1));
    let machines = jobs::machines(&db, rental, at(late)).unwrap();
    assert_eq!((machines.len(), machines[0].refund_at), (1, at(REFUND_SECONDS)));
    // Nobody has earned, and it is refunded a day after it was paid.
    assert_eq!(due::earn(&db, at(86_400), 9).unwrap(), []);
    assert_eq!(unprovisioned::refundable(&db, at(REFUND_SECONDS - 1), 9), Ok(vec![]));
    assert_eq!(unprovisioned::refundable(&db, at(REFUND_SECONDS), 9).unwrap().len(), 1);
    assert!(unprovisioned::refund(&db, rental, None, at(REFUND_SECONDS)).unwrap());
    assert_eq!(balance(&db, OMAR), usd("100"));
    assert_eq!(states(&db, 33), "aa");
    assert_eq!(count(&db, "SELECT count(*) FROM jobs WHERE state = 'refunded'"), 1);
    assert_sound(&db);
}

#[test]
fn what_no_agent_has_begun_frees_its_slice_at_once() {
    let db = provisioned();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    // Nobody asks for five minutes.
    assert_eq!(go(&db, rental, &to(&db, NODE, Some(2)), LATE_SECONDS), Ok((NODE, Some(2))));
    assert_eq!(states(&db, NODE), "aRaaaaaaa");
    let job = lease(&db, LATE_SECONDS + 1);
    assert_eq!((job.kind, job.slice.number), (JobKind::Create, 2));
    notify(&db, &job, Report::Complete, LATE_SECONDS + 2).unwrap();
    nothing_is_due(&db, 9_999);
    // With access there is no reason to go.
    assert_eq!(jobs::owed(&db, rental, at(9_999)), Ok(Owed::Nothing));
    check_refused(go(&db, rental, &to(&db, NODE, Some(3)), 9_999), MoveError::NotLeaving);
    due::earn(&db, at(86_400), 9).unwrap();
    assert_eq!(count(&db, "SELECT sum(earned_micros) FROM rental_periods"), 830_000);
    assert_sound(&db);
}

#[test]
fn what_leaves_with_access_is_guaranteed_anew() {
    let db = provisioned();
    register(&db, OTHER_FARMER, 33, 2);
    publish(&db, 33, "20");
    jobs::see(&db, &agent(OTHER_FARMER, 1), at(10 * 86_400)).unwrap();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    let job = lease(&db, 0);
    notify(&db, &job, Report::Complete, 1).unwrap();
    withdraw(&db, account(FARMER), NodeId(NODE), None, now()).unwrap();
    let days = 10 * 86_400;
    assert_eq!(go(&db, rental, &to(&db, 33, None), days), Ok((33, Some(1))));
    let machines = jobs::machines(&db, rental, at(days)).unwrap();
    assert_eq!((machines.len(), machines[0].refund_at), (1, at(days + REFUND_SECONDS)));
    // What fails there keeps that SLA.
    assert_eq!(go(&db, rental, &to(&db, 33, Some(2)), days + LATE_SECONDS), Ok((33, Some(2))));
    let machines = jobs::machines(&db, rental, at(days)).unwrap();
    assert_eq!((machines.len(), machines[0].refund_at), (1, at(days + REFUND_SECONDS)));
    assert!(unprovisioned::refund(&db, rental, None, at(days + REFUND_SECONDS)).unwrap());
    // A third of the month was had at the first farmer's.
    assert_eq!(earned(&db, FARMER), usd("7.50"));
    assert_sound(&db);
}

/// Completing and going on at once: one of them, and never two machines.
#[test]
fn access_and_a_move_exclude_each_other() {
    for round in 0..8_u32 {
        let disk = on_disk();
        let db = disk.open();
        jobs::see(&db, &rack(), at(-60)).unwrap();
        add(&db, OMAR, 1).unwrap();
        let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
        let job = lease(&db, 0);
        let next = to(&db, NODE, Some(2));
        let complete = move |db: &RusqliteDb| {
            let told = JobReport {
                job: &job.id,
                fence: job.fence,
                report: Report::Complete,
                sealed: Some(b"sealed"),
                reason: None,
                log: None,
            };
            match jobs::report(db, &rack(), &told, at(LATE_SECONDS)) {
                Ok(_) => Some(true),
                Err(ReportFailure::Lost(_)) => Some(false),
                Err(_) => None,
            }
        };
        let leave = move |db: &RusqliteDb| match move_rental(
            db,
            account(OMAR),
            rental,
            &next,
            at(LATE_SECONDS),
        ) {
            Ok(_) => Some(true),
            Err(MoveFailure::Rule(MoveError::NotLeaving)) => Some(false),
            Err(_) => None,
        };
        let (completed, moved) = thread::scope(|scope| {
            let completing = scope.spawn(|| until_done(&disk.open(), complete));
            let leaving = scope.spawn(|| until_done(&disk.open(), leave));
            (completing.join().unwrap(), leaving.join().unwrap())
        });
        assert_ne!(completed, moved, "round {round}");
        let slice = jobs::machines(&db, rental, now()).unwrap()[0].slice.number;
        assert_eq!(slice, 1 + u32::from(moved));
        assert_sound(&db);
    }
}
