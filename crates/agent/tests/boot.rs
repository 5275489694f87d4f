//! A real machine of the slice's size: Debian boots under QEMU, a renter logs in, and nobody else.
//! `cargo xtask boot` makes the image and runs this; it takes minutes where there is no KVM.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on may panic")]
#![allow(dead_code, reason = "the modules are shared with the agent's other tests")]

#[path = "agent/market.rs"]
mod market;
#[path = "agent/setup.rs"]
mod setup;

use std::env;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Signal, geteuid, kill_process};
use serde_json::{Value, json};

use crate::market::Outcome;
use crate::setup::{Farm, SLICE, drive, linux_settings, log_in, processes_with, request};

const DRIVER: &str = env!("CARGO_BIN_EXE_driver-linux");

/// How long it may take in software, on a machine with other things to do.
const BOOT_LIMIT: Duration = Duration::from_mins(15);

/// What the renter wants the machine to start with, with a key of its own.
fn user_data(key: &str) -> String {
    format!(
        "#cloud-config\nssh_pwauth: true\nssh_authorized_keys:\n- {key}\nwrite_files:\n\
         - path: /etc/from-the-renter\n  content: it works\n"
    )
}

/// What a command says in the machine, as the renter.
#[track_caller]
fn ask(farm: &Farm, access: &Value, command: &str) -> String {
    let said = log_in(farm.folder.path(), access, "renter", command);
    assert!(said.status.success(), "{command}: {said:?}");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

/// One processor is shown by `nproc`; memory is less than 4 GiB by what the kernel keeps.
fn check_size(farm: &Farm, access: &Value) {
    let kib = ask(farm, access, "awk '/^MemTotal/ { print $2 }' /proc/meminfo");
    let kib: u64 = kib.parse().unwrap();
    assert!((3_800_000..=4_194_304).contains(&kib), "{kib} KiB of memory");
    let bytes = ask(farm, access, "cat /sys/block/vda/size");
    assert_eq!(bytes.parse::<u64>().unwrap() * 512, 200 << 30, "the disk, in bytes");
}

/// Waits until the newest report says so of the machine.
#[track_caller]
fn wait_for_state(farm: &Farm, state: &str, ssh: Option<bool>) {
    let end = Instant::now() + BOOT_LIMIT;
    while farm.market.sighting("r1") != Some((state.to_owned(), ssh)) {
        assert!(Instant::now() < end, "{state}, SSH {ssh:?}: {}", farm.log());
        thread::sleep(Duration::from_millis(100));
    }
}

/// The driver's logs of an action.
fn driver_log(farm: &Farm, action: &str) -> String {
    let logs = fs::read_dir(farm.path("agent/logs")).unwrap().flatten().map(|log| log.path());
    let ends = format!(".{action}.log");
    let logs = logs.filter(|log| log.to_string_lossy().ends_with(&ends));
    logs.map(|log| fs::read_to_string(log).unwrap()).collect()
}

/// Has the machine switched by a job.
#[track_caller]
fn switch(farm: &Farm, kind: &str) {
    let number = farm.market.add(kind, "r1", SLICE, json!({}));
    assert_eq!(farm.market.outcome(number), Outcome::Complete(Value::Null), "{kind}");
}

/// The machine is powered off inside, started, shut down, started again by the agent after the
/// server's end, and restarted: it is the same one each time.
#[expect(clippy::print_stdout, reason = "how long it took is what this is run for")]
fn check_power(farm: &mut Farm, access: &Value) {
    farm.market.expect("r1", SLICE, true);
    wait_for_state(farm, "running", Some(true));
    ask(farm, access, "echo kept > /root/kept && sync");
    let before = Instant::now();
    // The connection may be closed before the command has ended.
    log_in(farm.folder.path(), access, "renter", "systemctl poweroff");
    wait_for_state(farm, "off", None);
    println!("powered off inside, seen after {:.1?}", before.elapsed());
    let before = Instant::now();
    switch(farm, "start");
    wait_for_state(farm, "running", Some(true));
    println!("started, answers after {:.1?}", before.elapsed());
    assert_eq!(ask(farm, access, "cat /root/kept"), "kept");

    let before = Instant::now();
    switch(farm, "shutdown");
    println!("shut down after {:.1?}", before.elapsed());
    wait_for_state(farm, "off", None);
    let log = driver_log(farm, "shutdown");
    assert!(!log.contains("shutdown took too long"), "{log}");

    // The agent's end, and its next start.
    farm.kill();
    farm.start();
    wait_for_state(farm, "running", Some(true));
    assert_eq!(ask(farm, access, "cat /root/kept"), "kept");

    for kind in ["restart", "reset"] {
        let boot_id = "cat /proc/sys/kernel/random/boot_id";
        let before = ask(farm, access, boot_id);
        switch(farm, kind);
        let end = Instant::now() + BOOT_LIMIT;
        while !farm.log_in(access, "renter").status.success() {
            assert!(Instant::now() < end, "{kind}: {}", farm.log());
        }
        assert_ne!(ask(farm, access, boot_id), before, "{kind}");
    }
}

/// A web server in the machine, which starts with it.
const WEB: &str = "mkdir -p /srv/web && echo 'it is the web' > /srv/web/index.html && \
    printf '[Service]\nExecStart=/usr/bin/python3 -m http.server 80 --directory /srv/web\n\
    [Install]\nWantedBy=multi-user.target\n' > /etc/systemd/system/web.service && \
    systemctl enable --now web.service";

/// What a web server says at a port of this server.
fn browse(port: u16) -> Option<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    Some(said)
}

