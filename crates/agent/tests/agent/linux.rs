//! `driver-linux` with the real QEMU, and an image with nothing on it: a machine is started, found
//! again, and wiped. That one boots and lets somebody in is shown by `cargo xtask boot`.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::setup::{Farm, drive, local_settings, request};

const DRIVER: &str = env!("CARGO_BIN_EXE_driver-linux");

/// The machine's folder.
const MACHINE: &str = "d/m/node32_slice_1.r1";

fn configured(farm: &Farm) -> std::path::PathBuf {
    let image = farm.path("image.raw");
    fs::File::create(&image).unwrap().set_len(1024 * 1024).unwrap();
    let config = farm.path("linux.toml");
    let text = format!(
        "{}image = '{}'\nimage_format = 'raw'\nacceleration = 'tcg'\n",
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

#[test]
fn a_machine_is_started_found_again_and_wiped() {
    let farm = Farm::new();
    let config = configured(&farm);
    let keys = [farm.public_key("renter")];
    let ask = |action: &str, rental: &str| drive(DRIVER, &config, &request(action, rental, &keys));
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
    assert_eq!(ask("status", "r1")["error"], "it was created but isn't running");
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
