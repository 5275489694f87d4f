//! Top-ups: begun once, paid once, and credited exactly what was meant.

use domain::id::TopUpId;
use domain::order::IdempotencyKey;
use domain::top_up::{Mismatch, OPEN_MAX, OPEN_SECONDS, Payment, TopUpState};
use store::responses::{Earlier, Intention};
use store::top_ups::{
    BeginFailure, NewTopUp, PaymentPage, Settled, TopUp, expire, find, of_account, offer, refused,
};
use store::{Db, Refusal, RusqliteDb, StoreError, accounts, ledger, migrate, responses, top_ups};

use crate::dump::dump;
use crate::market::{
    AIDA, Disk, KEY_USED, OMAR, account, assert_sound, balance, count, credit, email, empty,
    intention, now, once, open_account, random, response, usd,
};

pub(crate) fn id(number: u32) -> TopUpId {
    TopUpId::from_random(now(), random(number))
}

fn intention_of(who: u32, number: u32, amount: &str) -> Intention {
    intention(who, &format!("key-{number}"), "top-up", amount)
}

fn begin_at(
    db: &dyn Db,
    who: u32,
    number: u32,
    amount: &str,
    seconds: i64,
) -> Result<TopUp, BeginFailure> {
    let new = NewTopUp {
        id: id(number),
        account: account(who),
        amount: usd(amount),
        intention: Some(&intention_of(who, number, amount)),
    };
    top_ups::begin(db, &new, now().plus_seconds(seconds))
}

/// Begins a top-up, whose number makes its id and its key.
pub(crate) fn begin(db: &dyn Db, who: u32, number: u32, amount: &str) -> TopUpId {
    begin_at(db, who, number, amount, 0).unwrap().id
}

/// Begins a top-up and offers it, once for each key; answers where it is paid.
pub(crate) fn offer_once(
    db: &dyn Db,
    who: u32,
    number: u32,
    amount: &str,
    page: &str,
) -> Result<String, BeginFailure> {
    let intention = intention_of(who, number, amount);
    once(db, &intention, || {
        let top_up = begin_at(db, who, number, amount, 0)?;
        let page = (top_up.state == TopUpState::Pending)
            .then_some(PaymentPage { session: page, url: page });
        let respond = |top_up: &TopUp| response(top_up.url.as_deref().unwrap_or("none"));
        Ok(offer(db, &top_up, page, Some(&intention), &respond, now())?)
    })
}

/// Tells of a payment.
pub(crate) fn pay(db: &dyn Db, top_up: TopUpId, payment: &str, cents: i64) -> Settled {
    let payment =
        Payment { top_up, id: payment.to_owned(), amount: cents, currency: "usd".to_owned() };
    top_ups::settle(db, &payment, now()).unwrap()
}

fn renters() -> RusqliteDb {
    let db = empty();
    open_account(&db, OMAR);
    open_account(&db, AIDA);
    db
}

fn state(db: &RusqliteDb, top_up: TopUpId) -> TopUpState {
    find(db, account(OMAR), top_up).unwrap().unwrap().state
}

#[test]
fn a_payment_is_credited_once_however_often_it_is_told() {
    let db = renters();
    let top_up = begin(&db, OMAR, 1, "25.50");
    assert_eq!(balance(&db, OMAR), usd("25.50") - usd("25.50"));
    assert_eq!(pay(&db, top_up, "pi_1", 2_550), Settled::Credited);
    for _ in 0..3 {
        assert_eq!(pay(&db, top_up, "pi_1", 2_550), Settled::Already);
    }
    assert_eq!(balance(&db, OMAR), usd("25.50"));
    let entries = ledger::entries(&db, account(OMAR), None, 9).unwrap();
    let [entry] = &entries[..] else { panic!("{} entries", entries.len()) };
    assert_eq!((entry.kind.as_str(), entry.reason.as_str()), ("credit", "Top-up by card"));
    let paid = find(&db, account(OMAR), top_up).unwrap().unwrap();
    assert_eq!((paid.state, paid.paid_at), (TopUpState::Paid, Some(now())));
    assert_eq!(count(&db, "SELECT count(*) FROM audit WHERE action = 'wallet-credited'"), 1);
    assert_sound(&db);
}

