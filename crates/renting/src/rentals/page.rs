//! One rental, `/dashboard/slices/{rental}`, and the forms that change it.

use askama::Template;
use domain::evaluation::DisputeSide;
use domain::money::Usd;
use domain::month::Month;
use domain::period;
use domain::rental::{ExtendError, MONTHS_AHEAD_MAX, RentalState};
use domain::term::Term;
use serde::Deserialize;
use store::archives::Bounds;
use store::ledger::WalletEntry;
use store::maintenance::Maintenance;
use store::rentals::{self, Rental as Held};
use store::sla_results::SlaResult;
use store::transfers;
use strum::VariantArray;
use ui::event::history_words;
use ui::maintenance::{WindowNotice, notifications};
use ui::money::MoneyEntry;
use ui::sla::{SlaResultRow, refuse};
use ui::uptime::UptimeRecord;
use ui::visit::Visit;
use ui::wording::{bandwidth, discount, monthly_cost_of, place, term, uptime};
use ui::{badge, moment};
use web::Problem;
use web::form::{Form, error_above, error_of, sent};
use web::page::{Badge, Choice, Fact, Field, Frame, Link, Moment, Section, Tone};
use web::text::{counted, sentence};

use crate::market::node::{TermOption, cents};
use crate::moving::page::LeavingNotice;
use crate::provision::page::Machine;
use crate::rentals::json::ChangeRentalBody;
use crate::rentals::list::{Resources, low_balance, node_link, time_left};
use crate::rentals::machine::{Access, PortsForm};
use crate::rentals::outage::{OutageNotice, PartDownNotice};

/// How many events of a rental are shown before anybody asks for more.
const RECENT_EVENTS: usize = 8;

/// What `rental.html` shows: one rental, from access to the last cent.
///
/// A form that is `None` is not there: the rental cannot be changed like that now.
#[derive(Clone, Debug, Template)]
#[template(path = "rentals/rental.html")]
pub(crate) struct Rental {
    /// What surrounds the page.
    pub frame: Frame,
    /// This page, `/dashboard/slices/{rental}`; its forms post below it.
    pub url: String,
    /// What of it is shown.
    pub tab: Tab,
    /// What ending it now refunds, such as `$35.83`, where that was counted.
    pub refund: Option<String>,
    /// Such as `node32_slice_1`; `node32` for a whole node.
    pub slice_id: String,
    /// What the renter calls it.
    pub name: Option<String>,
    /// The renter's labels.
    pub labels: Vec<String>,
    /// The node's name and page.
    pub node: Link,
    /// City and country.
    pub place: String,
    /// What is rented.
    pub resources: Resources,
    /// Such as `active`, `grace` or `ended`.
    pub status: Badge,
    /// The maintenance of the node that is announced and not over.
    pub maintenance: Vec<WindowNotice>,
    /// Where it is between its first and its last day.
    pub stage: Stage,
    /// All of it, such as `$23.75`.
    pub monthly_cost: String,
    /// All that was charged, such as `$71.25`.
    pub total_cost: String,
    /// The term that runs, such as `3 months, 5% off`.
    pub term: String,
    /// When the rental began.
    pub started_at: Moment,
    /// When the rental ends or ended.
    pub ends_at: Moment,
    /// How long it still runs, such as `89 days left`; `None` once its term is over.
    pub time_left: Option<String>,
    /// How the slice is reached.
    pub access: Access,
    /// Until when it can be reached, or all is refunded; `None` where it can be, or nobody sets it
    /// up yet.
    pub access_by: Option<Moment>,
    /// Its machines, where its farm has an agent.
    pub machines: Vec<Machine>,
    /// Why nothing was done with one of them, when it is not about one that is shown.
    pub machines_error: Option<String>,
    /// Whether a machine that was shut down inside is started again; `None` before there is one.
    pub auto_start: Option<bool>,
    /// The form that changes the ports; `None` while they can't be.
    pub ports: Option<PortsForm>,
    /// Whether it waits for access for too long, and can go on with another slice: the link leads
    /// to `/move` below this page.
    pub can_move: bool,
    /// Measured against guaranteed.
    pub uptime: UptimeRecord,
    /// What can be done where its node leaves; `None` where it stays.
    pub leaving: Option<LeavingNotice>,
    /// That it is down; `None` where it is not.
    pub outage: Option<OutageNotice>,
    /// That some of its machines are down, and others are not.
    pub part_down: Option<PartDownNotice>,
    /// Extending it; `None` once it has ended.
    pub extend: Option<Extending>,
    /// The form that renews it by itself.
    pub auto_renew: Option<AutoRenewForm>,
    /// The form that names it.
    pub naming: Option<NameForm>,
    /// Handing it over to another account.
    pub transfer: Option<Transfer>,
    /// What a transfer does to its machine, if it has one.
    pub machine_on_transfer: Option<&'static str>,
    /// Whether it can be ended now; the link leads to `/cancel` below this page.
    pub can_end: bool,
    /// What was paid for, the first term first.
    pub periods: Vec<Period>,
    /// Further facts: the rental's id, the SLA, what the farmer sees.
    pub facts: Vec<Fact>,
    /// The months that were compared with the SLA, latest first.
    pub months: Vec<SlaResultRow>,
    /// Why a month was not disputed, when it is not about the text.
    pub months_error: Option<String>,
    /// The money of this rental, latest first.
    pub entries: Vec<MoneyEntry>,
    /// What happened, latest first.
    pub events: Vec<RentalEvent>,
    /// Says where its events and transactions are, of a rental that ended in an archived year.
    pub archived: Option<String>,
}

