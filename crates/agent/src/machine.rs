//! Machines of this server, as folders: one for each, with all that belongs to it.

use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;

use crate::config::{ConfigError, check_path, wrong};
use crate::journal::{make_folder, write_whole};
use crate::protocol::{Port, PublicPort, Reach, Refusal, Request, Transport};

/// How long a process has to end by itself.
const END_LIMIT: Duration = Duration::from_secs(10);

/// How long another run of the driver on the same machine is waited for.
const LOCK_LIMIT: Duration = Duration::from_mins(2);

/// The machine's further ports, in its folder.
pub(crate) const PORTS: &str = "ports.json";

/// How often it is looked whether something has happened.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The longest path of a folder of machines: sockets in it have paths of at most 107 bytes.
const FOLDER_MAX: usize = 48;

/// Where a machine's port is kept.
pub(crate) const PORT: &str = "port";

/// Where the address of a machine's own is kept, as a number, if it has one.
pub(crate) const ADDRESS: &str = "address";

/// The settings that all drivers for this very server share.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Local {
    /// Where machines are. Nobody else may enter it.
    pub state_folder: PathBuf,
    /// What renters connect to: an IP address or a name.
    pub address: String,
    /// What the ports are opened on.
    pub bind: std::net::IpAddr,
    /// The first port that may be used.
    pub first_port: u16,
    /// How many ports may be used, and so how many machines there may be.
    pub ports: u16,
    /// The first port that machines may get beyond that.
    #[serde(default)]
    pub first_public_port: u16,
    /// How many ports machines may get beyond that, all together. With none, no machine gets one.
    #[serde(default)]
    pub public_ports: u16,
}

impl Local {
    /// Says what is wrong with it, where machines have sockets in their folders.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.state_folder.as_os_str().len() > FOLDER_MAX {
            let why = format!("at most {FOLDER_MAX} bytes, because of the sockets in it");
            return Err(wrong("state_folder", why));
        }
        self.check_without_sockets()
    }

    /// Says what is wrong with it, however long the path of the folder is.
    pub fn check_without_sockets(&self) -> Result<(), ConfigError> {
        check_path("state_folder", &self.state_folder)?;
        let is_range = self.first_port >= 1024 && self.ports > 0;
        if !is_range || self.first_port.checked_add(self.ports - 1).is_none() {
            return Err(wrong("first_port, ports", "ports from 1024 to 65535"));
        }
        if self.public_ports == 0 {
            return Ok(());
        }
        let last = self.first_public_port.checked_add(self.public_ports - 1);
        let Some(last) = last.filter(|_| self.first_public_port >= 1024) else {
            let why = "ports from 1024 to 65535";
            return Err(wrong("first_public_port, public_ports", why));
        };
        if self.first_public_port < self.first_port + self.ports && last >= self.first_port {
            let why = "other ports than those of first_port and ports";
            return Err(wrong("first_public_port, public_ports", why));
        }
        Ok(())
    }
}

/// The folder of one machine, locked: nobody else works on it meanwhile.
pub(crate) struct Machine {
    pub(crate) folder: PathBuf,
    machines: PathBuf,
    name: String,
    _lock: File,
}

impl Machine {
    /// Locks the machine that a request is about, whether there is one or not.
    pub(crate) fn lock(local: &Local, request: &Request) -> Result<Machine> {
        Machine::lock_named(local, &format!("{}.{}", request.slice_id, request.rental_id))
    }

    /// Locks a machine by the name of its folder.
    pub(crate) fn lock_named(local: &Local, name: &str) -> Result<Machine> {
        let machines = local.state_folder.join("m");
        let locks = local.state_folder.join("locks");
        make_folder(&machines)?;
        make_folder(&locks)?;
        // One lock for each slice: two rentals never have machines on it at a time.
        let lock = lock_file(&locks.join(name.split('.').next().unwrap_or(name)))?;
        let folder = machines.join(name);
        Ok(Machine { folder, machines, name: name.to_owned(), _lock: lock })
    }

