//! Files of archived rows: JSON Lines that show by themselves whether anything in them was changed.
//!
//! The first line says what the file holds, each further one is a row with its seal, and the last
//! one has the SHA-256 of everything before it. Seals are computed by the same functions as those
//! of the database. `docs/reference/archives.md` describes the format.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::audit::SealedEntry;
use crate::chain::{Form, Seal, hex, unhex};
use crate::events::SealedEvent;
use crate::ledger_chain::SealedTransaction;

/// What the first line says that the file is.
const FORMAT: &str = "mycelium-archive";
/// The version of the format.
const VERSION: u32 = 1;
/// The longest line that is read, in bytes: a transaction of 2,000 entries has less than a tenth.
pub const LINE_BYTES_MAX: u64 = 16 << 20;

/// What is archived.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Serialize,
    Deserialize,
    EnumString,
    IntoStaticStr,
    VariantArray,
)]
#[serde(rename_all = "kebab-case")]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum ChainName {
    /// The ledger: each row is a transaction with its entries.
    Ledger,
    /// The events.
    Events,
    /// The audit log.
    Audit,
}

/// What a file holds; its first line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    /// Always `mycelium-archive`.
    pub format: String,
    /// Of the format.
    pub version: u32,
    /// What the rows are.
    pub chain: ChainName,
    /// The year, in UTC, that the rows are of; the first file has those of earlier years, too.
    pub year: i32,
    /// The number of the first row.
    pub first_id: i64,
    /// The number of the last row.
    pub until_id: i64,
    /// How many rows there are: numbers may be left out.
    pub row_count: u64,
    /// The seal of the last row before the first, in hexadecimal; zeros if there is none.
    pub seal_before: String,
    /// The seal of the last row.
    pub seal: String,
    /// The schema release of the database.
    pub schema_release: i64,
    /// When the file was made, in seconds since 1970-01-01 in UTC.
    pub created_at: i64,
}

impl Header {
    /// The header of a file of these rows.
    pub fn new(rows: &Rows, schema_release: i64, now: Timestamp) -> Header {
        Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            chain: rows.chain,
            year: rows.year,
            first_id: rows.first_id,
            until_id: rows.until_id,
            row_count: rows.row_count,
            seal_before: hex(&rows.seal_before),
            seal: hex(&rows.seal),
            schema_release,
            created_at: now.seconds(),
        }
    }

    /// Its line.
    pub fn line(&self) -> String {
        let header = to_line(self);
        let sha256 = hex(&Sha256::digest(&header));
        format!("{{\"header\":{header},\"sha256\":\"{sha256}\"}}")
    }

    /// Whether the file holds these rows.
    pub fn is_of(&self, rows: &Rows) -> bool {
        let expected = Header::new(rows, self.schema_release, Timestamp::from_seconds(0));
        Header { created_at: 0, ..self.clone() } == expected
    }
}

/// Rows of a chain that follow one another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// What they are.
    pub chain: ChainName,
    /// The year that they are of.
    pub year: i32,
    /// The number of the first.
    pub first_id: i64,
    /// The number of the last.
    pub until_id: i64,
    /// How many they are.
    pub row_count: u64,
    /// The seal before the first.
    pub seal_before: Seal,
    /// The seal of the last.
    pub seal: Seal,
}

/// A row of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Row {
    /// A transaction of the ledger.
    Ledger(SealedTransaction),
    /// An event.
    Event(SealedEvent),
    /// An entry of the audit log.
    Audit(SealedEntry),
}

/// A line of a row.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<T> {
    row: T,
    seal: String,
}

impl Row {
    /// Its number.
    pub fn id(&self) -> i64 {
        match self {
            Row::Ledger(row) => row.id,
            Row::Event(row) => row.id,
            Row::Audit(row) => row.id,
        }
    }

    /// When it was written.
    pub fn created_at(&self) -> Timestamp {
        Timestamp::from_seconds(match self {
            Row::Ledger(row) => row.created_at,
            Row::Event(row) => row.created_at,
            Row::Audit(row) => row.created_at,
        })
    }

    /// Its seal, after the one before it.
    pub fn seal_after(&self, before: &Seal) -> Seal {
        self.form().seal_after(before)
    }

    /// Its line in a file.
    pub fn line(&self, seal: &Seal) -> String {
        let seal = hex(seal);
        match self {
            Row::Ledger(row) => to_line(&Line { row, seal }),
            Row::Event(row) => to_line(&Line { row, seal }),
            Row::Audit(row) => to_line(&Line { row, seal }),
        }
    }

