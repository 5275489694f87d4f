//! The mail that lists notifications.

use domain::account::Email;
use mail::{Mail, one_line};

/// The most notifications that one mail names.
pub const NOTICES_MAX: usize = 20;

/// A notification in a mail.
#[derive(Clone, Debug)]
pub struct NoticeLine {
    /// What happened, in a clause.
    pub title: String,
    /// When, such as `29 July 2026, 12:00 UTC`.
    pub at: String,
    /// The page that shows more.
    pub url: String,
}

/// Notifications of one kind, whose name is `kind`.
pub fn notifications(to: &Email, kind: &str, lines: &[NoticeLine], settings_url: &str) -> Mail {
    let subject = match lines {
        [line] => one_line(&line.title),
        lines => format!("{}: {} notifications", one_line(kind), lines.len()),
    };
    let named = lines.iter().take(NOTICES_MAX).map(|line| {
        let NoticeLine { title, at, url } = line;
        format!("{}, on {at}:\n\n{url}\n\n", one_line(title))
    });
    let named: String = named.collect();
    let more = match lines.len().saturating_sub(NOTICES_MAX) {
        0 => String::new(),
        more => format!("And {more} more.\n\n"),
    };
    let text = format!(
        "At Mycelium:\n\n{named}{more}\
         Notification settings:\n\n{settings_url}\n"
    );
    Mail::new("notices", to, &subject, text)
}
