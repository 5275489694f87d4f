//! What happened, as those who may see it follow it.

use domain::event::EventKind;
use domain::id::{AccountId, NodeId, RentalId, SliceId};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

row! {
    /// Something that happened to an account, as that account may see it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Event {
        /// Its number. Later events have higher ones.
        pub id: i64 = "id",
        /// What it was.
        pub kind: EventKind = "kind",
        /// The node that it happened to, if any.
        pub node: Option<NodeId> = "node_id",
        /// The slice that it happened to, if any.
        pub slice: Option<SliceId> =
            "CASE WHEN slice_number IS NOT NULL THEN node_id END, slice_number",
        /// The rental that it happened to: only its renter sees which.
        pub rental: Option<RentalId> = "rental_id",
        /// What else it is about, such as the id of a payout or the number of a farm.
        pub subject: Option<String> = "subject",
        /// When.
        pub at: Timestamp = "created_at",
    }
}

impl From<EventKind> for Value {
    fn from(kind: EventKind) -> Value {
        kind.into_str().into()
    }
}

/// What the account `?1` sees of what came after the event `?2`, in order, at most `?3` rows: its
/// own as a renter, and those of its farm without the rental. What is both is notified once. Served
/// by `events_by_renter` and `events_by_farmer`, whose rows SQLite merges.
const SINCE: &str = select!(
    Event,
    "FROM events WHERE renter_id = ?1 AND id > ?2
     UNION ALL ",
    select!(
        Event,
        "FROM (SELECT id, kind, node_id, slice_number, NULL AS rental_id, created_at, subject
                 FROM events WHERE farmer_id = ?1 AND id > ?2 AND renter_id IS NOT ?1)"
    ),
    " ORDER BY id LIMIT ?3"
);

/// What an account sees of what came after an event, in order; at most `limit`.
pub fn since(
    db: &dyn Db,
    account: AccountId,
    after: i64,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let params = [Value::text(account), after.into(), limit.into()];
    db.all(SINCE, &params)
}

/// The last event that the account `?1` sees. Served by `events_by_renter` and `events_by_farmer`.
const LAST: &str = "
    SELECT max(coalesce((SELECT max(id) FROM events WHERE renter_id = ?1), 0),
               coalesce((SELECT max(id) FROM events WHERE farmer_id = ?1), 0))";

/// The number of the last event that an account sees; 0 before the first.
pub fn last(db: &dyn Db, account: AccountId) -> Result<i64, StoreError> {
    db.one(LAST, &[Value::text(account)])
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 4] = [
    (SINCE, "events_by_renter"),
    (SINCE, "events_by_farmer"),
    (LAST, "events_by_renter"),
    (LAST, "events_by_farmer"),
];
