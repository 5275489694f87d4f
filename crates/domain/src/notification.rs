//! What people are notified of: categories of notifications, the channels through which they are
//! notified, and what is chosen.

use core::array;

use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a notice is about. People choose by kind.
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
pub enum NotificationCategory {
    /// A slice or a whole node was rented.
    Rented,
    /// A rental ended, and what it held is free again.
    Released,
    /// A rental goes on for longer.
    Extended,
    /// A machine is ready, late, or could not be made, and what was refunded for that.
    Access,
    /// What a rental has left on a slice is gone, or is not in time.
    Removal,
    /// A machine is off, does not answer or is gone, or answers again; or a disk is almost full.
    Machine,
    /// Nodes fit a saved search.
    SavedSearch,
    /// A slice of a full node is free, and whose turn it is.
    Waitlist,
    /// Another price would earn more.
    PriceSuggestion,
    /// Little of the downtime that the SLA allows is left.
    SlaAtRisk,
    /// The SLA can no longer be met.
    SlaMissed,
    /// A renter was credited for a missed SLA, or somebody disputes that.
    Credit,
    /// A card payment was taken back, or what was taken for it is back.
    Payment,
    /// A node does not run, or runs again.
    NodeDown,
    /// More of a node is rented than it can carry, or no longer.
    Oversold,
    /// A payout was asked for, approved, sent, or has failed.
    Payout,
    /// A maintenance window was announced, taken back, or is due.
    Maintenance,
    /// A node is being taken off the market for good, and what becomes of its rentals.
    Leaving,
    /// Who owns a farm or a node, and who may change it.
    Farm,
    /// A webhook does not get through any more.
    Webhook,
    /// The token of an agent is about to expire.
    AgentToken,
}

impl NotificationCategory {
    /// Whether people are notified of this kind through this channel as long as they have not
    /// chosen.
    pub fn is_on_by_default(self, channel: Channel) -> bool {
        match channel {
            Channel::Page | Channel::Webhook => true,
            // What one has to do something about, or wants to know at once.
            Channel::Mail => match self {
                NotificationCategory::Extended
                | NotificationCategory::Removal
                | NotificationCategory::PriceSuggestion => false,
                NotificationCategory::Rented
                | NotificationCategory::Released
                | NotificationCategory::Access
                | NotificationCategory::Machine
                | NotificationCategory::SavedSearch
                | NotificationCategory::Waitlist
                | NotificationCategory::SlaAtRisk
                | NotificationCategory::SlaMissed
                | NotificationCategory::Credit
                | NotificationCategory::Payment
                | NotificationCategory::NodeDown
                | NotificationCategory::Oversold
                | NotificationCategory::Payout
                | NotificationCategory::Maintenance
                | NotificationCategory::Leaving
                | NotificationCategory::Farm
                | NotificationCategory::Webhook
                | NotificationCategory::AgentToken => true,
            },
        }
    }

    /// Whether a mail of this kind goes to somebody of this side. The renter did it alone, or gets
    /// a mail about the rental's end anyway.
    pub fn is_mailed_to(self, side: Side) -> bool {
        match side {
            Side::Farmer => true,
            Side::Renter => !matches!(
                self,
                NotificationCategory::Rented
                    | NotificationCategory::Released
                    | NotificationCategory::Extended
            ),
        }
    }
}

/// A channel of notifications.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Channel {
    /// The page of notifications.
    Page,
    /// A mail.
    Mail,
    /// A request to the account's webhooks.
    Webhook,
}

/// Which side of an event an account is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It rents what the event is about.
    Renter,
    /// The node, the farm or the account itself is its own.
    Farmer,
}

/// What somebody has chosen: every category for every channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotificationSettings {
    is_on: [[bool; Channel::VARIANTS.len()]; NotificationCategory::VARIANTS.len()],
}

impl Default for NotificationSettings {
    /// As long as nothing is chosen.
    fn default() -> NotificationSettings {
        let of = |kind: usize, channel: usize| {
            NotificationCategory::VARIANTS[kind].is_on_by_default(Channel::VARIANTS[channel])
        };
        NotificationSettings { is_on: array::from_fn(|kind| array::from_fn(|at| of(kind, at))) }
    }
}

