//! Archives: how far each chain is in files of the operator's, and what may be removed for that.
//!
//! Rows of closed years are written to a file, with their seals. Once the file was read back, a row
//! of `archives` says so; from then on the guards let those rows go that nothing here needs. What
//! a chain's checks begin with is the seal of its last archived row.

use domain::time::Timestamp;
use strum::IntoStaticStr;

use crate::archive_file::{ChainName, Row};
use crate::chain::Seal;
use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::row::{names, row, select};
use crate::{audit, events, ledger_chain};

/// How many rows are read at once, and removed by one statement.
pub const ROWS_AT_ONCE: u32 = 1_000;

/// How many months must have passed since the end of a year before it is archived.
///
/// Cards are disputed for up to 120 days after a payment, and a month's SLA credit until it was
/// decided on: after half a year, hardly anybody asks for a booking of the year before.
pub const MONTHS_MIN: u32 = 6;

names! { ChainName }

row! {
    /// How far each chain is archived: the last rows that are, 0 before the first archive.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Bounds {
        /// Of the audit log.
        pub audit: i64 = "audit_id",
        /// Of the events.
        pub events: i64 = "event_id",
        /// Of the ledger.
        pub ledger: i64 = "transaction_id",
        /// Everything archived is from before then; 1970 before the first archive.
        pub closed_at: Timestamp = "closed_at",
        /// Everything archived of the ledger is: months before then have no statement any more.
        pub ledger_closed_at: Timestamp = "ledger_closed_at",
    }
}

/// How far each chain is archived.
const BOUNDS: &str = select!(Bounds, "FROM archive_bounds");

/// How far each chain is archived.
pub fn bounds(db: &dyn Db) -> Result<Bounds, StoreError> {
    db.one(BOUNDS, &[])
}

row! {
    /// A file that holds rows of a chain.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Archive {
        /// What the rows are.
        pub chain: ChainName = "chain",
        /// The first one.
        pub first_id: i64 = "first_id",
        /// The last one.
        pub until_id: i64 = "until_id",
        /// All of them are from before then: the first second of the year after.
        pub closed_at: Timestamp = "closed_at",
        /// How many they are.
        pub row_count: u64 = "row_count",
        /// The seal of the last one.
        pub seal: Seal = "seal",
        /// The file's name.
        pub file: String = "file",
        /// SHA-256 of the whole file.
        pub file_hash: Seal = "file_hash",
    }
}

/// The archive of the chain `?1` that is the last one.
const LAST: &str =
    select!(Archive, "FROM archives WHERE chain = ?1 ORDER BY until_id DESC LIMIT 1");

/// The last archive of a chain; `None` before the first.
pub fn last(db: &dyn Db, chain: ChainName) -> Result<Option<Archive>, StoreError> {
    db.first(LAST, &[chain.into_str().into()])
}

/// Up to `limit` rows of a chain after the one numbered `id`, the oldest first; each with its seal,
/// which events have none of.
pub fn rows_after(
    db: &dyn Db,
    chain: ChainName,
    id: i64,
    limit: u32,
) -> Result<Vec<(Row, Option<Seal>)>, StoreError> {
    Ok(match chain {
        ChainName::Ledger => {
            let rows = ledger_chain::sealed_after(db, id, limit)?.into_iter();
            rows.map(|(row, seal)| (Row::Ledger(row), seal)).collect()
        }
        ChainName::Events => {
            let rows = events::sealed_after(db, id, limit)?.into_iter();
            rows.map(|row| (Row::Event(row), None)).collect()
        }
        ChainName::Audit => {
            let rows = audit::sealed_after(db, id, limit)?.into_iter();
            rows.map(|(row, seal)| (Row::Audit(row), seal)).collect()
        }
    })
}