/// What of a rental is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    /// How the machine is reached, and what can be done with it.
    Machine,
    /// Everything about money, at `{rental}/billing`.
    Billing,
}

/// Where a rental is between its first and its last day.
#[derive(Clone, Debug)]
pub(crate) enum Stage {
    /// Its term runs.
    Active,
    /// Its term is over, its data is kept, and only the renter can take it again.
    Grace {
        /// Until when that is so.
        kept_until: Moment,
        /// Such as `31 hours left`.
        time_left: String,
    },
    /// It is over.
    Ended {
        /// What remains of it, in a sentence or two.
        remains: String,
    },
}

/// Whether a rental can be extended now.
#[derive(Clone, Debug)]
pub(crate) enum Extending {
    /// The form can be filled in.
    Open(Box<ExtendForm>),
    /// Not now, in a sentence: it is paid for too far ahead, or the node is off the market.
    Closed {
        /// Such as `A rental is paid for at most 24 months ahead.`
        reason: String,
    },
}

/// The form that extends a rental; posts to `{rental}/extend`.
#[derive(Clone, Debug)]
pub(crate) struct ExtendForm {
    /// Hidden field `idempotency_key`, so that sending twice extends once.
    pub idempotency_key: String,
    /// What the price is and for how long, such as `Your price of $25.00 a month is guaranteed
    /// until 29 July 2027.`
    pub price_note: String,
    /// Radio buttons `duration_months`, shortest first; what each costs is for all of the rental.
    /// A term that would lead too far ahead is left out.
    pub terms: Vec<TermOption>,
    /// What the renter must agree to, where the price has risen.
    pub consent: Option<PriceConsent>,
    /// The renter's balance, such as `$100.00`.
    pub balance: String,
    /// The same in whole cents, rounded down.
    pub balance_cents: u64,
    /// Whether the balance covers at least one term.
    pub is_affordable: bool,
    /// Why the last attempt was refused, as a sentence.
    pub error: Option<String>,
}

/// A price above the rental's own, to agree to: the checkbox `max_price`.
#[derive(Clone, Debug)]
pub(crate) struct PriceConsent {
    /// What the form sends: the new price per slice and month, such as `30.00`.
    pub max_price: String,
    /// The price so far, such as `$25.00`.
    pub was: String,
    /// The new price, such as `$30.00`.
    pub now: String,
    /// Whether the box is ticked, as it was sent.
    pub is_given: bool,
    /// What is wrong with it, as a sentence.
    pub error: Option<String>,
}

/// The form that has a rental renewed at its end; posts to `{rental}/auto-renew`.
#[derive(Clone, Debug)]
pub(crate) struct AutoRenewForm {
    /// `on` or `off`.
    pub status: Badge,
    /// What happens at the end as it is set now, as a sentence.
    pub outcome: String,
    /// Why the next renewal would fail, such as a wallet that would not hold it.
    pub warning: Option<String>,
    /// `duration_months`: off, which is 0, and every term.
    pub terms: Vec<Choice>,
    /// When it is charged, such as `Charged a day before the end.`
    pub terms_hint: String,
    /// What is wrong with the term.
    pub terms_error: Option<String>,
    /// `max_price`: the most for a slice and month, in US dollars.
    pub max_price: Field,
    /// Such as `The price is $25.00 now.`
    pub max_price_hint: String,
    /// Why nothing was changed, when it is not about one field.
    pub error: Option<String>,
}

