//! Where mail goes: what a mail transport is sent, and what its answer means.
//!
//! Everything but the sending itself, which is the mailer's.

use domain::account::Email;
use domain::id::MailId;
use domain::time::Timestamp;
use mail_builder::MessageBuilder;
use mail_builder::headers::address::Address;
use mail_builder::mime::MimePart;
use seal::Keys;
use serde::Deserialize;
use serde_json::json;
use url::{Host, Url};
use web::config::is_transport_set;

use crate::Mail;

/// The stream of messages at Postmark that every server has for mail to one person.
const MESSAGE_STREAM: &str = "outbound";
/// The longest name of a sender.
const NAME_CHARS_MAX: usize = 60;

/// How mail is sent: the mailer's variables, read and checked.
pub struct MailConfig {
    /// What opens the outbox.
    pub keys: Keys,
    transport: Transport,
    url: String,
    from: Sender,
    /// What stands behind the `@` of a message's id.
    host: String,
}

/// What takes mail.
enum Transport {
    /// Postmark's API for one mail (postmarkapp.com/developer/api/email-api).
    Postmark {
        /// What identifies us there.
        token: String,
    },
    /// A folder of messages on this machine, for development: the host's `/dev/mail`.
    Folder,
}

/// Whom mail comes from.
struct Sender {
    name: Option<String>,
    address: Email,
}

/// A request to a mail transport.
pub struct Post {
    /// Where to.
    pub url: String,
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
}

/// Why a mail transport did not take a mail. Nothing of the mail is in it, nor of what the mail
/// transport said in its own words, for those may repeat the address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// This mail will never be taken; others may.
    #[error("{0}")]
    OfMail(String),
    /// The mail transport, the way there, or what the operator has set: the same mail may be taken
    /// later.
    #[error("{0}")]
    Transport(String),
}

impl MailConfig {
    /// Reads every variable with `get`; `None` where no mail transport is set. The error names the
    /// variable and never holds its value.
    pub fn read(
        get: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Option<MailConfig>, String> {
        let transport = get("mail_transport")?;
        if !is_transport_set(&transport)? {
            return Ok(None);
        }
        let required = |name: &str| match get(name)? {
            text if text.is_empty() => Err(format!("{name}: required if mail_transport is set")),
            text => Ok(text),
        };
        let public_url = required("public_url")?;
        let host = Url::parse(&public_url).ok().and_then(|url| Some(url.host()?.to_string()));
        let host = host.ok_or("public_url: expected a URL, such as https://mycelium.example")?;
        let from = Sender::parse(&required("mail_from")?)?;
        let keys = Keys::parse(&required("encryption_keys")?)
            .map_err(|error| format!("encryption_keys: {error}"))?;
        let url = required("mail_url")?;
        let transport = if transport == "folder" {
            check_folder(&url)?;
            Transport::Folder
        } else {
            check_postmark(&url)?;
            let token = required("mail_token")?;
            if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
                return Err("mail_token: expected letters, digits and signs only".to_owned());
            }
            Transport::Postmark { token }
        };
        Ok(Some(MailConfig { keys, transport, url, from, host }))
    }

    /// The request that hands over a mail.
    pub fn post(&self, id: MailId, mail: &Mail, now: Timestamp) -> Post {
        let url = self.url.clone();
        match &self.transport {
            Transport::Postmark { token } => {
                let headers = vec![
                    ("accept", "application/json".to_owned()),
                    ("content-type", "application/json".to_owned()),
                    ("x-postmark-server-token", token.clone()),
                ];
                let document = json!({
                    "From": self.from.to_header(),
                    "To": mail.to(),
                    "Subject": mail.subject(),
                    "TextBody": mail.text(),
                    "MessageStream": MESSAGE_STREAM,
                });
                Post { url, headers, body: document.to_string().into_bytes() }
            }
            Transport::Folder => {
                let headers = vec![("content-type", "message/rfc822".to_owned())];
                Post { url, headers, body: self.message(id, mail, now) }
            }
        }
    }

