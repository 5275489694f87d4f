//! JSON bodies: read whole, checked field by field.

use std::fmt::{self, Display, Formatter};

use schemars::{Schema, SchemaGenerator, json_schema};
use serde::de::{self, DeserializeOwned, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};

use crate::context::Request;
use crate::problem::{Kind, Problem};

/// How many levels a body may be nested: `serde_json` refuses the 128th.
pub const NESTING_MAX: usize = 127;
/// An amount of dollars above 0, as it can be entered.
pub const DOLLARS: &str =
    "^([1-9][0-9]{0,5}(\\.[0-9]{1,2})?|0\\.(0[1-9]|[1-9][0-9]?)|1000000(\\.00?)?)$";
/// 1 to 80 characters on one line, none of them a space at an end.
pub const ONE_LINE_OF_80: &str =
    r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,78}[^\s\x00-\x1f\x7f-\x9f])?$";
/// 1 to 200 characters on one line, none of them a space at an end.
pub const ONE_LINE_OF_200: &str =
    r"^[^\s\x00-\x1f\x7f-\x9f]([^\x00-\x1f\x7f-\x9f]{0,198}[^\s\x00-\x1f\x7f-\x9f])?$";
/// An email address, as `domain` reads it.
pub const EMAIL: &str = concat!(
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}",
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+",
    r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$",
);
/// A percentage from 0 to 100 with at most two decimals.
pub const PERCENT: &str = "^([0-9]{1,2}(\\.[0-9]{1,2})?|100(\\.00?)?)$";
/// A whole number of Mbit/s.
const MBPS: &str = "^([0-9]{1,6}|1000000)$";

/// Reads the body as a `T`. A field that is not known is refused: it may mean money.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    let unreadable = |error: &dyn Display| {
        Problem::new(Kind::MalformedRequest, format!("the request body is invalid: {error}"))
    };
    // Serde would also take a list of the fields' values, in the order of their declaration.
    if request.body().trim_ascii_start().first() != Some(&b'{') {
        return Err(unreadable(&"expected a JSON object"));
    }
    serde_json::from_slice(request.body()).map_err(|error| unreadable(&error))
}

/// Reads the body as a `T` whose fields can all be left out: no body at all is like `{}`.
pub fn optional_body<T: DeserializeOwned + Default>(request: &Request) -> Result<T, Problem> {
    if request.body().is_empty() { Ok(T::default()) } else { body(request) }
}

/// The largest number to which every smaller whole one is exact as a JSON number (RFC 8259, 6).
const EXACT_MAX: f64 = 9_007_199_254_740_991.0;

/// Reads a whole number. To JSON, and so to the schemas of the API document, `3.0` is one.
pub fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    struct Whole;

    impl Visitor<'_> for Whole {
        type Value = i64;

        fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
            f.write_str("a whole number")
        }

        fn visit_i64<E: de::Error>(self, number: i64) -> Result<i64, E> {
            Ok(number)
        }

        fn visit_u64<E: de::Error>(self, number: u64) -> Result<i64, E> {
            let wrong = |_| E::invalid_value(Unexpected::Unsigned(number), &self);
            i64::try_from(number).map_err(wrong)
        }

        fn visit_f64<E: de::Error>(self, number: f64) -> Result<i64, E> {
            if number.fract() != 0.0 || number.abs() > EXACT_MAX {
                return Err(E::invalid_value(Unexpected::Float(number), &self));
            }
            #[expect(clippy::cast_possible_truncation, reason = "it is whole and in range")]
            Ok(number as i64)
        }
    }

    deserializer.deserialize_i64(Whole)
}

/// Reads a whole number that can be left out.
pub fn optional_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] i64);
    let given = Option::<Whole>::deserialize(deserializer)?;
    Ok(given.map(|whole| whole.0))
}

/// Reads a list of whole numbers that can be left out.
pub fn optional_wholes<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Vec<i64>>, D::Error> {
    #[derive(Deserialize)]
    struct Whole(#[serde(deserialize_with = "whole")] i64);
    let given = Option::<Vec<Whole>>::deserialize(deserializer)?;
    Ok(given.map(|wholes| wholes.into_iter().map(|whole| whole.0).collect()))
}

/// A decimal number that clients send as text or as a number: `"25.00"`, `25`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub enum Decimal {
    /// As text, exact.
    Text(String),
    /// As a number.
    Number(serde_json::Number),
}

