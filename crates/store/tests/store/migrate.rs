//! The schema of a database: brought forward once, whole, in order, and by whoever comes first.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::sync::Barrier;
use std::{fs, thread};

use domain::time::Timestamp;
use store::limits::{self, Use};
use store::migrate::{Applied, STATEMENTS_MAX, apply, apply_offline, is_current};
use store::schema::{File, Object, Release, SCHEMA, Schema};
use store::{Db, Rows, RusqliteDb, StoreError, Value};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, Disk, NODE, OMAR, assert_sound, attempt, by_hand, count, empty, furnish, market,
    now, pass, rent, set_up_by_hand, states,
};

fn blank() -> RusqliteDb {
    RusqliteDb::in_memory().unwrap()
}

/// Every object of a database, in the order in which they were made.
fn objects(db: &RusqliteDb) -> Vec<(String, String)> {
    let sql = "SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid";
    (db as &dyn Db).all(sql, &[]).unwrap()
}

#[test]
fn an_empty_database_gets_everything_once() {
    let db = blank();
    assert_eq!(is_current(&db), Ok(false));
    assert_eq!(apply(&db, now()), Ok(Applied::Created));
    assert_eq!(is_current(&db), Ok(true));
    let whole = (dump(&db), objects(&db));
    assert_eq!(apply(&db, now().plus_seconds(1)), Ok(Applied::Nothing));
    assert_eq!((dump(&db), objects(&db)), whole);
    assert_sound(&db);
}

/// Number and path, hash and time of a file that was applied.
type Recorded = ((i64, String), (Vec<u8>, Timestamp));

#[test]
fn what_was_applied_is_recorded_with_its_hash() {
    let db = empty();
    let sql = "SELECT number, path, hash, applied_at FROM schema_tables ORDER BY number";
    let recorded: Vec<Recorded> = (&db as &dyn Db).all(sql, &[]).unwrap();
    let expected = SCHEMA.tables.iter().zip(1..);
    let expected = expected
        .map(|(file, number)| ((number, file.path.to_owned()), (file.hash().to_vec(), now())));
    assert_eq!(recorded, expected.collect::<Vec<_>>());
    let releases = db.run("SELECT number, hash, applied_at FROM schema_releases", &[]).unwrap();
    let Release { number, hash } = SCHEMA.release;
    assert_eq!(releases, [store::Row(vec![number.into(), hash.into(), now().into()])]);
}

/// A list to compare the folder with: numbers without gaps, and every file is applied.
#[test]
fn every_file_of_the_folder_is_applied() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut files = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            let inside = fs::read_dir(entry.path()).unwrap().map(Result::unwrap);
            files.extend(inside.map(|it| format!("{name}/{}", it.file_name().to_str().unwrap())));
        } else {
            assert!(["releases", "schema.sql"].contains(&name.as_str()), "{name}");
        }
    }
    let applied: Vec<&File> = SCHEMA.tables.iter().chain(SCHEMA.code()).collect();
    assert_eq!(files, applied.iter().map(|file| file.path.to_owned()).collect());
    for (file, number) in SCHEMA.tables.iter().zip(1..) {
        assert!(file.path.starts_with(&format!("tables/{number:04}_")), "{}", file.path);
    }
}

/// A statement ends with a semicolon before an empty line. Where that is broken, two statements
/// stick together or a trigger falls apart, and neither can be prepared.
#[test]
fn every_statement_can_be_prepared_on_its_own() {
    let db = blank();
    for file in SCHEMA.tables.iter().chain(SCHEMA.code()) {
        for (index, statement) in file.statements().enumerate() {
            let place = format!("{} {index}: {statement}", file.path);
            let mut prepared = db.connection().prepare(statement).expect(&place);
            prepared.raw_execute().expect(&place);
        }
        // Nothing but comments before statements and the separators is left out.
        let code: usize = file.statements().map(str::len).sum();
        let comments = file.sql.lines().filter(|line| line.starts_with("--"));
        let comments: usize = comments.map(|line| line.len() + 1).sum();
        let rest = file.sql.len() - code - comments;
        assert!(rest <= 3 * file.statements().count() + 1, "{}: {rest}", file.path);
    }
}

