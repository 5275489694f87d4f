//! `driver-linux` with the real QEMU, and an image with next to nothing on it: a machine is
//! started, found again, switched off and on, and wiped. That one boots and lets somebody in is
//! shown by `cargo xtask boot`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::{Value, json};

use crate::market::LIMIT;
use crate::setup::{
    Farm, drive, drive_logged, linux_settings, processes_with, remove_firewall, request,
};

const DRIVER: &str = env!("CARGO_BIN_EXE_driver-linux");

/// The machine's folder.
const MACHINE: &str = "d/m/node32_slice_1.r1";

/// What the driver notes when it ends a machine by force.
const BY_FORCE: &str = "shutdown took too long";

/// A whole system in one sector, for the first serial port, the power button and the disk. It
/// answers each character with the one before, `>` at first, writes 16 MiB at `w`, and powers off
/// at `q` or when the button is pressed. Ports: 0x3F8 is the serial one (16550), 0x600 is where
/// ACPI is (ICH9: PM1 status, enable, control).
const SYSTEM: [u8; 95] = [
    0xFA, // cli
    0xBA, 0x02, 0x06, // mov dx, 0x602
    0xB8, 0x00, 0x01, // mov ax, 0x100: the power button
    0xEF, // out dx, ax
    0xB3, b'>', // mov bl, '>'
    0xBA, 0x00, 0x06, // wait: mov dx, 0x600
    0xED, // in ax, dx
    0xF6, 0xC4, 0x01, // test ah, 1
    0x75, 0x14, // jnz off
    0xBA, 0xFD, 0x03, // mov dx, 0x3fd
    0xEC, // in al, dx
    0xA8, 0x01, // test al, 1
    0x74, 0xEF, // jz wait
    0xBA, 0xF8, 0x03, // mov dx, 0x3f8
    0xEC, // in al, dx
    0x86, 0xC3, // xchg al, bl
    0xEE, // out dx, al
    0x80, 0xFB, b'q', // cmp bl, 'q'
    0x75, 0x07, // jne more
    0xBA, 0x04, 0x06, // off: mov dx, 0x604
    0xB8, // mov ax, 0x2000: off
    0x00, 0x20, 0xEF, // out dx, ax
    0x80, 0xFB, b'w', // more: cmp bl, 'w'
    0x75, 0xD7, // jne wait
    0x31, 0xC0, // xor ax, ax
    0x8E, 0xD8, // mov ds, ax
    0xB9, 0x00, 0x01, // mov cx, 256
    0xBE, 0x4F, 0x7C, // write: mov si, request
    0xB2, 0x80, // mov dl, 0x80: the first disk
    0xB8, 0x00, 0x43, // mov ax, 0x4300: extended write
    0x51, // push cx
    0xCD, 0x13, // int 0x13
    0x59, // pop cx
    0x83, 0x06, 0x57, 0x7C, 0x7F, // add word [sector], 127
    0xE2, 0xED, // loop write
    0xEB, 0xBB, // jmp wait
    0x10, 0x00, 0x7F, 0x00, // request: its length, sectors
    0x00, 0x10, 0x00, 0x00, // from 0:0x1000
    0x00, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, // sector: 2048 at first
];

/// The machine's serial console, as the agent has it.
struct Console(UnixStream);

