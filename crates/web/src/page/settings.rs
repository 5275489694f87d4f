//! What an account can set, `/dashboard/settings`.

use super::{Factors, Frame};
use askama::Template;

/// What `settings.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "settings.html")]
pub struct Settings {
    /// What surrounds the page.
    pub frame: Frame,
    /// Passkeys, the authenticator app, recovery codes.
    pub factors: Factors,
}
