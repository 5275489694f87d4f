//! What happens on the market: every kind of event, who sees it, and who is notified of it.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::notification::{Channel, NotificationCategory, Side};

/// What happened. Triggers write the names: the database refuses others, and a test of the store
/// compares them with this list.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    strum::Display,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum EventKind {
    // Rentals.
    /// A slice was rented.
    SliceRented,
    /// A whole node was rented.
    NodeRented,
    /// A rental of a whole node was imported from before there were slices.
    NodeRentalImported,
    /// Its renter extended a rental.
    RentalExtended,
    /// A rental was extended by itself.
    RentalRenewed,
    /// A rental could not be extended by itself.
    RenewalFailed,
    /// A renter was reminded of a rental's end.
    RentalReminded,
    /// The term of a rental is over.
    RentalExpired,
    /// A rental ended, and what it held is free again.
    RentalEnded,
    /// A rental never had access: it was refunded in full, and has ended.
    RentalRefunded,
    /// A rental was transferred to another account.
    RentalTransferred,
    /// A rental was received from another account.
    RentalReceived,
    /// A rental left a slice for another one.
    RentalMovedOut,
    /// A rental came to a slice from another one.
    RentalMovedIn,
    /// The node of a rental has another farmer.
    FarmerChanged,
    /// A rental has been down for a day.
    RentalDown,

    // Machines.
    /// An agent finished a step of making a machine.
    AccessProgress,
    /// A machine is ready.
    AccessReady,
    /// A machine could not be made.
    AccessFailed,
    /// A farmer has to make a machine by hand, because the farm has no agent.
    ManualSetup,
    /// A farmer has to remove a machine that they made by hand.
    ManualRemoval,
    /// A machine is reached at another address or other ports.
    AccessChanged,
    /// A machine is late.
    AccessLate,
    /// The machine of an ended rental is not removed in time.
    RemovalLate,
    /// The machine of an ended rental is removed.
    SliceRemoved,
    /// A machine is off, does not answer, or is gone.
    MachineDown,
    /// A machine answers again.
    MachineUp,
    /// A file system in a machine is almost full.
    MachineDiskFilling,
    /// The disk of a server with machines is almost full.
    ServerDiskLow,
    /// What was to be done with a machine was done.
    MachineActionDone,
    /// What was to be done with a machine could not be done.
    MachineActionFailed,

    // The market.
    /// Nodes fit a saved search that it did not find before.
    SavedSearchFound,
    /// A slice of a full node is free, and held for whoever is first in line.
    WaitlistOffered,
    /// The same, but it could not be held for whoever was first in line.
    WaitlistPassed,

    // Nodes and their offers.
    /// A node was registered.
    NodeRegistered,
    /// A node was published.
    NodePublished,
    /// A node was paused.
    NodePaused,
    /// The price or the SLA of a node was changed.
    OfferChanged,
    /// Another price would earn more.
    PriceSuggested,
    /// Little of the downtime that the SLA allows is left.
    SlaAtRisk,
    /// The SLA can no longer be met.
    SlaMissed,
    /// A node does not run.
    NodeDown,
    /// A node runs again.
    NodeRecovered,
    /// More of a node is rented than it can carry.
    NodeOversold,
    /// A node can carry what is rented of it again.
    NodeOversoldResolved,
    /// Maintenance was announced.
    MaintenanceAnnounced,
    /// Maintenance was canceled.
    MaintenanceCanceled,
    /// Maintenance begins within a day.
    MaintenanceDue,
    /// A node is going to leave the market.
    NodeLeaving,
    /// A node stays on the market after all.
    NodeLeavingCanceled,
    /// A node has left the market.
    NodeLeft,

    // Owners.
    /// An account has verified a farm.
    FarmVerified,
    /// Another account has verified the farm.
    FarmLost,
    /// An operator revoked the verification of a farm.
    FarmRevoked,
    /// A farm has another owner on the grid.
    FarmMoved,
    /// Another account has verified the farm of a node.
    NodeClaimed,
    /// A node has moved to another farm on the grid.
    NodeMoved,
    /// An account has taken over a node of its farm.
    NodeTakenOver,
    /// The owner of its farm has taken over a node.
    NodeLost,
    /// A node was locked.
    NodeLocked,
    /// A node was unlocked.
    NodeUnlocked,

    // Money.
    /// A wallet was credited.
    WalletCredited,
    /// A card payment was refunded or disputed, and is taken from the wallet.
    CardPaymentReversed,
    /// What was taken for a card payment is back in the wallet.
    CardPaymentReturned,
    /// A renter was credited for a missed SLA.
    SlaCredited,
    /// Somebody disputes an SLA result.
    SlaDisputed,
    /// An operator decided a dispute.
    SlaDisputeDecided,
    /// A payout was requested.
    PayoutRequested,
    /// A payout was approved.
    PayoutApproved,
    /// A payout was sent.
    PayoutSent,
    /// A payout has arrived.
    PayoutDone,
    /// A payout has failed, and its amount is back.
    PayoutFailed,
    /// The request for a payout was canceled.
    PayoutCanceled,

    // Accounts.
    /// A webhook was disabled.
    WebhookDisabled,
    /// The token of an agent is about to expire.
    AgentTokenExpiring,
}

