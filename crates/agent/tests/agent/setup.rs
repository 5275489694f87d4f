//! A farm on this machine: folders, keys, a driver and an agent.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::market::{LIMIT, Market, TOKEN};

pub(crate) const SLICE: &str = "node32_slice_1";

/// What a farm needs, and an agent that is ended with it.
pub(crate) struct Farm {
    pub(crate) folder: TempDir,
    pub(crate) market: Market,
    driver: String,
    settings: String,
    token: String,
    agent: Option<Child>,
}

impl Farm {
    /// A farm with `driver-process`, at a market whose leases last a minute.
    pub(crate) fn new() -> Farm {
        Farm::with_leases(Duration::from_mins(1))
    }

    pub(crate) fn with_leases(lease: Duration) -> Farm {
        let folder = tempfile::Builder::new().prefix("farm").tempdir().unwrap();
        let path = folder.path().join("driver.toml");
        fs::write(&path, local_settings(folder.path())).unwrap();
        for name in ["renter", "stranger"] {
            make_key(&folder.path().join(name));
        }
        let driver = format!("{} {}", env!("CARGO_BIN_EXE_driver-process"), path.display());
        let market = Market::start(lease);
        let (settings, token) = (String::new(), TOKEN.to_owned());
        Farm { folder, market, driver, settings, token, agent: None }
    }

    /// Another driver: a program of the shell. It finds the real one as `$DRIVER`, the request as
    /// `$REQUEST` and the action as `$ACTION`.
    pub(crate) fn with_driver(mut self, program: &str) -> Farm {
        let path = self.folder.path().join("driver.sh");
        let text = format!(
            "#!/bin/sh\nDRIVER='{}'\nREQUEST=$(cat)\n\
             ACTION=${{REQUEST#*\\\"action\\\":\\\"}}; ACTION=${{ACTION%%\\\"*}}\n\
             echo \"$ACTION\" >> {}\n{program}\n",
            self.driver,
            self.folder.path().join("actions").display()
        );
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        self.driver = path.display().to_string();
        self
    }

    /// Lines of the agent's configuration.
    pub(crate) fn with_settings(mut self, settings: &str) -> Farm {
        settings.clone_into(&mut self.settings);
        self
    }

    pub(crate) fn with_token(mut self, token: &str) -> Farm {
        token.clone_into(&mut self.token);
        self
    }

    /// What a driver of `with_driver` was asked about machines.
    pub(crate) fn actions(&self) -> Vec<String> {
        let text = fs::read_to_string(self.folder.path().join("actions")).unwrap_or_default();
        text.lines().filter(|action| *action != "disk").map(str::to_owned).collect()
    }