    /// The names of all machines.
    pub(crate) fn names(local: &Local) -> Result<Vec<String>> {
        let machines = local.state_folder.join("m");
        make_folder(&machines)?;
        let mut names = folder_names(&machines)?;
        names.sort();
        Ok(names)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn exists(&self) -> bool {
        self.folder.exists()
    }

    /// Makes the folder, unless another rental's machine is still on the slice.
    pub(crate) fn make(&self) -> Result<(), Refusal> {
        let slice = self.name.split('.').next().unwrap_or_default();
        let others = folder_names(&self.machines)?;
        let other =
            others.iter().find(|name| **name != self.name && name.split('.').next() == Some(slice));
        if let Some(other) = other {
            return Err(Refusal::later(format!("the slice still has the machine {other}")));
        }
        make_folder(&self.folder)?;
        Ok(())
    }

    /// The port that this machine has, or gets now. Two machines never have the same.
    pub(crate) fn port(&self, local: &Local) -> Result<u16> {
        let last = local.first_port + (local.ports - 1);
        let range = u32::from(local.first_port)..=u32::from(last);
        let is_free = |port: u32| {
            let address = u16::try_from(port).map(|port| SocketAddr::new(local.bind, port));
            address.is_ok_and(|address| is_free(address, Transport::Tcp))
        };
        let port = self.allot(&local.state_folder, PORT, range, is_free)?;
        u16::try_from(port).context("no port")
    }

    /// The port that it has.
    pub(crate) fn known_port(&self) -> Option<u16> {
        self.allotted(PORT)?.try_into().ok()
    }

    /// A number that this machine has under a name, or gets now. Two machines never have the same.
    pub(crate) fn allot(
        &self,
        state_folder: &Path,
        name: &str,
        candidates: impl IntoIterator<Item = u32>,
        is_free: impl Fn(u32) -> bool,
    ) -> Result<u32> {
        if let Some(number) = self.allotted(name) {
            return Ok(number);
        }
        let _lock = lock_numbers(state_folder)?;
        let folders = folders(state_folder)?;
        let taken: Vec<u32> =
            folders.iter().filter_map(|folder| read_number(&folder.join(name))).collect();
        let mut candidates = candidates.into_iter();
        let number = candidates.find(|number| !taken.contains(number) && is_free(*number));
        let number = number.with_context(|| format!("no free {name}"))?;
        write_whole(&self.path(name), number.to_string().as_bytes(), 0o600)?;
        Ok(number)
    }

    /// The number that it has under a name.
    pub(crate) fn allotted(&self, name: &str) -> Option<u32> {
        read_number(&self.path(name))
    }

    /// Gives a new machine the ports that it is made with, if machines get ports at all.
    pub(crate) fn first_ports(&self, local: &Local, wanted: &[Port]) -> Result<(), Refusal> {
        if local.public_ports > 0 {
            self.set_ports(local, wanted)?;
        }
        Ok(())
    }

    /// Gives each of these ports of the machine a public one. What had one keeps it; what is not
    /// among them loses it. Two machines never have the same, be it TCP or UDP.
    pub(crate) fn set_ports(
        &self,
        local: &Local,
        wanted: &[Port],
    ) -> Result<Vec<PublicPort>, Refusal> {
        if !wanted.is_empty() && local.public_ports == 0 {
            return Err(Refusal::never("the driver is configured without public_ports"));
        }
        let _lock = lock_numbers(&local.state_folder)?;
        let others = folders(&local.state_folder)?;
        let others = others.iter().filter(|folder| **folder != self.folder);
        let mut taken: Vec<u16> =
            others.flat_map(|folder| read_ports(folder)).map(|port| port.public_port).collect();
        let known = self.ports();
        taken.extend(known.iter().map(|port| port.public_port));
        let mut candidates = (0..local.public_ports).map(|at| local.first_public_port + at);
        let mut given = Vec::new();
        for port in wanted {
            let had = known.iter().find(|known| known.inner() == *port).copied();
            let new = || {
                let free = |number: &u16| {
                    !taken.contains(number)
                        && is_free(SocketAddr::new(local.bind, *number), port.protocol)
                };
                let public_port = candidates.find(free)?;
                Some(PublicPort { protocol: port.protocol, port: port.port, public_port })
            };
            let port = had.or_else(new);
            given.push(port.ok_or_else(|| Refusal::later("all public_ports are in use"))?);
        }
        let text = serde_json::to_vec(&given).context("ports are JSON")?;
        write_whole(&self.path(PORTS), &text, 0o600)?;
        Ok(given)
    }

    /// Its ports that have a public one.
    pub(crate) fn ports(&self) -> Vec<PublicPort> {
        read_ports(&self.folder)
    }

    /// Makes the machine's own host key, unless it is there, and says its public part.
    pub(crate) fn host_key(&self) -> Result<String> {
        let key = self.path("host_key");
        let public = self.path("host_key.pub");
        if !public.exists() {
            let part = self.path("new_key");
            let _ = fs::remove_file(&part);
            let mut command = Command::new("ssh-keygen");
            command.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(&part);
            run(&mut command)?;
            fs::rename(&part, &key).context("keeping the host key")?;
            // The public part comes last: it says that both are there.
            fs::rename(part.with_extension("pub"), &public).context("keeping the host key")?;
        }
        self.known_host_key()
    }

    /// The public part of its host key, if it has one.
    pub(crate) fn known_host_key(&self) -> Result<String> {
        let text = fs::read_to_string(self.path("host_key.pub")).context("reading the host key")?;
        let words: Vec<_> = text.split_whitespace().take(2).collect();
        Ok(words.join(" "))
    }

    /// How it is reached.
    pub(crate) fn reach(&self, local: &Local, user: &str) -> Result<Reach> {
        Ok(Reach {
            address: local.address.clone(),
            port: self.known_port().context("it has no port")?,
            user: user.to_owned(),
            host_keys: vec![self.known_host_key()?],
            console_url: None,
            ports: self.ports(),
        })
    }

    /// The processes whose command line has a file of this machine.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let marks = self.folder.to_string_lossy().into_owned() + "/";
        processes().filter(|(_, command)| command.contains(&marks)).map(|(pid, _)| pid).collect()
    }

