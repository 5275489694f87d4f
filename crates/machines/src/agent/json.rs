//! What agents do: they lease jobs, report on them, and complete or fail them.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::{ActionId, JobId, RentalId, SliceId};
use domain::machine_action::MachineAction;
use domain::provisioning::Step;
use domain::ssh::{Access as SshAccess, ReportedAccess, ReportedEndpoint};
use domain::template::Template;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::jobs::Leased;
use store::machine_actions::LeasedAction;
use store::ssh_keys::KeyLines;
use ui::node::{CPU_CORES, MEMORY_GB, STORAGE_GB};
use web::form::keep;
use web::operation::{Access, Operation, schema_of};
use web::{Env, Kind, Problem};

use crate::access::open_user_data;
use crate::ports::json::{PortView, PublicPortBody};

pub(crate) const GROUP: &str = "Agents";

/// The most characters of an agent's name.
const NAME_CHARS_MAX: usize = 64;

/// The most characters of a reason that are kept.
const REASON_CHARS_MAX: usize = 500;

/// The most characters of a setup's log that are kept.
const LOG_CHARS_MAX: usize = 3_000;

/// `POST /api/agent/jobs/lease`
pub(crate) const LEASE_JOB: Operation = Operation {
    id: "leaseJob",
    group: GROUP,
    method: Method::POST,
    path: "/api/agent/jobs/lease",
    summary: "Leases your farm's oldest due job, or waits for one. The token must be limited to \
              one farm.",
    access: Access::Account(Scope::Agent),
    body: Some(schema_of::<LeaseBody>),
    about_answer: "The job. The lease lasts 60 seconds, and each report extends it.",
    nothing: Some("No job became due. Ask again."),
    answer: Some(schema_of::<LeaseAnswer>),
    problems: &[Kind::NoEncryptionKeys],
    ..Operation::READ
};

/// `POST /api/agent/jobs/{job}/progress`
pub(crate) const REPORT_PROGRESS: Operation = Operation {
    id: "reportProgress",
    group: GROUP,
    method: Method::POST,
    path: "/api/agent/jobs/{job}/progress",
    summary: "Reports a job's progress and extends its lease.",
    access: Access::Account(Scope::Agent),
    body: Some(schema_of::<ProgressBody>),
    about_answer: "When the lease ends.",
    answer: Some(schema_of::<ReportAnswer>),
    problems: &[Kind::LeaseLost],
    ..Operation::READ
};

/// `POST /api/agent/jobs/{job}/complete`
pub(crate) const COMPLETE_JOB: Operation = Operation {
    id: "completeJob",
    group: GROUP,
    method: Method::POST,
    path: "/api/agent/jobs/{job}/complete",
    summary: "Reports that a machine is ready and how to reach it, or that it was removed.",
    access: Access::Account(Scope::Agent),
    body: Some(schema_of::<CompleteBody>),
    about_answer: "The job is done. Repeating the report changes nothing.",
    answer: Some(schema_of::<ReportAnswer>),
    problems: &[Kind::LeaseLost, Kind::NoEncryptionKeys],
    ..Operation::READ
};

/// `POST /api/agent/jobs/{job}/fail`
pub(crate) const FAIL_JOB: Operation = Operation {
    id: "failJob",
    group: GROUP,
    method: Method::POST,
    path: "/api/agent/jobs/{job}/fail",
    summary: "Reports that a job failed, and whether it can be retried.",
    access: Access::Account(Scope::Agent),
    body: Some(schema_of::<FailBody>),
    about_answer: "The failure was recorded. Repeating the report changes nothing.",
    answer: Some(schema_of::<ReportAnswer>),
    problems: &[Kind::LeaseLost],
    ..Operation::READ
};

