//! The demo's farm: an agent with a driver, which gives slices their machines.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::geteuid;
use serde_json::json;

use super::{FARM_ID, Files, keep_token};
use crate::api::{Api, Caller};
use crate::artifact::FarmPrograms;
use crate::boot::{self, Image};
use crate::process;
use crate::progress::say;
use crate::server::Server;
use crate::workspace::Workspace;

/// What the agent is called at the market.
pub(super) const AGENT: &str = "demo";

/// The agent's token.
pub(super) const TOKEN_FILE: &str = "agent-token";

/// Where a driver's machines get their ports, and how many.
const FIRST_PORT: u16 = 22_000;
const PORTS: u16 = 200;

/// The same for their further ports.
const FIRST_PUBLIC_PORT: u16 = 23_000;
const PUBLIC_PORTS: u16 = 2_000;

/// The longest path of a folder of virtual machines: there are sockets in it.
const MACHINES_PATH_MAX: usize = 48;

/// What virtual machines are made with.
const QEMU_PROGRAMS: [&str; 3] = ["qemu-system-x86_64", "qemu-img", "genisoimage"];

/// Whom virtual machines run as, if root starts them.
const USERS: &str = "user_id_first = 1900000000\n";

/// What becomes of a slice.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A virtual machine under QEMU.
    Virtual,
    /// A shell on this computer.
    Shell,
}

impl Kind {
    fn config_name(self) -> &'static str {
        match self {
            Kind::Virtual => "driver-linux.toml",
            Kind::Shell => "driver-process.toml",
        }
    }
}

/// A running farm.
pub(super) struct Farm {
    // Ends before the machines do.
    _agent: Server,
    driver: Driver,
}

/// Gives the farm's agent its token.
pub(super) fn introduce(api: &Api, farmer: Caller<'_>, files: &Files) -> Result<()> {
    let body = json!({ "scopes": ["agent"], "farm_id": FARM_ID });
    keep_token(api, farmer, body, files, TOKEN_FILE)
}

impl Farm {
    /// Starts the machines that there are, and the agent.
    pub(super) fn start(
        workspace: &Workspace,
        programs: &FarmPrograms,
        url: &str,
        files: &Files,
    ) -> Result<Farm> {
        for program in ["ssh", "ssh-keygen"] {
            if process::find_program(program).is_none() {
                bail!("they need `{program}`: install openssh-client");
            }
        }
        if !files.has(TOKEN_FILE) {
            bail!(
                "this demo was created before it had any; start again with an empty --data folder"
            );
        }
        let driver = Driver::choose(workspace, programs, files)?;
        process::output(&mut driver.command("start")).context("starting its machines")?;
        let config = format!(
            "server = '{url}'\ntoken_file = '{}'\nagent = '{AGENT}'\ndriver = ['{}', '{}']\n\
             state_folder = '{}'\n\
             # Whoever stops the demo does not want to wait.\n\
             poll_seconds = 2\nstop_grace_seconds = 0\n",
            files.path(TOKEN_FILE).display(),
            driver.program.display(),
            driver.config.display(),
            files.path("agent").display(),
        );
        let config = files.write("agent.toml", &config)?;
        let mut agent = Command::new(&programs.agent);
        let agent = Server::spawn("the agent", agent.arg(config), &files.path("agent.log"))?;
        Ok(Farm { _agent: agent, driver })
    }

    /// What its machines are, in words.
    pub(super) fn description(&self) -> &'static str {
        match self.driver.kind {
            Kind::Virtual => "a virtual one under QEMU, which runs on when this command ends",
            Kind::Shell => "a shell on this computer, separated from nothing",
        }
    }

    /// How long a machine may take until somebody can log in.
    pub(super) fn ready_limit(&self) -> Duration {
        match self.driver.kind {
            Kind::Virtual => Duration::from_mins(5),
            Kind::Shell => Duration::from_mins(1),
        }
    }
}

struct Driver {
    kind: Kind,
    program: PathBuf,
    config: PathBuf,
}

impl Driver {
    /// The driver that a demo has, or gets now: it keeps the one that its machines were made by.
    fn choose(workspace: &Workspace, programs: &FarmPrograms, files: &Files) -> Result<Driver> {
        let mut kinds = [Kind::Virtual, Kind::Shell].into_iter();
        let kind = match kinds.find(|kind| files.has(kind.config_name())) {
            Some(kind) => kind,
            None => configure(workspace, files)?,
        };
        let program = match kind {
            Kind::Virtual => programs.driver_linux.clone(),
            Kind::Shell => programs.driver_process.clone(),
        };
        Ok(Driver { kind, program, config: files.path(kind.config_name()) })
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        command.arg(&self.config).arg(verb);
        command
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        if self.kind == Kind::Shell
            && let Err(error) = process::output(&mut self.command("stop"))
        {
            say(&format!("The demo's machines do not stop: {error:#}"));
        }
    }
}

/// Writes the configuration of the best driver that there can be.
fn configure(workspace: &Workspace, files: &Files) -> Result<Kind> {
    let machines = files.path("machines");
    let settings = format!(
        "state_folder = '{}'\naddress = '127.0.0.1'\nbind = '127.0.0.1'\n\
         first_port = {FIRST_PORT}\nports = {PORTS}\n\
         first_public_port = {FIRST_PUBLIC_PORT}\npublic_ports = {PUBLIC_PORTS}\n",
        machines.display()
    );
    let (kind, image) = match find_image(workspace, &machines) {
        Ok(image) => {
            let image = format!(
                "image = '{}'\nkernel = '{}'\ninitrd = '{}'\n\
                 kernel_arguments = 'root=/dev/vda rw console=ttyS0'\n",
                image.disk.display(),
                image.kernel.display(),
                image.initrd.display()
            );
            let users = if geteuid().is_root() { USERS } else { "" };
            let image = format!("{image}{users}");
            (Kind::Virtual, image)
        }
        Err(why) => {
            say(&format!("The demo's machines are shells on this computer, because {why:#}."));
            (Kind::Shell, String::new())
        }
    };
    files.write(kind.config_name(), &(settings + &image))?;
    Ok(kind)
}

/// The image of virtual machines, or why there are none.
fn find_image(workspace: &Workspace, machines: &Path) -> Result<Image> {
    let image = Image::find(workspace)
        .context("there is no image for virtual ones yet (`cargo xtask boot` builds one)")?;
    for program in QEMU_PROGRAMS {
        process::find_program(program).with_context(|| format!("there is no `{program}`"))?;
    }
    boot::has_kvm()?;
    image.check_kvm()?;
    if geteuid().is_root() {
        crate::test::firewall()?;
        for folder in [machines, &image.disk].into_iter().flat_map(|path| path.ancestors().skip(1))
        {
            let mode = fs::metadata(folder).with_context(|| folder.display().to_string())?.mode();
            if mode & 0o001 == 0 {
                bail!("their users cannot enter {}", folder.display());
            }
        }
    }
    if machines.as_os_str().len() > MACHINES_PATH_MAX {
        bail!("the path of the data folder is too long for virtual ones");
    }
    Ok(image)
}
