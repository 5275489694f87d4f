//! What the operator says on the status page of something that went wrong.

use domain::id::IncidentId;
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

/// The most incidents that are kept: a page that nobody has to turn.
pub const INCIDENTS_MAX: u32 = 200;

row! {
    /// Something that went wrong.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Incident {
        /// Its id.
        pub id: IncidentId = "id",
        /// What, on one line.
        pub title: String = "title",
        /// What it means for people, and what is done about it.
        pub text: String = "text",
        /// Since when.
        pub started_at: Timestamp = "started_at",
        /// Until when; `None` while it goes on.
        pub ended_at: Option<Timestamp> = "ended_at",
        /// When this was last written.
        pub changed_at: Timestamp = "changed_at",
    }
}

/// Incidents that began at `?1` or later, and those that go on, the latest first; at most `?2`.
/// Served by `incidents_by_start`.
const LIST: &str = select!(
    Incident,
    "FROM incidents WHERE started_at >= ?1 OR ended_at IS NULL
     ORDER BY started_at DESC, id DESC LIMIT ?2"
);

/// Incidents that began at `since` or later, and those that go on, the latest first.
pub fn since(db: &dyn Db, since: Timestamp) -> Result<Vec<Incident>, StoreError> {
    db.all(LIST, &[since.into(), INCIDENTS_MAX.into()])
}

/// Adds an incident: `?1` id, `?2` title, `?3` text, `?4` start, `?5` end, `?6` now, `?7` how many
/// there may be. No row: there are as many.
const ADD: &str = "
    INSERT INTO incidents (id, title, text, started_at, ended_at, changed_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6
     WHERE (SELECT count(*) FROM incidents) < ?7
 RETURNING id";

/// Adds an incident; `false` if there are as many as there may be.
pub fn add(db: &dyn Db, incident: &Incident) -> Result<bool, StoreError> {
    let mut params = params(incident).to_vec();
    params.push(INCIDENTS_MAX.into());
    Ok(db.first::<IncidentId>(ADD, &params)?.is_some())
}

/// Changes the incident `?1`: `?2` title, `?3` text, `?4` start, `?5` end, `?6` now. No row: there
/// is no such incident.
const CHANGE: &str = "
    UPDATE incidents
       SET title = ?2, text = ?3, started_at = ?4, ended_at = ?5, changed_at = ?6
     WHERE id = ?1
 RETURNING id";

/// Changes an incident; `false` if there is none of its id.
pub fn change(db: &dyn Db, incident: &Incident) -> Result<bool, StoreError> {
    Ok(db.first::<IncidentId>(CHANGE, &params(incident))?.is_some())
}

fn params(incident: &Incident) -> [Value; 6] {
    [
        Value::text(incident.id),
        incident.title.as_str().into(),
        incident.text.as_str().into(),
        incident.started_at.into(),
        incident.ended_at.into(),
        incident.changed_at.into(),
    ]
}

/// Removes the incident `?1`. No row: there is no such incident.
const REMOVE: &str = "DELETE FROM incidents WHERE id = ?1 RETURNING id";

/// Removes an incident; `false` if there is none of this id.
pub fn remove(db: &dyn Db, id: IncidentId) -> Result<bool, StoreError> {
    Ok(db.first::<IncidentId>(REMOVE, &[Value::text(id)])?.is_some())
}
