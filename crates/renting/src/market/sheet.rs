//! The sheet on the page of a node that rents slices of it.

use domain::money::Usd;
use domain::order::Wanted;
use domain::term::Term;
use store::offers::Offer;
use store::ssh_keys::RegisteredKey;
use ui::visit::{Viewer, Visit};
use ui::wording::{bandwidth, discount, monthly_cost, term, uptime};
use web::Problem;
use web::form::{Form, error_of};
use web::page::{Choice, Fact, Field};
use web::text::counted;

use crate::market::list::minutes_to_setup;
use crate::market::node::{cents, templates};
use crate::market::search::{count, months};

/// How many slices the sheet offers at once; the API takes more.
const COUNT_MAX: u32 = 10;

/// The least that is paid by card: see `domain::top_up`.
const CARD_MIN: Usd = Usd::whole(5);

/// The form in the sheet; posts to `/dashboard/slices`. Every amount is of what is chosen.
#[derive(Clone, Debug)]
pub(crate) struct RentForm {
    /// Hidden field `node_id`.
    pub node_id: String,
    /// Hidden field `offer_version`: the offer that the prices below come from.
    pub offer_version: String,
    /// Hidden field `idempotency_key`, so that sending twice rents once.
    pub idempotency_key: String,
    /// What is rented, and how soon it can be used.
    pub gets: Vec<Fact>,
    /// Radio buttons `duration_months`, shortest first.
    pub terms: Vec<RentTerm>,
    /// `count`: how many slices, from 1 on. With fewer than two choices the form has no such field.
    pub counts: Vec<Choice>,
    /// `whole_node`, where every slice is free.
    pub whole_node: Option<WholeNode>,
    /// What is charged.
    pub charge: Charge,
    /// The renter's balance, such as `$100.00`.
    pub balance: String,
    /// The same in whole cents, rounded down.
    pub balance_cents: u64,
    /// `ssh_key_id`: which key gets in; without one, the machine waits until there is one.
    pub ssh_keys: Vec<Choice>,
    /// `public_key`: a new key, in the place of one of these.
    pub public_key: Field,
    /// `template`: what the machine starts with.
    pub templates: Vec<Choice>,
    /// `ports`, as they were entered.
    pub ports: String,
    /// What the farmer gets to know of the renter: their email address or display name.
    pub farmer_sees: String,
    /// Whether its farm has no agent.
    pub is_set_up_by_hand: bool,
    /// Whether its farmer has shown that they own its farm.
    pub is_farm_verified: bool,
    /// The price of a slice and month.
    price: Usd,
    /// What the wallet holds.
    wallet: Usd,
}

/// All slices of a node, to rent as one.
#[derive(Clone, Debug)]
pub(crate) struct WholeNode {
    /// How many.
    pub slices: u32,
    /// What all of them cost a month before a discount, such as `$225.00`.
    pub price_per_month: String,
    /// Whether it is chosen rather than single slices.
    pub is_chosen: bool,
}

/// One term to choose.
#[derive(Clone, Debug)]
pub(crate) struct RentTerm {
    /// The value of the radio button.
    pub months: u32,
    /// Such as `3 months`.
    pub label: String,
    /// Such as `5% off`.
    pub discount: Option<String>,
    /// What a slice costs a month after the discount, such as `$23.75`.
    pub monthly_cost: String,
    /// The day on which the rental ends, such as `29 October 2026`.
    pub ends_on: String,
    /// What one slice costs.
    pub slice: Cost,
    /// What the whole node costs, where it can be rented.
    pub whole_node: Option<Cost>,
    /// What is charged for what is chosen, such as `$142.50`.
    pub total_cost: String,
    /// What that saves, such as `$7.50`; `None` for a term without a discount.
    pub saving: Option<String>,
    /// Whether it is chosen.
    pub is_chosen: bool,
    term: Term,
}

/// What a term costs and saves, in whole cents: the script multiplies it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// The charge.
    pub cents: u64,
    /// What the same months cost without the discount of the term, less the charge.
    pub saved_cents: u64,
}

impl Cost {
    fn new(price: Usd, term: Term) -> Cost {
        let total = term.total(price);
        let saved = price.times(term.months()) - total;
        Cost { cents: cents(total), saved_cents: cents(saved) }
    }
}

