//! Searches that find nothing are counted, for farmers to know what is wanted.

use store::{StoreError, samples};
use web::Context;

use crate::market::search::Search;

/// Counts a search that found nothing. Later pages are no searches of their own; and one that was
/// narrowed by price may only say that prices are too high, one for several places nothing of each,
/// and one for many slices or a term nothing of the place.
pub(super) fn note<T>(cx: &Context<'_>, search: &Search, found: &[T]) -> Result<(), StoreError> {
    let filter = &search.filter;
    let is_narrow = filter.max_price.is_some()
        || filter.places.is_some()
        || filter.min_free.is_some_and(|count| count > 1)
        || filter.term.is_some();
    if !found.is_empty() || search.behind.is_some() || is_narrow {
        return Ok(());
    }
    match samples::count_unmet(cx.db, filter.country.as_deref(), filter.certified_only, cx.now) {
        // Whoever searches does not wait for a count.
        Ok(()) | Err(StoreError::Busy) => Ok(()),
        Err(error) => Err(error),
    }
}
