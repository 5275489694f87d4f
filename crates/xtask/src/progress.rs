//! What the commands say while they work: a spinner on a terminal, plain lines elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

/// How often the spinner moves.
const SPINNER_TICK: Duration = Duration::from_millis(100);

/// How long a step may be silent where no spinner shows that it still works.
pub(crate) const SILENCE_MAX: Duration = Duration::from_secs(30);

/// Says one line. Whatever a command says goes to stderr: stdout is for results.
pub(crate) fn say(line: &str) {
    // A closed stderr is no reason to stop.
    let _ = writeln!(io::stderr(), "{line}");
}

/// One named step of a command, shown while it runs and summed up when it is done.
pub(crate) struct Step {
    name: String,
    started_at: Instant,
    spoke_at: Instant,
    bar: Option<ProgressBar>,
}

impl Step {
    /// Starts a step. `name` reads as an activity: "building components".
    pub(crate) fn start(name: &str) -> Step {
        let now = Instant::now();
        let bar = io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {prefix} {elapsed:>4} {wide_msg}");
            let bar = ProgressBar::new_spinner()
                .with_style(style.expect("the template is valid"))
                .with_prefix(name.to_owned());
            bar.enable_steady_tick(SPINNER_TICK);
            bar
        });
        if bar.is_none() {
            say(&format!("{name} ..."));
        }
        Step { name: name.to_owned(), started_at: now, spoke_at: now, bar }
    }

    /// Shows what the step is at just now.
    pub(crate) fn note(&mut self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None if self.spoke_at.elapsed() >= SILENCE_MAX => {
                self.spoke_at = Instant::now();
                say(&format!("{}, {}: {text}", self.name, readable(self.started_at.elapsed())));
            }
            None => {}
        }
    }

    /// Says a line that stays, without tearing the spinner.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| say(line)),
            None => say(line),
        }
    }

    /// Ends the step with a line that says how long it took.
    pub(crate) fn done(self) {
        self.clear();
        say(&format!("{}: done in {}", self.name, readable(self.started_at.elapsed())));
    }

    fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

impl Drop for Step {
    /// A failed step leaves no spinner behind the error.
    fn drop(&mut self) {
        self.clear();
    }
}

/// A span as a person says it: `0.4 s`, `12 s`, `3 min 05 s`.
pub(crate) fn readable(span: Duration) -> String {
    match span.as_secs() {
        0..10 => format!("{:.1} s", span.as_secs_f32()),
        seconds @ 10..60 => format!("{seconds} s"),
        seconds => format!("{} min {:02} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let check = |milliseconds, expected| {
            assert_eq!(readable(Duration::from_millis(milliseconds)), expected);
        };
        check(0, "0.0 s");
        check(420, "0.4 s");
        check(12_900, "12 s");
        check(185_000, "3 min 05 s");
    }
}
