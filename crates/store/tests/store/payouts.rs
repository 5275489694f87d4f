//! Payouts: each step once, in order, and no money lost on the way.

use std::cell::RefCell;

use domain::id::PayoutId;
use domain::money::Usd;
use domain::payout::{OPEN_MAX, PayoutEvent, PayoutState, RequestError, WrongOrder};
use domain::rental::GRACE_SECONDS;
use store::payouts::{
    ChangeFailure, Count, NewPayout, Payout, PayoutAction, RequestFailure, change, counts, find,
    in_state, of_account, request,
};
use store::{Db, RusqliteDb, StoreError, accounts, statements};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, Disk, FARMER, KEY_USED, OMAR, OTHER_FARMER, account, assert_sound, attempt,
    by_hand, count, earned, email, evaluate, fund, furnish, intention, last_week, market, now,
    once, pass, prove_farm, random, rent, response, usd, use_farm,
};
use crate::meanwhile::meanwhile;
use crate::races::at_once;

/// Where the farmer is paid to.
const ADDRESS: &str = "BE71 0961 2345 6769";

pub(crate) fn payout_id(number: u32) -> PayoutId {
    let mut bytes = random(number);
    // No account has the same id.
    bytes[0] = 4;
    PayoutId::from_random(now(), bytes)
}

/// An account asks for a payout, once for each key; its number makes its id, which is answered.
pub(crate) fn ask_once(
    db: &dyn Db,
    who: u32,
    number: u32,
    key: u32,
    amount: &str,
) -> Result<String, RequestFailure> {
    let intention = intention(who, &format!("payout-{key}"), "payout", amount);
    let email = email(who);
    let new = NewPayout {
        id: payout_id(number),
        account: account(who),
        email: email.as_str(),
        amount: usd(amount),
        min: usd("5"),
        intention: Some(&intention),
    };
    // What is answered is what is saved.
    let answered = RefCell::new(None);
    let respond = |payout: &Payout| {
        answered.replace(Some(payout.clone()));
        response(&payout.life.id.to_string())
    };
    let made = once(db, &intention, || request(db, &new, &respond, now()));
    if let (Ok(_), Some(payout)) = (&made, answered.take()) {
        assert_eq!(find(db, None, payout.life.id), Ok(Some(payout)));
    }
    made
}

/// An account asks for a payout, whose number makes its id and its key.
pub(crate) fn ask_as(
    db: &dyn Db,
    who: u32,
    number: u32,
    amount: &str,
) -> Result<Payout, RequestFailure> {
    ask_once(db, who, number, number, amount)?;
    Ok(find(db, None, payout_id(number))?.unwrap())
}

/// The farmer asks for a payout.
pub(crate) fn ask(db: &dyn Db, number: u32, amount: &str) -> Result<Payout, RequestFailure> {
    ask_as(db, FARMER, number, amount)
}

/// The farmer takes a request back.
pub(crate) fn withdraw(db: &dyn Db, id: PayoutId) -> Result<Payout, ChangeFailure> {
    change(db, id, PayoutAction::Cancel(account(FARMER)), now())
}

