//! What a template sets up is waited for, and is not handed to a renter if it does not work.

use std::fs;
use std::thread;
use std::time::Duration;

use serde_json::json;

use crate::login::{access, check_login};
use crate::market::Outcome;
use crate::setup::{Farm, SLICE};

/// A driver that says this of the setup of its machines, which is JSON.
fn setting_up(said: &str) -> String {
    format!(
        "if [ $ACTION = status ]; then echo \"$REQUEST\" | $DRIVER \
         | sed \"s|\\\"state\\\":\\\"running\\\"|&,\\\"setup\\\":$({said})|\"\n\
         else echo \"$REQUEST\" | $DRIVER; fi"
    )
}

fn create(farm: &Farm) -> usize {
    let keys = [farm.public_key("renter")];
    farm.market.add("create", "r1", SLICE, json!({ "ssh_keys": keys, "check": "docker info" }))
}

#[test]
fn a_machine_is_ready_once_its_check_has_succeeded() {
    let said = r#"[ -e ${0%/*}/flag ] && echo '{"state":"done"}' || echo '{"state":"running"}'"#;
    let mut farm = Farm::new().with_driver(&setting_up(said));
    let number = create(&farm);
    farm.start();
    farm.market.wait("a login that could work", |inner| {
        inner.jobs[number].steps.iter().any(|(step, _)| step == "checked")
    });
    thread::sleep(Duration::from_secs(3));
    assert_eq!(farm.market.job(number).outcome, Outcome::Open);
    fs::write(farm.path("flag"), "").unwrap();
    check_login(&farm, &access(farm.market.outcome(number)));
}

#[test]
fn a_setup_that_does_not_work_is_removed_and_its_log_reported() {
    let said = r#"echo '{"state":"failed","log":"E: no network"}'"#;
    let mut farm = Farm::new().with_driver(&setting_up(said));
    let number = create(&farm);
    farm.start();
    match farm.market.outcome(number) {
        Outcome::Failed { reason, retry: true } => {
            assert_eq!(reason, "what the template sets up doesn't work");
        }
        other => panic!("{other:?}\n{}", farm.log()),
    }
    assert_eq!(farm.market.lock().logs, ["E: no network"]);
    assert!(!farm.has_machine());
}

#[test]
fn a_setup_that_never_ends_is_given_up() {
    let said = r#"echo '{"state":"running"}'"#;
    let farm = Farm::new().with_driver(&setting_up(said));
    let mut farm = farm.with_settings("setup_seconds = 2\n");
    let number = create(&farm);
    farm.start();
    match farm.market.outcome(number) {
        Outcome::Failed { reason, retry: true } => {
            assert_eq!(reason, "its setup took longer than 2 seconds");
        }
        other => panic!("{other:?}\n{}", farm.log()),
    }
    assert!(!farm.has_machine());
}

#[test]
fn where_the_driver_cannot_tell_nobody_waits() {
    let mut farm = Farm::new();
    let number = create(&farm);
    farm.start();
    check_login(&farm, &access(farm.market.outcome(number)));
}
