//! Fills what a rental's page shows of its machines, and the page of SSH keys.

use domain::id::{RentalId, SliceId};
use domain::provisioning::{JobState, Step};
use domain::ssh::Access as SshAccess;
use domain::template::TEMPLATES;
use domain::time::Timestamp;
use store::jobs;
use store::ssh_keys::RegisteredKey;

use crate::access::ConsoleLink;
use crate::api::access::{Together, can_move, refund_at};
use crate::form::Form;
use crate::page::{
    Access, Badge, Choice, Console, ConsoleForm, Field, Machine, Node, Ready, Rental, Renting,
    Section, SshKeyRow, SshKeys, StepLine, Tone,
};
use crate::problem::{Kind, Problem};
use crate::view::moment;
use crate::view::visit::Visit;
use crate::view::wording::{error_above, sent, sentence};

/// The page of an account's SSH keys.
pub const SSH_KEYS: &str = "/dashboard/settings/ssh-keys";

/// What a step is called once it is done.
fn step_name(step: Step) -> &'static str {
    match step {
        Step::Accepted => "Accepted by agent",
        Step::Disk => "Disk created",
        Step::Booting => "Booting",
        Step::Reachable => "Reachable",
        Step::Checked => "Connection verified",
    }
}

/// What a rental's history says of a step.
pub(super) fn step_done(subject: Option<&str>) -> String {
    let step = subject.and_then(Step::parse);
    step.map_or("Machine setup progressed", step_name).to_owned()
}

impl Rental {
    /// The same with the machines of the rental; `opened` has the access of each that is there.
    #[must_use]
    pub fn provisioned(
        mut self,
        rental: &domain::rental::Rental,
        machines: &[jobs::Machine],
        opened: &[Option<SshAccess>],
    ) -> Rental {
        let together = Together::of(rental.state, machines);
        if together == Together::Closed {
            return self;
        }
        self.access = Access {
            status: status(together),
            text: text(together, rental, machines),
            command: None,
        };
        self.can_go_on = can_move(rental, machines);
        let is_one = machines.len() == 1;
        self.machines = machines
            .iter()
            .zip(opened)
            .map(|(machine, access)| {
                Machine::new(machine, access.as_ref(), rental.started_at, is_one)
            })
            .collect();
        self
    }
}

fn status(together: Together) -> Badge {
    match together {
        Together::Unprovisioned => Badge::new("not set up yet", Tone::Plain),
        Together::NeedsKey => Badge::new("needs an SSH key", Tone::Warn),
        Together::Underway => Badge::new("being set up", Tone::Plain),
        Together::Failed => Badge::new("setup failed", Tone::Bad),
        Together::Ready => Badge::new("ready", Tone::Good),
        Together::Closed => Badge::new("closed", Tone::Plain),
    }
}

fn text(together: Together, rental: &domain::rental::Rental, machines: &[jobs::Machine]) -> String {
    let detail = together.detail(rental.state).to_owned();
    let late = machines.iter().any(|machine| machine.is_late && machine.state.is_owed());
    match refund_at(machines).filter(|_| late) {
        Some(at) => format!(
            "{detail} Setup is taking longer than expected, and the operator has been notified. \
             If you have no access by {at}, you are refunded in full."
        ),
        None => detail,
    }
}

impl Machine {
    fn new(
        machine: &jobs::Machine,
        access: Option<&SshAccess>,
        paid_at: Timestamp,
        is_alone: bool,
    ) -> Machine {
        let done = |step: Step| {
            let found = machine.steps.iter().find(|(told, _)| *told == step);
            found.map(|(_, at)| moment::after(*at, paid_at))
        };
        let paid = StepLine { what: "Paid", at: Some(moment::to_the_minute(paid_at)) };
        let told = Step::ALL.map(|step| StepLine { what: step_name(step), at: done(step) });
        let reason = machine.reason.as_ref().filter(|_| machine.state != JobState::Done);
        let (text, tone) = match machine.state {
            JobState::NeedsKey => ("needs an SSH key", Tone::Warn),
            JobState::Waiting | JobState::Leased => ("being set up", Tone::Plain),
            JobState::Done => ("ready", Tone::Good),
            JobState::Failed => ("setup failed", Tone::Bad),
            JobState::Refunded | JobState::Canceled => ("ended", Tone::Plain),
        };
        Machine {
            slice_id: Some(machine.slice.to_string()).filter(|_| !is_alone),
            status: Badge::new(text, tone),
            steps: [paid].into_iter().chain(told).collect(),
            reason: reason
                .map(|reason| sentence(format!("message from the farm's agent: {reason}"))),
            ready: access.map(|access| Ready::new(machine, access)),
        }
    }
}

