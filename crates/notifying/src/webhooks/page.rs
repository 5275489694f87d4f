//! Fills the pages of webhooks and their messages.

use askama::Template;
use store::webhooks::{Delivery, DeliveryState, WEBHOOKS_MAX, Webhook};
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::api::PageOf;
use web::form::{Form, error_above, sent};
use web::page::{Badge, Field, Frame, Moment, Section, Tone};
use web::text::counted;

use crate::message::Secret;

/// What `webhooks.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "webhooks/webhooks.html")]
pub(crate) struct Webhooks {
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
pub(crate) struct WebhookRow {
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
#[template(path = "webhooks/webhook.html")]
pub(crate) struct WebhookPage {
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
pub(crate) struct DeliveryRow {
    /// Its type, such as `slice-rented`.
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
#[template(path = "webhooks/webhook_secret.html")]
pub(crate) struct WebhookSecret {
    /// What surrounds the page.
    pub frame: Frame,
    /// The webhook.
    pub webhook: WebhookRow,
    /// What its messages are signed with.
    pub secret: String,
    /// Whether the secret before it goes on signing for a day.
    pub has_old: bool,
}

/// How many messages one page shows.
pub(crate) const DELIVERIES_PER_PAGE: u32 = 20;

const LIST: &str = "/dashboard/notifications/webhooks";

impl Webhooks {
    /// The webhooks of an account.
    pub(crate) fn new(visit: &Visit<'_>, webhooks: &[Webhook]) -> Webhooks {
        let room = usize::try_from(WEBHOOKS_MAX).unwrap_or(usize::MAX);
        Webhooks {
            frame: visit.frame("Webhooks", Section::Notifications),
            webhooks: webhooks.iter().map(WebhookRow::new).collect(),
            has_room: webhooks.len() < room,
            url: Field::default(),
            error: None,
        }
    }

    /// The same after none was added.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Webhooks {
        self.url = sent(form, "url", &problem.fields);
        self.error = error_above(problem, &["url"]);
        self
    }
}

impl WebhookRow {
    fn new(webhook: &Webhook) -> WebhookRow {
        WebhookRow {
            page_url: format!("{LIST}/{}", webhook.id),
            url: webhook.url.clone(),
            state: match (webhook.disabled_at, webhook.failing_since) {
                (Some(_), _) => Badge::new("disabled", Tone::Bad),
                (None, Some(_)) => Badge::new("failing", Tone::Warn),
                (None, None) => Badge::new("on", Tone::Good),
            },
            since: moment::on_day(webhook.created_at),
        }
    }
}

impl WebhookPage {
    /// A webhook and its messages: one more than the page holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, webhook: &Webhook, found: Vec<Delivery>) -> WebhookPage {
        let row = WebhookRow::new(webhook);
        let place = |delivery: &Delivery| delivery.id.to_string();
        let show = |delivery: &Delivery| DeliveryRow::new(&row.page_url, delivery);
        let page = PageOf::new(visit.search, found, DELIVERIES_PER_PAGE, place, show);
        WebhookPage {
            frame: visit.frame("Webhook", Section::Notifications),
            next_page: visit.next_page(&row.page_url, page.next_cursor),
            webhook: row,
            failing_since: webhook.failing_since.map(moment::to_the_minute),
            is_disabled: webhook.disabled_at.is_some(),
            deliveries: page.items,
        }
    }
}

impl DeliveryRow {
    fn new(page_url: &str, delivery: &Delivery) -> DeliveryRow {
        let is_waiting = delivery.state == DeliveryState::Waiting;
        DeliveryRow {
            kind: delivery.kind.clone(),
            id: delivery.id.to_string(),
            state: match delivery.state {
                DeliveryState::Waiting if delivery.attempts > 0 => Badge::new("retry", Tone::Warn),
                DeliveryState::Waiting => Badge::new("waiting", Tone::Plain),
                DeliveryState::Sent => Badge::new("sent", Tone::Good),
                DeliveryState::Failed => Badge::new("failed", Tone::Bad),
            },
            outcome: outcome(delivery),
            body: delivery.body.clone(),
            at: moment::to_the_minute(delivery.created_at),
            replay_url: (!is_waiting)
                .then(|| format!("{page_url}/deliveries/{}/replay", delivery.id)),
        }
    }
}

/// The attempts, and what came of the last one.
fn outcome(delivery: &Delivery) -> String {
    let tried = match delivery.attempts {
        0 => "Not attempted yet".to_owned(),
        attempts => counted(attempts, "attempt"),
    };
    let last = match (&delivery.last_error, delivery.last_status) {
        (Some(error), _) => format!("; last error: {error}"),
        (None, Some(status)) => format!("; response {status}"),
        (None, None) => String::new(),
    };
    let next = if delivery.state == DeliveryState::Waiting && delivery.attempts > 0 {
        format!("; next attempt {}", moment::to_the_minute(delivery.due_at).text)
    } else {
        String::new()
    };
    format!("{tried}{last}{next}")
}

impl WebhookSecret {
    /// A secret that was just made; `has_old` if the one before goes on signing.
    pub(crate) fn new(
        visit: &Visit<'_>,
        webhook: &Webhook,
        secret: &Secret,
        has_old: bool,
    ) -> WebhookSecret {
        WebhookSecret {
            frame: visit.frame("Webhook secret", Section::Notifications),
            webhook: WebhookRow::new(webhook),
            secret: secret.text(),
            has_old,
        }
    }
}
