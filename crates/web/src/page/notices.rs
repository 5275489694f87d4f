//! Notifications, `/dashboard/notifications`, what one is told, `…/settings`, and webhooks.

use super::{Badge, Field, Frame, Moment};
use askama::Template;

/// What `notifications.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "notifications.html")]
pub struct Notices {
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
pub struct NoticeRow {
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
#[template(path = "notification_settings.html")]
pub struct NoticeSettings {
    /// What surrounds the page.
    pub frame: Frame,
    /// A row for each kind.
    pub rows: Vec<ChoiceRow>,
    /// Whether mail can be sent.
    pub has_mail: bool,
}

/// A kind of notification and its boxes.
#[derive(Clone, Debug)]
pub struct ChoiceRow {
    /// What the kind is called.
    pub label: &'static str,
    /// A box for each way.
    pub boxes: [WayBox; 3],
}

/// A box: whether somebody is told of a kind in a way.
#[derive(Clone, Debug)]
pub struct WayBox {
    /// `on`: what the form sends where it is ticked.
    pub value: String,
    /// What it is called for those who hear the page.
    pub label: String,
    /// The way, which is the column's head.
    pub way: &'static str,
    /// Whether it is ticked.
    pub is_chosen: bool,
}

/// What `webhooks.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "webhooks.html")]
pub struct Webhooks {
    /// What surrounds the page.
    pub frame: Frame,
    /// The webhooks.
    pub webhooks: Vec<WebhookRow>,
    /// Whether another one can be added.
    pub has_room: bool,
    /// `url`: where the new one is.
    pub url: Field,
    /// Why none was added, when it is not about the field.
    pub error: Option<String>,
}

/// A webhook in the list.
#[derive(Clone, Debug)]
pub struct WebhookRow {
    /// Its page.
    pub page_url: String,
    /// Where messages are posted to.
    pub url: String,
    /// How it does.
    pub state: Badge,
    /// When it was added.
    pub since: Moment,
}

/// What `webhook.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "webhook.html")]
pub struct WebhookPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The webhook.
    pub webhook: WebhookRow,
    /// Since when nothing has got through, while it does not.
    pub failing_since: Option<Moment>,
    /// Whether it was disabled.
    pub is_disabled: bool,
    /// Its messages, the newest first.
    pub deliveries: Vec<DeliveryRow>,
    /// Where the next page is.
    pub next_page: Option<String>,
}

/// A message to a webhook.
#[derive(Clone, Debug)]
pub struct DeliveryRow {
    /// What it tells, such as `slice-rented`.
    pub kind: String,
    /// Its id, which is sent as `webhook-id`.
    pub id: String,
    /// How far it has come.
    pub state: Badge,
    /// The attempts and what came of the last one, in words.
    pub outcome: String,
    /// The body that is posted.
    pub body: String,
    /// When it was made.
    pub at: Moment,
    /// Where the button posts that sends it once more; `None` while it waits.
    pub replay_url: Option<String>,
}

/// What `webhook_secret.html` shows, once.
#[derive(Clone, Debug, Template)]
#[template(path = "webhook_secret.html")]
pub struct WebhookSecret {
    /// What surrounds the page.
    pub frame: Frame,
    /// The webhook.
    pub webhook: WebhookRow,
    /// What its messages are signed with.
    pub secret: String,
    /// Whether the secret before it goes on signing for a day.
    pub has_old: bool,
}
