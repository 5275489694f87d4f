//! Fills the page of one node, and the dialog that rents a slice of it.

use domain::id::SliceId;
use domain::listing::Listing;
use domain::money::Usd;
use domain::offering::Raise;
use domain::order::RentError;
use domain::slice::SliceState;
use domain::term::Term;
use store::maintenance::Maintenance;
use store::offers::Offer;
use url::form_urlencoded::Serializer;

use crate::page::{
    Alternative, Choice, Fact, Node, NodeCost, Refusal, Remedy, RentForm, Renting, Section,
    SliceCell, TermOption, WholeNode,
};
use crate::problem::{Kind, Problem};
use crate::view::offering::notices;
use crate::view::provision::templates;
use crate::view::visit::{Viewer, Visit};
use crate::view::wording::{
    bandwidth, counted, discount, mbps, measured, monthly_cost, place, price_per_hour, sentence,
    term, uptime,
};
use crate::view::{badge, moment};

/// How many slices the dialog offers at once; the API takes more.
const COUNT_MAX: u32 = 10;

impl Node {
    /// The offer of a node, as whoever visits may take it.
    pub fn new(visit: &Visit<'_>, offer: &Offer, slices: &[(u32, SliceState)]) -> Node {
        let price = offer.price.unwrap_or(Usd::ZERO);
        Node {
            frame: visit.frame(&offer.name, Section::Marketplace),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            is_certified: offer.certified,
            status: badge::status(offer.status),
            price_per_month: price.for_people(),
            price_per_hour: price_per_hour(price),
            min_uptime: uptime(offer.min_uptime),
            min_bandwidth: bandwidth(offer.min_bandwidth),
            measured_uptime: measured(offer),
            record: None,
            available_slices: offer.available_slices,
            total_slices: offer.total_slices(),
            facts: facts(offer),
            slices: slices.iter().map(|(number, state)| cell(offer, *number, *state)).collect(),
            is_rented_whole: offer.is_rented_whole,
            renting: renting(visit, offer),
            maintenance: Vec::new(),
            refusal: None,
            alternatives: Vec::new(),
        }
    }

    /// The same with what was announced of it.
    #[must_use]
    pub fn with_maintenance(mut self, visit: &Visit<'_>, windows: &[Maintenance]) -> Node {
        self.maintenance = notices(visit, windows);
        self
    }

    /// The same after a request to rent was refused.
    pub fn refused(mut self, problem: &Problem, nearest: &[Offer]) -> Node {
        let error = format!("Nothing was rented or charged: {}", problem.detail);
        let member = |name: &str| Some(problem.extra.get(name)?.as_str()?.to_owned());
        let remedy = match (problem.kind, member("missing")) {
            (Kind::InsufficientFunds, Some(missing)) => {
                Remedy::AddCredit { missing: format!("${missing}") }
            }
            (Kind::OfferChanged, _) => new_total(problem),
            _ => Remedy::AsSaid,
        };
        self.refusal = Some(Refusal { text: sentence(error), remedy });
        self.alternatives = nearest.iter().map(Alternative::new).collect();
        self
    }
}

/// What the new quote of a changed offer comes to.
fn new_total(problem: &Problem) -> Remedy {
    let total = problem.extra.get("quote").and_then(|quote| quote["total_cost"].as_str());
    let total = total.and_then(|total| Usd::parse("total_cost", total).ok());
    total.map_or(Remedy::AsSaid, |now| Remedy::NewTotal { now: now.for_people() })
}

impl Alternative {
    fn new(offer: &Offer) -> Alternative {
        Alternative {
            url: format!("/marketplace/compute/{}", offer.node),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            price_per_month: offer.price.unwrap_or(Usd::ZERO).for_people(),
            available_slices: offer.available_slices,
        }
    }
}

fn cell(offer: &Offer, number: u32, state: SliceState) -> SliceCell {
    SliceCell {
        id: SliceId { node: offer.node, number }.to_string(),
        number,
        is_available: state == SliceState::Available,
        state: state.as_str().to_owned(),
    }
}

/// Such as `$30.00 from 24 November 2026, 10:00 UTC`.
fn raised(raise: Raise) -> String {
    let at = moment::to_the_minute(raise.at).text;
    format!("{} from {at}", raise.price.for_people())
}

