//! Archives rows of closed years: writes them to files, reads those back, and removes the rows.
//!
//! Each step can be repeated: a file that is there and holds the right rows is taken as it is, and
//! removal goes on where it stopped. Nothing is removed of which no verified file is known.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use domain::month::Month;
use domain::time::Timestamp;
use sha2::{Digest as _, Sha256};
use store::archive_file::{
    ChainName, Header, LINE_BYTES_MAX, Row, Rows, Verified, Verifier, last_line,
};
use store::archives::{self, Archive, MONTHS_MIN, ROWS_AT_ONCE, RecordFailure};
use store::chain::Seal;
use store::schema::SCHEMA;
use store::{RusqliteDb, StoreError};
use strum::VariantArray as _;

/// How often a step that takes long says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(5);
/// How often a statement is tried again while others write: each try waits for five seconds.
const TRIES_MAX: u32 = 24;

/// What to archive.
#[derive(clap::Args)]
pub(crate) struct Order {
    /// The first year that is not archived, such as 2027.
    #[arg(long, value_name = "YEAR", value_parser = clap::value_parser!(i32).range(1971..=9999))]
    before: i32,
    /// The folder that the files are written to.
    #[arg(long, value_name = "FOLDER")]
    to: PathBuf,
    /// Remove the rows that the files hold.
    #[arg(long)]
    remove: bool,
}

/// Archives every chain, and says what was done.
pub(crate) fn run(db: &RusqliteDb, order: &Order, now: Timestamp) -> Result<String> {
    let until = first_second(order.before);
    let earliest = until.plus_months(MONTHS_MIN);
    ensure!(
        earliest <= now,
        "{} can be archived from {} on: until then, card disputes and SLA credits may still refer \
         to it. Choose an earlier year",
        order.before - 1,
        earliest.date(),
    );
    let folder = &order.to;
    ensure!(folder.is_dir(), "{} is not a folder: create it first", folder.display());
    let mut said = Vec::new();
    for &chain in ChainName::VARIANTS {
        Chain { db, chain, until, folder, now }.archive(order.remove, &mut said)?;
    }
    if order.remove {
        for &chain in ChainName::VARIANTS {
            remove(db, chain)?;
        }
        said.push(kept(db)?);
    } else if said.is_empty() {
        said.push(format!("There is nothing to archive before {}.", order.before));
    } else {
        said.push(
            "Nothing was removed. Copy the files to another place, then run the same command with \
             --remove."
                .to_owned(),
        );
    }
    Ok(said.join("\n"))
}

/// A chain that is being archived.
struct Chain<'a> {
    db: &'a RusqliteDb,
    chain: ChainName,
    /// The first second that is not archived.
    until: Timestamp,
    folder: &'a Path,
    now: Timestamp,
}

/// Where the next file of a chain begins.
struct Place {
    /// The last row before it, and its seal.
    id: i64,
    seal: Seal,
    /// The year of the file, at least.
    year: i32,
}

