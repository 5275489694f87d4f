//! One node, `/marketplace/compute/{node}`, and the dialog that rents a slice of it.

use super::{Badge, Choice, Fact, Frame, MeasuredRecord, MeasuredUptime, WindowNotice};
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
    /// What was measured over a day, over 30 days and by month, where that was asked for.
    pub record: Option<MeasuredRecord>,
    /// Slices that can be rented now.
    pub available_slices: u32,
    /// All slices of the node.
    pub total_slices: u32,
    /// Further facts: grid node id, farm, country, city, and what else is known.
    pub facts: Vec<Fact>,
    /// Every slice, in the order of its number.
    pub slices: Vec<SliceCell>,
    /// Whether one renter holds all of it as one rental.
    pub is_rented_whole: bool,
    /// Whether and how a slice can be rented by whoever is looking.
    pub renting: Renting,
    /// The maintenance that is announced and not over.
    pub maintenance: Vec<WindowNotice>,
    /// Why the last request to rent was refused.
    pub refusal: Option<Refusal>,
    /// Other nodes with a free slice, the nearest first, where this one has none.
    pub alternatives: Vec<Alternative>,
}

/// Why a request to rent was refused, and what can be done about it.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// What happened, as a sentence or two.
    pub text: String,
    /// What helps.
    pub remedy: Remedy,
}

/// What helps after a refusal.
#[derive(Clone, Debug)]
pub enum Remedy {
    /// What the refusal says already.
    AsSaid,
    /// Credit for the wallet.
    AddCredit {
        /// What it lacks, such as `$35.00`.
        missing: String,
    },
    /// Agreeing to another price.
    NewTotal {
        /// What was asked for costs that now, such as `$85.50`.
        now: String,
    },
}

/// Another node with a free slice.
#[derive(Clone, Debug)]
pub struct Alternative {
    /// The page of the node, `/marketplace/compute/{node}`.
    pub url: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// City and country, such as `Bruges, Belgium`.
    pub place: String,
    /// The price of a slice and month, such as `$25.00`.
    pub price_per_month: String,
    /// Slices that can be rented now.
    pub available_slices: u32,
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
    /// `count`: how many slices, from 1 on. With fewer than two choices the form has no such field.
    pub counts: Vec<Choice>,
    /// `whole_node`, where every slice is free.
    pub whole_node: Option<WholeNode>,
    /// The renter's balance, such as `$100.00`.
    pub balance: String,
    /// The same in whole cents, rounded down.
    pub balance_cents: u64,
    /// Whether the balance covers at least one term.
    pub is_affordable: bool,
    /// `ssh_key_id`: which key gets in; without one, the machine waits until there is one.
    pub ssh_keys: Vec<Choice>,
    /// `template`: what the machine starts with.
    pub templates: Vec<Choice>,
    /// What the farmer gets to know of the renter: their email address or display name.
    pub farmer_sees: String,
}

/// All slices of a node, to rent as one.
#[derive(Clone, Debug)]
pub struct WholeNode {
    /// How many.
    pub slices: u32,
    /// What all of them cost a month before a discount, such as `$225.00`.
    pub price_per_month: String,
    /// Whether the button is set when the dialog opens.
    pub is_chosen: bool,
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
    /// What is charged now, such as `$71.25`: for one slice, or for the rental that is extended.
    pub total_cost: String,
    /// The same in whole cents: the script multiplies it.
    pub total_cents: u64,
    /// What is charged now for the whole node, where it can be rented.
    pub whole_node: Option<NodeCost>,
    /// The day on which the rental ends, such as `29 October 2026`.
    pub ends_on: String,
    /// What the balance lacks for this term, such as `$21.25`; `None` when it is enough.
    pub missing: Option<String>,
    /// Whether the button is set when the dialog opens. Never on a term that is too expensive.
    pub is_chosen: bool,
}

/// What a term of a whole node costs.
#[derive(Clone, Debug)]
pub struct NodeCost {
    /// What is charged now, such as `$641.25`.
    pub total_cost: String,
    /// The same in whole cents.
    pub total_cents: u64,
}
