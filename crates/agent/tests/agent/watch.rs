//! The agent looks at its machines and reports them, and starts what should run when it looks
//! first.

use std::fs;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::lease::wait_for_log;
use crate::login::{access, check_login};
use crate::market::{Outcome, Trap};
use crate::setup::{Farm, SLICE, log_in};

const RUNS: Option<(&str, Option<bool>)> = Some(("running", Some(true)));
const IS_MUTE: Option<(&str, Option<bool>)> = Some(("running", Some(false)));
const IS_OFF: Option<(&str, Option<bool>)> = Some(("off", None));

/// A farm whose machine runs, is expected to, and was seen.
fn with_machine(mut farm: Farm) -> (Farm, Value) {
    farm.start();
    let number = farm.create("r1");
    let access = access(farm.market.outcome(number));
    farm.market.expect("r1", SLICE, true);
    farm.market.wait_for("r1", RUNS);
    (farm, access)
}

/// The driver does something else once the file `flag` is there.
fn once_flagged(program: &str) -> String {
    format!(
        "if [ -e ${{0%/*}}/flag ] && [ $ACTION = status ]; then\n{program}\nelse\n\
         echo \"$REQUEST\" | $DRIVER\nfi"
    )
}

#[test]
fn a_machine_that_ends_is_reported_and_left_to_the_market() {
    let plain = "echo \"$REQUEST\" | $DRIVER";
    let (farm, _) = with_machine(Farm::new().with_driver(plain));
    // It is there, and says nothing.
    farm.signal_servers(Signal::STOP);
    farm.market.wait_for("r1", IS_MUTE);
    farm.signal_servers(Signal::CONT);
    farm.market.wait_for("r1", RUNS);
    farm.signal_servers(Signal::KILL);
    farm.market.wait_for("r1", IS_OFF);
    farm.market.wait_for_round();
    farm.market.wait_for("r1", IS_OFF);
    assert!(!farm.actions().contains(&"start".to_owned()), "the market decides");
    let removed = farm.remove("r1");
    farm.market.outcome(removed);
    farm.market.wait_for("r1", Some(("absent", None)));
}

#[test]
fn a_machine_that_was_just_created_is_reported_at_once() {
    let mut farm = Farm::new();
    farm.market.lock().report_seconds = 300;
    farm.start();
    farm.market.wait("the first report", |market| !market.reports.is_empty());
    farm.create("r1");
    farm.market.expect("r1", SLICE, true);
    farm.market.wait_for("r1", RUNS);
}

#[test]
fn a_machine_with_another_host_key_does_not_answer_as_its_own() {
    // The driver tells the renter's public key as the machine's.
    let lie = "KEY=$(cut -d' ' -f1,2 ${0%/*}/renter.pub)\n\
               echo \"$REQUEST\" | $DRIVER | sed \"s|\\\"ssh-ed25519 [^\\\"]*\\\"|\\\"$KEY\\\"|\"";
    let (farm, _) = with_machine(Farm::new().with_driver(&once_flagged(lie)));
    fs::write(farm.path("flag"), "").unwrap();
    farm.market.wait_for("r1", IS_MUTE);
    assert!(farm.log().contains("the machine has a different host key"), "{}", farm.log());
    fs::remove_file(farm.path("flag")).unwrap();
    farm.market.wait_for("r1", RUNS);
}

#[test]
fn what_cannot_be_told_is_left_out() {
    let check = |program: &str| {
        let farm = Farm::new().with_driver(&once_flagged(program));
        let (farm, _) = with_machine(farm.with_settings("status_seconds = 5\n"));
        fs::write(farm.path("flag"), "").unwrap();
        farm.market.wait_for("r1", None);
        fs::remove_file(farm.path("flag")).unwrap();
        farm.market.wait_for("r1", RUNS);
        assert!(farm.log().contains("(rental r1): unknown: "), "{program}: {}", farm.log());
    };
    let option = "echo '{\"ok\":true,\"state\":\"running\",\"address\":\"-oa\",\"port\":1,\
                  \"user\":\"u\",\"host_keys\":[]}'";
    let programs = ["echo '{\"ok\":false,\"error\":\"no\",\"retry\":true}'", option, "sleep 4321"];
    thread::scope(|scope| {
        for program in programs {
            scope.spawn(move || check(program));
        }
    });
}

