//! `driver-process`: each machine is an SSH server of its own on this very system. It is for the
//! demo and for tests: it separates nobody from anybody.

mod ports;
mod server;
mod session;

use std::env;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

use crate::drive::step;
use crate::journal::{make_folder, write_whole};
use crate::machine::{self, Local, Machine};
use crate::protocol::{self, Action, Capability, Outcome, Refusal, Request, Usage};
use crate::usage;

pub use self::server::serve;

/// What can be done with each machine.
const CAPABILITIES: [Capability; 4] =
    [Capability::Power, Capability::SetKeys, Capability::Rebuild, Capability::SetPorts];

/// Who renters log in as. It is a name for SSH only: the shell's user is the driver's.
const USER: &str = "demo";

/// The keys that may log in, in the machine's folder. They are written last, and say that the
/// machine is whole.
const AUTHORIZED_KEYS: &str = "authorized_keys";

/// The renter's home, in the machine's folder.
const HOME: &str = "home";

/// The server's process, in the machine's folder: it is there when connections are accepted.
const PID_FILE: &str = "server.pid";

/// What the server says, in the machine's folder.
const LOG_FILE: &str = "server.log";

/// Where programs are found in a machine.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// What a machine gets of its driver's environment.
const KEPT: [&str; 3] = ["LANG", "LOGNAME", "USER"];

/// How long the server may take to be there.
const START_LIMIT: Duration = Duration::from_secs(10);

/// What marks processes of a session, whoever has started them.
const MARK: &str = "MYCELIUM_MACHINE";

/// Reads the configuration of this driver.
pub fn configure(file: &Path) -> Result<Local> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let local: Local = toml::from_str(&text).with_context(|| file.display().to_string())?;
    local.check_without_sockets()?;
    ensure!(local.bind.is_loopback(), "bind: loopback only, for this is no machine of its own");
    Ok(local)
}

/// Does what is asked.
pub fn act(local: &Local, request: &Request) -> Result<Outcome, Refusal> {
    let machine = Machine::lock(local, request)?;
    let done = match request.action {
        Action::Create => create(local, &machine, request)?,
        Action::Remove => {
            machine.end(|| every_process(&machine))?;
            machine.wipe(local)?;
            protocol::Machine::Absent
        }
        Action::Status => {
            let found = status(local, &machine)?;
            let is_running = matches!(found, protocol::Machine::Running(_));
            let usage = is_running.then(|| usage(&machine));
            return Ok(Outcome::new(found, capabilities(local)).with_usage(usage));
        }
        Action::Console => return Err(Refusal::never("driver-process has no console")),
        Action::SetPorts => set_ports(local, &machine, request)?,
        Action::Start | Action::Shutdown | Action::Restart | Action::Reset => {
            power(local, &machine, request.action)?
        }
        Action::SetKeys => set_keys(local, &machine, request)?,
        Action::Rebuild => rebuild(local, &machine, request)?,
        Action::SetPassword => {
            return Err(Refusal::never("driver-process has no passwords"));
        }
    };
    Ok(done.into())
}

/// What its processes use that run now, and its folder.
fn usage(machine: &Machine) -> Usage {
    let (cpu_ms, memory_bytes) = usage::of_processes(&every_process(machine));
    let disk_bytes = usage::of_folder(&machine.folder);
    let (cpu_ms, memory_bytes) = (Some(cpu_ms), Some(memory_bytes));
    // Its network is the server's.
    Usage { cpu_ms, memory_bytes, disk_bytes, ..Usage::default() }
}

fn capabilities(local: &Local) -> &'static [Capability] {
    match local.public_ports {
        0 => &CAPABILITIES[..1],
        _ => &CAPABILITIES,
    }
}

/// Starts every machine that was made and does not run, such as after [`stop_all`]. Answers how
/// many were started.
pub fn start_all(local: &Local) -> Result<usize> {
    let mut started = 0;
    for name in Machine::names(local)? {
        let machine = Machine::lock_named(local, &name)?;
        let is_whole = machine.path(AUTHORIZED_KEYS).exists();
        if let Some(port) = machine.known_port().filter(|_| is_whole)
            && server(&machine).is_none()
        {
            start(&machine, SocketAddr::new(local.bind, port)).with_context(|| name.clone())?;
            started += 1;
        }
    }
    Ok(started)
}

