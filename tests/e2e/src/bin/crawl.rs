//! Walks through an app that runs elsewhere: `cargo xtask attack crawl` calls it.
//!
//! Prints each finding on a line, and then what was done; the exit code is 1 on a finding.

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use e2e::{Role, Site};

/// Reads everything of an app as everybody; nothing may change by it.
#[derive(Parser)]
struct Arguments {
    /// Where the app listens, such as `http://127.0.0.1:3000`.
    #[arg(long)]
    url: String,
    /// The app's database.
    #[arg(long)]
    database: PathBuf,
    /// A JSON file of roles: `[{"name": …, "credential": [header, value]}]`.
    #[arg(long)]
    people: PathBuf,
    /// Where every form that was seen is written to, as JSON.
    #[arg(long)]
    forms: PathBuf,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let address = arguments.url.trim_start_matches("http://");
    let address: SocketAddr = address.parse().context("reading the address of the app")?;
    let people = fs::read_to_string(&arguments.people).context("reading the roles")?;
    let roles: Vec<Role> = serde_json::from_str(&people).context("reading the roles")?;
    let walk = e2e::crawl(&Site { address, database: arguments.database }, &roles).await;
    let forms = serde_json::to_string_pretty(&walk.forms).context("writing the forms")?;
    fs::write(&arguments.forms, forms).context("writing the forms")?;
    let mut stdout = io::stdout();
    for finding in &walk.findings {
        writeln!(stdout, "{finding}")?;
    }
    let (requests, addresses) = (walk.requests, walk.addresses);
    writeln!(stdout, "{requests} requests to {addresses} addresses as {} roles", roles.len())?;
    Ok(if walk.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
