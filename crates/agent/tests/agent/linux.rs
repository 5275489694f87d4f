//! `driver-linux` with the real QEMU, and an image with next to nothing on it: a machine is
//! started, found again, switched off and on, and wiped. That one boots and lets somebody in is
//! shown by `cargo xtask boot`.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, geteuid, kill_process};
use serde_json::{Value, json};

use crate::market::LIMIT;
use crate::setup::{Farm, drive, drive_logged, local_settings, request};

const DRIVER: &str = env!("CARGO_BIN_EXE_driver-linux");

/// The machine's folder.
const MACHINE: &str = "d/m/node32_slice_1.r1";

/// What the driver notes when it ends a machine by force.
const BY_FORCE: &str = "shutdown took too long";

/// A whole system in one sector, for the first serial port and the power button. It answers each
/// character with the one before, `>` at first, and powers off at `q` or when the button is
/// pressed. Ports: 0x3F8 is the serial one (16550), 0x600 is where ACPI is (ICH9: PM1 status,
/// enable, control).
const SYSTEM: [u8; 46] = [
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
    0x75, 0xE3, // jne wait
    0xBA, 0x04, 0x06, // off: mov dx, 0x604
    0xB8, // mov ax, 0x2000: off
    0x00, 0x20, 0xEF, // out dx, ax
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

fn configured(farm: &Farm) -> std::path::PathBuf {
    let image = farm.path("image.raw");
    let mut sector = [0; 512];
    sector[..SYSTEM.len()].copy_from_slice(&SYSTEM);
    sector[510..].copy_from_slice(&[0x55, 0xAA]);
    fs::write(&image, sector).unwrap();
    fs::File::options().write(true).open(&image).unwrap().set_len(1024 * 1024).unwrap();
    let config = farm.path("linux.toml");
    let text = format!(
        "{}image = '{}'\nimage_format = 'raw'\nacceleration = 'tcg'\nfree_disk_gib = 0\n",
        local_settings(farm.folder.path()),
        image.display()
    );
    fs::write(&config, text).unwrap();
    config
}

fn output(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The number and the command line of the machine's process.
fn qemu(folder: &Path) -> Option<(Pid, String)> {
    let pid = fs::read_to_string(folder.join("qemu.pid")).ok()?;
    let line = fs::read(format!("/proc/{}/cmdline", pid.trim())).ok()?;
    let pid = Pid::from_raw(pid.trim().parse().ok()?)?;
    (!line.is_empty()).then(|| (pid, String::from_utf8_lossy(&line).replace('\0', " ")))
}

/// What the driver answers. A machine whose guest has no agent can always do the same.
#[track_caller]
fn ask(config: &Path, request: &Value) -> Value {
    let mut answer = drive(DRIVER, config, request);
    let can = answer.as_object_mut().unwrap().remove("can");
    let is_told = request["action"] == "status"
        && matches!(answer["state"].as_str(), Some("running" | "off"));
    assert_eq!(can, is_told.then(|| json!(["power", "console", "user-data", "rebuild"])));
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

#[test]
fn qemu_runs_as_a_user_of_its_own() {
    if !geteuid().is_root() {
        // Nobody else can become another user.
        return;
    }
    let farm = Farm::new();
    let config = configured(&farm);
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}user_id = 65534\ngroup_id = 65534\n")).unwrap();
    fs::set_permissions(farm.folder.path(), fs::Permissions::from_mode(0o711)).unwrap();
    let keys = [farm.public_key("renter")];
    let ask = |action: &str| ask(&config, &request(action, "r1", &keys));
    let made = ask("create");
    assert_eq!(made["state"], "running", "{made}");
    let folder = farm.path(MACHINE);
    let (pid, _) = qemu(&folder).unwrap();
    let status = fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).unwrap();
    assert!(status.contains("Uid:\t65534\t65534\t65534\t65534\n"), "{status}");
    Console::open(&folder).wait_for_start();
    assert_eq!(ask("shutdown"), json!({"ok": true, "state": "off"}));
    // What that user leaves in its folder leads the driver nowhere.
    let other = farm.path("other");
    fs::write(&other, "somebody else's").unwrap();
    fs::remove_file(folder.join("qemu.log")).unwrap();
    std::os::unix::fs::symlink(&other, folder.join("qemu.log")).unwrap();
    assert_eq!(ask("start"), made);
    assert_eq!(fs::read_to_string(&other).unwrap(), "somebody else's");
    assert_eq!(ask("remove")["state"], "absent");
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
    check("ports = 8", "ports = 0", "first_port, ports");
    check("'tcg'", "'warp'", "unknown variant `warp`");
    check("acceleration", "user_id = 0\nacceleration", "user_id, group_id: both");
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