/// What an agent says when it asks for a job.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LeaseBody {
    /// What it calls itself: letters, digits, `.`, `_` and `-`, at most 64.
    #[schemars(regex(pattern = "^[A-Za-z0-9._-]{1,64}$"))]
    pub agent: String,
    /// How long to wait for a job, in seconds, 0 to 20; 0 where it is left out.
    #[schemars(range(min = 0, max = 20))]
    #[serde(default, deserialize_with = "web::json::optional_whole")]
    pub wait_seconds: Option<i64>,
}

impl LeaseBody {
    /// Reads who asks, and for how many seconds it waits.
    pub(crate) fn read(&self) -> Result<(&str, u32), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let name = keep(&mut wrong, agent_name(&self.agent));
        let seconds = u32::try_from(self.wait_seconds.unwrap_or(0)).ok();
        let max = domain::provisioning::WAIT_SECONDS_MAX;
        let rule = "a whole number, 0 to 20";
        let seconds = seconds.filter(|seconds| *seconds <= max);
        let seconds =
            keep(&mut wrong, seconds.ok_or_else(|| FieldError::new("wait_seconds", rule)));
        name.zip(seconds).ok_or(wrong)
    }
}

/// Reads what an agent calls itself.
pub(crate) fn agent_name(text: &str) -> Result<&str, FieldError> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let is_name = (1..=NAME_CHARS_MAX).contains(&text.len()) && text.chars().all(is_plain);
    let rule = "letters, digits, . _ and -, at most 64";
    is_name.then_some(text).ok_or_else(|| FieldError::new("agent", rule))
}

/// What a request for a job answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct LeaseAnswer {
    /// The job.
    pub job: JobView,
}

/// A job, with all that it takes to do it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JobView {
    /// Its id: reports name it.
    pub id: String,
    /// `create` or `remove`; `start`, `shutdown`, `restart` or `reset` of a machine that you
    /// created; or, where you have reported that it can, `set-keys`, `rebuild`,
    /// `set-password` or `set-ports`.
    pub kind: &'static str,
    /// Counts its leases: send it with each report. Whoever has a lower one has lost the job.
    pub fence: u32,
    /// Until when it is yours (RFC 3339).
    pub lease_expires_at: String,
    /// When it comes too late (RFC 3339).
    pub deadline_at: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// The rental.
    pub rental_id: String,
    /// The slice.
    pub slice: JobSlice,
    /// Public keys to let in, one line each.
    pub ssh_keys: Vec<String>,
    /// A document for cloud-init; null for none.
    pub user_data: Option<String>,
    /// What is to be reachable beside SSH, for `create`, `rebuild` and `set-ports`.
    pub ports: Vec<PortView>,
    /// A command of the machine's shell that succeeds once what our document sets up works: wait
    /// for that before you complete the job. Null where there is nothing to wait for.
    pub check: Option<&'static str>,
    /// Which of our documents that is; null for none, or for the renter's own.
    pub template: Option<JobTemplate>,
    /// Of `set-password`: what the password comes to by crypt(3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
}

impl JobView {
    /// Shows an action that was leased, with what it takes to do it: as the tables have it now.
    pub(crate) fn of_action(leased: &LeasedAction, env: &Env<'_>) -> Result<JobView, Problem> {
        let has_keys = matches!(leased.kind, MachineAction::SetKeys | MachineAction::Rebuild);
        let is_new = leased.kind == MachineAction::Rebuild;
        let template = leased.template.as_ref().filter(|_| is_new);
        let sealed = leased.sealed.as_ref().filter(|_| is_new);
        Ok(JobView {
            id: leased.id.to_string(),
            kind: leased.kind.into_str(),
            fence: leased.fence,
            lease_expires_at: leased.lease_expires_at.to_string(),
            deadline_at: leased.expires_at.to_string(),
            attempt: leased.fence,
            rental_id: leased.rental.to_string(),
            slice: JobSlice::new(leased.slice),
            ssh_keys: if has_keys { lines(leased.ssh_keys.as_ref()) } else { Vec::new() },
            user_data: user_data(env, leased.rental, template, sealed)?,
            ports: leased.ports.iter().copied().map(PortView::new).collect(),
            check: check(template),
            template: template.map(JobTemplate::new),
            password_hash: leased.password_hash.clone(),
        })
    }

