//! Every refusal of the schema has a name, and Rust knows it.

use std::collections::{BTreeMap, BTreeSet};

use expect_test::expect;
use store::{Db, Refusal, RusqliteDb, StoreError, violations};
use strum::VariantArray;

use crate::market::{empty, now};

const SCHEMA: &str = include_str!("../../../../migrations/schema.sql");

/// What follows each occurrence of a marker, up to a character that is of no name.
fn names(marker: &str) -> Vec<&'static str> {
    let is_name = |c: char| c.is_ascii_lowercase() || c == '_';
    let behind = SCHEMA.split(marker).skip(1);
    behind.map(|rest| rest.split(|c| !is_name(c)).next().unwrap()).collect()
}

/// Every unique key of a database, as SQLite names it.
fn unique_keys(db: &RusqliteDb) -> Vec<String> {
    let sql = "
        SELECT group_concat(m.name || '.' || c.name, ', ')
          FROM sqlite_schema m
          JOIN pragma_index_list(m.name) i ON i.\"unique\"
          JOIN pragma_index_info(i.name) c
         WHERE m.type = 'table' GROUP BY m.name, i.name
         UNION
        SELECT m.name || '.' || c.name
          FROM sqlite_schema m JOIN pragma_table_info(m.name) c ON c.pk > 0
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'
           AND (SELECT count(*) FROM pragma_table_info(m.name) WHERE pk > 0) = 1";
    (db as &dyn Db).all(sql, &[]).unwrap()
}

fn refusal_of_key(key: &str) -> Option<Refusal> {
    match StoreError::from_message(&format!("UNIQUE constraint failed: {key}")) {
        StoreError::Refused(refusal) => Some(refusal),
        other => {
            assert_eq!(other, StoreError::Violation(format!("UNIQUE {key}")));
            None
        }
    }
}

#[test]
fn triggers_raise_names_that_are_known() {
    assert_eq!(SCHEMA.matches("RAISE(").count(), {
        let ignored = SCHEMA.matches("RAISE(IGNORE)").count();
        names("RAISE(ABORT, 'refused: ").len() + ignored
    });
    for name in names("RAISE(ABORT, 'refused: ") {
        let error = StoreError::from_message(&format!("refused: {name}"));
        assert!(matches!(error, StoreError::Refused(_)), "{name} is not a Refusal");
    }
}

#[test]
fn every_check_has_a_name_of_its_own() {
    let checks = names("CONSTRAINT ");
    let is_named = |before: &str| {
        let mut words = before.split_whitespace().rev();
        words.next();
        words.next() == Some("CONSTRAINT")
    };
    let code: String = SCHEMA.lines().filter(|line| !line.trim().starts_with("--")).collect();
    for (at, _) in code.match_indices("CHECK (") {
        assert!(is_named(&code[..at]), "a CHECK has no name: {}", &code[at..at + 60]);
    }
    assert_eq!(checks.len(), code.matches("CHECK (").count());
    // A table that is made anew has its names once more.
    let mut tables = BTreeMap::new();
    for statement in code.split(';') {
        let table = statement.split_once(" TABLE ").map_or("", |(_, rest)| rest.trim_start());
        let table = table.split([' ', '(']).next().unwrap();
        let mut own = BTreeSet::new();
        for name in statement.split("CONSTRAINT ").skip(1) {
            let name = name.split_whitespace().next().unwrap().to_owned();
            assert!(own.insert(name.clone()), "two have the name {name}");
            let of = tables.entry(name.clone()).or_insert(table);
            assert_eq!(*of, table, "two tables have the name {name}");
        }
    }
    for name in checks {
        match StoreError::from_message(&format!("CHECK constraint failed: {name}")) {
            StoreError::Refused(refusal) => assert_eq!(refusal.into_str(), name),
            other => assert_eq!(other, StoreError::Violation(name.to_owned())),
        }
    }
}

#[test]
fn unique_keys_that_mean_something_are_known_by_their_columns() {
    let keys = unique_keys(&empty());
    let known = keys.iter().filter_map(|key| refusal_of_key(key).map(|it| (key, it)));
    let known: String = known
        .map(|(key, it)| format!("{}: {}\n", key.replace(", ", ",\n    "), it.into_str()))
        .collect();
    expect![[r#"
        accounts.email: email_taken
        audit_seals.audit_id: seal_exists
        ledger_seals.transaction_id: seal_exists
        ledger_transactions.kind,
            ledger_transactions.reference: booking_exists
        machine_actions.job_id: machine_action_open
        nodes.id: node_registered
        refused_payments.payment_id,
            refused_payments.top_up_id: payment_known
        responses.owner_id,
            responses.idempotency_key: idempotency_key_used
        sla_disputes.rental_id,
            sla_disputes.month,
            sla_disputes.tenure,
            sla_disputes.side: dispute_exists
        top_ups.payment_id: payment_known
    "#]]
    .assert_eq(&known);
}

#[test]
fn no_name_is_known_that_the_schema_does_not_have() {
    let keys = unique_keys(&empty());
    let mut there: BTreeSet<&str> = keys
        .iter()
        .filter_map(|key| Some(refusal_of_key(key)?.into_str()))
        .chain(names("RAISE(ABORT, 'refused: "))
        .collect();
    there.extend(names("CONSTRAINT "));
    for refusal in Refusal::VARIANTS {
        assert!(there.contains(refusal.into_str()), "nothing refuses {refusal:?}");
    }
}

/// Times, and what is random, are columns of the commands: Rust decides them.
#[test]
fn no_statement_of_the_schema_asks_for_the_time_or_for_chance() {
    let code: String = SCHEMA.lines().filter(|line| !line.trim().starts_with("--")).collect();
    for asks in ["'now'", "unixepoch()", "CURRENT_", "julianday", "random", "max(created_at)"] {
        assert!(!code.contains(asks), "schema.sql asks for {asks}");
    }
}

#[test]
fn violations_are_counted_by_name() {
    let db = empty();
    let error = db.run("UPDATE rank_cursor SET id = 2", &[]).unwrap_err();
    assert_eq!(error.bug(), Some("rank_cursor_has_one_row"));
    let error = db.run("INSERT INTO post_entry VALUES ('credit', 'x', 'wallet', 'x', 5)", &[]);
    assert_eq!(error.unwrap_err().bug(), Some("transaction_missing"));
    assert_eq!(StoreError::Refused(Refusal::SliceTaken).bug(), None);
    assert_eq!(StoreError::Busy.bug(), None);
    for seconds in [0, 5] {
        violations::count(&db, "transaction_missing", now().plus_seconds(seconds)).unwrap();
    }
    let counted = db.run("SELECT count, last_at FROM violations", &[]).unwrap();
    assert_eq!(counted, [store::Row(vec![2_u32.into(), now().plus_seconds(5).into()])]);
}
