//! The `wasm32-wasip2` target: there already, from rustup, or built from Debian's sources.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, anyhow, bail};

use crate::process;
use crate::progress::{Step, say};
use crate::standard_library::StagedFolder;
use crate::workspace::Workspace;
use crate::{debian, rustup, standard_library};

/// What components are compiled for.
pub(crate) const TARGET: &str = "wasm32-wasip2";

/// Names, beside a target that was built here, the compiler that it was built for. A target from
/// rustup has none.
pub(crate) const BUILT_FOR: &str = "built-for";

/// Names, beside built components, the standard library that they were built with.
const BUILT_WITH: &str = ".built-with";

/// A Rust toolchain, as its compiler describes itself.
pub(crate) struct Toolchain {
    /// Its folder.
    pub(crate) sysroot: PathBuf,
    /// The compiler's version, such as `1.95.0`.
    pub(crate) release: String,
    /// All that the compiler says of itself, which differs when its libraries do not fit.
    pub(crate) identity: String,
}

impl Toolchain {
    fn find() -> Result<Toolchain> {
        let sysroot = process::output(rustc().args(["--print", "sysroot"]))?;
        let identity = process::output(rustc().arg("-vV"))?;
        let release = identity.lines().find_map(|line| line.strip_prefix("release: "));
        Ok(Toolchain {
            sysroot: PathBuf::from(sysroot.trim()),
            release: release.context("`rustc -vV` names no release")?.to_owned(),
            identity,
        })
    }

    /// Where the toolchain keeps the target's libraries.
    pub(crate) fn target_folder(&self) -> PathBuf {
        self.rustlib().join(TARGET)
    }

    /// Where the toolchain keeps its libraries and sources.
    pub(crate) fn rustlib(&self) -> PathBuf {
        self.sysroot.join("lib/rustlib")
    }

    /// The file of the target's standard library, if the whole target is there and fits.
    fn standard_library(&self) -> Option<String> {
        let folder = self.target_folder();
        if fs::read_to_string(folder.join(BUILT_FOR)).is_ok_and(|built| built != self.identity) {
            return None;
        }
        if !folder.join("lib/self-contained/crt1-command.o").is_file() {
            return None;
        }
        let names = fs::read_dir(folder.join("lib")).ok()?.flatten();
        names
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .find(|name| name.starts_with("libstd-") && has_extension(name, "rlib"))
    }
}

/// The compiler that cargo uses.
pub(crate) fn rustc() -> Command {
    Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()))
}

/// Makes sure that components can be compiled. Takes milliseconds when they can.
pub(crate) fn ensure(workspace: &Workspace) -> Result<()> {
    let toolchain = Toolchain::find()?;
    let standard_library = match toolchain.standard_library() {
        Some(file) => file,
        None => obtain(workspace, &toolchain)?,
    };
    clean_if_rebuilt(&workspace.component_target().join(TARGET), &standard_library)
}

fn obtain(workspace: &Workspace, toolchain: &Toolchain) -> Result<String> {
    let staging = workspace.component_target().join("xtask");
    fs::create_dir_all(&staging).with_context(|| format!("creating {}", staging.display()))?;
    let lock = File::create(staging.join(".lock")).context("creating the lock file")?;
    lock.lock().context("waiting for another xtask that makes the target")?;
    if let Some(file) = toolchain.standard_library() {
        return Ok(file);
    }
    say(&format!("The Rust target {TARGET} is missing or belongs to another compiler."));

    remove_unfit(toolchain)?;
    if let Err(reason) = rustup::add_target(toolchain) {
        say(&format!("rustup can't add it: {reason:#}"));
        say("Building it from Debian's standard library sources instead.");
        build(&staging.join(TARGET), toolchain).map_err(|reason| {
            anyhow!(
                "{reason:#}\n\
         Couldn't install {TARGET}. With network access, run `rustup target add {TARGET}` for the \
         toolchain in {}.",
                toolchain.sysroot.display()
            )
        })?;
    }
    toolchain.standard_library().with_context(|| {
        format!("{} is still incomplete; remove it", toolchain.target_folder().display())
    })
}

/// The registry way: sources and a C library from Debian, compiled here, put into the toolchain.
fn build(staging: &Path, toolchain: &Toolchain) -> Result<()> {
    // What an interrupted run has left is of no use.
    remove_folder(staging)?;
    let staged = StagedFolder::create(toolchain)?;
    let mut step = Step::start("fetching the standard library's sources");
    let sources = debian::fetch(&mut step, &staging.join("debian"), &toolchain.release)?;
    step.done();
    let mut step = Step::start("compiling the standard library");
    standard_library::install(&mut step, staging, toolchain, staged, &sources)?;
    step.done();
    remove_folder(staging)
}

/// Takes away a target that was built here for another compiler, or only in part.
fn remove_unfit(toolchain: &Toolchain) -> Result<()> {
    let manifest = toolchain.rustlib().join(format!("manifest-rust-std-{TARGET}"));
    let folder = toolchain.target_folder();
    if manifest.exists() {
        bail!(
            "{} is broken, but rustup reports it as installed; run `rustup target remove \
             {TARGET}`, then this command again",
            folder.display()
        );
    }
    remove_folder(&folder)
}

/// Cleans components that were built with another standard library: cargo does not notice that it
/// has changed, and the compiler then fails with E0460 or E0463.
fn clean_if_rebuilt(target: &Path, standard_library: &str) -> Result<()> {
    let stamp = target.join(BUILT_WITH);
    match fs::read_to_string(&stamp) {
        Ok(built_with) if built_with == standard_library => return Ok(()),
        Ok(_) => remove_folder(target)?,
        // Nothing is built yet, or with plain cargo and so with the only library there was.
        Err(_) => {}
    }
    fs::create_dir_all(target).with_context(|| format!("creating {}", target.display()))?;
    fs::write(&stamp, standard_library).with_context(|| format!("writing {}", stamp.display()))
}

/// Removes a folder, if it is there.
pub(crate) fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}

pub(crate) fn has_extension(name: &str, extension: &str) -> bool {
    Path::new(name).extension().is_some_and(|found| found == extension)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn components_built_with_another_standard_library_are_cleaned() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join(TARGET);
        let built = target.join("built.wasm");

        clean_if_rebuilt(&target, "libstd-1.rlib").unwrap();
        fs::write(&built, "").unwrap();
        clean_if_rebuilt(&target, "libstd-1.rlib").unwrap();
        assert!(built.exists(), "nothing has changed");
        clean_if_rebuilt(&target, "libstd-2.rlib").unwrap();
        assert!(!built.exists(), "the standard library has changed");
    }

    #[test]
    fn a_target_counts_only_when_it_is_whole_and_fits() {
        let folder = tempfile::tempdir().unwrap();
        let toolchain = Toolchain {
            sysroot: folder.path().to_owned(),
            release: "1.95.0".into(),
            identity: "rustc 1.95.0".into(),
        };
        let target = toolchain.target_folder();
        let check = |expected: Option<&str>| {
            assert_eq!(toolchain.standard_library().as_deref(), expected);
        };
        check(None);
        fs::create_dir_all(target.join("lib/self-contained")).unwrap();
        fs::write(target.join("lib/libstd-1.rlib"), "").unwrap();
        check(None);
        fs::write(target.join("lib/self-contained/crt1-command.o"), "").unwrap();
        check(Some("libstd-1.rlib"));
        fs::write(target.join(BUILT_FOR), "rustc 1.94.0").unwrap();
        check(None);
        fs::write(target.join(BUILT_FOR), "rustc 1.95.0").unwrap();
        check(Some("libstd-1.rlib"));
    }
}
