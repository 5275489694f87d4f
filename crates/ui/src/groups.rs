//! The headings of the API document that operations of several features stand under.

/// Renters.
pub const RENTALS: &str = "Rentals and wallet";
/// Operator.
pub const OPERATOR: &str = "Operator";
/// Agents.
pub const AGENTS: &str = "Agents";
/// Farm.
pub const FARM: &str = "Farm";
