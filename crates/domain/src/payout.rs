//! Payouts: what farmers have earned on its way to them, from the request to the operator's word
//! that it has arrived.
//!
//! Three steps move money, and the others move none. A request takes the amount out of the
//! farmer's earnings and holds it for this payout, so that it cannot be asked for twice nor go
//! into a renter's credit. Sending lets it leave the books: the operator's bank has let go of it
//! then, whether or not it has arrived. A payout that fails or is canceled returns it to the
//! earnings, from where it is by then. Approving and the word that it has arrived change who has to
//! act next, and not where the money is.

use alloc::format;
use alloc::string::{String, ToString};

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::booking::{Booking, BookingKind, LedgerAccount};
use crate::event::EventKind;
use crate::field::FieldError;
use crate::id::{AccountId, PayoutId};
use crate::money::Usd;
use crate::text::parse_line;
use crate::time::Timestamp;

/// How many payouts of one account can be on their way at once.
pub const OPEN_MAX: u32 = 5;

/// How long no payout is requested after the address was changed, in seconds: 72 hours, for its
/// owner to notice that somebody else has changed it.
pub const ADDRESS_WAIT_SECONDS: i64 = 72 * 3_600;

/// What is earned with a farm that its farmer has not verified is held until renters have used it
/// on so many days: a month. A day counts if a rental earned and went on after it.
pub const PROVEN_DAYS: u32 = 30;

/// The longest reference or reason of an operator, in characters.
pub const WORDS_CHARS_MAX: usize = 200;

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum PayoutState {
    /// The farmer has asked for it.
    Requested,
    /// The operator means to pay it.
    Approved,
    /// The operator has sent it.
    Sent,
    /// It has arrived.
    Done,
    /// It was refused, or did not arrive; the money is back.
    Failed,
    /// The farmer has taken the request back; the money is back.
    Canceled,
}

/// What becomes of a payout.
#[derive(Clone, Copy, Debug, PartialEq, Eq, VariantArray)]
pub enum PayoutEvent {
    /// The operator means to pay it.
    Approve,
    /// The operator has sent it.
    Send,
    /// The operator has seen that it has arrived.
    Finish,
    /// The operator does not pay it, or it did not arrive.
    Fail,
    /// The farmer takes the request back.
    Cancel,
}

/// The event does not fit the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a payout that is {} cannot be {}", state.into_str(), event.wanted().into_str())]
pub struct WrongOrder {
    /// Where the payout stands.
    pub state: PayoutState,
    /// What was to become of it.
    pub event: PayoutEvent,
}

impl PayoutState {
    /// The state after `event`. This match is the whole life cycle, so it has no `_` arm.
    pub fn after(self, event: PayoutEvent) -> Result<PayoutState, WrongOrder> {
        use PayoutEvent::{Approve, Cancel, Fail, Finish, Send};
        use PayoutState::{Approved, Canceled, Done, Failed, Requested, Sent};
        match (self, event) {
            (Requested, Approve) => Ok(Approved),
            (Approved, Send) => Ok(Sent),
            (Sent, Finish) => Ok(Done),
            (Requested | Approved | Sent, Fail) => Ok(Failed),
            (Requested, Cancel) => Ok(Canceled),
            (Approved | Sent | Done | Failed | Canceled, Approve | Cancel)
            | (Requested | Sent | Done | Failed | Canceled, Send)
            | (Requested | Approved | Done | Failed | Canceled, Finish)
            | (Done | Failed | Canceled, Fail) => Err(WrongOrder { state: self, event }),
        }
    }

    /// Whether somebody has to act on it still.
    pub fn is_open(self) -> bool {
        match self {
            PayoutState::Requested | PayoutState::Approved | PayoutState::Sent => true,
            PayoutState::Done | PayoutState::Failed | PayoutState::Canceled => false,
        }
    }
}

impl PayoutEvent {
    /// The state that it leads to, where it fits.
    pub fn wanted(self) -> PayoutState {
        match self {
            PayoutEvent::Approve => PayoutState::Approved,
            PayoutEvent::Send => PayoutState::Sent,
            PayoutEvent::Finish => PayoutState::Done,
            PayoutEvent::Fail => PayoutState::Failed,
            PayoutEvent::Cancel => PayoutState::Canceled,
        }
    }

