//! The market: one row for each node that has something to offer.

mod search;

use domain::confidence::lower_bound;
use domain::id::{AccountId, NodeId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::node::NodeStatus;
use domain::offering::Raise;
pub use domain::order::{Condition, Filter};
use domain::provisioning::AGENT_SECONDS;
use domain::slice::SliceState;
use domain::term::Terms;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};

pub use self::search::{
    COUNTS, Cursor, OfferedPlace, SEARCHES, Sort, news, nodes, nodes_before, places, relaxed,
    slices,
};
use crate::db::{Db, StoreError};
use crate::row::{FromJson, fields, row, select};

row! {
    /// A node as the market shows it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Offer {
        /// The node.
        pub node: NodeId = "n.id",
        /// The farmer's name for it.
        pub name: String = "n.name",
        /// Its farm, by the grid's number.
        pub farm: u32 = "n.farm_id",
        /// Its farm's name on the grid.
        pub farm_name: String = "n.farm_name",
        /// English name; empty where it is not known.
        pub country: String = "n.country",
        /// Empty where it is not known.
        pub city: String = "n.city",
        /// Whether its hardware is certified.
        pub certified: bool = "n.certified",
        /// The grid's last word on it.
        pub status: NodeStatus = "n.status",
        /// Whether it is on the market.
        pub listing: Listing = "n.listing",
        /// Counts the changes of price and SLA.
        pub version: i64 = "n.offer_version",
        /// Per slice and month; `None` for a draft without one.
        pub price: Option<Usd> = "n.price_micros",
        /// The higher price that comes, if one waits.
        pub raise: Option<Raise> = "n.pending_price_micros, n.pending_price_at",
        /// The guaranteed uptime.
        pub min_uptime: Uptime = "n.min_uptime",
        /// The guaranteed bandwidth.
        pub min_bandwidth: Bandwidth = "n.min_bandwidth_mbps",
        /// By what it is sorted by uptime: what is verified and, among equals, what is guaranteed.
        pub uptime_rank: i64 = "n.uptime_rank",
        /// How often a sync looked at it.
        pub observed: u64 = "n.observed",
        /// How often it was up then.
        pub observed_up: u64 = "n.observed_up",
        /// Measured by the grid, in Mbit/s.
        pub upload_mbps: Option<u32> = "n.upload_mbps",
        /// Measured by the grid, in Mbit/s.
        pub download_mbps: Option<u32> = "n.download_mbps",
        /// Free slices.
        pub available_slices: u32 = "n.available_slices",
        /// Slices that quotes hold for some minutes.
        pub reserved_slices: u32 = "n.reserved_slices",
        /// Rented slices.
        pub allocated_slices: u32 = "n.allocated_slices",
        /// How many slices the farmer does not offer, of those that the node could carry.
        pub withheld_slices: u32 = "n.kept_slices",
        /// The terms that it is offered for.
        pub terms: Terms = "n.terms",
        /// Whether the whole node is rented as one.
        pub is_rented_whole: bool = "n.whole_rental_id IS NOT NULL",
        /// When its farmer added it.
        pub created_at: Timestamp = "n.created_at",
        /// Who owns it.
        pub farmer: AccountId = "n.farmer_id",
        /// When the node last reported to the grid.
        pub reported_at: Timestamp = "n.reported_at",
        /// When a sync last looked at it.
        pub synced_at: Timestamp = "n.synced_at",
        /// Whether its farmer has shown that they own its farm.
        pub is_farm_verified: bool = "EXISTS (SELECT 1 FROM farms
              WHERE id = n.farm_id AND owner_id = n.farmer_id)",
        /// When an agent of its farm last asked for jobs; `None` where none ever has.
        pub agent_seen_at: Option<Timestamp> = "(SELECT max(seen_at) FROM agents
              WHERE account_id = n.farmer_id AND farm_id = n.farm_id)",
    }
}

impl Offer {
    /// Free, reserved and rented slices.
    pub fn total_slices(&self) -> u32 {
        self.available_slices + self.reserved_slices + self.allocated_slices
    }

    /// Whether its farm has an agent, which sets machines up and watches them.
    pub fn has_agent(&self, now: Timestamp) -> bool {
        self.agent_seen_at.is_some_and(|at| now.seconds_since(at) < AGENT_SECONDS)
    }

    /// The lower of the two directions that the grid measured; `None` where it has not.
    pub fn measured_bandwidth(&self) -> Option<Bandwidth> {
        Some(Bandwidth::from_mbps(self.upload_mbps?.min(self.download_mbps?)))
    }

    /// The uptime that was measured; `None` before the first observation.
    pub fn measured_uptime(&self) -> Option<Uptime> {
        Uptime::measured(self.observed_up, self.observed)
    }

    /// The uptime that it has at least, with a confidence of 95 %; `None` before the first
    /// observation.
    pub fn uptime_lower_bound(&self) -> Option<Uptime> {
        lower_bound(self.observed_up, self.observed)
    }
}

fields! { Raise { price: Usd, at: Timestamp } }

/// The slices of a node, in order: number and state.
pub type NodeSlices = Vec<(u32, SliceState)>;

row! {
    /// A node with its slices.
    struct OfferedNode {
        offer: Offer,
        slices: NodeSlices =
            "(SELECT json_group_array(json_array(number, state)) FROM slices
               WHERE node_id = n.id AND state <> 'retired')",
    }
}

impl FromJson for (u32, SliceState) {
    type Json = (u32, String);

    fn from_json((number, state): Self::Json) -> Option<Self> {
        Some((number, state.parse().ok()?))
    }
}

/// The node `?1`, if it was ever published, with its slices.
const FIND: &str = select!(OfferedNode, "FROM nodes n WHERE n.id = ?1 AND n.listing <> 'draft'");

/// A node that is or was on the market, and its slices; `None` for a draft, too.
pub fn find(db: &dyn Db, node: NodeId) -> Result<Option<(Offer, NodeSlices)>, StoreError> {
    let found: Option<OfferedNode> = db.first(FIND, &[node.0.into()])?;
    Ok(found.map(|OfferedNode { offer, slices }| (offer, slices)))
}

/// The countries in which something is on offer, for the filter's list. At most 250: there are
/// fewer countries. Served by the index `nodes_by_country`.
const COUNTRIES: &str = "
    SELECT DISTINCT country FROM nodes INDEXED BY nodes_by_country
     WHERE listing = 'published' AND available_slices > 0 AND country <> ''
     ORDER BY country
     LIMIT 250";

/// The countries in which something is on offer, in order.
pub fn countries(db: &dyn Db) -> Result<Vec<String>, StoreError> {
    db.all(COUNTRIES, &[])
}

/// The market's offers that are nearest to a node's: in its country first, then by price. `?1` node
/// or NULL, `?2` the number of free slices that are wanted, `?3` how many rows. Served by the index
/// `nodes_by_price`: it reads what is on offer.
const NEAREST: &str = select!(
    Offer,
    "FROM nodes n
       LEFT JOIN nodes m ON m.id = ?1
      WHERE n.listing = 'published' AND n.available_slices >= max(?2, 1) AND n.id IS NOT ?1
      ORDER BY n.country IS NOT m.country, abs(n.price_micros - coalesce(m.price_micros, 0)), n.id
      LIMIT ?3"
);

/// Up to `limit` offers with `count` free slices that are nearest to `node`.
pub fn nearest(
    db: &dyn Db,
    node: Option<NodeId>,
    count: u32,
    limit: u32,
) -> Result<Vec<Offer>, StoreError> {
    let params = [node.map(|node| node.0).into(), count.into(), limit.into()];
    db.all(NEAREST, &params)
}
