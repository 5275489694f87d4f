//! What a farmer offers, beside the form: raises, locks, maintenance, and the history.

use super::{Badge, Choice, Field, Frame, Link, Moment};
use askama::Template;

/// What the page of a farmer's node says about its offer, around the form.
#[derive(Clone, Debug, Default)]
pub struct FarmOffer {
    /// The raise that waits, if one does.
    pub raise: Option<WaitingRaise>,
    /// Whether the offer can be changed.
    pub lock: OfferLock,
    /// The maintenance that is announced and not over.
    pub windows: Vec<WindowNotice>,
}

/// A raise that waits.
#[derive(Clone, Debug)]
pub struct WaitingRaise {
    /// The price now, such as `$25.00`.
    pub price: String,
    /// The same, as the form sends it: `25.00`.
    pub price_value: String,
    /// The price that comes, such as `$30.00`.
    pub raised: String,
    /// From when on.
    pub at: Moment,
}

/// Whether an offer can be changed.
#[derive(Clone, Debug, Default)]
pub enum OfferLock {
    /// It can.
    #[default]
    Open,
    /// The farmer has locked it.
    Own,
    /// The operator has.
    Operator {
        /// Why, as a sentence.
        reason: Option<String>,
    },
}

impl OfferLock {
    /// Whether nothing can be changed.
    pub fn is_locked(&self) -> bool {
        match self {
            OfferLock::Open => false,
            OfferLock::Own | OfferLock::Operator { .. } => true,
        }
    }
}

/// The cost of a promise above what was measured: the checkbox `confirm_cost_per_month`.
#[derive(Clone, Debug)]
pub struct CostConsent {
    /// What was promised and measured, and what that costs, as a sentence.
    pub text: String,
    /// What the form sends, such as `2.50`.
    pub cost: String,
    /// Such as `$2.50`.
    pub cost_in_words: String,
}

/// Maintenance that is announced and not over.
#[derive(Clone, Debug)]
pub struct WindowNotice {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// What for, in the farmer's words.
    pub note: Option<String>,
    /// Whether it is now.
    pub is_now: bool,
}

/// What `maintenance.html` shows: the windows of a node, and the form that announces one.
#[derive(Clone, Debug, Template)]
#[template(path = "maintenance.html")]
pub struct Maintenance {
    /// What surrounds the page.
    pub frame: Frame,
    /// The farmer's page of the node.
    pub node: Link,
    /// Whether the offer is locked, so that there is no form.
    pub is_locked: bool,
    /// `starts_at`, as a browser's field for date and time has it.
    pub starts_at: Field,
    /// Such as `2026-11-24T10:00`.
    pub example: String,
    /// `hours`: how long.
    pub hours: Vec<Choice>,
    /// `note`: what for.
    pub note: Field,
    /// Why nothing was announced, when it is not about one field.
    pub error: Option<String>,
    /// A page of windows, the latest first.
    pub windows: Vec<WindowRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// One window in the list of a farmer.
#[derive(Clone, Debug)]
pub struct WindowRow {
    /// From when.
    pub from: Moment,
    /// Until when.
    pub until: Moment,
    /// What for.
    pub note: Option<String>,
    /// When it was announced.
    pub announced_at: Moment,
    /// Such as `announced`, `now`, `over` or `canceled`.
    pub status: Badge,
    /// Where the form that cancels it posts to; `None` where it cannot be.
    pub cancel_url: Option<String>,
}

/// What `offer_history.html` shows: the versions of an offer.
#[derive(Clone, Debug, Template)]
#[template(path = "offer_history.html")]
pub struct OfferHistory {
    /// What surrounds the page.
    pub frame: Frame,
    /// The farmer's page of the node.
    pub node: Link,
    /// A page of versions, the newest first.
    pub versions: Vec<VersionRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// One version of an offer.
#[derive(Clone, Debug)]
pub struct VersionRow {
    /// Counts from 1.
    pub number: String,
    /// When it was set.
    pub changed_at: Moment,
    /// Per slice and month, such as `$25.00`.
    pub price: String,
    /// The raise that waited, such as `$30.00 from 24 November 2026, 10:00 UTC`.
    pub raise: Option<String>,
    /// Such as `99.5%, 100 Mbit/s`.
    pub promise: String,
    /// Such as `1, 3, 6 and 12 months`.
    pub terms: String,
    /// How many slices were kept back.
    pub kept_slices: u32,
    /// What renters read.
    pub name: String,
    /// Such as `published`.
    pub listing: Badge,
}
