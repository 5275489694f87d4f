//! Mail to people: what each one says, and how it is kept until it is sent.
//!
//! A mail waits in the outbox (`store::mails`) as sealed JSON: a copy of the database shows neither
//! whom it goes to nor the link in it. The component `mailer` opens it and hands it to an outlet.

mod outlet;

use std::borrow::Cow;

use domain::account::Email;
use domain::id::MailId;
use domain::time::Timestamp;
use seal::{Keys, NONCE_BYTES, Place, SealError};
use serde::{Deserialize, Serialize};

use crate::env::Random;

pub use outlet::{Failure, MailConfig, Post, is_outlet_set};

/// How long a link in a mail works, in minutes.
pub const LINK_MINUTES: i64 = 10;

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
    fn new(kind: &'static str, to: &Email, subject: &str, text: String) -> Mail {
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

/// Whoever signed up follows the link, and has an account.
pub fn sign_up(to: &Email, url: &str) -> Mail {
    let text = format!(
        "Welcome to Mycelium.\n\n\
         Open this link to confirm your address. It works once, for {LINK_MINUTES} minutes:\n\n\
         {url}\n\n\
         If the link has expired, sign up again. If you didn't sign up, ignore this email; no \
         account\n\
         is created without the link.\n"
    );
    Mail::new("sign-up", to, "Confirm your address", text)
}

/// Somebody signed up with an address that has an account already.
pub fn address_taken(to: &Email, login_url: &str, reset_url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, tried to sign up at Mycelium with this address. It already has an\n\
         account, and nothing about it has changed.\n\n\
         Sign in here:\n\n{login_url}\n\n\
         If you forgot your password, reset it here:\n\n{reset_url}\n\n\
         If this wasn't you, ignore this email.\n"
    );
    Mail::new("address-taken", to, "You already have an account", text)
}

/// Whoever forgot the password follows the link, and chooses another one.
pub fn password_reset(to: &Email, url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, requested a password reset at Mycelium.\n\n\
         Open this link to choose a new password. It works once, for {LINK_MINUTES} minutes:\n\n\
         {url}\n\n\
         If the link has expired, request a new one. If this wasn't you, ignore this email; your\n\
         password has not changed.\n"
    );
    Mail::new("password-reset", to, "Reset your password", text)
}

/// Somebody asked for a new password for an address that has no account.
pub fn no_account(to: &Email, signup_url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, requested a password reset at Mycelium. This address has no\n\
         account; you may have signed up with a different one.\n\n\
         To create an account, sign up here:\n\n{signup_url}\n\n\
         If this wasn't you, ignore this email.\n"
    );
    Mail::new("no-account", to, "No account has this address", text)
}

/// To the new address of an account: whoever reads it follows the link, and the address changes.
pub fn email_change(to: &Email, url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, wants to use this address for a Mycelium account.\n\n\
         Open this link to confirm it. It works once, for {LINK_MINUTES} minutes:\n\n\
         {url}\n\n\
         If the link has expired, change the address again. If this wasn't you, ignore this \
         email;\n\
         without the link nothing changes.\n"
    );
    Mail::new("email-change", to, "Confirm your new address", text)
}

/// To the old address of an account, once it has another one.
pub fn email_changed(to: &Email) -> Mail {
    let text =
        "The email address of your Mycelium account was changed. You now sign in with the new\n\
         address, and this address gets no more email about the account.\n\n\
         If this wasn't you, someone else has access to your account: contact the marketplace\n\
         operator immediately.\n"
            .to_owned();
    Mail::new("email-changed", to, "Your address was changed", text)
}

/// The password was changed.
pub fn password_changed(to: &Email) -> Mail {
    let text =
        "The password of your Mycelium account was changed, and all other browsers were signed\n\
         out.\n\n\
         If this wasn't you, reset your password immediately with \"Forgot your password?\"\n\
         on the sign-in page, and contact the marketplace operator.\n"
            .to_owned();
    Mail::new("password-changed", to, "Your password was changed", text)
}

