//! The program `driver-linux`: `driver-linux CONFIG.toml`, a request on standard input; or
//! `driver-linux CONFIG.toml start`, which starts what the server's own end has stopped.

use std::env;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use agent::linux;
use agent::protocol::Refusal;

fn main() -> ExitCode {
    let file = env::args_os().nth(1).map(PathBuf::from);
    let command = env::args_os().nth(2);
    let configured = || {
        let file = file.as_deref();
        let file = file.ok_or_else(|| Refusal::never("the path of a configuration is missing"))?;
        linux::configure(file).map_err(Refusal::from)
    };
    match command {
        None => agent::serve_driver_with_disk(
            |request| linux::act(&configured()?, request),
            || linux::disk(&configured()?),
        ),
        Some(command) if command == "start" => {
            let started = configured().and_then(|linux| Ok(linux::start_all(&linux)?));
            let (line, code) = match started {
                Ok(count) => (format!("{count} machines started"), ExitCode::SUCCESS),
                Err(refusal) => (format!("error: {}", refusal.error), ExitCode::FAILURE),
            };
            let _ = writeln!(io::stdout().lock(), "{line}");
            code
        }
        Some(_) => {
            let _ = writeln!(io::stderr().lock(), "driver-linux CONFIG.toml [start]");
            ExitCode::FAILURE
        }
    }
}
