//! Table migrations are numbered, explained, and never changed once they are merged.

use std::env;
use std::fs;

use sha2::{Digest as _, Sha256};

use crate::tree::{SourceFile, root};

/// The hash of each table migration, in the form that `sha256sum --check` reads.
pub(crate) const HASHES: &str = "tests/migrations.sha256";

/// What a failure of this rule says first.
pub(crate) const ADVICE: &str = "a database that was migrated stays so: add a table migration \
    instead of changing one. UPDATE_EXPECT=1 writes the hash of a new one into \
    tests/migrations.sha256";

/// Writes the hashes of all table migrations, if the one who runs the tests asks for it.
pub(crate) fn update_hashes_if_asked(files: &[&SourceFile]) {
    if env::var_os("UPDATE_EXPECT").is_none_or(|value| value != "1") {
        return;
    }
    let lines: String = files.iter().map(|file| hash_line(file) + "\n").collect();
    fs::write(root().join(HASHES), lines).expect("the hashes can be written");
}

/// Names that are not `NNNN_what.sql`, counted from 1 without gaps.
pub(crate) fn check_names(files: &[&SourceFile]) -> Vec<String> {
    let numbered = files.iter().zip(1..).filter(|(file, number)| {
        let name = file.path.trim_start_matches("migrations/tables/").trim_end_matches(".sql");
        let what = name.strip_prefix(&format!("{number:04}_")).unwrap_or_default();
        what.is_empty()
            || !what.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '0'..='9' | '_'))
    });
    numbered.map(|(file, number)| format!("{} is not {number:04}_what.sql", file.path)).collect()
}

/// A file of `migrations/` that does not say what it is for.
pub(crate) fn check_comment(file: &SourceFile) -> Option<String> {
    let is_explained = file.text.starts_with("-- ");
    (!is_explained).then(|| format!("{} does not begin with a comment", file.path))
}

/// Migrations whose hash is missing or another one, and hashes of migrations that are gone.
pub(crate) fn check_hashes(files: &[&SourceFile], hashes: &str) -> Vec<String> {
    let path_of = |line: &str| line.split_once("  ").map_or("", |(_, path)| path).to_owned();
    let mut violations = Vec::new();
    for file in files {
        let expected = hash_line(file);
        match hashes.lines().find(|line| path_of(line) == file.path) {
            None => violations.push(format!("{HASHES} lacks the line {expected}")),
            Some(line) if line != expected => violations.push(format!("{} has changed", file.path)),
            Some(_) => {}
        }
    }
    let gone = hashes.lines().map(path_of).filter(|path| files.iter().all(|f| f.path != *path));
    violations.extend(gone.map(|path| format!("{path} is gone")));
    violations
}

fn hash_line(file: &SourceFile) -> String {
    let hash = Sha256::digest(file.text.as_bytes());
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{digits}  {}", file.path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn migration(name: &str) -> SourceFile {
        SourceFile::fixture(&format!("migrations/tables/{name}"), "-- What for.\n")
    }

    #[test]
    fn a_gap_or_an_odd_name_is_noticed() {
        let check = |names: &[&str], expected: &[&str]| {
            let files: Vec<_> = names.iter().map(|name| migration(name)).collect();
            assert_eq!(check_names(&files.iter().collect::<Vec<_>>()), expected);
        };
        check(&["0001_accounts.sql", "0002_node_passmark.sql"], &[]);
        check(
            &["0001_a.sql", "0003_c.sql"],
            &["migrations/tables/0003_c.sql is not 0002_what.sql"],
        );
        check(
            &["0001_a.sql", "0001_b.sql"],
            &["migrations/tables/0001_b.sql is not 0002_what.sql"],
        );
        check(&["0001_.sql"], &["migrations/tables/0001_.sql is not 0001_what.sql"]);
        check(&["0001_Nodes.sql"], &["migrations/tables/0001_Nodes.sql is not 0001_what.sql"]);
    }

    #[test]
    fn a_migration_without_a_comment_is_noticed() {
        assert_eq!(check_comment(&migration("0001_a.sql")), None);
        let bare = SourceFile::fixture("migrations/tables/0001_a.sql", "CREATE TABLE a (b);\n");
        assert!(check_comment(&bare).is_some());
    }

    #[test]
    fn a_change_is_noticed() {
        let first = migration("0001_a.sql");
        let hashes = hash_line(&first) + "\n";
        let check = |files: &[&SourceFile], expected: usize| {
            assert_eq!(check_hashes(files, &hashes).len(), expected);
        };
        check(&[&first], 0);
        let changed = SourceFile::fixture("migrations/tables/0001_a.sql", "-- What else for.\n");
        check(&[&changed], 1);
        check(&[&first, &migration("0002_b.sql")], 1);
        check(&[], 1);
    }
}
