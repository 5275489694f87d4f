//! Plots: SVG that is made on the server, styled by classes, and readable as a table as well.
//!
//! A plot is a view model of text, ready to print; its template is beside the others. Nothing here
//! knows what is plotted.

pub mod axis;
pub mod scatter;

pub use scatter::{Dot, Scatter};
