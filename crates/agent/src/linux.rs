//! `driver-linux`: each machine is a virtual one under QEMU, with KVM where the server has it.

mod addresses;
mod check;
mod config;
mod firewall;
mod guest;
mod qemu;
mod seed;
mod users;

use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::FileExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::fs::Mode;
use rustix::process::{Pid, umask};

use crate::drive::{note, step};
use crate::journal::write_whole;
use crate::machine::{self, Machine};
use crate::protocol::{self, Action, Capability, Disk, Outcome, Refusal, Request, Usage};
use crate::usage;

use users::{DISK, Users};

pub use config::Linux;

/// What can be done with each machine, and ports where there are any.
const CAPABILITIES: [Capability; 4] =
    [Capability::Power, Capability::Console, Capability::UserData, Capability::Rebuild];

/// Who renters log in as.
const USER: &str = "root";

/// How long QEMU may take until it answers.
const START_LIMIT: Duration = Duration::from_secs(20);

/// How long a machine may take to shut down by itself. Then it is ended by force.
const SHUTDOWN_LIMIT: Duration = Duration::from_mins(1);

/// How often its power button is pressed meanwhile: one that has just begun to boot misses it.
const PRESS_EVERY: Duration = Duration::from_secs(10);

/// How often it is looked whether QEMU has started or ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What is written once the disk is whole: the size of the machine, for a start without a request.
const SIZE: &str = "size.json";

/// What is there while the renter wants the machine to be off, for a start of all.
const SHUT_DOWN: &str = "shut_down";

/// Does what is asked.
pub fn act(linux: &Linux, request: &Request) -> Result<Outcome, Refusal> {
    let machine = Machine::lock(&linux.local, request)?;
    let done = match request.action {
        Action::Create => create(linux, &machine, request)?,
        Action::Remove => {
            machine.end(|| [processes(&machine), machine.processes()].concat())?;
            if let Some(addresses) = &linux.addresses {
                addresses.release(&machine, &linux.local)?;
                addresses.ensure(&linux.local)?;
            }
            machine.wipe(&linux.local)?;
            linux.remove_group(&machine)?;
            let _ = fs::remove_file(linux.keys_file(&machine)?);
            protocol::Machine::Absent
        }
        Action::Status => {
            let found = status(linux, &machine)?;
            let mut guest = None;
            let (setup, usage) = match &found {
                protocol::Machine::Running(_) => {
                    guest = find_guest(&machine);
                    (check::state(&machine)?, Some(usage(&machine, guest.as_mut())))
                }
                protocol::Machine::Paused | protocol::Machine::Off | protocol::Machine::Absent => {
                    (None, None)
                }
            };
            let mut can = CAPABILITIES.to_vec();
            can.extend((linux.local.public_ports > 0).then_some(Capability::SetPorts));
            if guest.is_some() {
                can.push(Capability::SetPassword);
                // Of a machine from before they were kept, nobody knows which keys are the
                // renter's.
                if linux.keys_file(&machine)?.exists() {
                    can.push(Capability::SetKeys);
                }
            }
            return Ok(Outcome::new(found, &can).with_setup(setup).with_usage(usage));
        }
        Action::Console => console(linux, &machine)?,
        Action::Start | Action::Shutdown | Action::Restart | Action::Reset => {
            power(linux, &machine, request.action)?
        }
        Action::SetPorts => set_ports(linux, &machine, request)?,
        Action::SetKeys => set_keys(linux, &machine, request)?,
        Action::Rebuild => rebuild(linux, &machine, request)?,
        Action::SetPassword => set_password(linux, &machine, request)?,
    };
    Ok(done.into())
}

