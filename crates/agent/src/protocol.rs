//! What the agent and a driver say to each other: one JSON document in, one out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use strum::IntoStaticStr;

/// The version of the protocol that this crate speaks.
pub const VERSION: u32 = 1;

/// The longest id of a slice or of a rental, in characters.
const ID_MAX: usize = 64;

/// The most keys of one machine.
const KEYS_MAX: usize = 16;

/// The longest key, in characters: an RSA key of 16384 bits has about 2800.
const KEY_MAX: usize = 8 * 1024;

/// The longest user data, in bytes.
const USER_DATA_MAX: usize = 64 * 1024;

/// The longest check of a setup, in characters.
const CHECK_MAX: usize = 500;

/// The most ports of one machine, beside that of SSH.
pub(crate) const PORTS_MAX: usize = 10;
/// The longest hash of a password, in bytes: SHA-512 has about 120.
const HASH_MAX: usize = 256;

/// Kinds of keys that OpenSSH takes, as they begin.
const KEY_KINDS: [&str; 7] = [
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
];

/// What a driver shall do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Makes the machine of a rental on a slice, unless it is there.
    Create,
    /// Ends the machine and wipes what it had, if it is there.
    Remove,
    /// Says whether the machine is there, and how to reach it.
    Status,
    /// Says where its console is.
    Console,
    /// Starts the machine, if it is off.
    Start,
    /// Shuts the machine down as its power button does, and by force if it takes too long.
    Shutdown,
    /// Shuts the machine down and starts it.
    Restart,
    /// Resets the machine at once, without asking it; starts it, if it is off.
    Reset,
    /// Lets these keys in instead of those that it was given before. Others, which its renter has
    /// brought, stay.
    SetKeys,
    /// Makes the machine anew, with the same address and port: what was on it is deleted.
    Rebuild,
    /// Sets the password of the user that the renter logs in as, for the console.
    SetPassword,
    /// Makes these ports of the machine reachable from outside, and no others.
    SetPorts,
}

/// What a port is of.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema, IntoStaticStr,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
#[serde(rename_all = "snake_case")]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port in a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// `tcp` or `udp`.
    pub protocol: Transport,
    /// Its number in the machine.
    #[schemars(range(min = 1))]
    pub port: u16,
}

/// A port in a machine, and where it is reached from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PublicPort {
    /// `tcp` or `udp`.
    pub protocol: Transport,
    /// Its number in the machine.
    #[schemars(range(min = 1))]
    pub port: u16,
    /// Its number at the machine's address.
    #[schemars(range(min = 1))]
    pub public_port: u16,
}

impl PublicPort {
    pub(crate) fn is_one(self) -> bool {
        self.port > 0 && self.public_port > 0
    }

    /// The port in the machine.
    pub fn inner(self) -> Port {
        Port { protocol: self.protocol, port: self.port }
    }
}

/// The document on a driver's standard input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The version of this protocol: 1.
    pub version: u32,
    /// What shall be done.
    pub action: Action,
    /// The slice: `node32_slice_1`.
    pub slice_id: String,
    /// The rental. With the slice it names one machine.
    pub rental_id: String,
    /// Virtual processors. Sizes and user data count for `create` and `rebuild` only, keys for
    /// these and `set_keys`.
    pub cpu_cores: u32,
    /// Memory, in MiB.
    pub memory_mib: u32,
    /// The disk, in GiB.
    pub disk_gib: u32,
    /// The renter's public keys, a line each. Nobody else may log in.
    pub ssh_keys: Vec<String>,
    /// What cloud-init shall do beyond that, or null.
    pub user_data: Option<String>,
    /// What the password comes to by crypt(3), of `set_password`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_hash: Option<String>,
    /// The ports to make reachable beside that of SSH. They count for `create`, `rebuild` and
    /// `set_ports` only.
    #[serde(default)]
    pub ports: Vec<Port>,
    /// A command of the machine's shell that succeeds once what the user data sets up works, or
    /// null. For `create` and `rebuild` only.
    #[serde(default)]
    pub check: Option<String>,
}

/// What there is to ask of a driver about no machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiskAction {
    /// Says how full the disk is that machines are on.
    Disk,
}

/// The other document on a driver's standard input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiskRequest {
    /// The version of this protocol: 1.
    pub version: u32,
    /// `disk`.
    pub action: DiskAction,
}

