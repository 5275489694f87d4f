//! Packages of the system, installed where that can be done.

use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::progress::Step;

/// Installs packages of Debian if this is root on such a system; the error says what to do
/// otherwise.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let can_install =
        rustix::process::geteuid().is_root() && process::find_program("apt-get").is_some();
    if !can_install {
        bail!("install it with `apt-get install {names}`");
    }
    let mut step = Step::start(&format!("installing {names}"));
    let apt = || {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    process::run(&mut step, apt().arg("update"))?;
    let install = ["install", "--yes", "--no-install-recommends"];
    process::run(&mut step, apt().args(install).args(packages))?;
    step.done();
    Ok(())
}
