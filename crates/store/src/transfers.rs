//! Rentals that are offered to somebody else, and taken over.

use domain::account::Email;
use domain::id::{AccountId, RentalId, TokenId};
use domain::machine_action::REBUILD_SECONDS;
use domain::money::Usd;
use domain::order::RentError;
use domain::recurring::SWEEP_TRANSFERS;
use domain::rental::{self, CeilingError};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::jobs;
use crate::machine_actions::{self, ActionsOfMachines};
use crate::rentals::{Rental, SAVE_ATTEMPTS, arrangeable, find};
use crate::row::{row, select};
use crate::ssh_keys::KeyLines;

/// How many offers to one account are shown.
pub const SHOWN_MAX: u32 = 20;

row! {
    /// An offer to take a rental over.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Transfer {
        /// The rental.
        pub rental: Rental,
        /// The address of who offers it.
        pub from: String = "f.email",
        /// The address of who may take it.
        pub to: String = "t.email",
        /// Until when.
        pub expires_at: Timestamp = "t.expires_at",
    }
}

/// Offers the rental `?1` of the renter `?2` to the address `?3`, from `?4` until `?5`, by the
/// token `?6` or NULL. No row comes back if it is not theirs or has ended, or the token is gone.
/// Another offer of it is over.
const OFFER: &str = "
    INSERT INTO transfers (rental_id, email, created_at, expires_at, token_id)
    SELECT id, ?3, ?4, ?5, (SELECT id FROM tokens WHERE id = ?6 AND ceiling_micros IS NOT NULL)
      FROM rentals
     WHERE id = ?1 AND renter_id = ?2 AND state <> 'ended'
       AND (?6 IS NULL OR EXISTS (SELECT 1 FROM tokens WHERE id = ?6))
        ON CONFLICT (rental_id) DO UPDATE
       SET email = excluded.email, created_at = excluded.created_at,
           expires_at = excluded.expires_at, token_id = excluded.token_id
 RETURNING rental_id";

/// What is paid ahead for the rental `?1`.
const HELD: &str = "
    SELECT coalesce((SELECT balance_micros FROM ledger_accounts
                      WHERE kind = 'escrow' AND owner_id = ?1), 0)";

/// Refuses an offer that the token which asks may not make; one of what is worth more meanwhile
/// cannot be taken.
pub fn check_offer(
    db: &dyn Db,
    rental: RentalId,
    token: Option<TokenId>,
) -> Result<(), TransferFailure> {
    if let Some(token) = token {
        let held: Usd = db.one(HELD, &[Value::text(rental)])?;
        rental::arrange_transfer(held, arrangeable(db, token, rental)?)?;
    }
    Ok(())
}

/// Offers a rental to whoever has an address, by a token if one asks; `false` if it is not the
/// renter's, or has ended.
pub fn offer(
    db: &dyn Db,
    renter: AccountId,
    rental: RentalId,
    to: &Email,
    token: Option<TokenId>,
    now: Timestamp,
) -> Result<bool, TransferFailure> {
    if find(db, renter, rental)?.is_none() {
        return Ok(false);
    }
    check_offer(db, rental, token)?;
    let params = [
        Value::text(rental),
        Value::text(renter),
        to.as_str().into(),
        now.into(),
        now.plus_seconds(rental::TRANSFER_SECONDS).into(),
        token.map(Value::text).into(),
    ];
    Ok(db.has_row(OFFER, &params)?)
}

/// Takes the offer of the rental `?1` back: by its renter `?2`, or declined by whom it was made to.
const CANCEL: &str = "
    DELETE FROM transfers
     WHERE rental_id = ?1
       AND (rental_id IN (SELECT id FROM rentals WHERE renter_id = ?2)
            OR email = (SELECT email FROM accounts WHERE id = ?2))
 RETURNING rental_id";

/// Takes an offer back, or declines it; `false` if there is none that this account may touch.
pub fn withdraw(db: &dyn Db, account: AccountId, rental: RentalId) -> Result<bool, StoreError> {
    db.has_row(CANCEL, &[Value::text(rental), Value::text(account)])
}

/// Where a `Transfer` is.
const FROM: &str = "
      FROM transfers t
      JOIN rentals r ON r.id = t.rental_id
      JOIN nodes n ON n.id = r.node_id
      JOIN accounts f ON f.id = r.renter_id ";