impl Request {
    /// Says what is wrong with it, in words for a person. Ids become names of files, and keys
    /// become lines of files, so this is where nothing else gets through.
    pub fn check(&self) -> Result<(), String> {
        if self.version != VERSION {
            return Err(format!("this is version {VERSION} of the protocol, not {}", self.version));
        }
        check_id("slice_id", &self.slice_id)?;
        check_id("rental_id", &self.rental_id)?;
        let is_size = self.cpu_cores > 0 && self.memory_mib > 0 && self.disk_gib > 0;
        if !is_size {
            return Err("cpu_cores, memory_mib and disk_gib are at least 1".to_owned());
        }
        let needs_keys = matches!(self.action, Action::Create | Action::Rebuild | Action::SetKeys);
        if needs_keys && self.ssh_keys.is_empty() {
            return Err("ssh_keys: at least one key is required".to_owned());
        }
        if self.ssh_keys.len() > KEYS_MAX {
            return Err(format!("ssh_keys: at most {KEYS_MAX}"));
        }
        if let Some(key) = self.ssh_keys.iter().find(|key| !is_key(key)) {
            let start: String = key.chars().take(20).collect();
            return Err(format!("ssh_keys: not a public key: {start:?}"));
        }
        if self.user_data.as_ref().is_some_and(|text| text.len() > USER_DATA_MAX) {
            return Err(format!("user_data: at most {USER_DATA_MAX} bytes"));
        }
        let is_line = |text: &String| text.len() <= CHECK_MAX && !text.contains(char::is_control);
        if !self.check.as_ref().is_none_or(is_line) {
            return Err(format!("check: one line of at most {CHECK_MAX} characters"));
        }
        if self.ports.len() > PORTS_MAX {
            return Err(format!("ports: at most {PORTS_MAX}"));
        }
        let is_new = |at: usize, port: &Port| port.port != 0 && !self.ports[..at].contains(port);
        if !self.ports.iter().enumerate().all(|(at, port)| is_new(at, port)) {
            return Err("ports: from 1 to 65535, each once".to_owned());
        }
        let has_hash = self.password_hash.as_deref().map(is_password_hash);
        if has_hash == Some(false) || (self.action == Action::SetPassword && has_hash.is_none()) {
            return Err("password_hash: a hash as crypt(3) writes it".to_owned());
        }
        Ok(())
    }
}

/// An id that may be the name of a file.
pub(crate) fn check_id(name: &str, id: &str) -> Result<(), String> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let is_id = !id.is_empty() && id.len() <= ID_MAX && id.bytes().all(is_plain);
    is_id.then_some(()).ok_or_else(|| format!("{name}: 1 to {ID_MAX} of a-z, A-Z, 0-9, _ and -"))
}

/// Whether this is a public key on one line, as OpenSSH writes them: kind, base64, comment.
pub(crate) fn is_key(line: &str) -> bool {
    let mut words = line.split(' ');
    let (kind, body) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let is_base64 = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    line.len() <= KEY_MAX
        && !line.chars().any(char::is_control)
        && KEY_KINDS.contains(&kind)
        && body.len() >= 16
        && body.bytes().all(is_base64)
}

/// Whether this may be what a password comes to by crypt(3).
fn is_password_hash(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'/' | b'$' | b'=');
    text.len() <= HASH_MAX && text.starts_with('$') && text.bytes().all(is_part)
}

/// What a driver knows about a machine that is there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reach {
    /// The IP address or name that the renter connects to.
    pub address: String,
    /// The port of SSH.
    pub port: u16,
    /// Who the renter logs in as.
    pub user: String,
    /// The public keys that the machine shows, a line each: kind and base64.
    pub host_keys: Vec<String>,
    /// Where its console is, or null: an address for a browser, or `unix:` and the path of a socket
    /// on this server, which the agent shows in a browser.
    #[serde(default)]
    pub console_url: Option<String>,
    /// Its further ports that are reachable at its address.
    #[serde(default)]
    pub ports: Vec<PublicPort>,
}

/// What an action came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Machine {
    /// The machine is there and runs.
    Running(Reach),
    /// The machine is there, and has been paused because its server's disk is full.
    Paused,
    /// The machine is there and whole, but does not run.
    Off,
    /// There is none, and nothing is left of one.
    Absent,
}

/// Something that can be done with a machine, or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Capability {
    /// It can be started, shut down, restarted and reset.
    Power,
    /// It has a console.
    Console,
    /// It can start with its renter's own user data.
    UserData,
    /// The keys that get in can be changed.
    SetKeys,
    /// A password for the console can be set.
    SetPassword,
    /// It can be made anew, with the same address and ports.
    Rebuild,
    /// Further ports can be opened and closed.
    SetPorts,
}