/// A second factor came or went; `what` says it in a clause, such as "a passkey was added".
pub fn factor_changed(to: &Email, what: &str) -> Mail {
    let what = one_line(what);
    let text = format!(
        "Two-factor authentication of your Mycelium account was changed: {what}.\n\n\
         If this wasn't you, change your password immediately, review your passkeys and devices,\n\
         and contact the marketplace operator.\n"
    );
    Mail::new("factor-changed", to, "Two-factor authentication was changed", text)
}

/// What a mail about a rental's end tells.
#[derive(Clone, Copy, Debug)]
pub struct EndOf<'a> {
    /// Such as `node32_slice_1`.
    pub place: &'a str,
    /// The day on which it ends, such as `2026-12-22`.
    pub day: &'a str,
    /// The page of the rental.
    pub url: &'a str,
}

/// A rental ends soon, and nothing extends it.
pub fn rental_ends(to: &Email, end: EndOf<'_>) -> Mail {
    let EndOf { place, day, url } = end;
    let text = format!(
        "Your rental of {place} at Mycelium ends on {day}.\n\n\
         To keep it, extend it before that day:\n\n{url}\n\n\
         If you don't, your data is kept for another 48 hours and then deleted.\n"
    );
    Mail::new("rental-ends", to, "Your rental ends soon", text)
}

/// A rental is to be renewed soon, and that would fail; `why` says it in a clause.
pub fn renewal_at_risk(to: &Email, end: EndOf<'_>, why: &str) -> Mail {
    let (EndOf { place, day, url }, why) = (end, one_line(why));
    let text = format!(
        "Your rental of {place} at Mycelium ends on {day} and is set to auto-renew before that.\n\
         Auto-renewal would currently fail: {why}.\n\n\
         Review the rental:\n\n{url}\n\n\
         If nothing changes, the rental ends and its data is deleted 48 hours later.\n"
    );
    Mail::new("renewal-at-risk", to, "Auto-renewal of your rental will fail", text)
}

/// To a renter: the machine is not there after the five minutes that were promised.
pub fn access_late(to: &Email, place: &str, url: &str) -> Mail {
    let text = format!(
        "Setup of your machine on {place} at Mycelium is taking longer than expected, and the\n\
         operator has been notified. If it isn't ready within a day of your payment, you are\n\
         refunded automatically. You can also end the rental now for an immediate full \
         refund:\n\n{url}\n"
    );
    Mail::new("access-late", to, "Your machine is delayed", text)
}

/// To a farmer: the machine of an ended rental is not gone after an hour.
pub fn removal_late(to: &Email, place: &str, url: &str) -> Mail {
    let text = format!(
        "The rental of {place} at Mycelium has ended, but your agent hasn't removed its machine\n\
         yet. The slice is offered again once the agent removes it or you confirm the removal:\n\n\
         {url}\n"
    );
    Mail::new("removal-late", to, "Machine removal is overdue", text)
}

/// To an operator: a job of a farm's agent is late; `what` is `create` or `remove`.
pub fn job_late(to: &Email, what: &str, place: &str, url: &str) -> Mail {
    let text = format!(
        "A farm's agent at Mycelium has an overdue job: {what} on {place}.\n\n\
         Operator page:\n\n{url}\n"
    );
    Mail::new("job-late", to, "Agent job overdue", text)
}

/// To a renter: there was no access within a day, and everything is back in the wallet.
pub fn rental_refunded(to: &Email, place: &str, url: &str) -> Mail {
    let text = format!(
        "Your machine on {place} at Mycelium couldn't be set up within a day. The rental has\n\
         ended, and your full payment has been refunded to your wallet:\n\n{url}\n\n\
         We are sorry. Other farms may have what you need.\n"
    );
    Mail::new("rental-refunded", to, "Your rental was refunded", text)
}

/// A renewal failed; `why` says it in a clause.
pub fn renewal_failed(to: &Email, end: EndOf<'_>, why: &str) -> Mail {
    let (EndOf { place, day, url }, why) = (end, one_line(why));
    let text = format!(
        "Auto-renewal of your rental of {place} at Mycelium failed: {why}.\n\n\
         We retry until 48 hours after the rental ends on {day}. You can also extend it \
         yourself:\n\n\
         {url}\n\n\
         If nothing changes, the data is deleted after that.\n"
    );
    Mail::new("renewal-failed", to, "Auto-renewal failed", text)
}

