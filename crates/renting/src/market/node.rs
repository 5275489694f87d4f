//! One node, `/marketplace/compute/{node}`, and the dialog that rents a slice of it.

use askama::Template;
use domain::confidence::lower_bound;
use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::offering::Raise;
use domain::order::RentError;
use domain::outlook::Observations;
use domain::slice::SliceState;
use domain::template::TEMPLATES;
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::Uptime;
use store::listings::Days;
use store::maintenance::Maintenance;
use store::observations::{MonthRecord, Record};
use store::offers::Offer;
use store::ssh_keys::RegisteredKey;
use ui::maintenance::{WindowNotice, notifications};
use ui::uptime::{MeasuredUptime, measured};
use ui::visit::Visit;
use ui::wording::{bandwidth, discount, mbps, monthly_cost, place, price_per_hour, term, uptime};
use ui::{badge, moment};
use url::form_urlencoded::Serializer;
use web::form::Form;
use web::page::{Badge, Choice, Fact, Frame, Link, Section};
use web::text::{counted, grouped, sentence};
use web::{Kind, Problem};

use crate::market::ribbon::Ribbon;
use crate::market::search::template_of;
use crate::market::sheet::RentForm;
use crate::waitlist::page::Waitlist;

/// What was measured of a node.
#[derive(Clone, Debug)]
pub(crate) struct MeasuredRecord {
    /// The last day, the last 30 days, and the months, the newest first.
    pub rows: Vec<MeasuredRow>,
    /// Where the looks of this month are, as a table.
    pub samples_url: String,
}

/// What was measured over a while.
#[derive(Clone, Debug)]
pub(crate) struct MeasuredRow {
    /// Such as `Last 24 hours` or `November 2026`.
    pub description: String,
    /// Such as `99.2%`; a word where nobody looked.
    pub uptime: String,
    /// The uptime that it has at least, such as `98.7%`.
    pub uptime_lower_bound: String,
    /// How many looks this rests on, such as `8,140`.
    pub observations: String,
    /// The average of what the grid has measured, such as `940 Mbit/s`; empty where it has not.
    pub bandwidth: String,
}

/// What `node.html` shows: the offer of one node.
#[derive(Clone, Debug, Template)]
#[template(path = "market/node.html")]
pub(crate) struct Node {
    /// What surrounds the page.
    pub frame: Frame,
    /// The search that led here.
    pub market_url: String,
    /// The name that the farmer gave the node.
    pub name: String,
    /// City and country, such as `Ghent, Belgium`.
    pub place: String,
    /// Whether the grid lists the node as certified hardware.
    pub is_certified: bool,
    /// The page of its farm.
    pub farm: Option<Link>,
    /// Whether its farmer has shown that they own its farm.
    pub is_farm_verified: bool,
    /// Its last days, where that was asked for.
    pub ribbon: Option<Ribbon>,
    /// How the node stands, such as `up`.
    pub status: Badge,
    /// The price of a slice and month, such as `$25.00`.
    pub price_per_month: String,
    /// The same for an hour, such as `$0.034`.
    pub price_per_hour: String,
    /// The guaranteed uptime, such as `99.5%`.
    pub min_uptime: String,
    /// The guaranteed bandwidth, such as `100 Mbit/s`.
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
    /// What whoever looks can do about a full node.
    pub waitlist: Option<Waitlist>,
}

/// Why a request to rent was refused, and what can be done about it.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    /// What happened, as a sentence or two.
    pub text: String,
    /// What helps.
    pub remedy: Remedy,
}

