//! Webhooks of an account, and the messages to them.

use domain::account::Scope;
use domain::id::{DeliveryId, WebhookId};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::webhooks::{Delivery, DeliveryState, Webhook};
use web::api::{PAGING, PageOf};
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

use crate::message::Secret;
use crate::notifications::json::GROUP;

/// `GET /api/notifications/webhooks`
pub(crate) const LIST_WEBHOOKS: Operation = Operation {
    id: "listWebhooks",
    group: GROUP,
    path: "/api/notifications/webhooks",
    summary: "Lists your webhooks.",
    access: Access::Account(Scope::Read),
    about_answer: "All of your webhooks, at most five.",
    answer: Some(schema_of::<WebhooksView>),
    ..Operation::READ
};

/// `POST /api/notifications/webhooks`
pub(crate) const ADD_WEBHOOK: Operation = Operation {
    id: "addWebhook",
    group: GROUP,
    method: Method::POST,
    path: "/api/notifications/webhooks",
    summary: "Adds a webhook that receives your notifications, signed according to Standard \
              Webhooks.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<WebhookBody>),
    status: 201,
    about_answer: "The webhook with its secret, which is returned only once.",
    answer: Some(schema_of::<WebhookWithSecret>),
    problems: &[Kind::TooManyWebhooks, Kind::NoEncryptionKeys],
    ..Operation::READ
};

/// `DELETE /api/notifications/webhooks/{webhook}`
pub(crate) const REMOVE_WEBHOOK: Operation = Operation {
    id: "removeWebhook",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/notifications/webhooks/{webhook}",
    summary: "Removes a webhook and its delivery log.",
    access: Access::Account(Scope::Farm),
    status: 204,
    about_answer: "The webhook was removed.",
    ..Operation::READ
};

/// `POST /api/notifications/webhooks/{webhook}/secret`
pub(crate) const ROTATE_SECRET: Operation = Operation {
    id: "rotateWebhookSecret",
    group: GROUP,
    method: Method::POST,
    path: "/api/notifications/webhooks/{webhook}/secret",
    summary: "Rotates the secret. For 24 hours, messages are also signed with the old secret.",
    access: Access::Account(Scope::Farm),
    about_answer: "The webhook with its new secret, which is returned only once.",
    answer: Some(schema_of::<WebhookWithSecret>),
    problems: &[Kind::NoEncryptionKeys],
    ..Operation::READ
};

/// `POST /api/notifications/webhooks/{webhook}/test`
pub(crate) const TEST_WEBHOOK: Operation = Operation {
    id: "testWebhook",
    group: GROUP,
    method: Method::POST,
    path: "/api/notifications/webhooks/{webhook}/test",
    summary: "Sends one test message within seconds. If it is delivered to a disabled webhook, \
              the webhook is enabled again.",
    access: Access::Account(Scope::Farm),
    status: 201,
    about_answer: "The queued message.",
    answer: Some(schema_of::<DeliveryView>),
    ..Operation::READ
};

/// `GET /api/notifications/webhooks/{webhook}/deliveries`
pub(crate) const LIST_DELIVERIES: Operation = Operation {
    id: "listWebhookDeliveries",
    group: GROUP,
    path: "/api/notifications/webhooks/{webhook}/deliveries",
    summary: "Lists the messages to a webhook, newest first. They are kept for 30 days.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of messages.",
    answer: Some(schema_of::<PageOf<DeliveryView>>),
    ..Operation::READ
};

/// `POST /api/notifications/webhooks/{webhook}/deliveries/{delivery}/replay`
pub(crate) const REPLAY_DELIVERY: Operation = Operation {
    id: "replayWebhookDelivery",
    group: GROUP,
    method: Method::POST,
    path: "/api/notifications/webhooks/{webhook}/deliveries/{delivery}/replay",
    summary: "Resends a message within seconds, with the same webhook-id.",
    access: Access::Account(Scope::Farm),
    status: 204,
    about_answer: "The message was queued.",
    ..Operation::READ
};

