//! Manifests that are read, and manifests that are refused with words.

use super::*;

const FULL: &str = r#"
spin_manifest_version = 2

[application]
name = "market"
version = "1.0.0"
authors = ["Somebody"]
description = "A market"

[variables]
token = { required = true, secret = true }
url = { default = "https://example.org", description = "where" }

[[trigger.http]]
route = "/..."
component = "site"

[[trigger.http]]
route = { private = true }
component = "site"

[[trigger.http]]
route = "/gone"
static_response = { status_code = 410, headers = { content-type = "text/plain" }, body = "gone" }

[[trigger.cron]]
component = "sync"
cron_expression = "0 */5 * * * *"

[component.site]
source = "target/site.wasm"
description = "The site"
sqlite_databases = ["default"]
allowed_outbound_hosts = ["{{ url }}"]
files = ["*.txt", { source = "static", destination = "/static" }]
exclude_files = ["static/draft.html"]
key_value_stores = []
environment = { MODE = "test" }
variables = { token = "{{ token }}" }
[component.site.tool.mycelium-host]
waits = true
[component.site.tool.another]
anything = "goes"
[component.site.build]
command = "cargo build"
workdir = "components/site"
watch = ["src/**/*.rs"]

[component.sync]
source = "target/sync.wasm"
build = { command = ["cargo build", "true"] }
"#;

fn parse(text: &str) -> Result<Manifest> {
    Manifest::parse(Path::new("app/spin.toml"), text)
}

#[test]
fn everything_that_we_use_is_read() {
    let manifest = parse(FULL).unwrap();
    assert!(manifest.variables["token"].secret && manifest.variables["token"].default.is_none());
    assert_eq!(manifest.variables["url"].default.as_deref(), Some("https://example.org"));
    let routes: Vec<_> = manifest.routes.iter().map(|trigger| trigger.route.as_deref()).collect();
    assert_eq!(routes, [Some("/..."), None, Some("/gone")]);
    let HttpTarget::Static(fixed) = &manifest.routes[2].target else { panic!("it is static") };
    assert_eq!((fixed.status.as_u16(), fixed.body.as_str()), (410, "gone"));
    assert_eq!(fixed.headers["content-type"], "text/plain");
    assert_eq!(manifest.schedules[0].component, "sync");
    let site = &manifest.components["site"];
    assert_eq!(site.source, Path::new("app/target/site.wasm"));
    assert_eq!(site.files.len(), 2);
    assert_eq!(site.variables["token"], "{{ token }}");
    assert_eq!(site.environment["MODE"], "test");
    assert!(site.waits && !manifest.components["sync"].waits);
}

/// Replaces one text of the full manifest, and expects this error.
#[track_caller]
fn check(old: &str, new: &str, expected: &str) {
    assert!(FULL.contains(old), "the manifest does not have {old}");
    let error = parse(&FULL.replacen(old, new, 1)).expect_err(new);
    assert_eq!(error.to_string(), expected);
}

#[test]
fn an_unknown_key_is_named_with_its_place() {
    check(
        "sqlite_databases",
        "sqlite_database",
        "spin.toml: [component.site]: unknown key `sqlite_database`; known are ai_models, \
         allowed_outbound_hosts, build, description, environment, exclude_files, files, \
         key_value_stores, source, sqlite_databases, tool, variables",
    );
    check(
        "workdir",
        "work_dir",
        "spin.toml: [component.site] build: unknown key `work_dir`; known are command, watch, \
         workdir",
    );
    check(
        "destination = \"/static\"",
        "destination = \"/static\", mode = 1",
        "spin.toml: [component.site] files: unknown key `mode`; known are destination, source",
    );
    check(
        "[application]",
        "extra = 1\n[application]",
        "spin.toml: unknown key `extra`; known are application, component, \
         spin_manifest_version, trigger, variables",
    );
    check(
        "secret = true",
        "secrecy = true",
        "spin.toml: [variables] token: unknown key `secrecy`; known are default, description, \
         required, secret",
    );
    check(
        "waits",
        "wait",
        "spin.toml: [component.site] mycelium-host: unknown key `wait`; known are waits",
    );
    check(
        "cron_expression",
        "schedule",
        "spin.toml: [[trigger.cron]] number 1: the key `cron_expression` is missing",
    );
    check(
        "status_code",
        "status",
        "spin.toml: [[trigger.http]] number 3 static_response: unknown key `status`; known are \
         body, headers, status_code",
    );
}

#[test]
fn a_wrong_value_is_named_with_its_place() {
    check("_version = 2", "_version = 1", "spin.toml: spin_manifest_version is 1, and must be 2");
    check(
        "name = \"market\"",
        "name = 1",
        "spin.toml: [application]: `name` must be a string, not integer",
    );
    check(
        "component = \"sync\"",
        "component = \"sink\"",
        "spin.toml: [[trigger.cron]] number 1: there is no [component.sink]",
    );
    check(
        "[[trigger.cron]]",
        "[[trigger.redis]]",
        "spin.toml: [[trigger.redis]] number 1: this trigger is not offered; `http` and `cron` are",
    );
    check(
        "key_value_stores = []",
        "key_value_stores = [\"default\"]",
        "spin.toml: [component.site]: `key_value_stores` is not offered by this host",
    );
    check(
        "token = { required",
        "Token = { required",
        "spin.toml: [variables] Token: a variable's name is lower_snake_case",
    );
    check(
        "required = true",
        "required = false",
        "spin.toml: [variables] token: a variable has either a `default` or `required = true`",
    );
    check(
        "private = true",
        "private = false",
        "spin.toml: [[trigger.http]] number 2: `route` must be a path or { private = true }",
    );
    check(
        "status_code = 410",
        "status_code = 99999",
        "spin.toml: [[trigger.http]] number 3 static_response: `status_code` cannot be 99999",
    );
    check(
        "route = \"/gone\"",
        "route = \"/gone\"\ncomponent = \"site\"",
        "spin.toml: [[trigger.http]] number 3: name either a `component` or a `static_response`",
    );
    check(
        "\"/static\"",
        "\"static\"",
        "spin.toml: [component.site] files: the destination `static` must start with `/`",
    );
    check(
        "source = \"target/site.wasm\"",
        "source = { url = \"x\" }",
        "spin.toml: [component.site]: `source` must be the path of a file; others are not offered",
    );
    check(
        "sqlite_databases = [\"default\"]",
        "sqlite_databases = [\"../default\"]",
        "spin.toml: [component.site]: `../default` cannot be a database's label",
    );
}

#[test]
fn broken_toml_shows_its_line() {
    let error = format!("{:#}", parse("spin_manifest_version = 2\n[application\n").unwrap_err());
    assert!(error.contains("spin.toml is not valid TOML"), "{error}");
    assert!(error.contains("line 2"), "{error}");
}
