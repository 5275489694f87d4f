//! Jobs of agents that are late: people are told, once, by an event and by mail.

use domain::account::Email;
use domain::id::AccountId;
use domain::provisioning::JobKind;
use domain::time::Timestamp;
use edge::SpinDb;
use seal::Keys;
use store::due::NoticeMail;
use store::unprovisioned::{self, Late};
use web::mail::{self, Mail, MailConfig, SealedMail};

use crate::JobError;

/// How many jobs one run tells of.
const AT_ONCE: u32 = 100;

/// Tells renters, farmers and operators of jobs that are late. One that fails does not keep the
/// others from being told of.
pub(crate) fn tell(db: &SpinDb, now: Timestamp) -> Result<(), JobError> {
    let found = unprovisioned::late(db, now, AT_ONCE)?;
    if found.is_empty() {
        return Ok(());
    }
    let operators = unprovisioned::operators(db)?;
    let failed: Vec<String> = found
        .iter()
        .filter_map(|late| {
            let JobError(error) = tell_of(db, late, &operators, now).err()?;
            Some(format!("{}: {error}", late.job))
        })
        .collect();
    if failed.is_empty() { Ok(()) } else { Err(JobError(failed.join("; "))) }
}

fn tell_of(
    db: &SpinDb,
    late: &Late,
    operators: &[(AccountId, String)],
    now: Timestamp,
) -> Result<(), JobError> {
    let sealed = sealed(late, operators, now)?;
    let mails: Vec<(AccountId, NoticeMail<'_>)> = sealed
        .iter()
        .map(|(to, mail)| (*to, NoticeMail { id: mail.id, kind: &mail.kind, sealed: &mail.sealed }))
        .collect();
    Ok(unprovisioned::tell(db, late, &mails, now)?)
}

/// The mails that tell of it; none where mail cannot be sent.
fn sealed(
    late: &Late,
    operators: &[(AccountId, String)],
    now: Timestamp,
) -> Result<Vec<(AccountId, SealedMail)>, JobError> {
    let base = edge::variable("public_url").map_err(JobError)?;
    let base = base.trim_end_matches('/');
    let has_mail = MailConfig::read(edge::variable).map_err(JobError)?.is_some();
    if !has_mail || base.is_empty() {
        return Ok(Vec::new());
    }
    let keys = edge::variable("encryption_keys").map_err(JobError)?;
    let keys = Keys::parse(&keys).map_err(|wrong| JobError(format!("encryption_keys: {wrong}")))?;
    let rental_url = format!("{base}/dashboard/slices/{}", late.rental);
    let mut mails = vec![(
        late.account,
        late.email.as_str(),
        match late.kind {
            JobKind::Create => Told::Renter(rental_url),
            JobKind::Remove => Told::Farmer(format!("{base}/dashboard/farm")),
        },
    )];
    let url = format!("{base}/operator");
    mails.extend(
        operators.iter().map(|(id, email)| (*id, email.as_str(), Told::Operator(url.clone()))),
    );
    mails
        .into_iter()
        .map(|(account, email, told)| {
            let to = Email::parse(email)
                .map_err(|_| JobError("an account's address is none".to_owned()))?;
            let mail = mail::seal_new(&keys, &told.mail(&to, late), now)
                .map_err(|error| JobError(error.to_string()))?;
            Ok((account, mail))
        })
        .collect()
}

/// Who is told, and the page to look at.
enum Told {
    Renter(String),
    Farmer(String),
    Operator(String),
}

impl Told {
    fn mail(&self, to: &Email, late: &Late) -> Mail {
        match self {
            Told::Renter(url) => mail::access_late(to, &late.place, url),
            Told::Farmer(url) => mail::removal_late(to, &late.place, url),
            Told::Operator(url) => mail::job_late(to, late.kind.as_str(), &late.place, url),
        }
    }
}
