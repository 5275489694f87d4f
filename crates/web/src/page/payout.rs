//! Where a farmer is paid to, `/dashboard/farm/payout`.

use super::{Field, Frame};
use askama::Template;

/// What `payout.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "payout.html")]
pub struct Payout {
    /// What surrounds the page.
    pub frame: Frame,
    /// `payout_address`: where the farmer is paid to.
    pub payout_address: Field,
    /// Whether a second factor has to be shown first.
    pub is_locked: bool,
    /// Why nothing was set, when it is not about the field.
    pub error: Option<String>,
}
