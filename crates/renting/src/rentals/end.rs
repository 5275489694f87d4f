//! Ending a rental before its last day, `/dashboard/slices/{rental}/cancel`.

use askama::Template;
use domain::money::Usd;
use domain::provisioning::FREE_SETUPS;
use domain::rental::{Ending, RentalState};
use domain::{leaving, period};
use store::rentals::Rental as Held;
use ui::moment;
use ui::visit::Visit;
use ui::wording::place;
use web::page::{Frame, Link, Moment, Section};
use web::text::{counted, sentence};
use web::{Kind, Problem};

use crate::rentals::list::node_link;

/// What `end_rental.html` shows: what ending now refunds, to confirm. Posts to its own address.
#[derive(Clone, Debug, Template)]
#[template(path = "rentals/end_rental.html")]
pub(crate) struct EndRental {
    /// What surrounds the page.
    pub frame: Frame,
    /// The page of the rental, `/dashboard/slices/{rental}`.
    pub rental_url: String,
    /// Such as `node32_slice_1`; `node32` for a whole node.
    pub slice_id: String,
    /// What the renter calls it.
    pub name: Option<String>,
    /// The node's name and page.
    pub node: Link,
    /// City and country.
    pub place: String,
    /// Whether the term is over, so that only the data is left to lose.
    pub is_in_grace: bool,
    /// When it would end otherwise; in grace, until when the data would be kept.
    pub ends_at: Moment,
    /// What was paid for the terms that are not over, such as `$71.25`.
    pub paid: String,
    /// What of it is used; `None` where no term runs.
    pub used: Option<UsedTime>,
    /// How many rentals can be ended during setup a day, where this is one too many.
    pub free_setups: Option<u32>,
    /// What the farmer pays beside the refund, such as `$12.00`; `None` for nothing.
    pub compensation: Option<String>,
    /// What is refunded, such as `$35.83`.
    pub refund: String,
    /// Hidden field `refund`: the same as decimal text, such as `35.83`.
    pub refund_value: String,
    /// When the refund was computed.
    pub computed_at: Moment,
    /// Why the rental was not ended, as a sentence.
    pub error: Option<String>,
}

/// Time that is used, and what it costs.
#[derive(Clone, Debug)]
pub(crate) struct UsedTime {
    /// Such as `1 month, 12 days and 3 hours`.
    pub time: String,
    /// At which price, such as `$25.00 a month: 1 month is reached, which has no discount`.
    pub price: String,
    /// Such as `$35.42`.
    pub amount: String,
}

impl EndRental {
    /// What ending a rental now means.
    pub(crate) fn new(visit: &Visit<'_>, rental: &Held, ending: &Ending) -> EndRental {
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
            free_setups: ending.is_setup_charged.then_some(FREE_SETUPS),
            compensation: Some(ending.compensation)
                .filter(|amount| *amount > Usd::ZERO)
                .map(Usd::for_people),
            refund: ending.refund.for_people(),
            refund_value: ending.refund.to_string(),
            computed_at: moment::to_the_minute(visit.now),
            error: None,
        }
    }

    /// The same after it was not ended.
    #[must_use]
    pub(crate) fn refused(mut self, problem: &Problem) -> EndRental {
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
    pub(crate) fn new(rental: &Held, used: &period::Used) -> UsedTime {
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
