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

/// A rental that has ended is not ended again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this rental has already ended")]
pub struct EndedAlready;

/// What ending a rental now means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What changes.
    pub change: Change,
    /// What was paid for what is being ended: the periods that are not over.
    pub paid: Usd,
    /// What was used of the period that runs; `None` where none does.
    pub used: Option<Used>,
    /// What goes back to the wallet.
    pub refund: Usd,
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
            let is_due = period.earned_at(now) > period.earned;
            if is_due { now } else { period.earns_next(now).unwrap_or(period.ends_at) }
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

/// Earns the days that are over; `None` where there is nothing new.
pub fn earn(rental: &Rental, now: Timestamp) -> Option<Change> {
    let mut after = rental.clone();
    let (periods, earnings, fees) = after.settle(|period| period.earned_at(now));
    let bookings: Vec<Booking> = rental.earning(earnings, fees).into_iter().collect();
    Some(Change { after, periods, bookings, event: None })
        .filter(|change| !change.bookings.is_empty())
}

/// The term is over: what is left in escrow is earned, and the grace begins; `None` before that.
pub fn expire(rental: &Rental, now: Timestamp) -> Option<Change> {
    if rental.state != RentalState::Active || now < rental.ends_at {
        return None;
    }
    let mut after = Rental { state: RentalState::Grace, ..rental.clone() };
    let (periods, earnings, fees) = after.settle(|period| period.earned_at(now));
    let bookings = rental.earning(earnings, fees).into_iter().collect();
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
    let used_of =
        |period: &Period| period.used(rental.started_at, before(period.number), rental.slices, now);
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
    let paid = left.iter().fold(Usd::ZERO, |sum, period| sum + period.total);
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
    Ok(Ending { change, paid, used, refund })
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
    Ok(Ending { change, paid, used: None, refund })
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
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 86_400;

    fn start() -> Timestamp {
        Timestamp::from_seconds(1_795_367_321)
    }

    fn usd(text: &str) -> Usd {
        Usd::parse("amount", text).unwrap()
    }

    fn account(byte: u8) -> AccountId {
        AccountId::from_random(start(), [byte; 10])
    }

    fn order() -> OrderId {
        OrderId::from_random(start(), [9; 10])
    }

    fn period(term: Term, price: Usd, slices: u32, starts_at: Timestamp) -> Period {
        let total = term.total(price.times(slices));
        Period {
            number: 1,
            months: term.months(),
            price,
            total,
            fee: total.percent(Percent::whole(10)).to_cents(),
            earned: Usd::ZERO,
            refunded: Usd::ZERO,
            starts_at,
            ends_at: starts_at.plus_months(term.months()),
        }
    }

    /// A rental of one term, at this price per slice and month.
    fn rental(term: Term, price: &str, slices: u32) -> Rental {
        let first = period(term, usd(price), slices, start());
        Rental {
            id: RentalId::from_random(start(), [3; 10]),
            version: 1,
            node: NodeId(32),
            slice: (slices == 1).then_some(7),
            slices,
            renter: account(2),
            farmer: account(1),
            state: RentalState::Active,
            price: usd(price),
            price_until: first.ends_at.plus_months(PRICE_MONTHS),
            started_at: start(),
            ends_at: first.ends_at,
            ended_at: None,
            periods: vec![first],
        }
    }

    fn context(price: &str) -> ExtendContext {
        ExtendContext {
            market: Market {
                listing: Listing::Published,
                price: Some(usd(price)),
                leaves_at: None,
            },
            balance: usd("9999"),
            spendable: None,
            platform_fee: Percent::whole(10),
        }
    }

    fn paid(rental: &Rental) -> Usd {
        rental.periods.iter().fold(Usd::ZERO, |sum, period| sum + period.total)
    }

    /// Where the money of a rental is. What was paid at first is in escrow, and the wallet begins
    /// empty.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    struct Purse {
        wallet: Usd,
        escrow: Usd,
        earnings: Usd,
        platform: Usd,
    }

    impl Purse {
        fn of(rental: &Rental) -> Purse {
            let (zero, escrow) = (Usd::ZERO, paid(rental));
            Purse { wallet: zero, escrow, earnings: zero, platform: zero }
        }

        fn sum(&self) -> Usd {
            self.wallet + self.escrow + self.earnings + self.platform
        }

        /// Moves what a change books; each booking sums to zero.
        #[track_caller]
        fn book(&mut self, change: &Change) {
            for booking in &change.bookings {
                let mut sum = Usd::ZERO;
                for entry in &booking.entries {
                    let place = match entry.account {
                        LedgerAccount::Wallet(_) => &mut self.wallet,
                        LedgerAccount::Escrow(_) => &mut self.escrow,
                        LedgerAccount::Earnings(_) => &mut self.earnings,
                        LedgerAccount::Platform => &mut self.platform,
                        LedgerAccount::Funding | LedgerAccount::Payout(_) => {
                            unreachable!("a rental moves nothing there")
                        }
                    };
                    *place = *place + entry.amount;
                    sum = sum + entry.amount;
                }
                assert_eq!(sum, Usd::ZERO, "{booking:?}");
            }
            assert_eq!(change.after.held(), self.escrow, "the escrow is what is held");
        }
    }

    /// What a change books, in words.
    fn words(change: &Change) -> Vec<String> {
        let entry = |entry: &crate::booking::Entry| {
            format!("{} {}", entry.account.into_str(), entry.amount)
        };
        let booking = |booking: &Booking| {
            let entries: Vec<String> = booking.entries.iter().map(entry).collect();
            format!("{}: {}", booking.kind.into_str(), entries.join(", "))
        };
        change.bookings.iter().map(booking).collect()
    }

    proptest! {
        #[test]
        fn what_never_had_access_is_refunded_to_the_cent(
            cents in 1..50_000_i64,
            slices in 1..9_u32,
            months in prop::sample::select(Term::VARIANTS),
            extended in any::<bool>(),
            later in 0..99_999_i64,
        ) {
            let price = Usd::from_micros(cents * 10_000);
            let mut rental = rental(months, &price.to_string(), slices);
            let mut purse = Purse::of(&rental);
            if extended {
                let rich = context(&price.to_string());
                let context = ExtendContext { balance: usd("999999"), ..rich };
                let change = extend(&rental, Term::Month, None, &context, order(), start());
                let change = change.unwrap();
                purse.book(&change);
                rental = change.after;
            }
            let ending = refund(&rental, start().plus_seconds(later)).unwrap();
            purse.book(&ending.change);
            prop_assert_eq!(ending.refund, paid(&rental));
            prop_assert_eq!(ending.paid, paid(&rental));
            // The first term was paid before the purse was looked at.
            prop_assert_eq!(purse.wallet, rental.periods[0].total);
            prop_assert_eq!((purse.escrow, purse.earnings), (Usd::ZERO, Usd::ZERO));
            prop_assert_eq!(ending.change.after.state, RentalState::Ended);
            prop_assert_eq!(refund(&ending.change.after, start()), Err(EndedAlready));
        }

        #[test]
        fn what_was_earned_is_not_refunded_with_it(
            cents in 1..50_000_i64, days in 0..29_i64, later in 0..9_i64,
        ) {
            let rental = rental(Term::Month, &Usd::from_micros(cents * 10_000).to_string(), 1);
            let at = start().plus_seconds(days * DAY);
            let after = earn(&rental, at).map_or(rental, |change| change.after);
            let earned = after.periods[0].earned;
            let ending = refund(&after, at.plus_seconds(later * DAY)).unwrap();
            prop_assert_eq!(ending.refund + earned, after.periods[0].total);
            prop_assert_eq!(ending.change.after.held(), Usd::ZERO);
        }
    }

    #[track_caller]
    fn check(change: &Change, state: RentalState, event: Option<EventKind>, statements: &[&str]) {
        assert_eq!((change.after.state, change.event), (state, event));
        assert_eq!(words(change), statements);
    }

    #[test]
    fn days_are_earned_when_they_are_over() {
        let month = rental(Term::Month, "25", 1);
        let at = |days: i64| earn(&month, start().plus_seconds(days * DAY));
        assert_eq!(at(-3), None);
        assert_eq!(earn(&month, start().plus_seconds(DAY - 1)), None);
        let statements = ["earning: escrow -0.83, earnings 0.75, platform 0.08"];
        check(&at(1).unwrap(), RentalState::Active, None, &statements);
        let statements = ["earning: escrow -25.00, earnings 22.50, platform 2.50"];
        check(&at(30).unwrap(), RentalState::Active, None, &statements);
        assert_eq!(at(99).unwrap().bookings, at(30).unwrap().bookings);
        // Nothing twice, and nothing back.
        let after = at(15).unwrap().after;
        for days in [15, 14, 0, -5] {
            assert_eq!(earn(&after, start().plus_seconds(days * DAY)), None);
        }
    }

    #[test]
    fn a_term_is_over_at_its_second() {
        let month = rental(Term::Month, "25", 1);
        assert_eq!(expire(&month, month.ends_at.plus_seconds(-1)), None);
        let over = expire(&month, month.ends_at).unwrap();
        let statements = ["earning: escrow -25.00, earnings 22.50, platform 2.50"];
        check(&over, RentalState::Grace, Some(EventKind::RentalExpired), &statements);
        assert_eq!(over.after.held(), Usd::ZERO);
        assert_eq!(expire(&over.after, month.ends_at), None, "once");
        // Whatever was earned before.
        let earned = earn(&month, month.ends_at).unwrap().after;
        let over = expire(&earned, month.ends_at).unwrap();
        check(&over, RentalState::Grace, Some(EventKind::RentalExpired), &[]);
    }

    #[test]
    fn the_grace_is_over_at_its_second() {
        let month = rental(Term::Month, "25", 1);
        assert_eq!(release(&month, month.grace_until()), None, "not before its term is over");
        let over = expire(&month, month.ends_at).unwrap().after;
        assert_eq!(release(&over, over.grace_until().plus_seconds(-1)), None);
        let free = release(&over, over.grace_until()).unwrap();
        check(&free, RentalState::Ended, Some(EventKind::RentalEnded), &[]);
        assert_eq!(free.after.ended_at, Some(over.grace_until()));
        assert_eq!(release(&free.after, over.grace_until()), None, "once");
    }

    #[test]
    fn an_early_end_gives_the_rest_back() {
        let check_end = |rental: &Rental, now, paid, refund, statements: &[&str]| {
            let ending = end(rental, now).unwrap();
            check(&ending.change, RentalState::Ended, Some(EventKind::RentalEnded), statements);
            assert_eq!((ending.paid, ending.refund), (usd(paid), usd(refund)));
            assert_eq!(ending.change.after.held(), Usd::ZERO);
            assert_eq!(end(&ending.change.after, now), Err(EndedAlready));
        };
        let year = rental(Term::Year, "25", 1);
        let statements = ["refund: escrow -255.00, wallet 255.00"];
        check_end(&year, start(), "255", "255", &statements);
        let statements = [
            "earning: escrow -71.25, earnings 64.13, platform 7.12",
            "refund: escrow -183.75, wallet 183.75",
        ];
        check_end(&year, start().plus_months(3), "255", "183.75", &statements);
        // What was earned by the day is part of what was used.
        let earned = earn(&year, start().plus_months(3)).unwrap().after;
        assert_eq!(earned.periods[0].earned, usd("64.27"));
        let statements = [
            "earning: escrow -6.98, earnings 6.28, platform 0.70",
            "refund: escrow -183.75, wallet 183.75",
        ];
        check_end(&earned, start().plus_months(3), "255", "183.75", &statements);
        let over = expire(&year, year.ends_at).unwrap().after;
        let ending = end(&over, year.ends_at).unwrap();
        assert_eq!((ending.paid, ending.used, ending.refund), (Usd::ZERO, None, Usd::ZERO));
    }

    #[track_caller]
    fn refused(
        rental: &Rental,
        term: Term,
        max: Option<&str>,
        context: &ExtendContext,
        now: Timestamp,
    ) -> ExtendError {
        extend(rental, term, max.map(usd), context, order(), now).unwrap_err()
    }

    #[test]
    fn an_extension_is_paid_at_once_and_follows_the_last_term() {
        let node = rental(Term::Month, "25", 3);
        let change = extend(&node, Term::Quarter, None, &context("40"), order(), start()).unwrap();
        let statements = ["extension: wallet -213.75, escrow 213.75"];
        check(&change, RentalState::Active, Some(EventKind::RentalExtended), &statements);
        let added = change.after.periods.last().unwrap();
        assert_eq!((added.number, added.starts_at), (2, node.ends_at));
        assert_eq!((added.total, added.fee), (usd("213.75"), usd("21.38")));
        assert_eq!(change.after.ends_at, start().plus_months(4));
        assert_eq!((change.after.price_until, change.after.price), (node.price_until, node.price));
        assert_eq!((change.after.months(), change.after.place().as_str()), (4, "node32"));
        // The last second of the grace is not too late.
        let over = expire(&node, node.ends_at).unwrap().after;
        let last = node.grace_until().plus_seconds(-1);
        let change = extend(&over, Term::Month, None, &context("40"), order(), last).unwrap();
        assert_eq!(change.after.state, RentalState::Active);
        assert_eq!(change.after.ends_at, start().plus_months(2));
        let late = node.grace_until();
        assert_eq!(refused(&over, Term::Month, None, &context("40"), late), ExtendError::Ended);
        let ended = release(&over, late).unwrap().after;
        assert_eq!(refused(&ended, Term::Month, None, &context("40"), start()), ExtendError::Ended);
    }

    #[test]
    fn the_own_price_holds_for_a_year_and_a_raise_needs_a_word() {
        let mut month = rental(Term::Month, "25", 1);
        let max = |max| refused(&month, Term::Month, Some(max), &context("40"), start());
        let above = RentError::AboveMaxPrice { price: usd("25"), max: usd("24.99") };
        assert_eq!(max("24.99"), ExtendError::Money(above));
        month.price_until = month.ends_at;
        let raised = ExtendError::PriceRaised { agreed: usd("25"), price: usd("40") };
        for max in [None, Some("39.99"), Some("1")] {
            assert_eq!(refused(&month, Term::Month, max, &context("40"), start()), raised);
        }
        let mut paused = context("40");
        paused.market.listing = Listing::Paused;
        let gone = refused(&month, Term::Month, Some("99"), &paused, start());
        assert_eq!(gone, ExtendError::NotOffered);
        let change =
            extend(&month, Term::Month, Some(usd("40")), &context("40"), order(), start()).unwrap();
        assert_eq!(change.after.price, usd("40"));
        assert_eq!(change.after.price_until, start().plus_months(2 + PRICE_MONTHS));
        let cheaper = extend(&month, Term::Month, None, &context("5"), order(), start()).unwrap();
        assert_eq!(cheaper.after.price, usd("5"));
    }

    #[test]
    fn nobody_pays_more_than_three_years_ahead_or_what_they_have_not() {
        let mut year = rental(Term::Year, "25", 1);
        for _ in 0..2 {
            year = extend(&year, Term::Year, None, &context("25"), order(), start()).unwrap().after;
        }
        let far = refused(&year, Term::Month, None, &context("25"), start());
        assert_eq!(far, ExtendError::TooFarAhead);
        let later = start().plus_months(1);
        let max = Some(usd("25"));
        extend(&year, Term::Month, max, &context("25"), order(), later).unwrap();
        let poor = ExtendContext { balance: usd("24.99"), ..context("25") };
        let month = rental(Term::Month, "25", 1);
        let lacking = RentError::InsufficientFunds { total: usd("25"), missing: usd("0.01") };
        let found = refused(&month, Term::Month, None, &poor, start());
        assert_eq!((found, found.to_string()), (lacking.into(), lacking.to_string()));
        let token = ExtendContext { spendable: Some(usd("24")), ..context("25") };
        let over = RentError::OverSpendingLimit { total: usd("25"), left: usd("24") };
        assert_eq!(refused(&month, Term::Month, None, &token, start()), over.into());
    }

    #[test]
    fn months_are_counted_from_the_start() {
        let mut rental = rental(Term::Month, "25", 1);
        rental.started_at = Timestamp::from_seconds(1_801_396_800);
        rental.periods = vec![period(Term::Month, usd("25"), 1, rental.started_at)];
        rental.ends_at = rental.started_at.plus_months(1);
        rental.price_until = rental.ends_at.plus_months(PRICE_MONTHS);
        let mut ends = vec![rental.ends_at.date()];
        for _ in 0..3 {
            let now = rental.started_at;
            let change = extend(&rental, Term::Month, None, &context("25"), order(), now);
            rental = change.unwrap().after;
            ends.push(rental.ends_at.date());
        }
        assert_eq!(ends, ["2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"]);
    }

    #[test]
    fn nobody_takes_over_their_own_node_or_more_than_they_may() {
        let node = rental(Term::Month, "25", 3);
        assert_eq!(take_over(&node, account(5), 7, 10), Ok(()));
        assert_eq!(take_over(&node, account(1), 0, 10), Err(RentError::OwnSlice));
        let over = RentError::OverLimit { slices: 8, max: 10 };
        assert_eq!(take_over(&node, account(5), 8, 10), Err(over));
        assert_eq!(take_over(&node, account(2), 10, 10), Ok(()), "the renter has them already");
    }

    #[test]
    fn states_have_stable_names() {
        for &state in RentalState::VARIANTS {
            assert_eq!(state.into_str().parse(), Ok(state));
        }
        assert!("settled".parse::<RentalState>().is_err());
    }

    #[derive(Clone, Debug)]
    enum Step {
        Earn,
        Expire,
        Release,
        Extend(Term, Option<i64>),
        End,
        Price(i64),
    }

    fn step() -> impl Strategy<Value = Step> {
        let term = prop::sample::select(Term::VARIANTS);
        prop_oneof![
            6 => Just(Step::Earn),
            3 => Just(Step::Expire),
            2 => Just(Step::Release),
            4 => (term, proptest::option::of(1..60_i64))
                .prop_map(|(term, max)| Step::Extend(term, max)),
            1 => Just(Step::End),
            1 => (1..60_i64).prop_map(Step::Price),
        ]
    }

    proptest! {
        #[test]
        fn no_micro_dollar_is_lost_whatever_happens(
            term in prop::sample::select(Term::VARIANTS),
            cents in 1..6_000_i64,
            slices in prop_oneof![3 => Just(1_u32), 1 => 1..20_u32],
            steps in prop::collection::vec((step(), -40_000..3_000_000_i64), 0..30),
        ) {
            let mut life = rental(term, "1", slices);
            life.price = Usd::from_micros(cents * 10_000);
            life.periods = vec![period(term, life.price, slices, start())];
            let mut purse = Purse::of(&life);
            let all = purse.sum();
            let (mut now, mut context) = (start(), context("25"));
            for (step, seconds) in steps {
                now = now.plus_seconds(seconds);
                let change = match step {
                    Step::Earn => earn(&life, now),
                    Step::Expire => expire(&life, now),
                    Step::Release => release(&life, now),
                    Step::End => end(&life, now).ok().map(|ending| ending.change),
                    Step::Extend(term, max) => {
                        let max = max.map(|dollars| Usd::from_micros(dollars * 1_000_000));
                        extend(&life, term, max, &context, order(), now).ok()
                    }
                    Step::Price(dollars) => {
                        context.market.price = Some(Usd::from_micros(dollars * 1_000_000));
                        None
                    }
                };
                let Some(change) = change else { continue };
                purse.book(&change);
                prop_assert_eq!(purse.sum(), all);
                prop_assert!(purse.escrow >= Usd::ZERO && purse.platform <= purse.earnings);
                prop_assert!(life.state != RentalState::Ended, "it ended once");
                life = change.after;
                prop_assert!(life.state == RentalState::Active || life.held() == Usd::ZERO);
                for period in &life.periods {
                    prop_assert!(period.earned + period.refunded <= period.total);
                }
                prop_assert_eq!(life.ends_at, start().plus_months(life.months()));
            }
        }

        #[test]
        fn ending_right_after_the_start_costs_an_hour(
            term in prop::sample::select(Term::VARIANTS),
            cents in 1..60_000_i64,
            seconds in 1..=3_600_i64,
        ) {
            let mut life = rental(term, "1", 1);
            life.price = Usd::from_micros(cents * 10_000);
            life.periods = vec![period(term, life.price, 1, start())];
            let ending = end(&life, start().plus_seconds(seconds)).unwrap();
            // November 22 to December 22: 720 hours.
            let hour = life.price.part(1, 720).to_cents();
            prop_assert_eq!(ending.refund, paid(&life) - hour);
            prop_assert_eq!(ending.used.map(|used| (used.months, used.hours)), Some((0, 1)));
        }

        #[test]
        fn what_is_due_next_is_worth_a_cent(
            term in prop::sample::select(Term::VARIANTS),
            cents in 1..9_000_i64,
            seconds in 0..40_000_000_i64,
        ) {
            let period = period(term, Usd::from_micros(cents * 10_000), 1, start());
            let now = start().plus_seconds(seconds);
            match period.earns_next(now) {
                None => prop_assert!(now >= period.ends_at),
                Some(next) => {
                    prop_assert!(next > now && next <= period.ends_at);
                    prop_assert!(period.earned_at(next) > period.earned_at(now));
                    let day_before = next.plus_seconds(-DAY).max(now);
                    prop_assert_eq!(period.earned_at(day_before), period.earned_at(now));
                }
            }
        }
    }
}
