//! Fills the list of what a renter holds and is offered.

use domain::money::Usd;
use domain::node::{SLICE_MEMORY_BYTES, SLICE_SSD_BYTES};
use domain::rental::RentalState;
use domain::time::Timestamp;
use store::rentals::{Rental as Held, Which};
use store::transfers::Transfer;

use crate::api::PageOf;
use crate::api::rentals::AccessInfo;
use crate::page::{
    Access, Badge, Invitation, Link, RentalRow, Resources, Section, Slices, StateLink, Tone,
    UptimeRecord,
};
use crate::view::visit::Visit;
use crate::view::wording::{grouped, measured_uptime, monthly_cost_of, place, term, uptime};
use crate::view::{badge, moment};

/// How many rentals one page shows.
pub const RENTALS_PER_PAGE: u32 = 25;

/// What people call a GB of a slice.
const GB_BYTES: i64 = 1024 * 1024 * 1024;
/// How long before its end a renewal that would fail is warned of, in seconds: 14 days.
const WARNED_SECONDS: i64 = 14 * 86_400;

impl Slices {
    /// A page of rentals, one more than it holds if there are more, and what others offer.
    pub fn new(visit: &Visit<'_>, which: Which, found: Vec<Held>, offered: &[Transfer]) -> Slices {
        let balance = visit.viewer.map_or(Usd::ZERO, |viewer| viewer.balance);
        let low = |rental: &Held| low_balance(rental, balance, visit.now);
        let low_balance = found.iter().filter_map(low).collect();
        let row = |rental: &Held| RentalRow::new(visit, rental);
        let page = PageOf::new(found, RENTALS_PER_PAGE, |rental| rental.life.id.to_string(), row);
        let state = |other: Which| StateLink {
            url: format!("/dashboard/slices?state={}", other.as_str()),
            text: match other {
                Which::All => "All".to_owned(),
                Which::Live => "Running".to_owned(),
                Which::Ended => "Ended".to_owned(),
            },
            is_chosen: other == which,
        };
        Slices {
            frame: visit.frame("My slices", Section::Slices),
            invitations: offered.iter().map(Invitation::new).collect(),
            low_balance,
            states: Which::ALL.map(state).into(),
            is_narrowed: which != Which::All,
            rentals: page.items,
            next_page: visit.next_page("/dashboard/slices", page.next_cursor),
        }
    }
}

/// Why the next renewal would fail for want of money, if it comes soon.
pub(super) fn low_balance(rental: &Held, balance: Usd, now: Timestamp) -> Option<String> {
    let renewal = rental.renewal?;
    let life = &rental.life;
    let cost = rental.renewal_total(renewal.term)?;
    let is_soon = life.ends_at.seconds_since(now) <= WARNED_SECONDS;
    let is_short = balance < cost && life.state != RentalState::Ended;
    (is_soon && is_short).then(|| {
        format!(
            "The renewal of {1} on {0} will cost {2}, but your balance is {3}.",
            moment::day(life.ends_at),
            life.place(),
            cost.for_people(),
            balance.for_people()
        )
    })
}

impl Invitation {
    fn new(transfer: &Transfer) -> Invitation {
        let (rental, life) = (&transfer.rental, &transfer.rental.life);
        Invitation {
            accept_url: format!("/dashboard/transfers/{}/accept", life.id),
            decline_url: format!("/dashboard/transfers/{}/decline", life.id),
            from: transfer.from.clone(),
            slice_id: life.place(),
            place: place(&rental.city, &rental.country),
            resources: Resources::of_slices(life.slices, life.slice.is_none()),
            open_until: moment::to_the_minute(transfer.expires_at),
            monthly_cost: monthly_cost_of(life),
            ends_at: moment::on_day(life.ends_at),
        }
    }
}

impl RentalRow {
    fn new(visit: &Visit<'_>, rental: &Held) -> RentalRow {
        let life = &rental.life;
        let is_live = life.state != RentalState::Ended;
        RentalRow {
            url: format!("/dashboard/slices/{}", life.id),
            slice_id: life.place(),
            name: Some(rental.name.clone()).filter(|name| !name.is_empty()),
            labels: rental.labels.clone(),
            node: node_link(rental),
            place: place(&rental.city, &rental.country),
            resources: Resources::of_slices(life.slices, life.slice.is_none()),
            status: badge::rental(life.state, life.ends_at, visit.now),
            access: Access::new(life.state).status,
            monthly_cost: monthly_cost_of(life),
            ends_at: moment::on_day(life.ended_at.unwrap_or(life.ends_at)),
            time_left: time_left(visit, rental),
            renews: rental.renewal.map(|renewal| format!("renews for {}", term(renewal.term))),
            uptime: UptimeRecord::new(rental),
            can_extend: is_live,
            can_end: is_live,
        }
    }
}

/// How long a rental still runs or, in grace, is kept; `None` once it has ended.
pub(super) fn time_left(visit: &Visit<'_>, rental: &Held) -> Option<String> {
    match rental.life.state {
        RentalState::Active => moment::time_left(rental.life.ends_at, visit.now),
        RentalState::Grace => moment::time_left(rental.life.grace_until(), visit.now),
        RentalState::Ended => None,
    }
}

impl Resources {
    /// What so many slices are.
    pub(super) fn of_slices(slices: u32, is_whole_node: bool) -> Resources {
        let gigabytes =
            |of_slice: i64| format!("{} GB", grouped(of_slice / GB_BYTES * i64::from(slices)));
        Resources {
            slices,
            is_whole_node,
            processors: grouped(slices),
            memory: gigabytes(SLICE_MEMORY_BYTES),
            storage: gigabytes(SLICE_SSD_BYTES),
        }
    }
}

impl UptimeRecord {
    /// What was promised when it was rented, and what has been measured of the node.
    pub(super) fn new(rental: &Held) -> UptimeRecord {
        let measured = rental.measured_uptime();
        UptimeRecord {
            promised: uptime(rental.min_uptime),
            measured: measured_uptime(rental.observed_up, rental.observed),
            is_below: measured.is_some_and(|measured| measured < rental.min_uptime),
        }
    }
}

pub(super) fn node_link(rental: &Held) -> Link {
    Link::new(format!("/marketplace/compute/{}", rental.life.node), &rental.node_name)
}

impl Access {
    pub(super) fn new(state: RentalState) -> Access {
        let status = match state {
            RentalState::Active => Badge::new("not set up yet", Tone::Plain),
            RentalState::Grace | RentalState::Ended => Badge::new("closed", Tone::Plain),
        };
        Access { status, text: AccessInfo::new(state).detail.to_owned(), command: None }
    }
}