/// Which accounts an event may concern: the database refuses it for others. Operators see every
/// event in the audit log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// The renter.
    Renter,
    /// The owner of the node, the farm or the account.
    Farmer,
    /// The renter and the owner of the node.
    Both,
}

impl Audience {
    /// Whether this side is part of it.
    pub fn has(self, side: Side) -> bool {
        match self {
            Audience::Renter => side == Side::Renter,
            Audience::Farmer => side == Side::Farmer,
            Audience::Both => true,
        }
    }
}

impl EventKind {
    /// Who sees it.
    #[expect(clippy::too_many_lines, reason = "a list with a line for each")]
    pub fn audience(self) -> Audience {
        match self {
            EventKind::RenewalFailed
            | EventKind::RentalReminded
            | EventKind::RentalReceived
            | EventKind::AccessChanged
            | EventKind::MachineDiskFilling
            | EventKind::SavedSearchFound
            | EventKind::WaitlistOffered
            | EventKind::WaitlistPassed
            | EventKind::WalletCredited
            | EventKind::CardPaymentReversed
            | EventKind::CardPaymentReturned => Audience::Renter,
            EventKind::RentalMovedOut
            | EventKind::ManualSetup
            | EventKind::ManualRemoval
            | EventKind::ServerDiskLow
            | EventKind::RemovalLate
            | EventKind::SliceRemoved
            | EventKind::NodeRegistered
            | EventKind::NodePublished
            | EventKind::NodePaused
            | EventKind::OfferChanged
            | EventKind::PriceSuggested
            | EventKind::SlaAtRisk
            | EventKind::SlaMissed
            | EventKind::NodeOversold
            | EventKind::NodeOversoldResolved
            | EventKind::NodeLeft
            | EventKind::FarmVerified
            | EventKind::FarmLost
            | EventKind::FarmRevoked
            | EventKind::FarmMoved
            | EventKind::NodeClaimed
            | EventKind::NodeMoved
            | EventKind::NodeTakenOver
            | EventKind::NodeLost
            | EventKind::NodeLocked
            | EventKind::NodeUnlocked
            | EventKind::PayoutRequested
            | EventKind::PayoutApproved
            | EventKind::PayoutSent
            | EventKind::PayoutDone
            | EventKind::PayoutFailed
            | EventKind::PayoutCanceled
            | EventKind::WebhookDisabled
            | EventKind::AgentTokenExpiring => Audience::Farmer,
            EventKind::SliceRented
            | EventKind::NodeRented
            | EventKind::NodeRentalImported
            | EventKind::RentalExtended
            | EventKind::RentalRenewed
            | EventKind::RentalExpired
            | EventKind::RentalEnded
            | EventKind::RentalRefunded
            | EventKind::RentalTransferred
            | EventKind::RentalMovedIn
            | EventKind::FarmerChanged
            | EventKind::RentalDown
            | EventKind::NodeDown
            | EventKind::NodeRecovered
            | EventKind::AccessProgress
            | EventKind::AccessReady
            | EventKind::AccessFailed
            | EventKind::AccessLate
            | EventKind::MachineDown
            | EventKind::MachineUp
            | EventKind::MachineActionDone
            | EventKind::MachineActionFailed
            | EventKind::MaintenanceAnnounced
            | EventKind::MaintenanceCanceled
            | EventKind::MaintenanceDue
            | EventKind::NodeLeaving
            | EventKind::NodeLeavingCanceled
            | EventKind::SlaCredited
            | EventKind::SlaDisputed
            | EventKind::SlaDisputeDecided => Audience::Both,
        }
    }

