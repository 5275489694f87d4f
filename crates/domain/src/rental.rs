//! The life of a rental: extended, earned day by day, over, and ended.
//!
//! Every function takes a rental as it is and answers with what changes, bookings and all; nothing
//! here does anything.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::booking::{Booking, BookingKind, LedgerAccount};
use crate::event::EventKind;
use crate::id::{AccountId, NodeId, OrderId, RentalId};
use crate::listing::Listing;
use crate::money::{Percent, Usd};
use crate::order::{self, RentError};
use crate::outage::Outages;
use crate::period::{Period, Used};
use crate::term::Term;
use crate::time::Timestamp;

/// After a term, the data is kept and only the renter can take the slice again for so long.
///
/// Seconds: 48 hours.
pub const GRACE_SECONDS: i64 = 48 * 3_600;

/// An extension costs the rental's own price if it begins within so many calendar months of the end
/// of the term that was last agreed on at that price.
pub const PRICE_MONTHS: u32 = 12;

/// A rental can be paid for at most so many calendar months ahead.
pub const MONTHS_AHEAD_MAX: u32 = 36;

/// A rental that renews itself does so from so many seconds before its end: a day.
pub const RENEWS_BEFORE_SECONDS: i64 = 86_400;

/// An offer to take a rental over is open for so long.
///
/// Seconds: a week.
pub const TRANSFER_SECONDS: i64 = 7 * 86_400;

/// Where a rental is in its life. It ends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum RentalState {
    /// The renter holds the slice.
    Active,
    /// The term is over; only the renter can take the slice again, for 48 hours.
    Grace,
    /// The slice is free again.
    Ended,
}

/// That a rental is extended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewal {
    /// By how much.
    pub term: Term,
    /// At most at this price per slice and month.
    pub max_price: Usd,
}

impl Renewal {
    /// What one renewal of so many `slices` costs at most.
    pub fn most(self, slices: u32) -> Usd {
        self.term.total(self.max_price.times(slices))
    }
}

/// Why a token may not arrange what costs something later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CeilingError {
    /// A renewal could cost more than the token may still spend.
    #[error(
        "this token can spend only ${left} more, and one renewal can cost up to ${most}; lower \
         max_price, choose a shorter term, or set auto-renew without this token"
    )]
    Renewal {
        /// What one renewal costs at most.
        most: Usd,
        /// What the token may still spend, without its other renewals.
        left: Usd,
    },
    /// More is paid ahead for a rental than the token may give away.
    #[error(
        "this token can spend only ${left} more, and the rental has ${held} of prepaid time; \
         transfer it without this token"
    )]
    Transfer {
        /// What is paid ahead.
        held: Usd,
        /// What the token may still spend, without its other renewals.
        left: Usd,
    },
}

/// Refuses a renewal that could cost more than is `left` of the ceiling of the token that asks for
/// it; `None` where nothing limits that.
pub fn arrange_renewal(
    renewal: Renewal,
    slices: u32,
    left: Option<Usd>,
) -> Result<(), CeilingError> {
    let most = renewal.most(slices);
    match left {
        Some(left) if left < most => Err(CeilingError::Renewal { most, left }),
        Some(_) | None => Ok(()),
    }
}

/// Refuses to give away what is worth more than is `left` of the ceiling of the token that asks for
/// it: whoever takes a rental over is refunded what is paid ahead.
pub fn arrange_transfer(held: Usd, left: Option<Usd>) -> Result<(), CeilingError> {
    match left {
        Some(left) if left < held => Err(CeilingError::Transfer { held, left }),
        Some(_) | None => Ok(()),
    }
}

/// What is decided about: a rental as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rental {
    /// Its id.
    pub id: RentalId,
    /// Counts its changes.
    pub version: i64,
    /// The node.
    pub node: NodeId,
    /// The slice's number; `None` for the whole node.
    pub slice: Option<u32>,
    /// How many slices are paid for.
    pub slices: u32,
    /// Who holds it.
    pub renter: AccountId,
    /// Whose node it is.
    pub farmer: AccountId,
    /// Where it is in its life.
    pub state: RentalState,
    /// Per slice and month.
    pub price: Usd,
    /// Extensions that begin before this cost `price`.
    pub price_until: Timestamp,
    /// The start.
    pub started_at: Timestamp,
    /// The end of what is paid for.
    pub ends_at: Timestamp,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// Its terms, in order: at least one.
    pub periods: Vec<Period>,
    /// When it could not be used, wherever it was then.
    pub outages: Outages,
}

