//! What people are told of: kinds of notices, the ways in which they are told, and what is chosen.

use core::fmt;

/// What a notice is about. People choose by kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// A slice or a whole node was rented.
    Rented,
    /// A rental ended, and what it held is free again.
    Released,
    /// A rental goes on for longer.
    Extended,
    /// A machine is ready, late, or could not be made, and what was paid back for that.
    Access,
    /// What a rental has left on a slice is gone, or is not in time.
    Removal,
    /// Another price would earn more.
    PriceSuggestion,
    /// Little is left of what a promise allows.
    PromiseAtRisk,
    /// A promise cannot be kept any more.
    PromiseBroken,
    /// A renter was credited for a promise that was not kept, or somebody disputes that.
    Credit,
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
}

impl NoticeKind {
    /// Every kind, in the order in which they are shown.
    pub const ALL: [NoticeKind; 16] = [
        NoticeKind::Rented,
        NoticeKind::Released,
        NoticeKind::Extended,
        NoticeKind::Access,
        NoticeKind::Removal,
        NoticeKind::PriceSuggestion,
        NoticeKind::PromiseAtRisk,
        NoticeKind::PromiseBroken,
        NoticeKind::Credit,
        NoticeKind::NodeDown,
        NoticeKind::Oversold,
        NoticeKind::Payout,
        NoticeKind::Maintenance,
        NoticeKind::Leaving,
        NoticeKind::Farm,
        NoticeKind::Webhook,
    ];

    /// Its name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            NoticeKind::Rented => "rented",
            NoticeKind::Released => "released",
            NoticeKind::Extended => "extended",
            NoticeKind::Access => "access",
            NoticeKind::Removal => "removal",
            NoticeKind::PriceSuggestion => "price-suggestion",
            NoticeKind::PromiseAtRisk => "promise-at-risk",
            NoticeKind::PromiseBroken => "promise-broken",
            NoticeKind::Credit => "credit",
            NoticeKind::NodeDown => "node-down",
            NoticeKind::Oversold => "oversold",
            NoticeKind::Payout => "payout",
            NoticeKind::Maintenance => "maintenance",
            NoticeKind::Leaving => "leaving",
            NoticeKind::Farm => "farm",
            NoticeKind::Webhook => "webhook",
        }
    }

    /// Reads a name; `None` if no kind has it.
    pub fn parse(name: &str) -> Option<NoticeKind> {
        NoticeKind::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether people are told of this kind in this way as long as they have not chosen.
    pub fn is_on_by_default(self, way: Way) -> bool {
        match way {
            Way::Page | Way::Webhook => true,
            // What one has to do something about, or wants to know at once.
            Way::Mail => match self {
                NoticeKind::Extended | NoticeKind::Removal | NoticeKind::PriceSuggestion => false,
                NoticeKind::Rented
                | NoticeKind::Released
                | NoticeKind::Access
                | NoticeKind::PromiseAtRisk
                | NoticeKind::PromiseBroken
                | NoticeKind::Credit
                | NoticeKind::NodeDown
                | NoticeKind::Oversold
                | NoticeKind::Payout
                | NoticeKind::Maintenance
                | NoticeKind::Leaving
                | NoticeKind::Farm
                | NoticeKind::Webhook => true,
            },
        }
    }

    /// Whether a mail of this kind goes to somebody of this side. The renter did it alone, or gets
    /// a mail about the rental's end anyway.
    pub fn is_mailed_to(self, side: Side) -> bool {
        match side {
            Side::Farmer => true,
            Side::Renter => {
                !matches!(self, NoticeKind::Rented | NoticeKind::Released | NoticeKind::Extended)
            }
        }
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A way of telling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Way {
    /// The page of notifications.
    Page,
    /// A mail.
    Mail,
    /// A request to the account's webhooks.
    Webhook,
}

impl Way {
    /// Every way, in the order in which they are shown.
    pub const ALL: [Way; 3] = [Way::Page, Way::Mail, Way::Webhook];

    /// Its name, for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Page => "page",
            Way::Mail => "mail",
            Way::Webhook => "webhook",
        }
    }

    /// Reads a name; `None` if no way has it.
    pub fn parse(name: &str) -> Option<Way> {
        Way::ALL.into_iter().find(|way| way.as_str() == name)
    }
}

