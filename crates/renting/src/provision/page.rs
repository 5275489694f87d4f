//! Machines on slices, as the page of a rental shows them, and the SSH keys that get in.

use askama::Template;
use domain::capability::Capability;
use domain::id::{RentalId, SliceId};
use domain::machine::{self, MachineStatus, Usage};
use domain::machine_action::{ActionState, MachineAction};
use domain::port::Transport;
use domain::provisioning::{JobState, Step};
use domain::ssh::{Access as SshAccess, Endpoint};
use domain::time::Timestamp;
use machines::access::ConsoleLink;
use store::jobs;
use store::machine_actions::Action;
use strum::VariantArray;
use ui::event::step_name;
use ui::visit::Visit;
use ui::{badge, moment};
use web::page::{Badge, Fact, Frame, Moment, Section, Tone};
use web::text::sentence;

use crate::provision::json::{AccessStatus, OpenPort, open_ports, refund_at};

/// A machine on a slice.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    /// Such as `node32_slice_1`; `None` where the rental has one only.
    pub slice_id: Option<String>,
    /// The number of its slice.
    pub slice: u32,
    /// Such as `being set up`.
    pub status: Badge,
    /// From payment to the check from outside; none of what is set up by hand.
    pub steps: Vec<StepLine>,
    /// What went wrong last, as a sentence.
    pub reason: Option<String>,
    /// The end of what its setup said, if that is what went wrong.
    pub log: Option<String>,
    /// What it uses, such as `CPU` and `12%`.
    pub usage: Vec<Fact>,
    /// How full a file system in it is, such as `93%`, if that is almost full.
    pub almost_full: Option<String>,
    /// How to get in, once that was checked.
    pub ready: Option<Ready>,
    /// Whether its farmer has set it up by hand.
    pub is_by_hand: bool,
    /// What can be done with it, once it is there.
    pub power: Option<Power>,
    /// Why what was asked for was not done, as a sentence.
    pub error: Option<String>,
}

/// What can be done with a machine.
#[derive(Clone, Debug)]
pub(crate) struct Power {
    /// Each button; none while something is being done.
    pub buttons: Vec<PowerButton>,
    /// What is being done, such as `Restarting, requested on 29 July 2026, 12:00 UTC.`
    pub progress: Option<String>,
    /// Why the last action failed, as a sentence.
    pub failure: Option<String>,
    /// What was done last, such as `Restarted on 29 July 2026, 12:00 UTC.`
    pub done: Option<String>,
    /// Whether its keys can be changed, on a page of their own.
    pub has_keys: bool,
    /// The number of its slice, where it can be rebuilt.
    pub rebuild: Option<u32>,
    /// The same where a password for its console can be set.
    pub password: Option<u32>,
    /// What can't be done, as a sentence; `None` where everything can.
    pub missing: Option<String>,
}

/// A button that has something done with a machine: a form of its own.
#[derive(Clone, Debug)]
pub(crate) struct PowerButton {
    /// Hidden field `slice`: the number of the slice.
    pub slice: u32,
    /// Hidden field `action`.
    pub action: &'static str,
    /// Hidden field `idempotency_key`, so that sending twice does it once.
    pub idempotency_key: String,
    /// Such as `Shut down`.
    pub text: &'static str,
    /// What it is called for those who hear the page, such as `Shut down node32_slice_1`.
    pub label: String,
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
    /// The line that forgets the host key of an earlier machine with its address and port.
    pub forget: String,
    /// The line that checks whether the Mycelium network works; `None` if it is reached otherwise.
    pub mycelium: Option<String>,
    /// The form that opens its console; `None` where it has none.
    pub console: Option<ConsoleForm>,
    /// The ports that the renter asked for beside that of SSH.
    pub ports: Vec<PortLine>,
    /// What the farm says besides.
    pub notes: Option<String>,
}

/// A port that the renter asked for.
#[derive(Clone, Debug)]
pub(crate) struct PortLine {
    /// Such as `80/tcp`.
    pub port: String,
    /// Such as `203.0.113.7:24001`; `None` while it is not reachable.
    pub public: Option<String>,
    /// Where a browser finds what is behind it; `None` for what is no website.
    pub link: Option<String>,
}

