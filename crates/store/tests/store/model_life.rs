//! What becomes of rentals in the market in memory.

use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::order::RentError;
use domain::outage::Outages;
use domain::period::Period;
use domain::rental::TRANSFER_SECONDS;
use domain::rental::{EndedAlready, ExtendError, RenewError, RentalState};
use domain::term::Term;
use domain::time::Timestamp;
use store::rentals::ChangeFailure;
use store::transfers::TransferFailure;

use crate::model::{FEE_PERCENT, Model, RENTED_MAX, Slot, dollars};
use crate::model_rent::{Asked, ModelOrder};

const DAY: i64 = 86_400;
const GRACE: i64 = 2 * DAY;

impl Model {
    /// What the farmer and the platform get once so much of a period is earned; `is_used` says
    /// whether the rental goes on.
    pub(crate) fn earn_up_to(&mut self, rental: usize, nth: usize, earned: Usd, is_used: bool) {
        let period = &mut self.rentals[rental].periods[nth];
        if earned <= period.earned {
            return;
        }
        let fee = period.fee_of(earned) - period.fee_of(period.earned);
        let new = earned - period.earned;
        period.earned = earned;
        let (farmer, node) = (self.rentals[rental].farmer, self.rentals[rental].node);
        let earnings = self.earnings.entry(farmer).or_insert(Usd::ZERO);
        *earnings = *earnings + (new - fee);
        self.note_earned(farmer, node, new - fee, is_used);
        self.platform_micros += fee.micros();
    }

    fn earn(&mut self, rental: usize, now: Timestamp) {
        for nth in 0..self.rentals[rental].periods.len() {
            let period = &self.rentals[rental].periods[nth];
            let earned = period.earned_at(&Outages::NONE, now).min(period.total - period.refunded);
            self.earn_up_to(rental, nth, earned, true);
        }
    }

    pub(crate) fn free(&mut self, rental: usize) {
        let ended = &mut self.rentals[rental];
        (ended.state, ended.transfer) = (RentalState::Ended, None);
        let is_whole = ended.slice.is_none();
        let node = self.nodes.get_mut(&ended.node).unwrap();
        node.is_whole &= !is_whole;
        node.free(|slot| slot == Slot::Rented(rental));
        node.fit();
    }

    pub(crate) fn is_theirs(&self, rental: usize, account: u32) -> Result<(), ChangeFailure> {
        let is_theirs = self.rentals[rental].renter == account;
        if is_theirs { Ok(()) } else { Err(ChangeFailure::NoSuchRental) }
    }

    pub(crate) fn extend(
        &mut self,
        account: u32,
        key: u32,
        asked: &Asked,
        now: Timestamp,
    ) -> Result<String, ChangeFailure> {
        let Asked::Extension { rental, term, max } = *asked else { unreachable!("it is one") };
        if let Some(earlier) = self.earlier(account, key, asked) {
            return Ok(earlier?);
        }
        self.is_theirs(rental, account)?;
        self.prolong(rental, term, max.map(dollars), now)?;
        let response = self.rentals[rental].ends_at.to_string();
        let asked = asked.clone();
        self.orders.push(ModelOrder { account, key, asked, response: response.clone() });
        Ok(response)
    }

    /// Extends a rental, whoever asks.
    fn prolong(
        &mut self,
        rental: usize,
        term: Term,
        max: Option<Usd>,
        now: Timestamp,
    ) -> Result<(), ExtendError> {
        let old = &self.rentals[rental];
        if old.state == RentalState::Ended || now >= old.ends_at.plus_seconds(GRACE) {
            return Err(ExtendError::Ended);
        }
        let months: u32 = old.periods.iter().map(|period| period.months).sum();
        let ends_at = old.started_at.plus_months(months + term.months());
        if ends_at > now.plus_months(36) {
            return Err(ExtendError::TooFarAhead);
        }
        let node = &self.nodes[&old.node];
        if let Some(leaves_at) = node.leaves_at.filter(|leaves_at| *leaves_at < ends_at) {
            return Err(ExtendError::TermBeyondLeaveDate(leaves_at));
        }
        let is_agreed = old.ends_at < old.price_until;
        let price = match node.dollars {
            _ if is_agreed => old.price,
            Some(price) if node.listing == Listing::Published => dollars(price),
            Some(_) | None => return Err(ExtendError::NotOffered),
        };
        if price > old.price && max.is_none_or(|max| max < price) {
            return Err(ExtendError::PriceRaised { agreed: old.price, price });
        }
        if let Some(max) = max.filter(|max| *max < price) {
            return Err(RentError::AboveMaxPrice { price, max }.into());
        }
        let (total, wallet) = (term.total(price.times(old.slices)), self.wallet(old.renter));
        if wallet < total {
            return Err(RentError::InsufficientFunds { total, missing: total - wallet }.into());
        }
        self.pay(old.renter, -total);
        let new = &mut self.rentals[rental];
        new.periods.push(Period {
            number: u32::try_from(new.periods.len()).unwrap() + 1,
            months: term.months(),
            price,
            total,
            fee: total.percent(Percent::whole(FEE_PERCENT)).to_cents(),
            earned: Usd::ZERO,
            refunded: Usd::ZERO,
            starts_at: new.ends_at,
            ends_at,
        });
        (new.state, new.price, new.ends_at) = (RentalState::Active, price, ends_at);
        if !is_agreed {
            new.price_until = ends_at.plus_months(12);
        }
        Ok(())
    }

