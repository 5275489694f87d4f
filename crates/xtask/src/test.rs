//! `cargo xtask test`: all the set-up, then every test, then one line that sums them up.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::process::Stdio;

use anyhow::{Context, Result};

use crate::apt;
use crate::artifact;
use crate::process;
use crate::progress::say;
use crate::python::Python;
use crate::workspace::Workspace;

/// The Debian packages of the browser and of the program that drives it, with their programs.
const BROWSER: [(&str, &str); 2] = [("chromium", "chromium"), ("chromium-driver", "chromedriver")];

/// The Debian packages that machines are made with and logged in to, with their programs.
pub(crate) const MACHINES: [(&str, &str); 6] = [
    ("openssh-client", "ssh"),
    ("openssh-server", "sshd"),
    ("qemu-system-x86", "qemu-system-x86_64"),
    ("qemu-utils", "qemu-img"),
    ("genisoimage", "genisoimage"),
    ("genisoimage", "isoinfo"),
];

/// localstripe and all that it needs.
const LOCALSTRIPE: &str = include_str!("../../../tests/e2e/stripe/requirements.txt");

/// How many tests passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Outcome {
    passed: u32,
    failed: u32,
}

impl Outcome {
    /// The last line: everybody who runs tests by machine looks for it.
    pub(crate) fn line(self) -> String {
        format!("{} passed, {} failed", self.passed, self.failed)
    }

    pub(crate) fn is_success(self) -> bool {
        self.failed == 0
    }

    /// Adds a test program's own last line, such as
    /// `test result: ok. 3 passed; 0 failed; 0 ignored; …`. Other lines count for nothing.
    fn add(&mut self, line: &str) {
        let Some((_, counts)) = line.strip_prefix("test result: ").and_then(|l| l.split_once(". "))
        else {
            return;
        };
        for count in counts.split("; ") {
            match count.split_once(' ') {
                Some((number, "passed")) => self.passed += number.parse().unwrap_or(0),
                Some((number, "failed")) => self.failed += number.parse().unwrap_or(0),
                _ => {}
            }
        }
    }
}

/// Does the set-up and runs every test. An error here is one of the set-up.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    artifact::build_components(workspace)?;
    artifact::build_guests(workspace)?;
    ensure_browser(workspace)?;
    ensure_localstripe(workspace)?;
    ensure_machines(workspace)?;

    say("Building and running the tests:");
    let mut command = process::cargo();
    command.arg("test").args(artifact::native_packages(workspace)?);
    command.arg("--no-fail-fast");
    let mut cargo = command
        .current_dir(workspace.root())
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo")?;
    let stdout = cargo.stdout.take().context("cargo has no stdout")?;
    let mut outcome = Outcome::default();
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line.context("reading the tests' output")?;
        let line = String::from_utf8_lossy(&line);
        // A closed stdout is no reason to leave the tests alone.
        let _ = writeln!(io::stdout(), "{line}");
        outcome.add(&line);
    }
    let status = cargo.wait().context("waiting for cargo")?;
    if !status.success() && outcome.is_success() {
        // A test that did not compile, or a test program that was killed, says no result.
        outcome.failed = 1;
    }
    Ok(outcome)
}

/// Installs the browser for `tests/browser`, where that can be done.
fn ensure_browser(workspace: &Workspace) -> Result<()> {
    let needs_browser = workspace.join("tests/browser/Cargo.toml").exists();
    if !needs_browser {
        return Ok(());
    }
    apt::ensure_programs(&BROWSER).context("the browser tests need Chromium")
}

/// Installs what `crates/agent` makes machines with, where that can be done.
fn ensure_machines(workspace: &Workspace) -> Result<()> {
    if !workspace.join("crates/agent/Cargo.toml").exists() {
        return Ok(());
    }
    apt::ensure_programs(&MACHINES).context("the agent's tests need OpenSSH and QEMU")
}

/// Installs localstripe for `tests/e2e`: what payments are tested against.
fn ensure_localstripe(workspace: &Workspace) -> Result<()> {
    let folder = workspace.component_target().join("localstripe");
    Python::ensure(&folder, LOCALSTRIPE, "localstripe")
        .context("the tests of payments need localstripe, from PyPI")?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outcome_is_the_sum_of_all_test_programs() {
        let mut outcome = Outcome::default();
        let check = |outcome: &mut Outcome, line: &str, expected: &str| {
            outcome.add(line);
            assert_eq!(outcome.line(), expected);
        };
        check(&mut outcome, "running 3 tests", "0 passed, 0 failed");
        check(
            &mut outcome,
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out",
            "3 passed, 0 failed",
        );
        assert!(outcome.is_success());
        check(&mut outcome, "test a::test_result ... ok", "3 passed, 0 failed");
        check(
            &mut outcome,
            "test result: FAILED. 12 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out",
            "15 passed, 2 failed",
        );
        assert!(!outcome.is_success());
    }
}