#[track_caller]
fn wait_for_web(farm: &Farm, port: u16) {
    let end = Instant::now() + BOOT_LIMIT;
    while !browse(port).is_some_and(|said| said.contains("it is the web")) {
        assert!(Instant::now() < end, "port {port}: {:?}\n{}", browse(port), farm.log());
        thread::sleep(Duration::from_secs(1));
    }
}

/// Has other ports of the machine opened, and answers the public one of the first.
#[track_caller]
fn set_ports(farm: &Farm, ports: Value) -> Option<u16> {
    let number = farm.market.add("set-ports", "r1", SLICE, json!({ "ports": ports }));
    assert_eq!(farm.market.outcome(number), Outcome::Complete(Value::Null));
    let found = drive(DRIVER, &farm.path("linux.toml"), &request("status", "r1", &[]));
    found["ports"][0]["public_port"].as_u64().map(|port| port.try_into().unwrap())
}

/// A port of the machine is reached from outside: from the start, opened anew while it runs, and
/// after the server's end.
#[expect(clippy::print_stdout, reason = "how long it took is what this is run for")]
fn check_ports(farm: &mut Farm, access: &Value) {
    let port = access["ports"][0]["public_port"].as_u64().unwrap();
    let port = u16::try_from(port).unwrap();
    ask(farm, access, WEB);
    wait_for_web(farm, port);
    set_ports(farm, json!([]));
    assert_eq!(browse(port), None);
    let port = set_ports(farm, json!([{"protocol": "tcp", "port": 80}])).unwrap();
    wait_for_web(farm, port);

    // The server's power fails, and it starts again.
    farm.market.expect("r1", SLICE, true);
    farm.kill();
    let disk = farm.path("d/m").display().to_string();
    for pid in processes_with(&disk) {
        kill_process(pid, Signal::KILL).unwrap();
    }
    let before = Instant::now();
    farm.start();
    wait_for_state(farm, "running", Some(true));
    println!("after the server's start, answers after {:.1?}", before.elapsed());
    wait_for_web(farm, port);
}

