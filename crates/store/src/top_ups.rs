//! Top-ups: what renters mean to pay in, and the payments that come.

use domain::id::{AccountId, TopUpId};
use domain::money::Usd;
use domain::time::Timestamp;
use domain::top_up::{
    self, Mismatch, OPEN_MAX, OPEN_SECONDS, Payment, Reversal, ReversalKind, Snapshot, TopUpState,
    Verdict, settle as decide,
};

use crate::db::{Db, StoreError, Value};
use crate::refusal::Refusal;
use crate::rentals::booking_json;
use crate::responses::{self, Intention, StoredResponse};
use crate::row::{row, select};

/// How often a payment is decided on anew when somebody else was faster.
const SAVE_ATTEMPTS: u32 = 3;
/// For how long a top-up without a page to pay on counts as waiting, in seconds: the provider may
/// still be asked. If it failed, the renter should not have to wait for a day.
const OPENING_SECONDS: i64 = 10 * 60;

/// The name of Stripe in the database.
const STRIPE: &str = "stripe";

row! {
    /// A top-up.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TopUp {
        /// Its id.
        pub id: TopUpId = "id",
        /// How much.
        pub amount: Usd = "amount_micros",
        /// What came of it.
        pub state: TopUpState = "state",
        /// Where it can be paid; `None` until the provider has said so.
        pub url: Option<String> = "url",
        /// When it was begun.
        pub created_at: Timestamp = "created_at",
        /// When it was paid.
        pub paid_at: Option<Timestamp> = "paid_at",
    }
}

/// What somebody means to pay in.
pub struct NewTopUp<'a> {
    /// Its id.
    pub id: TopUpId,
    /// Whose wallet.
    pub account: AccountId,
    /// How much.
    pub amount: Usd,
    /// Goes on where an earlier try has begun; `None` for a request without a key.
    pub intention: Option<&'a Intention>,
}

/// Why no top-up was begun.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BeginFailure {
    /// The account has as many waiting as it can have.
    #[error("too many top-ups wait to be paid")]
    TooMany,
    /// The machine failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The top-up of the account `?1` with the key `?2`. Served by the unique index on both.
const OF_KEY: &str = select!(TopUp, "FROM top_ups WHERE account_id = ?1 AND idempotency_key = ?2");

/// Begins a top-up; the columns of the command view, in order.
const BEGIN: &str = "
    INSERT INTO begin_top_up
           (id, account_id, amount_micros, provider, open_max, open_after, opening_after, response,
            created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Begins a top-up, or goes on with the one that an earlier try has begun.
pub fn begin(db: &dyn Db, new: &NewTopUp<'_>, now: Timestamp) -> Result<TopUp, BeginFailure> {
    let params = [
        Value::text(new.id),
        Value::text(new.account),
        new.amount.micros().into(),
        STRIPE.into(),
        OPEN_MAX.into(),
        now.plus_seconds(-OPEN_SECONDS).into(),
        now.plus_seconds(-OPENING_SECONDS).into(),
        responses::begun(new.intention, &format!("/api/wallet/top-ups/{}", new.id)),
        now.into(),
    ];
    match (db.run(BEGIN, &params), new.intention) {
        (Ok(_), _) => Ok(TopUp {
            id: new.id,
            amount: new.amount,
            state: TopUpState::Pending,
            url: None,
            created_at: now,
            paid_at: None,
        }),
        (Err(StoreError::Refused(Refusal::TopUpLimitReached)), _) => Err(BeginFailure::TooMany),
        (Err(error), Some(intention)) if error.is_key_used() => {
            let of_key = [Value::text(new.account), intention.key.as_str().into()];
            let earlier = db.first::<TopUp>(OF_KEY, &of_key)?;
            // Another request may have used the key.
            let earlier = earlier.filter(|earlier| earlier.amount == new.amount);
            earlier.ok_or(BeginFailure::Store(error))
        }
        (Err(error), _) => Err(error.into()),
    }
}

/// The provider's page on which a top-up is paid.
#[derive(Clone, Copy, Debug)]
pub struct PaymentPage<'a> {
    /// The provider's id of it.
    pub session: &'a str,
    /// Where it is.
    pub url: &'a str,
}

