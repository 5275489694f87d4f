//! Second factors: what is kept, what counts once, and what goes with the last one.

use domain::factor::{Factors, PASSKEYS_MAX, PasskeyName};
use domain::id::SessionId;
use store::factors::{
    NewPasskey, add_passkey, begin_totp, confirm_totp, find_passkey, of_account, passkeys,
    remove_passkey, remove_totp, replace_recovery_codes, totp_secret, use_passkey,
    use_recovery_code, use_totp,
};
use store::{Db, RusqliteDb, StoreError};

use crate::market::{AIDA, OMAR, account, count, empty, now, open_account, random};

/// Omar and Aida, without any factor.
fn people() -> RusqliteDb {
    let db = empty();
    open_account(&db, OMAR);
    open_account(&db, AIDA);
    db
}

fn add(db: &dyn Db, owner: u32, number: u8) -> Result<bool, StoreError> {
    let name = PasskeyName::parse(&format!("Key {number}")).unwrap();
    let (id, account) = ([number; 16], account(owner));
    let passkey = NewPasskey { id: &id, account, name: &name, fixed: &[1], moving: &[0] };
    add_passkey(db, &passkey, now().plus_seconds(number.into()))
}

fn codes() -> Vec<[u8; 32]> {
    (1..=10).map(|number| [number; 32]).collect()
}

/// Omar's app, confirmed by a code of the time step 7.
fn set_up(db: &dyn Db) {
    assert_eq!(begin_totp(db, account(OMAR), b"secret", now()), Ok(true));
    assert_eq!(confirm_totp(db, account(OMAR), b"secret", 7, &codes(), now()), Ok(true));
}

#[track_caller]
fn check(db: &dyn Db, passkeys: u32, has_totp: bool, recovery_codes: u32) {
    let expected = Factors { passkeys, has_totp, recovery_codes };
    assert_eq!(of_account(db, account(OMAR)), Ok(expected));
    assert_eq!(of_account(db, account(AIDA)), Ok(Factors::default()));
}

#[test]
fn a_passkey_belongs_to_one_account() {
    let db = people();
    assert_eq!(add(&db, OMAR, 1), Ok(true));
    assert_eq!(add(&db, OMAR, 2), Ok(true));
    for owner in [OMAR, AIDA] {
        assert_eq!(add(&db, owner, 1), Ok(false));
    }
    check(&db, 2, false, 0);
    let mine = passkeys(&db, account(OMAR)).unwrap();
    let names: Vec<_> = mine.iter().map(|passkey| passkey.name.as_str()).collect();
    assert_eq!((names, mine[0].used_at), (vec!["Key 1", "Key 2"], None));
    assert_eq!(find_passkey(&db, &[1; 16]).unwrap().unwrap().account, account(OMAR));
    assert_eq!(find_passkey(&db, &[3; 16]), Ok(None));

    assert_eq!(remove_passkey(&db, account(AIDA), &[1; 16]), Ok(false));
    assert_eq!(remove_passkey(&db, account(OMAR), &[1; 16]), Ok(true));
    assert_eq!(remove_passkey(&db, account(OMAR), &[1; 16]), Ok(false));
    check(&db, 1, false, 0);
}

#[test]
fn an_account_has_a_limited_number_of_passkeys() {
    let db = people();
    let max = u8::try_from(PASSKEYS_MAX).unwrap();
    for number in 1..=max {
        assert_eq!(add(&db, OMAR, number), Ok(true));
    }
    assert_eq!(add(&db, OMAR, max + 1), Ok(false));
    assert_eq!(add(&db, AIDA, max + 1), Ok(true));
}

#[test]
fn a_use_of_a_passkey_counts_for_what_was_checked() {
    let db = people();
    add(&db, OMAR, 1).unwrap();
    assert_eq!(use_passkey(&db, &[1; 16], &[0], &[5], now()), Ok(true));
    // Somebody who has checked the same answer comes second.
    assert_eq!(use_passkey(&db, &[1; 16], &[0], &[5], now()), Ok(false));
    assert_eq!(find_passkey(&db, &[1; 16]).unwrap().unwrap().moving, [5]);
    assert_eq!(passkeys(&db, account(OMAR)).unwrap()[0].used_at, Some(now()));
    assert_eq!(use_passkey(&db, &[2; 16], &[0], &[5], now()), Ok(false));
}

