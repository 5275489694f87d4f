//! Which SSH keys get in to the machines of a rental: in the API, and on a page of the rental.

pub(crate) mod json;
pub(crate) mod page;

use std::collections::BTreeSet;

use domain::audit::Action;
use domain::capability::Capability;
use domain::field::FieldError;
use domain::id::{ActionId, JobId, RentalId};
use domain::machine_action::MachineAction;
use domain::order::IdempotencyKey;
use domain::provisioning::JobState;
use http::StatusCode;
use serde_json::json;
use store::jobs::{self, Machine};
use store::machine_actions::{self, NewKeys};
use store::responses::StoredResponse;
use store::ssh_keys::{self, KeyLines, RegisteredKey};
use ui::done::Done;
use ui::ids::rental_id;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Kind, Problem, Response, respond, stored};

use crate::actions::check_can;
use crate::actions::json::own_rental;
use crate::machine_keys::json::{KeysBody, KeysChanged, MachineKeys};
use crate::machine_keys::page::KeysPage;

pub(crate) fn list(cx: &Context<'_>) -> Result<Response, Problem> {
    let rental = own_rental(cx)?;
    let keys = ssh_keys::of_rental(cx.db, rental)?;
    let own = ssh_keys::of_account(cx.db, cx.account()?.account)?;
    respond::json(StatusCode::OK, &MachineKeys::new(&keys, &own))
}

pub(crate) fn set(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: KeysBody = web::json::body(cx.request)?;
    let rental = rental_id(cx.param("rental"))?;
    let key = form::idempotency_key(cx)?;
    change(cx, rental, &body, key, &|changed| {
        stored::json(StatusCode::OK, changed, format!("/api/rentals/{rental}/keys"))
    })
}

/// Has the machines of a rental of whoever is signed in let in these of their keys, and no others
/// of the market, once for each idempotency key. That they asked is written down.
fn change(
    cx: &Context<'_>,
    rental: RentalId,
    body: &KeysBody,
    key: Option<IdempotencyKey>,
    respond: &dyn Fn(&KeysChanged) -> StoredResponse,
) -> Result<Response, Problem> {
    // In any order, and however often.
    let ids: BTreeSet<&String> = body.ssh_key_ids.iter().collect();
    let asked = json!({ "ssh_key_ids": ids });
    stored::once(cx, key, &asked, |intention| {
        own_rental(cx)?;
        let own = ssh_keys::of_account(cx.db, cx.account()?.account)?;
        let chosen = KeyLines(body.choose(&own)?.into_iter().map(|key| key.line.clone()).collect());
        let machines = able_machines(cx, rental)?;
        let actions = actions(cx, &machines, MachineAction::SetKeys);
        let response = respond(&KeysChanged::new(cx, &chosen, &own, &machines, &actions));
        let renter = cx.account()?.account;
        let subject = rental.to_string();
        let audit = &cx.audit_entry(Action::MachineActionRequested, Some(renter), &subject);
        let (keys, actions) = (&chosen, &actions[..]);
        let new = NewKeys { rental, renter, keys, actions, intention, audit };
        machine_actions::set_keys(cx.db, &new, &response, cx.now)?;
        Ok(response)
    })
}

/// The machines of a rental, if the keys of each can be changed.
fn able_machines(cx: &Context<'_>, rental: RentalId) -> Result<Vec<Machine>, Problem> {
    let machines = jobs::machines(cx.db, rental, cx.now)?;
    if machines.is_empty() {
        return Err(Problem::plain(Kind::MachineNotReady));
    }
    machines.iter().try_for_each(|machine| check_can(machine, Capability::SetKeys))?;
    Ok(machines)
}

fn actions<'a>(
    cx: &Context<'_>,
    machines: &'a [Machine],
    kind: MachineAction,
) -> Vec<(ActionId, &'a JobId, MachineAction)> {
    let action =
        |machine: &'a Machine| (ActionId::from_random(cx.now, cx.random.id()), &machine.job, kind);
    machines.iter().map(action).collect()
}