/// What a node asks for an extension beyond the time for which the price was agreed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Market {
    /// Whether the node is on the market.
    pub listing: Listing,
    /// Per slice and month; `None` where the farmer has set none.
    pub price: Option<Usd>,
    /// When the node leaves the market; `None` where it stays.
    pub leaves_at: Option<Timestamp>,
}

/// What is known when an extension is decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtendContext {
    /// The node's offer.
    pub market: Market,
    /// What the renter's wallet holds.
    pub balance: Usd,
    /// What the token that asks may still spend; `None` where nothing limits it.
    pub spendable: Option<Usd>,
    /// What the platform keeps.
    pub platform_fee: Percent,
}

/// What becomes of a rental.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The rental after it, periods and all.
    pub after: Rental,
    /// The numbers of the periods that came or changed.
    pub periods: Vec<u32>,
    /// What moves in the ledger.
    pub bookings: Vec<Booking>,
    /// What its history says; `None` where it says nothing.
    pub event: Option<EventKind>,
}

/// Why a rental cannot be extended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtendError {
    /// It has ended.
    #[error("this rental has ended; rent a new slice")]
    Ended,
    /// It would be paid for too far ahead.
    #[error("a rental can be extended to at most {MONTHS_AHEAD_MAX} months ahead; extend it later")]
    TooFarAhead,
    /// The agreed price holds no longer, and the farmer asks more than the renter agreed to.
    #[error(
        "your guaranteed price of ${agreed} has expired, and a slice now costs ${price} per \
         month; accept it with max_price, or let the rental end"
    )]
    PriceRaised {
        /// Per slice and month, as it was agreed.
        agreed: Usd,
        /// Per slice and month now.
        price: Usd,
    },
    /// The agreed price holds no longer, and the node is off the market.
    #[error("your guaranteed price has expired, and the node is no longer on the market")]
    NotOffered,
    /// The node leaves the market before the term would be over.
    #[error(
        "this node leaves the market on {}, before the term ends; choose a shorter term or \
         another node",
        .0.day_for_people()
    )]
    TermBeyondLeaveDate(Timestamp),
    /// The renter cannot pay.
    #[error(transparent)]
    Money(#[from] RentError),
}

/// Why a rental is not renewed by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewError {
    /// It has been down for a day.
    #[error(
        "this server has been down since {}; it isn't renewed while it is down",
        .0.day_for_people()
    )]
    Down(Timestamp),
    /// The token that set it has ended.
    #[error(
        "the API token that turned auto-renew on has expired or was revoked; turn auto-renew on \
         again yourself"
    )]
    TokenGone,
    /// The token that set it may not spend that much.
    #[error(
        "the API token that turned auto-renew on can spend only ${left} more, and the total is \
         ${total}; turn auto-renew on again yourself"
    )]
    OverSpendingLimit {
        /// The total of the term.
        total: Usd,
        /// What the token may still spend.
        left: Usd,
    },
    /// It cannot be extended.
    #[error(transparent)]
    Extend(ExtendError),
}

impl From<ExtendError> for RenewError {
    fn from(error: ExtendError) -> RenewError {
        match error {
            ExtendError::Money(RentError::OverSpendingLimit { total, left }) => {
                RenewError::OverSpendingLimit { total, left }
            }
            _ => RenewError::Extend(error),
        }
    }
}

/// A rental that has ended is not ended again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this rental has already ended")]
pub struct EndedAlready;

/// What ending a rental now means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What changes.
    pub change: Change,
    /// What was paid for what is being ended, and did not go back: the periods that are not over.
    pub paid: Usd,
    /// What was used of the period that runs; `None` where none does.
    pub used: Option<Used>,
    /// What goes back to the wallet.
    pub refund: Usd,
    /// What the farmer pays beside that, because the node leaves and the renter loses discounts.
    pub compensation: Usd,
    /// Whether time during the setup is charged, for the renter ends many rentals during theirs.
    pub is_setup_charged: bool,
}

