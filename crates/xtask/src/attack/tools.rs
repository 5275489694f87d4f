//! The tools of others: Python programs in a folder of their own, at fixed versions.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::apt;
use crate::process;
use crate::progress::Step;
use crate::target::remove_folder;

/// What is installed.
const REQUIREMENTS: &str = include_str!("requirements.txt");

/// How often a running tool is looked after.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// The installed tools.
pub(super) struct Tools {
    programs: PathBuf,
}

impl Tools {
    /// A call of a tool.
    pub(super) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        // The tools are for loopback; a proxy would be somebody else.
        for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        command
    }
}

/// Installs the tools, unless they are there.
pub(super) fn ensure(folder: &Path) -> Result<Tools> {
    let home = folder.join("venv");
    let tools = Tools { programs: home.join("bin") };
    // Written last: a folder without it is not whole.
    let stamp = home.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(tools);
    }
    remove_folder(&home)?;
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    make_home(&home)?;
    let mut step = Step::start("installing schemathesis and sqlmap");
    let wanted = folder.join("requirements.txt");
    fs::write(&wanted, REQUIREMENTS).with_context(|| format!("writing {}", wanted.display()))?;
    let mut pip = tools.command("pip");
    pip.args(["install", "--disable-pip-version-check", "--no-deps", "--requirement"]).arg(&wanted);
    process::run(&mut step, &mut pip)?;
    step.done();
    fs::rename(&wanted, &stamp).context("marking the tools as installed")?;
    Ok(tools)
}

/// Makes the folder that Python installs into.
fn make_home(home: &Path) -> Result<()> {
    let mut step = Step::start("making a folder for Python's tools");
    let mut make = || {
        let mut command = Command::new("python3");
        process::run(&mut step, command.args(["-m", "venv"]).arg(home))
    };
    if let Err(reason) = make() {
        // Debian has this module of Python in a package of its own.
        apt::install(&["python3-venv"])
            .with_context(|| format!("`python3 -m venv` does not work: {reason:#}"))?;
        remove_folder(home)?;
        make()?;
    }
    step.done();
    Ok(())
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
            bail!("it took longer than {} s: see {}", limit.as_secs(), log.display());
        }
        step.note(&format!("see {}", log.display()));
        thread::sleep(LOOK_INTERVAL);
    }
}

#[cfg(test)]
mod tests {
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
        assert!(error.to_string().starts_with("it took longer than 0 s"), "{error}");
    }
}
