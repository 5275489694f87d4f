//! The life cycle of a node's listing: whether its free slices are on the market.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// Whether a node's free slices are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Listing {
    /// Registered, and not yet shown to anybody but its farmer.
    Draft,
    /// On the market.
    Published,
    /// Taken off the market; rentals run on.
    Paused,
}

/// What a farmer does to a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingEvent {
    /// Puts it on the market.
    Publish,
    /// Takes it off the market.
    Pause,
}

/// The event does not fit the state: a draft was never on the market, so it cannot be paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a node that was never published can't be paused")]
pub struct NeverPublished;

impl Listing {
    /// The state after `event`. This match is the whole life cycle, so it has no `_` arm.
    pub fn after(self, event: ListingEvent) -> Result<Listing, NeverPublished> {
        match (self, event) {
            (Listing::Draft | Listing::Published | Listing::Paused, ListingEvent::Publish) => {
                Ok(Listing::Published)
            }
            (Listing::Published | Listing::Paused, ListingEvent::Pause) => Ok(Listing::Paused),
            (Listing::Draft, ListingEvent::Pause) => Err(NeverPublished),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use core::fmt::Write;

    use expect_test::expect;

    use super::*;

    #[test]
    fn the_life_cycle_of_a_listing() {
        let mut table = String::from("from       publish    pause\n");
        for &state in Listing::VARIANTS {
            let after = |event| state.after(event).map_or("-", |state| state.into_str());
            let (publish, pause) = (after(ListingEvent::Publish), after(ListingEvent::Pause));
            writeln!(table, "{:<10} {publish:<10} {pause}", state.into_str()).unwrap();
        }
        expect![[r"
            from       publish    pause
            draft      published  -
            published  published  paused
            paused     published  paused
        "]]
        .assert_eq(&table);
    }
}
