//! Up to four nodes beside each other, `/marketplace/compute/compare`.

use askama::Template;
use domain::id::NodeId;
use domain::money::Usd;
use http::StatusCode;
use store::offers::{self, Offer};
use ui::uptime::measured;
use ui::visit::Visit;
use ui::wording::{bandwidth, place, price_per_hour, term, uptime};
use web::page::{Frame, Section};
use web::{Context, Problem, Response, respond};

use crate::market::search::Query;

/// How many nodes are compared at once.
pub(crate) const COMPARED_MAX: usize = 4;

/// What `compare.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "market/compare.html")]
pub(crate) struct Compare {
    /// What surrounds the page.
    pub frame: Frame,
    /// The nodes, in the order in which they were chosen.
    pub nodes: Vec<ComparedNode>,
    /// Whether more were chosen than are compared.
    pub has_more: bool,
    /// Whether some that were chosen are not on the market.
    pub has_unknown: bool,
}

/// A node among others.
#[derive(Clone, Debug)]
pub(crate) struct ComparedNode {
    /// Its page.
    pub url: String,
    /// The rent dialog on it.
    pub rent_url: Option<String>,
    /// What its farmer calls it.
    pub name: String,
    /// City and country, such as `Ghent, Belgium`.
    pub place: String,
    /// Such as `$25.00`.
    pub price_per_month: String,
    /// Such as `$0.034`.
    pub price_per_hour: String,
    /// Such as `3 of 9`.
    pub free: String,
    /// The guaranteed uptime, such as `99.5%`.
    pub min_uptime: String,
    /// The measured uptime, such as `99.98%, at least 99.2%`.
    pub measured_uptime: String,
    /// The guaranteed bandwidth, such as `100 Mbit/s`.
    pub min_bandwidth: String,
    /// The measured bandwidth.
    pub measured_bandwidth: String,
    /// The terms that it is offered for, such as `1 month, 3 months`.
    pub terms: String,
    /// Who sets machines up.
    pub setup: &'static str,
    /// Whether its farmer has verified the farm.
    pub owner: &'static str,
    /// Whether its hardware is certified.
    pub hardware: &'static str,
}

/// Shows the nodes that the query names.
pub(super) fn compare(cx: &Context<'_>) -> Result<Response, Problem> {
    let query = Query::parse(cx.request.uri().query().unwrap_or_default());
    let mut chosen: Vec<&str> = Vec::new();
    for node in query.all("node") {
        if !chosen.contains(&node) {
            chosen.push(node);
        }
    }
    let has_more = chosen.len() > COMPARED_MAX;
    chosen.truncate(COMPARED_MAX);
    let mut nodes = Vec::new();
    for node in &chosen {
        let found = match NodeId::parse(node) {
            Some(node) => offers::find(cx.db, node)?,
            None => None,
        };
        nodes.extend(found.map(|(offer, _)| offer));
    }
    let visit = Visit::of(cx)?;
    let page = Compare {
        frame: visit.frame("Compare nodes", Section::Marketplace),
        has_more,
        has_unknown: nodes.len() < chosen.len(),
        nodes: nodes.iter().map(|offer| ComparedNode::new(&visit, offer)).collect(),
    };
    respond::page(StatusCode::OK, &page)
}

impl ComparedNode {
    fn new(visit: &Visit<'_>, offer: &Offer) -> ComparedNode {
        let price = offer.price.unwrap_or(Usd::ZERO);
        let url = format!("/marketplace/compute/{}", offer.node);
        let terms: Vec<String> = offer.terms.iter().map(term).collect();
        ComparedNode {
            rent_url: (offer.available_slices > 0).then(|| format!("{url}#rent")),
            url,
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            price_per_month: price.for_people(),
            price_per_hour: price_per_hour(price),
            free: format!("{} of {}", offer.available_slices, offer.total_slices()),
            min_uptime: uptime(offer.min_uptime),
            measured_uptime: match measured(offer) {
                None => "not measured yet".to_owned(),
                Some(it) => match it.new_node {
                    Some(checks) => checks,
                    None => format!("{} measured, at least {}", it.percent, it.uptime_lower_bound),
                },
            },
            min_bandwidth: bandwidth(offer.min_bandwidth),
            measured_bandwidth: offer
                .measured_bandwidth()
                .map_or("not measured yet".to_owned(), |it| format!("{} measured", bandwidth(it))),
            terms: terms.join(", "),
            setup: if offer.has_agent(visit.now) { "automatic" } else { "by hand" },
            owner: if offer.is_farm_verified { "verified" } else { "not verified" },
            hardware: if offer.certified { "certified" } else { "not certified" },
        }
    }
}
