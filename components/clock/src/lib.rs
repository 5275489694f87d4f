//! What time does to rentals, nodes, offers and the database. It asks nobody outside, so nothing
//! slow delays what is about money.

edge::cron!(
    Clock,
    &[renting::JOBS, farming::JOBS, machines::JOBS, accounts::JOBS, operating::JOBS]
);
