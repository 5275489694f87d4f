//! Jobs of agents that are late: people are notified, once, by an event and by mail.

use domain::account::Email;
use domain::id::AccountId;
use domain::provisioning::JobKind;
use domain::recurring::NOTIFY_OF_LATE_JOBS;
use mail::{Mail, SealedMail};
use store::due::NotificationMail;
use store::unprovisioned::{self, Late};
use web::{Env, JobError};

use crate::mails;

/// Notifies renters, farmers and operators of jobs that are late. If that fails for one job, the
/// others are notified all the same.
pub(crate) fn notify(env: &Env<'_>) -> Result<(), JobError> {
    let found = unprovisioned::late(env.db, env.now, NOTIFY_OF_LATE_JOBS.limit())?;
    if found.is_empty() {
        return Ok(());
    }
    let operators = unprovisioned::operators(env.db)?;
    JobError::of_each(
        found.iter().filter_map(|late| Some((&late.job, notify_of(env, late, &operators).err()?))),
    )
}

fn notify_of(
    env: &Env<'_>,
    late: &Late,
    operators: &[(AccountId, String)],
) -> Result<(), JobError> {
    let sealed = sealed(env, late, operators)?;
    let mails: Vec<(AccountId, NotificationMail<'_>)> = sealed
        .iter()
        .map(|(to, mail)| {
            (*to, NotificationMail { id: mail.id, kind: &mail.kind, sealed: &mail.sealed })
        })
        .collect();
    Ok(unprovisioned::notify(env.db, late, &mails, env.now)?)
}

/// The mails about it; none where mail cannot be sent.
fn sealed(
    env: &Env<'_>,
    late: &Late,
    operators: &[(AccountId, String)],
) -> Result<Vec<(AccountId, SealedMail)>, JobError> {
    let base = &env.config.public_url;
    if !env.config.has_mail || base.is_empty() {
        return Ok(Vec::new());
    }
    let keys = env.keys()?;
    let rental_url = format!("{base}/dashboard/slices/{}", late.rental);
    let mut mails = vec![(
        late.account,
        late.email.as_str(),
        match late.kind {
            JobKind::Create => Recipient::Renter(rental_url),
            JobKind::Remove => Recipient::Farmer(format!("{base}/dashboard/farm")),
        },
    )];
    let url = format!("{base}/operator");
    mails.extend(
        operators.iter().map(|(id, email)| (*id, email.as_str(), Recipient::Operator(url.clone()))),
    );
    mails
        .into_iter()
        .map(|(account, email, told)| {
            let to = Email::parse(email)
                .map_err(|_| JobError("an account's address is none".to_owned()))?;
            let mail = mail::seal_new(&keys, &told.mail(&to, late), env.random, env.now)
                .map_err(|error| JobError(error.to_string()))?;
            Ok((account, mail))
        })
        .collect()
}

/// Who is notified, and the page to look at.
enum Recipient {
    Renter(String),
    Farmer(String),
    Operator(String),
}

impl Recipient {
    fn mail(&self, to: &Email, late: &Late) -> Mail {
        match self {
            Recipient::Renter(url) => mails::access_late(to, &late.place, url),
            Recipient::Farmer(url) => mails::removal_late(to, &late.place, url),
            Recipient::Operator(url) => mails::job_late(to, late.kind.into_str(), &late.place, url),
        }
    }
}
