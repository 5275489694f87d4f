//! The log of received requests: the newest ones, and how many there were.

use std::collections::VecDeque;

use serde::Serialize;

/// The most requests that are kept.
pub const REQUESTS_MAX: usize = 1_000;

/// The most bytes of a target or a header that are kept.
const TEXT_BYTES_MAX: usize = 8 << 10;

/// A request that was received.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Received {
    /// 1 for the first request since the start or the last reset.
    pub number: u64,
    pub method: String,
    /// Path and query.
    pub target: String,
    pub user_agent: String,
    /// The encodings that the client says it takes.
    pub accept_encoding: String,
}

/// All that was received, as far as it is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Requests {
    pub total: u64,
    pub newest: VecDeque<Received>,
}

impl Requests {
    pub(crate) fn push(&mut self, mut received: Received) {
        for text in [&mut received.target, &mut received.user_agent, &mut received.accept_encoding]
        {
            text.truncate(text.floor_char_boundary(TEXT_BYTES_MAX));
        }
        self.total += 1;
        received.number = self.total;
        if self.newest.len() == REQUESTS_MAX {
            self.newest.pop_front();
        }
        self.newest.push_back(received);
    }
}
