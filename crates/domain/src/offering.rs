//! What a farmer offers of a node, and the decision on a change of it.

use alloc::string::String;
use core::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::listing::{Listing, ListingEvent, NeverPublished};
use crate::money::Usd;
use crate::node::SLICES_PER_NODE_MAX;
use crate::sla::{self, Compared};
use crate::term::Terms;
use crate::time::Timestamp;
use crate::uptime::{Bandwidth, Uptime};

/// How long a raise waits where something on the node is rented or held.
///
/// Seconds: a day.
pub const RAISE_WAITS_SECONDS: i64 = 24 * 60 * 60;

/// How many slices can be kept back: as many as a node can have.
pub const WITHHELD_SLICES_MAX: u32 = SLICES_PER_NODE_MAX;

/// A higher price that is set and waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Raise {
    /// Per slice and month.
    pub price: Usd,
    /// From when on.
    pub at: Timestamp,
}

/// What a farmer has set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offering {
    /// The farmer's name for the node.
    pub name: String,
    /// Per slice and month, for new rentals; `None` for a draft without one.
    pub price: Option<Usd>,
    /// The raise that waits, if one does.
    pub raise: Option<Raise>,
    /// The guaranteed uptime.
    pub min_uptime: Uptime,
    /// The guaranteed bandwidth.
    pub min_bandwidth: Bandwidth,
    /// For which terms.
    pub terms: Terms,
    /// How many slices are not offered, of those that the node could carry.
    pub withheld_slices: u32,
    /// Whether it is on the market.
    pub listing: Listing,
}

/// Who has locked an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Locker {
    /// The farmer.
    Farmer,
    /// The operator.
    Operator,
}

/// A node as it is, as far as a change of its offer depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What is set.
    pub offering: Offering,
    /// Who has locked it, if anybody has.
    pub locked_by: Option<Locker>,
    /// The uptime that it has shown; `None` before the first observation.
    pub uptime: Option<Uptime>,
    /// The lower of the two directions that the grid measured; `None` where it has not.
    pub bandwidth: Option<Bandwidth>,
    /// Slices that rentals or quotes hold.
    pub occupied_slices: u32,
    /// Whether its farmer has withdrawn it.
    pub is_leaving: bool,
}

/// What a farmer wants; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The farmer's name for the node.
    pub name: Option<String>,
    /// Per slice and month.
    pub price: Option<Usd>,
    /// The guaranteed uptime.
    pub min_uptime: Option<Uptime>,
    /// The guaranteed bandwidth.
    pub min_bandwidth: Option<Bandwidth>,
    /// For which terms.
    pub terms: Option<Terms>,
    /// How many slices are not offered.
    pub withheld_slices: Option<u32>,
    /// What an SLA above what was measured costs a month, as the farmer was notified.
    pub confirmed_cost: Option<Usd>,
}

/// An SLA above what the node has shown, and what it costs if the node goes on like that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AboveMeasured {
    /// The uptime, where that is it.
    pub uptime: Option<Compared<Uptime>>,
    /// The bandwidth, where that is it.
    pub bandwidth: Option<Compared<Bandwidth>>,
    /// In credits for each rented slice and month.
    pub cost_per_month: Usd,
}

impl fmt::Display for AboveMeasured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the SLA is above the measured values: ")?;
        if let Some(Compared { guaranteed, measured }) = self.uptime {
            write!(f, "{guaranteed}% uptime is guaranteed but {measured}% was measured")?;
        }
        if self.uptime.is_some() && self.bandwidth.is_some() {
            f.write_str(", and ")?;
        }
        if let Some(Compared { guaranteed, measured }) = self.bandwidth {
            let (guaranteed, measured) = (guaranteed.mbps(), measured.mbps());
            write!(f, "{guaranteed} Mbit/s is guaranteed but {measured} Mbit/s was measured")?;
        }
        let cost = self.cost_per_month.for_people();
        write!(
            f,
            "; at this rate, each rented slice costs {cost} per month in SLA credits. Lower the \
             SLA or accept that cost"
        )
    }
}

