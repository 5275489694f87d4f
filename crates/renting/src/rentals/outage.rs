//! What the page of a rental says while it is down.

use domain::leaving;
use domain::money::Usd;
use domain::rental::{self, RentalState};
use domain::time::Timestamp;
use store::rentals::Rental;
use ui::moment;
use web::page::Moment;

/// That a rental is down, and what its renter can do.
#[derive(Clone, Debug)]
pub(crate) struct OutageNotice {
    /// Since when.
    pub since: Moment,
    /// What has been so for a day.
    pub unpaid: Option<Unpaid>,
}

/// That some machines of a whole node are down, and others are not.
#[derive(Clone, Debug)]
pub(crate) struct PartDownNotice {
    /// Such as `1 of 32 machines`.
    pub machines: String,
    /// Since when the first of them is.
    pub since: Moment,
    /// How many have been so for a day, such as `1 machine`.
    pub unpaid: Option<String>,
    /// What outages of this rental have been refunded so far, such as `$2.50`.
    pub refunded: Option<String>,
    /// The refund of ending it now.
    pub refund_now: Option<String>,
}

impl PartDownNotice {
    /// What is said of a rental of which a part is down; `None` where none is, or it has ended.
    pub(crate) fn of(rental: &Rental, now: Timestamp) -> Option<PartDownNotice> {
        let life = &rental.life;
        let part = life.outages.part_down(now)?;
        if life.state == RentalState::Ended {
            return None;
        }
        let refunded = refunded(life);
        let ending = leaving::end(life, rental.market.leaves_at, now).ok();
        let plural = if part.unpaid == 1 { "" } else { "s" };
        Some(PartDownNotice {
            machines: format!("{} of {} machines", part.slices, life.outages.slices()),
            since: moment::to_the_minute(part.since),
            unpaid: (part.unpaid > 0).then(|| format!("{} machine{plural}", part.unpaid)),
            refunded: Some(refunded.for_people()).filter(|_| refunded > Usd::ZERO),
            refund_now: ending.map(|ending| ending.refund.for_people()),
        })
    }
}

fn refunded(life: &rental::Rental) -> Usd {
    life.periods.iter().fold(Usd::ZERO, |sum, period| sum + period.refunded)
}

/// An outage that is not paid for.
#[derive(Clone, Debug)]
pub(crate) struct Unpaid {
    /// What outages of this rental have been refunded so far, such as `$2.50`.
    pub refunded: Option<String>,
    /// The refund of ending it now.
    pub refund_now: Option<String>,
    /// Whether it can be moved.
    pub can_move: bool,
    /// Whether it would be renewed if it were not down.
    pub would_renew: bool,
}

impl OutageNotice {
    /// What is said of a rental that is down; `None` where it is not, or has ended.
    pub(crate) fn of(rental: &Rental, now: Timestamp) -> Option<OutageNotice> {
        let life = &rental.life;
        let since = life.outages.current(now)?;
        if life.state == RentalState::Ended {
            return None;
        }
        let refunded = refunded(life);
        let ending = leaving::end(life, rental.market.leaves_at, now).ok();
        let unpaid = Unpaid {
            refunded: Some(refunded.for_people()).filter(|_| refunded > Usd::ZERO),
            refund_now: ending.map(|ending| ending.refund.for_people()),
            can_move: life.state == RentalState::Active && life.slice.is_some(),
            would_renew: rental.renewal.is_some(),
        };
        let is_unpaid = life.outages.unpaid_since(now).is_some();
        let since = moment::to_the_minute(since);
        Some(OutageNotice { since, unpaid: is_unpaid.then_some(unpaid) })
    }
}