impl Chain<'_> {
    /// Writes and verifies a file for each year. With `records`, their rows may be removed then.
    fn archive(&self, records: bool, said: &mut Vec<String>) -> Result<()> {
        let last = retried(|| archives::last(self.db, self.chain))?;
        let mut place = last.map_or(Place { id: 0, seal: [0; 32], year: 0 }, |last| Place {
            id: last.until_id,
            seal: last.seal,
            year: year_of(last.closed_at),
        });
        while let Some(rows) = self.find(&place)? {
            let file = format!("mycelium-{}-{}.jsonl", self.chain.into_str(), rows.year);
            let path = self.folder.join(&file);
            if !path.exists() {
                self.write(&place, &rows, &path)?;
            }
            let verified = verify_file(&path, None)?;
            ensure!(
                verified.header.is_of(&rows),
                "{} is there, and holds other rows: choose another folder",
                path.display()
            );
            if records {
                self.record(&rows, file, &verified, place.id)?;
            }
            said.push(format!(
                "{}: {} rows of {} are in {} (verified).",
                title(self.chain),
                rows.row_count,
                rows.year,
                path.display(),
            ));
            place = Place { id: rows.until_id, seal: rows.seal, year: rows.year + 1 };
        }
        Ok(())
    }

    /// The rows of the next year that has any; `None` if that is not to be archived.
    fn find(&self, place: &Place) -> Result<Option<Rows>> {
        let first = retried(|| archives::rows_after(self.db, self.chain, place.id, 1))?;
        let Some((first, _)) = first.into_iter().next() else { return Ok(None) };
        // Clocks that lagged behind may have left rows of the year before.
        let year = year_of(first.created_at()).max(place.year);
        if first_second(year + 1) > self.until {
            return Ok(None);
        }
        let mut rows = Rows {
            chain: self.chain,
            year,
            first_id: first.id(),
            until_id: place.id,
            row_count: 0,
            seal_before: place.seal,
            seal: place.seal,
        };
        self.read(place, year, "reading", &mut |row, seal| {
            rows.until_id = row.id();
            rows.seal = *seal;
            rows.row_count += 1;
            Ok(())
        })?;
        Ok(Some(rows))
    }

    /// Calls `each` with the rows behind a place and their seals, up to the first one that is from
    /// after the year. It fails where the database has another seal.
    fn read(
        &self,
        place: &Place,
        year: i32,
        doing: &str,
        each: &mut dyn FnMut(&Row, &Seal) -> Result<()>,
    ) -> Result<()> {
        let closed_at = first_second(year + 1);
        let mut progress = Progress::new(format!("{doing} the {} of {year}", self.name()));
        let (mut id, mut seal) = (place.id, place.seal);
        loop {
            let page = retried(|| archives::rows_after(self.db, self.chain, id, ROWS_AT_ONCE))?;
            if page.is_empty() {
                return Ok(());
            }
            for (row, sealed) in page {
                if row.created_at() >= closed_at {
                    return Ok(());
                }
                (id, seal) = (row.id(), row.seal_after(&seal));
                if sealed.is_none() && self.chain != ChainName::Events {
                    bail!("row {id} of the {} is not sealed yet: let the app run", self.name());
                }
                ensure!(
                    sealed.is_none_or(|sealed| sealed == seal),
                    "row {id} of the {} is not as it was sealed: look at the integrity checks",
                    self.name()
                );
                each(&row, &seal)?;
                progress.count();
            }
        }
    }

    /// Writes a file, under another name until it is complete.
    fn write(&self, place: &Place, rows: &Rows, path: &Path) -> Result<()> {
        let part = Part::create(path)?;
        let mut file = Hashed { file: BufWriter::new(&part.file), hash: Sha256::new() };
        let context = || format!("writing {}", part.path.display());
        let header = Header::new(rows, SCHEMA.release.number, self.now);
        file.line(&header.line()).with_context(context)?;
        self.read(place, rows.year, "writing", &mut |row, seal| {
            file.line(&row.line(seal)).with_context(context)
        })?;
        let hash = file.hash.clone().finalize().into();
        file.line(&last_line(&hash)).with_context(context)?;
        file.file.flush().with_context(context)?;
        drop(file);
        part.keep_as(path)
    }

    fn record(&self, rows: &Rows, file: String, verified: &Verified, after: i64) -> Result<()> {
        let archive = Archive {
            chain: self.chain,
            first_id: rows.first_id,
            until_id: rows.until_id,
            closed_at: first_second(rows.year + 1),
            row_count: rows.row_count,
            seal: rows.seal,
            file,
            file_hash: verified.file_hash,
        };
        for _ in 0..TRIES_MAX {
            match archives::record(self.db, &archive, after, self.now) {
                Err(RecordFailure::Store(StoreError::Busy)) => {}
                done => return done.with_context(|| format!("archiving the {}", self.name())),
            }
        }
        Err(StoreError::Busy.into())
    }

    fn name(&self) -> &'static str {
        name(self.chain)
    }
}

/// Removes what is archived of a chain and not needed, a thousand rows at a time.
fn remove(db: &RusqliteDb, chain: ChainName) -> Result<()> {
    let mut progress = Progress::new(format!("removing archived rows of the {}", name(chain)));
    let mut after = 0;
    while let Some(until) = retried(|| archives::remove_page(db, chain, after))? {
        after = until;
        progress.at(format!("up to row {until}"));
    }
    Ok(())
}

/// Says what is archived and still here.
fn kept(db: &RusqliteDb) -> Result<String> {
    let (transactions, rental, events) = retried(|| archives::kept(db))?;
    if transactions + events == 0 {
        return Ok("Removed every archived row.".to_owned());
    }
    let oldest = rental.map(|id| format!(" The oldest transaction is of rental {id}."));
    Ok(format!(
        "Removed every archived row but {transactions} transactions and {events} events that are \
         still needed: those of rentals and payouts that went on, of card reversals, and of \
         credits that an operator booked.{}",
        oldest.unwrap_or_default()
    ))
}

/// A file that is not complete, and is deleted unless it is kept.
struct Part {
    path: PathBuf,
    file: File,
}

