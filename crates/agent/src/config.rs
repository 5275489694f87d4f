//! What the agent is told: a TOML file, and the environment, which wins.

use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

/// The most jobs at a time.
const JOBS_MAX: u32 = 8;

/// The longest name of an agent, in characters.
const NAME_MAX: usize = 64;

/// The longest long poll, in seconds: the server's limit.
const POLL_MAX: u64 = 20;

/// The longest that an action or a machine's start may take, in seconds.
const SECONDS_MAX: u64 = 3600;

/// What is wrong with the configuration, in words for a person.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(String);

/// The settings of the agent.
#[derive(Clone, Debug)]
pub struct Config {
    /// The market's address, without a slash at its end.
    pub server: String,
    /// A token with the scope `agent`. Never logged.
    pub token: Secret,
    /// What this agent is called at the market.
    pub agent: String,
    /// The driver's program and its arguments.
    pub driver: Vec<String>,
    /// Where journal and logs are.
    pub state_folder: PathBuf,
    /// How many jobs at a time.
    pub jobs: usize,
    /// How long the market may keep a request for a job open.
    pub poll: Duration,
    /// How long the driver's `create` may take.
    pub create_limit: Duration,
    /// How long its `remove` may take.
    pub remove_limit: Duration,
    /// How long its `status` may take.
    pub status_limit: Duration,
    /// How long its `start`, `shutdown`, `restart` and `reset` may take.
    pub power_limit: Duration,
    /// How long a machine that was made may take until it can be logged in to.
    pub ready_limit: Duration,
    /// How long what a template sets up may take after that.
    pub setup_limit: Duration,
    /// How long running jobs may go on when the agent is asked to stop.
    pub stop_grace: Duration,
    /// How often a lease is prolonged while nothing else is reported.
    pub renew_every: Duration,
    /// Where machines' consoles are shown; `None`: nowhere.
    pub console: Option<Console>,
}

/// Where machines' consoles are shown.
#[derive(Clone, Debug)]
pub struct Console {
    /// Where the agent itself listens, without TLS.
    pub listen: SocketAddr,
    /// What browsers connect to, as they say it in `Origin`: `https://farm.example:8443`.
    pub public_url: String,
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The text itself.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("(secret)")
    }
}

/// The file, as it is written. Everything may come from the environment instead.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    server: Option<String>,
    token: Option<String>,
    token_file: Option<PathBuf>,
    agent: Option<String>,
    driver: Option<Vec<String>>,
    state_folder: Option<PathBuf>,
    jobs: Option<u32>,
    poll_seconds: Option<u64>,
    create_seconds: Option<u64>,
    remove_seconds: Option<u64>,
    status_seconds: Option<u64>,
    power_seconds: Option<u64>,
    ready_seconds: Option<u64>,
    setup_seconds: Option<u64>,
    stop_grace_seconds: Option<u64>,
    renew_seconds: Option<u64>,
    console: Option<WrittenConsole>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenConsole {
    listen: SocketAddr,
    public_url: String,
}

impl Config {
    /// Reads the file, if there is one, and the environment.
    pub fn read(
        file: Option<&Path>,
        environment: impl Fn(&str) -> Option<String>,
    ) -> Result<Config, ConfigError> {
        let mut options = Written::default();
        if let Some(path) = file {
            let text = fs::read_to_string(path).map_err(|e| wrong(path.display(), e))?;
            options = toml::from_str(&text).map_err(|e| wrong(path.display(), e))?;
            if options.token.is_some() {
                check_private(path)?;
            }
        }
        options.overlay(environment)?;
        options.check()
    }
}

impl Written {
    fn overlay(&mut self, environment: impl Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
        let text = |name| environment(name).filter(|value| !value.is_empty());
        self.server = text("MYCELIUM_SERVER").or(self.server.take());
        self.agent = text("MYCELIUM_AGENT").or(self.agent.take());
        if let Some(token) = text("MYCELIUM_TOKEN") {
            (self.token, self.token_file) = (Some(token), None);
        }
        if let Some(path) = text("MYCELIUM_TOKEN_FILE") {
            (self.token, self.token_file) = (None, Some(path.into()));
        }
        if let Some(driver) = text("MYCELIUM_DRIVER") {
            self.driver = Some(driver.split_whitespace().map(str::to_owned).collect());
        }
        self.state_folder =
            text("MYCELIUM_STATE_FOLDER").map(PathBuf::from).or(self.state_folder.take());
        if let Some(jobs) = text("MYCELIUM_JOBS") {
            self.jobs = Some(jobs.parse().map_err(|e| wrong("MYCELIUM_JOBS", e))?);
        }
        Ok(())
    }

