//! Archives: what is in a file can go, everything else stays, and whatever is left joins.

use domain::month::Month;
use domain::time::Timestamp;
use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use store::archive_file::{ChainName, Header, Row, Rows, Verified, Verifier, Wrong, last_line};
use store::archives::{
    Archive, RecordFailure, bounds, kept, last, record, remove_page, rows_after,
};
use store::chain::Seal;
use store::ledger::CreditFailure;
use store::statements::{AccountKind, Statement, first_month, months, of_month};
use store::{Db, RusqliteDb, audit, events, ledger_chain};
use strum::VariantArray;

use crate::market::{
    AIDA, Attempt, FARMER, OMAR, OTHER_FARMER, account, assert_sound, attempt, balance, by_hand,
    count, credit, market, pass, rent, usd,
};
use crate::statements::{play, step};

/// Later than every year that is archived here.
fn late() -> Timestamp {
    Timestamp::of_day("2040-01-01").unwrap()
}

fn year_begins(year: i32) -> Timestamp {
    Timestamp::of_day(&format!("{year}-01-01")).unwrap()
}

/// The rows of a chain up to the end of a year, behind what is archived, and their file.
fn file(db: &RusqliteDb, chain: ChainName, year: i32) -> Option<(Rows, Vec<String>)> {
    let before = last(db, chain).unwrap();
    let (after, seal_before) = before.map_or((0, [0; 32]), |it| (it.until_id, it.seal));
    let is_of_year = |row: &Row| row.created_at() < year_begins(year + 1);
    let found = rows_after(db, chain, after, 100_000).unwrap();
    let found: Vec<Row> = found.into_iter().map(|it| it.0).take_while(is_of_year).collect();
    let mut seal = seal_before;
    let mut lines = vec![String::new()];
    for row in &found {
        seal = row.seal_after(&seal);
        lines.push(row.line(&seal));
    }
    let (first_id, until_id) = (found.first()?.id(), found.last()?.id());
    let row_count = found.len() as u64;
    let rows = Rows { chain, year, first_id, until_id, row_count, seal_before, seal };
    lines[0] = Header::new(&rows, 5, late()).line();
    lines.push(last_line(&hash_of(&lines)));
    Some((rows, lines))
}

fn hash_of(lines: &[String]) -> Seal {
    Sha256::digest(lines.iter().map(|line| format!("{line}\n")).collect::<String>()).into()
}

fn verify(lines: &[String], after: Option<Verified>) -> Result<Verified, Wrong> {
    let mut verifier = Verifier::new(after);
    for line in lines {
        verifier.push(line)?;
    }
    verifier.finish()
}

fn archive_of(rows: &Rows, lines: &[String]) -> Archive {
    Archive {
        chain: rows.chain,
        first_id: rows.first_id,
        until_id: rows.until_id,
        closed_at: year_begins(rows.year + 1),
        row_count: rows.row_count,
        seal: rows.seal,
        file: "file".to_owned(),
        file_hash: verify(lines, None).unwrap().file_hash,
    }
}

/// Seals everything, and takes every event as a notification.
fn settle(db: &RusqliteDb) {
    while audit::seal(db).unwrap().is_new {}
    while ledger_chain::seal(db).unwrap().is_new {}
    by_hand(
        db,
        "UPDATE notification_cursor SET event_id = (SELECT coalesce(max(id), 0) FROM events)
                  WHERE event_id < (SELECT coalesce(max(id), 0) FROM events)",
    )
    .unwrap();
}

/// Says that the rows of a chain up to the end of a year are archived.
fn record_year(db: &RusqliteDb, chain: ChainName, year: i32) {
    let after = last(db, chain).unwrap().map_or(0, |it| it.until_id);
    if let Some((rows, lines)) = file(db, chain, year) {
        record(db, &archive_of(&rows, &lines), after, late()).unwrap();
    }
}