impl PortLine {
    fn new(endpoint: &Endpoint, open: &OpenPort) -> PortLine {
        let address = &endpoint.address;
        let is_ipv6 = address.contains(':');
        let host = if is_ipv6 { format!("[{address}]") } else { address.clone() };
        let public = open.public.map(|public| format!("{host}:{public}"));
        let scheme = match (open.port.transport, open.port.number) {
            (Transport::Tcp, 80 | 8080) => Some("http"),
            (Transport::Tcp, 443 | 8443) => Some("https"),
            _ => None,
        };
        let link = scheme.zip(public.as_ref()).map(|(scheme, at)| format!("{scheme}://{at}"));
        PortLine { port: open.port.to_string(), public, link }
    }
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

/// How the access to a rental is, or its machine once that was set up; of several, the worst.
pub(crate) fn status(access: AccessStatus, live: Option<MachineStatus>) -> Badge {
    match access {
        AccessStatus::Ready => live.map_or(Badge::new("ready", Tone::Good), badge::machine),
        AccessStatus::Unprovisioned => Badge::new("not set up yet", Tone::Plain),
        AccessStatus::ByHand => Badge::new("waiting for the farmer", Tone::Plain),
        AccessStatus::NeedsKey => Badge::new("needs an SSH key", Tone::Warn),
        AccessStatus::Underway => Badge::new("being set up", Tone::Plain),
        AccessStatus::Failed => Badge::new("setup failed", Tone::Bad),
        AccessStatus::Closed => Badge::new("closed", Tone::Plain),
    }
}

pub(crate) fn text(
    access: AccessStatus,
    rental: &domain::rental::Rental,
    machines: &[jobs::Machine],
    now: Timestamp,
) -> String {
    let live = machine::worst(machines.iter().filter_map(|machine| machine.live), now);
    if let (AccessStatus::Ready, Some((status, since))) = (access, live) {
        return live_text(status, since);
    }
    let detail = access.detail(rental.state).to_owned();
    let late = machines.iter().any(|machine| machine.is_late && machine.state.is_owed());
    let late = if late {
        " Setup is taking longer than expected, and the operator has been notified."
    } else {
        ""
    };
    match refund_at(machines).filter(|_| !late.is_empty() || access == AccessStatus::ByHand) {
        Some(at) => format!(
            "{detail}{late} If you have no access by {}, you are refunded in full.",
            moment::to_the_minute(at).text
        ),
        None => detail,
    }
}

/// What it means for a renter how a machine is.
fn live_text(status: MachineStatus, since: Timestamp) -> String {
    let since = moment::to_the_minute(since).text;
    match status {
        MachineStatus::Running => "Log in with your SSH key.".to_owned(),
        MachineStatus::Starting => {
            format!("Your machine was started on {since}. You can log in as soon as it answers.")
        }
        MachineStatus::Unreachable => format!(
            "Your machine is running, but its SSH port has not answered since {since}. The farmer \
             has been notified."
        ),
        MachineStatus::Paused => format!(
            "Your machine has been paused since {since}, because its server's disk is full. It \
             continues as soon as there is space again. The farmer has been notified."
        ),
        MachineStatus::Off => format!("Your machine has been off since {since}."),
        MachineStatus::Lost => format!(
            "Your machine has been missing from its server since {since}. The farmer has been \
             notified."
        ),
        MachineStatus::Unknown => format!(
            "The farm's agent has not reported since {since}, so we don't know how your machine \
             is. You may still be able to log in."
        ),
    }
}

impl Machine {
    pub(crate) fn new(
        visit: &Visit<'_>,
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
        let status = match (machine.state, machine.live) {
            (JobState::Done, Some(live)) => badge::machine(live.status(visit.now).0),
            (JobState::Done, None) => Badge::new("ready", Tone::Good),
            (JobState::NeedsKey, _) => Badge::new("needs an SSH key", Tone::Warn),
            (JobState::Waiting, _) if machine.is_by_hand => {
                Badge::new("waiting for the farmer", Tone::Plain)
            }
            (JobState::Waiting | JobState::Leased, _) => Badge::new("being set up", Tone::Plain),
            (JobState::Failed, _) => Badge::new("setup failed", Tone::Bad),
            (JobState::Refunded | JobState::Canceled, _) => Badge::new("ended", Tone::Plain),
        };
        let live = machine.live.map(|live| live.status(visit.now).0);
        let runs = matches!(live, Some(MachineStatus::Running | MachineStatus::Unreachable));
        Machine {
            slice_id: Some(machine.slice.to_string()).filter(|_| !is_alone),
            slice: machine.slice.number,
            status,
            steps: if machine.is_by_hand {
                Vec::new()
            } else {
                [paid].into_iter().chain(told).collect()
            },
            reason: reason
                .map(|reason| sentence(format!("message from the farm's agent: {reason}"))),
            log: machine.log.clone().filter(|_| machine.state != JobState::Done),
            usage: if runs { usage(machine.usage) } else { Vec::new() },
            almost_full: machine
                .usage
                .file_system()
                .filter(|system| runs && system.is_almost_full(false))
                .map(|system| format!("{}%", system.percent())),
            ready: access.map(|access| Ready::new(machine, access)),
            is_by_hand: machine.is_by_hand && machine.state == JobState::Done,
            power: None,
            error: None,
        }
    }