#[test]
fn an_app_counts_from_its_first_code_on() {
    let db = people();
    assert_eq!(begin_totp(&db, account(OMAR), b"first", now()), Ok(true));
    assert_eq!(begin_totp(&db, account(OMAR), b"second", now()), Ok(true));
    check(&db, 0, false, 0);
    assert_eq!(use_totp(&db, account(OMAR), 7), Ok(false));
    // A code of a secret that was replaced meanwhile confirms nothing.
    assert_eq!(confirm_totp(&db, account(OMAR), b"first", 7, &codes(), now()), Ok(false));
    check(&db, 0, false, 0);
    assert_eq!(confirm_totp(&db, account(OMAR), b"second", 7, &codes(), now()), Ok(true));
    check(&db, 0, true, 10);
    assert!(totp_secret(&db, account(OMAR)).unwrap().unwrap().is_confirmed);

    assert_eq!(begin_totp(&db, account(OMAR), b"third", now()), Ok(false));
    assert_eq!(confirm_totp(&db, account(OMAR), b"second", 8, &[], now()), Ok(false));
    check(&db, 0, true, 10);
    assert_eq!(totp_secret(&db, account(AIDA)), Ok(None));
}

#[test]
fn item_37_a_time_step_counts_once() {
    let db = people();
    set_up(&db);
    let take = |step| use_totp(&db, account(OMAR), step).unwrap();
    assert_eq!([7, 6, 8, 8, 7, 9].map(take), [false, false, true, false, false, true]);
    assert_eq!(use_totp(&db, account(AIDA), 10), Ok(false));
}

#[test]
fn item_37_a_recovery_code_counts_once_and_is_kept_as_a_hash() {
    let db = people();
    set_up(&db);
    assert_eq!(use_recovery_code(&db, account(AIDA), &[1; 32]), Ok(false));
    assert_eq!(use_recovery_code(&db, account(OMAR), &[1; 32]), Ok(true));
    assert_eq!(use_recovery_code(&db, account(OMAR), &[1; 32]), Ok(false));
    check(&db, 0, true, 9);
    // New ones end the old ones.
    let new: Vec<_> = (11..=20).map(|number| [number; 32]).collect();
    replace_recovery_codes(&db, account(OMAR), &new).unwrap();
    check(&db, 0, true, 10);
    assert_eq!(use_recovery_code(&db, account(OMAR), &[2; 32]), Ok(false));
    for hash in &new {
        assert_eq!(use_recovery_code(&db, account(OMAR), hash), Ok(true));
    }
}

/// A session of an account that has shown a factor.
fn open_strong(db: &RusqliteDb, owner: u32) {
    let sql = "INSERT INTO sessions (id, hash, account_id, created_at, expires_at, is_strong)
               VALUES (?1, ?2, ?3, ?4, ?4 + 60, 1)";
    let number = u8::try_from(owner).unwrap();
    let id = SessionId::from_random(now(), random(owner)).to_string();
    let hash = [number; 32].as_slice().into();
    db.run(sql, &[id.as_str().into(), hash, store::Value::text(account(owner)), now().into()])
        .unwrap();
}

#[test]
fn the_last_factor_takes_codes_and_strength_with_it() {
    let strong = "SELECT count(*) FROM sessions WHERE is_strong = 1";
    // Each way to the last one: the passkey or the app goes first.
    for app_first in [true, false] {
        let db = people();
        set_up(&db);
        add(&db, OMAR, 1).unwrap();
        open_strong(&db, OMAR);
        open_strong(&db, AIDA);
        let remove_app = || assert_eq!(remove_totp(&db, account(OMAR)), Ok(true));
        let remove_key = || assert_eq!(remove_passkey(&db, account(OMAR), &[1; 16]), Ok(true));
        if app_first {
            remove_app();
            check(&db, 1, false, 10);
        } else {
            remove_key();
            check(&db, 0, true, 10);
        }
        assert_eq!(count(&db, strong), 2);
        if app_first {
            remove_key();
        } else {
            remove_app();
        }
        check(&db, 0, false, 0);
        assert_eq!(count(&db, strong), 1);
    }
}

#[test]
fn an_app_that_never_counted_is_none() {
    let db = people();
    add(&db, OMAR, 1).unwrap();
    replace_recovery_codes(&db, account(OMAR), &codes()).unwrap();
    begin_totp(&db, account(OMAR), b"secret", now()).unwrap();
    assert_eq!(remove_totp(&db, account(OMAR)), Ok(false));
    check(&db, 1, false, 10);
    // A beginning does not keep the codes when the last passkey goes.
    begin_totp(&db, account(OMAR), b"secret", now()).unwrap();
    remove_passkey(&db, account(OMAR), &[1; 16]).unwrap();
    check(&db, 0, false, 0);
}
