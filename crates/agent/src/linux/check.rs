//! Whether what a machine is set up with works: the machine looks itself, at the end of cloud-init,
//! and says so on its second serial port, of which QEMU keeps the end.

use std::fs;

use anyhow::{Context as _, Result};
use data_encoding::BASE64;

use crate::journal::write_whole;
use crate::linux::qemu;
use crate::machine::Machine;
use crate::protocol::Setup;

/// How far the setup is, in the machine's folder; not there if it has no check.
const FILE: &str = "setup.json";

/// The machine's second serial port.
const PORT: &str = "/dev/ttyS1";

/// Where cloud-init says what it did.
const LOG: &str = "/var/log/cloud-init-output.log";

/// What a line on the port begins with.
const MARK: &str = "setup ";

/// The script that cloud-init runs in a machine after all else: its name sorts last. What it says,
/// it says for ten minutes, because nobody may listen at first.
pub(super) fn script(check: &str) -> String {
    format!(
        "#!/bin/sh\n\
         # Tells the server whether what was set up works.\n\
         check() (\n{check}\n)\n\
         tell() {{\n\
         for _ in $(seq 120); do printf '\\n{MARK}%s\\n' \"$1\" > {PORT}; sleep 5; done\n\
         }}\n\
         tries=0\n\
         until check > /dev/null 2>&1; do\n\
         tries=$((tries + 1))\n\
         if [ \"$tries\" -ge 150 ]; then\n\
         tell \"failed $(tail -c 6000 {LOG} | base64 -w 0)\" > /dev/null 2>&1 &\n\
         exit\n\
         fi\n\
         sleep 2\n\
         done\n\
         tell done > /dev/null 2>&1 &\n"
    )
}

/// Notes that a machine is being set up.
pub(super) fn begin(machine: &Machine) -> Result<()> {
    save(machine, &Setup::Running)
}

/// How far the setup is; nothing where it has no check.
pub(super) fn state(machine: &Machine) -> Result<Option<Setup>> {
    let Ok(text) = fs::read(machine.path(FILE)) else { return Ok(None) };
    let known: Setup = serde_json::from_slice(&text).context("reading how far the setup is")?;
    if known != Setup::Running {
        return Ok(Some(known));
    }
    let said = qemu::read_ring(&machine.path(qemu::QMP))?;
    let Some(news) = last_word(&said) else { return Ok(Some(known)) };
    save(machine, &news)?;
    Ok(Some(news))
}

fn save(machine: &Machine, setup: &Setup) -> Result<()> {
    let text = serde_json::to_vec(setup).context("a setup is JSON")?;
    write_whole(&machine.path(FILE), &text, 0o600)
}

/// What the last whole line says that can be read. The machine may say anything there.
fn last_word(said: &str) -> Option<Setup> {
    let (whole, _) = said.rsplit_once('\n')?;
    whole.lines().rev().find_map(|line| {
        let word = line.trim().strip_prefix(MARK)?;
        if word == "done" {
            return Some(Setup::Done);
        }
        let log = BASE64.decode(word.strip_prefix("failed ")?.as_bytes()).ok()?;
        Some(Setup::Failed { log: String::from_utf8_lossy(&log).into_owned() })
    })
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn only_whole_lines_of_the_port_are_read() {
        let failed = |log: &str| Some(Setup::Failed { log: log.to_owned() });
        assert_eq!(last_word(""), None);
        assert_eq!(last_word("setup done"), None);
        assert_eq!(last_word("noise\r\nsetup done\r\nsetup fail"), Some(Setup::Done));
        assert_eq!(last_word("setup failed bm8gbmV0d29yaw==\n"), failed("no network"));
        assert_eq!(last_word("setup failed bm8gbmV0d29yaw\nsetup maybe\n"), None);
    }

    /// Runs the script with files in place of the port and the log, and without waiting.
    fn run(check: &str) -> Option<Setup> {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        fs::write(path("log"), "E: no network\n").unwrap();
        let script = script(check)
            .replace(PORT, &path("port"))
            .replace(LOG, &path("log"))
            .replace("sleep 2", "sleep 0")
            .replace("seq 120", "seq 1")
            .replace("sleep 5", "true");
        let status = Command::new("sh").args(["-c", &script]).stdout(Stdio::null()).status();
        assert!(status.unwrap().success());
        let end = Instant::now() + Duration::from_mins(1);
        loop {
            let found = last_word(&fs::read_to_string(path("port")).unwrap_or_default());
            if found.is_some() || Instant::now() > end {
                return found;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn the_script_says_whether_the_check_succeeds() {
        assert_eq!(run("test -d / && true"), Some(Setup::Done));
        assert_eq!(run("exit 0"), Some(Setup::Done));
        let log = "E: no network\n".to_owned();
        assert_eq!(run("systemctl-that-is-not-there info"), Some(Setup::Failed { log }));
    }
}
