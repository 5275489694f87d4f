//! What a farmer has to do next: what waits for them, counted, and where it is.

use domain::id::NodeId;
use domain::money::Usd;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::nodes::Farmer;
use crate::row::{fields, row, select};

/// An agent that has not asked for so long is not there: it asks every 20 seconds.
///
/// Seconds: 15 minutes.
pub const AGENT_QUIET_SECONDS: i64 = 15 * 60;

/// A token that expires within so long is to be replaced.
///
/// Seconds: 14 days, when its owner is first notified of it.
pub const TOKEN_ENDS_SECONDS: i64 = 14 * 86_400;

/// Nodes of which the same is to be done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TaskNodes {
    /// How many.
    pub count: u32,
    /// The first of them.
    pub first: Option<NodeId>,
}

fields! { TaskNodes { count: u32, first: Option<NodeId> } }

/// Nodes `n` that meet a condition, in two columns: how many, and the first.
macro_rules! nodes_that {
    ($condition:literal) => {
        concat!(
            "count(*) FILTER (WHERE ",
            $condition,
            "), min(n.id) FILTER (WHERE ",
            $condition,
            ")"
        )
    };
}

row! {
    /// What waits for a farmer.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct FarmTasks {
        /// Machines that renters wait for and that are set up by hand, and the first node of them.
        pub setups: TaskNodes =
            "(SELECT count(*) FROM jobs
               WHERE farmer_id = ?1 AND state IN ('waiting', 'leased') AND kind = 'create'
                 AND is_by_hand = 1),
             (SELECT min(node_id) FROM jobs
               WHERE farmer_id = ?1 AND state IN ('waiting', 'leased') AND kind = 'create'
                 AND is_by_hand = 1)",
        /// Drafts without a price.
        pub unpriced: TaskNodes =
            nodes_that!("n.listing = 'draft' AND n.price_micros IS NULL AND n.left_at IS NULL"),
        /// Drafts with a price.
        pub unpublished: TaskNodes =
            nodes_that!("n.listing = 'draft' AND n.price_micros IS NOT NULL AND n.left_at IS NULL"),
        /// Nodes on the market that are down.
        pub down: TaskNodes = nodes_that!("n.listing = 'published' AND n.status = 'down'"),
        /// Nodes on the market whose farm has no agent.
        pub without_agent: TaskNodes =
            nodes_that!(
                "n.listing = 'published'
                 AND NOT EXISTS (SELECT 1 FROM agents a
                                  WHERE a.account_id = n.farmer_id AND a.farm_id = n.farm_id)"
            ),
        /// Nodes on the market of which no agent has asked since `?2`, though there was one.
        pub quiet_agent: TaskNodes =
            nodes_that!(
                "n.listing = 'published'
                 AND (SELECT max(a.seen_at) FROM agents a
                       WHERE a.account_id = n.farmer_id AND a.farm_id = n.farm_id) <= ?2"
            ),
        /// Nodes whose farm this farmer has not verified.
        pub unproven: TaskNodes =
            nodes_that!(
                "n.left_at IS NULL
                 AND NOT EXISTS (SELECT 1 FROM farms f
                                  WHERE f.id = n.farm_id AND f.owner_id = n.farmer_id)"
            ),
        /// The end of the agent's token that expires first, of those that do by `?3`.
        pub token_ends_at: Option<Timestamp> =
            "(SELECT min(expires_at) FROM tokens
               WHERE account_id = ?1 AND expires_at > ?4 AND expires_at <= ?3
                 AND ' ' || scopes || ' ' LIKE '% agent %')",
        /// What was earned and not asked for yet.
        pub balance: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'earnings' AND owner_id = ?1), 0)",
        /// Whether there is no address to pay it to.
        pub lacks_address: bool =
            "EXISTS (SELECT 1 FROM accounts WHERE id = ?1 AND payout_address IS NULL)",
    }
}

/// What waits for the farmer `?1` at `?4`; `?2` and `?3` are above. A token that is for one farm
/// sees its nodes only, `?5`. Served by `nodes_by_farmer`, `jobs_by_due`, `tokens_by_account` and
/// primary keys.
const TASKS: &str = select!(
    FarmTasks,
    "FROM nodes n WHERE n.farmer_id = ?1 AND n.farm_id = coalesce(?5, n.farm_id)"
);

/// What waits for a farmer.
pub fn of(db: &dyn Db, farmer: impl Into<Farmer>, now: Timestamp) -> Result<FarmTasks, StoreError> {
    let Farmer { account, farm } = farmer.into();
    let params = [
        Value::text(account),
        now.plus_seconds(-AGENT_QUIET_SECONDS).into(),
        now.plus_seconds(TOKEN_ENDS_SECONDS).into(),
        now.into(),
        farm.into(),
    ];
    db.one(TASKS, &params)
}

/// Statements that an index serves, each with its name: for the test of plans.
pub const INDEXED: [(&str, &str); 2] = [(TASKS, "nodes_by_farmer"), (TASKS, "tokens_by_account")];
