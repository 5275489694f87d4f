//! What tests need of the system, and what becomes of them where it cannot be had.

use std::process::Command;

use anyhow::{Context, Result};

use super::{Options, clients};
use crate::apt;
use crate::process;
use crate::progress::say;
use crate::python::Python;
use crate::workspace::Workspace;

/// The Debian packages of the browser and of the program that drives it, with their programs.
const BROWSER: [(&str, &str); 2] = [("chromium", "chromium"), ("chromium-driver", "chromedriver")];

/// The Debian package that renters log in with, with its programs.
const SSH: [(&str, &str); 2] = [("openssh-client", "ssh"), ("openssh-client", "ssh-keygen")];

/// The Debian packages that virtual machines are made with, with their programs.
pub(crate) const MACHINES: [(&str, &str); 4] = [
    ("qemu-system-x86", "qemu-system-x86_64"),
    ("qemu-utils", "qemu-img"),
    ("genisoimage", "genisoimage"),
    ("genisoimage", "isoinfo"),
];

/// localstripe and all that it needs.
const LOCALSTRIPE: &str = include_str!("../../../../tests/e2e/stripe/requirements.txt");

/// Something that tests need of the system.
struct Need {
    what: &'static str,
    ensure: fn(&Workspace) -> Result<()>,
    /// The tests that need it: a package, and what their names begin with.
    tests: &'static [(&'static str, &'static str)],
}

const NEEDS: [Need; 7] = [
    Need {
        what: "Chromium",
        ensure: |_| apt::ensure_programs(&BROWSER),
        tests: &[("browser", "")],
    },
    Need {
        what: "OpenSSH",
        ensure: |_| apt::ensure_programs(&SSH),
        tests: &[("agent", ""), ("e2e", "demo::"), ("e2e", "login::"), ("browser", "access::")],
    },
    Need {
        what: "QEMU",
        ensure: |_| apt::ensure_programs(&MACHINES),
        tests: &[("agent", "linux::")],
    },
    Need { what: "nftables", ensure: |_| firewall(), tests: &[("agent", "linux::")] },
    Need {
        what: "a disk of its own",
        ensure: |_| small_disk(),
        tests: &[("agent", "linux::a_full_disk_")],
    },
    Need {
        what: "localstripe",
        ensure: |workspace| {
            let folder = workspace.component_target().join("localstripe");
            Python::ensure(&folder, LOCALSTRIPE, "localstripe").map(drop)
        },
        tests: &[("e2e", "payments::"), ("browser", "payment::")],
    },
    Need { what: "clients of others", ensure: clients::make, tests: &[("e2e", "clients::")] },
];

/// What machines need if root makes them: in a container, the kernel may take no rules.
pub(crate) fn firewall() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    apt::ensure_programs(&[("nftables", "nft")])?;
    let mut nft = Command::new("nft");
    nft.args(["list", "tables"]).env("PATH", "/usr/sbin:/sbin:/usr/bin:/bin");
    process::output(&mut nft).context("firewalls cannot be set here").map(drop)
}

/// Whether root may mount a disk, where root is asked to: not in every container.
fn small_disk() -> Result<()> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let mut mount = Command::new("unshare");
    mount.args(["--mount", "mount", "-t", "tmpfs", "none", "/tmp"]);
    process::output(&mut mount).context("nothing can be mounted here").map(drop)
}

/// Tests that cannot be run here.
pub(super) struct Unmet {
    pub(super) package: &'static str,
    /// What the names of the tests begin with.
    pub(super) prefix: &'static str,
    pub(super) why: String,
}

/// Installs what tests need. What cannot be had is no error: its tests are left out, and counted.
pub(super) fn ensure(workspace: &Workspace, options: &Options) -> Vec<Unmet> {
    let mut unmet = Vec::new();
    for need in NEEDS {
        if !need.tests.iter().any(|(package, _)| options.has(package)) {
            continue;
        }
        let ensured = (need.ensure)(workspace).context(format!("{} is missing", need.what));
        if let Err(error) = ensured {
            let why = format!("{error:#}");
            say(&format!("skipping tests: {why}"));
            let missing = need.tests.iter();
            unmet.extend(missing.map(|&(package, prefix)| Unmet {
                package,
                prefix,
                why: why.clone(),
            }));
        }
    }
    unmet
}
