//! What events are called: in notifications, in the history of a rental and in the audit log.

use domain::event::EventKind;
use domain::notice::Side;
use store::notices::Notice;
use store::rentals::RentalEvent;

use crate::view::provision::step_done;
use crate::view::wording::counted;

/// What a notice says, in a clause without a period.
#[expect(clippy::too_many_lines, reason = "a list with a line for each")]
pub fn notice_title(notice: &Notice) -> String {
    let event = &notice.event;
    let node = event.node.map_or("a node".to_owned(), |node| node.to_string());
    let place = event.slice.map_or(node.clone(), |slice| slice.to_string());
    let is_renter = notice.side == Side::Renter;
    match event.kind {
        EventKind::SliceRented if is_renter => format!("You rented {place}"),
        EventKind::NodeRented if is_renter => format!("You rented {node}, the whole node"),
        EventKind::SliceRented => format!("{place} was rented"),
        EventKind::NodeRented => format!("{node} was rented, the whole node"),
        EventKind::RentalEnded => format!("The rental of {place} has ended"),
        EventKind::RentalExtended => format!("The rental of {place} was extended"),
        EventKind::RentalRenewed => format!("The rental of {place} was extended by itself"),
        EventKind::AccessReady if is_renter => format!("Your slice {place} is ready"),
        EventKind::AccessReady => format!("The machine on {place} is ready"),
        EventKind::AccessFailed => format!("The machine on {place} could not be set up"),
        EventKind::AccessLate => format!("The machine on {place} is late"),
        EventKind::RentalRefunded => {
            format!("The rental of {place} was paid back in full: there was no access")
        }
        EventKind::RemovalLate => format!("What a rental has left on {place} is not removed yet"),
        EventKind::SliceRemoved => format!("What a rental has left on {place} is removed"),
        EventKind::PriceSuggested => format!("Another price may earn more with {node}"),
        EventKind::PromiseAtRisk => at_risk(&node, event.subject.as_deref()),
        EventKind::PromiseBroken => format!("The promised uptime of {node} is broken this month"),
        EventKind::SlaCredited if is_renter => {
            format!("You were credited for {place}, {}", month_and_amount(notice))
        }
        EventKind::SlaCredited => {
            format!("The renter of {place} was credited, {}", month_and_amount(notice))
        }
        EventKind::SlaDisputed => {
            format!("How the promise of {place} was judged is disputed")
        }
        EventKind::SlaDecided => {
            format!("The dispute about {place} is decided, {}", month_and_amount(notice))
        }
        EventKind::NodeDown => format!("{node} does not run"),
        EventKind::NodeBack => format!("{node} runs again"),
        EventKind::NodeOversold => format!("More of {node} is rented than it can carry"),
        EventKind::NodeFits => format!("{node} can carry what is rented again"),
        EventKind::PayoutRequested => "A payout was asked for".to_owned(),
        EventKind::PayoutApproved => "A payout was approved".to_owned(),
        EventKind::PayoutSent => "A payout was sent".to_owned(),
        EventKind::PayoutDone => "A payout has arrived".to_owned(),
        EventKind::PayoutFailed => "A payout has failed".to_owned(),
        EventKind::MaintenanceAnnounced => format!("Maintenance of {node} was announced"),
        EventKind::MaintenanceCancelled => format!("Maintenance of {node} was called off"),
        EventKind::MaintenanceDue => format!("Maintenance of {node} is due"),
        EventKind::NodeLeaving => format!("{node} is leaving the market"),
        EventKind::NodeStays => format!("{node} stays on the market after all"),
        EventKind::NodeLeft => format!("{node} has left the market"),
        EventKind::RentalMovedOut => format!("The rental of {place} has moved to another slice"),
        EventKind::RentalMovedIn => format!("A rental has moved to {place}"),
        EventKind::FarmProven => "A farm is proven to be yours".to_owned(),
        EventKind::FarmLost => "Somebody else has proven to own a farm that was yours".to_owned(),
        EventKind::FarmRevoked => "The operator took back that a farm is yours".to_owned(),
        EventKind::NodeClaimed => format!("Somebody else has proven to own the farm of {node}"),
        EventKind::FarmMoved => "A farm has changed hands on the grid".to_owned(),
        EventKind::NodeMoved => format!("{node} has changed hands on the grid"),
        EventKind::NodeTakenOver => format!("{node} was taken over"),
        EventKind::NodeLost => format!("{node} is not yours any more"),
        EventKind::NodeLocked => format!("{node} was locked: nothing of it can be changed"),
        EventKind::NodeUnlocked => format!("{node} was unlocked"),
        EventKind::WebhookDisabled => {
            "A webhook was disabled: nothing gets through to it".to_owned()
        }
        // Nobody is notified of these.
        EventKind::NodeRentalImported
        | EventKind::RenewalFailed
        | EventKind::RentalReminded
        | EventKind::RentalExpired
        | EventKind::RentalTransferred
        | EventKind::RentalReceived
        | EventKind::FarmerChanged
        | EventKind::AccessProgress
        | EventKind::NodeRegistered
        | EventKind::NodePublished
        | EventKind::NodePaused
        | EventKind::OfferChanged
        | EventKind::WalletCredited
        | EventKind::PayoutWithdrawn => audit_words(event.kind).to_owned(),
    }
}