/// A guard's file has the triggers of its table, all of them; a command's file its view and the
/// triggers of that.
#[test]
fn each_object_is_in_the_file_of_its_name() {
    let db = empty();
    let triggers = "SELECT name, tbl_name FROM sqlite_schema WHERE type = 'trigger'";
    let triggers: Vec<(String, String)> = (&db as &dyn Db).all(triggers, &[]).unwrap();
    for (name, table) in triggers {
        let paths = [format!("guards/{table}.sql"), format!("commands/{table}.sql")];
        let owner = SCHEMA.code().find(|file| file.objects().any(|it| it.name == name)).unwrap();
        assert!(paths.contains(&owner.path.to_owned()), "{name} on {table} is in {}", owner.path);
    }
    for file in SCHEMA.code() {
        let views: Vec<&str> =
            file.objects().filter(|it| it.kind == "VIEW").map(|it| it.name).collect();
        match file.path.strip_prefix("commands/") {
            Some(name) => assert_eq!(views, [name.trim_end_matches(".sql")]),
            None => assert_eq!(views, [""; 0], "{}", file.path),
        }
        assert_eq!(file.objects().count(), file.statements().count(), "{}", file.path);
    }
}

/// Sixteen instances start at once on a database that `begin` has begun.
fn check_race(journal_mode: &'static str, begin: impl Fn(&RusqliteDb), schema: &Schema) {
    let disk = Disk::new(journal_mode);
    begin(&disk.open());
    let start = Barrier::new(16);
    let instance = || {
        let db = disk.open();
        start.wait();
        let applied = schema.apply(&db, now(), STATEMENTS_MAX).unwrap();
        assert_eq!(schema.is_current(&db), Ok(true));
        applied
    };
    let applied: Vec<Applied> = thread::scope(|scope| {
        let running = [(); 16].map(|()| scope.spawn(instance));
        running.into_iter().map(|instance| instance.join().unwrap()).collect()
    });
    let busy = applied.iter().filter(|applied| **applied != Applied::Nothing).count();
    assert_eq!(busy, 1, "{journal_mode}");
}

#[test]
fn of_sixteen_instances_one_applies_and_all_go_on() {
    let next = next();
    for journal_mode in Disk::JOURNAL_MODES {
        check_race(journal_mode, |_| {}, &SCHEMA);
        check_race(journal_mode, |db| assert_eq!(apply(db, now()), Ok(Applied::Created)), &next);
    }
}

#[test]
fn another_schema_is_refused_with_words() {
    let db = empty();
    let known = SCHEMA.release.number;
    let check = |change: String, expected: StoreError, expected_words: &str| {
        by_hand(&db, &change).unwrap();
        let before = (dump(&db), objects(&db));
        let error = apply(&db, now()).unwrap_err();
        assert_eq!(error, expected);
        let words = error.to_string();
        assert!(words.contains(expected_words), "{words}");
        assert_eq!(is_current(&db), Err(error));
        assert_eq!((dump(&db), objects(&db)), before);
    };
    check(
        "UPDATE schema_releases SET hash = 'other'".into(),
        StoreError::WrongSchema { found: known, known },
        "with other contents",
    );
    check(
        format!("INSERT INTO schema_releases VALUES ({known} + 1, 'later', 0)"),
        StoreError::WrongSchema { found: known + 1, known },
        "run the version that upgraded the database",
    );
}

#[test]
fn a_database_of_a_development_version_is_refused_with_words() {
    let db = blank();
    by_hand(
        &db,
        "CREATE TABLE schema_migrations (number INTEGER PRIMARY KEY, name TEXT, hash BLOB,
                                         applied_at INTEGER) STRICT;
         INSERT INTO schema_migrations VALUES (1, 'accounts', zeroblob(32), 0)",
    )
    .unwrap();
    let before = (dump(&db), objects(&db));
    let error = apply(&db, now()).unwrap_err();
    assert_eq!(error, StoreError::DevelopmentDatabase);
    let words = error.to_string();
    assert!(words.contains("development version") && words.contains("new data folder"), "{words}");
    assert_eq!((dump(&db), objects(&db)), before);
}

