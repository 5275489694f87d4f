//! The dependency rule: arrows point one way, from components to the domain.

use toml::{Table, Value};

use crate::rust_text::{Kind, of_kind, without_tests};
use crate::tree::SourceFile;

/// Which of our crates another one may use. A component's row is `components`.
const LAYERS: [(&str, &[&str]); 23] = [
    ("agent", &[]),
    ("domain", &[]),
    ("store", &["domain"]),
    ("grid", &["domain"]),
    ("factors", &["domain"]),
    ("ownership", &["domain"]),
    ("payments", &["domain"]),
    ("seal", &[]),
    // Knows no feature.
    ("web", &["domain", "seal", "store"]),
    ("mail", &["domain", "seal", "web"]),
    // What at least two features show.
    ("ui", &["domain", "store", "web"]),
    ("documents", &["domain", "store", "ui", "web"]),
    // The features. Only these arrows are between them.
    ("accounts", &["domain", "factors", "mail", "seal", "store", "ui", "web"]),
    ("billing", &["domain", "mail", "payments", "store", "ui", "web"]),
    ("farming", &["domain", "grid", "ownership", "store", "ui", "web"]),
    ("machines", &["domain", "mail", "seal", "store", "ui", "web"]),
    ("notifying", &["domain", "mail", "seal", "store", "ui", "web"]),
    ("operating", &["domain", "mail", "seal", "store", "ui", "web"]),
    ("renting", &["domain", "machines", "mail", "seal", "store", "ui", "web"]),
    ("edge", &["domain", "store", "web"]),
    (
        "components",
        &[
            "accounts",
            "billing",
            "documents",
            "edge",
            "farming",
            "machines",
            "notifying",
            "operating",
            "renting",
            "ui",
            "web",
        ],
    ),
    ("host", &["store"]),
    ("xtask", &["domain", "seal", "store"]),
];

/// What else `domain` may use: nothing that reaches out of the program.
const DOMAIN_USES: [&str; 8] =
    ["chrono", "icu_normalizer", "rust_decimal", "serde", "ssh-key", "strum", "thiserror", "uuid"];

/// Where requests and responses are known.
const HTTP: &[&str] = &[
    "accounts",
    "billing",
    "components",
    "documents",
    "edge",
    "farming",
    "host",
    "machines",
    "notifying",
    "operating",
    "renting",
    "web",
];

/// Where pages are made.
const PAGES: &[&str] = &[
    "accounts",
    "billing",
    "documents",
    "farming",
    "machines",
    "notifying",
    "operating",
    "renting",
    "ui",
    "web",
];

/// Other people's crates that belong into one place only, and where that is.
const PLACES: [(&str, &[&str]); 19] = [
    ("argon2", &["accounts"]),
    ("askama", PAGES),
    ("axum", &["agent"]),
    ("ed25519-dalek", &["ownership"]),
    ("http", HTTP),
    ("http-body-util", &["edge", "host"]),
    ("hyper", &["agent", "host"]),
    ("mail-builder", &["mail"]),
    ("reqwest", &[]),
    ("rusqlite", &["store", "host"]),
    ("schnorrkel", &["ownership"]),
    ("spin-sdk", &["edge", "components"]),
    ("ssh-key", &["domain"]),
    ("tokio", &["agent", "host"]),
    ("totp-rs", &["factors"]),
    ("wasmtime", &["host"]),
    ("wasmtime-wasi", &["host"]),
    ("webauthn_rp", &["factors"]),
    ("wit-bindgen", &["edge"]),
];

/// Paths that reach out of the program, or into a clock.
const DOMAIN_AVOIDS: [&str; 9] = [
    "std::",
    "extern crate std",
    "async fn",
    ".await",
    "Utc::now",
    "Local::now",
    "SystemTime",
    "new_v4",
    "now_v7",
];

/// What the rule needs to know of a package.
pub(crate) struct Manifest {
    /// Its folder: `crates/web`.
    folder: String,
    name: String,
    /// What it is built with; what only its tests use is left out.
    dependencies: Vec<String>,
    has_workspace_lints: bool,
}

