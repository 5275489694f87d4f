//! The market's API, as an agent sees it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use strum::IntoStaticStr;
use ureq::Agent;

use crate::config::{Config, Secret};
use crate::console::Offer;
use crate::protocol::{
    self, Action, Capability, Disk, Port, PublicPort, Reach, Refusal, Request, check_id,
};

/// How long a report may take, from name look-up to the answer's last byte.
const REPORT_LIMIT: Duration = Duration::from_secs(10);

/// How much longer than its wait a long poll may take.
const POLL_SLACK: Duration = Duration::from_secs(10);

/// The largest answer that is read, in bytes: user data has 64 KiB, before JSON escapes it.
const ANSWER_MAX: u64 = 512 * 1024;

/// How far a job is. The order is the order of the reports.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// The agent has taken the job.
    Accepted,
    /// The driver has made the disk.
    Disk,
    /// The driver has started the machine.
    Booting,
    /// The machine's SSH answers from outside.
    Reachable,
    /// It shows a host key that is its own, and lets nobody in without a key.
    Checked,
}

impl Step {
    /// A step that a driver may report: what is before and after is the agent's own.
    pub(crate) fn of_driver(text: &str) -> Option<Step> {
        [Step::Disk, Step::Booting].into_iter().find(|step| step.into_str() == text)
    }
}

/// What a job is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A machine is to be made.
    Create,
    /// A machine is to be removed.
    Remove,
    /// A machine that is off is to be started.
    Start,
    /// A machine is to be shut down.
    Shutdown,
    /// A machine is to be shut down and started.
    Restart,
    /// A machine is to be reset without asking it.
    Reset,
    /// Other keys are to get in to a machine.
    SetKeys,
    /// A machine is to be made anew.
    Rebuild,
    /// A machine is to get a password for its console.
    SetPassword,
    /// Other ports of a machine are to be reachable.
    SetPorts,
}

impl Kind {
    /// What the driver is asked to do.
    pub(crate) fn action(self) -> Action {
        match self {
            Kind::Create => Action::Create,
            Kind::Remove => Action::Remove,
            Kind::Start => Action::Start,
            Kind::Shutdown => Action::Shutdown,
            Kind::Restart => Action::Restart,
            Kind::Reset => Action::Reset,
            Kind::SetKeys => Action::SetKeys,
            Kind::Rebuild => Action::Rebuild,
            Kind::SetPassword => Action::SetPassword,
            Kind::SetPorts => Action::SetPorts,
        }
    }
}

/// A job, as the market gives it. Fields that are not known here are left alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: String,
    /// What is to be done.
    pub kind: Kind,
    /// The number of the lease: a report with an older one is refused.
    pub fence: u64,
    /// Which attempt this is, from 1.
    #[serde(default)]
    pub attempt: u32,
    /// The rental that it is for.
    pub rental_id: String,
    /// The slice that it is on.
    pub slice: Slice,
    /// The renter's keys.
    #[serde(default)]
    pub ssh_keys: Vec<String>,
    /// What cloud-init shall do, the template's document included.
    #[serde(default)]
    pub user_data: Option<String>,
    /// The ports that the renter wants to be reachable, beside that of SSH.
    #[serde(default)]
    pub ports: Vec<Port>,
    /// A command that succeeds in the machine once what the template sets up works.
    #[serde(default)]
    pub check: Option<String>,
    /// The template that was chosen.
    #[serde(default)]
    pub template: Option<Template>,
    /// What a password for the console comes to by crypt(3).
    #[serde(default)]
    pub password_hash: Option<String>,
}

/// The slice of a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    /// `node32_slice_1`.
    pub id: String,
    /// Virtual processors.
    pub cpu_cores: u32,
    /// Memory, in GB of 1024³ bytes.
    pub memory_gb: u32,
    /// The disk, in GB of 1024³ bytes.
    pub storage_gb: u32,
}

/// The name and version of a template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: u32,
}

impl Job {
    /// What the driver is asked for. An error is the reason to fail the job with.
    pub(crate) fn request(&self, action: Action) -> Result<Request, String> {
        let needs_all = matches!(action, Action::Create | Action::Rebuild);
        let needs_keys = needs_all || action == Action::SetKeys;
        let needs_hash = action == Action::SetPassword;
        let needs_ports = needs_all || action == Action::SetPorts;
        if let (Some(template), None, true) = (&self.template, &self.user_data, needs_all) {
            return Err(format!("the template {} has no document", template.name));
        }
        let memory_mib = self.slice.memory_gb.checked_mul(1024).ok_or("memory_gb: too much")?;
        let request = Request {
            version: protocol::VERSION,
            action,
            slice_id: self.slice.id.clone(),
            rental_id: self.rental_id.clone(),
            cpu_cores: self.slice.cpu_cores,
            memory_mib,
            disk_gib: self.slice.storage_gb,
            ssh_keys: if needs_keys { self.ssh_keys.clone() } else { Vec::new() },
            user_data: self.user_data.clone().filter(|_| needs_all),
            check: self.check.clone().filter(|_| needs_all),
            ports: if needs_ports { self.ports.clone() } else { Vec::new() },
            password_hash: self.password_hash.clone().filter(|_| needs_hash),
        };
        request.check()?;
        Ok(request)
    }
}

