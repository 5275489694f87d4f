//! What is done with machines: asked for by a renter, leased by the agent that has the machine, and
//! reported on.

use domain::id::{AccountId, ActionId, JobId, RentalId, SliceId};
use domain::machine_action::{
    self, ACTION_SECONDS, AUTO_START_SECONDS, ActionState, MachineAction, Progress, REBUILD_SECONDS,
};
use domain::port::Port;
use domain::provisioning::{LEASE_SECONDS, Report};
use domain::recurring::{EXPIRE_MACHINE_ACTIONS, SWEEP_MACHINE_ACTIONS};
use domain::template::Template;
use domain::time::Timestamp;
use serde_json::{Value as Json, json};

use crate::audit::{self, NewEntry};
use crate::db::{Db, StoreError, Value};
use crate::jobs::{Agent, ReportFailure};
use crate::ports::ports_of;
use crate::refusal::Refusal;
use crate::rentals::SAVE_ATTEMPTS;
use crate::responses::{self, Intention, StoredResponse};
use crate::row::{returning, row, select};
use crate::ssh_keys::KeyLines;

/// The most actions of a rental that are shown.
const ACTIONS_MAX: u32 = 50;

/// Something that a renter wants done with a machine.
#[derive(Clone, Copy, Debug)]
pub struct NewAction<'a> {
    /// Its id.
    pub id: ActionId,
    /// The machine, by the job that created it.
    pub job: &'a JobId,
    /// What is to be done.
    pub kind: MachineAction,
    /// Who asks.
    pub renter: AccountId,
    /// Has its response stored; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
    /// That they asked.
    pub audit: &'a NewEntry<'a>,
}

/// An action for each of some machines, by the jobs that created them.
pub type ActionsOfMachines<'a> = [(ActionId, &'a JobId, MachineAction)];

/// The same as commands take it.
pub(crate) fn actions_column(actions: &ActionsOfMachines<'_>) -> Value {
    let action = |(id, job, kind): &(ActionId, &JobId, MachineAction)| {
        let (id, kind) = (id.to_string(), kind.into_str());
        json!({ "id": id, "job": job.as_str(), "kind": kind })
    };
    Value::Text(actions.iter().map(action).collect::<Json>().to_string())
}

/// Why nothing is done with a machine.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ActionFailure {
    /// Something else is being done with it.
    #[error("another action of this machine is still in progress")]
    Open,
    /// It is not there any more.
    #[error("the machine is not set up, or the rental is over")]
    Gone,
    /// The machine failed.
    #[error(transparent)]
    Store(StoreError),
}

impl From<StoreError> for ActionFailure {
    fn from(error: StoreError) -> ActionFailure {
        match error {
            StoreError::Refused(Refusal::MachineActionOpen) => ActionFailure::Open,
            StoreError::Refused(Refusal::MachineGone) => ActionFailure::Gone,
            error => ActionFailure::Store(error),
        }
    }
}

