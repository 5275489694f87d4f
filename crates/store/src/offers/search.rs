//! Searches of the market: filters, orders, pages in both directions, and counts.

use domain::id::SliceId;
use domain::money::Usd;
use domain::order::{Condition, Filter};
use domain::place::Places;
use domain::provisioning::AGENT_SECONDS;
use domain::term::Terms;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use serde_json::to_string;
use strum::{EnumString, IntoStaticStr, VariantArray, VariantNames};

use crate::db::{Db, StoreError, Value};
use crate::offers::Offer;
use crate::row::{row, select};

/// In which order a search answers.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    EnumString,
    IntoStaticStr,
    VariantArray,
    VariantNames,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Sort {
    /// The cheapest first.
    #[default]
    Price,
    /// The highest uptime first that is verified: the one that a node has at least, by all looks at
    /// it. Among equals the highest SLA, and the cheapest.
    Uptime,
    /// The one that joined the market last first.
    Newest,
    /// The most free slices first.
    Free,
    /// By country and city.
    Place,
}

/// Where a page ended: the next one begins behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// By what the last offer is sorted before its price, the highest first; 0 where by nothing.
    pub rank: i64,
    /// The last offer's price, in micro-dollars.
    pub price_micros: i64,
    /// The last offer's node.
    pub node: u32,
    /// The last slice's number; 0 in a search for nodes.
    pub slice: u32,
}

impl Cursor {
    /// Before the first offer.
    const START: Cursor = Cursor { rank: i64::MAX, price_micros: 0, node: 0, slice: 0 };

    /// Where a page in this order ends whose last item is `slice` of `offer`.
    pub fn after(offer: &Offer, sort: Sort, slice: u32) -> Cursor {
        Cursor {
            rank: match sort {
                Sort::Price | Sort::Place => 0,
                Sort::Uptime => offer.uptime_rank,
                Sort::Newest => offer.created_at.seconds(),
                Sort::Free => offer.available_slices.into(),
            },
            price_micros: offer.price.unwrap_or(Usd::ZERO).micros(),
            node: offer.node.0,
            slice,
        }
    }
}

// `likely` changes no result. Without it the database takes so many conditions to leave a handful
// of rows, and sorts them instead of reading an index in order.

/// What is on offer. These words are the condition of the indexes.
const LISTED: &str = "n.listing = 'published' AND n.available_slices > 0";

/// `?6` highest price.
const CHEAP: &str = "likely(n.price_micros <= ?6)";
/// `?7` lowest uptime that is guaranteed.
const GUARANTEED: &str = "likely(n.min_uptime >= ?7)";
/// `?8` lowest bandwidth.
const FAST: &str = "likely(n.min_bandwidth_mbps >= ?8)";
/// `?9` 1 for certified only.
const CERTIFIED: &str = "likely(n.certified >= ?9)";
/// `?11` when an agent of the farm was seen at the earliest, or NULL where it needs none.
const AUTOMATIC: &str = "likely(?11 IS NULL OR EXISTS (SELECT 1 FROM agents a
                                 WHERE a.account_id = n.farmer_id AND a.farm_id = n.farm_id
                                   AND a.seen_at > ?11))";
/// `?12` 1 for verified farms only.
const VERIFIED: &str = "likely(?12 = 0 OR EXISTS (SELECT 1 FROM farms f
                             WHERE f.id = n.farm_id AND f.owner_id = n.farmer_id))";
/// `?13` countries, a JSON array, or NULL for everywhere; `?14` cities, a JSON array of pairs of
/// country and city.
const THERE: &str = "likely(?13 IS NULL OR n.country IN (SELECT value FROM json_each(?13))
          OR (n.country, n.city) IN (SELECT value ->> 0, value ->> 1 FROM json_each(?14)))";
/// `?15` the fewest free slices.
const ROOMY: &str = "likely(n.available_slices >= ?15)";
/// `?16` the lowest uptime that was measured.
const PROVEN: &str = "likely(n.proven_uptime >= ?16)";
/// `?17` the bit of the term, or 0.
const LASTING: &str = "likely((n.terms & ?17) = ?17)";

