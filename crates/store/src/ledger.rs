//! Wallets and what moved through them.

use domain::account::Email;
use domain::booking::{Booking, BookingKind, LedgerAccount};
use domain::id::{AccountId, RentalId};
use domain::money::Usd;
use domain::time::Timestamp;

use crate::audit::{self, NewEntry};
use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::rentals::{SAVE_ATTEMPTS, booking_json};
use crate::responses::{self, Intention, StoredResponse};
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
       AND e.transaction_id > (SELECT transaction_id FROM archive_bounds)
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
    /// What the ledger calls it: no two credits have the same, whoever grants them.
    pub reference: &'a str,
    /// Has its response stored; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
    /// What the audit log says of it.
    pub audit: &'a NewEntry<'a>,
}

/// Why nothing was credited.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum CreditFailure {
    /// There is no account with this email address.
    #[error("no account has this email address")]
    NoSuchAccount,
    /// There is no such rental.
    #[error("there is no such rental")]
    NoSuchRental,
    /// The farmer has not earned that much.
    #[error("the farmer has not earned that much")]
    InsufficientFarmerEarnings,
    /// Another request has used the reference.
    #[error("this reference was used for another credit")]
    ReferenceUsed,
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The account of the email address `?1`, and what its wallet holds.
const WALLET: &str = "
    SELECT id, coalesce((SELECT balance_micros FROM ledger_accounts
                          WHERE kind = 'wallet' AND owner_id = accounts.id), 0)
      FROM accounts WHERE email = ?1";

/// Credits a wallet; the columns of the command view, in order.
const CREDIT: &str = "
    INSERT INTO credit_wallet
           (reference, account_id, amount_micros, balance_micros, reason, response, audit_entry,
            created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Credits a wallet, with the response that `respond` makes of what it holds then.
pub fn credit(
    db: &dyn Db,
    credit: &Credit<'_>,
    respond: &dyn Fn(Usd) -> StoredResponse,
    now: Timestamp,
) -> Result<StoredResponse, CreditFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let found = db.first::<(AccountId, Usd)>(WALLET, &[credit.email.as_str().into()])?;
        let (account, held) = found.ok_or(CreditFailure::NoSuchAccount)?;
        let balance = held + credit.amount;
        let response = respond(balance);
        let params = [
            credit.reference.into(),
            Value::text(account),
            credit.amount.micros().into(),
            balance.micros().into(),
            credit.reason.into(),
            responses::column(credit.intention, &response),
            audit::column(credit.audit),
            now.into(),
        ];
        match db.run(CREDIT, &params) {
            Ok(_) => return Ok(response),
            // Somebody was faster: the response says something else now.
            Err(StoreError::Refused(Refusal::BalanceChanged)) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Err(StoreError::Busy.into())
}

fn refused(error: StoreError) -> CreditFailure {
    match error {
        StoreError::Refused(Refusal::BookingExists) => CreditFailure::ReferenceUsed,
        error => error.into(),
    }
}

/// A credit for an SLA that was missed, out of what the farmer has earned.
pub struct SlaCredit<'a> {
    /// The rental whose SLA it was.
    pub rental: RentalId,
    /// How much.
    pub amount: Usd,
    /// Why, in the operator's words; renter and farmer see it.
    pub reason: &'a str,
    /// What the ledger calls it: no two of these credits have the same.
    pub reference: &'a str,
    /// Has its response stored; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
    /// What the audit log says of it.
    pub audit: &'a NewEntry<'a>,
}

/// The renter and the farmer of the rental `?1`, and what the farmer has earned.
const EARNED: &str = "
    SELECT renter_id, farmer_id,
           coalesce((SELECT balance_micros FROM ledger_accounts
                      WHERE kind = 'earnings' AND owner_id = farmer_id), 0)
      FROM rentals WHERE id = ?1";

/// Books a credit for an SLA; the columns of the command view, in order.
const CREDIT_SLA: &str = "
    INSERT INTO credit_sla
           (rental_id, renter_id, farmer_id, booking, response, audit_entry, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Credits the renter of a rental out of what its farmer has earned, with this response.
pub fn credit_sla(
    db: &dyn Db,
    credit: &SlaCredit<'_>,
    response: StoredResponse,
    now: Timestamp,
) -> Result<StoredResponse, CreditFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let rental = [Value::text(credit.rental)];
        let found = db.first::<(AccountId, AccountId, Usd)>(EARNED, &rental)?;
        let (renter, farmer, earned) = found.ok_or(CreditFailure::NoSuchRental)?;
        let booking = Booking::new(
            BookingKind::SlaCredit,
            credit.reference.to_owned(),
            credit.reason.to_owned(),
            LedgerAccount::Earnings(farmer),
            &[(LedgerAccount::Wallet(renter), credit.amount)],
        );
        // Nobody credits nothing.
        let booking = booking.filter(|_| credit.amount <= earned);
        let booking = booking.ok_or(CreditFailure::InsufficientFarmerEarnings)?;
        let params = [
            Value::text(credit.rental),
            Value::text(renter),
            Value::text(farmer),
            Value::text(booking_json(&booking)),
            responses::column(credit.intention, &response),
            audit::column(credit.audit),
            now.into(),
        ];
        match db.run(CREDIT_SLA, &params) {
            Ok(_) => return Ok(response),
            // Somebody was faster, and what is true now says what follows.
            Err(StoreError::Refused(Refusal::BalanceNeverNegative | Refusal::RentalChanged)) => {}
            Err(error) => return Err(refused(error)),
        }
    }
    Err(StoreError::Busy.into())
}