impl Console {
    fn open(folder: &Path) -> Console {
        let stream = UnixStream::connect(folder.join("serial.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        Console(stream)
    }

    /// Types at a system that has just started until it has: it answers with its first character.
    #[track_caller]
    fn wait_for_start(&mut self) {
        let end = Instant::now() + LIMIT;
        let mut said = Vec::new();
        while !said.ends_with(b">") {
            assert!(Instant::now() < end, "{:?}", String::from_utf8_lossy(&said));
            self.type_key(b'.');
            let mut byte = [0];
            if self.0.read(&mut byte).is_ok() {
                said.push(byte[0]);
            }
        }
    }

    fn type_key(&mut self, key: u8) {
        self.0.write_all(&[key]).unwrap();
    }
}

pub(crate) fn configured(farm: &Farm) -> std::path::PathBuf {
    let image = farm.path("image.raw");
    let mut sector = [0; 512];
    sector[..SYSTEM.len()].copy_from_slice(&SYSTEM);
    sector[510..].copy_from_slice(&[0x55, 0xAA]);
    fs::write(&image, sector).unwrap();
    fs::File::options().write(true).open(&image).unwrap().set_len(1024 * 1024).unwrap();
    let config = farm.path("linux.toml");
    let text = format!(
        "{}image = '{}'\nimage_format = 'raw'\nacceleration = 'tcg'\nfree_disk_gib = 0\n",
        linux_settings(farm.folder.path()),
        image.display()
    );
    fs::write(&config, text).unwrap();
    config
}

pub(crate) fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The number and the command line of the machine's process.
pub(crate) fn qemu(folder: &Path) -> Option<(Pid, String)> {
    let pid = *processes_with(&folder.join("disk.qcow2").display().to_string()).first()?;
    let line = fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).ok()?;
    (!line.is_empty()).then(|| (pid, String::from_utf8_lossy(&line).replace('\0', " ")))
}

/// What the driver answers. A machine whose guest has no agent can always do the same.
#[track_caller]
fn ask(config: &Path, request: &Value) -> Value {
    let mut answer = drive(DRIVER, config, request);
    let can = answer.as_object_mut().unwrap().remove("can");
    let usage = answer.as_object_mut().unwrap().remove("usage");
    let is_used = request["action"] == "status" && answer["state"] == "running";
    assert_eq!(usage.is_some(), is_used, "{usage:?}");
    let is_told = request["action"] == "status"
        && matches!(answer["state"].as_str(), Some("running" | "paused" | "off"));
    assert_eq!(
        can,
        is_told.then(|| json!(["power", "console", "user-data", "rebuild", "set-ports"]))
    );
    answer
}

#[test]
fn a_machine_is_started_found_again_and_wiped() {
    let farm = Farm::new();
    let config = configured(&farm);
    let keys = [farm.public_key("renter")];
    let ask = |action: &str, rental: &str| ask(&config, &request(action, rental, &keys));
    let absent = json!({"ok": true, "state": "absent"});
    assert_eq!(ask("status", "r1"), absent);

    let made = ask("create", "r1");
    assert_eq!(made["state"], "running", "{made}");
    let folder = farm.path(MACHINE);
    let (pid, line) = qemu(&folder).unwrap();
    assert!(line.contains(" -smp 1 ") && line.contains(" -m 4096M "), "{line}");
    assert_eq!(ask("create", "r1"), made);
    assert_eq!(ask("status", "r1"), made);
    assert_eq!(qemu(&folder).unwrap().0, pid, "it is the same machine");
    check_disks(&folder, &keys[0]);
    let mut shown = made.clone();
    let socket = folder.join("serial.sock");
    shown["console_url"] = json!(format!("unix:{}", socket.display()));
    assert_eq!(ask("console", "r1"), shown);
    std::os::unix::net::UnixStream::connect(socket).unwrap();
    assert_eq!(ask("console", "r2"), absent);

    let other = ask("create", "r2");
    assert_eq!((&other["ok"], &other["retry"]), (&json!(false), &json!(true)), "{other}");

    // The server goes down, and comes up again.
    kill_process(pid, Signal::KILL).unwrap();
    while qemu(&folder).is_some() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(ask("status", "r1"), json!({"ok": true, "state": "off"}));
    let start = || output(Command::new(DRIVER).arg(&config).arg("start"));
    assert_eq!(start(), "1 machines started\n");
    assert_eq!(start(), "0 machines started\n");
    assert_eq!(ask("status", "r1"), made, "with the same port and host key");

    assert_eq!(ask("remove", "r1"), absent);
    assert_eq!(ask("remove", "r1"), absent);
    assert!(qemu(&folder).is_none() && !folder.exists());
    assert!(fs::read_dir(farm.path("d/gone")).unwrap().next().is_none());
}

/// 200 GiB that take next to nothing yet, and cloud-init's disk with the renter's key.
fn check_disks(folder: &Path, key: &str) {
    let disk = folder.join("disk.qcow2");
    let info = output(Command::new("qemu-img").args(["info", "-U", "--output=json"]).arg(disk));
    let info: Value = serde_json::from_str(&info).unwrap();
    assert_eq!(info["virtual-size"], 200_u64 << 30);
    assert!(info["actual-size"].as_u64().unwrap() < 10 << 20, "{info}");
    let seed = folder.join("seed.iso");
    let volume = output(Command::new("isoinfo").args(["-d", "-i"]).arg(&seed));
    assert!(volume.contains("Volume id: cidata"), "{volume}");
    let file = ["-J", "-x", "/user-data", "-i"];
    let user_data = output(Command::new("isoinfo").args(file).arg(&seed));
    assert!(user_data.contains("\n#cloud-config\n") && user_data.contains(key), "{user_data}");
}

#[test]
fn a_machine_is_switched_off_and_on() {
    let farm = Farm::new();
    let config = configured(&farm);
    let keys = [farm.public_key("renter")];
    let ask = |action: &str| ask(&config, &request(action, "r1", &keys));
    let (absent, off) =
        (json!({"ok": true, "state": "absent"}), json!({"ok": true, "state": "off"}));
    for action in ["start", "shutdown", "restart", "reset"] {
        assert_eq!(ask(action), absent, "{action}");
    }
    let made = ask("create");
    let folder = farm.path(MACHINE);
    Console::open(&folder).wait_for_start();
    let (first, _) = qemu(&folder).unwrap();
    assert_eq!(ask("start"), made);
    assert_eq!(qemu(&folder).unwrap().0, first, "it runs");

    // Its power button is pressed, and it powers itself off. The server's start leaves it so.
    let (answer, log) = drive_logged(DRIVER, &config, &request("shutdown", "r1", &keys));
    assert_eq!(answer, off);
    assert!(!log.contains(BY_FORCE), "{log}");
    assert_eq!(ask("shutdown"), off);
    assert_eq!(ask("status"), off);
    assert!(qemu(&folder).is_none());
    let start_all = || output(Command::new(DRIVER).arg(&config).arg("start"));
    assert_eq!(start_all(), "0 machines started\n");

    // The same machine, with the same console.
    assert_eq!(ask("start"), made);
    let mut console = Console::open(&folder);
    console.wait_for_start();
    // Switched off from inside: that is no wish for the server's next start.
    console.type_key(b'q');
    while qemu(&folder).is_some() {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(ask("status"), off);
    assert_eq!(start_all(), "1 machines started\n");

    Console::open(&folder).wait_for_start();
    let (second, _) = qemu(&folder).unwrap();
    assert_eq!(ask("restart"), made);
    let (third, _) = qemu(&folder).unwrap();
    assert_ne!(third, second);
    Console::open(&folder).wait_for_start();

    // A reset does not ask, and gets a machine going that QEMU has paused.
    for is_paused in [false, true] {
        if is_paused {
            pause(&folder);
            assert_eq!(ask("status"), made, "it is there");
        }
        assert_eq!(ask("reset"), made);
        assert_eq!(qemu(&folder).unwrap().0, third, "the process is the same");
        Console::open(&folder).wait_for_start();
    }
    for action in ["reset", "restart"] {
        assert_eq!(ask("shutdown"), off);
        assert_eq!(ask(action), made);
        Console::open(&folder).wait_for_start();
    }
    assert_eq!(ask("remove"), absent);
}

/// What QEMU does by itself when the server's disk is full.
fn pause(folder: &Path) {
    let mut stream = UnixStream::connect(folder.join("qmp.sock")).unwrap();
    stream.write_all(b"{\"execute\":\"qmp_capabilities\"}{\"execute\":\"stop\"}").unwrap();
    let mut said = String::new();
    let mut bytes = [0; 1024];
    while !said.contains("\"STOP\"") {
        let count = stream.read(&mut bytes).unwrap();
        said += &String::from_utf8_lossy(&bytes[..count]);
    }
}

#[test]
fn a_machine_that_takes_no_notice_is_ended_by_force() {
    let farm = Farm::new();
    let config = configured(&farm);
    // A system that has crashed: it takes nothing any more.
    fs::write(farm.path("image.raw"), vec![0; 1024 * 1024]).unwrap();
    let keys = [farm.public_key("renter")];
    let ask = |action: &str| ask(&config, &request(action, "r1", &keys));
    ask("create");
    let (answer, log) = drive_logged(DRIVER, &config, &request("shutdown", "r1", &keys));
    assert_eq!(answer, json!({"ok": true, "state": "off"}));
    assert!(log.contains(BY_FORCE), "{log}");
    assert!(qemu(&farm.path(MACHINE)).is_none());
}

/// A small disk at a folder, until this is dropped.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(folder: PathBuf) -> SmallDisk {
        fs::create_dir(&folder).unwrap();
        output(Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "none"]).arg(&folder));
        SmallDisk(folder)
    }

    fn grow(&self) {
        output(Command::new("mount").args(["-o", "remount,size=64m"]).arg(&self.0));
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // A machine may still be on it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_pauses_a_machine_until_there_is_room() {
    if !geteuid().is_root() {
        // Nobody else has a small disk.
        return;
    }
    let farm = Farm::new();
    let config = configured(&farm);
    let disk = SmallDisk::mount(farm.path("d"));
    let keys = [farm.public_key("renter")];
    let ask = |action: &str| ask(&config, &request(action, "r1", &keys));
    let made = ask("create");
    let folder = farm.path(MACHINE);
    let mut console = Console::open(&folder);
    console.wait_for_start();
    console.type_key(b'w');
    let paused = json!({"ok": true, "state": "paused"});
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, text.replace("free_disk_gib = 0", "free_disk_gib = 1")).unwrap();
    let end = Instant::now() + LIMIT;
    while ask("status") != paused {
        assert!(Instant::now() < end, "{}", ask("status"));
        std::thread::sleep(Duration::from_millis(50));
    }
    // It is there, and can be started anew, which does not help.
    assert_eq!(ask("create"), made);
    assert_eq!(ask("status"), paused);

    disk.grow();
    fs::write(&config, text).unwrap();
    assert_eq!(ask("status"), made, "it goes on by itself");
    // It has written all of it, and takes keys again.
    console.type_key(b'.');
    let mut said = [0];
    let end = Instant::now() + LIMIT;
    while console.0.read(&mut said).is_err() || said != [b'w'] {
        assert!(Instant::now() < end, "it does not go on");
    }
    assert_eq!(ask("status"), made);
    assert_eq!(ask("remove")["state"], "absent");
}

