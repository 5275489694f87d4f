//! Machines get other keys while they run, and are made anew, and stay one machine whatever happens
//! meanwhile.

use std::fs;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::lease::wait_for_log;
use crate::login::{access, check_login};
use crate::market::{LIMIT, Outcome, Trap, When};
use crate::setup::{Farm, SLICE, drive, log_in, request, ssh};

/// Each event of `set-keys` and `set-password` at which the agent may be killed.
const CHANGE_EVENTS: [(&str, When); 5] = [
    ("lease", When::After),
    ("accepted", When::Before),
    ("accepted", When::After),
    ("complete", When::Before),
    ("complete", When::After),
];

/// The events of a rebuild, beyond these.
const REBUILD_EVENTS: [(&str, When); 6] = [
    ("disk", When::Before),
    ("booting", When::After),
    ("reachable", When::Before),
    ("reachable", When::After),
    ("checked", When::Before),
    ("checked", When::After),
];

/// What a password comes to by crypt(3).
const PASSWORD_HASH: &str = "$6$salt$hashOfAPassword";

/// A driver that can also set passwords, if that means to note in a file that it was asked to.
const DO_IT: &str = "do_it() {\nif [ $ACTION = set_password ]; then\n\
                     echo \"$REQUEST\" >> ${0%/*}/passwords\n\
                     REQUEST=$(echo \"$REQUEST\" | sed 's/\"set_password\"/\"status\"/')\nfi\n\
                     echo \"$REQUEST\" | $DRIVER\n}\n";

/// A farm whose machine runs, and how to log in.
fn with_machine(mut farm: Farm) -> (Farm, Value) {
    farm.start();
    let number = farm.create("r1");
    let access = access(farm.market.outcome(number));
    (farm, access)
}

fn add(farm: &Farm, kind: &str, people: &[&str]) -> usize {
    let keys: Vec<_> = people.iter().map(|who| farm.public_key(who)).collect();
    farm.market.add(kind, "r1", SLICE, json!({ "ssh_keys": keys }))
}

#[track_caller]
fn set_keys(farm: &Farm, people: &[&str]) {
    let outcome = farm.market.outcome(add(farm, "set-keys", people));
    assert_eq!(outcome, Outcome::Complete(Value::Null), "{people:?}");
}

/// Who of the two gets in: the renter, and the stranger.
fn gets_in(farm: &Farm, access: &Value) -> [bool; 2] {
    ["renter", "stranger"].map(|who| farm.log_in(access, who).status.success())
}

#[test]
fn keys_are_changed_while_the_machine_runs() {
    let (farm, access) = with_machine(Farm::new());
    let servers = farm.server_pids();
    assert_eq!(gets_in(&farm, &access), [true, false]);
    set_keys(&farm, &["renter", "stranger"]);
    assert_eq!(gets_in(&farm, &access), [true, true]);
    set_keys(&farm, &["stranger"]);
    assert_eq!(gets_in(&farm, &access), [false, true]);
    assert_eq!(farm.server_pids(), servers, "it was not restarted");
    // So are those of a machine that is off.
    let off = farm.market.add("shutdown", "r1", SLICE, json!({}));
    assert_eq!(farm.market.outcome(off), Outcome::Complete(Value::Null));
    set_keys(&farm, &["renter"]);
    assert_eq!(farm.servers(), 0, "it stays off");
    let on = farm.market.add("start", "r1", SLICE, json!({}));
    assert_eq!(farm.market.outcome(on), Outcome::Complete(Value::Null));
    assert_eq!(gets_in(&farm, &access), [true, false]);
}

/// The market restarts a machine after a transfer, for this.
#[test]
fn what_is_open_with_an_earlier_key_ends_with_a_restart() {
    let (farm, access) = with_machine(Farm::new());
    let mut session = ssh(farm.folder.path(), &access, "renter");
    let host = access["address"].as_str().unwrap();
    session.arg("-n").arg(format!("{}@{host}", access["user"].as_str().unwrap()));
    let mut session = session.arg("echo; sleep 4324").stdout(Stdio::piped()).spawn().unwrap();
    session.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    set_keys(&farm, &["stranger"]);
    assert!(session.try_wait().unwrap().is_none(), "sshd and russh keep what is open");
    let restart = farm.market.add("restart", "r1", SLICE, json!({}));
    assert_eq!(farm.market.outcome(restart), Outcome::Complete(Value::Null));
    assert!(!session.wait().unwrap().success(), "it is ended");
    assert_eq!(gets_in(&farm, &access), [false, true]);
}

