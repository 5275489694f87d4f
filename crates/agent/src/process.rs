//! `driver-process`: each machine is an SSH server of its own on this very system. It is for tests:
//! it separates nobody from anybody.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, geteuid};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::drive::step;
use crate::journal::write_whole;
use crate::machine::{self, Local, Machine};
use crate::protocol::{self, Action, Refusal, Request};

/// Where Debian has OpenSSH's server. It wants to be started by its full path.
const SSHD: &str = "/usr/sbin/sshd";

/// Where OpenSSH's server goes to when it is root and nobody has logged in yet.
const EMPTY_FOLDER: &str = "/run/sshd";

/// How long the server may take to be there.
const START_LIMIT: Duration = Duration::from_secs(10);

/// Who may log in. It is written last, and says that the machine is whole.
const KEYS: &str = "authorized_keys";

/// What marks processes of a session, whoever has started them.
const MARK: &str = "MYCELIUM_MACHINE";

/// Reads the configuration of this driver.
pub fn configure(file: &Path) -> Result<Local> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let local: Local = toml::from_str(&text).with_context(|| file.display().to_string())?;
    local.check()?;
    ensure!(local.bind.is_loopback(), "bind: loopback only, for this is no machine of its own");
    Ok(local)
}

/// Does what is asked.
pub fn act(local: &Local, request: &Request) -> Result<protocol::Machine, Refusal> {
    let machine = Machine::lock(local, request)?;
    match request.action {
        Action::Create => create(local, &machine, request),
        Action::Remove => {
            machine.end(|| every_process(&machine))?;
            machine.wipe(local)?;
            Ok(protocol::Machine::Absent)
        }
        Action::Status => status(local, &machine),
        Action::Console => Err(Refusal::never("driver-process has no console")),
        Action::Start | Action::Shutdown | Action::Restart | Action::Reset => {
            power(local, &machine, request.action)
        }
    }
}

fn status(local: &Local, machine: &Machine) -> Result<protocol::Machine, Refusal> {
    if !machine.exists() {
        return Ok(protocol::Machine::Absent);
    }
    if !machine.path(KEYS).exists() {
        return Err(Refusal::later("it was only partly created"));
    }
    if server(machine).is_none() {
        return Ok(protocol::Machine::Off);
    }
    Ok(protocol::Machine::Running(machine.reach(local, &user())?))
}

/// Ends the server and its sessions, or starts the server, or both. Programs have no power button:
/// a reset is a restart.
fn power(local: &Local, machine: &Machine, action: Action) -> Result<protocol::Machine, Refusal> {
    if status(local, machine)? == protocol::Machine::Absent {
        return Ok(protocol::Machine::Absent);
    }
    if action != Action::Start {
        machine.end(|| every_process(machine))?;
    }
    if action != Action::Shutdown && server(machine).is_none() {
        start(local, machine, machine.port(local)?)?;
    }
    status(local, machine)
}

fn create(
    local: &Local,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    if request.user_data.is_some() {
        return Err(Refusal::never("driver-process has no cloud-init"));
    }
    machine.make()?;
    if server(machine).is_none() {
        let port = machine.port(local)?;
        machine.host_key()?;
        let keys = request.ssh_keys.join("\n") + "\n";
        write_whole(&machine.path(KEYS), keys.as_bytes(), 0o600)?;
        step("disk");
        start(local, machine, port)?;
    }
    step("booting");
    Ok(protocol::Machine::Running(machine.reach(local, &user())?))
}