#[test]
fn a_table_migration_with_other_contents_is_refused() {
    let db = empty();
    let next = next();
    by_hand(&db, "UPDATE schema_tables SET hash = zeroblob(32) WHERE number = 2").unwrap();
    let before = (dump(&db), objects(&db));
    let apply = || next.apply(&db, now(), STATEMENTS_MAX);
    assert_eq!(apply(), Err(StoreError::MigrationChanged { number: 2 }));
    assert_eq!((dump(&db), objects(&db)), before);
    // One that is missing in the middle is no better.
    by_hand(&db, "DELETE FROM schema_tables WHERE number = 2").unwrap();
    assert_eq!(apply(), Err(StoreError::MigrationChanged { number: 3 }));
}

/// Two tables made anew, each in a way of its own: one that others refer to, whose rows wait in a
/// copy, and one that is renamed in the end.
const REBUILT: &str = "\
-- Slices have a note, and maintenance has a place.
-- drops: guards/slices.sql guards/maintenance.sql
-- drops: commands/notify_maintenance.sql

PRAGMA defer_foreign_keys = 1;

CREATE TABLE copied_slices AS SELECT * FROM slices;

DROP TABLE slices;

CREATE TABLE slices (
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    number       INTEGER NOT NULL CHECK (number BETWEEN 1 AND 512),
    state        TEXT    NOT NULL,
    rental_id    TEXT    REFERENCES rentals (id),
    quote_id     TEXT    REFERENCES quotes (id),
    removing_job TEXT    REFERENCES jobs (id),
    note         TEXT    NOT NULL DEFAULT 'none',
    PRIMARY KEY (node_id, number)
) STRICT, WITHOUT ROWID;

INSERT INTO slices (node_id, number, state, rental_id, quote_id, removing_job)
SELECT node_id, number, state, rental_id, quote_id, removing_job FROM copied_slices;

DROP TABLE copied_slices;

CREATE TABLE next_maintenance (
    id           TEXT    PRIMARY KEY,
    node_id      INTEGER NOT NULL REFERENCES nodes (id),
    starts_at    INTEGER NOT NULL,
    ends_at      INTEGER NOT NULL,
    note         TEXT    NOT NULL,
    announced_at INTEGER NOT NULL,
    canceled_at INTEGER,
    reminded_at  INTEGER,
    place        TEXT    NOT NULL DEFAULT 'here'
) STRICT;

INSERT INTO next_maintenance
       (id, node_id, starts_at, ends_at, note, announced_at, canceled_at, reminded_at)
SELECT id, node_id, starts_at, ends_at, note, announced_at, canceled_at, reminded_at
  FROM maintenance;

DROP TABLE maintenance;

ALTER TABLE next_maintenance RENAME TO maintenance;
";

/// A command in place of `credit_wallet`, whose columns mean something else.
const CREDIT_ACCOUNT: &str = "\
-- Command: credits a wallet.
CREATE VIEW credit_account AS SELECT id AS account_id, 0 AS micros FROM accounts;

CREATE TRIGGER credit_account_does INSTEAD OF INSERT ON credit_account BEGIN
    INSERT INTO events (kind, renter_id, created_at)
    VALUES ('wallet-credited', NEW.account_id, NEW.micros);
END;
";

/// A guard that says more than before.
const CLOCK: &str = "\
-- What holds on `market_clock`.
CREATE TRIGGER market_clock_rises BEFORE UPDATE ON market_clock
  WHEN NEW.sampled_hour < OLD.sampled_hour
BEGIN
    SELECT RAISE(ABORT, 'refused: events_append_only');
END;

CREATE TRIGGER new_hour_samples_market AFTER UPDATE OF sampled_hour ON market_clock BEGIN
    DELETE FROM reminders WHERE sent_at < 0;
END;
";

/// The next version: two tables made anew, a command in place of another one, a guard changed.
fn next() -> Schema {
    let mut tables = SCHEMA.tables.to_vec();
    tables.push(File { path: "tables/9999_rebuilt.sql", sql: REBUILT });
    let with =
        |path, sql| move |file: &File| if file.path == path { File { path, sql } } else { *file };
    let guards = SCHEMA.guards.iter().map(with("guards/market_clock.sql", CLOCK)).collect();
    let mut commands = SCHEMA.commands.to_vec();
    commands.retain(|file| file.path != "commands/credit_wallet.sql");
    commands.push(File { path: "commands/credit_account.sql", sql: CREDIT_ACCOUNT });
    schema(1, tables, guards, commands)
}

