//! What renters have done with their machines.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::{ActionId, RentalId, SliceId};
use domain::machine_action::{ActionState, MachineAction};
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::jobs::{self, Machine};
use store::machine_actions::Action;
use store::rentals;
use ui::ids::rental_id;
use web::operation::{Access, Operation, schema_of};
use web::{Context, Kind, Problem};

pub(crate) const GROUP: &str = "Machines";

/// `POST /api/rentals/{rental}/actions`
pub(crate) const REQUEST_ACTION: Operation = Operation {
    id: "requestAction",
    group: GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/actions",
    summary: "Starts, shuts down, restarts or resets a machine of one of your rentals.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    body: Some(schema_of::<ActionBody>),
    status: 201,
    about_answer: "The action, which waits for the farm's agent. A machine has one open action at \
                   a time; what is not done within ten minutes has failed.",
    answer: Some(schema_of::<ActionView>),
    problems: &[
        Kind::NotFound,
        Kind::MachineNotReady,
        Kind::MachineActionOpen,
        Kind::MachineActionUnsupported,
    ],
    ..Operation::READ
};

/// `GET /api/rentals/{rental}/actions`
pub(crate) const LIST_ACTIONS: Operation = Operation {
    id: "listActions",
    group: GROUP,
    path: "/api/rentals/{rental}/actions",
    summary: "Lists the latest 50 actions of a rental's machines, newest first.",
    access: Access::Account(Scope::Read),
    about_answer: "The actions. They are kept for 90 days.",
    answer: Some(schema_of::<ActionsAnswer>),
    ..Operation::READ
};

/// What is to be done with a machine.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ActionBody {
    /// `start`; `shutdown`: presses the power button, and switches the machine off if it still runs
    /// after a minute; `restart`: shuts down and starts; `reset`: at once, unsaved data is lost.
    #[schemars(extend("enum" = ["start", "shutdown", "restart", "reset"]))]
    pub action: String,
    /// The number of the slice on its node; may be left out where the rental has one.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub slice: Option<u32>,
}

impl ActionBody {
    /// Reads what is to be done.
    pub(crate) fn action(&self) -> Result<MachineAction, FieldError> {
        let rule = "start, shutdown, restart or reset";
        let action = self.action.parse().ok().filter(|action: &MachineAction| action.is_power());
        action.ok_or_else(|| FieldError::new("action", rule))
    }
}

/// Which of a rental's machines is meant, by the number of its slice.
pub fn choose(slice: Option<u32>, machines: &[Machine]) -> Result<usize, FieldError> {
    let rule = "the number of one of the rental's slices";
    let chosen = match (slice, machines) {
        (None, [_]) => Some(0),
        (None, _) => None,
        (Some(number), _) => machines.iter().position(|it| it.slice.number == number),
    };
    chosen.ok_or_else(|| FieldError::new("slice", rule))
}

/// What a request about one machine of a rental asks for, as its retries are told from others: with
/// the slice that is meant. A retry may leave it out, or name it where it was left out; meanwhile
/// the rental may have moved, or ended.
pub(crate) fn asked_of(
    cx: &Context<'_>,
    rental: RentalId,
    slice: Option<u32>,
    asked: impl Fn(Option<u32>) -> Value,
) -> Result<Vec<Value>, Problem> {
    let Some(slice) = slice else {
        let slices = jobs::slices_of_rental(cx.db, rental)?.into_iter().map(Some);
        // Requests of earlier versions have their hash without it.
        return Ok(slices.chain([None]).map(asked).collect());
    };
    Ok(vec![asked(Some(slice))])
}

/// The rental in the path, if whoever is signed in rents it.
pub(crate) fn own_rental(cx: &Context<'_>) -> Result<RentalId, Problem> {
    let rental = rental_id(cx.param("rental"))?;
    check_own(cx, rental).map(|()| rental)
}

/// Refuses what is not a rental of whoever is signed in.
pub(crate) fn check_own(cx: &Context<'_>, rental: RentalId) -> Result<(), Problem> {
    let found = rentals::find(cx.db, cx.account()?.account, rental)?;
    found.map(drop).ok_or_else(Problem::not_found)
}

/// What is or was done with a machine.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ActionView {
    /// Its id.
    pub id: String,
    /// The slice that the machine is on.
    pub slice_id: String,
    /// `start`, `shutdown`, `restart`, `reset`, `set-keys`, `rebuild` or `set-password`.
    pub action: &'static str,
    /// `waiting` for the farm's agent; `leased` while that is at it; `done`; `failed`; or
    /// `canceled` because the rental left the slice.
    pub state: &'static str,
    /// Whether the market did it, because of `auto_start` or a transfer.
    pub automatic: bool,
    /// When it was requested (RFC 3339).
    pub requested_at: String,
    /// When its state changed last (RFC 3339).
    pub changed_at: String,
    /// Why it failed last, in the agent's words.
    pub reason: Option<String>,
}

impl ActionView {
    /// An action that was just requested.
    pub(crate) fn requested(
        id: ActionId,
        kind: MachineAction,
        slice: SliceId,
        now: Timestamp,
    ) -> ActionView {
        ActionView::new(&Action {
            id,
            slice,
            kind,
            state: ActionState::Waiting,
            is_automatic: false,
            requested_at: now,
            changed_at: now,
            reason: None,
        })
    }

    fn new(action: &Action) -> ActionView {
        ActionView {
            id: action.id.to_string(),
            slice_id: action.slice.to_string(),
            action: action.kind.into_str(),
            state: action.state.into_str(),
            automatic: action.is_automatic,
            requested_at: action.requested_at.to_string(),
            changed_at: action.changed_at.to_string(),
            reason: action.reason.clone(),
        }
    }
}

/// The latest actions of a rental's machines.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ActionsAnswer {
    /// Each action, newest first.
    pub actions: Vec<ActionView>,
}

impl ActionsAnswer {
    /// Shows the actions of a rental.
    pub(crate) fn new(actions: &[Action]) -> ActionsAnswer {
        ActionsAnswer { actions: actions.iter().map(ActionView::new).collect() }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::{JobId, NodeId};
    use domain::provisioning::JobState;

    use super::*;

    fn machine(number: u32) -> Machine {
        let rental = "01a2043b-3da8-7100-8000-000000000003";
        Machine {
            job: JobId::parse(&format!("{rental}_32_{number}_create")).unwrap(),
            slice: SliceId { node: NodeId(32), number },
            state: JobState::Done,
            steps: Vec::new(),
            attempts: 1,
            reason: None,
            log: None,
            sealed: None,
            refund_at: Timestamp::from_seconds(0),
            is_late: false,
            is_by_hand: false,
            ports: Vec::new(),
            live: None,
            usage: domain::machine::Usage::default(),
            can: None,
        }
    }

    #[test]
    fn a_slice_is_named_where_there_are_several() {
        let (one, two) = (vec![machine(3)], vec![machine(3), machine(5)]);
        let check = |slice, machines: &[Machine], expected| {
            let found = choose(slice, machines).map_err(|error| error.field);
            assert_eq!(found, expected, "{slice:?}");
        };
        check(None, &one, Ok(0));
        check(Some(3), &one, Ok(0));
        check(Some(5), &one, Err("slice"));
        check(Some(5), &two, Ok(1));
        check(None, &two, Err("slice"));
        check(None, &[], Err("slice"));
    }
}
