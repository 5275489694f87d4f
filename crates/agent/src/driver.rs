//! Running a driver: one document in, one out, within a time, and with its log kept.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read, Write};
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::journal::make_folder;
use crate::protocol::{Answer, Disk, DiskAction, DiskRequest, Outcome, Refusal, Request, VERSION};

/// The longest answer of a driver, in bytes.
const ANSWER_MAX: u64 = 64 * 1024;

/// The most that is kept of a driver's log, in bytes. The rest is read and dropped.
const LOG_MAX: u64 = 256 * 1024;

/// The longest line of a log that is looked at, in bytes.
const LINE_MAX: u64 = 4096;

/// The most logs that are kept.
const LOGS_MAX: usize = 400;

/// How often a running driver is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// How long an ended driver's answer may take to arrive: a program that it left running in another
/// group may hold its end of the pipe.
const ANSWER_WAIT: Duration = Duration::from_secs(2);

/// What a driver's program begins a line of progress with.
const STEP: &str = "step:";

/// The driver that is configured.
pub(crate) struct Driver {
    command: Vec<String>,
    logs: PathBuf,
}

/// What the one who waits for a driver says, each time that he is asked.
pub(crate) enum Go {
    On,
    /// The driver is to be ended now.
    Stop,
}

/// Why a driver gave no answer of its own.
const STOPPED: &str = "the agent is stopping";

impl Driver {
    pub(crate) fn new(command: Vec<String>, state_folder: &Path) -> Result<Driver> {
        let logs = state_folder.join("logs");
        make_folder(&logs)?;
        Ok(Driver { command, logs })
    }

    /// Runs one action. `tick` is called several times a second, with a step if the driver has just
    /// reported one, and may end it. Without a name no log is kept.
    pub(crate) fn run(
        &self,
        request: &Request,
        log_name: Option<&str>,
        limit: Duration,
        tick: impl FnMut(Option<&str>) -> Go,
    ) -> Result<Outcome, Refusal> {
        let action = request.action.into_str();
        let log_name = log_name.map(|name| format!("{name}.{action}"));
        let document = serde_json::to_vec(request).context("a request is JSON")?;
        self.ask(action, document, log_name, limit, tick, Answer::result)
    }

    /// Asks how full the disk is that machines are on.
    pub(crate) fn disk(
        &self,
        limit: Duration,
        tick: impl FnMut(Option<&str>) -> Go,
    ) -> Result<Disk, Refusal> {
        let request = DiskRequest { version: VERSION, action: DiskAction::Disk };
        let document = serde_json::to_vec(&request).context("a request is JSON")?;
        self.ask("disk", document, None, limit, tick, Answer::disk)
    }

    fn ask<T>(
        &self,
        action: &str,
        document: Vec<u8>,
        log_name: Option<String>,
        limit: Duration,
        mut tick: impl FnMut(Option<&str>) -> Go,
        read: fn(Answer) -> Result<Result<T, Refusal>, String>,
    ) -> Result<T, Refusal> {
        let mut running = self.start(document, log_name)?;
        let end = Instant::now() + limit;
        loop {
            let step = running.next_step();
            if matches!(tick(step.as_deref()), Go::Stop) {
                running.kill();
                return Err(Refusal::later(STOPPED));
            }
            if running.has_ended()? {
                break;
            }
            if Instant::now() >= end {
                running.kill();
                let why =
                    format!("the driver's {action} timed out after {} seconds", limit.as_secs());
                return Err(Refusal::later(why));
            }
        }
        // Whatever it left in its group has no business any more; what shall stay has a group of
        // its own. Only then the driver's own number may be given to somebody else.
        running.kill_group();
        let status = running.child.wait().context("waiting for the driver")?;
        let end = Instant::now() + ANSWER_WAIT;
        while let Some(step) = running.left_step(end) {
            tick(Some(&step));
        }
        let answer = running.answer.recv_timeout(ANSWER_WAIT).unwrap_or_default();
        read_answer(action, status, &answer, read)
    }

