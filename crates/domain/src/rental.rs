//! Requests to rent, and the decision.

use alloc::string::String;

use crate::field::FieldError;
use crate::id::{AccountId, NodeId};
use crate::listing::Listing;
use crate::money::{Percent, Usd};
use crate::slice::SliceState;
use crate::term::Term;
use crate::time::Timestamp;

/// What a renter asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RentRequest {
    /// The node.
    pub node: NodeId,
    /// The number of the slice on it; `None` for any free one.
    pub slice: Option<u32>,
    /// How long.
    pub term: Term,
    /// The version of the offer that the renter saw; `None` takes the offer as it is now.
    pub offer_version: Option<i64>,
}

/// What is true now, as far as a request to rent depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The account that owns the node.
    pub farmer: AccountId,
    /// Whether the node is on the market.
    pub listing: Listing,
    /// Counts the changes of the node's price and promise.
    pub offer_version: i64,
    /// The price per slice and month; `None` where the farmer has set none.
    pub price: Option<Usd>,
    /// The state of the slice that was asked for, or of any free one; `None` if there is none.
    pub slice: Option<SliceState>,
    /// What the renter has.
    pub balance: Usd,
    /// What the token that asks may still spend; `None` where nothing limits it.
    pub spendable: Option<Usd>,
}

/// What a rental costs and when it ends: the decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreement {
    /// The version of the offer that was agreed to.
    pub offer_version: i64,
    /// The price per month before the discount.
    pub price: Usd,
    /// What is charged, for the whole term.
    pub total: Usd,
    /// What of it the platform keeps.
    pub fee: Usd,
    /// The start.
    pub started_at: Timestamp,
    /// The end: exactly the term's calendar months later.
    pub ends_at: Timestamp,
}

/// Why a slice could not be rented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RentError {
    /// The node does not exist, or is not shown to this renter.
    #[error("there is no such node on the market")]
    NoSuchNode,
    /// The node has no slice of that number.
    #[error("there is no such slice on this node")]
    NoSuchSlice,
    /// The node is paused.
    #[error("the farmer has taken this node off the market; choose another one")]
    NotOffered,
    /// The slice has been rented by somebody else, or its node cannot carry it now.
    #[error("this slice is no longer available; choose another one")]
    SliceTaken,
    /// No slice of the node is free.
    #[error("every slice of this node is taken; choose another node")]
    SoldOut,
    /// The price or the promise is not the one that the renter saw.
    #[error("the offer has changed since it was shown; look at it again")]
    OfferChanged,
    /// Renter and farmer are the same account.
    #[error("a farmer cannot rent a slice of their own node")]
    OwnSlice,
    /// The wallet does not hold the total.
    #[error("the wallet lacks ${missing} of the total of ${total}; add credit and try again")]
    InsufficientFunds {
        /// The total of the term.
        total: Usd,
        /// What the wallet lacks of it.
        missing: Usd,
    },
    /// The token that asks may not spend the total.
    #[error("this token may spend ${left} more, and the total is ${total}; use another token")]
    OverCeiling {
        /// The total of the term.
        total: Usd,
        /// What the token may still spend.
        left: Usd,
    },
}

/// Decides a request to rent.
pub fn rent(
    seen: &Snapshot,
    request: &RentRequest,
    renter: AccountId,
    platform_fee: Percent,
    now: Timestamp,
) -> Result<Agreement, RentError> {
    let Some(price) = seen.price else { return Err(RentError::NoSuchNode) };
    match seen.listing {
        Listing::Draft => return Err(RentError::NoSuchNode),
        Listing::Paused => return Err(RentError::NotOffered),
        Listing::Published => {}
    }
    if seen.farmer == renter {
        return Err(RentError::OwnSlice);
    }
    if request.offer_version.is_some_and(|version| version != seen.offer_version) {
        return Err(RentError::OfferChanged);
    }
    match (seen.slice, request.slice) {
        (Some(SliceState::Available), _) => {}
        (Some(SliceState::Allocated | SliceState::Retired), Some(_)) => {
            return Err(RentError::SliceTaken);
        }
        (None, Some(_)) => return Err(RentError::NoSuchSlice),
        (Some(SliceState::Allocated | SliceState::Retired) | None, None) => {
            return Err(RentError::SoldOut);
        }
    }
    let total = request.term.total(price);
    if seen.balance < total {
        let missing = total - seen.balance;
        return Err(RentError::InsufficientFunds { total, missing });
    }
    if let Some(left) = seen.spendable
        && left < total
    {
        return Err(RentError::OverCeiling { total, left });
    }
    Ok(Agreement {
        offer_version: seen.offer_version,
        price,
        total,
        fee: total.percent(platform_fee).to_cents(),
        started_at: now,
        ends_at: now.plus_months(request.term.months()),
    })
}

