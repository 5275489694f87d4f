//! SLAs that are compared with what was measured, the credits that follow, and disputes.

use domain::evaluation::DisputeSide;
use domain::id::{DisputeId, NodeId};
use domain::money::Usd;
use domain::month::Month;
use domain::outlook::Observations;
use domain::payout::RequestError;
use domain::rental::GRACE_SECONDS;
use domain::sla;
use domain::time::Timestamp;
use store::disputes::{self, DecideFailure, DisputeFailure, Key, NewDispute};
use store::leaving::{Destination, move_rental, withdraw};
use store::sla_results::{Cursor, SlaResult, of_farmer, of_rental, pay_owed};
use store::{Db, Refusal, RusqliteDb, StoreError, accounts, ledger, payouts, rentals, sla_results};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, Disk, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, balance,
    by_hand, count, credit_sla, earned, evaluate, furnish, last_week, market, now, pass,
    prove_farm, publish, random, register, rent, rental_id, usd, version,
};
use crate::observations::{Seen, observe};
use crate::payouts::ask;
use crate::races::at_once;

pub(crate) fn dispute_id(number: u32) -> DisputeId {
    let mut bytes = random(number);
    bytes[0] = 5;
    DisputeId::from_random(now(), bytes)
}

pub(crate) fn dispute(
    db: &dyn Db,
    number: u32,
    key: Key,
    side: DisputeSide,
    who: u32,
    at: Timestamp,
) -> Result<(), DisputeFailure> {
    let account = account(who);
    let new = NewDispute { id: dispute_id(number), key, side, account, words: "It was not so" };
    disputes::begin(db, &new, at)
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(&format!("{text}:00Z")).unwrap()
}

/// So many observations from an instant on, one an hour, of which the first ones are down.
fn observations(db: &RusqliteDb, node: u32, from: Timestamp, all: i64, down: i64) {
    for nth in 0..all {
        let seen = if nth < down { Seen::Down } else { Seen::Fast(500) };
        observe(db, node, from.plus_seconds(nth * 3_600), seen);
    }
}

fn sla_results(db: &RusqliteDb, renter: u32) -> Vec<SlaResult> {
    of_rental(db, account(renter), rental_id(renter)).unwrap()
}

/// Omar's month at $25, from 22 November, 17:08:41 on: 100 observations in November, three of them
/// down.
fn broken_november() -> RusqliteDb {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    observations(&db, NODE, at("2026-11-23T00:00"), 100, 3);
    pass(&db, at("2026-12-02T23:59"), 10);
    evaluate(&db, at("2026-12-02T23:59"));
    db
}

fn november(renter: u32) -> Key {
    Key { rental: rental_id(renter), month: Month::parse("2026-11").unwrap(), tenure: 1 }
}

#[test]
fn a_missed_sla_is_credited_once_its_month_is_settled() {
    let db = broken_november();
    assert_eq!(sla_results(&db, OMAR), []);
    let before = balance(&db, OMAR);
    let settled = at("2026-12-03T00:00");
    for _ in 0..2 {
        pass(&db, settled, 10);
        evaluate(&db, settled);
        let all = sla_results(&db, OMAR);
        let [month] = &all[..] else { panic!("{all:?}") };
        assert_eq!(month.observations, Observations { observed: 100, up: 97 });
        assert_eq!((month.uptime.unwrap().hundredths(), month.percent), (9_700, 25));
        assert_eq!(month.bandwidth.unwrap().mbps(), 500);
        // 715,879 of 2,592,000 seconds of $25.00.
        assert_eq!((month.base, month.credit, month.paid), (usd("6.90"), usd("1.72"), usd("1.72")));
        assert_eq!((month.from, month.until), (now(), at("2026-12-01T00:00")));
        assert_eq!(balance(&db, OMAR), before + usd("1.72"));
        assert_sound(&db);
    }
    let entry = &ledger::entries(&db, account(OMAR), None, 1).unwrap()[0];
    assert_eq!(
        (entry.kind.as_str(), entry.reason.as_str()),
        ("sla-credit", "SLA credit for node32_slice_1 in 2026-11: 97% uptime, 99.5% guaranteed")
    );
    let told =
        "SELECT count(*) FROM events WHERE kind = 'sla-credited' AND subject = '2026-11: $1.72'
                   AND renter_id IS NOT NULL AND farmer_id IS NOT NULL AND slice_number = 1";
    assert_eq!(count(&db, told), 1);
    let credited = of_farmer(&db, account(FARMER), None, 9).unwrap();
    assert_eq!(credited, sla_results(&db, OMAR));
    let behind = Some(Cursor::after(&credited[0]));
    assert_eq!(of_farmer(&db, account(FARMER), behind, 9), Ok(vec![]));
    assert_eq!(of_farmer(&db, account(OTHER_FARMER), None, 9), Ok(vec![]));
    assert_eq!(of_rental(&db, account(AIDA), rental_id(OMAR)), Ok(vec![]));
}

