//! Migrations: each once, whole, in order, and by whoever comes first.

use std::cell::Cell;
use std::sync::Barrier;
use std::thread;

use domain::rental::RentalState;
use domain::time::Timestamp;
use store::migrate::{MIGRATIONS, apply, is_current, statements};
use store::rentals::end;
use store::renting::RentFailure;
use store::{Db, Rows, RusqliteDb, StoreError, Value};

use crate::dump::dump;
use crate::market::{
    Attempt, Disk, FARMER, NODE, OMAR, account, assert_sound, attempt, balance, by_hand, count,
    empty, extend, fund, now, open_account, pass, register, rent, rental_id, rental_of, states,
    usd,
};

fn blank() -> RusqliteDb {
    RusqliteDb::in_memory().unwrap()
}

#[test]
fn an_empty_database_gets_every_migration_once() {
    let db = blank();
    assert_eq!(is_current(&db), Ok(false));
    assert_eq!(apply(&db, now()), Ok(MIGRATIONS.len()));
    assert_eq!(is_current(&db), Ok(true));
    let whole = dump(&db);
    assert_eq!(apply(&db, now().plus_seconds(1)), Ok(0));
    assert_eq!(dump(&db), whole);
    assert_sound(&db);
}

#[test]
fn each_migration_is_recorded_with_its_hash() {
    let db = empty();
    let sql = "SELECT number, name, hash, applied_at FROM schema_migrations ORDER BY number";
    let recorded = db.run(sql, &[]).unwrap();
    assert_eq!(recorded.len(), MIGRATIONS.len());
    for (row, migration) in recorded.iter().zip(&MIGRATIONS) {
        let name = migration.name.to_owned();
        let expected = ((migration.number, name), migration.hash(), now());
        assert_eq!(row.read(), Ok(expected));
    }
}

/// A list to compare the folder with: numbers without gaps, and every file is applied.
#[test]
fn every_file_of_the_folder_is_applied_in_order() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    let applied = MIGRATIONS.iter().map(|m| format!("{:04}_{}.sql", m.number, m.name));
    assert_eq!(files, applied.collect::<Vec<_>>());
    assert!(MIGRATIONS.iter().zip(1..).all(|(migration, number)| migration.number == number));
}

/// A statement ends with a semicolon before an empty line. Where that is broken, two statements
/// stick together or a trigger falls apart, and neither can be prepared.
#[test]
fn every_statement_can_be_prepared_on_its_own() {
    let db = blank();
    for migration in &MIGRATIONS {
        for (index, statement) in statements(migration.sql).enumerate() {
            let place = format!("{} {index}: {statement}", migration.name);
            let mut prepared = db.connection().prepare(statement).expect(&place);
            prepared.raw_execute().expect(&place);
        }
        // Nothing but the separators is left out.
        let kept: usize = statements(migration.sql).map(str::len).sum();
        assert!(migration.sql.len() - kept < 500, "{}: {kept}", migration.name);
    }
}

