//! What is done to a database from outside of the app: `maintain COMMAND PATH …`. `cargo xtask`
//! builds and runs it.

mod archive;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};
use clap::{Parser, Subcommand};
use domain::account::Email;
use domain::id::{NodeId, RANDOM_ID_BYTES, RentalId};
use domain::money::Usd;
use domain::time::Timestamp;
use seal::{Keys, NONCE_BYTES, Place, key_id};
use store::audit::{self, Actor, NewEntry};
use store::migrate::Applied;
use store::schema::SCHEMA;
use store::sealed::SEALED_COLUMNS;
use store::{RusqliteDb, accounts, invariants, migrate, nodes, rentals};

/// The variable with the keys, the one that seals first; see [`Keys::parse`].
const ENCRYPTION_KEYS: &str = "ENCRYPTION_KEYS";

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
    /// The database's file; `verify` needs none.
    #[arg(long, value_name = "PATH")]
    database: Option<PathBuf>,
}

#[derive(Subcommand)]
enum Command {
    /// Creates the database, or upgrades it to this version's schema.
    Migrate,
    /// Makes the account of an address an operator's.
    GrantOperator { email: String },
    /// Makes the account of an address no operator's any more.
    RevokeOperator { email: String },
    /// Takes over a rental of a whole node from before there were slices. No money moves.
    ImportNodeRental(NodeRental),
    /// Encrypts everything with the first key that is not encrypted with it.
    Reseal,
    /// Writes rows of closed years to files.
    Archive(archive::Order),
    /// Verifies such files.
    Verify {
        /// The files, in order.
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// The file that the first one follows.
        #[arg(long, value_name = "FILE")]
        after: Option<PathBuf>,
    },
    /// Runs every integrity check over all of the history.
    CheckIntegrity,
}

#[derive(clap::Args)]
struct NodeRental {
    /// The node's number on the grid.
    node: u32,
    /// The address of who rents it; there is an account with it.
    email: String,
    /// When the rental began: a day in UTC, such as 2026-03-01.
    #[arg(long, value_name = "DAY")]
    from: String,
    /// For how many calendar months it is paid, counted from then.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=120))]
    months: u32,
    /// What an extension costs per slice and month, in dollars.
    #[arg(long, value_name = "USD")]
    price: String,
}

#[expect(clippy::print_stdout, reason = "its answer is for the one who runs it")]
fn main() -> Result<()> {
    let Arguments { command, database } = Arguments::parse();
    if let Command::Verify { files, after } = &command {
        println!("{}", archive::verify(files, after.as_ref())?);
        return Ok(());
    }
    let database = database.context("--database is missing")?;
    println!("{}", run(command, &database).with_context(|| format!("on {}", database.display()))?);
    Ok(())
}

fn run(command: Command, database: &Path) -> Result<String> {
    match command {
        Command::Migrate => apply(database),
        Command::GrantOperator { email } => set_operator(database, &email, true),
        Command::RevokeOperator { email } => set_operator(database, &email, false),
        Command::ImportNodeRental(rental) => import(database, &rental),
        Command::Reseal => reseal(database),
        Command::CheckIntegrity => check_integrity(database),
        Command::Archive(order) => archive::run(&open(database)?, &order, now()?),
        Command::Verify { files, after } => archive::verify(&files, after.as_ref()),
    }
}

fn apply(path: &Path) -> Result<String> {
    let db = RusqliteDb::open(path)?;
    let release = SCHEMA.release.number;
    Ok(match migrate::apply_offline(&db, now()?)? {
        Applied::Nothing => format!("Already at schema release {release}: {}", path.display()),
        Applied::Created => format!("Created at schema release {release}: {}", path.display()),
        Applied::Upgraded { from } => {
            format!("Upgraded from schema release {from} to {release}: {}", path.display())
        }
    })
}

/// The database at `path`, which has to be there and to be of this version.
fn open(path: &Path) -> Result<RusqliteDb> {
    ensure!(path.exists(), "there is no such file");
    let db = RusqliteDb::open(path)?;
    ensure!(
        migrate::is_current(&db)?,
        "the database is at an older schema release; run `cargo xtask migrate` first"
    );
    Ok(db)
}

