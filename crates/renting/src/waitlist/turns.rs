//! Offers free slices of nodes that somebody waits for, in turn.

use domain::id::{NodeId, QuoteId};
use domain::order::{RentRequest, Wanted};
use domain::recurring::OFFER_WAITLIST_SLICES;
use domain::waitlist::{self, Turn as Missed};
use store::StoreError;
use store::quotes::{self, NewQuote};
use store::renting::RentFailure;
use store::waitlist::{self as lines, Turn};
use web::{Env, JobError};

use crate::quoting;

/// Offers what is free to the first in line, and to the next where that one cannot have it.
pub(crate) fn offer(env: &Env<'_>) -> Result<(), JobError> {
    let mut failed: Vec<(_, JobError)> = Vec::new();
    let mut from = NodeId(1);
    for _ in 0..OFFER_WAITLIST_SLICES.limit() {
        let Some(turn) = lines::next(env.db, from)? else { break };
        // The same node again, for the next in line, until nothing of it is free.
        from = turn.node;
        match take_turn(env, &turn) {
            Ok(true) => {}
            Ok(false) => from = NodeId(turn.node.0.saturating_add(1)),
            Err(error) => {
                failed.push((turn.node, error));
                from = NodeId(turn.node.0.saturating_add(1));
            }
        }
    }
    JobError::of_each(failed)
}

/// Holds a slice for the first in line, or tells why not; `false` where nothing is free any more.
fn take_turn(env: &Env<'_>, turn: &Turn) -> Result<bool, JobError> {
    let keys = quoting::keys(env).map_err(|problem| JobError(problem.detail))?;
    let sign = |document: &str| quoting::signed(keys.as_ref(), document);
    let request = RentRequest {
        wanted: Wanted::OfNode(turn.node, 1),
        term: turn.term,
        offer_version: None,
        max_price: None,
    };
    let new = NewQuote {
        id: QuoteId::from_random(env.now, env.random.id()),
        request: &request,
        account: turn.account,
        token: None,
        slices_max: env.config.account_slices_max,
        platform_fee: env.config.platform_fee,
        is_held: true,
        sign: &sign,
    };
    match quotes::make_for_turn(env.db, &new, turn.entry, env.now) {
        Ok(_) => Ok(true),
        Err(RentFailure::Rule(why)) => match waitlist::missed(why) {
            Missed::Passes => {
                lines::pass(env.db, turn, &why.to_string(), env.now)?;
                Ok(true)
            }
            Missed::Waits => Ok(false),
        },
        // Others were faster, again and again: the next run goes on.
        Err(RentFailure::Store(StoreError::Busy)) => Ok(false),
        Err(RentFailure::Store(error)) => Err(error.into()),
        Err(error @ (RentFailure::QuoteUsed | RentFailure::QuoteExpired)) => {
            Err(JobError(error.to_string()))
        }
    }
}
