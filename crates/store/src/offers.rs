//! The market: one row for each node that has something to offer.

use domain::confidence::lower_bound;
use domain::id::{AccountId, NodeId, SliceId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::node::NodeStatus;
use domain::offering::Raise;
pub use domain::order::Filter;
use domain::provisioning::AGENT_SECONDS;
use domain::slice::SliceState;
use domain::term::Terms;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};

use crate::db::{Db, StoreError};
use crate::row::{FromJson, FromRow, fields, row, select};

row! {
    /// A node as the market shows it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Offer {
        /// The node.
        pub node: NodeId = "n.id",
        /// The farmer's name for it.
        pub name: String = "n.name",
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

/// In which order a search answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// The cheapest first.
    #[default]
    Price,
    /// The highest uptime first that is verified: the one that a node has at least, by all looks at
    /// it. Among equals the highest SLA, and the cheapest.
    Uptime,
}

/// Where a page ended: the next one begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// By what the last offer is sorted by uptime.
    pub uptime_rank: i64,
    /// The last offer's price, in micro-dollars.
    pub price_micros: i64,
    /// The last offer's node.
    pub node: u32,
    /// The last slice's number; 0 in a search for nodes.
    pub slice: u32,
}

impl Cursor {
    /// Before the first offer.
    const START: Cursor = Cursor { uptime_rank: i64::MAX, price_micros: 0, node: 0, slice: 0 };

    /// Where a page ends whose last item is `slice` of `offer`.
    pub fn after(offer: &Offer, slice: u32) -> Cursor {
        Cursor {
            uptime_rank: offer.uptime_rank,
            price_micros: offer.price.unwrap_or(Usd::ZERO).micros(),
            node: offer.node.0,
            slice,
        }
    }
}

/// What every search has in common: only nodes with something to offer, and the filter.
///
/// `?6` highest price, `?7` lowest uptime, `?8` lowest bandwidth, `?9` 1 for certified only, `?11`
/// when an agent of the farm was seen at the earliest, or NULL where it needs none, `?12` 1 for
/// verified farms only.
const ON_OFFER: &str = "
    n.listing = 'published' AND n.available_slices > 0
    AND n.price_micros <= ?6 AND n.min_uptime >= ?7 AND n.min_bandwidth_mbps >= ?8
    AND n.certified >= ?9
    AND (?11 IS NULL OR EXISTS (SELECT 1 FROM agents a
                                 WHERE a.account_id = n.farmer_id AND a.farm_id = n.farm_id
                                   AND a.seen_at > ?11))
    AND (?12 = 0 OR EXISTS (SELECT 1 FROM farms f
                             WHERE f.id = n.farm_id AND f.owner_id = n.farmer_id))";

/// One page of offers, cheapest first, behind price `?2` and node `?3`; `?10` how many rows.
/// Served by the index `nodes_by_price`.
const NODES_BY_PRICE: &str = select!(
    Offer,
    "FROM nodes n WHERE ",
    ON_OFFER,
    " AND (n.price_micros, n.id) > (?2, ?3)
     ORDER BY n.price_micros, n.id
     LIMIT ?10"
);

/// The same in the country `?5`. Served by the index `nodes_by_country`.
const NODES_BY_COUNTRY: &str = select!(
    Offer,
    "FROM nodes n WHERE ",
    ON_OFFER,
    " AND n.country = ?5 AND (n.price_micros, n.id) > (?2, ?3)
     ORDER BY n.price_micros, n.id
     LIMIT ?10"
);

/// One page of offers, highest uptime first, behind the rank `?1`, price `?2` and node `?3`;
/// in the country `?5` if it is not NULL. Served by the index `nodes_by_uptime`.
const NODES_BY_UPTIME: &str = select!(
    Offer,
    "FROM nodes n WHERE ",
    ON_OFFER,
    " AND (?5 IS NULL OR n.country = ?5) AND n.uptime_rank <= ?1
       AND (n.uptime_rank < ?1 OR (n.price_micros, n.id) > (?2, ?3))
     ORDER BY n.uptime_rank DESC, n.price_micros, n.id
     LIMIT ?10"
);

row! {
    /// A free slice.
    struct OfferedSlice {
        offer: Offer,
        number: u32 = "s.number",
    }
}

/// One page of free slices, cheapest first, behind price `?2`, node `?3` and slice `?4`.
/// Served by the indexes `nodes_by_price` and `slices_by_state`.
const SLICES_BY_PRICE: &str = select!(
    OfferedSlice,
    "FROM nodes n JOIN slices s ON s.node_id = n.id AND s.state = 'available' WHERE ",
    ON_OFFER,
    " AND n.price_micros >= ?2 AND (n.price_micros, n.id, s.number) > (?2, ?3, ?4)
     ORDER BY n.price_micros, n.id, s.number
     LIMIT ?10"
);

