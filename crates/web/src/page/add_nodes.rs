//! Nodes before they are added, `/dashboard/farm/add`.

use super::{Badge, Fact, Field, Frame};
use askama::Template;

/// What `add_nodes.html` shows: the form that asks for nodes, and what each could offer.
#[derive(Clone, Debug, Template)]
#[template(path = "add_nodes.html")]
pub struct AddNodes {
    /// What surrounds the page.
    pub frame: Frame,
    /// `ids`: numbers of nodes.
    pub ids: Field,
    /// `farm`: the number of a farm.
    pub farm: Field,
    /// `price`: per slice and month.
    pub price: Field,
    /// What can be entered there.
    pub price_hint: String,
    /// Why nothing is shown, when it is not about one field.
    pub error: Option<String>,
    /// The farmer's own farms.
    pub farms: Vec<FarmLink>,
    /// The nodes, once some were asked for.
    pub shown: Option<ShownNodes>,
    /// What became of those that were to be added, where one was not.
    pub outcomes: Vec<AddedRow>,
}

/// Shows all nodes of a farm.
#[derive(Clone, Debug)]
pub struct FarmLink {
    /// Where to.
    pub url: String,
    /// Such as `All nodes of Freefarm`.
    pub text: String,
}

/// Nodes that were looked at.
#[derive(Clone, Debug)]
pub struct ShownNodes {
    /// Such as `3 nodes, 2 of which you can add: 13 slices, up to $325/month if all are rented`.
    pub headline: String,
    /// That there are more than are shown.
    pub has_more: bool,
    /// Whether one of them can be added.
    pub can_add: bool,
    /// The nodes, by number.
    pub nodes: Vec<GridNodeRow>,
}

/// A node that was looked at.
#[derive(Clone, Debug)]
pub struct GridNodeRow {
    /// Its id, as the form sends it.
    pub id: String,
    /// Such as `Grid node 32`.
    pub name: String,
    /// City, country and farm.
    pub place: String,
    /// Status and certification.
    pub badges: Vec<Badge>,
    /// Its resources in plain words.
    pub facts: Vec<Fact>,
    /// Such as `9 slices, up to $225/month if all slices are rented`.
    pub offer: Option<String>,
    /// What limits it, as a sentence.
    pub limit: Option<String>,
    /// Why it cannot be offered now, as a sentence.
    pub reason: Option<String>,
    /// Why it cannot be added, as a sentence.
    pub not_added: Option<String>,
    /// Whether it can be added.
    pub can_add: bool,
    /// Whether its box is ticked at first.
    pub is_chosen: bool,
}

/// What became of a node.
#[derive(Clone, Debug)]
pub struct AddedRow {
    /// Its id.
    pub node: String,
    /// Whether it was registered.
    pub outcome: Badge,
    /// Why not, as a sentence; empty if it was.
    pub why: String,
}
