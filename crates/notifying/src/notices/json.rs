//! Notifications, and in which ways somebody is told.

use domain::account::Scope;
use domain::field::FieldError;
use domain::notice::{Choices, NoticeKind, Way};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::notices::Notice;
use ui::event::{notice_path, notice_title};
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

/// `GET /api/notifications/choices`
pub(crate) const SHOW_CHOICES: Operation = Operation {
    id: "showNotificationChoices",
    group: GROUP,
    path: "/api/notifications/choices",
    summary: "Returns your notification settings.",
    access: Access::Account(Scope::Read),
    about_answer: "All kinds of notifications and the channels enabled for each.",
    answer: Some(schema_of::<ChoicesView>),
    ..Operation::READ
};

/// `PUT /api/notifications/choices`
pub(crate) const SET_CHOICES: Operation = Operation {
    id: "setNotificationChoices",
    group: GROUP,
    method: Method::PUT,
    path: "/api/notifications/choices",
    summary: "Changes your notification settings. Omitted kinds stay unchanged.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<ChoicesBody>),
    about_answer: "All kinds with their new settings.",
    answer: Some(schema_of::<ChoicesView>),
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
    /// A page out of one more than it holds, for an account that has read up to an event.
    pub(crate) fn new(
        found: Vec<Notice>,
        limit: u32,
        read_up_to: i64,
        unread: u32,
    ) -> NotificationsView {
        let place = |notice: &Notice| notice.event.id.to_string();
        let show = |notice: &Notice| NotificationView::new(notice, read_up_to);
        let page = PageOf::new(found, limit, place, show);
        NotificationsView { items: page.items, next_cursor: page.next_cursor, unread }
    }
}

/// A notification.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NotificationView {
    /// The number of its event. Later ones have higher numbers.
    pub id: i64,
    /// What it is about, such as `rented`. There will be more: ignore those that you do not know.
    pub notice: String,
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
    fn new(notice: &Notice, read_up_to: i64) -> NotificationView {
        let event = &notice.event;
        NotificationView {
            id: event.id,
            notice: notice.kind.to_string(),
            kind: event.kind.into_str(),
            title: notice_title(notice),
            path: notice_path(notice),
            rental_id: event.rental.map(|id| id.to_string()),
            node_id: event.node.map(|id| id.to_string()),
            slice_id: event.slice.map(|id| id.to_string()),
            subject: event.subject.clone(),
            is_read: event.id <= read_up_to,
            at: event.at.to_string(),
        }
    }
}

/// Up to which notification everything is read.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadBody {
    /// The `id` of a notification: it and all before it are read.
    #[schemars(range(min = 0, max = 9_007_199_254_740_991_i64))]
    #[serde(deserialize_with = "web::json::whole")]
    pub through: i64,
}

impl ReadBody {
    /// Reads the number.
    pub(crate) fn read(&self) -> Result<i64, FieldError> {
        let wrong = || FieldError::new("through", "the id of a notification");
        Some(self.through).filter(|through| *through >= 0).ok_or_else(wrong)
    }
}

/// How many notifications are unread.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UnreadView {
    /// How many you have not read; 100 stands for more than 99.
    pub unread: u32,
}

/// What somebody is told in which way.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ChoicesView {
    /// Every kind of notification.
    pub choices: Vec<ChoiceView>,
}

impl ChoicesView {
    /// Shows what is chosen.
    pub(crate) fn new(choices: &Choices) -> ChoicesView {
        let show = |kind: NoticeKind| ChoiceView {
            notice: kind.to_string(),
            page: choices.is_on(kind, Way::Page),
            mail: choices.is_on(kind, Way::Mail),
            webhook: choices.is_on(kind, Way::Webhook),
        };
        ChoicesView { choices: NoticeKind::ALL.into_iter().map(show).collect() }
    }
}

/// A kind of notification, and in which ways somebody is told of it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ChoiceView {
    /// The kind.
    pub notice: String,
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
pub(crate) struct ChoicesBody {
    /// Kinds of notifications; those that are left out stay as they are.
    #[schemars(length(max = 100))]
    pub choices: Vec<ChoiceBody>,
}

impl ChoicesBody {
    /// What is chosen after this, of what was before.
    pub(crate) fn apply(&self, mut choices: Choices) -> Result<Choices, FieldError> {
        const CHOICES_MAX: usize = 100;
        if self.choices.len() > CHOICES_MAX {
            return Err(FieldError::new("choices", "at most 100 kinds"));
        }
        for choice in &self.choices {
            let Some(kind) = NoticeKind::parse(&choice.notice) else {
                return Err(FieldError::new("choices", "kinds of notifications only"));
            };
            for (way, is_on) in
                [(Way::Page, choice.page), (Way::Mail, choice.mail), (Way::Webhook, choice.webhook)]
            {
                choices.set(kind, way, is_on.unwrap_or(choices.is_on(kind, way)));
            }
        }
        Ok(choices)
    }
}

/// In which ways somebody wants to be told of a kind.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChoiceBody {
    /// The kind.
    #[schemars(schema_with = "kinds")]
    pub notice: String,
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
    schemars::json_schema!({ "type": "string", "enum": NoticeKind::ALL.map(NoticeKind::as_str) })
}