    pub(crate) fn end(
        &mut self,
        account: u32,
        rental: usize,
        now: Timestamp,
    ) -> Result<Usd, ChangeFailure> {
        self.is_theirs(rental, account)?;
        if self.rentals[rental].state == RentalState::Ended {
            return Err(EndedAlready.into());
        }
        if self.is_cut(rental) {
            return Ok(self.give_back(rental, now));
        }
        let (mut before, mut refund) = (0, Usd::ZERO);
        for nth in 0..self.rentals[rental].periods.len() {
            let of = &self.rentals[rental];
            let used =
                of.periods[nth].used(of.started_at, before, of.slices, &Outages::NONE, now).cost;
            before += of.periods[nth].months;
            self.earn_up_to(rental, nth, used, false);
            let period = &mut self.rentals[rental].periods[nth];
            period.refunded = period.total - period.earned;
            refund = refund + period.refunded;
        }
        self.pay(account, refund);
        self.free(rental);
        Ok(refund)
    }

    /// `false` where it is not theirs, or has ended.
    pub(crate) fn offer_transfer(
        &mut self,
        account: u32,
        rental: usize,
        to: u32,
        now: Timestamp,
    ) -> bool {
        let of = &mut self.rentals[rental];
        let is_done = of.renter == account && of.state != RentalState::Ended;
        if is_done {
            of.transfer = Some((to, now.plus_seconds(TRANSFER_SECONDS)));
        }
        is_done
    }

    pub(crate) fn accept(
        &mut self,
        account: u32,
        rental: usize,
        now: Timestamp,
    ) -> Result<(), TransferFailure> {
        let slices = self.rented(account);
        let of = &mut self.rentals[rental];
        match of.transfer {
            Some((to, until)) if to == account && until > now => {}
            Some(_) | None => return Err(TransferFailure::NotOffered),
        }
        if of.farmer == account {
            return Err(TransferFailure::Rule(RentError::OwnSlice));
        }
        if of.renter != account && slices + of.slices > RENTED_MAX {
            return Err(TransferFailure::Rule(RentError::OverLimit { slices, max: RENTED_MAX }));
        }
        (of.renter, of.transfer, of.renewal) = (account, None, None);
        Ok(())
    }

    /// Those that are to be renewed now.
    pub(crate) fn renewing(&self, now: Timestamp) -> Vec<usize> {
        let is_due = |rental: &usize| {
            let of = &self.rentals[*rental];
            let is_near =
                of.ends_at <= now.plus_seconds(DAY) && of.ends_at > now.plus_seconds(-GRACE);
            of.renewal.is_some() && of.state != RentalState::Ended && is_near
        };
        (0..self.rentals.len()).filter(is_due).collect()
    }

    pub(crate) fn renew(&mut self, rental: usize, now: Timestamp) -> Option<RenewError> {
        let (term, max) = self.rentals[rental].renewal?;
        self.prolong(rental, term, Some(max), now).err().map(RenewError::from)
    }

    /// What time does by itself, after the renewals.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        self.leave(now);
        let mut all: Vec<usize> = (0..self.rentals.len()).collect();
        all.sort_by_key(|rental| self.rentals[*rental].ends_at);
        for &rental in &all {
            let of = &self.rentals[rental];
            if of.state == RentalState::Active && of.ends_at <= now {
                self.earn(rental, now);
                self.rentals[rental].state = RentalState::Grace;
            }
        }
        for &rental in &all {
            let of = &self.rentals[rental];
            if of.state == RentalState::Grace && of.ends_at.plus_seconds(GRACE) <= now {
                self.free(rental);
            }
        }
        for rental in all {
            self.earn(rental, now);
        }
        self.release_lapsed(now);
    }
}