impl Decimal {
    /// The digits as they were given.
    pub fn text(&self) -> String {
        match self {
            Decimal::Text(text) => text.clone(),
            Decimal::Number(number) => number.to_string(),
        }
    }
}

/// The schema of an amount of dollars.
pub fn dollars(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "Dollars and cents, as text (exact) or as a number.",
        "format": "decimal",
        "anyOf": [
            { "type": "string", "pattern": DOLLARS },
            { "type": "number", "minimum": 0.01, "maximum": 1_000_000, "multipleOf": 0.01 },
        ],
        "examples": ["25.00", 25]
    })
}

/// The schema of an amount of dollars that can be left out.
pub fn optional_dollars(generator: &mut SchemaGenerator) -> Schema {
    or_null(dollars(generator))
}

/// The schema of a percentage that can be left out.
pub fn optional_percent(_: &mut SchemaGenerator) -> Schema {
    or_null(json_schema!({
        "description": "A percentage, as text or as a number.",
        "format": "decimal",
        "anyOf": [
            { "type": "string", "pattern": PERCENT },
            { "type": "number", "minimum": 0, "maximum": 100, "multipleOf": 0.01 },
        ],
        "examples": ["99.5", 99]
    }))
}

/// The schema of a bandwidth that can be left out.
pub fn optional_mbps(_: &mut SchemaGenerator) -> Schema {
    or_null(json_schema!({
        "description": "Whole Mbit/s, as text or as a number.",
        "format": "decimal",
        "anyOf": [
            { "type": "string", "pattern": MBPS },
            { "type": "integer", "minimum": 0, "maximum": 1_000_000 },
        ],
        "examples": [100]
    }))
}

fn or_null(mut schema: Schema) -> Schema {
    schema.insert("nullable".to_owned(), true.into());
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Order {
        #[serde(deserialize_with = "whole")]
        months: i64,
        #[serde(default, deserialize_with = "optional_whole")]
        version: Option<i64>,
    }

    fn read(text: &str) -> Result<Order, Problem> {
        body(&http::Request::post("/").body(text.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        for (text, months, version) in [
            ("{\"months\": 3}", 3, None),
            (" {\"months\": 3.0, \"version\": null}", 3, None),
            ("{\"months\": 1e1, \"version\": -2.0}", 10, Some(-2)),
            ("{\"months\": 9223372036854775807}", i64::MAX, None),
        ] {
            let order = read(text).unwrap();
            assert_eq!((order.months, order.version), (months, version), "{text}");
        }
        for text in [
            "{\"months\": 3.5}",
            "{\"months\": \"3\"}",
            "{\"months\": 1e300}",
            "{\"months\": 9223372036854775808}",
            "{\"months\": 3, \"version\": 0.5}",
            "{\"months\": 3, \"more\": 1}",
            "{\"months\": 3, \"months\": 3}",
            "{\"months\": null}",
        ] {
            assert_eq!(read(text).unwrap_err().kind, Kind::MalformedRequest, "{text}");
        }
    }

    #[test]
    fn a_list_of_values_is_no_body() {
        for text in ["[3, null]", " [3]", "3", "\"months\"", "null", ""] {
            assert_eq!(read(text).unwrap_err().kind, Kind::MalformedRequest, "{text}");
        }
    }

    #[test]
    fn nesting_ends_before_the_stack_does() {
        let nested = |sla_results: usize| {
            let lists = sla_results - 1;
            let text = format!("{{\"a\":{}{}}}", "[".repeat(lists), "]".repeat(lists));
            body::<serde_json::Value>(&http::Request::new(text.into_bytes()))
        };
        assert!(nested(NESTING_MAX).is_ok());
        let problem = nested(NESTING_MAX + 1).unwrap_err();
        assert_eq!(problem.kind, Kind::MalformedRequest);
        assert!(problem.detail.contains("recursion limit"), "{}", problem.detail);
    }
}
