//! Notifications, and through which channels somebody is notified.

use domain::account::Scope;
use domain::field::FieldError;
use domain::notification::{Channel, NotificationCategory, NotificationSettings};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::notifications::Notice;
use strum::VariantArray;
use ui::event::{notification_path, notification_title};
use web::api::{PAGING, PageOf};
use web::operation::{Access, Operation, schema_of};

pub(crate) const GROUP: &str = "Notifications";

/// `GET /api/notifications`
pub(crate) const LIST_NOTIFICATIONS: Operation = Operation {
    id: "listNotifications",
    group: GROUP,
    path: "/api/notifications",
    summary: "Lists your notifications, newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of notifications and the number of unread ones. GET /api/events returns \
                   all events.",
    answer: Some(schema_of::<NotificationsView>),
    ..Operation::READ
};

/// `POST /api/notifications/read`
pub(crate) const READ_NOTIFICATIONS: Operation = Operation {
    id: "readNotifications",
    group: GROUP,
    method: Method::POST,
    path: "/api/notifications/read",
    summary: "Marks all notifications up to the given one as read.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<ReadBody>),
    about_answer: "The number of unread notifications.",
    answer: Some(schema_of::<UnreadView>),
    ..Operation::READ
};

/// `GET /api/notifications/settings`
pub(crate) const SHOW_CHOICES: Operation = Operation {
    id: "showNotificationSettings",
    group: GROUP,
    path: "/api/notifications/settings",
    summary: "Returns your notification settings.",
    access: Access::Account(Scope::Read),
    about_answer: "All kinds of notifications and the channels enabled for each.",
    answer: Some(schema_of::<NotificationSettingsView>),
    ..Operation::READ
};

/// `PUT /api/notifications/settings`
pub(crate) const SET_CHOICES: Operation = Operation {
    id: "setNotificationSettings",
    group: GROUP,
    method: Method::PUT,
    path: "/api/notifications/settings",
    summary: "Changes your notification settings. Omitted kinds stay unchanged.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<NotificationSettingsBody>),
    about_answer: "All kinds with their new settings.",
    answer: Some(schema_of::<NotificationSettingsView>),
    ..Operation::READ
};

/// A page of notifications.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NotificationsView {
    /// The notifications, the newest first.
    pub items: Vec<NotificationView>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
    /// How many you have not read; 100 stands for more than 99.
    pub unread: u32,
}

impl NotificationsView {
    /// A page, for an account that has so many unread.
    pub(crate) fn new(page: PageOf<NotificationView>, unread: u32) -> NotificationsView {
        NotificationsView { items: page.items, next_cursor: page.next_cursor, unread }
    }
}

/// A notification.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NotificationView {
    /// The number of its event. Later ones have higher numbers.
    pub id: i64,
    /// What it is about, such as `rented`. There will be more: ignore those that you do not know.
    pub category: String,
    /// What happened, such as `slice-rented`.
    pub kind: &'static str,
    /// What happened, in words.
    pub title: String,
    /// The page that shows more.
    pub path: String,
    /// Your rental that it happened to; null where it was none of yours.
    pub rental_id: Option<String>,
    /// The node that it happened to.
    pub node_id: Option<String>,
    /// The slice that it happened to.
    pub slice_id: Option<String>,
    /// What else it is about, such as the id of a payout or of a webhook.
    pub subject: Option<String>,
    /// Whether you have marked it as read.
    pub is_read: bool,
    /// When (RFC 3339).
    pub at: String,
}

impl NotificationView {
    pub(crate) fn new(notice: &Notice, read_up_to: i64) -> NotificationView {
        let event = &notice.event;
        NotificationView {
            id: event.id,
            category: notice.kind.to_string(),
            kind: event.kind.into_str(),
            title: notification_title(notice),
            path: notification_path(notice),
            rental_id: event.rental.map(|id| id.to_string()),
            node_id: event.node.map(|id| id.to_string()),
            slice_id: event.slice.map(|id| id.to_string()),
            subject: event.subject.clone(),
            is_read: event.id <= read_up_to,
            at: event.at.to_string(),
        }
    }
}