impl Rental {
    /// How it is called in the ledger: `node32_slice_1`, or `node32`.
    pub fn place(&self) -> String {
        match self.slice {
            Some(number) => format!("{}_slice_{number}", self.node),
            None => format!("{}", self.node),
        }
    }

    /// Until when its renter alone can take it again.
    pub fn grace_until(&self) -> Timestamp {
        self.ends_at.plus_seconds(GRACE_SECONDS)
    }

    /// What is held in escrow for it.
    pub fn held(&self) -> Usd {
        self.periods.iter().fold(Usd::ZERO, |sum, period| sum + period.held())
    }

    /// The months of all its terms.
    pub fn months(&self) -> u32 {
        self.periods.iter().map(|period| period.months).sum()
    }

    /// What an extension costs per slice and month, unless the renter refuses it.
    pub fn renewal_price(&self, market: Market) -> Result<Usd, ExtendError> {
        match (market.listing, market.price) {
            _ if self.ends_at < self.price_until => Ok(self.price),
            (Listing::Published, Some(price)) => Ok(price),
            (Listing::Published | Listing::Draft | Listing::Paused, _) => {
                Err(ExtendError::NotOffered)
            }
        }
    }

    /// When more of it is to be earned: at `now` where something is due, or later; `None` where
    /// nothing is left.
    pub fn earns_at(&self, now: Timestamp) -> Option<Timestamp> {
        let running = self.periods.iter().filter(|period| period.held() > Usd::ZERO);
        let next = |period: &Period| {
            let is_due = period.earned_at(&self.outages, now) > period.earned
                || period.outages_cost(&self.outages, now) > period.refunded;
            let next = || period.settles_next(&self.outages, now).unwrap_or(period.ends_at);
            if is_due { now } else { next() }
        };
        running.map(next).min()
    }

    /// Takes over what is earned until `now`, in each period at most its `cap`; the entries of it.
    pub(crate) fn settle(&mut self, earned: impl Fn(&Period) -> Usd) -> (Vec<u32>, Usd, Usd) {
        let (mut changed, mut all, mut fees) = (Vec::new(), Usd::ZERO, Usd::ZERO);
        for period in &mut self.periods {
            let earned = earned(period).max(period.earned).min(period.total - period.refunded);
            let fee = period.fee_of(earned) - period.fee_of(period.earned);
            if earned > period.earned {
                all = all + (earned - period.earned);
                fees = fees + fee;
                period.earned = earned;
                changed.push(period.number);
            }
        }
        (changed, all - fees, fees)
    }

    /// Takes over what goes back for outages until `now`: the numbers of the periods that changed,
    /// and how much that is.
    fn settle_outages(&mut self, now: Timestamp) -> (Vec<u32>, Usd) {
        let (mut changed, mut all) = (Vec::new(), Usd::ZERO);
        let outages = &self.outages;
        for period in &mut self.periods {
            let refunded = period.outages_cost(outages, now).min(period.total - period.earned);
            if refunded > period.refunded {
                all = all + (refunded - period.refunded);
                period.refunded = refunded;
                changed.push(period.number);
            }
        }
        (changed, all)
    }

    /// Takes over all that is earned, and all that goes back for outages, until `now`.
    fn settle_days(&mut self, now: Timestamp) -> (Vec<u32>, Vec<Booking>) {
        let before = self.clone();
        let (mut periods, refund) = self.settle_outages(now);
        let (earning, earnings, fees) =
            self.settle(|period| period.earned_at(&before.outages, now));
        periods.extend(earning);
        periods.sort_unstable();
        periods.dedup();
        let back = Booking::new(
            BookingKind::OutageRefund,
            format!("{}/{}", before.id, before.version),
            format!("Refund for an outage of {}", before.place()),
            LedgerAccount::Escrow(before.id),
            &[(LedgerAccount::Wallet(before.renter), refund)],
        );
        (periods, before.earning(earnings, fees).into_iter().chain(back).collect())
    }