#[test]
fn what_was_kept_or_not_seen_costs_nothing_and_is_written_down() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    observations(&db, NODE, at("2026-11-23T00:00"), 11, 11);
    observations(&db, NODE, at("2026-12-02T00:00"), 200, 1);
    // It ends in its grace, on 24 December.
    let over = now().plus_months(1).plus_seconds(GRACE_SECONDS);
    pass(&db, over, 10);
    let before = (balance(&db, OMAR), earned(&db, FARMER));
    evaluate(&db, over);
    let all = sla_results(&db, OMAR);
    let line = |it: &SlaResult| {
        let uptime = it.uptime.map(|uptime| uptime.to_string());
        format!(
            "{} {} {uptime:?} {} {}",
            it.subject.month, it.observations.observed, it.base, it.credit
        )
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    assert_eq!(lines, ["2026-12 200 Some(\"99.5\") 18.10 0.00", "2026-11 11 None 6.90 0.00"]);
    assert_eq!(all[0].until, now().plus_months(1), "the grace is not paid for");
    assert_eq!((balance(&db, OMAR), earned(&db, FARMER)), before);
    assert_eq!(count(&db, "SELECT count(*) FROM tenures WHERE evaluate_at IS NOT NULL"), 0);
    assert_sound(&db);
}

#[test]
fn slow_nodes_are_credited_besides() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    for hour in 0..40 {
        let seen = if hour < 20 { Seen::Fast(60) } else { Seen::Fast(139) };
        observe(&db, NODE, now().plus_seconds(hour * 3_600), seen);
    }
    let over = at("2026-12-03T00:00");
    pass(&db, over, 10);
    evaluate(&db, over);
    let month = &sla_results(&db, OMAR)[0];
    assert_eq!((month.bandwidth.unwrap().mbps(), month.percent), (99, sla::SLOW_PERCENT));
    let reason = &ledger::entries(&db, account(OMAR), None, 1).unwrap()[0].reason;
    assert!(reason.ends_with("99 Mbit/s, 100 Mbit/s guaranteed"), "{reason}");
    assert_sound(&db);
}

#[test]
fn an_early_end_is_evaluated_at_once() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    observations(&db, NODE, now().plus_seconds(60), 40, 20);
    let end = now().plus_seconds(2 * 86_400);
    rentals::end(&db, account(OMAR), rental_id(OMAR), None, end).unwrap();
    evaluate(&db, end);
    let month = &sla_results(&db, OMAR)[0];
    // Two days of thirty, and half of that.
    assert_eq!((month.base, month.percent, month.credit), (usd("1.67"), 50, usd("0.84")));
    assert_eq!(month.until, end);
    assert_sound(&db);
}

