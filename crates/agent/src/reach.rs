//! Looking at a machine from outside of it and of its driver: does SSH answer, is it the machine
//! that it should be, and is it closed to others?

use std::fs;
use std::io::{self, BufRead as _, BufReader, ErrorKind, Read};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::protocol::{PORTS_MAX, Reach};

/// How long a connection may take, and then its banner, however slowly it comes.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long OpenSSH's client may take. A machine can keep it waiting for ever.
const SSH_LIMIT: Duration = Duration::from_secs(30);

/// How often it is looked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The most that is read of what it says, in bytes.
const SAID_MAX: u64 = 256 * 1024;

/// The most that is read before a banner has to have come, in bytes: RFC 4253 allows lines before.
const BANNER_MAX: u64 = 8 * 1024;

/// The line by which OpenSSH's client says that keys were exchanged, and that the server has
/// signed with the host key: what follows is about who logs in. It is a whole line, and lines that
/// the server sends are printed with something in front.
const PROVEN: &str = "debug1: SSH2_MSG_SERVICE_ACCEPT received";

/// The client's words for a host key that is not the expected one.
const WRONG_KEY: &str = "Host key verification failed.";

/// Why a machine was not found good.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// Its port cannot be reached. It may still be starting.
    Closed(String),
    /// Its port is open. It may still be starting.
    NotYet(String),
    /// It is another machine, or open to anybody: waiting does not help.
    Wrong(String),
}

impl Unreached {
    /// Whether its port accepts connections: then what is wrong is inside of it.
    pub(crate) fn is_port_open(&self) -> bool {
        match self {
            Unreached::Closed(_) => false,
            Unreached::NotYet(_) | Unreached::Wrong(_) => true,
        }
    }
}

/// Whether a driver's answer can be looked at, and be handed on to a renter.
pub(crate) fn check_answer(reach: &Reach) -> Result<(), String> {
    let is_host = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b':' | b'-');
    let address = reach.address.as_bytes();
    if address.is_empty() || address[0] == b'-' || !address.iter().copied().all(is_host) {
        return Err("the driver's address is neither an IP address nor a name".to_owned());
    }
    let is_user = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
    let user = reach.user.as_bytes();
    if user.is_empty() || user[0] == b'-' || !user.iter().copied().all(is_user) {
        return Err("the driver's user is not a valid user name".to_owned());
    }
    if reach.port == 0 {
        return Err("the driver's port is 0".to_owned());
    }
    if reach.host_keys.is_empty() || !reach.host_keys.iter().all(|key| crate::protocol::is_key(key))
    {
        return Err("the driver's host_keys must be at least one public key".to_owned());
    }
    if reach.ports.len() > PORTS_MAX || !reach.ports.iter().all(|port| port.is_one()) {
        return Err("the driver's ports must be at most 10, each with a public_port".to_owned());
    }
    Ok(())
}

/// Connects and waits for SSH to say what it is. An open port alone says nothing: a forwarded one
/// is open before there is anybody behind it.
pub(crate) fn banner(reach: &Reach) -> Result<(), Unreached> {
    let why = |what: &str, error: &dyn std::fmt::Display| {
        format!("{what} {} port {}: {error}", reach.address, reach.port)
    };
    let closed = |what: &str, error: &dyn std::fmt::Display| Unreached::Closed(why(what, error));
    let not_yet = |what: &str, error: &dyn std::fmt::Display| Unreached::NotYet(why(what, error));
    let addresses = (reach.address.as_str(), reach.port).to_socket_addrs();
    let mut addresses = addresses.map_err(|error| closed("looking up", &error))?;
    let address = addresses.next().ok_or_else(|| closed("looking up", &"no address"))?;
    let stream = TcpStream::connect_timeout(&address, CONNECT_LIMIT)
        .map_err(|error| closed("connecting to", &error))?;
    let stream = Until { stream, end: Instant::now() + CONNECT_LIMIT };
    let mut lines = BufReader::new(stream.take(BANNER_MAX)).split(b'\n');
    loop {
        match lines.next() {
            Some(Ok(line)) if line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.99-") => {
                return Ok(());
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => return Err(not_yet("no SSH banner from", &error)),
            None => return Err(not_yet("no SSH banner from", &"closed")),
        }
    }
}

/// A connection that is read until a time.
struct Until {
    stream: TcpStream,
    end: Instant,
}

