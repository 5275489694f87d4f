//! Drivers that do not keep to the protocol, and machines that are not what they should be.

use std::fs;

use crate::market::Outcome;
use crate::setup::Farm;

/// A driver that behaves so when it is to create, and else as it should.
fn bad(create: &str) -> String {
    format!("if [ $ACTION != create ]; then echo \"$REQUEST\" | $DRIVER; exit; fi\n{create}")
}

#[track_caller]
fn check(create: &str, settings: &str, words: &str) -> Farm {
    let mut farm = Farm::new().with_driver(&bad(create)).with_settings(settings);
    let number = farm.create("r1");
    farm.start();
    match farm.market.outcome(number) {
        Outcome::Failed { reason, retry: true } => assert!(reason.contains(words), "{reason}"),
        other => panic!("{create}: {other:?}\n{}", farm.log()),
    }
    assert_eq!(farm.actions().last().map(String::as_str), Some("remove"), "it cleans up");
    assert!(!farm.has_machine());
    farm
}

#[test]
fn a_driver_that_hangs_is_ended_with_all_that_it_started() {
    let limit = "create_seconds = 2\n";
    let farm = check(
        "sleep 4321 & echo $! > ${0%/*}/child; sleep 4321",
        limit,
        "timed out after 2 seconds",
    );
    let child = fs::read_to_string(farm.path("child")).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", child.trim())).unwrap_or_default();
    assert!(status.is_empty() || status.contains("State:\tZ"), "{status}");
}

#[test]
fn a_driver_that_answers_no_document_is_refused() {
    check("echo hello", "", "without a valid response");
    check("echo '{\"ok\":true,\"state\":\"running\"}'", "", "a field is missing");
    check("exit 1", "", "exited with status 1");
    check("echo '{\"ok\":true,\"state\":\"absent\"}'", "", "returned no machine");
    check("echo '{\"ok\":true,\"state\":\"off\"}'", "", "returned no machine");
    check("head -c 1000000 /dev/zero", "", "is too long");
    check("kill -9 $$", "", "was killed by signal 9");
}

#[test]
fn a_flood_of_log_lines_is_cut_off() {
    let flood = "yes flood | head -c 3000000 >&2; head -c 3000000 /dev/zero >&2; exit 1";
    let farm = check(flood, "", "exited with status 1");
    let log = fs::metadata(farm.path("agent/logs/job-0.1.create.log")).unwrap();
    assert!((200_000..300_000).contains(&log.len()), "{} bytes", log.len());
}

#[test]
fn another_host_key_is_noticed_from_outside() {
    // The driver tells the renter's public key as the machine's.
    let lie = "KEY=$(cut -d' ' -f1,2 ${0%/*}/renter.pub)\n\
               echo \"$REQUEST\" | $DRIVER | sed \"s|\\\"ssh-ed25519 [^\\\"]*\\\"|\\\"$KEY\\\"|\"";
    check(lie, "ready_seconds = 60\n", "the machine has a different host key");
}

#[test]
fn an_open_port_is_no_machine() {
    // The port is another, where nobody says that he speaks SSH.
    let mut farm = Farm::new();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let lie = format!("echo \"$REQUEST\" | $DRIVER | sed 's|\"port\":[0-9]*|\"port\":{port}|'");
    farm = farm.with_driver(&bad(&lie)).with_settings("ready_seconds = 2\n");
    let number = farm.create("r1");
    farm.start();
    match farm.market.outcome(number) {
        Outcome::Failed { reason, retry: true } => {
            assert!(reason.contains("not reachable within 2 seconds: no SSH banner"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    assert!(!farm.has_machine());
}

#[test]
fn what_cannot_be_removed_is_said() {
    let program = "case $ACTION in create) exit 1;; *) \
                   echo '{\"ok\":false,\"error\":\"stuck\",\"retry\":false}';; esac";
    let mut farm = Farm::new().with_driver(program);
    let number = farm.create("r1");
    farm.start();
    match farm.market.outcome(number) {
        Outcome::Failed { reason, retry: false } => {
            assert!(reason.contains("the machine still exists: stuck"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
}
