//! The marketplace, `/marketplace/compute`: nodes that have slices on offer.

use askama::Template;
use domain::field::FieldError;
use domain::money::Usd;
use domain::time::Timestamp;
use store::offers::{Cursor, Offer, Sort};
use ui::uptime::{MeasuredUptime, measured};
use ui::visit::Visit;
use ui::wording::{bandwidth, place, price_per_hour, uptime};
use web::api::PageOf;
use web::form::error_of;
use web::page::{Choice, Field, Frame, Notice, Section, Tone};
use web::text::{counted, sentence};

use crate::market::json::{Search, print_cursor};

/// What `compute.html` shows: the filter, and one page of nodes.
#[derive(Clone, Debug, Template)]
#[template(path = "market/compute.html")]
pub(crate) struct Compute {
    /// What surrounds the page.
    pub frame: Frame,
    /// The filter as it was sent, with what is wrong beside each field.
    pub filter: ComputeFilter,
    /// What was found, such as `3 nodes, cheapest first`. Shown when there is any.
    pub summary: String,
    /// One page of nodes.
    pub nodes: Vec<NodeCard>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// The filter form; its names are those of the query string.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the form")]
pub(crate) struct ComputeFilter {
    /// `country`
    pub country: Field,
    /// Countries to suggest while typing; may be empty.
    pub countries: Vec<String>,
    /// `max_price`: US dollars per slice and month.
    pub max_price: Field,
    /// `min_uptime`: percent.
    pub min_uptime: Field,
    /// `min_bandwidth`: Mbit/s.
    pub min_bandwidth: Field,
    /// `certified`: certified nodes only.
    pub certified: bool,
    /// `automatic_setup`: farms with an agent only.
    pub automatic_setup: bool,
    /// `verified_farm`: verified farms only.
    pub verified_farm: bool,
    /// `sort`: every order on offer.
    pub sort: Vec<Choice>,
    /// Whether any filter is set, so that it can be cleared.
    pub is_active: bool,
}

impl ComputeFilter {
    /// Whether a field could not be used, so that nothing was looked for.
    fn has_error(&self) -> bool {
        [&self.country, &self.max_price, &self.min_uptime, &self.min_bandwidth]
            .iter()
            .any(|field| field.error.is_some())
    }
}

/// One node in the list.
#[derive(Clone, Debug)]
pub(crate) struct NodeCard {
    /// The page of the node, `/marketplace/compute/{node}`.
    pub url: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// City and country, such as `Ghent, Belgium`.
    pub place: String,
    /// Such as `$25.00`.
    pub price_per_month: String,
    /// Such as `$0.034`.
    pub price_per_hour: String,
    /// The guaranteed uptime, such as `99.5%`.
    pub min_uptime: String,
    /// The guaranteed bandwidth, such as `100 Mbit/s`.
    pub min_bandwidth: String,
    /// What was measured, once there is anything to go by.
    pub measured_uptime: Option<MeasuredUptime>,
    /// Slices that can be rented now.
    pub available_slices: u32,
    /// All slices of the node.
    pub total_slices: u32,
    /// Whether the grid lists the node as certified hardware.
    pub is_certified: bool,
    /// Whether its farm has no agent.
    pub is_set_up_by_hand: bool,
    /// Whether its farmer has shown that they own its farm.
    pub is_farm_verified: bool,
}

/// How many nodes one page of the marketplace shows.
pub(crate) const NODES_PER_PAGE: u32 = 24;

/// The fields of the filter that can hold anything.
const TEXT_FIELDS: [&str; 4] = ["country", "max_price", "min_uptime", "min_bandwidth"];

impl Compute {
    /// What a search has found: one node more than a page holds, if there are more.
    pub(crate) fn found(
        visit: &Visit<'_>,
        countries: Vec<String>,
        search: &Search,
        found: Vec<Offer>,
    ) -> Compute {
        let cursor = |offer: &Offer| print_cursor(Cursor::after(offer, 0));
        let page = PageOf::new(visit.search, found, NODES_PER_PAGE, cursor, |it| {
            NodeCard::new(it, visit.now)
        });
        let is_whole = search.behind.is_none() && page.next_cursor.is_none();
        Compute {
            frame: visit.frame("Slices for rent", Section::Marketplace),
            filter: ComputeFilter::new(visit, countries, search.sort, &[]),
            summary: summary(page.items.len(), is_whole, search.sort),
            nodes: page.items,
            next_page: visit.next_page("/marketplace/compute", page.next_cursor),
        }
    }