/// A schema whose release is so much higher than this one's.
fn schema(rise: i64, tables: Vec<File>, guards: Vec<File>, commands: Vec<File>) -> Schema {
    Schema {
        release: Release { number: SCHEMA.release.number + rise, hash: "next" },
        tables: tables.leak(),
        guards: guards.leak(),
        commands: commands.leak(),
    }
}

/// A market where one slice is rented and one was, and with a maintenance window.
fn used(db: &RusqliteDb) {
    apply(db, now()).unwrap();
    furnish(db);
    rent(db, attempt(OMAR, "first")).unwrap();
    pass(db, now().plus_months(3), 100);
    rent(db, Attempt { id: 2, ..attempt(AIDA, "second") }).unwrap();
    set_up_by_hand(db);
    by_hand(
        db,
        "INSERT INTO maintenance (id, node_id, starts_at, ends_at, note, announced_at)
         VALUES ('w', 32, 86400, 90000, '', 0)",
    )
    .unwrap();
}

#[test]
fn an_older_database_goes_on_with_its_data() {
    let db = blank();
    used(&db);
    let (old, rows) = (objects(&db), dump(&db).len());
    let states_before = states(&db, NODE);
    let next = next();
    let from = SCHEMA.release.number;
    let later = now().plus_seconds(1);
    assert_eq!(next.apply(&db, later, STATEMENTS_MAX), Ok(Applied::Upgraded { from }));
    assert_eq!(next.is_current(&db), Ok(true));
    // One migration and one release more, and nothing else.
    assert_eq!(dump(&db).len(), rows + 2);
    assert_eq!(states(&db, NODE), states_before);
    assert_eq!(count(&db, "SELECT count(*) FROM slices WHERE note = 'none'"), 9);
    assert_eq!(count(&db, "SELECT count(*) FROM maintenance WHERE place = 'here'"), 1);
    assert_eq!(count(&db, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    // The guards of the tables that were made anew still hold, and the rest is as it was.
    let refusal = by_hand(&db, "DELETE FROM slices").unwrap_err().to_string();
    assert!(refusal.contains("never_deleted"), "{refusal}");
    pass(&db, now().plus_months(6), 100);
    assert_sound(&db);
    let names = |objects: &[(String, String)]| -> BTreeSet<String> {
        objects.iter().map(|(name, _)| name.clone()).collect()
    };
    let (old, new) = (names(&old), names(&objects(&db)));
    let come: Vec<&str> = new.difference(&old).map(String::as_str).collect();
    let gone: Vec<&str> = old.difference(&new).map(String::as_str).collect();
    assert_eq!(come, ["credit_account", "credit_account_does", "market_clock_rises"]);
    // The indexes of tables that were made anew are up to the migration.
    assert_eq!(
        gone,
        [
            "credit_wallet",
            "credit_wallet_does",
            "maintenance_by_node",
            "maintenance_by_reminder",
            "slices_by_quote",
            "slices_by_removal",
            "slices_by_rental",
            "slices_by_state"
        ]
    );
    // The old version does not touch what it does not know.
    let error = StoreError::WrongSchema { found: from + 1, known: from };
    assert_eq!(apply(&db, now()), Err(error));
}

/// The statements that a schema runs on a database.
fn statements_of(db: &RusqliteDb, schema: &Schema) -> Vec<&'static str> {
    let recording = Recording { db, statements: RefCell::default() };
    schema.apply(&recording, now(), STATEMENTS_MAX).unwrap();
    recording.statements.into_inner()
}

struct Recording<'a> {
    db: &'a RusqliteDb,
    statements: RefCell<Vec<&'static str>>,
}

impl Db for Recording<'_> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        self.statements.borrow_mut().push(sql);
        self.db.run(sql, params)
    }
}

