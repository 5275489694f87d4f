//! A wrong field of some input, in words for the person who filled it in.

use alloc::string::{String, ToString};

/// One field that cannot be used as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// The field's name, as in the form and in the JSON document.
    pub field: &'static str,
    /// What the field must be: "a whole number, 1 to 720".
    pub rule: String,
}

impl FieldError {
    /// A wrong `field`, and the rule that it breaks.
    pub fn new(field: &'static str, rule: &(impl ToString + ?Sized)) -> FieldError {
        FieldError { field, rule: rule.to_string() }
    }
}