/// Starts the server, on one processor, with nothing of this program but that.
fn start(local: &Local, machine: &Machine, port: u16) -> Result<()> {
    let text = sshd_config(&machine.folder, local, port);
    write_whole(&machine.path("sshd_config"), text.as_bytes(), 0o600)?;
    if geteuid().is_root() {
        fs::create_dir_all(EMPTY_FOLDER).context("making the folder of OpenSSH's server")?;
    }
    stay_on_one_processor(port)?;
    let mut command = Command::new(SSHD);
    command.arg("-f").arg(machine.path("sshd_config"));
    command.arg("-E").arg(machine.path("sshd.log"));
    command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
    // What it prints goes to its log; this driver's pipes are not its own.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let status = command.stdin(Stdio::null()).status();
    let status = status.with_context(|| format!("starting {SSHD} (package openssh-server)"))?;
    ensure!(status.success(), "{SSHD}: {}", log_end(machine));
    let end = Instant::now() + START_LIMIT;
    while server(machine).is_none() {
        ensure!(Instant::now() < end, "{SSHD} does not start: {}", log_end(machine));
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Processors are given in turn; what is started from here stays on it, and counts one.
fn stay_on_one_processor(port: u16) -> Result<()> {
    let allowed = sched_getaffinity(None).context("asking for processors")?;
    let count = allowed.count() as usize;
    let mut processors = (0..CpuSet::MAX_CPU).filter(|cpu| allowed.is_set(*cpu));
    let chosen = processors.nth(usize::from(port) % count.max(1)).context("no processor")?;
    let mut one = CpuSet::new();
    one.set(chosen);
    sched_setaffinity(None, &one).context("staying on one processor")
}

fn log_end(machine: &Machine) -> String {
    let log = fs::read_to_string(machine.path("sshd.log")).unwrap_or_default();
    log.lines().last().unwrap_or("it said nothing").chars().take(300).collect()
}

/// The server's own process: it is there if it has this machine's configuration.
fn server(machine: &Machine) -> Option<Pid> {
    let pid = fs::read_to_string(machine.path("sshd.pid")).ok()?;
    let pid = Pid::from_raw(pid.trim().parse().ok()?)?;
    machine.processes().into_iter().find(|found| *found == pid)
}

/// The server and all that its sessions have started.
fn every_process(machine: &Machine) -> Vec<Pid> {
    let mut found = machine.processes();
    let mark = format!("{MARK}={}", machine.folder.display());
    found.extend(machine::processes().map(|(pid, _)| pid).filter(|pid| {
        let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
        environment.is_ok_and(|e| e.split(|b| *b == 0).any(|entry| entry == mark.as_bytes()))
    }));
    found.extend(children_of(&found));
    found
}

/// The children of these, such as OpenSSH's own processes of a session.
fn children_of(parents: &[Pid]) -> Vec<Pid> {
    let parent = |pid: Pid| {
        let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("PPid:"))?;
        Pid::from_raw(line.trim().parse().ok()?)
    };
    let all: Vec<_> = machine::processes().map(|(pid, _)| (pid, parent(pid))).collect();
    let mut found: Vec<Pid> = parents.to_vec();
    let mut next = 0;
    while next < found.len() {
        let of = Some(found[next]);
        found.extend(all.iter().filter(|(_, parent)| *parent == of).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(parents.len())
}

/// Who this driver runs as: nobody else can be logged in to without being root.
fn user() -> String {
    if geteuid().is_root() { "root".to_owned() } else { env::var("USER").unwrap_or_default() }
}

fn sshd_config(folder: &Path, local: &Local, port: u16) -> String {
    let file = |name: &str| -> PathBuf { folder.join(name) };
    format!(
        "# Made by driver-process.\n\
         ListenAddress {address}\n\
         Port {port}\n\
         PidFile {pid}\n\
         HostKey {key}\n\
         AuthorizedKeysFile {keys}\n\
         AuthenticationMethods publickey\n\
         PubkeyAuthentication yes\n\
         PasswordAuthentication no\n\
         KbdInteractiveAuthentication no\n\
         PermitRootLogin prohibit-password\n\
         PermitEmptyPasswords no\n\
         UsePAM no\n\
         UseDNS no\n\
         AllowAgentForwarding no\n\
         AllowTcpForwarding no\n\
         X11Forwarding no\n\
         PermitTunnel no\n\
         PermitUserEnvironment no\n\
         PrintMotd no\n\
         LoginGraceTime 20\n\
         # The folder is in a folder that is this driver's alone, wherever that is.\n\
         StrictModes no\n\
         SetEnv {MARK}={folder}\n",
        address = local.bind,
        pid = file("sshd.pid").display(),
        key = file("host_key").display(),
        keys = file(KEYS).display(),
        folder = folder.display(),
    )
}
