//! The agent is asked to stop.

use crate::login::{access, check_login};
use crate::market::Outcome;
use crate::setup::Farm;

/// `driver-process`, after a pause.
const SLOW: &str = "if [ $ACTION = create ]; then echo 'step: disk' >&2; sleep 2; fi\n\
                    echo \"$REQUEST\" | $DRIVER";

#[test]
fn a_running_job_is_finished() {
    let mut farm = Farm::new().with_driver(SLOW);
    let number = farm.create("r1");
    farm.start();
    farm.market.wait("the disk", |market| market.jobs[number].steps.len() == 2);
    farm.signal();
    assert!(farm.ended().success());
    let access = access(farm.market.outcome(number));
    check_login(&farm, &access);
    assert!(
        farm.log().contains("stopping; running jobs have 30 seconds to finish"),
        "{}",
        farm.log()
    );
}

#[test]
fn a_job_that_takes_too_long_is_given_back() {
    let slow = SLOW.replace("sleep 2", "sleep 600");
    let mut farm = Farm::new().with_driver(&slow).with_settings("stop_grace_seconds = 0\n");
    let number = farm.create("r1");
    farm.start();
    farm.market.wait("the disk", |market| market.jobs[number].steps.len() == 2);
    farm.signal();
    assert!(farm.ended().success(), "{}", farm.log());
    let reason = "the agent is stopping".to_owned();
    assert_eq!(farm.market.outcome(number), Outcome::Failed { reason, retry: true });
    assert_eq!(farm.actions(), ["create", "remove"]);
    assert!(!farm.has_machine());
}

#[test]
fn a_second_signal_leaves_the_rest_to_the_journal() {
    let mut farm = Farm::new().with_driver(SLOW);
    let number = farm.create("r1");
    farm.start();
    farm.market.wait("the disk", |market| market.jobs[number].steps.len() == 2);
    farm.signal();
    std::thread::sleep(std::time::Duration::from_millis(200));
    farm.signal();
    assert_eq!(farm.ended().code(), Some(130));
    farm.start();
    let access = access(farm.market.outcome(number));
    check_login(&farm, &access);
    assert_eq!(farm.servers(), 1);
}
