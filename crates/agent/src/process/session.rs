//! One session of an SSH client: a program, in a terminal or behind pipes.

use std::convert::Infallible;
use std::ffi::OsStr;
use std::future::pending;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result};
use pty_process::{OwnedWritePty, Size};
use russh::ChannelWriteHalf;
use russh::server::Msg;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc::{self, UnboundedReceiver, UnboundedSender};
use tokio::sync::oneshot;

use super::server::Machine;
use super::{HOME, MARK};

/// Said at the beginning of a shell.
const NOTICE: &str = "This is a demo machine: a shell on this computer, separated from nothing.\r\n\
                      Its home folder is removed with it.\r\n\r\n";

/// The most that waits for a program that does not read, in bytes. The client is not slowed down:
/// `russh` asks it for more whatever becomes of what it has sent.
const BACKLOG_MAX: usize = 256 * 1024 * 1024;

/// How much is sent at a time, in bytes: the largest packet of OpenSSH's client.
const CHUNK: usize = 32 * 1024;

/// Where SSH puts what a program says as an error (RFC 4254, section 5.2).
const STDERR: u32 = 1;

/// Shells, the best first.
const SHELLS: [&str; 2] = ["/bin/bash", "/bin/sh"];

/// A session, from when it is opened to its end. The program loses its terminal or its pipes when
/// this value goes.
pub(super) struct Session {
    output: Option<ChannelWriteHalf<Msg>>,
    terminal: Option<Terminal>,
    program: Option<Program>,
}

struct Terminal {
    name: String,
    size: Size,
}

/// A program that runs, as the client sees it.
struct Program {
    input: UnboundedSender<Input>,
    backlog: Arc<AtomicUsize>,
    _open: oneshot::Sender<()>,
}

/// What a client sends.
enum Input {
    Bytes(Vec<u8>),
    End,
    Size(Size),
}

impl Session {
    pub(super) fn new(output: ChannelWriteHalf<Msg>) -> Session {
        Session { output: Some(output), terminal: None, program: None }
    }

    /// What is started shall have a terminal.
    pub(super) fn set_terminal(&mut self, name: &str, size: Size) {
        self.terminal = Some(Terminal { name: name.to_owned(), size });
    }

    pub(super) fn resize(&self, size: Size) {
        self.send(Input::Size(size));
    }

    pub(super) fn end_input(&self) {
        self.send(Input::End);
    }

    /// Passes bytes on to the program. `false` means that too many wait for it already.
    pub(super) fn input(&self, bytes: &[u8]) -> bool {
        let Some(program) = &self.program else { return true };
        let waiting = program.backlog.fetch_add(bytes.len(), Ordering::Relaxed);
        self.send(Input::Bytes(bytes.to_owned()));
        waiting < BACKLOG_MAX
    }

    fn send(&self, input: Input) {
        if let Some(program) = &self.program {
            // An error here means that the program has ended.
            let _ = program.input.send(input);
        }
    }

    /// Starts a command, or a shell for somebody to type in.
    pub(super) fn start(&mut self, machine: &Machine, command: Option<&[u8]>) -> Result<()> {
        let shell = SHELLS.into_iter().find(|shell| Path::new(shell).exists());
        let shell = shell.context("there is no shell")?;
        let arguments = match command {
            Some(command) => vec![OsStr::new("-c"), OsStr::from_bytes(command)],
            None => vec![OsStr::new("-l")],
        };
        let home = machine.folder.join(HOME);
        let mark = (MARK, machine.folder.as_os_str());
        let environment = [("HOME", home.as_os_str()), ("SHELL", OsStr::new(shell)), mark];
        let output = self.output.take().context("a session has one program")?;
        let (input, inputs) = mpsc::unbounded_channel();
        let (open, closed) = oneshot::channel();
        let backlog = Arc::new(AtomicUsize::new(0));
        let run = Run { output, inputs, backlog: Arc::clone(&backlog) };
        if let Some(Terminal { name, size }) = self.terminal.take() {
            let (pty, pts) = pty_process::open().context("opening a terminal")?;
            pty.resize(size).context("setting the size of a terminal")?;
            let program = pty_process::Command::new(shell).args(arguments).envs(environment);
            let program = program.env("TERM", name).current_dir(&home);
            let child = program.spawn(pts).with_context(|| format!("starting {shell}"))?;
            let notice = if command.is_none() { NOTICE } else { "" };
            tokio::spawn(until(closed, run.in_terminal(child, pty, notice)));
        } else {
            let mut program = Command::new(shell);
            program.args(arguments).envs(environment).current_dir(&home).process_group(0);
            program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
            let child = program.spawn().with_context(|| format!("starting {shell}"))?;
            tokio::spawn(until(closed, run.behind_pipes(child)));
        }
        self.program = Some(Program { input, backlog, _open: open });
        Ok(())
    }
}