/// Archives all chains up to the end of a year, and removes what can go. Everything that must hold
/// does, after each of small steps.
fn archive(db: &RusqliteDb, year: i32) {
    settle(db);
    for &chain in ChainName::VARIANTS {
        record_year(db, chain, year);
        assert_sound(db);
        let name: &str = chain.into();
        let until = last(db, chain).unwrap().map_or(0, |it| it.until_id);
        for from in (1..=until).step_by(7) {
            let step = format!(
                "INSERT INTO remove_archived (chain, from_id, until_id)
                 VALUES ('{name}', {from}, {})",
                until.min(from + 6)
            );
            by_hand(db, &step).unwrap();
            assert_sound(db);
        }
        // A run that goes on where another was killed.
        let mut after = 0;
        while let Some(seen) = remove_page(db, chain, after).unwrap() {
            after = seen;
        }
        assert_eq!(after, if left(db, chain) > 0 { left(db, chain) } else { 0 });
    }
    assert_sound(db);
}

/// The last archived row of a chain that is still here.
fn left(db: &RusqliteDb, chain: ChainName) -> i64 {
    let bounds = bounds(db).unwrap();
    let (table, until) = match chain {
        ChainName::Ledger => ("ledger_transactions", bounds.ledger),
        ChainName::Events => ("events", bounds.events),
        ChainName::Audit => ("audit", bounds.audit),
    };
    count(db, &format!("SELECT coalesce(max(id), 0) FROM {table} WHERE id <= {until}"))
}

/// The statements of everybody from a month to another.
fn statements(db: &dyn Db, from: Month, until: Month) -> Vec<(Month, Option<Statement>)> {
    let mut found = Vec::new();
    let mut month = from;
    while month <= until {
        for number in [FARMER, OTHER_FARMER, OMAR, AIDA] {
            for &kind in AccountKind::VARIANTS {
                found.push((month, of_month(db, account(number), kind, month).unwrap()));
            }
        }
        month = Month::of(month.last_second().plus_seconds(1));
    }
    found
}

fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

/// Three years: much of 2026, a rental that runs through all of them, and some more each year.
fn years() -> RusqliteDb {
    let db = crate::invariants::healthy();
    for (year, id) in [(2027, 70_u32), (2028, 80), (2029, 90)] {
        let at = year_begins(year).plus_seconds(40 * 86_400);
        credit(&db, OMAR, usd("200"), &format!("gift-{year}"), at).unwrap();
        pass(&db, at, 100);
        let slice = Some(9);
        rent(&db, Attempt { slice, id, at, ..attempt(OMAR, &format!("in-{year}")) }).unwrap();
        for months in 1..=3 {
            pass(&db, at.plus_months(months).plus_seconds(3 * 86_400), 100);
        }
    }
    db
}

#[test]
fn everything_holds_and_joins_on_an_archived_database() {
    let db = years();
    settle(&db);
    assert_sound(&db);
    let (first, end) = (month("2027-01"), month("2029-12"));
    let before = statements(&db, first, end);
    let held: Vec<_> = [OMAR, AIDA].map(|number| balance(&db, number)).to_vec();
    assert_eq!(first_month(&db), Ok(None));
    let rows = |table: &str| count(&db, &format!("SELECT count(*) FROM {table}"));
    let were = (rows("ledger_entries"), rows("events"), rows("audit"));

    archive(&db, 2026);
    assert_eq!(statements(&db, first, end), before);
    assert_eq!(first_month(&db), Ok(Some(first)));
    assert!(months(&db, account(OMAR)).unwrap().iter().all(|month| *month >= first));
    assert!(rows("ledger_entries") < were.0 && rows("events") < were.1 && rows("audit") < were.2);
    // What was still going on is here as it was.
    let (transactions, rental, events) = kept(&db).unwrap();
    assert!(transactions > 0 && events > 0 && rental.is_some());

    archive(&db, 2028);
    let (first, until) = (month("2029-01"), month("2029-12"));
    let rest: Vec<_> = before.into_iter().filter(|it| it.0 >= first).collect();
    assert_eq!(statements(&db, first, until), rest);
    assert_eq!([OMAR, AIDA].map(|number| balance(&db, number)).to_vec(), held);
    // And it goes on.
    let at = year_begins(2030).plus_seconds(86_400);
    credit(&db, AIDA, usd("50"), "more", at).unwrap();
    rent(&db, Attempt { id: 95, at, slice: Some(9), ..attempt(AIDA, "on") }).unwrap();
    pass(&db, at.plus_months(2), 100);
    settle(&db);
    assert_sound(&db);
    archive(&db, 2029);
    assert_sound(&db);
}