/// What QEMU and the disk's file use: of the server, whatever the guest thinks of it. Only of its
/// network and its file systems nobody knows but the guest.
fn usage(machine: &Machine, guest: Option<&mut guest::Guest>) -> Usage {
    let (cpu_ms, memory_bytes) = usage::of_processes(server(machine).as_slice());
    let disk_bytes = usage::of_file(&machine.path(DISK));
    let (mut traffic, mut file_system) = (guest::Traffic::default(), None);
    if let Some(guest) = guest {
        traffic = guest.traffic(qemu::MAC).unwrap_or_default();
        file_system = guest.fullest_file_system().ok().flatten();
    }
    Usage {
        cpu_ms: Some(cpu_ms),
        memory_bytes: Some(memory_bytes),
        disk_bytes,
        network_in_bytes: traffic.in_bytes,
        network_out_bytes: traffic.out_bytes,
        file_system_bytes: file_system.map(|it| it.bytes),
        file_system_used_bytes: file_system.map(|it| it.used_bytes),
    }
}

/// The disk that machines' disks are on, and by how much these may still grow.
pub fn disk(linux: &Linux) -> Result<Disk, Refusal> {
    let names = Machine::names(&linux.local)?;
    let (bytes, free_bytes) = linux.space()?;
    let mut growth_bytes: u64 = 0;
    for name in names {
        let disk = linux.local.state_folder.join("m").join(name).join(DISK);
        // One that is being made or removed does not count.
        if let (Some(most), Some(now)) = (qemu::disk_size(&disk), usage::of_file(&disk)) {
            growth_bytes = growth_bytes.saturating_add(most.saturating_sub(now));
        }
    }
    Ok(Disk { bytes, free_bytes, growth_bytes: Some(growth_bytes.min(i64::MAX.unsigned_abs())) })
}

/// Starts every machine that was made, was not shut down on purpose and does not run, such as after
/// the server's own start. Answers how many were started.
pub fn start_all(linux: &Linux) -> Result<usize> {
    let mut started = 0;
    let mut failed = Vec::new();
    for name in Machine::names(&linux.local)? {
        let machine = Machine::lock_named(&linux.local, &name)?;
        let is_off = machine.path(SHUT_DOWN).exists() || server(&machine).is_some();
        if !machine.path(SIZE).exists() || is_off {
            continue;
        }
        match start(linux, &machine) {
            Ok(()) => started += 1,
            Err(error) => failed.push(format!("{name}: {error:#}")),
        }
    }
    ensure!(failed.is_empty(), "{}", failed.join("; "));
    Ok(started)
}

fn status(linux: &Linux, machine: &Machine) -> Result<protocol::Machine, Refusal> {
    if !machine.exists() {
        return Ok(protocol::Machine::Absent);
    }
    if !machine.path(SIZE).exists() {
        return Err(Refusal::later("it was only partly created"));
    }
    if server(machine).is_none() {
        return Ok(protocol::Machine::Off);
    }
    linux.ensure_network()?;
    let qmp = machine.path(qemu::QMP);
    // That QEMU itself is stuck shows by the machine's silence.
    if qemu::status(&qmp).is_ok_and(|status| status == qemu::DISK_FULL) {
        if linux.check_room().is_err() {
            return Ok(protocol::Machine::Paused);
        }
        note(format_args!("there is room on the disk again; the machine goes on"));
        qemu::execute(&qmp, &["cont"])?;
    }
    Ok(protocol::Machine::Running(reach(linux, machine)?))
}

/// How the machine is reached: at its own address, if it has one.
fn reach(linux: &Linux, machine: &Machine) -> Result<protocol::Reach> {
    let reach = machine.reach(&linux.local, USER)?;
    Ok(match addresses::address_of(machine) {
        Some(address) => addresses::own_reach(address, reach),
        None => reach,
    })
}

/// Where QEMU listens for the machine.
fn bind(linux: &Linux, machine: &Machine) -> IpAddr {
    addresses::address_of(machine).map_or(linux.local.bind, IpAddr::V4)
}

