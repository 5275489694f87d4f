//! The SSH server of `driver-process`, as OpenSSH's client sees it.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use crate::setup::{drive, local_settings, make_key, processes_with, request, ssh};

const DRIVER: &str = env!("CARGO_BIN_EXE_driver-process");

/// One machine, which ends with the test.
struct Machine {
    folder: TempDir,
    access: Value,
}

impl Machine {
    fn create() -> Machine {
        let folder = tempfile::Builder::new().prefix("shell").tempdir().unwrap();
        fs::write(folder.path().join("driver.toml"), local_settings(folder.path())).unwrap();
        make_key(&folder.path().join("renter"));
        let key = fs::read_to_string(folder.path().join("renter.pub")).unwrap();
        let mut machine = Machine { folder, access: Value::Null };
        machine.access = machine.drive("create", &[key.trim().to_owned()]);
        assert_eq!(machine.access["ok"], true, "{}", machine.access);
        machine
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("driver.toml")
    }

    fn drive(&self, action: &str, keys: &[String]) -> Value {
        drive(DRIVER, &self.config(), &request(action, "r1", keys))
    }

    /// Runs `driver-process CONFIG.toml VERB`.
    fn all(&self, verb: &str) {
        let output = Command::new(DRIVER).arg(self.config()).arg(verb).output().unwrap();
        assert!(output.status.success(), "{verb}: {output:?}");
    }

    fn ssh(&self, options: &[&str], command: &str) -> Command {
        let mut ssh = ssh(self.folder.path(), &self.access, "renter");
        ssh.args(options).arg("renter@127.0.0.1").arg(command);
        ssh
    }

    /// Runs a command in it.
    fn run(&self, options: &[&str], command: &str) -> Output {
        self.ssh(options, command).stdin(Stdio::null()).output().unwrap()
    }

    #[track_caller]
    fn says(&self, command: &str) -> String {
        let output = self.run(&[], command);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn connect(&self) -> TcpStream {
        let port = u16::try_from(self.access["port"].as_u64().unwrap()).unwrap();
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        stream
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        let _ = self.drive("remove", &[]);
    }
}

#[test]
fn a_command_has_its_streams_and_its_status() {
    let machine = Machine::create();
    let output = machine.run(&[], "echo out; echo err >&2; exit 3");
    assert_eq!(
        (output.stdout.as_slice(), output.stderr.as_slice()),
        (&b"out\n"[..], &b"err\n"[..])
    );
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(machine.run(&[], "kill -TERM $$").status.code(), Some(128 + 15));

    // More than pipes and windows hold, in both directions at a time.
    let sent: Vec<u8> = (0..6_000_000_u32).flat_map(u32::to_le_bytes).collect();
    let mut cat = machine.ssh(&[], "cat");
    let mut cat = cat.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut stdin, copy) = (cat.stdin.take().unwrap(), sent.clone());
    let writer = std::thread::spawn(move || stdin.write_all(&copy).unwrap());
    let mut came = Vec::new();
    cat.stdout.take().unwrap().read_to_end(&mut came).unwrap();
    writer.join().unwrap();
    assert!(cat.wait().unwrap().success() && came == sent, "{} bytes came back", came.len());
}

#[test]
fn a_shell_has_a_terminal_and_says_what_it_is() {
    let machine = Machine::create();
    let mut shell = ssh(machine.folder.path(), &machine.access, "renter");
    shell.args(["-tt", "renter@127.0.0.1"]).env("TERM", "vt100");
    let mut shell = shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = shell.stdin.take().unwrap();
    let mut stdout = shell.stdout.take().unwrap();
    stdin.write_all(b"stty cols 99; stty size; tty; echo $TERM; sleep 600\n").unwrap();
    let mut said = String::new();
    while !said.contains("vt100\r\n") {
        let mut bytes = [0; 1000];
        let count = stdout.read(&mut bytes).unwrap();
        assert!(count > 0, "{said}");
        said += &String::from_utf8_lossy(&bytes[..count]);
    }
    // Ctrl-C ends what runs, and the shell goes on.
    stdin.write_all(b"\x03cd; pwd; exit 4\n").unwrap();
    stdout.read_to_string(&mut said).unwrap();
    assert_eq!(shell.wait().unwrap().code(), Some(4), "{said}");
    let home = machine.folder.path().join("d/m/node32_slice_1.r1/home");
    for part in ["separated from nothing", " 99\r\n", "/dev/pts/"] {
        assert!(said.contains(part), "{part:?}: {said}");
    }
    assert!(said.contains(&format!("{}\r\n", home.display())), "{said}");
}

#[test]
fn what_it_does_not_do_is_refused() {
    let machine = Machine::create();
    let files = machine.run(&["-s"], "sftp");
    assert!(String::from_utf8_lossy(&files.stderr).contains("subsystem request failed"));
    // Forwarding of an agent and of X11 is refused, and the command runs.
    assert_eq!(machine.run(&["-A", "-X"], "echo runs").stdout, b"runs\n");
    let forward = machine.run(&["-W", "127.0.0.1:1"], "");
    assert_eq!(String::from_utf8_lossy(&forward.stderr), "stdio forwarding failed\r\n");
}

#[test]
fn connections_have_a_limit() {
    let machine = Machine::create();
    let banner = |mut stream: &TcpStream| {
        let mut byte = [0];
        stream.read(&mut byte).unwrap()
    };
    let mut open: Vec<_> = (0..32).map(|_| machine.connect()).collect();
    assert!(open.iter().all(|stream| banner(stream) == 1), "it greets them");
    assert_eq!(banner(&machine.connect()), 0, "one too many");
    open.clear();
    let mut tries = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(20));
        banner(&machine.connect())
    });
    assert!(tries.by_ref().take(100).any(|count| count == 1), "there is room again");
}

#[test]
fn a_stopped_machine_is_started_with_its_files_and_a_removed_one_leaves_nothing() {
    let machine = Machine::create();
    // A program that is in no session of the server's, and that nobody waits for.
    machine.says("echo kept > file; (setsid sleep 4243 </dev/null >/dev/null 2>&1 &)");
    let has_begun = || !processes_with("sleep 4243").is_empty();
    let mut tries = std::iter::repeat_with(|| {
        std::thread::sleep(Duration::from_millis(20));
        has_begun()
    });
    assert!(tries.by_ref().take(500).any(|has_begun| has_begun), "it does not begin");
    assert_eq!(machine.says("cat file"), "kept\n");
    machine.all("stop");
    assert!(!machine.run(&[], "true").status.success(), "it is stopped");
    assert!(processes_with("sleep 4243").is_empty(), "all of it");
    assert_eq!(machine.drive("status", &[])["state"], "off");
    machine.all("start");
    assert_eq!(machine.says("cat file"), "kept\n");
    machine.all("start");
    assert_eq!(machine.drive("remove", &[])["state"], "absent");
    assert!(processes_with(&machine.folder.path().display().to_string()).is_empty());
}