impl AutoRenewForm {
    /// Why nothing was changed. The page is long: it opens where this is said.
    fn refusal(&self) -> Option<&str> {
        refusal(self.error.as_deref(), [&self.terms_error, &self.max_price.error])
    }
}

/// The form with the renter's own name and labels; posts to `{rental}/name`.
#[derive(Clone, Debug, Default)]
pub(crate) struct NameForm {
    /// `name`
    pub name: Field,
    /// `labels`, separated by commas.
    pub labels: Field,
    /// Why nothing was changed, when it is not about one field.
    pub error: Option<String>,
}

impl NameForm {
    /// Why nothing was changed. The page is long: it opens where this is said.
    fn refusal(&self) -> Option<&str> {
        refusal(self.error.as_deref(), [&self.name.error, &self.labels.error])
    }
}

/// What is said above a form of which a field was refused, if nothing else is.
pub(crate) fn refusal<'a, const N: usize>(
    error: Option<&'a str>,
    of_fields: [&Option<String>; N],
) -> Option<&'a str> {
    let is_marked = of_fields.iter().any(|error| error.is_some());
    error.or(is_marked.then_some("Nothing was changed: the marked fields need a correction."))
}

/// Handing a rental over to another account.
#[derive(Clone, Debug)]
pub(crate) enum Transfer {
    /// Somebody can be invited; the form posts to `{rental}/transfer`.
    Open {
        /// `email`: whom to invite.
        email: Field,
        /// Why nobody was invited, when it is not about the field.
        error: Option<String>,
    },
    /// Somebody is invited; the button that takes it back posts to `{rental}/transfer/cancel`.
    Pending {
        /// Who is.
        email: String,
        /// Until when they can take it.
        open_until: Moment,
    },
}

impl Transfer {
    /// Whether there is something to see before anybody asks for it.
    fn is_open(&self) -> bool {
        match self {
            Transfer::Open { email, error } => email.error.is_some() || error.is_some(),
            Transfer::Pending { .. } => true,
        }
    }
}

/// A term that was paid: the first one, or an extension.
#[derive(Clone, Debug)]
pub(crate) struct Period {
    /// Such as `First term` or `Renewed by itself`.
    pub description: String,
    /// Such as `3 months`.
    pub term: String,
    /// When it began or begins.
    pub from: Moment,
    /// When it ended or ends.
    pub until: Moment,
    /// The price of a slice and month before the discount, such as `$25.00`.
    pub price: String,
    /// Such as `5% off`.
    pub discount: Option<String>,
    /// What was charged, such as `$71.25`.
    pub total: String,
    /// How much of it is the farmer's by now, such as `$23.01`.
    pub earned: String,
    /// What was refunded of it, such as `$12.50`.
    pub refunded: Option<String>,
}

/// One line of a rental's history.
#[derive(Clone, Debug)]
pub(crate) struct RentalEvent {
    /// When it happened.
    pub at: Moment,
    /// What happened, such as `Rented for 3 months`.
    pub description: String,
}

impl Rental {
    /// The same with the months that were compared with the SLA.
    #[must_use]
    pub(crate) fn with_months(mut self, visit: &Visit<'_>, sla_result: &[SlaResult]) -> Rental {
        let row = |it: &SlaResult| SlaResultRow::for_side(it, DisputeSide::Renter, visit.now);
        self.months = sla_result.iter().map(row).collect();
        self
    }

    /// The same with everything about money.
    #[must_use]
    pub(crate) fn on_billing(mut self) -> Rental {
        self.tab = Tab::Billing;
        self
    }

    /// The same with what ending it now refunds.
    #[must_use]
    pub(crate) fn refunding(mut self, refund: Option<Usd>) -> Rental {
        self.refund = refund.map(Usd::for_people);
        self
    }

    /// The same after a month was not disputed.
    #[must_use]
    pub(crate) fn not_disputed(mut self, form: &Form, problem: &Problem, month: &str) -> Rental {
        let url = format!("{}/months/{month}/dispute", self.url);
        refuse(&mut self.months, form, problem, &url);
        self.months_error = error_above(problem, &["text"]);
        self.on_billing()
    }
}

