//! JSON bodies: read whole, checked field by field.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;

use crate::context::Request;
use crate::problem::{Kind, Problem};

/// How many levels a body may be nested: `serde_json` refuses the 128th.
pub const NESTING_MAX: usize = 127;

/// Reads the body as a `T`. A field that is not known is refused: it may mean money.
pub fn body<T: DeserializeOwned>(request: &Request) -> Result<T, Problem> {
    serde_json::from_slice(request.body()).map_err(|error| {
        Problem::new(Kind::Unreadable, format!("the body is not as described: {error}"))
    })
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

impl JsonSchema for Decimal {
    fn schema_name() -> Cow<'static, str> {
        "Decimal".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A decimal number, as text (exact) or as a number.",
            "type": ["string", "number"],
            "examples": ["25.00", 25]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_ends_before_the_stack_does() {
        let nested = |levels: usize| {
            let text = "[".repeat(levels) + &"]".repeat(levels);
            body::<serde_json::Value>(&http::Request::new(text.into_bytes()))
        };
        assert!(nested(NESTING_MAX).is_ok());
        let problem = nested(NESTING_MAX + 1).unwrap_err();
        assert_eq!(problem.kind, Kind::Unreadable);
        assert!(problem.detail.contains("recursion limit"), "{}", problem.detail);
    }
}
