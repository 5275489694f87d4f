//! `cargo xtask up --demo`, as somebody tries it who has just cloned the project: the line that it
//! prints logs in.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::checklist::crash::ask;

/// How long each part may take here.
const LIMIT: Duration = Duration::from_mins(3);

/// The command, running.
struct Demo {
    xtask: Child,
    lines: mpsc::Receiver<String>,
    said: Vec<String>,
}

impl Demo {
    fn start(data: &Path) -> Demo {
        let tests = std::env::current_exe().unwrap();
        let xtask = tests.ancestors().nth(2).unwrap().join("xtask");
        assert!(xtask.is_file(), "{} is not there: run `cargo xtask test`", xtask.display());
        let mut xtask = Command::new(xtask)
            .args(["up", "--demo", "--port", "0", "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(xtask.stderr.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Demo { xtask, lines, said: Vec::new() }
    }

    /// What follows in the next line that begins so.
    #[track_caller]
    fn line(&mut self, start: &str) -> String {
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!("no line {start:?}: {:#?}", self.said);
            };
            self.said.push(line.clone());
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// Stops it as Ctrl-C does.
    #[track_caller]
    fn stop(mut self) {
        let id = self.xtask.id().to_string();
        assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
        assert!(self.xtask.wait().unwrap().success());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let id = self.xtask.id().to_string();
        if matches!(self.xtask.try_wait(), Ok(None)) {
            // Asked to stop, it stops all that it has started.
            let _ = Command::new("kill").args(["-INT", &id]).status();
            let _ = self.xtask.wait();
        }
    }
}

/// A data folder that shares compiled components with other tests, so that it starts in seconds.
fn data_folder(folder: &Path) -> PathBuf {
    let cache = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/e2e-cache");
    fs::create_dir_all(&cache).unwrap();
    let data = folder.join("data");
    fs::create_dir(&data).unwrap();
    symlink(cache.canonicalize().unwrap(), data.join("cache")).unwrap();
    data
}

/// Runs a printed line with a command behind it.
fn run(line: &str, command: &str) -> Output {
    let script = format!("{line} '{command}'");
    Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).output().unwrap()
}

#[track_caller]
fn check(line: &str, command: &str, expected: &str) {
    let output = run(line, command);
    assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{line}: {output:?}");
    assert!(output.status.success(), "{output:?}");
}

/// Asks something that succeeds, signed in.
async fn send(at: &str, call: [&str; 2], cookie: &str, body: &Value) -> Value {
    let headers = [("cookie", cookie), ("idempotency-key", "demo")];
    let (status, _, said) = ask(at, call, &headers, body).await.unwrap();
    assert!(status < 300, "{call:?}: {said}");
    said
}

async fn sign_in(at: &str, email: &str, password: &str) -> String {
    let body = json!({ "email": email, "password": password });
    let (_, head, _) = ask(at, ["POST", "/api/account/sessions"], &[], &body).await.unwrap();
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
    cookie.split(';').next().unwrap().to_owned()
}

/// Rents another slice for somebody with a key of their own; answers the line that logs in.
async fn rent(at: &str, cookie: &str, folder: &Path) -> String {
    let key = folder.join("key");
    let keygen = ["-q", "-t", "ed25519", "-N", "", "-f"];
    assert!(Command::new("ssh-keygen").args(keygen).arg(&key).status().unwrap().success());
    let public_key = fs::read_to_string(key.with_extension("pub")).unwrap();
    let body = json!({ "public_key": public_key.trim() });
    send(at, ["POST", "/api/account/ssh-keys"], cookie, &body).await;
    let body = json!({ "node_id": "node600", "duration_months": 1 });
    let made = send(at, ["POST", "/api/marketplace/rent-slice"], cookie, &body).await;
    let path = format!("/api/rentals/{}/access", made["rental"]["id"].as_str().unwrap());
    let end = Instant::now() + LIMIT;
    let access = loop {
        let shown = send(at, ["GET", &path], cookie, &json!({})).await;
        if shown["state"] == "ready" {
            break shown["machines"][0]["access"].clone();
        }
        assert!(Instant::now() < end, "{shown:#}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    let hosts = folder.join("known_hosts");
    fs::write(&hosts, access["known_hosts"].as_str().unwrap()).unwrap();
    let options = format!("ssh -i {} -oUserKnownHostsFile={}", key.display(), hosts.display());
    access["command"].as_str().unwrap().replacen("ssh", &options, 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stdout, reason = "how long it took is for whoever runs the tests")]
async fn the_printed_line_logs_in_and_still_does_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let data = data_folder(folder.path());
    let mut demo = Demo::start(&data);
    let address = demo.line("Mycelium is up: http://");
    let password = demo.line("  ben@demo.example").trim().to_owned();
    let line = format!("ssh {}", demo.line("  ssh "));
    check(&line, "echo hello > file; cat file; nproc", "hello\n1\n");
    assert_eq!(run(&line, "exit 3").status.code(), Some(3));

    let rented_at = Instant::now();
    let ben = sign_in(&address, "ben@demo.example", &password).await;
    let other = rent(&address, &ben, folder.path()).await;
    check(&other, "ls", "");
    println!("another slice in the demo, from signing in to a login: {:.1?}", rented_at.elapsed());
    demo.stop();
    assert!(!run(&line, "true").status.success(), "its machines stop with it");

    let mut demo = Demo::start(&data);
    let address = demo.line("Mycelium is up: http://");
    assert_eq!(format!("ssh {}", demo.line("  ssh ")), line, "it is the same machine");
    check(&line, "cat file", "hello\n");
    check(&other, "ls", "");
    let token = fs::read_to_string(data.join("demo/renter-token")).unwrap();
    let token = format!("Bearer {token}");
    let headers = [("authorization", token.as_str())];
    let call = ["GET", "/api/rentals"];
    let (_, _, rentals) = ask(&address, call, &headers, &json!({})).await.unwrap();
    assert_eq!(
        rentals["items"].as_array().unwrap().len(),
        1,
        "it does not rent again: {rentals:#}"
    );
    demo.stop();
}
