//! The marketplace, `/marketplace/compute`: nodes that have slices on offer.

use std::collections::BTreeMap;

use askama::Template;
use domain::evaluation::OBSERVATIONS_MIN;
use domain::field::FieldError;
use domain::id::NodeId;
use domain::money::Usd;
use domain::region::flag;
use store::listings::Days;
use store::offers::{Condition, Cursor, Offer, OfferedPlace, Sort};
use ui::composer::Composer;
use ui::uptime::{MeasuredUptime, measured};
use ui::visit::Visit;
use ui::wording::{place, price_per_hour, uptime};
use url::form_urlencoded::Serializer;
use web::form::error_of;
use web::page::{Badge, Choice, Field, Frame, Notice, Section, Tone};
use web::text::{counted, sentence};

use crate::market::picks::Pick;
use crate::market::places::{ContinentChoice, canonical, choices};
use crate::market::ribbon::Ribbon;
use crate::market::search::{Search, pairs, print_backward, print_cursor};
use crate::searches::normal::NormalSearch;

const PATH: &str = "/marketplace/compute";

/// What `compute.html` shows: the filter, and one page of nodes.
#[derive(Clone, Debug, Template)]
#[template(path = "market/compute.html")]
pub(crate) struct Compute {
    /// What surrounds the page.
    pub frame: Frame,
    /// The sentence that searches.
    pub composer: Composer,
    /// The rest of the filter as it was sent, with what is wrong beside each field.
    pub filter: ComputeFilter,
    /// Nodes that stand out, on the first page of a search.
    pub picks: Vec<Pick>,
    /// What was found, such as `3 nodes, lowest price first`. Shown when there is any.
    pub summary: String,
    /// One page of nodes.
    pub nodes: Vec<NodeCard>,
    /// The address of the page before, if there is one.
    pub previous_page: Option<String>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
    /// Whether this is behind the last page, which was longer before.
    pub is_past_end: bool,
    /// The address of the first page.
    pub first_page: String,
    /// Places that are nowhere on the market.
    pub unknown_places: Vec<String>,
    /// What finds something, where this found nothing.
    pub relaxed: Vec<RelaxedSearch>,
    /// What saves the search.
    pub save: Option<SaveSearch>,
}

/// What saves a search.
#[derive(Clone, Debug)]
pub(crate) enum SaveSearch {
    /// The hidden field `query` of the form that does.
    Query(String),
    /// Signing in comes first; the link leads there and back to the search.
    SignIn(String),
}

impl SaveSearch {
    /// Saves what whoever visits looks for; `None` for a search that is too long.
    fn new(visit: &Visit<'_>) -> Option<SaveSearch> {
        let here = visit.address(PATH, &[], &[]);
        if visit.viewer.is_none() {
            let next = Serializer::new(String::new()).append_pair("next", &here).finish();
            return Some(SaveSearch::SignIn(format!("/login?{next}")));
        }
        let query = here.split_once('?').map_or("", |(_, query)| query);
        Some(SaveSearch::Query(NormalSearch::parse(query).ok()?.query))
    }
}

/// A search with one condition less.
#[derive(Clone, Debug)]
pub(crate) struct RelaxedSearch {
    /// Such as `Any price`.
    pub label: String,
    /// Its address.
    pub url: String,
    /// What it finds, such as `12 nodes`.
    pub count: String,
}

/// The filter form below the sentence; its names are those of the query string.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the form")]
pub(crate) struct ComputeFilter {
    /// `min_uptime`: percent.
    pub min_uptime: Field,
    /// `min_measured_uptime`: percent.
    pub min_measured_uptime: Field,
    /// `min_bandwidth`: Mbit/s.
    pub min_bandwidth: Field,
    /// `certified`: certified nodes only.
    pub certified: bool,
    /// `automatic_setup`: farms with an agent only.
    pub automatic_setup: bool,
    /// `verified_farm`: verified farms only.
    pub verified_farm: bool,
    /// `place`: every place of the market, by continent.
    pub continents: Vec<ContinentChoice>,
    /// The places that are chosen, as they are called.
    pub chosen: Vec<String>,
    /// `sort`: every order on offer.
    pub sort: Vec<Choice>,
    /// Whether any filter is set, so that it can be cleared.
    pub is_active: bool,
    /// Whether a field of the query could not be used, so that nothing was looked for.
    pub is_refused: bool,
}

