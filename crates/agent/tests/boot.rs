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
use std::os::unix::net::UnixStream;
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

/// A web server that starts with the machine.
const WEB: &str = "[Service]\nExecStart=/usr/bin/python3 -m http.server 80 --directory /srv/web\n\
                   [Install]\nWantedBy=multi-user.target\n";

/// A password of the console, and what it comes to by crypt(3).
const PASSWORD: &str = "correct-horse-battery";
const PASSWORD_HASH: &str = "$6$mycelium$aLWXl6iQdvFQv0JRlLYmB/\
                             opujI8vxL/GV3wAqC0PLYpLp8bwbFYUc5xpv3mA24.SasJZD10uI1ubnj.gSL6q.";

/// What the renter wants the machine to start with: a web server that says this, a key of its own,
/// and passwords for SSH, which it doesn't get.
fn user_data(key: &str, page: &str) -> String {
    let file = |path: &str, content: &str| json!({ "path": path, "content": content });
    let document = json!({
        "ssh_pwauth": true,
        "ssh_authorized_keys": [key],
        "write_files": [
            file("/srv/web/index.html", page),
            file("/etc/systemd/system/web.service", WEB),
        ],
        "runcmd": ["systemctl enable --now web.service"],
    });
    format!("#cloud-config\n{document}\n")
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

/// Waits until something holds, and says how long that took since a moment.
#[track_caller]
#[expect(clippy::print_stdout, reason = "how long it took is what this is run for")]
fn wait(farm: &Farm, what: &str, since: Instant, holds: impl Fn() -> bool) {
    let end = Instant::now() + BOOT_LIMIT;
    while !holds() {
        assert!(Instant::now() < end, "{what}: not within {BOOT_LIMIT:?}\n{}", farm.log());
        thread::sleep(Duration::from_millis(100));
    }
    println!("{what}: after {:.1?}", since.elapsed());
}

/// Waits until the newest report says so of the machine.
#[track_caller]
fn wait_for_state(farm: &Farm, what: &str, since: Instant, state: &str, ssh: Option<bool>) {
    wait(farm, what, since, || farm.market.sighting("r1") == Some((state.to_owned(), ssh)));
}

/// Waits until the machine answers as its own.
#[track_caller]
fn wait_for_answer(farm: &Farm, what: &str, since: Instant) {
    wait_for_state(farm, what, since, "running", Some(true));
}

/// Waits until the newest report says that keys and passwords can be set, or can't.
#[track_caller]
fn wait_for_guest_agent(farm: &Farm, what: &str, since: Instant, is_there: bool) {
    wait(farm, what, since, || {
        farm.market.capabilities("r1").is_some_and(|can| {
            let has = |name: &str| can.iter().any(|it| it == name);
            let others = ["power", "console", "user-data", "rebuild", "set-ports"];
            assert!(others.into_iter().all(has), "{can:?}");
            has("set-keys") == is_there && has("set-password") == is_there
        })
    });
}

/// The driver's logs of an action.
fn driver_log(farm: &Farm, action: &str) -> String {
    let logs = fs::read_dir(farm.path("agent/logs")).unwrap().flatten().map(|log| log.path());
    let ends = format!(".{action}.log");
    let logs = logs.filter(|log| log.to_string_lossy().ends_with(&ends));
    logs.map(|log| fs::read_to_string(log).unwrap()).collect()
}

/// Has the machine changed by a job.
#[track_caller]
fn change(farm: &Farm, kind: &str, change: Value) {
    let began_at = Instant::now();
    let number = farm.market.add(kind, "r1", SLICE, change);
    wait(farm, kind, began_at, || farm.market.job(number).outcome != Outcome::Open);
    assert_eq!(farm.market.outcome(number), Outcome::Complete(Value::Null), "{kind}");
}

/// Has these people's keys put in the place of those that the market has put there.
#[track_caller]
fn set_keys(farm: &Farm, people: &[&str]) {
    let keys: Vec<_> = people.iter().map(|who| farm.public_key(who)).collect();
    change(farm, "set-keys", json!({ "ssh_keys": keys }));
}

/// Checks who gets in, of those who have a key.
#[track_caller]
fn check_who_gets_in(farm: &Farm, access: &Value, expected: &[&str]) {
    for who in ["renter", "partner", "stranger"] {
        let login = farm.log_in(access, who);
        let said = String::from_utf8_lossy(&login.stderr);
        if expected.contains(&who) {
            assert_eq!(String::from_utf8_lossy(&login.stdout), "1\n", "{who}: {said}");
        } else {
            assert!(said.contains("Permission denied (publickey)"), "{who}: {said}");
        }
    }
}

/// Keys of the market come and go while the machine runs; the one of the user data stays.
fn check_keys(farm: &Farm, access: &Value) {
    let boot_id = ask(farm, access, BOOT_ID);
    set_keys(farm, &["renter", "stranger"]);
    check_who_gets_in(farm, access, &["renter", "partner", "stranger"]);
    set_keys(farm, &["stranger"]);
    check_who_gets_in(farm, access, &["partner", "stranger"]);
    set_keys(farm, &["renter"]);
    check_who_gets_in(farm, access, &["renter", "partner"]);
    assert_eq!(ask(farm, access, BOOT_ID), boot_id, "it was not restarted");
}

/// The serial console, as an agent shows it.
struct Console {
    stream: UnixStream,
    /// What was not heard yet.
    said: String,
}

impl Console {
    fn open(farm: &Farm) -> Console {
        let stream = UnixStream::connect(farm.path("d/m/node32_slice_1.r1/serial.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_mins(2))).unwrap();
        let mut console = Console { stream, said: String::new() };
        // It has asked for a name before somebody listened.
        console.enter("");
        console
    }

    fn enter(&mut self, line: &str) {
        self.stream.write_all(format!("{line}\r").as_bytes()).unwrap();
    }

    /// Waits until it says one of these, and answers which. What comes after it is heard next.
    #[track_caller]
    fn hear<'a>(&mut self, words: &[&'a str]) -> &'a str {
        let end = Instant::now() + BOOT_LIMIT;
        loop {
            for word in words {
                if let Some((_, rest)) = self.said.split_once(word) {
                    self.said = rest.to_owned();
                    return word;
                }
            }
            assert!(Instant::now() < end, "{:?}, not {words:?}", self.said);
            let mut bytes = [0; 4096];
            let count = self.stream.read(&mut bytes).unwrap();
            self.said += &String::from_utf8_lossy(&bytes[..count]);
        }
    }

    /// Whether a password lets `root` in.
    fn log_in(&mut self, password: &str) -> bool {
        self.hear(&["login: "]);
        self.enter("root");
        self.hear(&["Password: "]);
        self.enter(password);
        self.hear(&["Login incorrect", ":~# "]) == ":~# "
    }
}

