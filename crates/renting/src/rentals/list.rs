//! What a renter holds and is offered, `/dashboard/slices`.

use std::collections::BTreeMap;

use askama::Template;
use domain::id::RentalId;
use domain::money::Usd;
use domain::node::{SLICE_MEMORY_BYTES, SLICE_SSD_BYTES};
use domain::rental::RentalState;
use domain::time::Timestamp;
use machines::Exchange;
use store::rentals::{Rental as Held, Which};
use store::transfers::Transfer;
use strum::VariantArray;
use ui::uptime::UptimeRecord;
use ui::visit::Visit;
use ui::wording::{monthly_cost_of, place, term};
use ui::{badge, moment};
use web::api::PageOf;
use web::page::{Badge, Frame, Link, Moment, Section};
use web::text::grouped;

use crate::provision::json::AccessStatus;
use crate::rentals::machine::Access;
use crate::rentals::outage::OutageNotice;
use crate::rentals::page::Extending;

/// What `slices.html` shows: the renter's rentals.
#[derive(Clone, Debug, Template)]
#[template(path = "rentals/slices.html")]
pub(crate) struct Slices {
    /// What surrounds the page.
    pub frame: Frame,
    /// Rentals that others offer to transfer, the oldest first.
    pub invitations: Vec<Invitation>,
    /// Renewals that the wallet would not hold, each as a sentence or two.
    pub low_balance: Vec<String>,
    /// What the list can be narrowed to, `state` in the address; may be empty.
    pub states: Vec<StateLink>,
    /// Whether the list is narrowed, so that an empty one does not mean that nothing is held.
    pub is_narrowed: bool,
    /// One page of rentals, by their first label, and the latest first of each.
    pub groups: Vec<Group>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A link that narrows the list to rentals in some states.
#[derive(Clone, Debug)]
pub(crate) struct StateLink {
    /// Such as `/dashboard/slices?state=running`.
    pub url: String,
    /// Such as `Running`.
    pub text: String,
    /// Whether that is what the list shows.
    pub is_chosen: bool,
}

/// The rentals with the same first label.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    /// `None` for rentals without a label, which come last; for all of them, if none has one.
    pub label: Option<String>,
    /// Those of this page.
    pub rentals: Vec<RentalRow>,
}

/// A rental that another account offers to transfer.
#[derive(Clone, Debug)]
pub(crate) struct Invitation {
    /// Where the button posts that takes it, `/dashboard/transfers/{rental}/accept`.
    pub accept_url: String,
    /// Where the button posts that does not, `/dashboard/transfers/{rental}/decline`.
    pub decline_url: String,
    /// Who offers it: their email address.
    pub from: String,
    /// Such as `node32_slice_1`; `node32` for a whole node.
    pub slice_id: String,
    /// City and country.
    pub place: String,
    /// What is rented.
    pub resources: Resources,
    /// Until when the invitation can be taken.
    pub open_until: Moment,
    /// All of it, such as `$23.75`.
    pub monthly_cost: String,
    /// When the rental ends.
    pub ends_at: Moment,
    /// What accepting does to the machine.
    pub machine: &'static str,
    /// Hidden field `rebuild`: whether that rebuilds it.
    pub rebuilds: bool,
    /// Whether an SSH key must be added before it can be accepted.
    pub needs_key: bool,
}

/// A transfer that is offered to whoever is signed in.
pub(crate) struct Offered {
    pub transfer: Transfer,
    /// What accepting does to the machine.
    pub exchange: Exchange,
    /// Whether they must add an SSH key first.
    pub needs_key: bool,
}

/// What is rented: a slice, or all of a node.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    /// How many slices; more than one only with a whole node.
    pub slices: u32,
    /// Whether it is a whole node, rented as one.
    pub is_whole_node: bool,
    /// Virtual processors, such as `1` or `9`.
    pub processors: String,
    /// Such as `4 GB`.
    pub memory: String,
    /// Such as `200 GB` or `1,800 GB`.
    pub storage: String,
}

/// One rental in the list.
#[derive(Clone, Debug)]
pub(crate) struct RentalRow {
    /// Its id, by which several are chosen.
    pub id: RentalId,
    /// The page of the rental, `/dashboard/slices/{rental}`.
    pub url: String,
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
    /// Since when it is down; `None` where it is not.
    pub down_since: Option<Moment>,
    /// How far the access is, such as `not set up yet`.
    pub access: Badge,
    /// All of it, such as `$23.75`.
    pub monthly_cost: String,
    /// When the rental ends or ended.
    pub ends_at: Moment,
    /// How long it still runs or, in grace, is kept, such as `3 days left`.
    pub time_left: Option<String>,
    /// What it is renewed by at its end, such as `renews for 3 months`; `None` when it is not.
    pub renews: Option<String>,
    /// Measured against guaranteed.
    pub uptime: UptimeRecord,
    /// Whether its machine is there, so that its page says how to log in.
    pub can_connect: bool,
    /// Whether it can be extended now; the link leads to `#extend` of its bills.
    pub can_extend: bool,
    /// Whether it can be ended now; the link leads to `/cancel` below its page.
    pub can_end: bool,
}

impl RentalRow {
    /// What a link to it says to who hears the links alone.
    fn spoken(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.slice_id)
    }
}