/// Such as `node32 may be down 41 more minutes this month to keep its promise`. Before there was a
/// number, it was the month alone.
fn at_risk(node: &str, subject: Option<&str>) -> String {
    let minutes = subject.and_then(|subject| subject.split_once(": "));
    let minutes = minutes.and_then(|(_, rest)| rest.strip_suffix(" min")?.parse::<i64>().ok());
    minutes.map_or_else(
        || format!("The promised uptime of {node} is at risk this month"),
        |minutes| {
            let minutes = counted(minutes, "more minute");
            format!("The promise of {node} is at risk: it may be down {minutes} this month")
        },
    )
}

/// Such as `2026-11: $2.50`, as the event says it.
fn month_and_amount(notice: &Notice) -> &str {
    notice.event.subject.as_deref().unwrap_or("a month")
}

/// What the history of a rental says of an event.
pub(super) fn history_words(event: &RentalEvent) -> String {
    match event.kind {
        EventKind::SliceRented => "Rented".to_owned(),
        EventKind::NodeRented => "Rented, the whole node".to_owned(),
        EventKind::NodeRentalImported => "Taken over from before there were slices".to_owned(),
        EventKind::RentalExtended => "Extended".to_owned(),
        EventKind::RentalRenewed => "Extended by itself".to_owned(),
        EventKind::RenewalFailed => "The renewal failed".to_owned(),
        EventKind::RentalReminded => "You were reminded of the end".to_owned(),
        EventKind::RentalExpired => "The term was over; the data is kept for 48 hours".to_owned(),
        EventKind::MaintenanceAnnounced => "Maintenance of the node was announced".to_owned(),
        EventKind::MaintenanceCancelled => "Maintenance of the node was cancelled".to_owned(),
        EventKind::MaintenanceDue => "Maintenance of the node comes within a day".to_owned(),
        EventKind::RentalTransferred => "Handed over to another account".to_owned(),
        EventKind::RentalReceived => "Taken over from another account".to_owned(),
        EventKind::FarmerChanged => {
            "The node has another farmer now; nothing else changed".to_owned()
        }
        EventKind::NodeLeaving => "You were told that its node leaves".to_owned(),
        EventKind::NodeStays => "Its node stays after all".to_owned(),
        EventKind::RentalMovedOut => "Left its slice".to_owned(),
        EventKind::RentalMovedIn => "Went on with another slice".to_owned(),
        EventKind::RentalEnded => "The rental ended".to_owned(),
        EventKind::AccessProgress => step_done(event.subject.as_deref()),
        EventKind::AccessReady => "The machine is ready".to_owned(),
        EventKind::AccessFailed => "The machine could not be set up".to_owned(),
        EventKind::AccessLate => "The machine was late; you and the operator were told".to_owned(),
        EventKind::SlaCredited => format!(
            "The promise was not kept, and you were credited, {}",
            event.subject.as_deref().unwrap_or_default()
        ),
        EventKind::SlaDisputed => "How the promise was judged was disputed".to_owned(),
        EventKind::SlaDecided => "The dispute about the promise was decided".to_owned(),
        EventKind::RentalRefunded => "Everything was paid back".to_owned(),
        // These happen to no rental.
        EventKind::RemovalLate
        | EventKind::SliceRemoved
        | EventKind::NodeRegistered
        | EventKind::NodePublished
        | EventKind::NodePaused
        | EventKind::OfferChanged
        | EventKind::PriceSuggested
        | EventKind::PromiseAtRisk
        | EventKind::PromiseBroken
        | EventKind::NodeDown
        | EventKind::NodeBack
        | EventKind::NodeOversold
        | EventKind::NodeFits
        | EventKind::NodeLeft
        | EventKind::FarmProven
        | EventKind::FarmLost
        | EventKind::FarmRevoked
        | EventKind::FarmMoved
        | EventKind::NodeClaimed
        | EventKind::NodeMoved
        | EventKind::NodeTakenOver
        | EventKind::NodeLost
        | EventKind::NodeLocked
        | EventKind::NodeUnlocked
        | EventKind::WalletCredited
        | EventKind::PayoutRequested
        | EventKind::PayoutApproved
        | EventKind::PayoutSent
        | EventKind::PayoutDone
        | EventKind::PayoutFailed
        | EventKind::PayoutWithdrawn
        | EventKind::WebhookDisabled => audit_words(event.kind).to_owned(),
    }
}

