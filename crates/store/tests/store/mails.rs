//! The outbox: what is due, when it is tried again, and when it is given up.

use domain::id::MailId;
use domain::time::Timestamp;
use store::mails::{
    ATTEMPTS_MAX, Claimed, FIRST_WAIT_SECONDS, KEPT_SECONDS, NewMail, Retry, Waiting, claim,
    enqueue, failed, failed_attempt, retry, sent, sweep, waiting,
};
use store::{Db, RusqliteDb, StoreError};

use crate::market::{OMAR, account, count, empty, now, open_account, random};

fn id(number: u32) -> MailId {
    MailId::from_random(now(), random(number))
}

fn put(db: &dyn Db, number: u32, at: Timestamp) -> Result<(), StoreError> {
    let mail = NewMail { id: id(number), account: None, kind: "sign-up", sealed: b"sealed" };
    enqueue(db, &mail, at)
}

/// An outbox with one mail.
fn outbox() -> RusqliteDb {
    let db = empty();
    put(&db, 1, now()).unwrap();
    db
}

/// The number of the mail that is taken at `now` and so many seconds.
fn claimed(db: &dyn Db, seconds: i64) -> Option<MailId> {
    claim(db, now().plus_seconds(seconds)).unwrap().map(|mail| mail.id)
}

fn fail(db: &dyn Db, mail: &Claimed, error: &str, retry: Retry) {
    failed_attempt(db, mail, error, retry, now()).unwrap();
}

#[test]
fn a_mail_is_taken_once_and_what_was_sent_is_forgotten() {
    let db = outbox();
    let taken = claim(&db, now()).unwrap().unwrap();
    let expected =
        Claimed { id: id(1), kind: "sign-up".into(), sealed: b"sealed".into(), attempt: 1 };
    assert_eq!(taken, expected);
    assert_eq!(claimed(&db, 0), None);
    sent(&db, taken.id, now()).unwrap();
    assert_eq!(claimed(&db, 1_000_000), None);
    assert_eq!(waiting(&db), Ok(Waiting { count: 0, since: None }));
    assert_eq!(count(&db, "SELECT count(*) FROM mails WHERE sealed IS NULL"), 1);
    // What a mail transport took stays sent, whatever a slower mailer says.
    fail(&db, &taken, "too late", Retry::No);
    assert_eq!(failed(&db, 9), Ok(vec![]));
}

#[test]
fn the_mail_that_is_due_longest_goes_first() {
    let db = empty();
    for (number, seconds) in [(1, 5), (2, 3), (3, 4)] {
        put(&db, number, now().plus_seconds(seconds)).unwrap();
    }
    assert_eq!(claimed(&db, 2), None);
    assert_eq!(claimed(&db, 4), Some(id(2)));
    assert_eq!(claimed(&db, 4), Some(id(3)));
    assert_eq!(claimed(&db, 4), None);
    assert_eq!(claimed(&db, 5), Some(id(1)));
}

#[test]
fn each_wait_is_twice_as_long_until_the_mail_is_given_up() {
    let db = outbox();
    let (mut seconds, mut wait) = (0, FIRST_WAIT_SECONDS);
    for attempt in 1..=ATTEMPTS_MAX {
        if attempt > 1 {
            assert_eq!(claimed(&db, seconds - 1), None, "attempt {attempt}");
        }
        let taken = claim(&db, now().plus_seconds(seconds)).unwrap().unwrap();
        assert_eq!(taken.attempt, attempt);
        assert_eq!(failed(&db, 9), Ok(vec![]), "attempt {attempt}");
        fail(&db, &taken, "status 500", Retry::Yes);
        if attempt < ATTEMPTS_MAX {
            seconds += wait;
        }
        wait *= 2;
    }
    // The last attempt is four hours and a quarter after the first one.
    assert_eq!(seconds, 4 * 60 * 60 + 15 * 60 + 30);
    assert_eq!(claimed(&db, 100 * seconds), None);
    let given_up = failed(&db, 9).unwrap();
    assert_eq!((given_up.len(), given_up[0].attempts), (1, ATTEMPTS_MAX));
    assert_eq!(given_up[0].last_error.as_deref(), Some("status 500"));
}

#[test]
fn a_mail_whose_sender_died_is_taken_again() {
    let db = outbox();
    assert_eq!(claimed(&db, 0), Some(id(1)));
    assert_eq!(claimed(&db, FIRST_WAIT_SECONDS - 1), None);
    assert_eq!(claimed(&db, FIRST_WAIT_SECONDS), Some(id(1)));
    // However often that happens, the wait stays within what fits a number.
    for day in 1..=100 {
        assert_eq!(claimed(&db, day * 24 * 60 * 60), Some(id(1)), "day {day}");
    }
}

