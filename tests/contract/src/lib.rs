//! All features together: the API that they make, and what serves it.

use documents::api::{Api, SHOW_API_DOCUMENT};
use web::Route;

/// The API of all features. The component `site` serves the same.
pub const API: Api = Api {
    operations: &[
        renting::OPERATIONS,
        billing::OPERATIONS,
        farming::OPERATIONS,
        notifying::OPERATIONS,
        machines::OPERATIONS,
        accounts::OPERATIONS,
        operating::OPERATIONS,
        &[&SHOW_API_DOCUMENT],
    ],
    members: &[renting::PROBLEM_MEMBERS, farming::PROBLEM_MEMBERS],
};

/// Every route of a feature.
pub fn routes() -> impl Iterator<Item = &'static Route> {
    let features = [
        renting::ROUTES,
        billing::ROUTES,
        farming::ROUTES,
        notifying::ROUTES,
        machines::ROUTES,
        accounts::ROUTES,
        operating::ROUTES,
    ];
    features.into_iter().flatten().copied().flatten()
}