    /// A mail as a message (RFC 5322). It says its time and id itself: each attempt to send the
    /// mail has the same id.
    fn message(&self, id: MailId, mail: &Mail, now: Timestamp) -> Vec<u8> {
        let Sender { name, address } = &self.from;
        let mut message = Vec::new();
        // Without an encoding, so that whoever looks into the folder can read it: no line is near
        // the 998 bytes that RFC 5322 allows.
        let text = MimePart::new("text/plain", mail.text().replace('\n', "\r\n"))
            .transfer_encoding("8bit");
        MessageBuilder::new()
            .from(Address::new_address(name.as_deref(), address.as_str()))
            .to(mail.to())
            .subject(mail.subject())
            .date(now.seconds())
            .message_id(format!("{id}@{}", self.host))
            .body(text)
            .serialize(&mut message);
        message
    }

    /// Whether the mail transport took the mail, by the status and body of its answer.
    pub fn verdict(&self, status: u16, body: &[u8]) -> Result<(), Failure> {
        match &self.transport {
            Transport::Postmark { .. } => postmark_verdict(status, body),
            Transport::Folder if (200..300).contains(&status) => Ok(()),
            Transport::Folder => Err(Failure::Transport(format!("status {status}"))),
        }
    }
}

/// Postmark's own part of an answer.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PostmarkAnswer {
    error_code: u32,
}

/// What an answer of Postmark means (postmarkapp.com/developer/api/overview): 200 with the code 0
/// is a mail that was taken. Two codes are about this mail. The others are about the account there,
/// such as a sender that was not confirmed: the operator can help, so the mail waits.
fn postmark_verdict(status: u16, body: &[u8]) -> Result<(), Failure> {
    let code = serde_json::from_slice(body).ok().map(|answer: PostmarkAnswer| answer.error_code);
    match (status, code) {
        (200, Some(0)) => Ok(()),
        (_, Some(300)) => Err(of_mail(status, 300, "invalid address")),
        (_, Some(406)) => {
            Err(of_mail(status, 406, "recipient inactive after a bounce or complaint"))
        }
        (413, _) => Err(Failure::OfMail("status 413: email too large".to_owned())),
        (401, _) => Err(Failure::Transport("status 401: invalid mail_token".to_owned())),
        (_, Some(code)) => Err(Failure::Transport(format!("status {status}, code {code}"))),
        (_, None) => Err(Failure::Transport(format!("status {status}"))),
    }
}

fn of_mail(status: u16, code: u32, why: &str) -> Failure {
    Failure::OfMail(format!("status {status}, code {code}: {why}"))
}

impl Sender {
    /// Reads `address` or `Name <address>`.
    fn parse(text: &str) -> Result<Sender, String> {
        let text = text.trim();
        let (name, address) = match text.strip_suffix('>').and_then(|text| text.split_once('<')) {
            Some((name, address)) => (Some(name.trim()), address),
            None => (None, text),
        };
        let is_plain = |c: char| !c.is_control() && !"\"\\<>".contains(c);
        let name_fits = name.is_none_or(|name| {
            (1..=NAME_CHARS_MAX).contains(&name.chars().count()) && name.chars().all(is_plain)
        });
        match Email::parse(address) {
            Ok(address) if name_fits => Ok(Sender { name: name.map(str::to_owned), address }),
            _ => Err("mail_from: expected an address, or Name <address>".to_owned()),
        }
    }

    /// As a header has it. The name is quoted: it may have a comma, and has no quotation mark.
    fn to_header(&self) -> String {
        match &self.name {
            Some(name) => format!("\"{name}\" <{}>", self.address),
            None => self.address.to_string(),
        }
    }
}

