//! Copies nodes and uptime from the grid, and ends rentals.
