//! Looks at the market for saved searches.

use domain::id::NodeId;
use domain::recurring::LOOK_FOR_SAVED_SEARCHES;
use store::StoreError;
use store::offers::{self, Filter};
use store::saved_searches::{self, DueSearch, Reach};
use web::{Env, JobError};

use crate::market::search::{Query, Search, pairs};

/// How many nodes one look finds.
const FOUND_MAX: u32 = 100;

/// The cities of a market, each with its country.
type Market = [(String, String)];

/// Looks for the searches that are due.
pub(crate) fn look(env: &Env<'_>) -> Result<(), JobError> {
    let due = saved_searches::due(env.db, env.now, LOOK_FOR_SAVED_SEARCHES.limit())?;
    let market = if due.is_empty() {
        Vec::new()
    } else {
        pairs(&offers::places(env.db, &Filter::default(), env.now)?)
    };
    let mut failed: Vec<(_, JobError)> = Vec::new();
    for search in due {
        if let Err(error) = look_for(env, &search, &market) {
            failed.push((search.id, error.into()));
        }
    }
    JobError::of_each(failed)
}

fn look_for(env: &Env<'_>, search: &DueSearch, market: &Market) -> Result<(), StoreError> {
    let reach = saved_searches::reach(env.db, search.seen_number)?;
    let found = if reach.through > search.seen_number {
        find(env, search, reach, market)?
    } else {
        Vec::new()
    };
    saved_searches::look(env.db, search, reach, &found, env.now)
}

/// The nodes that are new to a search and not its account's own, each with the version of its
/// offer.
fn find(
    env: &Env<'_>,
    saved: &DueSearch,
    reach: Reach,
    market: &Market,
) -> Result<Vec<(NodeId, i64)>, StoreError> {
    // What an older version has saved and this one cannot read finds nothing.
    let Ok(mut search) = Search::of_query(&Query::parse(&saved.query)) else {
        return Ok(Vec::new());
    };
    search.locate(market);
    let numbers = [saved.seen_number, reach.through];
    let found = offers::news(env.db, &search.filter, numbers, FOUND_MAX, env.now)?;
    let others = found.iter().filter(|offer| offer.farmer != saved.account);
    Ok(others.map(|offer| (offer.node, offer.version)).collect())
}
