//! Fills the document on limits, from the limits themselves.

use domain::account::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use store::sessions::SESSIONS_PER_ACCOUNT_MAX;
use store::tokens::TOKENS_PER_ACCOUNT_MAX;

use crate::api::PAGE_SIZE_MAX;
use crate::api::farm::{NAME_CHARS_MAX, PAYOUT_CHARS_MAX};
use crate::json::NESTING_MAX;
use crate::limit::{BODY_BYTES_MAX, POLICIES, Policy};
use crate::mail::LINK_MINUTES;
use crate::page::{LimitRow, Limits, Section};
use crate::view::visit::Visit;
use crate::view::wording::{counted, grouped};

const MINUTE_SECONDS: u32 = 60;
const HOUR_SECONDS: u32 = 60 * MINUTE_SECONDS;
const KIB: usize = 1024;

impl Limits {
    /// Every limit that a client can meet.
    pub fn new(visit: &Visit<'_>) -> Limits {
        Limits {
            frame: visit.frame("Limits", Section::Docs),
            rates: POLICIES.iter().map(|policy| rate(policy, visit.limit_factor)).collect(),
            sizes: sizes(),
        }
    }
}

fn rate(policy: &Policy, factor: u32) -> LimitRow {
    let quota = grouped(policy.quota.saturating_mul(factor));
    LimitRow {
        name: policy.name.to_owned(),
        amount: format!("{quota} in {}", span(policy.seconds)),
        about: policy.about.to_owned(),
    }
}

/// Such as `15 minutes`, `a minute` or `an hour`.
fn span(seconds: u32) -> String {
    match seconds {
        MINUTE_SECONDS => "a minute".to_owned(),
        HOUR_SECONDS => "an hour".to_owned(),
        seconds if seconds.is_multiple_of(MINUTE_SECONDS) => {
            counted(seconds / MINUTE_SECONDS, "minute")
        }
        seconds => counted(seconds, "second"),
    }
}

fn sizes() -> Vec<LimitRow> {
    let row = |name: &str, amount: String, about: &str| LimitRow {
        name: name.to_owned(),
        amount,
        about: about.to_owned(),
    };
    vec![
        row(
            "The body of a request",
            format!("{} KiB", BODY_BYTES_MAX / KIB),
            "It is not read further, and the answer is body-too-large.",
        ),
        row(
            "Nesting in a JSON body",
            format!("{NESTING_MAX} levels"),
            "The answer is unreadable-request, as it is for an unknown field.",
        ),
        row(
            "Items on a page of a list",
            PAGE_SIZE_MAX.to_string(),
            "A larger limit is refused. next_cursor leads to the rest of the list.",
        ),
        row(
            "A password",
            format!("{PASSWORD_CHARS_MIN} characters to {PASSWORD_BYTES_MAX} bytes"),
            "A shorter or longer one, and one that many people use, is refused.",
        ),
        row(
            "Names of nodes and tokens",
            format!("{NAME_CHARS_MAX} characters"),
            "A longer one, or one of several lines, is refused.",
        ),
        row(
            "Where a farmer is paid to",
            format!("{PAYOUT_CHARS_MAX} characters"),
            "A longer text, or one of several lines, is refused.",
        ),
        row(
            "API tokens of an account",
            TOKENS_PER_ACCOUNT_MAX.to_string(),
            "One more is refused, until one is revoked or ends.",
        ),
        row(
            "Browsers that are signed in to an account",
            SESSIONS_PER_ACCOUNT_MAX.to_string(),
            "One more signs the oldest one out.",
        ),
        row(
            "The age of a link in a mail",
            counted(LINK_MINUTES, "minute"),
            "The answer is expired-code. A link works once.",
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_said_as_people_say_it() {
        let policy = Policy { name: "a", quota: 1_500, seconds: 900, about: "b" };
        assert_eq!(rate(&policy, 2).amount, "3,000 in 15 minutes");
        assert_eq!(span(60), "a minute");
        assert_eq!(span(3_600), "an hour");
        assert_eq!(span(90), "90 seconds");
    }
}
