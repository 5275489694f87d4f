//! Misbehaving guests for the tests of the host.