/// What else is known of the node; what is not known is left out.
fn facts(offer: &Offer) -> Vec<Fact> {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    [
        ("Grid node id", Some(offer.node.0.to_string())),
        ("Farm", known(&offer.farm_name)),
        ("Country", known(&offer.country)),
        ("City", known(&offer.city)),
        ("Measured download", offer.download_mbps.map(mbps)),
        ("Measured upload", offer.upload_mbps.map(mbps)),
        (
            "Reserved by the farmer",
            Some(offer.kept_slices).filter(|kept| *kept > 0).map(|kept| counted(kept, "slice")),
        ),
        ("Upcoming price", offer.raise.map(raised)),
        ("Last updated from the grid", Some(moment::to_the_minute(offer.synced_at).text)),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some(Fact::new(label, value?)))
    .collect()
}

/// Whether and how a slice can be rented by whoever visits. What the market decides on a request to
/// rent is decided there, again: this only saves people a refusal.
fn renting(visit: &Visit<'_>, offer: &Offer) -> Renting {
    let closed = |why: String| Renting::Closed { reason: sentence(why) };
    let is_own = visit.viewer.is_some_and(|viewer| viewer.identity.account == offer.farmer);
    let (Listing::Published, Some(price)) = (offer.listing, offer.price) else {
        return closed(RentError::NotOffered.to_string());
    };
    if is_own {
        closed("this is your own node, so you can't rent its slices".to_owned())
    } else if offer.total_slices() == 0 {
        closed("this node has no capacity right now; choose another node".to_owned())
    } else if offer.is_rented_whole {
        closed("the whole node is already rented; choose another node".to_owned())
    } else if offer.available_slices == 0 {
        closed("all slices of this node are rented; choose another node".to_owned())
    } else if let Some(viewer) = visit.viewer {
        Renting::Open(Box::new(RentForm::new(visit, viewer, offer, price)))
    } else {
        let path = format!("/marketplace/compute/{}", offer.node);
        let next = Serializer::new(String::new()).append_pair("next", &path).finish();
        Renting::SignIn { url: format!("/login?{next}") }
    }
}

impl RentForm {
    fn new(visit: &Visit<'_>, viewer: Viewer<'_>, offer: &Offer, price: Usd) -> RentForm {
        // Every slice is free: all of them can be had as one.
        let all = offer.available_slices;
        let whole = (all == offer.total_slices() && all > 1).then_some(all);
        let mut terms: Vec<TermOption> = offer
            .terms
            .iter()
            .map(|term| TermOption::new(visit, viewer.balance, price, term, whole))
            .collect();
        let counts = (1..=all.min(COUNT_MAX)).map(|count| Choice {
            value: count.to_string(),
            label: counted(count, "slice"),
            is_chosen: count == 1,
        });
        // The shortest term costs the least: if it is too expensive, all are.
        let is_affordable = terms.first().is_some_and(|term| term.missing.is_none());
        if let Some(first) = terms.first_mut() {
            first.is_chosen = is_affordable;
        }
        RentForm {
            node_id: offer.node.to_string(),
            slice_id: None,
            offer_version: offer.version.to_string(),
            // Showing the form is one intention: sending it twice rents once.
            idempotency_key: visit.request_id.to_owned(),
            terms,
            counts: counts.collect(),
            whole_node: whole.map(|slices| WholeNode {
                slices,
                price_per_month: price.times(slices).for_people(),
                is_chosen: false,
            }),
            balance: viewer.balance.for_people(),
            balance_cents: cents(viewer.balance),
            is_affordable,
            ssh_keys: Vec::new(),
            templates: templates(),
            farmer_sees: viewer.identity.shown_as().to_owned(),
        }
    }
}

impl TermOption {
    /// What a term at `price` costs, and what of that the `balance` lacks.
    pub(super) fn new(
        visit: &Visit<'_>,
        balance: Usd,
        price: Usd,
        of: Term,
        whole: Option<u32>,
    ) -> TermOption {
        let total = of.total(price);
        let missing = total - balance;
        let of_node = |slices| of.total(price.times(slices));
        TermOption {
            months: of.months(),
            label: term(of),
            discount: discount(of),
            monthly_cost: monthly_cost(price, of),
            total_cost: total.for_people(),
            total_cents: cents(total),
            whole_node: whole.map(of_node).map(|total| NodeCost {
                total_cost: total.for_people(),
                total_cents: cents(total),
            }),
            ends_on: moment::day(visit.now.plus_months(of.months())),
            missing: Some(missing).filter(|usd| *usd > Usd::ZERO).map(Usd::for_people),
            is_chosen: false,
        }
    }
}

/// An amount in whole cents, rounded down; nothing that is asked for here is negative.
pub(super) fn cents(amount: Usd) -> u64 {
    const MICROS_OF_A_CENT: i64 = 10_000;
    u64::try_from(amount.micros() / MICROS_OF_A_CENT).unwrap_or_default()
}
