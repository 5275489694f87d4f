//! Payments by card that are taken back: debited once, below zero if need be, and not paid out
//! before they have settled.

use domain::money::Percent;
use domain::order::RentError;
use domain::payout::RequestError;
use domain::rental::{RENEWS_BEFORE_SECONDS, RenewError, Renewal};
use domain::term::Term;
use domain::time::Timestamp;
use domain::top_up::{Reversal, ReversalKind, SETTLING_SECONDS, settles_at};
use store::payouts::{self, PayoutAction, RequestFailure};
use store::rentals::{RenewalSetter, RentalSettings, change_settings};
use store::renting::RentFailure;
use store::top_ups::{Reversed, Settled, take_back};
use store::{Db, RusqliteDb, accounts, due, migrate, rentals, transfers};

use crate::NO_MACHINES;
use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, Disk, FARMER, OMAR, SLICES_MAX, account, assert_sound, attempt, balance, count,
    email, extend, fund, last_week, market, now, open_account, order_id, pass, prove_farm, quote,
    rent, rent_all, some, usd,
};
use crate::payouts::ask;
use crate::top_ups::{begin, pay};

const DAY: i64 = 86_400;

/// Omar, who has $100, pays in so many dollars more by card.
fn paid(db: &dyn Db, dollars: i64) {
    let top_up = begin(db, OMAR, 1, &dollars.to_string());
    assert_eq!(pay(db, top_up, "pi_1", dollars * 100), Settled::Credited);
}

fn refund(cents: i64, of: i64) -> Reversal {
    Reversal {
        payment: "pi_1".to_owned(),
        id: "ch_1".to_owned(),
        kind: ReversalKind::Refund,
        stage: cents,
        amount: cents,
        of: Some(of),
        currency: "usd".to_owned(),
        status: "partially_refunded".to_owned(),
    }
}

fn dispute(stage: i64, cents: i64) -> Reversal {
    Reversal {
        id: "dp_1".to_owned(),
        kind: ReversalKind::Dispute,
        stage,
        of: None,
        status: "needs_response".to_owned(),
        ..refund(cents, 1)
    }
}

fn told(db: &dyn Db, reversal: &Reversal) -> Reversed {
    take_back(db, reversal, now()).unwrap()
}

#[test]
fn refunds_are_debited_by_the_difference_and_once() {
    let db = market();
    paid(&db, 50);
    for (cents, outcome, left) in [
        (1_000, Reversed::Booked, "140"),
        (1_000, Reversed::Already, "140"),
        (2_500, Reversed::Booked, "125"),
        // What comes late is of earlier.
        (1_000, Reversed::Already, "125"),
        (5_000, Reversed::Booked, "100"),
        (5_000, Reversed::Already, "100"),
    ] {
        assert_eq!((told(&db, &refund(cents, 5_000)), balance(&db, OMAR)), (outcome, usd(left)));
        assert_sound(&db);
    }
    let reversals = "SELECT count(*) FROM ledger_transactions WHERE kind = 'card-reversal'";
    assert_eq!(count(&db, reversals), 3);
    assert_eq!(count(&db, "SELECT count(*) FROM audit WHERE action = 'payment-reversed'"), 3);
    // Nothing of somebody else's payment.
    let other = Reversal { payment: "pi_9".to_owned(), ..refund(1, 1) };
    assert_eq!(told(&db, &other), Reversed::Unknown);
    assert_eq!(balance(&db, OMAR), usd("100"));
}

#[test]
fn a_dispute_is_debited_and_comes_back_if_it_is_won() {
    let db = market();
    paid(&db, 50);
    assert_eq!((told(&db, &dispute(1, 5_000)), balance(&db, OMAR)), (Reversed::Booked, usd("100")));
    assert_eq!(told(&db, &dispute(2, 5_000)), Reversed::Already);
    assert_eq!((told(&db, &dispute(3, 0)), balance(&db, OMAR)), (Reversed::Booked, usd("150")));
    // Funds are reinstated after that, and what comes late changes nothing.
    for late in [dispute(4, 0), dispute(1, 5_000), dispute(2, 5_000)] {
        assert_eq!((told(&db, &late), balance(&db, OMAR)), (Reversed::Already, usd("150")));
    }
    // A refund beside it, and both together are no more than all.
    told(&db, &refund(2_000, 5_000));
    let second = Reversal { id: "dp_2".to_owned(), ..dispute(3, 5_000) };
    assert_eq!((told(&db, &second), balance(&db, OMAR)), (Reversed::Booked, usd("100")));
    assert_sound(&db);
}

