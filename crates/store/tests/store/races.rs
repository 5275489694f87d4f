//! Many connections on one file: one wins, and everybody gets an answer.

use std::collections::BTreeSet;
use std::iter;
use std::sync::Barrier;
use std::thread;

use domain::id::MailId;
use domain::rental::RentError;
use store::ledger::{Credit, Credited};
use store::mails::NewMail;
use store::rentals::{RentFailure, Rental, end_due};
use store::{RusqliteDb, ledger, mails, migrate};

use crate::market::{
    AIDA, Attempt, Disk, FARMER, NODE, SLICES, assert_sound, attempt, balance, count, earned,
    email, fund, furnish, now, open_account, random, rent, states, usd,
};

const RENTERS: u32 = 64;
const FIRST_RENTER: u32 = 100;

/// A market with `RENTERS` more renters, who can pay for one month.
fn crowded(journal_mode: &'static str) -> Disk {
    let disk = Disk::new(journal_mode);
    let db = disk.open();
    migrate::apply(&db, now()).unwrap();
    furnish(&db);
    for renter in FIRST_RENTER..FIRST_RENTER + RENTERS {
        open_account(&db, renter);
        fund(&db, renter, "25");
    }
    disk
}

/// Does something `count` times at once, each time on a connection of its own.
fn at_once<T: Send>(disk: &Disk, count: u32, act: impl Fn(&RusqliteDb, u32) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(usize::try_from(count).unwrap());
    let one = |number| {
        let db = disk.open();
        start.wait();
        act(&db, number)
    };
    let one = &one;
    thread::scope(|scope| {
        let running: Vec<_> = (0..count).map(|number| scope.spawn(move || one(number))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}

/// Every renter tries once; who won, and how often the others heard `refusal`.
fn race(
    journal_mode: &'static str,
    slice: Option<u32>,
    refusal: RentError,
) -> (Disk, Vec<Rental>, usize) {
    let disk = crowded(journal_mode);
    let outcomes = at_once(&disk, RENTERS, |db, number| {
        rent(db, Attempt { slice, ..attempt(FIRST_RENTER + number, "key") })
    });
    let expected = RentFailure::Rule(refusal);
    let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
    for outcome in &lost {
        assert_eq!(outcome.as_ref().unwrap_err(), &expected, "{journal_mode}");
    }
    assert_sound(&disk.open());
    (disk, won.into_iter().map(Result::unwrap).collect(), lost.len())
}

#[test]
fn of_64_renters_one_gets_the_slice() {
    for journal_mode in Disk::JOURNAL_MODES {
        let (disk, won, lost) = race(journal_mode, Some(5), RentError::SliceTaken);
        assert_eq!((won.len(), lost), (1, 63));
        assert_eq!(states(&disk.open(), NODE), "aaaaRaaaa");
    }
}

#[test]
fn of_64_renters_nine_get_the_nine_slices() {
    for journal_mode in Disk::JOURNAL_MODES {
        let (disk, won, lost) = race(journal_mode, None, RentError::SoldOut);
        assert_eq!((won.len(), lost), (9, 55));
        let slices: BTreeSet<u32> = won.iter().map(|rental| rental.slice.number).collect();
        assert_eq!(slices, (1..=SLICES).collect());
        let db = disk.open();
        for renter in FIRST_RENTER..FIRST_RENTER + RENTERS {
            let has_won = won.iter().any(|rental| rental.renter == crate::market::account(renter));
            let left = if has_won { 0 } else { usd("25").micros() };
            assert_eq!(balance(&db, renter).micros(), left);
        }
    }
}

/// One renter, one key, sixteen impatient tries: one rental, and the same answer for all.
#[test]
fn tries_of_one_key_at_once_make_one_rental() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        let rentals = at_once(&disk, 16, |db, number| {
            rent(db, Attempt { id: 1000 + number, ..attempt(AIDA, "key") }).unwrap()
        });
        assert!(rentals.iter().all(|rental| rental == &rentals[0]));
        let db = disk.open();
        assert_eq!(balance(&db, AIDA), usd("75"));
        assert_eq!(count(&db, "SELECT count(*) FROM rentals"), 1);
    }
}

/// A wallet with $100 pays for four of sixteen rentals, never for a fifth.
#[test]
fn a_wallet_is_never_spent_twice() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        let outcomes = at_once(&disk, 16, |db, number| {
            let key = format!("key-{number}");
            rent(db, Attempt { id: 1000 + number, ..attempt(AIDA, &key) })
        });
        let poor = RentError::InsufficientFunds { total: usd("25"), missing: usd("25") };
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 4);
        for outcome in lost {
            assert_eq!(outcome, Err(RentFailure::Rule(poor)));
        }
        let db = disk.open();
        assert_eq!(balance(&db, AIDA).micros(), 0);
        assert_sound(&db);
    }
}

#[test]
fn rentals_end_once_though_two_runs_overlap() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        let db = disk.open();
        for renter in FIRST_RENTER..FIRST_RENTER + SLICES {
            rent(&db, attempt(renter, "key")).unwrap();
        }
        let over = now().plus_months(1);
        at_once(&disk, 4, |db, _| end_due(db, over, 100).unwrap());
        assert_eq!(states(&db, NODE), "aaaaaaaaa");
        assert_eq!(earned(&db, FARMER), usd("202.50"), "nine times $25, less 10 %");
        assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-ended'"), 9);
        assert_sound(&db);
    }
}

#[test]
fn credits_at_once_add_up() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        // Sixteen operators; each key is used by two of them.
        let credited = at_once(&disk, 16, |db, number| {
            let key = format!("key-{}", number / 2);
            let credit =
                Credit { email: &email(AIDA), amount: usd("1.01"), reason: "Gift", key: &key };
            ledger::credit(db, &credit, now()).unwrap()
        });
        assert!(credited.iter().all(|outcome| matches!(outcome, Credited::Done(_))));
        for pair in credited.chunks(2) {
            assert_eq!(pair[0], pair[1], "the same key gets the same answer");
        }
        let db = disk.open();
        assert_eq!(balance(&db, AIDA), usd("108.08"));
        assert_sound(&db);
    }
}

#[test]
fn no_two_mailers_take_one_mail() {
    const MAILS: u32 = 40;
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        migrate::apply(&db, now()).unwrap();
        for number in 1..=MAILS {
            let id = MailId::from_random(now(), random(number));
            let mail = NewMail { id, account: None, kind: "sign-up", sealed: b"sealed" };
            mails::enqueue(&db, &mail, now()).unwrap();
        }
        let taken = at_once(&disk, 8, |db, _| {
            iter::from_fn(|| mails::claim(db, now()).unwrap()).map(|mail| mail.id).collect()
        });
        let taken: Vec<Vec<MailId>> = taken;
        let all: BTreeSet<MailId> = taken.iter().flatten().copied().collect();
        assert_eq!((all.len(), taken.concat().len()), (40, 40), "{journal_mode}");
    }
}
