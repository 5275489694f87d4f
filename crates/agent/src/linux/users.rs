//! Users of machines: each QEMU runs as one that exists for it only, and that owns nothing but the
//! machine's disks. There is no folder that it may write.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use rustix::process::Pid;

use crate::machine::{self, Machine};

/// The lowest number: those below are given to people, programs and containers.
const FIRST_MIN: u32 = 1 << 16;

/// Where the number of a machine's user is kept.
const USER: &str = "user";

/// The disk for cloud-init, which the machine's user only reads.
pub(super) const SEED: &str = "seed.iso";

/// The machine's disk: all that its user writes.
pub(super) const DISK: &str = "disk.qcow2";

/// The device that processors help with.
pub(super) const KVM: &str = "/dev/kvm";

/// A range of user ids, and of group ids with the same numbers. They need no names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Users {
    pub(super) first: u32,
    pub(super) last: u32,
}

impl Users {
    /// As many as there may be machines: each has a port.
    pub(super) fn new(first: u32, count: u16) -> Result<Users> {
        let last = first.checked_add(u32::from(count) - 1).filter(|last| *last < u32::MAX);
        let last = last.filter(|_| first >= FIRST_MIN);
        let last = last.with_context(|| format!("user_id_first: at least {FIRST_MIN}"))?;
        Ok(Users { first, last })
    }

    /// The user of a machine, which gets one now if it has none. Two machines never have the same.
    pub(super) fn user_of(self, machine: &Machine, state_folder: &Path) -> Result<u32> {
        machine.allot(state_folder, USER, self.first..=self.last, |_| true)
    }

    /// The user of a machine, if it has one.
    pub(super) fn known_user_of(machine: &Machine) -> Option<u32> {
        machine.allotted(USER)
    }

    /// Gives the machine's disks to its user, and lets it come to them.
    pub(super) fn hand_over(self, machine: &Machine, state_folder: &Path) -> Result<u32> {
        let user = self.user_of(machine, state_folder)?;
        let give = |path: &Path, owner: u32, mode: u32| {
            chown(path, Some(owner), Some(user))
                .and_then(|()| fs::set_permissions(path, Permissions::from_mode(mode)))
                .with_context(|| path.display().to_string())
        };
        give(&machine.path(DISK), user, 0o600)?;
        give(&machine.path(SEED), 0, 0o640)?;
        give(&machine.folder, 0, 0o710)?;
        // The way to it: whoever is not root enters these, and reads nothing in them.
        for folder in [state_folder, machine.folder.parent().unwrap_or(Path::new("/"))] {
            let mode = Permissions::from_mode(0o711);
            fs::set_permissions(folder, mode).with_context(|| folder.display().to_string())?;
        }
        Ok(user)
    }

    /// A program that runs as this user, and can never have more rights than that.
    pub(super) fn command(user: u32, program: &str, has_kvm: bool) -> Result<Command> {
        let mut command = Command::new("setpriv");
        command.arg(format!("--reuid={user}")).arg(format!("--regid={user}"));
        if has_kvm {
            let group = fs::metadata(KVM).context(KVM)?.gid();
            command.arg(format!("--groups={group}"));
        } else {
            command.arg("--clear-groups");
        }
        command.args(["--no-new-privs", "--bounding-set=-all", "--inh-caps=-all", "--", program]);
        Ok(command)
    }

    /// Every process of a user, whatever it shows of itself.
    pub(super) fn processes(user: u32) -> Vec<Pid> {
        machine::pids().filter(|pid| is_of(*pid, user)).collect()
    }
}

/// Whether a process runs as this user, and has not ended.
fn is_of(pid: Pid, user: u32) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero()));
    let status = status.unwrap_or_default();
    let find = |name: &str| status.lines().find_map(|line| line.strip_prefix(name));
    let is_zombie = find("State:").is_some_and(|state| state.trim().starts_with('Z'));
    // The user that it was started as, the one that counts, and two more.
    let mut users = find("Uid:").unwrap_or_default().split_whitespace();
    !is_zombie && users.any(|id| id.parse() == Ok(user))
}

/// Whether everybody may read a file: QEMU's users have no other way to the image.
pub(super) fn check_readable(path: &Path) -> Result<()> {
    let mode = fs::metadata(path).with_context(|| path.display().to_string())?.mode();
    ensure!(mode & 0o004 != 0, "not readable by everybody (chmod o+r)");
    Ok(())
}
