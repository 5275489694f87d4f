//! SSH keys of accounts: registered once, so many, and given to machines that wait for one.

use domain::id::SshKeyId;
use domain::ssh::{KEYS_MAX, SshKey};
use store::RusqliteDb;
use store::ssh_keys::{self, Refused};

use crate::market::{AIDA, OMAR, account, by_hand, count, market, now, random};

/// A key that nobody has, as far as the database can tell.
fn key(number: u32) -> SshKey {
    SshKey {
        line: format!("ssh-ed25519 AAAA{number}"),
        fingerprint: format!("SHA256:{number}"),
        comment: String::new(),
    }
}

fn id(number: u32) -> SshKeyId {
    SshKeyId::from_random(now(), random(number))
}

/// Registers the key of this number.
pub(crate) fn add(db: &RusqliteDb, owner: u32, number: u32) -> Result<(), Refused> {
    let id = SshKeyId::from_random(now(), random(owner * 1_000 + number));
    ssh_keys::add(db, account(owner), id, "Laptop", &key(number), now()).unwrap()
}

#[test]
fn a_key_is_registered_once_for_each_account() {
    let db = market();
    assert_eq!(add(&db, OMAR, 1), Ok(()));
    let again = ssh_keys::add(&db, account(OMAR), id(9), "Other", &key(1), now()).unwrap();
    assert_eq!(again, Err(Refused::There));
    assert_eq!(add(&db, AIDA, 1), Ok(()));
    let own = ssh_keys::of_account(&db, account(OMAR)).unwrap();
    assert_eq!(
        (own.len(), own[0].name.as_str(), own[0].line.as_str()),
        (1, "Laptop", "ssh-ed25519 AAAA1")
    );
    assert_eq!(ssh_keys::find(&db, account(AIDA), own[0].id), Ok(None));
    assert_eq!(ssh_keys::remove(&db, account(AIDA), own[0].id), Ok(false));
    assert_eq!(ssh_keys::remove(&db, account(OMAR), own[0].id), Ok(true));
    assert_eq!(ssh_keys::of_account(&db, account(OMAR)), Ok(vec![]));
}

#[test]
fn an_account_has_so_many_keys_and_takes_them_along() {
    let db = market();
    for number in 1..=KEYS_MAX {
        assert_eq!(add(&db, OMAR, number), Ok(()));
    }
    assert_eq!(add(&db, OMAR, 99), Err(Refused::TooMany));
    assert_eq!(add(&db, OMAR, 1), Err(Refused::There));
    by_hand(&db, "INSERT INTO delete_account SELECT id, 9 FROM accounts").unwrap_err();
    let db_omar = account(OMAR).to_string();
    by_hand(&db, &format!("INSERT INTO delete_account VALUES ('{db_omar}', 9)")).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM ssh_keys"), 0);
}
