//! What components print: to a file of each, and to the terminal.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use anyhow::Context as _;
use bytes::Bytes;
use chrono::DateTime;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use crate::options::Clock;

/// A line that grows past this is cut into several.
const LINE_BYTES_MAX: usize = 8 << 10;

/// A log file that grows past this becomes `<component>.log.1`, in place of the one before.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// The log of one component.
pub(crate) struct ComponentLog {
    component: String,
    terminal: bool,
    clock: Clock,
    file: Mutex<LogFile>,
}

struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
}

impl ComponentLog {
    /// Opens `<folder>/<component>.log` to append to it.
    pub(crate) fn open(
        folder: &Path,
        component: &str,
        terminal: bool,
        clock: Clock,
    ) -> anyhow::Result<Arc<ComponentLog>> {
        let path = folder.join(format!("{component}.log"));
        let file = LogFile::open(path.clone())
            .with_context(|| format!("cannot write the log {}", path.display()))?;
        Ok(Arc::new(ComponentLog {
            component: component.to_owned(),
            terminal,
            clock,
            file: Mutex::new(file),
        }))
    }

    /// A line from the host about this component.
    pub(crate) fn host_line(&self, text: &str) {
        self.line(&format!("host: {text}"));
    }

    /// The same for a text of several lines, such as a trap with its backtrace.
    pub(crate) fn host_lines(&self, text: &str) {
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            self.host_line(line);
        }
    }

    fn line(&self, text: &str) {
        let text = printable(text);
        let now = self.clock.now();
        let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
        let time = DateTime::from_timestamp(seconds, now.subsec_nanos()).unwrap_or_default();
        let line = format!("{} {text}\n", time.format("%Y-%m-%dT%H:%M:%S%.3fZ"));
        // A full disk must not stop the component that reports it, so what fails here is lost.
        let _ = lock(&self.file).append(line.as_bytes());
        if self.terminal {
            let line = format!("[{}] {text}\n", self.component);
            let _ = io::stderr().lock().write_all(line.as_bytes());
        }
    }
}

impl LogFile {
    fn open(path: PathBuf) -> io::Result<LogFile> {
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        let bytes = file.metadata()?.len();
        Ok(LogFile { path, file, bytes })
    }

    fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.bytes > FILE_BYTES_MAX {
            std::fs::rename(&self.path, self.path.with_extension("log.1"))?;
            *self = LogFile::open(self.path.clone())?;
        }
        self.bytes += line.len() as u64;
        self.file.write_all(line)
    }
}

/// Escapes control characters, so that a guest cannot move the reader's cursor or forge a line.
fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() && character != '\t' {
            let _ = write!(printable, "{}", character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stdout or stderr of one instance: collects bytes to lines. Clones share the line.
#[derive(Clone)]
pub(crate) struct LineStream {
    line: Arc<Mutex<Line>>,
}

struct Line {
    log: Arc<ComponentLog>,
    bytes: Vec<u8>,
}

impl LineStream {
    pub(crate) fn new(log: Arc<ComponentLog>) -> LineStream {
        LineStream { line: Arc::new(Mutex::new(Line { log, bytes: Vec::new() })) }
    }

    fn push(&self, bytes: &[u8]) {
        let mut line = lock(&self.line);
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    line.bytes.extend_from_slice(end);
                    line.finish();
                }
                None => line.bytes.extend_from_slice(piece),
            }
            if line.bytes.len() >= LINE_BYTES_MAX {
                line.finish();
            }
        }
    }
}

impl Line {
    fn finish(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let text = String::from_utf8_lossy(&bytes);
        self.log.line(text.strip_suffix('\r').unwrap_or(&text));
    }
}

impl Drop for Line {
    /// What a trapped instance left without a line's end is often the reason.
    fn drop(&mut self) {
        if !self.bytes.is_empty() {
            self.finish();
        }
    }
}

impl IsTerminal for LineStream {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for LineStream {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }

    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }
}

impl AsyncWrite for LineStream {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.push(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for LineStream {
    async fn ready(&mut self) {}
}

impl OutputStream for LineStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.push(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LINE_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_collected_and_escaped() {
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock::Set(Arc::new(1_700_000_000.into()));
        let log = ComponentLog::open(folder.path(), "site", false, clock).unwrap();
        let stream = LineStream::new(log);
        stream.push(b"one");
        stream.push(b" line\r\nred: \x1b[31m\nlast");
        drop(stream);
        let text = std::fs::read_to_string(folder.path().join("site.log")).unwrap();
        expect_test::expect![[r"
            2023-11-14T22:13:20.000Z one line
            2023-11-14T22:13:20.000Z red: \u{1b}[31m
            2023-11-14T22:13:20.000Z last
        "]]
        .assert_eq(&text);
    }
}