    pub(crate) fn earning(&self, earnings: Usd, fees: Usd) -> Option<Booking> {
        Booking::new(
            BookingKind::Earning,
            format!("{}/{}", self.id, self.version),
            format!("Earned with {}", self.place()),
            LedgerAccount::Escrow(self.id),
            &[(LedgerAccount::Earnings(self.farmer), earnings), (LedgerAccount::Platform, fees)],
        )
    }
}

/// Earns the days that are over, and refunds those of outages; `None` where there is nothing new.
pub fn earn(rental: &Rental, now: Timestamp) -> Option<Change> {
    let mut after = rental.clone();
    let (periods, bookings) = after.settle_days(now);
    Some(Change { after, periods, bookings, event: None })
        .filter(|change| !change.bookings.is_empty())
}

/// The term is over: what is left in escrow is earned, or refunded for outages, and the grace
/// begins; `None` before that.
pub fn expire(rental: &Rental, now: Timestamp) -> Option<Change> {
    if rental.state != RentalState::Active || now < rental.ends_at {
        return None;
    }
    let mut after = Rental { state: RentalState::Grace, ..rental.clone() };
    let (periods, bookings) = after.settle_days(now);
    Some(Change { after, periods, bookings, event: Some(EventKind::RentalExpired) })
}

/// The grace is over, and the slices are free; `None` before that.
pub fn release(rental: &Rental, now: Timestamp) -> Option<Change> {
    if rental.state != RentalState::Grace || now < rental.grace_until() {
        return None;
    }
    let after = Rental { state: RentalState::Ended, ended_at: Some(now), ..rental.clone() };
    let event = Some(EventKind::RentalEnded);
    Some(Change { after, periods: Vec::new(), bookings: Vec::new(), event })
}

/// Ends a rental now: what was used is earned, the rest goes back to the renter's wallet.
pub fn end(rental: &Rental, now: Timestamp) -> Result<Ending, EndedAlready> {
    let before = |number: u32| -> u32 {
        let earlier = rental.periods.iter().filter(|period| period.number < number);
        earlier.map(|period| period.months).sum()
    };
    let (started_at, slices, outages) = (rental.started_at, rental.slices, &rental.outages);
    let used_of =
        |period: &Period| period.used(started_at, before(period.number), slices, outages, now);
    end_with(rental, used_of, now)
}

/// Ends a rental now, where so much of each period was used.
pub(crate) fn end_with(
    rental: &Rental,
    used_of: impl Fn(&Period) -> Used,
    now: Timestamp,
) -> Result<Ending, EndedAlready> {
    if rental.state == RentalState::Ended {
        return Err(EndedAlready);
    }
    let mut after = Rental { state: RentalState::Ended, ended_at: Some(now), ..rental.clone() };
    let left: Vec<&Period> = rental.periods.iter().filter(|period| now < period.ends_at).collect();
    let paid = left.iter().fold(Usd::ZERO, |sum, period| sum + period.total - period.refunded);
    let used = left.iter().find(|period| period.starts_at <= now).map(|period| used_of(period));
    let (mut periods, earnings, fees) = after.settle(|period| used_of(period).cost);
    let refund = after.held();
    for period in after.periods.iter_mut().filter(|period| period.held() > Usd::ZERO) {
        period.refunded = period.total - period.earned;
        if !periods.contains(&period.number) {
            periods.push(period.number);
        }
    }
    let back = Booking::new(
        BookingKind::Refund,
        format!("{}", rental.id),
        format!("Refund for unused time of {}", rental.place()),
        LedgerAccount::Escrow(rental.id),
        &[(LedgerAccount::Wallet(rental.renter), refund)],
    );
    let bookings = rental.earning(earnings, fees).into_iter().chain(back).collect();
    let change = Change { after, periods, bookings, event: Some(EventKind::RentalEnded) };
    let compensation = Usd::ZERO;
    Ok(Ending { change, paid, used, refund, compensation, is_setup_charged: false })
}

