//! Jobs: machines that agents make on slices and remove, and who has which job.
//!
//! Who leases, reports or refunds names the fence or the version that it saw, in one statement.

use std::collections::BTreeMap;

use domain::capability::{Capabilities, Capability};
use domain::id::{AccountId, JobId, NodeId, RentalId, SliceId, TokenId};
use domain::port::Port;
use domain::provisioning::{
    self, AGENT_SECONDS, ATTEMPTS_MAX, BY_HAND_SECONDS, Job, JobKind, JobState, LATE_SECONDS,
    LEASE_SECONDS, LeaseLost, Next, Owed, REFUND_SECONDS, Report, Step,
};
use domain::recurring::GIVE_UP_JOBS;
use domain::time::Timestamp;
use strum::VariantArray;

use crate::db::{Db, StoreError, Value};
use crate::ports::ports_of;
use crate::rentals::SAVE_ATTEMPTS;
use crate::row::{column, returning, row, select};
use crate::ssh_keys::KeyLines;

/// The most agents that are listed of a farm.
const AGENTS_MAX: u32 = 100;
/// An agent is noted again after so long. Seconds.
const SEEN_SECONDS: i64 = 60;
/// The most jobs of one rental: one for each slice of a node, twice.
const JOBS_OF_RENTAL_MAX: u32 = 1_024;

/// Who asks for jobs: an agent of a farmer, for one farm.
#[derive(Clone, Copy, Debug)]
pub struct Agent<'a> {
    /// The farmer.
    pub farmer: AccountId,
    /// The farm, by the grid's number.
    pub farm: u32,
    /// What it calls itself.
    pub name: &'a str,
    /// The token that it uses.
    pub token: Option<TokenId>,
}

/// Notes that the agent `?3` of the farm `?2` of the farmer `?1` asked at `?4`: a new one where
/// there are fewer than `?6`, a known one if it was noted at `?5` or before.
const SEE: &str = "
    INSERT INTO agents (account_id, farm_id, name, seen_at)
    SELECT ?1, ?2, ?3, ?4
     WHERE EXISTS (SELECT 1 FROM agents WHERE account_id = ?1 AND farm_id = ?2 AND name = ?3)
        OR (SELECT count(*) FROM agents WHERE account_id = ?1 AND farm_id = ?2) < ?6
        ON CONFLICT (account_id, farm_id, name) DO UPDATE SET seen_at = excluded.seen_at
     WHERE seen_at <= ?5";

/// Notes that an agent asks for jobs: what is rented on its farm from now on is its.
pub fn see(db: &dyn Db, agent: &Agent<'_>, now: Timestamp) -> Result<(), StoreError> {
    let params = [
        Value::text(agent.farmer),
        agent.farm.into(),
        agent.name.into(),
        now.into(),
        now.plus_seconds(-SEEN_SECONDS).into(),
        AGENTS_MAX.into(),
    ];
    db.run(SEE, &params).map(drop)
}

row! {
    /// A job that was leased, with all that it takes to do it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Leased {
        /// The job.
        pub id: JobId = "id",
        /// What it is for.
        pub kind: JobKind = "kind",
        /// Counts its leases.
        pub fence: u32 = "fence",
        /// Which attempt this is, from 1.
        pub attempt: u32 = "attempts",
        /// Until when it is this agent's, unless it reports.
        pub lease_expires_at: Timestamp = "due_at",
        /// When nobody needs it any more, or people are notified.
        pub deadline_at: Timestamp = "coalesce(refund_at, late_at)",
        /// The rental.
        pub rental: RentalId = "rental_id",
        /// The slice.
        pub slice: SliceId = "node_id, slice_number",
        /// The public keys that get in; `None` of a rental from before there were setups.
        pub ssh_keys: Option<KeyLines> =
            "(SELECT ssh_keys FROM setups WHERE rental_id = jobs.rental_id)",
        /// The template's name and version.
        pub template: Option<(String, u32)> =
            "(SELECT template FROM setups WHERE rental_id = jobs.rental_id),
             (SELECT template_version FROM setups WHERE rental_id = jobs.rental_id)",
        /// The renter's own user data, encrypted.
        pub sealed: Option<Vec<u8>> =
            "(SELECT sealed FROM setups WHERE rental_id = jobs.rental_id)",
        /// What is to be reachable beside SSH.
        pub ports: Vec<Port> = ports_of!("jobs.rental_id"),
    }
}

