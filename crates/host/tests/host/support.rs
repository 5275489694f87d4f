//! What the host's tests share: the guests, an app in a folder of its own, and a plain client.

mod client;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use host::{Host, HostOptions};
use tempfile::TempDir;

pub(crate) use client::{Answer, Client};

/// Builds the guests once, into the target folder that this test was built in.
fn guests() -> &'static Path {
    static GUESTS: OnceLock<PathBuf> = OnceLock::new();
    GUESTS.get_or_init(|| {
        let test = std::env::current_exe().expect("a test has a path");
        let target = test.ancestors().nth(3).expect("target/<profile>/deps/<test>").to_owned();
        let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
        let done = Command::new(cargo)
            .args(["build", "--quiet", "--release", "--target", "wasm32-wasip2"])
            .args(["--package", "guest", "--package", "guest-cron", "--target-dir"])
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .status()
            .expect("cargo can be run");
        assert!(done.success(), "the guests in tests/guest and tests/guest-cron do not build");
        target.join("wasm32-wasip2/release")
    })
}

/// An app in a temporary folder: `spin.toml`, the guests, one static file, and `data/`.
pub(crate) struct TestApp {
    pub(crate) folder: TempDir,
}

impl TestApp {
    pub(crate) fn new() -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        for guest in ["guest.wasm", "guest_cron.wasm"] {
            std::os::unix::fs::symlink(guests().join(guest), folder.path().join(guest)).unwrap();
        }
        std::fs::create_dir(folder.path().join("static")).unwrap();
        std::fs::write(folder.path().join("static/hello.txt"), "a static file").unwrap();
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/guest/spin.toml");
        std::fs::copy(manifest, folder.path().join("spin.toml")).unwrap();
        TestApp { folder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces a text of the manifest, which must be there.
    pub(crate) fn edit(&self, old: &str, new: &str) {
        let text = std::fs::read_to_string(self.path("spin.toml")).unwrap();
        assert!(text.contains(old), "the manifest does not have {old}");
        std::fs::write(self.path("spin.toml"), text.replacen(old, new, 1)).unwrap();
    }

    pub(crate) fn options(&self) -> HostOptions {
        let mut options = HostOptions::new(self.path("spin.toml"), self.path("data"));
        options.cache = Some(guests().join("host-test-cache"));
        options.variables.insert("password".into(), "pa55word".into());
        options.run_schedules = false;
        options
    }

    /// What a component's log has so far.
    pub(crate) fn log(&self, component: &str) -> String {
        std::fs::read_to_string(self.path(&format!("data/logs/{component}.log"))).unwrap()
    }
}

/// A host on a fresh app, with options as they are.
pub(crate) async fn start() -> (TestApp, Host) {
    start_with(|_| {}).await
}

/// A host on a fresh app, with changed options.
pub(crate) async fn start_with(change: impl FnOnce(&mut HostOptions)) -> (TestApp, Host) {
    let app = TestApp::new();
    let mut options = app.options();
    change(&mut options);
    let host = Host::start(options).await.unwrap();
    (app, host)
}

/// One request on a connection of its own.
pub(crate) async fn get(host: &Host, path: &str) -> Answer {
    Client::connect(host.addr()).await.get(path).await
}

/// The text of a request that must succeed.
pub(crate) async fn text(host: &Host, path: &str) -> String {
    let answer = get(host, path).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

/// Runs SQL in the guest, one statement a line; one line for each comes back.
pub(crate) async fn sql(host: &Host, label: &str, script: &str) -> String {
    let mut client = Client::connect(host.addr()).await;
    let answer = client.send("POST", &format!("/sql?{label}"), &[], Some(script)).await;
    assert_eq!(answer.status, 200, "{script}: {}", answer.body);
    answer.body
}

/// Looks again and again for what comes from elsewhere, a log or a database, for 10 s at most.
pub(crate) async fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..1_000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    panic!("it did not come");
}
