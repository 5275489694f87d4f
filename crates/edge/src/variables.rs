//! The app's variables, as Spin gives them.

use web::Config;

use crate::bindings::fermyon::spin::variables;

/// Reads and checks what the operator set.
pub fn config() -> Result<Config, String> {
    Config::read(|name| variables::get(name).map_err(|_| format!("{name}: not given")))
}
