//! Fills the document on limits, from the limits themselves.

use domain::account::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN};
use domain::provisioning::{FREE_SETUPS, FREE_SETUPS_SECONDS};
use store::sessions::SESSIONS_PER_ACCOUNT_MAX;
use store::tokens::TOKENS_PER_ACCOUNT_MAX;
use ui::limits::{LINK_HOURS, NAME_CHARS_MAX, PAYOUT_CHARS_MAX};
use web::api::PAGE_SIZE_MAX;
use web::json::NESTING_MAX;
use web::limit::{BODY_BYTES_MAX, Policy};
use web::text::{counted, grouped};

use crate::docs::LimitRow;

const MINUTE_SECONDS: u32 = 60;

const HOUR_SECONDS: u32 = 60 * MINUTE_SECONDS;

const KIB: usize = 1024;

pub(crate) fn rate(policy: &Policy, factor: u32) -> LimitRow {
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

pub(crate) fn sizes() -> Vec<LimitRow> {
    let row = |name: &str, amount: String, about: &str| LimitRow {
        name: name.to_owned(),
        amount,
        about: about.to_owned(),
    };
    vec![
        row(
            "Request body",
            format!("{} KiB", BODY_BYTES_MAX / KIB),
            "Rejected with body-too-large.",
        ),
        row(
            "JSON nesting depth",
            format!("{NESTING_MAX} levels"),
            "Rejected with malformed-request, like unknown fields.",
        ),
        row(
            "Items per page",
            PAGE_SIZE_MAX.to_string(),
            "A larger limit is rejected. Use next_cursor to get the next page.",
        ),
        row(
            "Password length",
            format!("{PASSWORD_CHARS_MIN} characters to {PASSWORD_BYTES_MAX} bytes"),
            "Shorter, longer and commonly used passwords are rejected.",
        ),
        row(
            "Node and token names",
            format!("{NAME_CHARS_MAX} characters"),
            "Longer or multi-line names are rejected.",
        ),
        row(
            "Payout address",
            format!("{PAYOUT_CHARS_MAX} characters"),
            "Longer or multi-line text is rejected.",
        ),
        row(
            "API tokens per account",
            TOKENS_PER_ACCOUNT_MAX.to_string(),
            "Rejected until a token is revoked or expires.",
        ),
        row(
            "Sessions per account",
            SESSIONS_PER_ACCOUNT_MAX.to_string(),
            "The oldest session is signed out.",
        ),
        row(
            "Rentals ended during setup",
            format!("{FREE_SETUPS} in {}", counted(FREE_SETUPS_SECONDS / 3_600, "hour")),
            "Refunded in full. Further ones are charged for the time since you rented them.",
        ),
        row(
            "Lifetime of email links",
            counted(LINK_HOURS, "hour"),
            "Rejected with expired-code. Each link works once.",
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
