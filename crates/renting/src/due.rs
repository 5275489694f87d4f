//! What time does to rentals: renewed, reminded, over, ended, and earned day by day.
//!
//! Each job takes a bounded number of rentals, each in a statement of its own; the next run goes
//! on. Two runs at once do no harm: who saves a change names the version that it saw.

use domain::account::Email;
use domain::id::OrderId;
use domain::recurring;
use domain::rental::{RenewError, Rental};
use domain::time::Timestamp;
use mail::{Mail, SealedMail};
use store::due::{self, Notice, NotificationMail};
use store::unprovisioned::{self, Refundable};
use web::{Env, JobError};

use crate::mails::{self, EndOf};

/// Extends rentals that renew themselves.
pub(crate) fn renew(env: &Env<'_>) -> Result<(), JobError> {
    let mut failed: Vec<(_, JobError)> = Vec::new();
    for notice in due::renewing(env.db, env.now, recurring::RENEW.limit())? {
        let order = OrderId::from_random(env.now, env.random.id());
        let id = notice.rental.life.id;
        match due::renew(env.db, &notice, env.config.platform_fee, order, env.now) {
            Ok(None) => {}
            Ok(Some(why)) => {
                let notice = Notice { days: 0, ..notice };
                if let Err(error) = notify_failure(env, &notice, &why) {
                    failed.push((id, error));
                }
            }
            Err(error) => failed.push((id, error.into())),
        }
    }
    JobError::of_each(failed)
}

/// Tells once for each end that it could not be extended.
fn notify_failure(env: &Env<'_>, notice: &Notice, why: &RenewError) -> Result<(), JobError> {
    if due::is_reminded(env.db, notice)? {
        return Ok(());
    }
    let mail = |to: &_, end: EndOf<'_>| mails::renewal_failed(to, end, &why.to_string());
    notify(env, notice, &mail)
}

/// Reminds renters of ends.
pub(crate) fn remind(env: &Env<'_>) -> Result<(), JobError> {
    let mut failed: Vec<(_, JobError)> = Vec::new();
    for notice in due::unreminded(env.db, env.now, recurring::REMIND.limit())? {
        let why = notice.renewal_error(env.config.platform_fee, env.now);
        let ends = |to: &_, end: EndOf<'_>| mails::rental_ends(to, end);
        let at_risk = |to: &_, end: EndOf<'_>| {
            let why = why.as_ref().map(ToString::to_string).unwrap_or_default();
            mails::renewal_at_risk(to, end, &why)
        };
        let told = match (notice.rental.renewal, &why) {
            (None, _) => notify(env, &notice, &ends),
            (Some(_), Some(_)) => notify(env, &notice, &at_risk),
            // It will be extended: there is nothing to tell, until the next of these days.
            (Some(_), None) => Ok(due::skip_reminder(env.db, &notice, env.now)?),
        };
        if let Err(error) = told {
            failed.push((notice.rental.life.id, error));
        }
    }
    JobError::of_each(failed)
}

/// Refunds in full rentals that have no access a day after they were paid.
pub(crate) fn refund_without_access(env: &Env<'_>) -> Result<(), JobError> {
    let mut failed: Vec<(_, JobError)> = Vec::new();
    for found in
        unprovisioned::refundable(env.db, env.now, recurring::REFUND_WITHOUT_ACCESS.limit())?
    {
        if let Err(error) = refund_one(env, &found) {
            failed.push((found.rental, error));
        }
    }
    JobError::of_each(failed)
}

fn refund_one(env: &Env<'_>, found: &Refundable) -> Result<(), JobError> {
    let sealed = if can_mail(env) {
        let url = format!("{}/dashboard/slices/{}", env.config.public_url, found.rental);
        let mail = mails::rental_refunded(&renter(&found.email)?, &found.place, &url);
        Some(seal(env, &mail)?)
    } else {
        None
    };
    let mail = sealed.as_ref().map(notice_mail);
    unprovisioned::refund(env.db, found.rental, mail.as_ref(), env.now)?;
    Ok(())
}

/// Whether mail can be sent, and its links lead somewhere.
fn can_mail(env: &Env<'_>) -> bool {
    env.config.has_mail && !env.config.public_url.is_empty()
}

fn renter(address: &str) -> Result<Email, JobError> {
    Email::parse(address).map_err(|_| JobError("the renter's address is none".to_owned()))
}

fn seal(env: &Env<'_>, mail: &Mail) -> Result<SealedMail, JobError> {
    let sealed = mail::seal_new(&env.keys()?, mail, env.random, env.now);
    sealed.map_err(|error| JobError(error.to_string()))
}

/// Makes a mail to an address.
pub(crate) type MakeMail<'a> = &'a dyn Fn(&domain::account::Email, EndOf<'_>) -> Mail;

/// Writes down that the renter was notified, with a mail where mail can be sent.
fn notify(env: &Env<'_>, notice: &Notice, make: MakeMail<'_>) -> Result<(), JobError> {
    let life = &notice.rental.life;
    let sealed = sealed(env, &notice.email, life, life.ends_at, make)?;
    let mail = sealed.as_ref().map(notice_mail);
    Ok(due::remind(env.db, notice, mail.as_ref(), env.now)?)
}

pub(crate) fn notice_mail(mail: &SealedMail) -> NotificationMail<'_> {
    NotificationMail { id: mail.id, kind: &mail.kind, sealed: &mail.sealed }
}

/// A mail to a rental's renter about an end, ready for the outbox; `None` where none can be sent.
pub(crate) fn sealed(
    env: &Env<'_>,
    to: &str,
    life: &Rental,
    ends_at: Timestamp,
    make: MakeMail<'_>,
) -> Result<Option<SealedMail>, JobError> {
    if !can_mail(env) {
        return Ok(None);
    }
    let url = format!("{}/dashboard/slices/{}", env.config.public_url, life.id);
    let (place, day) = (life.place(), ends_at.date());
    let mail = make(&renter(to)?, EndOf { place: &place, day: &day, url: &url });
    seal(env, &mail).map(Some)
}
