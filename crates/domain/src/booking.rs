//! What moves in the ledger: whole amounts, from where to where, and why.

use alloc::string::String;
use alloc::vec::Vec;

use strum::IntoStaticStr;

use crate::id::{AccountId, PayoutId, RentalId};
use crate::money::Usd;

/// Where money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum LedgerAccount {
    /// What came in from outside; its balance is negative.
    Funding,
    /// What an account can spend.
    Wallet(AccountId),
    /// What is held for a rental until it is earned.
    Escrow(RentalId),
    /// What is held for a payout until it is sent. In SQL it is an escrow, too: money that belongs
    /// to nobody's balance while something is under way.
    #[strum(serialize = "escrow")]
    Payout(PayoutId),
    /// What a farmer has earned.
    Earnings(AccountId),
    /// What the platform keeps.
    Platform,
}

/// An amount that comes to a ledger account; a negative one leaves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub account: LedgerAccount,
    /// How much.
    pub amount: Usd,
}

/// Why money moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum BookingKind {
    /// A rental is paid.
    Rental,
    /// An extension is paid.
    Extension,
    /// Days of a rental are earned.
    Earning,
    /// Time that was not used is refunded.
    Refund,
    /// Time of an outage is refunded.
    OutageRefund,
    /// A missed SLA is made good.
    SlaCredit,
    /// The operator has decided otherwise about an SLA.
    SlaCorrection,
    /// A farmer makes good what a renter loses because a node leaves.
    LeavingCompensation,
    /// A farmer asks to be paid.
    PayoutRequest,
    /// A payout leaves.
    PayoutSend,
    /// A payout that failed or was canceled goes back to the farmer's earnings.
    PayoutReturn,
    /// A payment by card was taken back, or given back after a dispute.
    CardReversal,
}

/// Entries that belong together: they sum to zero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Booking {
    /// Why.
    pub kind: BookingKind,
    /// Makes this booking happen once: unique for its kind.
    pub reference: String,
    /// Why, in words.
    pub reason: String,
    /// What moves; no amount is zero.
    pub entries: Vec<Entry>,
}

impl Booking {
    /// A booking that takes the amounts of `to` out of `from`; `None` if that is nothing.
    pub fn new(
        kind: BookingKind,
        reference: String,
        reason: String,
        from: LedgerAccount,
        to: &[(LedgerAccount, Usd)],
    ) -> Option<Booking> {
        let sum = to.iter().fold(Usd::ZERO, |sum, (_, amount)| sum + *amount);
        let entry = |(account, amount): (LedgerAccount, Usd)| Entry { account, amount };
        let entries: Vec<Entry> = [(from, -sum)]
            .into_iter()
            .chain(to.iter().copied())
            .map(entry)
            .filter(|entry| entry.amount != Usd::ZERO)
            .collect();
        (!entries.is_empty()).then_some(Booking { kind, reference, reason, entries })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::time::Timestamp;

    proptest! {
        #[test]
        fn every_booking_sums_to_zero(cents in prop::collection::vec(-99_999..99_999_i64, 0..5)) {
            let now = Timestamp::from_seconds(0);
            let wallet = LedgerAccount::Wallet(AccountId::from_random(now, [1; 10]));
            let to: Vec<_> = cents
                .iter()
                .map(|cents| (LedgerAccount::Platform, Usd::from_micros(cents * 10_000)))
                .collect();
            let text = String::new;
            let booking = Booking::new(BookingKind::Refund, text(), text(), wallet, &to);
            let entries = booking.map_or_else(Vec::new, |booking| booking.entries);
            let sum = entries.iter().fold(Usd::ZERO, |sum, entry| sum + entry.amount);
            prop_assert_eq!(sum, Usd::ZERO);
            prop_assert!(entries.iter().all(|entry| entry.amount != Usd::ZERO));
        }
    }
}
