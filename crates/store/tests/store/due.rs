//! What time does by itself: renewals and reminders, each once, however late and however often.

use domain::id::MailId;
use domain::money::Percent;
use domain::order::RentError;
use domain::rental::{ExtendError, RenewError, Renewal, RentalState};
use domain::term::Term;
use domain::time::Timestamp;
use store::due::{Notice, NotificationMail, is_reminded, remind, renew, renewing, unreminded};
use store::rentals::{RenewalSetter, Rental, RentalSettings, change_settings};
use store::{Db, RusqliteDb};

use crate::dump::dump;
use crate::market::{
    Attempt, NODE, OMAR, account, assert_sound, attempt, balance, count, extend, fund, market, now,
    order_id, pass, publish, random, rent, rental_of, states, usd,
};

const DAY: i64 = 86_400;

fn fee() -> Percent {
    Percent::whole(10)
}

/// Omar has a month of slice 1 that renews itself for at most this price.
fn renewing_rental(max: &str) -> (RusqliteDb, Rental) {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    wish(&db, &rental, max);
    (db, rental)
}

fn wish(db: &dyn Db, rental: &Rental, max: &str) {
    let renewal = Some(Renewal { term: Term::Month, max_price: usd(max) });
    let own = RentalSettings {
        name: String::new(),
        labels: vec![],
        renewal,
        renewal_by: RenewalSetter::Renter,
        auto_start: false,
    };
    assert_eq!(change_settings(db, account(OMAR), rental.life.id, &own), Ok(()));
}

/// One run, as the cron does it: renewals, then what is over, then what is earned.
fn run(db: &dyn Db, at: Timestamp, order: u32) -> Vec<Option<RenewError>> {
    let due = renewing(db, at, 100).unwrap();
    let whys = (0..).zip(&due);
    let whys =
        whys.map(|(nth, notice)| renew(db, notice, fee(), order_id(order + nth), at).unwrap());
    let whys = whys.collect();
    pass(db, at, 100);
    whys
}

#[test]
fn a_rental_renews_itself_from_a_day_before_its_end() {
    let (db, rental) = renewing_rental("25");
    let day_before = rental.life.ends_at.plus_seconds(-DAY);
    assert_eq!(run(&db, day_before.plus_seconds(-1), 200), []);
    assert_eq!(run(&db, day_before, 201), [None]);
    let renewed = rental_of(&db, OMAR, rental.life.id);
    assert_eq!(renewed.life.ends_at, now().plus_months(2));
    assert_eq!(balance(&db, OMAR), usd("50"));
    assert_eq!(run(&db, day_before.plus_seconds(60), 202), []);
    assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-renewed'"), 1);
    assert_sound(&db);
    // And again, until the wallet is empty.
    for month in 2..9 {
        run(&db, now().plus_months(month), 210 + month * 10);
        assert_sound(&db);
    }
    assert_eq!(balance(&db, OMAR).micros(), 0);
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.months(), 4);
    assert_eq!(states(&db, NODE), "aaaaaaaaa");
}

/// Two runs have seen the same rental: it is renewed once.
#[test]
fn two_runs_at_once_renew_once() {
    let (db, rental) = renewing_rental("25");
    let at = rental.life.ends_at;
    let first = renewing(&db, at, 10).unwrap();
    let second = renewing(&db, at, 10).unwrap();
    assert_eq!(renew(&db, &first[0], fee(), order_id(200), at), Ok(None));
    let after = dump(&db);
    assert_eq!(renew(&db, &second[0], fee(), order_id(201), at), Ok(None));
    assert_eq!(dump(&db), after);
    // Nor is it renewed where its renter was faster.
    let (db, rental) = renewing_rental("25");
    let seen = renewing(&db, at, 10).unwrap();
    let more = Attempt { id: 50, at, ..attempt(OMAR, "more") };
    extend(&db, &more, rental.life.id, None).unwrap();
    let after = dump(&db);
    assert_eq!(renew(&db, &seen[0], fee(), order_id(202), at), Ok(None));
    assert_eq!(dump(&db), after);
}

#[test]
fn a_renewal_keeps_to_its_ceiling() {
    let (db, rental) = renewing_rental("30");
    let year = Attempt { id: 50, term: Term::Year, ..attempt(OMAR, "year") };
    fund(&db, OMAR, "900");
    extend(&db, &year, rental.life.id, None).unwrap();
    publish(&db, NODE, "30.01");
    let at = rental_of(&db, OMAR, rental.life.id).life.ends_at;
    let raised = ExtendError::PriceRaised { agreed: usd("25"), price: usd("30.01") }.into();
    let notice = &renewing(&db, at, 10).unwrap()[0];
    assert_eq!(notice.renewal_error(fee(), at), Some(raised));
    assert_eq!(run(&db, at, 200), [Some(raised)]);
    publish(&db, NODE, "30");
    assert_eq!(run(&db, at.plus_seconds(DAY), 201), [None]);
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.price, usd("30"));
    assert_sound(&db);
}