/// What a machine uses of the server, as far as the driver knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Usage {
    /// The processor time that it has used so far, in milliseconds; it may begin anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_ms: Option<u64>,
    /// Memory, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<u64>,
    /// Disk, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disk_bytes: Option<u64>,
    /// What it has received by its network since its start, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_in_bytes: Option<u64>,
    /// What it has sent by its network since its start, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_out_bytes: Option<u64>,
    /// The size of its fullest file system, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_system_bytes: Option<u64>,
    /// What is used of that, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file_system_used_bytes: Option<u64>,
}

/// The disk that a driver's machines are on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    /// Its size, in bytes.
    pub bytes: u64,
    /// What is free of it.
    pub free_bytes: u64,
    /// By how much the disks of the machines on it may still grow, if the driver knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub growth_bytes: Option<u64>,
}

/// How far the setup of a machine is that was created with a check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Setup {
    /// The check has not succeeded yet.
    Running,
    /// It has.
    Done,
    /// It did not in time.
    Failed {
        /// The end of what the setup said.
        log: String,
    },
}

/// What an action came to, and what can be done with the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// How the machine is.
    pub machine: Machine,
    /// What can be done with it; nothing where the driver does not say.
    pub can: Option<Vec<Capability>>,
    /// How far its setup is; nothing where it had no check, or the driver can't say.
    pub setup: Option<Setup>,
    /// What it uses; nothing where the driver does not say.
    pub usage: Option<Usage>,
}

impl Outcome {
    /// A machine and what can be done with it, if there is one.
    pub fn new(machine: Machine, can: &[Capability]) -> Outcome {
        let can = (machine != Machine::Absent).then(|| can.to_vec());
        Outcome { machine, can, setup: None, usage: None }
    }

    /// The same with what it uses.
    #[must_use]
    pub fn with_usage(self, usage: Option<Usage>) -> Outcome {
        Outcome { usage, ..self }
    }

    /// The same with how far its setup is.
    #[must_use]
    pub fn with_setup(self, setup: Option<Setup>) -> Outcome {
        Outcome { setup, ..self }
    }
}

impl From<Machine> for Outcome {
    fn from(machine: Machine) -> Outcome {
        Outcome { machine, can: None, setup: None, usage: None }
    }
}

/// Why an action came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// For the operator.
    pub error: String,
    /// Whether the same may work later.
    pub retry: bool,
    /// The end of what the machine's setup said, for the renter.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log: Option<String>,
}

impl Refusal {
    /// What may work later.
    pub fn later(error: impl Into<String>) -> Refusal {
        Refusal { error: error.into(), retry: true, log: None }
    }

    /// What will never work as it is.
    pub fn never(error: impl Into<String>) -> Refusal {
        Refusal { error: error.into(), retry: false, log: None }
    }
}

impl From<anyhow::Error> for Refusal {
    fn from(error: anyhow::Error) -> Refusal {
        Refusal::later(format!("{error:#}"))
    }
}

/// The document on a driver's standard output.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Answer {
    /// The machine is there and runs.
    Running {
        /// The action worked.
        #[schemars(extend("const" = true))]
        ok: bool,
        /// `running`.
        #[schemars(extend("const" = "running"))]
        state: String,
        /// How to reach it.
        #[serde(flatten)]
        reach: Box<Reach>,
        /// What can be done with it now: of an answer to `status`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        can: Option<Vec<Capability>>,
        /// How far its setup is, if it was created with a check: of an answer to `status`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        setup: Option<Setup>,
        /// What it uses of the server: of an answer to `status`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// The machine does not run, or there is none.
    NotRunning {
        /// The action worked.
        #[schemars(extend("const" = true))]
        ok: bool,
        /// `paused`: the server's disk is full. `off`: the machine is there and whole. `absent`:
        /// there is none.
        #[schemars(extend("enum" = ["paused", "off", "absent"]))]
        state: String,
        /// What can be done with it now: of an answer to `status`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        can: Option<Vec<Capability>>,
    },
    /// The disk that machines are on.
    Disk {
        /// The action worked.
        #[schemars(extend("const" = true))]
        ok: bool,
        /// How full it is.
        disk: Disk,
    },
    /// The action did not work.
    Refused {
        /// The action did not work.
        #[schemars(extend("const" = false))]
        ok: bool,
        /// Why, for the operator.
        error: String,
        /// Whether the same may work later.
        retry: bool,
    },
}

impl From<Refusal> for Answer {
    fn from(Refusal { error, retry, .. }: Refusal) -> Answer {
        Answer::Refused { ok: false, error, retry }
    }
}

impl From<Disk> for Answer {
    fn from(disk: Disk) -> Answer {
        Answer::Disk { ok: true, disk }
    }
}