#[test]
fn a_payment_that_was_not_meant_is_written_down_and_credits_nothing() {
    let db = renters();
    let top_up = begin(&db, OMAR, 1, "25");
    let in_euro =
        Payment { top_up, id: "pi_2".to_owned(), amount: 2_500, currency: "eur".to_owned() };
    for _ in 0..2 {
        assert_eq!(pay(&db, top_up, "pi_1", 2_499), Settled::Refused(Mismatch::Amount));
        let settled = top_ups::settle(&db, &in_euro, now()).unwrap();
        assert_eq!(settled, Settled::Refused(Mismatch::Currency));
        assert_eq!(pay(&db, id(9), "pi_3", 2_500), Settled::Refused(Mismatch::Unknown));
    }
    assert_eq!((state(&db, top_up), balance(&db, OMAR).micros()), (TopUpState::Refused, 0));
    let found = refused(&db, 9).unwrap();
    let told: Vec<_> = found.iter().map(|it| (it.payment.id.as_str(), it.reason)).collect();
    let expected =
        [("pi_3", Mismatch::Unknown), ("pi_2", Mismatch::Currency), ("pi_1", Mismatch::Amount)];
    assert_eq!(told, expected);
    assert_eq!(found[1].payment, in_euro);
    let emails: Vec<_> = found.iter().map(|it| it.email.as_deref()).collect();
    assert_eq!(emails, [None, Some(email(OMAR).as_str()), Some(email(OMAR).as_str())]);
    assert_eq!(count(&db, "SELECT count(*) FROM audit WHERE action = 'payment-refused'"), 3);
    assert_sound(&db);
    // The money that was meant is credited, even now; a second payment of it is not.
    assert_eq!(pay(&db, top_up, "pi_4", 2_500), Settled::Credited);
    assert_eq!(pay(&db, top_up, "pi_5", 2_500), Settled::Refused(Mismatch::Twice));
    assert_eq!((state(&db, top_up), balance(&db, OMAR)), (TopUpState::Paid, usd("25")));
    assert_eq!(refused(&db, 9).unwrap().len(), 4);
    assert_sound(&db);
}

#[test]
fn a_wallet_that_nobody_can_use_is_not_credited() {
    let db = renters();
    let top_up = begin(&db, OMAR, 1, "25");
    assert!(accounts::delete(&db, account(OMAR), now()).unwrap());
    assert_eq!(pay(&db, top_up, "pi_1", 2_500), Settled::Refused(Mismatch::NoOwner));
    assert_eq!(balance(&db, OMAR).micros(), 0);
}

#[test]
fn a_top_up_that_has_expired_waits_no_more_and_can_still_be_paid() {
    let db = renters();
    let top_up = begin(&db, OMAR, 1, "25");
    assert_eq!((expire(&db, top_up), expire(&db, top_up)), (Ok(true), Ok(false)));
    assert_eq!(state(&db, top_up), TopUpState::Expired);
    assert_eq!(pay(&db, top_up, "pi_1", 2_500), Settled::Credited);
    assert_eq!((expire(&db, top_up), expire(&db, id(9))), (Ok(false), Ok(false)));
    assert_eq!(state(&db, top_up), TopUpState::Paid);
}

#[test]
fn one_key_is_one_top_up() {
    let db = renters();
    // The provider has not answered: a retry goes on.
    let top_up = begin(&db, OMAR, 1, "25");
    assert_eq!(begin_at(&db, OMAR, 1, "25", 99).unwrap().id, top_up);
    assert_eq!(begin_at(&db, OMAR, 1, "26", 99), Err(KEY_USED.into()));
    let page = "https://a.example/1";
    assert_eq!(offer_once(&db, OMAR, 1, "25", page).as_deref(), Ok(page));
    let offered = find(&db, account(OMAR), top_up).unwrap().unwrap();
    assert_eq!(offered.url.as_deref(), Some(page));
    // Another answer of the provider changes nothing any more.
    let before = dump(&db);
    let other = "https://a.example/2";
    assert_eq!(offer_once(&db, OMAR, 1, "25", other).as_deref(), Ok(page));
    assert_eq!(offer_once(&db, OMAR, 1, "26", other), Err(KEY_USED.into()));
    let begun = TopUp { url: None, ..offered };
    let again = PaymentPage { session: "cs_2", url: other };
    let (none, intention) = (|_: &TopUp| response(""), intention_of(OMAR, 1, "25"));
    let late = offer(&db, &begun, Some(again), Some(&intention), &none, now());
    assert_eq!(late, Err(KEY_USED));
    let late = offer(&db, &begun, Some(again), None, &none, now());
    assert_eq!(late, Err(StoreError::Refused(Refusal::TopUpChanged)));
    assert_eq!(dump(&db), before);
    // The key marks nothing else of the account, and is the account's own.
    let rent = crate::market::intention(OMAR, "key-1", "rent", "25");
    assert_eq!(responses::find(&db, &rent), Ok(Some(Earlier::OtherRequest)));
    assert_eq!(offer_once(&db, AIDA, 2, "26", other).as_deref(), Ok(other));
    let rent = crate::market::intention(AIDA, "key-1", "rent", "25");
    assert_eq!(responses::find(&db, &rent), Ok(None));
}

#[test]
fn what_expired_before_the_answer_came_is_not_offered() {
    let db = renters();
    let top_up = begin(&db, OMAR, 1, "25");
    expire(&db, top_up).unwrap();
    assert_eq!(offer_once(&db, OMAR, 1, "25", "https://a.example/1").as_deref(), Ok("none"));
    assert_eq!(find(&db, account(OMAR), top_up).unwrap().unwrap().url, None);
    // It is seen as it is when it is offered.
    let begun = begin_at(&db, OMAR, 2, "25", 0).unwrap();
    expire(&db, begun.id).unwrap();
    let page = PaymentPage { session: "cs_2", url: "https://a.example/2" };
    let late = offer(&db, &begun, Some(page), None, &|_| response(""), now());
    assert_eq!(late, Err(StoreError::Refused(Refusal::TopUpChanged)));
}