/// The filter, but for the places.
const MATCHES: &str = constcat::concat!(
    CHEAP, " AND ", GUARANTEED, " AND ", FAST, " AND ", CERTIFIED, " AND ", AUTOMATIC, " AND ",
    VERIFIED, " AND ", ROOMY, " AND ", PROVEN, " AND ", LASTING,
);

/// What every search has in common: only nodes with something to offer, and the filter.
const ON_OFFER: &str = constcat::concat!(LISTED, " AND ", MATCHES, " AND ", THERE);

/// One page of offers, and the same from the end: behind or before the place that `$behind` or
/// `$before` names; `?10` how many rows.
macro_rules! nodes_by {
    ($and:expr, $order:expr) => {
        select!(
            Offer,
            "FROM nodes n WHERE ",
            ON_OFFER,
            " AND ",
            $and,
            " ORDER BY ",
            $order,
            " LIMIT ?10"
        )
    };
}

/// The same of free slices, each with its node.
macro_rules! slices_by {
    ($and:expr, $order:expr) => {
        select!(
            OfferedSlice,
            "FROM nodes n JOIN slices s ON s.node_id = n.id AND s.state = 'available' WHERE ",
            ON_OFFER,
            " AND ",
            $and,
            " ORDER BY ",
            $order,
            " LIMIT ?10"
        )
    };
}

/// The statements of one order: nodes forward, nodes backward, slices.
struct Statements {
    nodes: &'static str,
    nodes_before: &'static str,
    slices: &'static str,
}

/// Cheapest first, behind price `?2`, node `?3` and slice `?4`. Served by the index
/// `nodes_by_price`.
const BY_PRICE: Statements = Statements {
    nodes: nodes_by!("(n.price_micros, n.id) > (?2, ?3)", "n.price_micros, n.id"),
    nodes_before: nodes_by!("(n.price_micros, n.id) < (?2, ?3)", "n.price_micros DESC, n.id DESC"),
    slices: slices_by!(
        "n.price_micros >= ?2 AND (n.price_micros, n.id, s.number) > (?2, ?3, ?4)",
        "n.price_micros, n.id, s.number"
    ),
};

/// The same in the country `?5`. Served by the index `nodes_by_country`.
const BY_COUNTRY: Statements = Statements {
    nodes: nodes_by!(
        "n.country = ?5 AND (n.price_micros, n.id) > (?2, ?3)",
        "n.price_micros, n.id"
    ),
    nodes_before: nodes_by!(
        "n.country = ?5 AND (n.price_micros, n.id) < (?2, ?3)",
        "n.price_micros DESC, n.id DESC"
    ),
    slices: slices_by!(
        "n.country = ?5
         AND n.price_micros >= ?2 AND (n.price_micros, n.id, s.number) > (?2, ?3, ?4)",
        "n.price_micros, n.id, s.number"
    ),
};