/// The open offers to the account `?1` at `?2`; `?3` the rental, or NULL for all; at most `?4`.
/// Those that a token made whose ceiling they would exceed are not among them. Served by the index
/// `transfers_by_email`.
const TO_ACCOUNT: &str = select!(
    Transfer,
    FROM,
    "WHERE t.email = (SELECT email FROM accounts WHERE id = ?1) AND t.expires_at > ?2
       AND t.rental_id = coalesce(?3, t.rental_id)
       AND (t.token_id IS NULL
            OR EXISTS (SELECT 1 FROM tokens k
                        WHERE k.id = t.token_id AND k.expires_at > ?2
                          AND k.ceiling_micros - k.spent_micros
                              >= coalesce((SELECT balance_micros FROM ledger_accounts
                                            WHERE kind = 'escrow' AND owner_id = r.id), 0)))
     ORDER BY t.rental_id LIMIT ?4"
);

/// The open offer of the rental `?1` of the renter `?2` at `?3`.
const OF_RENTAL: &str =
    select!(Transfer, FROM, "WHERE t.rental_id = ?1 AND r.renter_id = ?2 AND t.expires_at > ?3");

/// The rentals that an account may take over.
pub fn to_account(
    db: &dyn Db,
    account: AccountId,
    now: Timestamp,
) -> Result<Vec<Transfer>, StoreError> {
    let params = [Value::text(account), now.into(), Value::Null, SHOWN_MAX.into()];
    db.all(TO_ACCOUNT, &params)
}

/// The open offer of a renter's rental.
pub fn of_rental(
    db: &dyn Db,
    renter: AccountId,
    rental: RentalId,
    now: Timestamp,
) -> Result<Option<Transfer>, StoreError> {
    let params = [Value::text(rental), Value::text(renter), now.into()];
    db.first(OF_RENTAL, &params)
}

/// Why a rental was not taken over.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferFailure {
    /// It was not offered to this account, or is not any more.
    #[error("this rental is not offered to you, or not any more")]
    NotOffered,
    /// The rules say no.
    #[error(transparent)]
    Rule(#[from] RentError),
    /// The token that asks may not give that much away.
    #[error(transparent)]
    Ceiling(#[from] CeilingError),
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// How many slices the account `?1` rents. Served by the index `rentals_live_by_renter`.
const SLICES: &str = "
    SELECT coalesce(sum(slices), 0) FROM rentals WHERE renter_id = ?1 AND state <> 'ended'";

/// Takes a rental over; the columns of the command view, in order.
const ACCEPT: &str = "
    INSERT INTO take_over_rental
           (id, version, renter_id, slices_max, ssh_keys, actions, expires_at, late_at, refund_at,
            transferred_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// What its new renter brings to the machines of a rental.
#[derive(Clone, Copy, Debug)]
pub struct Handover<'a> {
    /// The keys that get in from then on.
    pub keys: &'a KeyLines,
    /// What brings them to each machine that is there.
    pub actions: &'a ActionsOfMachines<'a>,
}

/// Takes over a rental that was offered to this account.
pub fn accept(
    db: &dyn Db,
    account: AccountId,
    id: RentalId,
    slices_max: u32,
    handover: &Handover<'_>,
    now: Timestamp,
) -> Result<(), TransferFailure> {
    let [late_at, refund_at, _] = jobs::creation_times(now);
    for _ in 0..SAVE_ATTEMPTS {
        let params = [Value::text(account), now.into(), Value::text(id), 1_u32.into()];
        let offer = db.first(TO_ACCOUNT, &params)?;
        let Transfer { rental: seen, .. } = offer.ok_or(TransferFailure::NotOffered)?;
        let slices = db.one(SLICES, &[Value::text(account)])?;
        rental::take_over(&seen.life, account, slices, slices_max)?;
        let params = [
            Value::text(id),
            seen.life.version.into(),
            Value::text(account),
            slices_max.into(),
            handover.keys.into(),
            machine_actions::actions_column(handover.actions),
            now.plus_seconds(REBUILD_SECONDS).into(),
            late_at.clone(),
            refund_at.clone(),
            now.into(),
        ];
        match db.run(ACCEPT, &params) {
            Ok(_) => return Ok(()),
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(StoreError::Busy.into())
}

/// Deletes offers that nobody took: `?1` now, `?2` at most.
const SWEEP: &str = "
    DELETE FROM transfers WHERE rental_id IN (
        SELECT rental_id FROM transfers WHERE expires_at <= ?1 LIMIT ?2)";

/// Deletes offers that nobody took in time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP, &[now.into(), SWEEP_TRANSFERS.limit().into()]).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 2] =
    [(TO_ACCOUNT, "transfers_by_email"), (SLICES, "rentals_live_by_renter")];
