//! The audit log: who did what. Append-only, and chained by seals that follow within seconds.
//!
//! An entry is written where the action happens.

use domain::id::AccountId;
use domain::recurring::SEAL_AUDIT;
use domain::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::chain::{Chain, Form, Head, Link, Seal};
use crate::db::{Db, StoreError, Value};
use crate::row::{names, row, select};

/// How something was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Actor {
    /// By somebody who had not signed in.
    Visitor,
    /// By an account, in a browser.
    Account,
    /// By a token.
    Token,
    /// By the bootstrap operator.
    Operator,
    /// By the market itself, in the statement that did it.
    Market,
}

names! { Actor }

/// An entry to write. No secret and no text of a person's is in it.
#[derive(Clone, Debug)]
pub struct NewEntry<'a> {
    /// What was done, such as `sign-in`.
    pub action: &'static str,
    /// How it was asked for.
    pub actor: Actor,
    /// The account or token that asked; empty if there is none.
    pub actor_id: String,
    /// Whom it concerns, and who may read it.
    pub account: Option<AccountId>,
    /// What it was done to.
    pub subject: &'a str,
    /// From where.
    pub address: &'a str,
    /// The request.
    pub request_id: &'a str,
}

/// Writes an entry. `?1` action, `?2` actor, `?3` its id, `?4` account, `?5` subject, `?6` address,
/// `?7` request, `?8` now.
const WRITE: &str = "
    INSERT INTO audit (action, actor, actor_id, account_id, subject, address, request_id,
                       created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Writes an entry.
pub fn write(db: &dyn Db, entry: &NewEntry<'_>, now: Timestamp) -> Result<(), StoreError> {
    let params = [
        entry.action.into(),
        entry.actor.into_str().into(),
        entry.actor_id.as_str().into(),
        entry.account.map(Value::text).into(),
        entry.subject.into(),
        entry.address.into(),
        entry.request_id.into(),
        now.into(),
    ];
    db.run(WRITE, &params).map(drop)
}

/// Of how many entries on one thing the newest are looked at.
const VIEWS_MAX: u32 = 200;
/// For how long an entry stands for further looks, in seconds: an hour.
pub const VIEW_SECONDS: i64 = 60 * 60;

/// Writes an entry on a look at access, as above, unless one of the newest `?10` says the same and
/// is from after `?9`; one that is still to come was written while a clock was ahead. Served by
/// `audit_by_view`.
const WRITE_VIEW: &str = "
    INSERT INTO audit (action, actor, actor_id, account_id, subject, address, request_id,
                       created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
     WHERE NOT EXISTS (
           SELECT 1 FROM (
                  SELECT actor, actor_id, address, created_at FROM audit
                   WHERE account_id = ?4 AND subject = ?5 AND action = 'access-viewed'
                   ORDER BY id DESC LIMIT ?10)
            WHERE actor = ?2 AND actor_id = ?3 AND address = ?6
              AND created_at > ?9 AND created_at <= ?8)";

/// Writes an entry on a look at a rental's access: one an hour for whoever looks, from wherever
/// they do. A program that looks every second would fill the log, which nothing is removed from.
pub fn write_view(db: &dyn Db, entry: &NewEntry<'_>, now: Timestamp) -> Result<(), StoreError> {
    let params = [
        entry.action.into(),
        entry.actor.into_str().into(),
        entry.actor_id.as_str().into(),
        entry.account.map(Value::text).into(),
        entry.subject.into(),
        entry.address.into(),
        entry.request_id.into(),
        now.into(),
        now.plus_seconds(-VIEW_SECONDS).into(),
        VIEWS_MAX.into(),
    ];
    db.run(WRITE_VIEW, &params).map(drop)
}

/// What `write_audit_entry` takes.
pub(crate) fn column(entry: &NewEntry<'_>) -> Value {
    let json = json!({
        "action": entry.action,
        "actor": entry.actor.into_str(),
        "actor_id": entry.actor_id,
        "account_id": entry.account.map(|account| account.to_string()),
        "subject": entry.subject,
        "address": entry.address,
        "request_id": entry.request_id,
    });
    Value::Text(json.to_string())
}

row! {
    /// An entry of the log.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Entry {
        /// Its number.
        pub id: i64 = "a.id",
        /// What was done.
        pub action: String = "a.action",
        /// How it was asked for.
        pub actor: Actor = "a.actor",
        /// The account or token that asked; empty if there is none.
        pub actor_id: String = "a.actor_id",
        /// Whom it concerns.
        pub account: Option<String> = "a.account_id",
        /// What it was done to.
        pub subject: String = "a.subject",
        /// From where.
        pub address: String = "a.address",
        /// The request.
        pub request_id: String = "a.request_id",
        /// When.
        pub created_at: Timestamp = "a.created_at",
        /// Its seal; `None` until it has one.
        pub seal: Option<Seal> = "s.hash",
    }
}

/// What is sealed of an entry: as it is archived, too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SealedEntry {
    /// Its number.
    pub id: i64,
    /// When, in seconds since 1970-01-01 in UTC.
    pub created_at: i64,
    /// What was done.
    pub action: String,
    /// How it was asked for.
    pub actor: String,
    /// The account or token that asked; empty if there is none.
    pub actor_id: String,
    /// Whom it concerns.
    pub account_id: Option<String>,
    /// What it was done to.
    pub subject: String,
    /// From where.
    pub address: String,
    /// The request.
    pub request_id: String,
}

