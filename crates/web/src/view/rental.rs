//! Fills the page of one rental, its forms, and the page that ends it.

use domain::field::FieldError;
use domain::leaving;
use domain::money::Usd;
use domain::period;
use domain::rental::{Ending, ExtendError, MONTHS_AHEAD_MAX, RentalState};
use domain::term::Term;
use store::ledger::WalletEntry;
use store::maintenance::Maintenance;
use store::rentals::{self, Rental as Held};
use store::transfers;

use crate::api::rentals::{AutoRenewBody, ChangeRentalBody};
use crate::form::Form;
use crate::json::Decimal;
use crate::page::{
    Access, AutoRenewForm, Badge, Choice, EndRental, ExtendForm, Extending, Fact, Field, Frame,
    LeavingNotice, MoneyEntry, NameForm, Period, PriceConsent, Rental, RentalEvent, Resources,
    Section, Stage, TermOption, Tone, Transfer, UptimeRecord, UsedTime,
};
use crate::problem::{Kind, Problem};
use crate::view::event::history_words;
use crate::view::node::cents;
use crate::view::offering::notices;
use crate::view::slices::{low_balance, node_link, time_left};
use crate::view::visit::Visit;
use crate::view::wording::{
    bandwidth, counted, discount, error_above, error_of, monthly_cost_of, place, sent, sentence,
    term, uptime,
};
use crate::view::{badge, moment};

impl Rental {
    /// One rental, with what was paid for it and what happened.
    pub fn new(
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
            access: Access::new(life.state),
            machines: Vec::new(),
            can_go_on: false,
            uptime: UptimeRecord::new(rental),
            leaving: LeavingNotice::of(rental, visit.now),
            extend: is_live.then(|| Extending::new(visit, rental)),
            auto_renew: is_live.then(|| AutoRenewForm::new(visit, rental)),
            naming: Some(NameForm {
                name: Field::new(&rental.name),
                labels: Field::new(rental.labels.join(", ")),
                error: None,
            }),
            transfer: is_live.then(|| Transfer::new(offered)),
            can_end: is_live,
            periods: life.periods.iter().map(|period| Period::new(rental, period)).collect(),
            facts: facts(visit, rental),
            months: Vec::new(),
            months_error: None,
            entries: entries.iter().map(MoneyEntry::of_rental_page).collect(),
            events: events.iter().rev().map(RentalEvent::new).collect(),
        }
    }

    /// The same with what was announced of the node, while it is rented.
    #[must_use]
    pub fn with_maintenance(mut self, visit: &Visit<'_>, windows: &[Maintenance]) -> Rental {
        let is_over = matches!(self.stage, Stage::Ended { .. });
        self.maintenance = if is_over { Vec::new() } else { notices(visit, windows) };
        self
    }

    /// The same after an extension was refused: what was chosen stays chosen.
    pub fn not_extended(mut self, form: &Form, problem: &Problem) -> Rental {
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
        self
    }

    /// The same after the renewal was not set.
    pub fn not_renewing(mut self, form: &Form, problem: &Problem) -> Rental {
        if let Some(renewal) = &mut self.auto_renew {
            renewal.max_price = sent(form, "max_price", &problem.fields);
            renewal.terms_error = error_of(&problem.fields, "duration_months");
            renewal.error = error_above(problem, &["max_price", "duration_months"]);
            for choice in &mut renewal.terms {
                choice.is_chosen = choice.value == form.text("duration_months");
            }
        }
        self
    }

    /// The same after name and labels were not set.
    pub fn not_named(mut self, form: &Form, problem: &Problem) -> Rental {
        self.naming = Some(NameForm {
            name: sent(form, "name", &problem.fields),
            labels: sent(form, "labels", &problem.fields),
            error: error_above(problem, &["name", "labels"]),
        });
        self
    }

    /// The same after nobody was invited.
    pub fn not_offered(mut self, form: &Form, problem: &Problem) -> Rental {
        self.transfer = Some(Transfer::Open {
            email: sent(form, "email", &problem.fields),
            error: error_above(problem, &["email"]),
        });
        self
    }
}