impl Read for Until {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        self.stream.set_read_timeout(Some(left))?;
        // The system calls the end of that time "Resource temporarily unavailable".
        self.stream.read(buffer).map_err(|error| match error.kind() {
            ErrorKind::WouldBlock => ErrorKind::TimedOut.into(),
            _ => error,
        })
    }
}

/// Lets OpenSSH's client exchange keys with the machine, knowing the keys that the driver reported
/// and no other, and ask to log in with nothing in hand.
///
/// `ssh-keyscan` would not do: it does not look at the signature, so anybody who has seen a host
/// key could show it.
pub(crate) fn host_key(reach: &Reach, known_hosts: &Path) -> Result<(), Unreached> {
    let not_yet = |error: io::Error| Unreached::NotYet(format!("running ssh: {error}"));
    fs::write(known_hosts, known_hosts_lines(reach)).map_err(not_yet)?;
    let said = run(&mut ssh(reach, known_hosts), SSH_LIMIT);
    let _ = fs::remove_file(known_hosts);
    let (status, said) = said.map_err(not_yet)?;
    judge(status.success(), &said)
}

/// Runs a program, within limits, and answers what it said on standard error.
fn run(command: &mut Command, limit: Duration) -> io::Result<(ExitStatus, String)> {
    let streams = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = streams.spawn()?;
    let stderr = child.stderr.take();
    let reader = thread::spawn(move || {
        let mut said = Vec::new();
        // What came before an error counts.
        let _ = stderr.map(|stderr| stderr.take(SAID_MAX).read_to_end(&mut said));
        String::from_utf8_lossy(&said).into_owned()
    });
    let end = Instant::now() + limit;
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if Instant::now() >= end {
            // An error here means that it has just ended.
            let _ = child.kill();
            child.wait()?;
            return Err(ErrorKind::TimedOut.into());
        }
        thread::sleep(POLL_INTERVAL);
    };
    Ok((status, reader.join().unwrap_or_default()))
}

fn judge(logged_in: bool, said: &str) -> Result<(), Unreached> {
    let mut lines = said.lines().map(str::trim_end);
    if logged_in {
        return Err(Unreached::Wrong("the machine accepts logins without a key".to_owned()));
    }
    if lines.clone().any(|line| line == PROVEN) {
        return Ok(());
    }
    if lines.any(|line| line == WRONG_KEY) {
        return Err(Unreached::Wrong("the machine has a different host key".to_owned()));
    }
    let last = said.lines().rev().find(|line| !line.starts_with("debug1:")).unwrap_or_default();
    let last: String = last.chars().filter(|c| !c.is_control()).take(200).collect();
    Err(Unreached::NotYet(format!("SSH connection failed: {last}")))
}

fn ssh(reach: &Reach, known_hosts: &Path) -> Command {
    let mut command = Command::new("ssh");
    command.args(["-F", "none", "-T", "-l", &reach.user, "-p", &reach.port.to_string()]);
    command.arg(format!("-oUserKnownHostsFile={}", known_hosts.display()));
    for option in [
        "BatchMode=yes",
        "CheckHostIP=no",
        "ConnectTimeout=10",
        "GlobalKnownHostsFile=none",
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "IdentityFile=none",
        "LogLevel=DEBUG1",
        "PreferredAuthentications=none",
        "PubkeyAuthentication=no",
        "ServerAliveCountMax=2",
        "ServerAliveInterval=5",
        "StrictHostKeyChecking=yes",
        "UpdateHostKeys=no",
    ] {
        command.arg(format!("-o{option}"));
    }
    command.args(["--", &reach.address, "true"]);
    // What the client says is read, so it says it in the language that is known here.
    command.env("LC_ALL", "C.UTF-8");
    command
}

