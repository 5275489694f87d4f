//! What agents report of their machines.

use domain::account::Scope;
use domain::capability::{Capabilities, Capability};
use domain::disk::ServerDisk;
use domain::field::FieldError;
use domain::id::{RentalId, SliceId};
use domain::machine::{Observation, REPORT_MACHINES_MAX, REPORT_SECONDS, Usage};
use domain::ssh::{Endpoint, EndpointFields, ReportedEndpoint};
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::machines::Watched;
use strum::VariantArray;
use web::form::keep;
use web::operation::{Access, Operation, schema_of};

use crate::agent::json::{GROUP, agent_name};
use crate::ports::json::PublicPortBody;

/// `POST /api/agent/machines`
pub(crate) const REPORT_MACHINES: Operation = Operation {
    id: "reportMachines",
    group: GROUP,
    method: Method::POST,
    path: "/api/agent/machines",
    summary: "Reports how an agent's machines are, and returns the machines it should have.",
    access: Access::Account(Scope::Agent),
    body: Some(schema_of::<ReportBody>),
    about_answer: "The machines that this agent should have, and when to report again. Machines \
                   of other agents and machines that are being removed are ignored.",
    answer: Some(schema_of::<MachinesAnswer>),
    ..Operation::READ
};

/// How an agent's machines are.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReportBody {
    /// What the agent calls itself, as when it leases jobs.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    pub agent: String,
    /// At most 400 machines. Leave out a machine whose state you can't tell. Send several requests
    /// for more.
    #[schemars(length(max = 400))]
    pub machines: Vec<MachineBody>,
    /// The disk of the agent's server on which its machines' disks are; left out where it can't be
    /// told. The farmer is notified once it is almost full.
    #[serde(default)]
    pub disk: Option<ServerDiskBody>,
}

/// The disk of an agent's server.
#[derive(Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerDiskBody {
    /// Its size, in bytes.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::whole")]
    pub bytes: i64,
    /// What is free of it.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::whole")]
    pub free_bytes: i64,
    /// By how much the disks of the machines on it may still grow; left out where that is not
    /// known.
    #[serde(default)]
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub growth_bytes: Option<i64>,
}

impl ServerDiskBody {
    fn read(self) -> Result<ServerDisk, FieldError> {
        let wrong = |_| FieldError::new("disk", "whole numbers from 0");
        let read = |number: i64| u64::try_from(number).map_err(wrong);
        Ok(ServerDisk {
            bytes: read(self.bytes)?,
            free_bytes: read(self.free_bytes)?,
            growth_bytes: self.growth_bytes.map(read).transpose()?,
        })
    }
}

/// How a machine is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MachineBody {
    /// The rental.
    pub rental_id: String,
    /// The slice, such as `node32_slice_1`.
    pub slice_id: String,
    /// `running`; `paused` where its server's disk is full; `off` where it is there and does not
    /// run; `absent` where it is not there.
    #[schemars(extend("enum" = ["running", "paused", "off", "absent"]))]
    pub state: String,
    /// Whether its SSH port answered with its host key, of a machine that is running.
    #[serde(default)]
    pub ssh: Option<bool>,
    /// Whether its SSH port accepts connections, where SSH does not answer. Then something inside
    /// the machine is wrong, and that is no downtime of its farm.
    #[serde(default)]
    pub port_open: Option<bool>,
    /// What can be done with it now; left out where that can't be told, so that it stays as it was
    /// reported. `power`: it can be started, shut down, restarted and reset.
    #[serde(default)]
    #[schemars(inner(regex(
        pattern = "^(power|console|user-data|set-keys|set-password|rebuild|set-ports)$"
    )))]
    pub can: Option<Vec<String>>,
    /// Where it is, of a machine that is running. If that has changed since it was set up, its
    /// renter is notified; left out, it stays as it was.
    #[serde(default)]
    pub endpoint: Option<EndpointBody>,
    /// What it uses of the server; what you don't know is left out.
    #[serde(default)]
    pub usage: UsageBody,
}

/// Where a machine is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndpointBody {
    /// An IP address or a host name.
    #[schemars(length(min = 1, max = 253))]
    pub address: String,
    /// The port of SSH.
    #[schemars(range(min = 1, max = 65535))]
    #[serde(deserialize_with = "web::json::whole")]
    pub port: i64,
    /// Its further ports that are reachable.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub ports: Vec<PublicPortBody>,
}

/// What a machine uses of the server.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct UsageBody {
    /// Of one processor since the last report, in percent.
    #[schemars(range(min = 0, max = 100_000))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub cpu_percent: Option<i64>,
    /// Memory, in bytes.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub memory_bytes: Option<i64>,
    /// Disk, in bytes.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub disk_bytes: Option<i64>,
    /// Received by its network since its start, in bytes.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub network_in_bytes: Option<i64>,
    /// Sent by its network since its start, in bytes.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub network_out_bytes: Option<i64>,
    /// The size of its fullest file system, in bytes, as the machine says itself. Its renter is
    /// notified once that is almost full.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub file_system_bytes: Option<i64>,
    /// What is used of it, in bytes.
    #[schemars(range(min = 0))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub file_system_used_bytes: Option<i64>,
}

