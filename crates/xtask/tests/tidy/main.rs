//! Rules of the project that no compiler checks: they read sources and manifests.
//!
//! Each rule is a function from text to what is wrong with it, with a test of its own that shows
//! that it would notice; the tests in this file apply the rules to the whole project.

mod documents;
mod language;
mod layers;
mod libsql;
mod migrations;
mod routes;
mod rust_text;
mod security;
mod sql;
mod text;
mod tree;

use crate::tree::Tree;

/// Fails with everything that is wrong, and why the rule is there.
#[track_caller]
fn expect_none(why: &str, violations: Vec<String>) {
    assert!(violations.is_empty(), "\n{why}:\n  {}\n", violations.join("\n  "));
}

#[test]
fn crates_use_only_what_is_to_their_right() {
    let manifests = Tree::read().manifests();
    expect_none("STYLE.md: the dependency rule", layers::check_all(&manifests));
}

#[test]
fn people_read_plain_words() {
    let tree = Tree::read();
    let files = tree.all().filter(|file| language::is_read_by_people(&file.path));
    expect_none("wording that has a plain form", files.flat_map(language::check).collect());
}

#[test]
fn domain_reaches_no_file_clock_or_socket() {
    let tree = Tree::read();
    let violations = tree.rust("crates/domain/src/").flat_map(layers::check_domain).collect();
    expect_none("domain is values in, values out", violations);
}

#[test]
fn sql_is_in_the_store_only() {
    let tree = Tree::read();
    let sources = tree.rust("").filter(|file| !sql::may_have_sql(&file.path));
    expect_none("SQL belongs into crates/store", sources.flat_map(sql::check).collect());
}

#[test]
fn transactions_are_for_migrations_only() {
    let tree = Tree::read();
    let sources = tree.rust("crates/store/src/");
    let sources = sources.filter(|file| file.path != "crates/store/src/migrate.rs");
    expect_none("a change of state is one statement", sources.flat_map(sql::check_begin).collect());
}

#[test]
fn statements_run_on_libsql_too() {
    let tree = Tree::read();
    let migrations = tree.files("migrations/", "sql").flat_map(libsql::check_migration);
    let statements = tree.rust("crates/store/src/").flat_map(libsql::check_source);
    let violations = migrations.chain(statements).collect();
    expect_none("LIBSQL.md, rule 4: what breaks on libSQL", violations);
}

#[test]
fn every_route_has_an_end_to_end_test() {
    let tree = Tree::read();
    let Some(manifest) = tree.text("spin.toml") else { return };
    let mentions: Vec<_> = tree.rust("tests/e2e/").flat_map(routes::mentions).collect();
    let has_tests = tree.rust("tests/e2e/tests/").next().is_some();
    let violations = if has_tests { routes::check(manifest, &mentions) } else { Vec::new() };
    expect_none("no file in tests/e2e mentions a path of this route", violations);
}

#[test]
fn migrations_are_numbered_explained_and_never_changed() {
    let tree = Tree::read();
    let files: Vec<_> = tree.files("migrations/tables/", "sql").collect();
    migrations::update_hashes_if_asked(&files);
    let mut violations = migrations::check_names(&files);
    violations.extend(tree.files("migrations/", "sql").filter_map(migrations::check_comment));
    let hashes = Tree::read().text(migrations::HASHES).unwrap_or_default().to_owned();
    violations.extend(migrations::check_hashes(&files, &hashes));
    expect_none(migrations::ADVICE, violations);
}

#[test]
fn modules_say_what_they_are() {
    let tree = Tree::read();
    expect_none("a file opens with `//!`", tree.rust("").filter_map(text::check_opening).collect());
}

#[test]
fn lines_are_short() {
    let tree = Tree::read();
    let files = text::WITH_SHORT_LINES.iter().flat_map(|extension| tree.files("", extension));
    expect_none("lines have at most 100 columns", files.flat_map(text::check_lines).collect());
}

#[test]
fn nothing_is_left_to_do() {
    let tree = Tree::read();
    let files = tree.all().filter(|file| !text::talks_about_the_rules(&file.path));
    expect_none("unfinished work goes into an issue", files.flat_map(text::check_words).collect());
}

#[test]
fn templates_escape_everything() {
    let tree = Tree::read();
    let violations = tree.files("", "html").flat_map(text::check_template).collect();
    expect_none("what a page shows may come from anybody", violations);
}

#[test]
fn every_item_of_the_checklist_has_a_test() {
    let tree = Tree::read();
    let table = tree.text("SECURITY.md").expect("SECURITY.md is there");
    let sources: Vec<_> = tree.rust("").collect();
    expect_none("SECURITY.md says what is shown, and by what", security::check(table, &sources));
}

#[test]
fn links_between_documents_lead_somewhere() {
    let tree = Tree::read();
    let paths: Vec<_> = tree.all().map(|file| file.path.as_str()).collect();
    let links = tree.files("", "md").flat_map(|file| documents::check_links(file, &paths));
    expect_none("a document links to what is not there", links.collect());
}

#[test]
fn every_variable_is_in_the_reference() {
    let tree = Tree::read();
    let reference = tree.text("docs/reference/configuration.md").expect("the reference is there");
    let manifest = tree.text("spin.toml").expect("spin.toml is there");
    let why = "docs/reference/configuration.md describes the variables of spin.toml";
    expect_none(why, documents::check_variables(reference, manifest));
}

#[test]
fn every_table_has_a_bound_of_its_growth() {
    let tree = Tree::read();
    let reference = tree.text("docs/reference/growth.md").expect("the reference is there");
    let schema = tree.text("migrations/schema.sql").expect("the schema is there");
    let why = "docs/reference/growth.md says how each table grows, and for how long rows are kept";
    expect_none(why, documents::check_tables(reference, schema));
}

#[test]
fn every_invariant_names_a_guard_that_exists() {
    let tree = Tree::read();
    let document = tree.files("docs/", "md").find(|file| file.path == "docs/invariants.md");
    let document = document.expect("docs/invariants.md is there");
    let sources = tree.files("crates/", "rs").chain(tree.files("migrations/", "sql"));
    let sources = sources.filter(|file| !file.path.contains("/tests/"));
    let checks = tree.text("crates/store/src/invariants.rs").expect("the checks are there");
    let sources = sources.map(|file| file.text.as_str());
    let violations = documents::check_guards(document, sources, checks);
    expect_none("docs/invariants.md names guards and integrity checks", violations);
}

#[test]
fn no_row_is_replaced() {
    let tree = Tree::read();
    let migrations = tree.files("migrations/", "sql").flat_map(sql::check_replacing_file);
    let sources = tree.rust("crates/store/").flat_map(sql::check_replacing);
    let why = "REPLACE deletes rows without their triggers, and so gets around what is append-only";
    expect_none(why, migrations.chain(sources).collect());
}

#[test]
fn no_statement_is_put_together() {
    let tree = Tree::read();
    let sources = tree.rust("crates/store/src/");
    let why = "a statement is a `const`, and values are its parameters";
    expect_none(why, sources.flat_map(sql::check_format).collect());
}

#[test]
fn rows_have_named_fields() {
    let tree = Tree::read();
    let sources = tree.rust("crates/store/src/");
    let sources = sources.filter(|file| file.path != "crates/store/src/row.rs");
    let why = "a column is read by the name of its field: `row!` makes both from one list";
    expect_none(why, sources.flat_map(sql::check_positions).collect());
}
