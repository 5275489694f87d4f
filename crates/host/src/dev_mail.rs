//! Mail in development: a folder of messages that `/dev/mail` takes and shows.
//!
//! It is there only where the host was told to, and on loopback only, because messages have links
//! in them that let people in. For the same reason it answers to this machine's own names only: a
//! page of another site, whose name leads here, reads nothing.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use chrono::DateTime;
use http::uri::Authority;
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use wasmtime_wasi_http::WasiBody;

use crate::options::Clock;
use crate::problem::{Problem, own};

/// Where it answers.
pub(crate) const PATH: &str = "/dev/mail";

/// The largest message.
const MESSAGE_BYTES_MAX: usize = 1 << 20;
/// How many messages the list shows.
const SHOWN_MAX: usize = 100;
/// The most messages that come in one second.
const NUMBER_MAX: u32 = 9_999;
/// How much of a message is looked at for the list.
const HEAD_BYTES_MAX: u64 = 4 << 10;
/// What the name of a message ends with.
const ENDING: &str = ".eml";
/// The longest name of a message.
const NAME_BYTES_MAX: usize = 64;

/// The folder, and what tells the time.
pub(crate) struct DevMail {
    folder: Arc<Path>,
    clock: Clock,
}

impl DevMail {
    pub(crate) fn new(folder: &Path, clock: Clock) -> DevMail {
        DevMail { folder: folder.into(), clock }
    }

    /// Answers a request for `rest`, which is what follows `/dev/mail` in its path.
    pub(crate) async fn answer(
        &self,
        rest: &str,
        request: Request<Incoming>,
    ) -> Result<Response<WasiBody>, Problem> {
        if !is_for_this_machine(&request) {
            return Err(Problem::BadHost);
        }
        let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
        match rest.strip_prefix('/').unwrap_or_default() {
            "" if is_read => self.list().await,
            "" if *request.method() == Method::POST => self.take(request).await,
            name if is_read => self.show(name).await,
            _ => Err(Problem::NoSuchMethod),
        }
    }

    async fn list(&self) -> Result<Response<WasiBody>, Problem> {
        let folder = Arc::clone(&self.folder);
        let page = in_background(move || list(&folder)).await?;
        Ok(own(StatusCode::OK, "text/html; charset=utf-8", page))
    }

    async fn show(&self, name: &str) -> Result<Response<WasiBody>, Problem> {
        if !is_name(name) {
            return Err(Problem::NoRoute);
        }
        let path = self.folder.join(name);
        let read = move || match fs::read(path) {
            Ok(message) => Ok(Some(message)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        };
        let message = in_background(read).await?.ok_or(Problem::NoRoute)?;
        Ok(own(StatusCode::OK, "text/plain; charset=utf-8", message))
    }

    async fn take(&self, request: Request<Incoming>) -> Result<Response<WasiBody>, Problem> {
        // A browser asks first before it sends this type for another site, and gets no permission.
        let is_message = request.headers().get(header::CONTENT_TYPE);
        if is_message.is_none_or(|value| value != "message/rfc822") {
            return Err(Problem::NotAMessage);
        }
        let message = Limited::new(request.into_body(), MESSAGE_BYTES_MAX).collect().await;
        let message = message.map_err(|_| Problem::BodyTooLarge)?.to_bytes();
        let (folder, seconds) = (Arc::clone(&self.folder), self.clock.now().as_secs());
        let name = in_background(move || keep(&folder, seconds, &message)).await?;
        Ok(own(StatusCode::CREATED, "text/plain; charset=utf-8", name))
    }
}

/// A page of another site whose name was made to lead here still sends that name.
fn is_for_this_machine(request: &Request<Incoming>) -> bool {
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = host.and_then(|host| host.parse::<Authority>().ok());
    host.is_some_and(|host| matches!(host.host(), "localhost" | "127.0.0.1" | "[::1]"))
}

/// Works on files where that holds up nobody else.
async fn in_background<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T, Problem> {
    let done = tokio::task::spawn_blocking(work).await;
    done.ok().and_then(Result::ok).ok_or(Problem::Failed)
}

/// A name of a message: as they are made here, and no way out of the folder.
fn is_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let stem = name.strip_suffix(ENDING).unwrap_or_default();
    !stem.is_empty() && name.len() <= NAME_BYTES_MAX && stem.bytes().all(is_plain)
}

/// Writes a message into the folder, which is made if it is not there; answers its name. Names sort
/// by time.
fn keep(folder: &Path, seconds: u64, message: &[u8]) -> Result<String> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let time = DateTime::from_timestamp(i64::try_from(seconds)?, 0).context("no such time")?;
    let time = time.format("%Y%m%dT%H%M%SZ");
    for number in 1..=NUMBER_MAX {
        let name = format!("{time}-{number:04}{ENDING}");
        let path = folder.join(&name);
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
            Ok(mut file) => {
                file.write_all(message)?;
                return Ok(name);
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error.into()),
        }
    }
    bail!("too many messages at once")
}

/// The page with the newest messages.
fn list(folder: &Path) -> Result<String> {
    let mut names = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                names.extend(entry?.file_name().into_string().ok().filter(|name| is_name(name)));
            }
        }
        // It is made with the first message.
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error.into()),
    }
    names.sort_unstable_by(|one, two| two.cmp(one));
    names.truncate(SHOWN_MAX);
    let mut page = String::from(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>Mail</title>\n\
         <h1>Mail</h1>\n",
    );
    if names.is_empty() {
        page.push_str("<p>No mail was sent yet.</p>\n");
        return Ok(page);
    }
    page.push_str("<table>\n<tr><th>Message</th><th>To</th><th>Subject</th></tr>\n");
    for name in names {
        let head = head_of(&folder.join(&name))?;
        let (to, subject) = (escape(field(&head, "To")), escape(field(&head, "Subject")));
        // A name is letters, digits and hyphens.
        writeln!(
            page,
            "<tr><td><a href=\"{PATH}/{name}\">{name}</a></td><td>{to}</td><td>{subject}</td></tr>"
        )?;
    }
    page.push_str("</table>\n");
    Ok(page)
}

fn head_of(message: &PathBuf) -> Result<String> {
    let mut head = Vec::new();
    fs::File::open(message)?.take(HEAD_BYTES_MAX).read_to_end(&mut head)?;
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// The first line of a header's value.
fn field<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().take_while(|line| !line.is_empty());
    let mut fields = lines.filter_map(|line| line.split_once(':'));
    fields.find(|(found, _)| found.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value.trim())
}

fn escape(text: &str) -> String {
    text.chars().fold(String::new(), |mut escaped, c| {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_nowhere_else() {
        assert!(is_name("20261122T172000Z-0001.eml"));
        for name in ["", ".eml", "..", "../a.eml", "a/b.eml", "a.txt", "a%2f.eml", "a\0.eml"] {
            assert!(!is_name(name), "{name:?}");
        }
        assert!(!is_name(&format!("{}.eml", "a".repeat(NAME_BYTES_MAX))));
    }

    #[test]
    fn a_header_is_found_above_the_text_only() {
        let message = "From: a\r\nTO: <ada@example.org>\r\n\r\nSubject: of the text\r\n";
        assert_eq!(field(message, "To"), "<ada@example.org>");
        assert_eq!(field(message, "Subject"), "");
    }
}
