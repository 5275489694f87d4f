//! The market, as pages and as JSON.
