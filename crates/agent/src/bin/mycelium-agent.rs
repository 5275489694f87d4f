//! The program `mycelium-agent`: `mycelium-agent [CONFIG.toml]`, with the environment on top.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use agent::Config;
use anyhow::{Result, bail};

const USAGE: &str = "mycelium-agent [CONFIG.toml]
Runs a farm's jobs from the marketplace with a driver.
Environment variables override the file: MYCELIUM_SERVER, MYCELIUM_TOKEN or MYCELIUM_TOKEN_FILE,
MYCELIUM_AGENT, MYCELIUM_DRIVER, MYCELIUM_STATE_FOLDER, MYCELIUM_JOBS.
";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr().lock(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = env::args_os().skip(1);
    let file = arguments.next();
    if file.as_ref().is_some_and(|file| file.to_string_lossy().starts_with('-')) {
        let _ = io::stdout().lock().write_all(USAGE.as_bytes());
        return Ok(());
    }
    if arguments.next().is_some() {
        bail!("one file at most\n{USAGE}");
    }
    let file = file.map(PathBuf::from);
    let config = Config::read(file.as_deref(), |name| env::var(name).ok())?;
    agent::run(config)
}
