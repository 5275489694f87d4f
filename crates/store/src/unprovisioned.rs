//! What time does to jobs: people are told of those that are late, and what has no access is paid
//! back. A bounded number at a time, each in a statement of its own: the next run goes on.

use domain::id::{AccountId, JobId, RentalId};
use domain::provisioning::JobKind;
use domain::rental;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::chain::hex;
use crate::db::{Db, Row, StoreError, Value, only};
use crate::due::{NoticeMail, find};
use crate::jobs;
use crate::rentals::{SAVE_ATTEMPTS, save_refund};

/// The most operators that are told of a late job.
const OPERATORS_MAX: u32 = 10;

/// A job that is late, and whom to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Late {
    /// The job.
    pub job: JobId,
    /// What it is for.
    pub kind: JobKind,
    /// The rental.
    pub rental: RentalId,
    /// Such as `node32_slice_7`.
    pub place: String,
    /// Who waits: the renter of a machine that is made, the farmer of one that is removed.
    pub account: AccountId,
    /// Their address.
    pub email: String,
    /// When everything is paid back, if that is so.
    pub refund_at: Option<Timestamp>,
}

/// Up to `?2` jobs that were late at `?1` and of which nobody was told, the latest first. Served by
/// the index `jobs_by_lateness`.
const LATE: &str = "
    SELECT j.id, j.kind, j.rental_id, 'node' || j.node_id || '_slice_' || j.slice_number, a.id,
           a.email, j.refund_at
      FROM jobs j
      JOIN rentals r ON r.id = j.rental_id
      JOIN accounts a ON a.id = iif(j.kind = 'create', r.renter_id, j.farmer_id)
     WHERE j.told_at IS NULL AND j.state IN ('waiting', 'leased', 'failed') AND j.late_at <= ?1
     ORDER BY j.late_at LIMIT ?2";

/// Jobs of which people are to be told that they are late.
pub fn late(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<Late>, StoreError> {
    let read = |row: &Row| {
        Ok(Late {
            job: row.parsed(0, JobId::parse)?,
            kind: row.parsed(1, JobKind::parse)?,
            rental: row.parsed(2, RentalId::parse)?,
            place: row.text(3)?.to_owned(),
            account: row.parsed(4, AccountId::parse)?,
            email: row.text(5)?.to_owned(),
            refund_at: row.optional_integer(6)?.map(Timestamp::from_seconds),
        })
    };
    db.run(LATE, &[now.into(), limit.into()])?.iter().map(read).collect()
}

/// Up to `?1` operators: id and address.
const OPERATORS: &str = "
    SELECT id, email FROM accounts
     WHERE is_operator = 1 AND deleted_at IS NULL AND disabled_at IS NULL ORDER BY id LIMIT ?1";

/// The operators, with their addresses.
pub fn operators(db: &dyn Db) -> Result<Vec<(AccountId, String)>, StoreError> {
    let read = |row: &Row| Ok((row.parsed(0, AccountId::parse)?, row.text(1)?.to_owned()));
    db.run(OPERATORS, &[OPERATORS_MAX.into()])?.iter().map(read).collect()
}

/// Writes down that people were told; the columns of the command view, in order.
const TELL: &str = "INSERT INTO tell_late (job_id, mails, told_at) VALUES (?1, ?2, ?3)";

/// Writes down, once, that people were told that a job is late, with the event and the mails that
/// tell of it.
pub fn tell(
    db: &dyn Db,
    late: &Late,
    mails: &[(AccountId, NoticeMail<'_>)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mail = |(account, mail): &(AccountId, NoticeMail<'_>)| {
        json!({
            "id": mail.id.to_string(),
            "account": account.to_string(),
            "kind": mail.kind,
            "sealed": hex(mail.sealed),
        })
    };
    let mails = Json::from(mails.iter().map(mail).collect::<Vec<Json>>()).to_string();
    db.run(TELL, &[late.job.as_str().into(), Value::Text(mails), now.into()]).map(drop)
}

/// A rental that is paid back, and whom to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refundable {
    /// The rental.
    pub rental: RentalId,
    /// Such as `node32_slice_7`.
    pub place: String,
    /// The renter's address.
    pub email: String,
}

/// The rentals of up to `?2` machines that are not there at `?1`, when they are to be paid back.
/// Served by the index `jobs_by_refund`.
const REFUNDABLE: &str = "
    SELECT r.id, 'node' || r.node_id || coalesce('_slice_' || r.slice_number, ''), a.email
      FROM jobs j
      JOIN rentals r ON r.id = j.rental_id
      JOIN accounts a ON a.id = r.renter_id
     WHERE j.state IN ('waiting', 'leased', 'failed') AND j.refund_at <= ?1
     ORDER BY j.refund_at LIMIT ?2";

/// Rentals that are to be paid back now.
pub fn refundable(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<Refundable>, StoreError> {
    let read = |row: &Row| {
        Ok(Refundable {
            rental: row.parsed(0, RentalId::parse)?,
            place: row.text(1)?.to_owned(),
            email: row.text(2)?.to_owned(),
        })
    };
    let rows = db.run(REFUNDABLE, &[now.into(), limit.into()])?;
    let mut found: Vec<Refundable> = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
    // A whole node has many machines.
    found.sort_by_key(|refundable| refundable.rental);
    found.dedup_by_key(|refundable| refundable.rental);
    Ok(found)
}

/// Pays a rental back in full, and ends it, with a mail that tells of it; nothing, where access has
/// come meanwhile.
pub fn refund(
    db: &dyn Db,
    id: RentalId,
    mail: Option<&NoticeMail<'_>>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    for _ in 0..SAVE_ATTEMPTS {
        let Some(found) = find(db, id)? else { return Ok(false) };
        if !jobs::is_owed(db, id)? {
            return Ok(false);
        }
        let Ok(ending) = rental::refund(&found.life, now) else { return Ok(false) };
        match save_refund(db, &found.life, &ending.change, mail, now) {
            Ok(()) => return Ok(true),
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Busy)
}

/// How many jobs agents have not done for so long that people were told: for the operator.
const TOLD: &str = "
    SELECT count(*) FROM jobs
     WHERE told_at IS NOT NULL AND state IN ('waiting', 'leased', 'failed')";

/// How many jobs are late now.
pub fn late_count(db: &dyn Db) -> Result<u32, StoreError> {
    only(db.run(TOLD, &[])?).map_or(Ok(0), |row| row.number(0))
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 2] = [(LATE, "jobs_by_lateness"), (REFUNDABLE, "jobs_by_refund")];