/// The job of the farm `?2` of the farmer `?1` that has been due for longest at `?3`; one that
/// makes a machine at most `?4` times. What the farmer has made by hand, they remove. Served by
/// the index `jobs_by_due`.
const DUE: &str = "
    SELECT id FROM jobs
     WHERE farmer_id = ?1 AND farm_id = ?2 AND due_at <= ?3 AND state IN ('waiting', 'leased')
       AND iif(kind = 'remove', is_by_hand = 0, attempts < ?4)
     ORDER BY due_at LIMIT 1";

/// Leases the job of [`DUE`] until `?5` to the agent `?6` with the token `?7`. What the farmer was
/// to make by hand is the agent's from then on, and late at `?8`. No row comes back if none is due.
const LEASE: &str = returning!(
    constcat::concat!(
        "UPDATE jobs
            SET state = 'leased', fence = fence + 1, attempts = attempts + 1, due_at = ?5,
                agent = ?6, token_id = ?7, step = NULL, steps = '{}',
                late_at = iif(is_by_hand, ?8, late_at), is_by_hand = 0, changed_at = ?3
          WHERE id = (",
        DUE,
        ")"
    ),
    Leased
);

/// Whether a job is due for the agent's farm. An agent that waits looks with this, because a lease
/// is a write even if there is none.
pub fn is_due(db: &dyn Db, agent: &Agent<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let params = [Value::text(agent.farmer), agent.farm.into(), now.into(), ATTEMPTS_MAX.into()];
    db.has_row(DUE, &params)
}

/// Leases the job that has been due for longest; `None` if none is due.
pub fn lease(db: &dyn Db, agent: &Agent<'_>, now: Timestamp) -> Result<Option<Leased>, StoreError> {
    let params = [
        Value::text(agent.farmer),
        agent.farm.into(),
        now.into(),
        ATTEMPTS_MAX.into(),
        now.plus_seconds(LEASE_SECONDS).into(),
        agent.name.into(),
        agent.token.map(Value::text).into(),
        now.plus_seconds(LATE_SECONDS).into(),
    ];
    db.first(LEASE, &params)
}

/// Why a report was not taken.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportFailure {
    /// It is no job of this farm.
    #[error("there is no such job")]
    NoSuchJob,
    /// Somebody else has it, or nobody needs it.
    #[error(transparent)]
    Lost(#[from] LeaseLost),
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A report on a job.
#[derive(Clone, Copy, Debug)]
pub struct JobReport<'a> {
    /// The job.
    pub job: &'a JobId,
    /// That of the lease.
    pub fence: u32,
    /// What it says.
    pub report: Report,
    /// How the machine is reached, encrypted: of a machine that is made.
    pub sealed: Option<&'a [u8]>,
    /// Why it failed, in the agent's words.
    pub reason: Option<&'a str>,
    /// The end of what the machine's setup said.
    pub log: Option<&'a str>,
}

row! {
    impl Job {
        kind: JobKind = "kind",
        state: JobState = "state",
        fence: u32 = "fence",
        attempts: u32 = "attempts",
        step: Option<Step> = "step",
    }
}

/// The job `?3` of the farm `?2` of the farmer `?1`.
const FIND: &str = select!(Job, "FROM jobs WHERE id = ?3 AND farmer_id = ?1 AND farm_id = ?2");

/// What is known of a job; `None` if it is none of this farm.
pub fn find(db: &dyn Db, agent: &Agent<'_>, id: &JobId) -> Result<Option<Job>, StoreError> {
    let params = [Value::text(agent.farmer), agent.farm.into(), id.as_str().into()];
    db.first(FIND, &params)
}

/// Takes a report on the job `?1` over: it is at the state `?2`, the fence `?3` and the step `?4`
/// still. `?5` the new state, `?6` the new step, `?7` when it can be leased next, `?8` the access,
/// `?9` the reason, `?10` now, `?11` the log of the setup. No row comes back if it is not.
const REPORT: &str = "
    UPDATE jobs
       SET state = ?5, step = ?6, due_at = ?7, sealed = ?8, reason = coalesce(?9, reason),
           log = iif(?9 IS NULL, log, ?11), changed_at = ?10,
           steps = CASE WHEN ?6 IS NULL OR ?6 IS ?4 THEN steps
                        ELSE json_set(steps, '$.' || ?6, ?10) END
     WHERE id = ?1 AND state = ?2 AND fence = ?3 AND step IS ?4
 RETURNING id";

/// Takes a report over; answers until when the lease is prolonged by it.
pub fn report(
    db: &dyn Db,
    agent: &Agent<'_>,
    job_report: &JobReport<'_>,
    now: Timestamp,
) -> Result<Timestamp, ReportFailure> {
    for _ in 0..SAVE_ATTEMPTS {
        let job = find(db, agent, job_report.job)?.ok_or(ReportFailure::NoSuchJob)?;
        let Some(next) = provisioning::report(&job, job_report.fence, job_report.report, now)?
        else {
            return Ok(now.plus_seconds(LEASE_SECONDS));
        };
        if save(db, &job, job_report, &next, now)? {
            return Ok(next.due_at);
        }
    }
    Err(StoreError::Busy.into())
}

fn save(
    db: &dyn Db,
    seen: &Job,
    job_report: &JobReport<'_>,
    next: &Next,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [
        job_report.job.as_str().into(),
        seen.state.into_str().into(),
        seen.fence.into(),
        seen.step.map(|step| step.into_str()).into(),
        next.state.into_str().into(),
        next.step.map(|step| step.into_str()).into(),
        next.due_at.into(),
        job_report.sealed.into(),
        job_report.reason.into(),
        now.into(),
        job_report.log.into(),
    ];
    db.has_row(REPORT, &params)
}

/// Gives up machines that were tried as often as they are, and whose last lease was over at `?1`:
/// at most `?3` of those with `?2` attempts.
const GIVE_UP: &str = "
    UPDATE jobs
       SET state = 'failed', changed_at = ?1,
           reason = coalesce(reason, 'the agent was not heard of any more')
     WHERE id IN (SELECT id FROM jobs
                   WHERE state = 'leased' AND kind = 'create' AND attempts >= ?2 AND due_at <= ?1
                   LIMIT ?3)";

/// Gives up machines that were tried too often.
pub fn give_up(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(GIVE_UP, &[now.into(), ATTEMPTS_MAX.into(), GIVE_UP_JOBS.limit().into()]).map(drop)
}

/// The machine of the slice `?3` on the node `?2` of the farmer `?1` is gone, at `?4`. No row comes
/// back where none is being removed.
const CONFIRM: &str = "
    UPDATE jobs SET state = 'done', changed_at = ?4
     WHERE id = (SELECT removing_job FROM slices WHERE node_id = ?2 AND number = ?3)
       AND kind = 'remove' AND state IN ('waiting', 'leased', 'failed')
       AND node_id IN (SELECT id FROM nodes WHERE farmer_id = ?1)
 RETURNING id";

/// The farmer says that a machine is gone: its slice is offered again. `false` where none is being
/// removed, or the node is another's.
pub fn confirm_removed(
    db: &dyn Db,
    farmer: AccountId,
    slice: SliceId,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let params = [Value::text(farmer), slice.node.0.into(), slice.number.into(), now.into()];
    db.has_row(CONFIRM, &params)
}

/// The slices of the node `?2` of the farmer `?1` whose machines are being removed, in order: of
/// the node's slices, of which there are at most 512.
const BEING_REMOVED: &str = select!(
    Removal,
    " FROM slices s
      JOIN nodes n ON n.id = s.node_id
      JOIN jobs j ON j.id = s.removing_job
     WHERE n.farmer_id = ?1 AND s.node_id = ?2 AND s.removing_job IS NOT NULL
     ORDER BY s.number LIMIT 512"
);

row! {
    /// A slice whose machine is being removed.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Removal {
        /// The slice's number.
        pub number: u32 = "s.number",
        /// How far it is.
        pub state: JobState = "j.state",
        /// Whether the farmer has to do it.
        pub is_by_hand: bool = "j.is_by_hand",
        /// Since when.
        pub since: Timestamp = "j.created_at",
    }
}

