//! Keys against doing something twice.

use alloc::string::String;

use crate::field::FieldError;

/// The key by which a renter's program marks one intention, so that a retry has no second effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    /// The longest key, in bytes.
    const LENGTH_MAX: usize = 128;

    /// Reads a key of visible ASCII characters.
    pub fn parse(text: &str) -> Result<IdempotencyKey, FieldError> {
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if text.is_empty() || text.len() > IdempotencyKey::LENGTH_MAX || !visible {
            return Err(IdempotencyKey::wrong());
        }
        Ok(IdempotencyKey(text.into()))
    }

    /// What is said of a key that is not allowed.
    pub fn wrong() -> FieldError {
        let rule = "one key of 1 to 128 visible ASCII characters, such as a UUID";
        FieldError::new("Idempotency-Key", rule)
    }

    /// The key as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
