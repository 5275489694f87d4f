//! One rental, `/dashboard/slices/{rental}`, and the forms that change it.

use super::{
    Badge, Choice, Fact, Field, Frame, JudgedRow, LeavingNotice, Link, Machine, Moment, MoneyEntry,
    Resources, TermOption, UptimeRecord, WindowNotice,
};
use askama::Template;

/// What `rental.html` shows: one rental, from access to the last cent.
///
/// A form that is `None` is not there: the rental cannot be changed like that now.
#[derive(Clone, Debug, Template)]
#[template(path = "rental.html")]
pub struct Rental {
    /// What surrounds the page.
    pub frame: Frame,
    /// This page, `/dashboard/slices/{rental}`; its forms post below it.
    pub url: String,
    /// Such as `node32_slice_1`; `node32` for a whole node.
    pub slice_id: String,
    /// What the renter calls it.
    pub name: Option<String>,
    /// The renter's labels.
    pub labels: Vec<String>,
    /// The node's name and page.
    pub node: Link,
    /// City and country.
    pub place: String,
    /// What is rented.
    pub resources: Resources,
    /// Such as `active`, `grace` or `ended`.
    pub status: Badge,
    /// The maintenance of the node that is announced and not over.
    pub maintenance: Vec<WindowNotice>,
    /// Where it is between its first and its last day.
    pub stage: Stage,
    /// All of it, such as `$23.75`.
    pub monthly_cost: String,
    /// All that was charged, such as `$71.25`.
    pub total_cost: String,
    /// The term that runs, such as `3 months, 5% off`.
    pub term: String,
    /// When the rental began.
    pub started_at: Moment,
    /// When the rental ends or ended.
    pub ends_at: Moment,
    /// How long it still runs, such as `89 days left`; `None` once its term is over.
    pub time_left: Option<String>,
    /// How the slice is reached.
    pub access: Access,
    /// Its machines, where its farm has an agent.
    pub machines: Vec<Machine>,
    /// Whether it waits for access for too long, and can go on with another slice: the link leads
    /// to `/move` below this page.
    pub can_go_on: bool,
    /// Measured against promised.
    pub uptime: UptimeRecord,
    /// What can be done where its node leaves; `None` where it stays.
    pub leaving: Option<LeavingNotice>,
    /// Extending it; `None` once it has ended.
    pub extend: Option<Extending>,
    /// The form that renews it by itself.
    pub auto_renew: Option<AutoRenewForm>,
    /// The form that names it.
    pub naming: Option<NameForm>,
    /// Handing it over to another account.
    pub transfer: Option<Transfer>,
    /// Whether it can be ended now; the link leads to `/end` below this page.
    pub can_end: bool,
    /// What was paid for, the first term first.
    pub periods: Vec<Period>,
    /// Further facts: the rental's id, the promise, what the farmer sees.
    pub facts: Vec<Fact>,
    /// The months that were compared with the promise, latest first.
    pub months: Vec<JudgedRow>,
    /// Why a month was not disputed, when it is not about the text.
    pub months_error: Option<String>,
    /// The money of this rental, latest first.
    pub entries: Vec<MoneyEntry>,
    /// What happened, latest first.
    pub events: Vec<RentalEvent>,
}

/// Where a rental is between its first and its last day.
#[derive(Clone, Debug)]
pub enum Stage {
    /// Its term runs.
    Active,
    /// Its term is over, its data is kept, and only the renter can take it again.
    Grace {
        /// Until when that is so.
        kept_until: Moment,
        /// Such as `31 hours left`.
        time_left: String,
    },
    /// It is over.
    Ended {
        /// What remains of it, in a sentence or two.
        remains: String,
    },
}

/// How the renter reaches the slice, or why not yet.
#[derive(Clone, Debug)]
pub struct Access {
    /// Such as `not provisioned yet`.
    pub status: Badge,
    /// What that means, in a sentence or two.
    pub text: String,
    /// The command to copy, such as `ssh root@...`, once there is one.
    pub command: Option<String>,
}

/// Whether a rental can be extended now.
#[derive(Clone, Debug)]
pub enum Extending {
    /// The form can be filled in.
    Open(Box<ExtendForm>),
    /// Not now, in a sentence: it is paid for too far ahead, or the node is off the market.
    Closed {
        /// Such as `A rental is paid for at most 24 months ahead.`
        reason: String,
    },
}

