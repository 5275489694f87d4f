//! Machines are started, shut down, restarted and reset, and stay whatever happens meanwhile.

use std::time::Duration;

use rustix::process::Pid;
use serde_json::{Value, json};

use crate::lease::wait_for_log;
use crate::login::{access, check_login};
use crate::market::{Outcome, Trap, When};
use crate::setup::{Farm, SLICE, drive, request};

const KINDS: [&str; 4] = ["start", "shutdown", "restart", "reset"];

/// Each event of a power job at which the agent may be killed.
const EVENTS: [(&str, When); 5] = [
    ("lease", When::After),
    ("accepted", When::Before),
    ("accepted", When::After),
    ("complete", When::Before),
    ("complete", When::After),
];

/// Has the machine of `r1` switched, and answers what came of it.
fn switch(farm: &Farm, kind: &str) -> Outcome {
    farm.market.outcome(farm.market.add(kind, "r1", SLICE, json!({})))
}

#[track_caller]
fn switched(farm: &Farm, kind: &str) {
    assert_eq!(switch(farm, kind), Outcome::Complete(Value::Null), "{kind}");
}

/// The one server of the one machine.
#[track_caller]
fn server(farm: &Farm) -> Pid {
    let servers = farm.server_pids();
    assert_eq!(servers.len(), 1, "one server");
    servers[0]
}

/// A farm with a machine, its agent and how to log in.
fn with_machine(mut farm: Farm) -> (Farm, Value) {
    farm.start();
    let number = farm.create("r1");
    let access = access(farm.market.outcome(number));
    (farm, access)
}

