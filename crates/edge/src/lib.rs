//! What every component needs of Spin.