impl ComputeFilter {
    /// Whether a field could not be used, so that nothing was looked for.
    fn has_error(&self) -> bool {
        self.is_refused
    }

    /// Whether something in the folded part is set or wrong.
    fn is_open(&self) -> bool {
        let texts = [&self.min_uptime, &self.min_measured_uptime, &self.min_bandwidth];
        self.certified
            || self.automatic_setup
            || self.verified_farm
            || texts.iter().any(|field| !field.value.is_empty())
    }

    /// Whether more than one place is chosen.
    fn has_places(&self) -> bool {
        self.chosen.len() > 1
    }
}

/// One node in the list.
#[derive(Clone, Debug)]
pub(crate) struct NodeCard {
    /// Such as `node32`.
    pub id: String,
    /// The page of the node, `/marketplace/compute/{node}`, with the search that led there.
    pub url: String,
    /// The rent dialog on it.
    pub rent_url: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// The flag of its country, for those who see it.
    pub flag: String,
    /// City and country, such as `Ghent, Belgium`.
    pub place: String,
    /// What tells it from others at a glance.
    pub badges: Vec<Badge>,
    /// Its last 30 days.
    pub ribbon: Ribbon,
    /// Such as `$25.00`.
    pub price_per_month: String,
    /// Such as `$0.034`.
    pub price_per_hour: String,
    /// The guaranteed uptime, such as `99.5%`.
    pub min_uptime: String,
    /// What was measured, once there is anything to go by.
    pub measured_uptime: Option<MeasuredUptime>,
    /// Slices that can be rented now.
    pub available_slices: u32,
    /// All slices of the node.
    pub total_slices: u32,
}

/// How many nodes one page of the marketplace shows.
pub(crate) const NODES_PER_PAGE: u32 = 24;

/// The fields of the filter that can hold anything.
const TEXT_FIELDS: [&str; 3] = ["min_uptime", "min_measured_uptime", "min_bandwidth"];
/// The other fields of the filter.
const OTHER_FIELDS: [&str; 9] = [
    "count",
    "place",
    "country",
    "months",
    "template",
    "max_price",
    "certified",
    "automatic_setup",
    "verified_farm",
];

/// What a search has found.
pub(crate) struct Found {
    /// A page of nodes, and one more at its far end if there are more.
    pub nodes: Vec<Offer>,
    /// The places of the market, with how many nodes match in each.
    pub places: Vec<OfferedPlace>,
    /// The last days of the nodes.
    pub days: Days,
    /// How long a setup took, in seconds, where that is known.
    pub setups: BTreeMap<NodeId, u32>,
    /// Nodes that stand out.
    pub picks: Vec<Pick>,
    /// Places that are nowhere on the market.
    pub unknown_places: Vec<String>,
    /// How many nodes match without one condition.
    pub relaxed: Vec<(Condition, u32)>,
}

impl Compute {
    /// What a search has found.
    pub(crate) fn found(visit: &Visit<'_>, search: &Search, mut found: Found) -> Compute {
        let sort = search.sort;
        let (previous, next) = ends(search, &mut found.nodes);
        let page = |print: fn(Cursor) -> String, offer: &Offer| {
            visit.next_page(PATH, Some(visit.search.seal(&print(Cursor::after(offer, sort, 0)))))
        };
        let first = found.nodes.first().filter(|_| previous);
        let last = found.nodes.last().filter(|_| next);
        let total = found
            .places
            .iter()
            .filter(|place| search.has_place(&place.country, &place.city))
            .map(|place| place.matching)
            .sum();
        let (composer, filter) = forms(visit, search, &found.places, &[]);
        let card = |offer: &Offer| NodeCard::new(visit, offer, &found);
        Compute {
            frame: visit.frame("Slices for rent", Section::Marketplace),
            composer,
            filter,
            summary: summary(total, sort),
            nodes: found.nodes.iter().map(card).collect(),
            previous_page: first.and_then(|offer| page(print_backward, offer)),
            next_page: last.and_then(|offer| page(print_cursor, offer)),
            is_past_end: search.behind.is_some(),
            first_page: visit.address(PATH, &[], &[]),
            save: SaveSearch::new(visit),
            relaxed: found.relaxed.iter().map(|(it, count)| relaxed(visit, *it, *count)).collect(),
            unknown_places: found.unknown_places,
            picks: found.picks,
        }
    }