/// Takes a key off all machines of whoever is signed in where that can be done: where the machine
/// can change its keys, has nothing else to do, and another key is left. Elsewhere it stays, and
/// the page of keys shows where.
pub(crate) fn take_off(cx: &Context<'_>, key: &RegisteredKey) -> Result<(), Problem> {
    let renter = cx.account()?.account;
    let mut rentals: Vec<RentalId> = ssh_keys::on_machines(cx.db, renter)?
        .into_iter()
        .filter(|found| found.line == key.line)
        .map(|found| found.rental)
        .collect();
    rentals.dedup();
    for rental in rentals {
        let KeyLines(lines) = ssh_keys::of_rental(cx.db, rental)?;
        let left: Vec<_> = lines.into_iter().filter(|line| *line != key.line).collect();
        let Ok(machines) = able_machines(cx, rental) else { continue };
        if left.is_empty() {
            continue;
        }
        let (left, actions) = (KeyLines(left), actions(cx, &machines, MachineAction::SetKeys));
        let subject = rental.to_string();
        let audit = &cx.audit_entry(Action::MachineActionRequested, Some(renter), &subject);
        let (keys, actions) = (&left, &actions[..]);
        let new = NewKeys { rental, renter, keys, actions, intention: None, audit };
        let begun = machine_actions::set_keys(cx.db, &new, &stored::no_content(""), cx.now);
        if let Err(machine_actions::ActionFailure::Store(error)) = begun {
            return Err(error.into());
        }
    }
    Ok(())
}

/// What the new renter of a rental brings to its machines: their first key, and for each machine
/// that is there what puts it in the place of the old renter's keys.
pub fn handover(cx: &Context<'_>, rental: RentalId) -> Result<NewRenterKeys, Problem> {
    let own = ssh_keys::of_account(cx.db, cx.account()?.account)?;
    let keys = KeyLines(own.first().map(|key| key.line.clone()).into_iter().collect());
    let machines = jobs::machines(cx.db, rental, cx.now)?;
    if own.is_empty() && need_key(&machines) {
        return Err(Problem::plain(Kind::SshKeyRequired));
    }
    Ok(NewRenterKeys { keys, machines })
}

/// Whether whoever takes these machines over must have an SSH key.
pub fn need_key(machines: &[Machine]) -> bool {
    machines.iter().any(|machine| match machine.state {
        JobState::Waiting | JobState::Leased | JobState::Done | JobState::Failed => true,
        JobState::NeedsKey | JobState::Refunded | JobState::Canceled => false,
    })
}

/// See [`handover`].
pub struct NewRenterKeys {
    /// The new renter's first key; none where they have none and no machine needs one.
    pub keys: KeyLines,
    machines: Vec<Machine>,
}

impl NewRenterKeys {
    /// What has to be done with each machine that is there.
    pub fn actions(&self, cx: &Context<'_>) -> Vec<(ActionId, &JobId, MachineAction)> {
        let able = self.machines.iter().filter_map(|machine| {
            let kind = Exchange::of(machine).action()?;
            Some((ActionId::from_random(cx.now, cx.random.id()), &machine.job, kind))
        });
        able.collect()
    }
}

/// How the keys of a machine are exchanged when its rental is transferred, from the best to the
/// worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Exchange {
    /// There is no machine yet, so that it is made for the new renter.
    #[strum(serialize = "set-up")]
    None,
    /// The old renter's keys are replaced by the new one's, and the machine is restarted.
    #[strum(serialize = "keys-replaced")]
    Keys,
    /// The same without a restart: sessions go on.
    KeysOnly,
    /// The machine is rebuilt.
    Rebuild,
    /// Nothing can be done: the old renter's keys stay.
    #[strum(serialize = "keys-kept")]
    Impossible,
}

impl Exchange {
    fn of(machine: &Machine) -> Exchange {
        if machine.state != JobState::Done {
            Exchange::None
        } else if machine.can(Capability::SetKeys) && machine.can(Capability::Power) {
            Exchange::Keys
        } else if machine.can(Capability::SetKeys) {
            Exchange::KeysOnly
        } else if machine.can(Capability::Rebuild) {
            Exchange::Rebuild
        } else {
            Exchange::Impossible
        }
    }