    /// The event about it.
    pub fn kind(self) -> EventKind {
        match self {
            PayoutEvent::Approve => EventKind::PayoutApproved,
            PayoutEvent::Send => EventKind::PayoutSent,
            PayoutEvent::Finish => EventKind::PayoutDone,
            PayoutEvent::Fail => EventKind::PayoutFailed,
            PayoutEvent::Cancel => EventKind::PayoutCanceled,
        }
    }
}

/// A payout, as far as decisions depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Its id.
    pub id: PayoutId,
    /// Whose earnings it pays.
    pub account: AccountId,
    /// How much.
    pub amount: Usd,
    /// Where it stands.
    pub state: PayoutState,
    /// Counts its changes: who saves one names the version that was seen.
    pub version: i64,
}

impl Payout {
    /// What its request moves: out of the earnings, into what is held for it.
    pub fn request_booking(&self) -> Option<Booking> {
        let (from, to) = (LedgerAccount::Earnings(self.account), LedgerAccount::Payout(self.id));
        self.moved(BookingKind::PayoutRequest, "requested", from, to)
    }

    /// What follows from `event`: the state after it, and what moves, if anything does.
    pub fn after(&self, event: PayoutEvent) -> Result<(PayoutState, Option<Booking>), WrongOrder> {
        let state = self.state.after(event)?;
        let held = LedgerAccount::Payout(self.id);
        let booking = match event {
            PayoutEvent::Approve | PayoutEvent::Finish => None,
            PayoutEvent::Send => {
                self.moved(BookingKind::PayoutSend, "sent", held, LedgerAccount::Funding)
            }
            PayoutEvent::Fail | PayoutEvent::Cancel => {
                // What was sent and came back comes from outside again.
                let is_out = self.state == PayoutState::Sent;
                let from = if is_out { LedgerAccount::Funding } else { held };
                let earnings = LedgerAccount::Earnings(self.account);
                self.moved(BookingKind::PayoutReturn, "returned", from, earnings)
            }
        };
        Ok((state, booking))
    }

    fn moved(
        &self,
        kind: BookingKind,
        what: &str,
        from: LedgerAccount,
        to: LedgerAccount,
    ) -> Option<Booking> {
        // The beginning of an id is its time, and its end tells two of them apart.
        let id = self.id.to_string();
        let short = &id[id.len() - 12..];
        let reason = format!("Payout {short} {what}");
        Booking::new(kind, id, reason, from, &[(to, self.amount)])
    }
}

/// What a request depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Funds {
    /// What the account has earned and not asked for yet.
    pub balance: Usd,
    /// What of that may still go to renters, because SLAs were not compared yet, or are
    /// disputed.
    pub withheld: Usd,
    /// What of `withheld` is for renters of nodes that leave the market, or have left.
    pub leaving: Usd,
    /// What of that was paid by card of late, and may be taken back.
    pub unsettled: Usd,
    /// What of that was earned with farms that the account has not verified, and that have not
    /// been used for a month either.
    pub unproven: Usd,
    /// What the account's wallet holds; negative where a payment by card was taken back.
    pub wallet: Usd,
    /// Where it is paid to; `None` where it has not said so.
    pub address: Option<String>,
    /// When that was changed; `None` where it was not since this is noted.
    pub address_changed_at: Option<Timestamp>,
    /// How many of its payouts are on their way.
    pub open: u32,
}

impl Funds {
    /// Until when no payout can be requested at `now`, because the address was changed.
    pub fn waits_until(&self, now: Timestamp) -> Option<Timestamp> {
        let changed_at = self.address_changed_at?;
        let until = changed_at.plus_seconds(ADDRESS_WAIT_SECONDS);
        // One that was changed later than that ahead was so by a clock that was ahead.
        changed_at.is_near(now, ADDRESS_WAIT_SECONDS - 1).then_some(until)
    }

    /// What can be asked for now, in whole cents.
    pub fn payable(&self) -> Usd {
        let left = (self.balance - self.withheld - self.unsettled - self.unproven).max(Usd::ZERO);
        let cents = left.to_cents();
        if cents > left { cents - Usd::from_micros(10_000) } else { cents }
    }
}