/// Records an action; the columns of the command view, in order.
const REQUEST: &str = "
    INSERT INTO begin_machine_action
           (id, job_id, kind, renter_id, should_run, expires_at, response, audit_entry,
            requested_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Has something done with a machine, and stores the response.
pub fn request(
    db: &dyn Db,
    action: &NewAction<'_>,
    response: &StoredResponse,
    now: Timestamp,
) -> Result<(), ActionFailure> {
    let params = [
        Value::text(action.id),
        action.job.as_str().into(),
        action.kind.into_str().into(),
        Value::text(action.renter),
        action.kind.leaves_running().map(Value::from).into(),
        now.plus_seconds(ACTION_SECONDS).into(),
        responses::column(action.intention, response),
        audit::column(action.audit),
        now.into(),
    ];
    db.run(REQUEST, &params).map(drop).map_err(ActionFailure::from)
}

/// Says which keys get in; the columns of the command view, in order.
const SET_KEYS: &str = "
    INSERT INTO change_machine_keys
           (id, renter_id, ssh_keys, actions, expires_at, response, audit_entry, requested_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Which keys get in to the machines of a rental.
#[derive(Clone, Copy, Debug)]
pub struct NewKeys<'a> {
    /// The rental.
    pub rental: RentalId,
    /// Who rents it.
    pub renter: AccountId,
    /// The keys.
    pub keys: &'a KeyLines,
    /// What brings them to each machine.
    pub actions: &'a ActionsOfMachines<'a>,
    /// Has its response stored; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
    /// That they asked.
    pub audit: &'a NewEntry<'a>,
}

/// Changes which keys get in to the machines of a rental, and stores the response.
pub fn set_keys(
    db: &dyn Db,
    new: &NewKeys<'_>,
    response: &StoredResponse,
    now: Timestamp,
) -> Result<(), ActionFailure> {
    let params = [
        Value::text(new.rental),
        Value::text(new.renter),
        new.keys.into(),
        actions_column(new.actions),
        now.plus_seconds(ACTION_SECONDS).into(),
        responses::column(new.intention, response),
        audit::column(new.audit),
        now.into(),
    ];
    db.run(SET_KEYS, &params).map(drop).map_err(ActionFailure::from)
}

/// Has a machine made anew; the columns of the command view, in order.
const REBUILD: &str = "
    INSERT INTO begin_rebuild
           (id, job_id, renter_id, template, template_version, sealed, expires_at, response,
            audit_entry, requested_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// Has a machine made anew, with a template or the renter's own user data, which is encrypted, and
/// stores the response.
pub fn rebuild(
    db: &dyn Db,
    action: &NewAction<'_>,
    template: Option<Template>,
    sealed: Option<&[u8]>,
    response: &StoredResponse,
    now: Timestamp,
) -> Result<(), ActionFailure> {
    let params = [
        Value::text(action.id),
        action.job.as_str().into(),
        Value::text(action.renter),
        template.map(|template| template.name).into(),
        template.map(|template| template.version).into(),
        sealed.into(),
        now.plus_seconds(REBUILD_SECONDS).into(),
        responses::column(action.intention, response),
        audit::column(action.audit),
        now.into(),
    ];
    db.run(REBUILD, &params).map(drop).map_err(ActionFailure::from)
}

/// Has a password set; the columns of the command view, in order.
const SET_PASSWORD: &str = "
    INSERT INTO begin_console_password
           (id, job_id, renter_id, password_hash, expires_at, audit_entry, requested_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

/// Has a password set for the console of a machine; `hash` is what it comes to by crypt(3).
pub fn set_password(
    db: &dyn Db,
    action: &NewAction<'_>,
    hash: &str,
    now: Timestamp,
) -> Result<(), ActionFailure> {
    let params = [
        Value::text(action.id),
        action.job.as_str().into(),
        Value::text(action.renter),
        hash.into(),
        now.plus_seconds(ACTION_SECONDS).into(),
        audit::column(action.audit),
        now.into(),
    ];
    db.run(SET_PASSWORD, &params).map(drop).map_err(ActionFailure::from)
}

row! {
    /// What is or was done with a machine.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Action {
        /// Its id.
        pub id: ActionId = "a.id",
        /// The machine's slice.
        pub slice: SliceId = "j.node_id, j.slice_number",
        /// What is done.
        pub kind: MachineAction = "a.kind",
        /// How far it is.
        pub state: ActionState = "a.state",
        /// Whether the market does it of its own accord.
        pub is_automatic: bool = "a.requested_by IS NULL",
        /// When it was asked for.
        pub requested_at: Timestamp = "a.created_at",
        /// When it came to its state.
        pub changed_at: Timestamp = "a.changed_at",
        /// Why it failed last, in the agent's words.
        pub reason: Option<String> = "a.reason",
    }
}

/// Up to `?2` actions of the rental `?1`, which the caller has shown to be seen, the latest first,
/// and of those of one instant, the one that was begun last. Served by the index
/// `machine_actions_by_rental`.
const OF_RENTAL: &str = select!(
    Action,
    "FROM machine_actions a JOIN jobs j ON j.id = a.job_id
     WHERE a.rental_id = ?1
     ORDER BY a.created_at DESC, a.rowid DESC LIMIT ?2"
);

/// The latest actions of a rental's machines.
pub fn of_rental(db: &dyn Db, rental: RentalId) -> Result<Vec<Action>, StoreError> {
    db.all(OF_RENTAL, &[Value::text(rental), ACTIONS_MAX.into()])
}

row! {
    /// An action that was leased.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LeasedAction {
        /// Its id.
        pub id: ActionId = "id",
        /// What is to be done.
        pub kind: MachineAction = "kind",
        /// Counts its leases.
        pub fence: u32 = "fence",
        /// Until when it is this agent's, unless it reports.
        pub lease_expires_at: Timestamp = "due_at",
        /// When it has failed.
        pub expires_at: Timestamp = "expires_at",
        /// The rental.
        pub rental: RentalId = "rental_id",
        /// The slice.
        pub slice: SliceId = "(SELECT node_id FROM jobs WHERE id = job_id),
             (SELECT slice_number FROM jobs WHERE id = job_id)",
        /// The public keys that get in.
        pub ssh_keys: Option<KeyLines> =
            "(SELECT ssh_keys FROM setups s WHERE s.rental_id = machine_actions.rental_id)",
        /// The template's name and version.
        pub template: Option<(String, u32)> =
            "(SELECT template FROM setups s WHERE s.rental_id = machine_actions.rental_id),
             (SELECT template_version FROM setups s
               WHERE s.rental_id = machine_actions.rental_id)",
        /// The renter's own user data, encrypted.
        pub sealed: Option<Vec<u8>> =
            "(SELECT sealed FROM setups s WHERE s.rental_id = machine_actions.rental_id)",
        /// What a password for the console comes to by crypt(3).
        pub password_hash: Option<String> = "password_hash",
        /// What is to be reachable beside SSH.
        pub ports: Vec<Port> = ports_of!("machine_actions.rental_id"),
    }
}

/// The action on a machine of the agent `?3` of the farm `?2` of the farmer `?1` that has been due
/// for longest at `?4`. Served by the index `machine_actions_by_due`.
const DUE: &str = "
    SELECT a.id FROM machine_actions a INDEXED BY machine_actions_by_due
     CROSS JOIN machines m ON m.job_id = a.job_id AND m.agent = ?3
     CROSS JOIN nodes n ON n.id = m.node_id AND n.farmer_id = ?1 AND n.farm_id = ?2
     WHERE a.state IN ('waiting', 'leased') AND a.due_at <= ?4 AND a.expires_at > ?4
     ORDER BY a.due_at LIMIT 1";

/// Leases the action of [`DUE`] until `?5`. No row comes back if none is due.
const LEASE: &str = returning!(
    constcat::concat!(
        "UPDATE machine_actions
            SET state = 'leased', fence = fence + 1, due_at = ?5, changed_at = ?4
          WHERE id = (",
        DUE,
        ")"
    ),
    LeasedAction
);

/// Whether an action is due for the agent. See [`crate::jobs::is_due`].
pub fn is_due(db: &dyn Db, agent: &Agent<'_>, now: Timestamp) -> Result<bool, StoreError> {
    let params = [Value::text(agent.farmer), agent.farm.into(), agent.name.into(), now.into()];
    db.has_row(DUE, &params)
}

/// Leases the action that has been due for longest; `None` if none is due.
pub fn lease(
    db: &dyn Db,
    agent: &Agent<'_>,
    now: Timestamp,
) -> Result<Option<LeasedAction>, StoreError> {
    let params = [
        Value::text(agent.farmer),
        agent.farm.into(),
        agent.name.into(),
        now.into(),
        now.plus_seconds(LEASE_SECONDS).into(),
    ];
    db.first(LEASE, &params)
}

row! {
    impl Progress {
        state: ActionState = "a.state",
        fence: u32 = "a.fence",
        expires_at: Timestamp = "a.expires_at",
    }
}

/// The action `?3` on a node of the farm `?2` of the farmer `?1`.
const FIND: &str = select!(
    Progress,
    "FROM machine_actions a
     JOIN jobs j ON j.id = a.job_id
     JOIN nodes n ON n.id = j.node_id
     WHERE a.id = ?3 AND n.farmer_id = ?1 AND n.farm_id = ?2"
);

/// Takes a report on the action `?1` over: it is at the state `?2` and the fence `?3` still. `?4`
/// the new state, `?5` when it can be leased next, `?6` the reason, `?7` now. No row comes back if
/// it is not.
const REPORT: &str = "
    UPDATE machine_actions
       SET state = ?4, due_at = ?5, reason = coalesce(?6, reason), changed_at = ?7
     WHERE id = ?1 AND state = ?2 AND fence = ?3
 RETURNING id";

/// What the end of an action means, beside that it is done.
#[derive(Clone, Copy, Debug)]
pub enum ActionEnd<'a> {
    /// Nothing.
    Plain,
    /// The machine was made anew, and is reached so, encrypted.
    Rebuilt(&'a [u8]),
    /// Its keys were changed: after a transfer, it is restarted by this action.
    KeysChanged(ActionId),
}

/// A report on an action.
#[derive(Clone, Copy, Debug)]
pub struct ActionReport<'a> {
    /// The action.
    pub action: ActionId,
    /// That of the lease.
    pub fence: u32,
    /// What is reported.
    pub report: Report,
    /// What else its end means.
    pub end: ActionEnd<'a>,
    /// Why it failed, in the agent's words.
    pub reason: Option<&'a str>,
}

/// What an action is about: what is done, and the job that created the machine.
const SUBJECT: &str = "
    SELECT a.kind, a.job_id
      FROM machine_actions a
      JOIN jobs j ON j.id = a.job_id
      JOIN nodes n ON n.id = j.node_id
     WHERE a.id = ?3 AND n.farmer_id = ?1 AND n.farm_id = ?2";

/// What an action of a farm does with which machine, by the job that created it.
pub fn subject(
    db: &dyn Db,
    agent: &Agent<'_>,
    action: ActionId,
) -> Result<Option<(MachineAction, JobId)>, StoreError> {
    db.first(SUBJECT, &[Value::text(agent.farmer), agent.farm.into(), Value::text(action)])
}

/// Ends an action that has made a machine anew; the columns of the command view, in order.
const FINISH_REBUILD: &str = "
    INSERT INTO finish_rebuild (id, fence, sealed, finished_at) VALUES (?1, ?2, ?3, ?4)";

/// Ends an action that has changed the keys of a machine; the columns of the command view, in
/// order.
const FINISH_KEY_CHANGE: &str = "
    INSERT INTO finish_key_change (id, fence, restart_id, expires_at, finished_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Takes a report over; answers until when the lease is prolonged by it.
pub fn report(
    db: &dyn Db,
    agent: &Agent<'_>,
    action_report: &ActionReport<'_>,
    now: Timestamp,
) -> Result<Timestamp, ReportFailure> {
    let ActionReport { action, fence, report, end, reason } = *action_report;
    let found = [Value::text(agent.farmer), agent.farm.into(), Value::text(action)];
    for _ in 0..SAVE_ATTEMPTS {
        let seen: Progress = db.first(FIND, &found)?.ok_or(ReportFailure::NoSuchJob)?;
        let Some((state, due_at)) = machine_action::report(&seen, fence, report, now)? else {
            return Ok(now.plus_seconds(LEASE_SECONDS));
        };
        let ended = match (report, end) {
            (Report::Complete, ActionEnd::Rebuilt(sealed)) => {
                let params = [Value::text(action), fence.into(), sealed.into(), now.into()];
                Some(db.run(FINISH_REBUILD, &params))
            }
            (Report::Complete, ActionEnd::KeysChanged(restart)) => {
                let expires_at = now.plus_seconds(ACTION_SECONDS).into();
                let params = [
                    Value::text(action),
                    fence.into(),
                    Value::text(restart),
                    expires_at,
                    now.into(),
                ];
                Some(db.run(FINISH_KEY_CHANGE, &params))
            }
            (_, ActionEnd::Plain) | (Report::Progress(_) | Report::Fail { .. }, _) => None,
        };
        match ended {
            Some(Ok(_)) => return Ok(due_at),
            Some(Err(error)) if error.is_race() => continue,
            Some(Err(error)) => return Err(error.into()),
            None => {}
        }
        let params = [
            Value::text(action),
            seen.state.into_str().into(),
            seen.fence.into(),
            state.into_str().into(),
            due_at.into(),
            reason.into(),
            now.into(),
        ];
        if db.has_row(REPORT, &params)? {
            return Ok(due_at);
        }
    }
    Err(StoreError::Busy.into())
}

/// Fails up to `?2` actions that were to be done by `?1`. Served by the index
/// `machine_actions_by_expiry`.
const EXPIRE: &str = "
    UPDATE machine_actions
       SET state = 'failed', changed_at = ?1,
           reason = coalesce(reason, 'the farm''s agent did not do it in time')
     WHERE id IN (SELECT id FROM machine_actions
                   WHERE state IN ('waiting', 'leased') AND expires_at <= ?1
                   ORDER BY expires_at LIMIT ?2)";

/// Fails actions that were not done in time.
pub fn expire(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(EXPIRE, &[now.into(), EXPIRE_MACHINE_ACTIONS.limit().into()]).map(drop)
}

/// Deletes up to `?2` actions that have been over since `?1`. Served by the index
/// `machine_actions_by_age`.
const SWEEP: &str = "
    DELETE FROM machine_actions
     WHERE id IN (SELECT id FROM machine_actions
                   WHERE state IN ('done', 'failed', 'canceled') AND changed_at <= ?1
                   ORDER BY changed_at LIMIT ?2)";

/// How long actions are kept after they are over. Seconds: 90 days.
const KEPT_SECONDS: i64 = 90 * 86_400;

/// Deletes actions that have long been over.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let params = [now.plus_seconds(-KEPT_SECONDS).into(), SWEEP_MACHINE_ACTIONS.limit().into()];
    db.run(SWEEP, &params).map(drop)
}

/// Has the machine of the job `?2` started by the action `?1`, from `?3` until `?4`: it is off
/// although it should run, its renter wants it to be started again, nothing else is being done with
/// it, and the market did not do so after `?5`.
const START_AGAIN: &str = "
    INSERT INTO machine_actions
           (id, job_id, rental_id, kind, state, due_at, expires_at, created_at, changed_at)
    SELECT ?1, m.job_id, j.rental_id, 'start', 'waiting', ?3, ?4, ?3, ?3
      FROM machines m
      JOIN jobs j ON j.id = m.job_id
      JOIN rentals r ON r.id = j.rental_id
     WHERE m.job_id = ?2 AND m.state = 'off' AND m.should_run = 1
       AND r.state = 'active' AND r.auto_start = 1
       AND NOT EXISTS (SELECT 1 FROM machine_actions
                        WHERE job_id = ?2
                          AND (state IN ('waiting', 'leased')
                               OR (requested_by IS NULL AND created_at > ?5)))";

/// Has a machine started again, if its renter wants that and it is off by itself.
pub fn start_again(
    db: &dyn Db,
    id: ActionId,
    job: &JobId,
    now: Timestamp,
) -> Result<(), StoreError> {
    let params = [
        Value::text(id),
        job.as_str().into(),
        now.into(),
        now.plus_seconds(ACTION_SECONDS).into(),
        now.plus_seconds(-AUTO_START_SECONDS).into(),
    ];
    match db.run(START_AGAIN, &params) {
        // The renter has just asked for something else.
        Ok(_) | Err(StoreError::Refused(Refusal::MachineActionOpen)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 4] = [
    (OF_RENTAL, "machine_actions_by_rental"),
    (LEASE, "machine_actions_by_due"),
    (EXPIRE, "machine_actions_by_expiry"),
    (SWEEP, "machine_actions_by_age"),
];
