//! Searches that people save, and are notified of what fits.

use domain::id::{AccountId, NodeId, SavedSearchId};
use domain::recurring::CHANGED_OFFERS;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::row::{returning, row, select};

/// How many searches an account can save.
pub const SAVED_SEARCHES_MAX: u32 = 20;

/// How long the next look waits after one that found nothing new.
///
/// Seconds: five minutes.
const LOOK_SECONDS: i64 = 300;

/// How long it waits after somebody was notified, so that what comes meanwhile is one notification.
///
/// Seconds: an hour.
pub const NOTIFIED_AGAIN_SECONDS: i64 = 3_600;

/// After how long a node whose offer is the same may be new again, such as one that was full.
///
/// Seconds: a week.
const NEW_AGAIN_SECONDS: i64 = 7 * 86_400;

/// How many nodes a search remembers, the latest ones.
const FINDS_MAX: u32 = 200;

row! {
    /// A search that somebody has saved.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SavedSearch {
        /// Its id.
        pub id: SavedSearchId = "id",
        /// What its account calls it.
        pub name: String = "name",
        /// The query of the market's page, in its normal form.
        pub query: String = "query",
        /// Whether its account is notified of what fits.
        pub is_on: bool = "is_on",
        /// When it was saved.
        pub created_at: Timestamp = "created_at",
    }
}

/// Saves the search `?1` of the account `?2`: `?3` its name, `?4` its query, `?5` now, `?6` how
/// many there may be. One that is saved already stays as it is. It knows what is on offer now. No
/// row: there are as many as there may be.
const ADD: &str = returning!(
    "INSERT INTO saved_searches
            (id, account_id, name, query, is_on, seen_number, due_at, created_at)
     SELECT ?1, ?2, ?3, ?4, 1, (SELECT coalesce(max(number), 0) FROM offer_news), ?5, ?5
      WHERE (SELECT count(*) FROM saved_searches WHERE account_id = ?2) < ?6
         OR EXISTS (SELECT 1 FROM saved_searches WHERE account_id = ?2 AND query = ?4)
         ON CONFLICT (account_id, query) DO UPDATE SET query = excluded.query",
    SavedSearch
);

/// Saves a search; the one of the same query, if there is one. `None` where the account has as many
/// as it can have.
pub fn add(
    db: &dyn Db,
    account: AccountId,
    id: SavedSearchId,
    name: &str,
    query: &str,
    now: Timestamp,
) -> Result<Option<SavedSearch>, StoreError> {
    let params = [
        Value::text(id),
        Value::text(account),
        name.into(),
        query.into(),
        now.into(),
        SAVED_SEARCHES_MAX.into(),
    ];
    db.first(ADD, &params)
}

/// The searches of the account `?1`, the latest first; at most `?2`. Served by
/// `saved_searches_by_account`.
const OF_ACCOUNT: &str =
    select!(SavedSearch, "FROM saved_searches WHERE account_id = ?1 ORDER BY id DESC LIMIT ?2");

/// The searches that an account has saved, the latest first.
pub fn of_account(db: &dyn Db, account: AccountId) -> Result<Vec<SavedSearch>, StoreError> {
    db.all(OF_ACCOUNT, &[Value::text(account), SAVED_SEARCHES_MAX.into()])
}

/// The search `?2` of the account `?1`. Served by the primary key.
const FIND: &str = select!(SavedSearch, "FROM saved_searches WHERE id = ?2 AND account_id = ?1");

/// A search of an account; `None` if it is not theirs.
pub fn find(
    db: &dyn Db,
    account: AccountId,
    id: SavedSearchId,
) -> Result<Option<SavedSearch>, StoreError> {
    db.first(FIND, &[Value::text(account), Value::text(id)])
}

/// Changes the search `?2` of the account `?1`: `?3` its name, `?4` whether notifications are on,
/// each as it was where it is NULL; `?5` now. One that is switched on knows what is on offer then.
/// No row: the account has no such search.
const CHANGE: &str = returning!(
    "UPDATE saved_searches
        SET name = coalesce(?3, name), is_on = coalesce(?4, is_on),
            due_at = iif(is_on = 0 AND ?4 = 1, ?5, due_at),
            seen_number = iif(is_on = 0 AND ?4 = 1,
                              (SELECT coalesce(max(number), 0) FROM offer_news), seen_number)
      WHERE id = ?2 AND account_id = ?1",
    SavedSearch
);

