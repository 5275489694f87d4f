//! A server that runs as a child of this program: started, awaited, and never left behind.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::Pid;

use crate::process;
use crate::progress::say;

/// How long a server may take until it listens: the first start compiles components to machine
/// code.
const READY_TIMEOUT: Duration = Duration::from_mins(5);

/// A running server. It is asked to end when this value goes.
pub(crate) struct Server {
    name: &'static str,
    child: Child,
}

impl Server {
    /// Starts a server, tells `started` its process, and waits for the line that begins with
    /// `ready`; answers what follows there.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        ready: &'static str,
        started: impl FnOnce(Pid),
    ) -> Result<(Server, String)> {
        Server::launch(name, command, ready, started, |_| false)
    }

    /// The same without the lines of its stderr that are noise.
    pub(crate) fn start_quietly(
        name: &'static str,
        command: &mut Command,
        ready: &'static str,
        started: impl FnOnce(Pid),
        is_noise: fn(&str) -> bool,
    ) -> Result<(Server, String)> {
        Server::launch(name, command.stderr(Stdio::piped()), ready, started, is_noise)
    }

    fn launch(
        name: &'static str,
        command: &mut Command,
        ready: &'static str,
        started: impl FnOnce(Pid),
        is_noise: fn(&str) -> bool,
    ) -> Result<(Server, String)> {
        // In a process group of its own, a server hears of Ctrl-C from us, and once only.
        let mut child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        started(Pid::from_child(&child));
        let stdout = child.stdout.take().context("the server has no stdout")?;
        if let Some(stderr) = child.stderr.take() {
            let lines = BufReader::new(stderr).lines().map_while(Result::ok);
            thread::spawn(move || lines.filter(|line| !is_noise(line)).for_each(|line| say(&line)));
        }
        let mut server = Server { name, child };
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || pass_on(stdout, ready, sender));
        let rest = server.wait_until_ready(&receiver)?;
        Ok((server, rest))
    }

    /// Starts a server that is not awaited, and that writes its log to a file.
    pub(crate) fn spawn(name: &'static str, command: &mut Command, log: &Path) -> Result<Server> {
        let opened = File::options().create(true).append(true).open(log);
        let log = opened.with_context(|| format!("opening {}", log.display()))?;
        let child = command
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("starting {name}"))?;
        Ok(Server { name, child })
    }

    fn wait_until_ready(&mut self, receiver: &Receiver<String>) -> Result<String> {
        match receiver.recv_timeout(READY_TIMEOUT) {
            Ok(rest) => Ok(rest),
            Err(mpsc::RecvTimeoutError::Timeout) => {
                bail!("{} was not ready after {} seconds", self.name, READY_TIMEOUT.as_secs())
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => {
                let status = self.wait()?;
                bail!("{} exited before it was ready ({status}); see its output above", self.name)
            }
        }
    }

    /// Waits until the server has ended.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        self.child.wait().with_context(|| format!("waiting for {}", self.name))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            process::end(&mut self.child);
        }
    }
}

/// Sends what follows `ready` once, and prints every other line, until the server ends.
fn pass_on(stdout: ChildStdout, ready: &str, sender: Sender<String>) {
    let mut sender = Some(sender);
    for line in BufReader::new(stdout).lines().map_while(Result::ok) {
        match (line.strip_prefix(ready), &sender) {
            (Some(rest), Some(waiting)) => {
                // Nobody waits any more only after a timeout, which has been reported.
                let _ = waiting.send(rest.to_owned());
                sender = None;
            }
            _ => say(&line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn a_server_is_ready_when_it_says_so() {
        let mut command = shell("echo starting; echo listening on http://x; exec sleep 600");
        let mut id = None;
        let (server, address) =
            Server::start("test", &mut command, "listening on ", |started| id = Some(started))
                .unwrap();
        assert_eq!(address, "http://x");
        drop(server);
        let id = id.unwrap();
        assert!(rustix::process::test_kill_process(id).is_err(), "it has ended");
    }

    #[test]
    fn noise_is_left_out_and_the_server_goes_on() {
        let mut command = shell("yes noise | head -c 1000000 >&2; echo ready x; exec sleep 600");
        let started =
            Server::start_quietly("test", &mut command, "ready ", |_| (), |line| line == "noise");
        assert_eq!(started.unwrap().1, "x");
    }

    #[test]
    fn a_server_that_ends_early_is_an_error_with_its_status() {
        let error =
            Server::start("test", &mut shell("exit 3"), "listening on ", |_| ()).err().unwrap();
        assert!(error.to_string().contains("exit status: 3"), "{error}");
    }
}
