//! The machines of a rental on its page: how they are reached, and the forms that change them.

use domain::capability::Capability;
use domain::machine_action::MachineAction;
use domain::port::ports_text;
use domain::provisioning::JobState;
use domain::ssh::Access as SshAccess;
use domain::time::Timestamp;
use machines::Exchange;
use store::jobs;
use store::machine_actions::Action;
use store::rentals::Rental as Held;
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, sent};
use web::page::{Badge, Field};

use crate::provision::json::{AccessStatus, can_move, refund_at};
use crate::provision::page::{Machine, status, text};
use crate::rentals::json::AccessInfo;
use crate::rentals::page::{Rental, refusal};

/// How the renter reaches the slice, or why not yet.
#[derive(Clone, Debug)]
pub(crate) struct Access {
    /// Such as `not provisioned yet`.
    pub status: Badge,
    /// What that means, in a sentence or two.
    pub text: String,
    /// The command to copy, such as `ssh root@...`, once there is one.
    pub command: Option<String>,
}

/// The form that opens and closes ports; posts to `{rental}/ports`.
#[derive(Clone, Debug)]
pub(crate) struct PortsForm {
    /// `ports`, such as `80, 443`.
    pub ports: Field,
    /// Why nothing was changed, when it is not about the field.
    pub error: Option<String>,
}

impl PortsForm {
    /// Why nothing was changed. The page is long: it opens where this is said.
    pub(crate) fn refusal(&self) -> Option<&str> {
        refusal(self.error.as_deref(), [&self.ports.error])
    }
}

impl Rental {
    /// The same with the machines of the rental; `opened` has the access of each that is there.
    #[must_use]
    pub(crate) fn provisioned(
        mut self,
        visit: &Visit<'_>,
        rental: &Held,
        machines: &[jobs::Machine],
        opened: &[Option<SshAccess>],
        actions: &[Action],
    ) -> Rental {
        let (auto_start, rental, now) = (rental.auto_start, &rental.life, visit.now);
        let access =
            AccessStatus::of(rental.state, machines.iter().map(|it| (it.state, it.is_by_hand)));
        if access == AccessStatus::Closed {
            return self;
        }
        let is_rebuilding =
            |action: &Action| action.kind == MachineAction::Rebuild && action.state.is_open();
        self.access.text = if actions.iter().any(is_rebuilding) {
            "The machine is being rebuilt. Log in once that is done.".to_owned()
        } else {
            text(access, rental, machines, now)
        };
        self.can_move = can_move(rental, machines);
        self.access_by = refund_at(machines)
            .filter(|at| access != AccessStatus::Failed && *at > now)
            .map(moment::to_the_minute);
        if access == AccessStatus::Failed {
            // Nobody pays for more of what can't be set up.
            (self.extend, self.auto_renew) = (None, None);
        }
        let exchange = Exchange::of_machines(machines);
        self.machine_on_transfer = (!machines.is_empty()).then(|| exchange.words());
        let is_one = machines.len() == 1;
        self.machines = machines
            .iter()
            .zip(opened)
            .map(|(machine, access)| {
                let latest = actions.iter().find(|action| action.slice == machine.slice);
                Machine::new(visit, machine, access.as_ref(), rental.started_at, is_one)
                    .with_power(visit, machine, latest)
            })
            .collect();
        let is_live = machines.iter().any(|machine| machine.live.is_some());
        self.auto_start = is_live.then_some(auto_start);
        let can_set =
            |it: &jobs::Machine| it.state == JobState::Done && it.can(Capability::SetPorts);
        let first = machines.first().filter(|_| machines.iter().all(can_set));
        self.ports = first.map(|machine| PortsForm {
            ports: Field::new(ports_text(&machine.ports)),
            error: None,
        });
        self
    }

    /// The same after no port was opened or closed. Where they can't be at the moment, the page
    /// says so.
    pub(crate) fn not_opened(mut self, form: &Form, problem: &Problem) -> Rental {
        if let Some(ports) = &mut self.ports {
            ports.ports = sent(form, "ports", &problem.fields);
            ports.error = error_above(problem, &["ports"]);
        }
        self
    }

    /// The same after nothing was done with a machine.
    pub(crate) fn not_done(mut self, form: &Form, problem: &Problem) -> Rental {
        let slice = form.text("slice");
        let error = error_above(problem, &[]);
        match self.machines.iter_mut().find(|machine| machine.slice.to_string() == slice) {
            Some(machine) => machine.error = error,
            None => self.machines_error = error,
        }
        self
    }
}

impl Access {
    pub(crate) fn new(rental: &Held, now: Timestamp) -> Access {
        let state = rental.life.state;
        let access =
            AccessStatus::of(state, rental.machines.iter().map(|it| (it.setup, it.is_by_hand)));
        let status = status(access, rental.machine(now).map(|(status, _)| status));
        Access { status, text: AccessInfo::new(state).detail.to_owned(), command: None }
    }
}