impl Rental {
    /// One rental, with what was paid for it and what happened.
    pub(crate) fn new(
        visit: &Visit<'_>,
        rental: &Held,
        entries: &[WalletEntry],
        events: &[rentals::RentalEvent],
        offered: Option<&transfers::Transfer>,
    ) -> Rental {
        let life = &rental.life;
        let is_live = life.state != RentalState::Ended;
        let sum = |part: fn(&period::Period) -> Usd| {
            life.periods.iter().map(part).fold(Usd::ZERO, |sum, part| sum + part).for_people()
        };
        Rental {
            frame: frame(visit, rental),
            url: format!("/dashboard/slices/{}", life.id),
            tab: Tab::Machine,
            refund: None,
            slice_id: life.place(),
            name: Some(rental.name.clone()).filter(|name| !name.is_empty()),
            labels: rental.labels.clone(),
            node: node_link(rental),
            place: place(&rental.city, &rental.country),
            resources: Resources::of_slices(life.slices, life.slice.is_none()),
            status: badge::rental(life.state, life.ends_at, visit.now),
            maintenance: Vec::new(),
            stage: Stage::new(visit, rental),
            monthly_cost: monthly_cost_of(life),
            total_cost: sum(|period| period.total),
            term: term_of(rental),
            started_at: moment::to_the_minute(life.started_at),
            ends_at: moment::to_the_minute(life.ended_at.unwrap_or(life.ends_at)),
            time_left: time_left(visit, rental).filter(|_| life.state == RentalState::Active),
            access: Access::new(rental, visit.now),
            access_by: None,
            machines: Vec::new(),
            machines_error: None,
            auto_start: None,
            ports: None,
            can_move: false,
            uptime: UptimeRecord::new(rental),
            leaving: LeavingNotice::of(rental, visit.now),
            outage: OutageNotice::of(rental, visit.now),
            part_down: PartDownNotice::of(rental, visit.now),
            extend: is_live.then(|| Extending::new(visit, rental)),
            auto_renew: is_live.then(|| AutoRenewForm::new(visit, rental)),
            naming: Some(NameForm {
                name: Field::new(&rental.name),
                labels: Field::new(rental.labels.join(", ")),
                error: None,
            }),
            transfer: is_live.then(|| Transfer::new(offered)),
            machine_on_transfer: None,
            can_end: is_live,
            periods: life.periods.iter().map(|period| Period::new(rental, period)).collect(),
            facts: facts(visit, rental),
            months: Vec::new(),
            months_error: None,
            entries: entries.iter().map(MoneyEntry::of_rental_page).collect(),
            events: events.iter().rev().map(RentalEvent::new).collect(),
            archived: None,
        }
    }

    /// The same with where its history is, if it ended in a year that is archived.
    #[must_use]
    pub(crate) fn with_archive(mut self, rental: &Held, bounds: &Bounds) -> Rental {
        if rental.life.ended_at.is_some_and(|at| at < bounds.closed_at) {
            let remains = "This rental has ended and its data has been deleted.".to_owned();
            self.stage = Stage::Ended { remains };
            self.archived = Some(format!(
                "This rental ended before {}, so its history and transactions are archived. Ask \
                 the operator for copies.",
                Month::of(bounds.closed_at).year()
            ));
        }
        self
    }

    /// The same with what was announced of the node, while it is rented.
    #[must_use]
    pub(crate) fn with_maintenance(mut self, visit: &Visit<'_>, windows: &[Maintenance]) -> Rental {
        let is_over = matches!(self.stage, Stage::Ended { .. });
        self.maintenance = if is_over { Vec::new() } else { notifications(visit, windows) };
        self
    }

    /// The same after an extension was refused: what was chosen stays chosen.
    pub(crate) fn not_extended(mut self, form: &Form, problem: &Problem) -> Rental {
        if let Some(Extending::Open(open)) = &mut self.extend {
            open.error = error_above(problem, &["max_price"]);
            for term in &mut open.terms {
                term.is_chosen = term.months.to_string() == form.text("duration_months");
            }
            if let Some(consent) = &mut open.consent {
                consent.is_given = form.text("max_price") == consent.max_price;
                consent.error = error_of(&problem.fields, "max_price");
            }
        }
        self.on_billing()
    }

    /// The same after the renewal was not set.
    pub(crate) fn not_renewing(mut self, form: &Form, problem: &Problem) -> Rental {
        if let Some(renewal) = &mut self.auto_renew {
            renewal.max_price = sent(form, "max_price", &problem.fields);
            renewal.terms_error = error_of(&problem.fields, "duration_months");
            renewal.error = error_above(problem, &["max_price", "duration_months"]);
            for choice in &mut renewal.terms {
                choice.is_chosen = choice.value == form.text("duration_months");
            }
        }
        self.on_billing()
    }

