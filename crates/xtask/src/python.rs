//! Python programs of others, in a folder of their own, at fixed versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::apt;
use crate::process;
use crate::progress::Step;
use crate::target::remove_folder;

/// Installed programs.
pub(crate) struct Python {
    programs: PathBuf,
}

impl Python {
    /// Installs `requirements` below `folder`, unless they are there; `what` names them.
    pub(crate) fn ensure(folder: &Path, requirements: &str, what: &str) -> Result<Python> {
        let home = folder.join("venv");
        let python = Python { programs: home.join("bin") };
        // Written last: a folder without it is not whole.
        let stamp = home.join("requirements.txt");
        if fs::read_to_string(&stamp).is_ok_and(|installed| installed == requirements) {
            return Ok(python);
        }
        remove_folder(&home)?;
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        make_home(&home)?;
        let mut step = Step::start(&format!("installing {what}"));
        let wanted = folder.join("requirements.txt");
        fs::write(&wanted, requirements)
            .with_context(|| format!("writing {}", wanted.display()))?;
        let mut pip = python.command("pip");
        pip.args(["install", "--disable-pip-version-check", "--no-deps", "--requirement"]);
        process::run(&mut step, pip.arg(&wanted))?;
        step.done();
        fs::rename(&wanted, &stamp).with_context(|| format!("marking {what} as installed"))?;
        Ok(python)
    }

    /// A call of a program.
    pub(crate) fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        // The programs are for loopback; a proxy would be somebody else.
        for variable in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(variable);
        }
        command
    }
}

/// Makes the folder that Python installs into.
fn make_home(home: &Path) -> Result<()> {
    let mut step = Step::start("making a folder for Python's programs");
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
