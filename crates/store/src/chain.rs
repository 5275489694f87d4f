//! Chains of seals: each row of a table that only grows is sealed over the one before it.
//!
//! A seal is SHA-256 over the seal before and the row's form. SQL has no such function, so that
//! seals follow within seconds: the mailer's cron computes them. Who changes an old row would have
//! to change every later seal, and the last one is in the log of each run.

use sha2::{Digest, Sha256};

use crate::db::{Db, StoreError};
use crate::refusal::Refusal;
use crate::row::FromRow;

/// How many rows are read at once.
const READ_AT_ONCE: u32 = 1_000;

/// SHA-256 over everything up to a row.
pub type Seal = [u8; 32];

/// A chain: how its rows, of which each is a `T`, and seals are read and written.
pub(crate) struct Chain<T> {
    /// Up to `?2` rows after the one numbered `?1`, the oldest first.
    pub(crate) after: &'static str,
    /// Number and hash of the last seal up to the row numbered `?1`, or of the last row that is
    /// archived if that is later.
    pub(crate) seal_until: &'static str,
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
        let head = self.head(db, i64::MAX)?;
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

    /// How many of the rows after the one numbered `after`, up to the one numbered `until`, which
    /// both have seals, are not as they were sealed, or were put among those that are; and the
    /// number of the first.
    pub(crate) fn broken(
        &self,
        db: &dyn Db,
        after: i64,
        until: i64,
    ) -> Result<(u64, i64), StoreError> {
        let mut last = self.head(db, after)?;
        let (mut broken, mut first) = (0, 0);
        while last.id < until {
            let links = self.after(db, last.id, READ_AT_ONCE)?;
            let read = links.last().map_or(until, |link| link.id);
            for link in links.into_iter().take_while(|link| link.id <= until) {
                if link.seal != Some(link.seal_after(&last.hash)) {
                    broken += 1;
                    first = if first == 0 { link.id } else { first };
                }
                last = Head { hash: link.seal.unwrap_or(last.hash), id: link.id, ..last };
            }
            if read >= until && last.id < until {
                // A seal of a row that is gone: the one after it does not show that.
                return Ok((broken + 1, if first == 0 { until } else { first }));
            }
        }
        Ok((broken, first))
    }

    fn after(&self, db: &dyn Db, id: i64, limit: u32) -> Result<Vec<Link>, StoreError> {
        Ok((self.links)(db.all(self.after, &[id.into(), limit.into()])?))
    }

    /// The last seal up to a row.
    fn head(&self, db: &dyn Db, until: i64) -> Result<Head, StoreError> {
        let (id, hash) = db.first(self.seal_until, &[until.into()])?.unwrap_or_default();
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