    /// The same after name and labels were not set.
    pub(crate) fn not_named(mut self, form: &Form, problem: &Problem) -> Rental {
        self.naming = Some(NameForm {
            name: sent(form, "name", &problem.fields),
            labels: sent(form, "labels", &problem.fields),
            error: error_above(problem, &["name", "labels"]),
        });
        self
    }

    /// The same after nobody was invited.
    pub(crate) fn not_offered(mut self, form: &Form, problem: &Problem) -> Rental {
        self.transfer = Some(Transfer::Open {
            email: sent(form, "email", &problem.fields),
            error: error_above(problem, &["email"]),
        });
        self
    }
}

pub(crate) fn frame(visit: &Visit<'_>, rental: &Held) -> Frame {
    let title = if rental.name.is_empty() { rental.life.place() } else { rental.name.clone() };
    visit.frame(title, Section::Slices)
}

/// The term, such as `3 months, 5% off`, or all of them: `4 months, in 2 terms`.
fn term_of(rental: &Held) -> String {
    let life = &rental.life;
    let term = match &life.periods[..] {
        [] => return String::new(),
        [term] => term,
        terms => return format!("{} in {} terms", counted(life.months(), "month"), terms.len()),
    };
    let discount = Term::from_months(term.months.into()).ok().and_then(discount);
    let months = counted(term.months, "month");
    [Some(months), discount].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

impl Stage {
    pub(crate) fn new(visit: &Visit<'_>, rental: &Held) -> Stage {
        match rental.life.state {
            RentalState::Active => Stage::Active,
            RentalState::Grace => Stage::Grace {
                kept_until: moment::to_the_minute(rental.life.grace_until()),
                time_left: time_left(visit, rental).unwrap_or_else(|| "no time left".to_owned()),
            },
            RentalState::Ended => Stage::Ended {
                remains: "This rental has ended and its data has been deleted. Its transactions \
                          and history are kept here."
                    .to_owned(),
            },
        }
    }
}

impl Extending {
    pub(crate) fn new(visit: &Visit<'_>, rental: &Held) -> Extending {
        let life = &rental.life;
        let price = match life.renewal_price(rental.market) {
            Ok(price) => price,
            Err(why) => return Extending::Closed { reason: sentence(why.to_string()) },
        };
        let ahead = visit.now.plus_months(MONTHS_AHEAD_MAX);
        let last = rental.market.leaves_at.map_or(ahead, |leaves_at| leaves_at.min(ahead));
        let months = life.months();
        let ends_at = |term: Term| life.started_at.plus_months(months + term.months());
        let balance = visit.viewer.map_or(Usd::ZERO, |viewer| viewer.balance);
        let mut terms: Vec<TermOption> = Term::VARIANTS
            .iter()
            .copied()
            .filter(|term| ends_at(*term) <= last)
            .map(|term| TermOption {
                ends_on: ends_at(term).day_for_people(),
                ..TermOption::new(visit, balance, price.times(life.slices), term)
            })
            .collect();
        if terms.is_empty() {
            let why = match rental.market.leaves_at {
                Some(leaves_at) if leaves_at <= ahead => {
                    ExtendError::TermBeyondLeaveDate(leaves_at)
                }
                Some(_) | None => ExtendError::TooFarAhead,
            };
            return Extending::Closed { reason: sentence(why.to_string()) };
        }
        let is_affordable = terms[0].missing.is_none();
        terms[0].is_chosen = is_affordable;
        Extending::Open(Box::new(ExtendForm {
            idempotency_key: visit.request_id.to_owned(),
            price_note: price_note(rental, price),
            terms,
            consent: (price > life.price).then(|| PriceConsent {
                max_price: price.to_string(),
                was: life.price.for_people(),
                now: price.for_people(),
                is_given: false,
                error: None,
            }),
            balance: balance.for_people(),
            balance_cents: cents(balance),
            is_affordable,
            error: None,
        }))
    }
}

/// What an extension costs, and for how long that is so.
fn price_note(rental: &Held, price: Usd) -> String {
    let (life, each) = (&rental.life, price.for_people());
    let per = if life.slice.is_some() { "per month" } else { "per slice per month" };
    if life.ends_at < life.price_until {
        let until = life.price_until.day_for_people();
        return format!("Your price of {each} {per} is guaranteed until {until}.");
    }
    format!("Your guaranteed price has expired. The current price is {each} {per}.")
}

impl AutoRenewForm {
    pub(crate) fn new(visit: &Visit<'_>, rental: &Held) -> AutoRenewForm {
        let life = &rental.life;
        let renewal = rental.renewal;
        let off =
            Choice { value: "0".to_owned(), label: "Off".to_owned(), is_chosen: renewal.is_none() };
        let choice = |of: Term| Choice {
            value: of.months().to_string(),
            label: format!("For {}", term(of)),
            is_chosen: renewal.is_some_and(|renewal| renewal.term == of),
        };
        let ends_on = life.ends_at.day_for_people();
        let outcome = match renewal {
            None => {
                format!("The rental ends on {ends_on}. Your data is kept for 48 hours after that.")
            }
            Some(renewal) => format!(
                "Before {ends_on}, the rental is extended by {} at up to {} per slice per month.",
                term(renewal.term),
                renewal.max_price.for_people()
            ),
        };
        let balance = visit.viewer.map_or(Usd::ZERO, |viewer| viewer.balance);
        let max_price = renewal.map_or(life.price, |renewal| renewal.max_price);
        AutoRenewForm {
            status: match renewal {
                Some(_) => Badge::new("on", Tone::Good),
                None => Badge::new("off", Tone::Plain),
            },
            outcome,
            warning: low_balance(rental, balance, visit.now),
            terms: [off].into_iter().chain(Term::VARIANTS.iter().copied().map(choice)).collect(),
            terms_hint: "Charged one day before the term ends.".to_owned(),
            terms_error: None,
            max_price: Field::new(max_price.to_string()),
            max_price_hint: format!("The current price is {}.", life.price.for_people()),
            error: None,
        }
    }
}

impl Transfer {
    pub(crate) fn new(offered: Option<&transfers::Transfer>) -> Transfer {
        match offered {
            None => Transfer::Open { email: Field::new(""), error: None },
            Some(offered) => Transfer::Pending {
                email: offered.to.clone(),
                open_until: moment::to_the_minute(offered.expires_at),
            },
        }
    }
}

impl Period {
    pub(crate) fn new(rental: &Held, period: &period::Period) -> Period {
        let is_import = period.number == 1 && period.total == Usd::ZERO;
        let description = match period.number {
            1 if is_import => "Imported rental".to_owned(),
            1 => "First term".to_owned(),
            number => format!("Extension {}", number - 1),
        };
        let refunded = Some(period.refunded).filter(|usd| *usd > Usd::ZERO);
        let of_node = period.price.times(rental.life.slices);
        Period {
            description,
            term: counted(period.months, "month"),
            from: moment::on_day(period.starts_at),
            until: moment::on_day(period.ends_at),
            price: of_node.for_people(),
            discount: Term::from_months(period.months.into()).ok().and_then(discount),
            total: period.total.for_people(),
            earned: period.earned.for_people(),
            refunded: refunded.map(Usd::for_people),
        }
    }
}

fn facts(visit: &Visit<'_>, rental: &Held) -> Vec<Fact> {
    let (up, fast) = (uptime(rental.min_uptime), bandwidth(rental.min_bandwidth));
    let mut facts = vec![
        Fact::new("Guaranteed", format!("{up} uptime, {fast}")),
        Fact::new("Price guaranteed until", rental.life.price_until.day_for_people()),
    ];
    if let Some(viewer) = visit.viewer {
        facts.push(Fact::new("Shown to the farmer as", &viewer.identity.email));
    }
    facts.push(Fact::new("Rental ID", rental.life.id.to_string()));
    facts
}

impl RentalEvent {
    pub(crate) fn new(event: &rentals::RentalEvent) -> RentalEvent {
        RentalEvent { at: moment::to_the_minute(event.at), description: history_words(event) }
    }
}

/// The form with name and labels.
#[derive(Deserialize)]
pub(crate) struct NameAndLabels {
    name: String,
    labels: String,
}

impl NameAndLabels {
    /// What it asks for. Its labels are separated by commas.
    pub(crate) fn body(self) -> ChangeRentalBody {
        let labels = self.labels.split(',').filter(|label| !label.trim().is_empty());
        let labels = labels.map(str::to_owned).collect();
        let (name, labels) = (Some(self.name), Some(labels));
        ChangeRentalBody { name, labels, ..ChangeRentalBody::default() }
    }
}
