//! Signs the message of a claim with a phrase from standard input: `cargo xtask sign-claim` runs
//! it. The phrase is in no argument, because others can see those.

use std::fs;
use std::io::{self, Read as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Parser;
use ownership::{Scheme, signer};

/// The longest phrase that is read, in bytes.
const SECRET_BYTES_MAX: u64 = 1024;

/// Signs the message of a claim. The phrase, or a seed in hex, comes from standard input.
#[derive(Parser)]
#[command(name = "cargo xtask sign-claim")]
struct Arguments {
    /// The message, as the marketplace shows it.
    #[arg(required_unless_present = "message_file")]
    message: Option<String>,
    /// A file with the message; the end of its last line does not count.
    #[arg(long, value_name = "PATH", conflicts_with = "message")]
    message_file: Option<PathBuf>,
    /// The account's key is of the kind ed25519 and not, as usual, sr25519.
    #[arg(long)]
    ed25519: bool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let message = match (arguments.message, arguments.message_file) {
        (Some(message), _) => message,
        (None, Some(path)) => {
            let text = fs::read_to_string(&path);
            let text = text.with_context(|| format!("cannot read {}", path.display()))?;
            text.trim_end_matches(['\r', '\n']).to_owned()
        }
        (None, None) => String::new(),
    };
    let mut secret = String::new();
    io::stdin().take(SECRET_BYTES_MAX).read_to_string(&mut secret)?;
    let scheme = if arguments.ed25519 { Scheme::Ed25519 } else { Scheme::Sr25519 };
    let signed = signer::sign(scheme, &secret, &message)?;
    writeln!(io::stderr(), "signed as {}", signed.signer)?;
    writeln!(io::stdout(), "{}", signed.signature)?;
    Ok(())
}
