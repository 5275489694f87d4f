//! Checks a JSON value against a schema of the API document.
//!
//! It knows the keywords that the document uses; another one is an error, so that none is passed
//! over. It is stricter than JSON Schema in one point: a member that the schema does not describe
//! is an error, for what is not in the document is not part of the product.

use serde_json::{Map, Value};

/// Keywords that say nothing about validity.
const ANNOTATIONS: [&str; 6] =
    ["description", "title", "example", "default", "nullable", "contentEncoding"];

/// Everything that is wrong with `value`, in words.
pub(crate) fn check(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut checker = Checker { document, wrong: Vec::new() };
    checker.whole(schema, value, "$");
    checker.wrong
}

struct Checker<'a> {
    document: &'a Value,
    wrong: Vec<String>,
}

impl<'a> Checker<'a> {
    fn whole(&mut self, schema: &'a Value, value: &Value, at: &str) {
        self.rules(schema, value, at);
        let Some(members) = value.as_object() else { return };
        let Some(described) = self.described(schema) else { return };
        for name in members.keys().filter(|name| !described.contains(&name.as_str())) {
            self.wrong.push(format!("{at}.{name} is not in the API document"));
        }
    }

    fn rules(&mut self, schema: &'a Value, value: &Value, at: &str) {
        let Some(rules) = schema.as_object() else {
            self.wrong.push(format!("{at}: {schema} is no schema"));
            return;
        };
        if value.is_null() && schema["nullable"] == true {
            return;
        }
        for (keyword, rule) in rules {
            self.rule(keyword, rule, value, at);
        }
    }

    fn rule(&mut self, keyword: &str, rule: &'a Value, value: &Value, at: &str) {
        let holds = match keyword {
            "$ref" => {
                let target = self.resolve(rule);
                return self.rules(target, value, at);
            }
            "allOf" => return items(rule).for_each(|each| self.rules(each, value, at)),
            "anyOf" => items(rule).any(|each| check(self.document, each, value).is_empty()),
            "properties" => {
                for (name, each) in members(rule) {
                    if let Some(member) = value.get(name) {
                        self.whole(each, member, &format!("{at}.{name}"));
                    }
                }
                return;
            }
            "items" => {
                for (index, item) in items(value).enumerate() {
                    self.whole(rule, item, &format!("{at}[{index}]"));
                }
                return;
            }
            "required" => {
                let missing = items(rule).filter_map(Value::as_str);
                let missing: Vec<_> = missing.filter(|name| value.get(name).is_none()).collect();
                missing.is_empty() || !value.is_object()
            }
            "type" => has_type(rule, value),
            "additionalProperties" => rule == &Value::Bool(true),
            "enum" => items(rule).any(|each| each == value),
            "minimum" => value.as_f64() >= rule.as_f64() || !value.is_number(),
            "maximum" => value.as_f64() <= rule.as_f64() || !value.is_number(),
            "format" => has_format(rule, value),
            other => ANNOTATIONS.contains(&other),
        };
        if !holds {
            self.wrong.push(format!("{at}: {value} breaks {keyword} {rule}"));
        }
    }

    /// The members that a schema describes; `None` where it describes none and so allows any.
    fn described(&self, schema: &'a Value) -> Option<Vec<&'a str>> {
        let own = schema.get("properties").map(|rule| members(rule).map(|(name, _)| name.as_str()));
        let target = schema.get("$ref").map(|rule| self.resolve(rule));
        let parts = schema.get("allOf").into_iter().flat_map(items).chain(target);
        let parts: Vec<_> = parts.filter_map(|part| self.described(part)).collect();
        if own.is_none() && parts.is_empty() {
            return None;
        }
        Some(own.into_iter().flatten().chain(parts.into_iter().flatten()).collect())
    }

    fn resolve(&self, target: &Value) -> &'a Value {
        let pointer = target.as_str().and_then(|target| target.strip_prefix('#'));
        let found = pointer.and_then(|pointer| self.document.pointer(pointer));
        found.unwrap_or_else(|| panic!("{target} leads nowhere"))
    }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn members(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flat_map(Map::iter)
}

fn has_type(name: &Value, value: &Value) -> bool {
    match name.as_str() {
        Some("boolean") => value.is_boolean(),
        Some("object") => value.is_object(),
        Some("array") => value.is_array(),
        Some("string") => value.is_string(),
        Some("number") => value.is_number(),
        Some("integer") => value.is_i64() || value.is_u64(),
        _ => false,
    }
}

/// These formats say something of numbers only; whether null is allowed is up to the type.
fn has_format(name: &Value, value: &Value) -> bool {
    let is_other = !value.is_number();
    let fits = |max: u64| is_other || value.as_u64().is_some_and(|number| number <= max);
    match name.as_str() {
        Some("uint8") => fits(u8::MAX.into()),
        Some("uint16") => fits(u16::MAX.into()),
        Some("uint32") => fits(u32::MAX.into()),
        Some("uint64") => fits(u64::MAX),
        Some("int64") => is_other || value.is_i64(),
        Some("double") => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn found(value: &Value, count: usize) {
        let document = json!({ "components": { "schemas": { "Slice": {
            "type": "object",
            "required": ["id"],
            "properties": { "id": { "type": "string" }, "count": { "format": "uint8" } },
        } } } });
        let schema = json!({ "allOf": [
            { "$ref": "#/components/schemas/Slice" },
            { "properties": { "state": { "enum": ["free", "taken"] } } },
        ] });
        let wrong = check(&document, &schema, value);
        assert_eq!(wrong.len(), count, "{wrong:?}");
    }

    #[test]
    fn each_rule_can_be_broken() {
        found(&json!({ "id": "a", "count": 255, "state": "free" }), 0);
        found(&json!({ "count": 0 }), 1);
        found(&json!({ "id": 7 }), 1);
        found(&json!({ "id": "a", "count": 256 }), 1);
        found(&json!({ "id": "a", "state": "sold" }), 1);
        found(&json!({ "id": "a", "stranger": 1 }), 1);
        found(&json!("a"), 1);
        assert_eq!(check(&json!({}), &json!({ "pattern": "a" }), &json!("a")).len(), 1);
    }
}
