//! Payouts in the market in memory.

use domain::money::Usd;
use domain::payout::{PayoutEvent, PayoutState, RequestError, WrongOrder};
use store::payouts::{ChangeFailure, PayoutAction, RequestFailure};

use crate::market::KEY_USED;
use crate::model::{Model, dollars};
use crate::payouts::payout_id;

/// The accounts up to this one have said where they are paid to.
pub(crate) const PAID_ACCOUNTS_MAX: u32 = 3;
/// The farms up to this one have been verified by the farmer of the same number. Each node is a
/// farm of its own.
pub(crate) const PROVEN_FARMS_MAX: u32 = 2;
/// The least that is paid out, in dollars.
pub(crate) const MIN_DOLLARS: i64 = 5;

pub(crate) struct ModelPayout {
    /// The number of its id.
    pub(crate) id: u32,
    pub(crate) account: u32,
    pub(crate) key: u32,
    pub(crate) amount: Usd,
    pub(crate) state: PayoutState,
}

impl ModelPayout {
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.state, PayoutState::Requested | PayoutState::Approved | PayoutState::Sent)
    }
}

impl Model {
    fn earned(&self, account: u32) -> Usd {
        self.earnings.get(&account).copied().unwrap_or(Usd::ZERO)
    }

    /// Notes what a farmer has earned with a node, where it is not to be paid out yet.
    pub(crate) fn note_earned(&mut self, farmer: u32, node: u32, amount: Usd, is_used: bool) {
        if amount == Usd::ZERO {
            return;
        }
        let days = self.uses.entry((farmer, node)).or_default();
        if is_used {
            days.insert(self.today.clone());
        }
        if days.len() >= 30 {
            self.unproven.remove(&(farmer, node));
        } else if node > PROVEN_FARMS_MAX {
            let held = self.unproven.entry((farmer, node)).or_insert(Usd::ZERO);
            *held = *held + amount;
        }
    }

    /// What is held of a farmer's earnings, because nobody has proven the farms.
    pub(crate) fn unproven(&self, farmer: u32) -> Usd {
        let own = self.unproven.iter().filter(|((owner, _), _)| *owner == farmer);
        own.fold(Usd::ZERO, |sum, (_, held)| sum + *held)
    }

    /// What is `withheld` is for the tests of SLAs to say.
    pub(crate) fn request_payout(
        &mut self,
        account: u32,
        id: u32,
        key: u32,
        amount: Usd,
        withheld: Usd,
    ) -> Result<String, RequestFailure> {
        let same_key = |payout: &&ModelPayout| payout.account == account && payout.key == key;
        if let Some(earlier) = self.payouts.iter().find(same_key) {
            let is_same = earlier.amount == amount;
            return if is_same {
                Ok(payout_id(earlier.id).to_string())
            } else {
                Err(KEY_USED.into())
            };
        }
        let own = |payout: &&ModelPayout| payout.account == account && payout.is_open();
        let (open, balance) = (self.payouts.iter().filter(own).count(), self.earned(account));
        let cent = Usd::from_micros(10_000);
        let payable = (balance - withheld - self.unproven(account)).max(Usd::ZERO);
        let payable = Usd::from_micros(payable.micros() / cent.micros() * cent.micros());
        let rule = if account > PAID_ACCOUNTS_MAX {
            Some(RequestError::NoAddress)
        } else if amount < dollars(MIN_DOLLARS) {
            Some(RequestError::BelowMinimum { min: dollars(MIN_DOLLARS) })
        } else if open >= 5 {
            Some(RequestError::TooMany)
        } else if payable < amount {
            Some(RequestError::InsufficientFarmerEarnings { balance: payable })
        } else {
            None
        };
        if let Some(rule) = rule {
            return Err(rule.into());
        }
        self.earnings.insert(account, balance - amount);
        let state = PayoutState::Requested;
        self.payouts.push(ModelPayout { id, account, key, amount, state });
        Ok(payout_id(id).to_string())
    }

    /// `by` is who withdraws it, as a number of an account.
    pub(crate) fn change_payout(
        &mut self,
        nth: usize,
        action: PayoutAction<'_>,
        by: u32,
    ) -> Result<PayoutState, ChangeFailure> {
        let payout = &mut self.payouts[nth];
        let event = action.event();
        if event == PayoutEvent::Cancel && payout.account != by {
            return Err(ChangeFailure::NoSuchPayout);
        }
        let wrong = WrongOrder { state: payout.state, event };
        let is_in_turn = match event {
            PayoutEvent::Approve | PayoutEvent::Cancel => payout.state == PayoutState::Requested,
            PayoutEvent::Send => payout.state == PayoutState::Approved,
            PayoutEvent::Finish => payout.state == PayoutState::Sent,
            PayoutEvent::Fail => payout.is_open(),
        };
        if !is_in_turn {
            return Err(wrong.into());
        }
        payout.state = event.wanted();
        let (account, amount) = (payout.account, payout.amount);
        if matches!(event, PayoutEvent::Fail | PayoutEvent::Cancel) {
            let balance = self.earned(account);
            self.earnings.insert(account, balance + amount);
        }
        Ok(event.wanted())
    }

    /// What has come in from outside and not left again.
    pub(crate) fn inside_micros(&self) -> i64 {
        let came: i64 = self.credits.values().map(|(_, amount, _)| dollars(*amount).micros()).sum();
        let out =
            |payout: &&ModelPayout| matches!(payout.state, PayoutState::Sent | PayoutState::Done);
        let gone: i64 = self.payouts.iter().filter(out).map(|it| it.amount.micros()).sum();
        came - gone
    }

    /// What is held for payouts.
    pub(crate) fn held_micros(&self) -> i64 {
        let held = |payout: &&ModelPayout| {
            matches!(payout.state, PayoutState::Requested | PayoutState::Approved)
        };
        self.payouts.iter().filter(held).map(|payout| payout.amount.micros()).sum()
    }
}