    /// Ends these processes, asking first.
    pub(crate) fn end(&self, find: impl Fn() -> Vec<Pid>) -> Result<()> {
        let started_at = Instant::now();
        let mut signal = Signal::TERM;
        loop {
            let left = find();
            if left.is_empty() {
                return Ok(());
            }
            for pid in left {
                // An error here means that it has ended already.
                let _ = kill_process(pid, signal);
            }
            let elapsed = started_at.elapsed();
            ensure!(elapsed < END_LIMIT * 2, "processes of {} don't stop", self.name);
            if elapsed >= END_LIMIT {
                signal = Signal::KILL;
            }
            thread::sleep(POLL_INTERVAL * 5);
        }
    }

    /// Removes everything that belongs to it. The folder is renamed first, so that what is left
    /// after a crash is no machine any more.
    pub(crate) fn wipe(&self, local: &Local) -> Result<()> {
        let _ = fs::remove_dir_all(self.successor(local)?);
        if self.exists() {
            self.take_away(local)?;
        }
        clear_gone(local)
    }

    /// Removes everything that belongs to it but its ports, so that it can be made anew; `false` if
    /// there is none.
    pub(crate) fn empty(&self, local: &Local) -> Result<bool> {
        let successor = self.successor(local)?;
        // Until the new folder is there, nobody else takes the port.
        let _lock = lock_numbers(&local.state_folder)?;
        if let Some(port) = self.known_port() {
            make_folder(&successor)?;
            if let Some(address) = self.allotted(ADDRESS) {
                write_whole(&successor.join(ADDRESS), address.to_string().as_bytes(), 0o600)?;
            }
            let ports = serde_json::to_vec(&self.ports()).context("ports are JSON")?;
            write_whole(&successor.join(PORTS), &ports, 0o600)?;
            write_whole(&successor.join(PORT), port.to_string().as_bytes(), 0o600)?;
        }
        // It is there without a machine if an earlier run was cut off.
        if !successor.exists() {
            return Ok(false);
        }
        if self.exists() {
            self.take_away(local)?;
        }
        fs::rename(&successor, &self.folder).context("making a machine anew")?;
        clear_gone(local)?;
        Ok(true)
    }

