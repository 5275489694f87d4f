//! The real components in the real host, on recorded documents of the grid, for tests over HTTP.
//!
//! Start reading at [`Market::start`]. Whatever a [`Client`] is answered has already been held
//! against the API document that the app serves.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answer;
mod authenticator;
mod cast;
mod client;
mod contract;
mod crawl;
mod html;
mod localstripe;
mod market;
mod outbox;
mod postmark;
mod rack;
mod random;
mod receiver;
mod safe;
mod schema;
mod snapshot;
mod stream;
pub mod twin;

pub use answer::Answer;
pub use authenticator::{Authenticator, Passkey, app_code};
pub use cast::Cast;
pub use client::{Call, Client};
pub use crawl::{FoundForm, Role, Site, Walk, crawl};
pub use html::Page;
pub use localstripe::{Localstripe, Signed};
pub use market::{ENCRYPTION_KEYS, MORNING, Market, OPERATOR_TOKEN, PASSWORD, workspace};
pub use postmark::{Behavior, Postmark};
pub use rack::{POLL_SECONDS, Rack};
pub use random::Random;
pub use receiver::{Posted, Receiver};
pub use safe::{Form, check as check_safe, headers as check_headers, page as check_page};
pub use snapshot::Snapshot;
pub use stream::{Heard, Stream};