    fn form(&self) -> Form {
        match self {
            Row::Ledger(row) => row.form(),
            Row::Event(row) => row.form(),
            Row::Audit(row) => row.form(),
        }
    }

    /// Reads a line: the row, and the seal that it says.
    fn of_line(chain: ChainName, line: &str) -> Result<(Row, Seal), String> {
        let (row, seal) = match chain {
            ChainName::Ledger => read_line(line).map(|(row, seal)| (Row::Ledger(row), seal)),
            ChainName::Events => read_line(line).map(|(row, seal)| (Row::Event(row), seal)),
            ChainName::Audit => read_line(line).map(|(row, seal)| (Row::Audit(row), seal)),
        }?;
        let seal = unhex(&seal).ok_or("its seal is not 64 hexadecimal digits")?;
        // What two texts can say has one form here: no space is free for something else.
        if row.clone().with_nulls().line(&seal) != line {
            return Err("it is not written as archives are".to_owned());
        }
        Ok((row, seal))
    }

    /// The same with null for texts that are optional and empty: seals do not tell them apart.
    fn with_nulls(mut self) -> Row {
        let optional: Vec<&mut Option<String>> = match &mut self {
            Row::Ledger(row) => vec![&mut row.rental_id],
            Row::Event(row) => {
                vec![&mut row.renter_id, &mut row.farmer_id, &mut row.rental_id, &mut row.subject]
            }
            Row::Audit(row) => vec![&mut row.account_id],
        };
        for text in optional {
            *text = text.take().filter(|text| !text.is_empty());
        }
        self
    }
}

/// The last line of a file: `hash` is SHA-256 of all bytes before it.
pub fn last_line(hash: &Seal) -> String {
    format!("{{\"sha256\":\"{}\"}}", hex(hash))
}

fn to_line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("numbers and texts are JSON")
}

fn read_line<T: DeserializeOwned>(line: &str) -> Result<(T, String), String> {
    let line: Line<T> = serde_json::from_str(line).map_err(|error| not_a_row(&error))?;
    Ok((line.row, line.seal))
}

fn not_a_row(error: &serde_json::Error) -> String {
    format!("it is no row of this archive ({error})")
}

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Wrong {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong there.
    pub what: String,
}

/// What ledger accounts held, by kind and owner.
type Balances = BTreeMap<(String, String), i64>;

/// A file that is as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it holds.
    pub header: Header,
    /// Its SHA-256, without the last line.
    pub content_hash: Seal,
    /// SHA-256 of the whole file.
    pub file_hash: Seal,
    balances: Balances,
    /// Whether every account that is not in `balances` held nothing.
    knows_all: bool,
}

/// Verifies a file, line by line.
pub struct Verifier {
    after: Option<Verified>,
    content: Sha256,
    line: u64,
    header: Option<Header>,
    seal: Seal,
    last_id: i64,
    row_count: u64,
    balances: Balances,
    knows_all: bool,
    /// Both hashes, once the last line was read.
    hashes: Option<(Seal, Seal)>,
}

impl Verifier {
    /// Begins with a file; `after` is the one that it must follow.
    pub fn new(after: Option<Verified>) -> Verifier {
        Verifier {
            after,
            content: Sha256::new(),
            line: 0,
            header: None,
            seal: [0; 32],
            last_id: 0,
            row_count: 0,
            balances: BTreeMap::new(),
            knows_all: false,
            hashes: None,
        }
    }

    /// Reads the next line, without the line break at its end.
    pub fn push(&mut self, line: &str) -> Result<(), Wrong> {
        self.line += 1;
        self.read(line).map_err(|what| Wrong { line: self.line, what })
    }

    /// What was verified, once every line was read.
    pub fn finish(self) -> Result<Verified, Wrong> {
        let missing = Wrong {
            line: self.line + 1,
            what: "the file ends before its last line: it is cut off".to_owned(),
        };
        let (Some(header), Some((content_hash, file_hash))) = (self.header, self.hashes) else {
            return Err(missing);
        };
        let (balances, knows_all) = (self.balances, self.knows_all);
        Ok(Verified { header, content_hash, file_hash, balances, knows_all })
    }

