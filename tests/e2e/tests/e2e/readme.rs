//! The session of the README works as it stands there.

use std::fs;
use std::path::Path;

use e2e::{Market, OPERATOR_TOKEN};
use tokio::process::Command;

/// The heading over the session.
const HEADING: &str = "## The whole path with curl";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_whole_path_of_the_readme_ends_with_28_75() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, section) = readme.split_once(HEADING).unwrap();
    let (_, code) = section.split_once("```sh\n").unwrap();
    let (code, _) = code.split_once("```").unwrap();

    // Address and token are those of this test; everything else is as it stands there.
    let market = Market::start().await;
    let own = [("BASE=", market.url()), ("OPERATOR_TOKEN=", OPERATOR_TOKEN.to_owned())];
    let line = |line: &str| {
        let replaced = own.iter().find(|(name, _)| line.starts_with(name));
        replaced.map_or(line.to_owned(), |(name, value)| format!("{name}'{value}'"))
    };
    let script: Vec<_> = code.lines().map(line).collect();

    let folder = tempfile::tempdir().unwrap();
    let done = Command::new("sh")
        .args(["-eu", "-c", &script.join("\n")])
        .current_dir(folder.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let complaint = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "is curl installed? {complaint}{said}");
    let end = r#"{"balance":"28.75","currency":"USD"}"#;
    assert!(said.ends_with(end), "{complaint}{said}");
    assert!(section.contains(end), "the README says what comes out");
    assert!(!said.contains("\"success\":false"), "{said}");
    market.check_invariants().await;
}
