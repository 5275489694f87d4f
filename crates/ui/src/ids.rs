//! Ids in paths.

use domain::id::{NodeId, RentalId};
use web::Problem;

/// A node's id in a path; what is not one does not exist.
pub fn node_id(text: &str) -> Result<NodeId, Problem> {
    NodeId::parse(text).ok_or_else(Problem::not_found)
}

/// A rental's id in a path; what is not one does not exist.
pub fn rental_id(text: &str) -> Result<RentalId, Problem> {
    RentalId::parse(text).ok_or_else(Problem::not_found)
}
