//! The app's variables, as Spin gives them.

use web::Config;

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
