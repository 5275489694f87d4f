//! What nodes have guaranteed for a month, and whether it can still be kept.

use domain::event::EventKind;
use domain::id::{AccountId, NodeId};
use domain::month::Month;
use domain::outlook::{Observations, Outlook};
use domain::time::Timestamp;
use domain::uptime::Uptime;
use serde::Serialize;

use crate::db::{Db, StoreError, Value};
use crate::observations;
use crate::row::{row, select};

row! {
    /// A month of a node, as the sync saw it.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct NodeMonth {
        /// The node.
        pub node: NodeId = "m.node_id",
        /// The month.
        pub month: Month = "m.month",
        /// How often somebody looked, and how often it was up; announced maintenance is left out,
        /// as far as the month's allowance goes.
        pub observations: Observations = "m.observed, m.observed_up",
        /// The strictest SLA: of its rentals, and of its offer while it is on the market.
        /// `None` where nothing is guaranteed to anybody.
        pub sla: Option<Uptime> =
            "nullif(max(CASE n.listing WHEN 'published' THEN n.min_uptime ELSE -1 END,
                        coalesce((SELECT max(min_uptime) FROM rentals
                                   WHERE node_id = n.id AND state <> 'ended'), -1)), -1)",
    }
}

impl NodeMonth {
    /// How things stand; `None` where nothing is guaranteed.
    pub fn outlook(&self, now: Timestamp) -> Option<Outlook> {
        let sla = self.sla.filter(|sla| sla.hundredths() > 0)?;
        Some(Outlook::of(sla, self.observations, self.month, now))
    }
}

/// Where a `NodeMonth` is.
const FROM: &str = "FROM node_months m JOIN nodes n ON n.id = m.node_id ";

/// Up to `?1` months that have been down more often than when they were last evaluated, the oldest
/// month first. Served by `node_months_to_evaluate` and
/// `rentals_one_live_per_slice`.
const UNEVALUATED: &str = select!(
    NodeMonth,
    FROM,
    "WHERE m.evaluated_down <> m.observed - m.observed_up ORDER BY m.month, m.node_id LIMIT ?1"
);

/// The month `?3` of the node `?2` of the farmer `?1`. Served by the primary keys.
const OF_NODE: &str =
    select!(NodeMonth, FROM, "WHERE m.node_id = ?2 AND m.month = ?3 AND n.farmer_id = ?1");

/// A month of a farmer's node; `None` where nobody has looked at it yet, or it is another's.
pub fn month(
    db: &dyn Db,
    farmer: AccountId,
    node: NodeId,
    month: Month,
) -> Result<Option<NodeMonth>, StoreError> {
    let params = [Value::text(farmer), node.0.into(), Value::text(month)];
    db.first(OF_NODE, &params)?.map(|month| without_excused(db, month)).transpose()
}

/// The same without the observations during announced maintenance. Where none was, nothing is
/// looked up.
fn without_excused(db: &dyn Db, mut month: NodeMonth) -> Result<NodeMonth, StoreError> {
    for span in observations::excused(db, month.node, month.month)? {
        let Observations { observed, up } =
            observations::measure(db, month.node, span, &[])?.observations;
        month.observations.observed = month.observations.observed.saturating_sub(observed);
        month.observations.up =
            month.observations.up.saturating_sub(up).min(month.observations.observed);
    }
    Ok(month)
}

/// Writes down what was found of several months: `?1` is a JSON array of objects with `node`,
/// `month`, `down`, `alert` and `minutes_left`; `?2` is now.
const EVALUATE: &str = "
    INSERT INTO evaluate_node_month (node_id, month, down, alert, minutes_left, evaluated_at)
    SELECT value ->> 'node', value ->> 'month', value ->> 'down', value ->> 'alert',
           value ->> 'minutes_left', ?2
      FROM json_each(?1)";

/// Looks at the SLAs of nodes that have been down, at most `limit` of them, and tells their
/// farmers once in a month that one is at risk, and once that it is broken. Answers how many it has
/// looked at.
pub fn evaluate(db: &dyn Db, limit: u32, now: Timestamp) -> Result<usize, StoreError> {
    #[derive(Serialize)]
    struct EvaluatedMonth {
        node: u32,
        month: String,
        down: u64,
        alert: Option<&'static str>,
        minutes_left: Option<u64>,
    }
    let months: Vec<NodeMonth> = db.all(UNEVALUATED, &[limit.into()])?;
    let evaluate = |month: &NodeMonth| {
        // As it was counted: what was evaluated is not looked at again before it is down once more.
        let down = month.observations.observed.saturating_sub(month.observations.up);
        let outlook = without_excused(db, *month)?.outlook(now);
        Ok(EvaluatedMonth {
            node: month.node.0,
            month: month.month.to_string(),
            down,
            alert: outlook.and_then(alert).map(Into::into),
            minutes_left: match outlook {
                Some(Outlook::AtRisk { minutes_left }) => Some(minutes_left),
                Some(Outlook::Met | Outlook::Open { .. } | Outlook::Missed) | None => None,
            },
        })
    };
    let evaluated: Vec<EvaluatedMonth> =
        months.iter().map(evaluate).collect::<Result<_, StoreError>>()?;
    if !evaluated.is_empty() {
        let evaluated = serde_json::to_string(&evaluated).expect("numbers can be written as JSON");
        db.run(EVALUATE, &[Value::Text(evaluated), now.into()])?;
    }
    Ok(months.len())
}

/// The event about it; `None` where all is well.
fn alert(outlook: Outlook) -> Option<EventKind> {
    match outlook {
        Outlook::Met | Outlook::Open { .. } => None,
        Outlook::AtRisk { .. } => Some(EventKind::SlaAtRisk),
        Outlook::Missed => Some(EventKind::SlaMissed),
    }
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 2] =
    [(UNEVALUATED, "node_months_to_evaluate"), (UNEVALUATED, "rentals_one_live_per_slice")];
