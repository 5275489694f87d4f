//! Packages of the system, installed where that can be done.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::debian::Archive;
use crate::process;
use crate::progress::Step;
use crate::target::remove_folder;

/// Where apt keeps the list of sources that is not in parts.
const SOURCES: &str = "/etc/apt/sources.list";

/// Installs programs that belong together where one is missing. A row is a package and a program of
/// it. All packages are asked for, those that are there too, so that apt chooses versions that fit.
pub(crate) fn ensure_programs(programs: &[(&str, &str)]) -> Result<()> {
    let missing = || programs.iter().map(|(_, program)| *program).filter(|name| is_missing(name));
    if missing().next().is_none() {
        return Ok(());
    }
    let mut packages: Vec<_> = programs.iter().map(|(package, _)| *package).collect();
    packages.dedup();
    install(&packages)?;
    let missing: Vec<_> = missing().collect();
    ensure!(missing.is_empty(), "not there after installing: {}", missing.join(", "));
    Ok(())
}

fn is_missing(program: &str) -> bool {
    // The search path of a user often lacks the folders of administrators' programs.
    let folders = ["/usr/sbin", "/sbin"].map(|folder| Path::new(folder).join(program));
    process::find_program(program).is_none() && !folders.iter().any(|path| path.is_file())
}

/// Installs packages of Debian if this is root on such a system. Never removes a package: where
/// that would be needed, they are taken from the release's backports or not at all.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let names = packages.join(" ");
    let can_install =
        rustix::process::geteuid().is_root() && process::find_program("apt-get").is_some();
    if !can_install {
        bail!("install it with `apt-get install {names}`");
    }
    let mut step = Step::start(&format!("installing {names}"));
    process::run(&mut step, apt().arg("update"))?;
    if let Err(reason) = process::output(install_command(&mut apt(), packages)) {
        step.say(&format!("trying Debian's backports, because {reason:#}"));
        install_from_backports(&mut step, packages)
            .with_context(|| format!("{names} cannot be installed without removing others"))?;
    }
    step.done();
    Ok(())
}

fn apt() -> Command {
    let mut command = Command::new("apt-get");
    command.env("DEBIAN_FRONTEND", "noninteractive");
    command
}

fn install_command<'a>(apt: &'a mut Command, packages: &[&str]) -> &'a mut Command {
    apt.args(["install", "--yes", "--no-remove", "--no-install-recommends"]).args(packages)
}

/// A package of the system that comes from the backports needs its companions from there. They are
/// an additional source of this call alone: the system's own configuration stays as it is.
fn install_from_backports(step: &mut Step, packages: &[&str]) -> Result<()> {
    let archive = Archive::of_system()?;
    let folder = Folder::new()?;
    let sources = folder.0.join("sources.list");
    let system = fs::read_to_string(SOURCES).unwrap_or_default();
    fs::write(&sources, format!("{system}\n{}", archive.backports()))
        .context("writing a sources list")?;
    let options = [
        format!("-oDir::Etc::SourceList={}", sources.display()),
        format!("-oDir::State::Lists={}", folder.0.join("lists").display()),
        // As root, apt would fetch as a user of its own, who may not enter our folder.
        "-oAPT::Sandbox::User=root".to_owned(),
    ];
    process::run(step, apt().args(&options).arg("update"))?;
    let mut install = apt();
    install.args(&options).arg(format!("--target-release={}-backports", archive.codename));
    process::run(step, install_command(&mut install, packages))
}

/// A folder that goes with this value.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder> {
        let path = std::env::temp_dir().join(format!("mycelium-apt-{}", std::process::id()));
        let folder = Folder(path);
        fs::create_dir_all(folder.0.join("lists/partial")).context("creating a folder for apt")?;
        Ok(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of it lies among other temporary files.
        let _ = remove_folder(&self.0);
    }
}
