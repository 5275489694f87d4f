//! The project's own commands, run as `cargo xtask NAME`.
//!
//! Each one does all the set-up that it needs: a fresh clone, a Rust toolchain and package
//! registries are enough. What takes long says what it is doing.

mod api;
mod apt;
mod artifact;
mod attack;
mod boot;
mod ci;
mod cron;
mod debian;
mod demo;
mod maintain;
mod process;
mod progress;
mod python;
mod rustup;
mod secrets;
mod server;
mod sign_claim;
mod signals;
mod standard_library;
mod target;
mod test;
mod up;
mod workspace;

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::progress::say;
use crate::test::Outcome;
use crate::workspace::Workspace;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Does all the set-up and serves the app on this machine.
    Up(up::Options),
    /// Does all the set-up and runs every test.
    Test(test::Options),
    /// What CI runs: fmt, clippy, doc, test.
    Ci,
    /// Makes an image from Debian's packages, boots a machine from it as a farm would, and logs in.
    Boot,
    /// Lets tools look for holes in the running app, on loopback.
    Attack(attack::Options),
    /// Runs the jobs of a scheduled component now that are due, such as `grid-sync`.
    Cron(cron::Options),
    /// Creates a database, or upgrades it to this version's schema. Stop the app first.
    Migrate {
        /// The database's file, created if it is not there.
        #[arg(long, value_name = "PATH")]
        database: PathBuf,
    },
    /// Runs every integrity check over all of a database's history.
    CheckIntegrity {
        /// The database's file.
        #[arg(long, value_name = "PATH")]
        database: PathBuf,
    },
    /// Names operators, on the machine that the database is on.
    #[command(subcommand)]
    Operator(maintain::Operator),
    /// Takes over a rental of a whole node from before there were slices; no money moves.
    ImportNodeRental(maintain::NodeRental),
    /// Encrypts every secret in a database with the newest key.
    RotateKeys(maintain::Rotation),
    /// Writes the ledger, events and audit log of closed years to files, or removes them, too.
    Archive(maintain::Archiving),
    /// Verifies files that `archive` wrote; needs no database.
    Verify {
        /// The files; each is to follow the one before it.
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// The file that the first one follows.
        #[arg(long, value_name = "FILE")]
        after: Option<PathBuf>,
    },
    /// Signs the message of a claim to a farm with a phrase from standard input.
    #[command(disable_help_flag = true)]
    SignClaim(sign_claim::Options),
    /// Makes the wasm32-wasip2 target, if it is not there; the others do it by themselves.
    Target,
}

fn main() -> ExitCode {
    let result = run(&Arguments::parse().command);
    match result {
        Ok(code) => code,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: &Command) -> Result<ExitCode> {
    let workspace = Workspace::find();
    match command {
        Command::Up(options) => up::run(&workspace, options)?,
        Command::Test(options) => return Ok(report(&test::run(&workspace, options)?)),
        Command::Ci => return Ok(report(&ci::run(&workspace)?)),
        Command::Boot => return Ok(report(&boot::run(&workspace)?)),
        Command::Attack(options) => {
            let is_clean = attack::run(&workspace, options)?;
            return Ok(if is_clean { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Cron(options) => cron::run(&workspace, options)?,
        Command::Migrate { database } => {
            maintain::migrate(&artifact::build_programs(&workspace)?, database)?;
        }
        Command::CheckIntegrity { database } => maintain::check_integrity(&workspace, database)?,
        Command::Operator(operator) => maintain::operator(&workspace, operator)?,
        Command::ImportNodeRental(rental) => maintain::import_node_rental(&workspace, rental)?,
        Command::Archive(archiving) => return maintain::archive(&workspace, archiving),
        Command::Verify { files, after } => {
            return maintain::verify(&workspace, files, after.as_deref());
        }
        Command::RotateKeys(rotation) => maintain::rotate_keys(&workspace, rotation)?,
        Command::SignClaim(options) => sign_claim::run(&workspace, options)?,
        Command::Target => target::ensure(&workspace)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints which tests failed and which were skipped and, as the last line of all, how many.
fn report(outcome: &Outcome) -> ExitCode {
    // A closed stdout changes nothing about the outcome.
    let mut stdout = io::stdout();
    for note in outcome.notes() {
        let _ = writeln!(stdout, "{note}");
    }
    let _ = writeln!(stdout, "{}", outcome.line());
    if outcome.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
