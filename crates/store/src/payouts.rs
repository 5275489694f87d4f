//! Payouts: earnings on their way to farmers.

use domain::id::{AccountId, PayoutId};
use domain::money::Usd;
use domain::payout::{
    self, Funds, OPEN_MAX, PayoutEvent, PayoutState, RequestError, WrongOrder, request as decide,
};
use domain::sla::PERCENT_MAX;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::ledger;
use crate::rentals::{SAVE_ATTEMPTS, booking_json};
use crate::responses::{self, Intention, StoredResponse};
use crate::row::{row, select};

/// What is kept back of earnings that were not compared with the SLA yet: the most that
/// the published scale takes.
const WITHHELD_PERCENT: u32 = PERCENT_MAX as u32;

/// The most payouts that are exported at once.
pub const EXPORTED_MAX: u32 = 5_000;

row! {
    /// A payout.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Payout {
        /// What decisions are made on.
        pub life: payout::Payout,
        /// The address of whom it pays, by which they sign in.
        pub email: String = "a.email",
        /// Where it is paid to, as it was when it was requested.
        pub address: String = "p.address",
        /// What the operator calls the transfer; `None` until it is sent.
        pub reference: Option<String> = "p.reference",
        /// Why it failed, if it has.
        pub note: Option<String> = "p.note",
        /// When it was requested.
        pub requested_at: Timestamp = "p.requested_at",
        /// When it was approved.
        pub approved_at: Option<Timestamp> = "p.approved_at",
        /// When it was sent.
        pub sent_at: Option<Timestamp> = "p.sent_at",
        /// When it was done, failed or canceled.
        pub finished_at: Option<Timestamp> = "p.finished_at",
    }
}

row! {
    impl payout::Payout {
        id: PayoutId = "p.id",
        account: AccountId = "p.account_id",
        amount: Usd = "p.amount_micros",
        state: PayoutState = "p.state",
        version: i64 = "p.version",
    }
}

/// Where a `Payout` is.
const FROM: &str = "FROM payouts p JOIN accounts a ON a.id = p.account_id ";

/// What a farmer asks to be paid.
pub struct NewPayout<'a> {
    /// Its id.
    pub id: PayoutId,
    /// Whose earnings.
    pub account: AccountId,
    /// The address by which they sign in.
    pub email: &'a str,
    /// How much.
    pub amount: Usd,
    /// The least that is paid out.
    pub min: Usd,
    /// Has its response stored; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
}

/// Why no payout was requested.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestFailure {
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] RequestError),
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

row! {
    impl Funds {
        balance: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'earnings' AND owner_id = ?1), 0)",
        withheld: Usd =
            "(SELECT coalesce(sum((max(earned_micros - evaluated_micros, 0) * ?2 + 99) / 100), 0)
                FROM tenures WHERE farmer_id = ?1 AND evaluate_at IS NOT NULL)
             + (SELECT micros FROM owed_credits WHERE farmer_id = ?1)",
        leaving: Usd = "(SELECT leaving_micros FROM owed_credits WHERE farmer_id = ?1)",
        unsettled: Usd =
            "(SELECT coalesce(sum(micros), 0) FROM unsettled_earnings
               WHERE owner_id = ?1 AND settles_at > ?3)",
        unproven: Usd =
            "(SELECT coalesce(sum(micros), 0) FROM unproven_earnings WHERE owner_id = ?1)",
        wallet: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'wallet' AND owner_id = ?1), 0)",
        address: Option<String> = "payout_address",
        address_changed_at: Option<Timestamp> = "payout_changed_at",
        open: u32 =
            "(SELECT count(*) FROM payouts
               WHERE account_id = ?1 AND state IN ('requested', 'approved', 'sent'))",
    }
}

/// What a request of the account `?1` depends on at `?3`. Of what was not evaluated yet, `?2`
/// percent may go back to renters. Served by `payouts_open`, the unique index of
/// `ledger_accounts`, and `tenures_by_farmer`; no row means that there is no such account.
const FUNDS: &str = select!(Funds, "FROM accounts WHERE id = ?1 AND deleted_at IS NULL");

/// What the account can ask for now.
pub fn funds(db: &dyn Db, account: AccountId, now: Timestamp) -> Result<Funds, StoreError> {
    let params = [Value::text(account), WITHHELD_PERCENT.into(), now.into()];
    let Some(seen) = db.first::<Funds>(FUNDS, &params)? else {
        return Ok(Funds {
            balance: Usd::ZERO,
            withheld: Usd::ZERO,
            leaving: Usd::ZERO,
            unsettled: Usd::ZERO,
            unproven: Usd::ZERO,
            wallet: Usd::ZERO,
            address: None,
            address_changed_at: None,
            open: 0,
        });
    };
    let withheld = seen.withheld.min(seen.balance);
    let unsettled = seen.unsettled.min(seen.balance - withheld);
    let unproven = seen.unproven.min(seen.balance - withheld - unsettled);
    let leaving = seen.leaving.min(withheld);
    Ok(Funds { withheld, leaving, unsettled, unproven, ..seen })
}

