//! Notifications, `/dashboard/notifications`, what one is told, `…/settings`, and webhooks.

use askama::Template;
use domain::notice::{Choices, NoticeKind, Way};
use store::notices::Notice;
use ui::event::{notice_path, notice_title};
use ui::moment;
use ui::visit::Visit;
use web::api::PageOf;
use web::form::Form;
use web::page::{Frame, Moment, Section};

/// What `notifications.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "notices/notifications.html")]
pub(crate) struct Notices {
    /// What surrounds the page.
    pub frame: Frame,
    /// The notifications of this page, the newest first.
    pub notices: Vec<NoticeRow>,
    /// Up to which event the button marks them as read; `None` where nothing is unread.
    pub read_through: Option<i64>,
    /// Where the next page is.
    pub next_page: Option<String>,
}

/// A notification.
#[derive(Clone, Debug)]
pub(crate) struct NoticeRow {
    /// What happened.
    pub title: String,
    /// The page that shows more.
    pub url: String,
    /// What it is about, such as `Rented`.
    pub kind: String,
    /// Whether it was not marked as read.
    pub is_unread: bool,
    /// When.
    pub at: Moment,
}

/// What `notification_settings.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "notices/notification_settings.html")]
pub(crate) struct NoticeSettings {
    /// What surrounds the page.
    pub frame: Frame,
    /// A row for each kind.
    pub rows: Vec<ChoiceRow>,
    /// Whether mail can be sent.
    pub has_mail: bool,
}

/// A kind of notification and its boxes.
#[derive(Clone, Debug)]
pub(crate) struct ChoiceRow {
    /// What the kind is called.
    pub label: &'static str,
    /// A box for each way.
    pub boxes: [WayBox; 3],
}

/// A box: whether somebody is told of a kind in a way.
#[derive(Clone, Debug)]
pub(crate) struct WayBox {
    /// `on`: what the form sends where it is ticked.
    pub value: String,
    /// What it is called for those who hear the page.
    pub label: String,
    /// The way, which is the column's head.
    pub way: &'static str,
    /// Whether it is ticked.
    pub is_chosen: bool,
}

/// How many notifications one page shows.
pub(crate) const NOTICES_PER_PAGE: u32 = 30;

/// When it happened, such as `29 July 2026, 12:00 UTC`.
pub(crate) fn notice_time(notice: &Notice) -> String {
    moment::to_the_minute(notice.event.at).text
}

/// What a kind of notification is called, where people choose.
pub(crate) fn kind_words(kind: NoticeKind) -> &'static str {
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

impl Notices {
    /// A page of notifications: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<Notice>, read_up_to: i64) -> Notices {
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
    pub(crate) fn new(visit: &Visit<'_>, choices: &Choices) -> NoticeSettings {
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
pub(crate) fn read_choices(form: &Form) -> Choices {
    let mut choices = Choices::default();
    for kind in NoticeKind::ALL {
        for way in Way::ALL {
            let name = format!("{kind}/{}", way.as_str());
            choices.set(kind, way, form.all("on").any(|box_name| box_name == name));
        }
    }
    choices
}