#[test]
fn money_that_comes_in_the_grace_is_in_time() {
    let (db, rental) = renewing_rental("25");
    for (number, key) in ["one", "two", "three"].into_iter().enumerate() {
        rent(&db, Attempt { id: 60 + u32::try_from(number).unwrap(), ..attempt(OMAR, key) })
            .unwrap();
    }
    assert_eq!(balance(&db, OMAR).micros(), 0);
    let over = rental.life.ends_at;
    let (total, missing) = (usd("25"), usd("25"));
    let poor: RenewError =
        ExtendError::Money(RentError::InsufficientFunds { total, missing }).into();
    assert_eq!(run(&db, over.plus_seconds(-DAY), 200), [Some(poor)]);
    assert_eq!(run(&db, over, 201), [Some(poor)]);
    assert_eq!(rental_of(&db, OMAR, rental.life.id).life.state, RentalState::Grace);
    fund(&db, OMAR, "25");
    assert_eq!(run(&db, rental.life.grace_until().plus_seconds(-1), 202), [None]);
    let renewed = rental_of(&db, OMAR, rental.life.id).life;
    assert_eq!((renewed.state, renewed.ends_at), (RentalState::Active, now().plus_months(2)));
    assert_sound(&db);
    // After the grace there is nothing to renew.
    let (db, rental) = renewing_rental("25");
    assert_eq!(run(&db, rental.life.grace_until(), 200), []);
    assert_sound(&db);
}

/// Those that lack money are tried again and again, and keep nobody from a first try.
#[test]
fn who_lacks_money_is_in_nobodys_way() {
    let (db, poor) = renewing_rental("1");
    let late = Attempt { id: 60, at: now().plus_seconds(3_600), ..attempt(OMAR, "late") };
    let rich = rent(&db, late).unwrap();
    wish(&db, &rich, "25");
    let at = rich.life.ends_at.plus_seconds(-DAY);
    let first = &renewing(&db, at, 1).unwrap()[0];
    assert_eq!(first.rental.life.id, rich.life.id);
    assert_eq!(renew(&db, first, fee(), order_id(200), at), Ok(None));
    assert_eq!(renewing(&db, at, 1).unwrap()[0].rental.life.id, poor.life.id);
}

/// Reminds of everything that is due, each with a mail; the days of each.
fn remind_all(db: &RusqliteDb, at: Timestamp, mail: &mut u32) -> Vec<u32> {
    let due: Vec<Notice> = unreminded(db, at, 100).unwrap();
    for notice in &due {
        *mail += 1;
        let id = MailId::from_random(now(), random(*mail));
        let mail = NotificationMail { id, kind: "rental-reminder", sealed: b"sealed" };
        assert_eq!(is_reminded(db, notice), Ok(false));
        // Another run has seen the same.
        for _ in 0..2 {
            remind(db, notice, Some(&mail), at).unwrap();
        }
        assert_eq!(is_reminded(db, notice), Ok(true));
    }
    due.into_iter().map(|notice| notice.days).collect()
}

#[test]
fn a_renter_is_reminded_at_14_3_and_1_days_once_each() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let before = |days: i64| rental.life.ends_at.plus_seconds(-days * DAY);
    let mut mail = 9_000;
    let mut reminded = vec![];
    // Every six hours from the start to a day after the end.
    for quarter in 0..31 * 4 {
        let at = now().plus_seconds(quarter * DAY / 4);
        let days = remind_all(&db, at, &mut mail);
        reminded.extend(days.into_iter().map(|days| (days, at)));
    }
    assert_eq!(reminded, [(14, before(14)), (3, before(3)), (1, before(1))]);
    for table in ["reminders", "mails"] {
        assert_eq!(count(&db, &format!("SELECT count(*) FROM {table}")), 3, "{table}");
    }
    assert_eq!(count(&db, "SELECT count(*) FROM events WHERE kind = 'rental-reminded'"), 3);
    // Another end, other reminders.
    let more = Attempt { id: 50, at: rental.life.ends_at, ..attempt(OMAR, "more") };
    extend(&db, &more, rental.life.id, None).unwrap();
    let at = now().plus_months(2).plus_seconds(-14 * DAY);
    assert_eq!(remind_all(&db, at, &mut mail), [14]);
    assert_sound(&db);
}

#[test]
fn who_was_not_reminded_in_time_gets_the_nearest_one() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    let before = |days: i64| rental.life.ends_at.plus_seconds(-days * DAY);
    let mut mail = 9_000;
    assert_eq!(remind_all(&db, before(2), &mut mail), [3]);
    assert_eq!(remind_all(&db, before(1), &mut mail), [1]);
    assert_eq!(remind_all(&db, before(0), &mut mail), [0; 0]);
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!(remind_all(&db, before(1).plus_seconds(5), &mut mail), [1]);
    assert_eq!(remind_all(&db, before(1).plus_seconds(9), &mut mail), [0; 0]);
}

/// The cron was silent for 40 days: one run, and everything is as it should be.
#[test]
fn after_forty_days_of_silence_everything_is_right() {
    let (db, lost) = renewing_rental("25");
    let late = Attempt { id: 60, at: now().plus_seconds(9 * DAY), ..attempt(OMAR, "late") };
    let kept = rent(&db, late).unwrap();
    wish(&db, &kept, "25");
    let at = now().plus_seconds(40 * DAY);
    // The first is past its grace; the second is in it, and goes on.
    assert_eq!(run(&db, at, 200), [None]);
    assert_eq!(rental_of(&db, OMAR, lost.life.id).life.state, RentalState::Ended);
    let kept = rental_of(&db, OMAR, kept.life.id).life;
    assert_eq!((kept.state, kept.months()), (RentalState::Active, 2));
    assert_eq!(states(&db, NODE), "aRaaaaaaa");
    assert_eq!(balance(&db, OMAR), usd("25"));
    let mut mail = 9_000;
    assert_eq!(remind_all(&db, at, &mut mail), [0; 0]);
    assert_sound(&db);
    let after = dump(&db);
    assert_eq!(run(&db, at, 201), []);
    assert_eq!(dump(&db), after);
}