row! {
    /// What an account has earned with a farm that it has not verified, and that is held.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct UnprovenFarm {
        /// The grid's number of the farm.
        pub farm: u32 = "u.farm_id",
        /// Its name, by a node of it.
        pub name: String =
            "coalesce((SELECT farm_name FROM nodes
                        WHERE farmer_id = u.owner_id AND farm_id = u.farm_id
                        ORDER BY id LIMIT 1), '')",
        /// How much.
        pub held: Usd = "sum(u.micros)",
        /// On how many days it was used, of [`payout::PROVEN_DAYS`].
        pub days: u32 =
            "coalesce((SELECT days FROM farm_uses
                        WHERE owner_id = u.owner_id AND farm_id = u.farm_id), 0)",
        /// Whether another account has verified it.
        pub is_of_another: bool = "EXISTS (SELECT 1 FROM farms WHERE id = u.farm_id)",
    }
}

/// The farms whose earnings of the account `?1` are held as unproven, at most `?2`. Served by the
/// primary key of `unproven_earnings`.
const UNPROVEN: &str = select!(
    UnprovenFarm,
    "FROM unproven_earnings u WHERE u.owner_id = ?1
    GROUP BY u.owner_id, u.farm_id ORDER BY u.farm_id LIMIT ?2"
);

/// The most farms that are listed with what is held of their earnings.
const UNPROVEN_MAX: u32 = 100;

/// The farms that an account has to verify, or to wait for, before what they earned is paid out.
pub fn unproven(db: &dyn Db, account: AccountId) -> Result<Vec<UnprovenFarm>, StoreError> {
    db.all(UNPROVEN, &[Value::text(account), UNPROVEN_MAX.into()])
}

