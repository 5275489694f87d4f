//! Accounts: making, changing, shutting out and deleting them.

use domain::account::{Email, Scopes};
use domain::id::{MailId, NodeId, TokenId};
use domain::listing::Listing;
use domain::rental::GRACE_SECONDS;
use store::accounts::{
    change_email, change_password, create, credentials, credentials_of, delete, disable, list,
    payout, rehash, set_operator, set_payout,
};
use store::challenges::{self, ChallengeKind, NewChallenge};
use store::tokens::{self, NewToken};
use store::{RusqliteDb, StoreError, sessions};

use crate::market::{
    AIDA, FARMER, NODE, OMAR, account, assert_sound, attempt, by_hand, count, email, empty,
    last_week, market, now, open_account, pass, random, rent,
};
use crate::sessions::open;

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
    assert_eq!(taken, Err(StoreError::Violation("UNIQUE accounts.id".into())));
}

fn sessions_of(db: &RusqliteDb, number: u32) -> i64 {
    let count = sessions::of_account(db, account(number), now()).unwrap().len();
    i64::try_from(count).unwrap()
}

fn open_reset(db: &RusqliteDb, number: u32) {
    let challenge = NewChallenge {
        hash: &[number.to_be_bytes()[3]; 32],
        kind: ChallengeKind::PasswordReset,
        account: Some(account(number)),
        payload: b"",
    };
    let mail = MailId::from_random(now(), random(number));
    challenges::open_by_mail(db, &challenge, mail, "password-reset", b"sealed", now()).unwrap();
}

/// A token of somebody.
fn token(db: &RusqliteDb, owner: u32, nth: u8) -> TokenId {
    let token = NewToken {
        id: TokenId::from_random(now(), random(nth.into())),
        hash: &[nth; 32],
        hint: "myc_",
        account: account(owner),
        name: "laptop",
        scopes: Scopes::ALL,
        farm: None,
        spending_limit: None,
        expires_at: now().plus_months(1),
    };
    assert!(tokens::create(db, &token, now()).unwrap());
    token.id
}

#[test]
fn a_new_password_ends_other_sessions_and_codes_and_tokens() {
    let db = empty();
    for number in [OMAR, AIDA] {
        open_account(&db, number);
        open_reset(&db, number);
    }
    open(&db, OMAR, 1, now().plus_seconds(60)).unwrap();
    open(&db, OMAR, 2, now().plus_seconds(60)).unwrap();
    open(&db, AIDA, 3, now().plus_seconds(60)).unwrap();
    let [kept, lost] = [1, 2].map(|nth| token(&db, OMAR, nth));
    let of_another = token(&db, AIDA, 3);
    change_password(&db, account(OMAR), "$new", Some(&[2; 32]), &[kept, of_another]).unwrap();
    assert_eq!(credentials_of(&db, account(OMAR)).unwrap().unwrap().password_hash, "$new");
    assert!(sessions::find(&db, &[1; 32], now()).unwrap().is_none());
    assert!(sessions::find(&db, &[2; 32], now()).unwrap().is_some());
    assert!(sessions::find(&db, &[3; 32], now()).unwrap().is_some(), "another's stays");
    assert_eq!(count(&db, "SELECT count(*) FROM challenges"), 1);
    let tokens = |number| {
        let found = tokens::of_account(&db, account(number), now()).unwrap();
        found.iter().map(|token| token.id).collect::<Vec<_>>()
    };
    assert!(!tokens(OMAR).contains(&lost));
    assert_eq!((tokens(OMAR), tokens(AIDA)), (vec![kept], vec![of_another]));
    change_password(&db, account(OMAR), "$newer", None, &[]).unwrap();
    assert_eq!((tokens(OMAR), tokens(AIDA)), (vec![], vec![of_another]));
    assert_eq!((sessions_of(&db, OMAR), sessions_of(&db, AIDA)), (0, 1));
}

#[test]
fn a_hash_is_renewed_unless_the_password_changed_meanwhile() {
    let db = empty();
    open_account(&db, OMAR);
    change_password(&db, account(OMAR), "$1", None, &[]).unwrap();
    let hash = || credentials_of(&db, account(OMAR)).unwrap().unwrap().password_hash;
    rehash(&db, account(OMAR), "$1", "$2").unwrap();
    assert_eq!(hash(), "$2");
    rehash(&db, account(OMAR), "$1", "$3").unwrap();
    assert_eq!(hash(), "$2");
}