/// The largest id that is exact in every client.
const ID_MAX: i64 = 9_007_199_254_740_991;

/// Up to which notification everything is read.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadBody {
    /// The `id` of a notification: it and all before it are read.
    #[schemars(range(min = 0, max = ID_MAX))]
    #[serde(deserialize_with = "web::json::whole")]
    pub through: i64,
}

impl ReadBody {
    /// Reads the number.
    pub(crate) fn read(&self) -> Result<i64, FieldError> {
        let wrong = || FieldError::new("through", "the id of a notification");
        Some(self.through).filter(|through| (0..=ID_MAX).contains(through)).ok_or_else(wrong)
    }
}

/// How many notifications are unread.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UnreadView {
    /// How many you have not read; 100 stands for more than 99.
    pub unread: u32,
}

/// Which notifications somebody gets through which channel.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NotificationSettingsView {
    /// Every kind of notification.
    pub settings: Vec<NotificationSettingView>,
}

impl NotificationSettingsView {
    /// Shows what is chosen.
    pub(crate) fn new(settings: &NotificationSettings) -> NotificationSettingsView {
        let show = |kind: NotificationCategory| NotificationSettingView {
            category: kind.to_string(),
            page: settings.is_on(kind, Channel::Page),
            mail: settings.is_on(kind, Channel::Mail),
            webhook: settings.is_on(kind, Channel::Webhook),
        };
        NotificationSettingsView {
            settings: NotificationCategory::VARIANTS.iter().copied().map(show).collect(),
        }
    }
}

/// A kind of notification, and through which channels somebody is notified of it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NotificationSettingView {
    /// The kind.
    pub category: String,
    /// Whether it is in the list of notifications.
    pub page: bool,
    /// Whether it comes by mail.
    pub mail: bool,
    /// Whether it is posted to your webhooks.
    pub webhook: bool,
}

/// What somebody chooses.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationSettingsBody {
    /// Kinds of notifications; those that are left out stay as they are.
    #[schemars(length(max = 100))]
    pub settings: Vec<NotificationSettingBody>,
}

impl NotificationSettingsBody {
    /// What is chosen after this, of what was before.
    pub(crate) fn apply(
        &self,
        mut settings: NotificationSettings,
    ) -> Result<NotificationSettings, FieldError> {
        const SETTINGS_MAX: usize = 100;
        if self.settings.len() > SETTINGS_MAX {
            return Err(FieldError::new("settings", "at most 100 settings"));
        }
        for choice in &self.settings {
            let Ok(kind) = choice.category.parse() else {
                return Err(FieldError::new("settings", "categories of notifications only"));
            };
            for (channel, is_on) in [
                (Channel::Page, choice.page),
                (Channel::Mail, choice.mail),
                (Channel::Webhook, choice.webhook),
            ] {
                settings.set(kind, channel, is_on.unwrap_or(settings.is_on(kind, channel)));
            }
        }
        Ok(settings)
    }
}

/// The channels that are on for a category of notifications.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NotificationSettingBody {
    /// The kind.
    #[schemars(schema_with = "kinds")]
    pub category: String,
    /// Whether it is in the list of notifications; stays if it is left out.
    #[serde(default)]
    pub page: Option<bool>,
    /// Whether it comes by mail; stays if it is left out.
    #[serde(default)]
    pub mail: Option<bool>,
    /// Whether it is posted to your webhooks; stays if it is left out.
    #[serde(default)]
    pub webhook: Option<bool>,
}

/// The schema of a kind of notification.
fn kinds(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names: Vec<&str> =
        NotificationCategory::VARIANTS.iter().map(NotificationCategory::into_str).collect();
    schemars::json_schema!({ "type": "string", "enum": names })
}