/// The machine gets out, but not to this server: what the driver sets as root, and only then.
fn check_network(farm: &Farm, access: &Value) {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let service = listener.local_addr().unwrap().port();
    let own_port = access["port"].as_u64().unwrap();
    // What QEMU's network calls the server; and where it asks for names.
    let hosts = ["10.0.2.2", "10.0.2.3"];
    let is_open = |host: &str, port: u64| {
        let line = format!(
            "timeout 20 bash -c 'exec 3<>/dev/tcp/{host}/{port}' 2> /dev/null && echo open || \
             echo closed"
        );
        ask(farm, access, &line) == "open"
    };
    let is_separated = geteuid().is_root();
    assert_eq!(is_open(hosts[0], service.into()), !is_separated, "loopback");
    assert_eq!(is_open(hosts[0], own_port), !is_separated, "a port of a machine");
    assert!(!is_separated || !is_open(hosts[1], 22), "more than names");
}

#[test]
#[expect(clippy::print_stdout, reason = "how long it took is what this is run for")]
fn a_renter_logs_in_to_a_machine_that_really_boots() {
    let image = PathBuf::from(env::var_os("MYCELIUM_IMAGE").expect("`cargo xtask boot` sets it"));
    let file = |name: &str| image.join(name).display().to_string();
    let mut farm = Farm::new();
    setup::make_key(&farm.path("partner"));
    let config = farm.path("linux.toml");
    // In software, on a busy server, a clock may look broken to a kernel that checks it.
    let text = format!(
        "{}image = '{}'\nkernel = '{}'\ninitrd = '{}'\n\
         kernel_arguments = 'root=/dev/vda rw console=ttyS0 no_timer_check'\nfree_disk_gib = 1\n",
        linux_settings(farm.folder.path()),
        file("debian.qcow2"),
        file("vmlinuz"),
        file("initrd.img"),
    );
    fs::write(&config, text).unwrap();
    farm = farm
        .with_driver(&format!("printf %s \"$REQUEST\" | {DRIVER} {}", config.display()))
        .with_settings("ready_seconds = 900\n");
    let number = farm.market.add(
        "create",
        "r1",
        SLICE,
        json!({
            "ssh_keys": [farm.public_key("renter")],
            "user_data": user_data(&farm.public_key("partner")),
            "ports": [{"protocol": "tcp", "port": 80}],
        }),
    );
    farm.start();
    let end = Instant::now() + BOOT_LIMIT;
    while farm.market.job(number).outcome == Outcome::Open {
        assert!(Instant::now() < end, "{:#?}\n{}", farm.market.job(number), farm.log());
        thread::sleep(Duration::from_millis(100));
    }
    let Outcome::Complete(access) = farm.market.outcome(number) else {
        panic!("{:?}", farm.market.outcome(number));
    };
    let renter = farm.log_in(&access, "renter");
    let login_at = Instant::now();
    assert_eq!(String::from_utf8_lossy(&renter.stdout), "1\n", "{renter:?}");
    let partner = farm.log_in(&access, "partner");
    assert_eq!(String::from_utf8_lossy(&partner.stdout), "1\n", "{partner:?}");
    let stranger = farm.log_in(&access, "stranger");
    let said = String::from_utf8_lossy(&stranger.stderr).into_owned();
    assert!(said.contains("Permission denied (publickey)"), "{said}");
    let job = farm.market.job(number);
    let leased_at = job.leased_at.unwrap();
    for (step, at) in &job.steps {
        println!("{step:>10} after {:.1?}", *at - leased_at);
    }
    println!("{:>10} after {:.1?}", "login", login_at - leased_at);
    check_size(&farm, &access);
    let waited = ask(&farm, &access, "cloud-init status --wait; cat /etc/from-the-renter");
    assert!(waited.ends_with("it works"), "{waited}");
    println!("{:>10} after {:.1?}", "cloud-init", leased_at.elapsed());
    check_network(&farm, &access);
    check_power(&mut farm, &access);
    check_ports(&mut farm, &access);
    let removed = farm.remove("r1");
    assert!(matches!(farm.market.outcome(removed), Outcome::Complete(_)));
    assert!(!farm.log_in(&access, "renter").status.success(), "it is closed");
    assert!(!farm.has_machine());
}
