//! What `driver-linux` is told, and what it takes away from a machine's process.

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use ipnet::IpNet;
use rustix::fs::statvfs;
use rustix::process::{Pid, geteuid};
use serde::Deserialize;

use crate::config::check_path;
use crate::journal::make_folder;
use crate::linux::addresses::Addresses;
use crate::linux::firewall::Firewall;
use crate::linux::qemu::Size;
use crate::linux::users::{KVM, Users, check_readable};
use crate::machine::{Local, Machine};
use crate::protocol::Refusal;

/// How much more memory than the machine's QEMU itself may take, in MiB.
const QEMU_MEMORY_MIB: u64 = 512;

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    state_folder: PathBuf,
    address: String,
    bind: IpAddr,
    first_port: u16,
    ports: u16,
    #[serde(default)]
    first_public_port: u16,
    #[serde(default)]
    public_ports: u16,
    image: PathBuf,
    #[serde(default = "qcow2")]
    image_format: String,
    kernel: Option<PathBuf>,
    initrd: Option<PathBuf>,
    kernel_arguments: Option<String>,
    #[serde(default)]
    acceleration: Acceleration,
    #[serde(default = "qemu")]
    qemu: String,
    user_id_first: Option<u32>,
    #[serde(default)]
    closed_networks: Vec<IpNet>,
    #[serde(default)]
    addresses: Vec<String>,
    interface: Option<String>,
    cgroup: Option<PathBuf>,
    #[serde(default = "free_disk_gib")]
    free_disk_gib: u64,
}

fn free_disk_gib() -> u64 {
    10
}

fn qcow2() -> String {
    "qcow2".to_owned()
}

fn qemu() -> String {
    "qemu-system-x86_64".to_owned()
}

/// What runs a machine's instructions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Acceleration {
    /// KVM where the processor helps with it, software elsewhere.
    #[default]
    Auto,
    /// The processor itself.
    Kvm,
    /// Software: ten times as slow, and good for tests.
    Tcg,
}

/// A kernel that is started directly, for images without a boot loader.
#[derive(Clone, Debug)]
pub(super) struct Kernel {
    pub(super) file: PathBuf,
    pub(super) initrd: Option<PathBuf>,
    pub(super) arguments: String,
}

/// The settings of `driver-linux`.
#[derive(Clone, Debug)]
pub struct Linux {
    pub(crate) local: Local,
    /// The image that every machine begins with. It is never written.
    pub(super) image: PathBuf,
    /// `qcow2` or `raw`.
    pub(super) image_format: String,
    pub(super) kernel: Option<Kernel>,
    pub(super) has_kvm: bool,
    /// QEMU's program.
    pub(super) qemu: String,
    /// Who machines run as: users of their own if the driver is root, or else its own user.
    pub(super) users: Option<Users>,
    /// What keeps these users from the server and its network.
    pub(super) firewall: Option<Firewall>,
    /// Addresses of machines' own, if they get any.
    pub(super) addresses: Option<Addresses>,
    /// The control group (version 2) that machines get theirs in.
    cgroup: Option<PathBuf>,
    /// With less than this free on the disk no machine is made.
    free_disk_gib: u64,
}

impl Linux {
    pub(super) fn read(file: &Path) -> Result<Linux> {
        let name = || file.display().to_string();
        let text = fs::read_to_string(file).with_context(name)?;
        let written: Written = toml::from_str(&text).with_context(name)?;
        written.check().with_context(name)
    }

    /// Refuses where there is too little room for one more machine: disks begin with next to
    /// nothing, and one that runs full pauses every machine on it.
    pub(super) fn check_room(&self) -> Result<(), Refusal> {
        let free_gib = self.space()?.1 >> 30;
        if free_gib < self.free_disk_gib {
            let (folder, needed) = (self.local.state_folder.display(), self.free_disk_gib);
            let why = format!("only {free_gib} GiB are free in {folder}, and {needed} are needed");
            return Err(Refusal::later(why));
        }
        Ok(())
    }

    /// Sees to it that the rules are there that machines need, and their own addresses.
    pub(super) fn ensure_network(&self) -> Result<()> {
        if let Some(firewall) = &self.firewall {
            firewall.ensure()?;
        }
        self.addresses.as_ref().map_or(Ok(()), |addresses| addresses.ensure(&self.local))
    }

    /// The size of the disk that machines are on, and what is free of it, in bytes.
    pub(super) fn space(&self) -> Result<(u64, u64)> {
        let folder = &self.local.state_folder;
        let found = statvfs(folder).with_context(|| folder.display().to_string())?;
        let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
        Ok((bytes(found.f_blocks), bytes(found.f_bavail)))
    }