/// Rows that each migration must be able to find, in the tables that it makes.
const SAMPLES: [&str; MIGRATIONS.len()] = [
    "INSERT INTO accounts (id, email, password_hash, created_at) VALUES
         ('farmer', 'f@example.org', '$', 1), ('ada', 'a@example.org', '$', 1);
     INSERT INTO sessions (id, hash, account_id, created_at, expires_at)
     VALUES ('s', zeroblob(32), 'ada', 1, 2);
     INSERT INTO tokens (id, hash, account_id, name, scopes, created_at, expires_at)
     VALUES ('t', zeroblob(32), 'ada', 'laptop', 'read rent', 1, 2);",
    "INSERT INTO credit_wallet VALUES ('key', 'ada', 100000000, 'Welcome', 2);",
    "INSERT INTO register_node VALUES
         (32, 'farmer', 'Cellar', 1, 'Freefarm', 'Belgium', 'Ghent', 'up', 1, 0, 900, 800, 3, 9, 16,
          9, 10, NULL, 3);
     UPDATE nodes SET price_micros = 25000000, listing = 'published', offer_version = 2;
     INSERT INTO miss_node VALUES (32, 4);
     INSERT INTO sync_node VALUES
         (32, 1, 'Freefarm', 'Belgium', 'Ghent', 'up', 1, 0, 900, 800, 4, 9, 16, 9, 10, NULL, 5, 1);
     INSERT INTO sync_runs (started_at, finished_at, updated, missing, refused)
     VALUES (3, 4, 1, 0, 1);
     INSERT INTO refused_documents VALUES (32, 'no status', '{}', 4);",
    "INSERT INTO rent_slice VALUES
         ('r1', 32, NULL, 'ada', 1, 2, 25000000, 25000000, 2500000, 'k1', zeroblob(32), 5, 9),
         ('r2', 32, 7, 'ada', 1, 2, 25000000, 25000000, 2500000, 'k2', zeroblob(32), 5, 9),
         ('r3', 32, 3, 'ada', 1, 2, 25000000, 25000000, 2500000, 'k3', zeroblob(32), 5, 9);
     INSERT INTO end_rental VALUES ('r1', 9);
     INSERT INTO rent_slice VALUES
         ('r4', 32, 1, 'ada', 1, 2, 25000000, 25000000, 2500000, 'k4', zeroblob(32), 10, 19);
     UPDATE nodes SET capacity = 5;",
    "UPDATE accounts SET is_operator = 1 WHERE id = 'ada';
     UPDATE sessions SET seen_at = 10, is_strong = 1;
     UPDATE tokens SET farm_id = 1, ceiling_micros = 5, spent_micros = 5;
     INSERT INTO challenges VALUES (zeroblob(32), 'password-reset', 'ada', x'', 10, 11);
     INSERT INTO rate_limits VALUES ('sign-in', 'ada', 1000, 10000);",
    "INSERT INTO audit (action, actor, account_id, created_at)
     VALUES ('sign-in', 'account', 'ada', 12);
     INSERT INTO credit_wallet VALUES ('key2', 'ada', 1000000, 'Thanks', 12);",
    "INSERT INTO challenge_by_mail VALUES
         (randomblob(32), 'email-change', 'ada', x'', 13, 14, 'm1', 'email-change', x'00');
     UPDATE mails SET state = 'sent', sealed = NULL, finished_at = 13;",
    "INSERT INTO passkeys VALUES (zeroblob(16), 'ada', 'Laptop', x'', x'', 15, NULL);
     INSERT INTO totp_secrets VALUES ('ada', x'00', 15, 0, 15);
     INSERT INTO recovery_codes VALUES ('ada', zeroblob(32));",
    "INSERT INTO change_password VALUES ('farmer', '$2', NULL);
     INSERT INTO change_email VALUES ('farmer', 'g@example.org');
     INSERT INTO disable_account VALUES ('farmer', 16);
     INSERT INTO credit_wallet VALUES ('key3', 'ada', 99000000, 'More', 16);
     UPDATE tokens SET ceiling_micros = 90000000;
     INSERT INTO rent_slice VALUES
         ('r5', 32, 2, 'ada', 1, 2, 25000000, 25000000, 2500000, 'k5', zeroblob(32), 17, 19, 't');
     UPDATE tokens SET spent_micros = spent_micros + 25000000;",
    r#"INSERT INTO make_quote VALUES
         ('q1', 'ada', '{"total_micros":25000000}', NULL,
          '[{"node":32,"slice":4,"version":2}]', 20, 30, 30, 3);
     INSERT INTO rent VALUES
         ('o1', 'ada', 'k6', zeroblob(32), 25000000, 't', 'q1',
          '[{"rental":"r6","node":32,"slice":4,"version":2,"price":25000000,"months":1,
             "total":25000000,"fee":2500000,"ends_at":60,"price_until":70,"earns_at":25,
             "min_uptime":0,"min_bandwidth":0}]', 9, 21);
     INSERT INTO change_rental VALUES
         ('r2', 1, 'ended', 25000000, 70, 9, 22, NULL,
          '[{"number":1,"months":1,"price":25000000,"total":25000000,"fee":2500000,
             "earned":25000000,"refunded":0,"starts_at":5,"ends_at":9}]',
          '[{"kind":"earning","reference":"r2/1","reason":"Earned","entries":[
              {"kind":"escrow","owner":"r2","micros":-25000000},
              {"kind":"earnings","owner":"farmer","micros":22500000},
              {"kind":"platform","owner":"","micros":2500000}]}]',
          'rental-ended', NULL, NULL, NULL, NULL, NULL, 22);
     INSERT INTO transfers VALUES ('r3', 'f@example.org', 22, 23);
     INSERT INTO remind VALUES ('r3', 9, 1, 'rental-reminded', 'm2', 'reminder', x'00', 8);"#,
    "INSERT INTO credit_wallet VALUES ('key2b', 'ada', 1000000, 'Again', 17);",
    "INSERT INTO credit_wallet VALUES ('key3b', 'ada', 1000000, 'Thanks', 17);",
    "INSERT INTO credit_wallet VALUES ('key4', 'ada', 1000000, 'Thanks', 3000000);",
    "INSERT INTO top_ups (id, account_id, amount_micros, provider, idempotency_key, created_at)
     VALUES ('u1', 'ada', 5000000, 'stripe', 'k1', 17), ('u2', 'ada', 5000000, 'stripe', 'k2', 17);
     UPDATE top_ups SET session_id = 'cs_' || id, url = 'https://checkout.stripe.com/' || id;
     INSERT INTO pay_top_up VALUES ('u1', 'pi_1', 5000000, 18);
     INSERT INTO refuse_payment VALUES ('pi_2', 'u2', 'other-amount', 1, 'usd', 18);",
    "INSERT INTO events (kind, farmer_id, subject, created_at)
     VALUES ('offer-changed', 'farmer', 'the price', 19);",
    "INSERT INTO prove_farm VALUES (1, 'Freefarm', 2, '5Fx', 'farmer', 'signature', 20);
     INSERT INTO check_farm VALUES (1, 'Free farm', 2, 21);",
    "UPDATE nodes SET locked_by = 'operator', lock_reason = 'Asked', lock_changed_at = 20;
     UPDATE nodes SET kept_slices = 1, pending_price_micros = 26000000, pending_price_at = 86420,
            offer_version = 3, offer_changed_at = 20;
     INSERT INTO maintenance (id, node_id, starts_at, ends_at, note, announced_at)
     VALUES ('w1', 32, 90000, 93600, 'New disks', 20), ('w2', 32, 93600, 97200, '', 21);
     UPDATE maintenance SET cancelled_at = 22 WHERE id = 'w2';
     UPDATE maintenance SET reminded_at = 3600 WHERE id = 'w1';",
    r#"INSERT INTO register_node VALUES
         (33, 'farmer', 'Two', 1, 'Freefarm', 'Belgium', 'Ghent', 'up', 1, 0, NULL, NULL, 3, 2, 2,
          2, 2, NULL, 20);
     UPDATE nodes SET price_micros = 25000000, listing = 'published', offer_version = 2
      WHERE id = 33;
     UPDATE nodes SET listing = 'paused', leaves_at = 40, offer_version = 4 WHERE id = 32;
     INSERT INTO move_rental VALUES
         ('r4', 2, 33, NULL, 2, 25000000, 0, 0, 25,
          '[{"number":1,"earned":10000000}]',
          '[{"kind":"earning","reference":"r4/2","reason":"Earned","entries":[
              {"kind":"escrow","owner":"r4","micros":-10000000},
              {"kind":"earnings","owner":"farmer","micros":9000000},
              {"kind":"platform","owner":"","micros":1000000}]}]', 22);
     INSERT INTO end_leaving_rental VALUES
         ('r5', 2, 'ended', 25000000, 70, 19, 41, NULL,
          '[{"number":1,"months":1,"price":25000000,"total":25000000,"fee":2500000,
             "earned":0,"refunded":25000000,"starts_at":17,"ends_at":19}]',
          '[{"kind":"refund","reference":"r5","reason":"Refund","entries":[
              {"kind":"escrow","owner":"r5","micros":-25000000},
              {"kind":"wallet","owner":"ada","micros":25000000}]}]',
          'rental-ended', NULL, NULL, NULL, NULL, NULL, 41, 40, 'm3', 'node-left', x'00');
     INSERT INTO register_node VALUES
         (34, 'farmer', 'Three', 1, 'Freefarm', 'Belgium', 'Ghent', 'up', 1, 0, NULL, NULL, 3, 2, 2,
          2, 2, NULL, 20);
     UPDATE nodes SET leaves_at = 30, left_at = 40 WHERE id = 34;"#,
    "UPDATE market_clock SET sampled_hour = 497612 WHERE sampled_hour < 497612;
     UPDATE market_nodes
        SET checked_at = 20, suggested_at = 20, suggested_micros = 22500000 WHERE node_id = 32;
     INSERT INTO unmet_searches VALUES ('Belgium', 0, 20733, 1, 20);",
    r#"UPDATE accounts SET payout_address = 'BE71', display_name = 'Ada & Co' WHERE id = 'farmer';
     INSERT INTO request_payout VALUES
         ('p1', 'farmer', 5000000, 'BE71', 'k1',
          '{"kind":"payout-request","reference":"p1","reason":"Payout p1","entries":[
              {"kind":"earnings","owner":"farmer","micros":-5000000},
              {"kind":"escrow","owner":"p1","micros":5000000}]}', 5, 20);
     INSERT INTO change_payout VALUES
         ('p1', 1, 'approved', NULL, NULL, NULL, 'payout-approved', 21);
     INSERT INTO change_payout VALUES
         ('p1', 2, 'sent', 'SEPA 7', NULL,
          '{"kind":"payout-send","reference":"p1","reason":"Payout p1","entries":[
              {"kind":"escrow","owner":"p1","micros":-5000000},
              {"kind":"funding","owner":"","micros":5000000}]}', 'payout-sent', 22);"#,
    r#"UPDATE accounts SET notices_read_id = 3 WHERE id = 'ada';
     INSERT INTO choose_notices VALUES ('ada', '[{"kind":"rented","way":"mail","is_on":0}]');
     INSERT INTO webhooks (id, account_id, url, sealed, created_at)
     VALUES ('w1', 'ada', 'https://ada.example/hook', x'00', 20);
     INSERT INTO dispatch_notices
     SELECT event_id, event_id, '[{"id":"m4","account":"ada","kind":"notices","sealed":"00ff"}]',
            '[{"id":"d1","webhook":"w1","event":20,"kind":"offer-changed","body":"{}"}]', 20
       FROM notice_cursor;
     UPDATE webhook_deliveries SET attempts = 1;
     INSERT INTO fail_delivery VALUES ('d1', 1, 410, 'status 410', NULL, 1, 0, 21);
     INSERT INTO sync_node VALUES
         (32, 1, 'Freefarm', 'Belgium', 'Ghent', 'down', 1, 0, 900, 800, 22, 9, 16, 9, 10, NULL,
          22, 0);
     INSERT INTO judge_month VALUES (32, '1970-01', 1, 'promise-broken', 23);"#,
    "INSERT INTO ssh_keys VALUES ('s1', 'ada', 'Laptop', 'ssh-ed25519 AAAA', 'SHA256:AAAA', 23);
     INSERT INTO agents VALUES ('farmer', 1, 'rack', 23);
     INSERT INTO rent VALUES
         ('o2', 'ada', 'k7', zeroblob(32), 25000000, NULL, NULL,
          json_array(json_object('rental', 'r7', 'node', 33, 'version', 2,
             'price', 25000000, 'months', 1, 'total', 25000000, 'fee', 2500000, 'ends_at', 90,
             'price_until', 99, 'earns_at', 70, 'min_uptime', 0, 'min_bandwidth', 0,
             'template', 'docker', 'template_version', 1)), 9, 24);
     UPDATE jobs SET state = 'leased', fence = 1, attempts = 1;
     INSERT INTO tell_late SELECT id, '[]', 400 FROM jobs;",
    "UPDATE sync_state SET fence = 7, leased_until = 500;
     INSERT INTO sync_node VALUES
         (32, 2, 'Other', 'Belgium', 'Ghent', 'up', 1, 0, 900, 800, 22, 9, 16, 9, 10, NULL, 1, 23,
          1, 7),
         (33, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
          NULL, NULL, 23, NULL, 7);
     INSERT INTO refused_documents VALUES (33, 'no status', '{}', 23);
     INSERT INTO sync_upstreams VALUES ('https://grid.example', 3, 600, 1, 23, 'status 500');
     INSERT INTO sync_runs
         (started_at, finished_at, updated, missing, refused, changed, requests, fence, behind)
     VALUES (23, 24, 2, 0, 1, 1, 1, 7, 33);
     INSERT INTO job_runs VALUES ('expire', 23, 5, NULL, NULL, 1);",
    "UPDATE nodes SET observed = observed + 1, observed_up = observed_up + 1, synced_at = 500;
     INSERT INTO rank_nodes VALUES (0, 0, json_array(json_object('node', 33, 'uptime', 2065)));
     UPDATE rental_stays SET ended_at = 600, judge_at = 600 WHERE rental_id = 'none';
     INSERT INTO invariant_checks VALUES ('one-rental-per-slice', 0, 500, NULL);
     INSERT INTO market_status VALUES (1, '{}', 500);",
];

