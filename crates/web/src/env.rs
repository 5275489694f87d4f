//! What handlers and jobs reach outside of themselves: the database, the network, randomness, the
//! clock, and what the operator has set. `edge` makes it from Spin, `tests/stage` for tests.

use std::time::Duration;

use domain::id::RANDOM_ID_BYTES;
use domain::time::Timestamp;
use seal::Keys;
use store::Db;

use crate::config::Config;

/// What handlers and jobs reach outside of themselves.
#[derive(Clone, Copy)]
pub struct Env<'a> {
    /// The database.
    pub db: &'a dyn Db,
    /// The network.
    pub outbound: &'a dyn Outbound,
    /// Randomness.
    pub random: &'a dyn Random,
    /// The clock, for what takes long or is measured. Everything else takes `now`.
    pub clock: &'a dyn Clock,
    /// The app's variables.
    pub variables: &'a dyn Variables,
    /// Those of them that every component is given, checked.
    pub config: &'a Config,
    /// When the request came, or the run began.
    pub now: Timestamp,
}

impl Env<'_> {
    /// A variable that not every component is given: a secret is for those that need it. Empty
    /// where none is set; the error names the variable.
    pub fn variable(&self, name: &str) -> Result<String, String> {
        self.variables.get(name)
    }

    /// What values are encrypted with in the database, in components that are given it.
    pub fn keys(&self) -> Result<Keys, NoKeys> {
        let text = self.variable("encryption_keys").map_err(NoKeys::Wrong)?;
        if text.is_empty() {
            return Err(NoKeys::Unset);
        }
        Keys::parse(&text).map_err(|wrong| NoKeys::Wrong(format!("encryption_keys: {wrong}")))
    }
}

/// Why there are no keys to encrypt with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoKeys {
    /// The operator has set none.
    #[error("encryption_keys: none are set")]
    Unset,
    /// They cannot be used.
    #[error("{0}")]
    Wrong(String),
}

/// The app's variables, by their names in `spin.toml`.
pub trait Variables {
    /// The text of a variable; empty where the operator has set none. The error names the variable.
    fn get(&self, name: &str) -> Result<String, String>;
}

/// A source of random bytes that nobody can guess.
pub trait Random {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

impl dyn Random + '_ {
    /// Random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.fill(&mut bytes);
        bytes
    }

    /// The random part of a new id.
    pub fn id(&self) -> [u8; RANDOM_ID_BYTES] {
        self.bytes()
    }
}

/// A clock.
pub trait Clock {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// The time since some fixed moment, to measure how long something takes.
    fn elapsed(&self) -> Duration;
}

/// Requests to the outside, bounded in size and time. Errors are for the log: they name neither
/// headers nor bodies.
pub trait Outbound {
    /// Gets `url`, which has no secret in it.
    fn get(&self, url: &str) -> Result<Answer, String>;

    /// Posts a message.
    fn post(&self, message: &Message<'_>) -> Result<Answer, String>;

    /// Posts all messages at once, so that a slow server keeps only itself waiting; answers each
    /// one's status or error, in their order. What a server says besides its status is not read,
    /// and where a redirect leads is not asked.
    fn post_all(&self, messages: &[Message<'_>]) -> Vec<Result<u16, String>>;
}

/// An answer from outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its whole body.
    pub body: Vec<u8>,
}

/// A message to post.
pub struct Message<'a> {
    /// Where to.
    pub url: &'a str,
    /// Its headers, but for its length.
    pub headers: Vec<(&'a str, String)>,
    /// Its body: small enough to be sent in one piece.
    pub body: &'a [u8],
}
