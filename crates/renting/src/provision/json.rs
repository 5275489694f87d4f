//! How to get into what one rents.

use domain::account::Scope;
use domain::field::FieldError;
use domain::machine::Usage;
use domain::port::Port;
use domain::provisioning::{JobState, Owed};
use domain::rental::{Rental, RentalState};
use domain::ssh::Access as SshAccess;
use domain::time::Timestamp;
use http::Method;
use machines::access::ConsoleLink;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::jobs::Machine;
use strum::IntoStaticStr;
use ui::machine::MachineStatusView;
use web::operation::{Access, Operation, schema_of};

use crate::rentals::json::{AccessInfo, GROUP};

/// `GET /api/rentals/{rental}/access`
pub(crate) const SHOW_ACCESS: Operation = Operation {
    id: "showAccess",
    group: GROUP,
    path: "/api/rentals/{rental}/access",
    summary: "Returns the access details of a slice. Each request is recorded in your activity.",
    access: Access::Account(Scope::Read),
    about_answer: "The access details, or why there are none yet.",
    answer: Some(schema_of::<AccessAnswer>),
    ..Operation::READ
};

/// `POST /api/rentals/{rental}/console`
pub(crate) const OPEN_CONSOLE: Operation = Operation {
    id: "openConsole",
    group: GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/console",
    summary: "Creates a console link for a machine. Each link is recorded in your activity.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<ConsoleBody>),
    is_body_optional: true,
    about_answer: "The link. It works once, within one minute, for anyone who has it.",
    answer: Some(schema_of::<ConsoleAnswer>),
    ..Operation::READ
};

/// Which machine's console.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsoleBody {
    /// The number of the slice on its node; may be left out where the rental has one.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub slice: Option<u32>,
}

impl ConsoleBody {
    /// Which of a rental's machines is meant.
    pub(crate) fn choose(&self, among: &[Machine]) -> Result<usize, FieldError> {
        machines::choose(self.slice, among)
    }
}

/// A link to a console.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ConsoleAnswer {
    /// Its address, for a browser.
    pub url: String,
    /// Until when it works (RFC 3339); null where the grid shows the console.
    pub expires_at: Option<String>,
}

impl ConsoleAnswer {
    /// Shows a link.
    pub(crate) fn new(link: ConsoleLink) -> ConsoleAnswer {
        let ConsoleLink { url, expires_at } = link;
        ConsoleAnswer { url, expires_at: expires_at.map(|at| at.to_string()) }
    }
}

/// How to get into a rental's machines.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccessAnswer {
    /// `needs-key` until you register an SSH key; `pending` while the farmer sets it up by hand,
    /// because the farm has no agent; `setting-up` while an agent does; `failed` where the farm's
    /// agent has given up; `ready`; `closed` after the rental's end.
    pub state: &'static str,
    /// In words.
    pub detail: String,
    /// When everything is refunded by itself, unless there is access by then (RFC 3339).
    pub refund_at: Option<String>,
    /// Whether it is late or has failed, so that the rental can go on with another slice, by
    /// `moveRental`.
    pub can_move: bool,
    /// Each machine, by slice; none of a rental from before machines were kept.
    pub machines: Vec<MachineView>,
}

impl AccessAnswer {
    /// Shows the machines of a rental to its renter; `opened` has the access of each that is there.
    pub(crate) fn new(
        rental: &Rental,
        machines: &[Machine],
        opened: &[Option<SshAccess>],
        now: Timestamp,
    ) -> AccessAnswer {
        let access =
            AccessStatus::of(rental.state, machines.iter().map(|it| (it.state, it.is_by_hand)));
        let show = |(machine, access): (&Machine, &Option<SshAccess>)| {
            MachineView::new(machine, access.as_ref(), now)
        };
        AccessAnswer {
            state: access.into_str(),
            detail: access.detail(rental.state).to_owned(),
            refund_at: refund_at(machines).map(|at| at.to_string()),
            can_move: can_move(rental, machines),
            machines: machines.iter().zip(opened).map(show).collect(),
        }
    }
}

