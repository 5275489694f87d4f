//! Wallets and what moved through them.

use domain::account::Email;
use domain::id::{AccountId, RentalId};
use domain::money::Usd;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::row::{row, select};

/// The balance of the ledger account of kind `?1` and owner `?2`.
const BALANCE: &str =
    "SELECT balance_micros FROM ledger_accounts WHERE kind = ?1 AND owner_id = ?2";

/// What an account's wallet holds.
pub fn balance(db: &dyn Db, account: AccountId) -> Result<Usd, StoreError> {
    let balance = db.first(BALANCE, &["wallet".into(), Value::text(account)])?;
    Ok(balance.unwrap_or(Usd::ZERO))
}

row! {
    /// One entry of a wallet.
    pub struct WalletEntry {
        /// The transaction's number.
        pub id: i64 = "t.id",
        /// Such as `credit`, `rental`, `extension` or `refund`.
        pub kind: String = "t.kind",
        /// Why, in words.
        pub reason: String = "t.reason",
        /// How much; negative where money left the wallet.
        pub amount: Usd = "e.amount_micros",
        /// What the wallet held then.
        pub balance_after: Usd = "e.balance_after_micros",
        /// When.
        pub created_at: Timestamp = "t.created_at",
        /// The rental that it was about, if it was about one.
        pub rental: Option<RentalId> = "t.rental_id",
    }
}

/// One page of a wallet's entries, the newest first.
///
/// `?1` account, `?2` the last transaction of the page before, `?3` how many rows. Served by the
/// primary key of `ledger_entries`.
const ENTRIES: &str = select!(
    WalletEntry,
    " FROM ledger_accounts a
      JOIN ledger_entries e ON e.ledger_account_id = a.id
      JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE a.kind = 'wallet' AND a.owner_id = ?1 AND e.transaction_id < ?2
     ORDER BY e.transaction_id DESC
     LIMIT ?3"
);

/// A page of a wallet's entries before transaction `before`, the newest first.
pub fn entries(
    db: &dyn Db,
    account: AccountId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<WalletEntry>, StoreError> {
    let params = [Value::text(account), before.unwrap_or(i64::MAX).into(), limit.into()];
    db.all(ENTRIES, &params)
}

/// What moved through the wallet of `?1` for the rental `?2`, the newest first; at most `?3`.
/// Served by the index `ledger_transactions_by_rental`.
const OF_RENTAL: &str = select!(
    WalletEntry,
    " FROM ledger_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id
     WHERE t.rental_id = ?2 AND a.kind = 'wallet' AND a.owner_id = ?1
     ORDER BY t.id DESC LIMIT ?3"
);

/// How many entries of one rental are shown.
const OF_RENTAL_MAX: u32 = 100;

/// What moved through an account's wallet for a rental, the newest first.
pub fn of_rental(
    db: &dyn Db,
    account: AccountId,
    rental: RentalId,
) -> Result<Vec<WalletEntry>, StoreError> {
    let params = [Value::text(account), Value::text(rental), OF_RENTAL_MAX.into()];
    db.all(OF_RENTAL, &params)
}

/// A credit that the operator grants.
pub struct Credit<'a> {
    /// Whose wallet.
    pub email: &'a Email,
    /// How much.
    pub amount: Usd,
    /// Why, in the operator's words; the renter sees it.
    pub reason: &'a str,
    /// Marks one intention of the operator, so that a retry has no second effect.
    pub key: &'a str,
}

/// What came of a credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Credited {
    /// The wallet was credited, now or by an earlier try with the same key, and then held this.
    Done(Usd),
    /// There is no account with this email.
    NoSuchAccount,
    /// The key was used for another wallet or another amount.
    KeyReused,
}

/// Credits a wallet: `?1` key, `?2` email, `?3` amount, `?4` reason, `?5` now.
const CREDIT: &str = "
    INSERT INTO credit_wallet (key, account_id, amount_micros, reason, created_at)
    SELECT ?1, id, ?3, ?4, ?5 FROM accounts WHERE email = ?2";