impl Manifest {
    pub(crate) fn parse(path: &str, text: &str) -> Manifest {
        let manifest: Table = text.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
        let mut dependencies = dependencies_of(&manifest);
        let targets = manifest.get("target").and_then(Value::as_table);
        for target in targets.into_iter().flat_map(Table::values) {
            dependencies.extend(target.as_table().map(dependencies_of).unwrap_or_default());
        }
        let value = |table: &str, key: &str| manifest.get(table).and_then(|t| t.get(key));
        Manifest {
            folder: path.trim_end_matches("/Cargo.toml").to_owned(),
            name: value("package", "name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            dependencies,
            has_workspace_lints: value("lints", "workspace").and_then(Value::as_bool) == Some(true),
        }
    }

    /// Its row in the tables. Test packages have none: they stand outside and may use everything.
    fn layer(&self) -> Option<&str> {
        match self.folder.split_once('/') {
            Some(("components", _)) => Some("components"),
            Some(("crates", name)) => Some(name),
            _ => None,
        }
    }
}

fn dependencies_of(table: &Table) -> Vec<String> {
    let tables = ["dependencies", "build-dependencies"].map(|key| table.get(key));
    let tables = tables.into_iter().flatten().filter_map(Value::as_table);
    tables.flat_map(Table::iter).map(|(key, value)| package_name(key, value)).collect()
}

/// The package's own name, where the manifest calls it something else.
fn package_name(key: &str, value: &Value) -> String {
    value.get("package").and_then(Value::as_str).unwrap_or(key).to_owned()
}

/// What is wrong with the packages of the project.
pub(crate) fn check_all(manifests: &[Manifest]) -> Vec<String> {
    let ours: Vec<_> = manifests.iter().map(|manifest| manifest.name.as_str()).collect();
    manifests.iter().flat_map(|manifest| check(manifest, &ours)).collect()
}

fn check(manifest: &Manifest, ours: &[&str]) -> Vec<String> {
    let Manifest { folder, name, dependencies, .. } = manifest;
    let mut violations = Vec::new();
    if !folder.ends_with(&format!("/{name}")) {
        violations.push(format!("{folder}: its package has another name, {name}"));
    }
    if !manifest.has_workspace_lints {
        violations.push(format!("{folder}: `lints.workspace = true` is missing"));
    }
    let Some(layer) = manifest.layer() else { return violations };
    let Some((_, may_use)) = LAYERS.iter().find(|(name, _)| *name == layer) else {
        violations.push(format!("{folder}: the table LAYERS does not say what it may use"));
        return violations;
    };
    for dependency in dependencies {
        let dependency = dependency.as_str();
        let is_ours = ours.contains(&dependency);
        let place = PLACES.iter().find(|(name, _)| *name == dependency);
        let is_wrong = if is_ours {
            !may_use.contains(&dependency)
        } else if layer == "domain" {
            !DOMAIN_USES.contains(&dependency)
        } else {
            place.is_some_and(|(_, layers)| !layers.contains(&layer))
        };
        if is_wrong {
            violations.push(format!("{folder} may not use {dependency}"));
        }
    }
    violations
}

/// What a file of `domain` reaches out to.
pub(crate) fn check_domain(file: &SourceFile) -> Vec<String> {
    let mut violations = Vec::new();
    if file.path.ends_with("/lib.rs") && !file.text.contains("#![no_std]") {
        violations.push(format!("{}: `#![no_std]` is missing", file.path));
    }
    for piece in of_kind(without_tests(&file.text), Kind::Code) {
        for avoided in DOMAIN_AVOIDS {
            if piece.text.contains(avoided) {
                violations.push(format!("{}: {avoided}", file.at(piece.line)));
            }
        }
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: [&str; 6] = ["account", "domain", "edge", "host", "store", "web"];

    #[track_caller]
    fn violations(folder: &str, dependencies: &str, expected: &[&str]) {
        let name = folder.rsplit('/').next().unwrap();
        let text = format!("package.name = '{name}'\nlints.workspace = true\n{dependencies}");
        let manifest = Manifest::parse(&format!("{folder}/Cargo.toml"), &text);
        assert_eq!(check(&manifest, &OURS), expected);
    }

    #[test]
    fn an_arrow_that_points_back_is_noticed() {
        violations("crates/store", "[dependencies]\ndomain.workspace = true", &[]);
        violations(
            "crates/store",
            "[dependencies]\nweb.workspace = true",
            &["crates/store may not use web"],
        );
        violations(
            "crates/host",
            "[dependencies]\ndomain.workspace = true",
            &["crates/host may not use domain"],
        );
        violations(
            "components/site",
            "[dependencies]\naccount = { path = '../account' }",
            &["components/site may not use account"],
        );
        violations("crates/store", "[dev-dependencies]\nweb.workspace = true", &[]);
        violations("tests/e2e", "[dependencies]\nhost.workspace = true", &[]);
    }

    #[test]
    fn a_crate_out_of_its_place_is_noticed() {
        violations(
            "crates/domain",
            "[dependencies]\ntokio = '1'",
            &["crates/domain may not use tokio"],
        );
        violations(
            "crates/store",
            "[dependencies]\nhttp = '1'",
            &["crates/store may not use http"],
        );
        violations(
            "crates/web",
            "[dependencies]\nsdk = { package = 'spin-sdk', version = '7' }",
            &["crates/web may not use spin-sdk"],
        );
        violations(
            "components/site",
            "[target.'cfg(unix)'.dependencies]\nrusqlite = '1'",
            &["components/site may not use rusqlite"],
        );
        violations("crates/store", "[dependencies]\nrusqlite = '1'", &[]);
    }

    #[test]
    fn a_package_without_a_row_lints_or_its_name_is_noticed() {
        violations(
            "crates/new",
            "",
            &["crates/new: the table LAYERS does not say what it may use"],
        );
        let manifest = Manifest::parse("crates/web/Cargo.toml", "package.name = 'pages'");
        assert_eq!(
            check(&manifest, &OURS),
            [
                "crates/web: its package has another name, pages",
                "crates/web: `lints.workspace = true` is missing"
            ]
        );
    }

    #[test]
    fn a_clock_in_the_domain_is_noticed() {
        let check = |text: &str, expected: &[&str]| {
            let file = SourceFile::fixture("crates/domain/src/time.rs", text);
            assert_eq!(check_domain(&file), expected);
        };
        check("//! No std::time here.\nuse core::fmt;\n", &[]);
        check("\nuse std::fs;", &["crates/domain/src/time.rs:1: std::"]);
        check("fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use std::fs;\n}", &[]);
        let file = SourceFile::fixture("crates/domain/src/lib.rs", "//! Rules.\n");
        assert_eq!(check_domain(&file), ["crates/domain/src/lib.rs: `#![no_std]` is missing"]);
    }
}
