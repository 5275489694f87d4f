//! `cargo xtask ci`: what must hold before a change is merged. CI has no steps of its own.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

use crate::artifact;
use crate::boot;
use crate::process;
use crate::progress::{readable, say};
use crate::target::{self, TARGET};
use crate::test::{self, Outcome};
use crate::workspace::Workspace;

/// Makes a warning an error.
const DENY_WARNINGS: [&str; 3] = ["--", "-D", "warnings"];

/// The tools that are not in every toolchain: cargo's command, and rustup's name for it.
const TOOLS: [(&str, &str); 2] = [("fmt", "rustfmt"), ("clippy", "clippy")];

/// Runs every check. The first that fails ends it; the tests, which come last, tell their outcome.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    for (command, component) in TOOLS {
        process::output(process::cargo().args([command, "--version"])).with_context(|| {
            format!(
                "`cargo {command}` is missing; install it with `rustup component add \
                 {component}`, or the system package `{component}` of the same version"
            )
        })?;
    }
    timed("fmt", || run_cargo(workspace, process::cargo().args(["fmt", "--all", "--check"])))?;
    timed("clippy", || run_cargo(workspace, &mut native_clippy(workspace)?))?;
    timed("clippy of components", || {
        target::ensure(workspace)?;
        run_cargo(workspace, &mut wasm_clippy(workspace)?)
    })?;
    timed("doc", || run_cargo(workspace, &mut doc(workspace)?))?;
    let mut outcome = timed("test", || test::run(workspace, &test::Options::default()))?;
    outcome.add(&timed("boot", || boot::run_with_kvm(workspace))?);
    Ok(outcome)
}

fn native_clippy(workspace: &Workspace) -> Result<Command> {
    let mut command = process::cargo();
    command.arg("clippy").args(artifact::native_packages(workspace)?).arg("--all-targets");
    command.args(DENY_WARNINGS);
    Ok(command)
}

/// Components are linted for what they are compiled for: half of their code is for nothing else.
fn wasm_clippy(workspace: &Workspace) -> Result<Command> {
    let mut command = process::cargo();
    command.args(["clippy", "--release", "--target", TARGET]);
    command.arg("--target-dir").arg(workspace.component_target());
    for package in artifact::wasm_packages(workspace)? {
        command.args(["--package", &package]);
    }
    command.args(DENY_WARNINGS);
    Ok(command)
}

fn doc(workspace: &Workspace) -> Result<Command> {
    let mut command = process::cargo();
    command.arg("doc").args(artifact::native_packages(workspace)?).arg("--no-deps");
    command.env("RUSTDOCFLAGS", "-D warnings");
    Ok(command)
}

fn run_cargo(workspace: &Workspace, command: &mut Command) -> Result<()> {
    let status = command.current_dir(workspace.root()).status().context("starting cargo")?;
    ensure!(status.success(), "cargo failed ({status}); see its output above");
    Ok(())
}

/// Runs a step and says how long it took.
fn timed<T>(name: &str, step: impl FnOnce() -> Result<T>) -> Result<T> {
    say(&format!("== {name}"));
    let started_at = Instant::now();
    let result = step();
    let span = readable(started_at.elapsed());
    match result {
        Ok(value) => {
            say(&format!("== {name}: done in {span}"));
            Ok(value)
        }
        Err(error) => bail!("{name} failed after {span}: {error:#}"),
    }
}
