//! `driver-tfgrid`: machines on the ThreeFold Grid, by a grid HTTP server (`grid_http_server` of
//! tfgrid-sdk-ts), which holds the farmer's words and signs for them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use ureq::Agent;

use crate::config::{check_path, server_address};
use crate::drive::{note, step};
use crate::journal::{make_folder, write_whole};
use crate::protocol::{
    Action, Capability, Machine, Outcome, Port, PublicPort, Reach, Refusal, Request, is_key,
};

/// What can be done with each machine.
const CAPABILITIES: [Capability; 2] = [Capability::Console, Capability::SetPorts];

/// The root file system, in GiB. What is left of the slice is the disk.
const ROOT_GIB: u32 = 20;

/// Where the disk is in the machine.
const MOUNT_POINT: &str = "/data";

/// The addresses of the machine's private network.
const IP_RANGE: &str = "10.249.0.0/16";

/// The largest answer that is read, in bytes.
const ANSWER_MAX: u64 = 1024 * 1024;

/// How often a machine that starts is looked at.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// How long a question may take; deploying and deleting have a limit of their own.
const ASK_LIMIT: Duration = Duration::from_secs(45);

/// What the server's refusals have in them that will not change.
const NEVER: [&str; 4] = ["validation", "validator", "is not exposed", "must be"];

/// What the server says of a name that is taken: its own words in `machines.ts`.
const EXISTS: &str = "already exists";

/// Configuration of this driver.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grid {
    /// The grid HTTP server: it asks nobody for a password, so it is on this machine.
    server: String,
    /// What was seen of machines: their host keys.
    state_folder: PathBuf,
    #[serde(default = "flist")]
    flist: String,
    #[serde(default = "entrypoint")]
    entrypoint: String,
    /// The port of SSH in a machine.
    #[serde(default = "ssh_port")]
    ssh_port: u16,
    /// How long deploying and deleting may take.
    #[serde(default = "deploy_seconds")]
    deploy_seconds: u64,
    /// How long a machine may take until it shows its host keys.
    #[serde(default = "start_seconds")]
    start_seconds: u64,
}

fn flist() -> String {
    "https://hub.grid.tf/tf-official-apps/threefoldtech-ubuntu-22.04.flist".to_owned()
}

fn entrypoint() -> String {
    "/sbin/zinit init".to_owned()
}

fn ssh_port() -> u16 {
    22
}

fn deploy_seconds() -> u64 {
    300
}

fn start_seconds() -> u64 {
    180
}

/// Reads the configuration of this driver.
pub fn configure(file: &Path) -> Result<Grid> {
    let name = || file.display().to_string();
    let text = fs::read_to_string(file).with_context(name)?;
    let mut grid: Grid = toml::from_str(&text).with_context(name)?;
    grid.server = server_address(Some(grid.server)).with_context(name)?;
    check_path("state_folder", &grid.state_folder).with_context(name)?;
    make_folder(&grid.state_folder)?;
    Ok(grid)
}

/// Does what is asked.
pub fn act(grid: &Grid, request: &Request) -> Result<Outcome, Refusal> {
    let deployment = Deployment { grid, name: name(request) };
    match request.action {
        Action::Create => create(&deployment, request).map(Outcome::from),
        Action::Remove => remove(&deployment).map(Outcome::from),
        Action::Status | Action::Console => {
            let machine = match deployment.find()? {
                None => Machine::Absent,
                Some(found) => Machine::Running(deployment.reach(&found)?),
            };
            Ok(Outcome::new(machine, &CAPABILITIES))
        }
        Action::Start | Action::Shutdown | Action::Restart | Action::Reset => {
            let why =
                "the grid server has no calls to start, shut down, restart or reset a machine";
            Err(Refusal::never(why))
        }
        Action::SetPorts => {
            let Some(found) = deployment.find()? else { return Ok(Machine::Absent.into()) };
            deployment.set_ports(&request.ports)?;
            Ok(Machine::Running(deployment.reach(&found)?).into())
        }
    }
}

