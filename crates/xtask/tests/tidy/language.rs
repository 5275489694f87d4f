//! Wording that people must not read any more: private words and riddles that have a plain form.

use std::path::Path;

use crate::rust_text::literals;
use crate::tree::SourceFile;

/// Phrases, in lower case, and the wording to use instead.
const REFUSED: [(&str, &str); 44] = [
    ("renew by itself", "Auto-renew"),
    ("by itself", "automatically"),
    ("off: it ends", "Off"),
    ("a slice and month", "per slice per month"),
    ("slice and month", "per slice per month"),
    ("paid for what is not over", "Unused time"),
    ("is worked on", "Scheduled maintenance"),
    ("who rents here", "Renters"),
    ("who rents there", "Renters"),
    ("proven to own", "verified"),
    ("among unwanted mail", "Check your spam folder"),
    ("if it is over,", "If the link has expired,"),
    ("paid back", "refunded"),
    ("pays back", "refunds"),
    ("pay back", "refund"),
    ("as much maintenance as can be", "Maintenance limit reached for this month"),
    ("who is to give it", "The paying account's balance is too low"),
    ("make an account", "Create an account"),
    ("you remember it?", "Remembered your password?"),
    ("what you are told", "Notification settings"),
    ("want to be told of", "notifications"),
    ("show a second factor", "Verify it's you"),
    ("confirm that it is you", "Verify it's you"),
    ("late or old", "Degraded: some data is out of date"),
    ("was written down yet", "No checks have run yet"),
    ("what must always hold", "Integrity checks"),
    ("may be down", "downtime"),
    ("shut out", "suspended"),
    ("shuts an account out", "suspends an account"),
    ("let in again", "reactivated"),
    ("hand over", "transfer"),
    ("handed over", "transferred"),
    ("outlet for mail", "mail transport"),
    ("unwanted mail", "spam"),
    ("take the notice back", "Cancel leaving"),
    ("below the promise", "below the SLA"),
    ("promised uptime", "guaranteed uptime"),
    ("promised bandwidth", "guaranteed bandwidth"),
    ("promise kept", "SLA met"),
    ("promise is broken", "SLA missed"),
    ("judged wrongly", "disputed"),
    ("is told at once", "is notified immediately"),
    ("are told at once", "are notified immediately"),
    ("there is nothing here", "Not found"),
];

/// Whether people read the text in a file: pages, scripts of pages, answers and program output.
pub(crate) fn is_read_by_people(path: &str) -> bool {
    let is_page =
        Path::new(path).extension().is_some_and(|it| it == "html") || path.starts_with("static/");
    let has_sources = path.starts_with("crates/") || path.starts_with("components/");
    is_page || has_sources && path.contains("/src/")
}

/// Refused phrases in the text of a file: in the literals of Rust, anywhere in other files.
pub(crate) fn check(file: &SourceFile) -> Vec<String> {
    if !file.is_rust() {
        return (1..)
            .zip(file.text.lines())
            .flat_map(|(at, line)| refused(file, at, line))
            .collect();
    }
    literals(&file.text).flat_map(|piece| refused(file, piece.line, piece.text)).collect()
}

fn refused(file: &SourceFile, line: usize, text: &str) -> Vec<String> {
    let plain = text.replace('\\', " ").to_lowercase();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let found = REFUSED.iter().filter(|(phrase, _)| has_phrase(&plain, phrase));
    found.map(|(phrase, say)| format!("{}: “{phrase}”, say “{say}”", file.at(line))).collect()
}

/// Whether a text has a phrase that begins and ends at the borders of words.
fn has_phrase(text: &str, phrase: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(phrase).any(|(at, _)| {
        let after = &text[at + phrase.len()..];
        !text[..at].ends_with(is_letter) && !after.starts_with(is_letter)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&SourceFile::fixture(path, text)).len()
    }

    #[test]
    fn refused_phrases_are_noticed() {
        let page = "crates/renting/src/rentals/rental.html";
        assert_eq!(found(page, "<h2>Paid for what is not over</h2>"), 1);
        assert_eq!(found(page, "<h2>Unused time</h2>"), 0);
        let source = "const A: &str = \"everything is paid \\\n    back to you\";";
        assert_eq!(found("crates/renting/src/mails.rs", source), 1);
    }

    #[test]
    fn comments_names_and_parts_of_words_are_not() {
        let source = "// Paid back.\nconst A: &str = \"what-must-always-hold\"; let paid_back = 1;";
        assert_eq!(found("crates/renting/src/mails.rs", source), 0);
        assert_eq!(found("static/app.js", "repaid backwards"), 0);
    }
}