impl Ready {
    fn new(machine: &jobs::Machine, access: &SshAccess) -> Ready {
        Ready {
            command: access.command(),
            config: access.config(&machine.slice.to_string()),
            known_hosts: access.known_hosts(),
            fingerprints: access.fingerprints(),
            console: access.console_url.is_some().then(|| ConsoleForm {
                slice_id: machine.slice.to_string(),
                slice: machine.slice.number,
            }),
            notes: access.notes.clone(),
        }
    }
}

impl Console {
    /// The page with a link to the console of a machine.
    pub fn new(visit: &Visit<'_>, rental: RentalId, slice: SliceId, link: &ConsoleLink) -> Console {
        let rest = link.url.split_once("://").map_or("", |(_, rest)| rest);
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        Console {
            frame: visit.frame("Console", Section::Slices),
            rental_url: format!("/dashboard/slices/{rental}"),
            slice_id: slice.to_string(),
            url: link.url.clone(),
            host: host.to_owned(),
            is_signed: link.expires_at.is_some(),
        }
    }
}

impl Node {
    /// The same with the keys of whoever looks, to choose from when renting.
    #[must_use]
    pub fn with_keys(mut self, keys: &[RegisteredKey]) -> Node {
        if let Renting::Open(form) = &mut self.renting {
            form.ssh_keys = keys
                .iter()
                .enumerate()
                .map(|(nth, key)| Choice {
                    value: key.id.to_string(),
                    label: key.name.clone(),
                    is_chosen: nth == 0,
                })
                .collect();
        }
        self
    }
}

/// What a machine can start with, to choose from.
pub(super) fn templates() -> Vec<Choice> {
    let choice = |template: &domain::template::Template| Choice {
        value: template.name.to_owned(),
        label: format!("{}: {}", template.title, template.about),
        is_chosen: template.name == "plain",
    };
    TEMPLATES.iter().map(choice).collect()
}

impl SshKeys {
    /// The keys of the account that looks.
    pub fn new(visit: &Visit<'_>, keys: &[RegisteredKey]) -> SshKeys {
        let row = |(nth, key): (usize, &RegisteredKey)| SshKeyRow {
            name: key.name.clone(),
            fingerprint: key.fingerprint.clone(),
            kind: key.line.split(' ').next().unwrap_or_default().to_owned(),
            since: moment::to_the_minute(key.created_at),
            is_first: nth == 0,
            remove_url: format!("{SSH_KEYS}/{}/remove", key.id),
        };
        SshKeys {
            frame: visit.frame("SSH keys", Section::Settings),
            keys: keys.iter().enumerate().map(row).collect(),
            key_name: Field::new(""),
            public_key: Field::new(""),
            error: None,
        }
    }

    /// The same after nothing was registered. What may be a private key is not shown again.
    #[must_use]
    pub fn refused(mut self, form: &Form, problem: &Problem) -> SshKeys {
        self.key_name = sent(form, "name", &problem.fields);
        self.public_key = sent(form, "public_key", &problem.fields);
        if form.text("public_key").contains("PRIVATE") {
            self.public_key.value = String::new();
        }
        match problem.kind {
            Kind::SshKeyTaken | Kind::TooManySshKeys => {
                self.error = Some(sentence(problem.detail.clone()));
            }
            _ => self.error = error_above(problem, &["name", "public_key"]),
        }
        self
    }
}
