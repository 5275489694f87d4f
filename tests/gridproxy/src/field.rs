//! Reading one field of a document by its JSON pointer, and comparing it.

use std::collections::HashSet;

use serde_json::Value;

pub(crate) fn text<'value>(document: &'value Value, pointer: &str) -> &'value str {
    document.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A whole number; 0 where there is none. Its type holds every number of 64 bits, signed or not.
pub(crate) fn number(document: &Value, pointer: &str) -> i128 {
    let value = document.pointer(pointer);
    let signed = value.and_then(Value::as_i64).map(i128::from);
    signed.or_else(|| value.and_then(Value::as_u64).map(i128::from)).unwrap_or_default()
}

pub(crate) fn price(document: &Value) -> f64 {
    document.get("price_usd").and_then(Value::as_f64).unwrap_or_default()
}

pub(crate) fn flag(document: &Value, pointer: &str) -> Option<bool> {
    document.pointer(pointer).and_then(Value::as_bool)
}

pub(crate) fn is_true(document: &Value, pointer: &str) -> bool {
    flag(document, pointer) == Some(true)
}

pub(crate) fn has_text(document: &Value, pointer: &str) -> bool {
    !text(document, pointer).is_empty()
}

pub(crate) fn same(document: &Value, pointer: &str, wanted: &str) -> bool {
    text(document, pointer).to_lowercase() == wanted.to_lowercase()
}

pub(crate) fn contains(document: &Value, pointer: &str, wanted: &str) -> bool {
    text(document, pointer).to_lowercase().contains(&wanted.to_lowercase())
}

pub(crate) fn is_one_of(document: &Value, pointer: &str, wanted: &HashSet<u64>) -> bool {
    document.pointer(pointer).and_then(Value::as_u64).is_some_and(|id| wanted.contains(&id))
}

/// What is free of a resource of a node. The real server subtracts in the same way.
pub(crate) fn free(document: &Value, resource: &str) -> i128 {
    let of = |part: &str| number(document, &format!("/{part}_resources/{resource}"));
    of("total") - of("used")
}
