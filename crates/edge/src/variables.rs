//! The app's variables, as Spin gives them.

use seal::Keys;
use web::{Config, Kind, Problem};

use crate::bindings::fermyon::spin::variables;

/// Reads and checks what the operator set.
pub fn config() -> Result<Config, String> {
    Config::read(variable)
}

/// A variable that not every component is given: a secret is for those that need it. Empty where
/// none is set; the error names the variable.
pub fn variable(name: &str) -> Result<String, String> {
    variables::get(name).map_err(|_| format!("{name}: not given"))
}

/// What values are encrypted with in the database, in components that are given it.
pub fn keys() -> Result<Keys, Problem> {
    let text = variable("encryption_keys").map_err(Problem::internal)?;
    if text.is_empty() {
        return Err(Problem::plain(Kind::NoEncryptionKeys));
    }
    Keys::parse(&text).map_err(|wrong| Problem::internal(format!("encryption_keys: {wrong}")))
}