/// What a renter needs to log in, as it is reported to the market.
#[derive(Serialize)]
pub struct Access<'a> {
    address: &'a str,
    port: u16,
    user: &'a str,
    host_keys: &'a [String],
    console_url: Option<&'a str>,
    /// What the market signs links to the console with: this agent shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    console_secret: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    ports: &'a [PublicPort],
    notes: Option<&'a str>,
}

impl<'a> Access<'a> {
    pub(crate) fn new(reach: &'a Reach, console: &'a Offer) -> Access<'a> {
        let Reach { address, port, user, host_keys, console_url: _, ports } = reach;
        Access {
            address,
            port: *port,
            user,
            host_keys,
            console_url: console.url.as_deref(),
            console_secret: console.secret.as_deref(),
            ports,
            notes: None,
        }
    }
}

/// How a machine is, as it is reported to the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Sighting {
    pub(crate) rental_id: String,
    pub(crate) slice_id: String,
    /// `running`, `paused`, `off` or `absent`.
    pub(crate) state: &'static str,
    /// Whether SSH answers as the machine's own, if it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ssh: Option<bool>,
    /// That its SSH port accepts connections, if SSH does not answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) port_open: Option<bool>,
    /// What can be done with it, if the driver says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) can: Option<Vec<Capability>>,
    /// Where it is, if it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) endpoint: Option<Endpoint>,
    /// What it uses, if the driver says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) usage: Option<Used>,
}

/// What a machine uses of the server, as it is reported to the market.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Used {
    /// Of one processor, since the last look.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cpu_percent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disk_bytes: Option<u64>,
    /// Since its start.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_in_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) network_out_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_system_bytes: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) file_system_used_bytes: Option<u64>,
}

/// Where a machine is, as it is reported to the market.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Endpoint {
    address: String,
    port: u16,
    ports: Vec<PublicPort>,
}

impl Endpoint {
    pub(crate) fn new(reach: &Reach) -> Endpoint {
        let Reach { address, port, ports, .. } = reach.clone();
        Endpoint { address, port, ports }
    }
}

/// The machines that the market expects here.
#[derive(Debug, Deserialize)]
pub(crate) struct Watchlist {
    pub(crate) machines: Vec<Expected>,
    /// How often it wants reports of them.
    pub(crate) report_seconds: Option<u64>,
}

/// A machine that the market expects here.
#[derive(Debug, Deserialize)]
pub(crate) struct Expected {
    pub(crate) rental_id: String,
    pub(crate) slice_id: String,
    /// Whether the renter wants it to run.
    pub(crate) should_run: bool,
}

/// Why a request to the market did not do what it should.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ClientError {
    /// Somebody else has the job now.
    #[error("the lease is lost")]
    LeaseLost,
    /// The market refuses the report: to send it again is of no use.
    #[error("refused: {0}")]
    Refused(String),
    /// The market does not know the job, or this farm may not.
    #[error("unknown: {0}")]
    Unknown(String),
    /// It may work later.
    #[error("{why}")]
    Later {
        /// What happened.
        why: String,
        /// How long the market wants us to wait.
        wait: Option<Duration>,
    },
}

impl ClientError {
    /// How long the market wants us to wait.
    pub(crate) fn wait(&self) -> Option<Duration> {
        match self {
            ClientError::Later { wait, .. } => *wait,
            ClientError::LeaseLost | ClientError::Refused(_) | ClientError::Unknown(_) => None,
        }
    }
}

/// A connection to the market.
pub(crate) struct Client {
    http: Agent,
    server: String,
    token: Secret,
    agent: String,
}

#[derive(Deserialize)]
struct Leased {
    job: Job,
}