/// Where a rental is in its life. It ends once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RentalState {
    /// The renter holds the slice.
    Active,
    /// The term is over, and the slice is free again.
    Ended,
}

impl RentalState {
    /// Every state.
    pub const ALL: [RentalState; 2] = [RentalState::Active, RentalState::Ended];

    /// The stable name, for programs and for SQL.
    pub fn as_str(self) -> &'static str {
        match self {
            RentalState::Active => "active",
            RentalState::Ended => "ended",
        }
    }

    /// Reads the stable name; `None` if it is not one.
    pub fn parse(text: &str) -> Option<RentalState> {
        RentalState::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// The key by which a renter's program marks one intention, so that a retry has no second effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, in bytes.
    const LENGTH_MAX: usize = 128;

    /// Reads a key of visible ASCII characters.
    pub fn parse(text: &str) -> Result<IdempotencyKey, FieldError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > IdempotencyKey::LENGTH_MAX || !visible {
            let rule = "1 to 128 visible ASCII characters, such as a UUID";
            return Err(FieldError::new("Idempotency-Key", rule));
        }
        Ok(IdempotencyKey(text.into()))
    }

    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_367_321;

    fn account(byte: u8) -> AccountId {
        AccountId::from_random(Timestamp::from_seconds(NOW), [byte; 10])
    }

    fn usd(text: &str) -> Usd {
        Usd::parse("amount", text).unwrap()
    }

    fn seen() -> Snapshot {
        Snapshot {
            farmer: account(1),
            listing: Listing::Published,
            offer_version: 4,
            price: Some(usd("25")),
            slice: Some(SliceState::Available),
            balance: usd("100"),
            spendable: None,
        }
    }

    fn request() -> RentRequest {
        RentRequest { node: NodeId(32), slice: None, term: Term::Quarter, offer_version: Some(4) }
    }

    fn decide(seen: &Snapshot, request: &RentRequest) -> Result<Agreement, RentError> {
        rent(seen, request, account(2), Percent::whole(10), Timestamp::from_seconds(NOW))
    }

    #[test]
    fn three_months_at_25_dollars_cost_71_25() {
        let agreed = decide(&seen(), &request()).unwrap();
        assert_eq!(agreed.total, usd("71.25"));
        assert_eq!(agreed.fee, usd("7.12"), "10 % is 7.125, and half rounds to even");
        assert_eq!(agreed.ends_at, Timestamp::from_seconds(NOW).plus_months(3));
    }

    #[track_caller]
    fn check(expected: RentError, change: fn(&mut Snapshot, &mut RentRequest)) {
        let (mut seen, mut request) = (seen(), request());
        change(&mut seen, &mut request);
        assert_eq!(decide(&seen, &request), Err(expected));
    }

    #[test]
    fn each_refusal_has_its_reason() {
        check(RentError::NoSuchNode, |seen, _| seen.listing = Listing::Draft);
        check(RentError::NoSuchNode, |seen, _| seen.price = None);
        check(RentError::NotOffered, |seen, _| seen.listing = Listing::Paused);
        check(RentError::OwnSlice, |seen, _| seen.farmer = account(2));
        check(RentError::OfferChanged, |_, request| request.offer_version = Some(3));
        check(RentError::SoldOut, |seen, _| seen.slice = None);
        check(RentError::NoSuchSlice, |seen, request| {
            (seen.slice, request.slice) = (None, Some(7));
        });
        check(RentError::SliceTaken, |seen, request| {
            (seen.slice, request.slice) = (Some(SliceState::Allocated), Some(7));
        });
        let poor = RentError::InsufficientFunds { total: usd("71.25"), missing: usd("0.01") };
        check(poor, |seen, _| seen.balance = usd("71.24"));
    }

    #[test]
    fn a_request_without_a_version_takes_the_offer_as_it_is() {
        let mut request = request();
        request.offer_version = None;
        assert_eq!(decide(&seen(), &request).unwrap().offer_version, 4);
    }

    #[test]
    fn keys_are_short_and_visible() {
        assert!(IdempotencyKey::parse("0199f0a0-7e2b").is_ok());
        for text in ["", "a b", "ä", "a\n", &"x".repeat(129)] {
            assert!(IdempotencyKey::parse(text).is_err(), "{text}");
        }
    }
}
