//! Compiling the standard library for the target and putting it into the toolchain.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::debian::Sources;
use crate::process;
use crate::progress::Step;
use crate::target::{BUILT_FOR, TARGET, Toolchain, has_extension, remove_folder, rustc};

/// The crates that make up the target's libraries.
const CRATES: &str = "std,panic_abort,panic_unwind,proc_macro,test";

/// The files of the C library that the compiler expects beside its own.
const SELF_CONTAINED: [&str; 3] = ["crt1-command.o", "crt1-reactor.o", "libc.a"];

/// The name of the empty crate that the standard library is built for.
const EMPTY_CRATE: &str = "empty";

/// Builds the target's libraries and puts them into the toolchain, whole or not at all.
pub(crate) fn install(
    step: &mut Step,
    staging: &Path,
    toolchain: &Toolchain,
    staged: StagedFolder,
    sources: &Sources,
) -> Result<()> {
    let built = {
        let _linked = LinkedSources::create(&toolchain.rustlib(), &sources.library)?;
        build(step, &staging.join(EMPTY_CRATE), &sources.wasi_libc)?
    };
    let libraries = staged.path.join("lib");
    let self_contained = libraries.join("self-contained");
    fs::create_dir_all(&self_contained).context("creating the staged folders")?;
    copy_libraries(&built, &libraries)?;
    for name in SELF_CONTAINED {
        copy(&sources.wasi_libc.join(name), &self_contained.join(name))?;
    }
    fs::write(staged.path.join(BUILT_FOR), &toolchain.identity).context("naming the compiler")?;
    let target = toolchain.target_folder();
    fs::rename(&staged.path, &target)
        .with_context(|| format!("moving the target to {}", target.display()))?;
    step.note("trying it");
    try_out(staging).inspect_err(|_| {
        // The error that is passed on says more than a failure to clean up could.
        let _ = remove_folder(&target);
    })
}

/// Builds the standard library as a dependency of an empty crate; answers where its files are.
fn build(step: &mut Step, folder: &Path, wasi_libc: &Path) -> Result<PathBuf> {
    fs::create_dir_all(folder.join("src")).context("creating an empty crate")?;
    let manifest = format!("[package]\nname = \"{EMPTY_CRATE}\"\n[workspace]\n");
    fs::write(folder.join("Cargo.toml"), manifest).context("writing an empty crate")?;
    fs::write(folder.join("src/lib.rs"), "").context("writing an empty crate")?;
    // Without the bitcode, components cannot be built with link-time optimization.
    let flags = format!("-L\u{1f}native={}\u{1f}-C\u{1f}embed-bitcode=yes", wasi_libc.display());
    let mut command = process::cargo_with_progress();
    command
        .args(["build", "--release", "--target", TARGET, &format!("-Zbuild-std={CRATES}")])
        .args(["--target-dir", "target"])
        .current_dir(folder)
        // A stable compiler builds its own standard library only when told that it may.
        .env("RUSTC_BOOTSTRAP", "1")
        .env("CARGO_ENCODED_RUSTFLAGS", flags);
    process::run(step, &mut command)?;
    Ok(folder.join("target").join(TARGET).join("release/deps"))
}

fn copy_libraries(built: &Path, libraries: &Path) -> Result<()> {
    let own = format!("lib{EMPTY_CRATE}-");
    let mut count = 0;
    for entry in fs::read_dir(built).with_context(|| format!("reading {}", built.display()))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if has_extension(&name, "rlib") && !name.starts_with(&own) {
            copy(&entry.path(), &libraries.join(name))?;
            count += 1;
        }
    }
    ensure!(count > 0, "the build left no libraries in {}", built.display());
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::copy(from, to)
        .map(|_| ())
        .with_context(|| format!("copying {} to {}", from.display(), to.display()))
}

/// Compiles and links a tiny component, so that a target that does not work is never left behind.
fn try_out(folder: &Path) -> Result<()> {
    let source = folder.join("trial.rs");
    fs::write(&source, "fn main() { println!(\"{:?}\", std::env::args()); }\n")
        .context("writing a trial program")?;
    let trial = folder.join("trial.wasm");
    let mut command = rustc();
    command.args(["--target", TARGET, "-C", "lto", "-C", "panic=abort", "-o"]);
    process::output(command.arg(&trial).arg(&source))
        .map(|_| ())
        .context("the new target does not work")
}

/// A folder in the toolchain that is gone again unless it was moved to its place.
pub(crate) struct StagedFolder {
    path: PathBuf,
}

impl StagedFolder {
    /// Fails where the toolchain cannot be written to, before anything is fetched.
    pub(crate) fn create(toolchain: &Toolchain) -> Result<StagedFolder> {
        let path = toolchain.rustlib().join(format!(".{TARGET}-staged"));
        remove_folder(&path)?;
        fs::create_dir_all(&path).with_context(|| {
            format!("no write access to the toolchain ({}); run as its owner", path.display())
        })?;
        Ok(StagedFolder { path })
    }
}

impl Drop for StagedFolder {
    fn drop(&mut self) {
        // What stays behind is removed by the next run.
        let _ = remove_folder(&self.path);
    }
}

/// The sources, linked into the toolchain for as long as cargo needs them there.
struct LinkedSources {
    link: Option<PathBuf>,
}

impl LinkedSources {
    fn create(rustlib: &Path, library: &Path) -> Result<LinkedSources> {
        let folder = rustlib.join("src/rust");
        let link = folder.join("library");
        if link.is_symlink() {
            // An interrupted run has left it, and its end is gone.
            fs::remove_file(&link).with_context(|| format!("removing {}", link.display()))?;
        } else if link.exists() {
            // The toolchain has sources of its own; they fit it better than any other.
            return Ok(LinkedSources { link: None });
        }
        fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
        symlink(library, &link).with_context(|| format!("creating {}", link.display()))?;
        Ok(LinkedSources { link: Some(link) })
    }
}

impl Drop for LinkedSources {
    fn drop(&mut self) {
        let Some(link) = &self.link else { return };
        // A link that stays behind is replaced by the next run; folders with files in them stay.
        let _ = fs::remove_file(link);
        for folder in link.ancestors().skip(1).take(2) {
            let _ = fs::remove_dir(folder);
        }
    }
}