/// What is charged for what is chosen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Charge {
    /// Such as `$71.25`.
    pub total: String,
    /// Hidden field `total`: the same as decimal text, such as `71.25`.
    pub value: String,
    /// What the wallet lacks of it, such as `$21.25`.
    pub missing: Option<String>,
    /// What is paid by card then, which is not less than a card can pay.
    pub by_card: String,
}

/// What an order of an offer costs, at the price of the offer; `None` where that is not known here.
pub(crate) fn total(offer: &Offer, wanted: &Wanted, of: Term) -> Option<Usd> {
    let price = offer.price?;
    match wanted {
        Wanted::Slice(_) => Some(of.total(price)),
        Wanted::OfNode(_, count) => Some(of.total(price).times(*count)),
        Wanted::WholeNode(_) => whole(offer).map(|slices| of.total(price.times(slices))),
        Wanted::OnMarket { .. } => None,
    }
}

/// How many slices the whole node has, where each is free and all of them can be had as one.
fn whole(offer: &Offer) -> Option<u32> {
    let all = offer.available_slices;
    (all == offer.total_slices() && all > 1).then_some(all)
}

impl RentForm {
    pub(crate) fn new(
        visit: &Visit<'_>,
        viewer: Viewer<'_>,
        offer: &Offer,
        price: Usd,
    ) -> RentForm {
        let whole = whole(offer);
        let most = offer.available_slices.min(COUNT_MAX);
        let wanted = count(&visit.query("count")).unwrap_or(1).min(most);
        let counts = (1..=most).map(|count| Choice {
            value: count.to_string(),
            label: counted(count, "slice"),
            is_chosen: count == wanted,
        });
        let mut terms: Vec<RentTerm> =
            offer.terms.iter().map(|term| RentTerm::new(visit, price, term, whole)).collect();
        // The term that was searched for; else the shortest.
        let wanted = months(&visit.query("months")).ok().map(Term::months);
        let chosen = terms.iter().position(|term| Some(term.months) == wanted).unwrap_or(0);
        if let Some(chosen) = terms.get_mut(chosen) {
            chosen.is_chosen = true;
        }
        let is_whole = visit.query("whole_node") == "yes";
        let form = RentForm {
            node_id: offer.node.to_string(),
            offer_version: offer.version.to_string(),
            // Showing the form is one intention: sending it twice rents once.
            idempotency_key: visit.request_id.to_owned(),
            gets: gets(visit, offer),
            terms,
            counts: counts.collect(),
            whole_node: whole.map(|slices| WholeNode {
                slices,
                price_per_month: price.times(slices).for_people(),
                is_chosen: is_whole,
            }),
            charge: Charge::default(),
            balance: viewer.balance.for_people(),
            balance_cents: cents(viewer.balance),
            ssh_keys: Vec::new(),
            public_key: Field::new(""),
            templates: templates(&visit.query("template")),
            ports: visit.query("ports"),
            farmer_sees: viewer.identity.shown_as().to_owned(),
            is_set_up_by_hand: !offer.has_agent(visit.now),
            is_farm_verified: offer.is_farm_verified,
            price,
            wallet: viewer.balance,
        };
        form.priced()
    }

    /// The same with the keys of whoever looks, of which the oldest is chosen.
    pub(crate) fn offer_keys(&mut self, keys: &[RegisteredKey]) {
        let choice = |(nth, key): (usize, &RegisteredKey)| Choice {
            value: key.id.to_string(),
            label: key.name.clone(),
            is_chosen: nth == 0,
        };
        self.ssh_keys = keys.iter().enumerate().map(choice).collect();
    }

    /// Says how long the setup of this node takes, in seconds, where that is known.
    pub(crate) fn tell_setup_time(&mut self, seconds: u32) {
        if let Some(minutes) = minutes_to_setup(seconds).filter(|_| !self.is_set_up_by_hand) {
            let about = format!("in about {}; {REFUND}", counted(minutes, "minute"));
            for fact in self.gets.iter_mut().filter(|fact| fact.label == ACCESS) {
                fact.value.clone_from(&about);
            }
        }
    }