fn frame(visit: &Visit<'_>, rental: &Held) -> Frame {
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
    fn new(visit: &Visit<'_>, rental: &Held) -> Stage {
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
    fn new(visit: &Visit<'_>, rental: &Held) -> Extending {
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
        let mut terms: Vec<TermOption> = Term::ALL
            .into_iter()
            .filter(|term| ends_at(*term) <= last)
            .map(|term| TermOption {
                ends_on: moment::day(ends_at(term)),
                ..TermOption::new(visit, balance, price.times(life.slices), term, None)
            })
            .collect();
        if terms.is_empty() {
            let why = match rental.market.leaves_at {
                Some(leaves_at) if leaves_at <= ahead => ExtendError::BeyondLeaving(leaves_at),
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
        let until = moment::day(life.price_until);
        return format!("Your price of {each} {per} is guaranteed until {until}.");
    }
    format!("Your guaranteed price has expired. The current price is {each} {per}.")
}

impl AutoRenewForm {
    fn new(visit: &Visit<'_>, rental: &Held) -> AutoRenewForm {
        let life = &rental.life;
        let renewal = rental.renewal;
        let off =
            Choice { value: String::new(), label: "Off".to_owned(), is_chosen: renewal.is_none() };
        let choice = |of: Term| Choice {
            value: of.months().to_string(),
            label: format!("For {}", term(of)),
            is_chosen: renewal.is_some_and(|renewal| renewal.term == of),
        };
        let ends_on = moment::day(life.ends_at);
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
            terms: [off].into_iter().chain(Term::ALL.map(choice)).collect(),
            terms_hint: "Charged one day before the term ends.".to_owned(),
            terms_error: None,
            max_price: Field::new(max_price.to_string()),
            max_price_hint: format!("The current price is {}.", life.price.for_people()),
            error: None,
        }
    }
}

impl Transfer {
    fn new(offered: Option<&transfers::Transfer>) -> Transfer {
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
    fn new(rental: &Held, period: &period::Period) -> Period {
        let is_import = period.number == 1 && period.total == Usd::ZERO;
        let what = match period.number {
            1 if is_import => "Imported rental".to_owned(),
            1 => "First term".to_owned(),
            number => format!("Extension {}", number - 1),
        };
        let refunded = Some(period.refunded).filter(|usd| *usd > Usd::ZERO);
        let of_node = period.price.times(rental.life.slices);
        Period {
            what,
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
        Fact::new("Price guaranteed until", moment::day(rental.life.price_until)),
    ];
    if let Some(viewer) = visit.viewer {
        facts.push(Fact::new("Shown to the farmer as", &viewer.identity.email));
    }
    facts.push(Fact::new("Rental ID", rental.life.id.to_string()));
    facts
}

impl RentalEvent {
    fn new(event: &rentals::RentalEvent) -> RentalEvent {
        RentalEvent { at: moment::to_the_minute(event.at), what: history_words(event) }
    }
}

impl EndRental {
    /// What ending a rental now means.
    pub fn new(visit: &Visit<'_>, rental: &Held, ending: &Ending) -> EndRental {
        let life = &rental.life;
        let is_in_grace = life.state == RentalState::Grace;
        EndRental {
            frame: visit.frame("End rental", Section::Slices),
            rental_url: format!("/dashboard/slices/{}", life.id),
            slice_id: life.place(),
            name: Some(rental.name.clone()).filter(|name| !name.is_empty()),
            node: node_link(rental),
            place: place(&rental.city, &rental.country),
            is_in_grace,
            ends_at: moment::to_the_minute(if is_in_grace {
                life.grace_until()
            } else {
                life.ends_at
            }),
            paid: ending.paid.for_people(),
            used: ending.used.as_ref().map(|used| UsedTime::new(rental, used)),
            refund: ending.refund.for_people(),
            refund_value: ending.refund.to_string(),
            computed_at: moment::to_the_minute(visit.now),
            error: None,
        }
    }

    /// The same after it was not ended.
    #[must_use]
    pub fn refused(mut self, problem: &Problem) -> EndRental {
        let changed = "the refund amount changed since you opened this page; review the new \
                       amount and confirm again";
        self.error = Some(match problem.kind {
            Kind::RefundChanged => sentence(changed.to_owned()),
            _ => sentence(problem.detail.clone()),
        });
        self
    }
}

impl UsedTime {
    fn new(rental: &Held, used: &period::Used) -> UsedTime {
        const DAY_HOURS: i64 = 24;
        let (days, hours) = (used.hours / DAY_HOURS, used.hours % DAY_HOURS);
        let parts: Vec<String> =
            [(i64::from(used.months), "month"), (days, "day"), (hours, "hour")]
                .into_iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, noun)| counted(count, noun))
                .collect();
        let time = match parts.split_last() {
            None => "nothing".to_owned(),
            Some((last, [])) => last.clone(),
            Some((last, first)) => format!("{} and {last}", first.join(", ")),
        };
        let each = rental.life.price.times(rental.life.slices).for_people();
        let reached = match used.discount_percent {
            0 => "no term discount".to_owned(),
            percent => format!("{percent}% term discount"),
        };
        let price = if leaving::is_cut(&rental.life, rental.market.leaves_at) {
            "pro rata, because the node is leaving the market".to_owned()
        } else {
            format!("{each} per month, {reached}, capped at the price of a longer term")
        };
        UsedTime { time, price, amount: used.cost.for_people() }
    }
}

/// What the renewal's form asks for.
pub fn read_renewal(form: &Form) -> Result<ChangeRentalBody, FieldError> {
    let months = form.text("duration_months").trim();
    let rule = "one of the listed terms, or off";
    let duration_months = match months {
        "" => 0,
        text => text.parse().map_err(|_| FieldError::new("duration_months", rule))?,
    };
    let max_price = form.filled("max_price").map(|text| Decimal::Text(text.to_owned()));
    let auto_renew = AutoRenewBody { duration_months, max_price };
    Ok(ChangeRentalBody { auto_renew: Some(auto_renew), ..ChangeRentalBody::default() })
}

/// What the form with name and labels asks for.
pub fn read_own(form: &Form) -> ChangeRentalBody {
    ChangeRentalBody {
        name: Some(form.text("name").to_owned()),
        labels: Some(form.text("labels").split(',').map(str::to_owned).collect()),
        ..ChangeRentalBody::default()
    }
}
