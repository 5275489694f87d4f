//! Fills the pages of what a renter holds.

use domain::rental::RentalState;
use store::ledger::WalletEntry;
use store::rentals::{self, Rental as Held};

use crate::api::PageOf;
use crate::api::rentals::AccessInfo;
use crate::page::{
    Access, Badge, Fact, Link, MoneyEntry, Rental, RentalEvent, RentalRow, Section, Slices, Tone,
};
use crate::view::visit::Visit;
use crate::view::wording::{bandwidth, discount, monthly_cost, place, term, uptime};
use crate::view::{badge, moment};

/// How many rentals one page shows.
pub const RENTALS_PER_PAGE: u32 = 25;

impl Slices {
    /// A page of rentals: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<Held>) -> Slices {
        let row = |rental: &Held| RentalRow::new(visit, rental);
        let page = PageOf::new(found, RENTALS_PER_PAGE, |rental| rental.id.to_string(), row);
        Slices {
            frame: visit.frame("My slices", Section::Slices),
            rentals: page.items,
            next_page: visit.next_page("/dashboard/slices", page.next_cursor),
        }
    }
}

impl RentalRow {
    fn new(visit: &Visit<'_>, rental: &Held) -> RentalRow {
        RentalRow {
            url: format!("/dashboard/slices/{}", rental.id),
            slice_id: rental.slice.to_string(),
            node: node_link(rental),
            place: place(&rental.city, &rental.country),
            status: badge::rental(rental.state, rental.ends_at, visit.now),
            monthly_cost: monthly_cost(rental.price, rental.term),
            total_cost: rental.total.for_people(),
            started_at: moment::on_day(rental.started_at),
            ends_at: moment::on_day(rental.ends_at),
        }
    }
}

impl Rental {
    /// One rental, with what was paid for it and what happened.
    pub fn new(
        visit: &Visit<'_>,
        rental: &Held,
        entry: Option<&WalletEntry>,
        events: &[rentals::RentalEvent],
    ) -> Rental {
        let left = moment::time_left(rental.ends_at, visit.now);
        let term_and_discount: Vec<_> =
            [Some(term(rental.term)), discount(rental.term)].into_iter().flatten().collect();
        Rental {
            frame: visit.frame(rental.slice.to_string(), Section::Slices),
            slice_id: rental.slice.to_string(),
            node: node_link(rental),
            place: place(&rental.city, &rental.country),
            status: badge::rental(rental.state, rental.ends_at, visit.now),
            monthly_cost: monthly_cost(rental.price, rental.term),
            total_cost: rental.total.for_people(),
            term: term_and_discount.join(", "),
            started_at: moment::to_the_minute(rental.started_at),
            ends_at: moment::to_the_minute(rental.ends_at),
            time_left: left.filter(|_| rental.state == RentalState::Active),
            access: Access::new(rental.state),
            facts: facts(visit, rental),
            entries: entry.into_iter().map(MoneyEntry::of_rental_page).collect(),
            events: events.iter().rev().map(|event| RentalEvent::new(rental, event)).collect(),
        }
    }
}

fn node_link(rental: &Held) -> Link {
    Link::new(format!("/marketplace/compute/{}", rental.slice.node), &rental.node_name)
}

fn facts(visit: &Visit<'_>, rental: &Held) -> Vec<Fact> {
    let (up, fast) = (uptime(rental.min_uptime), bandwidth(rental.min_bandwidth));
    let mut facts = vec![Fact::new("Promise", format!("{up} uptime, {fast}"))];
    if let Some(viewer) = visit.viewer {
        facts.push(Fact::new("The farmer sees", &viewer.identity.email));
    }
    facts.push(Fact::new("Rental", rental.id.to_string()));
    facts
}

impl Access {
    fn new(state: RentalState) -> Access {
        let status = match state {
            RentalState::Active => Badge::new("not set up yet", Tone::Plain),
            RentalState::Ended => Badge::new("closed", Tone::Plain),
        };
        Access { status, text: AccessInfo::new(state).detail.to_owned(), command: None }
    }
}

impl RentalEvent {
    fn new(rental: &Held, event: &rentals::RentalEvent) -> RentalEvent {
        let what = match event.kind.as_str() {
            "slice-rented" => format!("Rented for {}", term(rental.term)),
            "rental-ended" => "The rental ended".to_owned(),
            // An event of a newer version, which this one has no words for.
            other => other.replace('-', " "),
        };
        RentalEvent { at: moment::to_the_minute(event.at), what }
    }
}