/// Why no payout can be requested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RequestError {
    /// Nobody knows where to.
    #[error("set a payout address first")]
    NoAddress,
    /// The address was changed a short time ago.
    #[error("the payout address was changed; payouts can be requested again from {until} on")]
    AddressChanged {
        /// Until when no payout is requested.
        until: Timestamp,
    },
    /// It is less than what is paid out.
    #[error("the minimum payout is ${min}")]
    BelowMinimum {
        /// The least.
        min: Usd,
    },
    /// The account has not earned that much, or some of it may still go to renters.
    #[error("only ${balance} is available for payout")]
    InsufficientFarmerEarnings {
        /// What it has.
        balance: Usd,
    },
    /// A payment by card to the account's wallet was taken back, and the wallet lacks it.
    #[error(
        "your wallet is ${owed} below zero because a card payment was reversed; add credit first"
    )]
    WalletBelowZero {
        /// What it lacks.
        owed: Usd,
    },
    /// As many are on their way as can be.
    #[error("you already have {OPEN_MAX} payouts in progress")]
    TooMany,
}

/// Decides a request of `amount`: the address that it is paid to.
pub fn request(funds: &Funds, amount: Usd, min: Usd, now: Timestamp) -> Result<&str, RequestError> {
    let address = funds.address.as_deref().ok_or(RequestError::NoAddress)?;
    if let Some(until) = funds.waits_until(now) {
        return Err(RequestError::AddressChanged { until });
    }
    if amount < min {
        return Err(RequestError::BelowMinimum { min });
    }
    if funds.wallet < Usd::ZERO {
        return Err(RequestError::WalletBelowZero { owed: -funds.wallet });
    }
    if funds.open >= OPEN_MAX {
        return Err(RequestError::TooMany);
    }
    if amount > funds.payable() {
        return Err(RequestError::InsufficientFarmerEarnings { balance: funds.payable() });
    }
    Ok(address)
}