#[test]
fn each_farmer_answers_for_the_own_node() {
    let db = market();
    for (farmer, node) in [(FARMER, 34), (OTHER_FARMER, 35)] {
        register(&db, farmer, node, 2);
        publish(&db, node, "20");
    }
    rent(&db, Attempt { node: 34, ..attempt(OMAR, "key") }).unwrap();
    observations(&db, 34, now().plus_seconds(60), 20, 20);
    observations(&db, 35, now().plus_seconds(90), 60, 0);
    let moved = now().plus_seconds(2 * 86_400);
    withdraw(&db, account(FARMER), NodeId(34), None, now()).unwrap();
    let to = Destination { node: NodeId(35), slice: None, offer_version: version(&db, 35) };
    move_rental(&db, account(OMAR), rental_id(OMAR), &to, moved).unwrap();
    assert_sound(&db);
    let settled = at("2026-12-03T00:00");
    pass(&db, settled, 10);
    evaluate(&db, settled);
    let all = sla_results(&db, OMAR);
    let line = |it: &SlaResult| {
        format!("{} {} {} {}", it.node, it.until.seconds_since(it.from), it.percent, it.credit)
    };
    let lines: Vec<String> = all.iter().map(line).collect();
    assert_eq!(lines, ["node35 543079 0 0.00", "node34 172800 50 0.66"]);
    assert_eq!(all[1].subject.farmer, account(FARMER));
    assert_sound(&db);
}

/// The farmer's earnings, less what the operator has given away by hand.
fn spend(db: &RusqliteDb, amount: &str) {
    credit_sla(db, rental_id(OMAR), amount, "by-hand", now()).unwrap();
}

#[test]
fn what_the_farmer_does_not_have_is_owed_and_paid_later() {
    let db = broken_november();
    spend(&db, "6");
    let settled = at("2026-12-03T00:00");
    evaluate(&db, settled);
    let month = || sla_results(&db, OMAR).remove(0);
    assert_eq!((month().credit, month().paid, month().is_owed), (usd("1.72"), Usd::ZERO, true));
    assert_sound(&db);
    // Not before its time, and not before there is enough.
    let later = settled.plus_seconds(6 * 3_600);
    pay_owed(&db, settled, 9).unwrap();
    assert_eq!(count(&db, "SELECT max(owed_at) FROM sla_months"), later.seconds());
    pay_owed(&db, later, 9).unwrap();
    assert_eq!(
        count(&db, "SELECT max(owed_at) FROM sla_months"),
        later.plus_seconds(6 * 3_600).seconds()
    );
    assert!(month().is_owed);
    pass(&db, at("2026-12-08T00:00"), 10);
    let before = balance(&db, OMAR);
    for _ in 0..2 {
        pay_owed(&db, at("2026-12-08T00:00"), 9).unwrap();
        assert_eq!((month().paid, month().is_owed), (usd("1.72"), false));
        assert_eq!(balance(&db, OMAR), before + usd("1.72"));
        assert_sound(&db);
    }
}

#[test]
fn what_may_still_be_credited_is_not_paid_out() {
    let db = broken_november();
    accounts::set_payout(&db, account(FARMER), "BE71", None, last_week()).unwrap();
    prove_farm(&db, FARMER, 1);
    // Ten days of $25 were earned: $8.33 with the platform's part. 60 % of it stay.
    let context = || payouts::funds(&db, account(FARMER), now()).unwrap();
    assert_eq!((context().balance, context().withheld), (usd("7.50"), Usd::from_micros(4_998_000)));
    assert_eq!(context().payable(), usd("2.50"));
    let all = ask(&db, 1, "7.50");
    assert_eq!(all, Err(RequestError::InsufficientFarmerEarnings { balance: usd("2.50") }.into()));
    let settled = at("2026-12-03T00:00");
    evaluate(&db, settled);
    // $1.72 went to Omar; of December, the $1.43 above November's $6.90 were not evaluated.
    assert_eq!((context().balance, context().withheld), (usd("5.78"), Usd::from_micros(858_000)));
    // A dispute may take all of November's price.
    dispute(&db, 1, november(OMAR), DisputeSide::Renter, OMAR, settled).unwrap();
    assert_eq!(context().withheld, usd("5.78"));
    disputes::decide(&db, dispute_id(1), usd("1.72"), "As the scale says", settled).unwrap();
    assert_eq!(context().withheld, Usd::from_micros(858_000));
    // Whoever was faster than the eye is stopped by the database.
    let most = "INSERT INTO request_payout
                SELECT 'p', id, 5780000, 'BE71', json_object('kind', 'payout-request',
                       'reference', 'p', 'reason', '', 'entries', json_array(
                           json_object('kind', 'earnings', 'owner', id, 'micros', -5780000),
                           json_object('kind', 'escrow', 'owner', 'p', 'micros', 5780000))), 5,
                       60, NULL, 0
                  FROM accounts WHERE payout_address IS NOT NULL";
    let refused = db.run(most, &[]).unwrap_err();
    assert!(refused == StoreError::Refused(Refusal::EarningsWithheld), "{refused}");
    assert_sound(&db);
}

