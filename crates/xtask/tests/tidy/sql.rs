//! SQL is text that only the store, the migrations and tests may have.

use crate::rust_text::{Piece, literals};
use crate::tree::SourceFile;

/// Whether a Rust file may have SQL: the store, the host's side of SQLite, and tests.
pub(crate) fn may_have_sql(path: &str) -> bool {
    path.starts_with("crates/store/")
        || path.starts_with("crates/host/src/sqlite")
        || path.starts_with("tests/")
        || path.contains("/tests/")
}

/// SQL in the string literals of a file.
pub(crate) fn check(file: &SourceFile) -> Vec<String> {
    let literals = literals(&file.text).filter(|literal| is_sql(literal.text));
    literals.map(|literal| format!("{}: {}", file.at(literal.line), first_line(literal))).collect()
}

/// A transaction that is opened by hand.
pub(crate) fn check_begin(file: &SourceFile) -> Vec<String> {
    let is_transaction = |literal: &Piece<'_>| {
        let word = literal.text.split_whitespace().next().unwrap_or_default();
        ["BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT"].contains(&word)
    };
    let literals = literals(&file.text).filter(is_transaction);
    literals.map(|literal| format!("{}: {}", file.at(literal.line), literal.text)).collect()
}

/// Whether a text is a statement. Keywords count in capitals, as we write them; English has the
/// same words in lower case.
pub(crate) fn is_sql(text: &str) -> bool {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    let has = |word: &str| words.contains(&word);
    let has_pair = |first: &str, second: &str| {
        words.windows(2).any(|pair| pair[0] == first && pair[1] == second)
    };
    has("SELECT")
        || (has("UPDATE") && has("SET"))
        || has("PRAGMA")
        || has_pair("INSERT", "INTO")
        || has_pair("DELETE", "FROM")
        || has_pair("CREATE", "TABLE")
        || has_pair("insert", "into")
        || has_pair("delete", "from")
}

fn first_line(literal: Piece<'_>) -> &str {
    literal.text.trim().lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_in_a_literal_is_noticed() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(check(&SourceFile::fixture("crates/web/src/a.rs", text)), expected);
        };
        check("// SELECT is for the store\nfn a() { select(\"Select a node\") }", &[]);
        check(
            "\nconst A: &str = \"\n    SELECT id\n      FROM nodes\";",
            &["crates/web/src/a.rs:2: SELECT id"],
        );
        check("f(\"UPDATE nodes SET a = 1\")", &["crates/web/src/a.rs:1: UPDATE nodes SET a = 1"]);
        check("f(\"delete from nodes\")", &["crates/web/src/a.rs:1: delete from nodes"]);
        check("f(\"INSERT INTO a VALUES\")", &["crates/web/src/a.rs:1: INSERT INTO a VALUES"]);
        check("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    f(\"SELECT 1\")\n}", &[]);
    }

    #[test]
    fn a_transaction_by_hand_is_noticed() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(check_begin(&SourceFile::fixture("a.rs", text)), expected);
        };
        check("f(\"BEGIN IMMEDIATE\")", &["a.rs:1: BEGIN IMMEDIATE"]);
        check("f(\"CREATE TRIGGER a INSTEAD OF INSERT ON b BEGIN SELECT 1; END\")", &[]);
    }
}
