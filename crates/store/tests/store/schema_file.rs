//! `migrations/schema.sql` is what a database has, in reading order, and `migrations/releases` has
//! its hash.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::{env, fs};

use sha2::{Digest as _, Sha256};
use store::schema::SCHEMA;
use store::{Db, RusqliteDb};

use crate::market::empty;

fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations")).join(name)
}

fn read(name: &str) -> String {
    fs::read_to_string(path(name)).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the database says of an object, by its name.
fn sql_of(db: &RusqliteDb, kind: &str, name: &str) -> Option<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = ?1 AND name = ?2";
    (db as &dyn Db).first(sql, &[kind.into(), name.into()]).unwrap()
}

/// A statement of a table migration, in parts: the comment before it, and the code.
fn parts(chunk: &str) -> (&str, &str) {
    let code_at = chunk.lines().take_while(|line| line.is_empty() || line.starts_with("--"));
    let code_at: usize = code_at.map(|line| line.len() + 1).sum();
    let (comment, code) = chunk.split_at(code_at.min(chunk.len()));
    (comment.rsplit_once("\n\n").map_or(comment, |(_, comment)| comment), code)
}

/// The table or index that a statement creates.
fn created(chunk: &str) -> Option<&str> {
    let (_, code) = parts(chunk);
    let mut words = code.split([' ', '\n', '(']).filter(|word| *word != "UNIQUE");
    (words.next() == Some("CREATE") && matches!(words.next(), Some("TABLE" | "INDEX")))
        .then(|| words.next())?
}

/// The table that a statement of a table migration is about, and what to show of it: of tables and
/// indexes, what the database has by now. Rows that are copied from a table that was made anew are
/// none that a database begins with.
fn shown(db: &RusqliteDb, chunk: &str) -> Option<(String, String)> {
    let (comment, code) = parts(chunk);
    let words: Vec<&str> = code.split([' ', '\n', '(']).collect();
    let (table, code) = match words[..] {
        ["CREATE", "TABLE", name, ..] => (name, sql_of(db, "table", name)?),
        ["CREATE", "INDEX", name, "ON", table, ..]
        | ["CREATE", "UNIQUE", "INDEX", name, "ON", table, ..] => {
            (table, sql_of(db, "index", name)?)
        }
        ["INSERT", "INTO", table, ..] if !code.ends_with("_before") => (table, code.to_owned()),
        _ => return None,
    };
    Some((table.to_owned(), format!("{comment}{code};\n\n")))
}

/// The rows that each upgrade writes of the enum.
fn event_kinds(db: &RusqliteDb) -> String {
    let sql = "SELECT printf('(%Q, %d, %d)', kind, for_renter, for_farmer)
                 FROM event_kinds ORDER BY kind";
    let rows: Vec<String> = (db as &dyn Db).all(sql, &[]).unwrap();
    let rows = rows.join(",\n       ");
    format!("INSERT INTO event_kinds (kind, for_renter, for_farmer)\nVALUES {rows};")
}