/// A machine on a slice.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MachineView {
    /// The slice.
    pub slice_id: String,
    /// `needs-key`, `waiting`, `leased`, `done`, `failed`, `refunded` or `canceled`.
    pub state: &'static str,
    /// Whether the farmer sets it up by hand: then nobody watches it, and nothing can be done with
    /// it here.
    pub by_hand: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// The steps that the agent has reported, in order.
    pub steps: Vec<StepView>,
    /// Why it failed last, in the agent's words.
    pub reason: Option<String>,
    /// The end of what its setup said, if it failed for that.
    pub log: Option<String>,
    /// How it is, once it was set up.
    pub machine: Option<MachineStatusView>,
    /// What can be done with it now, once it was set up, as its farm's agent reports it: `power`
    /// (start, shut down, restart, reset), `console`, `user-data`, `set-keys`, `set-password`,
    /// `rebuild` and `set-ports`.
    pub can: Vec<&'static str>,
    /// What it uses of its server, as its agent last reported it; null if that is not known.
    pub usage: Option<UsageView>,
    /// How it is reached, once it was set up.
    pub access: Option<MachineAccess>,
}

/// What a machine uses of its server. What is not known is null.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UsageView {
    /// Of one processor, in percent.
    pub cpu_percent: Option<u32>,
    /// Memory, in bytes.
    pub memory_bytes: Option<u64>,
    /// Disk, in bytes.
    pub disk_bytes: Option<u64>,
    /// Received by its network since its start, in bytes, as the machine says itself.
    pub network_in_bytes: Option<u64>,
    /// Sent by its network since its start, in bytes, as the machine says itself.
    pub network_out_bytes: Option<u64>,
    /// The size of its fullest file system, in bytes, as the machine says itself.
    pub file_system_bytes: Option<u64>,
    /// What is used of that, in bytes.
    pub file_system_used_bytes: Option<u64>,
}

impl UsageView {
    fn new(usage: Usage) -> Option<UsageView> {
        let Usage {
            cpu_percent,
            memory_bytes,
            disk_bytes,
            network_in_bytes,
            network_out_bytes,
            file_system_bytes,
            file_system_used_bytes,
        } = usage;
        (!usage.is_unknown()).then_some(UsageView {
            cpu_percent,
            memory_bytes,
            disk_bytes,
            network_in_bytes,
            network_out_bytes,
            file_system_bytes,
            file_system_used_bytes,
        })
    }
}

impl MachineView {
    pub(crate) fn new(
        machine: &Machine,
        access: Option<&SshAccess>,
        now: Timestamp,
    ) -> MachineView {
        let step = |(step, at): &(domain::provisioning::Step, Timestamp)| StepView {
            step: step.into_str(),
            at: at.to_string(),
        };
        MachineView {
            slice_id: machine.slice.to_string(),
            state: machine.state.into_str(),
            by_hand: machine.is_by_hand,
            attempts: machine.attempts,
            steps: machine.steps.iter().map(step).collect(),
            reason: machine.reason.clone(),
            log: machine.log.clone(),
            machine: machine.live.map(|live| MachineStatusView::new(live.status(now))),
            can: machine.can.unwrap_or_default().iter().map(|it| it.into_str()).collect(),
            usage: UsageView::new(machine.usage),
            access: access.map(|access| MachineAccess {
                address: access.endpoint.address.clone(),
                port: access.endpoint.port,
                ports: open_ports(machine, access).into_iter().map(OpenPortView::new).collect(),
                user: access.user.clone(),
                host_keys: access.host_keys.clone(),
                fingerprints: access.fingerprints(),
                has_console: access.console_url.is_some(),
                notes: access.notes.clone(),
                command: access.command(),
                ssh_config: access.config(&machine.slice.to_string(), machine.job.machine()),
                known_hosts: access.known_hosts(machine.job.machine()),
            }),
        }
    }
}

/// A step that was done.
#[derive(Serialize, JsonSchema)]
pub(crate) struct StepView {
    /// `accepted`, `disk`, `booting`, `reachable` or `checked`.
    pub step: &'static str,
    /// When (RFC 3339).
    pub at: String,
}

/// How a machine is reached.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MachineAccess {
    /// An IP address or a host name.
    pub address: String,
    /// The port of SSH.
    pub port: u16,
    /// Whom to log in as.
    pub user: String,
    /// The ports that you asked for beside that of SSH, by `setPorts` or when you rented.
    pub ports: Vec<OpenPortView>,
    /// Its public host keys.
    pub host_keys: Vec<String>,
    /// The fingerprints of these.
    pub fingerprints: Vec<String>,
    /// Whether it has a console: `POST /api/rentals/{rental}/console` makes a link to it.
    pub has_console: bool,
    /// Anything else; null for nothing.
    pub notes: Option<String>,
    /// The line that logs in.
    pub command: String,
    /// For `~/.ssh/config`.
    pub ssh_config: String,
    /// For `~/.ssh/known_hosts`: by an alias of this machine, because an earlier one may have had
    /// its address and port.
    pub known_hosts: String,
}