/// The node of a rental leaves, on the day of `end`; its renter chooses what becomes of it.
pub fn node_leaves(to: &Email, end: EndOf<'_>) -> Mail {
    let EndOf { place, day, url } = end;
    let text = format!(
        "The node of your rental {place} at Mycelium leaves the market on {day}. Until then,\n\
         your rental continues as usual.\n\n\
         If your term ends later, you can move to an equivalent slice on another node, end the\n\
         rental now, or keep it until that day. You are refunded for the unused time:\n\n{url}\n\n\
         If nothing changes, the rental ends on that day at the latest, and its data is deleted.\n"
    );
    Mail::new("node-leaves", to, "Your rental's node is leaving the market", text)
}

/// The node of a rental has left, on the day of `end`; `refund` went back to the wallet.
pub fn node_left(to: &Email, end: EndOf<'_>, refund: &str) -> Mail {
    let EndOf { place, day, url } = end;
    let text = format!(
        "Your rental of {place} at Mycelium has ended because its node left the market on\n\
         {day}. You were refunded {refund} for the unused time.\n\n\
         Transactions:\n\n{url}\n\n\
         The data has been deleted. If you didn't expect this, see our earlier email about the\n\
         farmer's notice.\n"
    );
    Mail::new("node-left", to, "Your rental has ended", text)
}

/// The most notifications that one mail names.
pub const NOTICES_MAX: usize = 20;

/// A notification in a mail.
#[derive(Clone, Debug)]
pub struct NoticeLine {
    /// What happened, in a clause.
    pub title: String,
    /// When, such as `29 July 2026, 12:00 UTC`.
    pub at: String,
    /// The page that shows more.
    pub url: String,
}

/// What somebody wants to be told of: notifications of one kind, whose name is `kind`.
pub fn notices(to: &Email, kind: &str, lines: &[NoticeLine], settings_url: &str) -> Mail {
    let subject = match lines {
        [line] => one_line(&line.title),
        lines => format!("{}: {} notifications", one_line(kind), lines.len()),
    };
    let named = lines.iter().take(NOTICES_MAX).map(|line| {
        let NoticeLine { title, at, url } = line;
        format!("{}, on {at}:\n\n{url}\n\n", one_line(title))
    });
    let named: String = named.collect();
    let more = match lines.len().saturating_sub(NOTICES_MAX) {
        0 => String::new(),
        more => format!("And {more} more.\n\n"),
    };
    let text = format!(
        "At Mycelium:\n\n{named}{more}\
         Notification settings:\n\n{settings_url}\n"
    );
    Mail::new("notices", to, &subject, text)
}

