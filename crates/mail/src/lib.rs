//! Mail to people: how it is kept until it is sent, and how it is sent. What each mail says is with
//! its feature.
//!
//! A mail waits in the outbox (`store::mails`) as sealed JSON: a copy of the database shows neither
//! whom it goes to nor the link in it. The component `mailer` opens it and hands it to a mail
//! transport.

mod transport;

use std::borrow::Cow;

use domain::account::Email;
use domain::id::MailId;
use domain::time::Timestamp;
use seal::{Keys, NONCE_BYTES, Place, SealError};
use serde::{Deserialize, Serialize};
use web::env::Random;

pub use transport::{Failure, MailConfig, Post};

/// The most characters of a text from outside that a mail repeats.
const QUOTED_CHARS_MAX: usize = 120;

/// A mail to one person.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Which mail: its name in the outbox.
    kind: Cow<'static, str>,
    to: String,
    subject: String,
    text: String,
}

impl Mail {
    /// A mail to one person; `text` is plain, its lines ended by line feeds.
    pub fn new(kind: &'static str, to: &Email, subject: &str, text: String) -> Mail {
        let (to, subject) = (to.as_str().to_owned(), subject.to_owned());
        Mail { kind: kind.into(), to, subject, text }
    }

    /// Which mail, such as `sign-up`.
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Whom it goes to.
    pub fn to(&self) -> &str {
        &self.to
    }

    /// What it is about: one line.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// What it says: plain text, its lines ended by line feeds.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// A text from outside on one line: what is neither letter, digit nor common sign becomes a space.
pub fn one_line(text: &str) -> String {
    let keep = |c: char| c.is_alphanumeric() || c.is_ascii_graphic();
    let text: String = text.chars().map(|c| if keep(c) { c } else { ' ' }).collect();
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(QUOTED_CHARS_MAX).collect()
}

/// A mail for the outbox: its id and what is kept of it.
pub struct SealedMail {
    /// Its id.
    pub id: MailId,
    /// Which mail.
    pub kind: String,
    /// The rest of it, encrypted.
    pub sealed: Vec<u8>,
}

/// Makes a mail ready for the outbox, under a new id.
pub fn seal_new(
    keys: &Keys,
    mail: &Mail,
    random: &dyn Random,
    now: Timestamp,
) -> Result<SealedMail, SealError> {
    let id = MailId::from_random(now, random.id());
    let sealed = seal(keys, id, mail, random.bytes())?;
    Ok(SealedMail { id, kind: mail.kind.clone().into_owned(), sealed })
}

/// Seals a mail for the outbox's row `id`. The nonce is random and never used again.
pub fn seal(
    keys: &Keys,
    id: MailId,
    mail: &Mail,
    nonce: [u8; NONCE_BYTES],
) -> Result<Vec<u8>, SealError> {
    let json = serde_json::to_vec(mail).expect("text can be written as JSON");
    keys.seal(place(&id.to_string()), &json, nonce)
}

/// Opens the mail of the outbox's row `id`.
pub fn open(keys: &Keys, id: MailId, sealed: &[u8]) -> Result<Mail, OpenError> {
    let json = keys.open(place(&id.to_string()), sealed)?;
    let mail: Mail = serde_json::from_slice(&json).map_err(|_| OpenError::MalformedRequest)?;
    // What a header is made of is looked at again where it leaves.
    let is_address = Email::parse(&mail.to).is_ok_and(|email| email.as_str() == mail.to);
    let is_line = !mail.subject.chars().any(char::is_control);
    if is_address && is_line { Ok(mail) } else { Err(OpenError::MalformedRequest) }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "mails", column: "sealed", row }
}

/// Why a mail of the outbox cannot be opened. Nothing of it is in here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The keys do not open it.
    #[error(transparent)]
    Sealed(#[from] SealError),
    /// It is not a mail.
    #[error("what was sealed is not a mail")]
    MalformedRequest,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seal::{KEY_BYTES, key_text};

    use super::*;

    fn ada() -> Email {
        Email::parse("ada@example.org").unwrap()
    }

    fn id(number: u8) -> MailId {
        MailId::from_random(Timestamp::from_seconds(1_795_368_000), [number; 10])
    }

    fn keys() -> Keys {
        Keys::parse(&key_text(1, &[7; KEY_BYTES])).unwrap()
    }

    fn mail() -> Mail {
        Mail::new("sign-up", &ada(), "Hello", "Good day.\n".to_owned())
    }

    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn a_mail_opens_in_its_own_row_only() {
        let mail = mail();
        let sealed = seal(&keys(), id(1), &mail, [9; NONCE_BYTES]).unwrap();
        let opened = open(&keys(), id(1), &sealed);
        assert!(opened.is_ok_and(|opened| opened == mail));
        let moved = open(&keys(), id(2), &sealed).err();
        assert_eq!(moved, Some(OpenError::Sealed(SealError::Damaged)));
        let new = seal_new(&keys(), &mail, &Sevens, Timestamp::from_seconds(0)).unwrap();
        assert_eq!(new.kind, "sign-up");
        assert!(open(&keys(), new.id, &new.sealed).is_ok_and(|opened| opened == mail));
    }

    #[test]
    fn a_sealed_header_of_two_lines_is_refused() {
        let check = |to: &str, subject: &str| {
            let (to, subject) = (to.to_owned(), subject.to_owned());
            let mail = Mail { to, subject, ..mail() };
            let sealed = seal(&keys(), id(1), &mail, [9; NONCE_BYTES]).unwrap();
            open(&keys(), id(1), &sealed).err()
        };
        assert_eq!(check("ada@example.org", "Hello"), None);
        for (to, subject) in [
            ("ada@example.org\r\nBcc: eve@example.org", "Hello"),
            ("ada@example.org,eve@example.org", "Hello"),
            ("ada@example.org\n", "Hello"),
            ("Ada <ada@example.org>", "Hello"),
            ("ada@example.org", "Hello\r\nBcc: eve@example.org"),
            ("ada@example.org", "Hello\0"),
        ] {
            assert_eq!(check(to, subject), Some(OpenError::MalformedRequest), "{to:?} {subject:?}");
        }
    }

    proptest! {
        #[test]
        fn a_text_from_outside_stays_on_its_line(text: String) {
            let line = one_line(&text);
            prop_assert!(!line.chars().any(char::is_control));
            prop_assert!(line.chars().count() <= QUOTED_CHARS_MAX);
        }
    }
}
