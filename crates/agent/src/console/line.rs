//! The line to a machine: one connection to its serial console, however many look on, because QEMU
//! takes one at a time. It is there while somebody looks.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::net::unix::OwnedWriteHalf;
use tokio::sync::{mpsc, watch};
use tokio::time::{self, Instant};

use crate::console::kept::{Consoles, Name};
use crate::console::screen::Terminal;

/// How long a machine's socket may take to answer, and to take what was typed.
const SOCKET_LIMIT: Duration = Duration::from_secs(5);

/// How often a screen that changes is sent: what changes in between is one change.
const SHOW_EVERY: Duration = Duration::from_millis(50);

/// How often it is looked whether the machine is still there.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How many messages may wait to be typed.
const WAITING_MAX: usize = 16;

/// What is to be seen of a machine.
#[derive(Clone, Debug)]
pub(crate) enum View {
    /// Its screen, as a document.
    Screen(Arc<str>),
    /// Nothing any more, and why.
    Ended(&'static str),
}

/// The line to a machine, as one of those who look on has it.
pub(crate) struct Line {
    pub(crate) view: watch::Receiver<View>,
    pub(crate) keys: mpsc::Sender<Vec<u8>>,
}

/// The lines that are open.
#[derive(Default)]
pub(crate) struct Lines {
    open: Mutex<HashMap<Name, Weak<Line>>>,
}

impl Lines {
    /// The line to a machine, which is opened if it is not.
    pub(crate) fn join(&self, consoles: &Consoles, name: &Name, socket: PathBuf) -> Arc<Line> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.retain(|_, line| line.strong_count() > 0);
        let is_good = |line: &Arc<Line>| matches!(*line.view.borrow(), View::Screen(_));
        if let Some(line) = open.get(name).and_then(Weak::upgrade).filter(is_good) {
            return line;
        }
        let terminal = Terminal::new();
        let (show, view) = watch::channel(View::Screen(terminal.document().into()));
        let (keys, typed) = mpsc::channel(WAITING_MAX);
        let line = Arc::new(Line { view, keys });
        open.insert(name.clone(), Arc::downgrade(&line));
        let (consoles, name) = (consoles.clone(), name.clone());
        tokio::spawn(async move {
            let began = consoles.find(&name);
            let is_over = || match consoles.find(&name) {
                None => Some("The machine was removed, so its console closed."),
                Some(kept) if began.as_ref() != Some(&kept) => {
                    Some("The machine's SSH keys were changed, so its console closed.")
                }
                Some(_) => None,
            };
            if let Some(why) = carry(socket, terminal, &show, typed, is_over).await {
                show.send_replace(View::Ended(why));
            }
        });
        line
    }
}

/// Carries a machine's bytes to its screen, and keys to the machine, until nobody looks (`None`),
/// or there is nothing to look at.
async fn carry(
    socket: PathBuf,
    mut terminal: Terminal,
    show: &watch::Sender<View>,
    typed: mpsc::Receiver<Vec<u8>>,
    is_over: impl Fn() -> Option<&'static str>,
) -> Option<&'static str> {
    let Ok(Ok(stream)) = time::timeout(SOCKET_LIMIT, UnixStream::connect(socket)).await else {
        return Some("The machine's console is not responding.");
    };
    let (mut read, write) = stream.into_split();
    // By itself: a machine that takes no keys can still be seen.
    tokio::spawn(type_keys(write, typed));
    let mut bytes = [0; 8192];
    let mut show_at: Option<Instant> = None;
    let mut look = time::interval(POLL_INTERVAL);
    loop {
        tokio::select! {
            read = read.read(&mut bytes) => match read {
                Ok(0) | Err(_) => return Some("The machine was stopped, so its console closed."),
                Ok(count) => {
                    terminal.process(&bytes[..count]);
                    show_at.get_or_insert_with(|| Instant::now() + SHOW_EVERY);
                }
            },
            () = time::sleep_until(show_at.unwrap_or_else(Instant::now)), if show_at.is_some() => {
                show.send_replace(View::Screen(terminal.document().into()));
                show_at = None;
            }
            () = show.closed() => return None,
            _ = look.tick() => if let Some(why) = is_over() {
                return Some(why);
            },
        }
    }
}

/// Types at the machine; ends, and with it all typing, where it takes nothing for too long.
async fn type_keys(mut write: OwnedWriteHalf, mut typed: mpsc::Receiver<Vec<u8>>) {
    while let Some(keys) = typed.recv().await {
        let written = time::timeout(SOCKET_LIMIT, write.write_all(&keys)).await;
        if !matches!(written, Ok(Ok(()))) {
            return;
        }
    }
}