fn create(deployment: &Deployment<'_>, request: &Request) -> Result<Machine, Refusal> {
    if request.user_data.is_some() {
        return Err(Refusal::never("the grid server doesn't accept user data"));
    }
    let body = deployment.body(request)?;
    deployment.set_ports(&request.ports)?;
    if deployment.find()?.is_none() {
        let limit = Duration::from_secs(deployment.grid.deploy_seconds);
        match deployment.grid.ask("deploy", &body, limit) {
            Ok(_) => {}
            // Another run was faster, or this one was cut off after it had deployed.
            Err(refusal) if refusal.error.contains(EXISTS) => {}
            Err(refusal) => return Err(refusal),
        }
    }
    step("disk");
    let end = Instant::now() + Duration::from_secs(deployment.grid.start_seconds);
    let found = loop {
        let why = match deployment.find()? {
            Some(found) if found.state == "ok" => break found,
            Some(found) if found.state == "error" => {
                return Err(Refusal::later(format!("the node refuses it: {}", found.message)));
            }
            Some(found) => format!("its state is {:?}", found.state),
            None => "the server does not know it".to_owned(),
        };
        if Instant::now() >= end {
            return Err(Refusal::later(format!("deployment succeeded, but then {why}")));
        }
        thread::sleep(POLL_INTERVAL);
    };
    step("booting");
    loop {
        match deployment.reach(&found) {
            Ok(reach) => return Ok(Machine::Running(reach)),
            Err(refusal) if Instant::now() >= end || !refusal.retry => return Err(refusal),
            Err(_) => thread::sleep(POLL_INTERVAL),
        }
    }
}

fn remove(deployment: &Deployment<'_>) -> Result<Machine, Refusal> {
    if deployment.find()?.is_some() {
        let limit = Duration::from_secs(deployment.grid.deploy_seconds);
        deployment.grid.ask("delete", &json!({"name": deployment.name}), limit)?;
        if deployment.find()?.is_some() {
            return Err(Refusal::later("it was deleted but still exists"));
        }
    }
    let _ = fs::remove_file(deployment.keys_file());
    let _ = fs::remove_file(deployment.ports_file());
    Ok(Machine::Absent)
}

/// A machine's name on the grid, which has letters and digits only: the same for the same rental
/// on the same slice, whoever asks.
fn name(request: &Request) -> String {
    let digest = Sha256::digest(format!("{}/{}", request.slice_id, request.rental_id));
    digest[..10].iter().fold("my".to_owned(), |name, byte| format!("{name}{byte:02x}"))
}

/// The node of a slice: `node32_slice_1` is on 32.
fn node_id(slice_id: &str) -> Result<u32, Refusal> {
    let node = slice_id.strip_prefix("node").and_then(|rest| rest.split_once("_slice_"));
    let node = node.and_then(|(node, _)| node.parse().ok());
    node.ok_or_else(|| Refusal::never("slice_id: the node's number is not in it"))
}

struct Deployment<'a> {
    grid: &'a Grid,
    name: String,
}

/// What the node says of a machine.
struct Found {
    state: String,
    message: String,
    address: Option<String>,
    console_url: Option<String>,
}