    /// Chooses what a form says that was sent, as far as it is still offered.
    pub(crate) fn choose(&mut self, sent: &Form, problem: Option<&Problem>) {
        let months = sent.text("duration_months");
        let is_asked = |term: &RentTerm| term.months.to_string() == months;
        if self.terms.iter().any(is_asked) {
            self.terms.iter_mut().for_each(|term| term.is_chosen = is_asked(term));
        }
        choose(&mut self.counts, sent.text("count"));
        choose(&mut self.ssh_keys, sent.text("ssh_key_id"));
        choose(&mut self.templates, sent.text("template"));
        if let Some(whole) = &mut self.whole_node {
            whole.is_chosen = sent.text("whole_node") == "yes";
        }
        sent.text("ports").clone_into(&mut self.ports);
        self.public_key = Field {
            value: sent.text("public_key").to_owned(),
            error: problem.and_then(|problem| error_of(&problem.fields, "public_key")),
        };
        *self = self.clone().priced();
    }

    /// The same with every amount as what is chosen has it.
    fn priced(mut self) -> RentForm {
        let is_whole = self.whole_node.as_ref().is_some_and(|whole| whole.is_chosen);
        let slices = self.whole_node.as_ref().filter(|_| is_whole).map(|whole| whole.slices);
        let chosen = self.counts.iter().find(|choice| choice.is_chosen);
        let count = chosen.and_then(|choice| choice.value.parse().ok()).unwrap_or(1);
        for term in &mut self.terms {
            let (months, of) = (term.months, term.term);
            let (total, without) = match slices {
                Some(slices) => {
                    let price = self.price.times(slices);
                    (of.total(price), price.times(months))
                }
                None => (of.total(self.price).times(count), self.price.times(months).times(count)),
            };
            let saved = without - total;
            term.total_cost = total.for_people();
            term.saving = Some(saved).filter(|saved| *saved > Usd::ZERO).map(Usd::for_people);
            if term.is_chosen {
                let lacks = total - self.wallet;
                let missing = Some(lacks).filter(|missing| *missing > Usd::ZERO);
                self.charge = Charge {
                    total: total.for_people(),
                    value: total.to_string(),
                    missing: missing.map(Usd::for_people),
                    by_card: lacks.max(CARD_MIN).for_people(),
                };
            }
        }
        self
    }
}

impl RentTerm {
    fn new(visit: &Visit<'_>, price: Usd, of: Term, whole: Option<u32>) -> RentTerm {
        RentTerm {
            months: of.months(),
            label: term(of),
            discount: discount(of),
            monthly_cost: monthly_cost(price, of),
            ends_on: visit.now.plus_months(of.months()).day_for_people(),
            slice: Cost::new(price, of),
            whole_node: whole.map(|slices| Cost::new(price.times(slices), of)),
            total_cost: String::new(),
            saving: None,
            is_chosen: false,
            term: of,
        }
    }
}

/// The name of the fact that says how soon a machine can be used.
const ACCESS: &str = "Access";
/// What holds wherever machines are set up.
const REFUND: &str = "if you have none within 24 hours, you are refunded in full";

/// What is rented: a slice, and what is guaranteed of it.
fn gets(visit: &Visit<'_>, offer: &Offer) -> Vec<Fact> {
    let (up, fast) = (uptime(offer.min_uptime), bandwidth(offer.min_bandwidth));
    let access = if offer.has_agent(visit.now) {
        format!("set up automatically; {REFUND}")
    } else {
        format!("set up by the farmer, by hand; {REFUND}")
    };
    vec![
        Fact::new("Each slice", "1 dedicated vCPU, 4 GB memory, 200 GB SSD"),
        Fact::new(ACCESS, access),
        Fact::new("Guarantee", format!("{up} uptime and {fast}, with credits if they fall short")),
        Fact::new("Login", "SSH with your key; address and port are shown on the rental's page"),
    ]
}

/// Chooses this value, where it is offered.
fn choose(choices: &mut [Choice], value: &str) {
    if choices.iter().any(|choice| choice.value == value) {
        for choice in choices {
            choice.is_chosen = choice.value == value;
        }
    }
}