    /// Starts the agent, again if there was one.
    pub(crate) fn start(&mut self) {
        let state = self.folder.path().join("agent");
        let config = self.folder.path().join("agent.toml");
        let words: Vec<_> = self.driver.split(' ').collect();
        let mut text = format!(
            "server = '{}'\ntoken = '{}'\nagent = 'rack-7'\ndriver = {words:?}\n\
             state_folder = '{}'\n",
            self.market.address,
            self.token,
            state.display()
        );
        if !self.settings.contains("poll_seconds") {
            text += "poll_seconds = 1\n";
        }
        if !self.settings.contains("renew_seconds") {
            text += "renew_seconds = 1\n";
        }
        text += &self.settings;
        fs::write(&config, text).unwrap();
        fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
        let log = File::options().create(true).append(true).open(self.path("agent.log")).unwrap();
        let agent = Command::new(env!("CARGO_BIN_EXE_mycelium-agent"))
            .arg(&config)
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut market = self.market.lock();
        market.agent = Some(agent.id());
        // What another one has seen says nothing any more.
        market.reports.clear();
        drop(market);
        self.agent = Some(agent);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Asks for a machine for the renter.
    pub(crate) fn create(&self, rental: &str) -> usize {
        self.market.add("create", rental, SLICE, json!({"ssh_keys": [self.public_key("renter")]}))
    }

    pub(crate) fn remove(&self, rental: &str) -> usize {
        self.market.add("remove", rental, SLICE, json!({}))
    }

    pub(crate) fn public_key(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap().trim().to_owned()
    }

    /// Asks the agent to stop.
    pub(crate) fn signal(&self) {
        let pid = i32::try_from(self.agent.as_ref().unwrap().id()).unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), Signal::TERM).unwrap();
    }

    /// Waits for the agent's end.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let end = Instant::now() + LIMIT;
        loop {
            if let Some(status) = self.agent.as_mut().unwrap().try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < end, "the agent does not end:\n{}", self.log());
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.path("agent.log")).unwrap_or_default()
    }

    /// The SSH servers of this farm's machines.
    pub(crate) fn servers(&self) -> usize {
        self.server_pids().len()
    }

    /// Their processes.
    pub(crate) fn server_pids(&self) -> Vec<Pid> {
        let mark = self.path("d/m/").display().to_string();
        let is_server =
            |line: &String| line.contains("driver-process serve") && line.contains(&mark);
        command_lines().filter(|(_, line)| is_server(line)).map(|(pid, _)| pid).collect()
    }

    /// Sends their processes a signal; once this returns, those that were killed have ended.
    pub(crate) fn signal_servers(&self, signal: Signal) {
        for pid in self.server_pids() {
            kill_process(pid, signal).unwrap();
        }
        let end = Instant::now() + LIMIT;
        while signal == Signal::KILL && self.servers() > 0 {
            assert!(Instant::now() < end, "servers do not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills the agent.
    pub(crate) fn kill(&mut self) {
        let agent = self.agent.as_mut().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// Whether anything is left of a machine.
    pub(crate) fn has_machine(&self) -> bool {
        let machines = fs::read_dir(self.path("d/m"));
        let has_folder = machines.is_ok_and(|mut entries| entries.next().is_some());
        has_folder || self.servers() > 0
    }

    /// Logs in as the market was told, with somebody's key, knowing the host keys that it was told.
    pub(crate) fn log_in(&self, access: &Value, who: &str) -> Output {
        log_in(self.folder.path(), access, who, "nproc")
    }
}

/// Logs in with the key of that name in a folder, for one command.
pub(crate) fn log_in(folder: &Path, access: &Value, who: &str, command: &str) -> Output {
    let (address, user) = (access["address"].as_str().unwrap(), access["user"].as_str().unwrap());
    let mut ssh = ssh(folder, access, who);
    ssh.arg("-n").arg(format!("{user}@{address}")).arg(command).output().unwrap()
}

/// OpenSSH's client, with the key of that name in a folder, and knowing the host keys of an access.
pub(crate) fn ssh(folder: &Path, access: &Value, who: &str) -> Command {
    let (address, port) = (access["address"].as_str().unwrap(), access["port"].as_u64().unwrap());
    let hosts = folder.join("known_hosts");
    let keys = access["host_keys"].as_array().unwrap();
    let lines = keys.iter().map(|key| format!("[{address}]:{port} {}\n", key.as_str().unwrap()));
    fs::write(&hosts, lines.collect::<String>()).unwrap();
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "none", "-p", &port.to_string(), "-i"])
        .arg(folder.join(who))
        .arg(format!("-oUserKnownHostsFile={}", hosts.display()))
        .args(["-oStrictHostKeyChecking=yes", "-oBatchMode=yes", "-oIdentitiesOnly=yes"])
        .args(["-oIdentityAgent=none", "-oConnectTimeout=20", "-oLogLevel=ERROR"]);
    ssh
}

impl Drop for Farm {
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
        if thread::panicking() {
            eprintln_log(&self.log());
        }
        // Whatever a test has left running is known by its folder.
        let mark = self.folder.path().display().to_string();
        for pid in processes_with(&mark) {
            let _ = kill_process(pid, Signal::KILL);
        }
        remove_firewall(&self.path("linux.toml"));
    }
}