#[test]
fn a_machine_is_made_anew_with_its_address_and_port() {
    let (farm, before) = with_machine(Farm::new());
    let run =
        |access: &Value, who: &str, command: &str| log_in(farm.folder.path(), access, who, command);
    assert!(run(&before, "renter", "touch ~/kept; sleep 4321 >/dev/null 2>&1 &").status.success());
    let job = farm.market.add(
        "rebuild",
        "r1",
        SLICE,
        json!({ "ssh_keys": [farm.public_key("stranger")] }),
    );
    let after = access(farm.market.outcome(job));
    for name in ["address", "port", "user"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_ne!(after["host_keys"], before["host_keys"], "the old renter may know the old one");
    assert_eq!(gets_in(&farm, &after), [false, true]);
    assert!(!run(&after, "stranger", "ls ~/kept").status.success(), "what was on it is gone");
    assert_eq!(farm.servers(), 1);
    assert!(fs::read_dir(farm.path("d/gone")).unwrap().next().is_none());
    assert!(fs::read_dir(farm.path("d/new")).unwrap().next().is_none());
    let steps: Vec<_> = farm.market.job(job).steps.into_iter().map(|(step, _)| step).collect();
    assert_eq!(steps, ["accepted", "disk", "booting", "reachable", "checked"]);
}

#[test]
fn what_cannot_be_done_leaves_the_machine() {
    let (farm, access) = with_machine(Farm::new());
    let check = |kind: &str, change: Value, words: &str| {
        let outcome = farm.market.outcome(farm.market.add(kind, "r1", SLICE, change));
        let Outcome::Failed { reason, retry } = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains(words) && !retry, "{reason}");
        check_login(&farm, &access);
    };
    let keys = [farm.public_key("renter")];
    check("set-keys", json!({ "ssh_keys": [] }), "at least one key");
    check(
        "rebuild",
        json!({ "ssh_keys": keys, "user_data": "#!/bin/sh\n" }),
        "takes no templates or user data",
    );
    check("set-password", json!({ "password_hash": "$6$salt$hash" }), "no passwords");
    check("set-password", json!({ "password_hash": "root:x" }), "password_hash");
    assert_eq!(farm.servers(), 1);
}

#[test]
fn a_machine_that_is_not_there_is_not_made() {
    let mut farm = Farm::new();
    farm.start();
    for kind in ["set-keys", "rebuild"] {
        match farm.market.outcome(add(&farm, kind, &["renter"])) {
            Outcome::Failed { reason, retry: false } => {
                assert_eq!(reason, "the machine doesn't exist");
            }
            other => panic!("{other:?}"),
        }
        assert!(!farm.has_machine(), "{kind}");
    }
}

#[test]
fn a_rebuild_that_was_cut_off_keeps_the_port_and_is_removed_whole() {
    let farm = Farm::new();
    let driver = env!("CARGO_BIN_EXE_driver-process");
    let ask = |action: &str, rental: &str| {
        let keys = [farm.public_key("renter")];
        drive(driver, &farm.path("driver.toml"), &request(action, rental, &keys))
    };
    let made = ask("create", "r1");
    // Cut off when the old folder is gone and the new one is not there yet.
    let (machine, successor) = (farm.path("d/m/node32_slice_1.r1"), farm.path("d/new"));
    let cut_off = || {
        let successor = successor.join("node32_slice_1.r1");
        fs::create_dir_all(&successor).unwrap();
        fs::copy(machine.join("port"), successor.join("port")).unwrap();
        farm.signal_servers(rustix::process::Signal::KILL);
        fs::remove_dir_all(&machine).unwrap();
    };
    cut_off();
    let again = ask("rebuild", "r1");
    assert_eq!((&again["state"], &again["port"]), (&json!("running"), &made["port"]));
    cut_off();
    assert_eq!(ask("remove", "r1")["state"], "absent");
    assert!(fs::read_dir(&successor).unwrap().next().is_none(), "nothing is left");
    assert_eq!(ask("rebuild", "r1")["state"], "absent");
}

#[test]
fn whoever_loses_the_lease_leaves_the_machine() {
    for (kind, event) in [("set-keys", "accepted"), ("rebuild", "booting"), ("rebuild", "complete")]
    {
        let (farm, _) = with_machine(Farm::new());
        farm.market.lock().trap = Some((event.to_owned(), Trap::GiveAway));
        let number = add(&farm, kind, &["renter"]);
        wait_for_log(&farm, "lease lost; the machine stays as it is");
        assert_eq!(farm.servers(), 1, "{kind} {event}");
        assert_eq!(farm.market.job(number).outcome, Outcome::Open, "{event}: it is another's");
    }
}

