//! The files that a component sees, always read-only.

use std::path::{Component as PathPart, Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use glob::Pattern;
use tempfile::TempDir;

use crate::manifest::{ComponentDeclaration, FilesDeclaration};

/// The most files that are copied for one component.
const FILES_MAX: usize = 10_000;

/// The deepest folder that is copied.
const DEPTH_MAX: usize = 32;

/// The folders of one component.
#[derive(Debug, Default)]
pub(crate) struct Files {
    pub(crate) mounts: Vec<Mount>,
    /// Where copies live until the host ends.
    _copies: Option<TempDir>,
}

/// A folder of the machine, and where the component sees it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(crate) source: PathBuf,
    pub(crate) destination: String,
}

impl Files {
    /// Finds what the manifest names. Whole folders are used in place, so that an edit shows at
    /// once; patterns, single files and exclusions make a copy below `scratch`.
    pub(crate) fn prepare(
        declaration: &ComponentDeclaration,
        folder: &Path,
        scratch: &Path,
    ) -> Result<Files> {
        let in_place = declaration.exclude_files.is_empty()
            && declaration.files.iter().all(|files| match files {
                FilesDeclaration::Placement { source, .. } => source.is_dir(),
                FilesDeclaration::Pattern(_) => false,
            });
        if in_place {
            let mounts = declaration.files.iter().filter_map(|files| match files {
                FilesDeclaration::Placement { source, destination } => {
                    Some(Mount { source: source.clone(), destination: destination.clone() })
                }
                FilesDeclaration::Pattern(_) => None,
            });
            return Ok(Files { mounts: mounts.collect(), _copies: None });
        }
        if declaration.files.is_empty() {
            return Ok(Files::default());
        }
        let copies = tempfile::tempdir_in(scratch).context("cannot make a folder for copies")?;
        let excluded = declaration
            .exclude_files
            .iter()
            .map(|pattern| {
                Pattern::new(pattern).with_context(|| format!("in exclude_files: `{pattern}`"))
            })
            .collect::<Result<_>>()?;
        let mut work = Copier { folder, to: copies.path(), excluded, count: 0 };
        for files in &declaration.files {
            work.copy_declared(files)?;
        }
        let root = Mount { source: copies.path().to_owned(), destination: "/".into() };
        Ok(Files { mounts: vec![root], _copies: Some(copies) })
    }
}

struct Copier<'a> {
    folder: &'a Path,
    to: &'a Path,
    excluded: Vec<Pattern>,
    count: usize,
}

impl Copier<'_> {
    fn copy_declared(&mut self, files: &FilesDeclaration) -> Result<()> {
        match files {
            FilesDeclaration::Placement { source, destination } => {
                ensure!(source.exists(), "files: there is no {}", source.display());
                self.copy(source, Path::new(destination.trim_start_matches('/')), 0)
            }
            FilesDeclaration::Pattern(pattern) => {
                let below = Path::new(pattern);
                ensure!(
                    below.components().all(|part| matches!(part, PathPart::Normal(_))),
                    "files: the pattern `{pattern}` must stay below the manifest's folder"
                );
                let folder = Pattern::escape(&self.folder.to_string_lossy());
                let mut found = false;
                for path in glob::glob(&format!("{folder}/{pattern}"))? {
                    let path = path?;
                    if path.is_file() {
                        let below = path.strip_prefix(self.folder)?.to_owned();
                        self.copy(&path, &below, 0)?;
                        found = true;
                    }
                }
                ensure!(found, "files: no file matches `{pattern}`");
                Ok(())
            }
        }
    }

    fn copy(&mut self, source: &Path, destination: &Path, depth: usize) -> Result<()> {
        let below = source.strip_prefix(self.folder).unwrap_or(source);
        if self.excluded.iter().any(|pattern| pattern.matches_path(below)) {
            return Ok(());
        }
        if source.is_dir() {
            ensure!(depth < DEPTH_MAX, "files: {} is too deep", source.display());
            for entry in std::fs::read_dir(source)? {
                let entry = entry?;
                self.copy(&entry.path(), &destination.join(entry.file_name()), depth + 1)?;
            }
            return Ok(());
        }
        self.count += 1;
        if self.count > FILES_MAX {
            bail!("files: more than {FILES_MAX} files are not copied; name whole folders");
        }
        let target = self.to.join(destination);
        if let Some(parent) = target.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::copy(source, &target)
            .with_context(|| format!("files: cannot copy {}", source.display()))?;
        Ok(())
    }
}
