//! Where things are in the project's folder.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The project's folder: the one with `spin.toml`.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that this program was compiled in; `cargo xtask` never runs another one's.
    pub(crate) fn find() -> Workspace {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
        Workspace { root: root.expect("this crate is at crates/xtask").to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn join(&self, path: impl AsRef<Path>) -> PathBuf {
        self.root.join(path)
    }

    /// Where components are built: `spin.toml` names this folder, so it stays the same even where
    /// `CARGO_TARGET_DIR` moves native builds elsewhere.
    pub(crate) fn component_target(&self) -> PathBuf {
        self.join("target")
    }

    /// Where native programs are built.
    pub(crate) fn native_target(&self) -> PathBuf {
        env::var_os("CARGO_TARGET_DIR").map_or_else(|| self.join("target"), PathBuf::from)
    }

    /// The packages of the app's components: each folder's name is its package's.
    pub(crate) fn components(&self) -> Result<Vec<String>> {
        packages_in(&self.join("components"))
    }

    /// Test components: `tests/guest*`, which have no business in the app.
    pub(crate) fn guests(&self) -> Result<Vec<String>> {
        let mut names = packages_in(&self.join("tests"))?;
        names.retain(|name| name.starts_with("guest"));
        Ok(names)
    }
}

fn packages_in(folder: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if entry.path().join("Cargo.toml").is_file() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
