//! Runs the stand-in by itself, until it is told to stop.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::Parser;
use gridproxy::{Documents, Standin};

/// A stand-in for the grid's gridproxy server.
#[derive(Parser)]
struct Options {
    /// Where it answers like the real server.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Where it is told what to do.
    #[arg(long, default_value = "127.0.0.1:0")]
    control: SocketAddr,
    /// Files or folders of documents, .json or .json.gz; without it, the 16 example nodes.
    #[arg(long, num_args = 1..)]
    documents: Vec<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let documents = if options.documents.is_empty() {
        Documents::example()?
    } else {
        Documents::load(&options.documents)?
    };
    say_what_was_skipped(&documents);
    let standin = Standin::start_on(documents, options.listen, options.control).await?;
    say_where(&standin);
    let mut minutes = tokio::time::interval(Duration::from_mins(1));
    loop {
        tokio::select! {
            ended = tokio::signal::ctrl_c() => return Ok(ended?),
            _ = minutes.tick() => standin.pass_to(now()?),
        }
    }
}

/// By the clock of this machine, in POSIX seconds.
#[expect(clippy::disallowed_methods, reason = "a program of its own reads the clock")]
fn now() -> anyhow::Result<i64> {
    Ok(i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?)
}

#[expect(clippy::print_stdout, reason = "whoever starts the program reads the addresses here")]
fn say_where(standin: &Standin) {
    println!("gridproxy on {}, control on {}", standin.url(), standin.control_url());
}

#[expect(clippy::print_stderr, reason = "a program's place for a remark")]
fn say_what_was_skipped(documents: &Documents) {
    for path in documents.skipped() {
        eprintln!("no document of the server in {}", path.display());
    }
}