/// What is changed of a search.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchChange<'a> {
    /// Its name.
    pub name: Option<&'a str>,
    /// Whether its account is notified.
    pub is_on: Option<bool>,
}

/// Changes a search; `None` if the account has no such search.
pub fn change(
    db: &dyn Db,
    account: AccountId,
    id: SavedSearchId,
    change: SearchChange<'_>,
    now: Timestamp,
) -> Result<Option<SavedSearch>, StoreError> {
    let params = [
        Value::text(account),
        Value::text(id),
        change.name.into(),
        change.is_on.into(),
        now.into(),
    ];
    db.first(CHANGE, &params)
}

/// Removes the search `?2` of the account `?1`. No row: the account has no such search.
const REMOVE: &str = "DELETE FROM saved_searches WHERE id = ?2 AND account_id = ?1 RETURNING id";

/// Removes a search; `false` if the account has no such search.
pub fn remove(db: &dyn Db, account: AccountId, id: SavedSearchId) -> Result<bool, StoreError> {
    db.has_row(REMOVE, &[Value::text(account), Value::text(id)])
}

row! {
    /// A search that is to be looked for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DueSearch {
        /// Its id.
        pub id: SavedSearchId = "id",
        /// Whose it is.
        pub account: AccountId = "account_id",
        /// What is looked for.
        pub query: String = "query",
        /// The number up to which it has seen offers.
        pub seen_number: i64 = "seen_number",
        /// Since when it is due.
        pub due_at: Timestamp = "due_at",
    }
}

/// Up to `?2` searches that are due at `?1`, the one that waits longest first. Served by
/// `saved_searches_due`.
const DUE: &str = select!(
    DueSearch,
    "FROM saved_searches WHERE is_on = 1 AND due_at <= ?1 ORDER BY due_at, id LIMIT ?2"
);

/// Searches that are to be looked for now, the one that waits longest first.
pub fn due(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<DueSearch>, StoreError> {
    db.all(DUE, &[now.into(), limit.into()])
}

/// The last of the next `?2` numbers behind `?1`, and how many there are. Served by the primary
/// key.
const NEXT_NUMBERS: &str = "
    SELECT coalesce(max(number), ?1), count(*)
      FROM (SELECT number FROM offer_news WHERE number > ?1 ORDER BY number LIMIT ?2)";

/// How far a search looks in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The number up to which it looks.
    pub through: i64,
    /// Whether there is more behind it.
    pub has_more: bool,
}

/// How far a search that has seen offers up to `seen` looks now.
pub fn reach(db: &dyn Db, seen: i64) -> Result<Reach, StoreError> {
    let (through, count): (i64, u32) =
        db.one(NEXT_NUMBERS, &[seen.into(), CHANGED_OFFERS.count.into()])?;
    Ok(Reach { through, has_more: count >= CHANGED_OFFERS.count })
}

/// Takes a look: the columns of the command view, in order.
const LOOK: &str = "
    INSERT INTO look_for_saved_search
           (id, seen_number, seen_due_at, number, next_at, found_next_at, found, told_after,
            finds_max, looked_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Writes down that a search was looked for, and notifies its account of the nodes that were
/// `found`, each with the version of its offer, as far as they are new to it. Nothing, where
/// another run has done so.
pub fn look(
    db: &dyn Db,
    search: &DueSearch,
    reach: Reach,
    found: &[(NodeId, i64)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let found: Vec<Json> =
        found.iter().map(|(node, version)| json!({ "node": node.0, "version": version })).collect();
    let next_at = if reach.has_more { now } else { now.plus_seconds(LOOK_SECONDS) };
    let params = [
        Value::text(search.id),
        search.seen_number.into(),
        search.due_at.into(),
        reach.through.into(),
        next_at.into(),
        now.plus_seconds(NOTIFIED_AGAIN_SECONDS).into(),
        Value::Text(Json::from(found).to_string()),
        now.plus_seconds(-NEW_AGAIN_SECONDS).into(),
        FINDS_MAX.into(),
        now.into(),
    ];
    match db.run(LOOK, &params) {
        Ok(_) | Err(StoreError::Refused(Refusal::SavedSearchChanged)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] =
    [(OF_ACCOUNT, "saved_searches_by_account"), (FIND, "PRIMARY"), (DUE, "saved_searches_due")];
