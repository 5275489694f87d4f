//! Fills the page of one node, and the dialog that rents a slice of it.

use domain::id::SliceId;
use domain::listing::Listing;
use domain::money::Usd;
use domain::rental::RentError;
use domain::slice::SliceState;
use domain::term::Term;
use store::offers::Offer;
use url::form_urlencoded::Serializer;

use crate::page::{Fact, Node, Notice, RentForm, Renting, Section, SliceCell, TermOption, Tone};
use crate::problem::Problem;
use crate::view::visit::{Viewer, Visit};
use crate::view::wording::{
    bandwidth, discount, mbps, measured, monthly_cost, place, price_per_hour, sentence, term,
    uptime,
};
use crate::view::{badge, moment};

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
            available_slices: offer.available_slices,
            total_slices: offer.total_slices(),
            facts: facts(offer),
            slices: slices.iter().map(|(number, state)| cell(offer, *number, *state)).collect(),
            renting: renting(visit, offer),
        }
    }

    /// The same after a request to rent was refused.
    pub fn refused(mut self, problem: &Problem) -> Node {
        let error = format!("Nothing was rented, and nothing was charged: {}", problem.detail);
        match &mut self.renting {
            Renting::Open(form) => form.error = Some(sentence(error)),
            Renting::SignIn { .. } | Renting::Closed { .. } => {
                self.frame.notice = Some(Notice { text: sentence(error), tone: Tone::Bad });
            }
        }
        self
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

/// What else is known of the node; what is not known is left out.
fn facts(offer: &Offer) -> Vec<Fact> {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    [
        ("Grid node id", Some(offer.node.0.to_string())),
        ("Farm", known(&offer.farm_name)),
        ("Country", known(&offer.country)),
        ("City", known(&offer.city)),
        ("Download, as the grid measured", offer.download_mbps.map(mbps)),
        ("Upload, as the grid measured", offer.upload_mbps.map(mbps)),
        ("Last read from the grid", Some(moment::to_the_minute(offer.synced_at).text)),
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
        closed("this is your own node: others can rent its slices".to_owned())
    } else if offer.total_slices() == 0 {
        closed("this node can carry no slice at the moment; choose another node".to_owned())
    } else if offer.available_slices == 0 {
        closed(RentError::SoldOut.to_string())
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
        let mut terms = Term::ALL.map(|term| TermOption::new(visit, viewer, price, term));
        // The shortest term costs the least: if it is too expensive, all are.
        let is_affordable = terms[0].missing.is_none();
        terms[0].is_chosen = is_affordable;
        RentForm {
            node_id: offer.node.to_string(),
            slice_id: None,
            offer_version: offer.version.to_string(),
            // Showing the form is one intention: sending it twice rents once.
            idempotency_key: visit.request_id.to_owned(),
            terms: terms.into(),
            balance: viewer.balance.for_people(),
            is_affordable,
            farmer_sees: viewer.identity.email.clone(),
            error: None,
        }
    }
}

impl TermOption {
    fn new(visit: &Visit<'_>, viewer: Viewer<'_>, price: Usd, of: Term) -> TermOption {
        let total = of.total(price);
        let missing = total - viewer.balance;
        TermOption {
            months: of.months(),
            label: term(of),
            discount: discount(of),
            monthly_cost: monthly_cost(price, of),
            total_cost: total.for_people(),
            ends_on: moment::day(visit.now.plus_months(of.months())),
            missing: Some(missing).filter(|usd| *usd > Usd::ZERO).map(Usd::for_people),
            is_chosen: false,
        }
    }
}