#[test]
fn only_files_that_differ_are_replaced_and_each_of_them_whole() {
    let db = market();
    set_up_by_hand(&db);
    let mut guards = SCHEMA.guards.to_vec();
    let clock = guards.iter_mut().find(|file| file.path == "guards/market_clock.sql").unwrap();
    clock.sql = CLOCK;
    let next = schema(1, SCHEMA.tables.to_vec(), guards, SCHEMA.commands.to_vec());
    let run = statements_of(&db, &next);
    let first_words = |sql: &str| sql.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
    let changes: Vec<String> =
        run.iter().map(|sql| first_words(sql)).filter(|sql| !sql.starts_with("SELECT")).collect();
    let expected = [
        "BEGIN IMMEDIATE",
        "DROP TRIGGER \"new_hour_samples_market\"",
        "CREATE TRIGGER market_clock_rises",
        "CREATE TRIGGER new_hour_samples_market",
        "INSERT INTO event_kinds",
        "INSERT INTO schema_releases",
        "COMMIT",
    ];
    assert_eq!(changes, expected);
}

#[test]
fn what_was_changed_by_hand_is_put_right_by_the_next_release() {
    let db = market();
    by_hand(
        &db,
        "DROP TRIGGER slices_never_deleted;
         DROP TRIGGER events_never_updated;
         CREATE TRIGGER events_never_updated BEFORE UPDATE ON events BEGIN SELECT 1; END;
         CREATE VIEW \"a \"\"view\"\"\" AS SELECT 1 AS one;
         CREATE TRIGGER stray AFTER INSERT ON events BEGIN SELECT 1; END",
    )
    .unwrap();
    let [tables, guards, commands] =
        [SCHEMA.tables, SCHEMA.guards, SCHEMA.commands].map(<[File]>::to_vec);
    let next = schema(1, tables, guards, commands);
    next.apply(&db, now(), STATEMENTS_MAX).unwrap();
    let (mut found, mut expected) = (objects(&db), objects(&empty()));
    found.sort();
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_migration_that_forgets_what_it_drops_is_refused() {
    let db = market();
    let before = (dump(&db), objects(&db));
    let mut tables = SCHEMA.tables.to_vec();
    let sql = REBUILT.replace("-- drops: guards/slices.sql guards/maintenance.sql\n", "").leak();
    tables.push(File { path: "tables/9999_rebuilt.sql", sql });
    let next = schema(1, tables, SCHEMA.guards.to_vec(), SCHEMA.commands.to_vec());
    let error = next.apply(&db, now(), STATEMENTS_MAX).unwrap_err();
    assert!(error.to_string().contains("-- drops:"), "{error}");
    assert_eq!((dump(&db), objects(&db)), before);
}

#[test]
fn an_upgrade_that_is_too_large_waits_for_a_time_without_users() {
    let db = market();
    let before = (dump(&db), objects(&db));
    // Every statement says something more.
    let longer = |file: &File| File {
        path: file.path,
        sql: file.sql.replace("BEGIN\n", "BEGIN\n    SELECT 1;\n").leak(),
    };
    let guards = SCHEMA.guards.iter().map(longer).collect();
    let next = schema(1, SCHEMA.tables.to_vec(), guards, SCHEMA.commands.to_vec());
    let error = next.apply(&db, now(), STATEMENTS_MAX).unwrap_err();
    assert!(matches!(error, StoreError::UpgradeTooLarge { statements: 101.. }), "{error}");
    assert_eq!((dump(&db), objects(&db)), before);
    let from = SCHEMA.release.number;
    assert_eq!(next.apply(&db, now(), usize::MAX), Ok(Applied::Upgraded { from }));
    assert_eq!(apply_offline(&blank(), now()), Ok(Applied::Created));
}

/// A connection that fails at its `fails_at`th statement.
struct Failing<'a> {
    db: &'a RusqliteDb,
    /// Statements that still go through.
    left: Cell<usize>,
    /// Whether it stays down after that, as the connection of a trapped instance does.
    stays_down: bool,
}

impl Db for Failing<'_> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        let is_failing = self.left.get() == 0;
        if is_failing && (self.stays_down || sql != "ROLLBACK") {
            return Err(StoreError::Failed("disk I/O error".into()));
        }
        self.left.set(self.left.get().saturating_sub(1));
        self.db.run(sql, params)
    }
}