/// Those in the country `?5`, if it is not NULL, by a rank: the highest first, behind the rank
/// `?1`, price `?2`, node `?3` and slice `?4`.
macro_rules! ranked_by {
    ($rank:literal) => {
        Statements {
            nodes: nodes_by!(
                constcat::concat!(
                    "(?5 IS NULL OR n.country = ?5) AND ",
                    $rank,
                    " <= ?1
                     AND (",
                    $rank,
                    " < ?1 OR (n.price_micros, n.id) > (?2, ?3))"
                ),
                constcat::concat!($rank, " DESC, n.price_micros, n.id")
            ),
            nodes_before: nodes_by!(
                constcat::concat!(
                    "(?5 IS NULL OR n.country = ?5) AND ",
                    $rank,
                    " >= ?1
                     AND (",
                    $rank,
                    " > ?1 OR (n.price_micros, n.id) < (?2, ?3))"
                ),
                constcat::concat!($rank, ", n.price_micros DESC, n.id DESC")
            ),
            slices: slices_by!(
                constcat::concat!(
                    "(?5 IS NULL OR n.country = ?5) AND ",
                    $rank,
                    " <= ?1
                     AND (",
                    $rank,
                    " < ?1 OR (n.price_micros, n.id, s.number) > (?2, ?3, ?4))"
                ),
                constcat::concat!($rank, " DESC, n.price_micros, n.id, s.number")
            ),
        }
    };
}

/// Served by the index `nodes_by_uptime`.
const BY_UPTIME: Statements = ranked_by!("n.uptime_rank");
/// Served by the index `nodes_by_newest`.
const BY_NEWEST: Statements = ranked_by!("n.created_at");
/// Served by the index `nodes_by_free`.
const BY_FREE: Statements = ranked_by!("n.available_slices");

/// By country and city, behind those of the node `?3`, price `?2` and slice `?4`. Served by the
/// index `nodes_by_place`.
const BY_PLACE: Statements = Statements {
    nodes: nodes_by!(
        "(?5 IS NULL OR n.country = ?5) AND (n.country, n.city, n.price_micros, n.id)
         > (SELECT coalesce(max(country), ''), coalesce(max(city), ''), ?2, ?3
              FROM nodes WHERE id = ?3)",
        "n.country, n.city, n.price_micros, n.id"
    ),
    nodes_before: nodes_by!(
        "(?5 IS NULL OR n.country = ?5) AND (n.country, n.city, n.price_micros, n.id)
         < (SELECT coalesce(max(country), ''), coalesce(max(city), ''), ?2, ?3
              FROM nodes WHERE id = ?3)",
        "n.country DESC, n.city DESC, n.price_micros DESC, n.id DESC"
    ),
    slices: slices_by!(
        "(?5 IS NULL OR n.country = ?5) AND (n.country, n.city, n.price_micros, n.id, s.number)
         > (SELECT coalesce(max(country), ''), coalesce(max(city), ''), ?2, ?3, ?4
              FROM nodes WHERE id = ?3)",
        "n.country, n.city, n.price_micros, n.id, s.number"
    ),
};

row! {
    /// A free slice.
    struct OfferedSlice {
        offer: Offer,
        number: u32 = "s.number",
    }
}

/// The statements that answer in this order.
fn statements(filter: &Filter, sort: Sort) -> Statements {
    match (sort, &filter.country) {
        (Sort::Price, None) => BY_PRICE,
        (Sort::Price, Some(_)) => BY_COUNTRY,
        (Sort::Uptime, _) => BY_UPTIME,
        (Sort::Newest, _) => BY_NEWEST,
        (Sort::Free, _) => BY_FREE,
        (Sort::Place, _) => BY_PLACE,
    }
}

/// What the statements of a search take, in order.
fn params(filter: &Filter, at: Cursor, limit: u32, now: Timestamp) -> [Value; 17] {
    let agent_seen_after = filter.automatic_setup.then(|| now.plus_seconds(-AGENT_SECONDS));
    let json = |value: Result<String, _>| value.expect("texts can be written as JSON");
    let (countries, cities) = match &filter.places {
        Some(Places { countries, cities }) => {
            (Some(json(to_string(countries))), json(to_string(cities)))
        }
        None => (None, "[]".to_owned()),
    };
    [
        at.rank.into(),
        at.price_micros.into(),
        at.node.into(),
        at.slice.into(),
        filter.country.as_deref().into(),
        filter.max_price.map_or(i64::MAX, Usd::micros).into(),
        filter.min_uptime.map_or(0, Uptime::hundredths).into(),
        filter.min_bandwidth.map_or(0, Bandwidth::mbps).into(),
        filter.certified_only.into(),
        limit.into(),
        agent_seen_after.into(),
        filter.verified_farm.into(),
        countries.as_deref().into(),
        Value::Text(cities),
        filter.min_free.unwrap_or(0).into(),
        filter.min_measured.map_or(0, Uptime::hundredths).into(),
        filter.term.and_then(|term| Terms::of([term])).map_or(0, Terms::bits).into(),
    ]
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
    let params = params(filter, behind.unwrap_or(Cursor::START), limit, now);
    db.all(statements(filter, sort).nodes, &params)
}

/// The page of nodes that ends before `before`, in the same order: the last ones, if there are
/// more.
pub fn nodes_before(
    db: &dyn Db,
    filter: &Filter,
    sort: Sort,
    before: Cursor,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Offer>, StoreError> {
    let params = params(filter, before, limit, now);
    let mut found: Vec<Offer> = db.all(statements(filter, sort).nodes_before, &params)?;
    found.reverse();
    Ok(found)
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
    let params = params(filter, behind.unwrap_or(Cursor::START), limit, now);
    let found: Vec<OfferedSlice> = db.all(statements(filter, sort).slices, &params)?;
    let slice = |OfferedSlice { offer, number }: OfferedSlice| {
        (SliceId { node: offer.node, number }, offer)
    };
    Ok(found.into_iter().map(slice).collect())
}

/// Offers that are new to a search, behind the number `?1` and up to the number `?2`, the latest
/// first; in the country `?5`, if it is not NULL. Served by the primary keys.
const NEWS: &str = select!(
    Offer,
    "FROM offer_news c CROSS JOIN nodes n ON n.id = c.node_id
      WHERE c.number > ?1 AND c.number <= ?2 AND (?5 IS NULL OR n.country = ?5) AND ",
    ON_OFFER,
    " ORDER BY c.number DESC LIMIT ?10"
);

/// Offers that a search finds among those that have come, changed or have more free slices behind
/// the number `behind` and up to `through`; at most `limit`.
pub fn news(
    db: &dyn Db,
    filter: &Filter,
    [behind, through]: [i64; 2],
    limit: u32,
    now: Timestamp,
) -> Result<Vec<Offer>, StoreError> {
    let at = Cursor { rank: behind, price_micros: through, ..Cursor::START };
    db.all(NEWS, &params(filter, at, limit, now))
}

/// How many places of the market are read at once, at most.
const PLACES_MAX: u32 = 5_000;

/// How many of a group match the filter, wherever they are.
const MATCHING: &str = constcat::concat!("count(*) FILTER (WHERE ", MATCHES, ")");

row! {
    /// A city in which something is on offer.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OfferedPlace {
        /// Empty where it is not known.
        pub country: String = "n.country",
        /// Empty where it is not known.
        pub city: String = "n.city",
        /// Nodes that match the filter, but for its places.
        pub matching: u32 = MATCHING,
    }
}

/// The places of the market, each with how many nodes match the filter: at most `?10`. Served by
/// the index `nodes_by_place` alone, which is read to its end.
const PLACES: &str = select!(
    OfferedPlace,
    "FROM nodes n WHERE ",
    LISTED,
    " GROUP BY n.country, n.city ORDER BY n.country, n.city LIMIT ?10"
);

/// The places where something is on offer, by name, each with how many nodes match the filter
/// wherever it looks. `country` and `places` of the filter do not count.
pub fn places(
    db: &dyn Db,
    filter: &Filter,
    now: Timestamp,
) -> Result<Vec<OfferedPlace>, StoreError> {
    db.all(PLACES, &params(filter, Cursor::START, PLACES_MAX, now))
}

row! {
    /// How many nodes a search finds once one condition is taken back.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    struct Relaxed {
        max_price: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_cheap)",
        min_uptime: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_guaranteed)",
        min_bandwidth: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_fast)",
        certified: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_certified)",
        automatic_setup: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_automatic)",
        verified_farm: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_verified)",
        min_free: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_roomy)",
        min_measured: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_proven)",
        term: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_lasting)",
        places: u32 = "count(*) FILTER (WHERE failed = 1 AND NOT is_there)",
        listed: u32 = "count(*)",
    }
}

