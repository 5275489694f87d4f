//! What can be wrong with a document, and what the server says of its own errors.

use alloc::string::{String, ToString as _};

use serde::Deserialize;

use crate::text;

/// The most characters of an outside text inside of an error.
const DETAIL_CHARS_MAX: usize = 120;

/// Why a document cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is longer than any true one; the number is the limit in bytes.
    #[error("it is longer than {0} bytes")]
    TooLong(usize),
    /// It is not the JSON that was expected.
    #[error("it cannot be read: {0}")]
    MalformedRequest(String),
    /// Something is missing that no node is without.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// A field that decides on slices makes no sense.
    #[error("{field} is {value}, which makes no sense")]
    Wrong { field: &'static str, value: String },
    /// Another document of the same list has the same number.
    #[error("node {0} is in the list twice")]
    Twice(u32),
}

impl DocumentError {
    pub(crate) fn unreadable(error: &serde_json::Error) -> DocumentError {
        DocumentError::MalformedRequest(text::clean(&error.to_string(), DETAIL_CHARS_MAX))
    }

    pub(crate) fn wrong(field: &'static str, json: &str) -> DocumentError {
        DocumentError::Wrong { field, value: text::clean(json, DETAIL_CHARS_MAX) }
    }
}

/// The text of the server's error body, `{"error": "..."}`; `None` if it is something else.
pub fn parse_error(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Body {
        error: String,
    }
    let Body { error } = serde_json::from_slice(body).ok()?;
    Some(text::clean(&error, DETAIL_CHARS_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_body_is_read_and_bounded() {
        let read = |body: &[u8]| parse_error(body);
        assert_eq!(read(b"{\"error\":\"node not found\"}\n").as_deref(), Some("node not found"));
        assert_eq!(read(b"404 page not found\n"), None);
        assert_eq!(read(b"{\"error\":7}"), None);
        assert_eq!(read(b"\xff\x00"), None);
        let long = alloc::format!("{{\"error\":\"{}\"}}", "x".repeat(1_000_000));
        assert_eq!(parse_error(long.as_bytes()).map(|text| text.len()), Some(DETAIL_CHARS_MAX));
    }
}