/// The slices of a node whose machines are being removed.
pub fn being_removed(
    db: &dyn Db,
    farmer: AccountId,
    node: NodeId,
) -> Result<Vec<Removal>, StoreError> {
    db.all(BEING_REMOVED, &[Value::text(farmer), node.0.into()])
}

row! {
    /// A machine that a farmer makes by hand, or has made so.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ManualSetup {
        /// The job.
        pub job: JobId = "j.id",
        /// The rental.
        pub rental: RentalId = "j.rental_id",
        /// The slice.
        pub slice: SliceId = "j.node_id, j.slice_number",
        /// Whether the renter has no key, it is waited for, or it is there.
        pub state: JobState = "j.state",
        /// How it is reached, encrypted, once it is there.
        pub sealed: Option<Vec<u8>> = "j.sealed",
        /// The public keys that are to get in; none while the renter has none.
        pub ssh_keys: KeyLines = "u.ssh_keys",
        /// The name of the template that the renter has chosen.
        pub template: Option<String> = "u.template",
        /// What is to be reachable beside SSH.
        pub ports: Vec<Port> = ports_of!("j.rental_id"),
        /// Since when it is waited for: since payment, a move, or the first key.
        pub since: Timestamp = "j.changed_at",
        /// When everything is refunded, if there are keys by then.
        pub refund_at: Timestamp = "j.refund_at",
    }
}