impl NotificationSettings {
    /// Whether a kind is sent through a channel.
    pub fn is_on(&self, kind: NotificationCategory, channel: Channel) -> bool {
        self.is_on[kind as usize][channel as usize]
    }

    /// Chooses whether a kind is sent through a channel.
    pub fn set(&mut self, kind: NotificationCategory, channel: Channel, is_on: bool) {
        self.is_on[kind as usize][channel as usize] = is_on;
    }

    /// What differs from the defaults: all that has to be kept.
    pub fn differing(&self) -> impl Iterator<Item = (NotificationCategory, Channel, bool)> {
        let channels = |kind| Channel::VARIANTS.iter().copied().map(move |channel| (kind, channel));
        NotificationCategory::VARIANTS
            .iter()
            .copied()
            .flat_map(channels)
            .map(|(kind, channel)| (kind, channel, self.is_on(kind, channel)))
            .filter(|(kind, channel, is_on)| kind.is_on_by_default(*channel) != *is_on)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;
    use alloc::vec::Vec;

    use expect_test::expect;

    use super::*;

    #[test]
    fn names_are_read_as_they_are_written() {
        for (at, kind) in NotificationCategory::VARIANTS.iter().copied().enumerate() {
            assert_eq!(kind.into_str().parse(), Ok(kind));
            assert_eq!(kind as usize, at);
        }
        for (at, channel) in Channel::VARIANTS.iter().copied().enumerate() {
            assert_eq!(channel.into_str().parse(), Ok(channel));
            assert_eq!(channel as usize, at);
        }
        assert!("".parse::<NotificationCategory>().is_err() && "sms".parse::<Channel>().is_err());
    }

    #[test]
    fn the_defaults_can_be_read_in_one_screen() {
        let defaults = NotificationSettings::default();
        let line = |kind: NotificationCategory| {
            let channels =
                Channel::VARIANTS.iter().copied().filter(|channel| defaults.is_on(kind, *channel));
            let channels: Vec<&str> = channels.map(|channel| channel.into_str()).collect();
            alloc::format!("{kind}: {}\n", channels.join(" "))
        };
        let table: String = NotificationCategory::VARIANTS.iter().copied().map(line).collect();
        expect![[r#"
            rented: page mail webhook
            released: page mail webhook
            extended: page webhook
            access: page mail webhook
            removal: page webhook
            machine: page mail webhook
            saved-search: page mail webhook
            waitlist: page mail webhook
            price-suggestion: page webhook
            sla-at-risk: page mail webhook
            sla-missed: page mail webhook
            credit: page mail webhook
            payment: page mail webhook
            node-down: page mail webhook
            oversold: page mail webhook
            payout: page mail webhook
            maintenance: page mail webhook
            leaving: page mail webhook
            farm: page mail webhook
            webhook: page mail webhook
            agent-token: page mail webhook
        "#]]
        .assert_eq(&table);
        assert_eq!(defaults.differing().count(), 0);
    }

    #[test]
    fn only_what_differs_is_kept() {
        let mut settings = NotificationSettings::default();
        settings.set(NotificationCategory::Rented, Channel::Mail, false);
        settings.set(NotificationCategory::Extended, Channel::Mail, true);
        settings.set(NotificationCategory::Payout, Channel::Page, true);
        let kept: Vec<_> = settings.differing().collect();
        assert_eq!(
            kept,
            [
                (NotificationCategory::Rented, Channel::Mail, false),
                (NotificationCategory::Extended, Channel::Mail, true)
            ]
        );
    }

    #[test]
    fn a_renter_gets_no_mail_about_what_the_renter_did() {
        let mailed: Vec<NotificationCategory> = NotificationCategory::VARIANTS
            .iter()
            .copied()
            .filter(|kind| !kind.is_mailed_to(Side::Renter))
            .collect();
        assert_eq!(
            mailed,
            [
                NotificationCategory::Rented,
                NotificationCategory::Released,
                NotificationCategory::Extended
            ]
        );
        assert!(NotificationCategory::VARIANTS.iter().all(|kind| kind.is_mailed_to(Side::Farmer)));
    }
}