/// Does something until the client closes the session. Then all that it has is dropped: a terminal
/// hangs up on its programs.
async fn until(closed: oneshot::Receiver<()>, work: impl Future<Output = ()>) {
    tokio::select! {
        _ = closed => {}
        () = work => {}
    }
}

/// The two ends of a session, as a program sees them.
struct Run {
    output: ChannelWriteHalf<Msg>,
    inputs: UnboundedReceiver<Input>,
    backlog: Arc<AtomicUsize>,
}

impl Run {
    async fn in_terminal(self, mut child: Child, pty: pty_process::Pty, notice: &'static str) {
        let (reader, writer) = pty.into_split();
        let ended = async {
            show(notice.as_bytes(), &self.output, None).await;
            show(reader, &self.output, None).await;
            child.wait().await
        };
        let status = tokio::select! {
            status = ended => status,
            never = feed(Stdin::Terminal(writer), self.inputs, &self.backlog) => match never {},
        };
        close(&self.output, status).await;
    }

    async fn behind_pipes(self, mut child: Child) {
        let stdin = Stdin::Pipe(child.stdin.take());
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let ended = async {
            tokio::join!(
                show_all(stdout, &self.output, None),
                show_all(stderr, &self.output, Some(STDERR)),
            );
            child.wait().await
        };
        let status = tokio::select! {
            status = ended => status,
            never = feed(stdin, self.inputs, &self.backlog) => match never {},
        };
        close(&self.output, status).await;
    }
}

async fn show_all(
    from: Option<impl AsyncRead + Unpin>,
    to: &ChannelWriteHalf<Msg>,
    kind: Option<u32>,
) {
    if let Some(from) = from {
        show(from, to, kind).await;
    }
}

/// Sends what a program says, to its end or to the connection's.
async fn show(mut from: impl AsyncRead + Unpin, to: &ChannelWriteHalf<Msg>, kind: Option<u32>) {
    let mut buffer = vec![0; CHUNK];
    // A terminal that its programs have left answers with an error, not with an end.
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let bytes = buffer[..count].to_vec();
        let sent = match kind {
            None => to.data_bytes(bytes).await,
            Some(kind) => to.extended_data_bytes(kind, bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Where a program reads.
enum Stdin {
    Terminal(OwnedWritePty),
    Pipe(Option<ChildStdin>),
}

/// Lets a program read what the client sends. Whether it does is its own matter.
async fn feed(
    mut stdin: Stdin,
    mut inputs: UnboundedReceiver<Input>,
    backlog: &AtomicUsize,
) -> Infallible {
    while let Some(input) = inputs.recv().await {
        match (input, &mut stdin) {
            (Input::Bytes(bytes), stdin) => {
                let _ = match stdin {
                    Stdin::Terminal(terminal) => terminal.write_all(&bytes).await,
                    Stdin::Pipe(Some(pipe)) => pipe.write_all(&bytes).await,
                    Stdin::Pipe(None) => Ok(()),
                };
                backlog.fetch_sub(bytes.len(), Ordering::Relaxed);
            }
            (Input::End, Stdin::Pipe(pipe)) => *pipe = None,
            (Input::Size(size), Stdin::Terminal(terminal)) => {
                let _ = terminal.resize(size);
            }
            // A terminal has no end, and pipes have no size.
            (Input::End, Stdin::Terminal(_)) | (Input::Size(_), Stdin::Pipe(_)) => {}
        }
    }
    pending().await
}

/// Tells the client how a program has ended. An error here means that it is gone.
async fn close(output: &ChannelWriteHalf<Msg>, status: std::io::Result<ExitStatus>) {
    let status = status.map_or(u32::MAX, |status| {
        // As a shell says it of a program that a signal has ended.
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        code.and_then(|code| u32::try_from(code).ok()).unwrap_or(u32::MAX)
    });
    let _ = output.exit_status(status).await;
    let _ = output.eof().await;
    let _ = output.close().await;
}
