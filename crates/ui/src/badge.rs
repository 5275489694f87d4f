//! How something stands, in a word and a color.

use domain::listing::Listing;
use domain::machine::MachineStatus;
use domain::node::NodeStatus;
use domain::rental::RentalState;
use domain::time::Timestamp;
use store::nodes::FarmNode;
use web::page::{Badge, Tone};

/// How long before its end a rental is said to end soon, in seconds: 7 days.
const ENDS_SOON_SECONDS: i64 = 7 * 24 * 60 * 60;

/// How a node's listing stands.
pub fn listing(listing: Listing) -> Badge {
    let tone = match listing {
        Listing::Draft => Tone::Plain,
        Listing::Published => Tone::Good,
        Listing::Paused => Tone::Warn,
    };
    Badge::new(listing.into_str(), tone)
}

/// How a farmer's node stands on the market.
pub fn farm_node(node: &FarmNode) -> Badge {
    match (node.left_at, node.leaves_at) {
        (Some(_), _) => Badge::new("left", Tone::Plain),
        (None, Some(_)) => Badge::new("leaving", Tone::Warn),
        (None, None) => listing(node.offer.listing),
    }
}

/// What the grid says of a node.
pub fn status(status: NodeStatus) -> Badge {
    let tone = match status {
        NodeStatus::Up => Tone::Good,
        NodeStatus::Down => Tone::Bad,
        NodeStatus::Standby => Tone::Warn,
    };
    Badge::new(status.into_str(), tone)
}

/// Whether the grid's last check reached a node.
pub fn health(healthy: Option<bool>) -> Badge {
    match healthy {
        Some(true) => Badge::new("healthy", Tone::Good),
        Some(false) => Badge::new("not healthy", Tone::Bad),
        None => Badge::new("not known", Tone::Plain),
    }
}

/// How a machine is.
pub fn machine(status: MachineStatus) -> Badge {
    let tone = match status {
        MachineStatus::Running => Tone::Good,
        MachineStatus::Starting => Tone::Plain,
        MachineStatus::Unknown | MachineStatus::Off => Tone::Warn,
        MachineStatus::Unreachable | MachineStatus::Paused | MachineStatus::Lost => Tone::Bad,
    };
    Badge::new(status.into_str(), tone)
}

/// How a rental stands. Its end is recorded by the next run of the schedule.
pub fn rental(state: RentalState, ends_at: Timestamp, now: Timestamp) -> Badge {
    match (state, ends_at.seconds_since(now)) {
        (RentalState::Ended, _) => Badge::new("ended", Tone::Plain),
        (RentalState::Grace, _) => Badge::new("grace", Tone::Bad),
        (RentalState::Active, ..=0) => Badge::new("ending", Tone::Warn),
        (RentalState::Active, 1..=ENDS_SOON_SECONDS) => Badge::new("ends soon", Tone::Warn),
        (RentalState::Active, _) => Badge::new("active", Tone::Good),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rental_warns_before_it_ends() {
        let now = Timestamp::from_seconds(1_785_326_400);
        let check = |state, left: i64, expected: &str| {
            assert_eq!(rental(state, now.plus_seconds(left), now).text, expected);
        };
        check(RentalState::Active, 7 * 86_400 + 1, "active");
        check(RentalState::Active, 7 * 86_400, "ends soon");
        check(RentalState::Active, 0, "ending");
        check(RentalState::Ended, 7, "ended");
    }
}
