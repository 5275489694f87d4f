//! Plots: pictures that the server draws as SVG, styled by classes, each with a table that says the
//! same.
//!
//! A plot is a view model of text, ready to print; its template is beside the others. Nothing here
//! knows what is plotted.

pub(crate) mod axis;
pub(crate) mod bars;
pub(crate) mod scatter;
