//! The audit log in plain words.

use askama::Template;
use store::audit::{Actor, Entry};
use ui::event::description;
use ui::moment;
use ui::visit::Visit;
use web::api::PageOf;
use web::page::{Frame, Moment, Section};

/// What `activity.html` shows: a page of what was done in an account and with it.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/activity.html")]
pub(crate) struct Activity {
    /// What surrounds the page.
    pub frame: Frame,
    /// The newest first.
    pub entries: Vec<ActivityRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// Something that was done.
#[derive(Clone, Debug)]
pub(crate) struct ActivityRow {
    /// When.
    pub at: Moment,
    /// Such as `Signed in`.
    pub description: String,
    /// What it was done to, such as a rental's id; may be empty.
    pub subject: String,
    /// Who, such as `You` or `A token of yours`.
    pub actor: String,
    /// From which network address; may be empty.
    pub address: String,
}

/// How many entries one page shows.
pub(crate) const ACTIVITY_PER_PAGE: u32 = 50;

impl Activity {
    /// A page of what concerns the account that looks: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<Entry>) -> Activity {
        let own = visit.viewer.map(|viewer| viewer.identity.account.to_string());
        let own = own.unwrap_or_default();
        let place = |entry: &Entry| entry.id.to_string();
        let show = |entry: &Entry| ActivityRow::new(entry, &own);
        let page = PageOf::new(visit.search, found, ACTIVITY_PER_PAGE, place, show);
        Activity {
            frame: visit.frame("Activity", Section::Settings),
            entries: page.items,
            next_page: visit.next_page("/dashboard/settings/activity", page.next_cursor),
        }
    }
}

impl ActivityRow {
    fn new(entry: &Entry, own: &str) -> ActivityRow {
        let actor = match entry.actor {
            Actor::Visitor => "Not signed in",
            Actor::Account if entry.actor_id == own => "You",
            Actor::Account | Actor::Operator => "Operator",
            Actor::Token => "Your API token",
            Actor::Market => "System",
        };
        ActivityRow {
            at: moment::to_the_minute(entry.created_at),
            description: description(&entry.action),
            subject: entry.subject.clone(),
            actor: actor.to_owned(),
            address: entry.address.clone(),
        }
    }
}