    /// Shows a job that was leased to whoever has it.
    pub(crate) fn new(leased: &Leased, env: &Env<'_>) -> Result<JobView, Problem> {
        let template = leased.template.as_ref();
        Ok(JobView {
            id: leased.id.to_string(),
            kind: leased.kind.into_str(),
            fence: leased.fence,
            lease_expires_at: leased.lease_expires_at.to_string(),
            deadline_at: leased.deadline_at.to_string(),
            attempt: leased.attempt,
            rental_id: leased.rental.to_string(),
            slice: JobSlice::new(leased.slice),
            ssh_keys: lines(leased.ssh_keys.as_ref()),
            user_data: user_data(env, leased.rental, template, leased.sealed.as_ref())?,
            ports: leased.ports.iter().copied().map(PortView::new).collect(),
            check: check(template),
            template: template.map(JobTemplate::new),
            password_hash: None,
        })
    }
}

fn lines(keys: Option<&KeyLines>) -> Vec<String> {
    keys.map(|KeyLines(lines)| lines.clone()).unwrap_or_default()
}

/// How it is looked whether a document of ours works.
fn check(template: Option<&(String, u32)>) -> Option<&'static str> {
    let (name, version) = template?;
    Template::find(name, *version)?.check
}

/// What a machine starts with: a document of ours, or the renter's own.
fn user_data(
    env: &Env<'_>,
    rental: RentalId,
    template: Option<&(String, u32)>,
    sealed: Option<&Vec<u8>>,
) -> Result<Option<String>, Problem> {
    if let Some(sealed) = sealed {
        let own = open_user_data(&env.keys()?, rental, sealed);
        return own.map(Some).map_err(Problem::internal);
    }
    let Some((name, version)) = template else { return Ok(None) };
    let document = Template::find(name, *version)
        .ok_or_else(|| Problem::internal(format!("template {name} {version} no longer exists")))?;
    Ok(Some(document.user_data.to_owned()))
}

/// The slice of a job.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JobSlice {
    /// Such as `node32_slice_1`.
    pub id: String,
    /// The grid's number of the node.
    pub grid_node_id: u32,
    /// The slice's number on it.
    pub number: u32,
    /// Virtual processors.
    pub cpu_cores: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// SSD in GB.
    pub storage_gb: u32,
}

impl JobSlice {
    fn new(slice: SliceId) -> JobSlice {
        JobSlice {
            id: slice.to_string(),
            grid_node_id: slice.node.0,
            number: slice.number,
            cpu_cores: CPU_CORES,
            memory_gb: MEMORY_GB,
            storage_gb: STORAGE_GB,
        }
    }
}

/// A document of ours.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct JobTemplate {
    /// Such as `docker`.
    pub name: String,
    /// Counts its changes.
    pub version: u32,
}

impl JobTemplate {
    fn new((name, version): &(String, u32)) -> JobTemplate {
        JobTemplate { name: name.clone(), version: *version }
    }
}

/// How far a job is.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProgressBody {
    /// That of the lease.
    pub fence: u32,
    /// The step that was just done.
    #[schemars(extend("enum" = ["accepted", "disk", "booting", "reachable", "checked"]))]
    pub step: String,
}

impl ProgressBody {
    /// Reads the step.
    pub(crate) fn read(&self) -> Result<Step, FieldError> {
        let rule = "accepted, disk, booting, reachable or checked";
        self.step.parse().map_err(|_| FieldError::new("step", rule))
    }
}

/// A machine is there, or is gone.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompleteBody {
    /// That of the lease.
    pub fence: u32,
    /// How the machine is reached; left out of all jobs but `create` and `rebuild`.
    #[serde(default)]
    pub access: Option<AccessBody>,
}