/// Nothing has happened since: the chains go on from what was archived.
/// How many rows of both chains are not as they were sealed.
fn broken(db: &RusqliteDb) -> u64 {
    let end = |table| count(db, table);
    let audit_end = end("SELECT coalesce(max(audit_id), 0) FROM audit_seals");
    let ledger_end = end("SELECT coalesce(max(transaction_id), 0) FROM ledger_seals");
    audit::broken(db, 0, audit_end).unwrap().0 + ledger_chain::broken(db, 0, ledger_end).unwrap().0
}

#[test]
fn chains_go_on_where_everything_is_archived() {
    let db = market();
    archive(&db, 2026);
    assert_eq!(count(&db, "SELECT count(*) FROM audit_seals"), 0);
    let until = last(&db, ChainName::Audit).unwrap().unwrap();
    let head = audit::seal(&db).unwrap();
    assert_eq!((head.id, head.hash), (until.until_id, until.seal));
    assert_eq!(events::last(&db, account(OMAR)), Ok(bounds(&db).unwrap().events));
    credit(&db, OMAR, usd("5"), "more", year_begins(2027)).unwrap();
    settle(&db);
    assert_eq!(broken(&db), 0);
    // The seal is what it would be without archives.
    let other = market();
    credit(&other, OMAR, usd("5"), "more", year_begins(2027)).unwrap();
    settle(&other);
    assert_eq!(audit::seal(&db).unwrap().hash, audit::seal(&other).unwrap().hash);
    assert_eq!(ledger_chain::seal(&db).unwrap().hash, ledger_chain::seal(&other).unwrap().hash);
}

#[test]
fn only_archived_rows_can_be_removed() {
    const TABLES: [(&str, &str, ChainName); 7] = [
        ("audit_seals", "audit_id", ChainName::Audit),
        ("audit", "id", ChainName::Audit),
        ("events", "id", ChainName::Events),
        ("ledger_months", "first_transaction_id", ChainName::Ledger),
        ("ledger_seals", "transaction_id", ChainName::Ledger),
        ("ledger_entries", "transaction_id", ChainName::Ledger),
        ("ledger_transactions", "id", ChainName::Ledger),
    ];
    let db = years();
    settle(&db);
    for &chain in ChainName::VARIANTS {
        record_year(&db, chain, 2026);
    }
    for (table, id, chain) in TABLES {
        let until = last(&db, chain).unwrap().unwrap().until_id;
        for rows in [format!("{id} > {until}"), "true".to_owned()] {
            let refused = by_hand(&db, &format!("DELETE FROM {table} WHERE {rows}")).unwrap_err();
            assert!(refused.to_string().contains("append_only"), "{table} {rows}: {refused}");
        }
        // Not even what is archived is changed.
        let update = by_hand(&db, &format!("UPDATE {table} SET {id} = {id}")).unwrap_err();
        assert!(update.to_string().contains("append_only"), "{table}: {update}");
        by_hand(&db, &format!("DELETE FROM {table} WHERE {id} <= {until}")).unwrap();
        assert!(count(&db, &format!("SELECT count(*) FROM {table}")) > 0, "{table}");
    }
    for sql in [
        "DELETE FROM archives",
        "UPDATE archives SET until_id = until_id + 1",
        "UPDATE ledger_openings SET balance_micros = balance_micros + 1",
        "DELETE FROM ledger_openings",
    ] {
        let refused = by_hand(&db, sql).unwrap_err().to_string();
        assert!(refused.contains("append_only"), "{sql}: {refused}");
    }
    for chain in ["audit", "events", "ledger"] {
        let sql = format!("INSERT INTO remove_archived VALUES ('{chain}', 1, 9000)");
        let refused = by_hand(&db, &sql);
        assert!(refused.unwrap_err().to_string().contains("append_only"), "{chain}");
    }
}