    /// A search that was not made, for these fields cannot be used.
    pub(crate) fn refused(
        visit: &Visit<'_>,
        places: &[OfferedPlace],
        wrong: &[FieldError],
    ) -> Compute {
        let mut frame = visit.frame("Slices for rent", Section::Marketplace);
        let is_shown = |field: &str| {
            TEXT_FIELDS.contains(&field)
                || ["count", "place", "country", "max_price"].contains(&field)
        };
        // Only an address that was changed by hand, or is old, is wrong in another field.
        if let Some(error) = wrong.iter().find(|error| !is_shown(error.field)) {
            let text = sentence(format!("the URL has an invalid {}", error.field));
            frame.notice = Some(Notice { text, tone: Tone::Bad });
        }
        let sent = visit.query_all("place").chain(visit.query_all("country"));
        let search = Search { places: sent.map(str::to_owned).collect(), ..Search::default() };
        let (composer, filter) = forms(visit, &search, places, wrong);
        Compute {
            frame,
            composer,
            filter,
            picks: Vec::new(),
            summary: String::new(),
            nodes: Vec::new(),
            previous_page: None,
            next_page: None,
            is_past_end: false,
            first_page: PATH.to_owned(),
            unknown_places: Vec::new(),
            relaxed: Vec::new(),
            save: None,
        }
    }
}

/// Whether there is a page before and one behind; takes the node away that only tells so.
fn ends(search: &Search, nodes: &mut Vec<Offer>) -> (bool, bool) {
    let limit = usize::try_from(NODES_PER_PAGE).unwrap_or(usize::MAX);
    let has_more = nodes.len() > limit;
    if search.is_backward {
        if has_more {
            nodes.remove(0);
        }
        return (has_more, true);
    }
    nodes.truncate(limit);
    (search.behind.is_some(), has_more)
}

/// The sentence and the filter as they were sent.
fn forms(
    visit: &Visit<'_>,
    search: &Search,
    places: &[OfferedPlace],
    wrong: &[FieldError],
) -> (Composer, ComputeFilter) {
    let market = pairs(places);
    let chosen: Vec<String> = search.places.iter().map(|name| canonical(name, &market)).collect();
    // One place is part of the sentence, several are ticked in the list.
    let alone = match &search.places[..] {
        [place] => Some(place.as_str()),
        _ => None,
    };
    let continents = choices(places, search, alone);
    let mut suggestions: Vec<String> = Vec::new();
    for group in &continents {
        suggestions.extend(Some(group.continent.label.clone()).filter(|_| group.is_place));
        suggestions.extend(group.countries.iter().map(|it| it.country.label.clone()));
    }
    let in_sentence = match &chosen[..] {
        [place] => place.clone(),
        _ => String::new(),
    };
    let composer = Composer::new(visit, in_sentence, suggestions, wrong);
    let field = |name| Field { value: visit.query(name), error: error_of(wrong, name) };
    let [min_uptime, min_measured_uptime, min_bandwidth] = TEXT_FIELDS.map(field);
    let is_set = |name: &&str| !visit.query(name).is_empty();
    let filter = ComputeFilter {
        min_uptime,
        min_measured_uptime,
        min_bandwidth,
        certified: visit.query("certified") == "true",
        automatic_setup: visit.query("automatic_setup") == "true",
        verified_farm: visit.query("verified_farm") == "true",
        continents,
        chosen,
        sort: orders(search.sort),
        is_active: TEXT_FIELDS.iter().chain(&OTHER_FIELDS).any(is_set),
        is_refused: !wrong.is_empty(),
    };
    (composer, filter)
}

fn orders(sort: Sort) -> Vec<Choice> {
    let choice = |(label, of): (&str, Sort)| Choice {
        value: of.into_str().to_owned(),
        label: label.to_owned(),
        is_chosen: of == sort,
    };
    [
        ("Cheapest first", Sort::Price),
        ("Most reliable first", Sort::Uptime),
        ("Newest first", Sort::Newest),
        ("Most free slices first", Sort::Free),
        ("By place", Sort::Place),
    ]
    .map(choice)
    .into()
}

