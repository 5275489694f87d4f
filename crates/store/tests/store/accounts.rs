//! Accounts, sessions and tokens.

use domain::account::Scopes;
use domain::id::{SessionId, TokenId};
use domain::time::Timestamp;
use store::accounts::{
    NewToken, TOKENS_PER_ACCOUNT_MAX, by_session, by_token, close_session, create, create_token,
    credentials, open_session, sweep_sessions,
};
use store::{RusqliteDb, StoreError};

use crate::market::{OMAR, account, count, email, empty, now, open_account, random};

fn open(db: &RusqliteDb, number: u8, ends_at: Timestamp) -> Result<(), StoreError> {
    let id = SessionId::from_random(now(), random(number.into()));
    open_session(db, id, &[number; 32], account(OMAR), now(), ends_at)
}

#[test]
fn an_address_has_one_account() {
    let db = empty();
    assert_eq!(create(&db, account(OMAR), &email(OMAR), "$first", now()), Ok(true));
    assert_eq!(create(&db, account(9), &email(OMAR), "$second", now()), Ok(false));
    let found = credentials(&db, &email(OMAR)).unwrap().unwrap();
    assert_eq!((found.account, found.password_hash.as_str()), (account(OMAR), "$first"));
    assert!(credentials(&db, &email(9)).unwrap().is_none());
    // The id is the caller's: one that is taken is a failure, not another account's.
    let taken = create(&db, account(OMAR), &email(9), "$third", now());
    assert!(matches!(taken, Err(StoreError::Refused(_))));
}

#[test]
fn a_session_lasts_until_its_second() {
    let db = empty();
    open_account(&db, OMAR);
    open(&db, 1, now().plus_seconds(60)).unwrap();
    let check = |hash: u8, seconds, expected| {
        let found = by_session(&db, &[hash; 32], now().plus_seconds(seconds)).unwrap();
        assert_eq!(found.map(|identity| identity.account), expected);
    };
    check(1, 0, Some(account(OMAR)));
    check(1, 59, Some(account(OMAR)));
    check(1, 60, None);
    check(2, 0, None);
    close_session(&db, &[2; 32]).unwrap();
    check(1, 0, Some(account(OMAR)));
    close_session(&db, &[1; 32]).unwrap();
    check(1, 0, None);
}

#[test]
fn sessions_that_are_over_are_swept() {
    let db = empty();
    open_account(&db, OMAR);
    for number in 1..=9 {
        open(&db, number, now().plus_seconds(number.into())).unwrap();
    }
    sweep_sessions(&db, now().plus_seconds(5)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM sessions"), 4);
    assert_eq!(count(&db, "SELECT min(expires_at) FROM sessions"), now().seconds() + 6);
}

fn token(number: u8, hash: &[u8; 32], expires_at: Timestamp) -> NewToken<'_> {
    NewToken {
        id: TokenId::from_random(now(), random(number.into())),
        hash,
        account: account(OMAR),
        name: "laptop",
        scopes: Scopes::parse(["read", "rent"]).unwrap(),
        expires_at,
    }
}

#[test]
fn a_token_says_who_and_what_for() {
    let db = empty();
    open_account(&db, OMAR);
    let hash = [7; 32];
    assert_eq!(create_token(&db, &token(1, &hash, now().plus_seconds(60)), now()), Ok(true));
    let found = by_token(&db, &hash, now()).unwrap().unwrap();
    assert_eq!((found.account, found.email.as_str()), (account(OMAR), email(OMAR).as_str()));
    assert_eq!(found.scopes.names().collect::<Vec<_>>(), ["read", "rent"]);
    assert_eq!(by_token(&db, &hash, now().plus_seconds(60)), Ok(None));
    assert_eq!(by_token(&db, &[8; 32], now()), Ok(None));
}

#[test]
fn an_account_has_a_limited_number_of_tokens() {
    let db = empty();
    open_account(&db, OMAR);
    let max = u8::try_from(TOKENS_PER_ACCOUNT_MAX).unwrap();
    for number in 1..=max {
        let ends_at = now().plus_seconds(if number == 1 { 60 } else { 600 });
        assert_eq!(create_token(&db, &token(number, &[number; 32], ends_at), now()), Ok(true));
    }
    let hash = [max + 1; 32];
    let one_more = token(max + 1, &hash, now().plus_seconds(600));
    assert_eq!(create_token(&db, &one_more, now()), Ok(false));
    // One that is over makes room.
    assert_eq!(create_token(&db, &one_more, now().plus_seconds(60)), Ok(true));
}
