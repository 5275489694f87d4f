//! A node beside similar ones of other farmers: what they ask, and how they are rented.
//!
//! The parts are read one after the other: figures about weeks do not have to be of one moment.

use domain::comparison::{self, Comparison, Similar, TooFew};
use domain::id::NodeId;
use domain::money::{PriceLimits, Usd};
use domain::recurring::{SIMILAR_NODES, SUGGEST_PRICES};
use domain::region::{self, Circle};
use domain::simulation::NodeWeek;
use domain::suggestion::{self, Market, Suggestion, TooFewObservations, WEEKS};
use domain::time::Timestamp;
use domain::uptime::Uptime;

use crate::db::{Db, StoreError, Value};
use crate::offers::Offer;
use crate::row::{row, select};
use crate::samples::day_of;

/// The most nodes whose weeks are read: evenly picked of the similar ones, from the cheapest to the
/// dearest.
pub const OBSERVED_NODES_MAX: usize = 240;
/// The most weeks of nodes that are read.
const NODE_WEEKS_MAX: u32 = 2_000;
/// The most waits that are read.
const WAITS_MAX: u32 = 2_000;
/// A week counts if a node was seen in at least half of its hours.
const SAMPLES_PER_WEEK_MIN: u32 = 84;
/// How often the price of a node is looked at, in seconds: once a day.
pub const CHECK_SECONDS: i64 = 86_400;
/// How often a farmer is notified of another price for a node, in seconds: once a week.
pub const TELL_SECONDS: i64 = 7 * 86_400;

row! {
    /// A similar node.
    struct SimilarNode {
        node: NodeId = "n.id",
        farm: u32 = "n.farm_id",
        price: Usd = "n.price_micros",
        observed: u64 = "n.observed",
        observed_up: u64 = "n.observed_up",
    }
}

/// Which nodes are similar: on the market or rented, with a price, certified as `?1` says, not of
/// the farmer `?2`; up to `?3`.
const IS_SIMILAR: &str = "
     WHERE n.certified = ?1 AND n.price_micros IS NOT NULL
       AND (n.listing = 'published' OR n.allocated_slices > 0)
       AND n.farmer_id <> ?2
     LIMIT ?3";

/// Similar nodes in the countries of the JSON array `?4`. Served by the index `nodes_by_kind`.
const SIMILAR_IN: &str = select!(
    SimilarNode,
    "FROM json_each(?4) c CROSS JOIN nodes n INDEXED BY nodes_by_kind ON n.country = c.value",
    IS_SIMILAR
);

/// Similar nodes of the world. Served by the index `nodes_by_kind`.
const SIMILAR: &str = select!(SimilarNode, "FROM nodes n INDEXED BY nodes_by_kind", IS_SIMILAR);

fn similar(db: &dyn Db, own: &Offer, circle: &Circle) -> Result<Vec<Similar>, StoreError> {
    let mut params =
        vec![own.certified.into(), Value::text(own.farmer), SIMILAR_NODES.count.into()];
    let sql = match &circle.countries {
        Some(countries) => {
            params.push(Value::Text(json(countries)));
            SIMILAR_IN
        }
        None => SIMILAR,
    };
    let similar = |SimilarNode { node, farm, price, observed, observed_up }: SimilarNode| Similar {
        node,
        farm,
        price,
        uptime: Uptime::measured(observed_up, observed),
    };
    Ok(db.all(sql, &params)?.into_iter().map(similar).collect())
}

fn json<T: serde::Serialize>(list: &[T]) -> String {
    serde_json::to_string(list).expect("numbers and text can be written as JSON")
}

row! {
    impl NodeWeek {
        node: NodeId = "d.node_id",
        price: Usd = "sum(d.price_micros * d.samples) / sum(d.samples)",
        offered: u64 = "sum(d.offered)",
        rented: u64 = "sum(d.rented)",
    }
}