/// Asks for the stranger's key in the place of the renter's, or for a password.
fn add_change(farm: &Farm, kind: &str) -> usize {
    if kind == "set-password" {
        return farm.market.add(kind, "r1", SLICE, json!({ "password_hash": PASSWORD_HASH }));
    }
    add(farm, kind, &["stranger"])
}

/// The agent is killed at an event, and started again: what was asked for is done once it is told.
#[track_caller]
fn crash_while_changing(kind: &str, events: &[(&str, When)]) {
    for (event, when) in events {
        let farm = Farm::with_leases(Duration::from_secs(3)).with_driver(&format!("{DO_IT}do_it"));
        let (mut farm, before) = with_machine(farm);
        farm.signal();
        assert!(farm.ended().success(), "{}", farm.log());
        let number = add_change(&farm, kind);
        farm.market.lock().trap = Some(((*event).to_owned(), Trap::Kill(*when)));
        farm.start();
        assert!(!farm.ended().success(), "it was killed");
        assert!(farm.market.lock().trap.is_none(), "{event} {when:?} was reached");
        farm.start();
        check_changed(&farm, before, number, kind, &format!("{event} {when:?}"));
    }
    // In the middle: with its driver, which has done nothing yet, or all.
    for done in ["true", "do_it >&2"] {
        let action = kind.replace('-', "_");
        let program = format!(
            "{DO_IT}if [ $ACTION = {action} ] && [ -e ${{0%/*}}/flag ]; then\n\
             rm ${{0%/*}}/flag; {done}; kill -9 $PPID; exit 1\nfi\ndo_it"
        );
        let farm = Farm::with_leases(Duration::from_secs(3)).with_driver(&program);
        let (mut farm, before) = with_machine(farm);
        fs::write(farm.path("flag"), "").unwrap();
        let number = add_change(&farm, kind);
        assert!(!farm.ended().success(), "it was killed");
        farm.start();
        check_changed(&farm, before, number, kind, done);
    }
}

#[track_caller]
fn check_changed(farm: &Farm, before: Value, number: usize, kind: &str, when: &str) {
    let outcome = farm.market.outcome(number);
    let now = if kind == "rebuild" {
        let now = access(outcome);
        assert_eq!(now["port"], before["port"], "{when}");
        now
    } else {
        assert_eq!(outcome, Outcome::Complete(Value::Null), "{when}");
        before
    };
    assert_eq!(farm.servers(), 1, "{kind} {when}");
    if kind == "set-password" {
        assert_eq!(gets_in(farm, &now), [true, false], "{kind} {when}");
        check_password(farm, when);
    } else {
        assert_eq!(gets_in(farm, &now), [false, true], "{kind} {when}");
    }
}

/// The driver was given the password, and the agent keeps nothing of it.
#[track_caller]
fn check_password(farm: &Farm, when: &str) {
    let asked = fs::read_to_string(farm.path("passwords")).unwrap();
    assert!(asked.lines().all(|request| request.contains(PASSWORD_HASH)), "{when}: {asked}");
    // The market hears of the end before the journal forgets the job.
    wait_for_empty(&farm.path("agent/journal"));
    for folder in ["agent", "agent/journal", "agent/aside", "agent/logs"] {
        let files = fs::read_dir(farm.path(folder)).into_iter().flatten().flatten();
        for file in files.filter(|file| file.path().is_file()) {
            let text = fs::read(file.path()).unwrap();
            let text = String::from_utf8_lossy(&text);
            assert!(!text.contains(PASSWORD_HASH), "{when}: {}", file.path().display());
        }
    }
    assert!(!farm.log().contains(PASSWORD_HASH), "{when}: {}", farm.log());
}

#[track_caller]
fn wait_for_empty(folder: &Path) {
    let end = Instant::now() + LIMIT;
    while fs::read_dir(folder).unwrap().next().is_some() {
        assert!(Instant::now() < end, "{} is not empty", folder.display());
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn killed_while_changing_keys_the_new_ones_get_in() {
    crash_while_changing("set-keys", &CHANGE_EVENTS);
}

#[test]
fn killed_while_setting_a_password_it_is_set_and_forgotten() {
    crash_while_changing("set-password", &CHANGE_EVENTS);
}

#[test]
fn killed_while_rebuilding_there_is_one_machine() {
    crash_while_changing("rebuild", &CHANGE_EVENTS);
    crash_while_changing("rebuild", &REBUILD_EVENTS);
}