#[test]
fn each_migration_is_applied_to_sample_data() {
    let db = blank();
    for (migration, sample) in MIGRATIONS.iter().zip(SAMPLES) {
        for statement in statements(migration.sql) {
            db.run(statement, &[]).unwrap();
        }
        by_hand(&db, sample).expect(migration.name);
    }
    assert_sound(&db);
    let counts = ["accounts", "tokens", "ledger_entries", "events", "slices", "rentals"]
        .map(|table| count(&db, &format!("SELECT count(*) FROM {table}")));
    assert_eq!(counts, [2, 1, 43, 69, 13, 7]);
    // What concerns renter and farmer is audited for each; a refused payment is no event, and is
    // audited all the same.
    assert_eq!(count(&db, "SELECT count(*) FROM audit"), 83);
}

/// A rental of the old version, as its component made it; `?` stands for what follows the dates.
const OLD_RENTAL: &str = "
    INSERT INTO rent_slice VALUES
        (?1, 32, ?2, ?3, ?4, 2, 25000000, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

/// A database with a farmer, a renter and a node, as the version before this one left it.
fn older() -> RusqliteDb {
    let db = blank();
    begin_with(&db, 9);
    for number in [FARMER, OMAR] {
        open_account(&db, number);
    }
    fund(&db, OMAR, "900");
    register(&db, FARMER, NODE, 5);
    by_hand(
        &db,
        "UPDATE nodes SET price_micros = 25000000, listing = 'published', offer_version = 2;
         INSERT INTO tokens (id, hash, account_id, name, scopes, created_at, expires_at)
         SELECT 't', zeroblob(32), id, 'laptop', 'rent', 1, 2 FROM accounts LIMIT 1;",
    )
    .unwrap();
    // The first slice's rental has ended, and the slice is rented again.
    let (month, quarter) = ((1_i64, 25_000_000_i64), (3_i64, 71_250_000_i64));
    let rows = [(1, 1, -40, month), (2, 1, -5, month), (3, 2, -100, quarter), (4, 3, -2, quarter)];
    for (number, slice, days, (months, total)) in rows {
        let started_at = now().plus_seconds(days * 86_400);
        let params = [
            Value::text(rental_id(number)),
            Value::Integer(slice),
            Value::text(account(OMAR)),
            months.into(),
            total.into(),
            (total / 10 / 10_000 * 10_000).into(),
            Value::Text(format!("key-{number}")),
            Value::Blob(vec![u8::try_from(number).unwrap(); 32]),
            started_at.into(),
            started_at.plus_months(u32::try_from(months).unwrap()).into(),
            if number == 4 { "t".into() } else { Value::Null },
        ];
        db.run(OLD_RENTAL, &params).unwrap();
        if number == 1 {
            let end = "INSERT INTO end_rental VALUES (?1, ?2)";
            db.run(end, &[Value::text(rental_id(1)), now().into()]).unwrap();
        }
    }
    let capacity = "UPDATE nodes SET capacity = 4";
    by_hand(&db, capacity).unwrap();
    assert_eq!(states(&db, NODE), "RRRa-");
    db
}

/// What ran goes on: it earns by the day, ends after its grace, and is extended; a retry of an old
/// order is told what the first try was told.
#[test]
fn an_older_market_goes_on() {
    let db = older();
    let balance_before = balance(&db, OMAR);
    assert_eq!(apply(&db, now()), Ok(MIGRATIONS.len() - 9));
    assert_sound(&db);
    assert_eq!((states(&db, NODE).as_str(), balance(&db, OMAR)), ("RRRa-", balance_before));
    let id = rental_id(2);
    let old = rental_of(&db, OMAR, id);
    assert_eq!((old.life.state, old.life.held()), (RentalState::Active, usd("25")));
    assert_eq!(old.life.price_until, old.life.ends_at.plus_months(12));
    let ended = rental_of(&db, OMAR, rental_id(1)).life;
    assert_eq!((ended.state, ended.held().micros()), (RentalState::Ended, 0));
    let by_token = "SELECT count(*) FROM orders WHERE token_id = 't'";
    assert_eq!(count(&db, by_token), 1);
    let retry = Attempt { id: 90, ..attempt(OMAR, "key-2") };
    assert_eq!(rent(&db, retry), Err(RentFailure::KeyReused), "the hash is another one");
    // Days that were over are earned at once; what was over has its end, and its grace is over.
    pass(&db, now(), 100);
    assert_sound(&db);
    assert_eq!(rental_of(&db, OMAR, id).life.held(), usd("20.84"), "five of 30 days");
    assert_eq!(rental_of(&db, OMAR, rental_id(3)).life.state, RentalState::Ended);
    assert_eq!(states(&db, NODE), "RaRa-");
    extend(&db, &Attempt { id: 91, ..attempt(OMAR, "more") }, id, None).unwrap();
    assert_sound(&db);
    let month = now().plus_months(1);
    end(&db, account(OMAR), rental_id(4), None, month).unwrap();
    pass(&db, now().plus_months(5), 100);
    assert_eq!(states(&db, NODE), "aaaa-");
    assert_sound(&db);
}

/// Sixteen instances start at once on a database that has the first `done` migrations.
fn check_race(journal_mode: &'static str, done: usize) {
    let disk = Disk::new(journal_mode);
    begin_with(&disk.open(), done);
    let start = Barrier::new(16);
    let instance = || {
        let db = disk.open();
        start.wait();
        let applied = apply(&db, now()).unwrap();
        assert_eq!(is_current(&db), Ok(true));
        applied
    };
    let mut applied: Vec<usize> = thread::scope(|scope| {
        let running = [(); 16].map(|()| scope.spawn(instance));
        running.into_iter().map(|instance| instance.join().unwrap()).collect()
    });
    applied.sort_unstable();
    assert_eq!((applied[14], applied[15]), (0, MIGRATIONS.len() - done), "{journal_mode}");
}

#[test]
fn of_sixteen_instances_one_migrates_and_all_go_on() {
    for journal_mode in Disk::JOURNAL_MODES {
        for done in [0, 1, 0, 1] {
            check_race(journal_mode, done);
        }
    }
}

#[test]
fn a_newer_database_is_refused_with_words() {
    let db = empty();
    let next = "INSERT INTO schema_migrations VALUES (99, 'tomorrow', zeroblob(32), 0)";
    by_hand(&db, next).unwrap();
    let before = dump(&db);
    let error = apply(&db, now()).unwrap_err();
    let known = MIGRATIONS[MIGRATIONS.len() - 1].number;
    assert_eq!(error, StoreError::TooNew { found: 99, known });
    let words = error.to_string();
    assert!(
        words.contains("at migration 99") && words.contains("run the newer version"),
        "{words}"
    );
    assert_eq!(is_current(&db), Err(error));
    assert_eq!(dump(&db), before);
}

#[test]
fn a_migration_with_other_contents_is_refused() {
    let db = empty();
    by_hand(&db, "UPDATE schema_migrations SET hash = zeroblob(32) WHERE number = 2").unwrap();
    assert_eq!(apply(&db, now()), Err(StoreError::MigrationChanged { number: 2 }));
    // One that is missing in the middle is no better.
    by_hand(&db, "DELETE FROM schema_migrations WHERE number = 2").unwrap();
    assert_eq!(apply(&db, now()), Err(StoreError::MigrationChanged { number: 3 }));
}

/// Makes a database of an older version, which knew the first `done` migrations.
fn begin_with(db: &RusqliteDb, done: usize) {
    let table = "CREATE TABLE schema_migrations (
        number INTEGER PRIMARY KEY, name TEXT, hash BLOB, applied_at INTEGER) STRICT";
    if done > 0 {
        by_hand(db, table).unwrap();
    }
    for migration in &MIGRATIONS[..done] {
        statements(migration.sql).for_each(|statement| drop(db.run(statement, &[]).unwrap()));
        let record = "INSERT INTO schema_migrations VALUES (?1, ?2, ?3, 0)";
        let (number, name) = (migration.number.into(), migration.name.into());
        db.run(record, &[number, name, Value::from(&migration.hash()[..])]).unwrap();
    }
}