#[test]
fn a_side_disputes_a_month_once_and_in_time() {
    let db = broken_november();
    let settled = at("2026-12-03T00:00");
    evaluate(&db, settled);
    let late = settled.plus_seconds(30 * 86_400 + 1);
    let (renter, farmer) = (DisputeSide::Renter, DisputeSide::Farmer);
    let none = Key { month: Month::parse("2026-10").unwrap(), ..november(OMAR) };
    for (key, side, who, at, expected) in [
        (november(OMAR), renter, AIDA, settled, Err(DisputeFailure::NoSuchMonth)),
        (november(OMAR), farmer, OMAR, settled, Err(DisputeFailure::NoSuchMonth)),
        (november(OMAR), farmer, OTHER_FARMER, settled, Err(DisputeFailure::NoSuchMonth)),
        (none, renter, OMAR, settled, Err(DisputeFailure::NoSuchMonth)),
        (november(OMAR), renter, OMAR, late, Err(DisputeFailure::TooLate)),
        (november(OMAR), renter, OMAR, settled, Ok(())),
        (november(OMAR), renter, OMAR, settled, Err(DisputeFailure::Already)),
        (november(OMAR), farmer, FARMER, settled, Ok(())),
    ] {
        let before = dump(&db);
        let number = u32::try_from(before.len()).unwrap();
        let made = dispute(&db, number, key, side, who, at);
        assert_eq!(dump(&db) == before, made.is_err());
        assert_eq!(made, expected);
    }
    let open = disputes::open(&db, None, 9).unwrap();
    assert_eq!(open.len(), 2);
    assert_eq!(open[0].dispute.words, "It was not so");
    assert_eq!(disputes::open(&db, Some(open[0].dispute.id), 9).unwrap(), open[1..]);
    assert_eq!(sla_results(&db, OMAR)[0].disputes.len(), 2);
    let told = "SELECT count(*) FROM events WHERE kind = 'sla-disputed' AND subject = '2026-11'";
    assert_eq!(count(&db, told), 2);
    // A farmer who was charged nothing has nothing to dispute.
    rent(&db, Attempt { at: settled, ..attempt(AIDA, "key") }).unwrap();
    let december = at("2027-01-03T00:00");
    evaluate(&db, december);
    let key = Key { month: Month::parse("2026-12").unwrap(), ..november(AIDA) };
    let nothing = dispute(&db, 9, key, farmer, FARMER, december);
    assert_eq!(nothing, Err(DisputeFailure::NothingToDispute));
    assert_sound(&db);
}

