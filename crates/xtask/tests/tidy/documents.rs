//! Documents name what exists: other documents, variables of `spin.toml`, guards of invariants.

use std::collections::BTreeSet;
use std::path::Path;

use toml::{Table, Value};

use crate::tree::SourceFile;

/// Links of a document to documents and folders of the project that are not there.
pub(crate) fn check_links(file: &SourceFile, paths: &[&str]) -> Vec<String> {
    let targets = file.text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    let targets = targets.map(|target| target.split('#').next().unwrap_or_default());
    let is_there = |target: &str| {
        let path = resolve(&file.path, target);
        paths.iter().any(|known| *known == path || known.starts_with(&format!("{path}/")))
    };
    targets
        .filter(|target| is_document_or_folder(target) && !is_there(target))
        .map(|target| format!("{} links to {target}", file.path))
        .collect()
}

/// Other kinds of files, such as pictures, are not in the tree.
fn is_document_or_folder(target: &str) -> bool {
    let extension = Path::new(target).extension();
    !target.contains(':') && !target.is_empty() && extension.is_none_or(|found| found == "md")
}

/// The path in the project of a link in the document at `from`.
fn resolve(from: &str, target: &str) -> String {
    let mut segments: Vec<_> = from.split('/').collect();
    segments.pop();
    for segment in target.split('/') {
        match segment {
            "." | "" => {}
            ".." => drop(segments.pop()),
            name => segments.push(name),
        }
    }
    segments.join("/")
}

/// Variables that only one of the reference and `spin.toml` has.
pub(crate) fn check_variables(reference: &str, manifest: &str) -> Vec<String> {
    let manifest: Table = manifest.parse().unwrap_or_else(|error| panic!("spin.toml: {error}"));
    let variables = manifest.get("variables").and_then(Value::as_table);
    let declared: BTreeSet<_> = variables.into_iter().flat_map(Table::keys).cloned().collect();
    let rows = reference.lines().filter_map(|line| line.strip_prefix("| `"));
    let described: BTreeSet<_> =
        rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect();
    declared.symmetric_difference(&described).cloned().collect()
}

/// Tables that only one of the reference on growth and the schema has.
pub(crate) fn check_tables(reference: &str, schema: &str) -> Vec<String> {
    let names = |start: &'static str, text: &str, end: char| -> BTreeSet<String> {
        let rows = text.lines().filter_map(|line| line.strip_prefix(start));
        rows.filter_map(|row| row.split(end).next()).map(str::to_owned).collect()
    };
    let declared = names("CREATE TABLE ", schema, ' ');
    let described = names("| `", reference, '`');
    declared.symmetric_difference(&described).cloned().collect()
}

/// Guards that are named in a table of invariants and are not in the sources, and integrity checks
/// of the sources that no table names.
pub(crate) fn check_guards<'a>(
    document: &SourceFile,
    sources: impl Iterator<Item = &'a str>,
    checks: &str,
) -> Vec<String> {
    let named: BTreeSet<_> = document
        .text
        .lines()
        .filter(|line| line.starts_with('|'))
        .flat_map(|line| line.split('`').skip(1).step_by(2))
        .filter(|name| is_compound(name))
        .collect();
    let known: BTreeSet<_> = sources.flat_map(words).collect();
    let missing = named.difference(&known).map(|name| format!("there is no {name}"));
    let ids: BTreeSet<_> =
        checks.split("id: \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    let unnotified = ids.difference(&named).map(|id| format!("{id} is missing"));
    missing.chain(unnotified).collect()
}

/// Whether this is a name of several words, such as `post_entry` or `no-negative-balance`.
fn is_compound(name: &str) -> bool {
    let is_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    name.contains(['_', '-']) && name.chars().all(is_name)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && !"_-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_to_nothing_is_noticed() {
        let check = |text: &str, expected: &[&str]| {
            let file = SourceFile::fixture("docs/how-to/a.md", text);
            let paths = ["README.md", "docs/how-to/a.md", "docs/how-to/b.md"];
            assert_eq!(check_links(&file, &paths), expected);
        };
        check("[b](b.md) [r](../../README.md#top) [f](../how-to) [w](https://a.b) [t](#t)", &[]);
        check("![s](screenshot.png)", &[]);
        check("[c](c.md)", &["docs/how-to/a.md links to c.md"]);
        check("[r](../README.md)", &["docs/how-to/a.md links to ../README.md"]);
    }

    #[test]
    fn a_variable_on_one_side_only_is_noticed() {
        let check = |reference: &str, expected: &[&str]| {
            let manifest = "[variables]\na = { default = '' }\nb = { default = '' }";
            assert_eq!(check_variables(reference, manifest), expected);
        };
        check("| Variable |\n| `a` | |\n| `b` | `c` |", &[]);
        check("| `a` | |\n| `c` | |", &["b", "c"]);
    }

    #[test]
    fn a_table_on_one_side_only_is_noticed() {
        let schema = "CREATE TABLE a (\nCREATE TABLE b (\nCREATE INDEX a_by_b ON a (b);";
        let check = |reference: &str| check_tables(reference, schema);
        assert_eq!(check("| Table |\n| `a` | 1 |\n| `b` | `c` |"), [""; 0]);
        assert_eq!(check("| `a` | |\n| `c` | |"), ["b", "c"]);
    }

    #[test]
    fn a_guard_that_is_not_there_is_noticed() {
        let check = |row: &str, expected: &[&str]| {
            let document = SourceFile::fixture("docs/invariants.md", row);
            let sources = ["CREATE TRIGGER slices_stay BEFORE", "id: \"no-debt\""];
            assert_eq!(check_guards(&document, sources.into_iter(), sources[1]), expected);
        };
        check("| A | `slices_stay`, `CHECK`; `no-debt` |", &[]);
        check("| A | `slices_go`, `no-debt` |", &["there is no slices_go"]);
        check("| A | `slices_stay` |", &["no-debt is missing"]);
    }
}
