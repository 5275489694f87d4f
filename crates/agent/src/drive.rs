//! The driver's side of the protocol.

use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::process::ExitCode;

use crate::protocol::{Answer, Outcome, Refusal, Request};

/// The longest request that is read, in bytes: user data has 64 KiB, before JSON escapes it.
const REQUEST_MAX: u64 = 512 * 1024;

/// Reads the request, lets `act` do it, and answers. The status is 0 if there was an answer.
pub fn serve(act: impl FnOnce(&Request) -> Result<Outcome, Refusal>) -> ExitCode {
    let result = read().and_then(|request| act(&request));
    let answer = serde_json::to_string(&Answer::new(result)).expect("an answer is JSON");
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{answer}").and_then(|()| stdout.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn read() -> Result<Request, Refusal> {
    let mut text = Vec::new();
    let read = io::stdin().lock().take(REQUEST_MAX).read_to_end(&mut text);
    read.map_err(|error| Refusal::later(format!("reading the request: {error}")))?;
    let request: Request = serde_json::from_slice(&text)
        .map_err(|error| Refusal::never(format!("the request is invalid: {error}")))?;
    request.check().map_err(Refusal::never)?;
    Ok(request)
}

/// Tells the agent how far this is.
pub(crate) fn step(step: &str) {
    note(format_args!("step: {step}"));
}

/// Writes a line of the driver's log.
pub(crate) fn note(line: fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}