/// Where a webhook is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookBody {
    /// A URL that begins with https:// and names a host on the internet.
    #[schemars(length(min = 1, max = 500))]
    pub url: String,
}

/// The webhooks of an account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WebhooksView {
    /// All of them.
    pub items: Vec<WebhookView>,
}

impl WebhooksView {
    /// Shows webhooks.
    pub(crate) fn new(webhooks: &[Webhook]) -> WebhooksView {
        WebhooksView { items: webhooks.iter().map(WebhookView::new).collect() }
    }
}

/// A webhook.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WebhookView {
    /// Its id.
    pub id: String,
    /// Where messages are posted to.
    pub url: String,
    /// When it was added (RFC 3339).
    pub created_at: String,
    /// Since when nothing has got through (RFC 3339); null while it does.
    pub failing_since: Option<String>,
    /// When it was disabled (RFC 3339): it was gone, or had failed for five days. Null if it was
    /// not.
    pub disabled_at: Option<String>,
}

impl WebhookView {
    /// Shows a webhook.
    pub(crate) fn new(webhook: &Webhook) -> WebhookView {
        WebhookView {
            id: webhook.id.to_string(),
            url: webhook.url.clone(),
            created_at: webhook.created_at.to_string(),
            failing_since: webhook.failing_since.map(|at| at.to_string()),
            disabled_at: webhook.disabled_at.map(|at| at.to_string()),
        }
    }
}

/// A webhook, and what its messages are signed with.
#[derive(Serialize, JsonSchema)]
pub(crate) struct WebhookWithSecret {
    /// The webhook.
    #[serde(flatten)]
    pub webhook: WebhookView,
    /// What messages are signed with: `whsec_` and 32 bytes in base64. Nobody can show it again.
    pub secret: String,
}

impl WebhookWithSecret {
    /// Shows a webhook whose secret was just made.
    pub(crate) fn new(webhook: &Webhook, secret: &Secret) -> WebhookWithSecret {
        WebhookWithSecret { webhook: WebhookView::new(webhook), secret: secret.text() }
    }
}

/// A message to a webhook.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DeliveryView {
    /// Its id, which is sent as `webhook-id`; the same through all attempts.
    pub id: String,
    /// The event that it is about; null for a test.
    pub event_id: Option<i64>,
    /// Its type, such as `slice-rented` or `test`.
    pub kind: String,
    /// `waiting`, `sent` or `failed`.
    pub state: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it is tried next (RFC 3339), while it waits.
    pub next_attempt_at: Option<String>,
    /// The status that the last attempt was answered with.
    pub last_status: Option<u32>,
    /// Why the last attempt failed.
    pub last_error: Option<String>,
    /// The body that is posted, word for word.
    pub body: String,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// When it was sent or given up (RFC 3339).
    pub finished_at: Option<String>,
}

impl DeliveryView {
    /// Shows a message.
    pub(crate) fn new(delivery: &Delivery) -> DeliveryView {
        let is_waiting = delivery.state == DeliveryState::Waiting;
        DeliveryView {
            id: delivery.id.to_string(),
            event_id: delivery.event,
            kind: delivery.kind.clone(),
            state: delivery.state.into_str().to_owned(),
            attempts: delivery.attempts,
            next_attempt_at: is_waiting.then(|| delivery.due_at.to_string()),
            last_status: delivery.last_status.map(u32::from),
            last_error: delivery.last_error.clone(),
            body: delivery.body.clone(),
            created_at: delivery.created_at.to_string(),
            finished_at: delivery.finished_at.map(|at| at.to_string()),
        }
    }
}

/// A webhook's id in a path; what is not one does not exist.
pub(crate) fn webhook_id(text: &str) -> Result<WebhookId, Problem> {
    WebhookId::parse(text).ok_or_else(Problem::not_found)
}

/// A message's id in a path; what is not one does not exist.
pub(crate) fn delivery_id(text: &str) -> Result<DeliveryId, Problem> {
    DeliveryId::parse(text).ok_or_else(Problem::not_found)
}
