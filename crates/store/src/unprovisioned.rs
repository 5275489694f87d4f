//! What time does to jobs: people are notified of those that are late, and what has no access is
//! refunded. A bounded number at a time, each in a statement of its own: the next run goes on.

use domain::id::{AccountId, JobId, RANDOM_ID_BYTES, RentalId};
use domain::provisioning::{BY_HAND_SECONDS, FREE_SETUPS_SECONDS, JobKind, REFUND_SECONDS, Setup};
use domain::rental;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::chain::hex;
use crate::db::{Db, StoreError, Value};
use crate::due::{NotificationMail, find};
use crate::jobs;
use crate::rentals::{SAVE_ATTEMPTS, save_refund};
use crate::row::{row, select};

/// The most operators that are notified of a late job.
const OPERATORS_MAX: u32 = 10;

row! {
    /// A job that is late, and whom to tell.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Late {
        /// The job.
        pub job: JobId = "j.id",
        /// What it is for.
        pub kind: JobKind = "j.kind",
        /// The rental.
        pub rental: RentalId = "j.rental_id",
        /// Such as `node32_slice_7`.
        pub place: String = "'node' || j.node_id || '_slice_' || j.slice_number",
        /// Who waits: the renter of a machine that is made, the farmer of one that is removed.
        pub account: AccountId = "a.id",
        /// Their address.
        pub email: String = "a.email",
        /// When everything is refunded, if that is so.
        pub refund_at: Option<Timestamp> = "j.refund_at",
    }
}

/// Up to `?2` jobs that were late at `?1` and of which nobody was notified, the latest first; what
/// is done by hand is late `?3` seconds later. Served by the index `jobs_by_lateness`.
const LATE: &str = select!(
    Late,
    " FROM jobs j
      JOIN rentals r ON r.id = j.rental_id
      JOIN accounts a ON a.id = iif(j.kind = 'create', r.renter_id, j.farmer_id)
     WHERE j.notified_at IS NULL AND j.state IN ('waiting', 'leased', 'failed') AND j.late_at <= ?1
       AND j.late_at + j.is_by_hand * ?3 <= ?1
     ORDER BY j.late_at LIMIT ?2"
);

/// Late jobs that people are to be notified of.
pub fn late(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<Late>, StoreError> {
    db.all(LATE, &[now.into(), limit.into(), BY_HAND_SECONDS.into()])
}

/// Up to `?1` operators: id and address.
const OPERATORS: &str = "
    SELECT id, email FROM accounts
     WHERE is_operator = 1 AND deleted_at IS NULL AND disabled_at IS NULL ORDER BY id LIMIT ?1";

/// The operators, with their addresses.
pub fn operators(db: &dyn Db) -> Result<Vec<(AccountId, String)>, StoreError> {
    db.all(OPERATORS, &[OPERATORS_MAX.into()])
}

/// Writes down that people were notified; the columns of the command view, in order.
const TELL: &str = "INSERT INTO notify_late_job (job_id, mails, notified_at) VALUES (?1, ?2, ?3)";

/// Writes down, once, that people were notified that a job is late, with the event and the mails
/// about it.
pub fn notify(
    db: &dyn Db,
    late: &Late,
    mails: &[(AccountId, NotificationMail<'_>)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mail = |(account, mail): &(AccountId, NotificationMail<'_>)| {
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

row! {
    /// A rental that is refunded, and whom to tell.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Refundable {
        /// The rental.
        pub rental: RentalId = "r.id",
        /// Such as `node32_slice_7`.
        pub place: String = "'node' || r.node_id || coalesce('_slice_' || r.slice_number, '')",
        /// The renter's address.
        pub email: String = "a.email",
    }
}

/// The rentals of up to `?2` machines that are not there at `?1`, when they are to be refunded.
/// Served by the index `jobs_by_refund`.
const REFUNDABLE: &str = select!(
    Refundable,
    " FROM jobs j
      JOIN rentals r ON r.id = j.rental_id
      JOIN accounts a ON a.id = r.renter_id
     WHERE j.state IN ('waiting', 'leased', 'failed') AND j.refund_at <= ?1
     ORDER BY j.refund_at LIMIT ?2"
);

/// Rentals that are to be refunded now.
pub fn refundable(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<Refundable>, StoreError> {
    let mut found: Vec<Refundable> = db.all(REFUNDABLE, &[now.into(), limit.into()])?;
    // A whole node has many machines.
    found.sort_by_key(|refundable| refundable.rental);
    found.dedup_by_key(|refundable| refundable.rental);
    Ok(found)
}

/// Pays a rental back in full, and ends it, with a mail about it; nothing, where access has
/// come meanwhile.
pub fn refund(
    db: &dyn Db,
    id: RentalId,
    mail: Option<&NotificationMail<'_>>,
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

/// Whether an agent has begun with a machine of the rental `?1` that is not there; and how many of
/// the rentals of the renter `?2` since `?3`, an id, were ended at `?4` or later when an agent had
/// begun, no machine was there, and none was late. Served by the indexes `jobs_by_rental` and
/// `rentals_by_renter`.
const SETUP: &str = "
    SELECT EXISTS (SELECT 1 FROM jobs
                    WHERE rental_id = ?1 AND kind = 'create' AND state IN ('waiting', 'leased')
                      AND attempts > 0),
           (SELECT count(*) FROM rentals r
             WHERE r.renter_id = ?2 AND r.id >= ?3 AND r.state = 'ended' AND r.ended_at >= ?4
               AND EXISTS (SELECT 1 FROM jobs
                            WHERE rental_id = r.id AND kind = 'create' AND attempts > 0
                              AND state IN ('refunded', 'canceled') AND late_at > r.ended_at)
               AND NOT EXISTS (SELECT 1 FROM jobs
                                WHERE rental_id = r.id AND kind = 'create' AND state = 'done'))";

/// The setup of a rental that its renter ends.
pub fn setup(
    db: &dyn Db,
    renter: AccountId,
    rental: RentalId,
    now: Timestamp,
) -> Result<Setup, StoreError> {
    let since = now.plus_seconds(-FREE_SETUPS_SECONDS);
    // A setup is over within a day.
    let begun = RentalId::from_random(since.plus_seconds(-REFUND_SECONDS), [0; RANDOM_ID_BYTES]);
    let params = [Value::text(rental), Value::text(renter), Value::text(begun), since.into()];
    let (has_begun, ended_before) = db.one::<(bool, u32)>(SETUP, &params)?;
    Ok(Setup { owed: jobs::owed(db, rental, now)?, has_begun, ended_before })
}

/// How many jobs agents have not done for so long that people were notified: for the operator.
const NOTIFIED: &str = "
    SELECT count(*) FROM jobs
     WHERE notified_at IS NOT NULL AND state IN ('waiting', 'leased', 'failed')";

/// How many jobs are late now.
pub fn late_count(db: &dyn Db) -> Result<u32, StoreError> {
    db.one(NOTIFIED, &[])
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 3] =
    [(LATE, "jobs_by_lateness"), (REFUNDABLE, "jobs_by_refund"), (SETUP, "rentals_by_renter")];