/// Does what a server's own buttons do.
fn power(linux: &Linux, machine: &Machine, action: Action) -> Result<protocol::Machine, Refusal> {
    if status(linux, machine)? == protocol::Machine::Absent {
        return Ok(protocol::Machine::Absent);
    }
    if action == Action::Shutdown {
        // What is there already is as good.
        let _ = fs::File::create_new(machine.path(SHUT_DOWN));
    }
    if matches!(action, Action::Shutdown | Action::Restart) {
        shut_down(machine)?;
    }
    if action == Action::Reset && server(machine).is_some() {
        // One that QEMU has paused, such as for a full disk, goes on.
        qemu::execute(&machine.path(qemu::QMP), &["system_reset", "cont"])?;
    }
    if action != Action::Shutdown {
        switch_on(linux, machine)?;
    }
    status(linux, machine)
}

/// Notes the ports for the machine's next start, and has QEMU forward them if it runs.
fn set_ports(
    linux: &Linux,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    let answer = status(linux, machine)?;
    if answer == protocol::Machine::Absent {
        return Ok(answer);
    }
    let ports = machine.set_ports(&linux.local, &request.ports)?;
    if server(machine).is_some() {
        let ssh = machine.known_port().context("the machine has no port")?;
        let forwards = qemu::forwards(bind(linux, machine), ssh, &ports);
        qemu::forward(&machine.path(qemu::QMP), &forwards)?;
    }
    status(linux, machine)
}

/// Presses the machine's power button until it is off, and ends it by force if that takes too long.
fn shut_down(machine: &Machine) -> Result<()> {
    let end = Instant::now() + SHUTDOWN_LIMIT;
    let mut press_at = Instant::now();
    while server(machine).is_some() {
        let now = Instant::now();
        if now >= end {
            note(format_args!("shutdown took too long; ending it by force"));
            return machine.end(|| processes(machine));
        }
        if now >= press_at {
            press_at = now + PRESS_EVERY;
            // An error here means that QEMU is about to end, or is stuck: both are seen next.
            let _ = qemu::execute(&machine.path(qemu::QMP), &["system_powerdown"]);
        }
        thread::sleep(POLL_INTERVAL);
    }
    Ok(())
}

/// Starts the machine, unless it runs.
fn switch_on(linux: &Linux, machine: &Machine) -> Result<()> {
    let _ = fs::remove_file(machine.path(SHUT_DOWN));
    match server(machine) {
        None => start(linux, machine),
        // A start that was cut off may not have limited it yet.
        Some(pid) => linux.limit(machine, pid, size(machine)?),
    }
}

/// The same with the socket of its serial console, which the agent shows.
fn console(linux: &Linux, machine: &Machine) -> Result<protocol::Machine, Refusal> {
    let answer = status(linux, machine)?;
    let protocol::Machine::Running(reach) = answer else { return Ok(answer) };
    let socket = machine.path(qemu::SERIAL);
    let console_url = Some(format!("unix:{}", socket.display()));
    Ok(protocol::Machine::Running(protocol::Reach { console_url, ..reach }))
}

/// The machine's guest agent, if it answers at once.
fn find_guest(machine: &Machine) -> Option<guest::Guest> {
    let is_open = qemu::has_guest(&machine.path(qemu::QMP));
    is_open.ok().filter(|is_open| *is_open).and_then(|_| guest::Guest::find(&machine.folder))
}

/// Puts these keys in the place of those that the market has put there before. Others stay: the
/// machine's renter has brought them.
fn set_keys(
    linux: &Linux,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    let found = status(linux, machine)?;
    if found == protocol::Machine::Absent {
        return Ok(found);
    }
    check_runs(&found)?;
    let file = linux.keys_file(machine)?;
    let managed = read_keys(&file)?;
    let managed = managed.ok_or_else(|| {
        Refusal::never("it was created before keys could be changed; rebuild it instead")
    })?;
    let wanted = &request.ssh_keys;
    // Cut off in the middle, the next run knows of all that may be there.
    let both: Vec<_> = managed.iter().chain(wanted).cloned().collect();
    write_keys(&file, &both)?;
    let mut guest = guest::Guest::connect(&machine.folder)?;
    // A user without the file has no keys.
    let present = guest.keys(USER).unwrap_or_default();
    let change = guest::KeyChange::new(&present, &managed, wanted);
    if !change.add.is_empty() {
        guest.add_keys(USER, &change.add)?;
    }
    if !change.remove.is_empty() {
        guest.remove_keys(USER, &change.remove)?;
    }
    let left = guest::KeyChange::new(&guest.keys(USER)?, &managed, wanted);
    if !left.is_empty() {
        return Err(Refusal::later("the machine's guest agent did not change the keys"));
    }
    write_keys(&file, wanted)?;
    Ok(found)
}

