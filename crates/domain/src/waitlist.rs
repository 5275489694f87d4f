//! The line for the slices of a full node: who may join it, and what becomes of a turn.

use crate::listing::Listing;
use crate::order::RentError;

/// How long a free slice is held for whoever is first in line.
///
/// Seconds: 15 minutes.
pub const TURN_SECONDS: i64 = 900;

/// In how many lines one account can be.
pub const ENTRIES_MAX: u32 = 10;

/// How many can wait for one node.
pub const LINE_MAX: u32 = 100;

/// How long somebody waits at most.
///
/// Seconds: 90 days.
pub const WAITING_SECONDS: i64 = 90 * 86_400;

/// A node's line, as an account sees it that may join it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Line {
    /// Whether the node is on the market.
    pub listing: Listing,
    /// How many of its slices are free.
    pub available: u32,
    /// Whether it is going to leave the market.
    pub is_leaving: bool,
    /// Whether the node is the account's own.
    pub is_own: bool,
    /// Whether the account waits already.
    pub is_waiting: bool,
    /// Whether a slice is held for it.
    pub is_offered: bool,
    /// How many wait.
    pub waiting: u32,
    /// In how many lines the account is.
    pub entries: u32,
}

/// Why an account cannot join a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinError {
    /// There is no such node.
    NoSuchNode,
    /// It is not on the market, or is going to leave it.
    NotOffered,
    /// It is the account's own.
    OwnNode,
    /// Slices of it are free.
    SlicesFree,
    /// A slice is held for the account already.
    Offered,
    /// The account is in as many lines as it can be.
    TooManyEntries,
    /// As many wait for the node as can.
    LineFull,
}

/// Decides whether an account may join a line, or change what it waits for.
pub fn join(line: &Line) -> Result<(), JoinError> {
    match line.listing {
        Listing::Draft => return Err(JoinError::NoSuchNode),
        Listing::Paused => return Err(JoinError::NotOffered),
        Listing::Published if line.is_leaving => return Err(JoinError::NotOffered),
        Listing::Published => {}
    }
    if line.is_own {
        Err(JoinError::OwnNode)
    } else if line.is_offered {
        Err(JoinError::Offered)
    } else if line.is_waiting {
        Ok(())
    } else if line.available > 0 {
        Err(JoinError::SlicesFree)
    } else if line.entries >= ENTRIES_MAX {
        Err(JoinError::TooManyEntries)
    } else if line.waiting >= LINE_MAX {
        Err(JoinError::LineFull)
    } else {
        Ok(())
    }
}

/// What becomes of a turn when no slice can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    /// The account is told why and loses its place: the next in line has a turn.
    Passes,
    /// Nothing is free after all: everybody keeps their place.
    Waits,
}

/// Decides what becomes of a turn when no slice can be held for this reason.
pub fn missed(why: RentError) -> Turn {
    match why {
        RentError::InsufficientFunds { .. }
        | RentError::OverLimit { .. }
        | RentError::TooManyHolds(_)
        | RentError::HeldTooOften(_)
        | RentError::TermNotOffered(_)
        | RentError::OwnSlice
        | RentError::OverSpendingLimit { .. } => Turn::Passes,
        RentError::SoldOut { .. }
        | RentError::SliceTaken
        | RentError::NodeDown
        | RentError::OfferChanged
        | RentError::NoSuchNode
        | RentError::NoSuchSlice
        | RentError::NotOffered
        | RentError::AboveMaxPrice { .. } => Turn::Waits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: Line = Line {
        listing: Listing::Published,
        available: 0,
        is_leaving: false,
        is_own: false,
        is_waiting: false,
        is_offered: false,
        waiting: 0,
        entries: 0,
    };

    #[test]
    fn a_line_is_for_full_nodes_and_has_an_end() {
        let check = |line: Line, expected| assert_eq!(join(&line), expected, "{line:?}");
        check(FULL, Ok(()));
        check(Line { waiting: LINE_MAX - 1, entries: ENTRIES_MAX - 1, ..FULL }, Ok(()));
        check(Line { waiting: LINE_MAX, ..FULL }, Err(JoinError::LineFull));
        check(Line { entries: ENTRIES_MAX, ..FULL }, Err(JoinError::TooManyEntries));
        check(Line { available: 1, ..FULL }, Err(JoinError::SlicesFree));
        check(Line { is_own: true, ..FULL }, Err(JoinError::OwnNode));
        check(Line { is_leaving: true, ..FULL }, Err(JoinError::NotOffered));
        check(Line { listing: Listing::Paused, ..FULL }, Err(JoinError::NotOffered));
        check(Line { listing: Listing::Draft, ..FULL }, Err(JoinError::NoSuchNode));
        check(Line { is_offered: true, ..FULL }, Err(JoinError::Offered));
        let again = Line { is_waiting: true, waiting: LINE_MAX, entries: ENTRIES_MAX, ..FULL };
        check(again, Ok(()));
        check(Line { available: 1, ..again }, Ok(()));
    }
}
