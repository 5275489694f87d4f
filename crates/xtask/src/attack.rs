//! `cargo xtask attack`: tools that look for holes, against the running app.
//!
//! Each part starts the app on a port of its own, on loopback, with a fresh database and somebody
//! of each role in it. What the tools say is kept in `target/attack`.

mod crawl;
mod people;
mod schemathesis;
mod sqlmap;
mod timing;
mod tools;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};

use crate::artifact::{self, Programs};
use crate::demo::{self, Grid};
use crate::maintain;
use crate::progress::{Step, say};
use crate::secrets;
use crate::server::Server;
use crate::signals::Signals;
use crate::target::remove_folder;
use crate::up::{self, DATABASE_NAME};
use crate::workspace::Workspace;

use self::people::People;

/// Where reports, tools and databases are, in the folder of builds.
const FOLDER: &str = "attack";

#[derive(Args)]
pub(crate) struct Options {
    /// Only this part; all of them if it is left out.
    part: Option<Part>,
    /// Let sqlmap begin with this request, to go on where a run was ended.
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    from: usize,
}

/// One way of looking for holes.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Reads everything as everybody, and compares the database before and after.
    Crawl,
    /// Sends requests that the API document allows, and many that it does not.
    Schemathesis,
    /// Tries to reach SQL through every parameter.
    Sqlmap,
    /// Compares how long answers take for an account and for none.
    Timing,
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Part::Crawl => "crawl",
            Part::Schemathesis => "schemathesis",
            Part::Sqlmap => "sqlmap",
            Part::Timing => "timing",
        }
    }
}

/// What a part did, and what it found.
pub(crate) struct Report {
    done: String,
    findings: Vec<String>,
}

/// Runs the parts; answers whether nothing was found.
pub(crate) fn run(workspace: &Workspace, options: &Options) -> Result<bool> {
    let parts = options.part.map_or(Part::value_variants().to_vec(), |part| vec![part]);
    let folder = workspace.component_target().join(FOLDER);
    artifact::build_components(workspace)?;
    let programs = artifact::build_programs(workspace)?;
    let crawler = artifact::build_crawler(workspace)?;
    let tools = tools::ensure(&folder)?;

    let signals = Signals::forward()?;
    let mut lines = Vec::new();
    let mut is_clean = true;
    for part in parts {
        let ground = Ground::start(workspace, &programs, &folder.join(part.name()), &signals)?;
        let report = match part {
            Part::Crawl => crawl::run(&crawler, &ground)?,
            Part::Schemathesis => schemathesis::run(workspace, &tools, &ground)?,
            Part::Sqlmap => sqlmap::run(&crawler, &tools, &ground, options.from)?,
            Part::Timing => timing::run(&ground)?,
        };
        if signals.came() {
            bail!("stopped");
        }
        for finding in &report.findings {
            say(&format!("  {finding}"));
        }
        let count = match report.findings.len() {
            0 => "no finding".to_owned(),
            1 => "1 finding".to_owned(),
            many => format!("{many} findings"),
        };
        is_clean &= report.findings.is_empty();
        lines.push(format!(
            "{}: {}, {count}; see {}",
            part.name(),
            report.done,
            ground.folder.display()
        ));
    }
    for line in lines {
        say(&line);
    }
    Ok(is_clean)
}

/// The app, running for one part.
pub(crate) struct Ground {
    /// Where the part keeps the answers.
    folder: PathBuf,
    url: String,
    database: PathBuf,
    people: People,
    _host: Server,
    _grid: Grid,
}

impl Ground {
    fn start(
        workspace: &Workspace,
        programs: &Programs,
        folder: &Path,
        signals: &Signals,
    ) -> Result<Ground> {
        remove_folder(folder)?;
        fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
        let data = folder.join("data");
        let secrets_file = secrets::ensure_file(&data)?;
        let database = data.join(DATABASE_NAME);
        maintain::migrate(programs, &database)?;

        let step = Step::start("starting the app");
        let grid = demo::start_grid(workspace, programs)?;
        let mut command = up::host_command(workspace, programs, "up", &data);
        // What the market does by itself must not look like what a request did.
        command.args(["--listen", "127.0.0.1:0", "--quiet", "--no-schedules"]);
        command.args(["--variable", &format!("gridproxy_urls={}", grid.url)]);
        // Limits would keep the tools from what is behind them.
        command.args(["--variable", "limit_factor=10000"]);
        let (host, url) = Server::start("the host", &mut command, up::READY, |id| signals.add(id))?;
        let people = People::meet(&url, &secrets::operator_token(&secrets_file)?)?;
        step.done();
        let folder = folder.to_owned();
        Ok(Ground { folder, url, database, people, _host: host, _grid: grid })
    }
}
