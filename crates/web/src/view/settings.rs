//! Fills the settings.

use crate::page::{Factors, Section, Settings};
use crate::view::visit::Visit;

impl Settings {
    /// The settings of who is signed in.
    pub fn new(visit: &Visit<'_>, factors: Factors) -> Settings {
        Settings { frame: visit.frame("Settings", Section::Elsewhere), factors }
    }
}
