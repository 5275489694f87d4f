//! Nodes that leave the market: their renters are told, and on the day what is left of their
//! rentals is ended and refunded.

use domain::rental::Ending;
use domain::time::Timestamp;
use edge::SpinDb;
use store::leaving::{self, LeavingRental};
use web::{Config, mail};

use crate::due::{AT_ONCE, notice_mail, sealed};

/// Tells renters, by mail, that the node of a rental leaves.
pub(crate) fn tell(db: &SpinDb, config: &Config, now: Timestamp) -> Result<(), String> {
    let due = leaving::untold(db, AT_ONCE).map_err(|error| error.to_string())?;
    each(&due, |told| {
        let make = |to: &_, end: mail::EndOf<'_>| mail::node_leaves(to, end);
        let (life, leaves_at) = (&told.rental.life, told.leaves_at);
        let sealed = sealed(config, &told.email, life, leaves_at, &make, now)?;
        let mail = sealed.as_ref().map(notice_mail);
        leaving::tell(db, told, mail.as_ref(), now).map_err(|error| error.to_string())
    })
}

/// Ends the rentals of nodes whose day has come, each with its refund and a mail, and lets the
/// nodes leave of which nothing is rented or held any more.
pub(crate) fn leave(db: &SpinDb, config: &Config, now: Timestamp) -> Result<(), String> {
    let due = leaving::overdue(db, now, AT_ONCE).map_err(|error| error.to_string())?;
    let ended = each(&due, |due| match leaving::plan_end(due, now) {
        Some(ending) => end(db, config, due, &ending, now),
        None => Ok(()),
    });
    let left = leaving::leave(db, now, AT_ONCE).map_err(|error| error.to_string());
    ended.and(left.map(drop))
}

fn end(
    db: &SpinDb,
    config: &Config,
    due: &LeavingRental,
    ending: &Ending,
    now: Timestamp,
) -> Result<(), String> {
    let refund = ending.refund.for_people();
    let make = |to: &_, end: mail::EndOf<'_>| mail::node_left(to, end, &refund);
    let (life, leaves_at) = (&due.rental.life, due.leaves_at);
    let sealed = sealed(config, &due.email, life, leaves_at, &make, now)?;
    let mail = sealed.as_ref().map(notice_mail);
    leaving::end(db, due, ending, mail.as_ref(), now).map_err(|error| error.to_string())
}

/// One that fails does not keep the others from being done; those that failed, one by one.
fn each(
    due: &[LeavingRental],
    work: impl Fn(&LeavingRental) -> Result<(), String>,
) -> Result<(), String> {
    let failed: Vec<String> = due
        .iter()
        .filter_map(|due| Some(format!("{}: {}", due.rental.life.id, work(due).err()?)))
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}