impl From<Outcome> for Answer {
    fn from(Outcome { machine, can, setup, usage }: Outcome) -> Answer {
        let state = match machine {
            Machine::Running(reach) => {
                let (state, reach) = ("running".to_owned(), Box::new(reach));
                return Answer::Running { ok: true, state, reach, can, setup, usage };
            }
            Machine::Paused => "paused".to_owned(),
            Machine::Off => "off".to_owned(),
            Machine::Absent => "absent".to_owned(),
        };
        Answer::NotRunning { ok: true, state, can }
    }
}

impl Answer {
    /// What the document says of a disk; an error where it contradicts itself.
    pub fn disk(self) -> Result<Result<Disk, Refusal>, String> {
        match self {
            Answer::Disk { ok: true, disk } => Ok(Ok(disk)),
            Answer::Refused { ok: false, error, retry } => {
                Ok(Err(Refusal { error, retry, log: None }))
            }
            _ => Err("disk is missing".to_owned()),
        }
    }

    /// What the document says of a machine; an error where it contradicts itself.
    pub fn result(self) -> Result<Result<Outcome, Refusal>, String> {
        let (machine, can) = match self {
            Answer::Running { ok: true, state, reach, can, setup, usage } if state == "running" => {
                let machine = Machine::Running(*reach);
                return Ok(Ok(Outcome { machine, can, setup, usage }));
            }
            Answer::NotRunning { ok: true, state, can } if state == "paused" => {
                (Machine::Paused, can)
            }
            Answer::NotRunning { ok: true, state, can } if state == "off" => (Machine::Off, can),
            Answer::NotRunning { ok: true, state, can } if state == "absent" => {
                (Machine::Absent, can)
            }
            Answer::Refused { ok: false, error, retry } => {
                return Ok(Err(Refusal { error, retry, log: None }));
            }
            Answer::Running { ok, state, .. } | Answer::NotRunning { ok, state, .. } => {
                let why = "does not go with";
                return Err(format!("ok: {ok} {why} state: {state:?}, or a field is missing"));
            }
            Answer::Refused { .. } => return Err("ok: true with an error".to_owned()),
            Answer::Disk { .. } => return Err("state is missing".to_owned()),
        };
        Ok(Ok(Outcome { machine, can, setup: None, usage: None }))
    }
}

/// Both documents, for `driver.schema.json`.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "only its schema is used")]
struct Protocol {
    request: Request,
    disk_request: DiskRequest,
    answer: Answer,
}