impl Client {
    pub(crate) fn new(config: &Config) -> Client {
        let http = Agent::config_builder()
            .http_status_as_error(false)
            .https_only(config.server.starts_with("https:"))
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("mycelium-agent/", env!("CARGO_PKG_VERSION")))
            .build()
            .new_agent();
        Client {
            http,
            server: config.server.clone(),
            token: config.token.clone(),
            agent: config.agent.clone(),
        }
    }

    /// Asks for a job, and waits for one for so long. `None`: there is none.
    pub(crate) fn lease(&self, wait: Duration) -> Result<Option<Job>, ClientError> {
        let body = json!({"agent": self.agent, "wait_seconds": wait.as_secs()});
        let answer = self.post("/api/agent/jobs/lease", &body, wait + POLL_SLACK)?;
        let Some(text) = answer else { return Ok(None) };
        let leased: Leased = serde_json::from_str(&text)
            .map_err(|e| later(format!("the marketplace's job is invalid: {e}"), None))?;
        check_id("the job's id", &leased.job.id).map_err(|why| later(why, None))?;
        Ok(Some(leased.job))
    }

    /// Says how far a job is, which prolongs the lease.
    pub(crate) fn progress(&self, job: &Job, step: Step) -> Result<(), ClientError> {
        self.report(job, "progress", &json!({"fence": job.fence, "step": step.into_str()}))
    }

    /// Says that a job is done.
    pub(crate) fn complete(
        &self,
        job: &Job,
        access: Option<&Access<'_>>,
    ) -> Result<(), ClientError> {
        let body = match access {
            Some(access) => json!({"fence": job.fence, "access": access}),
            None => json!({"fence": job.fence}),
        };
        self.report(job, "complete", &body)
    }

    /// Says that a job came to nothing.
    pub(crate) fn fail(&self, job: &Job, refusal: &Refusal) -> Result<(), ClientError> {
        let Refusal { error, retry, log } = refusal;
        let mut body = json!({"fence": job.fence, "reason": error, "retry": retry});
        if let Some(log) = log {
            body["log"] = log.as_str().into();
        }
        self.report(job, "fail", &body)
    }

    /// Says how machines are, and the disk that they are on, if that is known. The answer is what
    /// the market expects to be here.
    pub(crate) fn machines(
        &self,
        machines: &[Sighting],
        disk: Option<Disk>,
    ) -> Result<Watchlist, ClientError> {
        let mut body = json!({"agent": self.agent, "machines": machines});
        if let Some(disk) = disk {
            body["disk"] = json!(disk);
        }
        let answer = self.post("/api/agent/machines", &body, REPORT_LIMIT)?.unwrap_or_default();
        serde_json::from_str(&answer)
            .map_err(|e| later(format!("the marketplace's list of machines is invalid: {e}"), None))
    }

    fn report(&self, job: &Job, what: &str, body: &Value) -> Result<(), ClientError> {
        let path = format!("/api/agent/jobs/{}/{what}", job.id);
        self.post(&path, body, REPORT_LIMIT).map(|_| ())
    }

    /// Posts JSON. `None` is an answer without content.
    fn post(
        &self,
        path: &str,
        body: &Value,
        limit: Duration,
    ) -> Result<Option<String>, ClientError> {
        let response = self
            .http
            .post(format!("{}{path}", self.server))
            .config()
            .timeout_global(Some(limit))
            .build()
            .header("authorization", format!("Bearer {}", self.token.expose()))
            .header("content-type", "application/json")
            .header("accept", "application/json, application/problem+json")
            .send(body.to_string());
        let mut response = response.map_err(|error| later(error.to_string(), None))?;
        let status = response.status().as_u16();
        if status == 204 {
            return Ok(None);
        }
        let wait = response.headers().get("retry-after").and_then(|value| value.to_str().ok());
        let wait = wait.and_then(|text| text.parse().ok()).map(Duration::from_secs);
        let text = response.body_mut().with_config().limit(ANSWER_MAX).read_to_string();
        let text = text.map_err(|error| later(format!("{status}: {error}"), wait))?;
        if status == 200 {
            return Ok(Some(text));
        }
        Err(problem(status, &text, wait))
    }
}

fn later(why: String, wait: Option<Duration>) -> ClientError {
    ClientError::Later { why, wait }
}

/// What an answer other than 200 and 204 means.
fn problem(status: u16, text: &str, wait: Option<Duration>) -> ClientError {
    let document: Value = serde_json::from_str(text).unwrap_or_default();
    let field = |name: &str| document.get(name).and_then(Value::as_str);
    let kind = field("kind").or_else(|| field("type")).unwrap_or_default();
    let detail: String = field("detail").unwrap_or_default().chars().take(300).collect();
    let why = format!("{status} {kind} {detail}").trim_end().to_owned();
    match status {
        409 if kind.rsplit(['/', '#']).next() == Some("lease-lost") => ClientError::LeaseLost,
        400 | 413 | 422 => ClientError::Refused(why),
        404 => ClientError::Unknown(why),
        _ => later(why, wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_market_itself_takes_a_lease_away() {
        let check = |status, text, expected: fn(&ClientError) -> bool| {
            let error = problem(status, text, None);
            assert!(expected(&error), "{status} {text}: {error:?}");
        };
        let is_later = |e: &ClientError| matches!(e, ClientError::Later { .. });
        check(409, r#"{"kind":"lease-lost"}"#, |e| *e == ClientError::LeaseLost);
        check(409, r#"{"type":"/problems#lease-lost"}"#, |e| *e == ClientError::LeaseLost);
        check(409, r#"{"kind":"busy"}"#, is_later);
        check(409, "<html>", is_later);
        check(400, "", |e| matches!(e, ClientError::Refused(_)));
        check(404, "", |e| matches!(e, ClientError::Unknown(_)));
        for status in [301, 401, 403, 429, 500, 503] {
            check(status, "", is_later);
        }
    }
}