fn check_runs(found: &protocol::Machine) -> Result<(), Refusal> {
    match found {
        protocol::Machine::Running(_) => Ok(()),
        protocol::Machine::Paused => {
            Err(Refusal::later("the machine is paused because the server's disk is full"))
        }
        protocol::Machine::Off | protocol::Machine::Absent => {
            Err(Refusal::never("the machine is off, and its guest agent with it"))
        }
    }
}

/// The keys that the market has put on a machine; nothing of one from before they were kept.
fn read_keys(file: &Path) -> Result<Option<Vec<String>>> {
    match fs::read(file) {
        Ok(text) => Ok(Some(serde_json::from_slice(&text).context("reading the kept keys")?)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).context("reading the kept keys"),
    }
}

fn write_keys(file: &Path, keys: &[String]) -> Result<()> {
    write_whole(file, &serde_json::to_vec(keys).context("keys are JSON")?, 0o600)
}

/// Sets the password of the user that the renter logs in as.
fn set_password(
    linux: &Linux,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    let found = status(linux, machine)?;
    if found == protocol::Machine::Absent {
        return Ok(found);
    }
    check_runs(&found)?;
    let hash = request.password_hash.as_deref().context("a request has a hash")?;
    guest::Guest::connect(&machine.folder)?.set_password(USER, hash)?;
    Ok(found)
}

/// Makes the machine anew, on its port: with another disk and another host key.
fn rebuild(
    linux: &Linux,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    // What would not work is refused before anything is deleted.
    seed::Seed::new(request, "", "").map_err(Refusal::never)?;
    linux.check_room()?;
    machine.end(|| [processes(machine), machine.processes()].concat())?;
    if !machine.empty(&linux.local)? {
        return Ok(protocol::Machine::Absent);
    }
    create(linux, machine, request)
}

fn create(
    linux: &Linux,
    machine: &Machine,
    request: &Request,
) -> Result<protocol::Machine, Refusal> {
    if !machine.path(SIZE).exists() {
        linux.check_room()?;
    }
    machine.make()?;
    if !machine.path(SIZE).exists() {
        make(linux, machine, request)?;
    }
    step("disk");
    switch_on(linux, machine)?;
    step("booting");
    Ok(protocol::Machine::Running(reach(linux, machine)?))
}

/// Makes port, host key, seed and disk; the size is written last, and says that all is there.
fn make(linux: &Linux, machine: &Machine, request: &Request) -> Result<(), Refusal> {
    machine.port(&linux.local)?;
    if let Some(addresses) = &linux.addresses {
        addresses.allot(machine, &linux.local)?;
    }
    machine.first_ports(&linux.local, &request.ports)?;
    machine.host_key()?;
    write_keys(&linux.keys_file(machine)?, &request.ssh_keys)?;
    let private = fs::read_to_string(machine.path("host_key")).context("reading the host key")?;
    let public = machine.known_host_key()?;
    let seed = seed::Seed::new(request, &private, &public).map_err(Refusal::never)?;
    seed.write(&machine.folder)?;
    if request.check.is_some() {
        check::begin(machine)?;
    }
    let disk = machine.path(DISK);
    let part = machine.path("disk.part");
    let _ = fs::remove_file(&part);
    let mut command = Command::new("qemu-img");
    command.args(["create", "-q", "-f", "qcow2", "-F", &linux.image_format, "-b"]);
    command.arg(&linux.image).arg(&part).arg(format!("{}G", request.disk_gib));
    machine::run(&mut command)?;
    fs::rename(&part, &disk).context("keeping the disk")?;
    let size = qemu::Size { cpu_cores: request.cpu_cores, memory_mib: request.memory_mib };
    let size = serde_json::to_vec(&size).context("a size is JSON")?;
    write_whole(&machine.path(SIZE), &size, 0o600)?;
    Ok(())
}