/// A folder is on this machine: whatever is sent there has its links in it.
fn check_folder(url: &str) -> Result<(), String> {
    if Url::parse(url).is_ok_and(|url| url.scheme() == "http" && is_local(&url)) {
        return Ok(());
    }
    Err("mail_url: expected the host's own address where mail_transport is folder, such as \
         http://127.0.0.1:3000/dev/mail"
        .to_owned())
}

/// Links and the token go over TLS. A stand-in on this machine is the exception.
fn check_postmark(url: &str) -> Result<(), String> {
    let is_safe = |url: &Url| match url.scheme() {
        "https" => true,
        "http" => is_local(url),
        _ => false,
    };
    if Url::parse(url).is_ok_and(|url| is_safe(&url)) {
        return Ok(());
    }
    Err("mail_url: expected a URL that starts with https://".to_owned())
}

fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use seal::{KEY_BYTES, key_text};
    use serde_json::Value;

    use super::*;

    const TOKEN: &str = "a-token-of-postmark";
    const NOW: i64 = 1_795_368_000;

    fn read_with(changes: &[(&str, &str)]) -> Result<Option<MailConfig>, String> {
        let keys = key_text(1, &[7; KEY_BYTES]);
        MailConfig::read(|name| {
            let own = changes.iter().find(|(own, _)| *own == name);
            Ok(match (own, name) {
                (Some((_, value)), _) => value,
                (_, "mail_transport") => "postmark",
                (_, "mail_url") => "https://api.postmarkapp.com/email",
                (_, "mail_token") => TOKEN,
                (_, "mail_from") => "Mycelium, the market <no-reply@mycelium.example>",
                (_, "public_url") => "https://mycelium.example/",
                (_, "encryption_keys") => &keys,
                _ => panic!("{name} is none of the mailer's"),
            }
            .to_owned())
        })
    }

    fn config(changes: &[(&str, &str)]) -> MailConfig {
        read_with(changes).unwrap().unwrap()
    }

    fn folder() -> MailConfig {
        config(&[("mail_transport", "folder"), ("mail_url", "http://127.0.0.1:3000/dev/mail")])
    }

    fn post(config: &MailConfig) -> Post {
        let to = Email::parse("ada@example.org").unwrap();
        let now = Timestamp::from_seconds(NOW);
        let link = format!("https://mycelium.example/reset?code={}", "0123456789".repeat(6));
        let text = format!("Choose a new password for your account at Mycelium:\n\n{link}\n");
        let mail = Mail::new("password-reset", &to, "Reset your password", text);
        config.post(MailId::from_random(now, [1; 10]), &mail, now)
    }

    #[test]
    fn without_a_transport_nothing_is_sent_and_nothing_needed() {
        let nothing = MailConfig::read(|_| Ok(String::new()));
        assert!(nothing.is_ok_and(|config| config.is_none()));
    }

    #[test]
    fn each_wrong_variable_is_named_and_not_shown() {
        let check = |changes: &[(&str, &str)]| {
            let (name, value) = changes[0];
            let error = read_with(changes).err().unwrap_or_default();
            assert!(error.starts_with(&format!("{name}: ")), "{name}={value}: {error:?}");
            assert!(value.is_empty() || !error.contains(value), "{name}={value}: {error:?}");
        };
        check(&[("mail_transport", "smtp")]);
        for transport in ["postmark", "folder"] {
            let transport = ("mail_transport", transport);
            check(&[("public_url", ""), transport]);
            check(&[("public_url", "mycelium.example.org"), transport]);
            check(&[("encryption_keys", ""), transport]);
            check(&[("encryption_keys", "1:c2VjcmV0"), transport]);
            check(&[("mail_url", ""), transport]);
            for from in
                ["", "nobody", "A\nB <a@b.org>", "\"A\" <a@b.org>", "<a@b.org>", "a@b.c, d@e.f"]
            {
                check(&[("mail_from", from), transport]);
            }
        }
        check(&[("mail_token", "")]);
        check(&[("mail_token", "two words")]);
        for url in ["api.postmarkapp.com", "ftp://example.org", "http://api.postmarkapp.com/email"]
        {
            check(&[("mail_url", url)]);
        }
        let folder = ("mail_transport", "folder");
        for url in ["https://api.postmarkapp.com/email", "http://example.org/dev/mail"] {
            check(&[("mail_url", url), folder]);
        }
    }

    #[test]
    fn postmark_is_sent_what_its_documentation_says() {
        let post = post(&config(&[]));
        assert_eq!(post.url, "https://api.postmarkapp.com/email");
        assert!(post.headers.contains(&("x-postmark-server-token", TOKEN.to_owned())));
        assert!(post.headers.contains(&("content-type", "application/json".to_owned())));
        let document: Value = serde_json::from_slice(&post.body).unwrap();
        assert_eq!(document["From"], "\"Mycelium, the market\" <no-reply@mycelium.example>");
        assert_eq!(document["To"], "ada@example.org");
        assert_eq!(document["Subject"], "Reset your password");
        assert_eq!(document["MessageStream"], "outbound");
        assert!(document["TextBody"].as_str().unwrap().contains("/reset?code=0123456789"));
    }

    #[test]
    fn a_folder_is_sent_a_message_that_can_be_read_as_it_is() {
        let post = post(&folder());
        assert_eq!(post.headers, [("content-type", "message/rfc822".to_owned())]);
        let message = String::from_utf8(post.body).unwrap();
        assert_eq!(message.matches('\n').count(), message.matches("\r\n").count());
        expect![[r#"
            From: "Mycelium, the market" <no-reply@mycelium.example>
            To: <ada@example.org>
            Subject: Reset your password
            Date: Sun, 22 Nov 2026 17:20:00 +0000
            Message-ID: <01a20445-9a00-7101-8101-010101010101@mycelium.example>
            MIME-Version: 1.0
            Content-Type: text/plain; charset="utf-8"
            Content-Transfer-Encoding: 8bit

            Choose a new password for your account at Mycelium:
        "#]]
        .assert_eq(&message.lines().take(10).map(|line| format!("{line}\n")).collect::<String>());
        assert!(message.contains("\r\nhttps://mycelium.example/reset?code=0123456789"));
    }

    #[test]
    fn an_answer_of_postmark_is_taken_retried_or_final() {
        let check = |status: u16, body: &str, expected: &str| {
            let found = match config(&[]).verdict(status, body.as_bytes()) {
                Ok(()) => "taken".to_owned(),
                Err(Failure::OfMail(why)) => format!("final, {why}"),
                Err(Failure::Transport(why)) => format!("later, {why}"),
            };
            assert_eq!(found, expected);
        };
        check(200, r#"{"ErrorCode":0,"Message":"OK","To":"ada@example.org"}"#, "taken");
        check(200, "<html>", "later, status 200");
        check(202, "{}", "later, status 202");
        check(401, r#"{"ErrorCode":10}"#, "later, status 401: invalid mail_token");
        check(
            422,
            r#"{"ErrorCode":406,"Message":"Found inactive addresses: ada@example.org."}"#,
            "final, status 422, code 406: recipient inactive after a bounce or complaint",
        );
        check(422, r#"{"ErrorCode":300}"#, "final, status 422, code 300: invalid address");
        check(422, r#"{"ErrorCode":401}"#, "later, status 422, code 401");
        check(413, "", "final, status 413: email too large");
        check(429, r#"{"ErrorCode":429}"#, "later, status 429, code 429");
        check(500, "", "later, status 500");
        check(503, "", "later, status 503");
    }

    #[test]
    fn a_folder_takes_what_it_answers_with_a_success() {
        assert_eq!(folder().verdict(201, b""), Ok(()));
        let refused = Failure::Transport("status 404".to_owned());
        assert_eq!(folder().verdict(404, b""), Err(refused));
    }
}
