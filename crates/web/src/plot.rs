//! Plots: pictures that the server draws as SVG, each with a table that says the same.
//!
//! A plot is ready to print: every length is a whole unit of the picture, and every text has its
//! words. `plots.html` prints it; colors come from the stylesheet.

pub mod bars;
