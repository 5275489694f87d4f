//! Every route, over HTTP, on the real components.
