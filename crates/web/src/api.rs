//! The JSON API: its operations, what they take and what they answer.
//!
//! Field names are part of the product (`ARCHITECTURE.md`); amounts are decimal text.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::field::FieldError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::operation::{Form, Parameter};

/// The currency of every amount.
pub const CURRENCY: &str = "USD";

/// A page of a list.
#[derive(Serialize, JsonSchema)]
pub struct PageOf<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> PageOf<T> {
    /// A page out of one item more than it holds: the extra one only tells that there is a next
    /// page. `cursor` names the place behind an item.
    pub fn new<S>(
        mut found: Vec<S>,
        limit: u32,
        cursor: impl Fn(&S) -> String,
        show: impl Fn(&S) -> T,
    ) -> PageOf<T> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| has_more).map(|last| seal_cursor(&cursor(last)));
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

/// What the request's cursor holds, read by `parse`; `None` for the first page.
pub fn cursor<T>(
    cx: &Context<'_>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, FieldError> {
    let Some(sealed) = cx.query("cursor") else { return Ok(None) };
    let opened = Some(sealed)
        .filter(|text| text.len() <= CURSOR_LENGTH_MAX)
        .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| parse(&text));
    let wrong = || FieldError::new("cursor", "the `next_cursor` of the previous page, unchanged");
    opened.map(Some).ok_or_else(wrong)
}

/// A cursor says nothing to clients, so that its contents can change.
fn seal_cursor(place: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place)
}
