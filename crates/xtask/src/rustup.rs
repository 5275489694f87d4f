//! Asking rustup for the target, where rustup is in charge and can download.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::process::{self, Watch};
use crate::progress::Step;
use crate::target::{TARGET, Toolchain};

/// How long a download may stand still. Behind a closed network, rustup waits for minutes.
const STALL_MAX: Duration = Duration::from_secs(45);

/// Adds the target to the toolchain, or says why that cannot be done.
pub(crate) fn add_target(toolchain: &Toolchain) -> Result<()> {
    let rustup = process::find_program("rustup").context("it is not installed")?;
    let (home, name) = home_and_name(&toolchain.sysroot).context("the toolchain is not its own")?;
    let mut step = Step::start("adding the target with rustup");
    let mut command = Command::new(rustup);
    command.args(["target", "add", TARGET, "--toolchain", &name]);
    let mut seen = (0, Instant::now());
    process::run_watched(&mut step, &mut command, &mut |silence| {
        // rustup says nothing while it downloads where no terminal looks on: its files grow.
        let bytes = folder_bytes(&home.join("downloads")) + folder_bytes(&home.join("tmp"));
        if bytes != seen.0 {
            seen = (bytes, Instant::now());
        }
        if silence.min(seen.1.elapsed()) < STALL_MAX {
            Watch::GoOn
        } else {
            Watch::Stop(format!("no progress for {} s", STALL_MAX.as_secs()))
        }
    })?;
    step.done();
    Ok(())
}

/// rustup's home and its name for a toolchain, out of `<home>/toolchains/<name>`.
fn home_and_name(sysroot: &Path) -> Option<(PathBuf, String)> {
    let toolchains = sysroot.parent()?;
    if toolchains.file_name()? != "toolchains" {
        return None;
    }
    Some((toolchains.parent()?.to_owned(), sysroot.file_name()?.to_str()?.to_owned()))
}

/// The size of a folder's own files, in bytes.
fn folder_bytes(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_toolchain_of_rustup_is_recognized_by_its_place() {
        let check = |sysroot: &str, expected: Option<(&str, &str)>| {
            let expected = expected.map(|(home, name)| (PathBuf::from(home), name.to_owned()));
            assert_eq!(home_and_name(Path::new(sysroot)), expected);
        };
        check("/home/ada/.rustup/toolchains/stable", Some(("/home/ada/.rustup", "stable")));
        check("/usr", None);
        check("/", None);
    }
}