/// A password that was set gets in at the console, and not by SSH.
fn check_password(farm: &Farm, access: &Value) {
    let mut console = Console::open(farm);
    assert!(!console.log_in(PASSWORD));
    change(farm, "set-password", json!({ "password_hash": PASSWORD_HASH }));
    assert!(console.log_in(PASSWORD));
    console.enter("echo $((40 + 2)) of $(whoami)");
    console.hear(&["42 of root"]);
    console.enter("exit");
    check_who_gets_in(farm, access, &["renter", "partner"]);
}

/// A guest agent that hangs is none until it goes on. Without one, neither keys nor passwords can
/// be set, the jobs say why, and all else is as it was.
fn check_no_guest_agent(farm: &Farm, access: &Value) {
    let signal = |name: &str| {
        ask(farm, access, &format!("systemctl kill --signal={name} qemu-guest-agent.service"));
        Instant::now()
    };
    wait_for_guest_agent(farm, "guest agent that hangs, seen", signal("STOP"), false);
    wait_for_guest_agent(farm, "guest agent that goes on, seen", signal("CONT"), true);
    set_keys(farm, &["renter"]);

    ask(farm, access, "dpkg --purge qemu-guest-agent");
    wait_for_guest_agent(farm, "no guest agent, seen", Instant::now(), false);
    let keys = [farm.public_key("stranger")];
    for (kind, change) in [
        ("set-keys", json!({ "ssh_keys": keys })),
        ("set-password", json!({ "password_hash": PASSWORD_HASH })),
    ] {
        let number = farm.market.add(kind, "r1", SLICE, change);
        let Outcome::Failed { reason, retry } = farm.market.outcome(number) else {
            panic!("{kind}: {:?}", farm.market.outcome(number));
        };
        assert_eq!(reason, "the machine's guest agent doesn't answer: it takes too long", "{kind}");
        assert!(retry, "{kind}");
    }
    check_who_gets_in(farm, access, &["renter", "partner"]);
}

