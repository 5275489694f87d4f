//! A stand-in for the grid's gridproxy.
