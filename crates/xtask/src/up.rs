//! `cargo xtask up`: all the set-up, then the app on a port of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use clap::Args;

use crate::artifact::{self, Programs};
use crate::demo;
use crate::migrate;
use crate::progress::{Step, say};
use crate::secrets;
use crate::server::Server;
use crate::signals::Signals;
use crate::workspace::Workspace;

/// Where the app listens: on this machine only.
const ADDRESS: &str = "127.0.0.1";

/// How the host begins the line that says where it listens.
pub(crate) const READY: &str = "listening on ";

/// The database, in the data folder.
pub(crate) const DATABASE_NAME: &str = "mycelium.db";

#[derive(Args)]
pub(crate) struct Options {
    /// The port to serve on; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    port: u16,

    #[command(flatten)]
    data: DataFolder,

    /// Serve recorded grid documents, and make a farmer, two renters and three nodes.
    #[arg(long)]
    demo: bool,

    /// The address that people reach the app at.
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,

    /// Sets a variable of spin.toml.
    #[arg(long = "variable", value_name = "KEY=VALUE")]
    variables: Vec<String>,
}

#[derive(Args)]
pub(crate) struct DataFolder {
    /// Where the database, the logs and the secrets are [default: .mycelium in the project].
    #[arg(long = "data", value_name = "DIR")]
    path: Option<PathBuf>,
}

impl DataFolder {
    /// The folder's absolute path: the host runs in another folder than this program.
    pub(crate) fn resolve(&self, workspace: &Workspace) -> Result<PathBuf> {
        let path = self.path.clone().unwrap_or_else(|| workspace.join(".mycelium"));
        std::path::absolute(&path).with_context(|| format!("finding {}", path.display()))
    }
}

pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<()> {
    artifact::build_components(workspace)?;
    let programs = artifact::build_programs(workspace)?;
    let data = options.data.resolve(workspace)?;
    secrets::ensure_file(&data)?;
    migrate::apply(&programs, &data.join(DATABASE_NAME))?;

    // From here on a signal goes to the host, which finishes what it does; until here it ends us.
    let signals = Signals::forward()?;
    let served = serve(workspace, options, &programs, &data, &signals);
    if signals.came() {
        say("Stopped.");
        return Ok(());
    }
    served
}

/// Runs the app until it ends.
fn serve(
    workspace: &Workspace,
    options: &Options,
    programs: &Programs,
    data: &Path,
    signals: &Signals,
) -> Result<()> {
    let grid = options.demo.then(|| demo::start_grid(workspace, programs)).transpose()?;
    let mut command = host_command(workspace, programs, "up", data);
    command.arg("--listen").arg(format!("{ADDRESS}:{}", options.port));
    for variable in variables(options, grid.as_ref().map(|grid| grid.url.as_str())) {
        command.args(["--variable", &variable]);
    }
    let step = Step::start("starting the app");
    let (mut host, url) = Server::start("the host", &mut command, READY, |id| signals.add(id))?;
    step.done();

    let secrets_file = data.join(secrets::FILE_NAME);
    if options.demo {
        demo::create(&url, data, &secrets::operator_token(&secrets_file)?)?;
    }
    say(&welcome(&url, data, &secrets_file));
    let status = host.wait()?;
    bail!("the host ended by itself ({status})")
}

/// A call of the host on the project's manifest and a data folder.
pub(crate) fn host_command(
    workspace: &Workspace,
    programs: &Programs,
    verb: &str,
    data: &Path,
) -> Command {
    let mut command = Command::new(&programs.host);
    command.arg(verb).current_dir(workspace.root());
    command.arg("--manifest").arg(workspace.join("spin.toml")).arg("--data").arg(data);
    let secrets_file = data.join(secrets::FILE_NAME);
    if secrets_file.exists() {
        command.arg("--env-file").arg(secrets_file);
    }
    command
}

/// The variables that this run sets; what a person says comes last, and wins.
fn variables(options: &Options, grid_url: Option<&str>) -> Vec<String> {
    let mut variables = Vec::new();
    variables.extend(options.public_url.iter().map(|url| format!("public_url={url}")));
    variables.extend(grid_url.map(|url| format!("gridproxy_urls={url}")));
    variables.extend(options.variables.iter().cloned());
    variables
}

fn welcome(url: &str, data: &Path, secrets_file: &Path) -> String {
    format!(
        "\nMycelium is up: {url}\n\
         \x20 data            {}\n\
         \x20 logs            {}\n\
         \x20 operator token  {}\n\
         Press Ctrl-C to stop.",
        data.display(),
        data.join("logs").display(),
        secrets_file.display(),
    )
}
