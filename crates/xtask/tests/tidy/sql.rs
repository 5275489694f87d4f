//! SQL is text that only the store, the migrations and tests may have.

use crate::rust_text::{Kind, Piece, literals, of_kind, pieces, without_tests};
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

/// A statement in a source that replaces rows.
pub(crate) fn check_replacing(file: &SourceFile) -> Vec<String> {
    let literals = literals(&file.text).filter(|literal| replaces(literal.text));
    literals.map(|literal| format!("{}: {}", file.at(literal.line), first_line(literal))).collect()
}

/// Statements in a migration that replace rows.
pub(crate) fn check_replacing_file(file: &SourceFile) -> Vec<String> {
    let code = file.text.lines().map(|line| line.split("--").next().unwrap_or_default());
    let code: Vec<_> = code.collect();
    let found = code.iter().enumerate().filter(|(at, line)| {
        // The two words may stand on two lines.
        let next = code.get(at + 1).copied().unwrap_or_default();
        replaces(line) || (replaces(&format!("{line} {next}")) && !replaces(next))
    });
    found.map(|(at, line)| format!("{}: {}", file.at(at + 1), line.trim())).collect()
}

fn replaces(sql: &str) -> bool {
    let words = sql.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: Vec<_> = words.map(str::to_ascii_uppercase).collect();
    words.windows(2).any(|pair| {
        let pair = [pair[0].as_str(), pair[1].as_str()];
        [["OR", "REPLACE"], ["REPLACE", "INTO"], ["CONFLICT", "REPLACE"]].contains(&pair)
    })
}

/// A statement that is put together out of pieces, rather than a constant.
pub(crate) fn check_format(file: &SourceFile) -> Vec<String> {
    let mut before = "";
    let mut found = Vec::new();
    for piece in pieces(without_tests(&file.text)) {
        let is_formatted = ["format!(", "format_args!(", "push_str(", "write!("];
        let is_formatted = is_formatted.iter().any(|call| before.trim_end().ends_with(call));
        if piece.kind == Kind::Literal && is_formatted && is_sql(piece.text) {
            found.push(format!("{}: {}", file.at(piece.line), first_line(piece)));
        }
        before = if piece.kind == Kind::Code { piece.text } else { "" };
    }
    found
}

/// Columns that are read by number, where a row has named fields.
pub(crate) fn check_positions(file: &SourceFile) -> Vec<String> {
    const READS: [&str; 6] = [".0.get(", ".0[", ".integer(", ".number(", ".text(", ".blob("];
    let is_read = |line: &&str| {
        READS.iter().any(|read| {
            line.split(read).skip(1).any(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
        })
    };
    let code = of_kind(without_tests(&file.text), Kind::Code);
    code.flat_map(|piece| {
        let lines = (piece.line..).zip(piece.text.lines());
        lines.filter(|(_, line)| is_read(line)).collect::<Vec<_>>()
    })
    .map(|(at, line)| format!("{}: {}", file.at(at), line.trim()))
    .collect()
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

    #[test]
    fn a_statement_that_replaces_is_noticed() {
        let source = |text: &str, expected: &[&str]| {
            assert_eq!(check_replacing(&SourceFile::fixture("a.rs", text)), expected);
        };
        source("f(\"INSERT OR REPLACE INTO a\")", &["a.rs:1: INSERT OR REPLACE INTO a"]);
        source("f(\"replace into a\"); // REPLACE INTO", &["a.rs:1: replace into a"]);
        source("f(\"SELECT replace(a, 'b', 'c') FROM d\")", &[]);
        let migration = |text: &str, expected: &[&str]| {
            assert_eq!(check_replacing_file(&SourceFile::fixture("a.sql", text)), expected);
        };
        migration("-- REPLACE INTO\nINSERT OR REPLACE\nINTO a", &["a.sql:2: INSERT OR REPLACE"]);
        migration("INSERT OR\nREPLACE INTO a", &["a.sql:2: REPLACE INTO a"]);
        migration(
            "id INTEGER PRIMARY KEY ON CONFLICT REPLACE",
            &["a.sql:1: id INTEGER PRIMARY KEY ON CONFLICT REPLACE"],
        );
        migration("INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING", &[]);
    }

    #[test]
    fn a_statement_that_is_put_together_is_noticed() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(check_format(&SourceFile::fixture("a.rs", text)), expected);
        };
        check("format!(\"SELECT {a}\")", &["a.rs:1: SELECT {a}"]);
        check("const A: &str = \"SELECT 1\"; format!(\"a {b}\")", &[]);
    }

    #[test]
    fn a_column_that_is_read_by_number_is_noticed() {
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(check_positions(&SourceFile::fixture("a.rs", text)), expected);
        };
        check("\nlet id = row.integer(25)?;", &["a.rs:2: let id = row.integer(25)?;"]);
        check(
            "row.0.get(2); f(\"x\");\nrow.0[3]",
            &["a.rs:1: row.0.get(2); f(", "a.rs:2: row.0[3]"],
        );
        check("columns.integer(Some); Value::text(2); // row.text(0)", &[]);
    }
}
