//! What runs on SQLite and fails, or means something else, on libSQL.

use crate::rust_text::literals;
use crate::sql::is_sql;
use crate::tree::SourceFile;

/// Words that libSQL refuses, or that have no meaning on it.
const WORDS: [&str; 6] = ["ANALYZE", "ATTACH", "OFFSET", "TEMP", "TEMPORARY", "VACUUM"];

/// The PRAGMAs that may be set.
const SETTABLE: [&str; 3] = ["defer_foreign_keys", "foreign_keys", "user_version"];

/// Words that a part of a statement has, in capitals, where English has none.
const CLAUSES: [&str; 6] = ["FROM", "JOIN", "LIMIT", "ORDER", "VALUES", "WHERE"];

/// Functions that make one value of many rows, where libSQL knows no `ORDER BY`.
const AGGREGATES: [&str; 9] = [
    "avg",
    "count",
    "group_concat",
    "json_group_array",
    "json_group_object",
    "max",
    "min",
    "string_agg",
    "sum",
];

/// What is wrong with a migration.
pub(crate) fn check_migration(file: &SourceFile) -> Vec<String> {
    problems(&file.text)
        .into_iter()
        .map(|(line, what)| format!("{}: {what}", file.at(line)))
        .collect()
}

/// What is wrong with the statements of a Rust file.
pub(crate) fn check_source(file: &SourceFile) -> Vec<String> {
    let statements = literals(&file.text).filter(|literal| is_part(literal.text));
    let problems = statements.flat_map(|literal| {
        let found = problems(literal.text).into_iter();
        found.map(move |(line, what)| (literal.line + line - 1, what))
    });
    problems.map(|(line, what)| format!("{}: {what}", file.at(line))).collect()
}

/// Whether a text is a statement, or a part that `concat!` makes one of.
fn is_part(text: &str) -> bool {
    let words = text.split(|c: char| !is_word(c));
    is_sql(text) || words.into_iter().any(|word| CLAUSES.contains(&word))
}

/// The lines of a text of SQL where something is wrong, and what.
fn problems(sql: &str) -> Vec<(usize, String)> {
    let tokens = tokens(sql);
    let mut found = Vec::new();
    for at in 0..tokens.len() {
        let rest = &tokens[at..];
        let word = rest[0].text;
        let next = rest.get(1).map_or("", |token| token.text);
        let is_call = next == "(";
        let what = if WORDS.iter().any(|refused| refused.eq_ignore_ascii_case(word)) {
            Some(word.to_uppercase())
        } else if matches!(word, ":" | "@" | "$") && starts_word(next) {
            Some(format!("the named parameter {word}{next}"))
        } else if word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('_') {
            Some(format!("the number {word}"))
        } else if word.eq_ignore_ascii_case("limit") && limit_has_comma(&rest[1..]) {
            Some("LIMIT a, b".to_owned())
        } else if word.eq_ignore_ascii_case("pragma") && sets_pragma(&rest[1..]) {
            Some(format!("PRAGMA {next}"))
        } else if word.eq_ignore_ascii_case("if") && is_call {
            Some("if()".to_owned())
        } else if word.eq_ignore_ascii_case("iif") && is_call && argument_count(&rest[1..]) < 3 {
            Some("iif() with two arguments".to_owned())
        } else if is_call && is_aggregate(word) && orders(&rest[1..]) {
            Some(format!("ORDER BY in {word}()"))
        } else {
            None
        };
        found.extend(what.map(|what| (rest[0].line, what)));
    }
    found
}

/// A word, a number or a sign of SQL.
struct Token<'a> {
    line: usize,
    text: &'a str,
}

