//! Fills the pages of notifications; the words of each kind of event are here.

use domain::event::EventKind;
use domain::notice::{Choices, NoticeKind, Side, Way};
use store::notices::{Notice, UNREAD_MAX};

use crate::api::PageOf;
use crate::form::Form;
use crate::page::{ChoiceRow, NoticeRow, NoticeSettings, Notices, Section, WayBox};
use crate::view::event::notice_title;
use crate::view::moment;
use crate::view::visit::Visit;

/// How many notifications one page shows.
pub const NOTICES_PER_PAGE: u32 = 30;

/// The page that shows more of a notice.
pub fn notice_path(notice: &Notice) -> String {
    let event = &notice.event;
    match notice.kind {
        NoticeKind::Webhook => return "/dashboard/notifications/webhooks".to_owned(),
        NoticeKind::Payout => return "/dashboard/farm/payouts".to_owned(),
        NoticeKind::Credit if notice.side == Side::Farmer => {
            return "/dashboard/farm/credits".to_owned();
        }
        NoticeKind::Rented
        | NoticeKind::Released
        | NoticeKind::Extended
        | NoticeKind::Access
        | NoticeKind::Removal
        | NoticeKind::PriceSuggestion
        | NoticeKind::PromiseAtRisk
        | NoticeKind::PromiseBroken
        | NoticeKind::Credit
        | NoticeKind::NodeDown
        | NoticeKind::Oversold
        | NoticeKind::Maintenance
        | NoticeKind::Leaving
        | NoticeKind::Farm => {}
    }
    match (notice.side, event.rental, event.node) {
        (Side::Renter, Some(rental), _) => format!("/dashboard/slices/{rental}"),
        (Side::Renter, None, Some(node)) => format!("/marketplace/compute/{node}"),
        (Side::Renter, None, None) => "/dashboard/slices".to_owned(),
        // What is not one's own any more has no page.
        (Side::Farmer, _, Some(node)) if event.kind != EventKind::NodeLost => {
            format!("/dashboard/farm/nodes/{node}")
        }
        (Side::Farmer, _, _) => "/dashboard/farm".to_owned(),
    }
}

/// When it happened, such as `29 July 2026, 12:00 UTC`.
pub fn notice_time(notice: &Notice) -> String {
    moment::to_the_minute(notice.event.at).text
}

/// What a kind of notification is called, where people choose.
pub fn kind_words(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::Rented => "Rented",
        NoticeKind::Released => "Rental ended",
        NoticeKind::Extended => "Rental extended",
        NoticeKind::Access => "Machine access",
        NoticeKind::Removal => "Machine removal",
        NoticeKind::PriceSuggestion => "Price suggestions",
        NoticeKind::PromiseAtRisk => "SLA at risk",
        NoticeKind::PromiseBroken => "SLA missed",
        NoticeKind::Credit => "SLA credits",
        NoticeKind::NodeDown => "Node down or back up",
        NoticeKind::Oversold => "Oversold nodes",
        NoticeKind::Payout => "Payouts",
        NoticeKind::Maintenance => "Maintenance",
        NoticeKind::Leaving => "Node leaving the market",
        NoticeKind::Farm => "Ownership and locks",
        NoticeKind::Webhook => "Webhook disabled",
    }
}

/// How many are unread, such as `7` or `99+`; `None` for none.
pub(super) fn unread_words(unread: u32) -> Option<String> {
    match unread {
        0 => None,
        1..=UNREAD_MAX => Some(unread.to_string()),
        _ => Some(format!("{UNREAD_MAX}+")),
    }
}

impl Notices {
    /// A page of notifications: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<Notice>, read_up_to: i64) -> Notices {
        let newest = found.first().map(|notice| notice.event.id);
        let place = |notice: &Notice| notice.event.id.to_string();
        let show = |notice: &Notice| NoticeRow {
            title: notice_title(notice),
            url: notice_path(notice),
            kind: kind_words(notice.kind).to_owned(),
            is_unread: notice.event.id > read_up_to,
            at: moment::to_the_minute(notice.event.at),
        };
        let page = PageOf::new(found, NOTICES_PER_PAGE, place, show);
        Notices {
            frame: visit.frame("Notifications", Section::Notifications),
            read_through: newest.filter(|newest| *newest > read_up_to),
            notices: page.items,
            next_page: visit.next_page("/dashboard/notifications", page.next_cursor),
        }
    }
}

