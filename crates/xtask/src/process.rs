//! Running other programs: behind a step, or for their answer.

use std::collections::VecDeque;
use std::env;
use std::ffi::OsStr;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal};

use crate::progress::Step;

/// How many of a program's last lines are shown when it fails.
const TAIL_LINES: usize = 400;

/// How much of a program's output is read at once, in bytes.
const READ_BYTES: usize = 4096;

/// How often a program that says nothing is looked after.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// How long a program may take to end once it was asked to.
const END_TIMEOUT: Duration = Duration::from_secs(5);

/// The cargo that runs this program, which knows the toolchain that was chosen.
///
/// Without the variables about the package of this program: build scripts of dependencies watch
/// these variables, and would run again at each change between `cargo xtask` and plain `cargo`.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// A cargo call whose progress `run` can show.
pub(crate) fn cargo_with_progress() -> Command {
    let mut command = cargo();
    command.env("CARGO_TERM_PROGRESS_WHEN", "always").env("CARGO_TERM_PROGRESS_WIDTH", "100");
    command
}

/// Where a program is, if the search path has it.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file())
}

/// Runs a program behind a step: its last line shows, and if it fails, its last lines are printed.
pub(crate) fn run(step: &mut Step, command: &mut Command) -> Result<()> {
    run_watched(step, command, &mut |_| Watch::GoOn)
}

/// What the watcher of a running program decides.
pub(crate) enum Watch {
    GoOn,
    /// End the program, for this reason.
    Stop(String),
}

/// Like [`run`], with a watcher that is called about once a second and at each line, with the time
/// since the program last said something.
pub(crate) fn run_watched(
    step: &mut Step,
    command: &mut Command,
    watch: &mut dyn FnMut(Duration) -> Watch,
) -> Result<()> {
    let name = name_of(command);
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let (sender, lines) = mpsc::channel();
    forward_lines(child.stdout.take(), sender.clone());
    forward_lines(child.stderr.take(), sender);

    let mut tail = VecDeque::new();
    let mut heard_at = Instant::now();
    loop {
        match lines.recv_timeout(WATCH_INTERVAL) {
            Ok(line) => {
                heard_at = Instant::now();
                show(step, line, &mut tail);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
        if let Watch::Stop(reason) = watch(heard_at.elapsed()) {
            end(&mut child);
            bail!("{name} was stopped: {reason}");
        }
    }
    let status = child.wait().with_context(|| format!("waiting for {name}"))?;
    if status.success() {
        return Ok(());
    }
    for line in &tail {
        step.say(line);
    }
    bail!("{name} failed ({status})")
}

/// Runs a program and returns what it printed; its complaints become the error.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let name = name_of(command);
    let output = command.output().with_context(|| format!("starting {name}"))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        bail!("{name} failed ({}): {complaint}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("reading what {name} printed"))
}

/// Asks a child to end, and makes it if it does not.
pub(crate) fn end(child: &mut Child) {
    let asked_at = Instant::now();
    ask_to_end(child);
    while asked_at.elapsed() < END_TIMEOUT {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    // An error here means that it has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// Sends the signal that asks a program to finish what it does and end.
pub(crate) fn ask_to_end(child: &Child) {
    // An error here means that it has ended by itself.
    let _ = rustix::process::kill_process(Pid::from_child(child), Signal::TERM);
}

/// Sends each line, and each state of a progress bar, of `stream`.
fn forward_lines(stream: Option<impl Read + Send + 'static>, sender: Sender<String>) {
    let Some(mut stream) = stream else { return };
    thread::spawn(move || {
        let mut buffer = [0; READ_BYTES];
        let mut pending = Vec::new();
        loop {
            let count = stream.read(&mut buffer).unwrap_or(0);
            for byte in &buffer[..count] {
                if matches!(byte, b'\n' | b'\r') {
                    let line = String::from_utf8_lossy(&pending).trim_end().to_owned();
                    pending.clear();
                    if sender.send(line).is_err() {
                        return;
                    }
                } else {
                    pending.push(*byte);
                }
            }
            if count == 0 {
                // The reader is gone only when nobody wants the last line either.
                let _ = sender.send(String::from_utf8_lossy(&pending).trim_end().to_owned());
                return;
            }
        }
    });
}

/// Shows a line as the step's state and, unless it is only that, keeps it for a failure's report.
fn show(step: &mut Step, line: String, tail: &mut VecDeque<String>) {
    if line.trim().is_empty() {
        return;
    }
    if let Some(state) = cargo_progress(&line) {
        step.note(state);
        return;
    }
    step.note(line.trim());
    if tail.len() == TAIL_LINES {
        tail.pop_front();
    }
    tail.push_back(line);
}

/// `12/345: serde, syn` out of cargo's `Building [==>      ] 12/345: serde, syn`.
fn cargo_progress(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("Building [")?;
    rest.split_once("] ").map(|(_, state)| state)
}

/// What an error calls a command: its program and its first word that is no option.
fn name_of(command: &Command) -> String {
    let name = |text: &OsStr| {
        let path = Path::new(text);
        path.file_name().unwrap_or(text).to_string_lossy().into_owned()
    };
    let word = command.get_args().find(|word| !word.to_string_lossy().starts_with('-'));
    let words = [Some(command.get_program()), word];
    words.into_iter().flatten().map(name).collect::<Vec<_>>().join(" ")
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
    fn cargos_progress_is_read_from_its_bar() {
        let check = |line, expected| assert_eq!(cargo_progress(line), expected);
        check("    Building [====>    ] 12/345: serde, syn", Some("12/345: serde, syn"));
        check("   Compiling serde v1.0.0", None);
        check("Building blocks", None);
    }

    #[test]
    fn a_program_that_fails_is_an_error_with_its_status() {
        let mut step = Step::start("testing");
        run(&mut step, &mut shell("echo fine")).unwrap();
        let error = run(&mut step, &mut shell("echo bad >&2; exit 3")).unwrap_err();
        assert_eq!(error.to_string(), "sh echo bad >&2; exit 3 failed (exit status: 3)");
        let error = output(&mut shell("echo bad >&2; exit 3")).unwrap_err();
        assert!(error.to_string().ends_with("failed (exit status: 3): bad"), "{error}");
    }

    #[test]
    fn a_program_is_ended_when_its_watcher_says_so() {
        let mut step = Step::start("testing");
        let mut command = shell("echo ready; exec sleep 600");
        let stopped = run_watched(&mut step, &mut command, &mut |_| Watch::Stop("enough".into()));
        assert!(stopped.unwrap_err().to_string().ends_with("was stopped: enough"));
    }
}