/// What a process may do, as the kernel says it.
fn status(pid: Pid, name: &str) -> String {
    let path = format!("/proc/{}/status", pid.as_raw_nonzero());
    let status = fs::read_to_string(path).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The user that machines begin with; nobody but root can become another one.
pub(crate) fn first_user(config: &Path) -> Option<u32> {
    let text = fs::read_to_string(config).unwrap();
    let first = text.lines().find_map(|line| line.strip_prefix("user_id_first = "));
    first.map(|first| first.parse().unwrap())
}

#[test]
fn each_machine_runs_as_a_user_of_its_own() {
    let farm = Farm::new();
    let config = configured(&farm);
    let keys = [farm.public_key("renter")];
    let ask = |action: &str, slice: &str| {
        let mut request = request(action, "r1", &keys);
        request["slice_id"] = json!(slice);
        drive(DRIVER, &config, &request)
    };
    let slices = ["node32_slice_1", "node32_slice_2"];
    let folder = |slice: &str| farm.path(&format!("d/m/{slice}.r1"));
    let users = slices.map(|slice| {
        let made = ask("create", slice);
        assert_eq!(made["state"], "running", "{made}");
        let (pid, line) = qemu(&folder(slice)).unwrap();
        let sandbox = "obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny ";
        assert!(line.contains(sandbox), "{line}");
        assert_eq!(status(pid, "Seccomp:"), "2", "filtered");
        (status(pid, "Uid:"), status(pid, "Groups:"), status(pid, "CapBnd:"), pid)
    });
    let Some(first) = first_user(&config) else {
        let own = geteuid().as_raw();
        assert!(users.iter().all(|user| user.0 == format!("{own} {own} {own} {own}")));
        let (_, log) = drive_logged(DRIVER, &config, &request("restart", "r1", &keys));
        assert!(log.contains("without root: the machine runs as this user"), "{log}");
        return;
    };
    for (number, (user, groups, rights, pid)) in (first..).zip(&users) {
        assert_eq!(*user, format!("{number} {number} {number} {number}"));
        assert_eq!((groups.as_str(), rights.as_str()), ("", "0000000000000000"));
        assert_eq!(status(*pid, "NoNewPrivs:"), "1");
    }
    Console::open(&folder(slices[0])).wait_for_start();

    // It writes its disk, and nothing else: no folder, and nothing of another machine.
    let as_user = |user: u32, test: &str, path: &Path| {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={user}")]);
        let command = command.args(["--clear-groups", "test", test]).arg(path);
        command.status().unwrap().success()
    };
    for (number, slice) in (first..).zip(slices) {
        for entry in fs::read_dir(folder(slice)).unwrap() {
            let path = entry.unwrap().path();
            let is_disk = path.ends_with("disk.qcow2");
            assert_eq!(as_user(number, "-w", &path), is_disk, "{}", path.display());
            let is_its_own = is_disk || path.ends_with("seed.iso");
            assert_eq!(as_user(number, "-r", &path), is_its_own, "{}", path.display());
            let other = first + u32::from(number == first);
            for test in ["-r", "-w"] {
                assert!(!as_user(other, test, &path), "{test} {}", path.display());
            }
        }
        for path in [folder(slice), farm.path("d/m"), farm.path("d"), farm.path("d/locks")] {
            assert!(!as_user(number, "-w", &path), "{}", path.display());
        }
    }

    // A machine is ended with all that its user runs, whatever that shows of itself.
    let mut hidden = Command::new("setpriv");
    let hidden = hidden.args([format!("--reuid={first}"), "--clear-groups".to_owned()]);
    let mut hidden = hidden.args(["sleep", "1000"]).spawn().unwrap();
    let pid = Pid::from_child(&hidden);
    while !status(pid, "Uid:").starts_with(&first.to_string()) {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(ask("remove", slices[0])["state"], "absent");
    assert!(!hidden.wait().unwrap().success(), "it was ended");
    assert_eq!(ask("status", slices[1])["state"], "running");
    // Its user is the next one's.
    ask("create", slices[0]);
    assert_eq!(status(qemu(&folder(slices[0])).unwrap().0, "Uid:"), users[0].0);
}

#[test]
fn a_machine_reaches_neither_its_server_nor_other_machines() {
    let farm = Farm::new();
    let config = configured(&farm);
    let Some(first) = first_user(&config) else {
        // Whoever is not root can neither become another user nor set rules.
        return;
    };
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}closed_networks = ['203.0.113.0/24', '10.1.0.0/16']\n"))
        .unwrap();
    let keys = [farm.public_key("renter")];
    let ask = |action: &str| drive_logged(DRIVER, &config, &request(action, "r1", &keys));
    let (made, _) = ask("create");
    let port = u16::try_from(made["port"].as_u64().unwrap()).unwrap();

    // What QEMU opens for its machine, a process of the same user opens.
    let connect = |user: u32, to: SocketAddr| {
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={user}"), format!("--regid={user}")]);
        let line = format!("exec 3<>/dev/tcp/{}/{}", to.ip(), to.port());
        let command = command.args(["--clear-groups", "timeout", "5", "bash", "-c", &line]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), said)
    };
    let server = TcpListener::bind("0.0.0.0:0").unwrap();
    let on_server = server.local_addr().unwrap().port();
    let addresses = own_addresses().into_iter().filter(IpAddr::is_ipv4);
    let mut services: Vec<_> =
        addresses.map(|address| SocketAddr::new(address, on_server)).collect();
    services.push(SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
    for to in services {
        TcpStream::connect(to).unwrap();
        let (is_open, said) = connect(first, to);
        // It is refused at once, and not for want of an answer.
        assert!(!is_open && said.contains("No route to host"), "{to}: {said}");
    }
    for to in ["10.1.2.3:80", "192.168.0.1:80", "169.254.169.254:80", "203.0.113.1:80"] {
        let (is_open, said) = connect(first, to.parse().unwrap());
        assert!(!is_open && said.contains("No route to host"), "{to}: {said}");
    }

    // Somebody loads a firewall anew. The next look puts the rules back, and says so.
    remove_firewall(&config);
    let to = SocketAddr::new(Ipv4Addr::LOCALHOST.into(), on_server);
    assert!(connect(first, to).0, "this is what the rules are for");
    let (answer, log) = ask("status");
    assert_eq!(answer["state"], "running");
    assert!(log.contains("setting the firewall"), "{log}");
    assert!(!connect(first, to).0);
    let (_, log) = ask("status");
    assert!(!log.contains("setting the firewall"), "{log}");
}

/// Whether somebody listens on a port of this server.
fn is_taken(protocol: &str, port: u64) -> bool {
    let address = (Ipv4Addr::LOCALHOST, u16::try_from(port).unwrap());
    match protocol {
        "tcp" => TcpStream::connect(address).is_ok(),
        _ => UdpSocket::bind(address).is_err(),
    }
}

#[test]
fn ports_are_forwarded_while_a_machine_runs_and_after_its_start() {
    let farm = Farm::new();
    let config = configured(&farm);
    let keys = [farm.public_key("renter")];
    let (http, https) =
        (json!({"protocol": "tcp", "port": 80}), json!({"protocol": "tcp", "port": 443}));
    let dns = json!({"protocol": "udp", "port": 53});
    let ask = |action: &str, ports: &[&Value]| {
        let mut request = request(action, "r1", &keys);
        request["ports"] = json!(ports);
        drive(DRIVER, &config, &request)
    };
    let public = |answer: &Value| -> Vec<u64> {
        let ports = answer["ports"].as_array().unwrap();
        ports.iter().map(|port| port["public_port"].as_u64().unwrap()).collect()
    };
    let made = ask("create", &[&http]);
    let first = public(&made)[0];
    assert!(is_taken("tcp", first));
    let all = ask("set_ports", &[&https, &http, &dns]);
    let [second, again, third] = public(&all)[..] else { panic!("{all}") };
    assert_eq!(again, first, "it keeps its port");
    assert_eq!(all["port"], made["port"]);
    for (protocol, port) in [("tcp", first), ("tcp", second), ("udp", third)] {
        assert!(is_taken(protocol, port), "{protocol} {port}");
    }
    assert_eq!(ask("set_ports", &[&https, &http, &dns]), all);

    // Fewer, and others while it is off.
    let fewer = ask("set_ports", &[&dns]);
    assert_eq!(public(&fewer), [third]);
    assert!(is_taken("udp", third) && !is_taken("tcp", first) && !is_taken("tcp", second));
    ask("shutdown", &[]);
    assert!(!is_taken("udp", third));
    assert_eq!(ask("set_ports", &[&dns, &http])["state"], "off");
    let started = ask("start", &[]);
    let [same, new] = public(&started)[..] else { panic!("{started}") };
    assert!(same == third && is_taken("udp", third) && is_taken("tcp", new));
    assert!(is_taken("tcp", started["port"].as_u64().unwrap()), "SSH's is never touched");

    // A run that was cut off has noted what QEMU was not told: the next one sees to both.
    let folder = farm.path(MACHINE);
    fs::write(folder.join("ports.json"), "[]").unwrap();
    ask("set_ports", &[]);
    assert!(!is_taken("udp", third) && !is_taken("tcp", new));
}

/// Addresses of this server.
fn own_addresses() -> Vec<IpAddr> {
    let listed = output(Command::new("ip").args(["-json", "address"]));
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let cards = listed.as_array().unwrap().iter();
    let addresses = cards.flat_map(|card| card["addr_info"].as_array().into_iter().flatten());
    addresses.map(|address| address["local"].as_str().unwrap().parse().unwrap()).collect()
}

#[test]
fn a_disk_that_is_nearly_full_gets_no_further_machine() {
    let farm = Farm::new();
    let config = configured(&farm);
    let text = fs::read_to_string(&config).unwrap();
    let keys = [farm.public_key("renter")];
    let ask = |action: &str| ask(&config, &request(action, "r1", &keys));
    let made = ask("create");
    fs::write(&config, text.replace("free_disk_gib = 0", "free_disk_gib = 1000000000")).unwrap();
    assert_eq!(ask("create"), made, "it is there");
    assert_eq!(ask("remove")["state"], "absent");
    let refused = ask("create");
    assert_eq!((&refused["ok"], &refused["retry"]), (&json!(false), &json!(true)), "{refused}");
    let why = refused["error"].as_str().unwrap();
    assert!(why.contains("GiB are free in") && why.contains("1000000000 are needed"), "{why}");
    assert_eq!(ask("status")["state"], "absent", "nothing was begun");
}

#[test]
fn the_disk_that_machines_are_on_is_told_with_what_they_may_still_write() {
    let farm = Farm::new();
    let config = configured(&farm);
    let asked = json!({"version": 1, "action": "disk"});
    let disk = || {
        let answer = drive(DRIVER, &config, &asked);
        let number = |name: &str| answer["disk"][name].as_u64().unwrap();
        assert_eq!(answer["ok"], true);
        assert!((1..number("bytes")).contains(&number("free_bytes")), "{answer}");
        number("growth_bytes")
    };
    assert_eq!(disk(), 0);
    let ask = |action: &str| {
        ask(&config, &request(action, "r1", &[farm.public_key("renter")]))["state"].clone()
    };
    assert_eq!(ask("create"), "running");
    let most = 200 << 30;
    assert!((most - (10 << 20)..most).contains(&disk()), "{}", disk());
    assert_eq!(ask("remove"), "absent");
    assert_eq!(disk(), 0);
    let refused = drive(DRIVER, &config, &json!({"version": 2, "action": "disk"}));
    assert_eq!((&refused["ok"], &refused["retry"]), (&json!(false), &json!(false)), "{refused}");
}

#[test]
fn a_configuration_that_does_not_fit_is_refused() {
    let farm = Farm::new();
    let config = configured(&farm);
    let text = fs::read_to_string(&config).unwrap();
    let check = |from: &str, to: &str, words: &str| {
        assert!(text.contains(from));
        fs::write(&config, text.replace(from, to)).unwrap();
        let answer = drive(DRIVER, &config, &request("status", "r1", &[]));
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
    };
    check("image.raw", "missing.raw", "image: ");
    check("'raw'", "'vmdk'", "image_format: qcow2 or raw");
    check("\nports = 5", "\nports = 0", "first_port, ports");
    check("public_ports = 3", "public_ports = 60000", "first_public_port, public_ports");
    check("first_public_port = ", "first_public_port = 80 #", "first_public_port, public_ports");
    check("'tcg'", "'warp'", "unknown variant `warp`");
    if geteuid().is_root() {
        let first = format!("user_id_first = {}", first_user(&config).unwrap());
        check(&first, "", "user_id_first: the driver runs as root");
        check(&format!("{first}\n"), "user_id_first = 1000\n", "user_id_first: at least 65536");
    } else {
        check(
            "acceleration",
            "user_id_first = 1\nacceleration",
            "user_id_first: only root can drop privileges",
        );
    }
    check("acceleration", "closed_networks = ['lan']\nacceleration", "invalid IP address");
    check("acceleration", "interface = 'lo'\naddresses = ['lan']\nacceleration", "addresses: ");
    check("/d'", &format!("/{}'", "d".repeat(50)), "state_folder: at most");
}

/// A guest agent in the place of the machine's own: what it was asked for, and the keys of `root`.
struct Guest {
    keys: Arc<Mutex<Vec<String>>>,
    passwords: Arc<Mutex<Vec<Value>>>,
}

impl Guest {
    /// Takes the place of the port that QEMU listens on.
    fn begin(folder: &Path, keys: &[&str]) -> Guest {
        let socket = folder.join("guest.sock");
        fs::remove_file(&socket).unwrap();
        let listener = UnixListener::bind(&socket).unwrap();
        let keys: Vec<_> = keys.iter().map(|&key| key.to_owned()).collect();
        let guest = Guest { keys: Arc::new(Mutex::new(keys)), passwords: Arc::default() };
        let (keys, passwords) = (Arc::clone(&guest.keys), Arc::clone(&guest.passwords));
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                for line in BufReader::new(stream.try_clone().unwrap()).split(b'\n') {
                    let line = line.unwrap();
                    let line = line.strip_prefix(&[0xFF]).unwrap_or(&line);
                    let command: Value = serde_json::from_slice(line).unwrap();
                    let arguments = &command["arguments"];
                    let named = || arguments["keys"].as_array().unwrap().iter();
                    let mut keys = keys.lock().unwrap();
                    let answer = match command["execute"].as_str().unwrap() {
                        "guest-sync-delimited" => {
                            stream.write_all(&[0xFF]).unwrap();
                            arguments["id"].clone()
                        }
                        "guest-ssh-get-authorized-keys" => json!({ "keys": *keys }),
                        "guest-ssh-add-authorized-keys" => {
                            assert_eq!(arguments["reset"], false);
                            keys.extend(named().map(|key| key.as_str().unwrap().to_owned()));
                            json!({})
                        }
                        "guest-ssh-remove-authorized-keys" => {
                            keys.retain(|key| !named().any(|removed| removed == key.as_str()));
                            json!({})
                        }
                        "guest-set-user-password" => {
                            passwords.lock().unwrap().push(arguments.clone());
                            json!({})
                        }
                        other => panic!("{other}"),
                    };
                    writeln!(stream, "{}", json!({ "return": answer })).unwrap();
                }
            }
        });
        guest
    }

    fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().clone()
    }
}

