//! The rules of the market: values in, values out.
//!
//! There is no file, socket, clock or random number to reach from here (`no_std`), and no float
//! holds money. Whatever decides something in Mycelium decides it in this crate.

#![no_std]

extern crate alloc;

pub mod account;
pub mod booking;
pub mod factor;
pub mod field;
pub mod id;
pub mod listing;
pub mod money;
pub mod month;
pub mod node;
pub mod order;
pub mod period;
pub mod promise;
pub mod provisioning;
pub mod rental;
pub mod slice;
pub mod ssh;
pub mod template;
pub mod term;
pub mod time;
pub mod top_up;
