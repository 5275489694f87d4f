//! A client that shows what is on the wire: it sends one request and reads until the end.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// The most bytes that a test reads of one answer.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// An answer as it came: head, and as much of the body as was sent.
pub(crate) struct Raw {
    pub(crate) status: String,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// Sends a request in HTTP/1.0, whose answer is never chunked and ends with the connection.
pub(crate) async fn get(url: &str) -> io::Result<Raw> {
    send(url, "GET", "").await
}

pub(crate) async fn send(url: &str, method: &str, body: &str) -> io::Result<Raw> {
    let (authority, target) = split(url);
    let mut stream = TcpStream::connect(authority).await?;
    let length = body.len();
    let request = format!(
        "{method} {target} HTTP/1.0\r\nHost: {authority}\r\nContent-Type: application/json\r\n\
         User-Agent: raw test\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut bytes = Vec::new();
    stream.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes).await?;
    let end = bytes.windows(4).position(|window| window == b"\r\n\r\n");
    let end = end.ok_or_else(|| io::Error::from(io::ErrorKind::UnexpectedEof))?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head.lines().next().unwrap_or_default().replace("HTTP/1.0 ", "HTTP/1.1 ");
    Ok(Raw { status, head, body: bytes.split_off(end + 4) })
}

fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").unwrap_or(url);
    rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash))
}