    /// The category of its notification; `None` where nobody is notified.
    #[expect(clippy::too_many_lines, reason = "a list with a line for each")]
    pub fn notice(self) -> Option<NotificationCategory> {
        match self {
            EventKind::SliceRented | EventKind::NodeRented => Some(NotificationCategory::Rented),
            EventKind::RentalEnded => Some(NotificationCategory::Released),
            EventKind::RentalExtended | EventKind::RentalRenewed => {
                Some(NotificationCategory::Extended)
            }
            EventKind::RentalRefunded
            | EventKind::AccessReady
            | EventKind::AccessFailed
            | EventKind::AccessChanged
            | EventKind::AccessLate
            | EventKind::ManualSetup => Some(NotificationCategory::Access),
            EventKind::ManualRemoval | EventKind::RemovalLate | EventKind::SliceRemoved => {
                Some(NotificationCategory::Removal)
            }
            EventKind::MachineDown
            | EventKind::MachineUp
            | EventKind::MachineDiskFilling
            | EventKind::ServerDiskLow
            | EventKind::MachineActionFailed
            | EventKind::RentalDown => Some(NotificationCategory::Machine),
            EventKind::SavedSearchFound => Some(NotificationCategory::SavedSearch),
            EventKind::WaitlistOffered | EventKind::WaitlistPassed => {
                Some(NotificationCategory::Waitlist)
            }
            EventKind::PriceSuggested => Some(NotificationCategory::PriceSuggestion),
            EventKind::SlaAtRisk => Some(NotificationCategory::SlaAtRisk),
            EventKind::SlaMissed => Some(NotificationCategory::SlaMissed),
            EventKind::SlaCredited | EventKind::SlaDisputed | EventKind::SlaDisputeDecided => {
                Some(NotificationCategory::Credit)
            }
            EventKind::NodeDown | EventKind::NodeRecovered => Some(NotificationCategory::NodeDown),
            EventKind::NodeOversold | EventKind::NodeOversoldResolved => {
                Some(NotificationCategory::Oversold)
            }
            EventKind::CardPaymentReversed | EventKind::CardPaymentReturned => {
                Some(NotificationCategory::Payment)
            }
            EventKind::PayoutRequested
            | EventKind::PayoutApproved
            | EventKind::PayoutSent
            | EventKind::PayoutDone
            | EventKind::PayoutFailed => Some(NotificationCategory::Payout),
            EventKind::MaintenanceAnnounced
            | EventKind::MaintenanceCanceled
            | EventKind::MaintenanceDue => Some(NotificationCategory::Maintenance),
            EventKind::RentalMovedOut
            | EventKind::RentalMovedIn
            | EventKind::NodeLeaving
            | EventKind::NodeLeavingCanceled
            | EventKind::NodeLeft => Some(NotificationCategory::Leaving),
            EventKind::FarmVerified
            | EventKind::FarmLost
            | EventKind::FarmRevoked
            | EventKind::FarmMoved
            | EventKind::NodeClaimed
            | EventKind::NodeMoved
            | EventKind::NodeTakenOver
            | EventKind::NodeLost
            | EventKind::NodeLocked
            | EventKind::NodeUnlocked => Some(NotificationCategory::Farm),
            EventKind::WebhookDisabled => Some(NotificationCategory::Webhook),
            EventKind::AgentTokenExpiring => Some(NotificationCategory::AgentToken),
            EventKind::NodeRentalImported
            | EventKind::RenewalFailed
            | EventKind::RentalReminded
            | EventKind::RentalExpired
            | EventKind::RentalTransferred
            | EventKind::RentalReceived
            | EventKind::FarmerChanged
            | EventKind::AccessProgress
            | EventKind::MachineActionDone
            | EventKind::NodeRegistered
            | EventKind::NodePublished
            | EventKind::NodePaused
            | EventKind::OfferChanged
            | EventKind::WalletCredited
            | EventKind::PayoutCanceled => None,
        }
    }