/// Cuts SQL up; comments and quoted texts are left out.
fn tokens(sql: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut line = 1;
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("--") {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '\'' {
            rest[1..].find('\'').map_or(rest.len(), |end| end + 2)
        } else if is_word(first) {
            rest.find(|c| !is_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (text, after) = rest.split_at(length);
        if is_word(first) || (length == first.len_utf8() && !first.is_whitespace()) {
            tokens.push(Token { line, text });
        }
        line += text.matches('\n').count();
        rest = after;
    }
    tokens
}

fn is_word(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

fn starts_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// `LIMIT`, a value, and a comma in the same statement and at the same depth.
fn limit_has_comma(rest: &[Token<'_>]) -> bool {
    let mut depth = 0;
    for token in rest {
        match token.text {
            "(" => depth += 1,
            ")" if depth == 0 => return false,
            ")" => depth -= 1,
            ";" => return false,
            "," if depth == 0 => return true,
            _ => {}
        }
    }
    false
}

fn sets_pragma(rest: &[Token<'_>]) -> bool {
    let name = rest.first().map_or("", |token| token.text);
    let sets = rest.get(1).is_some_and(|token| token.text == "=");
    sets && !SETTABLE.contains(&name)
}

fn is_aggregate(word: &str) -> bool {
    AGGREGATES.iter().any(|aggregate| aggregate.eq_ignore_ascii_case(word))
}

/// The tokens directly inside of the parenthesis that `rest` begins with.
fn inside<'a>(rest: &'a [Token<'a>]) -> impl Iterator<Item = &'a str> {
    let mut depth = 0;
    rest.iter()
        .map_while(move |token| {
            match token.text {
                "(" => depth += 1,
                ")" => depth -= 1,
                _ => {}
            }
            (depth > 0).then_some((depth, token.text))
        })
        .filter(|(depth, _)| *depth == 1)
        .map(|(_, text)| text)
}

fn argument_count(rest: &[Token<'_>]) -> usize {
    1 + inside(rest).filter(|text| *text == ",").count()
}

fn orders(rest: &[Token<'_>]) -> bool {
    inside(rest).any(|text| text.eq_ignore_ascii_case("order"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(sql: &str, expected: &[&str]) {
        let found: Vec<_> = problems(sql).into_iter().map(|(_, what)| what).collect();
        assert_eq!(found, expected, "{sql}");
    }

    #[test]
    fn what_libsql_lacks_is_noticed() {
        check("SELECT a FROM b WHERE c = ?1 ORDER BY a, b LIMIT ?2", &[]);
        check("SELECT a FROM b LIMIT 5, 10", &["LIMIT a, b"]);
        check("SELECT (SELECT a FROM b LIMIT 1), c FROM d", &[]);
        check("SELECT a FROM b LIMIT 5 OFFSET 10", &["OFFSET"]);
        check(
            "SELECT a FROM b WHERE c = :c AND d = @d",
            &["the named parameter :c", "the named parameter @d"],
        );
        check("SELECT ':a', '2026-01-01 12:30' -- :b", &[]);
        check("SELECT 1_000, a_1 FROM slice_1", &["the number 1_000"]);
        check(
            "VACUUM; CREATE TEMP TABLE a (b); ATTACH 'c' AS d; analyze",
            &["VACUUM", "TEMP", "ATTACH", "ANALYZE"],
        );
        check("PRAGMA user_version = 3; PRAGMA synchronous", &[]);
        check("PRAGMA journal_mode = WAL", &["PRAGMA journal_mode"]);
        check(
            "SELECT iif(a, b, max(c, d)), IIF(a, b), if(a, b, c)",
            &["iif() with two arguments", "if()"],
        );
        check("CREATE TABLE IF NOT EXISTS a (b)", &[]);
        check(
            "SELECT group_concat(a ORDER BY b), sum(c) OVER (ORDER BY d)",
            &["ORDER BY in group_concat()"],
        );
    }

    #[test]
    fn a_violation_names_its_line() {
        let migration = SourceFile::fixture("m.sql", "-- VACUUM\nSELECT 1;\n\nVACUUM;\n");
        assert_eq!(check_migration(&migration), ["m.sql:4: VACUUM"]);
        let source = SourceFile::fixture(
            "s.rs",
            "// VACUUM\nconst A: &str = \"\n    SELECT a\n     LIMIT 1, 2\";\n\
             f(\"VACUUM is a word\"); concat!(f!(), \" FROM a LIMIT 1, 2\");",
        );
        assert_eq!(check_source(&source), ["s.rs:4: LIMIT a, b", "s.rs:5: LIMIT a, b"]);
    }
}
