//! Challenges: good for one thing, once, and for minutes.

use std::sync::Barrier;
use std::thread;

use domain::id::MailId;
use store::challenges::{
    CHALLENGE_SECONDS, ChallengeKind, NewChallenge, find, open, open_by_mail, sweep, take,
};
use store::{RusqliteDb, mails};

use crate::market::{Disk, OMAR, account, count, empty, now, open_account, random};

fn reset(hash: &[u8; 32]) -> NewChallenge<'_> {
    NewChallenge {
        hash,
        kind: ChallengeKind::PasswordReset,
        account: Some(account(OMAR)),
        payload: b"what for",
    }
}

fn with_account() -> RusqliteDb {
    let db = empty();
    open_account(&db, OMAR);
    db
}

#[test]
fn a_challenge_is_met_once_and_for_its_own_thing() {
    let db = with_account();
    open(&db, &reset(&[1; 32]), now()).unwrap();
    let is_there = |hash: u8, kind| take(&db, &[hash; 32], kind, now()).unwrap().is_some();
    assert!(!is_there(1, ChallengeKind::EmailChange), "of another kind");
    assert!(!is_there(2, ChallengeKind::PasswordReset), "unknown");
    let seen = find(&db, &[1; 32], ChallengeKind::PasswordReset, now()).unwrap().unwrap();
    assert_eq!((seen.account, seen.payload.as_slice()), (Some(account(OMAR)), &b"what for"[..]));
    assert!(is_there(1, ChallengeKind::PasswordReset), "looking used nothing up");
    assert!(!is_there(1, ChallengeKind::PasswordReset), "used");
}

#[test]
fn a_challenge_is_over_after_ten_minutes() {
    let db = with_account();
    open(&db, &reset(&[1; 32]), now()).unwrap();
    let at = |seconds| {
        let then = now().plus_seconds(seconds);
        find(&db, &[1; 32], ChallengeKind::PasswordReset, then).unwrap().is_some()
    };
    assert!(at(CHALLENGE_SECONDS - 1));
    assert!(!at(CHALLENGE_SECONDS));
    sweep(&db, now().plus_seconds(CHALLENGE_SECONDS - 1)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM challenges"), 1);
    sweep(&db, now().plus_seconds(CHALLENGE_SECONDS)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM challenges"), 0);
}

#[test]
fn a_link_lives_longer_than_its_mail_is_tried() {
    let db = with_account();
    let mail = MailId::from_random(now(), random(1));
    open_by_mail(&db, &reset(&[1; 32]), mail, "password-reset", b"sealed", now()).unwrap();
    // Nobody takes the mail, until the last attempt.
    let mut at = now();
    for attempt in 1..=mails::ATTEMPTS_MAX {
        while mails::claim(&db, at).unwrap().is_none_or(|mail| mail.attempt != attempt) {
            at = at.plus_seconds(1);
        }
    }
    assert!(now().plus_seconds(4 * 60 * 60) < at, "{at}");
    let an_hour_later = at.plus_seconds(60 * 60);
    assert!(find(&db, &[1; 32], ChallengeKind::PasswordReset, an_hour_later).unwrap().is_some());
}

#[test]
fn only_the_newest_mail_counts() {
    let db = with_account();
    for number in [1, 2] {
        let mail = MailId::from_random(now(), random(number));
        let hash = [number.to_be_bytes()[3]; 32];
        open_by_mail(&db, &reset(&hash), mail, "password-reset", b"sealed", now()).unwrap();
    }
    let is_there =
        |hash: u8| take(&db, &[hash; 32], ChallengeKind::PasswordReset, now()).unwrap().is_some();
    assert!(!is_there(1) && is_there(2));
    assert_eq!(count(&db, "SELECT count(*) FROM mails"), 2);
}

#[test]
fn of_many_who_try_one_gets_it() {
    let disk = Disk::new("wal");
    let db = disk.open();
    store::migrate::apply(&db, now()).unwrap();
    open_account(&db, OMAR);
    open(&db, &reset(&[1; 32]), now()).unwrap();
    let start = Barrier::new(8);
    let attempt = || {
        let db = disk.open();
        start.wait();
        take(&db, &[1; 32], ChallengeKind::PasswordReset, now()).unwrap().is_some()
    };
    let winners = thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(attempt)).collect();
        threads.into_iter().map(|t| t.join().unwrap()).filter(|won| *won).count()
    });
    assert_eq!(winners, 1);
}
