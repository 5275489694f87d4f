//! Scheduled maintenance, as the pages of a node and of a rental show it.

use store::maintenance;
use web::page::Moment;

use crate::moment;
use crate::visit::Visit;

/// Maintenance that is announced and not over.
#[derive(Clone, Debug)]
pub struct WindowNotice {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// What for, in the farmer's words.
    pub note: Option<String>,
    /// Whether it is now.
    pub is_now: bool,
}

/// Maintenance that is announced and not over.
pub fn notifications(visit: &Visit<'_>, windows: &[maintenance::Maintenance]) -> Vec<WindowNotice> {
    let notice = |it: &maintenance::Maintenance| WindowNotice {
        from: moment::to_the_minute(it.window.starts_at),
        until: moment::to_the_minute(it.window.ends_at),
        note: note(it),
        is_now: it.window.starts_at <= visit.now,
    };
    windows.iter().map(notice).collect()
}

pub fn note(it: &maintenance::Maintenance) -> Option<String> {
    Some(it.window.note.clone()).filter(|note| !note.is_empty())
}
