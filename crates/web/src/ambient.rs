//! The only reader of the clock and of randomness. Handlers read each once and pass values down.

use std::time::{SystemTime, UNIX_EPOCH};

use domain::id::RANDOM_ID_BYTES;
use domain::time::Timestamp;

/// The time now.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
pub fn now() -> Timestamp {
    // A clock before 1970 is not set; zero then makes the mistake visible and harms nothing.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_seconds(i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}

/// Random bytes that nobody can guess.
pub fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // WASI has no failing random source; a native one fails where there is no operating system.
    getrandom::fill(&mut bytes).expect("the host gives random bytes");
    bytes
}

/// The random part of a new id.
pub fn random_id() -> [u8; RANDOM_ID_BYTES] {
    random()
}
