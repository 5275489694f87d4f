//! The program `driver-tfgrid`: `driver-tfgrid CONFIG.toml`, a request on standard input.

use std::env;
use std::path::PathBuf;
use std::process::ExitCode;

use agent::grid;
use agent::protocol::Refusal;

fn main() -> ExitCode {
    agent::serve_driver(|request| {
        let file = env::args_os().nth(1).map(PathBuf::from);
        let file = file.ok_or_else(|| Refusal::never("the path of a configuration is missing"))?;
        grid::act(&grid::configure(&file)?, request)
    })
}