impl Part {
    fn create(path: &Path) -> Result<Part> {
        let part = path.with_extension(format!("{}.part", process::id()));
        let created = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = created.with_context(|| format!("creating {}", part.display()))?;
        Ok(Part { path: part, file })
    }

    /// Gives it its name, unless that is taken: no file is ever overwritten.
    fn keep_as(self, path: &Path) -> Result<()> {
        let context = || format!("writing {}", path.display());
        self.file.sync_all().with_context(context)?;
        match fs::hard_link(&self.path, path) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists && !path.exists() => {
                // A file system without links.
                fs::rename(&self.path, path).with_context(context)?;
            }
            // Of a file that another run has written meanwhile, it is shown what it holds.
            _ => {}
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        File::open(folder).and_then(|folder| folder.sync_all()).with_context(context)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        // It may have its name already; and what is left of a file is no reason to fail.
        let _ = fs::remove_file(&self.path);
    }
}

/// A file, and the hash of what was written to it.
struct Hashed<'a> {
    file: BufWriter<&'a File>,
    hash: Sha256,
}

impl Hashed<'_> {
    fn line(&mut self, line: &str) -> io::Result<()> {
        self.hash.update(line);
        self.hash.update("\n");
        writeln!(self.file, "{line}")
    }
}

/// Verifies files, of which each follows the one before; the first one follows `after`.
pub(crate) fn verify(files: &[PathBuf], after: Option<&PathBuf>) -> Result<String> {
    let mut before = after.map(|path| verify_file(path, None)).transpose()?;
    let mut said = Vec::new();
    for path in files {
        let is_first = before.is_none();
        let verified = verify_file(path, before)?;
        let Header { chain, year, first_id, until_id, row_count, seal, .. } = &verified.header;
        said.push(format!(
            "{}: verified the {} of {year}, {row_count} rows from {first_id} to {until_id}{}. The \
             last seal is {seal}.",
            path.display(),
            name(*chain),
            if is_first { "" } else { ", which follow the file before" },
        ));
        before = Some(verified);
    }
    Ok(said.join("\n"))
}

fn verify_file(path: &Path, after: Option<Verified>) -> Result<Verified> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    let mut progress = Progress::new(format!("verifying {}", path.display()));
    let (mut reader, mut verifier) = (BufReader::new(file), Verifier::new(after));
    let (mut line, mut number) = (Vec::new(), 0_u64);
    loop {
        line.clear();
        let mut next = reader.by_ref().take(LINE_BYTES_MAX);
        let context = || format!("reading {}", path.display());
        if next.read_until(b'\n', &mut line).with_context(context)? == 0 {
            break;
        }
        number += 1;
        let Some(text) = line.strip_suffix(b"\n").and_then(|text| str::from_utf8(text).ok()) else {
            bail!("{}: line {number}: it is cut off, or is no text", path.display());
        };
        verifier.push(text).with_context(|| path.display().to_string())?;
        progress.count();
    }
    verifier.finish().with_context(|| path.display().to_string())
}

/// What a step that takes long says from time to time.
struct Progress {
    doing: String,
    count: u64,
    spoke_at: Instant,
}

impl Progress {
    fn new(doing: String) -> Progress {
        Progress { doing, count: 0, spoke_at: Instant::now() }
    }

    fn count(&mut self) {
        self.count += 1;
        if self.count.is_multiple_of(u64::from(ROWS_AT_ONCE)) {
            self.at(format!("{} rows", self.count));
        }
    }

    fn at(&mut self, place: String) {
        if self.spoke_at.elapsed() >= PROGRESS_INTERVAL {
            self.spoke_at = Instant::now();
            // A closed stderr is no reason to stop.
            let _ = writeln!(io::stderr(), "{}: {place}", self.doing);
        }
    }
}

/// Runs a statement again while other connections write.
fn retried<T>(run: impl Fn() -> Result<T, StoreError>) -> Result<T> {
    for _ in 1..TRIES_MAX {
        match run() {
            Err(StoreError::Busy) => {}
            done => return Ok(done?),
        }
    }
    Ok(run()?)
}

fn first_second(year: i32) -> Timestamp {
    Timestamp::of_day(&format!("{year:04}-01-01")).expect("years are of four digits")
}

fn year_of(at: Timestamp) -> i32 {
    Month::of(at).year()
}

fn name(chain: ChainName) -> &'static str {
    match chain {
        ChainName::Ledger => "ledger",
        ChainName::Events => "events",
        ChainName::Audit => "audit log",
    }
}

fn title(chain: ChainName) -> &'static str {
    match chain {
        ChainName::Ledger => "Ledger",
        ChainName::Events => "Events",
        ChainName::Audit => "Audit log",
    }
}