/// The host keys, as OpenSSH's client reads them.
fn known_hosts_lines(reach: &Reach) -> String {
    let host = match reach.port {
        22 => reach.address.clone(),
        port => format!("[{}]:{port}", reach.address),
    };
    reach.host_keys.iter().map(|key| format!("{host} {key}\n")).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpListener;
    use std::sync::mpsc;

    use super::*;
    use crate::protocol::{PublicPort, Transport};

    fn reach() -> Reach {
        Reach {
            address: "192.0.2.7".to_owned(),
            port: 22001,
            user: "root".to_owned(),
            host_keys: vec!["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJ0".to_owned()],
            console_url: None,
            ports: Vec::new(),
        }
    }

    #[test]
    fn an_answer_is_no_option_of_a_program() {
        let check = |change: fn(&mut Reach), is_good: bool| {
            let mut reach = reach();
            change(&mut reach);
            assert_eq!(check_answer(&reach).is_ok(), is_good, "{reach:?}");
        };
        check(|_| {}, true);
        check(|r| r.address = "5a4:1::7".to_owned(), true);
        check(|r| r.address = "-oProxyCommand=id".to_owned(), false);
        check(|r| r.address = "a b".to_owned(), false);
        check(|r| r.address.clear(), false);
        check(|r| r.user = "-x".to_owned(), false);
        check(|r| r.user = "a@b".to_owned(), false);
        check(|r| r.port = 0, false);
        check(|r| r.host_keys.clear(), false);
        let port = |public_port| PublicPort { protocol: Transport::Tcp, port: 80, public_port };
        let with = |ports: Vec<PublicPort>| check_answer(&Reach { ports, ..reach() }).is_ok();
        assert!(with(vec![port(24_001)]) && !with(vec![port(0)]) && !with(vec![port(1); 11]));
        check(|r| r.host_keys.push("* ssh-rsa AAAA\n".to_owned()), false);
    }

    #[test]
    fn nobody_keeps_the_agent_waiting() {
        // A line that goes on for ever, a byte at a time.
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let reach = Reach { address: "127.0.0.1".to_owned(), port, ..reach() };
        let (found_to, found) = mpsc::channel();
        thread::spawn(move || drop(found_to.send(banner(&reach))));
        let (mut stream, _) = listener.accept().unwrap();
        let end = Instant::now() + Duration::from_mins(1);
        let found = loop {
            let _ = stream.write_all(b".");
            if let Ok(found) = found.recv_timeout(Duration::from_millis(200)) {
                break found;
            }
            assert!(Instant::now() < end, "it waits for a line that does not end");
        };
        let Err(Unreached::NotYet(why)) = found else { panic!("{found:?}") };
        assert!(why.contains("no SSH banner") && why.ends_with("timed out"), "{why}");
        drop(listener);
        let gone = Reach { address: "127.0.0.1".to_owned(), port, ..self::reach() };
        let closed = banner(&gone);
        assert!(matches!(closed, Err(Unreached::Closed(why)) if why.contains("connecting to")));
        // A program that does not end.
        let ended = run(Command::new("sleep").arg("4321"), Duration::ZERO);
        assert_eq!(ended.unwrap_err().kind(), ErrorKind::TimedOut);
        let (status, said) =
            run(Command::new("sh").args(["-c", "echo said >&2; exit 3"]), SSH_LIMIT).unwrap();
        assert_eq!((status.code(), said.as_str()), (Some(3), "said\n"));
    }

    #[test]
    fn known_hosts_name_the_port_where_it_is_not_22() {
        let mut reach = reach();
        let check = |reach: &Reach, start: &str| {
            let lines = known_hosts_lines(reach);
            assert!(lines.starts_with(start) && lines.ends_with("IGJ0\n"), "{lines}");
        };
        check(&reach, "[192.0.2.7]:22001 ssh-ed25519 ");
        reach.port = 22;
        check(&reach, "192.0.2.7 ssh-ed25519 ");
    }

    #[test]
    fn only_a_signature_proves_a_host_key() {
        let is_wrong = |r: Result<(), Unreached>| matches!(r, Err(Unreached::Wrong(_)));
        let is_not_yet = |r: Result<(), Unreached>| matches!(r, Err(Unreached::NotYet(_)));
        assert_eq!(judge(false, &format!("debug1: a\r\n{PROVEN}\r\nroot@a: denied")), Ok(()));
        assert!(is_wrong(judge(true, PROVEN)), "open to anybody");
        assert!(is_wrong(judge(false, &format!("x\n{WRONG_KEY}\r\n"))));
        assert!(is_not_yet(judge(false, "ssh: connect to host: Connection refused")));
        // A line that the server has sent is no line of the client's.
        let said = format!("debug1: kex_exchange_identification: banner line 0: {PROVEN}");
        assert!(is_not_yet(judge(false, &said)));
    }
}
