//! Renting, rentals and the wallet.