    fn check(self) -> Result<Config, ConfigError> {
        let token = match (self.token, self.token_file) {
            (Some(_), Some(_)) => return Err(wrong("token", "there is a token_file, too")),
            (Some(token), None) => token,
            (None, Some(path)) => {
                check_private(&path)?;
                let text = fs::read_to_string(&path).map_err(|e| wrong(path.display(), e))?;
                text.trim().to_owned()
            }
            (None, None) => return Err(wrong("token", "it, or token_file, is missing")),
        };
        if token.is_empty() || !token.bytes().all(|b| b.is_ascii_graphic()) {
            return Err(wrong("token", "a word of visible ASCII characters"));
        }
        let agent = self.agent.ok_or_else(|| wrong("agent", "a name is missing"))?;
        if agent.is_empty() || agent.len() > NAME_MAX || agent.chars().any(char::is_control) {
            return Err(wrong("agent", format!("a name of 1 to {NAME_MAX} characters")));
        }
        let driver = self.driver.filter(|words| words.iter().any(|word| !word.is_empty()));
        let jobs = self.jobs.unwrap_or(2);
        if !(1..=JOBS_MAX).contains(&jobs) {
            return Err(wrong("jobs", format!("1 to {JOBS_MAX}")));
        }
        let seconds = |name, value: Option<u64>, default, least, most| {
            let value = value.unwrap_or(default);
            let fits = (least..=most).contains(&value);
            fits.then(|| Duration::from_secs(value))
                .ok_or_else(|| wrong(name, format!("{least} to {most}")))
        };
        Ok(Config {
            server: server_address(self.server)?,
            token: Secret(token),
            agent,
            driver: driver.ok_or_else(|| wrong("driver", "the program is missing"))?,
            state_folder: state_folder(self.state_folder)?,
            jobs: jobs as usize,
            poll: seconds("poll_seconds", self.poll_seconds, POLL_MAX, 0, POLL_MAX)?,
            create_limit: seconds("create_seconds", self.create_seconds, 600, 1, SECONDS_MAX)?,
            remove_limit: seconds("remove_seconds", self.remove_seconds, 300, 1, SECONDS_MAX)?,
            status_limit: seconds("status_seconds", self.status_seconds, 60, 1, SECONDS_MAX)?,
            power_limit: seconds("power_seconds", self.power_seconds, 120, 1, SECONDS_MAX)?,
            ready_limit: seconds("ready_seconds", self.ready_seconds, 600, 1, SECONDS_MAX)?,
            setup_limit: seconds("setup_seconds", self.setup_seconds, 1200, 1, SECONDS_MAX)?,
            stop_grace: seconds("stop_grace_seconds", self.stop_grace_seconds, 30, 0, SECONDS_MAX)?,
            renew_every: seconds("renew_seconds", self.renew_seconds, 20, 1, 25)?,
            console: self.console.map(WrittenConsole::check).transpose()?,
        })
    }
}

impl WrittenConsole {
    fn check(self) -> Result<Console, ConfigError> {
        const NAME: &str = "console.public_url";
        let url = address(NAME, self.public_url)?.to_ascii_lowercase();
        if url.splitn(4, '/').count() > 3 {
            return Err(wrong(NAME, "without a path, such as https://farm.example:8443"));
        }
        // Browsers leave out the port that goes without saying.
        let usual = if url.starts_with("https:") { ":443" } else { ":80" };
        let public_url = url.strip_suffix(usual).unwrap_or(&url).to_owned();
        Ok(Console { listen: self.listen, public_url })
    }
}

/// The address of a server: https, or http to this very machine.
pub(crate) fn server_address(server: Option<String>) -> Result<String, ConfigError> {
    address("server", server.ok_or_else(|| wrong("server", "its address is missing"))?)
}

fn address(name: &str, text: String) -> Result<String, ConfigError> {
    let text = text.trim_end_matches('/').to_owned();
    let bad = || wrong(name, "an address such as https://market.example");
    let uri: ureq::http::Uri = text.parse().map_err(|_| bad())?;
    let host = uri.host().filter(|host| !host.is_empty()).ok_or_else(bad)?;
    if uri.query().is_some() || uri.authority().is_some_and(|a| a.as_str().contains('@')) {
        return Err(bad());
    }
    match uri.scheme_str() {
        Some("https") => Ok(text),
        Some("http") if is_loopback(host) => Ok(text),
        Some("http") => Err(wrong(name, "http is for loopback only: use https")),
        Some(_) | None => Err(bad()),
    }
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Paths in it become arguments of programs that give blanks and commas a meaning.
fn state_folder(folder: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    let folder = folder.ok_or_else(|| wrong("state_folder", "it is missing"))?;
    check_path("state_folder", &folder)?;
    Ok(folder)
}

/// An absolute path of plain characters.
pub(crate) fn check_path(name: &str, path: &Path) -> Result<(), ConfigError> {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | '@');
    let fits = path.is_absolute() && path.to_str().is_some_and(|text| text.chars().all(is_plain));
    fits.then_some(()).ok_or_else(|| {
        wrong(name, "an absolute path of letters, digits and . _ - + @, without blanks")
    })
}

