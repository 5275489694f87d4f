//! Plots: pictures that the server draws as SVG, styled by classes, each with a table that says the
//! same.
//!
//! A plot is a view model of text, ready to print; its template is beside the others. Nothing here
//! knows what is plotted.

pub mod axis;
pub mod bars;
pub mod scatter;

pub use scatter::{Dot, Scatter};
