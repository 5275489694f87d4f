//! Sessions: how long they last, what they prove, and how they end.

use domain::id::SessionId;
use domain::time::Timestamp;
use store::accounts::Grant;
use store::sessions::{
    IDLE_SECONDS, NewSession, SEEN_SECONDS, SESSIONS_PER_ACCOUNT_MAX, close, end, end_others, find,
    of_account, sweep, verify,
};
use store::{RusqliteDb, StoreError};

use crate::market::{AIDA, OMAR, account, count, empty, now, open_account, random};

pub(crate) fn open(
    db: &RusqliteDb,
    owner: u32,
    number: u8,
    ends_at: Timestamp,
) -> Result<bool, StoreError> {
    let session = NewSession {
        id: SessionId::from_random(now(), random(number.into())),
        hash: &[number; 32],
        account: account(owner),
        is_strong: false,
        address: "192.0.2.7",
        user_agent: "a browser",
        expires_at: ends_at,
    };
    store::sessions::open(db, &session, now())
}

fn id(number: u8) -> SessionId {
    SessionId::from_random(now(), random(number.into()))
}

#[test]
fn a_session_lasts_until_its_second() {
    let db = empty();
    open_account(&db, OMAR);
    open(&db, OMAR, 1, now().plus_seconds(60)).unwrap();
    let check = |hash: u8, seconds, expected| {
        let found = find(&db, &[hash; 32], now().plus_seconds(seconds)).unwrap();
        assert_eq!(found.map(|identity| identity.account), expected);
    };
    check(1, 0, Some(account(OMAR)));
    check(1, 59, Some(account(OMAR)));
    check(1, 60, None);
    check(2, 0, None);
    close(&db, &[2; 32]).unwrap();
    check(1, 0, Some(account(OMAR)));
    close(&db, &[1; 32]).unwrap();
    check(1, 0, None);
}

#[test]
fn a_session_that_nobody_uses_is_over_early() {
    let db = empty();
    open_account(&db, OMAR);
    let month = now().plus_seconds(30 * 24 * 60 * 60);
    open(&db, OMAR, 1, month).unwrap();
    open(&db, OMAR, 2, month).unwrap();
    let is_there = |hash: u8, at: Timestamp| find(&db, &[hash; 32], at).unwrap().is_some();
    let late = now().plus_seconds(IDLE_SECONDS - 1);
    assert!(is_there(1, late), "used in time");
    assert_eq!(of_account(&db, account(OMAR), late.plus_seconds(1)).unwrap().len(), 1);
    assert!(!is_there(2, late.plus_seconds(1)), "never used");
    assert!(is_there(1, late.plus_seconds(IDLE_SECONDS - 1)));
    assert!(!is_there(1, month), "and never longer than that");
}

#[test]
fn use_is_noted_once_an_hour() {
    let db = empty();
    open_account(&db, OMAR);
    open(&db, OMAR, 1, now().plus_seconds(IDLE_SECONDS)).unwrap();
    let seen_after = |seconds| {
        find(&db, &[1; 32], now().plus_seconds(seconds)).unwrap().unwrap();
        count(&db, "SELECT seen_at FROM sessions") - now().seconds()
    };
    assert_eq!(seen_after(SEEN_SECONDS - 1), 0);
    assert_eq!(seen_after(SEEN_SECONDS), SEEN_SECONDS);
    assert_eq!(seen_after(SEEN_SECONDS + 1), SEEN_SECONDS);
}

#[test]
fn a_proof_gives_another_secret_and_never_weakens() {
    let db = empty();
    open_account(&db, OMAR);
    open(&db, OMAR, 1, now().plus_seconds(600)).unwrap();
    let later = now().plus_seconds(60);
    assert_eq!(verify(&db, id(1), &[2; 32], true, later), Ok(true));
    assert_eq!(find(&db, &[1; 32], later), Ok(None));
    let strong = Grant::Session { id: id(1), is_strong: true, verified_at: later };
    assert_eq!(find(&db, &[2; 32], later).unwrap().unwrap().grant, strong);
    assert_eq!(verify(&db, id(1), &[3; 32], false, later), Ok(true));
    assert_eq!(find(&db, &[3; 32], later).unwrap().unwrap().grant, strong);
    assert_eq!(verify(&db, id(9), &[4; 32], true, later), Ok(false));
}

#[test]
fn an_owner_ends_their_own_only() {
    let db = empty();
    open_account(&db, OMAR);
    open_account(&db, AIDA);
    for (owner, number) in [(OMAR, 1), (OMAR, 2), (AIDA, 3)] {
        open(&db, owner, number, now().plus_seconds(60)).unwrap();
    }
    assert_eq!(end(&db, account(OMAR), id(3)), Ok(false));
    assert_eq!(end(&db, account(OMAR), id(1)), Ok(true));
    assert_eq!(end(&db, account(OMAR), id(1)), Ok(false));
    open(&db, OMAR, 4, now().plus_seconds(60)).unwrap();
    end_others(&db, account(OMAR), Some(id(2))).unwrap();
    let left = of_account(&db, account(OMAR), now()).unwrap();
    assert_eq!(left.iter().map(|session| session.id).collect::<Vec<_>>(), [id(2)]);
    assert_eq!((left[0].address.as_str(), left[0].user_agent.as_str()), ("192.0.2.7", "a browser"));
    end_others(&db, account(OMAR), None).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM sessions"), 1);
}

#[test]
fn one_too_many_ends_the_oldest() {
    let db = empty();
    open_account(&db, OMAR);
    let max = u8::try_from(SESSIONS_PER_ACCOUNT_MAX).unwrap();
    for number in 1..=max + 2 {
        open(&db, OMAR, number, now().plus_seconds(60)).unwrap();
    }
    let left = of_account(&db, account(OMAR), now()).unwrap();
    assert_eq!((left.len(), left[0].id), (max.into(), id(max + 2)));
    assert_eq!(left.last().unwrap().id, id(3));
}

#[test]
fn sessions_that_are_over_are_swept() {
    let db = empty();
    open_account(&db, OMAR);
    for number in 1..=9 {
        open(&db, OMAR, number, now().plus_seconds(number.into())).unwrap();
    }
    sweep(&db, now().plus_seconds(5)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM sessions"), 4);
    assert_eq!(count(&db, "SELECT min(expires_at) FROM sessions"), now().seconds() + 6);
}
