//! The table of `SECURITY.md`: every item once, each with tests that exist.

use std::collections::BTreeSet;

use crate::tree::SourceFile;

/// How many items the checklist has.
const ITEMS: usize = 48;

/// What is wrong with the table.
pub(crate) fn check(table: &str, sources: &[&SourceFile]) -> Vec<String> {
    let functions = functions(sources);
    let mut wrong = Vec::new();
    let mut seen = BTreeSet::new();
    for line in table.lines().filter(|line| line.starts_with("| ")) {
        let cells: Vec<_> = line.trim_matches('|').split('|').map(str::trim).collect();
        if let [_, tests] = cells[..] {
            wrong
                .extend(missing_tests(tests, &functions).map(|test| format!("there is no {test}")));
        }
        let [number, _, _, tests, state] = cells[..] else { continue };
        let Ok(number) = number.parse::<usize>() else { continue };
        if !seen.insert(number) {
            wrong.push(format!("item {number} is there twice"));
        }
        if state == "open" {
            wrong.push(format!("item {number} is open"));
            continue;
        }
        let own = format!("item_{number:02}_");
        if !names(tests).any(|name| name.rsplit("::").next().unwrap_or("").starts_with(&own)) {
            wrong.push(format!("item {number} has no test that begins with `{own}`"));
        }
        let missing = missing_tests(tests, &functions);
        wrong.extend(missing.map(|test| format!("item {number}: there is no {test}")));
    }
    let missing = (1..=ITEMS).filter(|number| !seen.contains(number));
    wrong.extend(missing.map(|number| format!("item {number} is missing")));
    wrong
}

/// The names in a cell.
fn names(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

/// The tests in a cell that do not exist.
fn missing_tests(cell: &str, functions: &BTreeSet<(&str, &str)>) -> impl Iterator<Item = String> {
    let tests = names(cell).filter_map(|name| name.rsplit_once("::"));
    let missing = tests.filter(|test| !functions.contains(test));
    missing.map(|(path, function)| format!("`fn {function}` in {path}"))
}

/// Every function, with the file that it is in.
fn functions<'a>(sources: &[&'a SourceFile]) -> BTreeSet<(&'a str, &'a str)> {
    let mut functions = BTreeSet::new();
    for file in sources {
        for line in file.text.lines().map(str::trim_start) {
            let Some(rest) = line.strip_prefix("async fn ").or_else(|| line.strip_prefix("fn "))
            else {
                continue;
            };
            functions.insert((file.path.as_str(), rest.split('(').next().unwrap_or_default()));
        }
    }
    functions
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_without_its_test_is_noticed() {
        let file = SourceFile::fixture("tests/a.rs", "async fn item_01_a() {}\nfn other() {}");
        let check = |rows: &[&str], expected: &[&str]| {
            let mut wrong = check(&rows.join("\n"), &[&file]);
            wrong.retain(|line| !line.ends_with("is missing"));
            assert_eq!(wrong, expected);
        };
        check(&["| 1 | V1 | a | `tests/a.rs::item_01_a` | shown |"], &[]);
        check(&["| 1 | V1 | a | `item_01_a` | open |"], &["item 1 is open"]);
        check(
            &["| 1 | V1 | a | `tests/a.rs::item_01_b` | shown |"],
            &["item 1: there is no `fn item_01_b` in tests/a.rs"],
        );
        check(
            &["| 2 | V1 | a | `tests/a.rs::other` | shown |"],
            &["item 2 has no test that begins with `item_02_`"],
        );
        check(&["| a | `tests/a.rs::other`, `tests/a.rs::item_01_a` |"], &[]);
        check(&["| a | `tests/a.rs::gone` |"], &["there is no `fn gone` in tests/a.rs"]);
        let row = "| 1 | V1 | a | `tests/a.rs::item_01_a` | shown |";
        check(&[row, row], &["item 1 is there twice"]);
        let missing = super::check(row, &[&file]);
        assert_eq!((missing.len(), missing[0].as_str()), (ITEMS - 1, "item 2 is missing"));
    }
}
