//! Tokens: who and what for, how much, how many, and how they end.

use domain::account::Scopes;
use domain::id::TokenId;
use domain::order::RentError;
use domain::time::Timestamp;
use store::accounts::Grant;
use store::renting::{Basis, RentFailure};
use store::tokens::{
    NewToken, TOKENS_PER_ACCOUNT_MAX, USED_SECONDS, create, find, of_account, revoke, sweep,
};

use crate::market::{
    AIDA, Attempt, OMAR, account, assert_sound, attempt, by_hand, count, email, empty, market, now,
    open_account, order_once, random, rent, usd,
};

fn id(number: u8) -> TokenId {
    TokenId::from_random(now(), random(number.into()))
}

fn token(number: u8, hash: &[u8; 32], expires_at: Timestamp) -> NewToken<'_> {
    NewToken {
        id: id(number),
        hash,
        hint: "myc_abcd",
        account: account(OMAR),
        name: "laptop",
        scopes: Scopes::parse(["read", "rent"]).unwrap(),
        farm: None,
        spending_limit: None,
        expires_at,
    }
}

#[test]
fn a_token_says_who_and_what_for() {
    let db = empty();
    open_account(&db, OMAR);
    let hash = [7; 32];
    let new = NewToken { farm: Some(3), ..token(1, &hash, now().plus_seconds(60)) };
    assert_eq!(create(&db, &new, now()), Ok(true));
    let found = find(&db, &hash, now()).unwrap().unwrap();
    assert_eq!((found.account, found.email.as_str()), (account(OMAR), email(OMAR).as_str()));
    assert_eq!(found.scopes.names().collect::<Vec<_>>(), ["read", "rent"]);
    assert_eq!(found.grant, Grant::Token { id: id(1), farm: Some(3) });
    assert_eq!(find(&db, &hash, now().plus_seconds(60)), Ok(None));
    assert_eq!(find(&db, &[8; 32], now()), Ok(None));
}

#[test]
fn use_is_noted_once_a_minute() {
    let db = empty();
    open_account(&db, OMAR);
    create(&db, &token(1, &[7; 32], now().plus_months(1)), now()).unwrap();
    assert_eq!(of_account(&db, account(OMAR), now()).unwrap()[0].used_at, None);
    let used_after = |seconds| {
        find(&db, &[7; 32], now().plus_seconds(seconds)).unwrap().unwrap();
        of_account(&db, account(OMAR), now()).unwrap()[0].used_at.unwrap().seconds()
            - now().seconds()
    };
    assert_eq!(used_after(5), 5);
    assert_eq!(used_after(5 + USED_SECONDS - 1), 5);
    assert_eq!(used_after(5 + USED_SECONDS), 5 + USED_SECONDS);
}

#[test]
fn a_token_that_is_revoked_is_nobodys_at_once() {
    let db = empty();
    open_account(&db, OMAR);
    create(&db, &token(1, &[7; 32], now().plus_seconds(60)), now()).unwrap();
    assert_eq!(revoke(&db, account(AIDA), id(1)), Ok(false), "another's stays");
    assert!(find(&db, &[7; 32], now()).unwrap().is_some());
    assert_eq!(revoke(&db, account(OMAR), id(1)), Ok(true));
    assert_eq!(find(&db, &[7; 32], now()), Ok(None));
    assert_eq!(revoke(&db, account(OMAR), id(1)), Ok(false));
}

#[test]
fn a_token_of_an_account_that_is_suspended_is_refused_meanwhile() {
    let db = empty();
    open_account(&db, OMAR);
    create(&db, &token(1, &[7; 32], now().plus_seconds(60)), now()).unwrap();
    store::accounts::disable(&db, account(OMAR), Some(now())).unwrap();
    assert_eq!(find(&db, &[7; 32], now()), Ok(None));
    store::accounts::disable(&db, account(OMAR), None).unwrap();
    assert!(find(&db, &[7; 32], now()).unwrap().is_some());
}

#[test]
fn a_token_spends_no_more_than_its_ceiling() {
    let db = market();
    let limited =
        NewToken { spending_limit: Some(usd("40")), ..token(1, &[7; 32], now().plus_months(1)) };
    create(&db, &limited, now()).unwrap();
    let with = |key| Attempt { token: Some(id(1)), ..attempt(OMAR, key) };
    rent(&db, with("one")).unwrap();
    let spent = of_account(&db, account(OMAR), now()).unwrap()[0].spent;
    assert_eq!(spent, usd("25"));
    // A retry spends nothing.
    let retry = with("one");
    order_once(&db, &retry, Basis::Request(&retry.request())).unwrap();
    assert_eq!(of_account(&db, account(OMAR), now()).unwrap()[0].spent, usd("25"));
    let second = Attempt { id: 77, ..with("two") };
    let over = RentError::OverSpendingLimit { total: usd("25"), left: usd("15") };
    assert_eq!(rent(&db, second), Err(RentFailure::Rule(over)));
    // Without the token the wallet decides, and without the decision the database does.
    rent(&db, Attempt { token: None, ..second }).unwrap();
    let by_force = by_hand(&db, "UPDATE tokens SET spent_micros = 40000001");
    assert!(by_force.unwrap_err().to_string().contains("token_within_ceiling"));
    assert_eq!(count(&db, "SELECT count(*) FROM orders WHERE token_id IS NOT NULL"), 1);
    assert_sound(&db);
}

#[test]
fn an_account_has_a_limited_number_of_tokens() {
    let db = empty();
    open_account(&db, OMAR);
    let max = u8::try_from(TOKENS_PER_ACCOUNT_MAX).unwrap();
    for number in 1..=max {
        let ends_at = now().plus_seconds(if number == 1 { 60 } else { 600 });
        assert_eq!(create(&db, &token(number, &[number; 32], ends_at), now()), Ok(true));
    }
    let hash = [max + 1; 32];
    let one_more = token(max + 1, &hash, now().plus_seconds(600));
    assert_eq!(create(&db, &one_more, now()), Ok(false));
    // One that is over makes room.
    assert_eq!(create(&db, &one_more, now().plus_seconds(60)), Ok(true));
    sweep(&db, now().plus_seconds(60)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM tokens"), i64::from(max));
}