/// The form that extends a rental; posts to `{rental}/extend`.
#[derive(Clone, Debug)]
pub struct ExtendForm {
    /// Hidden field `idempotency_key`, so that sending twice extends once.
    pub idempotency_key: String,
    /// What the price is and for how long, such as `Your price of $25.00 a month is guaranteed
    /// until 29 July 2027.`
    pub price_note: String,
    /// Radio buttons `duration_months`, shortest first; what each costs is for all of the rental.
    /// A term that would lead too far ahead is left out.
    pub terms: Vec<TermOption>,
    /// What the renter must agree to, where the price has risen.
    pub consent: Option<PriceConsent>,
    /// The renter's balance, such as `$100.00`.
    pub balance: String,
    /// The same in whole cents, rounded down.
    pub balance_cents: u64,
    /// Whether the balance covers at least one term.
    pub is_affordable: bool,
    /// Why the last attempt was refused, as a sentence.
    pub error: Option<String>,
}

/// A price above the rental's own, to agree to: the checkbox `max_price`.
#[derive(Clone, Debug)]
pub struct PriceConsent {
    /// What the form sends: the new price per slice and month, such as `30.00`.
    pub max_price: String,
    /// The price so far, such as `$25.00`.
    pub was: String,
    /// The new price, such as `$30.00`.
    pub now: String,
    /// Whether the box is ticked, as it was sent.
    pub is_given: bool,
    /// What is wrong with it, as a sentence.
    pub error: Option<String>,
}

/// The form that has a rental renewed at its end; posts to `{rental}/auto-renew`.
#[derive(Clone, Debug)]
pub struct AutoRenewForm {
    /// `on` or `off`.
    pub status: Badge,
    /// What happens at the end as it is set now, as a sentence.
    pub outcome: String,
    /// Why the next renewal would fail, such as a wallet that would not hold it.
    pub warning: Option<String>,
    /// `duration_months`: off, with an empty value, and every term.
    pub terms: Vec<Choice>,
    /// When it is charged, such as `Charged a day before the end.`
    pub terms_hint: String,
    /// What is wrong with the term.
    pub terms_error: Option<String>,
    /// `max_price`: the most for a slice and month, in US dollars.
    pub max_price: Field,
    /// Such as `The price is $25.00 now.`
    pub max_price_hint: String,
    /// Why nothing was changed, when it is not about one field.
    pub error: Option<String>,
}

impl AutoRenewForm {
    /// Why nothing was changed. The page is long: it opens where this is said.
    fn refusal(&self) -> Option<&str> {
        refusal(self.error.as_deref(), [&self.terms_error, &self.max_price.error])
    }
}

/// The form with the renter's own name and labels; posts to `{rental}/name`.
#[derive(Clone, Debug, Default)]
pub struct NameForm {
    /// `name`
    pub name: Field,
    /// `labels`, separated by commas.
    pub labels: Field,
    /// Why nothing was changed, when it is not about one field.
    pub error: Option<String>,
}

impl NameForm {
    /// Why nothing was changed. The page is long: it opens where this is said.
    fn refusal(&self) -> Option<&str> {
        refusal(self.error.as_deref(), [&self.name.error, &self.labels.error])
    }
}

/// What is said above a form of which a field was refused, if nothing else is.
fn refusal<'a>(error: Option<&'a str>, of_fields: [&Option<String>; 2]) -> Option<&'a str> {
    let is_marked = of_fields.iter().any(|error| error.is_some());
    error.or(is_marked.then_some("Nothing was changed: the marked fields need a correction."))
}

/// Handing a rental over to another account.
#[derive(Clone, Debug)]
pub enum Transfer {
    /// Somebody can be invited; the form posts to `{rental}/transfer`.
    Open {
        /// `email`: whom to invite.
        email: Field,
        /// Why nobody was invited, when it is not about the field.
        error: Option<String>,
    },
    /// Somebody is invited; the button that takes it back posts to `{rental}/transfer/cancel`.
    Pending {
        /// Who is.
        email: String,
        /// Until when they can take it.
        open_until: Moment,
    },
}

impl Transfer {
    /// Whether there is something to see before anybody asks for it.
    fn is_open(&self) -> bool {
        match self {
            Transfer::Open { email, error } => email.error.is_some() || error.is_some(),
            Transfer::Pending { .. } => true,
        }
    }
}

/// A term that was paid: the first one, or an extension.
#[derive(Clone, Debug)]
pub struct Period {
    /// Such as `First term` or `Renewed by itself`.
    pub what: String,
    /// Such as `3 months`.
    pub term: String,
    /// When it began or begins.
    pub from: Moment,
    /// When it ended or ends.
    pub until: Moment,
    /// The price of a slice and month before the discount, such as `$25.00`.
    pub price: String,
    /// Such as `5% off`.
    pub discount: Option<String>,
    /// What was charged, such as `$71.25`.
    pub total: String,
    /// How much of it is the farmer's by now, such as `$23.01`.
    pub earned: String,
    /// What was paid back of it, such as `$12.50`.
    pub refunded: Option<String>,
}

/// One line of a rental's history.
#[derive(Clone, Debug)]
pub struct RentalEvent {
    /// When it happened.
    pub at: Moment,
    /// What happened, such as `Rented for 3 months`.
    pub what: String,
}