#[test]
fn the_operator_decides_either_way_and_the_books_follow() {
    let db = broken_november();
    let settled = at("2026-12-03T00:00");
    evaluate(&db, settled);
    dispute(&db, 1, november(OMAR), DisputeSide::Renter, OMAR, settled).unwrap();
    dispute(&db, 2, november(OMAR), DisputeSide::Farmer, FARMER, settled).unwrap();
    let start = (balance(&db, OMAR), earned(&db, FARMER));
    let decide = |number, amount: Usd| {
        disputes::decide(&db, dispute_id(number), amount, "Looked at", settled).map(drop)
    };
    let above = Err(DecideFailure::AboveBase { base: usd("6.90") });
    assert_eq!(decide(1, usd("6.91")), above);
    assert_eq!(decide(9, usd("1")), Err(DecideFailure::NoSuchDispute));
    // All that the farmer has is $5.78.
    spend(&db, "3");
    let lacks = Err(DecideFailure::InsufficientPayerBalance { side: DisputeSide::Farmer });
    assert_eq!(decide(1, usd("6.90")), lacks);
    assert_eq!(decide(1, usd("4")), Ok(()));
    assert_eq!(decide(1, usd("4")), Err(DecideFailure::Decided));
    let moved = || (balance(&db, OMAR) - start.0, start.1 - earned(&db, FARMER));
    assert_eq!(moved(), (usd("5.28"), usd("5.28")), "$3 by hand, and $2.28");
    assert_sound(&db);
    // The other way: nothing stays with the renter.
    assert_eq!(decide(2, Usd::ZERO), Ok(()));
    assert_eq!(moved(), (usd("1.28"), usd("1.28")));
    assert_eq!(sla_results(&db, OMAR)[0].paid, Usd::ZERO);
    assert_eq!(sla_results(&db, OMAR)[0].credit, usd("1.72"), "the evidence stays");
    assert_eq!(disputes::open(&db, None, 9), Ok(vec![]));
    let told = "SELECT group_concat(subject, ', ') FROM events WHERE kind = 'sla-dispute-decided'";
    let told: String = db.connection().query_row(told, [], |row| row.get(0)).unwrap();
    assert_eq!(told, "2026-11: $4.00, 2026-11: $0.00");
    assert_sound(&db);
}

#[test]
fn a_dispute_of_what_is_owed_settles_it() {
    let db = broken_november();
    spend(&db, "6");
    evaluate(&db, at("2026-12-03T00:00"));
    dispute(&db, 1, november(OMAR), DisputeSide::Farmer, FARMER, at("2026-12-03T00:00")).unwrap();
    disputes::decide(&db, dispute_id(1), usd("1"), "A part", at("2026-12-04T00:00")).unwrap();
    let month = sla_results(&db, OMAR).remove(0);
    assert_eq!((month.paid, month.is_owed), (usd("1"), false));
    pay_owed(&db, at("2026-12-30T00:00"), 9).unwrap();
    assert_eq!(sla_results(&db, OMAR), [month]);
    assert_sound(&db);
}

#[test]
fn evidence_is_never_rewritten() {
    let db = broken_november();
    evaluate(&db, at("2026-12-03T00:00"));
    for sql in [
        "UPDATE sla_months SET observed_up = observed",
        "UPDATE sla_months SET base_micros = 0",
        "UPDATE sla_months SET percent = 0",
        "DELETE FROM sla_months",
    ] {
        let refused = by_hand(&db, sql).unwrap_err().to_string();
        assert!(refused.contains("append_only"), "{sql}: {refused}");
    }
    assert_sound(&db);
}

/// Sixteen runs at once: each month is evaluated and credited once.
#[test]
fn runs_at_once_credit_once() {
    let disk = Disk::new("wal");
    let db = disk.open();
    store::migrate::apply(&db, now()).unwrap();
    furnish(&db);
    for number in 10..14 {
        let renter = if number % 2 == 0 { OMAR } else { AIDA };
        let key = format!("key-{number}");
        rent(&db, Attempt { id: number, ..attempt(renter, &key) }).unwrap();
    }
    observations(&db, NODE, at("2026-11-23T00:00"), 50, 20);
    let settled = at("2026-12-03T00:00");
    pass(&db, settled, 10);
    let before = earned(&db, FARMER);
    at_once(&disk, 16, |db, _| {
        loop {
            let failed = sla_results::evaluate(db, settled, 100);
            match failed.as_deref() {
                Ok([]) => break,
                Ok(failed) => assert!(failed.iter().all(|(_, it)| *it == StoreError::Busy)),
                Err(error) => assert_eq!(*error, StoreError::Busy),
            }
        }
    });
    assert_eq!(count(&db, "SELECT count(*) FROM sla_months"), 4);
    assert_eq!(before - earned(&db, FARMER), usd("13.80"), "half of $6.90, four times");
    assert_sound(&db);
}