    /// The same with what can be done with it; `latest` is what was done last.
    #[must_use]
    pub(crate) fn with_power(
        mut self,
        visit: &Visit<'_>,
        machine: &jobs::Machine,
        latest: Option<&Action>,
    ) -> Machine {
        let Some(live) = machine.live else { return self };
        let open = latest.filter(|action| action.state.is_open());
        let is = |state| latest.filter(|action| action.state == state);
        let (done, failed) = (is(ActionState::Done), is(ActionState::Failed));
        let (status, _) = live.status(visit.now);
        let is_offered = |action: &&MachineAction| {
            action.is_power() && action.suits(status) && machine.can(action.needs())
        };
        let offered = MachineAction::VARIANTS.iter().filter(is_offered);
        let number = machine.slice.number;
        let button = |action: &MachineAction| PowerButton {
            slice: number,
            action: action.into_str(),
            idempotency_key: [visit.request_id, action.into_str(), &number.to_string()].join("-"),
            text: action_name(*action),
            label: format!("{} {}", action_name(*action), machine.slice),
        };
        let is_free = open.is_none();
        let may =
            |action: MachineAction| is_free && action.suits(status) && machine.can(action.needs());
        self.power = Some(Power {
            has_keys: may(MachineAction::SetKeys),
            rebuild: may(MachineAction::Rebuild).then_some(number),
            password: may(MachineAction::SetPassword).then_some(number),
            missing: missing(machine, live),
            buttons: if is_free { offered.map(button).collect() } else { Vec::new() },
            progress: open.map(|action| {
                let at = moment::to_the_minute(action.requested_at).text;
                format!("{}, requested on {at}.", action_progress(action.kind))
            }),
            done: done.map(|action| {
                let at = moment::to_the_minute(action.changed_at).text;
                format!("{} on {at}.", action_done(action.kind))
            }),
            failure: failed.map(|action| {
                let reason = action.reason.as_deref().unwrap_or("no reason was given");
                sentence(format!("{} failed: {reason}", action_name(action.kind)))
            }),
        });
        self
    }
}

/// What a machine uses of its server, as far as that is known.
fn usage(usage: Usage) -> Vec<Fact> {
    let file_system = usage.file_system();
    let Usage {
        cpu_percent, memory_bytes, disk_bytes, network_in_bytes, network_out_bytes, ..
    } = usage;
    let gigabytes = |bytes: u64| match bytes >> 20 {
        megabytes @ ..1024 => format!("{megabytes} MB"),
        megabytes => format!("{}.{} GB", megabytes / 1024, megabytes % 1024 * 10 / 1024),
    };
    let fact = |label, value: Option<String>| value.map(|value| Fact::new(label, value));
    let facts = [
        fact("CPU used", cpu_percent.map(|percent| format!("{percent}%"))),
        fact("Memory used", memory_bytes.map(gigabytes)),
        fact("Disk used", disk_bytes.map(gigabytes)),
        fact(
            "Fullest file system",
            file_system.map(|system| {
                let (used, bytes) = (gigabytes(system.used_bytes), gigabytes(system.bytes));
                format!("{used} of {bytes}, {}%", system.percent())
            }),
        ),
        fact("Received since its start", network_in_bytes.map(gigabytes)),
        fact("Sent since its start", network_out_bytes.map(gigabytes)),
    ];
    facts.into_iter().flatten().collect()
}

/// What can't be done with a machine, as far as its agent has said.
fn missing(machine: &jobs::Machine, live: machine::Machine) -> Option<String> {
    if live.since == live.reported_at
        && machine.can == Some([Capability::Power].into_iter().collect())
    {
        return Some("To see what else you can do, reload this page in a minute.".to_owned());
    }
    let named = [
        (Capability::Power, "start, shut down, restart and reset it"),
        (Capability::SetKeys, "change its SSH keys"),
        (Capability::Rebuild, "rebuild it"),
        (Capability::SetPassword, "set a console password"),
        (Capability::SetPorts, "open ports"),
    ];
    let words: Vec<_> =
        named.iter().filter(|(it, _)| !machine.can(*it)).map(|(_, words)| *words).collect();
    let words = match &words[..] {
        [] => return None,
        [one] => (*one).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    };
    let what = match (machine.can(Capability::SetKeys), machine.can(Capability::SetPassword)) {
        _ if !machine.can(Capability::Rebuild) => None,
        (true, true) => None,
        (false, true) => Some("Changing SSH keys needs"),
        (true, false) => Some("Setting a console password needs"),
        (false, false) => Some("Changing SSH keys or setting a console password needs"),
    };
    let hint = what.map_or_else(String::new, |what| {
        format!(
            " {what} the package qemu-guest-agent in a running machine, and a farm whose driver \
             supports it."
        )
    });
    Some(format!("On this machine you can't {words} at the moment.{hint}"))
}

/// What a button for an action says.
fn action_name(action: MachineAction) -> &'static str {
    match action {
        MachineAction::Start => "Start",
        MachineAction::Shutdown => "Shut down",
        MachineAction::Restart => "Restart",
        MachineAction::Reset => "Reset",
        MachineAction::SetKeys => "Change SSH keys",
        MachineAction::Rebuild => "Rebuild",
        MachineAction::SetPassword => "Set console password",
        MachineAction::SetPorts => "Change ports",
    }
}