/// A file with a secret is read by its owner alone.
fn check_private(path: &Path) -> Result<(), ConfigError> {
    let found = fs::metadata(path).map_err(|e| wrong(path.display(), e))?;
    if found.permissions().mode() & 0o077 != 0 {
        let advice = "it holds a token, and others may read it: `chmod 600` it";
        return Err(wrong(path.display(), advice));
    }
    Ok(())
}

pub(crate) fn wrong(name: impl std::fmt::Display, why: impl std::fmt::Display) -> ConfigError {
    ConfigError(format!("{name}: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: [(&str, &str); 5] = [
        ("MYCELIUM_SERVER", "https://market.example/"),
        ("MYCELIUM_TOKEN", "t0ken"),
        ("MYCELIUM_AGENT", "rack-7"),
        ("MYCELIUM_DRIVER", "/usr/bin/driver /etc/driver.toml"),
        ("MYCELIUM_STATE_FOLDER", "/var/lib/agent"),
    ];

    fn read(changes: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let all = GOOD.iter().chain(changes);
        let values: std::collections::BTreeMap<_, _> = all.copied().collect();
        Config::read(None, |name| values.get(name).map(|value| (*value).to_owned()))
    }

    #[test]
    fn the_environment_alone_is_enough() {
        let config = read(&[]).unwrap();
        assert_eq!(config.server, "https://market.example");
        assert_eq!(config.driver, ["/usr/bin/driver", "/etc/driver.toml"]);
        assert_eq!(config.jobs, 2);
        assert!(!format!("{config:?}").contains("t0ken"), "a token is never shown");
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |name, value, start: &str| {
            let error = read(&[(name, value)]).unwrap_err().to_string();
            assert!(error.starts_with(start), "{error}");
        };
        check("MYCELIUM_SERVER", "", "server: its address is missing");
        check("MYCELIUM_SERVER", "http://market.example", "server: http is for loopback only");
        check("MYCELIUM_SERVER", "http://127.0.0.1.example", "server: http is for loopback only");
        check("MYCELIUM_SERVER", "http://localhost@market.example", "server: an address");
        check("MYCELIUM_SERVER", "ftp://market.example", "server: an address");
        check("MYCELIUM_SERVER", "market", "server: an address");
        check("MYCELIUM_TOKEN", "", "token: it, or token_file, is missing");
        check("MYCELIUM_TOKEN", "a\r\nb", "token: a word");
        check("MYCELIUM_TOKEN_FILE", "/nowhere/token", "/nowhere/token: ");
        check("MYCELIUM_AGENT", "", "agent: a name is missing");
        check("MYCELIUM_DRIVER", " ", "driver: the program is missing");
        check("MYCELIUM_STATE_FOLDER", "agent", "state_folder: an absolute path");
        check("MYCELIUM_STATE_FOLDER", "/var/my agent", "state_folder: an absolute path");
        check("MYCELIUM_JOBS", "0", "jobs: 1 to 8");
        check("MYCELIUM_JOBS", "9", "jobs: 1 to 8");
        check("MYCELIUM_JOBS", "many", "MYCELIUM_JOBS: ");
        for server in ["http://127.0.0.1:3000", "http://[::1]:3000", "http://localhost:3000"] {
            assert!(read(&[("MYCELIUM_SERVER", server)]).is_ok(), "{server}");
        }
    }

    #[test]
    fn the_environment_wins_over_the_file_and_a_token_is_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agent.toml");
        let text = "server = 'https://a.example'\ntoken = 'abc'\nagent = 'x'\ndriver = ['/d']\n\
                    state_folder = '/s'\njobs = 3\nready_seconds = 30\n";
        let write = |text: &str, mode| {
            fs::write(&path, text).unwrap();
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        };
        write(text, 0o600);
        let environment = |name: &str| (name == "MYCELIUM_JOBS").then(|| "4".to_owned());
        let config = Config::read(Some(&path), environment).unwrap();
        assert_eq!((config.jobs, config.ready_limit.as_secs()), (4, 30));
        write(text, 0o644);
        let error = Config::read(Some(&path), |_| None).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
        let with_console = |url: &str| {
            let text =
                format!("{text}[console]\nlisten = '127.0.0.1:7681'\npublic_url = '{url}'\n");
            write(&text, 0o600);
            Config::read(Some(&path), |_| None).map(|config| config.console.unwrap().public_url)
        };
        let check = |url: &str, expected: &str| {
            let found = with_console(url).unwrap_or_else(|error| error.to_string());
            assert!(found.starts_with(expected), "{url}: {found}");
        };
        check("https://Farm.example:443/", "https://farm.example");
        check("https://farm.example:8443", "https://farm.example:8443");
        check("http://127.0.0.1:7681", "http://127.0.0.1:7681");
        check("http://farm.example", "console.public_url: http is for loopback only");
        check("https://farm.example/consoles", "console.public_url: without a path");
        write(&format!("{text}colour = 'red'\n"), 0o600);
        let error = Config::read(Some(&path), |_| None).unwrap_err().to_string();
        assert!(error.contains("unknown field `colour`"), "{error}");
    }
}
