//! Clients that programs of others make from the API document, in two languages.

use anyhow::Result;

use crate::process;
use crate::progress::Step;
use crate::python::Python;
use crate::workspace::Workspace;

/// openapi-python-client and all that it needs.
const REQUIREMENTS: &str = include_str!("../../../../tests/e2e/clients/python/requirements.txt");

/// Where the document is that they are made from; a test compares it with the one that is served.
const DOCUMENT: &str = "tests/contract/openapi.json";

/// Makes both below `target/clients`: a package for Python, and a program of Rust.
pub(super) fn make(workspace: &Workspace) -> Result<()> {
    let folder = workspace.component_target().join("clients");
    let document = workspace.join(DOCUMENT);
    let python = Python::ensure(&folder.join("python"), REQUIREMENTS, "openapi-python-client")?;
    let mut step = Step::start("making a client for Python");
    let mut generate = python.command("openapi-python-client");
    generate.args(["generate", "--meta", "none", "--overwrite", "--path"]).arg(&document);
    generate.arg("--config").arg(workspace.join("tests/e2e/clients/python/config.yml"));
    generate.arg("--output-path").arg(folder.join("python/mycelium_client"));
    process::run(&mut step, &mut generate)?;
    step.done();

    let mut step = Step::start("making a client of Rust");
    let mut cargo = process::cargo_with_progress();
    cargo.args(["build", "--locked", "--manifest-path"]);
    cargo.arg(workspace.join("tests/e2e/clients/rust/Cargo.toml"));
    cargo.arg("--target-dir").arg(folder.join("rust"));
    process::run(&mut step, cargo.env("API_DOCUMENT", document))?;
    step.done();
    Ok(())
}