#[test]
fn what_a_job_has_changed_is_not_told_as_it_was_before() {
    // A look that takes long: it has its answer before the job, and is over after it.
    let slow = "ANSWER=$(echo \"$REQUEST\" | $DRIVER); touch ${0%/*}/looking\n\
                while [ -e ${0%/*}/flag ]; do sleep 0.05; done; echo \"$ANSWER\"";
    let (farm, _) = with_machine(Farm::new().with_driver(&once_flagged(slow)));
    fs::write(farm.path("flag"), "").unwrap();
    farm.market.wait("a look", |_| farm.path("looking").exists());
    let number = farm.market.add("shutdown", "r1", SLICE, json!({}));
    assert_eq!(farm.market.outcome(number), Outcome::Complete(Value::Null));
    let before = farm.market.lock().reports.len();
    fs::remove_file(farm.path("flag")).unwrap();
    farm.market.wait_for("r1", IS_OFF);
    let market = farm.market.lock();
    let later = market.reports[before..].iter().flatten();
    let states: Vec<_> = later.map(|machine| machine["state"].as_str().unwrap()).collect();
    assert!(!states.contains(&"running"), "{states:?}");
}

#[test]
fn after_the_servers_own_end_everything_that_should_run_does() {
    let (mut farm, access) = with_machine(Farm::new());
    farm.kill();
    farm.signal_servers(Signal::KILL);
    farm.start();
    farm.market.wait_for("r1", RUNS);
    assert_eq!(farm.servers(), 1);
    check_login(&farm, &access);
    assert!(farm.log().contains("off, and should run; starting it"), "{}", farm.log());
}

#[test]
fn what_should_be_off_stays_off() {
    let (mut farm, _) = with_machine(Farm::new());
    farm.market.expect("r1", SLICE, false);
    farm.kill();
    farm.signal_servers(Signal::KILL);
    farm.start();
    farm.market.wait_for_round();
    farm.market.wait_for("r1", IS_OFF);
    // It was seen off: what the market wants of it from now on comes as a job.
    farm.market.expect("r1", SLICE, true);
    farm.market.wait_for_round();
    farm.market.wait_for("r1", IS_OFF);
    assert_eq!(farm.servers(), 0);
}

#[test]
fn a_start_that_fails_at_first_is_tried_again() {
    let program = "if [ $ACTION = start ] && [ ! -e ${0%/*}/tried ]; then\n\
                   touch ${0%/*}/tried\n\
                   echo '{\"ok\":false,\"error\":\"not yet\",\"retry\":true}'\nelse\n\
                   echo \"$REQUEST\" | $DRIVER\nfi";
    let (mut farm, _) = with_machine(Farm::new().with_driver(program));
    farm.kill();
    farm.signal_servers(Signal::KILL);
    farm.start();
    wait_for_log(&farm, "can't be started: not yet");
    farm.market.wait_for("r1", RUNS);
    assert_eq!(farm.actions().iter().filter(|action| *action == "start").count(), 2);
}

#[test]
fn a_market_that_was_away_hears_of_machines_again() {
    let (farm, _) = with_machine(Farm::new());
    let away = Trap::Away(Duration::from_secs(4));
    farm.market.lock().trap = Some(("machines".to_owned(), away));
    wait_for_log(&farm, "agent: can't report machines: 503");
    farm.signal_servers(Signal::KILL);
    farm.market.wait_for("r1", IS_OFF);
    wait_for_log(&farm, "agent: machines are reported again");
    assert_eq!(farm.log().matches("can't report machines").count(), 1, "{}", farm.log());
}

#[test]
fn any_number_of_machines_is_reported() {
    let absent = "case $ACTION in status) echo '{\"ok\":true,\"state\":\"absent\"}';; esac";
    let mut farm = Farm::new().with_driver(absent);
    for number in 0..401 {
        farm.market.expect("r1", &format!("node1_slice_{number}"), true);
    }
    // What is no id is nobody's machine.
    farm.market.expect("../r1", "node1_slice_401", true);
    farm.start();
    farm.market.wait("a report in two parts", |market| {
        let sizes: Vec<_> = market.reports.iter().map(Vec::len).collect();
        sizes.ends_with(&[400, 1])
    });
    farm.signal();
    assert!(farm.ended().success(), "{}", farm.log());
}