    fn start(&self, document: Vec<u8>, log_name: Option<String>) -> Result<Running> {
        let log: Box<dyn Write + Send> = match log_name {
            Some(name) => Box::new(self.log(&name)?),
            None => Box::new(io::sink()),
        };
        let mut child = Command::new(&self.command[0])
            .args(&self.command[1..])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            // The market's token is none of a driver's business.
            .env_remove("MYCELIUM_TOKEN")
            .env_remove("MYCELIUM_TOKEN_FILE")
            .spawn()
            .with_context(|| format!("starting the driver {}", self.command[0]))?;
        let mut stdin = child.stdin.take().context("the driver has no stdin")?;
        let stdout = child.stdout.take().context("the driver has no stdout")?;
        let stderr = child.stderr.take().context("the driver has no stderr")?;
        // A driver that does not read its request says what is wrong in some other way.
        thread::spawn(move || drop(stdin.write_all(&document)));
        let (answer_to, answer) = mpsc::channel();
        thread::spawn(move || drop(answer_to.send(read_bounded(stdout))));
        let (step_to, steps) = mpsc::channel();
        thread::spawn(move || keep_log(stderr, log, &step_to));
        Ok(Running { child, answer, steps })
    }

    fn log(&self, name: &str) -> Result<File> {
        self.drop_old_logs();
        let log = self.logs.join(format!("{name}.log"));
        File::create(&log).with_context(|| format!("creating {}", log.display()))
    }

    /// Keeps the newest logs only. A failure here costs disk, and nothing else.
    fn drop_old_logs(&self) {
        let Ok(entries) = fs::read_dir(&self.logs) else { return };
        let mut logs: Vec<_> = entries
            .flatten()
            .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
            .collect();
        if logs.len() < LOGS_MAX {
            return;
        }
        logs.sort();
        for (_, path) in &logs[..logs.len() - LOGS_MAX / 2] {
            let _ = fs::remove_file(path);
        }
    }
}

struct Running {
    child: Child,
    answer: Receiver<Vec<u8>>,
    steps: Receiver<String>,
}

impl Running {
    /// The next step, if one comes soon.
    fn next_step(&self) -> Option<String> {
        match self.steps.recv_timeout(POLL_INTERVAL) {
            Ok(step) => Some(step),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                thread::sleep(POLL_INTERVAL);
                None
            }
        }
    }

    /// A step of a driver that has ended: all are heard, unless something holds its log open.
    fn left_step(&self, end: Instant) -> Option<String> {
        self.steps.recv_timeout(end.saturating_duration_since(Instant::now())).ok()
    }

    fn pid(&self) -> Option<Pid> {
        i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
    }

    /// Whether the driver itself has ended. Its number stays its own until it is waited for.
    fn has_ended(&self) -> Result<bool> {
        let pid = self.pid().context("the driver has no number")?;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        let ended = waitid(WaitId::Pid(pid), options).context("waiting for the driver")?;
        Ok(ended.is_some())
    }

    fn kill_group(&self) {
        if let Some(group) = self.pid() {
            // An error here means that nobody is left in it.
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn kill(&mut self) {
        self.kill_group();
        // It has been killed: this waits for moments only.
        let _ = self.child.wait();
    }
}

/// Reads to the end, and keeps the beginning.
fn read_bounded(mut stdout: impl Read) -> Vec<u8> {
    let mut answer = Vec::new();
    let _ = stdout.by_ref().take(ANSWER_MAX + 1).read_to_end(&mut answer);
    let _ = io::copy(&mut stdout, &mut io::sink());
    answer
}

/// Writes a driver's log, up to a limit, and tells its steps.
fn keep_log(stderr: impl Read, mut log: impl Write, steps: &Sender<String>) {
    let mut stderr = BufReader::new(stderr);
    let mut left = LOG_MAX;
    loop {
        let mut line = Vec::new();
        match stderr.by_ref().take(LINE_MAX).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if let Some(step) = String::from_utf8_lossy(&line).strip_prefix(STEP) {
            let _ = steps.send(step.trim().to_owned());
        }
        let length = line.len() as u64;
        if length <= left {
            let _ = log.write_all(&line);
            left -= length;
        } else if left > 0 {
            let _ = log.write_all(b"(output truncated)\n");
            left = 0;
        }
    }
}

fn read_answer<T>(
    action: &str,
    status: ExitStatus,
    answer: &[u8],
    read: fn(Answer) -> Result<Result<T, Refusal>, String>,
) -> Result<T, Refusal> {
    let ended = match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended".to_owned(),
    };
    if answer.len() as u64 > ANSWER_MAX {
        return Err(Refusal::later(format!("the driver's response to {action} is too long")));
    }
    let answer = serde_json::from_slice::<Answer>(answer).map_err(|error| error.to_string());
    match answer.and_then(read) {
        Ok(Err(refusal)) => Err(refusal),
        Ok(Ok(found)) if status.success() => Ok(found),
        Ok(Ok(_)) => Err(Refusal::later(format!("the driver {ended} after {action}"))),
        Err(why) => {
            let why = format!("the driver's {action} {ended} without a valid response: {why}");
            Err(Refusal::later(why))
        }
    }
}
