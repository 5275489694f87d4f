//! Searches that find nothing are counted, for farmers to know what is wanted.

use store::{StoreError, samples};
use web::Context;

use crate::market::json::Search;

/// Counts a search that found nothing. Later pages are no searches of their own; and one that was
/// narrowed by price may only say that prices are too high.
pub(super) fn note<T>(cx: &Context<'_>, search: &Search, found: &[T]) -> Result<(), StoreError> {
    let filter = &search.filter;
    if !found.is_empty() || search.behind.is_some() || filter.max_price.is_some() {
        return Ok(());
    }
    match samples::count_unmet(cx.db, filter.country.as_deref(), filter.certified_only, cx.now) {
        // Whoever searches does not wait for a count.
        Ok(()) | Err(StoreError::Busy) => Ok(()),
        Err(error) => Err(error),
    }
}