/// Why an archive was not recorded.
#[derive(Debug, PartialEq, Eq, thiserror::Error, IntoStaticStr)]
pub enum RecordFailure {
    /// Another run was faster.
    #[error("another run has archived rows of this chain meanwhile: run the command again")]
    OutOfOrder,
    /// The last row's seal is another one, or its notifications are not made yet.
    #[error(
        "the last row is not sealed as it is in the file, or its notifications are not created \
         yet: let the app run for a minute, and look at its integrity checks"
    )]
    NotSealed,
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Says that a file holds rows; the columns of the command view, in order.
const RECORD: &str = "
    INSERT INTO archive_chain
           (chain, after_id, first_id, until_id, closed_at, row_count, seal, file, file_hash,
            archived_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Says that a file holds the rows that follow row `after`: from now on they may be removed. The
/// caller has read the file back.
pub fn record(
    db: &dyn Db,
    archive: &Archive,
    after: i64,
    now: Timestamp,
) -> Result<(), RecordFailure> {
    let params = [
        archive.chain.into_str().into(),
        after.into(),
        archive.first_id.into(),
        archive.until_id.into(),
        archive.closed_at.into(),
        i64::try_from(archive.row_count).unwrap_or(i64::MAX).into(),
        Value::from(&archive.seal[..]),
        archive.file.as_str().into(),
        Value::from(&archive.file_hash[..]),
        now.into(),
    ];
    match db.run(RECORD, &params) {
        Ok(_) => Ok(()),
        Err(StoreError::Refused(Refusal::ArchiveOutOfOrder)) => Err(RecordFailure::OutOfOrder),
        Err(StoreError::Refused(Refusal::ArchiveNotSealed)) => Err(RecordFailure::NotSealed),
        Err(error) => Err(error.into()),
    }
}

/// The last of the `?2` transactions behind `?1`, up to the last archived one; NULL if there is
/// none. And the same of events and of the audit log. Served by their primary keys.
const LEDGER_PAGE: &str = "
    SELECT max(id) FROM (
           SELECT id FROM ledger_transactions
            WHERE id > ?1 AND id <= (SELECT transaction_id FROM archive_bounds)
            ORDER BY id LIMIT ?2)";

const EVENTS_PAGE: &str = "
    SELECT max(id) FROM (
           SELECT id FROM events
            WHERE id > ?1 AND id <= (SELECT event_id FROM archive_bounds)
            ORDER BY id LIMIT ?2)";

const AUDIT_PAGE: &str = "
    SELECT max(id) FROM (
           SELECT id FROM audit
            WHERE id > ?1 AND id <= (SELECT audit_id FROM archive_bounds)
            ORDER BY id LIMIT ?2)";

/// Removes the rows of the chain `?1` from `?2` to `?3` that nothing needs.
const REMOVE: &str = "INSERT INTO remove_archived (chain, from_id, until_id) VALUES (?1, ?2, ?3)";

/// Removes archived rows behind the one numbered `after`, as far as nothing here needs them: those
/// among the next thousand, in one statement. Returns the last one that was looked at; `None`
/// behind the last that is archived.
pub fn remove_page(db: &dyn Db, chain: ChainName, after: i64) -> Result<Option<i64>, StoreError> {
    let page = match chain {
        ChainName::Ledger => LEDGER_PAGE,
        ChainName::Events => EVENTS_PAGE,
        ChainName::Audit => AUDIT_PAGE,
    };
    let until: Option<i64> = db.one(page, &[after.into(), ROWS_AT_ONCE.into()])?;
    if let Some(until) = until {
        db.run(REMOVE, &[chain.into_str().into(), (after + 1).into(), until.into()])?;
    }
    Ok(until)
}

/// How many archived transactions are still here, of which rental the oldest of them is, and how
/// many archived events.
const KEPT: &str = "
    SELECT (SELECT count(*) FROM ledger_transactions
             WHERE id <= (SELECT transaction_id FROM archive_bounds)),
           (SELECT rental_id FROM ledger_transactions
             WHERE id <= (SELECT transaction_id FROM archive_bounds) AND rental_id IS NOT NULL
             ORDER BY id LIMIT 1),
           (SELECT count(*) FROM events
             WHERE id <= (SELECT event_id FROM archive_bounds))";

/// How many archived transactions are still here, the rental that the oldest of them is about, and
/// how many archived events are.
pub fn kept(db: &dyn Db) -> Result<(u64, Option<String>, u64), StoreError> {
    db.one(KEPT, &[])
}
