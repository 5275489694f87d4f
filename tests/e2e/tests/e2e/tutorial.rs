//! The session of the tutorial works as it stands there.

use std::fs;
use std::path::Path;

use e2e::{Market, OPERATOR_TOKEN};
use tokio::process::Command;

/// How a block of the session begins.
const BLOCK: &str = "```sh\n";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_session_of_the_tutorial_ends_with_28_75() {
    let tutorial = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/tutorial.md");
    let tutorial = fs::read_to_string(tutorial).unwrap();
    let blocks = tutorial.split(BLOCK).skip(1);
    let code: String = blocks.map(|block| block.split_once("```").unwrap().0).collect();

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
    assert!(tutorial.contains(end), "the tutorial says what comes out");
    assert!(!said.contains("\"success\":false"), "{said}");
    market.check_invariants().await;
}