/// A search without one condition, and what it finds.
fn relaxed(visit: &Visit<'_>, condition: Condition, count: u32) -> RelaxedSearch {
    let (label, fields): (&str, &[&str]) = match condition {
        Condition::MaxPrice => ("Any price", &["max_price"]),
        Condition::MinUptime => ("Any guaranteed uptime", &["min_uptime"]),
        Condition::MinBandwidth => ("Any bandwidth", &["min_bandwidth"]),
        Condition::Certified => ("Any hardware", &["certified"]),
        Condition::AutomaticSetup => ("Manual setup, too", &["automatic_setup", "template"]),
        Condition::VerifiedFarm => ("Unverified farms, too", &["verified_farm"]),
        Condition::MinFree => ("Fewer slices on one node", &["count"]),
        Condition::MinMeasured => ("Any measured uptime", &["min_measured_uptime"]),
        Condition::Term => ("Any term", &["months"]),
        Condition::Places => ("Anywhere", &["place", "country"]),
    };
    RelaxedSearch {
        label: label.to_owned(),
        url: visit.address(PATH, fields, &[]),
        count: counted(count, "node"),
    }
}

impl NodeCard {
    fn new(visit: &Visit<'_>, offer: &Offer, found: &Found) -> NodeCard {
        let price = offer.price.unwrap_or(Usd::ZERO);
        let path = format!("{PATH}/{}", offer.node);
        // The way back leads to this page of the list.
        let cursor = visit.query("cursor");
        let here: &[(&str, &str)] =
            if cursor.is_empty() { &[] } else { &[("cursor", cursor.as_str())] };
        let url = visit.address(&path, &[], here);
        NodeCard {
            id: offer.node.to_string(),
            rent_url: format!("{url}#rent"),
            url,
            name: offer.name.clone(),
            flag: flag(&offer.country).unwrap_or_default(),
            place: place(&offer.city, &offer.country),
            badges: badges(visit, offer, found.setups.get(&offer.node).copied()),
            ribbon: Ribbon::new(found.days.get(&offer.node).map_or(&[], |days| &days[..])),
            price_per_month: price.for_people(),
            price_per_hour: price_per_hour(price),
            min_uptime: uptime(offer.min_uptime),
            measured_uptime: measured(offer),
            available_slices: offer.available_slices,
            total_slices: offer.total_slices(),
        }
    }
}

/// A setup that took longer is not worth a badge.
///
/// Seconds: an hour.
const QUICK_SETUP_SECONDS: u32 = 3_600;

/// How many minutes a setup takes; `None` where setups are slow.
pub(crate) fn minutes_to_setup(seconds: u32) -> Option<u32> {
    (seconds <= QUICK_SETUP_SECONDS).then(|| ((seconds + 30) / 60).max(1))
}

/// How long setups took, such as `ready in ~2 min`; `None` where they are slow.
fn ready(seconds: u32) -> Option<String> {
    minutes_to_setup(seconds).map(|minutes| format!("ready in ~{minutes} min"))
}

fn badges(visit: &Visit<'_>, offer: &Offer, setup_seconds: Option<u32>) -> Vec<Badge> {
    let mut badges = Vec::new();
    if offer.has_agent(visit.now) {
        let ready = setup_seconds.and_then(ready);
        badges.extend(ready.map(|text| Badge::new(text, Tone::Good)));
    } else {
        badges.push(Badge::new("manual setup", Tone::Plain));
    }
    badges.push(if offer.is_farm_verified {
        Badge::new("owner verified", Tone::Good)
    } else {
        Badge::new("unverified farm", Tone::Warn)
    });
    if offer.certified {
        badges.push(Badge::new("certified", Tone::Good));
    }
    if offer.observed < OBSERVATIONS_MIN {
        badges.push(Badge::new("new", Tone::Plain));
    }
    badges
}

/// What was found, and in which order.
fn summary(total: u32, sort: Sort) -> String {
    let order = match sort {
        Sort::Price => "lowest price first",
        Sort::Uptime => "most reliable first",
        Sort::Newest => "newest first",
        Sort::Free => "most free slices first",
        Sort::Place => "by place",
    };
    format!("{}, {order}", counted(total, "node"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_counts_all_that_was_found() {
        assert_eq!(summary(1, Sort::Price), "1 node, lowest price first");
        assert_eq!(summary(2_400, Sort::Uptime), "2,400 nodes, most reliable first");
    }

    #[test]
    fn the_time_of_a_setup_is_rounded_to_minutes() {
        assert_eq!(ready(5).as_deref(), Some("ready in ~1 min"));
        assert_eq!(ready(89).as_deref(), Some("ready in ~1 min"));
        assert_eq!(ready(90).as_deref(), Some("ready in ~2 min"));
        assert_eq!(ready(3_601), None);
    }
}
