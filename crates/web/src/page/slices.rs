//! What a renter holds, `/dashboard/slices` and `/dashboard/slices/{rental}`.

use super::{Badge, Fact, Frame, Link, Moment, MoneyEntry};
use askama::Template;

/// What `slices.html` shows: the renter's rentals.
#[derive(Clone, Debug, Template)]
#[template(path = "slices.html")]
pub struct Slices {
    /// What surrounds the page.
    pub frame: Frame,
    /// One page of rentals, the latest first.
    pub rentals: Vec<RentalRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// One rental in the list.
#[derive(Clone, Debug)]
pub struct RentalRow {
    /// The page of the rental, `/dashboard/slices/{rental}`.
    pub url: String,
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// The node's name and page.
    pub node: Link,
    /// City and country.
    pub place: String,
    /// Such as `active` or `ended`.
    pub status: Badge,
    /// Such as `$23.75`.
    pub monthly_cost: String,
    /// What was charged, such as `$71.25`.
    pub total_cost: String,
    /// When the rental began.
    pub started_at: Moment,
    /// When the rental ends or ended.
    pub ends_at: Moment,
}

/// What `rental.html` shows: one rental, from access to the last cent.
#[derive(Clone, Debug, Template)]
#[template(path = "rental.html")]
pub struct Rental {
    /// What surrounds the page.
    pub frame: Frame,
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// The node's name and page.
    pub node: Link,
    /// City and country.
    pub place: String,
    /// Such as `active` or `ended`.
    pub status: Badge,
    /// Such as `$23.75`.
    pub monthly_cost: String,
    /// What was charged, such as `$71.25`.
    pub total_cost: String,
    /// Such as `3 months, 5% off`.
    pub term: String,
    /// When the rental began.
    pub started_at: Moment,
    /// When the rental ends or ended.
    pub ends_at: Moment,
    /// How long it still runs, such as `89 days left`; `None` once it has ended.
    pub time_left: Option<String>,
    /// How the slice is reached.
    pub access: Access,
    /// Further facts: the rental's id, the promise, what the farmer sees.
    pub facts: Vec<Fact>,
    /// The money of this rental, latest first.
    pub entries: Vec<MoneyEntry>,
    /// What happened, latest first.
    pub events: Vec<RentalEvent>,
}

/// How the renter reaches the slice, or why not yet.
#[derive(Clone, Debug)]
pub struct Access {
    /// Such as `not provisioned yet`.
    pub status: Badge,
    /// What that means, in a sentence or two.
    pub text: String,
    /// The command to copy, such as `ssh root@...`, once there is one.
    pub command: Option<String>,
}

/// One line of a rental's history.
#[derive(Clone, Debug)]
pub struct RentalEvent {
    /// When it happened.
    pub at: Moment,
    /// What happened, such as `Rented for 3 months`.
    pub what: String,
}
