//! A stand-in for gridproxy, the grid's server of nodes, farms, twins and contracts.
//!
//! It answers as the real server was recorded to answer, with its paging, filters, headers and
//! error texts, from any set of documents; and it can be told to fail in the ways in which real
//! servers fail. [`Standin`] runs it inside a test; the program `gridproxy` runs it by itself.
//!
//! ```no_run
//! # async fn example() -> anyhow::Result<()> {
//! use gridproxy::{Documents, Effect, Fault, Standin};
//!
//! let standin = Standin::start(Documents::example()?).await?;
//! let base_url = standin.url(); // what `gridproxy_urls` is set to
//! standin.patch_node(32, serde_json::json!({"status": "down"}));
//! standin.set_fault(Fault::new(Effect::Cut { after_bytes: 100 }).times(1)).await?;
//! standin.until_received(1).await;
//! assert_eq!(standin.requests().newest[0].target, "/nodes/32");
//! # Ok(())
//! # }
//! ```
//!
//! The control port does the same over HTTP; `GET /` there lists what it understands, and
//! `README.md` beside this crate says it with examples.
//!
//! What it does not do: it serves documents as they are, so no status grows old, no price knows a
//! balance, and no node can be asked for its statistics. Routes of the real server that nothing
//! needs yet, and filters that the documents cannot answer, get status 501.

mod answer;
mod control;
mod documents;
mod fault;
mod field;
mod grid;
mod listings;
mod query;
mod requests;
mod select;
mod server;
mod standin;
mod wire;

pub use documents::{Collection, DOCUMENTS_MAX, Documents, FILE_BYTES_MAX, FILES_MAX, recorded};
pub use fault::{
    DELAY_MS_MAX, Effect, Fault, FaultError, GZIP_BOMB_BYTES_MAX, HUGE_BYTES_MAX, TEXT_BYTES_MAX,
};
pub use requests::{REQUESTS_MAX, Received, Requests};
pub use standin::{Control, Standin};