/// How a machine is reached.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AccessBody {
    /// An IP address or a host name.
    #[schemars(length(min = 1, max = 253))]
    pub address: String,
    /// The port of SSH.
    #[schemars(range(min = 1, max = 65535))]
    #[serde(deserialize_with = "web::json::whole")]
    pub port: i64,
    /// Whom to log in as.
    #[schemars(regex(pattern = "^[a-z_][a-z0-9_-]{0,31}$"))]
    pub user: String,
    /// The machine's public host keys in OpenSSH's form.
    #[schemars(length(min = 1, max = 8))]
    pub host_keys: Vec<String>,
    /// Where its console is, over TLS or in a private network; null for none.
    #[serde(default)]
    #[schemars(length(max = 500))]
    pub console_url: Option<String>,
    /// 32 random bytes that links to the console are signed with, where the agent shows it: a link
    /// ends in `?expires=…&signature=…`, and its signature is the HMAC-SHA-256 of
    /// `<slice>/<rental>\n<expires>`. Nobody is shown it. Null where the address is the link.
    #[serde(default)]
    #[schemars(regex(pattern = "^[0-9A-Fa-f]{64}$"))]
    pub console_secret: Option<String>,
    /// Its further ports that are reachable.
    #[serde(default)]
    #[schemars(length(max = 10))]
    pub ports: Vec<PublicPortBody>,
    /// Anything else, as text; null for nothing.
    #[serde(default)]
    #[schemars(length(max = 1000))]
    pub notes: Option<String>,
}

impl AccessBody {
    /// Reads how a machine is reached; every field that is wrong.
    pub(crate) fn read(&self) -> Result<SshAccess, Vec<FieldError>> {
        let ports: Vec<_> = self.ports.iter().map(PublicPortBody::reported).collect();
        let endpoint = ReportedEndpoint { address: &self.address, port: self.port, ports: &ports };
        SshAccess::read(&ReportedAccess {
            endpoint,
            user: &self.user,
            host_keys: &self.host_keys,
            console_url: self.console_url.as_deref(),
            console_secret: self.console_secret.as_deref(),
            notes: self.notes.as_deref(),
        })
    }
}

/// A job could not be done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FailBody {
    /// That of the lease.
    pub fence: u32,
    /// Why, in a sentence for the renter; the first 500 characters are kept.
    #[schemars(length(min = 1))]
    pub reason: String,
    /// Whether it may work another time.
    pub retry: bool,
    /// The end of what the machine's setup said, for the renter: the last 3,000 characters are
    /// kept.
    #[serde(default)]
    #[schemars(length(max = 16384))]
    pub log: Option<String>,
}

impl FailBody {
    /// The end of the log, without characters that a terminal obeys.
    pub(crate) fn short_log(&self) -> Option<String> {
        let is_plain = |c: &char| *c == '\n' || !c.is_control();
        let plain: Vec<char> = self.log.as_ref()?.chars().filter(is_plain).collect();
        let start = plain.len().saturating_sub(LOG_CHARS_MAX);
        let text: String = plain[start..].iter().collect();
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// The reason, on one line and cut.
    pub(crate) fn short_reason(&self) -> String {
        let plain = |c: char| if c.is_control() { ' ' } else { c };
        self.reason.chars().map(plain).take(REASON_CHARS_MAX).collect()
    }
}

/// What a report answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ReportAnswer {
    /// Until when the job is yours, where it still is (RFC 3339).
    pub lease_expires_at: String,
}

/// What an agent reports on.
pub(crate) enum Subject {
    /// A job: a machine is created or removed.
    Job(JobId),
    /// An action: something is done with a machine.
    Action(ActionId),
}

impl Subject {
    /// Reads an id in a path; what is not one does not exist.
    pub(crate) fn parse(text: &str) -> Result<Subject, Problem> {
        let action = ActionId::parse(text).map(Subject::Action);
        action.or_else(|| JobId::parse(text).map(Subject::Job)).ok_or_else(Problem::not_found)
    }
}
