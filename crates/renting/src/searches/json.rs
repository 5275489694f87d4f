//! The API of saved searches.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::SavedSearchId;
use domain::text::parse_line;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::saved_searches::SavedSearch;
use web::form::keep;
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

use crate::searches::normal::{NAME_CHARS_MAX, NormalSearch, default_name};

const GROUP: &str = "Saved searches";

/// `GET /api/saved-searches`
pub(crate) const LIST_SEARCHES: Operation = Operation {
    id: "listSavedSearches",
    group: GROUP,
    path: "/api/saved-searches",
    summary: "Lists your saved searches, latest first.",
    access: Access::Account(Scope::Read),
    about_answer: "All of your saved searches, at most 20.",
    answer: Some(schema_of::<SearchesView>),
    ..Operation::READ
};

/// `POST /api/saved-searches`
pub(crate) const SAVE_SEARCH: Operation = Operation {
    id: "saveSearch",
    group: GROUP,
    method: Method::POST,
    path: "/api/saved-searches",
    summary: "Saves a search of the marketplace. You are notified of nodes that fit from now on, \
              at most once an hour. A search that you have saved already is returned as it is.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<SaveBody>),
    status: 201,
    about_answer: "The saved search.",
    answer: Some(schema_of::<SearchView>),
    problems: &[Kind::TooManySavedSearches],
    ..Operation::READ
};

/// `PATCH /api/saved-searches/{search}`
pub(crate) const CHANGE_SEARCH: Operation = Operation {
    id: "changeSavedSearch",
    group: GROUP,
    method: Method::PATCH,
    path: "/api/saved-searches/{search}",
    summary: "Renames a saved search, or turns its notifications on or off.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<ChangeBody>),
    about_answer: "The saved search.",
    answer: Some(schema_of::<SearchView>),
    ..Operation::READ
};

/// `DELETE /api/saved-searches/{search}`
pub(crate) const REMOVE_SEARCH: Operation = Operation {
    id: "removeSavedSearch",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/saved-searches/{search}",
    summary: "Deletes a saved search.",
    access: Access::Account(Scope::Rent),
    status: 204,
    about_answer: "The search was deleted.",
    ..Operation::READ
};

/// A search to save.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SaveBody {
    /// The query of the marketplace page, such as `place=Belgium&max_price=30`; empty for all
    /// nodes.
    #[schemars(length(max = 2000))]
    pub query: String,
    /// Your name for it: 1 to 80 visible characters on one line. If you leave it out, the search is
    /// named for what it looks for.
    #[serde(default)]
    #[schemars(length(min = 1, max = 80))]
    pub name: Option<String>,
}

impl SaveBody {
    /// The search and its name, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(NormalSearch, String), Problem> {
        let mut wrong = Vec::new();
        let search = keep(&mut wrong, NormalSearch::parse(&self.query));
        let name = self.name.as_deref().map(parse_name).transpose();
        match (search, keep(&mut wrong, name)) {
            (Some(search), Some(name)) => {
                let name = name.unwrap_or_else(|| default_name(&search.about));
                Ok((search, name))
            }
            _ => Err(Problem::fields(wrong)),
        }
    }
}

fn parse_name(text: &str) -> Result<String, FieldError> {
    parse_line("name", text, 1..=NAME_CHARS_MAX)
}

/// What is changed of a saved search.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangeBody {
    /// Your name for it: 1 to 80 visible characters on one line.
    #[schemars(length(min = 1, max = 80))]
    pub name: Option<String>,
    /// Whether you are notified of nodes that fit. Once turned on, you are notified of those that
    /// fit from then on.
    pub notify: Option<bool>,
}

impl ChangeBody {
    /// The name that is set, if one is.
    pub(crate) fn read_name(&self) -> Result<Option<String>, FieldError> {
        self.name.as_deref().map(parse_name).transpose()
    }
}

/// The saved searches of an account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SearchesView {
    /// The latest first.
    pub items: Vec<SearchView>,
}

/// A saved search.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SearchView {
    /// Its id.
    pub id: String,
    /// Your name for it.
    pub name: String,
    /// The query of the marketplace page, in its normal form.
    pub query: String,
    /// The marketplace page that shows what it finds.
    pub url: String,
    /// Whether you are notified of nodes that fit.
    pub notify: bool,
    /// When it was saved (RFC 3339).
    pub created_at: String,
}

impl SearchView {
    /// Shows a saved search.
    pub(crate) fn new(search: &SavedSearch) -> SearchView {
        SearchView {
            id: search.id.to_string(),
            name: search.name.clone(),
            query: search.query.clone(),
            url: market_url(&search.query),
            notify: search.is_on,
            created_at: search.created_at.to_string(),
        }
    }
}

/// The page of the market with a query.
pub(crate) fn market_url(query: &str) -> String {
    let separator = if query.is_empty() { "" } else { "?" };
    format!("/marketplace/compute{separator}{query}")
}

/// A search's id in a path; what is not one does not exist.
pub(crate) fn search_id(text: &str) -> Result<SavedSearchId, Problem> {
    SavedSearchId::parse(text).ok_or_else(Problem::not_found)
}
