//! Three picks of a search, each with its reason.

use domain::money::Usd;
use domain::uptime::Uptime;
use store::StoreError;
use store::offers::{self, Filter, Offer, Sort};
use ui::uptime::measured;
use ui::visit::Visit;
use ui::wording::{place, uptime};
use web::Context;

use crate::market::search::Search;

/// The measured uptime from which on a node is good value, in hundredths of a percent.
const VALUE_UPTIME: i64 = 9_900;

/// A node that stands out among those that a search found.
#[derive(Clone, Debug)]
pub(crate) struct Pick {
    /// Such as `Best value`.
    pub title: String,
    /// The page of the node.
    pub url: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// City and country, such as `Ghent, Belgium`.
    pub place: String,
    /// The price of a slice and month, such as `$25.00`.
    pub price_per_month: String,
    /// Why, in a few words.
    pub reason: String,
}

/// The best value, the most reliable and the cheapest of what a search finds: each a search of its
/// own for one node. A node that is several of them is shown once.
pub(crate) fn find(
    cx: &Context<'_>,
    visit: &Visit<'_>,
    search: &Search,
) -> Result<Vec<Pick>, StoreError> {
    let first = |filter: &Filter, sort| {
        let found = offers::nodes(cx.db, filter, sort, None, 1, cx.now)?;
        Ok::<_, StoreError>(found.into_iter().next())
    };
    let filter = &search.filter;
    let value_uptime = Uptime::from_hundredths(VALUE_UPTIME);
    let good = Filter {
        min_measured: filter.min_measured.max(value_uptime),
        automatic_setup: true,
        ..filter.clone()
    };
    let found: [(&str, Option<Offer>, Reason); 3] = [
        ("Best value", first(&good, Sort::Price)?, value),
        ("Most reliable", first(filter, Sort::Uptime)?, reliability),
        ("Cheapest", first(filter, Sort::Price)?, |_| "the lowest price of all".to_owned()),
    ];
    let mut picks: Vec<(Offer, Pick)> = Vec::new();
    for (title, offer, reason) in found {
        let Some(offer) = offer else { continue };
        if let Some((_, pick)) = picks.iter_mut().find(|(picked, _)| picked.node == offer.node) {
            pick.title = format!("{}, {}", pick.title, title.to_lowercase());
        } else {
            let pick = Pick::new(visit, title, &offer, reason(&offer));
            picks.push((offer, pick));
        }
    }
    Ok(picks.into_iter().map(|(_, pick)| pick).collect())
}

/// Says in a few words why an offer was picked.
type Reason = fn(&Offer) -> String;

impl Pick {
    fn new(visit: &Visit<'_>, title: &str, offer: &Offer, reason: String) -> Pick {
        Pick {
            title: title.to_owned(),
            url: visit.address(&format!("/marketplace/compute/{}", offer.node), &[], &[]),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            price_per_month: offer.price.unwrap_or(Usd::ZERO).for_people(),
            reason,
        }
    }
}

fn value(_: &Offer) -> String {
    "the lowest price with automatic setup and over 99% uptime".to_owned()
}

fn reliability(offer: &Offer) -> String {
    match measured(offer).filter(|it| it.new_node.is_none()) {
        Some(it) => format!("{} up in {}", it.percent, it.checks),
        None => format!("{} uptime guaranteed", uptime(offer.min_uptime)),
    }
}