/// What a machine says otherwise after each start.
const BOOT_ID: &str = "cat /proc/sys/kernel/random/boot_id";

/// The machine is powered off inside, started, shut down, started again by the agent after the
/// server's end, and restarted: it is the same one each time.
fn check_power(farm: &mut Farm, access: &Value) {
    ask(farm, access, "echo kept > /root/kept && sync");
    let began_at = Instant::now();
    // The connection may be closed before the command has ended.
    log_in(farm.folder.path(), access, "renter", "systemctl poweroff");
    wait_for_state(farm, "powered off inside, seen", began_at, "off", None);
    let began_at = Instant::now();
    change(farm, "start", json!({}));
    wait_for_answer(farm, "started, answers", began_at);
    assert_eq!(ask(farm, access, "cat /root/kept"), "kept");

    change(farm, "shutdown", json!({}));
    wait_for_state(farm, "shut down, seen", Instant::now(), "off", None);
    let log = driver_log(farm, "shutdown");
    assert!(!log.contains("shutdown took too long"), "{log}");

    // The agent's end, and its next start.
    farm.kill();
    let began_at = Instant::now();
    farm.start();
    wait_for_answer(farm, "off at the agent's start, answers", began_at);
    assert_eq!(ask(farm, access, "cat /root/kept"), "kept");

    for kind in ["restart", "reset"] {
        let before = ask(farm, access, BOOT_ID);
        change(farm, kind, json!({}));
        let began_at = Instant::now();
        wait(farm, &format!("login after {kind}"), began_at, || {
            farm.log_in(access, "renter").status.success()
        });
        assert_ne!(ask(farm, access, BOOT_ID), before, "{kind}");
    }
}

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
fn wait_for_web(farm: &Farm, what: &str, port: u16, page: &str) {
    wait(farm, what, Instant::now(), || browse(port).is_some_and(|said| said.contains(page)));
}

/// The port of an access for the web server.
fn web_port(access: &Value) -> u16 {
    let port = access["ports"][0]["public_port"].as_u64();
    port.and_then(|port| port.try_into().ok()).unwrap()
}

/// Has other ports of the machine opened, and answers how it is reached now.
#[track_caller]
fn set_ports(farm: &Farm, ports: Value) -> Value {
    change(farm, "set-ports", json!({ "ports": ports }));
    drive(DRIVER, &farm.path("linux.toml"), &request("status", "r1", &[]))
}

/// What the machine says that went through its network is reported.
fn check_traffic(farm: &Farm) {
    // It has fetched Debian's lists of packages, and their files.
    let used = |name: &str| farm.market.used("r1", name).unwrap_or_default();
    wait(farm, "traffic reported", Instant::now(), || used("network_in_bytes") > 1_000_000);
    assert!((10_000..used("network_in_bytes")).contains(&used("network_out_bytes")));
}

/// A port of the machine is reached from outside: from the start, and opened anew while it runs.
fn check_ports(farm: &Farm, access: &Value) {
    let port = web_port(access);
    wait_for_web(farm, "web server of the user data", port, "the first page");
    set_ports(farm, json!([]));
    assert_eq!(browse(port), None);
    let opened = set_ports(farm, json!([{"protocol": "tcp", "port": 80}]));
    wait_for_web(farm, "port opened while it runs", web_port(&opened), "the first page");
}

