//! The driver's side of the protocol.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use crate::protocol::{Answer, Disk, DiskRequest, Outcome, Refusal, Request, VERSION};

/// The longest request that is read, in bytes: user data has 64 KiB, before JSON escapes it.
const REQUEST_MAX: u64 = 512 * 1024;

/// What a driver is asked.
enum Asked {
    /// Something about a machine.
    Machine(Box<Request>),
    /// How full its disk is.
    Disk,
}

/// Reads the request, lets `act` do it, and answers. The status is 0 if there was an answer.
pub fn serve(act: impl FnOnce(&Request) -> Result<Outcome, Refusal>) -> ExitCode {
    serve_with_disk(act, || Err(Refusal::never("this driver doesn't tell how full its disk is")))
}

/// The same for a driver that can tell how full its disk is.
pub fn serve_with_disk(
    act: impl FnOnce(&Request) -> Result<Outcome, Refusal>,
    disk: impl FnOnce() -> Result<Disk, Refusal>,
) -> ExitCode {
    let result = read().and_then(|asked| match asked {
        Asked::Machine(request) => act(&request).map(Answer::from),
        Asked::Disk => disk().map(Answer::from),
    });
    let answer = result.unwrap_or_else(Answer::from);
    let answer = serde_json::to_string(&answer).expect("an answer is JSON");
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{answer}").and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn read() -> Result<Asked, Refusal> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(REQUEST_MAX).read_to_end(&mut text);
    read.map_err(|error| Refusal::later(format!("reading the request: {error}")))?;
    if serde_json::from_slice::<DiskRequest>(&text).is_ok_and(|it| it.version == VERSION) {
        return Ok(Asked::Disk);
    }
    let request: Request = serde_json::from_slice(&text)
        .map_err(|error| Refusal::never(format!("the request is invalid: {error}")))?;
    request.check().map_err(Refusal::never)?;
    Ok(Asked::Machine(Box::new(request)))
}

/// Tells the agent how far this is.
pub(crate) fn step(step: &str) {
    note(format_args!("step: {step}"));
}

/// Writes a line of the driver's log.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
