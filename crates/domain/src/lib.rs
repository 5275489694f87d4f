//! The rules of the market: values in, values out.
//!
//! There is no file, socket, clock or random number to reach from here (`no_std`), and no float
//! holds money. Whatever decides something in Mycelium decides it in this crate.

#![no_std]

extern crate alloc;

pub mod account;
pub mod audit;
pub mod booking;
pub mod breaker;
pub mod capability;
pub mod comparison;
pub mod confidence;
pub mod disk;
pub mod evaluation;
pub mod event;
pub mod factor;
pub mod field;
pub mod health;
pub mod id;
pub mod leaving;
pub mod listing;
pub mod machine;
pub mod machine_action;
pub mod maintenance;
pub mod money;
pub mod month;
pub mod node;
pub mod notification;
pub mod offering;
pub mod order;
pub mod outage;
pub mod outlook;
pub mod payout;
pub mod period;
pub mod place;
pub mod port;
pub mod potential;
pub mod provisioning;
pub mod reconciliation;
pub mod recurring;
pub mod region;
pub mod rental;
pub mod scan;
pub mod simulation;
pub mod sla;
pub mod slice;
pub mod ssh;
pub mod suggestion;
pub mod template;
pub mod term;
pub mod text;
pub mod time;
pub mod top_up;
pub mod uptime;
pub mod waitlist;
