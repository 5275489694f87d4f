//! A clock that is set, randomness that is the same in each run, and variables.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::Duration;

use domain::time::Timestamp;
use toml::Table;
use web::Config;
use web::env::{Clock, Random, Variables};

use crate::people::OPERATOR_TOKEN;

/// The manifest, whose variables have defaults.
const MANIFEST: &str = include_str!("../../../spin.toml");
/// What is encrypted in the database is so with this key.
const ENCRYPTION_KEYS: &str = "1:dGhlIGtleSBvZiB0aGUgdGVzdHMgaXMgMzIgYnl0ZXM=";

/// A clock that stands still until it is moved.
pub struct SetClock {
    started: Timestamp,
    now: Cell<Timestamp>,
}

impl SetClock {
    /// A clock that shows this.
    pub fn new(now: Timestamp) -> SetClock {
        SetClock { started: now, now: Cell::new(now) }
    }

    /// What it shows.
    pub fn time(&self) -> Timestamp {
        self.now.get()
    }

    /// Moves it.
    pub fn pass(&self, seconds: i64) {
        self.now.set(self.now.get().plus_seconds(seconds));
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    fn elapsed(&self) -> Duration {
        let seconds = self.time().seconds_since(self.started);
        Duration::from_secs(seconds.try_into().unwrap_or_default())
    }
}

/// Randomness that is the same in each run (`SplitMix64`).
pub struct SeededRandom(Cell<u64>);

impl SeededRandom {
    /// The randomness of a seed.
    pub fn new(seed: u64) -> SeededRandom {
        SeededRandom(Cell::new(seed))
    }

    fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0x9e37_79b9_7f4a_7c15);
        self.0.set(state);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.next().to_le_bytes()[..piece.len()]);
        }
    }
}

/// The app's variables.
pub struct Settings(BTreeMap<String, String>);

impl Settings {
    /// The defaults of `spin.toml`, and the secrets of the tests.
    pub fn of_tests() -> Settings {
        let manifest: Table = MANIFEST.parse().unwrap();
        let variables = manifest["variables"].as_table().unwrap();
        let default = |name: &str| variables[name]["default"].as_str().unwrap().to_owned();
        let mut settings =
            Settings(variables.keys().map(|name| (name.clone(), default(name))).collect());
        settings.set("operator_token", OPERATOR_TOKEN);
        settings.set("encryption_keys", ENCRYPTION_KEYS);
        settings
    }

    /// Sets a variable.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn config(&self) -> Config {
        Config::read(|name| self.get(name)).unwrap()
    }
}

impl Variables for Settings {
    fn get(&self, name: &str) -> Result<String, String> {
        self.0.get(name).cloned().ok_or_else(|| format!("{name}: not given"))
    }
}