/// What helps after a refusal.
#[derive(Clone, Debug)]
pub(crate) enum Remedy {
    /// What the refusal says already.
    AsSaid,
    /// Another look at the form, which is filled in.
    SendAgain,
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
pub(crate) struct Alternative {
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
pub(crate) struct SliceCell {
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
pub(crate) enum Renting {
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

/// One term to choose, with what it costs.
#[derive(Clone, Debug)]
pub(crate) struct TermOption {
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
    /// The day on which the rental ends, such as `29 October 2026`.
    pub ends_on: String,
    /// What the balance lacks for this term, such as `$21.25`; `None` when it is enough.
    pub missing: Option<String>,
    /// Whether the button is set when the dialog opens. Never on a term that is too expensive.
    pub is_chosen: bool,
}

/// How many months of a node its page shows.
pub(crate) const MONTHS_PER_NODE: u32 = 6;

impl Node {
    /// The same with what was measured of it: over a day, over 30 days, and by month.
    #[must_use]
    pub(crate) fn with_record(
        mut self,
        node: NodeId,
        [day, thirty]: [Record; 2],
        months: &[MonthRecord],
    ) -> Node {
        let windows = [("Last 24 hours", day), ("Last 30 days", thirty)];
        let mut rows: Vec<MeasuredRow> = windows
            .into_iter()
            .map(|(description, record)| of_record(description, &record))
            .collect();
        rows.extend(months.iter().map(|it| row(it.month.for_people(), it.observations)));
        let samples_url = format!("/api/marketplace/nodes/{node}/samples");
        self.record = Some(MeasuredRecord { rows, samples_url });
        self
    }
}

pub(crate) fn row(description: String, observations: Observations) -> MeasuredRow {
    let Observations { observed, up } = observations;
    MeasuredRow {
        description,
        uptime: Uptime::measured(up, observed).map_or("No checks".to_owned(), uptime),
        uptime_lower_bound: lower_bound(up, observed).map(uptime).unwrap_or_default(),
        observations: grouped(observed),
        bandwidth: String::new(),
    }
}

fn of_record(description: &str, record: &Record) -> MeasuredRow {
    let slower = record.upload_mbps.min(record.download_mbps);
    let bandwidth = if record.speeds > 0 { mbps(slower) } else { String::new() };
    MeasuredRow { bandwidth, ..row(description.to_owned(), record.observations) }
}

impl Node {
    /// The offer of a node, as whoever visits may take it.
    pub(crate) fn new(visit: &Visit<'_>, offer: &Offer, slices: &[(u32, SliceState)]) -> Node {
        let price = offer.price.unwrap_or(Usd::ZERO);
        Node {
            frame: visit.frame(&offer.name, Section::Marketplace),
            market_url: with_search(visit, "/marketplace/compute"),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            is_certified: offer.certified,
            farm: farm_link(offer),
            is_farm_verified: offer.is_farm_verified,
            ribbon: None,
            status: badge::status(offer.status),
            price_per_month: price.for_people(),
            price_per_hour: price_per_hour(price),
            min_uptime: uptime(offer.min_uptime),
            min_bandwidth: bandwidth(offer.min_bandwidth),
            measured_uptime: measured(offer),
            record: None,
            available_slices: offer.available_slices,
            total_slices: offer.total_slices(),
            facts: facts(offer, visit.now),
            slices: slices.iter().map(|(number, state)| cell(offer, *number, *state)).collect(),
            is_rented_whole: offer.is_rented_whole,
            renting: renting(visit, offer),
            maintenance: Vec::new(),
            refusal: None,
            alternatives: Vec::new(),
            waitlist: None,
        }
    }

    /// The same with its last days.
    #[must_use]
    pub(crate) fn with_days(mut self, days: &Days) -> Node {
        self.ribbon = days.values().next().map(|days| Ribbon::new(days));
        self
    }

    /// The same with other nodes, the nearest first, for a node of which nothing is free.
    #[must_use]
    pub(crate) fn with_alternatives(mut self, nearest: &[Offer]) -> Node {
        self.alternatives = nearest.iter().map(Alternative::new).collect();
        self
    }

    /// The same with the line for a node of which nothing is free.
    #[must_use]
    pub(crate) fn with_waitlist(self, waitlist: Option<Waitlist>) -> Node {
        Node { waitlist, ..self }
    }

    /// The same with what was announced of it.
    #[must_use]
    pub(crate) fn with_maintenance(mut self, visit: &Visit<'_>, windows: &[Maintenance]) -> Node {
        self.maintenance = notifications(visit, windows);
        self
    }

    /// The same with the keys of whoever looks, to choose from when renting, and with how long a
    /// setup takes there, in seconds, where that is known.
    #[must_use]
    pub(crate) fn with_keys(mut self, keys: &[RegisteredKey], setup: Option<u32>) -> Node {
        if let Renting::Open(form) = &mut self.renting {
            form.offer_keys(keys);
            if let Some(seconds) = setup {
                form.tell_setup_time(seconds);
            }
        }
        self
    }

    /// The same with what was chosen in a form that was sent.
    #[must_use]
    pub(crate) fn choosing(mut self, sent: &Form, problem: Option<&Problem>) -> Node {
        if let Renting::Open(form) = &mut self.renting {
            form.choose(sent, problem);
        }
        self
    }

