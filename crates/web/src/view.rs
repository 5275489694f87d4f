//! Fills the pages from what the store gives.