#[test]
fn what_can_be_done_with_a_machine_is_reported() {
    // A driver of an earlier version does not say it.
    let plain = "echo \"$REQUEST\" | $DRIVER | sed 's/,\"can\":[^]]*]//'";
    let can = |farm: Farm| {
        let (farm, _) = with_machine(farm);
        farm.market.capabilities("r1")
    };
    let all = ["power", "set-keys", "rebuild", "set-ports"].map(str::to_owned);
    assert_eq!(can(Farm::new()), Some(all.to_vec()));
    assert_eq!(can(Farm::new().with_driver(plain)), None);
}

#[test]
fn what_a_machine_uses_is_reported() {
    let (farm, access) = with_machine(Farm::new());
    let used = |name: &str| farm.market.used("r1", name);
    farm.market.wait_for_round();
    assert!(used("memory_bytes") > Some(100_000), "{:?}", used("memory_bytes"));
    assert_eq!(used("network_in_bytes"), None, "its network is the server's");
    assert!(used("cpu_percent").is_some());
    let before = used("disk_bytes");
    let write = "head -c 10000000 /dev/urandom > file";
    let written = log_in(farm.folder.path(), &access, "renter", write);
    assert!(written.status.success(), "{written:?}");
    farm.market.wait_for_round();
    assert!(used("disk_bytes") >= before.map(|bytes| bytes + 10_000_000), "{before:?}");
    // One that is off uses nothing that is known.
    farm.signal_servers(Signal::KILL);
    farm.market.wait_for("r1", IS_OFF);
    assert_eq!(used("memory_bytes"), None);
}

#[test]
fn what_went_through_a_machines_network_is_reported() {
    let network = "\"network_in_bytes\":3000000000,\"network_out_bytes\":7";
    let program = format!("echo \"$REQUEST\" | $DRIVER | sed 's/\"usage\":{{/&{network},/'");
    let (farm, _) = with_machine(Farm::new().with_driver(&program));
    assert_eq!(farm.market.used("r1", "network_in_bytes"), Some(3_000_000_000));
    assert_eq!(farm.market.used("r1", "network_out_bytes"), Some(7));
}

#[test]
fn how_full_the_disk_is_that_machines_are_on_is_reported_without_any_machine() {
    let disk = r#"{"bytes":2000,"free_bytes":7,"growth_bytes":9000}"#;
    let program = format!(
        "if [ $ACTION = disk ]; then\n\
         if [ -e ${{0%/*}}/flag ]; then echo '{{\"ok\":false,\"error\":\"gone\",\"retry\":true}}'\n\
         else echo '{{\"ok\":true,\"disk\":{disk}}}'; fi\n\
         else echo \"$REQUEST\" | $DRIVER; fi"
    );
    let mut farm = Farm::new().with_driver(&program);
    farm.start();
    let disk: Value = serde_json::from_str(disk).unwrap();
    farm.market.wait("the disk", |market| market.disk == disk);
    fs::write(farm.path("flag"), "").unwrap();
    farm.market.wait("nothing of it", |market| market.disk.is_null());
    fs::remove_file(farm.path("flag")).unwrap();
    farm.market.wait("the disk", |market| market.disk == disk);
    assert_eq!(farm.log().matches("how full its disk is: gone").count(), 1, "{}", farm.log());
}

#[test]
fn a_driver_that_never_tells_how_full_its_disk_is_is_asked_once() {
    let mut farm = Farm::new().with_driver("echo \"$REQUEST\" | $DRIVER");
    farm.start();
    farm.market.wait("a report", |market| !market.reports.is_empty());
    farm.market.wait_for_round();
    assert!(farm.market.lock().disk.is_null());
    assert_eq!(fs::read_to_string(farm.path("actions")).unwrap(), "disk\n");
}
