//! What time does to rentals: renewed, reminded, over, ended, and earned day by day.
//!
//! Each job takes a bounded number of rentals, each in a statement of its own; the next run goes
//! on. Two runs at once do no harm: who saves a change names the version that it saw.

use domain::id::OrderId;
use domain::rental::{ExtendError, Rental};
use domain::time::Timestamp;
use edge::SpinDb;
use edge::recurring::Round;
use seal::Keys;
use store::StoreError;
use store::due::{self, Notice, NoticeMail};
use store::unprovisioned::{self, Refundable};
use web::mail::{self, EndOf, Mail, SealedMail};
use web::{Config, ambient};

use crate::{farms, leaving, log};

/// How many rentals a job takes in one run.
pub(crate) const AT_ONCE: u32 = 500;

/// Something that time does. Its work is bounded.
struct Job {
    name: &'static str,
    run: fn(&SpinDb, &Config, Timestamp) -> Result<(), String>,
}

/// What every run does, in this order: what has no access is not renewed, and who is renewed does
/// not expire.
const JOBS: [Job; 8] = [
    Job { name: "refund", run: pay_back },
    Job { name: "renew", run: renew },
    Job { name: "remind", run: remind },
    Job { name: "tell of nodes that leave", run: leaving::tell },
    Job { name: "let nodes leave", run: leaving::leave },
    Job { name: "expire", run: |db, _, now| report(due::expire(db, now, AT_ONCE)) },
    Job { name: "earn", run: |db, _, now| report(due::earn(db, now, AT_ONCE)) },
    Job { name: "check farms", run: farms::check },
];

/// Does every job; one that fails does not keep the others from being done.
pub(crate) fn work(db: &SpinDb, round: &mut Round<'_>, now: Timestamp) {
    let config = match edge::config() {
        Ok(config) => config,
        Err(wrong) => return log(&format!("grid-sync: {wrong}")),
    };
    for job in JOBS {
        round.run(job.name, || (job.run)(db, &config, now));
    }
}

