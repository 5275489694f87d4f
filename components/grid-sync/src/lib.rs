//! Copies nodes, uptime and the owners of farms from the grid.

edge::cron!(GridSync, &[farming::JOBS]);