/// What the audit log says of an event.
pub(super) fn audit_words(kind: EventKind) -> &'static str {
    match kind {
        EventKind::SliceRented => "A slice was rented",
        EventKind::NodeRented => "A whole node was rented",
        EventKind::NodeRentalImported => "A rental was imported",
        EventKind::RentalExtended => "A rental was extended",
        EventKind::RentalRenewed => "A rental was renewed automatically",
        EventKind::RenewalFailed => "A rental could not be renewed automatically",
        EventKind::RentalReminded => "A reminder that a rental ends was sent",
        EventKind::RentalExpired => "The term of a rental ended",
        EventKind::RentalEnded => "A rental ended",
        EventKind::RentalRefunded => "A rental without access was paid back",
        EventKind::RentalTransferred => "A rental was transferred",
        EventKind::RentalReceived => "A rental was received",
        EventKind::RentalMovedOut => "A rental went on with another slice",
        EventKind::RentalMovedIn => "A rental came from another slice",
        EventKind::FarmerChanged => "A rental has another farmer",
        EventKind::AccessProgress => "A machine came a step further",
        EventKind::AccessReady => "A machine is ready",
        EventKind::AccessFailed => "A machine could not be set up",
        EventKind::AccessLate => "A machine is late",
        EventKind::RemovalLate => "A machine is still not removed",
        EventKind::SliceRemoved => "The machine of an ended rental is gone",
        EventKind::NodeRegistered => "A node was registered",
        EventKind::NodePublished => "A node went on the market",
        EventKind::NodePaused => "A node went off the market",
        EventKind::OfferChanged => "A node's price or promise was changed",
        EventKind::PriceSuggested => "Another price was suggested for a node",
        EventKind::PromiseAtRisk => "A promise is at risk",
        EventKind::PromiseBroken => "A promise is broken",
        EventKind::NodeDown => "A node went down",
        EventKind::NodeBack => "A node came back",
        EventKind::NodeOversold => "More of a node is rented than it can carry",
        EventKind::NodeFits => "A node can carry what is rented again",
        EventKind::MaintenanceAnnounced => "Maintenance of a node was announced",
        EventKind::MaintenanceCancelled => "Maintenance of a node was cancelled",
        EventKind::MaintenanceDue => "Maintenance of a node comes within a day",
        EventKind::NodeLeaving => "A node is to leave the market",
        EventKind::NodeStays => "A node stays after all",
        EventKind::NodeLeft => "A node left the market",
        EventKind::FarmProven => "A farm is proven to be yours",
        EventKind::FarmLost => "Somebody else has proven to own a farm that was yours",
        EventKind::FarmRevoked => "An operator took back whose a farm is",
        EventKind::FarmMoved => "A farm has changed hands on the grid",
        EventKind::NodeClaimed => "Somebody else has proven to own the farm of a node",
        EventKind::NodeMoved => "A node has moved to another farm on the grid",
        EventKind::NodeTakenOver => "A node was taken over",
        EventKind::NodeLost => "The owner of its farm has taken a node over",
        EventKind::NodeLocked => "The offer of a node is locked",
        EventKind::NodeUnlocked => "The offer of a node can be changed again",
        EventKind::WalletCredited => "Credit came into the wallet",
        EventKind::SlaCredited => "A promise was not kept, and its renter was credited",
        EventKind::SlaDisputed => "How a promise was judged is disputed",
        EventKind::SlaDecided => "A dispute about a promise was decided",
        EventKind::PayoutRequested => "A payout was requested",
        EventKind::PayoutApproved => "A payout was approved",
        EventKind::PayoutSent => "A payout was sent",
        EventKind::PayoutDone => "A payout has arrived",
        EventKind::PayoutFailed => "A payout failed, and the money is back",
        EventKind::PayoutWithdrawn => "A request for a payout was taken back",
        EventKind::WebhookDisabled => "A webhook was disabled",
    }
}
