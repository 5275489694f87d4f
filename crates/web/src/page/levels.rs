//! What was measured against what was promised: a node's record, the months of a rental, a farmer's
//! credits, `/dashboard/farm/credits`, and the operator's page of disputes, `/operator/disputes`.

use super::{Badge, Fact, Field, Frame, Moment};
use askama::Template;

/// What was measured of a node.
#[derive(Clone, Debug)]
pub struct MeasuredRecord {
    /// The last day, the last 30 days, and the months, the newest first.
    pub rows: Vec<MeasuredRow>,
    /// Where the looks of this month are, as a table.
    pub samples_url: String,
}

/// What was measured over a while.
#[derive(Clone, Debug)]
pub struct MeasuredRow {
    /// Such as `Last 24 hours` or `November 2026`.
    pub what: String,
    /// Such as `99.2%`; a word where nobody looked.
    pub uptime: String,
    /// The uptime that it has at least, such as `98.7%`.
    pub at_least: String,
    /// How many looks this rests on, such as `8,140`.
    pub observations: String,
    /// The average of what the grid has measured, such as `940 Mbit/s`; empty where it has not.
    pub bandwidth: String,
}

/// A month of a rental that was compared with its promise.
#[derive(Clone, Debug)]
pub struct JudgedRow {
    /// Such as `November 2026`.
    pub month: String,
    /// The slice, such as `node32_slice_1`.
    pub place: String,
    /// Such as `kept`, `credited $2.50` or `not measured`.
    pub outcome: Badge,
    /// The evidence.
    pub facts: Vec<Fact>,
    /// What was said against it, and what the operator said.
    pub remarks: Vec<Remark>,
    /// The form that disputes it, where that can be done.
    pub dispute: Option<DisputeForm>,
}

/// Something that was said about a judgement.
#[derive(Clone, Debug)]
pub struct Remark {
    /// Who says it, such as `The renter`.
    pub who: String,
    /// What.
    pub text: String,
    /// When.
    pub at: Moment,
}

/// The form that disputes a judgement.
#[derive(Clone, Debug)]
pub struct DisputeForm {
    /// Where it posts.
    pub url: String,
    /// The id of its field on the page.
    pub id: String,
    /// Hidden field `stay`.
    pub stay: u32,
    /// `text`
    pub text: Field,
}

/// What `credits.html` shows: the months for which a farmer's renters were credited.
#[derive(Clone, Debug, Template)]
#[template(path = "credits.html")]
pub struct Credits {
    /// What surrounds the page.
    pub frame: Frame,
    /// Why nothing was disputed, when it is not about the text.
    pub error: Option<String>,
    /// One page of months, the last judged first.
    pub months: Vec<JudgedRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// What `operator_disputes.html` shows: the disputes that are open.
#[derive(Clone, Debug, Template)]
#[template(path = "operator_disputes.html")]
pub struct OperatorDisputes {
    /// What surrounds the page.
    pub frame: Frame,
    /// Why a dispute was not decided.
    pub error: Option<String>,
    /// One page of disputes, the oldest first.
    pub cases: Vec<CaseRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A dispute, as the operator decides it.
#[derive(Clone, Debug)]
pub struct CaseRow {
    /// What it is about.
    pub judged: JudgedRow,
    /// Where the form posts.
    pub url: String,
    /// The dispute's id.
    pub id: String,
    /// `credit_usd`: what the renter has by now.
    pub credit: String,
    /// The most that can be credited, such as `$25.00`.
    pub most: String,
}
