//! What at least two features show: wording, badges, moments, events, shared pieces of pages.

pub mod audit;
pub mod badge;
pub mod composer;
pub mod done;
pub mod event;
pub mod groups;
pub mod ids;
pub mod limits;
pub mod machine;
pub mod maintenance;
pub mod moment;
pub mod money;
pub mod node;
pub mod order_form;
pub mod sla;
pub mod sla_json;
pub mod uptime;
pub mod visit;
pub mod wording;
