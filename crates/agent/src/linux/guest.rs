//! The QEMU guest agent: a program in the machine (package `qemu-guest-agent`) that does what it is
//! asked over a serial port of its own. The machine is its renter's, and so is whatever answers:
//! an answer is bounded in time and size, and anything may be in it.

use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use data_encoding::BASE64;
use serde_json::{Value, json};

/// The socket of the serial port, in the machine's folder.
pub(super) const SOCKET: &str = "guest.sock";

/// The port's name: guest agents look for it.
pub(super) const PORT: &str = "org.qemu.guest_agent.0";

/// How long a guest agent may take to say that it is there. One that is left in the middle of an
/// answer tries to write it until somebody listens again, and takes a whole processor for that: a
/// machine that is just busy shall not get there.
const PING_LIMIT: Duration = Duration::from_secs(3);

/// How long it may take for all that it is asked at a time.
const ASK_LIMIT: Duration = Duration::from_secs(20);

/// The most that is read of it at a time, in bytes: a file of many keys.
const READ_MAX: usize = 1024 * 1024;

/// What the guest agent says before its answer to `guest-sync-delimited`, and never elsewhere. The
/// same byte makes it forget half a command of somebody before.
const DELIMITER: u8 = 0xFF;

/// File systems that are full from the beginning: images of programs and of disks for reading.
const ALWAYS_FULL: [&str; 5] = ["cramfs", "erofs", "iso9660", "squashfs", "udf"];

/// A smaller file system is for booting, and no place for data. Bytes.
const FILE_SYSTEM_MIN: u64 = 1 << 30;

/// A conversation with a guest agent.
pub(super) struct Guest {
    stream: UnixStream,
    end: Instant,
    read: usize,
    /// What was read and is of the next answer.
    rest: Vec<u8>,
}

/// What a machine says that went through its network since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) in_bytes: Option<u64>,
    pub(super) out_bytes: Option<u64>,
}

/// How full a machine says that a file system of it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileSystem {
    pub(super) bytes: u64,
    pub(super) used_bytes: u64,
}

impl Guest {
    /// A short conversation with the guest agent of the machine in this folder, if it answers.
    pub(super) fn find(folder: &Path) -> Option<Guest> {
        let mut guest = Guest::open(folder, PING_LIMIT).ok()?;
        guest.ask("guest-ping", json!({})).ok()?;
        Some(guest)
    }

    /// A conversation with the guest agent of the machine in this folder.
    pub(super) fn connect(folder: &Path) -> Result<Guest> {
        Guest::open(folder, ASK_LIMIT).context("the machine's guest agent doesn't answer")
    }

    fn open(folder: &Path, limit: Duration) -> Result<Guest> {
        let stream = UnixStream::connect(folder.join(SOCKET))?;
        let end = Instant::now() + limit;
        let mut guest = Guest { stream, end, read: 0, rest: Vec::new() };
        // What it still had to say to somebody else comes before the delimiter.
        let id = u32::from_le_bytes(random()?);
        guest.write(&[DELIMITER])?;
        guest.send("guest-sync-delimited", &json!({ "id": id }))?;
        guest.read_until(DELIMITER)?;
        ensure!(guest.answer()? == json!(id), "it answers somebody else");
        Ok(guest)
    }

    /// The lines of a user's `authorized_keys` that are keys.
    pub(super) fn keys(&mut self, user: &str) -> Result<Vec<String>> {
        let answer = self.ask("guest-ssh-get-authorized-keys", json!({ "username": user }))?;
        let keys = answer.get("keys").and_then(Value::as_array).context("it answers no keys")?;
        let line = |key: &Value| key.as_str().map(str::to_owned).context("it answers no keys");
        keys.iter().map(line).collect()
    }

    /// Adds lines to a user's `authorized_keys`; those that are there stay.
    pub(super) fn add_keys(&mut self, user: &str, keys: &[String]) -> Result<()> {
        let arguments = json!({ "username": user, "keys": keys, "reset": false });
        self.ask("guest-ssh-add-authorized-keys", arguments).map(drop)
    }

    /// Removes these lines of a user's `authorized_keys`.
    pub(super) fn remove_keys(&mut self, user: &str, keys: &[String]) -> Result<()> {
        let arguments = json!({ "username": user, "keys": keys });
        self.ask("guest-ssh-remove-authorized-keys", arguments).map(drop)
    }

    /// Sets a user's password, which is hashed by crypt(3).
    pub(super) fn set_password(&mut self, user: &str, hash: &str) -> Result<()> {
        let password = BASE64.encode(hash.as_bytes());
        let arguments = json!({ "username": user, "password": password, "crypted": true });
        self.ask("guest-set-user-password", arguments).map(drop)
    }

