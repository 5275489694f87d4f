//! What happened, as those who may see it follow it.

use domain::event::EventKind;
use domain::id::{AccountId, NodeId, RentalId, SliceId};
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};

use crate::chain::Form;
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

/// The last event that the account `?1` sees, or the last that is archived if that is later. Served
/// by `events_by_renter` and `events_by_farmer`.
const LAST: &str = "
    SELECT max(coalesce((SELECT max(id) FROM events WHERE renter_id = ?1), 0),
               coalesce((SELECT max(id) FROM events WHERE farmer_id = ?1), 0),
               coalesce((SELECT until_id FROM archives WHERE chain = 'events'
                          ORDER BY until_id DESC LIMIT 1), 0))";

/// The number of the last event that an account sees, or of the last that is archived; 0 before the
/// first.
pub fn last(db: &dyn Db, account: AccountId) -> Result<i64, StoreError> {
    db.one(LAST, &[Value::text(account)])
}

row! {
    /// What is sealed of an event, in the file that it is archived in.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(deny_unknown_fields)]
    pub struct SealedEvent {
        /// Its number.
        pub id: i64 = "id",
        /// When, in seconds since 1970-01-01 in UTC.
        pub created_at: i64 = "created_at",
        /// What it was.
        pub kind: String = "kind",
        /// Who saw it as a renter.
        pub renter_id: Option<String> = "renter_id",
        /// Who saw it as a farmer.
        pub farmer_id: Option<String> = "farmer_id",
        /// The node that it happened to.
        pub node_id: Option<i64> = "node_id",
        /// The number of the slice that it happened to.
        pub slice_number: Option<i64> = "slice_number",
        /// The rental that it happened to.
        pub rental_id: Option<String> = "rental_id",
        /// What else it was about.
        pub subject: Option<String> = "subject",
    }
}

impl SealedEvent {
    pub(crate) fn form(&self) -> Form {
        let mut form = Form::default();
        form.number(self.id);
        form.number(self.created_at);
        form.text(&self.kind);
        for text in [&self.renter_id, &self.farmer_id, &self.rental_id, &self.subject] {
            form.text(text.as_deref().unwrap_or_default());
        }
        // Neither is below zero.
        form.number(self.node_id.unwrap_or(-1));
        form.number(self.slice_number.unwrap_or(-1));
        form
    }
}

/// Up to `?2` events after the one numbered `?1`, the oldest first.
const AFTER: &str = select!(SealedEvent, "FROM events WHERE id > ?1 ORDER BY id LIMIT ?2");

/// Up to `limit` events after the one numbered `id`, the oldest first.
pub(crate) fn sealed_after(
    db: &dyn Db,
    id: i64,
    limit: u32,
) -> Result<Vec<SealedEvent>, StoreError> {
    db.all(AFTER, &[id.into(), limit.into()])
}

/// The statements and the indexes that serve them, for the test of their plans.
pub const INDEXED: [(&str, &str); 4] = [
    (SINCE, "events_by_renter"),
    (SINCE, "events_by_farmer"),
    (LAST, "events_by_renter"),
    (LAST, "events_by_farmer"),
];