#[test]
fn what_was_taken_back_before_it_was_told_of_is_taken_at_once() {
    let db = market();
    let top_up = begin(&db, OMAR, 1, "50");
    assert_eq!(told(&db, &refund(5_000, 5_000)), Reversed::Unknown);
    assert_eq!(pay(&db, top_up, "pi_1", 5_000), Settled::Credited);
    assert_eq!(balance(&db, OMAR), usd("100"));
    assert_eq!(pay(&db, top_up, "pi_1", 5_000), Settled::Already);
    assert_eq!(balance(&db, OMAR), usd("100"));
    assert_sound(&db);
}

#[test]
fn of_32_messages_at_once_one_debits() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        migrate::apply(&db, now()).unwrap();
        open_account(&db, OMAR);
        paid(&db, 50);
        crate::races::at_once(&disk, 32, |db, number| match number % 3 {
            0 => take_back(db, &refund(1_000, 5_000), now()).map(drop),
            1 => take_back(db, &refund(2_000, 5_000), now()).map(drop),
            _ => take_back(db, &dispute(1, 1_000), now()).map(drop),
        });
        assert_eq!(told(&db, &refund(2_000, 5_000)), Reversed::Already, "{journal_mode}");
        assert_eq!(balance(&db, OMAR), usd("20"), "{journal_mode}");
        assert_sound(&db);
    }
}

/// Omar has spent all but $25 when $150 are taken back.
fn below_zero() -> (RusqliteDb, rentals::Rental) {
    let db = market();
    paid(&db, 150);
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    for number in 1..9 {
        let key = format!("rent-{number}");
        rent(&db, Attempt { id: 20 + number, ..attempt(OMAR, &key) }).unwrap();
    }
    assert_eq!(balance(&db, OMAR), usd("25"));
    assert_eq!(told(&db, &refund(15_000, 15_000)), Reversed::Booked);
    assert_eq!(balance(&db, OMAR), -usd("125"));
    assert_sound(&db);
    (db, rental)
}

#[test]
fn a_wallet_below_zero_rents_extends_and_holds_nothing() {
    let (db, rental) = below_zero();
    rentals::end(&db, account(OMAR), rental.life.id, None, now()).unwrap();
    assert_eq!(balance(&db, OMAR), -usd("100"), "what is refunded pays it back");
    let before = dump(&db);
    let missing = usd("125");
    let poor = RentError::InsufficientFunds { total: usd("25"), missing };
    let more = Attempt { id: 90, ..attempt(OMAR, "more") };
    assert_eq!(rent(&db, more), Err(RentFailure::Rule(poor)));
    assert_eq!(quote(&db, 1, OMAR, &some(1), true, now()), Err(RentFailure::Rule(poor)));
    let mine = rentals::of_renter(&db, account(OMAR), rentals::Which::Live, None, 1).unwrap();
    let mine = &mine[0].life;
    extend(&db, &Attempt { id: 91, ..attempt(OMAR, "extend") }, mine.id, None).unwrap_err();
    // Nor by force.
    let by_force = "INSERT INTO post_booking VALUES (NULL, ?1, 5)";
    let booking = format!(
        r#"{{"kind": "refund", "reference": "r", "reason": "", "entries": [
            {{"kind": "wallet", "owner": "{0}", "micros": -1}},
            {{"kind": "platform", "owner": "", "micros": 1}}]}}"#,
        account(OMAR)
    );
    assert!(db.run(by_force, &[booking.as_str().into()]).unwrap_err().is_race());
    assert_eq!(dump(&db), before);
    // Nor by itself.
    let renewal = Some(Renewal { term: Term::Month, max_price: usd("25") });
    let own = RentalSettings {
        name: String::new(),
        labels: vec![],
        renewal,
        renewal_by: RenewalSetter::Renter,
        auto_start: false,
    };
    change_settings(&db, account(OMAR), mine.id, &own).unwrap();
    let at = mine.ends_at.plus_seconds(-RENEWS_BEFORE_SECONDS);
    let notice = &due::renewing(&db, at, 9).unwrap()[0];
    let why = due::renew(&db, notice, Percent::whole(10), order_id(400), at).unwrap();
    assert_eq!(why, Some(RenewError::Extend(poor.into())));
    // Once it is paid back, all is as ever.
    fund(&db, OMAR, "125");
    assert_eq!(balance(&db, OMAR), usd("25"));
    rent(&db, more).unwrap();
    assert_sound(&db);
}