impl From<Entry> for SealedEntry {
    fn from(entry: Entry) -> SealedEntry {
        SealedEntry {
            id: entry.id,
            created_at: entry.created_at.seconds(),
            action: entry.action,
            actor: entry.actor.into_str().to_owned(),
            actor_id: entry.actor_id,
            account_id: entry.account,
            subject: entry.subject,
            address: entry.address,
            request_id: entry.request_id,
        }
    }
}

impl SealedEntry {
    pub(crate) fn form(&self) -> Form {
        let mut form = Form::default();
        form.number(self.id);
        form.number(self.created_at);
        form.text(&self.action);
        form.text(&self.actor);
        form.text(&self.actor_id);
        form.text(self.account_id.as_deref().unwrap_or_default());
        form.text(&self.subject);
        form.text(&self.address);
        form.text(&self.request_id);
        form
    }
}

/// Up to `?3` entries that concern the account `?1` before the one numbered `?2`, the newest first.
const OF_ACCOUNT: &str = select!(
    Entry,
    "FROM audit a LEFT JOIN audit_seals s ON s.audit_id = a.id
     WHERE a.account_id = ?1 AND a.id < ?2
     ORDER BY a.id DESC LIMIT ?3"
);

/// Up to `?2` entries before the one numbered `?1`, the newest first.
const ALL: &str = select!(
    Entry,
    "FROM audit a LEFT JOIN audit_seals s ON s.audit_id = a.id
     WHERE a.id < ?1
     ORDER BY a.id DESC LIMIT ?2"
);

/// What concerns an account, the newest first, before the entry numbered `before`.
pub fn of_account(
    db: &dyn Db,
    account: AccountId,
    before: Option<i64>,
    limit: u32,
) -> Result<Vec<Entry>, StoreError> {
    let before = before.unwrap_or(i64::MAX);
    db.all(OF_ACCOUNT, &[Value::text(account), before.into(), limit.into()])
}

/// Everything, the newest first, before the entry numbered `before`.
pub fn all(db: &dyn Db, before: Option<i64>, limit: u32) -> Result<Vec<Entry>, StoreError> {
    db.all(ALL, &[before.unwrap_or(i64::MAX).into(), limit.into()])
}

/// Up to `?2` entries after the one numbered `?1`, the oldest first.
const AFTER: &str = select!(
    Entry,
    "FROM audit a LEFT JOIN audit_seals s ON s.audit_id = a.id
     WHERE a.id > ?1
     ORDER BY a.id LIMIT ?2"
);

/// The entry and hash of the last seal up to the entry numbered `?1`, or of the last entry
/// that is archived if that is later.
const SEAL_UNTIL: &str = "
    SELECT audit_id, hash FROM audit_seals WHERE audit_id <= ?1
     UNION ALL
    SELECT until_id, seal FROM archives WHERE chain = 'audit'
     ORDER BY 1 DESC LIMIT 1";

/// Writes the seals of `?1`, a JSON array of `[entry, hash in hexadecimal]`.
const SEAL: &str = "
    INSERT INTO audit_seals (audit_id, hash)
    SELECT value ->> 0, unhex(value ->> 1) FROM json_each(?1)";

const CHAIN: Chain<Entry> = Chain {
    after: AFTER,
    seal_until: SEAL_UNTIL,
    write: SEAL,
    links: |entries| entries.into_iter().map(link).collect(),
};

fn link(entry: Entry) -> Link {
    let seal = entry.seal;
    let sealed = SealedEntry::from(entry);
    Link { id: sealed.id, form: sealed.form(), seal }
}

/// Up to `limit` entries after the one numbered `id`, the oldest first, each with its seal.
pub(crate) fn sealed_after(
    db: &dyn Db,
    id: i64,
    limit: u32,
) -> Result<Vec<(SealedEntry, Option<Seal>)>, StoreError> {
    let entries: Vec<Entry> = db.all(AFTER, &[id.into(), limit.into()])?;
    Ok(entries
        .into_iter()
        .map(|entry| {
            let seal = entry.seal;
            (entry.into(), seal)
        })
        .collect())
}

/// Seals the entries that have no seal yet, a bounded number each time.
pub fn seal(db: &dyn Db) -> Result<Head, StoreError> {
    CHAIN.seal(db, SEAL_AUDIT.limit())
}

/// How many of the entries after the one numbered `after`, up to the one numbered `until`, are not
/// as they were sealed, or were put among those that are; and the number of the first.
pub fn broken(db: &dyn Db, after: i64, until: i64) -> Result<(u64, i64), StoreError> {
    CHAIN.broken(db, after, until)
}