#[expect(clippy::print_stderr, reason = "what the agent said explains a failure")]
fn eprintln_log(log: &str) {
    eprintln!("--- the agent's log\n{log}---");
}

pub(crate) fn processes_with(mark: &str) -> Vec<Pid> {
    command_lines().filter(|(_, line)| line.contains(mark)).map(|(pid, _)| pid).collect()
}

/// Every process, with its command line.
fn command_lines() -> impl Iterator<Item = (Pid, String)> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| {
        let pid = Pid::from_raw(entry.file_name().to_str()?.parse().ok()?)?;
        let line = fs::read(entry.path().join("cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    })
}

/// The configuration of a driver for this machine, on ports that are free now.
pub(crate) fn local_settings(folder: &Path) -> String {
    static FARMS: AtomicU16 = AtomicU16::new(0);
    // Below the ports that the system gives to connections, so that a port that is closed for a
    // moment is not taken; other runs of the tests begin elsewhere.
    let begin = u16::try_from(std::process::id() % 1000).unwrap() * 8;
    let mut ports = (0..1000).map(|_| {
        let number = FARMS.fetch_add(1, Ordering::Relaxed) % 1000;
        20_000 + (begin + number * 8) % 8000
    });
    let port = ports.find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).unwrap();
    format!(
        "state_folder = '{}'\naddress = '127.0.0.1'\nbind = '127.0.0.1'\nfirst_port = {port}\n\
         ports = 5\nfirst_public_port = {}\npublic_ports = 3\n",
        folder.join("d").display(),
        port + 5
    )
}

/// The configuration of `driver-linux`: as root, machines get users of their own.
pub(crate) fn linux_settings(folder: &Path) -> String {
    let settings = local_settings(folder);
    if !geteuid().is_root() {
        return settings;
    }
    // They go through the farm's folder.
    fs::set_permissions(folder, fs::Permissions::from_mode(0o711)).unwrap();
    let port = settings.lines().find_map(|line| line.strip_prefix("first_port = ")).unwrap();
    // Other farms of these tests have other ones.
    format!("{settings}user_id_first = 19000{port}\n")
}

/// Takes the firewall of a `driver-linux` away.
pub(crate) fn remove_firewall(config: &Path) {
    let text = fs::read_to_string(config).unwrap_or_default();
    if let Some(first) = text.lines().find_map(|line| line.strip_prefix("user_id_first = ")) {
        let table = format!("mycelium_{first}");
        let mut nft = Command::new("nft");
        nft.args(["delete", "table", "inet", &table]).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
        // There is none where no machine was made.
        let _ = nft.stderr(Stdio::null()).status();
    }
}

pub(crate) fn make_key(path: &Path) {
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-t", "ed25519", "-N", "", "-C", "somebody", "-f"]).arg(path);
    assert!(command.status().unwrap().success());
}

/// Runs a driver with a request, and answers its document.
pub(crate) fn drive(driver: &str, config: &Path, request: &Value) -> Value {
    drive_logged(driver, config, request).0
}

/// The same with its log.
pub(crate) fn drive_logged(driver: &str, config: &Path, request: &Value) -> (Value, String) {
    let mut driver = Command::new(driver)
        .arg(config)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = driver.stdin.take().unwrap();
    serde_json::to_writer(stdin, request).unwrap();
    let output = driver.wait_with_output().unwrap();
    assert!(output.status.success());
    let log = String::from_utf8(output.stderr).unwrap();
    (serde_json::from_slice(&output.stdout).unwrap(), log)
}

/// A request to a driver.
pub(crate) fn request(action: &str, rental: &str, keys: &[String]) -> Value {
    json!({
        "version": 1, "action": action, "slice_id": SLICE, "rental_id": rental, "cpu_cores": 1,
        "memory_mib": 4096, "disk_gib": 200, "ssh_keys": keys, "user_data": null,
    })
}
