//! The wire format of gridproxy, the grid's server of nodes. It stops here: everything else knows
//! [`domain::node::NodeReport`] and [`Farm`] only.
//!
//! The documents are somebody else's, so reading them is tolerant and distrustful at once. A field
//! that an old server lacks is "not known"; a field that decides on slices and cannot be
//! understood makes the document unusable; text for people is cut and cleaned. One bad document of
//! a list is set aside with its reason, and the rest goes on.
//!
//! There is no network in this crate (`no_std`): `request` says what to ask for, and whoever can
//! reach the server brings the bytes.

#![no_std]

extern crate alloc;

mod document;
mod error;
mod farm;
mod page;
mod request;
mod text;
mod upstream;

pub use document::{NODE_BYTES_MAX, parse_node};
pub use error::{DocumentError, parse_error};
pub use farm::{Farm, find_account, find_farm};
pub use page::{NODES_PER_PAGE_MAX, PAGE_BYTES_MAX, Page, Refused, parse_nodes};
pub use request::{
    NODES_PER_REQUEST_MAX, farm_nodes_path, farm_path, newest_report_path, node_path, nodes_paths,
    twin_path,
};
pub use upstream::{UPSTREAM_BYTES_MAX, UPSTREAMS_MAX, Upstreams, UpstreamsError};