    /// Where the folder is made that follows this one.
    pub(crate) fn successor(&self, local: &Local) -> Result<PathBuf> {
        let folder = local.state_folder.join("new");
        make_folder(&folder)?;
        Ok(folder.join(&self.name))
    }

    fn take_away(&self, local: &Local) -> Result<()> {
        // What an earlier run has left would be in the way.
        clear_gone(local)?;
        let gone = local.state_folder.join("gone").join(&self.name);
        fs::rename(&self.folder, gone).context("taking a machine away")
    }
}

/// Deletes what was taken away.
fn clear_gone(local: &Local) -> Result<()> {
    let gone = local.state_folder.join("gone");
    make_folder(&gone)?;
    for name in folder_names(&gone)? {
        let folder = gone.join(name);
        // Somebody else who removes may have been faster.
        if fs::remove_dir_all(&folder).is_err() && folder.exists() {
            bail!("removing {}", folder.display());
        }
    }
    Ok(())
}

/// The folders of machines, and of those that are being made anew.
pub(crate) fn folders(state_folder: &Path) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for folder in [state_folder.join("m"), state_folder.join("new")] {
        make_folder(&folder)?;
        folders.extend(folder_names(&folder)?.iter().map(|name| folder.join(name)));
    }
    Ok(folders)
}

/// Keeps others from giving or taking machines' numbers until this is dropped.
pub(crate) fn lock_numbers(state_folder: &Path) -> Result<File> {
    lock_file(&state_folder.join("ports.lock"))
}

pub(crate) fn read_number(path: &Path) -> Option<u32> {
    fs::read_to_string(path).ok()?.parse().ok()
}

pub(crate) fn read_ports(folder: &Path) -> Vec<PublicPort> {
    let text = fs::read(folder.join(PORTS)).unwrap_or_default();
    serde_json::from_slice(&text).unwrap_or_default()
}

fn is_free(address: SocketAddr, transport: Transport) -> bool {
    match transport {
        Transport::Tcp => TcpListener::bind(address).is_ok(),
        Transport::Udp => UdpSocket::bind(address).is_ok(),
    }
}

fn folder_names(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    Ok(entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
}

/// Waits for a lock, which lasts until the file is dropped or the program ends, however it ends.
fn lock_file(path: &Path) -> Result<File> {
    // A program that this one starts must not keep the lock: std opens files with O_CLOEXEC.
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    let end = Instant::now() + LOCK_LIMIT;
    while file.try_lock().is_err() {
        ensure!(Instant::now() < end, "another driver is working on it: {}", path.display());
        thread::sleep(POLL_INTERVAL);
    }
    Ok(file)
}

/// Every process, with its command line, arguments separated by blanks.
pub(crate) fn processes() -> impl Iterator<Item = (Pid, String)> {
    pids().filter_map(|pid| {
        let command = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
        // A zombie has no command line.
        (!command.is_empty()).then(|| (pid, String::from_utf8_lossy(&command).replace('\0', " ")))
    })
}

/// Every process but this one.
pub(crate) fn pids() -> impl Iterator<Item = Pid> {
    let own = rustix::process::getpid();
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| Pid::from_raw(entry.file_name().to_str()?.parse().ok()?));
    pids.filter(move |pid| *pid != own)
}

/// Runs a program to its end; the error has what it said.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("`{name}` can't be started"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let said: String = said.trim().chars().take(500).collect();
        bail!("`{name}` exited with {}: {said}", output.status);
    }
    Ok(())
}