/// The weeks of the nodes of the JSON array `?1` from the day `?2` to the one before `?3`, counted
/// back from there: node, average price, what was offered and what rented. Only weeks with at least
/// `?4` samples; up to `?5` of them. Served by the primary key of `node_days`.
const NODE_WEEKS: &str = select!(
    NodeWeek,
    "FROM json_each(?1) n
     CROSS JOIN node_days d ON d.node_id = n.value AND d.day >= ?2 AND d.day < ?3
     GROUP BY d.node_id, (?3 - 1 - d.day) / 7
    HAVING sum(d.samples) >= ?4
     LIMIT ?5"
);

fn node_weeks(db: &dyn Db, nodes: &str, now: Timestamp) -> Result<Vec<NodeWeek>, StoreError> {
    let today = day_of(now);
    let params = [
        nodes.into(),
        (today - i64::from(WEEKS) * 7).into(),
        today.into(),
        SAMPLES_PER_WEEK_MIN.into(),
        NODE_WEEKS_MAX.into(),
    ];
    db.all(NODE_WEEKS, &params)
}

/// How long slices of the nodes of the JSON array `?1` waited for rentals that began since `?2`, in
/// seconds; up to `?3` of them. Served by the index `rentals_begun_by_node`.
const WAITS: &str = "
    SELECT b.waited_seconds
      FROM json_each(?1) n
     CROSS JOIN rentals_begun b ON b.node_id = n.value AND b.began_at >= ?2
     LIMIT ?3";

/// How many rentals began, and how long a slice waited for one: the median.
fn waits(db: &dyn Db, nodes: &str, now: Timestamp) -> Result<(u32, Option<i64>), StoreError> {
    let since = now.plus_seconds(-i64::from(WEEKS) * 7 * 86_400);
    let mut waits = db.all::<i64>(WAITS, &[nodes.into(), since.into(), WAITS_MAX.into()])?;
    waits.sort_unstable();
    let count = u32::try_from(waits.len()).unwrap_or(u32::MAX);
    let median = waits.get(waits.len().saturating_sub(1) / 2).copied();
    Ok((count, median))
}

/// Searches that found nothing since the day `?1`, for the country `?2` or any, and, if `?3` is 0,
/// for any certification only. Served by the primary key of `unmet_searches`.
const UNMET: &str = "
    SELECT coalesce(sum(count), 0) FROM unmet_searches
     WHERE country IN (?2, '') AND certified IN (0, ?3) AND day >= ?1";

fn unmet(db: &dyn Db, own: &Offer, now: Timestamp) -> Result<u32, StoreError> {
    let since = day_of(now) - i64::from(WEEKS) * 7;
    let country = region::country(&own.country).unwrap_or_default();
    db.one(UNMET, &[since.into(), country.into(), own.certified.into()])
}

/// A node beside similar ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The circles with too few similar nodes, the narrowest first.
    pub narrower: Vec<TooFew>,
    /// The first circle with enough; `None` where even the world has too few.
    pub found: Option<Found>,
}

/// Similar nodes, and how they are rented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What they ask.
    pub comparison: Comparison,
    /// Their weeks.
    pub weeks: Vec<NodeWeek>,
    /// What a suggestion rests on.
    pub market: Market,
}

/// Looks for nodes that are similar to `own`, in the narrowest circle that has enough of them.
pub fn of_node(db: &dyn Db, own: &Offer, now: Timestamp) -> Result<Picture, StoreError> {
    let mut narrower = Vec::new();
    for circle in region::circles(&own.country) {
        match comparison::compare(&circle, similar(db, own, &circle)?) {
            Ok(comparison) => {
                let found = Some(observe(db, own, comparison, now)?);
                return Ok(Picture { narrower, found });
            }
            Err(too_few) => narrower.push(too_few),
        }
    }
    Ok(Picture { narrower, found: None })
}