/// How many statements a schema runs on what `begin` makes of an empty database.
fn statement_count(begin: fn(&RusqliteDb), schema: &Schema) -> usize {
    let db = blank();
    begin(&db);
    let counting = Failing { db: &db, left: Cell::new(usize::MAX), stays_down: false };
    schema.apply(&counting, Timestamp::from_seconds(0), STATEMENTS_MAX).unwrap();
    usize::MAX - counting.left.get()
}

/// Fails at every statement.
fn check_failures(begin: fn(&RusqliteDb), schema: &Schema) {
    let error = Err(StoreError::Failed("disk I/O error".into()));
    let db = blank();
    begin(&db);
    let before = (dump(&db), objects(&db));
    for fails_at in 0..statement_count(begin, schema) {
        let failing = Failing { db: &db, left: Cell::new(fails_at), stays_down: false };
        assert_eq!(schema.apply(&failing, now(), STATEMENTS_MAX), error, "{fails_at}");
        assert!(db.connection().is_autocommit(), "a transaction is open after {fails_at}");
        assert_eq!((dump(&db), objects(&db)), before, "after {fails_at}");
    }
    assert_ne!(schema.apply(&db, now(), STATEMENTS_MAX).unwrap(), Applied::Nothing);
}

#[test]
fn a_schema_that_fails_anywhere_leaves_nothing() {
    check_failures(|_| {}, &SCHEMA);
}

#[test]
fn an_upgrade_that_fails_anywhere_leaves_everything_as_it_was() {
    check_failures(used, &next());
}

/// Dies at every `step`th statement, on a file.
fn check_deaths(begin: fn(&RusqliteDb), schema: &Schema, step: usize) {
    for fails_at in (0..statement_count(begin, schema)).step_by(step) {
        let disk = Disk::new("delete");
        let db = disk.open();
        begin(&db);
        let before = (dump(&db), objects(&db));
        let dying = Failing { db: &db, left: Cell::new(fails_at), stays_down: true };
        assert!(schema.apply(&dying, now(), STATEMENTS_MAX).is_err());
        drop(db);
        let next = disk.open();
        assert_eq!((dump(&next), objects(&next)), before, "after {fails_at}");
        assert_ne!(schema.apply(&next, now(), STATEMENTS_MAX).unwrap(), Applied::Nothing);
    }
}

#[test]
fn an_instance_that_dies_while_it_begins_leaves_nothing() {
    check_deaths(|_| {}, &SCHEMA, 7);
}

#[test]
fn an_instance_that_dies_while_it_upgrades_leaves_everything_as_it_was() {
    check_deaths(used, &next(), 1);
}

/// Two hosts: one of this version, which goes on while one of the next version starts.
#[test]
fn an_older_host_that_still_runs_changes_nothing_of_what_it_does_not_know() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let (older, newer) = (disk.open(), disk.open());
        used(&older);
        let uses = [Use { policy: "changes", key: "ada", span: 60_000, cost: 1_000 }];
        limits::consume(&older, &uses, now()).unwrap();
        next().apply(&newer, now(), STATEMENTS_MAX).unwrap();
        // Every request that changes something begins with this, and goes no further.
        let known = SCHEMA.release.number;
        let error = StoreError::WrongSchema { found: known + 1, known };
        assert_eq!(limits::consume(&older, &uses, now()), Err(error));
        let before = dump(&newer);
        // A command that means something else by now has another name.
        let credit = "INSERT INTO credit_wallet VALUES ('key', 'ada', 1, 1, 'Test', NULL, NULL, 0)";
        assert!(matches!(older.run(credit, &[]), Err(StoreError::Failed(_))));
        assert_eq!(dump(&newer), before);
    }
}

#[test]
fn an_object_is_told_by_its_statement() {
    let view = Object::parse("CREATE VIEW a AS SELECT 1").unwrap();
    assert_eq!((view.kind, view.name), ("VIEW", "a"));
    let trigger = Object::parse("CREATE TRIGGER b AFTER INSERT ON c BEGIN SELECT 1; END").unwrap();
    assert_eq!((trigger.kind, trigger.name), ("TRIGGER", "b"));
    assert_eq!(Object::parse("CREATE TABLE a (b)"), None);
}
