//! Further ports of machines: forwarded when a machine is made, changed while it runs, and kept.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::login::access;
use crate::market::{LIMIT, Outcome};
use crate::setup::{Farm, SLICE, drive, request};

/// A program that a session could run: it answers each connection, and tells where it listens.
fn greeter(words: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(words.as_bytes());
        }
    });
    port
}

/// The same over UDP.
fn echo() -> u16 {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    thread::spawn(move || {
        let mut buffer = [0; 100];
        loop {
            let (length, peer) = socket.recv_from(&mut buffer).unwrap();
            socket.send_to(&buffer[..length], peer).unwrap();
        }
    });
    port
}

fn hear(port: u64) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", u16::try_from(port).unwrap())).ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    Some(said)
}

/// Waits until what comes from a port is this.
#[track_caller]
fn check_says(port: u64, words: Option<&str>) {
    let end = Instant::now() + LIMIT;
    while hear(port).as_deref() != words {
        assert!(Instant::now() < end, "{words:?}, not {:?}", hear(port));
        thread::sleep(Duration::from_millis(10));
    }
}

fn tcp(port: u16) -> Value {
    json!({"protocol": "tcp", "port": port})
}

/// The public ports of an answer or an access, in order.
fn public(document: &Value) -> Vec<u64> {
    let ports = document["ports"].as_array().unwrap();
    ports.iter().map(|port| port["public_port"].as_u64().unwrap()).collect()
}

#[test]
fn ports_are_reachable_from_the_start_and_change_while_the_machine_runs() {
    let (one, two) = (greeter("one"), greeter("two"));
    let mut farm = Farm::new();
    let job = json!({ "ssh_keys": [farm.public_key("renter")], "ports": [tcp(one)] });
    let created = farm.market.add("create", "r1", SLICE, job);
    farm.start();
    let access = access(farm.market.outcome(created));
    assert_eq!(access["ports"][0]["port"], one);
    let first = public(&access)[0];
    check_says(first, Some("one"));

    let set = |ports: Value| {
        let job = farm.market.add("set-ports", "r1", SLICE, json!({ "ports": ports }));
        assert_eq!(farm.market.outcome(job), Outcome::Complete(Value::Null));
        let config = farm.path("driver.toml");
        drive(env!("CARGO_BIN_EXE_driver-process"), &config, &request("status", "r1", &[]))
    };
    // The one that stays keeps its public port, whatever comes before it.
    let ports = public(&set(json!([tcp(two), tcp(one)])));
    assert_eq!(ports[1], first);
    check_says(ports[0], Some("two"));
    check_says(first, Some("one"));
    // They are there after a restart, and end when they are not wanted any more.
    let job = farm.market.add("restart", "r1", SLICE, json!({}));
    assert_eq!(farm.market.outcome(job), Outcome::Complete(Value::Null));
    check_says(first, Some("one"));
    assert_eq!(public(&set(json!([tcp(two)]))), [ports[0]]);
    check_says(first, None);
    check_says(ports[0], Some("two"));
    // A rebuilt machine keeps them.
    let job = json!({ "ssh_keys": [farm.public_key("renter")], "ports": [tcp(two)] });
    let rebuilt = farm.market.add("rebuild", "r1", SLICE, job);
    assert_eq!(public(&self::access(farm.market.outcome(rebuilt))), [ports[0]]);
    check_says(ports[0], Some("two"));
    // With the machine they are gone.
    let removed = farm.remove("r1");
    farm.market.outcome(removed);
    check_says(ports[0], None);
}

#[test]
fn udp_is_forwarded_both_ways() {
    let echo = echo();
    let farm = Farm::new();
    let config = farm.path("driver.toml");
    let driver = env!("CARGO_BIN_EXE_driver-process");
    let mut create = request("create", "r1", &[farm.public_key("renter")]);
    create["ports"] = json!([{"protocol": "udp", "port": echo}]);
    let made = drive(driver, &config, &create);
    let port = u16::try_from(public(&made)[0]).unwrap();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let end = Instant::now() + LIMIT;
    let mut buffer = [0; 100];
    let length = loop {
        socket.send_to(b"anybody?", ("127.0.0.1", port)).unwrap();
        if let Ok(length) = socket.recv(&mut buffer) {
            break length;
        }
        assert!(Instant::now() < end, "no answer");
    };
    assert_eq!(&buffer[..length], b"anybody?");
}

#[test]
fn there_are_only_so_many_ports() {
    let farm = Farm::new();
    let config = farm.path("driver.toml");
    let driver = env!("CARGO_BIN_EXE_driver-process");
    drive(driver, &config, &request("create", "r1", &[farm.public_key("renter")]));
    let set = |ports: Vec<Value>| {
        let mut request = request("set_ports", "r1", &[]);
        request["ports"] = ports.into();
        drive(driver, &config, &request)
    };
    // The farm has three.
    assert_eq!(set((1..=3).map(tcp).collect())["ok"], true);
    let refused = set((1..=4).map(tcp).collect());
    assert_eq!(refused["error"], "all public_ports are in use");
    assert_eq!(refused["retry"], true);
    // Each machine has its own.
    let mut other = request("set_ports", "r2", &[]);
    other["ports"] = json!([tcp(1)]);
    assert_eq!(drive(driver, &config, &other), json!({"ok": true, "state": "absent"}));
}