/// Offers a top-up; the columns of the command view, in order.
const OFFER: &str = "
    INSERT INTO offer_top_up (id, state, session_id, url, response, offered_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Records where a top-up can be paid, with the response that `respond` makes of it; without a page
/// where it cannot be paid any more.
pub fn offer(
    db: &dyn Db,
    top_up: &TopUp,
    page: Option<PaymentPage<'_>>,
    intention: Option<&Intention>,
    respond: &dyn Fn(&TopUp) -> StoredResponse,
    now: Timestamp,
) -> Result<StoredResponse, StoreError> {
    let url = page.map(|page| page.url.to_owned());
    let response = respond(&TopUp { url, ..top_up.clone() });
    let params = [
        Value::text(top_up.id),
        top_up.state.into_str().into(),
        page.map(|page| page.session).into(),
        page.map(|page| page.url).into(),
        responses::column(intention, &response),
        now.into(),
    ];
    db.run(OFFER, &params).map(|_| response)
}

/// The top-up `?2` of the account `?1`.
const FIND: &str = select!(TopUp, "FROM top_ups WHERE id = ?2 AND account_id = ?1");

/// A top-up of an account.
pub fn find(db: &dyn Db, account: AccountId, id: TopUpId) -> Result<Option<TopUp>, StoreError> {
    db.first(FIND, &[Value::text(account), Value::text(id)])
}

/// One page of an account's top-ups, the newest first: `?1` account, `?2` the last one of the page
/// before (`~`, which sorts behind every id, for none), `?3` how many. Served by
/// `top_ups_by_account`.
const LIST: &str =
    select!(TopUp, "FROM top_ups WHERE account_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3");

/// A page of an account's top-ups before `before`, the newest first.
pub fn of_account(
    db: &dyn Db,
    account: AccountId,
    before: Option<TopUpId>,
    limit: u32,
) -> Result<Vec<TopUp>, StoreError> {
    let before = before.map_or("~".into(), Value::text);
    db.all(LIST, &[Value::text(account), before, limit.into()])
}

/// What came of a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// The wallet was credited with it, now.
    Credited,
    /// The wallet was credited with it before.
    Already,
    /// Nothing was credited, and the operator is shown why.
    Refused(Mismatch),
}

row! {
    impl Snapshot {
        amount: Usd = "t.amount_micros",
        state: TopUpState = "t.state",
        payment_id: Option<String> = "t.payment_id",
        has_owner: bool = "a.deleted_at IS NULL",
    }
}

/// What a payment of the top-up `?1` depends on.
const SEEN: &str = select!(
    Snapshot,
    "FROM top_ups t JOIN accounts a ON a.id = t.account_id
     WHERE t.id = ?1"
);

