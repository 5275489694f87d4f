//! Why something could not be rented.

use crate::money::Usd;

/// Why something could not be rented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RentError {
    /// The node does not exist, or is not shown to this renter.
    #[error("this node is not on the market")]
    NoSuchNode,
    /// The node has no slice of that number.
    #[error("this node has no such slice")]
    NoSuchSlice,
    /// The node is paused.
    #[error("this node is no longer on the market; choose another node")]
    NotOffered,
    /// The node is down, or cannot run slices for another reason.
    #[error("this node is not running; choose another node, or try again once it is back up")]
    NodeDown,
    /// The slice is held by somebody else.
    #[error("this slice is no longer available; choose another slice")]
    SliceTaken,
    /// Fewer slices are free than were asked for.
    #[error("you asked for {wanted} slices, but only {free} are free; choose others")]
    SoldOut {
        /// How many were asked for.
        wanted: u32,
        /// How many are free, as far as they fit.
        free: u32,
    },
    /// The price or the SLA is not the one that the renter saw.
    #[error("the offer has changed since you opened it; review the current offer")]
    OfferChanged,
    /// The price is above what the renter pays at most.
    #[error("a slice now costs ${price} per month, above your maximum of ${max}")]
    AboveMaxPrice {
        /// Per slice and month.
        price: Usd,
        /// The renter's ceiling.
        max: Usd,
    },
    /// The farmer does not offer this term.
    #[error("this node is not offered for {0} months; choose another term")]
    TermNotOffered(u32),
    /// Renter and farmer are the same account.
    #[error("you can't rent slices of your own node")]
    OwnSlice,
    /// The wallet does not hold the total.
    #[error("your balance is ${missing} short of the total of ${total}; add credit and try again")]
    InsufficientFunds {
        /// The total of the term.
        total: Usd,
        /// What the wallet lacks of it.
        missing: Usd,
    },
    /// The token that asks may not spend the total.
    #[error("this token can spend only ${left} more, and the total is ${total}; use another token")]
    OverSpendingLimit {
        /// The total of the term.
        total: Usd,
        /// What the token may still spend.
        left: Usd,
    },
    /// The account holds as many quotes as it may.
    #[error("you can hold slices with at most {0} quotes at a time; use or release one")]
    TooManyHolds(u32),
    /// The account has held one of the slices as often as it may.
    #[error(
        "you have held this slice {0} times in 24 hours without renting it; rent it, or choose \
         another slice"
    )]
    HeldTooOften(u32),
    /// The account would rent more slices than it may.
    #[error(
        "an account can rent at most {max} slices, and you have {slices}; ask the operator for a \
         higher limit"
    )]
    OverLimit {
        /// How many it rents.
        slices: u32,
        /// How many it may rent.
        max: u32,
    },
}