/// Why an offer does not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OfferingError {
    /// It is locked.
    #[error("{}", match .0 {
        Locker::Farmer => "this node is locked; unlock it first",
        Locker::Operator => "the operator locked this node; contact the operator",
    })]
    Locked(Locker),
    /// The SLA has a cost that was not confirmed.
    #[error("{0}")]
    SlaAboveMeasured(AboveMeasured),
    /// Without a price, nothing can be published and no cost computed.
    #[error("this node has no price; set a price per slice per month first")]
    PriceMissing,
    /// It is being withdrawn.
    #[error("this node is leaving the market; cancel that first")]
    Leaving,
    /// It cannot be paused.
    #[error(transparent)]
    NeverPublished(#[from] NeverPublished),
}

/// What the node is offered for after a change, or why it stays as it is.
///
/// A cut is there at once, and takes back a raise that waits. A raise is there at once where
/// nothing is rented or held, and otherwise waits a day from when it was first wanted.
pub fn change(seen: &Seen, wanted: Wanted, now: Timestamp) -> Result<Offering, OfferingError> {
    unlocked(seen)?;
    let confirmed = wanted.confirmed_cost;
    let (price, raise) = priced(seen, wanted.price, now);
    let before = &seen.offering;
    let after = Offering {
        name: wanted.name.unwrap_or_else(|| before.name.clone()),
        price,
        raise,
        min_uptime: wanted.min_uptime.unwrap_or(before.min_uptime),
        min_bandwidth: wanted.min_bandwidth.unwrap_or(before.min_bandwidth),
        terms: wanted.terms.unwrap_or(before.terms),
        withheld_slices: wanted
            .withheld_slices
            .unwrap_or(before.withheld_slices)
            .min(WITHHELD_SLICES_MAX),
        listing: before.listing,
    };
    match above_measured(seen, &after)? {
        Some(above) if confirmed != Some(above.cost_per_month) => {
            Err(OfferingError::SlaAboveMeasured(above))
        }
        Some(_) | None => Ok(after),
    }
}

/// The offer after it goes on or off the market, or why it stays as it is.
pub fn list(seen: &Seen, event: ListingEvent) -> Result<Offering, OfferingError> {
    unlocked(seen)?;
    let listing = seen.offering.listing.after(event)?;
    if listing == Listing::Published && seen.is_leaving {
        return Err(OfferingError::Leaving);
    }
    if seen.offering.price.is_none() {
        return Err(OfferingError::PriceMissing);
    }
    Ok(Offering { listing, ..seen.offering.clone() })
}

/// Refuses where the offer is locked.
pub fn unlocked(seen: &Seen) -> Result<(), OfferingError> {
    seen.locked_by.map_or(Ok(()), |locker| Err(OfferingError::Locked(locker)))
}

/// The price now, and the raise that waits.
fn priced(seen: &Seen, wanted: Option<Usd>, now: Timestamp) -> (Option<Usd>, Option<Raise>) {
    let Offering { price, raise, .. } = seen.offering;
    match (price, wanted) {
        (price, None) => (price, raise),
        (Some(price), Some(wanted)) if wanted > price && seen.occupied_slices > 0 => {
            let at = now.plus_seconds(RAISE_WAITS_SECONDS);
            let same = raise.filter(|raise| raise.price == wanted);
            (Some(price), Some(same.unwrap_or(Raise { price: wanted, at })))
        }
        (_, Some(wanted)) => (Some(wanted), None),
    }
}

/// What of an SLA is raised above what was measured. What stands already is not asked about, nor
/// what was not measured yet.
fn above_measured(seen: &Seen, after: &Offering) -> Result<Option<AboveMeasured>, OfferingError> {
    let before = &seen.offering;
    let uptime = seen
        .uptime
        .map(|measured| Compared { guaranteed: after.min_uptime, measured })
        .filter(|it| it.guaranteed > before.min_uptime && it.guaranteed > it.measured);
    let bandwidth = seen
        .bandwidth
        .map(|measured| Compared { guaranteed: after.min_bandwidth, measured })
        .filter(|it| it.guaranteed > before.min_bandwidth && it.guaranteed > it.measured);
    if uptime.is_none() && bandwidth.is_none() {
        return Ok(None);
    }
    // Of the price that new renters will have paid, where it is about to rise.
    let price = after.raise.map(|raise| raise.price).or(after.price);
    let price = price.ok_or(OfferingError::PriceMissing)?;
    let cost_per_month = sla::monthly_credit(price, uptime, bandwidth);
    Ok(Some(AboveMeasured { uptime, bandwidth, cost_per_month }))
}

#[cfg(test)]
mod tests;