/// Credits the wallet of the top-up `?1` with the payment `?2` of `?3` micro-dollars, which may be
/// taken back until `?4`, at `?5`. Refused unless it still waits for just that.
const PAY: &str = "
    INSERT INTO credit_top_up (top_up_id, payment_id, amount_micros, settles_at, paid_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Writes down the payment `?1` of the top-up `?2`, refused because of `?3`: `?4` of the currency
/// `?5`, at `?6`. One that was written down stays as it is.
const REFUSE: &str = "
    INSERT INTO refuse_payment (payment_id, top_up_id, reason, amount, currency, created_at)
    SELECT ?1, ?2, ?3, ?4, ?5, ?6
     WHERE NOT EXISTS (SELECT 1 FROM refused_payments WHERE payment_id = ?1 AND top_up_id = ?2)";

/// Credits a payment, once however often it is reported; or writes down why it is refused. What was
/// told before of it as taken back is taken from the wallet at once.
pub fn settle(db: &dyn Db, payment: &Payment, now: Timestamp) -> Result<Settled, StoreError> {
    let settled = credit(db, payment, now)?;
    match settled {
        Settled::Credited | Settled::Already => {
            reverse(db, &payment.id, now)?;
        }
        Settled::Refused(_) => {}
    }
    Ok(settled)
}

fn credit(db: &dyn Db, payment: &Payment, now: Timestamp) -> Result<Settled, StoreError> {
    let top_up = Value::text(payment.top_up);
    for _ in 0..SAVE_ATTEMPTS {
        let seen: Option<Snapshot> = db.first(SEEN, std::slice::from_ref(&top_up))?;
        let (done, settled) = match (decide(seen.as_ref(), payment), &seen) {
            (Verdict::Credited, _) => return Ok(Settled::Already),
            (Verdict::Credit, Some(seen)) => {
                let amount = seen.amount.micros().into();
                let settles_at = top_up::settles_at(now).into();
                let payment = payment.id.as_str().into();
                let params = [top_up.clone(), payment, amount, settles_at, now.into()];
                (db.run(PAY, &params), Settled::Credited)
            }
            (Verdict::Credit, None) => {
                return Err(StoreError::Corrupt("a credit of nothing".into()));
            }
            (Verdict::Refuse(reason), _) => {
                let params = [
                    payment.id.as_str().into(),
                    top_up.clone(),
                    reason.into_str().into(),
                    payment.amount.into(),
                    payment.currency.as_str().into(),
                    now.into(),
                ];
                (db.run(REFUSE, &params), Settled::Refused(reason))
            }
        };
        match done {
            Ok(_) => return Ok(settled),
            // Somebody was faster; what is true now says what follows.
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Busy)
}

/// Writes down what was taken back of the payment `?1` by `?2`, of the kind `?3`, at the stage
/// `?4`: `?5` of `?6` or NULL, of the currency `?7`, which stands so: `?8`, at `?9`. What is told
/// of an earlier stage changes nothing.
const REPORT: &str = "
    INSERT INTO card_reversals
           (payment_id, id, kind, stage, amount, of_amount, currency, status, reported_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
        ON CONFLICT (payment_id, id) DO UPDATE
       SET stage = excluded.stage, amount = excluded.amount, of_amount = excluded.of_amount,
           currency = excluded.currency, status = excluded.status,
           reported_at = excluded.reported_at
     WHERE excluded.stage > stage";

/// What came of a payment that was taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversed {
    /// It was taken from the wallet, or given back to it, now.
    Booked,
    /// The wallet has or lacks it already.
    Already,
    /// It pays no top-up, or not yet.
    Unknown,
}

/// Writes down what was taken back of a payment, and takes the difference from the wallet, or gives
/// it back; once, however often and in whatever order it is reported.
pub fn take_back(db: &dyn Db, reversal: &Reversal, now: Timestamp) -> Result<Reversed, StoreError> {
    let params = [
        reversal.payment.as_str().into(),
        reversal.id.as_str().into(),
        reversal.kind.into_str().into(),
        reversal.stage.into(),
        reversal.amount.into(),
        reversal.of.into(),
        reversal.currency.as_str().into(),
        reversal.status.as_str().into(),
        now.into(),
    ];
    db.run(REPORT, &params)?;
    reverse(db, &reversal.payment, now)
}

row! {
    /// A top-up that is paid, as far as it depends on that what was taken back of it.
    struct PaidTopUp {
        id: TopUpId = "u.id",
        account: AccountId = "u.account_id",
        amount: Usd = "u.amount_micros",
        reversed: Usd = "coalesce(r.micros, 0)",
        reversals: i64 = "coalesce(r.bookings, 0)",
    }
}

/// The top-up that the payment `?1` has paid. Served by its unique index.
const PAID_BY: &str = select!(
    PaidTopUp,
    "FROM top_ups u LEFT JOIN top_up_reversals r ON r.top_up_id = u.id WHERE u.payment_id = ?1"
);

row! {
    impl Reversal {
        payment: String = "r.payment_id",
        id: String = "r.id",
        kind: ReversalKind = "r.kind",
        stage: i64 = "r.stage",
        amount: i64 = "r.amount",
        of: Option<i64> =
            "iif(r.kind = 'single-refund',
                 (SELECT max(c.of_amount) FROM card_reversals c
                   WHERE c.payment_id = r.payment_id AND c.kind = 'refund'
                     AND c.currency = r.currency),
                 r.of_amount)",
        currency: String = "r.currency",
        status: String = "r.status",
    }
}

/// What was taken back of the payment `?1`.
const REVERSALS_OF: &str = select!(Reversal, "FROM card_reversals r WHERE r.payment_id = ?1");

/// Moves what is gone of a top-up; the columns of the command view, in order. Refused unless it is
/// at the number of reversals that was seen.
const REVERSE: &str = "
    INSERT INTO reverse_top_up (id, reversals, reversed_micros, booking, reversed_at)
    VALUES (?1, ?2, ?3, ?4, ?5)";

/// Makes the wallet lack what was taken back of a payment, and no more.
fn reverse(db: &dyn Db, payment: &str, now: Timestamp) -> Result<Reversed, StoreError> {
    for _ in 0..SAVE_ATTEMPTS {
        let seen: Option<PaidTopUp> = db.first(PAID_BY, &[payment.into()])?;
        let Some(seen) = seen else { return Ok(Reversed::Unknown) };
        let told: Vec<Reversal> = db.all(REVERSALS_OF, &[payment.into()])?;
        let gone = top_up::reversed(seen.amount, &told);
        let nth = seen.reversals + 1;
        let booking = top_up::reversal_booking(seen.id, nth, seen.account, gone - seen.reversed);
        let Some(booking) = booking else { return Ok(Reversed::Already) };
        let params = [
            Value::text(seen.id),
            seen.reversals.into(),
            gone.micros().into(),
            booking_json(&booking).to_string().as_str().into(),
            now.into(),
        ];
        match db.run(REVERSE, &params) {
            Ok(_) => return Ok(Reversed::Booked),
            // Somebody was faster; what is true now says what follows.
            Err(error) if error.is_race() => {}
            Err(error) => return Err(error),
        }
    }
    Err(StoreError::Busy)
}

row! {
    /// What was taken back of a top-up's payment, for the operator.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ReversedPayment {
        /// What was taken back.
        pub reversal: Reversal,
        /// The top-up.
        pub top_up: TopUpId = "u.id",
        /// How much it was.
        pub top_up_amount: Usd = "u.amount_micros",
        /// The address of whose it is.
        pub email: String = "a.email",
        /// What their wallet holds now.
        pub balance: Usd =
            "coalesce((SELECT balance_micros FROM ledger_accounts
                        WHERE kind = 'wallet' AND owner_id = u.account_id), 0)",
        /// When it was reported.
        pub reported_at: Timestamp = "r.reported_at",
    }
}

