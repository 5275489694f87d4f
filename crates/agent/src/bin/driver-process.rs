//! The program `driver-process`: `driver-process CONFIG.toml`, a request on standard input.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::process;
use agent::protocol::Refusal;

fn main() -> ExitCode {
    agent::serve_driver(|request| {
        let file = env::args_os().nth(1).map(PathBuf::from);
        let file = file.ok_or_else(|| Refusal::never("the path of a configuration is missing"))?;
        process::act(&process::configure(&file)?, request)
    })
}
