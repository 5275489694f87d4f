//! What the operator sees and does, `/operator` and the pages below it.

use super::{Badge, Frame, Moment};
use askama::Template;

/// What `operator.html` shows: how the marketplace stands.
#[derive(Clone, Debug, Template)]
#[template(path = "operator.html")]
pub struct Operator {
    /// What surrounds the page.
    pub frame: Frame,
    /// Such as `Everything holds` or `2 do not hold`.
    pub verdict: Badge,
    /// What must always hold, what does not hold first.
    pub invariants: Vec<InvariantRow>,
    /// How many jobs of agents are late, such as `2 jobs are late`.
    pub late_jobs: Badge,
    /// How much mail waits, as a sentence.
    pub waiting: String,
    /// Mails that could not be sent, the last one first.
    pub failed: Vec<FailedMailRow>,
    /// Payments that nothing was credited for, the newest first.
    pub payments: Vec<RefusedPaymentRow>,
    /// How the last run of the sync went, if there was one.
    pub sync: Option<LastSync>,
    /// What needs a look, such as `3 documents in quarantine`.
    pub sync_notes: Vec<Badge>,
}

/// Something that must always hold.
#[derive(Clone, Debug)]
pub struct InvariantRow {
    /// Its short name.
    pub id: &'static str,
    /// What holds, in a sentence.
    pub claim: &'static str,
    /// Such as `holds` or `broken 3 times`.
    pub state: Badge,
}

/// A mail that could not be sent.
#[derive(Clone, Debug)]
pub struct FailedMailRow {
    /// Where the button posts that has it sent again.
    pub retry_url: String,
    /// Which mail, such as `sign-up`.
    pub kind: String,
    /// What went wrong last.
    pub error: String,
    /// Such as `10 attempts`.
    pub attempts: String,
    /// When it was given up.
    pub failed_at: Moment,
}

/// A payment that nothing was credited for.
#[derive(Clone, Debug)]
pub struct RefusedPaymentRow {
    /// The provider's id of it.
    pub payment_id: String,
    /// Why, in words.
    pub reason: &'static str,
    /// Such as `2499 usd, in its smallest unit`.
    pub amount: String,
    /// Who began the top-up, and the top-up.
    pub of: String,
    /// When it was told.
    pub at: Moment,
}

/// The last run of the sync.
#[derive(Clone, Debug)]
pub struct LastSync {
    /// When it began.
    pub at: Moment,
    /// Such as `complete` or `failed`.
    pub state: Badge,
    /// Such as `12 nodes, 2 changed, 1 missing, 0 refused`.
    pub counts: String,
    /// What went wrong; may be empty.
    pub failure: String,
}

/// What `operator_accounts.html` shows: a page of accounts, by address.
#[derive(Clone, Debug, Template)]
#[template(path = "operator_accounts.html")]
pub struct OperatorAccounts {
    /// What surrounds the page.
    pub frame: Frame,
    /// How the address begins that is looked for.
    pub prefix: String,
    /// In the order of addresses.
    pub accounts: Vec<AccountRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// An account, with what can be done to it.
#[derive(Clone, Debug)]
pub struct AccountRow {
    /// Its email address.
    pub email: String,
    /// Its id.
    pub id: String,
    /// When it was made.
    pub since: Moment,
    /// Such as `operator`, `shut out` or `second factor`.
    pub badges: Vec<Badge>,
    /// What can be done to it; nothing to the account that looks.
    pub deeds: Vec<DeedButton>,
}

/// A button that does something to an account.
#[derive(Clone, Debug)]
pub struct DeedButton {
    /// Where it posts.
    pub url: String,
    /// What it says.
    pub text: &'static str,
}

/// What `operator_audit.html` shows: a page of the audit log.
#[derive(Clone, Debug, Template)]
#[template(path = "operator_audit.html")]
pub struct OperatorAudit {
    /// What surrounds the page.
    pub frame: Frame,
    /// The newest first.
    pub entries: Vec<AuditRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Moment,
    /// Such as `Signed in`.
    pub what: String,
    /// What it was done to; may be empty.
    pub subject: String,
    /// Who, such as `account 0199…`.
    pub who: String,
    /// The account that it concerns; may be empty.
    pub account: String,
    /// From which network address; may be empty.
    pub address: String,
    /// The beginning of its seal; empty until it has one.
    pub seal: String,
}