#[test]
fn keys_of_the_market_are_replaced_and_those_of_the_renter_stay() {
    let farm = Farm::new();
    let config = configured(&farm);
    let (first, second) = (farm.public_key("renter"), farm.public_key("stranger"));
    let of = |keys: &[&String]| keys.iter().map(|&key| key.clone()).collect::<Vec<_>>();
    let ask = |action: &str, keys: &[&String]| ask(&config, &request(action, "r1", &of(keys)));
    assert_eq!(ask("set_keys", &[&first])["state"], "absent");
    let made = ask("create", &[&first]);
    let folder = farm.path(MACHINE);
    let own = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOwnKeyOfTheRenterByHandOrByUserData own";
    let guest = Guest::begin(&folder, &[&first, own]);
    assert_eq!(ask("set_keys", &[&first, &second]), made);
    assert_eq!(guest.keys(), [first.as_str(), own, second.as_str()]);
    // The driver was killed after it had put the second one there: it knows of it.
    let kept = farm.path("d/keys/node32_slice_1.r1");
    fs::write(&kept, json!([first, second]).to_string()).unwrap();
    assert_eq!(ask("set_keys", &[&second]), made);
    assert_eq!(guest.keys(), [own, second.as_str()]);
    assert_eq!(fs::read_to_string(&kept).unwrap(), json!([second]).to_string());

    let mut password = request("set_password", "r1", &[]);
    password["password_hash"] = "$6$salt$hash".into();
    assert_eq!(drive(DRIVER, &config, &password), made);
    let set = guest.passwords.lock().unwrap().clone();
    let expected = json!({ "username": "root", "password": "JDYkc2FsdCRoYXNo", "crypted": true });
    assert_eq!(set, [expected]);

    // Of a machine from before they were kept nobody knows which keys are the market's.
    fs::remove_file(&kept).unwrap();
    let refused = ask("set_keys", &[&first]);
    assert_eq!((&refused["ok"], &refused["retry"]), (&json!(false), &json!(false)), "{refused}");
    assert_eq!(guest.keys(), [own, second.as_str()]);
    assert_eq!(ask("remove", &[])["state"], "absent");
}

