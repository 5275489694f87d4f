//! The lease is lost in the middle.

use std::fs;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::login::{access, check_login};
use crate::market::{LIMIT, Outcome, Trap};
use crate::setup::{Farm, drive, request};

#[track_caller]
pub(crate) fn wait_for_log(farm: &Farm, words: &str) {
    let end = Instant::now() + LIMIT;
    while !farm.log().contains(words) {
        assert!(Instant::now() < end, "{words}\n{}", farm.log());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn whoever_loses_the_lease_removes_what_was_made() {
    for event in ["disk", "booting", "reachable", "checked", "complete"] {
        let mut farm = Farm::new();
        let number = farm.create("r1");
        farm.market.lock().trap = Some((event.to_owned(), Trap::GiveAway));
        farm.start();
        wait_for_log(&farm, "nothing is left on this farm");
        assert!(!farm.has_machine(), "{event}");
        let job = farm.market.job(number);
        assert_eq!((job.outcome, job.fence), (Outcome::Open, 2), "{event}: it is another's");
    }
}

#[test]
fn the_same_job_again_after_an_absence_ends_with_one_machine() {
    for event in ["disk", "reachable", "complete"] {
        let mut farm = Farm::with_leases(Duration::from_secs(2));
        let number = farm.create("r1");
        let away = Trap::Away(Duration::from_secs(4));
        farm.market.lock().trap = Some((event.to_owned(), away));
        farm.start();
        let access = access(farm.market.outcome(number));
        check_login(&farm, &access);
        assert_eq!(farm.servers(), 1, "{event}");
    }
}

#[test]
fn an_older_attempt_is_over_before_the_newer_one_begins() {
    let mut farm = Farm::new();
    let number = farm.create("r1");
    // An agent was killed when it had made the machine, and again when it had the job anew.
    let process = env!("CARGO_BIN_EXE_driver-process");
    let keys = [farm.public_key("renter")];
    let made = drive(process, &farm.path("driver.toml"), &request("create", "r1", &keys));
    let mut job = farm.market.job(number).document;
    farm.market.lock().jobs[number].fence = 10;
    fs::create_dir_all(farm.path("agent/journal")).unwrap();
    for (fence, phase) in [(10, json!("leased")), (9, json!({"created": made}))] {
        job["fence"] = fence.into();
        let record = json!({"job": job, "phase": phase, "step": "accepted"});
        let path = farm.path(&format!("agent/journal/job-0.{fence}.json"));
        fs::write(path, record.to_string()).unwrap();
    }
    farm.start();
    let access = access(farm.market.outcome(number));
    assert!(farm.log().contains("nothing is left on this farm"), "{}", farm.log());
    check_login(&farm, &access);
    assert_eq!(farm.servers(), 1);
}
