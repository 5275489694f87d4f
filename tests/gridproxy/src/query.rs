//! Query parameters as the server reads them: which values it takes, and what it says of others.

use std::collections::BTreeMap;

use url::form_urlencoded;

/// The values of each parameter. A parameter without a value counts as absent.
#[derive(Debug, Default)]
pub(crate) struct Params(BTreeMap<String, Vec<String>>);

/// What is wrong with the parameters, in the server's words.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParamError {
    #[error("failed to decode params: schema: invalid path \"{0}\"")]
    Unknown(String),
    #[error("failed to decode params: schema: error converting value for \"{0}\"")]
    Value(String),
    #[error(
        "failed to decode params: schema: error converting value for index {index} of \"{name}\""
    )]
    Item { name: String, index: usize },
    #[error("\"{field}\" is not a sort field for {kind} type")]
    SortField { field: String, kind: &'static str },
    #[error("\"{0}\" is not a valid sort order")]
    SortOrder(String),
    #[error("{0} is not a valid node feature")]
    Feature(String),
    /// The server puts an unknown status into its SQL as an empty condition.
    #[error("ERROR: syntax error at or near \")\" (SQLSTATE 42601)")]
    Status,
    /// The real server would answer; the documents do not say enough to do it here.
    #[error("the stand-in's documents do not say what \"{0}\" asks for")]
    NotInDocuments(String),
}

impl ParamError {
    /// Whether the server notices it before it looks at what the values mean.
    pub(crate) fn is_in_decoding(&self) -> bool {
        matches!(self, ParamError::Unknown(_) | ParamError::Value(_) | ParamError::Item { .. })
    }

    pub(crate) fn status(&self) -> u16 {
        match self {
            ParamError::Status => 500,
            ParamError::NotInDocuments(_) => 501,
            _ => 400,
        }
    }
}

impl Params {
    pub(crate) fn parse(query: &str) -> Params {
        let mut params = Params::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            if !value.is_empty() {
                params.0.entry(name.into_owned()).or_default().push(value.into_owned());
            }
        }
        params
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.0.iter().map(|(name, values)| (name.as_str(), values.as_slice()))
    }

    /// The last value counts where one is expected.
    fn last(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.last().map(String::as_str)
    }

    fn read<T>(&self, name: &str, read: fn(&str) -> Option<T>) -> Result<Option<T>, ParamError> {
        let value = self.last(name).map(|value| read(value).ok_or(value));
        value.transpose().map_err(|_| ParamError::Value(name.to_owned()))
    }
}

/// Paging and sorting, which every list has.
#[derive(Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) size: u64,
    page: u64,
    pub(crate) ret_count: bool,
    pub(crate) randomize: bool,
    pub(crate) sort_by: Option<String>,
    pub(crate) descending: bool,
}

impl Limit {
    const NAMES: [&str; 7] =
        ["size", "page", "ret_count", "randomize", "sort_by", "sort_order", "balance"];

    pub(crate) fn is_name(name: &str) -> bool {
        Limit::NAMES.contains(&name)
    }

    /// Reads the limit of a list whose documents are of this kind and sort by these fields.
    pub(crate) fn parse(
        params: &Params,
        kind: &'static str,
        is_sort_field: impl Fn(&str) -> bool,
    ) -> Result<Limit, ParamError> {
        let limit = Limit {
            size: params.read("size", unsigned)?.unwrap_or(50),
            page: params.read("page", unsigned)?.unwrap_or(1),
            ret_count: params.read("ret_count", boolean)?.unwrap_or(false),
            randomize: params.read("randomize", boolean)?.unwrap_or(false),
            sort_by: params.last("sort_by").map(str::to_owned),
            descending: params
                .last("sort_order")
                .is_some_and(|order| order.eq_ignore_ascii_case("desc")),
        };
        // The balance only changes prices, and prices are served as the documents have them.
        params.read("balance", float)?;
        if let Some(field) = &limit.sort_by
            && !is_sort_field(field)
        {
            return Err(ParamError::SortField { field: field.clone(), kind });
        }
        match params.last("sort_order") {
            Some(order) if !limit.descending && !order.eq_ignore_ascii_case("asc") => {
                Err(ParamError::SortOrder(order.to_owned()))
            }
            _ => Ok(limit),
        }
    }

    /// How many documents come before the page. Page 0 is page 1.
    pub(crate) fn offset(&self) -> usize {
        let before = self.page.saturating_sub(1).saturating_mul(self.size);
        usize::try_from(before).unwrap_or(usize::MAX)
    }

    /// The number of pages that the server counts; of pages of size 0 it makes the least integer.
    pub(crate) fn pages(&self, count: u64) -> String {
        match self.size {
            0 => i64::MIN.to_string(),
            size => count.div_ceil(size).to_string(),
        }
    }
}

pub(crate) fn unsigned(text: &str) -> Option<u64> {
    // The server takes no sign at all, where Rust takes a plus.
    text.parse().ok().filter(|_| !text.starts_with('+'))
}

pub(crate) fn float(text: &str) -> Option<f64> {
    text.parse().ok()
}

pub(crate) fn boolean(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" | "on" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

/// A list of numbers: separated by commas, repeated, or both.
pub(crate) fn numbers(name: &str, values: &[String]) -> Result<Vec<u64>, ParamError> {
    let mut numbers = Vec::new();
    for (index, value) in values.iter().enumerate() {
        for item in value.split(',').filter(|item| !item.is_empty()) {
            let error = || ParamError::Item { name: name.to_owned(), index };
            numbers.push(unsigned(item).ok_or_else(error)?);
        }
    }
    Ok(numbers)
}

/// A list of words, separated by commas.
pub(crate) fn words(value: &str) -> Vec<String> {
    value.split(',').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(query: &str, expected: Result<(u64, usize, bool), &str>) {
        let limit = Limit::parse(&Params::parse(query), "Node", |field| field == "node_id");
        let seen = limit.map(|limit| (limit.size, limit.offset(), limit.descending));
        assert_eq!(seen.map_err(|error| error.to_string()), expected.map_err(str::to_owned));
    }

    #[test]
    fn a_limit_has_defaults_and_rules() {
        check("", Ok((50, 0, false)));
        check("size=&page=", Ok((50, 0, false)));
        check("size=7&page=3", Ok((7, 14, false)));
        check("size=7&size=8&page=0", Ok((8, 0, false)));
        check("size=18446744073709551615&page=3", Ok((u64::MAX, usize::MAX, false)));
        check("sort_by=node_id&sort_order=DESC", Ok((50, 0, true)));
        check(
            "size=-1",
            Err("failed to decode params: schema: error converting value for \"size\""),
        );
        check(
            "ret_count=yes",
            Err("failed to decode params: schema: error converting value for \"ret_count\""),
        );
        check("sort_by=bogus", Err("\"bogus\" is not a sort field for Node type"));
        check("sort_order=up", Err("\"up\" is not a valid sort order"));
    }

    #[test]
    fn lists_are_separated_by_commas() {
        let values = ["1,2".to_owned(), "3".to_owned()];
        assert_eq!(numbers("node_ids", &values), Ok(vec![1, 2, 3]));
        assert_eq!(
            numbers("node_ids", &["1".to_owned(), "2,x".to_owned()]).unwrap_err().to_string(),
            "failed to decode params: schema: error converting value for index 1 of \"node_ids\""
        );
        assert_eq!(words("up,down"), ["up", "down"]);
    }
}