/// The credit of the key `?1`: its account's email, amount and balance after.
const CREDIT_OF_KEY: &str = "
    SELECT c.email, e.amount_micros, e.balance_after_micros
      FROM ledger_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet'
      JOIN accounts c ON c.id = a.owner_id
     WHERE t.kind = 'credit' AND t.reference = ?1";

/// Credits a wallet, once for each key.
pub fn credit(db: &dyn Db, credit: &Credit<'_>, now: Timestamp) -> Result<Credited, StoreError> {
    let params = [
        credit.key.into(),
        credit.email.as_str().into(),
        credit.amount.micros().into(),
        credit.reason.into(),
        now.into(),
    ];
    match db.run(CREDIT, &params) {
        Ok(_) | Err(StoreError::Refused(Refusal::BookingExists)) => {}
        Err(error) => return Err(error),
    }
    let found = db.first::<(String, Usd, Usd)>(CREDIT_OF_KEY, &[credit.key.into()])?;
    let Some((email, amount, balance_after)) = found else {
        return Ok(Credited::NoSuchAccount);
    };
    let is_same = email == credit.email.as_str() && amount == credit.amount;
    Ok(if is_same { Credited::Done(balance_after) } else { Credited::KeyReused })
}

/// A credit for a promise that was not kept, out of what the farmer has earned.
pub struct SlaCredit<'a> {
    /// The rental whose promise it was.
    pub rental: RentalId,
    /// How much.
    pub amount: Usd,
    /// Why, in the operator's words; renter and farmer see it.
    pub reason: &'a str,
    /// Marks one intention of the operator, so that a retry has no second effect.
    pub key: &'a str,
}

/// What came of a credit for a promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlaCredited {
    /// It is booked, now or by an earlier try with the same key.
    Done,
    /// There is no such rental.
    NoSuchRental,
    /// The farmer has not earned that much.
    NotEarned,
    /// The key was used for another rental or another amount.
    KeyReused,
}

/// Books a credit for a promise: `?1` rental, `?2` amount, `?3` reason, `?4` key, `?5` now.
const CREDIT_SLA: &str = "
    INSERT INTO post_booking (rental_id, booking, created_at)
    SELECT id, json_object('kind', 'sla-credit', 'reference', ?4, 'reason', ?3, 'entries',
                           json_array(
                               json_object('kind', 'earnings', 'owner', farmer_id, 'micros', -?2),
                               json_object('kind', 'wallet', 'owner', renter_id, 'micros', ?2))), ?5
      FROM rentals WHERE id = ?1";

/// The credit for a promise of the key `?1`: its rental and amount.
const SLA_OF_KEY: &str = "
    SELECT t.rental_id, e.amount_micros
      FROM ledger_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet'
     WHERE t.kind = 'sla-credit' AND t.reference = ?1";

/// Whether there is a rental `?1`.
const IS_RENTAL: &str = "SELECT 1 FROM rentals WHERE id = ?1";

/// Credits the renter of a rental out of what its farmer has earned, once for each key.
pub fn credit_sla(
    db: &dyn Db,
    credit: &SlaCredit<'_>,
    now: Timestamp,
) -> Result<SlaCredited, StoreError> {
    let params = [
        Value::text(credit.rental),
        credit.amount.micros().into(),
        credit.reason.into(),
        credit.key.into(),
        now.into(),
    ];
    match db.run(CREDIT_SLA, &params) {
        Ok(_)
        | Err(StoreError::Refused(Refusal::BookingExists | Refusal::BalanceNeverNegative)) => {}
        Err(error) => return Err(error),
    }
    if let Some(found) = db.first::<(RentalId, Usd)>(SLA_OF_KEY, &[credit.key.into()])? {
        let is_same = found == (credit.rental, credit.amount);
        return Ok(if is_same { SlaCredited::Done } else { SlaCredited::KeyReused });
    }
    let is_there = db.has_row(IS_RENTAL, &[Value::text(credit.rental)])?;
    Ok(if is_there { SlaCredited::NotEarned } else { SlaCredited::NoSuchRental })
}
