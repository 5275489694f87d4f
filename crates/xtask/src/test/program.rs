//! Test programs: built by cargo, run by us, so that slow ones run side by side.

use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::needs::Unmet;
use super::{Options, Outcome, SLOW};
use crate::artifact;
use crate::process;
use crate::progress::{SILENCE_MAX, readable, say};
use crate::workspace::Workspace;

/// A test program.
pub(super) struct Program {
    package: String,
    /// Its package and its own name.
    name: String,
    path: PathBuf,
    /// The folder of its package, where it runs, as under cargo.
    folder: PathBuf,
}

/// Builds the test programs of the packages that are wanted.
pub(super) fn build(workspace: &Workspace, options: &Options) -> Result<Vec<Program>> {
    let mut command = process::cargo();
    command.args(["test", "--no-run", "--message-format=json-render-diagnostics"]);
    // All packages are named, whichever are wanted: cargo chooses by that which features shared
    // dependencies have, and would build them once more.
    command.args(artifact::native_packages(workspace)?).current_dir(workspace.root());
    let mut cargo = command.stdout(Stdio::piped()).spawn().context("starting cargo")?;
    let stdout = cargo.stdout.take().context("cargo has no stdout")?;
    let mut programs = Vec::new();
    for line in BufReader::new(stdout).lines() {
        let line = line.context("reading what cargo has built")?;
        let message: Value = serde_json::from_str(&line).context("reading what cargo has built")?;
        programs.extend(Program::read(&message).filter(|program| options.has(&program.package)));
    }
    let status = cargo.wait().context("waiting for cargo")?;
    ensure!(status.success(), "the tests do not compile");
    ensure!(!programs.is_empty(), "there is no such package with tests");
    let rank = |package: &str| SLOW.iter().position(|slow| *slow == package).unwrap_or(SLOW.len());
    programs.sort_by_key(|program| (rank(&program.package), program.name.clone()));
    Ok(programs)
}

impl Program {
    /// Reads cargo's message of something that was built; `None` if it is no test program.
    fn read(message: &Value) -> Option<Program> {
        let is_test = message["profile"]["test"] == true;
        let path = message["executable"].as_str().filter(|_| is_test)?;
        let manifest = PathBuf::from(message["manifest_path"].as_str()?);
        let folder = manifest.parent()?.to_owned();
        let package = folder.file_name()?.to_str()?.to_owned();
        let target = message["target"]["name"].as_str()?;
        let name = if target == package { package.clone() } else { format!("{package} {target}") };
        Some(Program { package, name, path: path.into(), folder })
    }

    /// Runs every test but those that cannot be run here, and prints what it says once it is done.
    pub(super) fn run(&self, unmet: &[Unmet]) -> Outcome {
        let mut outcome = Outcome::default();
        let unmet: Vec<_> = unmet.iter().filter(|it| it.package == self.package).collect();
        let mut command = self.command();
        for Unmet { prefix, why, .. } in &unmet {
            outcome.skip(self.count(prefix), &self.name, why);
            if prefix.is_empty() {
                return outcome;
            }
            command.args(["--skip", prefix]);
        }
        let started_at = Instant::now();
        say(&format!("{}: started", self.name));
        match command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() {
            Ok(child) => self.follow(child, &mut outcome),
            Err(error) => {
                say(&format!("{}: {error}", self.name));
                outcome.fail_silently(&self.name);
            }
        }
        say(&format!("{}: {} in {}", self.name, outcome.line(), readable(started_at.elapsed())));
        outcome
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(&self.folder).env("CARGO_MANIFEST_DIR", &self.folder);
        command
    }

    /// Reads to its end what a running program says. Lines of tests that pass are not repeated.
    fn follow(&self, mut child: Child, outcome: &mut Outcome) {
        let complaint = child.stderr.take().map(|mut stderr| {
            std::thread::spawn(move || {
                let mut text = Vec::new();
                // What was read before an error is all there is to say.
                let _ = io::copy(&mut stderr, &mut text);
                text
            })
        });
        let mut said = Vec::new();
        let mut spoke_at = Instant::now();
        let stdout = child.stdout.take().into_iter().map(BufReader::new);
        for line in stdout.flat_map(|stdout| stdout.split(b'\n')).map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            outcome.add_line(&line);
            if let Some(test) =
                line.strip_prefix("test ").and_then(|l| l.strip_suffix(" ... FAILED"))
            {
                say(&format!("{}: FAILED {test}", self.name));
                outcome.name_failure(&self.name, test);
            }
            said.push(line);
            if spoke_at.elapsed() >= SILENCE_MAX {
                spoke_at = Instant::now();
                let passed = said.iter().filter(|line| line.ends_with(" ... ok")).count();
                say(&format!("{}: {passed} passed so far", self.name));
            }
        }
        let status = child.wait();
        let complaint = complaint.and_then(|it| it.join().ok()).unwrap_or_default();
        if status.is_ok_and(|status| status.success()) {
            return;
        }
        if outcome.is_success() {
            // A program that was killed tells no result.
            outcome.fail_silently(&self.name);
        }
        said.retain(|line| !line.ends_with(" ... ok"));
        // A closed stdout is no reason to leave the other tests alone.
        let _ = writeln!(io::stdout(), "== {}\n{}", self.name, said.join("\n"));
        let _ = io::stdout().write_all(&complaint);
    }

    /// How many tests begin with `prefix`.
    fn count(&self, prefix: &str) -> u32 {
        let listed = process::output(self.command().args(["--list", "--format", "terse"]));
        let tests = listed.unwrap_or_default();
        let tests = tests.lines().filter(|line| line.ends_with(": test"));
        u32::try_from(tests.filter(|line| line.starts_with(prefix)).count()).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn test_programs_are_told_from_other_artifacts() {
        let message = |test: bool, target: &str| {
            json!({
                "profile": { "test": test },
                "executable": "/target/debug/deps/store-0f",
                "manifest_path": "/src/crates/store/Cargo.toml",
                "target": { "name": target },
            })
        };
        assert!(Program::read(&message(false, "store")).is_none());
        assert!(Program::read(&json!({ "reason": "build-finished" })).is_none());
        let program = Program::read(&message(true, "plans")).unwrap();
        assert_eq!((program.package.as_str(), program.name.as_str()), ("store", "store plans"));
        assert_eq!(program.folder, PathBuf::from("/src/crates/store"));
        assert_eq!(Program::read(&message(true, "store")).unwrap().name, "store");
    }
}
