//! Chains of seals: each row of a table that only grows is sealed over the one before it.
//!
//! A seal is SHA-256 over the seal before and the row's form. SQL has no such function, so that
//! seals follow within seconds: the mailer's cron computes them. Who changes an old row would have
//! to change every later seal, and the last one is in the log of each run.

use sha2::{Digest, Sha256};

use crate::db::{Db, StoreError};
use crate::refusal::Refusal;
use crate::row::FromRow;

/// How many rows are checked, the newest ones.
pub const CHECKED_MAX: u32 = 100_000;
/// How many rows are read at once.
const READ_AT_ONCE: u32 = 1_000;

/// SHA-256 over everything up to a row.
pub type Seal = [u8; 32];

/// A chain: how its rows, of which each is a `T`, and seals are read and written.
pub(crate) struct Chain<T> {
    /// Up to `?2` rows after the one numbered `?1`, the oldest first.
    pub(crate) after: &'static str,
    /// Number and hash of the last seal that is `?1` numbers before the end, or of the last row
    /// that is archived if that is later.
    pub(crate) seal_from_end: &'static str,
    /// Writes the seals of `?1`, a JSON array of `[number, hash in hexadecimal]`.
    pub(crate) write: &'static str,
    /// What is sealed of the rows that `after` answers.
    pub(crate) links: fn(Vec<T>) -> Vec<Link>,
}

/// A row of a chain.
pub(crate) struct Link {
    /// Its number.
    pub(crate) id: i64,
    /// What is sealed of it.
    pub(crate) form: Form,
    /// Its seal; `None` until it has one.
    pub(crate) seal: Option<Seal>,
}

impl Link {
    fn seal_after(&self, before: &Seal) -> Seal {
        self.form.seal_after(before)
    }
}

/// What is sealed of a row. No two rows have one form: numbers have one length, and every text has
/// its length before it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Form(Vec<u8>);

impl Form {
    /// Adds a number.
    pub(crate) fn number(&mut self, number: i64) {
        self.0.extend(number.to_be_bytes());
    }

    /// Adds a text.
    pub(crate) fn text(&mut self, text: &str) {
        self.0.extend((text.len() as u64).to_be_bytes());
        self.0.extend(text.as_bytes());
    }

    /// The seal of the row, after the one before it.
    pub(crate) fn seal_after(&self, before: &Seal) -> Seal {
        Sha256::new().chain_update(before).chain_update(&self.0).finalize().into()
    }
}

/// The end of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last row that has a seal; 0 if none has.
    pub id: i64,
    /// Its seal; zeros if none has one.
    pub hash: Seal,
    /// Whether this call has moved it on.
    pub is_new: bool,
}

impl<T: FromRow> Chain<T> {
    /// Seals up to `limit` rows that have no seal yet. Returns the end of the chain. Two runs
    /// at once do no harm: both compute the same.
    pub(crate) fn seal(&self, db: &dyn Db, limit: u32) -> Result<Head, StoreError> {
        let head = self.head(db, 0)?;
        let mut last = head;
        let mut seals = Vec::new();
        for link in self.after(db, head.id, limit)? {
            last = Head { id: link.id, hash: link.seal_after(&last.hash), is_new: true };
            seals.push(format!("[{},\"{}\"]", last.id, hex(&last.hash)));
        }
        if seals.is_empty() {
            return Ok(head);
        }
        match db.run(self.write, &[format!("[{}]", seals.join(",")).as_str().into()]) {
            Ok(_) => Ok(last),
            // Somebody else has sealed them meanwhile.
            Err(StoreError::Refused(Refusal::SealExists)) => Ok(head),
            Err(error) => Err(error),
        }
    }

    /// How many of the newest rows are not as they were sealed, or were put among those that are.
    pub(crate) fn broken(&self, db: &dyn Db) -> Result<u64, StoreError> {
        let end = self.head(db, 0)?;
        let mut last = self.head(db, CHECKED_MAX)?;
        let mut broken = 0;
        while last.id < end.id {
            let links = self.after(db, last.id, READ_AT_ONCE)?;
            if links.is_empty() {
                // Seals of rows that are gone.
                return Ok(broken + 1);
            }
            for link in links {
                if link.id > end.id {
                    break;
                }
                broken += u64::from(link.seal != Some(link.seal_after(&last.hash)));
                last = Head { hash: link.seal.unwrap_or(last.hash), id: link.id, ..last };
            }
        }
        Ok(broken)
    }

    fn after(&self, db: &dyn Db, id: i64, limit: u32) -> Result<Vec<Link>, StoreError> {
        Ok((self.links)(db.all(self.after, &[id.into(), limit.into()])?))
    }

    /// The last seal that is `from_end` numbers before the end.
    fn head(&self, db: &dyn Db, from_end: u32) -> Result<Head, StoreError> {
        let (id, hash) = db.first(self.seal_from_end, &[from_end.into()])?.unwrap_or_default();
        Ok(Head { id, hash, is_new: false })
    }
}

/// The hash that a text of 64 hexadecimal digits, in lower case, is; `None` for any other.
pub fn unhex(text: &str) -> Option<Seal> {
    let mut hash = [0; 32];
    for (byte, pair) in hash.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    (hex(&hash) == text).then_some(hash)
}

/// A hash in hexadecimal.
pub fn hex(hash: &[u8]) -> String {
    hash.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(digit).collect()
}

fn digit(value: u8) -> char {
    char::from_digit(value.into(), 16).unwrap_or('0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(texts: &[&str]) -> Form {
        let mut form = Form::default();
        for text in texts {
            form.text(text);
        }
        form
    }

    #[test]
    fn no_two_rows_have_one_form() {
        assert_ne!(form(&["ab", "c"]), form(&["a", "bc"]));
        assert_ne!(form(&["ab"]), form(&["ab", ""]));
        let mut number = Form::default();
        number.number(1);
        assert_eq!(number.0, [0, 0, 0, 0, 0, 0, 0, 1]);
    }

    #[test]
    fn a_seal_is_over_the_one_before() {
        let link = Link { id: 1, form: form(&["a"]), seal: None };
        assert_ne!(link.seal_after(&[0; 32]), link.seal_after(&[1; 32]));
        assert_eq!(hex(&[0, 0xAB, 9]), "00ab09");
        assert_eq!(unhex(&hex(&[0xAB; 32])), Some([0xAB; 32]));
        for text in ["", "00ab09", &"AB".repeat(32), &"ab".repeat(33), &"+b".repeat(32)] {
            assert_eq!(unhex(text), None, "{text}");
        }
    }
}
