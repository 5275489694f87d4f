//! Many connections on one file: one wins, and everybody gets an answer.

use std::collections::BTreeSet;
use std::iter;
use std::sync::Barrier;
use std::thread;

use domain::id::MailId;
use domain::money::Percent;
use domain::order::QUOTE_SECONDS;
use domain::order::RentError;
use domain::rental::{GRACE_SECONDS, Renewal};
use domain::term::Term;
use store::mails::NewMail;
use store::rentals::{RenewalSetter, Rental, RentalSettings};
use store::renting::{Basis, RentFailure};
use store::{RusqliteDb, StoreError, due, mails, migrate, rentals, transfers};

use crate::NO_MACHINES;
use crate::market::{
    AIDA, Attempt, Disk, FARMER, NODE, OMAR, SLICES, account, assert_sound, attempt, balance,
    count, credit, earned, email, extend, fund, furnish, now, open_account, order, order_id,
    order_once, pass, quote, random, rent, slice, some, states, usd,
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
pub(crate) fn at_once<T: Send>(
    disk: &Disk,
    count: u32,
    act: impl Fn(&RusqliteDb, u32) -> T + Sync,
) -> Vec<T> {
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
        let (disk, won, lost) = race(journal_mode, None, RentError::SoldOut { wanted: 1, free: 0 });
        assert_eq!((won.len(), lost), (9, 55));
        let slices: BTreeSet<u32> = won.iter().map(slice).collect();
        assert_eq!(slices, (1..=SLICES).collect());
        let db = disk.open();
        for renter in FIRST_RENTER..FIRST_RENTER + RENTERS {
            let has_won =
                won.iter().any(|rental| rental.life.renter == crate::market::account(renter));
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
        let responses = at_once(&disk, 16, |db, number| {
            let try_again = Attempt { id: 1000 + number, ..attempt(AIDA, "key") };
            order_once(db, &try_again, Basis::Request(&try_again.request())).unwrap()
        });
        assert!(responses.iter().all(|response| response == &responses[0]));
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
        let over = now().plus_months(1).plus_seconds(GRACE_SECONDS);
        at_once(&disk, 4, |db, _| pass(db, over, 100));
        assert_eq!(states(&db, NODE), "aaaaaaaaa");
        assert_eq!(earned(&db, FARMER), usd("202.50"), "nine times $25, less 10 %");
        assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-ended'"), 9);
        assert_sound(&db);
    }
}

/// One quote, sixteen impatient tries with sixteen keys: it is good once.
#[test]
fn a_quote_is_used_once() {
    for journal_mode in Disk::JOURNAL_MODES {
        for is_held in [true, false] {
            let disk = crowded(journal_mode);
            let told = quote(&disk.open(), 1, AIDA, &some(2), is_held, now()).unwrap();
            let outcomes = at_once(&disk, 16, |db, number| {
                let key = format!("key-{number}");
                order(db, &Attempt { id: 50 + number, ..attempt(AIDA, &key) }, Basis::Quote(&told))
            });
            let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
            assert_eq!(won.len(), 1, "{journal_mode}");
            assert!(lost.iter().all(|outcome| *outcome == Err(RentFailure::QuoteUsed)));
            let db = disk.open();
            assert_eq!((balance(&db, AIDA), states(&db, NODE)), (usd("50"), "RRaaaaaaa".into()));
            assert_sound(&db);
        }
    }
}

/// What is held is over, and 64 renters want it at once: nine get it, though no job has run.
#[test]
fn a_lapsed_hold_is_free_for_all_at_once() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        fund(&disk.open(), AIDA, "125");
        quote(&disk.open(), 1, AIDA, &some(SLICES), true, now()).unwrap();
        let at = now().plus_seconds(QUOTE_SECONDS);
        let early = rent(&disk.open(), Attempt { at: now(), ..attempt(FIRST_RENTER, "early") });
        let taken = RentError::SoldOut { wanted: 1, free: 0 };
        assert_eq!(early, Err(RentFailure::Rule(taken)));
        let outcomes = at_once(&disk, RENTERS, |db, number| {
            rent(db, Attempt { at, ..attempt(FIRST_RENTER + number, "key") })
        });
        let (won, lost): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 9);
        assert!(lost.iter().all(|outcome| *outcome == Err(RentFailure::Rule(taken))));
        assert_sound(&disk.open());
    }
}

