//! What is done to a database from outside of the app: `migrate`, `operator`, `check-integrity`,
//! `import-node-rental`, `rotate-keys`, `archive`; and `verify`, of its files.
//!
//! A program of its own does it, so that `cargo xtask` is there in seconds: SQLite takes a minute
//! to compile, and is built along with the host.

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::artifact::{self, Programs};
use crate::process;
use crate::progress::say;
use crate::secrets::{self, ENCRYPTION_KEYS};
use crate::workspace::Workspace;

#[derive(Subcommand)]
pub(crate) enum Operator {
    /// Makes an account an operator's.
    Grant(Account),
    /// Makes an account no operator's any more.
    Revoke(Account),
}

#[derive(Args)]
pub(crate) struct Account {
    /// The account's email address.
    email: String,
    /// The database's file.
    #[arg(long, value_name = "PATH")]
    database: PathBuf,
}

#[derive(Args)]
pub(crate) struct NodeRental {
    /// The node's number on the grid.
    node: u32,
    /// The address of who rents it; there is an account with it.
    email: String,
    /// When the rental began: a day in UTC, such as 2026-03-01.
    #[arg(long, value_name = "DAY")]
    from: String,
    /// For how many calendar months it is paid, counted from then: 1 to 120.
    #[arg(long)]
    months: u32,
    /// What an extension costs per slice and month, in dollars.
    #[arg(long, value_name = "USD")]
    price: String,
    /// The database's file.
    #[arg(long, value_name = "PATH")]
    database: PathBuf,
}

#[derive(Args)]
pub(crate) struct Rotation {
    /// The database's file.
    #[arg(long, value_name = "PATH")]
    database: PathBuf,
    /// The file with the secrets; without it, the environment has them.
    #[arg(long, value_name = "PATH")]
    env_file: Option<PathBuf>,
    /// Make a new key first, and put it before the others in the file with the secrets.
    #[arg(long, requires = "env_file")]
    new_key: bool,
}

#[derive(Args)]
pub(crate) struct Archiving {
    /// The first year that is not archived, such as 2027. Years are archived half a year after
    /// their end.
    #[arg(long, value_name = "YEAR")]
    before: i32,
    /// The folder that the files are written to.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Remove what the files hold from the database, once they were verified.
    #[arg(long)]
    remove: bool,
    /// The database's file.
    #[arg(long, value_name = "PATH")]
    database: PathBuf,
}

/// Creates a database or upgrades it, and says which schema release it has then.
pub(crate) fn migrate(programs: &Programs, database: &Path) -> Result<()> {
    run(command(programs, database).arg("migrate"))
}

/// Names an operator, or unnames one.
pub(crate) fn operator(workspace: &Workspace, operator: &Operator) -> Result<()> {
    let programs = artifact::build_programs(workspace)?;
    let (verb, account) = match operator {
        Operator::Grant(account) => ("grant-operator", account),
        Operator::Revoke(account) => ("revoke-operator", account),
    };
    run(command(&programs, &account.database).args([verb, &account.email]))
}

/// Runs every integrity check over all of the history.
pub(crate) fn check_integrity(workspace: &Workspace, database: &Path) -> Result<()> {
    let programs = artifact::build_programs(workspace)?;
    run(command(&programs, database).arg("check-integrity"))
}

/// Takes over a rental of a whole node from before there were slices.
pub(crate) fn import_node_rental(workspace: &Workspace, rental: &NodeRental) -> Result<()> {
    let programs = artifact::build_programs(workspace)?;
    let NodeRental { node, email, from, months, price, database } = rental;
    let (node, months) = (node.to_string(), months.to_string());
    run(command(&programs, database)
        .args(["import-node-rental", &node, email, "--from", from, "--months", &months])
        .args(["--price", price]))
}

/// Encrypts everything with the first key, or with a new one.
pub(crate) fn rotate_keys(workspace: &Workspace, rotation: &Rotation) -> Result<()> {
    let programs = artifact::build_programs(workspace)?;
    let keys = match &rotation.env_file {
        Some(file) if rotation.new_key => {
            let keys = secrets::add_key(file)?;
            say(&format!(
                "Added a new key at the start of {}. Restart the app, then run this command again \
                 without --new-key; until then, the app encrypts with the old key.",
                file.display()
            ));
            keys
        }
        Some(file) => secrets::encryption_keys(file)?,
        None => {
            env::var(ENCRYPTION_KEYS).with_context(|| format!("{ENCRYPTION_KEYS} is not set"))?
        }
    };
    run(command(&programs, &rotation.database).arg("reseal").env("ENCRYPTION_KEYS", keys))
}

/// Writes rows of closed years to files, and removes them.
pub(crate) fn archive(workspace: &Workspace, archiving: &Archiving) -> Result<ExitCode> {
    let programs = artifact::build_programs(workspace)?;
    let Archiving { before, to, remove, database } = archiving;
    let mut command = command(&programs, database);
    command.args(["archive", "--before", &before.to_string(), "--to"]).arg(to);
    if *remove {
        command.arg("--remove");
    }
    show(&mut command)
}

/// Verifies files of archived rows.
pub(crate) fn verify(
    workspace: &Workspace,
    files: &[PathBuf],
    after: Option<&Path>,
) -> Result<ExitCode> {
    let programs = artifact::build_programs(workspace)?;
    let mut command = Command::new(&programs.maintain);
    command.arg("verify");
    if let Some(after) = after {
        command.arg("--after").arg(after);
    }
    show(command.arg("--").args(files))
}

fn command(programs: &Programs, database: &Path) -> Command {
    let mut command = Command::new(&programs.maintain);
    command.arg("--database").arg(database);
    command
}

fn run(command: &mut Command) -> Result<()> {
    say(process::output(command)?.trim_end());
    Ok(())
}

/// Runs it with what it says while it works.
fn show(command: &mut Command) -> Result<ExitCode> {
    let status = command.status().context("starting maintain")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
