//! `cargo xtask test`: all the set-up, then every test, then what was skipped, and one line that
//! sums up.

mod clients;
mod needs;
mod outcome;
mod program;

pub(crate) use needs::{MACHINES, firewall};
pub(crate) use outcome::Outcome;

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::artifact;
use crate::process;
use crate::progress::say;
use crate::workspace::Workspace;

use needs::Unmet;
use program::Program;

/// How many test programs run side by side. Each runs several tests at once, too; two programs are
/// enough to use the processors while one of them waits for a browser or a clock.
const SIDE_BY_SIDE: usize = 2;

/// The packages whose tests need built components, or programs of the system. The slowest first, so
/// that none of them runs alone at the end.
const SLOW: [&str; 4] = ["e2e", "browser", "host", "agent"];

#[derive(Args, Clone, Default)]
pub(crate) struct Options {
    /// Leaves out the tests that need built components, a browser or machines.
    #[arg(long)]
    quick: bool,
    /// Runs the tests so many times, to find those that fail now and then.
    #[arg(long, value_name = "TIMES", default_value_t = 1)]
    repeat: u32,
    /// The packages to test, such as `domain` or `browser`; all without one.
    #[arg(value_name = "PACKAGE")]
    packages: Vec<String>,
}

impl Options {
    fn has(&self, package: &str) -> bool {
        let is_wanted = self.packages.is_empty() || self.packages.iter().any(|it| it == package);
        is_wanted && !(self.quick && SLOW.contains(&package))
    }
}

/// Does the set-up and runs every test. An error here is one of the set-up.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<Outcome> {
    if SLOW.iter().any(|package| options.has(package)) {
        artifact::build_components(workspace)?;
        artifact::build_guests(workspace)?;
    }
    let unmet = needs::ensure(workspace, options);
    say("Building the tests:");
    let programs = program::build(workspace, options)?;
    let mut outcome = Outcome::default();
    for round in 1..=options.repeat.max(1) {
        if options.repeat > 1 {
            say(&format!("== round {round} of {}", options.repeat));
        }
        outcome.add(&run_side_by_side(&programs, &unmet));
    }
    if options.packages.is_empty() && !options.quick {
        outcome.add(&run_examples(workspace)?);
    }
    Ok(outcome)
}

/// Runs all test programs, and says what each said as soon as it is done.
fn run_side_by_side(programs: &[Program], unmet: &[Unmet]) -> Outcome {
    let waiting = Mutex::new(programs.iter().collect::<VecDeque<_>>());
    let total = Mutex::new(Outcome::default());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
    thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                while let Some(program) = next() {
                    let outcome = program.run(unmet);
                    total.lock().unwrap_or_else(PoisonError::into_inner).add(&outcome);
                }
            });
        }
    });
    total.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// Compiles and runs the examples in the documentation.
fn run_examples(workspace: &Workspace) -> Result<Outcome> {
    say("== examples in the documentation");
    let mut command = process::cargo();
    command.args(["test", "--doc", "--no-fail-fast"]).args(artifact::native_packages(workspace)?);
    let output = command
        .current_dir(workspace.root())
        .output()
        .context("starting cargo to test the documentation")?;
    let mut outcome = Outcome::default();
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().for_each(|line| outcome.add_line(line));
    if !output.status.success() {
        say(&text);
        say(&String::from_utf8_lossy(&output.stderr));
        ensure!(!outcome.is_success(), "the documentation's examples cannot be tested");
    }
    Ok(outcome)
}
