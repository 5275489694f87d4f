//! Notifications, `/dashboard/notifications`, what one is told, `…/settings`, and webhooks.

use askama::Template;
use domain::event::EventKind;
use domain::notification::{Channel, NotificationCategory, NotificationSettings, Side};
use serde::Deserialize;
use store::notifications::Notice;
use strum::VariantArray;
use ui::event::{notification_path, notification_title};
use ui::moment;
use ui::visit::Visit;
use web::api::PageOf;
use web::page::{Frame, Moment, Section};

/// What `notifications.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "notifications/notifications.html")]
pub(crate) struct Notices {
    /// What surrounds the page.
    pub frame: Frame,
    /// The notifications of this page, the newest first.
    pub notifications: Vec<NoticeRow>,
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
#[template(path = "notifications/notification_settings.html")]
pub(crate) struct NoticeSettings {
    /// What surrounds the page.
    pub frame: Frame,
    /// The ways, which are the columns' heads.
    pub channels: Vec<&'static str>,
    /// A row for each kind that can reach who looks.
    pub rows: Vec<ChoiceRow>,
    /// Whether mail can be sent.
    pub has_mail: bool,
    /// Whether the account has webhooks.
    pub has_webhooks: bool,
}

/// A kind of notification and its boxes.
#[derive(Clone, Debug)]
pub(crate) struct ChoiceRow {
    /// What the kind is called.
    pub label: &'static str,
    /// A box for each way, where a notification of the kind can come that way.
    pub boxes: Vec<Option<ChannelBox>>,
}

/// A box: whether somebody is notified of a kind in a way.
#[derive(Clone, Debug)]
pub(crate) struct ChannelBox {
    /// `on`: what the form sends where it is ticked.
    pub value: String,
    /// What it is called for those who hear the page.
    pub label: String,
    /// The way, which is the column's head.
    pub channel: &'static str,
    /// Whether it is ticked.
    pub is_chosen: bool,
}

/// What somebody can be notified of, and how.
pub(crate) struct Reach {
    /// Which side of events the account is on at least: a farmer may rent, too.
    pub side: Side,
    /// Whether mail can be sent.
    pub has_mail: bool,
    /// Whether the account has webhooks.
    pub has_webhooks: bool,
}

impl Reach {
    fn channels(&self) -> impl Iterator<Item = Channel> {
        Channel::VARIANTS.iter().copied().filter(|channel| match channel {
            Channel::Page => true,
            Channel::Mail => self.has_mail,
            Channel::Webhook => self.has_webhooks,
        })
    }

    fn has(&self, kind: NotificationCategory, channel: Channel) -> bool {
        EventKind::can_notify(kind, self.side, channel)
    }

    /// The kinds that can reach the account at all.
    fn kinds(&self) -> impl Iterator<Item = NotificationCategory> {
        let all = NotificationCategory::VARIANTS.iter().copied();
        all.filter(|kind| self.has(*kind, Channel::Page))
    }
}

/// How many notifications one page shows.
pub(crate) const NOTICES_PER_PAGE: u32 = 30;

/// When it happened, such as `29 July 2026, 12:00 UTC`.
pub(crate) fn notification_time(notice: &Notice) -> String {
    moment::to_the_minute(notice.event.at).text
}

/// What a kind of notification is called, where people choose.
pub(crate) fn kind_words(kind: NotificationCategory) -> &'static str {
    match kind {
        NotificationCategory::Rented => "Rented",
        NotificationCategory::Released => "Rental ended",
        NotificationCategory::Extended => "Rental extended",
        NotificationCategory::Access => "Machine access",
        NotificationCategory::Removal => "Machine removal",
        NotificationCategory::Machine => "Machine down or back up, disk almost full",
        NotificationCategory::SavedSearch => "Saved searches",
        NotificationCategory::Waitlist => "Waitlists",
        NotificationCategory::PriceSuggestion => "Price suggestions",
        NotificationCategory::SlaAtRisk => "SLA at risk",
        NotificationCategory::SlaMissed => "SLA missed",
        NotificationCategory::Credit => "SLA credits",
        NotificationCategory::Payment => "Card payments refunded or disputed",
        NotificationCategory::NodeDown => "Node down or back up",
        NotificationCategory::Oversold => "Oversold nodes",
        NotificationCategory::Payout => "Payouts",
        NotificationCategory::Maintenance => "Maintenance",
        NotificationCategory::Leaving => "Node leaving the market",
        NotificationCategory::Farm => "Ownership and locks",
        NotificationCategory::Webhook => "Webhook disabled",
        NotificationCategory::AgentToken => "Agent token expires soon",
    }
}

impl Notices {
    /// A page of notifications: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<Notice>, read_up_to: i64) -> Notices {
        let newest = found.first().map(|notice| notice.event.id);
        let place = |notice: &Notice| notice.event.id.to_string();
        let show = |notice: &Notice| NoticeRow {
            title: notification_title(notice),
            url: notification_path(notice),
            kind: kind_words(notice.kind).to_owned(),
            is_unread: notice.event.id > read_up_to,
            at: moment::to_the_minute(notice.event.at),
        };
        let page = PageOf::new(visit.search, found, NOTICES_PER_PAGE, place, show);
        Notices {
            frame: visit.frame("Notifications", Section::Notifications),
            read_through: newest.filter(|newest| *newest > read_up_to),
            notifications: page.items,
            next_page: visit.next_page("/dashboard/notifications", page.next_cursor),
        }
    }
}

impl NoticeSettings {
    /// Which notifications somebody gets through which channel.
    pub(crate) fn new(
        visit: &Visit<'_>,
        settings: &NotificationSettings,
        reach: &Reach,
    ) -> NoticeSettings {
        let choice = |kind: NotificationCategory, channel: Channel| ChannelBox {
            value: format!("{kind}/{}", channel.into_str()),
            label: format!("{}: {}", kind_words(kind), channel_name(channel)),
            channel: channel_name(channel),
            is_chosen: settings.is_on(kind, channel),
        };
        let row = |kind: NotificationCategory| ChoiceRow {
            label: kind_words(kind),
            boxes: reach
                .channels()
                .map(|channel| reach.has(kind, channel).then(|| choice(kind, channel)))
                .collect(),
        };
        NoticeSettings {
            frame: visit.frame("Notification settings", Section::Settings),
            channels: reach.channels().map(channel_name).collect(),
            rows: reach.kinds().map(row).collect(),
            has_mail: reach.has_mail,
            has_webhooks: reach.has_webhooks,
        }
    }
}

fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Page => "List",
        Channel::Mail => "Email",
        Channel::Webhook => "Webhook",
    }
}

/// The form of the notification settings.
#[derive(Deserialize)]
pub(crate) struct ChannelsForm {
    /// Every box that is ticked, such as `rental/mail`.
    #[serde(default)]
    on: Vec<String>,
}

impl ChannelsForm {
    /// What is chosen: of the boxes that were shown those that are ticked, and else what was chosen
    /// before.
    pub(crate) fn apply(
        &self,
        mut settings: NotificationSettings,
        reach: &Reach,
    ) -> NotificationSettings {
        for kind in reach.kinds() {
            for channel in reach.channels().filter(|channel| reach.has(kind, *channel)) {
                let name = format!("{kind}/{}", channel.into_str());
                settings.set(kind, channel, self.on.contains(&name));
            }
        }
        settings
    }
}
