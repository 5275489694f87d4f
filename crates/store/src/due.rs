//! What time does to rentals: renewal, reminders, expiry, the end of the grace, and days that are
//! earned. A bounded number at a time, each in a statement of its own: the next run goes on.

use domain::event::EventKind;
use domain::id::{MailId, OrderId, RentalId, TokenId};
use domain::money::{Percent, Usd};
use domain::rental::{self, GRACE_SECONDS, RENEWS_BEFORE_SECONDS, RenewError, RentalState};
use domain::time::Timestamp;

use crate::db::{Db, StoreError, Value};
use crate::rentals::{ChangeFailure, Extended, Extension, Rental, change, plan_extension, save};
use crate::row::{row, select};

/// The rental `?1`, whoever's it is.
const FIND: &str =
    select!(Rental, "FROM rentals r JOIN nodes n ON n.id = r.node_id WHERE r.id = ?1");

pub(crate) fn find(db: &dyn Db, id: RentalId) -> Result<Option<Rental>, StoreError> {
    db.first(FIND, &[Value::text(id)])
}

/// Up to `?2` rentals that earn something by `?1`, the longest due first. What has no access yet
/// earns nothing. Served by the index `rentals_by_earning`.
const EARNING: &str = "
    SELECT id FROM rentals
     WHERE earns_at <= ?1
       AND NOT EXISTS (SELECT 1 FROM jobs j
                        WHERE j.rental_id = rentals.id AND j.kind = 'create'
                          AND j.state IN ('needs-key', 'waiting', 'leased', 'failed'))
     ORDER BY earns_at LIMIT ?2";

/// Up to `?2` rentals of the state `?3` whose term was over by `?1`, the longest over first. Served
/// by the index `rentals_by_end`.
const ENDING: &str = "
    SELECT id FROM rentals
     WHERE state = ?3 AND state <> 'ended' AND ends_at <= ?1 ORDER BY ends_at LIMIT ?2";

fn life_of(db: &dyn Db, id: RentalId) -> Result<Option<rental::Rental>, StoreError> {
    Ok(find(db, id)?.map(|rental| rental.life))
}

/// Lets rentals earn the days that are over: at most `limit` of them. Answers those that failed.
pub fn earn(
    db: &dyn Db,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(RentalId, StoreError)>, StoreError> {
    let due = db.all(EARNING, &[now.into(), limit.into()])?;
    // Where nothing new is earned, its date moves on, so that it is not in the way of others.
    let decide = |life: &rental::Rental| {
        Some(rental::earn(life, now).unwrap_or_else(|| rental::Change {
            after: life.clone(),
            periods: Vec::new(),
            bookings: Vec::new(),
            event: None,
        }))
    };
    Ok(each(due, |id| change(db, || life_of(db, id), decide, now)))
}

/// Ends terms that are over, and then graces: at most `limit` of each. Answers those that failed.
pub fn expire(
    db: &dyn Db,
    now: Timestamp,
    limit: u32,
) -> Result<Vec<(RentalId, StoreError)>, StoreError> {
    let over = [now.into(), limit.into(), RentalState::Active.into_str().into()];
    let mut failed = each(db.all(ENDING, &over)?, |id| {
        change(db, || life_of(db, id), |life| rental::expire(life, now), now)
    });
    let before = now.plus_seconds(-GRACE_SECONDS);
    let over = [before.into(), limit.into(), RentalState::Grace.into_str().into()];
    failed.extend(each(db.all(ENDING, &over)?, |id| {
        change(db, || life_of(db, id), |life| rental::release(life, now), now)
    }));
    Ok(failed)
}

/// One that fails does not keep the others from being done.
fn each(
    due: Vec<RentalId>,
    work: impl Fn(RentalId) -> Result<bool, StoreError>,
) -> Vec<(RentalId, StoreError)> {
    due.into_iter().filter_map(|id| Some((id, work(id).err()?))).collect()
}

/// Where a `Notice` is.
const FROM: &str = "
      FROM rentals r
      JOIN nodes n ON n.id = r.node_id
      JOIN accounts a ON a.id = r.renter_id ";

/// Up to `?2` rentals that end within 14 days of `?1` and whose renter was not reminded of it at
/// 14, 3 or 1 days: of the nearest of these alone, so that nobody gets three mails at once. Served
/// by the index `rentals_by_end`.
const UNREMINDED: &str = select!(
    Notice,
    FROM,
    "WHERE r.state = 'active' AND r.state <> 'ended'
       AND r.ends_at > ?1 AND r.ends_at <= ?1 + 14 * 86400
       AND NOT EXISTS (
           SELECT 1 FROM reminders d
            WHERE d.rental_id = r.id AND d.ends_at = r.ends_at AND d.days > 0
              AND d.days <= CASE WHEN r.ends_at <= ?1 + 86400 THEN 1
                                 WHEN r.ends_at <= ?1 + 3 * 86400 THEN 3 ELSE 14 END)
     ORDER BY r.ends_at LIMIT ?2"
);

/// Up to `?2` rentals that are to be renewed at `?1`: from `?3` before their end until the end of
/// the grace of `?4`. Those that come up last are first: whoever lacks money is tried again and
/// again, and keeps nobody from a first try. Served by the index `rentals_by_renewal`.
const RENEWING: &str = select!(
    Notice,
    FROM,
    "WHERE r.renew_months IS NOT NULL AND r.state <> 'ended'
       AND r.ends_at <= ?1 + ?3 AND r.ends_at > ?1 - ?4
     ORDER BY r.ends_at DESC LIMIT ?2"
);

row! {
    /// A rental near its end, and whom to tell.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Notice {
        /// The rental.
        pub rental: Rental,
        /// The renter's address.
        pub email: String = "a.email",
        /// What the renter's wallet holds.
        pub balance: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'wallet' AND owner_id = r.renter_id), 0)",
        /// The token with a ceiling that set the renewal, if one did.
        pub token: Option<TokenId> = "r.renew_token_id",
        /// What it may still spend; `None` where it has ended.
        pub spendable: Option<Usd> =
            "(SELECT ceiling_micros - spent_micros FROM tokens
               WHERE id = r.renew_token_id AND expires_at > ?1)",
        /// 14, 3 or 1 days before the end, or less; 0 where a renewal failed.
        pub days: u32 =
            "CASE WHEN r.ends_at <= ?1 + 86400 THEN 1
                   WHEN r.ends_at <= ?1 + 3 * 86400 THEN 3 ELSE 14 END",
    }
}