/// Up to `?1` payments of top-ups that were taken back, the newest first; without single refunds
/// that are a part of the sum of all. Served by `card_reversals_by_time`.
const REVERSED: &str = select!(
    ReversedPayment,
    " FROM card_reversals r
     CROSS JOIN top_ups u ON u.payment_id = r.payment_id
     CROSS JOIN accounts a ON a.id = u.account_id
     WHERE r.kind <> 'single-refund' OR r.stage > 1
        OR NOT EXISTS (SELECT 1 FROM card_reversals c
                        WHERE c.payment_id = r.payment_id AND c.kind = 'refund')
     ORDER BY r.reported_at DESC, r.payment_id DESC
     LIMIT ?1"
);

/// Payments of top-ups that were taken back, the newest first.
pub fn reversed(db: &dyn Db, limit: u32) -> Result<Vec<ReversedPayment>, StoreError> {
    db.all(REVERSED, &[limit.into()])
}

/// Nobody can pay the top-up `?1` on its page any more. No row where it does not wait.
const EXPIRE: &str = "
    UPDATE top_ups SET state = 'expired' WHERE id = ?1 AND state = 'pending' RETURNING id";

/// Records that a top-up was not paid in time; `false` if it did not wait any more.
pub fn expire(db: &dyn Db, id: TopUpId) -> Result<bool, StoreError> {
    db.has_row(EXPIRE, &[Value::text(id)])
}

row! {
    impl Payment {
        id: String = "r.payment_id",
        top_up: TopUpId = "r.top_up_id",
        amount: i64 = "r.amount",
        currency: String = "r.currency",
    }
}

row! {
    /// A payment that nothing was credited for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct RefusedPayment {
        /// The payment, with the top-up that it names.
        pub payment: Payment,
        /// Why.
        pub reason: Mismatch = "r.reason",
        /// When it was reported.
        pub created_at: Timestamp = "r.created_at",
        /// Who began the top-up, if it exists.
        pub email: Option<String> = "a.email",
    }
}

/// Up to `?1` refused payments, the newest first. Served by `refused_payments_by_time`.
const REFUSED: &str = select!(
    RefusedPayment,
    " FROM refused_payments r
      LEFT JOIN top_ups t ON t.id = r.top_up_id
      LEFT JOIN accounts a ON a.id = t.account_id
     ORDER BY r.created_at DESC, r.payment_id DESC
     LIMIT ?1"
);

/// Payments that nothing was credited for, the newest first.
pub fn refused(db: &dyn Db, limit: u32) -> Result<Vec<RefusedPayment>, StoreError> {
    db.all(REFUSED, &[limit.into()])
}

/// Statements that an index serves, each with its name: for the test of plans.
pub const INDEXED: [(&str, &str); 3] = [
    (LIST, "top_ups_by_account"),
    (REFUSED, "refused_payments_by_time"),
    (REVERSED, "card_reversals_by_time"),
];