impl NoticeSettings {
    /// What somebody is told in which way.
    pub fn new(visit: &Visit<'_>, choices: &Choices) -> NoticeSettings {
        let row = |kind: NoticeKind| ChoiceRow {
            label: kind_words(kind),
            boxes: Way::ALL.map(|way| WayBox {
                value: format!("{kind}/{}", way.as_str()),
                label: format!("{}: {}", kind_words(kind), way_words(way)),
                way: way_words(way),
                is_chosen: choices.is_on(kind, way),
            }),
        };
        NoticeSettings {
            frame: visit.frame("Notification settings", Section::Notifications),
            rows: NoticeKind::ALL.into_iter().map(row).collect(),
            has_mail: visit.has_mail,
        }
    }
}

fn way_words(way: Way) -> &'static str {
    match way {
        Way::Page => "List",
        Way::Mail => "Email",
        Way::Webhook => "Webhook",
    }
}

/// What the form chooses: every box that is ticked, and nothing else.
pub fn read_choices(form: &Form) -> Choices {
    let mut choices = Choices::default();
    for kind in NoticeKind::ALL {
        for way in Way::ALL {
            let name = format!("{kind}/{}", way.as_str());
            choices.set(kind, way, form.all("on").any(|box_name| box_name == name));
        }
    }
    choices
}

#[cfg(test)]
mod tests {
    use domain::id::{NodeId, SliceId};
    use domain::time::Timestamp;
    use store::events::Event;

    use super::*;

    fn notice(kind: EventKind, side: Side) -> Notice {
        let node = NodeId(32);
        let event = Event {
            id: 7,
            kind,
            node: Some(node),
            slice: Some(SliceId { node, number: 1 }),
            rental: None,
            subject: None,
            at: Timestamp::from_seconds(0),
        };
        Notice { event, kind: kind.notice().unwrap(), side }
    }

    #[test]
    fn every_event_has_words_of_its_own_and_a_page() {
        let mut titles = Vec::new();
        for (kind, _) in EventKind::told() {
            for side in [Side::Renter, Side::Farmer] {
                if !kind.audience().has(side) {
                    continue;
                }
                let notice = notice(kind, side);
                let title = notice_title(&notice);
                assert!(!title.contains(&kind.into_str().replace('-', " ")), "{kind}: {title}");
                assert!(notice_path(&notice).starts_with('/'));
                titles.push(title);
            }
        }
        titles.sort();
        titles.dedup();
        assert_eq!(
            titles.len(),
            EventKind::told().count() + 4,
            "one for each, two where the sides differ"
        );
    }

    #[test]
    fn each_side_is_led_to_its_own_page() {
        let check = |kind, side, path: &str| assert_eq!(notice_path(&notice(kind, side)), path);
        check(EventKind::SliceRented, Side::Farmer, "/dashboard/farm/nodes/node32");
        check(EventKind::MaintenanceDue, Side::Renter, "/marketplace/compute/node32");
        check(EventKind::NodeLost, Side::Farmer, "/dashboard/farm");
        check(EventKind::PayoutDone, Side::Farmer, "/dashboard/farm/payouts");
        check(EventKind::SlaCredited, Side::Farmer, "/dashboard/farm/credits");
    }

    #[test]
    fn a_farmer_reads_how_long_the_node_may_be_down() {
        let title = |subject: &str| {
            let mut notice = notice(EventKind::PromiseAtRisk, Side::Farmer);
            notice.event.subject = Some(subject.to_owned());
            notice_title(&notice)
        };
        assert_eq!(
            title("2026-11: 41 min"),
            "The uptime SLA of node32 is at risk: 41 more minutes of downtime left this month"
        );
        assert_eq!(title("2026-11"), "The uptime SLA of node32 is at risk this month");
    }

    #[test]
    fn many_unread_ones_are_not_counted_to_the_end() {
        let words = |unread| unread_words(unread).unwrap_or_default();
        assert_eq!([words(0), words(1), words(99), words(100)], ["", "1", "99", "99+"]);
    }
}
