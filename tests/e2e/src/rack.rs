//! A server of a farmer's: the real agent with `driver-process`, whose machine is an SSH server,
//! and the keys of who logs in with OpenSSH's client.

use std::fs;
use std::io::Read as _;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

/// How long an agent waits for a job at most, each time that it asks, in seconds.
pub const POLL_SECONDS: u64 = 2;

/// The ports of one rack for SSH, and as many again for what its machines open.
const PORTS: u16 = 8;

/// A server of a farmer's, which ends with everything on it.
#[derive(Debug)]
pub struct Rack {
    folder: TempDir,
    market: String,
    token: String,
    console: Option<u16>,
    agent: Option<Child>,
}

impl Rack {
    /// A server for the marketplace at this URL, with a token of scope `agent`. Its agent is not
    /// started yet.
    pub fn new(market: &str, token: &str) -> Rack {
        let folder = tempfile::Builder::new().prefix("rack").tempdir().unwrap();
        let (market, token) = (market.to_owned(), token.to_owned());
        let rack = Rack { folder, market, token, console: None, agent: None };
        for name in ["renter", "stranger"] {
            let mut keygen = Command::new("ssh-keygen");
            keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"]).arg(rack.path(name));
            assert!(keygen.status().unwrap().success());
        }
        let first_port = free_ports(2 * PORTS);
        rack.write(
            "driver.toml",
            &format!(
                "state_folder = '{}'\naddress = '127.0.0.1'\nbind = '127.0.0.1'\n\
                 first_port = {first_port}\nports = {PORTS}\nfirst_public_port = {}\n\
                 public_ports = {PORTS}\n",
                rack.path("driver").display(),
                first_port + PORTS
            ),
        );
        rack.write("driver.sh", &rack.driver());
        rack
    }

    /// The driver as it is, but for a pause after each of its steps, in which others can act; for
    /// a refusal of everything that is to be made while there is a file `refusal`; for the console
    /// at the socket [`Rack::console_socket`], where one is turned on; and for user data, which
    /// need a machine with cloud-init and are left out.
    fn driver(&self) -> String {
        format!(
            "#!/bin/sh\ncd {folder}\n\
             request=$(sed -E 's/\"user_data\":\"([^\"\\\\]|\\\\.)*\"/\"user_data\":null/')\n\
             case $request in\n\
             *'\"action\":\"create\"'*) [ -e refusal ] && exec cat refusal ;;\n\
             *'\"action\":\"console\"'*) [ -e console.sock ] && {{\n\
             printf %s \"$request\" | sed 's|\"action\":\"console\"|\"action\":\"status\"|' \
             | {driver} driver.toml \
             | sed 's|\"console_url\":null|\"console_url\":\"unix:{folder}/console.sock\"|'\n\
             exit; }} ;;\nesac\nout=$(mktemp -p {folder})\n\
             printf %s \"$request\" | {driver} driver.toml 2>&1 >\"$out\" | while read -r line\n\
             do echo \"$line\" >&2; sleep 0.3; done\ncat \"$out\"\n",
            folder = self.folder.path().display(),
            driver = program("driver-process").display()
        )
    }

