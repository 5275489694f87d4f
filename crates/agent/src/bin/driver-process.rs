//! The program `driver-process`: `driver-process CONFIG.toml`, a request on standard input;
//! `driver-process CONFIG.toml start` and `stop`, which start and stop all machines; and
//! `driver-process serve FOLDER ADDRESS`, the SSH server of one machine, which it starts itself.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use agent::process;
use agent::protocol::Refusal;
use anyhow::{Context as _, Result, bail};

const USAGE: &str = "driver-process CONFIG.toml [start | stop]";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    if arguments.len() > 1 {
        return match run(&arguments) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let _ = writeln!(io::stderr().lock(), "error: {error:#}");
                ExitCode::FAILURE
            }
        };
    }
    agent::serve_driver(|request| {
        let file = arguments.first();
        let file = file.ok_or_else(|| Refusal::never("the path of a configuration is missing"))?;
        process::act(&process::configure(Path::new(file))?, request)
    })
}

fn run(arguments: &[OsString]) -> Result<()> {
    let words: Vec<_> = arguments.iter().map(|word| word.to_string_lossy()).collect();
    let words: Vec<_> = words.iter().map(AsRef::as_ref).collect();
    let (count, what) = match words.as_slice() {
        ["serve", folder, address] => {
            let address = address.parse().context("ADDRESS is no IP address with a port")?;
            return process::serve(Path::new(folder), address);
        }
        [file, "start"] => (process::start_all(&process::configure(Path::new(file))?)?, "started"),
        [file, "stop"] => (process::stop_all(&process::configure(Path::new(file))?)?, "stopped"),
        _ => bail!("{USAGE}"),
    };
    let _ = writeln!(io::stdout().lock(), "{count} machines {what}");
    Ok(())
}
