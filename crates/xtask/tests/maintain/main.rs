//! The program `maintain`: operators named on the machine, and encryption keys that change.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod archive;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use domain::account::Email;
use domain::id::{AccountId, MailId, NodeId};
use domain::node::{Capacity, NodeReport, NodeStatus, Resources};
use domain::time::Timestamp;
use seal::{KEY_BYTES, Keys, NONCE_BYTES, Place, key_id, key_text};
use store::mails::{self, NewMail};
use store::{Db as _, RusqliteDb, accounts, audit, nodes};
use tempfile::TempDir;

const ADA: &str = "ada@example.org";

fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_368_000)
}

struct Machine {
    folder: TempDir,
}

impl Machine {
    fn new() -> Machine {
        let machine = Machine { folder: tempfile::tempdir().unwrap() };
        assert!(machine.run(&["migrate"], "").status.success());
        machine
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("mycelium.db")
    }

    fn db(&self) -> RusqliteDb {
        RusqliteDb::open(&self.database()).unwrap()
    }

    fn run(&self, arguments: &[&str], keys: &str) -> Output {
        run(&self.database(), arguments, keys)
    }

    fn sign_up(&self) -> AccountId {
        let account = AccountId::from_random(now(), [7; 10]);
        let email = Email::parse(ADA).unwrap();
        assert!(accounts::create(&self.db(), account, &email, "$", now()).unwrap());
        account
    }

    fn put(&self, keys: &str, number: u8) -> String {
        let id = MailId::from_random(now(), [number; 10]);
        let row = id.to_string();
        let text = format!("text {number}");
        let keys = Keys::parse(keys).unwrap();
        let sealed = keys.seal(place(&row), text.as_bytes(), [number; NONCE_BYTES]).unwrap();
        let mail = NewMail { id, account: None, kind: "sign-up", sealed: &sealed };
        mails::enqueue(&self.db(), &mail, now()).unwrap();
        row
    }

    fn sealed(&self, row: &str) -> Vec<u8> {
        let db = self.db();
        let sql = "SELECT sealed FROM mails WHERE id = ?1";
        db.connection().query_row(sql, [row], |row| row.get(0)).unwrap()
    }
}

fn run(database: &Path, arguments: &[&str], keys: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_maintain"))
        .arg("--database")
        .arg(database)
        .args(arguments)
        .env("ENCRYPTION_KEYS", keys)
        .output()
        .unwrap()
}

fn place(row: &str) -> Place<'_> {
    Place { table: "mails", column: "sealed", row }
}

fn key(id: u8) -> String {
    key_text(id.into(), &[id; KEY_BYTES])
}

#[track_caller]
fn said(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap().trim().to_owned()
}