/// Ends a rental whose access is owed: all that nobody has earned goes back to the renter's wallet,
/// which is all that was paid, for nothing is earned before the access is there.
pub fn refund(rental: &Rental, now: Timestamp) -> Result<Ending, EndedAlready> {
    if rental.state == RentalState::Ended {
        return Err(EndedAlready);
    }
    let mut after = Rental { state: RentalState::Ended, ended_at: Some(now), ..rental.clone() };
    let paid = rental.periods.iter().fold(Usd::ZERO, |sum, period| sum + period.total);
    let refund = after.held();
    let mut periods = Vec::new();
    for period in after.periods.iter_mut().filter(|period| period.held() > Usd::ZERO) {
        period.refunded = period.total - period.earned;
        periods.push(period.number);
    }
    let back = Booking::new(
        BookingKind::Refund,
        format!("{}", rental.id),
        format!("Refund in full: {} had no access", rental.place()),
        LedgerAccount::Escrow(rental.id),
        &[(LedgerAccount::Wallet(rental.renter), refund)],
    );
    let bookings = back.into_iter().collect();
    let change = Change { after, periods, bookings, event: Some(EventKind::RentalRefunded) };
    let compensation = Usd::ZERO;
    Ok(Ending { change, paid, used: None, refund, compensation, is_setup_charged: false })
}

/// Whether a rental may be renewed by itself at `now`: not while it has been down for a day. It is
/// renewed once it is back, if that is before the end of the grace.
pub fn check_renewal(rental: &Rental, now: Timestamp) -> Result<(), RenewError> {
    rental.outages.unpaid_since(now).map_or(Ok(()), |since| Err(RenewError::Down(since)))
}

/// Decides whether an account that rents so many `slices` may take a rental over, where it may rent
/// `max`.
pub fn take_over(
    rental: &Rental,
    account: AccountId,
    slices: u32,
    max: u32,
) -> Result<(), RentError> {
    if rental.farmer == account {
        return Err(RentError::OwnSlice);
    }
    // Who has it already has no more by it.
    let more = if rental.renter == account { 0 } else { rental.slices };
    order::fit(slices, more, max)
}

/// Extends a rental by a term that follows the last one. What it costs is its own price, or the
/// node's, where that was agreed for long enough and the renter pays it.
pub fn extend(
    rental: &Rental,
    term: Term,
    max_price: Option<Usd>,
    context: &ExtendContext,
    order: OrderId,
    now: Timestamp,
) -> Result<Change, ExtendError> {
    if rental.state == RentalState::Ended || now >= rental.grace_until() {
        return Err(ExtendError::Ended);
    }
    let months = rental.months() + term.months();
    let ends_at = rental.started_at.plus_months(months);
    if ends_at > now.plus_months(MONTHS_AHEAD_MAX) {
        return Err(ExtendError::TooFarAhead);
    }
    if let Some(leaves_at) = context.market.leaves_at.filter(|leaves_at| ends_at > *leaves_at) {
        return Err(ExtendError::TermBeyondLeaveDate(leaves_at));
    }
    let price = rental.renewal_price(context.market)?;
    match max_price {
        _ if price > max_price.unwrap_or(rental.price).max(rental.price) => {
            return Err(ExtendError::PriceRaised { agreed: rental.price, price });
        }
        Some(max) if price > max => return Err(RentError::AboveMaxPrice { price, max }.into()),
        Some(_) | None => {}
    }
    let total = term.total(price.times(rental.slices));
    order::pay(total, context.balance, context.spendable)?;
    let number = rental.periods.last().map_or(1, |period| period.number + 1);
    let period = Period {
        number,
        months: term.months(),
        price,
        total,
        fee: total.percent(context.platform_fee).to_cents(),
        earned: Usd::ZERO,
        refunded: Usd::ZERO,
        starts_at: rental.ends_at,
        ends_at,
    };
    let is_agreed_anew = rental.ends_at >= rental.price_until;
    let price_until =
        if is_agreed_anew { ends_at.plus_months(PRICE_MONTHS) } else { rental.price_until };
    let mut after =
        Rental { state: RentalState::Active, price, price_until, ends_at, ..rental.clone() };
    after.periods.push(period);
    let booking = Booking::new(
        BookingKind::Extension,
        format!("{order}"),
        format!("Extension of {}", rental.place()),
        LedgerAccount::Wallet(rental.renter),
        &[(LedgerAccount::Escrow(rental.id), total)],
    );
    let bookings = booking.into_iter().collect();
    Ok(Change {
        after,
        periods: alloc::vec![number],
        bookings,
        event: Some(EventKind::RentalExtended),
    })
}

#[cfg(test)]
mod tests;
