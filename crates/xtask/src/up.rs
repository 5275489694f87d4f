//! `cargo xtask up`: all the set-up, then the app on a port of this machine.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::artifact::{self, FarmPrograms, Programs};
use crate::demo::{self, Demo};
use crate::maintain;
use crate::progress::{Step, say};
use crate::secrets;
use crate::server::Server;
use crate::signals::Signals;
use crate::workspace::Workspace;

/// Where the app listens: on this machine only.
const ADDRESS: &str = "127.0.0.1";

/// How the host begins the line that says where it listens.
pub(crate) const READY: &str = "listening on ";

/// The folder of mail, in the data folder.
const MAIL_NAME: &str = "mail";

/// Where the host takes and shows mail in development.
const DEV_MAIL: &str = "/dev/mail";

/// Whom mail comes from in development.
const MAIL_FROM: &str = "Mycelium <mycelium@localhost.localdomain>";

/// The database, in the data folder.
pub(crate) const DATABASE_NAME: &str = "mycelium.db";

#[derive(Args)]
pub(crate) struct Options {
    /// The port to serve on; 0 takes a free one.
    #[arg(long, default_value_t = 3000)]
    port: u16,

    #[command(flatten)]
    data: DataFolder,

    /// Serve recorded grid documents, with a farmer, three nodes, two renters and a machine.
    #[arg(long)]
    demo: bool,

    /// Take mail into the data folder, and show it at /dev/mail. Needs a port that is not 0.
    #[arg(long)]
    mail: bool,

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
    // Mail has links in it, so that the address is needed before there is one.
    ensure!(!options.mail || options.port != 0, "--mail needs a port, for example --port 3000");
    let data = options.data.resolve(workspace)?;
    // Where there is mail, an account is made by who reads it.
    ensure!(
        !(options.mail && options.demo) || demo::is_made(&data),
        "create the demo without --mail first, then stop it and start again with --demo --mail"
    );
    artifact::build_components(workspace)?;
    let programs = artifact::build_programs(workspace)?;
    let farm = options.demo.then(|| artifact::build_farm(workspace)).transpose()?;
    secrets::ensure_file(&data)?;
    maintain::migrate(&programs, &data.join(DATABASE_NAME))?;

    // From here on a signal goes to the host, which finishes what it does; until here it ends us.
    let signals = Signals::forward()?;
    let served = serve(workspace, options, &programs, farm.as_ref(), &data, &signals);
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
    farm: Option<&FarmPrograms>,
    data: &Path,
    signals: &Signals,
) -> Result<()> {
    let grid = farm.map(|_| demo::start_grid(workspace, programs)).transpose()?;
    let mut command = host_command(workspace, programs, "up", data);
    command.arg("--listen").arg(format!("{ADDRESS}:{}", options.port));
    if options.mail {
        command.arg("--dev-mail").arg(data.join(MAIL_NAME));
    }
    for variable in variables(options, grid.as_ref().map(|grid| grid.url.as_str())) {
        command.args(["--variable", &variable]);
        // The host counts clients as the app does.
        if let Some(header) = variable.strip_prefix("client_address_header=")
            && !header.is_empty()
        {
            command.args(["--client-address-header", header]);
        }
    }
    let step = Step::start("starting the app");
    let started = |id| signals.add(id);
    let (mut host, url) = if options.demo {
        Server::start_quietly("the host", &mut command, READY, started, demo::is_noise)?
    } else {
        Server::start("the host", &mut command, READY, started)?
    };
    step.done();

    let secrets_file = data.join(secrets::FILE_NAME);
    let token = secrets::operator_token(&secrets_file)?;
    let demo = farm.map(|farm| Demo::start(workspace, farm, &url, data, &token)).transpose()?;
    say(&welcome(&url, data, &secrets_file, options.mail));
    if let Some(demo) = &demo {
        say(&format!("\n{}", demo.summary()));
    }
    let status = host.wait()?;
    bail!("the host stopped unexpectedly ({status})")
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
    // The stand-ins of the grid and of the mail transport are on this machine.
    command.arg("--allow-private-network");
    let secrets_file = data.join(secrets::FILE_NAME);
    if secrets_file.exists() {
        command.arg("--env-file").arg(secrets_file);
    }
    command
}

/// The variables that this run sets; what a person says comes last, and wins.
fn variables(options: &Options, grid_url: Option<&str>) -> Vec<String> {
    let mut variables = Vec::new();
    if options.mail {
        let url = format!("http://{ADDRESS}:{}", options.port);
        variables.push("mail_transport=folder".to_owned());
        variables.push(format!("mail_url={url}{DEV_MAIL}"));
        variables.push(format!("mail_from={MAIL_FROM}"));
        variables.push(format!("public_url={url}"));
    }
    variables.extend(options.public_url.iter().map(|url| format!("public_url={url}")));
    variables.extend(grid_url.map(|url| format!("gridproxy_urls={url}")));
    variables.extend(options.variables.iter().cloned());
    variables
}

fn welcome(url: &str, data: &Path, secrets_file: &Path, has_mail: bool) -> String {
    let mail =
        if has_mail { format!("  mail            {url}{DEV_MAIL}\n") } else { String::new() };
    format!(
        "\nMycelium is up: {url}\n\
         \x20 data            {}\n\
         \x20 logs            {}\n\
         \x20 operator token  {}\n\
         {mail}\
         Press Ctrl-C to stop.",
        data.display(),
        data.join("logs").display(),
        secrets_file.display(),
    )
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        options: Options,
    }

    fn options(arguments: &[&str]) -> Options {
        Arguments::parse_from([&["up"], arguments].concat()).options
    }

    #[test]
    fn mail_goes_to_the_host_itself_unless_somebody_says_otherwise() {
        assert_eq!(variables(&options(&[]), None), [""; 0]);
        let own = [
            "mail_transport=folder",
            "mail_url=http://127.0.0.1:3107/dev/mail",
            "mail_from=Mycelium <mycelium@localhost.localdomain>",
            "public_url=http://127.0.0.1:3107",
        ];
        let given = options(&["--mail", "--port", "3107"]);
        assert_eq!(variables(&given, None), own);
        let given = options(&[
            "--mail",
            "--port=3107",
            "--public-url=https://mycelium.example",
            "--variable=mail_from=a@b.org",
        ]);
        let last = ["public_url=https://mycelium.example", "mail_from=a@b.org"];
        assert_eq!(variables(&given, None), [&own[..], &last].concat());
    }

    #[test]
    fn the_welcome_says_where_to_read_mail() {
        let data = Path::new("/data");
        let text = |mail| welcome("http://127.0.0.1:3107", data, Path::new("/data/s"), mail);
        assert!(text(true).contains("\n  mail            http://127.0.0.1:3107/dev/mail\nPress"));
        assert!(!text(false).contains("mail  "));
    }
}
