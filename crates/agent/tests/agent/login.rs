//! From a job to a login, and to its end.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::market::{Market, Outcome, TOKEN};
use crate::setup::{Farm, SLICE};

#[track_caller]
pub(crate) fn access(outcome: Outcome) -> Value {
    match outcome {
        Outcome::Complete(access) => access,
        Outcome::Open | Outcome::Failed { .. } => panic!("{outcome:?}"),
    }
}

/// The renter gets in and has one processor, somebody else does not.
#[track_caller]
pub(crate) fn check_login(farm: &Farm, access: &Value) {
    let renter = farm.log_in(access, "renter");
    assert_eq!(String::from_utf8_lossy(&renter.stdout), "1\n", "{renter:?}");
    let stranger = farm.log_in(access, "stranger");
    assert!(!stranger.status.success(), "another key gets in");
    let said = String::from_utf8_lossy(&stranger.stderr).into_owned();
    assert!(said.contains("Permission denied (publickey)"), "{said}");
}

#[test]
fn a_renter_logs_in_and_at_the_end_nobody_does() {
    let mut farm = Farm::new();
    farm.start();
    let made = farm.create("r1");
    let access = access(farm.market.outcome(made));
    check_login(&farm, &access);
    let login_at = Instant::now();
    print_times(&farm.market, made, login_at);
    let job = farm.market.job(made);
    let steps: Vec<_> = job.steps.iter().map(|(step, _)| step.as_str()).collect();
    assert_eq!(steps, ["accepted", "disk", "booting", "reachable", "checked"]);
    assert_eq!(farm.servers(), 1);

    let removed = farm.remove("r1");
    assert_eq!(farm.market.outcome(removed), Outcome::Complete(Value::Null));
    assert!(!farm.log_in(&access, "renter").status.success(), "it is closed");
    assert!(!farm.has_machine());
    // Removing what is not there is fine, too.
    let again = farm.remove("r1");
    assert_eq!(farm.market.outcome(again), Outcome::Complete(Value::Null));
}

#[expect(clippy::print_stdout, reason = "how long it took is for whoever runs the tests")]
fn print_times(market: &Market, number: usize, login_at: Instant) {
    let job = market.job(number);
    let leased_at = job.leased_at.unwrap();
    let steps = job.steps.iter();
    let steps: Vec<_> =
        steps.map(|(step, at)| format!("{step} {} ms", (*at - leased_at).as_millis())).collect();
    let login = (login_at - leased_at).as_millis();
    println!("driver-process, from lease: {}, both logins {login} ms", steps.join(", "));
}

#[test]
fn several_machines_are_made_at_a_time() {
    let mut farm = Farm::new().with_settings("jobs = 3\n");
    farm.start();
    let keys = json!({"ssh_keys": [farm.public_key("renter")]});
    let add = |slice: &str| farm.market.add("create", "r1", slice, keys.clone());
    let numbers = ["node32_slice_1", "node32_slice_2", "node32_slice_3"].map(add);
    let ports = numbers.map(|number| access(farm.market.outcome(number))["port"].clone());
    assert!(ports[0] != ports[1] && ports[1] != ports[2] && ports[0] != ports[2], "{ports:?}");
    assert_eq!(farm.servers(), 3);
}

#[test]
fn a_slice_never_has_two_machines() {
    let mut farm = Farm::new();
    farm.start();
    let first = farm.create("r1");
    let access = access(farm.market.outcome(first));
    let second = farm.create("r2");
    match farm.market.outcome(second) {
        Outcome::Failed { reason, retry: true } => {
            assert!(reason.contains("the slice still has the machine"), "{reason}");
        }
        other => panic!("{other:?}"),
    }
    check_login(&farm, &access);
    assert_eq!(farm.servers(), 1);
}

#[test]
fn what_cannot_be_done_is_said_and_not_tried_again() {
    let mut farm = Farm::new();
    farm.start();
    let check = |change: Value, words: &str| {
        let number = farm.market.add("create", "r1", SLICE, change);
        match farm.market.outcome(number) {
            Outcome::Failed { reason, retry: false } => {
                assert!(reason.contains(words), "{reason}");
            }
            other => panic!("{other:?}"),
        }
        assert!(!farm.has_machine());
    };
    let key = farm.public_key("renter");
    check(json!({}), "at least one key is required");
    check(json!({"ssh_keys": ["command=\"id\" ssh-rsa AAAA"]}), "not a public key");
    check(json!({"ssh_keys": [key], "rental_id": "../../x"}), "rental_id");
    check(
        json!({"ssh_keys": [key], "user_data": "#cloud-config\n"}),
        "takes no templates or user data",
    );
    let template = json!({"name": "docker", "version": 1});
    check(json!({"ssh_keys": [key], "template": template}), "has no document");
}

#[test]
fn a_token_goes_to_nobody_without_tls() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let mut agent = std::process::Command::new(env!("CARGO_BIN_EXE_mycelium-agent"))
        .env("MYCELIUM_SERVER", format!("https://127.0.0.1:{port}"))
        .env("MYCELIUM_TOKEN", TOKEN)
        .env("MYCELIUM_AGENT", "rack-7")
        .env("MYCELIUM_DRIVER", "/bin/true")
        .env("MYCELIUM_STATE_FOLDER", folder.path())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut said = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut said);
    agent.kill().unwrap();
    agent.wait().unwrap();
    // 22 is a handshake of TLS (RFC 8446, section 5.1).
    assert_eq!(said.first(), Some(&22));
    assert!(!said.windows(TOKEN.len()).any(|bytes| bytes == TOKEN.as_bytes()));
}

#[test]
fn an_unknown_token_is_tried_again_with_pauses() {
    let mut farm = Farm::new().with_token("another");
    let number = farm.create("r1");
    farm.start();
    let started_at = Instant::now();
    farm.market.wait("three tries", |market| market.refusals.len() >= 3);
    // A pause is at least half of one second, then of two.
    assert!(started_at.elapsed() >= Duration::from_millis(1500));
    assert!(farm.log().contains("401 sign-in-first"), "{}", farm.log());
    assert_eq!(farm.market.job(number).fence, 0, "no job is given away");
    farm.signal();
    assert!(farm.ended().success());
}

#[test]
fn a_configuration_that_contradicts_itself_is_refused() {
    let mut farm = Farm::new().with_settings("token_file = '/nowhere'\n");
    farm.start();
    assert!(!farm.ended().success());
    assert!(farm.log().contains("there is a token_file, too"), "{}", farm.log());
}