/// Requests a payout; the columns of the command view, in order. Refused unless address and means
/// are as they were seen.
const REQUEST: &str = "
    INSERT INTO request_payout
           (id, account_id, amount_micros, address, booking, open_max, withheld_percent, response,
            requested_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Requests a payout and holds its amount, with the response that `respond` makes of it.
pub fn request(
    db: &dyn Db,
    new: &NewPayout<'_>,
    respond: &dyn Fn(&Payout) -> StoredResponse,
    now: Timestamp,
) -> Result<StoredResponse, RequestFailure> {
    let life = payout::Payout {
        id: new.id,
        account: new.account,
        amount: new.amount,
        state: PayoutState::Requested,
        version: 1,
    };
    // A booking of nothing is nothing to request, and the least is more than nothing.
    let booking = life.request_booking().map(|booking| booking_json(&booking).to_string());
    for _ in 0..SAVE_ATTEMPTS {
        let funds = funds(db, new.account, now)?;
        let address = decide(&funds, new.amount, new.min, now)?;
        let response = respond(&Payout {
            life,
            email: new.email.to_owned(),
            address: address.to_owned(),
            reference: None,
            note: None,
            requested_at: now,
            approved_at: None,
            sent_at: None,
            finished_at: None,
        });
        let params = [
            Value::text(new.id),
            Value::text(new.account),
            new.amount.micros().into(),
            address.into(),
            booking.as_deref().into(),
            OPEN_MAX.into(),
            WITHHELD_PERCENT.into(),
            responses::column(new.intention, &response),
            now.into(),
        ];
        match db.run(REQUEST, &params) {
            Ok(_) => return Ok(response),
            // Somebody was faster, and what is true now says what follows.
            Err(error) if error.is_race() && !error.is_key_used() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// What somebody does to a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutAction<'a> {
    /// The operator means to pay it.
    Approve,
    /// The operator has sent it, and calls the transfer so.
    Send(&'a str),
    /// The operator has seen that it has arrived.
    Finish,
    /// The operator does not pay it, or it did not arrive, because of this.
    Fail(&'a str),
    /// The farmer, who is this account, takes the request back.
    Cancel(AccountId),
}

impl<'a> PayoutAction<'a> {
    /// What becomes of the payout by it.
    pub fn event(self) -> PayoutEvent {
        match self {
            PayoutAction::Approve => PayoutEvent::Approve,
            PayoutAction::Send(_) => PayoutEvent::Send,
            PayoutAction::Finish => PayoutEvent::Finish,
            PayoutAction::Fail(_) => PayoutEvent::Fail,
            PayoutAction::Cancel(_) => PayoutEvent::Cancel,
        }
    }

    fn reference(self) -> Option<&'a str> {
        match self {
            PayoutAction::Send(reference) => Some(reference),
            PayoutAction::Approve
            | PayoutAction::Finish
            | PayoutAction::Fail(_)
            | PayoutAction::Cancel(_) => None,
        }
    }

    fn note(self) -> Option<&'a str> {
        match self {
            PayoutAction::Fail(reason) => Some(reason),
            PayoutAction::Approve
            | PayoutAction::Send(_)
            | PayoutAction::Finish
            | PayoutAction::Cancel(_) => None,
        }
    }

    /// Who alone may do it; `None` for the operator, who has shown to be one.
    fn owner(self) -> Option<AccountId> {
        match self {
            PayoutAction::Cancel(account) => Some(account),
            PayoutAction::Approve
            | PayoutAction::Send(_)
            | PayoutAction::Finish
            | PayoutAction::Fail(_) => None,
        }
    }
}

/// Why a payout did not go on.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeFailure {
    /// There is none, or it is somebody else's.
    #[error("there is no such payout")]
    NoSuchPayout,
    /// It is not its turn.
    #[error(transparent)]
    WrongOrder(#[from] WrongOrder),
    /// A payment by card to the account's wallet was taken back, and the wallet lacks it.
    #[error(
        "the account's wallet is ${0} below zero because a card payment was reversed; payouts \
         continue once that is settled"
    )]
    WalletBelowZero(Usd),
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The payout `?1`; with `?2`, only if it is of that account.
const FIND: &str =
    select!(Payout, FROM, "WHERE p.id = ?1 AND p.account_id = coalesce(?2, p.account_id)");

/// Saves what becomes of a payout; the columns of the command view, in order. Refused unless it is
/// at the version that was seen.
const CHANGE: &str = "
    INSERT INTO change_payout (id, version, state, reference, note, booking, event, changed_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// A payout; with `account`, only if it is of that account.
pub fn find(
    db: &dyn Db,
    account: Option<AccountId>,
    id: PayoutId,
) -> Result<Option<Payout>, StoreError> {
    db.first(FIND, &[Value::text(id), account.map(Value::text).into()])
}

/// Does something to a payout, and gives what it is then.
pub fn change(
    db: &dyn Db,
    id: PayoutId,
    action: PayoutAction<'_>,
    now: Timestamp,
) -> Result<Payout, ChangeFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let seen = find(db, action.owner(), id)?.ok_or(ChangeFailure::NoSuchPayout)?;
        let (state, booking) = seen.life.after(action.event())?;
        if matches!(state, PayoutState::Approved | PayoutState::Sent) {
            let wallet = ledger::balance(db, seen.life.account)?;
            if wallet < Usd::ZERO {
                return Err(ChangeFailure::WalletBelowZero(-wallet));
            }
        }
        let booking = booking.map(|booking| booking_json(&booking).to_string());
        let params = [
            Value::text(id),
            seen.life.version.into(),
            state.into_str().into(),
            action.reference().into(),
            action.note().into(),
            booking.as_deref().into(),
            action.event().kind().into(),
            now.into(),
        ];
        match db.run(CHANGE, &params) {
            Ok(_) => return find(db, None, id)?.ok_or(ChangeFailure::NoSuchPayout),
            // Somebody was faster; what is true now says what follows.
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// One page of the payouts of the account `?1`, the newest first: `?2` the last one of the page
/// before (`~`, which sorts behind every id, for none), `?3` how many. Served by
/// `payouts_by_account`.
const OF_ACCOUNT: &str =
    select!(Payout, FROM, "WHERE p.account_id = ?1 AND p.id < ?2 ORDER BY p.id DESC LIMIT ?3");

/// A page of an account's payouts before `before`, the newest first.
pub fn of_account(
    db: &dyn Db,
    account: AccountId,
    before: Option<PayoutId>,
    limit: u32,
) -> Result<Vec<Payout>, StoreError> {
    let before = before.map_or("~".into(), Value::text);
    db.all(OF_ACCOUNT, &[Value::text(account), before, limit.into()])
}

/// One page of the payouts in the state `?1`, the oldest first: `?2` the last one of the page
/// before, empty for none, `?3` how many. Served by `payouts_by_state`.
const IN_STATE: &str =
    select!(Payout, FROM, "WHERE p.state = ?1 AND p.id > ?2 ORDER BY p.id LIMIT ?3");

/// A page of all payouts in a state behind `behind`, those that wait longest first.
pub fn in_state(
    db: &dyn Db,
    state: PayoutState,
    behind: Option<PayoutId>,
    limit: u32,
) -> Result<Vec<Payout>, StoreError> {
    let behind = behind.map_or("".into(), Value::text);
    db.all(IN_STATE, &[state.into_str().into(), behind, limit.into()])
}

/// How many payouts there are in each state, and what they come to. Served by `payouts_by_state`.
const COUNTS: &str = select!(Count, "FROM payouts GROUP BY state");

row! {
    /// How many payouts are in a state, and what they come to.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Count {
        /// The state.
        pub state: PayoutState = "state",
        /// How many.
        pub payouts: u64 = "count(*)",
        /// What they come to.
        pub amount: Usd = "sum(amount_micros)",
    }
}

/// How many payouts there are in each state that has any.
pub fn counts(db: &dyn Db) -> Result<Vec<Count>, StoreError> {
    db.all(COUNTS, &[])
}

/// Statements that an index serves, each with its name: for the test of plans.
pub const INDEXED: [(&str, &str); 3] = [
    (OF_ACCOUNT, "payouts_by_account"),
    (IN_STATE, "payouts_by_state"),
    (FUNDS, "tenures_by_farmer"),
];
