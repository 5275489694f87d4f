//! Statements: what they sum up is what the ledger holds, and consecutive months join.

use domain::money::Usd;
use domain::month::Month;
use domain::time::Timestamp;
use proptest::prelude::*;
use store::statements::{AccountKind, ENTRIES_MAX, Line, Statement, months, more, of_month};
use store::{Db, RusqliteDb};
use strum::VariantArray;

use crate::market::{
    AIDA, Attempt, FARMER, OMAR, account, assert_sound, attempt, balance, by_hand, credit, earned,
    market, pass, rent, usd,
};

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

fn wallet(db: &dyn Db, number: u32, of: &str) -> Statement {
    of_month(db, account(number), AccountKind::Wallet, month(of)).unwrap().unwrap()
}

/// Credits a wallet at an instant.
fn credit_at(db: &dyn Db, number: u32, amount: &str, at: Timestamp, key: &str) {
    credit(db, number, usd(amount), key, at).unwrap();
}

/// The balances and the number of entries of a statement.
fn summary(statement: &Statement) -> (String, String, u64) {
    (statement.opening.to_string(), statement.closing.to_string(), statement.entry_count)
}

#[track_caller]
fn check(db: &RusqliteDb, of: &str, opening: &str, closing: &str, entries: u64) {
    let found = summary(&wallet(db, OMAR, of));
    assert_eq!(found, (opening.to_owned(), closing.to_owned(), entries), "{of}");
}

#[test]
fn the_last_second_belongs_to_the_month() {
    let db = market();
    for (number, (of, key)) in
        [("2027-02", "a"), ("2028-02", "b"), ("2028-12", "c")].into_iter().enumerate()
    {
        let last = month(of).last_second();
        credit_at(&db, OMAR, "1", last, key);
        credit_at(&db, OMAR, "2", last.plus_seconds(1), &format!("{key}+{number}"));
    }
    check(&db, "2026-11", "0.00", "100.00", 1);
    check(&db, "2027-01", "100.00", "100.00", 0);
    check(&db, "2027-02", "100.00", "101.00", 1);
    check(&db, "2027-03", "101.00", "103.00", 1);
    check(&db, "2028-02", "103.00", "104.00", 1);
    check(&db, "2028-03", "104.00", "106.00", 1);
    check(&db, "2028-12", "106.00", "107.00", 1);
    check(&db, "2029-01", "107.00", "109.00", 1);
    check(&db, "2029-02", "109.00", "109.00", 0);
    check(&db, "1970-01", "0.00", "0.00", 0);
    let listed = months(&db, account(OMAR)).unwrap();
    let listed: Vec<_> = listed.iter().map(Month::to_string).collect();
    let expected = ["2029-01", "2028-12", "2028-03", "2028-02", "2027-03", "2027-02", "2026-11"];
    assert_eq!(listed, expected);
}

#[test]
fn a_month_lists_its_entries_and_sums_them_by_kind() {
    let db = market();
    let held = rent(&db, attempt(OMAR, "key")).unwrap();
    credit_at(&db, OMAR, "5.50", held.life.started_at.plus_seconds(60), "more");
    let statement = wallet(&db, OMAR, "2026-11");
    let lines: Vec<_> = statement
        .entries
        .iter()
        .map(|line| (line.kind.as_str(), line.amount.to_string(), line.balance_after.to_string()))
        .collect();
    let line = |kind, amount: &str, after: &str| (kind, amount.to_owned(), after.to_owned());
    assert_eq!(
        lines,
        [
            line("credit", "100.00", "100.00"),
            line("rental", "-25.00", "75.00"),
            line("credit", "5.50", "80.50"),
        ]
    );
    let of: Vec<_> = statement.entries.iter().map(|line| line.rental.clone()).collect();
    assert_eq!(of, [None, Some(held.life.id.to_string()), None]);
    let sums: Vec<_> = statement
        .sums
        .iter()
        .map(|sum| (sum.kind.as_str(), sum.count, sum.amount.to_string()))
        .collect();
    assert_eq!(sums, [("credit", 2, "105.50".to_owned()), ("rental", 1, "-25.00".to_owned())]);
}

#[test]
fn who_farms_has_a_statement_of_what_they_earned() {
    let db = market();
    let held = rent(&db, attempt(OMAR, "key")).unwrap();
    pass(&db, held.life.ends_at, 10);
    let of = |number, book| of_month(&db, account(number), book, month("2026-12")).unwrap();
    let earnings = of(FARMER, AccountKind::Earnings).unwrap();
    assert_eq!(summary(&earnings), ("0.00".to_owned(), "22.50".to_owned(), 1));
    assert_eq!(earnings.entries[0].kind, "earning");
    assert_eq!(earnings.entries[0].rental, None, "whose rental it was is the renter's to know");
    assert_eq!((of(FARMER, AccountKind::Wallet), of(OMAR, AccountKind::Earnings)), (None, None));
    let listed = |before| store::statements::earnings(&db, account(FARMER), before, 9).unwrap();
    assert_eq!(listed(None), of(FARMER, AccountKind::Earnings).unwrap().entries);
    assert_eq!(listed(Some(listed(None)[0].transaction)), []);
    assert_eq!(months(&db, account(FARMER)).unwrap(), [month("2026-12")]);
    assert_eq!(months(&db, account(99)).unwrap(), []);
}