/// What the farmer `?1` makes or has made by hand on the node `?2`, by slice: one for each of the
/// node's slices at most, of which there are 512. Served by the index `jobs_by_rental`.
const MANUAL_SETUPS: &str = select!(
    ManualSetup,
    " FROM slices s
      JOIN nodes n ON n.id = s.node_id
      JOIN jobs j ON j.rental_id = s.rental_id AND j.node_id = s.node_id
                 AND j.slice_number = s.number
      JOIN setups u ON u.rental_id = s.rental_id
     WHERE n.farmer_id = ?1 AND s.node_id = ?2 AND j.kind = 'create' AND j.is_by_hand = 1
       AND j.state IN ('needs-key', 'waiting', 'done')
     ORDER BY s.number LIMIT 512"
);

/// What a farmer makes or has made by hand on a node, by slice.
pub fn manual_setups(
    db: &dyn Db,
    farmer: AccountId,
    node: NodeId,
) -> Result<Vec<ManualSetup>, StoreError> {
    db.all(MANUAL_SETUPS, &[Value::text(farmer), node.0.into()])
}

/// The farmer `?1` has made the machine of the job `?2` by hand, which is reached as `?3` says, at
/// `?4`. No row comes back where it does not wait for that.
const CONFIRM_SETUP: &str = "
    UPDATE jobs
       SET state = 'done', fence = fence + 1, attempts = attempts + 1, sealed = ?3, changed_at = ?4
     WHERE id = ?2 AND kind = 'create' AND state = 'waiting' AND is_by_hand = 1
       AND node_id IN (SELECT id FROM nodes WHERE farmer_id = ?1)
 RETURNING id";

/// The farmer says that they have made a machine by hand, and how it is reached, encrypted. `false`
/// where it does not wait for that: an agent has it, it was confirmed, or the rental has ended.
pub fn confirm_setup(
    db: &dyn Db,
    farmer: AccountId,
    job: &JobId,
    sealed: &[u8],
    now: Timestamp,
) -> Result<bool, StoreError> {
    db.has_row(
        CONFIRM_SETUP,
        &[Value::text(farmer), job.as_str().into(), sealed.into(), now.into()],
    )
}

/// Up to `?3` agents of the farm of the node `?2` of the farmer `?1`, the last seen first.
const AGENTS: &str = select!(
    SeenAgent,
    "FROM nodes n JOIN agents a ON a.account_id = n.farmer_id AND a.farm_id = n.farm_id
     WHERE n.farmer_id = ?1 AND n.id = ?2
     ORDER BY a.seen_at DESC, a.name LIMIT ?3"
);