/// The whole database in reading order: each table with its indexes, the rows that it begins with
/// and its guards; then the commands.
fn schema() -> String {
    let db = empty();
    let mut text = String::from(
        "-- The whole database, in reading order. Generated from the other files: change\n\
         -- those, and run the tests of `store` with UPDATE_EXPECT=1.\n",
    );
    for (nth, file) in SCHEMA.tables.iter().enumerate() {
        // A table that was made anew is shown where it was.
        let later = SCHEMA.tables[nth + 1..].iter().flat_map(|file| file.sql.split(";\n\n"));
        let later: BTreeSet<&str> = later.filter_map(created).collect();
        let what = file.sql.lines().next().unwrap();
        write!(text, "\n-- {}\n{what}\n\n", file.path).unwrap();
        let chunks = file.sql.trim_end().trim_end_matches(';').split(";\n\n");
        let chunks = chunks.filter(|it| created(it).is_none_or(|name| !later.contains(name)));
        let shown: Vec<(String, String)> = chunks.filter_map(|it| shown(&db, it)).collect();
        for tables in shown.chunk_by(|(one, _), (other, _)| one == other) {
            text.extend(tables.iter().map(|(_, text)| text.as_str()));
            if tables[0].0 == "event_kinds" {
                write!(text, "{}\n\n", event_kinds(&db)).unwrap();
            }
            let guards = format!("guards/{}.sql", tables[0].0);
            for file in SCHEMA.guards.iter().filter(|file| file.path == guards) {
                write!(text, "{}\n\n", file.sql.trim_end()).unwrap();
            }
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    for file in SCHEMA.commands {
        write!(text, "\n-- {}\n\n{}", file.path, file.sql).unwrap();
    }
    text
}

/// The line of a release: its number, the hash of its schema, and what chains it to the line
/// before, so that no line changes later.
fn release(before: &str, schema: &str) -> String {
    let number = before.split(' ').next().map_or(0, |number| number.parse().unwrap_or(0)) + 1;
    let hash = hex(&Sha256::digest(schema));
    format!("{number} {hash} {}", link(before, number, &hash))
}

fn link(before: &str, number: u32, hash: &str) -> String {
    hex(&Sha256::digest(format!("{before}\n{number} {hash}"))[..8])
}

/// What the last line of `migrations/releases` says of `migrations/schema.sql`, and what all lines
/// say of each other.
fn check_releases(releases: &str, schema: &str) -> Result<(), String> {
    let mut before = "";
    let mut last = 0;
    for line in releases.lines() {
        let [number, hash, chained] = line.split(' ').collect::<Vec<_>>()[..] else {
            return Err(format!("{line:?} is not a number, a hash and a link"));
        };
        let number: u32 = number.parse().map_err(|_| format!("{number} is no number"))?;
        if number <= last {
            return Err(format!("release {number} stands behind release {last}"));
        }
        if chained != link(before, number, hash) {
            return Err(format!("release {number}, or one before it, was changed"));
        }
        (before, last) = (line, number);
    }
    let hash = hex(&Sha256::digest(schema));
    match before.split(' ').nth(1) {
        Some(found) if found == hash => Ok(()),
        _ => Err(format!("the schema has changed: a release is to be added behind {last}")),
    }
}

#[test]
fn schema_sql_is_what_a_database_has() {
    let schema = schema();
    if env::var_os("UPDATE_EXPECT").is_some_and(|value| value == "1") {
        fs::write(path("schema.sql"), &schema).unwrap();
        let mut releases = read("releases");
        if check_releases(&releases, &schema).is_err() {
            let line = release(releases.lines().last().unwrap_or_default(), &schema);
            writeln!(releases, "{line}").unwrap();
            fs::write(path("releases"), releases).unwrap();
        }
    }
    let advice = "run this again with UPDATE_EXPECT=1";
    assert!(schema == read("schema.sql"), "migrations/schema.sql is out of date: {advice}");
    assert_eq!(check_releases(&read("releases"), &schema), Ok(()), "{advice}");
}

/// Whatever the database has is in the file.
#[test]
fn schema_sql_leaves_nothing_out() {
    let db = empty();
    let schema = schema();
    let sql = "SELECT name, sql FROM sqlite_schema
                WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite_%'
                  AND name NOT IN ('schema_releases', 'schema_tables')";
    let objects: Vec<(String, String)> = (&db as &dyn Db).all(sql, &[]).unwrap();
    for (name, sql) in objects {
        assert!(schema.contains(&format!("{sql};\n")), "{name} is not in schema.sql");
    }
}

#[test]
fn a_release_that_does_not_rise_or_was_changed_is_noticed() {
    let first = release("", "a");
    let second = release(&first, "b");
    let check = |lines: &[&str], schema: &str| check_releases(&(lines.join("\n") + "\n"), schema);
    assert_eq!(check(&[&first], "a"), Ok(()));
    assert_eq!(check(&[&first, &second], "b"), Ok(()));
    check(&[&first], "b").unwrap_err();
    check(&[], "a").unwrap_err();
    // The first one with another hash, gone, or the second one with its number.
    check(&[&release("", "c"), &second], "b").unwrap_err();
    check(&[&second], "b").unwrap_err();
    let (hash, again) = (hex(&Sha256::digest("b")), link(&first, 1, &hex(&Sha256::digest("b"))));
    check(&[&first, &format!("1 {hash} {again}")], "b").unwrap_err();
}