/// Looks once at everything on offer: which nodes fail one condition only. Served by the index
/// `nodes_by_place`, which is read to its end.
const RELAXED: &str = select!(
    Relaxed,
    "FROM (SELECT *, 10 - is_cheap - is_guaranteed - is_fast - is_certified - is_automatic
                       - is_verified - is_roomy - is_proven - is_lasting - is_there AS failed
             FROM (SELECT ",
    CHEAP,
    " AS is_cheap, ",
    GUARANTEED,
    " AS is_guaranteed, ",
    FAST,
    " AS is_fast, ",
    CERTIFIED,
    " AS is_certified, ",
    AUTOMATIC,
    " AS is_automatic, ",
    VERIFIED,
    " AS is_verified, ",
    ROOMY,
    " AS is_roomy, ",
    PROVEN,
    " AS is_proven, ",
    LASTING,
    " AS is_lasting, (?5 IS NULL OR n.country = ?5) AND ",
    THERE,
    " AS is_there FROM nodes n INDEXED BY nodes_by_place WHERE ",
    LISTED,
    // With a limit it is computed once for each node, and not once for each sum.
    " LIMIT 1000000))"
);

/// What a search that found nothing finds once one of its conditions is taken back, for each that
/// would help; and how many nodes are on offer at all.
pub fn relaxed(
    db: &dyn Db,
    filter: &Filter,
    now: Timestamp,
) -> Result<(Vec<(Condition, u32)>, u32), StoreError> {
    let found: Relaxed = db.one(RELAXED, &params(filter, Cursor::START, 1, now))?;
    let count = |condition: &Condition| match condition {
        Condition::MaxPrice => found.max_price,
        Condition::MinUptime => found.min_uptime,
        Condition::MinBandwidth => found.min_bandwidth,
        Condition::Certified => found.certified,
        Condition::AutomaticSetup => found.automatic_setup,
        Condition::VerifiedFarm => found.verified_farm,
        Condition::MinFree => found.min_free,
        Condition::MinMeasured => found.min_measured,
        Condition::Term => found.term,
        Condition::Places => found.places,
    };
    let helps = Condition::VARIANTS.iter().map(|condition| (*condition, count(condition)));
    Ok((helps.filter(|(_, count)| *count > 0).collect(), found.listed))
}

/// Every statement of a search, for the test of their plans.
pub const SEARCHES: [(&str, &str); 20] = [
    (BY_PRICE.nodes, "nodes_by_price"),
    (BY_PRICE.nodes_before, "nodes_by_price"),
    (BY_PRICE.slices, "nodes_by_price"),
    (BY_COUNTRY.nodes, "nodes_by_country"),
    (BY_COUNTRY.nodes_before, "nodes_by_country"),
    (BY_COUNTRY.slices, "nodes_by_country"),
    (BY_UPTIME.nodes, "nodes_by_uptime"),
    (BY_UPTIME.nodes_before, "nodes_by_uptime"),
    (BY_UPTIME.slices, "nodes_by_uptime"),
    (BY_NEWEST.nodes, "nodes_by_newest"),
    (BY_NEWEST.nodes_before, "nodes_by_newest"),
    (BY_NEWEST.slices, "nodes_by_newest"),
    (BY_FREE.nodes, "nodes_by_free"),
    (BY_FREE.nodes_before, "nodes_by_free"),
    (BY_FREE.slices, "nodes_by_free"),
    (BY_PLACE.nodes, "nodes_by_place"),
    (BY_PLACE.nodes_before, "nodes_by_place"),
    (BY_PLACE.slices, "nodes_by_place"),
    (NEWS, "PRIMARY"),
    (super::COUNTRIES, "nodes_by_country"),
];

/// Every statement that counts what is on offer, for the test of their plans: they read the index
/// `nodes_by_place`, and no row.
pub const COUNTS: [&str; 2] = [PLACES, RELAXED];
