//! The tools of others: what they are, and running one of them.

use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::progress::Step;
use crate::python::Python;

/// What is installed.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// How often a running tool is looked after.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Installs the tools, unless they are there.
pub(super) fn ensure(folder: &Path) -> Result<Python> {
    Python::ensure(folder, REQUIREMENTS, "schemathesis and sqlmap")
}

/// Runs a tool until it ends, for so long at most; what it says goes to a file.
pub(super) fn run(
    step: &mut Step,
    command: &mut Command,
    log: &Path,
    limit: Duration,
) -> Result<ExitStatus> {
    let file = File::create(log).with_context(|| format!("creating {}", log.display()))?;
    let errors = file.try_clone().with_context(|| format!("opening {}", log.display()))?;
    let mut child = command
        .stdin(Stdio::null())
        .stdout(file)
        .stderr(errors)
        .spawn()
        .with_context(|| format!("starting {}", command.get_program().display()))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().context("waiting for a tool")? {
            return Ok(status);
        }
        if started.elapsed() > limit {
            process::end(&mut child);
            bail!("timed out after {} seconds; see {}", limit.as_secs(), log.display());
        }
        step.note(&format!("see {}", log.display()));
        thread::sleep(LOOK_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_tool_that_takes_too_long_is_ended() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log.txt");
        let mut step = Step::start("testing");
        let shell = |script: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            command
        };
        let limit = Duration::from_secs(30);
        let end = run(&mut step, &mut shell("echo a; echo b >&2; exit 3"), &log, limit).unwrap();
        assert_eq!((end.code(), fs::read_to_string(&log).unwrap().as_str()), (Some(3), "a\nb\n"));
        let error = run(&mut step, &mut shell("exec sleep 600"), &log, Duration::ZERO).unwrap_err();
        assert!(error.to_string().starts_with("timed out after 0 seconds"), "{error}");
    }
}