    /// What went through the network card with this address.
    pub(super) fn traffic(&mut self, mac: &str) -> Result<Traffic> {
        let answer = self.ask("guest-network-get-interfaces", json!({}))?;
        let mut cards = answer.as_array().into_iter().flatten();
        let is_it = |card: &&Value| card.get("hardware-address") == Some(&json!(mac));
        let counted = cards.find(is_it).and_then(|card| card.get("statistics"));
        let read = |name: &str| counted.and_then(|it| it.get(name)).and_then(Value::as_u64);
        Ok(Traffic { in_bytes: read("rx-bytes"), out_bytes: read("tx-bytes") })
    }

    /// The fullest of its file systems, of those that are written to and not small.
    pub(super) fn fullest_file_system(&mut self) -> Result<Option<FileSystem>> {
        let answer = self.ask("guest-get-fsinfo", json!({}))?;
        let read = |system: &Value| {
            let number = |name: &str| system.get(name).and_then(Value::as_u64);
            let kind = system.get("type").and_then(Value::as_str)?;
            let (bytes, used_bytes) = (number("total-bytes")?, number("used-bytes")?);
            let counts = bytes >= FILE_SYSTEM_MIN && !ALWAYS_FULL.contains(&kind);
            counts.then_some(FileSystem { bytes, used_bytes })
        };
        let systems = answer.as_array().into_iter().flatten().filter_map(read);
        // In thousandths.
        let fullness = |it: &FileSystem| u128::from(it.used_bytes) * 1000 / u128::from(it.bytes);
        Ok(systems.max_by_key(fullness))
    }

    fn ask(&mut self, command: &str, arguments: Value) -> Result<Value> {
        self.send(command, &arguments)?;
        self.answer().with_context(|| format!("the guest agent's {command}"))
    }

    fn send(&mut self, command: &str, arguments: &Value) -> Result<()> {
        let line = format!("{}\n", json!({ "execute": command, "arguments": arguments }));
        self.write(line.as_bytes())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        Ok(self.stream.write_all(bytes)?)
    }

    fn answer(&mut self) -> Result<Value> {
        let line = self.read_until(b'\n')?;
        let mut document: Value = serde_json::from_slice(&line)?;
        if let Some(value) = document.get_mut("return") {
            return Ok(value.take());
        }
        let error = document.get("error").and_then(|error| error.get("desc"));
        let error: String =
            error.and_then(Value::as_str).unwrap_or_default().chars().take(200).collect();
        bail!("it refuses: {error:?}")
    }

    /// Reads to a byte, which is left out.
    fn read_until(&mut self, last: u8) -> Result<Vec<u8>> {
        let mut searched = 0;
        loop {
            if let Some(at) = self.rest[searched..].iter().position(|byte| *byte == last) {
                let next = self.rest.split_off(searched + at + 1);
                let mut found = std::mem::replace(&mut self.rest, next);
                found.pop();
                return Ok(found);
            }
            searched = self.rest.len();
            ensure!(self.read < READ_MAX, "it says too much");
            self.stream.set_read_timeout(Some(self.left()?))?;
            let mut bytes = [0; 4096];
            match self.stream.read(&mut bytes) {
                Ok(0) => bail!("it has gone away"),
                Ok(count) => {
                    self.read += count;
                    self.rest.extend_from_slice(&bytes[..count]);
                }
                // What has taken too long ends the next turn.
                Err(error)
                    if [ErrorKind::Interrupted, ErrorKind::WouldBlock].contains(&error.kind()) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// How long it may still take.
    fn left(&self) -> Result<Duration> {
        let left = self.end.saturating_duration_since(Instant::now());
        ensure!(!left.is_zero(), "it takes too long");
        Ok(left)
    }
}

fn random() -> Result<[u8; 4]> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).context("random bytes")?;
    Ok(bytes)
}

/// The keys that the market has put on a machine, and what a change of them comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct KeyChange {
    pub(super) add: Vec<String>,
    pub(super) remove: Vec<String>,
}

