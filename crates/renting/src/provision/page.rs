//! Machines on slices, as the page of a rental shows them, and the SSH keys that get in.

use askama::Template;
use domain::id::{RentalId, SliceId};
use domain::provisioning::{JobState, Step};
use domain::ssh::Access as SshAccess;
use domain::time::Timestamp;
use machines::access::ConsoleLink;
use store::jobs;
use strum::VariantArray;
use ui::event::step_name;
use ui::moment;
use ui::visit::Visit;
use web::page::{Badge, Frame, Moment, Section, Tone};
use web::text::sentence;

use crate::provision::json::{AccessStatus, refund_at};

/// A machine on a slice.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Such as `node32_slice_1`; `None` where the rental has one only.
    pub slice_id: Option<String>,
    /// Such as `being set up`.
    pub status: Badge,
    /// From payment to the check from outside.
    pub steps: Vec<StepLine>,
    /// What went wrong last, as a sentence.
    pub reason: Option<String>,
    /// How to get in, once that was checked.
    pub ready: Option<Ready>,
}

/// A step on the way to a machine.
#[derive(Clone, Debug)]
pub(crate) struct StepLine {
    /// Such as `Disk made`.
    pub description: &'static str,
    /// When it was done; `None` while it is not.
    pub at: Option<Moment>,
}

/// How to get into a machine: lines to copy.
#[derive(Clone, Debug)]
pub(crate) struct Ready {
    /// The line that logs in.
    pub command: String,
    /// For `~/.ssh/config`.
    pub config: String,
    /// For `~/.ssh/known_hosts`.
    pub known_hosts: String,
    /// What `ssh` shows at the first login.
    pub fingerprints: Vec<String>,
    /// The form that opens its console; `None` where it has none.
    pub console: Option<ConsoleForm>,
    /// What the farm says besides.
    pub notes: Option<String>,
}

/// The form that opens a machine's console.
#[derive(Clone, Debug)]
pub(crate) struct ConsoleForm {
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// Hidden field `slice`: the number of the slice.
    pub slice: u32,
}

/// What `console.html` shows: a link to a machine's console, which is elsewhere. A link and no
/// redirect: a page's forms lead nowhere else, and whoever goes elsewhere sees where.
#[derive(Clone, Debug, Template)]
#[template(path = "provision/console.html")]
pub(crate) struct Console {
    /// What surrounds the page.
    pub frame: Frame,
    /// The rental's page.
    pub rental_url: String,
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// The link.
    pub url: String,
    /// The host that it leads to.
    pub host: String,
    /// Whether it works once, for a minute.
    pub is_signed: bool,
}

pub(crate) fn status(access: AccessStatus) -> Badge {
    match access {
        AccessStatus::Unprovisioned => Badge::new("not set up yet", Tone::Plain),
        AccessStatus::NeedsKey => Badge::new("needs an SSH key", Tone::Warn),
        AccessStatus::Underway => Badge::new("being set up", Tone::Plain),
        AccessStatus::Failed => Badge::new("setup failed", Tone::Bad),
        AccessStatus::Ready => Badge::new("ready", Tone::Good),
        AccessStatus::Closed => Badge::new("closed", Tone::Plain),
    }
}

pub(crate) fn text(
    access: AccessStatus,
    rental: &domain::rental::Rental,
    machines: &[jobs::Machine],
) -> String {
    let detail = access.detail(rental.state).to_owned();
    let late = machines.iter().any(|machine| machine.is_late && machine.state.is_owed());
    match refund_at(machines).filter(|_| late) {
        Some(at) => format!(
            "{detail} Setup is taking longer than expected, and the operator has been notified. \
             If you have no access by {}, you are refunded in full.",
            moment::to_the_minute(at).text
        ),
        None => detail,
    }
}

impl Machine {
    pub(crate) fn new(
        machine: &jobs::Machine,
        access: Option<&SshAccess>,
        paid_at: Timestamp,
        is_alone: bool,
    ) -> Machine {
        let done = |step: Step| {
            let found = machine.steps.iter().find(|(told, _)| *told == step);
            found.map(|(_, at)| moment::after(*at, paid_at))
        };
        let paid = StepLine { description: "Paid", at: Some(moment::to_the_minute(paid_at)) };
        let told = Step::VARIANTS
            .iter()
            .copied()
            .map(|step| StepLine { description: step_name(step), at: done(step) });
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
    pub(crate) fn new(machine: &jobs::Machine, access: &SshAccess) -> Ready {
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
    pub(crate) fn new(
        visit: &Visit<'_>,
        rental: RentalId,
        slice: SliceId,
        link: &ConsoleLink,
    ) -> Console {
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