/// What is said after an action was done.
fn action_done(action: MachineAction) -> &'static str {
    match action {
        MachineAction::Start => "Started",
        MachineAction::Shutdown => "Shut down",
        MachineAction::Restart => "Restarted",
        MachineAction::Reset => "Reset",
        MachineAction::SetKeys => "SSH keys changed",
        MachineAction::Rebuild => "Rebuilt",
        MachineAction::SetPassword => "Console password set",
        MachineAction::SetPorts => "Ports changed",
    }
}

/// What is said while an action is being done.
fn action_progress(action: MachineAction) -> &'static str {
    match action {
        MachineAction::Start => "Starting",
        MachineAction::Shutdown => "Shutting down",
        MachineAction::Restart => "Restarting",
        MachineAction::Reset => "Resetting",
        MachineAction::SetKeys => "Changing SSH keys",
        MachineAction::Rebuild => "Rebuilding",
        MachineAction::SetPassword => "Setting the console password",
        MachineAction::SetPorts => "Changing ports",
    }
}

impl Ready {
    pub(crate) fn new(machine: &jobs::Machine, access: &SshAccess) -> Ready {
        Ready {
            command: access.command(),
            config: access.config(&machine.slice.to_string(), machine.job.machine()),
            known_hosts: access.known_hosts(machine.job.machine()),
            forget: format!("ssh-keygen -R '{}'", access.host()),
            mycelium: access
                .is_on_mycelium()
                .then(|| format!("ping -6 {}", access.endpoint.address)),
            fingerprints: access.fingerprints(),
            console: access.console_url.is_some().then(|| ConsoleForm {
                slice_id: machine.slice.to_string(),
                slice: machine.slice.number,
            }),
            ports: open_ports(machine, access)
                .iter()
                .map(|open| PortLine::new(&access.endpoint, open))
                .collect(),
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
