//! Packages of the system, installed where that can be done.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;
use crate::progress::Step;

/// Installs the packages whose programs are missing, where that can be done. A row is a package and
/// a program of it.
pub(crate) fn ensure_programs(programs: &[(&str, &str)]) -> Result<()> {
    let is_missing = |program: &str| {
        // Not everybody's path has the folders of root's programs.
        let folders = ["/usr/sbin", "/sbin"].map(|folder| Path::new(folder).join(program));
        process::find_program(program).is_none() && !folders.iter().any(|path| path.is_file())
    };
    let missing: Vec<_> = programs.iter().filter(|(_, program)| is_missing(program)).collect();
    let mut packages: Vec<_> = missing.iter().map(|(package, _)| *package).collect();
    packages.dedup();
    if packages.is_empty() { Ok(()) } else { install(&packages) }
}

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
