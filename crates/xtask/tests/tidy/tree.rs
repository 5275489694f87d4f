//! The project's own text files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::layers::Manifest;

/// Folders of the project that hold nothing of ours to check: builds, history, and recordings of
/// somebody else's server.
const SKIPPED: [&str; 5] = [".git", ".mycelium", "node_modules", "target", "tests/grid"];

/// Kinds of files that are text.
const TEXT: [&str; 8] = ["rs", "sql", "toml", "html", "css", "js", "md", "sha256"];

/// A file of the project.
pub(crate) struct SourceFile {
    /// Its path in the project, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl SourceFile {
    /// A file for the rules' own tests.
    pub(crate) fn fixture(path: &str, text: &str) -> SourceFile {
        SourceFile { path: path.to_owned(), text: text.to_owned() }
    }

    pub(crate) fn is_rust(&self) -> bool {
        has_extension(Path::new(&self.path), "rs")
    }

    /// What a violation begins with.
    pub(crate) fn at(&self, line: usize) -> String {
        format!("{}:{line}", self.path)
    }
}

/// Every file to check.
pub(crate) struct Tree {
    files: Vec<SourceFile>,
}

impl Tree {
    pub(crate) fn read() -> Tree {
        let root = root();
        let mut files = Vec::new();
        collect(&root, &root, &mut files);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        assert!(files.iter().any(|file| file.path == "Cargo.toml"), "this is not the project");
        Tree { files }
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &SourceFile> {
        self.files.iter()
    }

    /// The files below a folder (or all) whose name ends so.
    pub(crate) fn files<'a>(
        &'a self,
        folder: &'a str,
        extension: &'a str,
    ) -> impl Iterator<Item = &'a SourceFile> {
        self.files.iter().filter(move |file| {
            file.path.starts_with(folder) && has_extension(Path::new(&file.path), extension)
        })
    }

    pub(crate) fn rust<'a>(&'a self, folder: &'a str) -> impl Iterator<Item = &'a SourceFile> {
        self.files(folder, "rs")
    }

    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path).map(|file| file.text.as_str())
    }

    /// The manifests of all packages.
    pub(crate) fn manifests(&self) -> Vec<Manifest> {
        // One with a workspace of its own is no part of the product.
        let is_ours = |text: &str| !text.lines().any(|line| line == "[workspace]");
        let manifests = self.files.iter().filter(|file| file.path.ends_with("/Cargo.toml"));
        let manifests = manifests.filter(|file| is_ours(&file.text));
        manifests.map(|file| Manifest::parse(&file.path, &file.text)).collect()
    }
}

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2);
    root.expect("this crate is at crates/xtask").to_owned()
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<SourceFile>) {
    let entries = fs::read_dir(folder).expect("the project can be read");
    for path in entries.flatten().map(|entry| entry.path()) {
        let relative = path.strip_prefix(root).expect("the folder is in the project");
        let relative = relative.to_string_lossy().into_owned();
        let is_skipped = SKIPPED.iter().any(|skipped| {
            relative == *skipped || (!skipped.contains('/') && path.ends_with(skipped))
        });
        if is_skipped {
            continue;
        }
        if path.is_dir() {
            collect(root, &path, files);
        } else if TEXT.iter().any(|extension| has_extension(&path, extension)) {
            let text = fs::read_to_string(&path).expect("the project's text is UTF-8");
            files.push(SourceFile { path: relative, text });
        }
    }
}

fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension().is_some_and(|found| found == extension)
}