/// A port that the renter asked for.
pub(crate) struct OpenPort {
    /// In the machine.
    pub port: Port,
    /// Its number at the machine's address; `None` while it is not reachable.
    pub public: Option<u16>,
}

/// The ports that a renter asked for, and where each is reached.
pub(crate) fn open_ports(machine: &Machine, access: &SshAccess) -> Vec<OpenPort> {
    let public = |port: &Port| {
        access.endpoint.ports.iter().find(|open| open.port == *port).map(|open| open.public)
    };
    machine.ports.iter().map(|port| OpenPort { port: *port, public: public(port) }).collect()
}

/// A port that the renter asked for.
#[derive(Serialize, JsonSchema)]
pub(crate) struct OpenPortView {
    /// `tcp` or `udp`.
    pub protocol: &'static str,
    /// Its number in the machine.
    pub port: u16,
    /// Its number at the machine's address; null while the farm has not opened it.
    pub public_port: Option<u16>,
}

impl OpenPortView {
    fn new(OpenPort { port, public }: OpenPort) -> OpenPortView {
        let protocol = port.transport.into_str();
        OpenPortView { protocol, port: port.number, public_port: public }
    }
}

/// What has become of the machines of a rental, taken together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub(crate) enum AccessStatus {
    /// It is of before machines were kept, on a farm without an agent.
    #[strum(serialize = "pending")]
    Unprovisioned,
    /// The farmer sets them up by hand.
    #[strum(serialize = "pending")]
    ByHand,
    /// The renter has no key.
    NeedsKey,
    /// They are being made.
    #[strum(serialize = "setting-up")]
    Underway,
    /// One of them was given up.
    Failed,
    /// All are there.
    Ready,
    /// The rental is over.
    Closed,
}

impl AccessStatus {
    /// What a rental's machines come to: how far the setup of each is, and whether that is done by
    /// hand.
    pub(crate) fn of(
        state: RentalState,
        setups: impl Iterator<Item = (JobState, bool)> + Clone,
    ) -> AccessStatus {
        let any = |wanted: JobState| setups.clone().any(|(setup, _)| setup == wanted);
        match state {
            RentalState::Grace | RentalState::Ended => AccessStatus::Closed,
            RentalState::Active if setups.clone().next().is_none() => AccessStatus::Unprovisioned,
            RentalState::Active if any(JobState::Failed) => AccessStatus::Failed,
            RentalState::Active if any(JobState::NeedsKey) => AccessStatus::NeedsKey,
            RentalState::Active if setups.clone().all(|(setup, _)| setup == JobState::Done) => {
                AccessStatus::Ready
            }
            RentalState::Active if setups.clone().all(|(_, is_by_hand)| is_by_hand) => {
                AccessStatus::ByHand
            }
            RentalState::Active => AccessStatus::Underway,
        }
    }

    /// What that means, in a sentence or two.
    pub(crate) fn detail(self, state: RentalState) -> &'static str {
        match self {
            AccessStatus::Unprovisioned => {
                "The slice is yours. Its farm has no automatic setup, so the farmer sets up the \
                 machine by hand."
            }
            AccessStatus::ByHand => {
                "The farmer sets up your machine by hand. You are notified as soon as you can log \
                 in; until then you can end the rental and get everything back."
            }
            AccessStatus::NeedsKey => {
                "Add an SSH public key to start the setup. Only this key can log in to the machine."
            }
            AccessStatus::Underway => {
                "Your machine is being set up. You are notified as soon as you can log in, and \
                 refunded automatically if it isn't ready within a day."
            }
            AccessStatus::Failed => {
                "The farm couldn't set up the machine. Move it to another slice or end the rental \
                 now for a full refund; otherwise you are refunded automatically within a day."
            }
            AccessStatus::Ready => "Log in with your SSH key.",
            AccessStatus::Closed => AccessInfo::new(state).detail,
        }
    }
}

/// What the renter of these machines waits for.
pub(crate) fn owed(machines: &[Machine]) -> Owed {
    Owed::of(machines.iter().map(|machine| (machine.state, machine.is_late)))
}

/// Whether a rental can go on with another slice, because it waits for access for too long.
pub(crate) fn can_move(rental: &Rental, machines: &[Machine]) -> bool {
    let is_slice = rental.slice.is_some() && rental.state == RentalState::Active;
    is_slice && owed(machines) == Owed::Overdue
}

/// When everything is refunded, where access is owed.
pub(crate) fn refund_at(machines: &[Machine]) -> Option<Timestamp> {
    machines.iter().filter(|it| it.state.is_owed()).map(|machine| machine.refund_at).min()
}
