//! Limits on text that forms and the API share.

use store::challenges::LINK_SECONDS;

/// The longest name of a node.
pub const NAME_CHARS_MAX: usize = 80;

/// The longest text that says where a farmer is paid to.
pub const PAYOUT_CHARS_MAX: usize = 200;

/// How long a link in a mail works, in hours.
pub const LINK_HOURS: i64 = LINK_SECONDS / 3_600;
