//! Building what the other commands run: components, test guests and native programs.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::process;
use crate::progress::Step;
use crate::target::{self, TARGET};
use crate::workspace::Workspace;

/// The native programs of `up` and `cron`.
const PROGRAMS: [&str; 3] = ["mycelium-host", "maintain", "gridproxy"];

/// The programs of a farm: the agent, and the drivers of the demo.
const FARM_PROGRAMS: [&str; 3] = ["mycelium-agent", "driver-linux", "driver-process"];

/// The program of `attack` that walks through the app.
const CRAWLER: &str = "crawl";

/// The feature of this crate that brings in the database, for the program `maintain` only.
const MIGRATE_FEATURE: &str = "xtask/migrate";

/// Native programs, built.
pub(crate) struct Programs {
    pub(crate) host: PathBuf,
    pub(crate) maintain: PathBuf,
    pub(crate) gridproxy: PathBuf,
}

/// The programs of a farm, built.
pub(crate) struct FarmPrograms {
    pub(crate) agent: PathBuf,
    pub(crate) driver_linux: PathBuf,
    pub(crate) driver_process: PathBuf,
}

/// Builds the app's components to where `spin.toml` expects them.
pub(crate) fn build_components(workspace: &Workspace) -> Result<()> {
    target::ensure(workspace)?;
    let components = workspace.components()?;
    ensure!(!components.is_empty(), "there are no components in {}", workspace.root().display());
    build_wasm(workspace, "building components", &components)
}

/// Builds the components that only tests use. They are built by themselves, so that they do not
/// change which features the app's components are built with.
pub(crate) fn build_guests(workspace: &Workspace) -> Result<()> {
    let guests = workspace.guests()?;
    if guests.is_empty() {
        return Ok(());
    }
    build_wasm(workspace, "building test components", &guests)
}

fn build_wasm(workspace: &Workspace, activity: &str, packages: &[String]) -> Result<()> {
    let mut command = process::cargo_with_progress();
    command.args(["build", "--release", "--target", TARGET]).current_dir(workspace.root());
    command.arg("--target-dir").arg(workspace.component_target());
    for package in packages {
        command.args(["--package", package]);
    }
    let mut step = Step::start(activity);
    process::run(&mut step, &mut command)?;
    step.done();
    Ok(())
}

/// Builds the native programs.
///
/// The whole workspace is named, though only some programs of it are built, because cargo then
/// chooses the features of shared dependencies as it does in `cargo xtask test`. The largest of
/// them, wasmtime, takes minutes, and would otherwise be built once for each command.
pub(crate) fn build_programs(workspace: &Workspace) -> Result<Programs> {
    build_native(workspace, "building the host", &PROGRAMS)?;
    let [host, maintain, gridproxy] = PROGRAMS.map(|program| native_program(workspace, program));
    Ok(Programs { host, maintain, gridproxy })
}

/// Builds the agent and the drivers of the demo.
pub(crate) fn build_farm(workspace: &Workspace) -> Result<FarmPrograms> {
    build_native(workspace, "building the agent", &FARM_PROGRAMS)?;
    let [agent, driver_linux, driver_process] =
        FARM_PROGRAMS.map(|program| native_program(workspace, program));
    Ok(FarmPrograms { agent, driver_linux, driver_process })
}

/// Builds the program that walks through the app, for `attack`.
pub(crate) fn build_crawler(workspace: &Workspace) -> Result<PathBuf> {
    build_native(workspace, "building the crawler", &[CRAWLER])?;
    Ok(native_program(workspace, CRAWLER))
}

fn build_native(workspace: &Workspace, activity: &str, programs: &[&str]) -> Result<()> {
    let mut command = process::cargo_with_progress();
    command.arg("build").args(native_packages(workspace)?).current_dir(workspace.root());
    for program in programs {
        command.args(["--bin", program]);
    }
    let mut step = Step::start(activity);
    process::run(&mut step, &mut command)?;
    step.done();
    Ok(())
}

fn native_program(workspace: &Workspace, name: &str) -> PathBuf {
    workspace.native_target().join("debug").join(name)
}

/// cargo's options for all packages that are native, with every feature that is ours to choose. A
/// component is not native: its exports have names that a native linker does not know.
pub(crate) fn native_packages(workspace: &Workspace) -> Result<Vec<String>> {
    let mut options = vec!["--workspace".to_owned(), format!("--features={MIGRATE_FEATURE}")];
    for package in wasm_packages(workspace)? {
        options.extend(["--exclude".to_owned(), package]);
    }
    Ok(options)
}

/// The packages that are wasm: the app's components and the test guests.
pub(crate) fn wasm_packages(workspace: &Workspace) -> Result<Vec<String>> {
    let mut packages = workspace.components()?;
    packages.extend(workspace.guests()?);
    Ok(packages)
}