row! {
    /// An agent that has asked for jobs.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SeenAgent {
        /// What it calls itself.
        pub name: String = "a.name",
        /// When it last asked, to the minute.
        pub seen_at: Timestamp = "a.seen_at",
        /// The size of its server's disk, in bytes, if it says so.
        pub disk_bytes: Option<u64> = "a.disk_bytes",
        /// What is free of that.
        pub disk_free_bytes: Option<u64> = "a.disk_free_bytes",
        /// Whether that is low.
        pub is_disk_low: bool = "a.is_disk_low",
    }
}

/// The agents of a node's farm, the last seen first.
pub fn agents(db: &dyn Db, farmer: AccountId, node: NodeId) -> Result<Vec<SeenAgent>, StoreError> {
    let params = [Value::text(farmer), node.0.into(), AGENTS_MAX.into()];
    db.all(AGENTS, &params)
}

row! {
    /// A machine of a rental, as its renter sees it.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Machine {
        /// The job that makes it.
        pub job: JobId = "j.id",
        /// The slice.
        pub slice: SliceId = "j.node_id, j.slice_number",
        /// How far it is.
        pub state: JobState = "j.state",
        /// The steps that were reported in the present attempt, each with its time, in order.
        pub steps: Vec<(Step, Timestamp)> = "j.steps",
        /// How often it was tried.
        pub attempts: u32 = "j.attempts",
        /// Why it failed last, in the agent's words.
        pub reason: Option<String> = "j.reason",
        /// The end of what its setup said, if that is why.
        pub log: Option<String> = "j.log",
        /// How it is reached, encrypted.
        pub sealed: Option<Vec<u8>> = "j.sealed",
        /// When everything is refunded, unless it is there.
        pub refund_at: Timestamp = "j.refund_at",
        /// Whether it is late.
        pub is_late: bool = "j.notified_at IS NOT NULL OR j.late_at + j.is_by_hand * ?4 <= ?3",
        /// Whether the farmer makes it by hand, or has made it so.
        pub is_by_hand: bool = "j.is_by_hand",
        /// What is to be reachable beside SSH.
        pub ports: Vec<Port> = ports_of!("j.rental_id"),
        /// How it is, once it is there.
        pub live: Option<domain::machine::Machine>,
        /// What it uses, as far as that is known.
        pub usage: domain::machine::Usage,
        /// What can be done with it, once it is there.
        pub can: Option<Capabilities> = "m.can",
    }
}

impl Machine {
    /// Whether this can be done with it.
    pub fn can(&self, capability: Capability) -> bool {
        self.can.is_some_and(|can| can.has(capability))
    }
}

column! { Vec<(Step, Timestamp)>: text(read_steps) }

/// Reads a JSON object of steps and their times.
fn read_steps(json: &str) -> Option<Vec<(Step, Timestamp)>> {
    let times: BTreeMap<String, i64> = serde_json::from_str(json).ok()?;
    let time = |step: Step| Some((step, Timestamp::from_seconds(*times.get(step.into_str())?)));
    Some(Step::VARIANTS.iter().copied().filter_map(time).collect())
}

/// The machines of the rental `?1`, which the caller has shown to be seen, at `?3`, by slice; `?2`
/// the most. What is made by hand is late `?4` seconds later. Those of slices that it has left are
/// none of its any more. Served by the index `jobs_by_rental`.
const OF_RENTAL: &str = select!(
    Machine,
    "FROM jobs j JOIN rentals r ON r.id = j.rental_id LEFT JOIN machines m ON m.job_id = j.id
     WHERE j.rental_id = ?1 AND j.kind = 'create' AND j.node_id = r.node_id
       AND j.slice_number = coalesce(r.slice_number, j.slice_number)
     ORDER BY j.slice_number LIMIT ?2"
);

/// The machines of a rental, by slice; none of one from before there were jobs for each.
pub fn machines(db: &dyn Db, rental: RentalId, now: Timestamp) -> Result<Vec<Machine>, StoreError> {
    let params =
        [Value::text(rental), JOBS_OF_RENTAL_MAX.into(), now.into(), BY_HAND_SECONDS.into()];
    db.all(OF_RENTAL, &params)
}