    /// Where a file of this rack is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        fs::set_permissions(self.path(name), mode(0o700)).unwrap();
    }

    /// The renter's public key, as a line.
    pub fn public_key(&self) -> String {
        fs::read_to_string(self.path("renter.pub")).unwrap().trim().to_owned()
    }

    /// Lets the same renter log in here who logs in at another rack.
    pub fn take_keys_of(&self, other: &Rack) {
        for name in ["renter", "renter.pub"] {
            fs::copy(other.path(name), self.path(name)).unwrap();
        }
    }

    /// Refuses machines from now on, for good, as a driver does.
    pub fn refuse(&self, why: &str) {
        let refusal = serde_json::json!({ "ok": false, "error": why, "retry": false });
        self.write("refusal", &refusal.to_string());
    }

    /// Has renters connect to another address from now on.
    pub fn move_to(&self, address: &str) {
        let config = fs::read_to_string(self.path("driver.toml")).unwrap();
        let other = config.replace("address = '127.0.0.1'", &format!("address = '{address}'"));
        assert_ne!(config, other);
        self.write("driver.toml", &other);
    }

    /// Turns the agent's web console on, before it is started. Answers the socket where a machine's
    /// serial console is to be: whoever listens there is the machine.
    pub fn console_socket(&mut self) -> PathBuf {
        self.console = Some(free_ports(1));
        self.path("console.sock")
    }

    /// Starts the agent.
    pub fn start(&mut self) {
        let console = self.console.map(|port| {
            format!(
                "[console]\nlisten = '127.0.0.1:{port}'\npublic_url = 'http://127.0.0.1:{port}'\n"
            )
        });
        let config = format!(
            "server = '{}'\ntoken = '{}'\nagent = 'rack-7'\ndriver = ['{}']\n\
             state_folder = '{}'\npoll_seconds = {POLL_SECONDS}\nrenew_seconds = 1\n{}",
            self.market,
            self.token,
            self.path("driver.sh").display(),
            self.path("agent").display(),
            console.unwrap_or_default()
        );
        self.write("agent.toml", &config);
        fs::set_permissions(self.path("agent.toml"), mode(0o600)).unwrap();
        let mut log = fs::File::options();
        let log = log.create(true).append(true).open(self.path("agent.log")).unwrap();
        let agent = Command::new(program("mycelium-agent"))
            .arg(self.path("agent.toml"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.agent = Some(agent);
    }

    /// Kills the agent, as the power going would, but for its driver.
    pub fn kill(&mut self) {
        let mut agent = self.agent.take().unwrap();
        agent.kill().unwrap();
        agent.wait().unwrap();
    }

    /// How many SSH servers of this rack wait for logins.
    pub fn servers(&self) -> usize {
        let mark = self.path("driver").display().to_string();
        let lines = command_lines();
        lines
            .iter()
            .filter(|line| line.contains("driver-process serve") && line.contains(&mark))
            .count()
    }

    /// Logs in with the line and the known hosts that the marketplace shows, with somebody's key.
    pub fn log_in(&self, command: &str, known_hosts: &str, who: &str) -> Output {
        self.ssh(command, known_hosts, who).arg("nproc").output().unwrap()
    }

    /// Logs in and stays.
    pub fn open_session(&self, command: &str, known_hosts: &str, who: &str) -> Child {
        let mut ssh = self.ssh(command, known_hosts, who);
        let mut session = ssh.arg("echo; sleep 3600").stdout(Stdio::piped()).spawn().unwrap();
        session.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        session
    }

    fn ssh(&self, command: &str, known_hosts: &str, who: &str) -> Command {
        let hosts = self.path("known_hosts");
        fs::write(&hosts, known_hosts).unwrap();
        let mut words = command.split(' ');
        let mut ssh = Command::new(words.next().unwrap());
        ssh.args(["-F", "none", "-n", "-i"])
            .arg(self.path(who))
            .arg(format!("-oUserKnownHostsFile={}", hosts.display()))
            .args(["-oStrictHostKeyChecking=yes", "-oBatchMode=yes", "-oIdentitiesOnly=yes"])
            .args(["-oIdentityAgent=none", "-oConnectTimeout=20", "-oLogLevel=ERROR"])
            .args(words);
        ssh
    }

    /// The renter gets in and has one processor; who has another key does not get in.
    #[track_caller]
    pub fn check_login(&self, command: &str, known_hosts: &str) {
        let renter = self.log_in(command, known_hosts, "renter");
        assert_eq!(String::from_utf8_lossy(&renter.stdout), "1\n", "{renter:?}");
        let stranger = self.log_in(command, known_hosts, "stranger");
        assert!(!stranger.status.success(), "another key gets in");
        let said = String::from_utf8_lossy(&stranger.stderr).into_owned();
        assert!(said.contains("Permission denied (publickey)"), "{said}");
    }
}

impl Drop for Rack {
    #[expect(clippy::print_stderr, reason = "what the agent said explains a failure")]
    fn drop(&mut self) {
        if let Some(agent) = &mut self.agent {
            let _ = agent.kill();
            let _ = agent.wait();
        }
        if std::thread::panicking() {
            let log = fs::read_to_string(self.path("agent.log")).unwrap_or_default();
            eprintln!("--- the agent's log\n{log}---");
        }
        // Whatever is left of its machines is known by its folder.
        let mark = self.folder.path().display().to_string();
        let _ = Command::new("pkill").args(["-KILL", "-f", &mark]).status();
    }
}

fn mode(bits: u32) -> fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    fs::Permissions::from_mode(bits)
}

/// A program of this workspace, built beside the tests.
fn program(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let path = tests.ancestors().nth(2).unwrap().join(name);
    assert!(path.is_file(), "{} is not there: run `cargo xtask test`", path.display());
    path
}

/// The first of so many ports that nobody uses, below those that the system gives to connections.
fn free_ports(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(28_100);
    let is_free = |first: &u16| {
        (*first..first + count).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok())
    };
    let mut tries = (0..400).map(|_| NEXT.fetch_add(count, Ordering::Relaxed));
    tries.find(is_free).unwrap()
}

fn command_lines() -> Vec<String> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).collect()
}
