//! The page `/dashboard/farm/nodes/{node}/maintenance`.

use askama::Template;
use domain::maintenance::{AHEAD_SECONDS, WINDOW_SECONDS_MAX};
use domain::time::Timestamp;
use serde::Deserialize;
use store::maintenance;
use store::nodes::FarmNode;
use ui::maintenance::note;
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::api::PageOf;
use web::form::{Form, error_above, error_of, sent};
use web::page::{Badge, Choice, Field, Frame, Link, Moment, Section, Tone};
use web::text::counted;

use crate::maintenance::json::MaintenanceBody;
use crate::offering::json::print_cursor;
use crate::offering::page::{HISTORY_PER_PAGE, node_link};

/// What `maintenance.html` shows: the windows of a node, and the form that announces one.
#[derive(Clone, Debug, Template)]
#[template(path = "maintenance/maintenance.html")]
pub(crate) struct Maintenance {
    /// What surrounds the page.
    pub frame: Frame,
    /// The farmer's page of the node.
    pub node: Link,
    /// Whether the offer is locked, so that there is no form.
    pub is_locked: bool,
    /// `starts_at`, as a browser's field for date and time has it.
    pub starts_at: Field,
    /// Such as `2026-11-24T10:00`.
    pub example: String,
    /// `hours`: how long.
    pub hours: Vec<Choice>,
    /// `note`: what for.
    pub note: Field,
    /// Why nothing was announced, when it is not about one field.
    pub error: Option<String>,
    /// A page of windows, the latest first.
    pub windows: Vec<WindowRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// One window in the list of a farmer.
#[derive(Clone, Debug)]
pub(crate) struct WindowRow {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// What for.
    pub note: Option<String>,
    /// When it was announced.
    pub announced_at: Moment,
    /// Such as `announced`, `now`, `over` or `canceled`.
    pub status: Badge,
    /// Where the form that cancels it posts to; `None` where it cannot be.
    pub cancel_url: Option<String>,
}

const HOUR_SECONDS: i64 = 3_600;

impl Maintenance {
    /// A page of a node's windows: one more than it holds, if there are more.
    pub(crate) fn new(
        visit: &Visit<'_>,
        node: &FarmNode,
        found: Vec<maintenance::Maintenance>,
    ) -> Maintenance {
        let link = node_link(node);
        let is_locked = node.lock.is_some();
        let show =
            |it: &maintenance::Maintenance| WindowRow::new(it, &link.url, is_locked, visit.now);
        let page = PageOf::new(visit.search, found, HISTORY_PER_PAGE, print_cursor, show);
        let path = format!("{}/maintenance", link.url);
        Maintenance {
            frame: visit.frame("Scheduled maintenance", Section::Farm),
            is_locked,
            starts_at: Field::default(),
            example: to_local(visit.now.plus_seconds(2 * AHEAD_SECONDS)),
            hours: hours("2"),
            note: Field::default(),
            error: None,
            windows: page.items,
            next_page: visit.next_page(&path, page.next_cursor),
            node: link,
        }
    }

    /// The same after nothing was announced.
    #[must_use]
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Maintenance {
        self.starts_at = sent(form, "starts_at", &problem.fields);
        self.note = sent(form, "note", &problem.fields);
        self.hours = hours(form.text("hours"));
        let length =
            error_of(&problem.fields, "ends_at").filter(|_| self.starts_at.error.is_none());
        self.error = length.or_else(|| error_above(problem, &["starts_at", "ends_at", "note"]));
        self
    }
}

/// An instant as a browser's field for date and time has it, on the hour.
fn to_local(at: Timestamp) -> String {
    at.to_string().get(..13).map(|hour| format!("{hour}:00")).unwrap_or_default()
}

fn hours(chosen: &str) -> Vec<Choice> {
    let choice = |hours: i64| {
        let value = hours.to_string();
        let is_chosen = value == chosen;
        Choice { value, label: counted(hours, "hour"), is_chosen }
    };
    (1..=WINDOW_SECONDS_MAX / HOUR_SECONDS).map(choice).collect()
}

/// The form that announces a window. Its time is in UTC, and browsers leave out seconds of zero.
#[derive(Deserialize)]
pub(crate) struct WindowForm {
    starts_at: String,
    hours: i64,
    note: String,
}

impl WindowForm {
    /// The window that it announces.
    pub(crate) fn body(self) -> MaintenanceBody {
        let local = self.starts_at.trim();
        let seconds = if local.len() == "2026-11-24T10:00".len() { ":00" } else { "" };
        let starts_at = format!("{local}{seconds}Z");
        let seconds = self.hours.clamp(0, 24) * HOUR_SECONDS;
        let ends_at = Timestamp::parse(&starts_at).map(|it| it.plus_seconds(seconds).to_string());
        // Where the start cannot be read, that alone is said.
        let ends_at = ends_at.unwrap_or_else(|| starts_at.clone());
        MaintenanceBody { starts_at, ends_at, note: self.note }
    }
}

impl WindowRow {
    pub(crate) fn new(
        it: &maintenance::Maintenance,
        node_url: &str,
        is_locked: bool,
        now: Timestamp,
    ) -> WindowRow {
        let window = &it.window;
        let status = if it.canceled_at.is_some() {
            Badge::new("canceled", Tone::Plain)
        } else if window.ends_at <= now {
            Badge::new("over", Tone::Plain)
        } else if window.starts_at <= now {
            Badge::new("now", Tone::Warn)
        } else {
            Badge::new("announced", Tone::Good)
        };
        let is_open = it.canceled_at.is_none() && window.ends_at > now && !is_locked;
        WindowRow {
            from: moment::to_the_minute(window.starts_at),
            until: moment::to_the_minute(window.ends_at),
            note: note(it),
            announced_at: moment::to_the_minute(it.announced_at),
            status,
            cancel_url: is_open.then(|| format!("{node_url}/maintenance/{}/cancel", it.id)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_of_the_form_is_in_utc() {
        let read = |starts_at: &str| {
            let (starts_at, note) = (starts_at.to_owned(), String::new());
            let body = WindowForm { starts_at, hours: 2, note }.body();
            (body.starts_at, body.ends_at)
        };
        for text in ["2026-11-24T10:00", "2026-11-24T10:00:00"] {
            let expected = ("2026-11-24T10:00:00Z".to_owned(), "2026-11-24T12:00:00Z".to_owned());
            assert_eq!(read(text), expected);
        }
        assert_eq!(read("soon"), ("soonZ".to_owned(), "soonZ".to_owned()));
    }
}