    /// Where the keys are kept that the market has put on a machine: out of reach of its QEMU.
    pub(super) fn keys_file(&self, machine: &Machine) -> Result<PathBuf> {
        let folder = self.local.state_folder.join("keys");
        make_folder(&folder)?;
        let name = machine.folder.file_name().context("a machine's folder has a name")?;
        Ok(folder.join(name))
    }

    /// Limits a machine's process to its processors and memory, where a control group is set.
    pub(super) fn limit(&self, machine: &Machine, pid: Pid, size: Size) -> Result<()> {
        let Some(group) = self.group(machine) else { return Ok(()) };
        fs::create_dir_all(&group).with_context(|| format!("creating {}", group.display()))?;
        let set = |name: &str, value: String| {
            fs::write(group.join(name), value)
                .with_context(|| format!("{} {name}", group.display()))
        };
        let period = 100_000;
        set("cpu.max", format!("{} {period}", u64::from(size.cpu_cores) * period))?;
        let memory_mib = u64::from(size.memory_mib) + QEMU_MEMORY_MIB;
        set("memory.max", (memory_mib * 1024 * 1024).to_string())?;
        set("cgroup.procs", pid.as_raw_nonzero().to_string())
    }

    /// Removes the control group of a machine that has ended.
    pub(super) fn remove_group(&self, machine: &Machine) -> Result<()> {
        let Some(group) = self.group(machine).filter(|group| group.exists()) else {
            return Ok(());
        };
        fs::remove_dir(&group).with_context(|| format!("removing {}", group.display()))
    }

    fn group(&self, machine: &Machine) -> Option<PathBuf> {
        Some(self.cgroup.as_ref()?.join(machine.folder.file_name()?))
    }
}

/// Whether the processor has what KVM is made for.
fn processor_helps() -> bool {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = processors.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm")
}

/// Who machines run as: one user for each, if the driver can give them any.
fn users(first: Option<u32>, count: u16) -> Result<Option<Users>> {
    let is_root = geteuid().is_root();
    let Some(first) = first else {
        let why = "user_id_first: the driver runs as root, and machines need users of their own";
        ensure!(!is_root, why);
        return Ok(None);
    };
    ensure!(is_root, "user_id_first: only root can drop privileges");
    Users::new(first, count).map(Some)
}

impl Written {
    fn check(self) -> Result<Linux> {
        let local = Local {
            state_folder: self.state_folder,
            address: self.address,
            bind: self.bind,
            first_port: self.first_port,
            ports: self.ports,
            first_public_port: self.first_public_port,
            public_ports: self.public_ports,
        };
        local.check()?;
        let readable = |name: &str, path: &Path| {
            check_path(name, path)?;
            let name = || format!("{name}: {}", path.display());
            fs::File::open(path).with_context(name)?;
            if geteuid().is_root() { check_readable(path).with_context(name) } else { Ok(()) }
        };
        readable("image", &self.image)?;
        ensure!(
            ["qcow2", "raw"].contains(&self.image_format.as_str()),
            "image_format: qcow2 or raw"
        );
        let kernel = match self.kernel {
            None => None,
            Some(kernel) => {
                readable("kernel", &kernel)?;
                if let Some(initrd) = &self.initrd {
                    readable("initrd", initrd)?;
                }
                let arguments = self.kernel_arguments.unwrap_or_default();
                Some(Kernel { file: kernel, initrd: self.initrd, arguments })
            }
        };
        let users = users(self.user_id_first, local.ports)?;
        let firewall = users.map(|users| {
            let mut closed = self.closed_networks;
            // A machine of this server is not reached through the router in front of it either.
            closed.extend(local.address.parse::<IpAddr>().map(IpNet::from));
            Firewall::new(users, &closed)
        });
        let addresses = match (users, self.addresses.as_slice()) {
            (_, []) => None,
            (None, _) => bail!("addresses: only root can add them to an interface"),
            (Some(users), list) => {
                let interface = self.interface.unwrap_or_default();
                Some(Addresses::read(list, &interface, &local.address, users.first)?)
            }
        };
        let is_usable = || fs::OpenOptions::new().read(true).write(true).open(KVM).is_ok();
        let has_kvm = match self.acceleration {
            // In a machine that is itself virtual the device may be there without the processor's
            // help, and then nothing starts.
            Acceleration::Auto => is_usable() && processor_helps(),
            Acceleration::Kvm => {
                ensure!(is_usable(), "acceleration: {KVM} can't be opened");
                true
            }
            Acceleration::Tcg => false,
        };
        Ok(Linux {
            local,
            image: self.image,
            image_format: self.image_format,
            kernel,
            has_kvm,
            qemu: self.qemu,
            users,
            firewall,
            addresses,
            cgroup: self.cgroup,
            free_disk_gib: self.free_disk_gib,
        })
    }
}