#[test]
fn what_is_removed_without_an_archive_is_seen() {
    let check = |sql: &str| {
        let db = years();
        archive(&db, 2026);
        by_hand(
            &db,
            "PRAGMA foreign_keys = OFF;
             DROP TRIGGER audit_never_deleted; DROP TRIGGER audit_seals_never_deleted;
             DROP TRIGGER ledger_transactions_never_deleted;
             DROP TRIGGER ledger_seals_never_deleted; DROP TRIGGER archives_never_deleted;
             DROP TRIGGER ledger_entries_never_deleted;",
        )
        .unwrap();
        assert_eq!(broken(&db), 0);
        by_hand(&db, sql).unwrap();
        assert!(broken(&db) > 0, "{sql}");
    };
    for table in ["audit", "ledger_transactions", "ledger_seals", "audit_seals"] {
        let id = match table {
            "audit_seals" => "audit_id",
            "ledger_seals" => "transaction_id",
            _ => "id",
        };
        let chain = if table.starts_with("audit") { "audit" } else { "ledger" };
        let until = format!("(SELECT until_id FROM archives WHERE chain = '{chain}')");
        check(&format!("DELETE FROM {table} WHERE {id} <= {until} + 2"));
    }
    check("DELETE FROM archives WHERE chain = 'audit'");
    check("DELETE FROM archives WHERE chain = 'ledger'");
}

#[test]
fn an_archive_is_recorded_in_order_and_as_it_was_sealed() {
    let db = years();
    let (rows, lines) = file(&db, ChainName::Ledger, 2026).unwrap();
    let good = archive_of(&rows, &lines);
    let refused = |archive: &Archive, after| record(&db, archive, after, late()).unwrap_err();
    let other_seal = Archive { seal: [7; 32], ..good.clone() };
    assert_eq!(refused(&other_seal, 0), RecordFailure::NotSealed);
    let longer = Archive { until_id: good.until_id + 1, ..good.clone() };
    assert_eq!(refused(&longer, 0), RecordFailure::NotSealed);
    assert_eq!(refused(&good, 1), RecordFailure::OutOfOrder);
    let (rows, lines) = file(&db, ChainName::Events, 2026).unwrap();
    by_hand(&db, "UPDATE notification_cursor SET event_id = 1").unwrap();
    assert_eq!(refused(&archive_of(&rows, &lines), 0), RecordFailure::NotSealed);
    settle(&db);
    record(&db, &good, 0, late()).unwrap();
    assert_eq!(refused(&good, 0), RecordFailure::OutOfOrder, "by another run, meanwhile");
    assert_eq!(refused(&good, good.until_id), RecordFailure::OutOfOrder);
}

/// The reference of an operator's credit is all that keeps it from being granted again.
#[test]
fn what_is_archived_is_not_booked_again() {
    let db = market();
    credit(&db, OMAR, usd("5"), "transfer-1", year_begins(2026)).unwrap();
    archive(&db, 2026);
    assert_eq!(count(&db, "SELECT count(*) FROM events"), 0);
    let email = crate::market::email(OMAR);
    let audit = crate::market::by_operator();
    let again = store::ledger::Credit {
        email: &email,
        amount: usd("5"),
        reason: "Gift",
        reference: "transfer-1",
        intention: None,
        audit: &audit,
    };
    let respond = |_| crate::market::response("");
    let refused = store::ledger::credit(&db, &again, &respond, late());
    assert_eq!(refused, Err(CreditFailure::ReferenceUsed));
}

#[test]
fn files_join_and_one_of_another_chain_or_market_does_not() {
    let db = years();
    settle(&db);
    let mut files = Vec::new();
    for year in [2026, 2027, 2028] {
        files.push(file(&db, ChainName::Ledger, year).unwrap().1);
        record_year(&db, ChainName::Ledger, year);
    }
    let mut before = None;
    for lines in &files {
        before = Some(verify(lines, before).unwrap());
    }
    let of = |lines: &[String]| verify(lines, None).unwrap();
    let wrong = |lines: &[String], after: &[String]| verify(lines, Some(of(after))).unwrap_err();
    assert_eq!(wrong(&files[2], &files[0]).line, 1);
    assert_eq!(wrong(&files[0], &files[0]).line, 1);
    let events = file(&db, ChainName::Events, 2026).unwrap().1;
    let message = wrong(&events, &files[0]).to_string();
    assert_eq!(message, "line 1: this file is of the events, and the one before of the ledger");
}

