//! The life cycle of a slice.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a slice is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum SliceState {
    /// Free: whoever pays first gets it, if its node is on the market.
    Available,
    /// Held by a quote for some minutes.
    Reserved,
    /// Held by a rental.
    Allocated,
    /// Its node cannot carry it now; it returns when the node can.
    Retired,
}

/// What happens to a slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceEvent {
    /// A quote holds it.
    Hold,
    /// A renter rents it; a reserved one, whoever has the quote.
    Rent,
    /// Its rental ends, or the quote's time.
    Release,
    /// Its node lost capacity.
    Retire,
    /// Its node regained capacity.
    Restore,
}

/// The event does not fit the state; the slice stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl SliceState {
    /// The state after `event`. This match is the whole life cycle, so it has no `_` arm.
    ///
    /// A reserved or allocated slice is never retired: a sync does not take away what somebody was
    /// guaranteed or has paid for.
    pub fn after(self, event: SliceEvent) -> Result<SliceState, Refused> {
        use SliceEvent::{Hold, Release, Rent, Restore, Retire};
        use SliceState::{Allocated, Available, Reserved, Retired};
        match (self, event) {
            (Available, Hold) => Ok(Reserved),
            (Available | Reserved, Rent) => Ok(Allocated),
            (Reserved | Allocated, Release) | (Retired, Restore) => Ok(Available),
            (Available, Retire) => Ok(Retired),
            (Available, Release | Restore)
            | (Reserved, Hold | Retire | Restore)
            | (Allocated, Hold | Rent | Retire | Restore)
            | (Retired, Hold | Rent | Release | Retire) => Err(Refused),
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
    fn the_life_cycle_of_a_slice() {
        let events = [
            SliceEvent::Hold,
            SliceEvent::Rent,
            SliceEvent::Release,
            SliceEvent::Retire,
            SliceEvent::Restore,
        ];
        let mut table =
            String::from("from       hold       rent       release    retire     restore\n");
        for &state in SliceState::VARIANTS {
            let [hold, rent, release, retire, restore] =
                events.map(|event| state.after(event).map_or("-", |state| state.into_str()));
            let from = state.into_str();
            writeln!(
                table,
                "{from:<10} {hold:<10} {rent:<10} {release:<10} {retire:<10} {restore}"
            )
            .unwrap();
        }
        expect![[r"
            from       hold       rent       release    retire     restore
            available  reserved   allocated  -          retired    -
            reserved   -          allocated  available  -          -
            allocated  -          -          available  -          -
            retired    -          -          -          -          available
        "]]
        .assert_eq(&table);
    }
}
