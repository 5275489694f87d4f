//! A start that cannot succeed says why, and where to look.

use crate::support::TestApp;
use host::Host;

/// Starts an app after one edit of its manifest, and expects these words.
async fn check(old: &str, new: &str, words: &[&str]) {
    let app = TestApp::new();
    app.edit(old, new);
    let Err(error) = Host::start(app.options()).await else {
        panic!("it started with {new}");
    };
    let error = format!("{error:#}");
    for words in words {
        assert!(error.contains(words), "{new}: {error}");
    }
}

#[tokio::test]
async fn a_missing_component_is_named() {
    check("guest.wasm", "gone.wasm", &["[component.guest] source", "gone.wasm", "is it built?"])
        .await;
    check("guest.wasm", "static/hello.txt", &["[component.guest] source", "is no component"]).await;
}

#[tokio::test]
async fn missing_files_are_named() {
    let there = "source = \"static\"";
    check(there, "source = \"gone\"", &["[component.guest]", "there is no", "gone"]).await;
    let files = "[{ source = \"static\", destination = \"/static\" }]";
    check(files, "[\"*.gone\"]", &["[component.guest]", "no file matches `*.gone`"]).await;
}

#[tokio::test]
async fn unresolvable_variables_are_named() {
    check("{{ peer }}", "{{ pear }}", &["[component.guest] allowed_outbound_hosts", "`pear`"])
        .await;
    check("{{ password }}", "{{ word }}", &["[component.guest] variables", "password", "`word`"])
        .await;
    let app = TestApp::new();
    let mut options = app.options();
    options.variables.clear();
    let error = Host::start(options).await.err().expect("a required variable has no value");
    assert!(format!("{error:#}").contains("set SPIN_VARIABLE_PASSWORD"), "{error:#}");
}

#[tokio::test]
async fn bad_triggers_are_named() {
    check("\"/fixed\"", "\"fixed\"", &["[[trigger.http]]", "`fixed` must start with `/`"]).await;
    check("\"/fixed\"", "\"/...\"", &["[[trigger.http]]", "match the same paths"]).await;
    check("0 0 * * * *", "hourly", &["[[trigger.cron]]", "`hourly`"]).await;
    check("route = \"/fixed\"", "rout = \"/fixed\"", &["number 3", "`route` is missing"]).await;
}

#[tokio::test]
async fn a_component_without_the_right_export_is_named() {
    check(
        "source = \"guest_cron.wasm\"",
        "source = \"guest.wasm\"",
        &["[component.guest-cron]", "does not export handle-cron-event"],
    )
    .await;
    check(
        "source = \"guest.wasm\"",
        "source = \"guest_cron.wasm\"",
        &["[component.guest]", "does not export an HTTP handler"],
    )
    .await;
}

/// A component that imports the function `f` of `absent:package/interface` and does nothing.
const NEEDY: &[u8] = b"\0asm\x0d\0\x01\0\
    \x07\x0e\x01\x42\x02\x01\x40\0\x01\0\x04\0\x01f\x01\0\
    \x0a\x1d\x01\0\x18absent:package/interface\x05\0";

#[tokio::test]
async fn a_missing_import_is_named() {
    let app = TestApp::new();
    std::fs::write(app.path("needy.wasm"), NEEDY).unwrap();
    app.edit("source = \"guest.wasm\"", "source = \"needy.wasm\"");
    let error = Host::start(app.options()).await.err().expect("an import is missing");
    let error = format!("{error:#}");
    assert!(error.contains("absent:package/interface"), "{error}");
    assert!(error.contains("[component.guest] source"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let app = TestApp::new();
    let mut options = app.options();
    options.listen = listener.local_addr().unwrap();
    let error = Host::start(options).await.err().expect("the port is taken");
    assert!(error.to_string().contains("cannot listen on 127.0.0.1:"), "{error}");
}
