//! Wallets and what moved through them.

use domain::account::Email;
use domain::id::{AccountId, RentalId};
use domain::money::Usd;
use domain::time::Timestamp;

use crate::db::{Db, Row, StoreError, Value, only};

/// The balance of the ledger account of kind `?1` and owner `?2`.
const BALANCE: &str =
    "SELECT balance_micros FROM ledger_accounts WHERE kind = ?1 AND owner_id = ?2";

/// What an account's wallet holds.
pub fn balance(db: &impl Db, account: AccountId) -> Result<Usd, StoreError> {
    let row = only(db.run(BALANCE, &["wallet".into(), Value::text(account)])?);
    row.map_or(Ok(Usd::ZERO), |row| row.integer(0).map(Usd::from_micros))
}

/// One entry of a wallet.
pub struct WalletEntry {
    /// The transaction's number.
    pub id: i64,
    /// `credit` or `rental`.
    pub kind: String,
    /// Why, in words.
    pub reason: String,
    /// How much; negative where money left the wallet.
    pub amount: Usd,
    /// What the wallet held then.
    pub balance_after: Usd,
    /// When.
    pub created_at: Timestamp,
    /// The rental's id, or the key of the credit.
    pub reference: String,
}

/// One page of a wallet's entries, the newest first.
///
/// `?1` account, `?2` the last transaction of the page before, `?3` how many rows. Served by the
/// primary key of `ledger_entries`.
const ENTRIES: &str = "
    SELECT t.id, t.kind, t.reason, e.amount_micros, e.balance_after_micros, t.created_at,
           t.reference
      FROM ledger_accounts a
      JOIN ledger_entries e ON e.ledger_account_id = a.id
      JOIN ledger_transactions t ON t.id = e.transaction_id
     WHERE a.kind = 'wallet' AND a.owner_id = ?1 AND e.transaction_id < ?2
     ORDER BY e.transaction_id DESC
     LIMIT ?3";

/// A page of a wallet's entries before transaction `before`, the newest first.
pub fn entries(
    db: &impl Db,
    account: AccountId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<WalletEntry>, StoreError> {
    let params = [Value::text(account), before.unwrap_or(i64::MAX).into(), limit.into()];
    db.run(ENTRIES, &params)?.iter().map(read_entry).collect()
}

fn read_entry(row: &Row) -> Result<WalletEntry, StoreError> {
    Ok(WalletEntry {
        id: row.integer(0)?,
        kind: row.text(1)?.to_owned(),
        reason: row.text(2)?.to_owned(),
        amount: Usd::from_micros(row.integer(3)?),
        balance_after: Usd::from_micros(row.integer(4)?),
        created_at: row.timestamp(5)?,
        reference: row.text(6)?.to_owned(),
    })
}

/// The entry that paid for a rental: `?1` renter, `?2` rental. No row means that this account did
/// not rent it. Served by the unique key of `ledger_transactions`.
const ENTRY_OF_RENTAL: &str = "
    SELECT t.id, t.kind, t.reason, e.amount_micros, e.balance_after_micros, t.created_at,
           t.reference
      FROM ledger_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id
     WHERE t.kind = 'rental' AND t.reference = ?2 AND a.kind = 'wallet' AND a.owner_id = ?1";

/// The entry of a renter's wallet that paid for a rental.
pub fn entry_of_rental(
    db: &impl Db,
    renter: AccountId,
    rental: RentalId,
) -> Result<Option<WalletEntry>, StoreError> {
    let row = only(db.run(ENTRY_OF_RENTAL, &[Value::text(renter), Value::text(rental)])?);
    row.as_ref().map(read_entry).transpose()
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
    /// There is no account with this e-mail.
    NoSuchAccount,
    /// The key was used for another wallet or another amount.
    KeyReused,
}

/// Credits a wallet: `?1` key, `?2` e-mail, `?3` amount, `?4` reason, `?5` now.
const CREDIT: &str = "
    INSERT INTO credit_wallet (key, account_id, amount_micros, reason, created_at)
    SELECT ?1, id, ?3, ?4, ?5 FROM accounts WHERE email = ?2";

/// The credit of the key `?1`: its account's e-mail, amount and balance after.
const CREDIT_OF_KEY: &str = "
    SELECT c.email, e.amount_micros, e.balance_after_micros
      FROM ledger_transactions t
      JOIN ledger_entries e ON e.transaction_id = t.id
      JOIN ledger_accounts a ON a.id = e.ledger_account_id AND a.kind = 'wallet'
      JOIN accounts c ON c.id = a.owner_id
     WHERE t.kind = 'credit' AND t.reference = ?1";

/// Credits a wallet, once for each key.
pub fn credit(db: &impl Db, credit: &Credit<'_>, now: Timestamp) -> Result<Credited, StoreError> {
    let params = [
        credit.key.into(),
        credit.email.as_str().into(),
        credit.amount.micros().into(),
        credit.reason.into(),
        now.into(),
    ];
    let refused = match db.run(CREDIT, &params) {
        Ok(_) => None,
        Err(StoreError::Refused(why)) => Some(why),
        Err(error) => return Err(error),
    };
    let Some(row) = only(db.run(CREDIT_OF_KEY, &[credit.key.into()])?) else {
        // Refused, though not because of the key: the code broke a rule of the schema.
        return refused.map_or(Ok(Credited::NoSuchAccount), |why| Err(StoreError::Failed(why)));
    };
    if row.text(0)? == credit.email.as_str() && row.integer(1)? == credit.amount.micros() {
        row.integer(2).map(|micros| Credited::Done(Usd::from_micros(micros)))
    } else {
        Ok(Credited::KeyReused)
    }
}