/// Which side of an event an account is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It rents what the event is about.
    Renter,
    /// The node, the farm or the account itself is its own.
    Farmer,
}

/// What somebody has chosen: every kind in every way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choices {
    is_on: [[bool; Way::ALL.len()]; NoticeKind::ALL.len()],
}

impl Default for Choices {
    /// As long as nothing is chosen.
    fn default() -> Choices {
        let of = |kind: NoticeKind| Way::ALL.map(|way| kind.is_on_by_default(way));
        Choices { is_on: NoticeKind::ALL.map(of) }
    }
}

impl Choices {
    /// Whether a kind is told in a way.
    pub fn is_on(&self, kind: NoticeKind, way: Way) -> bool {
        self.is_on[kind as usize][way as usize]
    }

    /// Chooses whether a kind is told in a way.
    pub fn set(&mut self, kind: NoticeKind, way: Way, is_on: bool) {
        self.is_on[kind as usize][way as usize] = is_on;
    }

    /// What differs from the defaults: all that has to be kept.
    pub fn differing(&self) -> impl Iterator<Item = (NoticeKind, Way, bool)> {
        let ways = |kind| Way::ALL.into_iter().map(move |way| (kind, way));
        NoticeKind::ALL
            .into_iter()
            .flat_map(ways)
            .map(|(kind, way)| (kind, way, self.is_on(kind, way)))
            .filter(|(kind, way, is_on)| kind.is_on_by_default(*way) != *is_on)
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
        for (at, kind) in NoticeKind::ALL.into_iter().enumerate() {
            assert_eq!(NoticeKind::parse(kind.as_str()), Some(kind));
            assert_eq!(kind as usize, at);
        }
        for (at, way) in Way::ALL.into_iter().enumerate() {
            assert_eq!(Way::parse(way.as_str()), Some(way));
            assert_eq!(way as usize, at);
        }
        assert_eq!((NoticeKind::parse(""), Way::parse("sms")), (None, None));
    }

    #[test]
    fn the_defaults_can_be_read_in_one_screen() {
        let defaults = Choices::default();
        let line = |kind: NoticeKind| {
            let ways = Way::ALL.into_iter().filter(|way| defaults.is_on(kind, *way));
            let ways: Vec<&str> = ways.map(Way::as_str).collect();
            alloc::format!("{kind}: {}\n", ways.join(" "))
        };
        let table: String = NoticeKind::ALL.into_iter().map(line).collect();
        expect![[r#"
            rented: page mail webhook
            released: page mail webhook
            extended: page webhook
            access: page mail webhook
            removal: page webhook
            price-suggestion: page webhook
            promise-at-risk: page mail webhook
            promise-broken: page mail webhook
            credit: page mail webhook
            node-down: page mail webhook
            oversold: page mail webhook
            payout: page mail webhook
            maintenance: page mail webhook
            leaving: page mail webhook
            farm: page mail webhook
            webhook: page mail webhook
        "#]]
        .assert_eq(&table);
        assert_eq!(defaults.differing().count(), 0);
    }

    #[test]
    fn only_what_differs_is_kept() {
        let mut choices = Choices::default();
        choices.set(NoticeKind::Rented, Way::Mail, false);
        choices.set(NoticeKind::Extended, Way::Mail, true);
        choices.set(NoticeKind::Payout, Way::Page, true);
        let kept: Vec<_> = choices.differing().collect();
        assert_eq!(
            kept,
            [(NoticeKind::Rented, Way::Mail, false), (NoticeKind::Extended, Way::Mail, true)]
        );
    }

    #[test]
    fn a_renter_gets_no_mail_about_what_the_renter_did() {
        let mailed: Vec<NoticeKind> =
            NoticeKind::ALL.into_iter().filter(|kind| !kind.is_mailed_to(Side::Renter)).collect();
        assert_eq!(mailed, [NoticeKind::Rented, NoticeKind::Released, NoticeKind::Extended]);
        assert!(NoticeKind::ALL.into_iter().all(|kind| kind.is_mailed_to(Side::Farmer)));
    }
}