/// A text from outside on one line: what is neither letter, digit nor common sign becomes a space.
fn one_line(text: &str) -> String {
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
    let mail: Mail = serde_json::from_slice(&json).map_err(|_| OpenError::Unreadable)?;
    // What a header is made of is looked at again where it leaves.
    let is_address = Email::parse(&mail.to).is_ok_and(|email| email.as_str() == mail.to);
    let is_line = !mail.subject.chars().any(char::is_control);
    if is_address && is_line { Ok(mail) } else { Err(OpenError::Unreadable) }
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
    Unreadable,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use seal::{KEY_BYTES, key_text};

    use super::*;

    const URL: &str = "https://mycelium.example/confirm?code=0123456789";

    const END: EndOf<'_> = EndOf { place: "node32_slice_1", day: "2026-12-22", url: URL };

    fn ada() -> Email {
        Email::parse("ada@example.org").unwrap()
    }

    fn id(number: u8) -> MailId {
        MailId::from_random(Timestamp::from_seconds(1_795_368_000), [number; 10])
    }

    fn keys() -> Keys {
        Keys::parse(&key_text(1, &[7; KEY_BYTES])).unwrap()
    }

    /// Every mail, to `to`, with `text` wherever a text from outside is repeated.
    fn every_mail(to: &Email, text: &str) -> Vec<Mail> {
        vec![
            sign_up(to, URL),
            address_taken(to, URL, URL),
            password_reset(to, URL),
            no_account(to, URL),
            email_change(to, URL),
            email_changed(to),
            password_changed(to),
            factor_changed(to, text),
            rental_ends(to, END),
            renewal_at_risk(to, END, text),
            renewal_failed(to, END, text),
            node_leaves(to, END),
            node_left(to, END, "$204.00"),
        ]
    }

    #[test]
    fn every_mail_says_what_to_do_if_it_was_not_you() {
        let mails = every_mail(&ada(), "a passkey was added");
        let mut kinds: Vec<&str> = mails.iter().map(Mail::kind).collect();
        for mail in &mails {
            assert!(
                mail.text.contains("f this wasn't you")
                    || mail.text.contains("f you didn't")
                    || mail.text.contains("If you don't")
                    || mail.text.contains("If nothing changes,"),
                "{}",
                mail.text
            );
            assert!(mail.text.contains("Mycelium") && mail.text.ends_with(".\n"), "{}", mail.text);
            let long = mail.text.lines().find(|line| line.len() > 100);
            assert_eq!(long, None);
            assert!(mail.subject.len() < 60 && mail.text.len() < 700, "short: {}", mail.kind);
        }
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), mails.len());
    }

    #[test]
    fn several_notifications_come_in_one_mail_that_has_an_end() {
        let line = |number: usize| NoticeLine {
            title: format!("node{number}_slice_1 was rented"),
            at: "22 November 2026, 17:20 UTC".to_owned(),
            url: URL.to_owned(),
        };
        let one = notices(&ada(), "Rented", &[line(1)], URL);
        assert_eq!(one.subject, "node1_slice_1 was rented");
        let many: Vec<NoticeLine> = (0..NOTICES_MAX + 7).map(line).collect();
        let many = notices(&ada(), "Rented", &many, URL);
        assert_eq!(many.subject, "Rented: 27 notifications");
        assert!(many.text.contains("node19_slice_1") && !many.text.contains("node20_slice_1"));
        assert!(many.text.contains("And 7 more.\n"));
        for mail in [one, many] {
            let links = mail.text.lines().filter(|line| line.contains("https://"));
            assert!(links.into_iter().all(|line| line == URL), "{}", mail.text);
            assert!(!mail.text.chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn links_stand_alone_on_their_line() {
        for mail in every_mail(&ada(), "") {
            let links = mail.text.lines().filter(|line| line.contains("https://"));
            assert!(links.into_iter().all(|line| line == URL), "{}", mail.text);
        }
        let mail = password_reset(&ada(), URL);
        assert!(mail.text.contains(URL) && mail.text.contains("for 10 minutes"));
    }

    struct Sevens;

    impl Random for Sevens {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(7);
        }
    }

    #[test]
    fn a_mail_opens_in_its_own_row_only() {
        let mail = sign_up(&ada(), URL);
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
            let mail = Mail { to, subject, ..sign_up(&ada(), URL) };
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
            assert_eq!(check(to, subject), Some(OpenError::Unreadable), "{to:?} {subject:?}");
        }
    }

    proptest! {
        #[test]
        fn item_13_no_header_ever_has_a_control_character(to in ".{0,20}@.{0,20}", text: String) {
            let Ok(to) = Email::parse(&to) else { return Ok(()) };
            for mail in every_mail(&to, &text) {
                let headers = [mail.kind(), mail.to(), mail.subject()];
                prop_assert!(!headers.iter().any(|text| text.chars().any(char::is_control)));
                prop_assert!(!mail.text.chars().any(|c| c.is_control() && c != '\n'));
            }
        }

        #[test]
        fn a_text_from_outside_stays_on_its_line(text: String) {
            let lines = factor_changed(&ada(), "x").text.lines().count();
            prop_assert_eq!(factor_changed(&ada(), &text).text.lines().count(), lines);
        }
    }
}
