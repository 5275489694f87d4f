//! `cargo xtask cron NAME`: fires a scheduled component now.

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::artifact;
use crate::up::{self, DataFolder};
use crate::workspace::Workspace;

#[derive(Args)]
pub(crate) struct Options {
    /// The component, such as `grid-sync`.
    name: String,

    #[command(flatten)]
    data: DataFolder,
}

/// Asks the host that runs on the data folder, or runs the component by itself where none does.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    artifact::build_components(workspace)?;
    let programs = artifact::build_programs(workspace)?;
    let data = options.data.resolve(workspace)?;
    let mut command = up::host_command(workspace, &programs, "cron", &data);
    let status = command.arg(&options.name).status().context("starting the host")?;
    ensure!(status.success(), "{} failed ({status})", options.name);
    Ok(())
}