#[test]
fn an_attempt_that_ends_late_is_not_in_the_way_of_the_next() {
    let db = outbox();
    let first = claim(&db, now()).unwrap().unwrap();
    let second = claim(&db, now().plus_seconds(FIRST_WAIT_SECONDS)).unwrap().unwrap();
    fail(&db, &first, "took too long", Retry::No);
    assert_eq!((failed(&db, 9), waiting(&db).unwrap().count), (Ok(vec![]), 1));
    sent(&db, second.id, now()).unwrap();
    assert_eq!(waiting(&db).unwrap().count, 0);
}

#[test]
fn a_mail_that_nobody_takes_fails_at_once_and_can_be_tried_again() {
    let db = outbox();
    let taken = claim(&db, now()).unwrap().unwrap();
    fail(&db, &taken, "status 422,\r\ncode 406", Retry::No);
    let given_up = failed(&db, 9).unwrap();
    assert_eq!((given_up[0].id, given_up[0].kind.as_str()), (id(1), "sign-up"));
    assert_eq!(given_up[0].last_error.as_deref(), Some("status 422,  code 406"));
    assert_eq!((given_up[0].created_at, given_up[0].failed_at), (now(), now()));

    assert_eq!(retry(&db, id(2), now()), Ok(false));
    assert_eq!(retry(&db, id(1), now().plus_seconds(60)), Ok(true));
    assert_eq!(retry(&db, id(1), now().plus_seconds(60)), Ok(false));
    assert_eq!(claimed(&db, 59), None);
    let again = claim(&db, now().plus_seconds(60)).unwrap().unwrap();
    assert_eq!((again.attempt, again.sealed), (1, b"sealed".to_vec()));
    assert_eq!(failed(&db, 9), Ok(vec![]));
}

#[test]
fn an_error_is_kept_on_one_line_and_cut() {
    let db = outbox();
    let taken = claim(&db, now()).unwrap().unwrap();
    fail(&db, &taken, &"é\n".repeat(1_000), Retry::No);
    let error = failed(&db, 9).unwrap()[0].last_error.clone().unwrap();
    assert_eq!(error, "é ".repeat(100));
}

#[test]
fn the_operator_sees_what_waits_and_the_last_failures_first() {
    let db = empty();
    open_account(&db, OMAR);
    let mail =
        NewMail { id: id(9), account: Some(account(OMAR)), kind: "email-changed", sealed: b"s" };
    enqueue(&db, &mail, now().plus_seconds(9)).unwrap();
    for number in 1..=5 {
        put(&db, number, now()).unwrap();
    }
    for seconds in 1..=3 {
        let taken = claim(&db, now()).unwrap().unwrap();
        failed_attempt(&db, &taken, "no", Retry::No, now().plus_seconds(seconds)).unwrap();
    }
    assert_eq!(waiting(&db), Ok(Waiting { count: 3, since: Some(now()) }));
    let numbers: Vec<_> = failed(&db, 2).unwrap().iter().map(|mail| mail.id).collect();
    assert_eq!(numbers, [id(3), id(2)]);
}

#[test]
fn only_what_ended_long_ago_is_swept() {
    let db = outbox();
    for number in 2..=4 {
        put(&db, number, now().plus_seconds(1)).unwrap();
    }
    for seconds in 1..=2 {
        let taken = claim(&db, now().plus_seconds(seconds)).unwrap().unwrap();
        sent(&db, taken.id, now().plus_seconds(seconds)).unwrap();
    }
    let taken = claim(&db, now().plus_seconds(3)).unwrap().unwrap();
    failed_attempt(&db, &taken, "no", Retry::No, now().plus_seconds(3)).unwrap();
    let left = |seconds| {
        sweep(&db, now().plus_seconds(KEPT_SECONDS + seconds)).unwrap();
        count(&db, "SELECT count(*) FROM mails")
    };
    assert_eq!((left(0), left(1), left(2)), (4, 3, 2));
    // What still waits is never swept.
    assert_eq!((left(3), left(1_000_000)), (1, 1));
    assert_eq!(waiting(&db).unwrap().count, 1);
}

#[test]
fn a_sweep_is_bounded() {
    let db = empty();
    for number in 1..=1_001 {
        put(&db, number, now()).unwrap();
        sent(&db, id(number), now()).unwrap();
    }
    sweep(&db, now().plus_seconds(KEPT_SECONDS)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM mails"), 1);
}