impl UsageBody {
    fn read(self) -> Result<Usage, FieldError> {
        let whole = |number: i64| u64::try_from(number).ok();
        let wrong = || FieldError::new("usage", "whole numbers from 0");
        let read = |number: Option<i64>| number.map(|it| whole(it).ok_or_else(wrong)).transpose();
        let cpu_percent = read(self.cpu_percent)?;
        Ok(Usage {
            cpu_percent: cpu_percent.map(|it| u32::try_from(it).unwrap_or(u32::MAX)),
            memory_bytes: read(self.memory_bytes)?,
            disk_bytes: read(self.disk_bytes)?,
            network_in_bytes: read(self.network_in_bytes)?,
            network_out_bytes: read(self.network_out_bytes)?,
            file_system_bytes: read(self.file_system_bytes)?,
            file_system_used_bytes: read(self.file_system_used_bytes)?,
        })
    }
}

/// What a report calls the parts of an endpoint.
const FIELDS: EndpointFields =
    EndpointFields { address: "endpoint.address", port: "endpoint.port", ports: "endpoint.ports" };

impl EndpointBody {
    fn read(&self) -> Result<Endpoint, Vec<FieldError>> {
        let ports: Vec<_> = self.ports.iter().map(PublicPortBody::reported).collect();
        let EndpointBody { address, port, .. } = self;
        Endpoint::read(FIELDS, &ReportedEndpoint { address, port: *port, ports: &ports })
    }
}

/// What an agent has reported.
pub(crate) struct Reported<'a> {
    /// What it calls itself.
    pub name: &'a str,
    /// Its server's disk, if it says how that is.
    pub disk: Option<ServerDisk>,
    /// Its machines.
    pub machines: Vec<ReportedMachine>,
}

/// A machine as it was reported.
pub(crate) struct ReportedMachine {
    pub rental: RentalId,
    pub slice: SliceId,
    pub observation: Observation,
    pub can: Option<Capabilities>,
    pub endpoint: Option<Endpoint>,
    pub usage: Usage,
}

impl ReportBody {
    /// Reads who reports what, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<Reported<'_>, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let name = keep(&mut wrong, agent_name(&self.agent));
        let disk = keep(&mut wrong, self.disk.map(ServerDiskBody::read).transpose());
        if self.machines.len() > REPORT_MACHINES_MAX {
            let rule = format!("at most {REPORT_MACHINES_MAX}; send several requests for more");
            wrong.push(FieldError::new("machines", &rule));
        }
        let read: Result<Vec<_>, _> = self.machines.iter().map(MachineBody::read).collect();
        let machines = read.map_err(|errors| wrong.extend(errors)).ok();
        match (name, disk, machines) {
            (Some(name), Some(disk), Some(machines)) if wrong.is_empty() => {
                Ok(Reported { name, disk, machines })
            }
            _ => Err(wrong),
        }
    }
}

impl MachineBody {
    fn read(&self) -> Result<ReportedMachine, Vec<FieldError>> {
        let machine = self.read_state().map_err(|error| vec![error])?;
        match &self.endpoint {
            None => Ok(machine),
            Some(_) if self.ssh.is_none() => {
                Err(vec![FieldError::new("endpoint", "of a running machine only")])
            }
            Some(endpoint) => Ok(ReportedMachine { endpoint: Some(endpoint.read()?), ..machine }),
        }
    }

    fn read_state(&self) -> Result<ReportedMachine, FieldError> {
        let rental = RentalId::parse(&self.rental_id)
            .ok_or_else(|| FieldError::new("rental_id", "the id of a rental"))?;
        let slice = SliceId::parse(&self.slice_id)
            .ok_or_else(|| FieldError::new("slice_id", "a slice's id, such as node32_slice_1"))?;
        let observation = match (self.state.as_str(), self.ssh) {
            ("running", Some(true)) => Observation::Answers,
            ("running", Some(false)) if self.port_open == Some(true) => Observation::PortOpen,
            ("running", Some(false)) => Observation::Silent,
            ("paused", None) => Observation::Paused,
            ("off", None) => Observation::Off,
            ("absent", None) => Observation::Absent,
            ("running" | "paused" | "off" | "absent", _) => {
                return Err(FieldError::new("ssh", "true or false of a running machine only"));
            }
            _ => return Err(FieldError::new("state", "running, paused, off or absent")),
        };
        let can = self.can.as_ref().map(|names| names.iter().map(|name| name.parse()).collect());
        let can = can.transpose().map_err(|_: strum::ParseError| {
            let names = Capability::VARIANTS.iter().map(Capability::into_str);
            FieldError::new("can", &format!("any of {}", names.collect::<Vec<_>>().join(", ")))
        })?;
        let usage = self.usage.read()?;
        Ok(ReportedMachine { rental, slice, observation, can, endpoint: None, usage })
    }
}

/// The machines that an agent should have.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MachinesAnswer {
    /// Each machine, at most 512.
    pub machines: Vec<ExpectedMachine>,
    /// When to report again, in seconds.
    pub report_seconds: u32,
}

/// A machine that an agent should have.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ExpectedMachine {
    /// The rental.
    pub rental_id: String,
    /// The slice, such as `node32_slice_1`.
    pub slice_id: String,
    /// Whether it should run: start it after your server was restarted.
    pub should_run: bool,
}

impl MachinesAnswer {
    /// Shows the machines of an agent.
    pub(crate) fn new(watched: &[Watched]) -> MachinesAnswer {
        let machine = |it: &Watched| ExpectedMachine {
            rental_id: it.rental.to_string(),
            slice_id: it.slice.to_string(),
            should_run: it.should_run,
        };
        MachinesAnswer {
            machines: watched.iter().map(machine).collect(),
            report_seconds: REPORT_SECONDS,
        }
    }
}