#[test]
fn what_is_missing_is_added_to_an_older_database() {
    for done in 1..MIGRATIONS.len() {
        let db = blank();
        begin_with(&db, done);
        by_hand(&db, SAMPLES[0]).unwrap();
        assert_eq!(apply(&db, now()), Ok(MIGRATIONS.len() - done));
        assert_eq!(count(&db, "SELECT count(*) FROM accounts"), 2);
    }
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

/// How many statements `apply` runs on an empty database.
fn statement_count() -> usize {
    let db = blank();
    let counting = Failing { db: &db, left: Cell::new(usize::MAX), stays_down: false };
    apply(&counting, Timestamp::from_seconds(0)).unwrap();
    usize::MAX - counting.left.get()
}

#[test]
fn a_migration_that_fails_anywhere_leaves_nothing() {
    let error = Err(StoreError::Failed("disk I/O error".into()));
    let db = blank();
    for fails_at in 0..statement_count() {
        let failing = Failing { db: &db, left: Cell::new(fails_at), stays_down: false };
        assert_eq!(apply(&failing, now()), error, "{fails_at}");
        assert!(db.connection().is_autocommit(), "a transaction is open after {fails_at}");
        assert_eq!(dump(&db), [], "after {fails_at}");
    }
    assert_eq!(apply(&db, now()), Ok(MIGRATIONS.len()));
}

#[test]
fn an_instance_that_dies_while_it_migrates_leaves_nothing() {
    for fails_at in (0..statement_count()).step_by(7) {
        let disk = Disk::new("delete");
        let db = disk.open();
        let dying = Failing { db: &db, left: Cell::new(fails_at), stays_down: true };
        assert!(apply(&dying, now()).is_err());
        drop(db);
        let next = disk.open();
        assert_eq!(dump(&next), [], "after {fails_at}");
        assert_eq!(apply(&next, now()), Ok(MIGRATIONS.len()));
    }
}