/// The machine is made anew with other user data: it keeps address and ports, and nothing else.
fn check_rebuild(farm: &Farm, before: &Value, partner: &str) -> Value {
    let status = drive(DRIVER, &farm.path("linux.toml"), &request("status", "r1", &[]));
    let boot_id = ask(farm, before, BOOT_ID);
    let number = farm.market.add(
        "rebuild",
        "r1",
        SLICE,
        json!({
            "ssh_keys": [farm.public_key("renter")],
            "user_data": user_data(partner, "the second page"),
            "ports": [{"protocol": "tcp", "port": 80}],
        }),
    );
    let began_at = Instant::now();
    wait(farm, "rebuilt", began_at, || farm.market.job(number).outcome != Outcome::Open);
    let Outcome::Complete(access) = farm.market.outcome(number) else {
        panic!("{:?}", farm.market.outcome(number));
    };
    check_who_gets_in(farm, &access, &["renter", "partner"]);
    for name in ["address", "port", "user"] {
        assert_eq!(access[name], before[name], "{name}");
    }
    assert_eq!(access["ports"], status["ports"]);
    assert_ne!(access["host_keys"], before["host_keys"]);
    assert_ne!(ask(farm, &access, BOOT_ID), boot_id);
    assert_eq!(ask(farm, &access, "ls /root/kept 2> /dev/null || echo gone"), "gone");
    wait_for_guest_agent(farm, "guest agent of the rebuilt machine", began_at, true);
    wait_for_web(farm, "web server of the rebuilt machine", web_port(&access), "the second page");
    access
}

/// The server's power fails, and it starts again: all runs as before.
fn check_power_failure(farm: &mut Farm, access: &Value) {
    set_keys(farm, &["renter", "stranger"]);
    let boot_id = ask(farm, access, &format!("sync; {BOOT_ID}"));
    farm.kill();
    let disk = farm.path("d/m").display().to_string();
    let machines = processes_with(&disk);
    assert!(!machines.is_empty());
    for pid in machines {
        kill_process(pid, Signal::KILL).unwrap();
    }
    // What the kernel knows ends, too.
    setup::remove_firewall(&farm.path("linux.toml"));
    let began_at = Instant::now();
    farm.start();
    wait_for_answer(farm, "answers after a power failure", began_at);
    check_who_gets_in(farm, access, &["renter", "partner", "stranger"]);
    assert_ne!(ask(farm, access, BOOT_ID), boot_id);
    wait_for_web(farm, "web server after a power failure", web_port(access), "the second page");
    wait_for_guest_agent(farm, "guest agent after a power failure", began_at, true);
    set_keys(farm, &["renter"]);
    check_who_gets_in(farm, access, &["renter", "partner"]);
    check_network(farm, access);
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
    let partner = farm.public_key("partner");
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
            "user_data": user_data(&partner, "the first page"),
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
    assert!(farm.log_in(&access, "renter").status.success(), "{}", farm.log());
    let login_at = Instant::now();
    check_who_gets_in(&farm, &access, &["renter", "partner"]);
    let job = farm.market.job(number);
    let leased_at = job.leased_at.unwrap();
    for (step, at) in &job.steps {
        println!("{step:>10} after {:.1?}", *at - leased_at);
    }
    println!("{:>10} after {:.1?}", "login", login_at - leased_at);
    check_size(&farm, &access);
    farm.market.expect("r1", SLICE, true);
    wait_for_guest_agent(&farm, "guest agent that cloud-init installs", leased_at, true);
    let said = ask(&farm, &access, "cloud-init status --wait");
    assert!(said.ends_with("status: done"), "{said}");
    println!("{:>10} after {:.1?}", "cloud-init", leased_at.elapsed());
    check_network(&farm, &access);
    check_traffic(&farm);
    check_keys(&farm, &access);
    check_password(&farm, &access);
    check_ports(&farm, &access);
    check_power(&mut farm, &access);
    check_no_guest_agent(&farm, &access);
    let access = check_rebuild(&farm, &access, &partner);
    check_power_failure(&mut farm, &access);
    let removed = farm.remove("r1");
    assert!(matches!(farm.market.outcome(removed), Outcome::Complete(_)));
    assert!(!farm.log_in(&access, "renter").status.success(), "it is closed");
    assert!(!farm.has_machine());
}
