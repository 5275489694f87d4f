//! Nodes that leave the market: their renters are notified, and on the day what is left of their
//! rentals is ended and refunded.

use domain::money::Usd;
use domain::recurring::{COMPLETE_LEAVING, NOTIFY_OF_LEAVING};
use domain::rental::Ending;
use store::leaving::{self, LeavingRental};
use web::{Env, JobError};

use crate::due::{notice_mail, sealed};
use crate::mails;

/// Tells renters, by mail, that the node of a rental leaves.
pub(crate) fn notify(env: &Env<'_>) -> Result<(), JobError> {
    let due = leaving::unnotified(env.db, NOTIFY_OF_LEAVING.limit())?;
    each(&due, |told| {
        let make = |to: &_, end: mails::EndOf<'_>| mails::node_leaves(to, end);
        let (life, leaves_at) = (&told.rental.life, told.leaves_at);
        let sealed = sealed(env, &told.email, life, leaves_at, &make)?;
        let mail = sealed.as_ref().map(notice_mail);
        Ok(leaving::notify(env.db, told, mail.as_ref(), env.now)?)
    })
}

/// Ends the rentals of nodes whose day has come, each with its refund and a mail, and lets the
/// nodes leave of which nothing is rented or held any more.
pub(crate) fn complete(env: &Env<'_>) -> Result<(), JobError> {
    let due = leaving::overdue(env.db, env.now, COMPLETE_LEAVING.limit())?;
    let ended = each(&due, |due| match leaving::plan_end(due, env.now) {
        Some(ending) => end(env, due, &ending),
        None => Ok(()),
    });
    let left = leaving::leave(env.db, env.now, COMPLETE_LEAVING.limit());
    ended?;
    left?;
    Ok(())
}

fn end(env: &Env<'_>, due: &LeavingRental, ending: &Ending) -> Result<(), JobError> {
    let refund = ending.refund.for_people();
    let compensation = Some(ending.compensation).filter(|amount| *amount > Usd::ZERO);
    let compensation = compensation.map(Usd::for_people);
    let make =
        |to: &_, end: mails::EndOf<'_>| mails::node_left(to, end, &refund, compensation.as_deref());
    let (life, leaves_at) = (&due.rental.life, due.leaves_at);
    let sealed = sealed(env, &due.email, life, leaves_at, &make)?;
    let mail = sealed.as_ref().map(notice_mail);
    Ok(leaving::end(env.db, due, ending, mail.as_ref(), env.now)?)
}

/// One that fails does not keep the others from being done; those that failed, one by one.
fn each(
    due: &[LeavingRental],
    work: impl Fn(&LeavingRental) -> Result<(), JobError>,
) -> Result<(), JobError> {
    JobError::of_each(due.iter().filter_map(|due| Some((due.rental.life.id, work(due).err()?))))
}