#[track_caller]
fn failed(outcome: Outcome, words: &str, may_retry: bool) {
    match outcome {
        Outcome::Failed { reason, retry } => {
            assert!(reason.contains(words) && retry == may_retry, "{reason}, retry: {retry}");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_machine_is_switched_off_and_on_and_stays_the_same() {
    let (farm, access) = with_machine(Farm::new());
    let first = server(&farm);
    // Each does the same once more.
    for _ in 0..2 {
        switched(&farm, "shutdown");
        assert_eq!(farm.servers(), 0);
        assert!(farm.has_machine(), "its files stay");
    }
    assert!(!farm.log_in(&access, "renter").status.success(), "it is off");
    switched(&farm, "start");
    // The address, the port, the host key and the keys are as they were reported.
    check_login(&farm, &access);
    let second = server(&farm);
    assert_ne!(second, first);
    switched(&farm, "start");
    assert_eq!(server(&farm), second, "it runs");
    switched(&farm, "restart");
    let third = server(&farm);
    assert_ne!(third, second);
    switched(&farm, "reset");
    assert_ne!(server(&farm), third);
    for kind in ["restart", "reset"] {
        switched(&farm, "shutdown");
        switched(&farm, kind);
        check_login(&farm, &access);
    }
    let job = farm.market.lock().jobs.last().unwrap().clone();
    let steps: Vec<_> = job.steps.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(steps, ["accepted"]);
}

#[test]
fn a_machine_that_is_not_there_is_not_made() {
    let mut farm = Farm::new();
    farm.start();
    for kind in KINDS {
        failed(switch(&farm, kind), "the machine doesn't exist", false);
        assert!(!farm.has_machine(), "{kind}");
    }
}

#[test]
fn a_machine_that_is_partly_there_is_refused() {
    let farm = Farm::new();
    std::fs::create_dir_all(farm.path("d/m/node32_slice_1.r1")).unwrap();
    let process = env!("CARGO_BIN_EXE_driver-process");
    for action in KINDS.iter().chain(&["status"]) {
        let answer = drive(process, &farm.path("driver.toml"), &request(action, "r1", &[]));
        assert_eq!(answer["error"], "it was only partly created", "{action}");
    }
}

#[test]
fn a_driver_that_fails_leaves_the_machine() {
    let refused = "echo '{\"ok\":false,\"error\":\"stuck\",\"retry\":true}'";
    let check = |answer: &str, words: &str, retry: bool| {
        let program =
            format!("case $ACTION in restart) {answer};; *) echo \"$REQUEST\" | $DRIVER;; esac");
        let farm = Farm::new().with_driver(&program).with_settings("power_seconds = 2\n");
        let (farm, access) = with_machine(farm);
        failed(switch(&farm, "restart"), words, retry);
        assert!(!farm.actions().contains(&"remove".to_owned()));
        check_login(&farm, &access);
    };
    check(refused, "stuck", true);
    check(&refused.replace("true", "false"), "stuck", false);
    check("echo '{\"ok\":true,\"state\":\"off\"}'", "it is off after restart", true);
    check("sleep 4321", "the driver's restart timed out after 2 seconds", true);
}

#[test]
fn whoever_loses_the_lease_leaves_the_machine() {
    for event in ["accepted", "complete"] {
        let (farm, access) = with_machine(Farm::new());
        farm.market.lock().trap = Some((event.to_owned(), Trap::GiveAway));
        let number = farm.market.add("restart", "r1", SLICE, json!({}));
        wait_for_log(&farm, "lease lost; the machine stays as it is");
        check_login(&farm, &access);
        assert_eq!(farm.market.job(number).outcome, Outcome::Open, "{event}: it is another's");
    }
}

/// A machine that is on, or off if it is to be started.
fn ready_for(kind: &str, farm: Farm) -> (Farm, Value) {
    let (farm, access) = with_machine(farm);
    if kind == "start" {
        switched(&farm, "shutdown");
    }
    (farm, access)
}

/// The job is done once, and there is one machine, on or off as it should be.
#[track_caller]
fn check_switched(farm: &Farm, access: &Value, number: usize, kind: &str, when: &str) {
    let outcome = farm.market.outcome(number);
    assert_eq!(outcome, Outcome::Complete(Value::Null), "{kind} {when}");
    assert!(farm.has_machine(), "{kind} {when}");
    if kind == "shutdown" {
        assert_eq!(farm.servers(), 0, "{when}");
    } else {
        assert_eq!(farm.servers(), 1, "{kind} {when}");
        check_login(farm, access);
    }
}

/// The agent is killed at an event of a power job, and started again.
#[track_caller]
fn crash_while_switching(kind: &str) {
    for (event, when) in EVENTS {
        let (mut farm, access) = ready_for(kind, Farm::with_leases(Duration::from_secs(3)));
        farm.signal();
        assert!(farm.ended().success(), "{}", farm.log());
        let number = farm.market.add(kind, "r1", SLICE, json!({}));
        farm.market.lock().trap = Some((event.to_owned(), Trap::Kill(when)));
        farm.start();
        assert!(!farm.ended().success(), "it was killed");
        assert!(farm.market.lock().trap.is_none(), "{event} {when:?} was reached");
        farm.start();
        check_switched(&farm, &access, number, kind, &format!("{event} {when:?}"));
    }
    // In the middle: with its driver, which has done nothing yet, half of it, or all.
    let act = |action: &str| {
        format!("echo \"$REQUEST\" | sed 's/\"{kind}\"/\"{action}\"/' | $DRIVER >&2")
    };
    for done in ["true".to_owned(), act("shutdown"), act(kind)] {
        let program = format!(
            "if [ $ACTION = {kind} ] && [ -e ${{0%/*}}/flag ]; then\n\
             rm ${{0%/*}}/flag; {done}; kill -9 $PPID; exit 1\nfi\necho \"$REQUEST\" | $DRIVER"
        );
        let farm = Farm::with_leases(Duration::from_secs(3)).with_driver(&program);
        let (mut farm, access) = ready_for(kind, farm);
        std::fs::write(farm.path("flag"), "").unwrap();
        let number = farm.market.add(kind, "r1", SLICE, json!({}));
        assert!(!farm.ended().success(), "it was killed");
        farm.start();
        check_switched(&farm, &access, number, kind, &done);
    }
}

#[test]
fn killed_while_starting_the_machine_runs() {
    crash_while_switching("start");
}

#[test]
fn killed_while_shutting_down_the_machine_is_off() {
    crash_while_switching("shutdown");
}

#[test]
fn killed_while_restarting_the_machine_runs() {
    crash_while_switching("restart");
}

#[test]
fn killed_while_resetting_the_machine_runs() {
    crash_while_switching("reset");
}