impl Notice {
    /// What the renewal lacks in the wallet or would cost too much; `None` where it would work, or
    /// where there is to be none.
    pub fn renewal_error(&self, platform_fee: Percent, now: Timestamp) -> Option<RenewError> {
        let renewal = self.rental.renewal?;
        let context = rental::ExtendContext {
            market: self.rental.market,
            balance: self.balance,
            spendable: self.spendable,
            platform_fee,
        };
        let life = &self.rental.life;
        if let Err(why) = self.check(now) {
            return Some(why);
        }
        // The order's id is in the booking's reference alone, which nobody sees.
        let order = OrderId::from_bytes([0; 16]);
        let extended =
            rental::extend(life, renewal.term, Some(renewal.max_price), &context, order, now);
        extended.err().map(RenewError::from)
    }

    /// Whether it may be renewed at all.
    fn check(&self, now: Timestamp) -> Result<(), RenewError> {
        if self.token.is_some() && self.spendable.is_none() {
            return Err(RenewError::TokenGone);
        }
        rental::check_renewal(&self.rental.life, now)
    }
}

/// Rentals whose renter is to be reminded of the end.
pub fn unreminded(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<Notice>, StoreError> {
    db.all(UNREMINDED, &[now.into(), limit.into()])
}

/// Rentals that are to be renewed now.
pub fn renewing(db: &dyn Db, now: Timestamp, limit: u32) -> Result<Vec<Notice>, StoreError> {
    let params = [now.into(), limit.into(), RENEWS_BEFORE_SECONDS.into(), GRACE_SECONDS.into()];
    db.all(RENEWING, &params)
}

/// Renews a rental by its own wish: once for each end. Answers why not, where the rules say no.
pub fn renew(
    db: &dyn Db,
    notice: &Notice,
    platform_fee: Percent,
    order: OrderId,
    now: Timestamp,
) -> Result<Option<RenewError>, StoreError> {
    let Some(renewal) = notice.rental.renewal else { return Ok(None) };
    let life = &notice.rental.life;
    if let Err(why) = notice.check(now) {
        return Ok(Some(why));
    }
    let extension = Extension {
        renter: life.renter,
        rental: life.id,
        term: renewal.term,
        max_price: Some(renewal.max_price),
        platform_fee,
        order,
        token: notice.token,
        intention: None,
    };
    let has_its_terms = |found: &Rental| found.life.periods.len() == life.periods.len();
    let (found, change) = match plan_extension(db, &extension, now) {
        Ok((found, change)) if has_its_terms(&found) => (found, change),
        Err(ChangeFailure::Extend(why)) => {
            // Another run may have renewed it meanwhile, and spent what is lacking now.
            let found = find(db, life.id)?;
            return Ok(found.filter(has_its_terms).map(|_| why.into()));
        }
        Err(ChangeFailure::Store(error)) => return Err(error),
        // It was renewed or extended, is somebody else's by now, or has ended.
        Ok(_)
        | Err(
            ChangeFailure::NoSuchRental
            | ChangeFailure::Ended(_)
            | ChangeFailure::RefundChanged { .. },
        ) => return Ok(None),
    };
    let change = rental::Change { event: Some(EventKind::RentalRenewed), ..change };
    let extended = Extended { order, token: notice.token, response: Value::Null };
    match save(db, &found.life, &change, Some(extended), now) {
        Ok(()) => Ok(None),
        // It has changed meanwhile, and the next run looks again.
        Err(error) if error.is_race() => Ok(None),
        Err(error) => Err(error),
    }
}

/// A mail about it.
pub struct NotificationMail<'a> {
    /// Its id.
    pub id: MailId,
    /// Which mail.
    pub kind: &'a str,
    /// Recipient, subject and text, encrypted.
    pub sealed: &'a [u8],
}