/// The same in the country `?5`. Served by the indexes `nodes_by_country` and `slices_by_state`.
const SLICES_BY_COUNTRY: &str = select!(
    OfferedSlice,
    "FROM nodes n JOIN slices s ON s.node_id = n.id AND s.state = 'available' WHERE ",
    ON_OFFER,
    " AND n.country = ?5
       AND n.price_micros >= ?2 AND (n.price_micros, n.id, s.number) > (?2, ?3, ?4)
     ORDER BY n.price_micros, n.id, s.number
     LIMIT ?10"
);

/// One page of free slices, highest uptime first, behind the rank `?1`, price `?2`, node
/// `?3` and slice `?4`; in the country `?5` if it is not NULL. Served by the indexes
/// `nodes_by_uptime` and `slices_by_state`.
const SLICES_BY_UPTIME: &str = select!(
    OfferedSlice,
    "FROM nodes n JOIN slices s ON s.node_id = n.id AND s.state = 'available' WHERE ",
    ON_OFFER,
    " AND (?5 IS NULL OR n.country = ?5) AND n.uptime_rank <= ?1
       AND (n.uptime_rank < ?1 OR (n.price_micros, n.id, s.number) > (?2, ?3, ?4))
     ORDER BY n.uptime_rank DESC, n.price_micros, n.id, s.number
     LIMIT ?10"
);

fn search<T: FromRow>(
    db: &dyn Db,
    [by_price, by_country, by_uptime]: [&'static str; 3],
    filter: &Filter,
    (sort, behind): (Sort, Option<Cursor>),
    limit: u32,
    now: Timestamp,
) -> Result<Vec<T>, StoreError> {
    let behind = behind.unwrap_or(Cursor::START);
    let agent_seen_after = filter.automatic_setup.then(|| now.plus_seconds(-AGENT_SECONDS));
    let params = [
        behind.uptime_rank.into(),
        behind.price_micros.into(),
        behind.node.into(),
        behind.slice.into(),
        filter.country.as_deref().into(),
        filter.max_price.map_or(i64::MAX, Usd::micros).into(),
        filter.min_uptime.map_or(0, Uptime::hundredths).into(),
        filter.min_bandwidth.map_or(0, Bandwidth::mbps).into(),
        filter.certified_only.into(),
        limit.into(),
        agent_seen_after.into(),
        filter.verified_farm.into(),
    ];
    let sql = match (sort, &filter.country) {
        (Sort::Price, None) => by_price,
        (Sort::Price, Some(_)) => by_country,
        (Sort::Uptime, _) => by_uptime,
    };
    db.all(sql, &params)
}

/// A page of nodes that have something to offer.
pub fn nodes(
    db: &dyn Db,
    filter: &Filter,
    sort: Sort,
    behind: Option<Cursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Offer>, StoreError> {
    let statements = [NODES_BY_PRICE, NODES_BY_COUNTRY, NODES_BY_UPTIME];
    search(db, statements, filter, (sort, behind), limit, now)
}

/// A page of free slices, each with its node's offer.
pub fn slices(
    db: &dyn Db,
    filter: &Filter,
    sort: Sort,
    behind: Option<Cursor>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<(SliceId, Offer)>, StoreError> {
    let statements = [SLICES_BY_PRICE, SLICES_BY_COUNTRY, SLICES_BY_UPTIME];
    let found: Vec<OfferedSlice> = search(db, statements, filter, (sort, behind), limit, now)?;
    let slice = |OfferedSlice { offer, number }: OfferedSlice| {
        (SliceId { node: offer.node, number }, offer)
    };
    Ok(found.into_iter().map(slice).collect())
}

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
    SELECT DISTINCT country FROM nodes
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

/// Every statement of a search, for the test of their plans.
pub const SEARCHES: [(&str, &str); 7] = [
    (NODES_BY_PRICE, "nodes_by_price"),
    (NODES_BY_COUNTRY, "nodes_by_country"),
    (NODES_BY_UPTIME, "nodes_by_uptime"),
    (SLICES_BY_PRICE, "nodes_by_price"),
    (SLICES_BY_COUNTRY, "nodes_by_country"),
    (SLICES_BY_UPTIME, "nodes_by_uptime"),
    (COUNTRIES, "nodes_by_country"),
];