/// The most slices that a rental has been on and that are looked at.
const SLICES_MAX: u32 = 10;

/// The numbers of up to `?2` slices that the rental `?1` is or was on, each with whether it is
/// there; none of a whole node. Served by the index `jobs_by_rental`.
const SLICES: &str = "
    SELECT j.slice_number, j.node_id = r.node_id AND j.slice_number = r.slice_number
      FROM jobs j JOIN rentals r ON r.id = j.rental_id
     WHERE j.rental_id = ?1 AND j.kind = 'create' AND r.slice_number IS NOT NULL LIMIT ?2";

/// The slices that a rental of one slice has been on, by their numbers, the present one first.
pub fn slices_of_rental(db: &dyn Db, rental: RentalId) -> Result<Vec<u32>, StoreError> {
    let mut slices: Vec<(u32, bool)> = db.all(SLICES, &[Value::text(rental), SLICES_MAX.into()])?;
    slices.sort_by_key(|(_, is_there)| !is_there);
    Ok(slices.into_iter().map(|(slice, _)| slice).collect())
}

/// Whether access to the rental `?1` is owed. Served by the index `jobs_by_rental`.
const OWED: &str = "
    SELECT 1 FROM jobs
     WHERE rental_id = ?1 AND kind = 'create' AND state IN ('waiting', 'leased', 'failed') LIMIT 1";

/// Whether a rental is paid for, has a key, and still no machine that was guaranteed.
pub fn is_owed(db: &dyn Db, rental: RentalId) -> Result<bool, StoreError> {
    db.has_row(OWED, &[Value::text(rental)])
}

/// Up to `?3` states of machines of the rental `?1`, with whether they are late at `?2`: what is
/// made by hand `?4` seconds later. Those of slices that it has left are over. Served by the index
/// `jobs_by_rental`.
const OWING: &str = "
    SELECT state, notified_at IS NOT NULL OR late_at + is_by_hand * ?4 <= ?2 FROM jobs
     WHERE rental_id = ?1 AND kind = 'create' AND state IN ('waiting', 'leased', 'failed')
     LIMIT ?3";

/// What a rental's renter waits for.
pub fn owed(db: &dyn Db, rental: RentalId, now: Timestamp) -> Result<Owed, StoreError> {
    let params =
        [Value::text(rental), now.into(), JOBS_OF_RENTAL_MAX.into(), BY_HAND_SECONDS.into()];
    Ok(Owed::of(db.all::<(JobState, bool)>(OWING, &params)?))
}

/// What the rental `?1` would find on the node `?2`: whether the farm had an agent after `?3`, and
/// which of its slices the rental has left.
const AHEAD: &str = "
    SELECT EXISTS (SELECT 1 FROM nodes n
                     JOIN agents a ON a.account_id = n.farmer_id AND a.farm_id = n.farm_id
                    WHERE n.id = ?2 AND a.seen_at > ?3),
           (SELECT json_group_array(DISTINCT slice_number) FROM jobs
             WHERE rental_id = ?1 AND node_id = ?2)";

/// What a rental would find on a node: whether its farm has an agent, and which of its slices the
/// rental has left before.
pub(crate) fn ahead(
    db: &dyn Db,
    rental: RentalId,
    node: NodeId,
    now: Timestamp,
) -> Result<(bool, Vec<u32>), StoreError> {
    let seen = now.plus_seconds(-AGENT_SECONDS);
    db.one(AHEAD, &[Value::text(rental), node.0.into(), seen.into()])
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 7] = [
    (DUE, "jobs_by_due"),
    (LEASE, "jobs_by_due"),
    (MANUAL_SETUPS, "jobs_by_rental"),
    (OF_RENTAL, "jobs_by_rental"),
    (SLICES, "jobs_by_rental"),
    (OWED, "jobs_by_rental"),
    (OWING, "jobs_by_rental"),
];

/// What commands that create machines take of the time: when one is late, when all is refunded, and
/// since when an agent must have been seen.
pub(crate) fn creation_times(now: Timestamp) -> [Value; 3] {
    [LATE_SECONDS, REFUND_SECONDS, -AGENT_SECONDS].map(|seconds| now.plus_seconds(seconds).into())
}
