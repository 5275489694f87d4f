//! `archive` and `verify`, as an operator runs them: on years that are long over.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use domain::account::Email;
use domain::money::Usd;
use domain::time::Timestamp;
use store::audit::{Actor, NewEntry};
use store::ledger::{self, Credit};
use store::responses::StoredResponse;
use store::{RusqliteDb, invariants, ledger_chain};

use crate::{ADA, Machine, refused, run, said};

/// Credits of the years 2020 to 2023, sealed, in a database of its own; and a folder for files.
fn market() -> (Machine, PathBuf) {
    let machine = Machine::new();
    machine.sign_up();
    for year in 2020..2024 {
        for month in 1..=6 {
            let day = format!("{year}-{month:02}-15");
            top_up(&machine.db(), &day, &day);
        }
    }
    settle(&machine.db());
    let folder = machine.folder.path().join("archives");
    fs::create_dir(&folder).unwrap();
    (machine, folder)
}

fn top_up(db: &RusqliteDb, name: &str, day: &str) {
    let audit = NewEntry {
        action: "credit-granted",
        actor: Actor::Operator,
        actor_id: String::new(),
        account: None,
        subject: day,
        address: "192.0.2.7",
        request_id: "r",
    };
    let credit = Credit {
        email: &Email::parse(ADA).unwrap(),
        amount: Usd::parse("amount", "5").unwrap(),
        reason: "Transfer",
        // As of a top-up: an operator's reference would be kept.
        reference: &format!("top-up {name}"),
        intention: None,
        audit: &audit,
    };
    let respond = |_| StoredResponse { status: 200, body: String::new(), location: String::new() };
    ledger::credit(db, &credit, &respond, Timestamp::of_day(day).unwrap()).unwrap();
}

/// Seals everything, and takes every event as a notification.
fn settle(db: &RusqliteDb) {
    while store::audit::seal(db).unwrap().is_new {}
    while ledger_chain::seal(db).unwrap().is_new {}
    let sql = "UPDATE notification_cursor SET event_id = (SELECT max(id) FROM events)";
    db.connection().execute(sql, []).unwrap();
}

/// What is in the tables of the chains and beside them, in words.
fn counts(machine: &Machine) -> String {
    let tables = [
        "ledger_transactions",
        "ledger_entries",
        "ledger_seals",
        "ledger_months",
        "events",
        "audit",
        "audit_seals",
        "archives",
        "ledger_openings",
    ];
    let db = machine.db();
    let count = |table: &str| -> i64 {
        let sql = format!("SELECT count(*) FROM {table}");
        db.connection().query_row(&sql, [], |row| row.get(0)).unwrap()
    };
    tables.map(|table| format!("{table} {}", count(table))).join(", ")
}

#[track_caller]
fn assert_sound(machine: &Machine) {
    for finding in invariants::check(&machine.db()).unwrap() {
        // The credits of this test are of no top-up.
        if finding.invariant.id != "top-ups-are-credited" {
            assert_eq!(finding.violations, 0, "{}", finding.invariant.id);
        }
    }
}

fn archive<'a>(before: &'a str, to: &'a Path, more: &[&'a str]) -> Vec<&'a str> {
    [&["archive", "--before", before, "--to", to.to_str().unwrap()], more].concat()
}

fn verify(files: &[&Path]) -> std::process::Output {
    Command::new(env!("CARGO_BIN_EXE_maintain")).arg("verify").args(files).output().unwrap()
}