    /// A search that was not made, for these fields cannot be used.
    pub(crate) fn refused(
        visit: &Visit<'_>,
        countries: Vec<String>,
        wrong: &[FieldError],
    ) -> Compute {
        let mut frame = visit.frame("Slices for rent", Section::Marketplace);
        // Only an address that was changed by hand, or is old, is wrong in another field.
        if let Some(error) = wrong.iter().find(|error| !TEXT_FIELDS.contains(&error.field)) {
            let text = sentence(format!("the URL has an invalid {}", error.field));
            frame.notice = Some(Notice { text, tone: Tone::Bad });
        }
        Compute {
            frame,
            filter: ComputeFilter::new(visit, countries, Sort::default(), wrong),
            summary: String::new(),
            nodes: Vec::new(),
            next_page: None,
        }
    }
}

impl ComputeFilter {
    pub(crate) fn new(
        visit: &Visit<'_>,
        countries: Vec<String>,
        sort: Sort,
        wrong: &[FieldError],
    ) -> ComputeFilter {
        let field = |name| Field { value: visit.query(name), error: error_of(wrong, name) };
        let [country, max_price, min_uptime, min_bandwidth] = TEXT_FIELDS.map(field);
        let certified = visit.query("certified") == "true";
        let automatic_setup = visit.query("automatic_setup") == "true";
        let verified_farm = visit.query("verified_farm") == "true";
        let is_active = certified
            || automatic_setup
            || verified_farm
            || TEXT_FIELDS.iter().any(|name| !visit.query(name).is_empty());
        let choice = |(value, label, of): (&str, &str, Sort)| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            is_chosen: of == sort,
        };
        let sorts = [
            ("price", "Price: low to high", Sort::Price),
            ("uptime", "Guaranteed uptime: high to low", Sort::Uptime),
        ];
        ComputeFilter {
            country,
            countries,
            max_price,
            min_uptime,
            min_bandwidth,
            certified,
            automatic_setup,
            verified_farm,
            sort: sorts.map(choice).into(),
            is_active,
        }
    }
}

impl NodeCard {
    pub(crate) fn new(offer: &Offer, now: Timestamp) -> NodeCard {
        let price = offer.price.unwrap_or(Usd::ZERO);
        NodeCard {
            url: format!("/marketplace/compute/{}", offer.node),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            price_per_month: price.for_people(),
            price_per_hour: price_per_hour(price),
            min_uptime: uptime(offer.min_uptime),
            min_bandwidth: bandwidth(offer.min_bandwidth),
            measured_uptime: measured(offer),
            available_slices: offer.available_slices,
            total_slices: offer.total_slices(),
            is_certified: offer.certified,
            is_set_up_by_hand: !offer.has_agent(now),
            is_farm_verified: offer.is_farm_verified,
        }
    }
}

/// What was found, and in which order. How many nodes there are in all is not counted: a page
/// reads no more rows than it shows.
fn summary(shown: usize, is_whole: bool, sort: Sort) -> String {
    let nodes = counted(i64::try_from(shown).unwrap_or(i64::MAX), "node");
    let part = if is_whole { "" } else { " on this page" };
    let order = match sort {
        Sort::Price => "lowest price first",
        Sort::Uptime => "highest guaranteed uptime first",
    };
    format!("{nodes}{part}, {order}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_what_it_knows() {
        assert_eq!(summary(1, true, Sort::Price), "1 node, lowest price first");
        let part = "24 nodes on this page, highest guaranteed uptime first";
        assert_eq!(summary(24, false, Sort::Uptime), part);
    }
}