#[test]
fn ten_wait_at_once_and_no_more() {
    let db = renters();
    for number in 0..OPEN_MAX {
        let page = format!("https://a.example/{number}");
        offer_once(&db, OMAR, number, "25", &page).unwrap();
    }
    let before = dump(&db);
    assert_eq!(begin_at(&db, OMAR, 99, "25", 0), Err(BeginFailure::TooMany));
    assert_eq!(dump(&db), before);
    // A retry is none more, and others have their own.
    assert!(begin_at(&db, OMAR, 3, "25", 0).is_ok());
    begin(&db, AIDA, 98, "25");
    assert_eq!(begin_at(&db, OMAR, 99, "25", OPEN_SECONDS - 1), Err(BeginFailure::TooMany));
    expire(&db, id(4)).unwrap();
    assert!(begin_at(&db, OMAR, 99, "25", 0).is_ok());
    assert_eq!(begin_at(&db, OMAR, 100, "25", 0), Err(BeginFailure::TooMany));
    assert!(begin_at(&db, OMAR, 100, "25", OPEN_SECONDS).is_ok());
}

#[test]
fn a_provider_that_fails_keeps_nobody_waiting_for_a_day() {
    let db = renters();
    for number in 0..OPEN_MAX {
        begin(&db, OMAR, number, "25");
    }
    assert_eq!(begin_at(&db, OMAR, 99, "25", 599), Err(BeginFailure::TooMany));
    assert!(begin_at(&db, OMAR, 99, "25", 600).is_ok());
}

#[test]
fn the_key_of_a_credit_is_never_a_top_ups() {
    let db = renters();
    let top_up = begin(&db, OMAR, 1, "25");
    let key = format!("top-up {top_up}");
    assert!(IdempotencyKey::parse(&key).is_err());
    let key = key.replace(' ', ":");
    credit(&db, OMAR, usd("25"), &key, now()).unwrap();
    assert_eq!(pay(&db, top_up, "pi_1", 2_500), Settled::Credited);
    assert_eq!(balance(&db, OMAR), usd("50"));
    assert_sound(&db);
}

#[test]
fn everybody_sees_their_own_the_newest_first() {
    let db = renters();
    let begun: Vec<_> = (1..=3).map(|number| begin(&db, OMAR, number, "25")).collect();
    begin(&db, AIDA, 9, "25");
    let list = |before, limit| -> Vec<TopUpId> {
        let found = of_account(&db, account(OMAR), before, limit).unwrap();
        found.into_iter().map(|top_up| top_up.id).collect()
    };
    assert_eq!(list(None, 9), [begun[2], begun[1], begun[0]]);
    assert_eq!(list(Some(begun[2]), 1), [begun[1]]);
    assert_eq!(find(&db, account(AIDA), begun[0]), Ok(None));
}

#[test]
fn of_32_messages_of_a_payment_at_once_one_credits() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        migrate::apply(&db, now()).unwrap();
        open_account(&db, OMAR);
        let top_up = begin(&db, OMAR, 1, "25");
        let told = crate::races::at_once(&disk, 32, |db, number| match number % 2 {
            0 => pay(db, top_up, "pi_1", 2_500),
            _ => pay(db, top_up, "pi_2", 2_499),
        });
        let credited = told.iter().filter(|settled| **settled == Settled::Credited).count();
        assert_eq!((credited, balance(&db, OMAR)), (1, usd("25")), "{journal_mode}");
        assert_eq!(refused(&db, 99).unwrap().len(), 1);
        assert_sound(&db);
    }
}

#[test]
fn of_32_that_begin_at_once_ten_may() {
    let disk = Disk::new("wal");
    let db = disk.open();
    migrate::apply(&db, now()).unwrap();
    open_account(&db, OMAR);
    let begun = crate::races::at_once(&disk, 32, |db, number| begin_at(db, OMAR, number, "25", 0));
    let many = begun.iter().filter(|begun| **begun == Err(BeginFailure::TooMany)).count();
    assert_eq!(many, 22);
    assert_eq!(count(&db, "SELECT count(*) FROM top_ups"), 10);
}

#[test]
fn of_16_tries_of_one_key_at_once_all_get_one_page() {
    let disk = Disk::new("wal");
    let db = disk.open();
    migrate::apply(&db, now()).unwrap();
    open_account(&db, OMAR);
    let pages = crate::races::at_once(&disk, 16, |db, number| {
        offer_once(db, OMAR, 1, "25", &format!("https://a.example/{number}")).unwrap()
    });
    let (account, top_up) = (account(OMAR), id(1));
    let offered = find(&db, account, top_up).unwrap().unwrap();
    assert!(pages.iter().all(|page| Some(page) == offered.url.as_ref()), "{pages:?}");
    assert_eq!(count(&db, "SELECT count(*) FROM top_ups"), 1);
}