fn do_all(db: &dyn Db, id: PayoutId, actions: &[PayoutAction<'_>]) {
    for action in actions {
        change(db, id, *action, now()).unwrap();
    }
}

/// One payout that is held, one that was sent, and one that is back.
pub(crate) fn one_of_each(db: &dyn Db) {
    use_farm(db, FARMER, 1);
    accounts::set_payout(db, account(FARMER), ADDRESS, None, last_week()).unwrap();
    for (number, actions) in [
        (1, &[PayoutAction::Approve][..]),
        (2, &[PayoutAction::Approve, PayoutAction::Send("SEPA 2")]),
        (
            3,
            &[
                PayoutAction::Approve,
                PayoutAction::Send("SEPA 3"),
                PayoutAction::Fail("It came back"),
            ],
        ),
    ] {
        let id = ask(db, number, "5").unwrap().life.id;
        do_all(db, id, actions);
    }
}

/// A market whose farmer has earned $45.00 and said where to be paid.
fn earned_market() -> RusqliteDb {
    let db = market();
    furnish_earnings(&db);
    db
}

fn furnish_earnings(db: &dyn Db) {
    rent(db, attempt(OMAR, "key")).unwrap();
    rent(db, Attempt { id: 50, ..attempt(AIDA, "key") }).unwrap();
    let over = now().plus_months(1).plus_seconds(GRACE_SECONDS);
    pass(db, over, 10);
    evaluate(db, over);
    accounts::set_payout(db, account(FARMER), ADDRESS, None, last_week()).unwrap();
    prove_farm(db, FARMER, 1);
}

fn held(db: &RusqliteDb, id: PayoutId) -> Usd {
    let sql = format!(
        "SELECT coalesce(sum(balance_micros), 0) FROM ledger_accounts
          WHERE kind = 'escrow' AND owner_id = '{id}'"
    );
    Usd::from_micros(count(db, &sql))
}

#[test]
fn a_payout_goes_its_way() {
    let db = earned_market();
    let outside = || {
        let sql = "SELECT balance_micros FROM ledger_accounts WHERE kind = 'funding'";
        Usd::from_micros(count(&db, sql))
    };
    let before = outside();
    let payout = ask(&db, 1, "30").unwrap();
    let id = payout.life.id;
    assert_eq!((payout.life.state, payout.address.as_str()), (PayoutState::Requested, ADDRESS));
    assert_eq!((earned(&db, FARMER), held(&db, id), outside()), (usd("15"), usd("30"), before));
    // Who moves meanwhile is paid where they asked to be.
    accounts::set_payout(&db, account(FARMER), "elsewhere", None, last_week()).unwrap();
    for (action, state, out) in [
        (PayoutAction::Approve, PayoutState::Approved, "0"),
        (PayoutAction::Send("SEPA 7"), PayoutState::Sent, "30"),
        (PayoutAction::Finish, PayoutState::Done, "30"),
    ] {
        let after = change(&db, id, action, now()).unwrap();
        assert_eq!((after.life.state, after.address.as_str()), (state, ADDRESS));
        let out = if out == "0" { Usd::ZERO } else { usd(out) };
        assert_eq!((outside() - before, held(&db, id)), (out, usd("30") - out));
        assert_eq!(earned(&db, FARMER), usd("15"));
        assert_sound(&db);
    }
    let done = find(&db, Some(account(FARMER)), id).unwrap().unwrap();
    assert_eq!(done.reference.as_deref(), Some("SEPA 7"));
    assert!(done.approved_at.is_some() && done.sent_at.is_some() && done.finished_at.is_some());
    assert_eq!(find(&db, Some(account(OMAR)), id), Ok(None));
    let events = "SELECT count(*) FROM events WHERE farmer_id IS NOT NULL AND kind IN
                      ('payout-requested', 'payout-approved', 'payout-sent', 'payout-done')";
    assert_eq!(count(&db, events), 4);
    let month = statements::months(&db, account(FARMER)).unwrap()[0];
    let book = statements::of_month(&db, account(FARMER), statements::AccountKind::Earnings, month);
    let book = book.unwrap().unwrap();
    assert!(book.sums.iter().any(|sum| sum.kind == "payout-request" && sum.amount == -usd("30")));
}

#[test]
fn what_fails_or_is_withdrawn_comes_back() {
    let db = earned_market();
    for (number, actions) in [
        (1, &[][..]),
        (2, &[PayoutAction::Approve][..]),
        (3, &[PayoutAction::Approve, PayoutAction::Send("SEPA 3")][..]),
    ] {
        let id = ask(&db, number, "45").unwrap().life.id;
        assert_eq!(earned(&db, FARMER), Usd::ZERO);
        do_all(&db, id, actions);
        let failed = change(&db, id, PayoutAction::Fail("No such account"), now()).unwrap();
        assert_eq!(failed.note.as_deref(), Some("No such account"));
        assert_eq!((earned(&db, FARMER), held(&db, id)), (usd("45"), Usd::ZERO));
        assert_sound(&db);
    }
    let id = ask(&db, 4, "45").unwrap().life.id;
    let other = change(&db, id, PayoutAction::Cancel(account(OMAR)), now());
    assert_eq!(other, Err(ChangeFailure::NoSuchPayout));
    assert_eq!(withdraw(&db, id).unwrap().life.state, PayoutState::Canceled);
    assert_eq!(earned(&db, FARMER), usd("45"));
    assert_sound(&db);
}

/// Every action in every state: what is out of order changes nothing.
#[test]
fn the_wrong_order_is_refused() {
    let actions = [
        PayoutAction::Approve,
        PayoutAction::Send("SEPA"),
        PayoutAction::Finish,
        PayoutAction::Fail("No"),
        PayoutAction::Cancel(account(FARMER)),
    ];
    let channels: [&[PayoutAction<'_>]; 6] = [
        &[],
        &[PayoutAction::Approve],
        &[PayoutAction::Approve, PayoutAction::Send("SEPA")],
        &[PayoutAction::Approve, PayoutAction::Send("SEPA"), PayoutAction::Finish],
        &[PayoutAction::Fail("No")],
        &[PayoutAction::Cancel(account(FARMER))],
    ];
    for channel in channels {
        for action in actions {
            let db = earned_market();
            let id = ask(&db, 1, "20").unwrap().life.id;
            do_all(&db, id, channel);
            let state = find(&db, None, id).unwrap().unwrap().life.state;
            let before = dump(&db);
            let done = change(&db, id, action, now()).map(|payout| payout.life.state);
            match state.after(action.event()) {
                Ok(after) => assert_eq!(done, Ok(after)),
                Err(wrong) => {
                    assert_eq!(done, Err(wrong.into()));
                    assert_eq!(dump(&db), before);
                }
            }
            assert_sound(&db);
        }
    }
    let db = earned_market();
    let nothing = change(&db, payout_id(9), PayoutAction::Approve, now());
    assert_eq!(nothing, Err(ChangeFailure::NoSuchPayout));
}

#[test]
fn a_request_is_refused_by_the_rules_and_leaves_nothing() {
    let db = earned_market();
    let check = |who, number, amount: &str, expected: RequestError| {
        let before = dump(&db);
        let refused = ask_as(&db, who, number, amount);
        assert_eq!(refused, Err(RequestFailure::Rule(expected)));
        assert_eq!(dump(&db), before);
    };
    check(FARMER, 1, "4.99", RequestError::BelowMinimum { min: usd("5") });
    check(FARMER, 1, "45.01", RequestError::InsufficientFarmerEarnings { balance: usd("45") });
    check(OTHER_FARMER, 1, "5", RequestError::NoAddress);
    check(99, 1, "5", RequestError::NoAddress);
    for number in 1..=OPEN_MAX {
        ask(&db, number, "5").unwrap();
    }
    check(FARMER, 9, "5", RequestError::TooMany);
    withdraw(&db, payout_id(1)).unwrap();
    ask(&db, 9, "5").unwrap();
    assert_sound(&db);
}

#[test]
fn a_key_asks_once() {
    let db = earned_market();
    let first = ask_once(&db, FARMER, 1, 7, "20").unwrap();
    let before = dump(&db);
    assert_eq!(ask_once(&db, FARMER, 2, 7, "20").as_ref(), Ok(&first));
    assert_eq!(ask_once(&db, FARMER, 3, 7, "21"), Err(KEY_USED.into()));
    assert_eq!(dump(&db), before);
    // A retry is told what the first try was told, whatever has become of it.
    withdraw(&db, payout_id(1)).unwrap();
    assert_eq!(ask_once(&db, FARMER, 2, 7, "20"), Ok(first));
}

#[test]
fn lists_go_by_id_and_state() {
    let db = earned_market();
    one_of_each(&db);
    let ids = |found: Vec<Payout>| found.iter().map(|it| it.life.id).collect::<Vec<_>>();
    let page = |before| ids(of_account(&db, account(FARMER), before, 2).unwrap());
    assert_eq!(page(None), [payout_id(3), payout_id(2)]);
    assert_eq!(page(Some(payout_id(2))), [payout_id(1)]);
    assert_eq!(ids(of_account(&db, account(OMAR), None, 9).unwrap()), []);
    let state = |state, behind| ids(in_state(&db, state, behind, 9).unwrap());
    assert_eq!(state(PayoutState::Approved, None), [payout_id(1)]);
    assert_eq!(state(PayoutState::Approved, Some(payout_id(1))), []);
    assert_eq!(state(PayoutState::Done, None), []);
    let one = |state| Count { state, payouts: 1, amount: usd("5") };
    let all = [PayoutState::Approved, PayoutState::Failed, PayoutState::Sent];
    assert_eq!(counts(&db).unwrap(), all.map(one));
}

/// What it is about stays true while it is decided: an address that has moved refuses the booking.
#[test]
fn a_request_holds_only_for_the_address_that_was_seen() {
    let db = earned_market();
    let sql = "INSERT INTO request_payout
               SELECT 'p', id, 5000000, 'elsewhere', '{}', 5, 60, NULL, 0 FROM accounts
                WHERE payout_address IS NOT NULL";
    let refused = db.run(sql, &[]).unwrap_err().to_string();
    assert!(refused.contains("payout_address_changed"), "{refused}");
}

#[test]
fn who_waits_for_a_payout_is_not_deleted() {
    let db = earned_market();
    by_hand(&db, "UPDATE nodes SET listing = 'paused', offer_version = 3").unwrap();
    pass(&db, now().plus_months(2), 10);
    let id = ask(&db, 1, "45").unwrap().life.id;
    accounts::set_display_name(&db, account(FARMER), Some("Freya")).unwrap();
    let delete = || accounts::delete(&db, account(FARMER), now()).unwrap();
    assert!(!delete());
    change(&db, id, PayoutAction::Approve, now()).unwrap();
    assert!(!delete());
    change(&db, id, PayoutAction::Send("SEPA"), now()).unwrap();
    assert!(!delete());
    change(&db, id, PayoutAction::Finish, now()).unwrap();
    assert!(delete());
    let nameless = "SELECT count(*) FROM accounts WHERE deleted_at > 0 AND display_name IS NULL";
    assert_eq!(count(&db, nameless), 1);
    let refused = by_hand(&db, "DELETE FROM payouts").unwrap_err().to_string();
    assert!(refused.contains("never_deleted"), "{refused}");
    assert_sound(&db);
}

/// The farmer takes a request back while the operator approves it: what was seen is not true any
/// more, so it is decided anew.
#[test]
fn what_changed_meanwhile_is_decided_anew() {
    let db = earned_market();
    let id = ask(&db, 1, "45").unwrap().life.id;
    let faster = meanwhile(&db, "INSERT INTO change_payout", |db| {
        withdraw(db, id).unwrap();
    });
    let late = change(&faster, id, PayoutAction::Approve, now());
    let wrong = WrongOrder { state: PayoutState::Canceled, event: PayoutEvent::Approve };
    assert_eq!(late, Err(wrong.into()));
    assert_sound(&db);
    let faster = meanwhile(&db, "INSERT INTO request_payout", |db| {
        ask(db, 2, "45").unwrap();
    });
    let late = ask(&faster, 3, "10");
    let nothing_left = RequestError::InsufficientFarmerEarnings { balance: Usd::ZERO };
    assert_eq!(late, Err(nothing_left.into()));
    withdraw(&db, payout_id(2)).unwrap();
    // Where to is read with what is there: who moves meanwhile is asked for the new place.
    let faster = meanwhile(&db, "INSERT INTO request_payout", |db| {
        accounts::set_payout(db, account(FARMER), "elsewhere", None, last_week()).unwrap();
    });
    assert_eq!(ask(&faster, 4, "10").unwrap().address, "elsewhere");
}

/// Sixteen connections at once: the earnings are asked for once, and a payout goes each step once.
#[test]
fn of_many_one_wins() {
    let disk = Disk::new("wal");
    let db = disk.open();
    store::migrate::apply(&db, now()).unwrap();
    furnish(&db);
    furnish_earnings(&db);
    fund(&db, OMAR, "1");
    let asked = at_once(&disk, 16, |db, number| {
        loop {
            match ask(db, number + 1, "45") {
                Err(RequestFailure::Store(StoreError::Busy)) => {}
                other => break other,
            }
        }
    });
    let won: Vec<&Payout> = asked.iter().flatten().collect();
    let [won] = won[..] else { panic!("{asked:?}") };
    let again = |db: &RusqliteDb, action| loop {
        match change(db, won.life.id, action, now()) {
            Err(ChangeFailure::Store(StoreError::Busy)) => {}
            other => break other,
        }
    };
    let done = at_once(&disk, 16, |db, number| {
        let withdraw = PayoutAction::Cancel(account(FARMER));
        again(db, if number % 2 == 0 { PayoutAction::Approve } else { withdraw })
    });
    assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 1, "{done:?}");
    let wrong = |failure: &ChangeFailure| {
        matches!(
            failure,
            ChangeFailure::WrongOrder(WrongOrder {
                event: PayoutEvent::Approve | PayoutEvent::Cancel,
                ..
            })
        )
    };
    assert!(done.iter().filter_map(|done| done.as_ref().err()).all(wrong));
    assert_sound(&db);
}
