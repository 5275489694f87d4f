//! What the market is told of consoles, and that the agent shows those that it has told of.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::login::access;
use crate::market::Outcome;
use crate::setup::Farm;

/// `driver-process`, whose machines have such a console.
fn with_console(url: &str) -> String {
    let answer = format!("s|\"console_url\":null|\"console_url\":\"{url}\"|");
    format!(
        "case $ACTION in console) \
         echo \"$REQUEST\" | sed 's|\"action\":\"console\"|\"action\":\"status\"|' | $DRIVER \
         | sed '{answer}';; *) echo \"$REQUEST\" | $DRIVER;; esac"
    )
}

fn console(access: &Value) -> (Option<&str>, Option<&str>) {
    (access["console_url"].as_str(), access["console_secret"].as_str())
}

/// The status of an answer.
fn status(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_serial_console_is_told_with_a_secret_that_outlives_the_agent() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("http://127.0.0.1:{port}");
    let settings = format!("[console]\nlisten = '127.0.0.1:{port}'\npublic_url = '{url}'\n");
    let mut farm = Farm::new()
        .with_driver(&with_console("unix:/nowhere/serial.sock"))
        .with_settings(&settings);
    farm.start();
    let made = access(farm.market.outcome(farm.create("r1")));
    let page = format!("{url}/console/node32_slice_1/r1");
    let (told, secret) = console(&made);
    assert_eq!(told, Some(page.as_str()));
    let secret = secret.unwrap().to_owned();
    assert!(secret.len() == 64 && secret.bytes().all(|b| b.is_ascii_hexdigit()), "{secret}");
    assert_eq!(status(port, "/console/node32_slice_1/r1"), "HTTP/1.1 403 Forbidden");
    assert_eq!(status(port, "/console/files/console.js"), "HTTP/1.1 200 OK");
    let kept = farm.path("agent/consoles/node32_slice_1.r1.json");
    assert!(fs::read_to_string(&kept).unwrap().contains(&secret));
    assert_eq!(fs::metadata(&kept).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!farm.log().contains(&secret), "a secret is never logged");

    farm.signal();
    assert!(farm.ended().success());
    farm.start();
    // The same machine once more: it is there, and so is its secret.
    let again = access(farm.market.outcome(farm.create("r1")));
    assert_eq!(console(&again).1, Some(secret.as_str()));
    let removed = farm.remove("r1");
    assert_eq!(farm.market.outcome(removed), Outcome::Complete(Value::Null));
    assert!(!kept.exists(), "it goes with the machine");
}

#[test]
fn what_others_show_is_told_as_it_is_and_what_nobody_shows_is_not() {
    let check = |url: &str, expected: Option<&str>| {
        let mut farm = Farm::new().with_driver(&with_console(url));
        farm.start();
        let made = access(farm.market.outcome(farm.create("r1")));
        assert_eq!(console(&made), (expected, None), "{url}");
    };
    check("http://10.249.2.0:20002", Some("http://10.249.2.0:20002"));
    check("https://console.example/a", Some("https://console.example/a"));
    // The market would refuse it, and the machine with it.
    check("http://console.example/a", None);
    // This agent has no part [console].
    check("unix:/nowhere/serial.sock", None);
}