#[test]
fn an_address_moves_unless_it_is_taken() {
    let db = empty();
    open_account(&db, OMAR);
    open_account(&db, AIDA);
    open_reset(&db, OMAR);
    assert_eq!(change_email(&db, account(OMAR), &email(AIDA)), Ok(false));
    assert_eq!(count(&db, "SELECT count(*) FROM challenges"), 1, "nothing is half done");
    let new = Email::parse("new@example.org").unwrap();
    assert_eq!(change_email(&db, account(OMAR), &new), Ok(true));
    assert_eq!(credentials(&db, &new).unwrap().unwrap().account, account(OMAR));
    assert!(credentials(&db, &email(OMAR)).unwrap().is_none());
    assert_eq!(count(&db, "SELECT count(*) FROM challenges"), 0);
}

#[test]
fn an_account_that_is_suspended_has_no_sessions_and_opens_none() {
    let db = empty();
    open_account(&db, OMAR);
    open(&db, OMAR, 1, now().plus_seconds(60)).unwrap();
    assert_eq!(disable(&db, account(OMAR), Some(now())), Ok(true));
    assert!(sessions::find(&db, &[1; 32], now()).unwrap().is_none());
    assert_eq!(open(&db, OMAR, 2, now().plus_seconds(60)), Ok(false));
    assert_eq!(disable(&db, account(OMAR), None), Ok(true));
    assert_eq!(open(&db, OMAR, 3, now().plus_seconds(60)), Ok(true));
    assert_eq!(disable(&db, account(99), Some(now())), Ok(false));
}

#[test]
fn who_is_deleted_is_gone_and_their_money_is_not() {
    let db = market();
    open(&db, OMAR, 1, now().plus_seconds(60)).unwrap();
    open_reset(&db, OMAR);
    let entries = count(&db, "SELECT count(*) FROM ledger_entries");
    assert_eq!(delete(&db, account(OMAR), now()), Ok(true));
    assert!(credentials(&db, &email(OMAR)).unwrap().is_none());
    assert!(credentials_of(&db, account(OMAR)).unwrap().is_none());
    assert!(sessions::find(&db, &[1; 32], now()).unwrap().is_none());
    let left = "SELECT (SELECT count(*) FROM challenges) + (SELECT count(*) FROM mails)
                       + (SELECT count(*) FROM accounts WHERE email LIKE 'omar%')";
    assert_eq!(count(&db, left), 0);
    assert_eq!(count(&db, "SELECT count(*) FROM ledger_entries"), entries);
    assert_sound(&db);
    // Once, and the address is free for somebody else.
    assert_eq!(delete(&db, account(OMAR), now()), Ok(false));
    assert_eq!(create(&db, account(77), &email(OMAR), "$", now()), Ok(true));
}

#[test]
fn who_rents_or_offers_is_not_deleted() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!(delete(&db, account(OMAR), now()), Ok(false), "rents");
    assert_eq!(delete(&db, account(FARMER), now()), Ok(false), "offers");
    let paused = format!(
        "UPDATE nodes SET listing = '{}', offer_version = offer_version + 1",
        Listing::Paused.into_str()
    );
    by_hand(&db, &paused).unwrap();
    assert_eq!(delete(&db, account(FARMER), now()), Ok(false), "a slice is rented");
    pass(&db, now().plus_months(1).plus_seconds(GRACE_SECONDS), 10);
    assert_eq!(delete(&db, account(FARMER), now()), Ok(true));
    assert_eq!(delete(&db, account(OMAR), now()), Ok(true));
    assert!(store::nodes::farmer_of(&db, NodeId(NODE)).unwrap().is_some(), "history stays");
    assert_sound(&db);
}

#[test]
fn accounts_are_listed_by_the_beginning_of_their_address() {
    let db = empty();
    for number in [OMAR, AIDA] {
        open_account(&db, number);
    }
    let first = email(AIDA).as_str().to_owned();
    let all = list(&db, "", "", 10).unwrap();
    assert_eq!(all.len(), 2);
    assert!(all[0].email < all[1].email);
    assert_eq!(list(&db, &first, "", 10).unwrap().len(), 1);
    assert_eq!(list(&db, "", &all[0].email, 10).unwrap()[0].email, all[1].email);
    assert_eq!(list(&db, "%", "", 10).unwrap().len(), 0);
    assert_eq!(set_operator(&db, account(AIDA), true), Ok(true));
    assert!(list(&db, &first, "", 1).unwrap()[0].is_operator);
    assert_eq!(set_operator(&db, account(99), true), Ok(false));
    assert_eq!(payout(&db, account(AIDA)), Ok(None));
    set_payout(&db, account(AIDA), "5Grw", None, last_week()).unwrap();
    assert_eq!(payout(&db, account(AIDA)), Ok(Some("5Grw".to_owned())));
}
