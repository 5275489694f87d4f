//! Nodes, prices, promises and revenue.