/// How many rentals one page shows.
pub(crate) const RENTALS_PER_PAGE: u32 = 25;

/// What people call a GB of a slice.
const GB_BYTES: i64 = 1024 * 1024 * 1024;

/// How long before its end a renewal that would fail is warned of, in seconds: 14 days.
const WARNED_SECONDS: i64 = 14 * 86_400;

impl Slices {
    /// A page of rentals, one more than it holds if there are more, and what others offer.
    pub(crate) fn new(
        visit: &Visit<'_>,
        which: Which,
        found: Vec<Held>,
        offered: &[Offered],
    ) -> Slices {
        let balance = visit.viewer.map_or(Usd::ZERO, |viewer| viewer.balance);
        let low = |rental: &Held| low_balance(rental, balance, visit.now);
        let low_balance = found.iter().filter_map(low).collect();
        let row = |rental: &Held| RentalRow::new(visit, rental);
        let page = PageOf::new(
            visit.search,
            found,
            RENTALS_PER_PAGE,
            |rental| rental.life.id.to_string(),
            row,
        );
        let state = |other: Which| StateLink {
            url: format!("/dashboard/slices?state={}", other.into_str()),
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
            states: Which::VARIANTS.iter().copied().map(state).collect(),
            is_narrowed: which != Which::All,
            groups: groups(page.items),
            next_page: visit.next_page("/dashboard/slices", page.next_cursor),
        }
    }
}

/// The rentals of a page by their first label.
fn groups(rows: Vec<RentalRow>) -> Vec<Group> {
    let mut by_label = BTreeMap::<(bool, Option<String>), Vec<RentalRow>>::new();
    for row in rows {
        let label = row.labels.first().cloned();
        by_label.entry((label.is_none(), label)).or_default().push(row);
    }
    by_label.into_iter().map(|((_, label), rentals)| Group { label, rentals }).collect()
}

/// Why the next renewal would fail for want of money, if it comes soon.
pub(crate) fn low_balance(rental: &Held, balance: Usd, now: Timestamp) -> Option<String> {
    let renewal = rental.renewal?;
    let life = &rental.life;
    let cost = rental.renewal_total(renewal.term)?;
    let is_soon = life.ends_at.seconds_since(now) <= WARNED_SECONDS;
    let is_short = balance < cost && life.state != RentalState::Ended;
    (is_soon && is_short).then(|| {
        format!(
            "The renewal of {1} on {0} will cost {2}, but your balance is {3}.",
            life.ends_at.day_for_people(),
            life.place(),
            cost.for_people(),
            balance.for_people()
        )
    })
}

impl Invitation {
    pub(crate) fn new(offered: &Offered) -> Invitation {
        let Offered { transfer, exchange, needs_key } = offered;
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
            machine: exchange.words(),
            rebuilds: *exchange == Exchange::Rebuild,
            needs_key: *needs_key,
        }
    }
}

impl RentalRow {
    pub(crate) fn new(visit: &Visit<'_>, rental: &Held) -> RentalRow {
        let life = &rental.life;
        let is_live = life.state != RentalState::Ended;
        RentalRow {
            id: life.id,
            url: format!("/dashboard/slices/{}", life.id),
            slice_id: life.place(),
            name: Some(rental.name.clone()).filter(|name| !name.is_empty()),
            labels: rental.labels.clone(),
            node: node_link(rental),
            place: place(&rental.city, &rental.country),
            resources: Resources::of_slices(life.slices, life.slice.is_none()),
            status: badge::rental(life.state, life.ends_at, visit.now),
            down_since: OutageNotice::of(rental, visit.now).map(|outage| outage.since),
            access: Access::new(rental, visit.now).status,
            monthly_cost: monthly_cost_of(life),
            ends_at: moment::on_day(life.ended_at.unwrap_or(life.ends_at)),
            time_left: time_left(visit, rental),
            renews: rental.renewal.map(|renewal| format!("renews for {}", term(renewal.term))),
            uptime: UptimeRecord::new(rental),
            can_connect: access_status(rental) == AccessStatus::Ready,
            can_extend: is_live && can_extend(visit, rental),
            can_end: is_live,
        }
    }
}

fn access_status(rental: &Held) -> AccessStatus {
    let setups = rental.machines.iter().map(|it| (it.setup, it.is_by_hand));
    AccessStatus::of(rental.life.state, setups)
}

/// Whether a rental's page offers to extend it: not where it can't be set up, nor where no term can
/// follow.
fn can_extend(visit: &Visit<'_>, rental: &Held) -> bool {
    access_status(rental) != AccessStatus::Failed
        && matches!(Extending::new(visit, rental), Extending::Open(_))
}

/// How long a rental still runs or, in grace, is kept; `None` once it has ended.
pub(crate) fn time_left(visit: &Visit<'_>, rental: &Held) -> Option<String> {
    match rental.life.state {
        RentalState::Active => moment::time_left(rental.life.ends_at, visit.now),
        RentalState::Grace => moment::time_left(rental.life.grace_until(), visit.now),
        RentalState::Ended => None,
    }
}

impl Resources {
    /// What so many slices are.
    pub(crate) fn of_slices(slices: u32, is_whole_node: bool) -> Resources {
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

pub(crate) fn node_link(rental: &Held) -> Link {
    Link::new(format!("/marketplace/compute/{}", rental.life.node), &rental.node_name)
}