/// The JSON Schema of both documents, as text.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Protocol);
    serde_json::to_string_pretty(&schema).expect("a schema is JSON") + "\n"
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    pub(crate) const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ0bXlj1WbYyVSMMTYyMTYyMTYyMTYyMTYyMTYy a@b";

    fn request() -> Request {
        Request {
            version: VERSION,
            action: Action::Create,
            slice_id: "node32_slice_1".to_owned(),
            rental_id: "0b7e".to_owned(),
            cpu_cores: 1,
            memory_mib: 4096,
            disk_gib: 200,
            ssh_keys: vec![KEY.to_owned()],
            user_data: None,
            ports: Vec::new(),
            check: None,
            password_hash: None,
        }
    }

    #[test]
    fn the_schema_is_the_one_that_is_documented() {
        expect_file!["../driver.schema.json"].assert_eq(&schema());
    }

    fn tcp(port: u16) -> Port {
        Port { protocol: Transport::Tcp, port }
    }

    #[test]
    fn nothing_but_ids_and_keys_gets_through() {
        let check = |change: fn(&mut Request), expected: Option<&str>| {
            let mut request = request();
            change(&mut request);
            let error = request.check().err();
            match expected {
                None => assert_eq!(error, None),
                Some(start) => assert!(
                    error.as_deref().is_some_and(|error| error.starts_with(start)),
                    "{error:?}"
                ),
            }
        };
        check(|_| {}, None);
        check(|r| r.version = 2, Some("this is version 1"));
        check(|r| r.slice_id = "../x".to_owned(), Some("slice_id"));
        check(|r| r.slice_id.clear(), Some("slice_id"));
        check(|r| r.rental_id = "a".repeat(65), Some("rental_id"));
        check(|r| r.rental_id = "a b".to_owned(), Some("rental_id"));
        check(|r| r.memory_mib = 0, Some("cpu_cores"));
        check(|r| r.ssh_keys.clear(), Some("ssh_keys: at least one key is required"));
        check(|r| r.ssh_keys.push(format!("{KEY}\nssh-rsa")), Some("ssh_keys: not"));
        check(|r| r.ssh_keys.push(format!("command=\"x\" {KEY}")), Some("ssh_keys: not"));
        check(|r| r.ssh_keys = vec![KEY.to_owned(); 17], Some("ssh_keys: at most"));
        check(|r| r.user_data = Some("#".repeat(USER_DATA_MAX + 1)), Some("user_data"));
        check(|r| r.ports = vec![tcp(80), Port { protocol: Transport::Udp, port: 80 }], None);
        check(|r| r.ports = vec![tcp(80), tcp(80)], Some("ports: from 1"));
        check(|r| r.ports = vec![tcp(0)], Some("ports: from 1"));
        check(|r| r.check = Some("docker info".to_owned()), None);
        check(|r| r.check = Some("true\nfalse".to_owned()), Some("check: one line"));
        check(|r| r.check = Some("#".repeat(501)), Some("check: one line"));
        check(|r| r.ports = (1..=11).map(tcp).collect(), Some("ports: at most"));
        check(
            |r| {
                r.action = Action::Remove;
                r.ssh_keys.clear();
            },
            None,
        );
        check(
            |r| {
                r.action = Action::SetKeys;
                r.ssh_keys.clear();
            },
            Some("ssh_keys: at least one key is required"),
        );
        check(|r| r.action = Action::SetPassword, Some("password_hash"));
        check(|r| r.password_hash = Some("$6$a b".to_owned()), Some("password_hash"));
        check(|r| r.password_hash = Some("root:x".to_owned()), Some("password_hash"));
        check(
            |r| {
                r.action = Action::SetPassword;
                r.password_hash = Some("$6$rounds=5000$salt$abc./".to_owned());
            },
            None,
        );
    }

    #[test]
    fn an_answer_that_contradicts_itself_is_none() {
        let check = |text: &str, is_one: bool| {
            let answer = serde_json::from_str::<Answer>(text).map_err(|e| e.to_string());
            assert_eq!(answer.and_then(Answer::result).is_ok(), is_one, "{text}");
        };
        check(r#"{"ok":true,"state":"absent"}"#, true);
        check(r#"{"ok":true,"state":"off"}"#, true);
        check(r#"{"ok":true,"state":"paused"}"#, true);
        check(r#"{"ok":true,"state":"asleep"}"#, false);
        check(r#"{"ok":false,"state":"off"}"#, false);
        check(r#"{"ok":false,"error":"full","retry":true}"#, true);
        check(
            r#"{"ok":true,"state":"running","address":"a","port":1,"user":"u","host_keys":[]}"#,
            true,
        );
        check(r#"{"ok":true,"state":"off","can":["power","set-keys"]}"#, true);
        check(r#"{"ok":true,"state":"off","can":["fly"]}"#, false);
        let running =
            r#"{"ok":true,"state":"running","address":"a","port":1,"user":"u","host_keys":[]"#;
        check(&format!(r#"{running},"setup":{{"state":"failed","log":"no network"}}}}"#), true);
        check(&format!(r#"{running},"setup":{{"state":"failed"}}}}"#), false);
        check(r#"{"ok":true,"state":"running"}"#, false);
        check(r#"{"ok":false,"state":"absent"}"#, false);
        check(r#"{"ok":true,"error":"full","retry":true}"#, false);
        check(r#"{"ok":false,"error":"full"}"#, false);
        check(r#"{"ok":true,"disk":{"bytes":2,"free_bytes":1}}"#, false);
        check("{}", false);
        check("null", false);
    }

    #[test]
    fn an_answer_about_a_disk_is_read() {
        let check = |text: &str, expected: Option<Option<Disk>>| {
            let answer = serde_json::from_str::<Answer>(text).map_err(|e| e.to_string());
            let found = answer.and_then(Answer::disk).ok();
            assert_eq!(found.map(Result::ok), expected, "{text}");
        };
        let disk = |growth_bytes| Some(Some(Disk { bytes: 2, free_bytes: 1, growth_bytes }));
        check(r#"{"ok":true,"disk":{"bytes":2,"free_bytes":1}}"#, disk(None));
        check(r#"{"ok":true,"disk":{"bytes":2,"free_bytes":1,"growth_bytes":9}}"#, disk(Some(9)));
        check(r#"{"ok":false,"error":"no","retry":false}"#, Some(None));
        check(r#"{"ok":false,"disk":{"bytes":2,"free_bytes":1}}"#, None);
        check(r#"{"ok":true,"disk":{"bytes":2}}"#, None);
        check(r#"{"ok":true,"state":"absent"}"#, None);
    }
}
