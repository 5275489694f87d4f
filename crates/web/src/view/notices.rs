//! Fills the pages of notifications; the words of each kind of event are here.

use domain::notice::{Choices, NoticeKind, Side, Way};
use store::notices::{Notice, UNREAD_MAX};

use crate::api::PageOf;
use crate::form::Form;
use crate::page::{ChoiceRow, NoticeRow, NoticeSettings, Notices, Section, WayBox};
use crate::view::moment;
use crate::view::visit::Visit;
use crate::view::wording::counted;

/// How many notifications one page shows.
pub const NOTICES_PER_PAGE: u32 = 30;

/// What a notice says, in a clause without a period.
pub fn notice_title(notice: &Notice) -> String {
    let event = &notice.event;
    let node = event.node.map_or("a node".to_owned(), |node| node.to_string());
    let place = event.slice.map_or(node.clone(), |slice| slice.to_string());
    let is_renter = notice.side == Side::Renter;
    match event.kind.as_str() {
        "slice-rented" if is_renter => format!("You rented {place}"),
        "node-rented" if is_renter => format!("You rented the whole node {node}"),
        "slice-rented" => format!("{place} was rented"),
        "node-rented" => format!("{node} was rented as a whole node"),
        "rental-ended" => format!("The rental of {place} ended"),
        "rental-extended" => format!("The rental of {place} was extended"),
        "rental-renewed" => format!("The rental of {place} was auto-renewed"),
        "access-ready" if is_renter => format!("Your slice {place} is ready"),
        "access-ready" => format!("The machine on {place} is ready"),
        "access-failed" => format!("Setup of the machine on {place} failed"),
        "access-late" => format!("Setup of the machine on {place} is overdue"),
        "rental-refunded" => {
            format!("The rental of {place} was refunded in full because it had no access")
        }
        "removal-late" => format!("Removal of the ended rental on {place} is overdue"),
        "slice-removed" => format!("The ended rental on {place} was removed"),
        "price-suggested" => format!("A different price for {node} may earn more"),
        "promise-at-risk" => at_risk(&node, event.subject.as_deref()),
        "promise-broken" => format!("{node} misses its uptime SLA this month"),
        "sla-credited" if is_renter => {
            format!("You received an SLA credit for {place}, {}", month_and_amount(notice))
        }
        "sla-credited" => {
            format!("The renter of {place} received an SLA credit, {}", month_and_amount(notice))
        }
        "sla-disputed" => {
            format!("The SLA result of {place} is disputed")
        }
        "sla-decided" => {
            format!("The SLA dispute about {place} was decided, {}", month_and_amount(notice))
        }
        "node-down" => format!("{node} is down"),
        "node-back" => format!("{node} is back up"),
        "node-oversold" => format!("{node} is oversold"),
        "node-fits" => format!("{node} is no longer oversold"),
        "payout-requested" => "A payout was requested".to_owned(),
        "payout-approved" => "A payout was approved".to_owned(),
        "payout-sent" => "A payout was sent".to_owned(),
        "payout-done" => "A payout was completed".to_owned(),
        "payout-failed" => "A payout did not go through".to_owned(),
        "maintenance-announced" => format!("Maintenance of {node} was scheduled"),
        "maintenance-cancelled" => format!("Maintenance of {node} was cancelled"),
        "maintenance-due" => format!("Maintenance of {node} starts soon"),
        "node-leaving" => format!("{node} is leaving the market"),
        "node-stays" => format!("{node} stays on the market"),
        "node-left" => format!("{node} left the market"),
        "rental-moved-out" => format!("The rental of {place} moved to another slice"),
        "rental-moved-in" => format!("A rental moved to {place}"),
        "farm-proven" => "Your ownership of a farm was verified".to_owned(),
        "farm-lost" => "Another account verified ownership of your farm".to_owned(),
        "farm-revoked" => "The operator revoked your ownership of a farm".to_owned(),
        "node-claimed" => format!("Another account verified ownership of the farm of {node}"),
        "farm-moved" => "A farm changed owners on the grid".to_owned(),
        "node-moved" => format!("{node} moved to another farm on the grid"),
        "node-taken-over" => format!("{node} was taken over"),
        "node-lost" => format!("{node} no longer belongs to you"),
        "node-locked" => format!("The offer of {node} was locked"),
        "node-unlocked" => format!("The offer of {node} was unlocked"),
        "webhook-disabled" => "A webhook was disabled because deliveries failed".to_owned(),
        // An event of a newer version, which this one has no words for.
        other => format!("{place}: {}", other.replace('-', " ")),
    }
}

/// Such as `The uptime SLA of node32 is at risk: 41 more minutes of downtime left this month`.
/// Before there was a number, it was the month alone.
fn at_risk(node: &str, subject: Option<&str>) -> String {
    let minutes = subject.and_then(|subject| subject.split_once(": "));
    let minutes = minutes.and_then(|(_, rest)| rest.strip_suffix(" min")?.parse::<i64>().ok());
    minutes.map_or_else(
        || format!("The uptime SLA of {node} is at risk this month"),
        |minutes| {
            let minutes = counted(minutes, "more minute");
            format!("The uptime SLA of {node} is at risk: {minutes} of downtime left this month")
        },
    )
}

/// Such as `2026-11: $2.50`, as the event says it.
fn month_and_amount(notice: &Notice) -> &str {
    notice.event.subject.as_deref().unwrap_or("a month")
}

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
        (Side::Farmer, _, Some(node)) if event.kind != "node-lost" => {
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
        Way::Mail => "E-mail",
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
    use domain::notice::EVENTS;
    use domain::time::Timestamp;
    use store::events::Event;

    use super::*;

    fn notice(kind: &str, side: Side) -> Notice {
        let node = NodeId(32);
        let event = Event {
            id: 7,
            kind: kind.to_owned(),
            node: Some(node),
            slice: Some(SliceId { node, number: 1 }),
            rental: None,
            subject: None,
            at: Timestamp::from_seconds(0),
        };
        Notice { event, kind: NoticeKind::of_event(kind).unwrap(), side }
    }

    #[test]
    fn every_event_has_words_of_its_own_and_a_page() {
        let mut titles = Vec::new();
        for (kind, _) in EVENTS {
            for side in [Side::Renter, Side::Farmer] {
                let notice = notice(kind, side);
                let title = notice_title(&notice);
                assert!(!title.contains(&kind.replace('-', " ")), "{kind} has no words: {title}");
                assert!(notice_path(&notice).starts_with('/'));
                titles.push(title);
            }
        }
        titles.sort();
        titles.dedup();
        assert_eq!(titles.len(), EVENTS.len() + 4, "one for each, two where the sides differ");
    }

    #[test]
    fn each_side_is_led_to_its_own_page() {
        let check = |kind, side, path: &str| assert_eq!(notice_path(&notice(kind, side)), path);
        check("slice-rented", Side::Farmer, "/dashboard/farm/nodes/node32");
        check("maintenance-due", Side::Renter, "/marketplace/compute/node32");
        check("node-lost", Side::Farmer, "/dashboard/farm");
        check("payout-done", Side::Farmer, "/dashboard/farm/payouts");
        check("sla-credited", Side::Farmer, "/dashboard/farm/credits");
    }

    #[test]
    fn a_farmer_reads_how_long_the_node_may_be_down() {
        let title = |subject: &str| {
            let mut notice = notice("promise-at-risk", Side::Farmer);
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