fn observe(
    db: &dyn Db,
    own: &Offer,
    comparison: Comparison,
    now: Timestamp,
) -> Result<Found, StoreError> {
    let picked = comparison::evenly(&comparison.nodes, OBSERVED_NODES_MAX);
    let mut numbers: Vec<u32> = picked.iter().map(|similar| similar.node.0).collect();
    // By number, so that a limit of rows does not prefer the cheap ones.
    numbers.sort_unstable();
    let nodes = json(&numbers);
    let weeks = node_weeks(db, &nodes, now)?;
    let (waits, wait_seconds) = waits(db, &nodes, now)?;
    let market = Market {
        median: comparison.median,
        offered: weeks.iter().map(|week| week.offered).sum(),
        rented: weeks.iter().map(|week| week.rented).sum(),
        node_weeks: u32::try_from(weeks.len()).unwrap_or(u32::MAX),
        wait_seconds,
        waits,
        unmet: unmet(db, own, now)?,
    };
    Ok(Found { comparison, weeks, market })
}

impl Found {
    /// Suggests a price for a node that asks `own`.
    pub fn suggest(
        &self,
        own: Option<Usd>,
        limits: PriceLimits,
    ) -> Result<Suggestion, TooFewObservations> {
        suggestion::suggest(&self.market, own, limits)
    }
}

row! {
    /// A node whose price is to be looked at.
    struct Due {
        offer: Offer,
        /// When it was looked at last.
        checked_at: Timestamp = "m.checked_at",
        /// When another price was last suggested to its farmer.
        suggested_at: Option<Timestamp> = "m.suggested_at",
    }
}

/// Up to `?2` nodes on the market whose price was last looked at before `?1`, the longest ago
/// first.
/// Served by the index `market_nodes_by_check`.
const DUE: &str = select!(
    Due,
    "FROM market_nodes m CROSS JOIN nodes n ON n.id = m.node_id
      WHERE m.checked_at <= ?1 ORDER BY m.checked_at LIMIT ?2"
);

/// Writes down that the price of the node `?1` was looked at now, `?3`, if nobody has done so since
/// `?2`; and, where `?4` is not NULL, that its farmer is notified of that price: the trigger
/// `price_suggestion_emits_event` tells. No row comes back where somebody was faster.
const CHECKED: &str = "
    UPDATE market_nodes
       SET checked_at = ?3,
           suggested_at = CASE WHEN ?4 IS NULL THEN suggested_at ELSE ?3 END,
           suggested_micros = coalesce(?4, suggested_micros)
     WHERE node_id = ?1 AND checked_at = ?2
 RETURNING node_id";

/// Compares the prices of some nodes, each once a day, and notifies the farmers of those that ask
/// something else than would be suggested: each once a week at most. Answers how many
/// were notified.
pub fn suggest_prices(db: &dyn Db, limits: PriceLimits, now: Timestamp) -> Result<u32, StoreError> {
    let before = now.plus_seconds(-CHECK_SECONDS);
    let mut told = 0;
    for due in db.all::<Due>(DUE, &[before.into(), SUGGEST_PRICES.limit().into()])? {
        let price = worth_telling(db, &due, limits, now)?;
        let params = [
            due.offer.node.0.into(),
            due.checked_at.into(),
            now.into(),
            price.map(Usd::micros).into(),
        ];
        let is_first = db.has_row(CHECKED, &params)?;
        told += u32::from(is_first && price.is_some());
    }
    Ok(told)
}

/// The price to tell a farmer of, if there is one and it is time.
fn worth_telling(
    db: &dyn Db,
    due: &Due,
    limits: PriceLimits,
    now: Timestamp,
) -> Result<Option<Usd>, StoreError> {
    let is_early = due.suggested_at.is_some_and(|at| now.seconds_since(at) < TELL_SECONDS);
    let Some(own) = due.offer.price.filter(|_| !is_early) else { return Ok(None) };
    let picture = of_node(db, &due.offer, now)?;
    let found = picture.found.and_then(|found| found.suggest(Some(own), limits).ok());
    Ok(found.filter(|found| found.is_worth_telling(own)).map(|found| found.price))
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 5] = [
    (SIMILAR_IN, "nodes_by_kind"),
    (SIMILAR, "nodes_by_kind"),
    (WAITS, "rentals_begun_by_node"),
    (DUE, "market_nodes_by_check"),
    // Its table has no rowid: the primary key is the table.
    (UNMET, "PRIMARY"),
];

/// The statement that groups days into weeks, for the test of its plan.
pub const GROUPED: &str = NODE_WEEKS;
