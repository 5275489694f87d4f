//! An HTTP/1.1 client that shows exactly what was sent and answered.

use std::fmt::Write as _;
use std::net::SocketAddr;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

pub(crate) struct Client {
    pub(crate) stream: BufReader<TcpStream>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Checks that it is a problem document of the host.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        assert!(self.header("content-length").is_some(), "{self:?}");
        assert!(self.body.contains(&format!("\"status\":{status}")), "{self:?}");
        self.assert_guarded();
    }

    /// Checks that nobody can frame, keep or guess it, and that nothing in it does anything.
    #[track_caller]
    pub(crate) fn assert_guarded(&self) {
        let policy = self.header("content-security-policy").unwrap_or_default();
        assert!(policy.starts_with("default-src 'none'; "), "{self:?}");
        assert!(policy.contains("frame-ancestors 'none'"), "{self:?}");
        assert_eq!(self.header("x-content-type-options"), Some("nosniff"), "{self:?}");
        assert_eq!(self.header("referrer-policy"), Some("no-referrer"), "{self:?}");
        assert_eq!(self.header("cache-control"), Some("no-store"), "{self:?}");
    }
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Client {
        Client::on(TcpStream::connect(addr).await.unwrap())
    }

    pub(crate) fn on(stream: TcpStream) -> Client {
        Client { stream: BufReader::new(stream) }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[], None).await
    }

    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: market.test\r\n");
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        if let Some(body) = body {
            let _ = write!(head, "content-length: {}\r\n", body.len());
        }
        self.write(&format!("{head}\r\n{}", body.unwrap_or_default())).await;
        self.read(method == "HEAD").await
    }

    pub(crate) async fn write(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).await.unwrap();
    }

    /// Reads one answer to its end.
    pub(crate) async fn read(&mut self, is_head: bool) -> Answer {
        let status = self.line().await;
        let status = status.split(' ').nth(1).expect("a status line").parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line().await;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut answer = Answer { status, headers, body: String::new() };
        if !is_head {
            answer.body = self.body(&answer).await;
        }
        answer
    }

    async fn body(&mut self, answer: &Answer) -> String {
        let mut bytes = Vec::new();
        if let Some(length) = answer.header("content-length") {
            bytes.resize(length.parse().unwrap(), 0);
            self.stream.read_exact(&mut bytes).await.unwrap();
        } else if answer.header("transfer-encoding") == Some("chunked") {
            loop {
                let length = usize::from_str_radix(&self.line().await, 16).unwrap();
                let start = bytes.len();
                bytes.resize(start + length, 0);
                self.stream.read_exact(&mut bytes[start..]).await.unwrap();
                self.line().await;
                if length == 0 {
                    break;
                }
            }
        }
        String::from_utf8(bytes).unwrap()
    }

    pub(crate) async fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).await.unwrap();
        line.trim_end().to_owned()
    }
}