    /// Whether this side gets a mail of it, if it wants mails of its kind of notification.
    pub fn is_mailed_to(self, side: Side) -> bool {
        match (self, side) {
            // These have mails of their own, whatever is chosen: money and deadlines depend on
            // them. A farmer has nothing left to do, or the mail about the rental's end says it.
            (EventKind::AccessLate, Side::Renter)
            | (EventKind::RemovalLate | EventKind::AccessReady, Side::Farmer)
            | (EventKind::RentalRefunded, Side::Renter | Side::Farmer) => false,
            _ => self.notice().is_some_and(|kind| kind.is_mailed_to(side)),
        }
    }

    /// Whether a notification of this kind can reach this side through this channel. Every account
    /// owns its webhooks and its wallet, and farmers rent, too; what else is an owner's reaches
    /// farmers only.
    pub fn can_notify(notice: NotificationCategory, side: Side, channel: Channel) -> bool {
        EventKind::with_notice().filter(|(_, of)| *of == notice).any(|(kind, _)| {
            let side = match kind {
                EventKind::WebhookDisabled => Side::Farmer,
                EventKind::SavedSearchFound
                | EventKind::WaitlistOffered
                | EventKind::WaitlistPassed
                | EventKind::CardPaymentReversed
                | EventKind::CardPaymentReturned => Side::Renter,
                _ => side,
            };
            kind.audience().has(side) && (channel != Channel::Mail || kind.is_mailed_to(side))
        })
    }

    /// Those that people are notified of, and their kinds of notifications.
    pub fn with_notice() -> impl Iterator<Item = (EventKind, NotificationCategory)> {
        EventKind::VARIANTS.iter().filter_map(|kind| Some((*kind, kind.notice()?)))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for kind in EventKind::VARIANTS {
            assert_eq!(kind.into_str().parse(), Ok(*kind));
        }
        assert_eq!(EventKind::SliceRented.into_str(), "slice-rented");
        assert!("wedding".parse::<EventKind>().is_err());
    }

    #[test]
    fn every_kind_of_notification_has_an_event() {
        for &notice in NotificationCategory::VARIANTS {
            assert!(EventKind::with_notice().any(|(_, of)| of == notice), "{notice}");
        }
    }

    #[test]
    fn a_renter_is_not_notified_of_what_farmers_are() {
        let of = |channel: Channel, side: Side| {
            let kinds = NotificationCategory::VARIANTS.iter().copied();
            let those = kinds.filter(|kind| !EventKind::can_notify(*kind, side, channel));
            those.map(|kind| kind.into_str()).collect::<Vec<&str>>()
        };
        let farmers = [
            "removal",
            "price-suggestion",
            "sla-at-risk",
            "sla-missed",
            "oversold",
            "payout",
            "farm",
            "agent-token",
        ];
        assert_eq!(of(Channel::Page, Side::Renter), farmers);
        assert_eq!(of(Channel::Webhook, Side::Renter), farmers);
        assert_eq!(
            of(Channel::Mail, Side::Renter),
            [&["rented", "released", "extended"], &farmers[..]].concat()
        );
        for channel in Channel::VARIANTS {
            assert_eq!(of(*channel, Side::Farmer), [""; 0]);
        }
    }

    #[test]
    fn nobody_gets_two_mails_about_one_thing() {
        let without = |side: Side| {
            let is_left_out = |kind: EventKind, notice: NotificationCategory| {
                notice.is_mailed_to(side) && !kind.is_mailed_to(side)
            };
            let told =
                EventKind::with_notice().filter(|(kind, notice)| is_left_out(*kind, *notice));
            told.map(|(kind, _)| kind.into_str()).collect::<Vec<&str>>()
        };
        assert_eq!(without(Side::Renter), ["rental-refunded", "access-late"]);
        assert_eq!(without(Side::Farmer), ["rental-refunded", "access-ready", "removal-late"]);
        let rented = EventKind::SliceRented;
        assert!(!rented.is_mailed_to(Side::Renter) && rented.is_mailed_to(Side::Farmer));
        assert!(!EventKind::WalletCredited.is_mailed_to(Side::Renter));
    }
}
