//! Ending a rental before its last day, `/dashboard/slices/{rental}/end`.

use super::{Frame, Link, Moment};
use askama::Template;

/// What `end_rental.html` shows: what ending now pays back, to confirm. Posts to its own address.
#[derive(Clone, Debug, Template)]
#[template(path = "end_rental.html")]
pub struct EndRental {
    /// What surrounds the page.
    pub frame: Frame,
    /// The page of the rental, `/dashboard/slices/{rental}`.
    pub rental_url: String,
    /// Such as `node32_slice_1`; `node32` for a whole node.
    pub slice_id: String,
    /// What the renter calls it.
    pub name: Option<String>,
    /// The node's name and page.
    pub node: Link,
    /// City and country.
    pub place: String,
    /// Whether the term is over, so that only the data is left to lose.
    pub is_in_grace: bool,
    /// When it would end otherwise; in grace, until when the data would be kept.
    pub ends_at: Moment,
    /// What was paid for the terms that are not over, such as `$71.25`.
    pub paid: String,
    /// What of it is used; `None` where no term runs.
    pub used: Option<UsedTime>,
    /// What is paid back, such as `$35.83`.
    pub refund: String,
    /// Hidden field `refund`: the same as decimal text, such as `35.83`.
    pub refund_value: String,
    /// When the refund was computed.
    pub computed_at: Moment,
    /// Why the rental was not ended, as a sentence.
    pub error: Option<String>,
}

/// Time that is used, and what it costs.
#[derive(Clone, Debug)]
pub struct UsedTime {
    /// Such as `1 month, 12 days and 3 hours`.
    pub time: String,
    /// At which price, such as `$25.00 a month: 1 month is reached, which has no discount`.
    pub price: String,
    /// Such as `$35.42`.
    pub amount: String,
}