impl KeyChange {
    /// From the lines that are there, so that of the keys that were `managed` only those that are
    /// `wanted` are left. Any other line stays.
    pub(super) fn new(present: &[String], managed: &[String], wanted: &[String]) -> KeyChange {
        let has = |lines: &[String], line: &str| {
            key_of(line).is_some_and(|key| lines.iter().any(|it| key_of(it) == Some(key)))
        };
        let is_surplus = |line: &&String| has(managed, line) && !has(wanted, line);
        let add = wanted.iter().filter(|key| !has(present, key)).cloned().collect();
        KeyChange { add, remove: present.iter().filter(is_surplus).cloned().collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.add.is_empty() && self.remove.is_empty()
    }
}

/// The base64 part of a line, which may begin with options and end with a comment.
fn key_of(line: &str) -> Option<&str> {
    let is_kind = |word: &str| {
        word.starts_with("ssh-") || word.starts_with("ecdsa-") || word.starts_with("sk-")
    };
    let mut words = line.split_whitespace().skip_while(|word| !is_kind(word));
    words.nth(1)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::net::UnixListener;
    use std::thread::{self, JoinHandle};

    use tempfile::TempDir;

    use super::*;

    /// A guest whose agent answers each command with the next of these lines, after the first one,
    /// which it answers well behind some garbage. Answers the commands that it was sent.
    fn guest(answers: Vec<Vec<u8>>) -> (TempDir, JoinHandle<Vec<Value>>) {
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let served = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            let mut commands = Vec::new();
            let mut next = || {
                let mut line = Vec::new();
                let count = lines.read_until(b'\n', &mut line).unwrap_or_default();
                (count > 0).then_some(line)
            };
            let sync = next().unwrap();
            assert_eq!(sync[0], DELIMITER);
            let sync: Value = serde_json::from_slice(&sync[1..]).unwrap();
            let id = &sync["arguments"]["id"];
            stream.write_all(b"{\"return\": 7}\n{\"re").unwrap();
            stream.write_all(&[DELIMITER]).unwrap();
            writeln!(stream, "{}", json!({ "return": id })).unwrap();
            for answer in answers {
                let Some(command) = next() else { break };
                commands.push(serde_json::from_slice(&command).unwrap());
                let _ = stream.write_all(&answer);
            }
            // It stays, and says nothing more.
            while next().is_some() {}
            commands
        });
        (folder, served)
    }

    #[test]
    fn a_guest_agent_is_asked_and_answers() {
        let line = |text: &str| text.as_bytes().to_vec();
        let (folder, served) = guest(vec![
            line("{\"return\": {\"keys\": [\"ssh-ed25519 AAAA a\", \"# own\"]}}\n"),
            line("{\"return\": {}}\n"),
            line("{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such user\"}}\n"),
            line("{\"return\": {}}\n"),
        ]);
        let mut guest = Guest::connect(folder.path()).unwrap();
        assert_eq!(guest.keys("root").unwrap(), ["ssh-ed25519 AAAA a", "# own"]);
        guest.add_keys("root", &["ssh-ed25519 BBBB".to_owned()]).unwrap();
        let error = guest.remove_keys("root", &["ssh-ed25519 AAAA a".to_owned()]).unwrap_err();
        assert!(format!("{error:#}").contains("no such user"), "{error:#}");
        guest.set_password("root", "$6$salt$hash").unwrap();
        drop(guest);
        let commands = served.join().unwrap();
        assert_eq!(commands[1]["arguments"]["reset"], false, "what is there stays");
        assert_eq!(
            commands[3]["arguments"],
            json!({ "username": "root", "password": "JDYkc2FsdCRoYXNo", "crypted": true })
        );
    }

    #[test]
    fn a_guest_that_answers_garbage_is_refused() {
        let check = |answer: Vec<u8>, words: &str| {
            let (folder, served) = guest(vec![answer]);
            let mut guest = Guest::connect(folder.path()).unwrap();
            guest.end = Instant::now() + Duration::from_millis(500);
            let error = format!("{:#}", guest.keys("root").unwrap_err());
            assert!(error.contains(words), "{error}");
            drop(guest);
            served.join().unwrap();
        };
        check(b"<html>\n".to_vec(), "expected value");
        check(b"null\n".to_vec(), "it refuses");
        check(b"{\"return\": {\"keys\": [1]}}\n".to_vec(), "it answers no keys");
        check(b"{\"return\": ".to_vec(), "it takes too long");
        check(vec![b' '; READ_MAX + 1], "it says too much");
    }

    #[test]
    fn nobody_behind_the_port_is_no_guest_agent() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Guest::find(folder.path()).is_none());
        let _listener = UnixListener::bind(folder.path().join(SOCKET)).unwrap();
        let began_at = Instant::now();
        assert!(Guest::find(folder.path()).is_none());
        assert!(began_at.elapsed() < PING_LIMIT * 3);
    }

    #[test]
    fn traffic_is_that_of_the_card_that_the_machine_was_given() {
        let card = |mac: &str, bytes: &Value| {
            let statistics = json!({ "rx-bytes": bytes, "rx-errs": 0, "tx-bytes": 200 });
            json!({ "name": "eth0", "hardware-address": mac, "statistics": statistics })
        };
        let check = |cards: Value, expected: Option<(Option<u64>, Option<u64>)>| {
            let (folder, served) = guest(vec![
                b"{\"return\": {}}\n".to_vec(),
                format!("{}\n", json!({ "return": cards })).into_bytes(),
            ]);
            let mut guest = Guest::find(folder.path()).unwrap();
            let expected = expected.unwrap_or_default();
            let expected = Traffic { in_bytes: expected.0, out_bytes: expected.1 };
            assert_eq!(guest.traffic("52:54:00:12:34:56").unwrap(), expected, "{cards}");
            drop(guest);
            let commands = served.join().unwrap();
            assert_eq!(commands[1]["execute"], "guest-network-get-interfaces");
        };
        let (ours, bridge) = ("52:54:00:12:34:56", "02:42:00:00:00:01");
        let (many, few, wrong) = (json!(u64::MAX), json!(1), json!(-1));
        let lo = json!({ "name": "lo", "ip-addresses": [] });
        check(
            json!([lo, card(bridge, &few), card(ours, &many)]),
            Some((Some(u64::MAX), Some(200))),
        );
        check(json!([card(ours, &wrong)]), Some((None, Some(200))));
        check(json!([card(bridge, &few)]), None);
        check(json!([{ "hardware-address": ours, "statistics": 7 }]), None);
        check(json!({}), None);
    }

    #[test]
    fn the_fullest_file_system_is_one_that_is_written_to_and_not_small() {
        let check = |systems: &Value, expected: Option<(u64, u64)>| {
            let (folder, served) = guest(vec![
                b"{\"return\": {}}\n".to_vec(),
                format!("{}\n", json!({ "return": systems })).into_bytes(),
            ]);
            let mut guest = Guest::find(folder.path()).unwrap();
            let expected = expected.map(|(bytes, used_bytes)| FileSystem { bytes, used_bytes });
            assert_eq!(guest.fullest_file_system().unwrap(), expected, "{systems}");
            drop(guest);
            let commands = served.join().unwrap();
            assert_eq!(commands[1]["execute"], "guest-get-fsinfo");
        };
        let gb = |number: u64| number << 30;
        let system = |kind: &str, bytes: u64, used: u64| {
            json!({
                "name": "vda1", "mountpoint": "/", "type": kind, "total-bytes": bytes,
                "used-bytes": used, "disk": [],
            })
        };
        let root = system("ext4", gb(200), gb(50));
        let boot = system("vfat", gb(1) - 1, gb(1) - 1);
        let snap = system("squashfs", gb(2), gb(2));
        let data = system("xfs", gb(10), gb(9));
        check(&json!([boot, snap, root]), Some((gb(200), gb(50))));
        check(&json!([data, root]), Some((gb(10), gb(9))));
        check(&json!([system("ext4", u64::MAX, u64::MAX)]), Some((u64::MAX, u64::MAX)));
        // Guest agents of earlier versions do not say it.
        check(&json!([{ "name": "vda1", "mountpoint": "/", "type": "ext4", "disk": [] }]), None);
        check(&json!([system("ext4", 0, 0), 7]), None);
        check(&json!({}), None);
    }

    #[test]
    fn only_keys_of_the_market_are_removed() {
        let lines = |lines: &[&str]| lines.iter().map(|it| (*it).to_owned()).collect::<Vec<_>>();
        let present = lines(&[
            "ssh-ed25519 OLD ada@laptop",
            "no-pty,command=\"x y\" ssh-ed25519 OLD",
            "ssh-ed25519 OWN by-hand",
            "ssh-ed25519 BOTH",
            "not a key",
        ]);
        let (managed, wanted) = (
            lines(&["ssh-ed25519 OLD", "ssh-ed25519 BOTH x"]),
            lines(&["ssh-ed25519 BOTH", "ssh-ed25519 NEW"]),
        );
        let change = KeyChange::new(&present, &managed, &wanted);
        assert_eq!(change.add, ["ssh-ed25519 NEW"]);
        assert_eq!(change.remove, present[..2]);
        let after = lines(&["ssh-ed25519 OWN by-hand", "ssh-ed25519 BOTH", "ssh-ed25519 NEW"]);
        assert!(KeyChange::new(&after, &managed, &wanted).is_empty());
    }
}