/// Those that failed, one by one.
fn report<I: ToString>(done: Result<Vec<(I, StoreError)>, StoreError>) -> Result<(), String> {
    let failed = done.map_err(|error| error.to_string())?;
    let failed: Vec<String> =
        failed.iter().map(|(id, error)| format!("{}: {error}", id.to_string())).collect();
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

fn renew(db: &SpinDb, config: &Config, now: Timestamp) -> Result<(), String> {
    let mut failed = Vec::new();
    for notice in due::renewing(db, now, AT_ONCE).map_err(|error| error.to_string())? {
        let order = OrderId::from_random(now, ambient::random_id());
        let id = notice.rental.life.id;
        match due::renew(db, &notice, config.platform_fee, order, now) {
            Ok(None) => {}
            Ok(Some(why)) => {
                let notice = Notice { days: 0, ..notice };
                if let Err(error) = tell_of_failure(db, config, &notice, &why, now) {
                    failed.push(format!("{id}: {error}"));
                }
            }
            Err(error) => failed.push(format!("{id}: {error}")),
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

/// Tells once for each end that it could not be extended.
fn tell_of_failure(
    db: &SpinDb,
    config: &Config,
    notice: &Notice,
    why: &ExtendError,
    now: Timestamp,
) -> Result<(), String> {
    if due::is_reminded(db, notice).map_err(|error| error.to_string())? {
        return Ok(());
    }
    let mail = |to: &_, end: EndOf<'_>| mail::renewal_failed(to, end, &why.to_string());
    tell(db, config, notice, Some("renewal-failed"), Some(&mail), now)
}

fn remind(db: &SpinDb, config: &Config, now: Timestamp) -> Result<(), String> {
    let mut failed = Vec::new();
    for notice in due::unreminded(db, now, AT_ONCE).map_err(|error| error.to_string())? {
        let why = notice.renewal_error(config.platform_fee, now);
        let ends = |to: &_, end: EndOf<'_>| mail::rental_ends(to, end);
        let at_risk = |to: &_, end: EndOf<'_>| {
            let why = why.as_ref().map(ToString::to_string).unwrap_or_default();
            mail::renewal_at_risk(to, end, &why)
        };
        let told = match (notice.rental.renewal, &why) {
            (None, _) => tell(db, config, &notice, Some(REMINDED), Some(&ends), now),
            (Some(_), Some(_)) => tell(db, config, &notice, Some(REMINDED), Some(&at_risk), now),
            // It will be extended: there is nothing to tell, until the next of these days.
            (Some(_), None) => tell(db, config, &notice, None, None, now),
        };
        if let Err(error) = told {
            failed.push(format!("{}: {error}", notice.rental.life.id));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

/// The event that tells of a reminder.
const REMINDED: &str = "rental-reminded";

/// Pays back, in full, rentals that have no access a day after they were paid.
fn pay_back(db: &SpinDb, config: &Config, now: Timestamp) -> Result<(), String> {
    let mut failed = Vec::new();
    for found in unprovisioned::refundable(db, now, AT_ONCE).map_err(|error| error.to_string())? {
        if let Err(error) = pay_back_one(db, config, &found, now) {
            failed.push(format!("{}: {error}", found.rental));
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(failed.join("; ")) }
}

fn pay_back_one(
    db: &SpinDb,
    config: &Config,
    found: &Refundable,
    now: Timestamp,
) -> Result<(), String> {
    let sealed = if config.has_mail && !config.public_url.is_empty() {
        let to = domain::account::Email::parse(&found.email)
            .map_err(|_| "the renter's address is none".to_owned())?;
        let url = format!("{}/dashboard/slices/{}", config.public_url, found.rental);
        let mail = mail::rental_refunded(&to, &found.place, &url);
        Some(mail::seal_new(&keys()?, &mail, now).map_err(|error| error.to_string())?)
    } else {
        None
    };
    let mail = sealed.as_ref().map(|mail| NoticeMail {
        id: mail.id,
        kind: &mail.kind,
        sealed: &mail.sealed,
    });
    let done = unprovisioned::refund(db, found.rental, mail.as_ref(), now);
    done.map(drop).map_err(|error| error.to_string())
}

fn keys() -> Result<Keys, String> {
    Keys::parse(&edge::variable("encryption_keys")?)
        .map_err(|wrong| format!("encryption_keys: {wrong}"))
}

/// Makes a mail to an address.
pub(crate) type MakeMail<'a> = &'a dyn Fn(&domain::account::Email, EndOf<'_>) -> Mail;

/// Writes down that the renter was told, with a mail where mail can be sent.
fn tell(
    db: &SpinDb,
    config: &Config,
    notice: &Notice,
    event: Option<&'static str>,
    make: Option<MakeMail<'_>>,
    now: Timestamp,
) -> Result<(), String> {
    let life = &notice.rental.life;
    let sealed = match make {
        Some(make) => sealed(config, &notice.email, life, life.ends_at, make, now)?,
        None => None,
    };
    let mail = sealed.as_ref().map(notice_mail);
    due::remind(db, notice, event, mail.as_ref(), now).map_err(|error| error.to_string())
}

pub(crate) fn notice_mail(mail: &SealedMail) -> NoticeMail<'_> {
    NoticeMail { id: mail.id, kind: &mail.kind, sealed: &mail.sealed }
}

/// A mail to a rental's renter about an end, ready for the outbox; `None` where none can be sent.
pub(crate) fn sealed(
    config: &Config,
    to: &str,
    life: &Rental,
    ends_at: Timestamp,
    make: MakeMail<'_>,
    now: Timestamp,
) -> Result<Option<SealedMail>, String> {
    if !config.has_mail || config.public_url.is_empty() {
        return Ok(None);
    }
    let keys = keys()?;
    let to =
        domain::account::Email::parse(to).map_err(|_| "the renter's address is none".to_owned())?;
    let url = format!("{}/dashboard/slices/{}", config.public_url, life.id);
    let (place, day) = (life.place(), ends_at.date());
    let mail = make(&to, EndOf { place: &place, day: &day, url: &url });
    mail::seal_new(&keys, &mail, now).map(Some).map_err(|error| error.to_string())
}
