//! What a renter holds and is offered, `/dashboard/slices`.

use super::{Badge, Frame, Link, MeasuredUptime, Moment};
use askama::Template;

/// What `slices.html` shows: the renter's rentals.
#[derive(Clone, Debug, Template)]
#[template(path = "slices.html")]
pub struct Slices {
    /// What surrounds the page.
    pub frame: Frame,
    /// Rentals that others offer to hand over, the oldest first.
    pub invitations: Vec<Invitation>,
    /// Renewals that the wallet would not hold, each as a sentence or two.
    pub low_balance: Vec<String>,
    /// What the list can be narrowed to, `state` in the address; may be empty.
    pub states: Vec<StateLink>,
    /// Whether the list is narrowed, so that an empty one does not mean that nothing is held.
    pub is_narrowed: bool,
    /// One page of rentals, the latest first.
    pub rentals: Vec<RentalRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A link that narrows the list to rentals in some states.
#[derive(Clone, Debug)]
pub struct StateLink {
    /// Such as `/dashboard/slices?state=running`.
    pub url: String,
    /// Such as `Running`.
    pub text: String,
    /// Whether that is what the list shows.
    pub is_chosen: bool,
}

/// A rental that another account offers to hand over.
#[derive(Clone, Debug)]
pub struct Invitation {
    /// Where the button posts that takes it, `/dashboard/transfers/{rental}/accept`.
    pub accept_url: String,
    /// Where the button posts that does not, `/dashboard/transfers/{rental}/decline`.
    pub decline_url: String,
    /// Who offers it: their email address.
    pub from: String,
    /// Such as `node32_slice_1`; `node32` for a whole node.
    pub slice_id: String,
    /// City and country.
    pub place: String,
    /// What is rented.
    pub resources: Resources,
    /// Until when the invitation can be taken.
    pub open_until: Moment,
    /// All of it, such as `$23.75`.
    pub monthly_cost: String,
    /// When the rental ends.
    pub ends_at: Moment,
}

/// What is rented: a slice, or all of a node.
#[derive(Clone, Debug)]
pub struct Resources {
    /// How many slices; more than one only with a whole node.
    pub slices: u32,
    /// Whether it is a whole node, rented as one.
    pub is_whole_node: bool,
    /// Virtual processors, such as `1` or `9`.
    pub processors: String,
    /// Such as `4 GB`.
    pub memory: String,
    /// Such as `200 GB` or `1,800 GB`.
    pub storage: String,
}

/// The uptime that was measured, against the one that was promised.
#[derive(Clone, Debug)]
pub struct UptimeRecord {
    /// Such as `99.5%`.
    pub promised: String,
    /// What was measured, once there is anything to go by.
    pub measured: Option<MeasuredUptime>,
    /// Whether what was measured is less than what was promised.
    pub is_below: bool,
}

/// One rental in the list.
#[derive(Clone, Debug)]
pub struct RentalRow {
    /// The page of the rental, `/dashboard/slices/{rental}`.
    pub url: String,
    /// Such as `node32_slice_1`; `node32` for a whole node.
    pub slice_id: String,
    /// What the renter calls it.
    pub name: Option<String>,
    /// The renter's labels.
    pub labels: Vec<String>,
    /// The node's name and page.
    pub node: Link,
    /// City and country.
    pub place: String,
    /// What is rented.
    pub resources: Resources,
    /// Such as `active`, `grace` or `ended`.
    pub status: Badge,
    /// How far the access is, such as `not set up yet`.
    pub access: Badge,
    /// All of it, such as `$23.75`.
    pub monthly_cost: String,
    /// When the rental ends or ended.
    pub ends_at: Moment,
    /// How long it still runs or, in grace, is kept, such as `3 days left`.
    pub time_left: Option<String>,
    /// What it is renewed by at its end, such as `renews for 3 months`; `None` when it is not.
    pub renews: Option<String>,
    /// Measured against promised.
    pub uptime: UptimeRecord,
    /// Whether it can be extended now; the link leads to `#extend` of its page.
    pub can_extend: bool,
    /// Whether it can be ended now; the link leads to `/end` below its page.
    pub can_end: bool,
}

impl RentalRow {
    /// What a link to it says to who hears the links alone.
    fn spoken(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.slice_id)
    }
}
