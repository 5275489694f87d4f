//! The project's own commands, run as `cargo xtask NAME`.
//!
//! Each one does all the set-up that it needs: a fresh clone, a Rust toolchain and package
//! registries are enough. What takes long says what it is doing.

mod artifact;
mod debian;
mod process;
mod progress;
mod rustup;
mod standard_library;
mod target;
mod workspace;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Makes the wasm32-wasip2 target, if it is not there yet.
    Target,
}

fn main() -> Result<()> {
    let workspace = Workspace::find();
    match Arguments::parse().command {
        Command::Target => target::ensure(&workspace),
    }
}
