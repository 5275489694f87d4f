//! What happened, as those who may see it follow it.

use domain::event::EventKind;
use domain::id::{AccountId, NodeId, RentalId, SliceId};
use domain::time::Timestamp;

use crate::db::{Db, Row, StoreError, Value, only};

/// Something that happened to an account, as that account may see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its number. Later events have higher ones.
    pub id: i64,
    /// What it was.
    pub kind: EventKind,
    /// The node that it happened to, if any.
    pub node: Option<NodeId>,
    /// The slice that it happened to, if any.
    pub slice: Option<SliceId>,
    /// The rental that it happened to: only its renter sees which.
    pub rental: Option<RentalId>,
    /// What else it is about, such as the id of a payout or the number of a farm.
    pub subject: Option<String>,
    /// When.
    pub at: Timestamp,
}

/// What the account `?1` sees of what came after the event `?2`, in order, at most `?3` rows: its
/// own as a renter, and those of its farm without the rental. What is both is told once. Served by
/// `events_by_renter` and `events_by_farmer`, whose rows SQLite merges.
const SINCE: &str = "
    SELECT id, kind, node_id, slice_number, rental_id, created_at, subject
      FROM events WHERE renter_id = ?1 AND id > ?2
     UNION ALL
    SELECT id, kind, node_id, slice_number, NULL, created_at, subject
      FROM events WHERE farmer_id = ?1 AND id > ?2 AND renter_id IS NOT ?1
     ORDER BY id
     LIMIT ?3";

/// What an account sees of what came after an event, in order; at most `limit`.
pub fn since(
    db: &dyn Db,
    account: AccountId,
    after: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let params = [Value::text(account), after.into(), limit.into()];
    db.run(SINCE, &params)?.iter().map(read).collect()
}

/// Reads the name of a kind.
pub(crate) fn parse_kind(name: &str) -> Option<EventKind> {
    name.parse().ok()
}

impl From<EventKind> for Value {
    fn from(kind: EventKind) -> Value {
        kind.into_str().into()
    }
}

/// Reads id, kind, node, slice, rental, time and subject.
pub(crate) fn read(row: &Row) -> Result<Event, StoreError> {
    let node = row.optional_number(2)?.map(NodeId);
    let number: Option<u32> = row.optional_number(3)?;
    let rental = match row.optional_text(4)? {
        Some(_) => Some(row.parsed(4, RentalId::parse)?),
        None => None,
    };
    Ok(Event {
        id: row.integer(0)?,
        kind: row.parsed(1, parse_kind)?,
        node,
        slice: node.zip(number).map(|(node, number)| SliceId { node, number }),
        rental,
        subject: row.optional_text(6)?.map(str::to_owned),
        at: row.timestamp(5)?,
    })
}

/// The last event that the account `?1` sees. Served by `events_by_renter` and `events_by_farmer`.
const LAST: &str = "
    SELECT max(coalesce((SELECT max(id) FROM events WHERE renter_id = ?1), 0),
               coalesce((SELECT max(id) FROM events WHERE farmer_id = ?1), 0))";

/// The number of the last event that an account sees; 0 before the first.
pub fn last(db: &dyn Db, account: AccountId) -> Result<i64, StoreError> {
    only(db.run(LAST, &[Value::text(account)])?).map_or(Ok(0), |row| row.integer(0))
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 4] = [
    (SINCE, "events_by_renter"),
    (SINCE, "events_by_farmer"),
    (LAST, "events_by_renter"),
    (LAST, "events_by_farmer"),
];