#[test]
fn who_owes_is_paid_nothing_out() {
    let db = market();
    accounts::set_payout(&db, account(FARMER), "BE71", None, last_week()).unwrap();
    prove_farm(&db, FARMER, 1);
    rent_all(&db, &attempt(AIDA, "key"), &some(4)).unwrap();
    pass(&db, now().plus_months(1), 9);
    let asked = ask(&db, 1, "5").unwrap().life.id;
    let top_up = begin(&db, FARMER, 7, "10");
    assert_eq!(pay(&db, top_up, "pi_1", 1_000), Settled::Credited);
    quote(&db, 1, OMAR, &some(1), false, now()).unwrap();
    let spent = "UPDATE ledger_accounts SET balance_micros = 0
                  WHERE kind = 'wallet' AND owner_id = ?1";
    db.run(spent, &[account(FARMER).to_string().as_str().into()]).unwrap();
    assert_eq!(told(&db, &dispute(1, 1_000)), Reversed::Booked);
    let owed = usd("10");
    let refused = RequestFailure::Rule(RequestError::WalletBelowZero { owed });
    assert_eq!(ask(&db, 2, "5"), Err(refused));
    let approved = payouts::change(&db, asked, PayoutAction::Approve, now());
    assert_eq!(approved, Err(payouts::ChangeFailure::WalletBelowZero(owed)));
    // It is won.
    assert_eq!(told(&db, &dispute(3, 0)), Reversed::Booked);
    payouts::change(&db, asked, PayoutAction::Approve, now()).unwrap();
    ask(&db, 2, "5").unwrap();
}

/// What of the farmer's earnings is not settled then, in cents.
fn unsettled(db: &dyn Db, at: Timestamp) -> i64 {
    let sql = "SELECT coalesce(sum(micros), 0) / 10000 FROM unsettled_earnings
                WHERE owner_id = ?1 AND settles_at > ?2";
    db.one(sql, &[account(FARMER).to_string().as_str().into(), at.into()]).unwrap()
}

fn days(count: i64) -> Timestamp {
    now().plus_seconds(count * DAY)
}

#[test]
fn what_is_earned_with_a_card_is_not_paid_out_before_it_has_settled() {
    let db = market();
    accounts::set_payout(&db, account(FARMER), "BE71", None, last_week()).unwrap();
    prove_farm(&db, FARMER, 1);
    paid(&db, 50);
    rent(&db, attempt(OMAR, "key")).unwrap();
    // Aida's money came by bank transfer.
    rent(&db, Attempt { id: 60, ..attempt(AIDA, "key") }).unwrap();
    pass(&db, days(20), 9);
    let earned = payouts::funds(&db, account(FARMER), days(20)).unwrap();
    let one = earned.balance.micros() / 2 / 10_000;
    assert!(one > 1_000, "{one}");
    assert_eq!(unsettled(&db, days(20)), one);
    let settled = settles_at(now());
    assert!(settled >= now().plus_seconds(SETTLING_SECONDS));
    assert_eq!(unsettled(&db, settled.plus_seconds(-1)), one);
    assert_eq!(unsettled(&db, settled), 0);
    // The statement itself refuses it, too.
    let none = RequestError::InsufficientFarmerEarnings { balance: usd("1") - usd("1") };
    assert_eq!(ask(&db, 1, "5"), Err(RequestFailure::Rule(none)));
    assert_sound(&db);
}

/// Refunded to another account's wallet after a transfer, and spent there.
#[test]
fn money_by_card_is_followed_through_rentals_and_transfers() {
    let db = market();
    prove_farm(&db, FARMER, 1);
    open_account(&db, 9);
    paid(&db, 50);
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id;
    assert_eq!(transfers::offer(&db, account(OMAR), rental, &email(9), None, now()), Ok(true));
    transfers::accept(&db, account(9), rental, SLICES_MAX, &NO_MACHINES, now()).unwrap();
    rentals::end(&db, account(9), rental, None, now()).unwrap();
    assert_eq!(balance(&db, 9), usd("25"));
    rent(&db, Attempt { id: 60, ..attempt(9, "key") }).unwrap();
    pass(&db, days(20), 9);
    let earned = payouts::funds(&db, account(FARMER), days(20)).unwrap().balance;
    assert_eq!(unsettled(&db, days(20)), earned.micros() / 10_000);
    assert_eq!(unsettled(&db, settles_at(now())), 0);
    // What is earned once it has settled is noted nowhere any more.
    pass(&db, settles_at(now()), 9);
    assert_eq!(count(&db, "SELECT count(*) FROM unsettled_earnings"), 0);
    assert_sound(&db);
}
