//! The normal form of a search that is saved, and what it is called until somebody names it.

use domain::field::FieldError;
use domain::order::Filter;
use domain::region;
use store::offers::Sort;
use ui::wording::{bandwidth, term, uptime};
use url::form_urlencoded::Serializer;
use web::text::counted;

use crate::market::search::{Query, Search, template_of};

/// The longest query that is saved, in characters.
pub(crate) const QUERY_CHARS_MAX: usize = 2_000;
/// The longest name, in characters.
pub(crate) const NAME_CHARS_MAX: usize = 80;

/// The fields that can be sent once, in the order of the normal form.
const FIELDS: [&str; 11] = [
    "count",
    "months",
    "template",
    "max_price",
    "min_uptime",
    "min_measured_uptime",
    "min_bandwidth",
    "certified",
    "automatic_setup",
    "verified_farm",
    "sort",
];

/// A search in its normal form: two queries that look for the same are the same text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NormalSearch {
    /// The query of the market's page.
    pub query: String,
    /// What it looks for, in a few words.
    pub about: String,
}

impl NormalSearch {
    /// Reads the query of the market's page.
    pub(crate) fn parse(text: &str) -> Result<NormalSearch, FieldError> {
        let query = Query::parse(text);
        let search = Search::of_query(&query).map_err(|wrong| {
            let first = wrong.first();
            let rule =
                first.map(|error| format!("a search whose {} is {}", error.field, error.rule));
            FieldError { field: "query", rule: rule.unwrap_or_default() }
        })?;
        let query = written(&query, &search);
        if query.chars().count() > QUERY_CHARS_MAX {
            return Err(FieldError::new("query", "a search of at most 2,000 characters"));
        }
        Ok(NormalSearch { about: about(&query, &search), query })
    }
}

fn written(query: &Query, search: &Search) -> String {
    let by_name = |place: &String| region::country(place).unwrap_or(place).to_owned();
    let mut places: Vec<String> = search.places.iter().map(by_name).collect();
    places.sort();
    places.dedup();
    let mut written = Serializer::new(String::new());
    for place in &places {
        written.append_pair("place", place);
    }
    for field in FIELDS {
        let is_default = |value: &&str| match field {
            "certified" | "automatic_setup" | "verified_farm" => *value == "false",
            "sort" => search.sort == Sort::default(),
            _ => false,
        };
        if let Some(value) = query.first(field).filter(|value| !is_default(value)) {
            written.append_pair(field, value);
        }
    }
    written.finish()
}

/// What a search looks for, such as `Belgium, 2 slices, up to $30.00`.
fn about(query: &str, search: &Search) -> String {
    let Filter {
        max_price, min_uptime, min_bandwidth, min_free, min_measured, term: months, ..
    } = &search.filter;
    let query = Query::parse(query);
    let is_set =
        |field: &str, words: &str| (query.first(field)?).eq("true").then(|| words.to_owned());
    let template = query.first("template").and_then(|name| template_of(name).ok());
    let conditions = [
        min_free.filter(|count| *count > 1).map(|count| counted(count, "slice")),
        months.map(term),
        template.map(|template| template.title.to_owned()),
        max_price.map(|price| format!("up to {}", price.for_people())),
        min_uptime.map(|least| format!("{} guaranteed", uptime(least))),
        min_measured.map(|least| format!("{} measured", uptime(least))),
        min_bandwidth.map(bandwidth),
        is_set("certified", "certified"),
        is_set("automatic_setup", "ready in minutes"),
        is_set("verified_farm", "owner verified"),
    ];
    let words: Vec<String> =
        query.places("place").into_iter().chain(conditions.into_iter().flatten()).collect();
    if words.is_empty() { "All nodes".to_owned() } else { words.join(", ") }
}

/// What a search is called until somebody names it.
pub(crate) fn default_name(about: &str) -> String {
    if about.chars().count() <= NAME_CHARS_MAX {
        return about.to_owned();
    }
    about.chars().take(NAME_CHARS_MAX - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, query: &str, about: &str) {
        let expected = NormalSearch { query: query.to_owned(), about: about.to_owned() };
        assert_eq!(NormalSearch::parse(text), Ok(expected.clone()), "{text}");
        assert_eq!(NormalSearch::parse(query), Ok(expected), "{query} is in its normal form");
    }

    #[test]
    fn searches_that_look_for_the_same_have_one_form() {
        check("", "", "All nodes");
        check("cursor=x&limit=5&sort=price&certified=false&count=", "", "All nodes");
        let query = "place=Belgium&place=Ghent&count=2&max_price=30";
        check(
            "max_price=+30&place=Ghent;Belgium&count=2",
            query,
            "Belgium, Ghent, 2 slices, up to $30.00",
        );
        check(
            "country=be&count=2&max_price=30&place=Ghent",
            query,
            "Belgium, Ghent, 2 slices, up to $30.00",
        );
        check(
            "sort=uptime&months=3&template=docker&certified=true&min_uptime=99.5&min_bandwidth=100",
            "months=3&template=docker&min_uptime=99.5&min_bandwidth=100&certified=true&sort=uptime",
            "3 months, Docker, 99.5% guaranteed, 100 Mbit/s, certified",
        );
    }

    #[test]
    fn what_cannot_be_looked_for_is_refused() {
        let error = NormalSearch::parse("max_price=cheap").unwrap_err();
        assert!(error.field == "query" && error.rule.contains("max_price"), "{error:?}");
        let places: Vec<String> =
            (0..20).map(|n| format!("place={n}{}", "%C3%A9".repeat(70))).collect();
        assert_eq!(NormalSearch::parse(&places.join("&")).unwrap_err().field, "query");
    }

    #[test]
    fn a_long_search_has_a_short_name() {
        assert_eq!(default_name("Belgium"), "Belgium");
        assert_eq!(default_name(&"é".repeat(81)).chars().count(), NAME_CHARS_MAX);
    }
}