#[test]
fn a_clock_that_lags_behind_does_not_tear_months_apart() {
    let db = market();
    let last = month("2026-11").last_second();
    credit_at(&db, OMAR, "1", last.plus_seconds(1), "first-of-December");
    credit_at(&db, OMAR, "2", last, "of-a-clock-that-lags");
    credit_at(&db, OMAR, "4", last.plus_seconds(2), "and-on");
    check(&db, "2026-11", "0.00", "100.00", 1);
    check(&db, "2026-12", "100.00", "107.00", 3);
    assert_sound(&db);
}

#[test]
fn a_long_month_is_cut_and_summed_whole() {
    let db = market();
    // More entries than one statement lists, booked in one go.
    let many = format!(
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ENTRIES_MAX})
         INSERT INTO credit_wallet
         SELECT 'many-' || i, '{}', 1000000, (100 + i) * 1000000, 'Test', NULL,
                json_object('action', 'x', 'actor', 'operator', 'actor_id', '', 'subject', '',
                            'address', '', 'request_id', ''), {}
           FROM n",
        account(OMAR),
        month("2027-01").first_second().seconds(),
    );
    by_hand(&db, &many).unwrap();
    credit_at(&db, OMAR, "3", month("2027-01").last_second(), "one-more");
    let statement = wallet(&db, OMAR, "2027-01");
    assert_eq!(statement.entries.len(), usize::try_from(ENTRIES_MAX).unwrap());
    let expected = ("100.00".to_owned(), "5103.00".to_owned(), u64::from(ENTRIES_MAX) + 1);
    assert_eq!(summary(&statement), expected);
    assert_eq!(statement.sums[0].amount, usd("5003"));
    // What is booked later does not enter a statement that was made before.
    credit_at(&db, OMAR, "5", month("2027-01").last_second(), "later");
    let last = |lines: &[Line]| lines.last().unwrap().transaction;
    let rest = more(&db, &statement, last(&statement.entries)).unwrap();
    assert_eq!(rest.iter().map(|line| line.amount).collect::<Vec<_>>(), [usd("3")]);
    assert_eq!(more(&db, &statement, last(&rest)), Ok(vec![]));
}

/// What happens in a random history.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Credit(u32, u8),
    Rent(u32, u8),
    EndDue,
    /// Seconds; a clock may lag behind a little.
    Pass(i64),
}

pub(crate) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (OMAR..=AIDA, 1..200_u8).prop_map(|(who, dollars)| Step::Credit(who, dollars)),
        (OMAR..=AIDA, 1..10_u8).prop_map(|(who, slice)| Step::Rent(who, slice)),
        Just(Step::EndDue),
        (-86_400..90 * 86_400_i64).prop_map(Step::Pass),
    ]
}

/// A history, and the month that it ends in.
pub(crate) fn play(steps: &[Step]) -> (RusqliteDb, Month) {
    let db = market();
    let (mut now, mut latest) = (crate::market::now(), crate::market::now());
    for (number, step) in steps.iter().enumerate() {
        let key = format!("step-{number}");
        match *step {
            Step::Credit(who, dollars) => {
                credit_at(&db, who, &dollars.to_string(), now, &key);
            }
            Step::Rent(who, slice) => {
                let id = 1_000 + u32::try_from(number).unwrap();
                let order = attempt(who, &key);
                // Whether it is done does not matter here.
                let _ = rent(&db, Attempt { slice: Some(slice.into()), id, at: now, ..order });
            }
            Step::EndDue => pass(&db, now, 10),
            Step::Pass(seconds) => now = now.plus_seconds(seconds),
        }
        latest = latest.max(now);
    }
    (db, Month::of(latest))
}

/// The month after one.
fn next(month: Month) -> Month {
    Month::of(month.last_second().plus_seconds(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn statements_add_up_and_join(steps in prop::collection::vec(step(), 1..40)) {
        let (db, end) = play(&steps);
        assert_sound(&db);
        for number in [FARMER, OMAR, AIDA] {
            for &book in AccountKind::VARIANTS {
                let mut balance_then = Usd::ZERO;
                let mut listed = Vec::new();
                let mut of = month("2026-10");
                while of <= end {
                    if let Some(it) = of_month(&db, account(number), book, of).unwrap() {
                        prop_assert_eq!(it.opening, balance_then, "{} joins", of);
                        let mut running = it.opening;
                        for line in &it.entries {
                            running = running + line.amount;
                            prop_assert_eq!(line.balance_after, running);
                            prop_assert!(Month::of(line.created_at) <= of);
                        }
                        prop_assert_eq!(running, it.closing);
                        let sums = it.sums.iter().fold(it.opening, |sum, kind| sum + kind.amount);
                        prop_assert_eq!(sums, it.closing);
                        prop_assert_eq!(it.entry_count, it.entries.len() as u64);
                        if it.entry_count > 0 {
                            listed.push(of);
                        }
                        balance_then = it.closing;
                    }
                    of = next(of);
                }
                let now = match book {
                    AccountKind::Wallet => balance(&db, number),
                    AccountKind::Earnings => earned(&db, number),
                };
                prop_assert_eq!(balance_then, now, "the last one ends with the balance");
                let known = months(&db, account(number)).unwrap();
                prop_assert!(listed.iter().all(|month| known.contains(month)));
            }
        }
    }
}