/// Reads what an operator says to a payout: the reference of a transfer, or why it failed.
pub fn parse_words(field: &'static str, text: &str) -> Result<String, FieldError> {
    parse_line(field, text, 1..=WORDS_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;
    use core::fmt::Write;

    use expect_test::expect;
    use proptest::prelude::*;

    use super::*;

    fn payout(state: PayoutState) -> Payout {
        let now = Timestamp::from_seconds(0);
        Payout {
            id: PayoutId::from_random(now, [2; 10]),
            account: AccountId::from_random(now, [1; 10]),
            amount: Usd::whole(25),
            state,
            version: 1,
        }
    }

    #[test]
    fn the_life_cycle_is_this_table() {
        let mut table = String::from("from      ");
        for &event in PayoutEvent::VARIANTS {
            let name = alloc::format!("{event:?}");
            write!(table, " {name:<9}").unwrap();
        }
        for &state in PayoutState::VARIANTS {
            write!(table, "\n{:<10}", state.into_str()).unwrap();
            for &event in PayoutEvent::VARIANTS {
                let after = state.after(event).map_or("-", |state| state.into_str());
                write!(table, " {after:<9}").unwrap();
            }
        }
        let lines: Vec<&str> = table.lines().map(str::trim_end).collect();
        expect![[r"
            from       Approve   Send      Finish    Fail      Cancel
            requested  approved  -         -         failed    canceled
            approved   -         sent      -         failed    -
            sent       -         -         done      failed    -
            done       -         -         -         -         -
            failed     -         -         -         -         -
            canceled   -         -         -         -         -"]]
        .assert_eq(&lines.join("\n"));
    }

    #[test]
    fn money_moves_in_three_steps_and_in_no_other() {
        let kinds = |state: PayoutState, event| {
            let (_, booking) = payout(state).after(event).unwrap();
            booking.map(|booking| {
                let accounts: Vec<_> =
                    booking.entries.iter().map(|entry| entry.account.into_str()).collect();
                alloc::format!("{}: {}", booking.kind.into_str(), accounts.join(" to "))
            })
        };
        let first = payout(PayoutState::Requested).request_booking().unwrap();
        assert_eq!(first.entries[0].amount, -Usd::whole(25));
        assert_eq!(kinds(PayoutState::Requested, PayoutEvent::Approve), None);
        let sent = kinds(PayoutState::Approved, PayoutEvent::Send);
        assert_eq!(sent.as_deref(), Some("payout-send: escrow to funding"));
        assert_eq!(kinds(PayoutState::Sent, PayoutEvent::Finish), None);
        for state in [PayoutState::Requested, PayoutState::Approved] {
            let back = kinds(state, PayoutEvent::Fail);
            assert_eq!(back.as_deref(), Some("payout-return: escrow to earnings"));
        }
        let back = kinds(PayoutState::Sent, PayoutEvent::Fail);
        assert_eq!(back.as_deref(), Some("payout-return: funding to earnings"));
    }

    #[test]
    fn a_request_needs_an_address_and_what_it_asks_for() {
        let funds = Funds {
            balance: Usd::whole(36),
            withheld: Usd::whole(1),
            leaving: Usd::ZERO,
            unsettled: Usd::whole(2),
            unproven: Usd::whole(3),
            wallet: Usd::ZERO,
            address: Some("BE71".into()),
            address_changed_at: None,
            open: 4,
        };
        let now = Timestamp::from_seconds(10_000_000);
        let ask = |funds: &Funds, dollars| {
            request(funds, Usd::whole(dollars), Usd::whole(25), now).map(str::len)
        };
        assert_eq!(ask(&funds, 25), Ok(4));
        assert_eq!(ask(&funds, 30), Ok(4));
        assert_eq!(ask(&funds, 24), Err(RequestError::BelowMinimum { min: Usd::whole(25) }));
        assert_eq!(
            ask(&funds, 31),
            Err(RequestError::InsufficientFarmerEarnings { balance: Usd::whole(30) })
        );
        assert_eq!(ask(&Funds { open: 5, ..funds.clone() }, 25), Err(RequestError::TooMany));
        let moved = |seconds: i64| {
            let changed_at = Some(now.plus_seconds(-seconds));
            ask(&Funds { address_changed_at: changed_at, ..funds.clone() }, 25)
        };
        let until =
            |seconds| Err(RequestError::AddressChanged { until: now.plus_seconds(seconds) });
        assert_eq!(moved(0), until(ADDRESS_WAIT_SECONDS));
        assert_eq!(moved(ADDRESS_WAIT_SECONDS - 1), until(1));
        assert_eq!(moved(ADDRESS_WAIT_SECONDS), Ok(4));
        // By a clock that was a year ahead.
        assert_eq!(moved(-365 * 86_400), Ok(4));
        let owing = Funds { wallet: -Usd::whole(7), ..funds.clone() };
        let owed = Usd::whole(7);
        assert_eq!(ask(&owing, 25), Err(RequestError::WalletBelowZero { owed }));
        let nowhere = Funds { address: None, ..funds };
        assert_eq!(ask(&nowhere, 25), Err(RequestError::NoAddress));
    }

    #[test]
    fn words_are_one_line() {
        assert_eq!(parse_words("reference", " SEPA 7 "), Ok("SEPA 7".into()));
        for text in ["", "  ", "a\nb", &"x".repeat(201)] {
            assert!(parse_words("reference", text).is_err(), "{text:?}");
        }
    }

    proptest! {
        /// Whatever is done to a payout, all that was asked for is at one place.
        #[test]
        fn nothing_is_lost_on_the_way(events in prop::collection::vec(0..5_usize, 0..12)) {
            let mut payout = payout(PayoutState::Requested);
            let (mut earnings, mut held, mut out) = (-25_i64, 25_i64, 0_i64);
            for event in events {
                let event = PayoutEvent::VARIANTS[event];
                let Ok((state, booking)) = payout.after(event) else { continue };
                for entry in booking.iter().flat_map(|booking| &booking.entries) {
                    let amount = entry.amount.micros() / 1_000_000;
                    match entry.account {
                        LedgerAccount::Earnings(_) => earnings += amount,
                        LedgerAccount::Payout(_) => held += amount,
                        LedgerAccount::Funding => out += amount,
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
                payout.state = state;
            }
            let expected = match payout.state {
                PayoutState::Requested | PayoutState::Approved => (-25, 25, 0),
                PayoutState::Sent | PayoutState::Done => (-25, 0, 25),
                PayoutState::Failed | PayoutState::Canceled => (0, 0, 0),
            };
            prop_assert_eq!((earnings, held, out), expected);
        }
    }
}