    /// What happens to several machines, taken together.
    pub fn of_machines(machines: &[Machine]) -> Exchange {
        machines.iter().map(Exchange::of).max().unwrap_or(Exchange::None)
    }

    /// What happens to the machines of a rental, taken together.
    pub fn of_rental(cx: &Context<'_>, rental: RentalId) -> Result<Exchange, Problem> {
        Ok(Exchange::of_machines(&jobs::machines(cx.db, rental, cx.now)?))
    }

    fn action(self) -> Option<MachineAction> {
        match self {
            Exchange::Keys | Exchange::KeysOnly => Some(MachineAction::SetKeys),
            Exchange::Rebuild => Some(MachineAction::Rebuild),
            Exchange::None | Exchange::Impossible => None,
        }
    }

    /// What that means for whoever transfers the rental or takes it over, in a sentence or two.
    pub fn words(self) -> &'static str {
        match self {
            Exchange::None => "The machine is set up with the new renter's SSH key.",
            Exchange::Keys => {
                "On acceptance, the new renter's SSH key replaces those of the current renter on \
                 the machine, and the machine is restarted, which ends open SSH and console \
                 sessions. User data and templates are forgotten. Everything on the disk stays \
                 until the machine is rebuilt: data, users and passwords, programs, scheduled \
                 tasks, and keys that somebody added by hand. Open ports stay open."
            }
            Exchange::KeysOnly => {
                "On acceptance, the new renter's SSH key replaces those of the current renter on \
                 the machine. This farm can't restart it: SSH sessions that are open go on until \
                 somebody ends them. Everything on the disk stays: data, users and passwords, \
                 programs, scheduled tasks, and keys that somebody added by hand. Open ports stay \
                 open."
            }
            Exchange::Rebuild => {
                "The machine's SSH keys can't be changed right now. On acceptance, it is rebuilt \
                 with the new renter's SSH key: all data on it is deleted, and open sessions end. \
                 Open ports stay open."
            }
            Exchange::Impossible => {
                "This farm can neither change the machine's SSH keys nor rebuild it. After the \
                 transfer, the current renter's keys still log in, and the new renter's don't, \
                 unless the farmer changes that by hand."
            }
        }
    }
}

pub(crate) fn show(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &page(cx)?)
}

fn page(cx: &Context<'_>) -> Result<KeysPage, Problem> {
    let rental = own_rental(cx)?;
    let own = ssh_keys::of_account(cx.db, cx.account()?.account)?;
    let on_machines = ssh_keys::of_rental(cx.db, rental)?;
    Ok(KeysPage::new(&Visit::of(cx)?, rental, &own, &on_machines))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let rental = rental_id(cx.param("rental"))?;
    let sent = || {
        let (body, key) = (form.body()?, form.idempotency_key()?);
        change(cx, rental, &body, Some(key), &|_| {
            let url = format!("/dashboard/slices/{rental}");
            stored::see_other(Done::MachineActionRequested.at(&url))
        })
    };
    sent()
        .or_else(|problem| form::refused(problem, |problem| Ok(page(cx)?.refused(&form, problem))))
}

impl KeysBody {
    /// The keys of an account that are chosen.
    fn choose<'a>(&self, own: &'a [RegisteredKey]) -> Result<Vec<&'a RegisteredKey>, FieldError> {
        let wrong = || FieldError::new("ssh_key_ids", "the ids of 1 to 16 of your SSH keys");
        let find = |id: &String| own.iter().find(|key| key.id.to_string() == *id);
        let mut chosen: Vec<_> =
            self.ssh_key_ids.iter().map(find).collect::<Option<_>>().ok_or_else(wrong)?;
        chosen.sort_by_key(|key| key.id);
        chosen.dedup_by_key(|key| key.id);
        let is_number = (1..=json::KEYS_MAX).contains(&chosen.len());
        is_number.then_some(chosen).ok_or_else(wrong)
    }
}