#[test]
fn a_machine_is_made_anew_with_its_port() {
    let farm = Farm::new();
    let config = configured(&farm);
    let (first, second) = ([farm.public_key("renter")], [farm.public_key("stranger")]);
    let made = ask(&config, &request("create", "r1", &first));
    let folder = farm.path(MACHINE);
    fs::write(folder.join("left"), "of the old one").unwrap();
    // What the image's cloud-init would not read is refused before anything is deleted.
    let mut wrong = request("rebuild", "r1", &second);
    wrong["user_data"] = "no header".into();
    let refused = ask(&config, &wrong);
    assert_eq!((&refused["ok"], &refused["retry"]), (&json!(false), &json!(false)), "{refused}");
    assert!(folder.join("left").exists());

    let anew = ask(&config, &request("rebuild", "r1", &second));
    assert_eq!((&anew["state"], &anew["port"]), (&json!("running"), &made["port"]), "{anew}");
    assert_ne!(anew["host_keys"], made["host_keys"]);
    assert!(!folder.join("left").exists() && qemu(&folder).is_some());
    check_disks(&folder, &second[0]);
    let kept = farm.path("d/keys/node32_slice_1.r1");
    assert_eq!(fs::read_to_string(&kept).unwrap(), json!(second).to_string());
    assert_eq!(ask(&config, &request("remove", "r1", &[]))["state"], "absent");
    assert!(!kept.exists());
    assert_eq!(ask(&config, &request("rebuild", "r1", &second))["state"], "absent");
}