/// Who holds and who rents are after the same slices; everybody gets an answer, and nobody half.
#[test]
fn holds_and_rentals_at_once_share_the_slices() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        for number in 0..24 {
            fund(&disk.open(), FIRST_RENTER + number, "26");
        }
        let got: u32 = at_once(&disk, 24, |db, number| {
            let (renter, id) = (FIRST_RENTER + number, 200 + number);
            let outcome = if number % 2 == 0 {
                quote(db, id, renter, &some(2), true, now()).map(|quote| quote.items.len())
            } else {
                rent(db, Attempt { id, ..attempt(renter, "key") }).map(|_| 1)
            };
            match outcome {
                Ok(slices) => u32::try_from(slices).unwrap(),
                // Too many wanted the lowest slices at once, and may try again; or all are gone.
                Err(
                    RentFailure::Store(StoreError::Busy)
                    | RentFailure::Rule(RentError::SoldOut { .. }),
                ) => 0,
                Err(other) => panic!("{other}"),
            }
        })
        .into_iter()
        .sum();
        let db = disk.open();
        let free = states(&db, NODE).matches('a').count();
        assert_eq!(got + u32::try_from(free).unwrap(), SLICES, "{journal_mode}");
        assert_sound(&db);
    }
}

/// Extended, ended and taken over at once: each change sees the one before it, or is refused.
#[test]
fn changes_of_one_rental_at_once_follow_one_another() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        let db = disk.open();
        let id = rent(&db, attempt(AIDA, "key")).unwrap().life.id;
        transfers::offer(&db, account(AIDA), id, &email(OMAR), None, now()).unwrap();
        at_once(&disk, 16, |db, number| {
            let at = now().plus_seconds(i64::from(number) * 90_000);
            let key = format!("more-{}", number / 8);
            match number % 4 {
                0 => {
                    let more = Attempt { id: 300 + number, ..attempt(AIDA, &key) };
                    drop(extend(db, &more, id, None));
                }
                1 => drop(transfers::accept(db, account(OMAR), id, 9, &NO_MACHINES, now())),
                2 if number > 8 => drop(rentals::end(db, account(AIDA), id, None, at)),
                _ => drop(due::earn(db, at, 10)),
            }
        });
        assert_sound(&db);
        let ends = count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-ended'");
        let taken = count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-received'");
        assert!(ends <= 1 && taken <= 1, "{journal_mode}");
        assert!(count(&db, "SELECT count(*) FROM orders") <= 3, "two keys extend twice");
    }
}

/// Four runs of the cron at once renew each rental once.
#[test]
fn renewals_happen_once_though_runs_overlap() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = crowded(journal_mode);
        let db = disk.open();
        for number in 0..2 {
            let key = format!("key-{number}");
            let id = rent(&db, Attempt { id: 50 + number, ..attempt(AIDA, &key) }).unwrap().life.id;
            let renewal = Some(Renewal { term: Term::Month, max_price: usd("25") });
            let own = RentalSettings {
                name: String::new(),
                labels: vec![],
                renewal,
                renewal_by: RenewalSetter::Renter,
                auto_start: false,
            };
            assert_eq!(rentals::change_settings(&db, account(AIDA), id, &own), Ok(()));
        }
        let at = now().plus_months(1);
        at_once(&disk, 4, |db, number| {
            for (nth, notice) in (0..).zip(due::renewing(db, at, 10).unwrap()) {
                let order = order_id(400 + number * 10 + nth);
                assert_eq!(due::renew(db, &notice, Percent::whole(10), order, at), Ok(None));
            }
        });
        assert_eq!(balance(&db, AIDA).micros(), 0, "four months of $25");
        assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-renewed'"), 2);
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
            credit(db, AIDA, usd("1.01"), &key, now()).unwrap()
        });
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