/// Writes a reminder down; the columns of the command view, in order.
const REMIND: &str = "
    INSERT INTO remind (rental_id, ends_at, days, event, mail_id, mail_kind, sealed, sent_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// Records that a renter was reminded, or notified of a failed renewal, with a mail: once for each
/// end and number of days.
pub fn remind(
    db: &dyn Db,
    notice: &Notice,
    mail: Option<&NotificationMail<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let event = if notice.days == 0 { EventKind::RenewalFailed } else { EventKind::RentalReminded };
    let life = &notice.rental.life;
    write_down(db, life.id, (life.ends_at, notice.days.into()), Some(event), mail, now)
}

/// Writes down that there is nothing to remind a renter of, this many days before the end.
pub fn skip_reminder(db: &dyn Db, notice: &Notice, now: Timestamp) -> Result<(), StoreError> {
    let life = &notice.rental.life;
    write_down(db, life.id, (life.ends_at, notice.days.into()), None, None, now)
}

/// Writes down that a renter was notified of an end, so many days before it; what is below 0 is
/// another reason than that.
pub(crate) fn write_down(
    db: &dyn Db,
    rental: RentalId,
    (ends_at, days): (Timestamp, i64),
    event: Option<EventKind>,
    mail: Option<&NotificationMail<'_>>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let [mail_id, mail_kind, sealed] = mail_params(mail);
    let params = [
        Value::text(rental),
        ends_at.into(),
        days.into(),
        event.into(),
        mail_id,
        mail_kind,
        sealed,
        now.into(),
    ];
    db.run(REMIND, &params).map(drop)
}

/// The id, the kind and the text of a mail, or NULL for each.
pub(crate) fn mail_params(mail: Option<&NotificationMail<'_>>) -> [Value; 3] {
    [
        mail.map(|mail| Value::text(mail.id)).into(),
        mail.map(|mail| mail.kind).into(),
        mail.map(|mail| mail.sealed).into(),
    ]
}

/// Whether a reminder of `?1` about the end `?2` at `?3` days is written down.
const IS_REMINDED: &str =
    "SELECT 1 FROM reminders WHERE rental_id = ?1 AND ends_at = ?2 AND days = ?3";

/// Whether a renter was reminded of this already.
pub fn is_reminded(db: &dyn Db, notice: &Notice) -> Result<bool, StoreError> {
    let life = &notice.rental.life;
    let params = [Value::text(life.id), life.ends_at.into(), notice.days.into()];
    db.has_row(IS_REMINDED, &params)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 4] = [
    (EARNING, "rentals_by_earning"),
    (ENDING, "rentals_by_end"),
    (UNREMINDED, "rentals_by_end"),
    (RENEWING, "rentals_by_renewal"),
];