    fn read(&mut self, line: &str) -> Result<(), String> {
        if self.hashes.is_some() {
            return Err("there is something behind the last line".to_owned());
        }
        match self.header.clone() {
            None => self.read_header(line)?,
            Some(header) if self.row_count == header.row_count => {
                return self.read_last(line, &header);
            }
            Some(header) => self.read_row(line, &header)?,
        }
        self.content.update(line);
        self.content.update("\n");
        Ok(())
    }

    fn read_header(&mut self, line: &str) -> Result<(), String> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct First {
            header: Header,
            #[serde(rename = "sha256")]
            _sha256: String,
        }
        let no_archive = |_| "it is no archive of Mycelium".to_owned();
        let First { header, .. } = serde_json::from_str(line).map_err(no_archive)?;
        if header.format != FORMAT || header.version != VERSION {
            return Err(format!(
                "this is {} version {}, and this program reads {FORMAT} version {VERSION}",
                header.format, header.version
            ));
        }
        if header.line() != line {
            return Err("the header is not what its SHA-256 is of".to_owned());
        }
        let seal = unhex(&header.seal_before);
        self.seal = seal.ok_or("the seal before is not 64 hexadecimal digits")?;
        self.knows_all = self.seal == [0; 32];
        if let Some(before) = self.after.take() {
            join(&before.header, &header)?;
            self.last_id = before.header.until_id;
            self.knows_all = before.knows_all;
            self.balances = before.balances;
        }
        self.header = Some(header);
        Ok(())
    }

    fn read_row(&mut self, line: &str, header: &Header) -> Result<(), String> {
        if line.starts_with("{\"sha256\":") {
            let (count, expected) = (self.row_count, header.row_count);
            return Err(format!("the rows end here: {count} of {expected} are there"));
        }
        let (row, seal) = Row::of_line(header.chain, line)?;
        let id = row.id();
        if id <= self.last_id || id > header.until_id {
            return Err(format!("row {id} is out of order"));
        }
        if self.row_count == 0 && id != header.first_id {
            return Err(format!("the first row is {id} instead of {}", header.first_id));
        }
        if seal != row.seal_after(&self.seal) {
            return Err(format!("row {id} is not what was sealed after the row before it"));
        }
        if let Row::Ledger(transaction) = &row {
            self.book(transaction)?;
        }
        self.last_id = id;
        self.seal = seal;
        self.row_count += 1;
        if self.row_count == header.row_count
            && (id != header.until_id || hex(&seal) != header.seal)
        {
            return Err(format!("row {id} is not the last one that the header names"));
        }
        Ok(())
    }

    /// The entries of a transaction sum to zero, and balances run on.
    fn book(&mut self, transaction: &SealedTransaction) -> Result<(), String> {
        let id = transaction.id;
        let entries = &transaction.entries;
        let sum = entries.iter().map(|entry| i128::from(entry.amount_micros)).sum::<i128>();
        if sum != 0 || entries.is_empty() {
            return Err(format!("the entries of transaction {id} sum to {sum} instead of 0"));
        }
        for entry in entries {
            let key = (entry.account.clone(), entry.owner.clone());
            let default = self.knows_all.then_some(0);
            let before = self.balances.get(&key).copied().or(default);
            let after = entry.balance_after_micros;
            if before.is_some_and(|it| it.checked_add(entry.amount_micros) != Some(after)) {
                return Err(format!("the balance of a {} does not run on at {id}", entry.account));
            }
            // Where every account is known, those that hold nothing need no place.
            if self.knows_all && after == 0 {
                self.balances.remove(&key);
            } else {
                self.balances.insert(key, after);
            }
        }
        Ok(())
    }

    fn read_last(&mut self, line: &str, header: &Header) -> Result<(), String> {
        let content: Seal = self.content.clone().finalize().into();
        if line.starts_with("{\"row\":") {
            return Err(format!("there are more than {} rows", header.row_count));
        }
        if line != last_line(&content) {
            return Err("the SHA-256 of the file is another one".to_owned());
        }
        let whole = self.content.clone().chain_update(line).chain_update("\n").finalize();
        self.hashes = Some((content, whole.into()));
        Ok(())
    }
}

/// One file follows another.
fn join(before: &Header, header: &Header) -> Result<(), String> {
    if before.chain != header.chain {
        let (one, other) = (before.chain.into_str(), header.chain.into_str());
        return Err(format!("this file is of the {other}, and the one before of the {one}"));
    }
    if header.seal_before != before.seal || header.first_id <= before.until_id {
        return Err(format!(
            "this file does not begin where the one before ends, at row {}",
            before.until_id
        ));
    }
    Ok(())
}
