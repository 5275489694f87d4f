//! `cargo xtask sign-claim`: signs the message of a claim to a farm, for development.
//!
//! A program of the crate `ownership` does it, so that `cargo xtask` is there in seconds. The
//! phrase goes to it on standard input, and nowhere else.

use std::ffi::OsString;

use anyhow::{Context as _, Result, ensure};
use clap::Args;

use crate::process;
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// The message, or `--message-file PATH`, and `--ed25519` for such a key.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<OsString>,
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    let mut command = process::cargo();
    command
        .args(["run", "--quiet", "--package", "ownership", "--features", "sign"])
        .args(["--bin", "sign-claim", "--manifest-path"])
        .arg(workspace.join("Cargo.toml"))
        .arg("--")
        .args(&options.arguments);
    let status = command.status().context("starting cargo")?;
    ensure!(status.success(), "nothing was signed");
    Ok(())
}
