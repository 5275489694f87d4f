//! `mycelium-host`: runs a `spin.toml`, or one of its cron components.

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Parser, Subcommand};
use host::{Host, HostOptions, Outbound};
use http::HeaderName;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

/// Runs Spin apps that need no more than HTTP, cron, SQLite, variables and files.
#[derive(Parser)]
#[command(name = "mycelium-host", version)]
struct Command {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Serves the app until Ctrl-C or SIGTERM.
    Up {
        #[command(flatten)]
        app: AppArguments,
        /// Where to listen; port 0 takes a free one.
        #[arg(long, default_value = "127.0.0.1:3000")]
        listen: SocketAddr,
        /// The header in which a trusted proxy in front gives the client's address, such as
        /// x-forwarded-for: its last value counts.
        #[arg(long, value_name = "NAME")]
        client_address_header: Option<HeaderName>,
        /// Leave cron triggers alone; `cron` fires them.
        #[arg(long)]
        no_schedules: bool,
        /// For development: take mail at /dev/mail into this folder, and show it there.
        #[arg(long, value_name = "DIR")]
        dev_mail: Option<PathBuf>,
    },
    /// Runs a cron component now: in the host that runs on the data folder, or else here.
    Cron {
        #[command(flatten)]
        app: AppArguments,
        component: String,
    },
}

#[derive(Args)]
struct AppArguments {
    #[arg(long, default_value = "spin.toml")]
    manifest: PathBuf,
    /// The folder for databases, logs and compiled components.
    #[arg(long, default_value = ".mycelium")]
    data: PathBuf,
    /// A file of `SPIN_VARIABLE_NAME=value` lines.
    #[arg(long)]
    env_file: Option<PathBuf>,
    /// A variable; it wins over the environment and the file.
    #[arg(long = "variable", value_name = "KEY=VALUE", value_parser = key_and_value)]
    variables: Vec<(String, String)>,
    /// A file of Spin's runtime configuration; `block_networks` is all that this host knows of it.
    #[arg(long)]
    runtime_config_file: Option<PathBuf>,
    /// Let components reach private addresses that the manifest allows, this machine's among them:
    /// for development.
    #[arg(long)]
    allow_private_network: bool,
    /// Keep what components print out of the terminal; the logs have it.
    #[arg(long)]
    quiet: bool,
}

impl AppArguments {
    fn options(self) -> HostOptions {
        let mut options = HostOptions::new(self.manifest, self.data);
        options.env_file = self.env_file;
        options.runtime_config = self.runtime_config_file;
        options.variables = self.variables.into_iter().collect();
        options.terminal_logs = !self.quiet;
        if !self.allow_private_network {
            options.outbound = Outbound::PublicNetwork;
        }
        options
    }
}

fn key_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        // The text may hold a secret, so it is not repeated.
        Some(_) | None => Err("write it as KEY=VALUE".into()),
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let done = match Command::parse().action {
        Action::Up { app, listen, client_address_header, no_schedules, dev_mail } => {
            let run_schedules = !no_schedules;
            let options = HostOptions {
                listen,
                client_address_header,
                run_schedules,
                dev_mail,
                ..app.options()
            };
            up(options).await
        }
        Action::Cron { app, component } => cron(app.options(), &component).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do if stderr is closed.
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Lets the process open as many files as the system allows it: each connection is one.
fn allow_open_files() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context("cannot raise the limit on open files")
}

async fn up(options: HostOptions) -> Result<()> {
    allow_open_files()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let host = tokio::select! {
        host = Host::start(options) => host?,
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
    };
    let mut stdout = std::io::stdout();
    writeln!(stdout, "listening on http://{}", host.addr()).context("stdout is closed")?;
    stdout.flush()?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tokio::select! {
        () = host.shutdown() => {}
        // Whoever asks twice does not want to wait.
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

async fn cron(options: HostOptions, component: &str) -> Result<()> {
    match host::ask_to_fire(&options.data, component).await {
        Some(done) => done,
        None => Host::run_cron_once(options, component).await,
    }
}