impl Deployment<'_> {
    fn body(&self, request: &Request) -> Result<Value, Refusal> {
        let disk_gib = request.disk_gib.checked_sub(ROOT_GIB).filter(|gib| *gib > 0);
        let disk_gib =
            disk_gib.ok_or_else(|| Refusal::never(format!("disk_gib: more than {ROOT_GIB}")))?;
        let Deployment { grid, name } = self;
        let disk_name = format!("{name}d");
        Ok(json!({
            "name": name,
            "network": { "name": format!("{name}net"), "ip_range": IP_RANGE },
            "machines": [{
                "name": format!("{name}vm"),
                "node_id": node_id(&request.slice_id)?,
                "disks": [{ "name": disk_name, "size": disk_gib, "mountpoint": MOUNT_POINT }],
                "public_ip": false,
                "planetary": false,
                "mycelium": true,
                "cpu": request.cpu_cores,
                "memory": request.memory_mib,
                "rootfs_size": ROOT_GIB,
                "flist": grid.flist,
                "entrypoint": grid.entrypoint,
                "env": { "SSH_KEY": request.ssh_keys.join("\n") },
            }],
            "metadata": "",
            "description": format!("{} {}", request.slice_id, request.rental_id),
        }))
    }

    /// Asks for the machine. A deployment without one is none.
    fn find(&self) -> Result<Option<Found>, Refusal> {
        let answer = self.grid.ask("get", &json!({"name": self.name}), ASK_LIMIT)?;
        let deployments = answer
            .as_array()
            .ok_or_else(|| Refusal::later("the grid server's response to get is not a list"))?;
        let workloads =
            deployments.iter().filter_map(|deployment| deployment["workloads"].as_array());
        let is_machine = |workload: &&Value| {
            matches!(workload["type"].as_str(), Some("zmachine" | "zmachine-light"))
        };
        let Some(machine) = workloads.flatten().find(is_machine) else {
            // A deployment of a disk without a machine has to be deleted like any other.
            let has_some = !deployments.is_empty();
            return Ok(has_some.then(Found::without_machine));
        };
        let result = &machine["result"];
        let text =
            |value: &Value| value.as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        let data = &result["data"];
        // The message is called so by newer nodes, and `error` by older ones.
        let message = text(&result["message"]).or_else(|| text(&result["error"]));
        Ok(Some(Found {
            state: text(&result["state"]).unwrap_or_default(),
            message: message.unwrap_or_default().chars().take(300).collect(),
            address: text(&data["mycelium_ip"]),
            console_url: text(&data["console_url"]).map(url),
        }))
    }

    fn reach(&self, found: &Found) -> Result<Reach, Refusal> {
        if found.state != "ok" {
            let why = format!("its state is {:?}: {}", found.state, found.message);
            return Err(Refusal::later(why));
        }
        let address = found.address.clone();
        let address =
            address.ok_or_else(|| Refusal::later("the machine has no Mycelium address"))?;
        let host_keys = self.host_keys(&address)?;
        let console_url = found.console_url.clone();
        let (port, user) = (self.grid.ssh_port, "root".to_owned());
        let ports = self.ports();
        Ok(Reach { address, port, user, host_keys, console_url, ports })
    }

    /// The keys that the machine showed when it was seen first. The grid takes no host keys, so
    /// they cannot be known before; the path to it is Mycelium's, which encrypts to the address.
    fn host_keys(&self, address: &str) -> Result<Vec<String>, Refusal> {
        let file = self.keys_file();
        if let Ok(text) = fs::read_to_string(&file) {
            return Ok(text.lines().map(str::to_owned).collect());
        }
        let output = Command::new("ssh-keyscan")
            .args(["-T", "10", "-p", &self.grid.ssh_port.to_string(), "--", address])
            .stdin(Stdio::null())
            .output()
            .context("`ssh-keyscan` cannot be started (package openssh-client)")?;
        let keys = scanned_keys(&String::from_utf8_lossy(&output.stdout));
        if keys.is_empty() {
            return Err(Refusal::later(format!("{address} has no host key yet")));
        }
        write_whole(&file, keys.join("\n").as_bytes(), 0o600)?;
        Ok(keys)
    }

    /// Notes the ports that the renter asked for. A machine has an address of its own, where all
    /// its ports are open, so there is nothing else to do.
    fn set_ports(&self, ports: &[Port]) -> Result<()> {
        let public = |port: &Port| PublicPort {
            protocol: port.protocol,
            port: port.port,
            public_port: port.port,
        };
        let ports: Vec<_> = ports.iter().map(public).collect();
        let text = serde_json::to_vec(&ports).context("ports are JSON")?;
        write_whole(&self.ports_file(), &text, 0o600)
    }

    fn ports(&self) -> Vec<PublicPort> {
        let text = fs::read(self.ports_file()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn ports_file(&self) -> PathBuf {
        self.grid.state_folder.join(format!("{}.ports", self.name))
    }

    fn keys_file(&self) -> PathBuf {
        self.grid.state_folder.join(format!("{}.keys", self.name))
    }
}

impl Found {
    fn without_machine() -> Found {
        Found {
            state: "error".to_owned(),
            message: "the deployment has no machine".to_owned(),
            address: None,
            console_url: None,
        }
    }
}

/// A console's address, which the grid gives without a scheme.
fn url(address: String) -> String {
    if address.contains("://") { address } else { format!("http://{address}") }
}

/// Reads the lines of `ssh-keyscan`: host, kind, key.
fn scanned_keys(text: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let mut keys: Vec<_> = lines
        .filter_map(|line| line.split_once(' '))
        .map(|(_, key)| key.trim().to_owned())
        .filter(|key| is_key(key))
        .collect();
    keys.sort();
    keys.dedup();
    keys
}

impl Grid {
    /// Calls a method of the module `machines`: 200 with `result`, or 400 with `error`.
    fn ask(&self, method: &str, body: &Value, limit: Duration) -> Result<Value, Refusal> {
        note(format_args!("machines/{method}"));
        let http: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .timeout_global(Some(limit))
            .build()
            .new_agent();
        let lost = |error: ureq::Error| {
            Refusal::later(format!("the grid's server, machines/{method}: {error}"))
        };
        let mut response = http
            .post(format!("{}/machines/{method}", self.server))
            .header("content-type", "application/json")
            .send(body.to_string())
            .map_err(lost)?;
        let status = response.status().as_u16();
        let text = response.body_mut().with_config().limit(ANSWER_MAX).read_to_string();
        let mut answer: Value = serde_json::from_str(&text.map_err(lost)?).unwrap_or_default();
        if let (200, Some(result)) = (status, answer.get_mut("result")) {
            return Ok(result.take());
        }
        let said = answer["error"].as_str().unwrap_or("no word why");
        Err(refusal(status, method, said))
    }
}

/// What the server's answer means: 400 is everything that it or the chain refuses.
fn refusal(status: u16, method: &str, said: &str) -> Refusal {
    let said: String = said.chars().take(300).collect();
    let lower = said.to_lowercase();
    let is_final = status == 404
        || (status == 400
            && !lower.contains(EXISTS)
            && NEVER.iter().any(|words| lower.contains(words)));
    let error = format!("the grid's server, machines/{method}: {status}: {said}");
    Refusal { error, retry: !is_final, log: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_rentals_alone() {
        let request = |slice: &str, rental: &str| Request {
            version: 1,
            action: Action::Status,
            slice_id: slice.to_owned(),
            rental_id: rental.to_owned(),
            cpu_cores: 1,
            memory_mib: 4096,
            disk_gib: 200,
            ssh_keys: Vec::new(),
            user_data: None,
            ports: Vec::new(),
            check: None,
        };
        let first = name(&request("node1_slice_1", "a"));
        assert_eq!(first, name(&request("node1_slice_1", "a")));
        assert_ne!(first, name(&request("node1_slice_1", "b")));
        assert_ne!(first, name(&request("node1_slice_2", "a")));
        assert!(first.len() == 22 && first.bytes().all(|b| b.is_ascii_alphanumeric()), "{first}");
    }

    #[test]
    fn the_node_is_in_the_slices_id() {
        assert_eq!(node_id("node32_slice_1"), Ok(32));
        assert!(node_id("slice_1").is_err() && node_id("nodex_slice_1").is_err());
    }

    #[test]
    fn refusals_are_told_apart() {
        let check = |status, said, retry| assert_eq!(refusal(status, "deploy", said).retry, retry);
        check(400, "Another machine deployment with the same name x already exists.", true);
        check(400, "Failed to get deployment due to Error: timeout", true);
        check(400, "ValidationError: node_id must be a positive number", false);
        check(404, "no word why", false);
        check(502, "no word why", true);
    }

    #[test]
    fn keys_are_read_from_a_scan() {
        let text = "# 5a4::7:22 SSH-2.0-OpenSSH_9.2\n[5a4::7]:22 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n\
                    [5a4::7]:22 ssh-ed25519 AAAAC3NzaC1lZDI1NTE5\n[5a4::7]:22 bogus AAAA\n";
        assert_eq!(scanned_keys(text), ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5"]);
    }
}
