//! One node, `/marketplace/compute/{node}`, and the dialog that rents a slice of it.

use super::{Badge, Fact, Frame, MeasuredUptime};
use askama::Template;

/// What `node.html` shows: the offer of one node.
#[derive(Clone, Debug, Template)]
#[template(path = "node.html")]
pub struct Node {
    /// What surrounds the page.
    pub frame: Frame,
    /// The name that the farmer gave the node.
    pub name: String,
    /// City and country, such as `Ghent, Belgium`.
    pub place: String,
    /// Whether the grid lists the node as certified hardware.
    pub is_certified: bool,
    /// How the node stands, such as `up`.
    pub status: Badge,
    /// The price of a slice and month, such as `$25.00`.
    pub price_per_month: String,
    /// The same for an hour, such as `$0.034`.
    pub price_per_hour: String,
    /// The promised uptime, such as `99.5%`.
    pub min_uptime: String,
    /// The promised bandwidth, such as `100 Mbit/s`.
    pub min_bandwidth: String,
    /// What was measured, once there is anything to go by.
    pub measured_uptime: Option<MeasuredUptime>,
    /// Slices that can be rented now.
    pub available_slices: u32,
    /// All slices of the node.
    pub total_slices: u32,
    /// Further facts: grid node id, farm, country, city, and what else is known.
    pub facts: Vec<Fact>,
    /// Every slice, in the order of its number.
    pub slices: Vec<SliceCell>,
    /// Whether and how a slice can be rented by whoever is looking.
    pub renting: Renting,
}

/// A slice in the grid of a node's slices.
#[derive(Clone, Debug)]
pub struct SliceCell {
    /// Such as `node32_slice_1`.
    pub id: String,
    /// Its number on the node.
    pub number: u32,
    /// Whether it can be rented now.
    pub is_available: bool,
    /// Such as `available`, `reserved` or `allocated`.
    pub state: String,
}

/// Whether and how a slice can be rented by whoever is looking.
#[derive(Clone, Debug)]
pub enum Renting {
    /// The form can be filled in.
    Open(Box<RentForm>),
    /// First sign in; the link leads there and back.
    SignIn {
        /// Such as `/login?next=/marketplace/compute/32`.
        url: String,
    },
    /// Not possible now, in a sentence: nothing is free, the node is the viewer's own.
    Closed {
        /// Such as `Every slice of this node is rented.`
        reason: String,
    },
}

/// The form in the rental dialog; posts to `/dashboard/slices`.
#[derive(Clone, Debug)]
pub struct RentForm {
    /// Hidden field `node_id`.
    pub node_id: String,
    /// Hidden field `slice_id`; left out, any free slice will do.
    pub slice_id: Option<String>,
    /// Hidden field `offer_version`: the offer that the prices below come from.
    pub offer_version: String,
    /// Hidden field `idempotency_key`, so that sending twice rents once.
    pub idempotency_key: String,
    /// Radio buttons `duration_months`, shortest first.
    pub terms: Vec<TermOption>,
    /// The renter's balance, such as `$100.00`.
    pub balance: String,
    /// Whether the balance covers at least one term.
    pub is_affordable: bool,
    /// What the farmer gets to know of the renter: their e-mail address or display name.
    pub farmer_sees: String,
    /// Why the last attempt was refused, as a sentence.
    pub error: Option<String>,
}

/// One term to choose, with what it costs.
#[derive(Clone, Debug)]
pub struct TermOption {
    /// The value of the radio button.
    pub months: u32,
    /// Such as `3 months`.
    pub label: String,
    /// Such as `5% off`.
    pub discount: Option<String>,
    /// After the discount, such as `$23.75`.
    pub monthly_cost: String,
    /// What is charged now, such as `$71.25`.
    pub total_cost: String,
    /// The day on which the rental ends, such as `29 October 2026`.
    pub ends_on: String,
    /// What the balance lacks for this term, such as `$21.25`; `None` when it is enough.
    pub missing: Option<String>,
    /// Whether the button is set when the dialog opens. Never on a term that is too expensive.
    pub is_chosen: bool,
}
