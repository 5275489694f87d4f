//! The JSON API: its operations, what they take and what they answer.
//!
//! Field names are part of the product (`ARCHITECTURE.md`); amounts are decimal text.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::field::FieldError;
use http::Uri;
use schemars::JsonSchema;
use serde::Serialize;
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::context::Context;
use crate::operation::{Form, Parameter};

/// The currency of every amount.
pub const CURRENCY: &str = "USD";

/// A page of a list.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub struct PageOf<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> PageOf<T> {
    /// A page out of one item more than it holds: the extra one only tells that there is a next
    /// page. `cursor` names the place behind an item, in this search.
    pub fn new<S>(
        search: Search,
        mut found: Vec<S>,
        limit: u32,
        cursor: impl Fn(&S) -> String,
        show: impl Fn(&S) -> T,
    ) -> PageOf<T> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| has_more).map(|last| search.seal(&cursor(last)));
        PageOf { items: found.iter().map(show).collect(), next_cursor }
    }
}

/// How many items a page has when the client does not say.
const PAGE_SIZE_DEFAULT: u32 = 20;
/// How many items a page has at most.
pub const PAGE_SIZE_MAX: u32 = 100;
/// The longest cursor that is read.
const CURSOR_LENGTH_MAX: usize = 200;

/// The fields of the query by which a list is paged.
pub const PAGING: [Parameter; 2] = [
    Parameter {
        name: "limit",
        form: Form::Whole(1, PAGE_SIZE_MAX),
        about: "Number of items, 1 to 100. Defaults to 20.",
        example: "50",
    },
    Parameter {
        name: "cursor",
        form: Form::Text(CURSOR_LENGTH_MAX),
        about: "The `next_cursor` of the previous page.",
        example: "OTk1MC4yNTAwMDAwMC4zMi4w",
    },
];

/// The page size that a request asks for.
pub fn page_size(cx: &Context<'_>) -> Result<u32, FieldError> {
    let Some(text) = cx.query("limit") else { return Ok(PAGE_SIZE_DEFAULT) };
    let size = text.parse().ok().filter(|size| (1..=PAGE_SIZE_MAX).contains(size));
    size.ok_or_else(|| FieldError::new("limit", "a whole number, 1 to 100"))
}

/// What the request's cursor holds, read by `parse`; `None` for the first page. One of another
/// search is refused: its place is none in this one.
pub fn cursor<T>(
    cx: &Context<'_>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, FieldError> {
    let Some(sealed) = cx.query("cursor") else { return Ok(None) };
    let opened = cx.search().open(&sealed).and_then(|place| parse(&place));
    let rule = "the `next_cursor` of the previous page, unchanged, with the same filters";
    opened.map(Some).ok_or_else(|| FieldError::new("cursor", rule))
}

/// What is searched: a path and its filters, by their hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Search([u8; SEARCH_BYTES]);

/// As many bytes of the hash tell searches apart that somebody confuses.
const SEARCH_BYTES: usize = 6;
/// Fields of a query that say which part of what is found is shown, and how.
const NO_FILTERS: [&str; 3] = ["cursor", "limit", "done"];

impl Search {
    /// What a request searches; the order of its filters does not count, and neither do empty ones.
    pub fn of(uri: &Uri) -> Search {
        let query = uri.query().unwrap_or("");
        let mut filters: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .filter(|(field, value)| {
                !NO_FILTERS.contains(&field.as_ref()) && !value.trim().is_empty()
            })
            .collect();
        filters.sort();
        let mut hash = Sha256::new();
        hash.update(uri.path());
        for (field, value) in filters {
            hash.update(b"\0");
            hash.update(field.as_bytes());
            hash.update(b"\0");
            hash.update(value.trim().as_bytes());
        }
        let mut bytes = [0; SEARCH_BYTES];
        bytes.copy_from_slice(&hash.finalize()[..SEARCH_BYTES]);
        Search(bytes)
    }

    /// A cursor of this search. It says nothing to clients, so that its contents can change.
    pub fn seal(self, place: &str) -> String {
        BASE64_URL_SAFE_NO_PAD.encode([&self.0, place.as_bytes()].concat())
    }

    fn open(self, sealed: &str) -> Option<String> {
        let bytes = Some(sealed)
            .filter(|text| text.len() <= CURSOR_LENGTH_MAX)
            .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())?;
        let place = bytes.strip_prefix(&self.0)?;
        String::from_utf8(place.to_vec()).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(uri: &str) -> Search {
        Search::of(&uri.parse().unwrap())
    }

    #[test]
    fn a_cursor_is_of_one_search() {
        let list = search("/api/rentals?state=active&sort=price");
        let cursor = list.seal("7");
        for same in [
            "/api/rentals?sort=price&state=active",
            "/api/rentals?state=active&sort=price&limit=5&cursor=x",
            "/api/rentals?state=active&sort=+price&country=",
        ] {
            assert_eq!(search(same).open(&cursor).as_deref(), Some("7"), "{same}");
        }
        for other in [
            "/api/rentals",
            "/api/rentals?state=ended&sort=price",
            "/api/rentals?state=active&sort=price&country=BE",
            "/api/wallet/entries?state=active&sort=price",
        ] {
            assert_eq!(search(other).open(&cursor), None, "{other}");
        }
        for broken in ["", "x", "AAAA", &cursor[1..], &"A".repeat(300)] {
            assert_eq!(list.open(broken), None, "{broken}");
        }
    }
}