fn size(machine: &Machine) -> Result<qemu::Size> {
    let text = fs::read(machine.path(SIZE)).context("reading the machine's size")?;
    serde_json::from_slice(&text).context("the machine's size")
}

/// Starts QEMU, which leaves this program by itself, and waits until it answers.
fn start(linux: &Linux, machine: &Machine) -> Result<()> {
    let size = size(machine)?;
    let ssh = machine.known_port().context("the machine has no port")?;
    let forwards = qemu::forwards(bind(linux, machine), ssh, &machine.ports());
    linux.ensure_network()?;
    let mut command = command(linux, machine)?;
    let sockets = qemu::Sockets::open(&machine.folder)?;
    let arguments = qemu::arguments(linux, &machine.folder, size, &forwards, &sockets);
    note(format_args!("{} {}", linux.qemu, arguments.join(" ")));
    command.args(&arguments).env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    let log = new_log(&machine.path("qemu.log")).context("creating QEMU's log")?;
    // A group of its own: what ends this driver does not end the machine. (QEMU's `-daemonize` and
    // its sandbox do not go together.)
    let mut child = command
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("QEMU's log")?)
        .stderr(log.try_clone().context("QEMU's log")?)
        .spawn()
        .with_context(|| format!("`{}` can't be started", linux.qemu))?;
    // Whoever asks a QEMU that has ended is told so at once.
    drop(sockets);
    let said = || -> String {
        let mut text = [0; 500];
        let count = log.read_at(&mut text, 0).unwrap_or_default();
        String::from_utf8_lossy(&text[..count]).trim().to_owned()
    };
    let end = Instant::now() + START_LIMIT;
    loop {
        if let Some(status) = child.try_wait().context("waiting for QEMU")? {
            bail!("QEMU exited with {status}: {}", said());
        }
        let why = match server(machine) {
            None => "the machine has no process".to_owned(),
            Some(pid) => match qemu::status(&machine.path(qemu::QMP)) {
                Ok(status) if [qemu::RUNNING, qemu::DISK_FULL].contains(&status.as_str()) => {
                    return linux.limit(machine, pid, size);
                }
                Ok(status) => format!("it is {status}"),
                Err(error) => format!("{error:#}"),
            },
        };
        if Instant::now() >= end {
            bail!("QEMU is not responding: {why}: {}", said());
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// QEMU, as whoever the machine runs as.
fn command(linux: &Linux, machine: &Machine) -> Result<Command> {
    let Some(users) = linux.users else {
        let whom = "the machine runs as this user, and reaches what this user reaches";
        note(format_args!("without root: {whom}"));
        return Ok(Command::new(&linux.qemu));
    };
    let user = users.hand_over(machine, &linux.local.state_folder)?;
    Users::command(user, &linux.qemu, linux.has_kvm)
}

/// An empty log, anew. An earlier QEMU may still have the last one.
fn new_log(path: &Path) -> std::io::Result<fs::File> {
    let _ = fs::remove_file(path);
    fs::File::options().read(true).write(true).create_new(true).open(path)
}

/// QEMU's process.
fn server(machine: &Machine) -> Option<Pid> {
    processes(machine).into_iter().next()
}

/// The processes of a machine. Those of its user are known whatever they show of themselves.
fn processes(machine: &Machine) -> Vec<Pid> {
    if let Some(user) = Users::known_user_of(machine) {
        return Users::processes(user);
    }
    let mark = qemu::mark(&machine.folder);
    machine::processes().filter(|(_, line)| line.contains(&mark)).map(|(pid, _)| pid).collect()
}

/// Reads the configuration of this driver.
pub fn configure(file: &Path) -> Result<Linux> {
    // What the driver makes is its own; what a machine's user is given is given on purpose.
    umask(Mode::RWXG | Mode::RWXO);
    Linux::read(file)
}