    /// The same after a request to rent was refused.
    pub(crate) fn refused(mut self, sent: &Form, problem: &Problem, nearest: &[Offer]) -> Node {
        self = self.choosing(sent, Some(problem));
        let error = match problem.kind {
            Kind::StaleForm => problem.detail.clone(),
            Kind::InvalidFields if is_of_total(problem) => problem.fields[0].rule.clone(),
            _ => format!("Nothing was rented or charged: {}", problem.detail),
        };
        let error = match sent.text("paid") {
            "yes" => format!("{error}. What you paid is in your wallet"),
            _ => error,
        };
        let member = |name: &str| Some(problem.extra.get(name)?.as_str()?.to_owned());
        let remedy = match (problem.kind, member("missing")) {
            (Kind::InsufficientFunds, Some(missing)) => {
                Remedy::AddCredit { missing: format!("${missing}") }
            }
            (Kind::OfferChanged, _) => new_total(problem),
            (Kind::StaleForm | Kind::InvalidFields, _) => Remedy::SendAgain,
            _ => Remedy::AsSaid,
        };
        self.refusal = Some(Refusal { text: sentence(error), remedy });
        self.with_alternatives(nearest)
    }
}

/// Whether nothing is wrong but the total that the form has shown.
fn is_of_total(problem: &Problem) -> bool {
    matches!(&problem.fields[..], [wrong] if wrong.field == "total")
}

/// What the new quote of a changed offer comes to.
fn new_total(problem: &Problem) -> Remedy {
    let total = problem.extra.get("quote").and_then(|quote| quote["total_cost"].as_str());
    let total = total.and_then(|total| Usd::parse("total_cost", total).ok());
    total.map_or(Remedy::AsSaid, |now| Remedy::NewTotal { now: now.for_people() })
}

impl Alternative {
    pub(crate) fn new(offer: &Offer) -> Alternative {
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
        state: state.into_str().to_owned(),
    }
}

/// Such as `$30.00 from 24 November 2026, 10:00 UTC`.
fn raised(raise: Raise) -> String {
    let at = moment::to_the_minute(raise.at).text;
    format!("{} from {at}", raise.price.for_people())
}

/// The page of a node's farm, which is there while one of its nodes is on the market.
fn farm_link(offer: &Offer) -> Option<Link> {
    let is_there = offer.listing == Listing::Published && offer.farm > 0;
    let text = match offer.farm_name.as_str() {
        "" => format!("Farm {}", offer.farm),
        name => name.to_owned(),
    };
    is_there.then(|| Link { url: format!("/farms/{}", offer.farm), text })
}

/// What else is known of the node; what is not known is left out.
fn facts(offer: &Offer, now: Timestamp) -> Vec<Fact> {
    let known = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    [
        ("Grid node id", Some(offer.node.0.to_string())),
        ("Farm", known(&offer.farm_name)),
        (
            "Farm owner",
            Some(if offer.is_farm_verified { "verified" } else { "not verified" }.to_owned()),
        ),
        (
            "Machine setup",
            Some(if offer.has_agent(now) { "automatic" } else { "by hand" }.to_owned()),
        ),
        ("Country", known(&offer.country)),
        ("City", known(&offer.city)),
        ("Measured download", offer.download_mbps.map(mbps)),
        ("Measured upload", offer.upload_mbps.map(mbps)),
        (
            "Withheld by the farmer",
            Some(offer.withheld_slices).filter(|kept| *kept > 0).map(|kept| counted(kept, "slice")),
        ),
        ("Upcoming price", offer.raise.map(raised)),
        ("Last updated from the grid", Some(moment::to_the_minute(offer.synced_at).text)),
    ]
    .into_iter()
    .filter_map(|(label, value)| Some(Fact::new(label, value?)))
    .collect()
}

/// An address with the search that led to the page, and the place in it.
fn with_search(visit: &Visit<'_>, path: &str) -> String {
    let cursor = visit.query("cursor");
    let here: &[(&str, &str)] =
        if cursor.is_empty() { &[] } else { &[("cursor", cursor.as_str())] };
    visit.address(path, &[], here)
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
        let path = with_search(visit, &format!("/marketplace/compute/{}", offer.node)) + "#rent";
        let next = Serializer::new(String::new()).append_pair("next", &path).finish();
        Renting::SignIn { url: format!("/login?{next}") }
    }
}

impl TermOption {
    /// What a term at `price` costs, and what of that the `balance` lacks.
    pub(crate) fn new(visit: &Visit<'_>, balance: Usd, price: Usd, of: Term) -> TermOption {
        let total = of.total(price);
        let missing = total - balance;
        TermOption {
            months: of.months(),
            label: term(of),
            discount: discount(of),
            monthly_cost: monthly_cost(price, of),
            total_cost: total.for_people(),
            total_cents: cents(total),
            ends_on: visit.now.plus_months(of.months()).day_for_people(),
            missing: Some(missing).filter(|usd| *usd > Usd::ZERO).map(Usd::for_people),
            is_chosen: false,
        }
    }
}

/// An amount in whole cents, rounded down; nothing that is asked for here is negative.
pub(crate) fn cents(amount: Usd) -> u64 {
    const MICROS_OF_A_CENT: i64 = 10_000;
    u64::try_from(amount.micros() / MICROS_OF_A_CENT).unwrap_or_default()
}

/// What a machine can start with, to choose from: what is wanted is chosen, if it is there.
pub(crate) fn templates(wanted: &str) -> Vec<Choice> {
    let wanted = template_of(wanted).map_or("plain", |template| template.name);
    let choice = |template: &domain::template::Template| Choice {
        value: template.name.to_owned(),
        label: format!("{}: {}", template.title, template.about),
        is_chosen: template.name == wanted,
    };
    TEMPLATES.iter().map(choice).collect()
}
