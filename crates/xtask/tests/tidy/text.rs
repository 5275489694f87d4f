//! How the project's text files look.

use crate::rust_text::{Kind, of_kind};
use crate::tree::SourceFile;

/// The longest line, in columns.
const COLUMNS_MAX: usize = 100;

/// Kinds of files whose lines are kept short; pages and papers flow, and manifests are tables.
pub(crate) const WITH_SHORT_LINES: [&str; 4] = ["rs", "sql", "css", "js"];

/// Words for work that was put off. They are put together here, so that this file has none.
const UNFINISHED: [&str; 4] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// A test that does not run.
const IGNORED: &str = concat!("#[ign", "ore");

/// Papers that say what the rules are, and so name what must not be there.
pub(crate) fn talks_about_the_rules(path: &str) -> bool {
    matches!(path, "STYLE.md" | "CONTRIBUTING.md")
}

/// A Rust file that does not begin with a sentence about itself.
pub(crate) fn check_opening(file: &SourceFile) -> Option<String> {
    let is_introduced = file.text.starts_with("//! ");
    (!is_introduced).then(|| file.path.clone())
}

/// Lines that are too long.
pub(crate) fn check_lines(file: &SourceFile) -> Vec<String> {
    let lines = file.text.lines().zip(1..).filter(|(line, _)| line.chars().count() > COLUMNS_MAX);
    lines.map(|(_, number)| file.at(number)).collect()
}

/// Words for work that was put off, and tests that do not run.
pub(crate) fn check_words(file: &SourceFile) -> Vec<String> {
    let mut violations = Vec::new();
    for (line, number) in file.text.lines().zip(1..) {
        let unfinished = UNFINISHED.iter().filter(|word| line.contains(**word));
        violations.extend(unfinished.map(|word| format!("{}: {word}", file.at(number))));
    }
    if file.is_rust() {
        let ignored = of_kind(&file.text, Kind::Code).filter(|piece| piece.text.contains(IGNORED));
        violations.extend(ignored.map(|piece| format!("{}: {IGNORED}]", file.at(piece.line))));
    }
    violations
}

/// Values that a template prints without escaping them.
pub(crate) fn check_template(file: &SourceFile) -> Vec<String> {
    let is_unsafe = |line: &str| {
        let line = line.replace(' ', "");
        let mut after = line.split("|safe").skip(1);
        after.any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
    };
    let lines = file.text.lines().zip(1..).filter(|(line, _)| is_unsafe(line));
    lines.map(|(_, number)| format!("{}: |safe", file.at(number))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_opening_is_noticed() {
        let check = |text, expected| {
            assert_eq!(check_opening(&SourceFile::fixture("a.rs", text)).is_some(), expected);
        };
        check("//! A module.\n", false);
        check("use std::fs;\n//! Too late.\n", true);
        check("", true);
    }

    #[test]
    fn a_long_line_is_noticed() {
        let fits = "ü".repeat(COLUMNS_MAX);
        let file = SourceFile::fixture("a.rs", &format!("{fits}\n{fits}x\n"));
        assert_eq!(check_lines(&file), ["a.rs:2"]);
    }

    #[test]
    fn unfinished_work_is_noticed() {
        let check = |text: &str, expected: usize| {
            let file = SourceFile::fixture("a.rs", text);
            assert_eq!(check_words(&file).len(), expected, "{text}");
        };
        check("// All is done.\n", 0);
        for word in UNFINISHED {
            check(&format!("    {word}later)\n"), 1);
        }
        check(&format!("{IGNORED}]\n#[test]\nfn a() {{}}\n"), 1);
        check(&format!("{IGNORED} = \"slow\"]\nfn a() {{}}\n"), 1);
        check(&format!("// no {IGNORED}] here\n"), 0);
    }

    #[test]
    fn an_unescaped_value_is_noticed() {
        let check = |text, expected: &[&str]| {
            assert_eq!(check_template(&SourceFile::fixture("a.html", text)), expected);
        };
        check("<p>{{ name }} | safety</p>\n", &[]);
        check("<p>{{ name | safe }}</p>\n", &["a.html:1: |safe"]);
        check("<p>{{ name|safe }}</p>\n", &["a.html:1: |safe"]);
    }
}