/// Ends every machine's processes. Their folders stay.
pub fn stop_all(local: &Local) -> Result<usize> {
    let names = Machine::names(local)?;
    for name in &names {
        let machine = Machine::lock_named(local, name)?;
        machine.end(|| every_process(&machine))?;
    }
    Ok(names.len())
}

fn status(local: &Local, machine: &Machine) -> Result<protocol::Machine, Refusal> {
    if !machine.exists() {
        return Ok(protocol::Machine::Absent);
    }
    if !machine.path(AUTHORIZED_KEYS).exists() {
        return Err(Refusal::later("it was only partly created"));
    }
    if server(machine).is_none() {
        return Ok(protocol::Machine::Off);
    }
    Ok(protocol::Machine::Running(machine.reach(local, USER)?))
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
        start(machine, SocketAddr::new(local.bind, machine.port(local)?))?;
    }
    status(local, machine)
}

/// Notes the ports and tells the server, which forwards them to programs of its sessions.
fn set_ports(
    local: &Local,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    let answer = status(local, machine)?;
    if answer == protocol::Machine::Absent {
        return Ok(answer);
    }
    machine.set_ports(local, &request.ports)?;
    if let Some(pid) = server(machine) {
        kill_process(pid, Signal::HUP).context("telling the server of its ports")?;
    }
    status(local, machine)
}

/// Writes the keys anew: the server reads them at each login. Nobody else brings keys.
fn set_keys(
    local: &Local,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    let found = status(local, machine)?;
    if found != protocol::Machine::Absent {
        write_keys(machine, request)?;
    }
    Ok(found)
}

fn write_keys(machine: &Machine, request: &Request) -> Result<()> {
    let keys = request.ssh_keys.join("\n") + "\n";
    write_whole(&machine.path(AUTHORIZED_KEYS), keys.as_bytes(), 0o600)
}

/// Makes the machine anew, on its port: with another home and another host key.
fn rebuild(
    local: &Local,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    check_user_data(request)?;
    machine.end(|| every_process(machine))?;
    if !machine.empty(local)? {
        return Ok(protocol::Machine::Absent);
    }
    create(local, machine, request)
}

fn check_user_data(request: &Request) -> Result<(), Refusal> {
    match request.user_data {
        None => Ok(()),
        Some(_) => Err(Refusal::never("driver-process takes no templates or user data")),
    }
}

fn create(
    local: &Local,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    check_user_data(request)?;
    machine.make()?;
    if server(machine).is_none() {
        let port = machine.port(local)?;
        machine.host_key()?;
        machine.first_ports(local, &request.ports)?;
        make_folder(&machine.path(HOME))?;
        write_keys(machine, request)?;
        step("disk");
        start(machine, SocketAddr::new(local.bind, port))?;
    }
    step("booting");
    Ok(protocol::Machine::Running(machine.reach(local, USER)?))
}

/// Starts the server, on one processor, with nothing of this program but that.
fn start(machine: &Machine, address: SocketAddr) -> Result<()> {
    stay_on_one_processor(address.port())?;
    let log = fs::File::create(machine.path(LOG_FILE)).context("creating the server's log")?;
    let mut command = Command::new(env::current_exe().context("finding this program")?);
    // By the slash at its end, the folder is a mark of the machine's processes.
    command.arg("serve").arg(machine.path("")).arg(address.to_string());
    command.env_clear().env("PATH", PATH);
    command.envs(KEPT.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    // What it says goes to its log; this driver's pipes are not its own.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    let mut child = command.spawn().context("starting the SSH server")?;
    let end = Instant::now() + START_LIMIT;
    while server(machine).is_none() {
        let ended = child.try_wait().context("waiting for the SSH server")?;
        ensure!(ended.is_none(), "the SSH server does not start: {}", log_end(machine));
        ensure!(Instant::now() < end, "the SSH server takes too long: {}", log_end(machine));
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
    let log = fs::read_to_string(machine.path(LOG_FILE)).unwrap_or_default();
    log.lines().last().unwrap_or("it said nothing").chars().take(300).collect()
}

/// The server's own process: it is there if it serves this machine's folder.
fn server(machine: &Machine) -> Option<Pid> {
    let pid = fs::read_to_string(machine.path(PID_FILE)).ok()?;
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

/// The children of these, such as programs that a session has started without the mark.
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