#[test]
fn years_are_written_verified_and_removed_while_the_app_runs() {
    let (machine, folder) = market();
    let before = counts(&machine);
    let told = said(&machine.run(&archive("2023", &folder, &[]), ""));
    assert!(told.contains("Ledger: 6 rows of 2020 are in "), "{told}");
    assert!(told.contains("Nothing was removed."), "{told}");
    assert_eq!(counts(&machine), before);
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 9, "three chains in three years");
    let ledger = |year| folder.join(format!("mycelium-ledger-{year}.jsonl"));
    let mode = fs::metadata(ledger(2020)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let files = [2020, 2021, 2022].map(ledger);
    let told = said(&verify(&[&files[0], &files[1], &files[2]]));
    assert!(told.contains("verified the ledger of 2022, 6 rows from 13 to 18"), "{told}");

    // Rows are removed while others are written.
    let (path, stops) = (machine.database(), AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let db = RusqliteDb::open(&path).unwrap();
            for number in 0_u32.. {
                if stops.load(Ordering::Relaxed) {
                    break;
                }
                top_up(&db, &number.to_string(), "2026-01-01");
                thread::sleep(Duration::from_millis(20));
            }
        });
        let told = said(&machine.run(&archive("2023", &folder, &["--remove"]), ""));
        stops.store(true, Ordering::Relaxed);
        assert!(told.ends_with("Removed every archived row."), "{told}");
    });
    settle(&machine.db());
    assert_sound(&machine);
    let left = "SELECT count(*) FROM ledger_transactions WHERE created_at < 1672531200";
    let left: i64 = machine.db().connection().query_row(left, [], |row| row.get(0)).unwrap();
    assert_eq!(left, 0);

    // The next year follows, in another folder, too.
    let other = machine.folder.path().join("other");
    fs::create_dir(&other).unwrap();
    said(&machine.run(&archive("2024", &other, &["--remove"]), ""));
    assert_sound(&machine);
    let next = other.join("mycelium-ledger-2023.jsonl");
    said(&verify(&[&files[2], &next]));
    let gap = refused(&verify(&[&files[1], &next]));
    assert!(gap.contains("line 1: this file does not begin where the one before ends"), "{gap}");
}

#[test]
fn a_year_that_is_not_long_over_and_a_changed_file_are_refused() {
    let (machine, folder) = market();
    let early = refused(&machine.run(&archive("9999", &folder, &[]), ""));
    assert!(early.contains("9998 can be archived from 9999-07-01 on"), "{early}");
    let nowhere = folder.join("missing");
    let missing = refused(&machine.run(&archive("2023", &nowhere, &[]), ""));
    assert!(missing.contains("is not a folder"), "{missing}");
    let nothing = said(&machine.run(&archive("2019", &folder, &[]), ""));
    assert_eq!(nothing, "There is nothing to archive before 2019.");

    said(&machine.run(&archive("2021", &folder, &[]), ""));
    let before = counts(&machine);
    let file = folder.join("mycelium-events-2020.jsonl");
    let text = fs::read_to_string(&file).unwrap();
    let changed = text.replacen("\"created_at\":1581724800", "\"created_at\":1581724801", 1);
    assert_ne!(changed, text);
    fs::write(&file, &changed).unwrap();
    for output in [machine.run(&archive("2021", &folder, &["--remove"]), ""), verify(&[&file])] {
        assert_eq!(output.status.code(), Some(1));
        let wrong = refused(&output);
        assert!(wrong.contains("line 3: row 2 is not what was sealed"), "{wrong}");
    }
    fs::write(&file, &text[..text.len() - 1]).unwrap();
    let cut = refused(&verify(&[&file]));
    assert!(cut.contains("line 8: it is cut off"), "{cut}");
    // A file of other rows is not overwritten.
    let other = fs::read(folder.join("mycelium-audit-2020.jsonl")).unwrap();
    fs::write(&file, &other).unwrap();
    let taken = refused(&machine.run(&archive("2021", &folder, &["--remove"]), ""));
    assert!(taken.contains("holds other rows: choose another folder"), "{taken}");
    assert_eq!(fs::read(&file).unwrap(), other);
    let rows = |text: &str| text.split(", archives").next().unwrap().to_owned();
    let ledger_is_recorded = counts(&machine);
    assert_eq!(rows(&ledger_is_recorded), rows(&before), "nothing was removed");
}

/// Wherever it is killed, the next run ends where one that nobody kills does.
#[test]
fn a_run_that_was_killed_is_continued() {
    let (whole, folder) = market();
    let began = Instant::now();
    said(&whole.run(&archive("2023", &folder, &["--remove"]), ""));
    let (took, expected) = (began.elapsed(), counts(&whole));
    let (machine, folder) = market();
    for tenths in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 8, 6] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_maintain"))
            .arg("--database")
            .arg(machine.database())
            .args(archive("2023", &folder, &["--remove"]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        thread::sleep(took * tenths / 10);
        // It may be done already.
        let _ = child.kill();
        child.wait().unwrap();
        assert_sound(&machine);
    }
    said(&run(&machine.database(), &archive("2023", &folder, &["--remove"]), ""));
    assert_eq!(counts(&machine), expected);
    assert_sound(&machine);
    for year in 2020..2023 {
        for chain in ["ledger", "events", "audit"] {
            said(&verify(&[&folder.join(format!("mycelium-{chain}-{year}.jsonl"))]));
        }
    }
}
