//! The payout address.

use domain::account::Scope;
use domain::field::FieldError;
use domain::text::parse_line;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use ui::groups;
use ui::limits::PAYOUT_CHARS_MAX;
use web::Kind;
use web::json::ONE_LINE_OF_200;
use web::operation::{Access, Operation, schema_of};

/// `GET /api/farm/payout`
pub(crate) const SHOW_PAYOUT: Operation = Operation {
    id: "showPayout",
    group: groups::FARM,
    path: "/api/farm/payout",
    summary: "Returns your payout address.",
    access: Access::Account(Scope::Read),
    about_answer: "The payout address.",
    answer: Some(schema_of::<PayoutView>),
    ..Operation::READ
};

/// `PUT /api/farm/payout`
pub(crate) const SET_PAYOUT: Operation = Operation {
    id: "setPayout",
    group: groups::FARM,
    method: Method::PUT,
    path: "/api/farm/payout",
    summary: "Sets your payout address. Requires a session with a second factor.",
    access: Access::Account(Scope::Farm),
    body: Some(schema_of::<PayoutBody>),
    about_answer: "The new payout address.",
    answer: Some(schema_of::<PayoutView>),
    problems: &[Kind::VerificationRequired],
    ..Operation::READ
};

/// Where a farmer wants to be paid.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PayoutBody {
    /// One line of 1 to 200 characters, such as an IBAN or the address of a wallet.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub payout_address: String,
}

/// Where a farmer is paid to.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PayoutSettingsView")]
pub(crate) struct PayoutView {
    /// As the farmer wrote it; null if it is not set.
    pub payout_address: Option<String>,
}

/// Reads where a farmer wants to be paid. What cannot be seen is refused: the operator compares the
/// text by eye, and a mark that turns the direction of writing would show another one.
pub(crate) fn payout_address(text: &str) -> Result<String, FieldError> {
    parse_line("payout_address", text, 1..=PAYOUT_CHARS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payout_is_one_line_that_can_be_seen() {
        assert_eq!(payout_address(" BE71 0961 2345 6769 ").unwrap(), "BE71 0961 2345 6769");
        assert!(payout_address(&"ü".repeat(PAYOUT_CHARS_MAX)).is_ok());
        let long = "x".repeat(PAYOUT_CHARS_MAX + 1);
        for text in ["", "  ", "a\nb", "a\u{202e}b", "a\u{200b}b", "a\u{0}b", &long] {
            assert!(payout_address(text).is_err(), "{text:?}");
        }
    }
}
