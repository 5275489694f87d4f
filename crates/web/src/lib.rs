//! HTTP and HTML, shared by all components.