#[track_caller]
fn refused(output: &Output) -> String {
    assert!(!output.status.success(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn an_operator_is_named_on_the_machine_and_in_the_log() {
    let machine = Machine::new();
    let unknown = refused(&machine.run(&["grant-operator", ADA], ""));
    assert!(unknown.contains("ada@example.org has no account"), "{unknown}");
    let account = machine.sign_up();
    said(&machine.run(&["grant-operator", "ADA@example.org"], ""));
    let is_operator = || accounts::list(&machine.db(), ADA, "", 1).unwrap()[0].is_operator;
    assert!(is_operator());
    said(&machine.run(&["revoke-operator", ADA], ""));
    assert!(!is_operator());
    let entries = audit::of_account(&machine.db(), account, None, 10).unwrap();
    let actions: Vec<&str> = entries.iter().map(|entry| entry.action.as_str()).collect();
    assert_eq!(actions, ["operator-revoked", "operator-granted"]);
}

#[test]
fn nothing_is_made_where_there_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("typo.db");
    let missing = refused(&run(&path, &["grant-operator", ADA], ""));
    assert!(missing.contains("there is no such file") && !path.exists(), "{missing}");
}

#[test]
fn item_47_everything_is_encrypted_anew_with_the_first_key() {
    let machine = Machine::new();
    let old = machine.put(&key(1), 1);
    let both = format!("{},{}", key(2), key(1));
    let new = machine.put(&both, 2);
    let before = machine.sealed(&new);
    assert_eq!(said(&machine.run(&["reseal"], &both)), "Re-encrypted 1 of 2 secrets with key 2.");
    assert_eq!(machine.sealed(&new), before, "what has the first key stays");
    // The old key can go.
    let keys = Keys::parse(&key(2)).unwrap();
    let sealed = machine.sealed(&old);
    assert_eq!(key_id(&sealed), Some(2));
    assert_eq!(*keys.open(place(&old), &sealed).unwrap(), b"text 1");
    assert_eq!(said(&machine.run(&["reseal"], &key(2))), "Re-encrypted 0 of 2 secrets with key 2.");
}

#[test]
fn item_47_a_row_that_was_swapped_or_has_an_unknown_key_is_named_and_left_alone() {
    let machine = Machine::new();
    let (first, second) = (machine.put(&key(1), 1), machine.put(&key(1), 2));
    let without = refused(&machine.run(&["reseal"], &key(2)));
    assert!(without.contains("sealed with key 1, which is not among"), "{without}");

    let swap = "UPDATE mails SET sealed = (SELECT o.sealed FROM mails o WHERE o.id <> mails.id)";
    machine.db().connection().execute(swap, []).unwrap();
    let (one, two) = (machine.sealed(&first), machine.sealed(&second));
    let both = format!("{},{}", key(2), key(1));
    let swapped = refused(&machine.run(&["reseal"], &both));
    assert!(swapped.contains("not what was sealed for this row"), "{swapped}");
    assert!(swapped.contains(&first), "{swapped}");
    assert_eq!((machine.sealed(&first), machine.sealed(&second)), (one, two));
    for keys in ["", "1:short"] {
        let wrong = refused(&machine.run(&["reseal"], keys));
        assert!(wrong.contains("expected NUMBER:KEY"), "{wrong}");
    }
}

/// A node with three slices, and whoever is to rent it.
fn node_of_a_farmer(machine: &Machine) {
    let farmer = AccountId::from_random(now(), [8; 10]);
    let email = Email::parse("farmer@example.org").unwrap();
    assert!(accounts::create(&machine.db(), farmer, &email, "$", now()).unwrap());
    machine.sign_up();
    let resources = Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 };
    let report = NodeReport {
        id: NodeId(32),
        farm_id: 1,
        farm_name: "Freefarm".into(),
        country: "Belgium".into(),
        city: "Ghent".into(),
        status: NodeStatus::Up,
        healthy: Some(true),
        certified: false,
        total: resources,
        used: resources,
        in_dedicated_farm: false,
        extra_fee_musd: 0,
        rented_whole: false,
        runs_machines: Some(true),
        upload_mbps: None,
        download_mbps: None,
        reported_at: now(),
    };
    let capacity = Capacity { slices: 3, by_cpu: 3, by_memory: 3, by_ssd: 3, refusal: None };
    assert!(nodes::register(&machine.db(), farmer, "Node", &report, &capacity, now()).unwrap());
}

#[test]
fn a_rental_from_before_there_were_slices_is_taken_over() {
    let machine = Machine::new();
    node_of_a_farmer(&machine);
    // Ten years from here, it still runs.
    let import = |node: &str, email: &str, from: &str| {
        let term = ["--from", from, "--months", "120", "--price", "20"];
        let arguments = [&["import-node-rental", node, email], &term[..]].concat();
        machine.run(&arguments, "")
    };
    let refused = |output: Output, why: &str| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(why), "{said}");
    };
    refused(import("99", ADA, "2026-11-01"), "node99 is not registered");
    refused(import("32", "nobody@example.org", "2026-11-01"), "has no account");
    refused(import("32", ADA, "2001-01-01"), "not now");
    refused(import("32", ADA, "yesterday"), "is not a day");
    refused(import("32", "farmer@example.org", "2026-11-01"), "nothing was imported");
    let output = import("32", ADA, "2026-11-01");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("rents all of node32 until 2036-11-01T00:00:00Z"), "{said}");
    refused(import("32", ADA, "2026-11-01"), "nothing was imported");
    let output = machine.run(&["check-integrity"], "");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(said.contains("integrity checks passed"), "{said}");
}

#[test]
fn integrity_is_checked_over_all_of_the_history() {
    let machine = Machine::new();
    node_of_a_farmer(&machine);
    machine.db().run("UPDATE nodes SET available_slices = 1", &[]).unwrap();
    let output = machine.run(&["check-integrity"], "");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(
        !output.status.success() && said.contains("counters-are-counts: 1 violations"),
        "{said}"
    );
}
