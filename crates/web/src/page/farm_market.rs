//! The market around a farmer's node, `/dashboard/farm/nodes/{node}/market`.

use askama::Template;

use super::{Fact, Field, Frame};
use crate::plot::Scatter;

/// What `farm_market.html` shows: what similar nodes ask, a price with its reason, and what other
/// prices would bring.
#[derive(Clone, Debug, Template)]
#[template(path = "farm_market.html")]
pub struct FarmMarket {
    /// What surrounds the page.
    pub frame: Frame,
    /// The node's id, as the routes of its forms carry it.
    pub id: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// `Similar nodes in Belgium cost $22–31 (median $25, 14 nodes).`
    pub summary: String,
    /// What the summary rests on, in sentences.
    pub notes: Vec<String>,
    /// Price beside measured uptime; `None` where there is nothing to compare with.
    pub plot: Option<Scatter>,
    /// The same as a table.
    pub points: Vec<PointRow>,
    /// A price with its reason, if there is one.
    pub suggestion: Option<SuggestedPrice>,
    /// Why no price is suggested.
    pub why_no_suggestion: Option<String>,
    /// How a price is found, in words.
    pub formula: &'static str,
    /// `price`: what the simulator is asked.
    pub price: Field,
    /// What the asked price would bring, in a sentence.
    pub simulated: Option<String>,
    /// What some prices around it would bring.
    pub around: Vec<SimulatedRow>,
    /// What the simulator rests on.
    pub observation: &'static str,
}

/// A node of the plot, as a row.
#[derive(Clone, Debug)]
pub struct PointRow {
    /// Such as `$25.00`.
    pub price: String,
    /// Such as `99.87%`.
    pub uptime: String,
    /// Whether it is the farmer's own.
    pub is_own: bool,
}

/// A price that is suggested.
#[derive(Clone, Debug)]
pub struct SuggestedPrice {
    /// Such as `$22.50`.
    pub price: String,
    /// What was seen, and what it adds.
    pub parts: Vec<Fact>,
    /// What was done to the sum.
    pub settled: String,
    /// The form that sets it; `None` where it is the node's price already.
    pub form: Option<SetPriceForm>,
}

/// The form that sets a node's price and leaves the rest as it is: the hidden fields of the form
/// that changes a node.
#[derive(Clone, Debug)]
pub struct SetPriceForm {
    /// `version`
    pub version: String,
    /// `price_per_month`
    pub price_per_month: String,
    /// `min_uptime`
    pub min_uptime: String,
    /// `min_bandwidth_mbps`
    pub min_bandwidth_mbps: String,
    /// `name`
    pub name: String,
}

/// What a price would bring.
#[derive(Clone, Debug)]
pub struct SimulatedRow {
    /// Such as `$22.00`.
    pub price: String,
    /// The same as the simulator's form sends it, such as `22.00`.
    pub query: String,
    /// Such as `8.1 of 10`; `None` where it is not known.
    pub rented: Option<String>,
    /// Such as `$178.20`.
    pub revenue: String,
    /// How many observations are near that price.
    pub observations: u32,
}