fn check_integrity(path: &Path) -> Result<String> {
    let findings = invariants::check_everything(&open(path)?)?;
    let failed = findings.iter().filter(|finding| finding.violations > 0);
    let failed: Vec<_> = failed
        .map(|finding| {
            let example = finding.example.iter().map(|example| format!(", such as {example}"));
            let example: String = example.collect();
            format!("{}: {} violations{example}", finding.invariant.id, finding.violations)
        })
        .collect();
    ensure!(failed.is_empty(), "integrity checks failed\n{}", failed.join("\n"));
    Ok(format!("All {} integrity checks passed.", findings.len()))
}

fn set_operator(path: &Path, email: &str, is_operator: bool) -> Result<String> {
    let db = open(path)?;
    let Ok(email) = Email::parse(email) else { bail!("{email:?} is not an email address") };
    let found = accounts::credentials(&db, &email)?;
    let account = found.with_context(|| format!("{email} has no account"))?.account;
    accounts::set_operator(&db, account, is_operator)?;
    let entry = NewEntry {
        action: if is_operator { "operator-granted" } else { "operator-revoked" },
        actor: Actor::Operator,
        actor_id: String::new(),
        account: Some(account),
        subject: "on the machine",
        address: "",
        request_id: "",
    };
    audit::write(&db, &entry, now()?)?;
    Ok(if is_operator {
        format!("{email} is now an operator. Access starts once a second factor is set up.")
    } else {
        format!("{email} is no longer an operator.")
    })
}

fn import(path: &Path, given: &NodeRental) -> Result<String> {
    let db = open(path)?;
    let NodeRental { node, email, from, months, price } = given;
    let Ok(email) = Email::parse(email) else { bail!("{email:?} is not an email address") };
    let found = accounts::credentials(&db, &email)?;
    let renter = found.with_context(|| format!("{email} has no account"))?.account;
    let Ok(price) = Usd::parse("price", price) else { bail!("{price:?} is not a price") };
    let started_at = Timestamp::of_day(from)
        .with_context(|| format!("{from:?} is not a day such as 2026-03-01"))?;
    let now = now()?;
    let node = NodeId(*node);
    ensure!(nodes::farmer_of(&db, node)?.is_some(), "{node} is not registered");
    let ends_at = started_at.plus_months(*months);
    ensure!(
        started_at <= now && now < ends_at,
        "the rental runs from {started_at} to {ends_at}, which is not now"
    );
    let mut random = [0; RANDOM_ID_BYTES];
    getrandom::fill(&mut random).context("reading random bytes")?;
    let id = RentalId::from_random(now, random);
    let months = *months;
    let import = rentals::Import { id, node, renter, started_at, months, price };
    rentals::import(&db, &import, now).with_context(|| {
        format!("nothing was imported: {node} has rented or held slices, or belongs to {email}")
    })?;
    Ok(format!("{email} now rents all of {node} until {ends_at} (rental {id})."))
}

fn reseal(path: &Path) -> Result<String> {
    let db = open(path)?;
    let text =
        env::var(ENCRYPTION_KEYS).with_context(|| format!("{ENCRYPTION_KEYS} is not set"))?;
    let keys = Keys::parse(&text).with_context(|| ENCRYPTION_KEYS.to_owned())?;
    let mut count = 0;
    let mut by_key: BTreeMap<u32, u32> = BTreeMap::new();
    for column in &SEALED_COLUMNS {
        let mut after = String::new();
        loop {
            let values = column.list(&db, &after)?;
            let Some(last) = values.last() else { break };
            last.row.clone_into(&mut after);
            for value in values {
                if key_id(&value.sealed) != Some(keys.current()) {
                    let place =
                        Place { table: column.table, column: column.column, row: &value.row };
                    let context = || format!("{} {}", column.table, value.row);
                    let opened = keys.open(place, &value.sealed).with_context(context)?;
                    let sealed = keys.seal(place, &opened, nonce()?)?;
                    column.replace(&db, &value, &sealed)?;
                    count += 1;
                }
                *by_key.entry(keys.current()).or_default() += 1;
            }
        }
    }
    let in_all = by_key.values().sum::<u32>();
    Ok(format!("Re-encrypted {count} of {in_all} secrets with key {}.", keys.current()))
}

fn nonce() -> Result<[u8; NONCE_BYTES]> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).context("reading random bytes")?;
    Ok(nonce)
}

#[expect(clippy::disallowed_methods, reason = "this is an edge of the project, like a component's")]
fn now() -> Result<Timestamp> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).context("reading the clock")?;
    let seconds = i64::try_from(since_epoch.as_secs()).context("reading the clock")?;
    Ok(Timestamp::from_seconds(seconds))
}