/// A short file of each chain.
fn short_files() -> Vec<Vec<String>> {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    settle(&db);
    ChainName::VARIANTS.iter().map(|&chain| file(&db, chain, 2026).unwrap().1).collect()
}

#[test]
fn each_changed_byte_is_found_in_its_line() {
    for lines in short_files() {
        verify(&lines, None).unwrap();
        for (number, line) in lines.iter().enumerate() {
            for place in 0..line.len() {
                let mut bytes = line.clone().into_bytes();
                bytes[place] ^= 1;
                let mut changed = lines.clone();
                changed[number] = String::from_utf8(bytes).unwrap();
                let wrong = verify(&changed, None).expect_err(&changed[number]);
                assert_eq!(wrong.line, number as u64 + 1, "{}: {wrong}", changed[number]);
            }
        }
    }
}

#[test]
fn lines_that_are_missing_swapped_or_from_elsewhere_are_found() {
    for lines in short_files() {
        let check = |changed: Vec<String>, line: usize| {
            let wrong = verify(&changed, None).unwrap_err();
            assert_eq!(wrong.line, line as u64, "{wrong}");
        };
        let last = lines.len();
        for number in 0..last {
            let mut removed = lines.clone();
            removed.remove(number);
            // What follows is where it shows; behind the last line nothing does.
            check(removed, number + 1);
            check(lines[..number].to_vec(), number + 1);
            let mut twice = lines.clone();
            twice.insert(number, lines[number].clone());
            check(twice, number + 2);
        }
        for number in 1..last - 2 {
            let mut swapped = lines.clone();
            swapped.swap(number, number + 1);
            check(swapped, number + 1);
        }
        let mut spaced = lines.clone();
        spaced[1].push(' ');
        check(spaced, 2);
        let mut longer = lines.clone();
        longer.push(String::new());
        check(longer, last + 1);
    }
}

/// Who can compute seals changes a row and its own seal: the next row shows it. Who computes all
/// that follow has another last seal than the log and the database; and the ledger does not add up.
#[test]
fn a_ledger_that_does_not_add_up_is_found_though_it_is_sealed() {
    let db = market();
    settle(&db);
    let (rows, _) = file(&db, ChainName::Ledger, 2026).unwrap();
    let found: Vec<Row> =
        rows_after(&db, ChainName::Ledger, 0, 10).unwrap().into_iter().map(|it| it.0).collect();
    let check = |change: &dyn Fn(&mut store::ledger_chain::SealedTransaction), expected: &str| {
        let mut seal = [0; 32];
        let mut lines = vec![String::new()];
        for row in &found {
            let Row::Ledger(mut transaction) = row.clone() else { panic!() };
            if transaction.id == 2 {
                change(&mut transaction);
            }
            let row = Row::Ledger(transaction);
            seal = row.seal_after(&seal);
            lines.push(row.line(&seal));
        }
        lines[0] = Header::new(&Rows { seal, ..rows.clone() }, 5, late()).line();
        lines.push(last_line(&hash_of(&lines)));
        assert_eq!(verify(&lines, None).unwrap_err().to_string(), expected);
    };
    check(
        &|it| it.entries[0].amount_micros += 1,
        "line 3: the entries of transaction 2 sum to 1 instead of 0",
    );
    check(&|it| it.entries.clear(), "line 3: the entries of transaction 2 sum to 0 instead of 0");
    check(
        &|it| it.entries[0].balance_after_micros += 1,
        "line 3: the balance of a funding does not run on at 2",
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn whatever_happened_before_it_can_be_archived(
        steps in prop::collection::vec(step(), 10..60),
        years in prop::collection::vec(0..3_i32, 1..3),
    ) {
        let (db, end) = play(&steps);
        settle(&db);
        let mut year = 2025;
        for more in years {
            year = (year + more).min(end.year() - 1);
            let first = Month::of(year_begins(year + 1));
            let before = statements(&db, first, end);
            archive(&db, year);
            prop_assert_eq!(statements(&db, first, end), before);
        }
    }
}
