//! What the operator sees and does, `/operator` and the pages below it.

use askama::Template;
use domain::id::AccountId;
use domain::money::Usd;
use domain::top_up::{Mismatch, Payment};
use store::accounts::Account;
use store::archives::Bounds;
use store::audit::Entry;
use store::chain::hex;
use store::invariants::Finding;
use store::mails::{FailedMail, Waiting};
use store::overview::Overview;
use store::payouts;
use store::sync_runs::Run;
use store::top_ups::{RefusedPayment, ReversedPayment};
use ui::event::description;
use ui::moment;
use ui::visit::Visit;
use url::form_urlencoded::Serializer;
use web::api::PageOf;
use web::page::{Badge, Fact, Frame, Link, Moment, Section, Tone};
use web::text::counted;

use crate::background::page::{counts, outcome};
use crate::operator::today::{Task, figures, tasks};

/// What `operator.html` shows: how the marketplace stands.
#[derive(Clone, Debug, Template)]
#[template(path = "operator/operator.html")]
pub(crate) struct Operator {
    /// What surrounds the page.
    pub frame: Frame,
    /// The marketplace in figures.
    pub figures: Vec<Fact>,
    /// What needs a person today, the worst first.
    pub tasks: Vec<Task>,
    /// Such as `Everything holds` or `2 do not hold`.
    pub verdict: Badge,
    /// What must always hold, what does not hold first.
    pub invariants: Vec<InvariantRow>,
    /// How long a pass of the checks over all of the history takes, such as `12 days`.
    pub full_pass: String,
    /// How many jobs of agents are late, such as `2 jobs are late`.
    pub late_jobs: Badge,
    /// How much mail waits, as a sentence.
    pub waiting: String,
    /// Mails that could not be sent, the last one first.
    pub failed: Vec<FailedMailRow>,
    /// Payments that nothing was credited for, the newest first.
    pub payments: Vec<RefusedPaymentRow>,
    /// Payments that were taken back.
    pub reversed: Vec<ReversedPaymentRow>,
    /// How the last run of the sync went, if there was one.
    pub sync: Option<LastSync>,
    /// What needs a look, such as `3 documents in quarantine`.
    pub sync_notes: Vec<Badge>,
}

/// Something that must always hold.
#[derive(Clone, Debug)]
pub(crate) struct InvariantRow {
    /// Its short name.
    pub id: &'static str,
    /// What holds, in a sentence.
    pub claim: &'static str,
    /// Such as `passed` or `failed: 3`.
    pub state: Badge,
    /// One of the things that break it, such as `rental 01ky…`; empty where none is named.
    pub example: String,
}

/// A mail that could not be sent.
#[derive(Clone, Debug)]
pub(crate) struct FailedMailRow {
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
pub(crate) struct RefusedPaymentRow {
    /// The provider's id of it.
    pub payment_id: String,
    /// Why, in words.
    pub reason: &'static str,
    /// Such as `2499 usd, in its smallest unit`.
    pub amount: String,
    /// Who began the top-up, and the top-up.
    pub of: String,
    /// When it was reported.
    pub at: Moment,
}

/// A payment that was taken back.
#[derive(Clone, Debug)]
pub(crate) struct ReversedPaymentRow {
    /// The provider's id of it.
    pub payment_id: String,
    /// Such as `dispute: needs_response`.
    pub what: String,
    /// What was taken from the wallet because of it.
    pub amount: String,
    /// Whose it was, and the top-up.
    pub of: String,
    /// What the wallet holds now.
    pub balance: Badge,
    /// When it was reported.
    pub at: Moment,
}

/// The last run of the sync.
#[derive(Clone, Debug)]
pub(crate) struct LastSync {
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
#[template(path = "operator/operator_accounts.html")]
pub(crate) struct OperatorAccounts {
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
pub(crate) struct AccountRow {
    /// Its email address.
    pub email: String,
    /// Its id.
    pub id: String,
    /// When it was made.
    pub since: Moment,
    /// Such as `operator`, `shut out` or `second factor`.
    pub badges: Vec<Badge>,
    /// What is done at once; nothing to the account that looks.
    pub actions: Vec<ActionButton>,
    /// What is asked about once more, apart from that.
    pub questions: Vec<Link>,
}

/// A button that does something to an account.
#[derive(Clone, Debug)]
pub(crate) struct ActionButton {
    /// Where it posts.
    pub url: String,
    /// What it says.
    pub text: &'static str,
}

/// What `operator_audit.html` shows: a page of the audit log.
#[derive(Clone, Debug, Template)]
#[template(path = "operator/operator_audit.html")]
pub(crate) struct OperatorAudit {
    /// What surrounds the page.
    pub frame: Frame,
    /// The newest first.
    pub entries: Vec<AuditRow>,
    /// Where the entries are that are older than all in the database, on the last page; empty where
    /// there are none.
    pub archived: String,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// An entry of the audit log.
#[derive(Clone, Debug)]
pub(crate) struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Moment,
    /// Such as `Signed in`.
    pub description: String,
    /// What it was done to; may be empty.
    pub subject: String,
    /// Who, such as `account 0199…`.
    pub actor: String,
    /// The account that it concerns; may be empty.
    pub account: String,
    /// From which network address; may be empty.
    pub address: String,
    /// The beginning of its seal; empty until it has one.
    pub seal: String,
}

/// The list of accounts.
pub(crate) const ACCOUNTS: &str = "/operator/accounts";

/// How many accounts one page shows.
pub(crate) const ACCOUNTS_PER_PAGE: u32 = 50;

/// How many entries of the audit log one page shows.
pub(crate) const AUDIT_PER_PAGE: u32 = 100;

/// How much of a seal is shown, in bytes: enough to compare two by eye.
const SEAL_BYTES_SHOWN: usize = 4;

/// How the marketplace stands, as the store gives it.
pub(crate) struct Standing {
    /// What must always hold, checked now.
    pub findings: Vec<Finding>,
    /// About how many seconds pass until all of the history has been checked again.
    pub pass_seconds: i64,
    /// Jobs of agents that are late, and of which people were notified.
    pub late_jobs: u32,
    /// Mail that waits.
    pub waiting: Waiting,
    /// Mail that could not be sent.
    pub failed: Vec<FailedMail>,
    /// Payments that nothing was credited for.
    pub payments: Vec<RefusedPayment>,
    /// Payments that were taken back.
    pub reversed: Vec<ReversedPayment>,
    /// The last run of the sync.
    pub sync: Option<Run>,
    /// Documents in quarantine.
    pub quarantined: usize,
    /// Nodes on which too much is rented.
    pub oversold: usize,
    /// Recurring jobs that fail.
    pub failing_jobs: usize,
    /// Payouts, by state.
    pub payouts: Vec<payouts::Count>,
    /// Disputes that are open.
    pub disputes: usize,
    /// The marketplace in figures.
    pub overview: Overview,
}

impl Operator {
    /// How the marketplace stands.
    pub(crate) fn new(visit: &Visit<'_>, standing: &Standing) -> Operator {
        let mut findings: Vec<_> = standing.findings.iter().collect();
        findings.sort_by_key(|finding| finding.violations == 0);
        let broken = findings.iter().filter(|finding| finding.violations > 0).count();
        Operator {
            frame: visit.frame("Operator", Section::Operator),
            figures: figures(&standing.overview),
            tasks: tasks(standing),
            verdict: match broken {
                0 => Badge::new("all checks pass", Tone::Good),
                broken => Badge::new(format!("{broken} failed"), Tone::Bad),
            },
            invariants: findings.into_iter().map(InvariantRow::new).collect(),
            full_pass: full_pass(standing.pass_seconds),
            late_jobs: late_jobs(standing.late_jobs),
            waiting: waiting(visit, &standing.waiting),
            failed: standing.failed.iter().map(FailedMailRow::new).collect(),
            payments: standing.payments.iter().map(RefusedPaymentRow::new).collect(),
            reversed: standing.reversed.iter().map(ReversedPaymentRow::new).collect(),
            sync: standing.sync.as_ref().map(LastSync::new),
            sync_notes: sync_notes(standing),
        }
    }
}

/// A duration in whole hours or days, rounded up.
fn full_pass(seconds: i64) -> String {
    let hours = (seconds + 3_599) / 3_600;
    if hours <= 48 { counted(hours, "hour") } else { counted((hours + 23) / 24, "day") }
}

/// How many jobs are late.
fn late_jobs(count: u32) -> Badge {
    match count {
        0 => Badge::new("no overdue jobs", Tone::Good),
        1 => Badge::new("1 overdue job", Tone::Bad),
        count => Badge::new(format!("{count} overdue jobs"), Tone::Bad),
    }
}

fn waiting(visit: &Visit<'_>, waiting: &Waiting) -> String {
    if !visit.has_mail {
        return "No mail transport is configured, so no email is sent.".to_owned();
    }
    match waiting.since {
        None => "No emails are queued.".to_owned(),
        Some(since) => {
            let count = counted(i64::try_from(waiting.count).unwrap_or(i64::MAX), "mail");
            format!("Queued: {count}, the oldest since {}.", moment::to_the_minute(since).text)
        }
    }
}

impl InvariantRow {
    pub(crate) fn new(finding: &Finding) -> InvariantRow {
        InvariantRow {
            id: finding.invariant.id,
            claim: finding.invariant.claim,
            state: match finding.violations {
                0 => Badge::new("passed", Tone::Good),
                count => Badge::new(format!("failed: {count}"), Tone::Bad),
            },
            example: finding.example.clone().unwrap_or_default(),
        }
    }
}

impl FailedMailRow {
    pub(crate) fn new(mail: &FailedMail) -> FailedMailRow {
        FailedMailRow {
            retry_url: format!("/operator/mails/{}/retry", mail.id),
            kind: mail.kind.clone(),
            error: mail.last_error.clone().unwrap_or_default(),
            attempts: counted(mail.attempts, "attempt"),
            failed_at: moment::to_the_minute(mail.failed_at),
        }
    }
}

impl RefusedPaymentRow {
    pub(crate) fn new(refused: &RefusedPayment) -> RefusedPaymentRow {
        let Payment { top_up, id, amount, currency } = &refused.payment;
        let actor = refused.email.as_deref().unwrap_or("nobody");
        RefusedPaymentRow {
            payment_id: id.clone(),
            reason: match refused.reason {
                Mismatch::Unknown => "unknown top-up",
                Mismatch::Amount => "amount doesn't match the top-up",
                Mismatch::Currency => "not in US dollars",
                Mismatch::Twice => "top-up already paid",
                Mismatch::NoOwner => "account deleted",
            },
            amount: format!("{amount} {currency} (smallest unit)"),
            of: format!("{actor}, {top_up}"),
            at: moment::to_the_minute(refused.created_at),
        }
    }
}

impl ReversedPaymentRow {
    pub(crate) fn new(reversed: &ReversedPayment) -> ReversedPaymentRow {
        let reversal = &reversed.reversal;
        let balance = reversed.balance;
        let tone = if balance < Usd::ZERO { Tone::Bad } else { Tone::Plain };
        ReversedPaymentRow {
            payment_id: reversal.payment.clone(),
            what: format!("{}: {}", reversal.kind.into_str(), reversal.status.replace('_', " ")),
            amount: reversal.of_top_up(reversed.top_up_amount).for_people(),
            of: format!("{}, {}", reversed.email, reversed.top_up),
            balance: Badge::new(balance.for_people(), tone),
            at: moment::to_the_minute(reversed.reported_at),
        }
    }
}

impl LastSync {
    pub(crate) fn new(run: &Run) -> LastSync {
        LastSync {
            at: moment::to_the_minute(run.started_at),
            state: outcome(run),
            counts: counts(run),
            failure: run.failure.clone().unwrap_or_default(),
        }
    }
}

/// What of the sync and of recurring jobs needs a look.
fn sync_notes(standing: &Standing) -> Vec<Badge> {
    let note = |count: usize, noun: &str, rest: &str, tone| {
        let counted = counted(i64::try_from(count).unwrap_or(i64::MAX), noun);
        (count > 0).then(|| Badge::new(format!("{counted} {rest}"), tone))
    };
    [
        note(standing.quarantined, "document", "in quarantine", Tone::Warn),
        note(standing.oversold, "node", "oversold", Tone::Bad),
        note(standing.failing_jobs, "recurring job", "failing", Tone::Bad),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl OperatorAccounts {
    /// A page of accounts: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, prefix: &str, found: Vec<Account>) -> OperatorAccounts {
        let own = visit.viewer.map(|viewer| viewer.identity.account);
        let place = |account: &Account| account.email.clone();
        let show = |account: &Account| AccountRow::new(account, own, prefix);
        let page = PageOf::new(visit.search, found, ACCOUNTS_PER_PAGE, place, show);
        OperatorAccounts {
            frame: visit.frame("Accounts", Section::Operator),
            prefix: prefix.to_owned(),
            accounts: page.items,
            next_page: visit.next_page(ACCOUNTS, page.next_cursor),
        }
    }
}

/// The list of accounts that begin with `prefix`.
pub(crate) fn accounts_url(prefix: &str) -> String {
    if prefix.is_empty() {
        return ACCOUNTS.to_owned();
    }
    let query = Serializer::new(String::new()).append_pair("prefix", prefix).finish();
    format!("{ACCOUNTS}?{query}")
}

impl AccountRow {
    pub(crate) fn new(account: &Account, own: Option<AccountId>, prefix: &str) -> AccountRow {
        let is_out = account.disabled_at.is_some();
        let mut badges = Vec::new();
        if is_out {
            badges.push(Badge::new("suspended", Tone::Bad));
        }
        if account.is_operator {
            badges.push(Badge::new("operator", Tone::Warn));
        }
        if account.has_second_factor {
            badges.push(Badge::new("second factor", Tone::Good));
        }
        let action = |name: &str, text| ActionButton {
            url: format!("/operator/accounts/{}/{name}", account.id),
            text,
        };
        let question = |name: &str, text| {
            let query = Serializer::new(String::new()).append_pair("prefix", prefix).finish();
            Link::new(format!("/operator/accounts/{}/{name}?{query}", account.id), text)
        };
        let (mut actions, mut questions) = (Vec::new(), Vec::new());
        if own == Some(account.id) {
            badges.push(Badge::new("you", Tone::Plain));
        } else {
            actions.push(action("end-sessions", "Sign out everywhere"));
            if is_out {
                actions.push(action("reactivate", "Reactivate"));
            } else {
                questions.push(question("suspend", "Suspend…"));
            }
            questions.push(if account.is_operator {
                question("revoke-operator", "Revoke operator access…")
            } else {
                question("grant-operator", "Grant operator access…")
            });
        }
        AccountRow {
            email: account.email.clone(),
            id: account.id.to_string(),
            since: moment::on_day(account.created_at),
            badges,
            actions,
            questions,
        }
    }
}

impl OperatorAudit {
    /// A page of the audit log: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<Entry>, bounds: &Bounds) -> OperatorAudit {
        let place = |entry: &Entry| entry.id.to_string();
        let page = PageOf::new(visit.search, found, AUDIT_PER_PAGE, place, AuditRow::new);
        OperatorAudit {
            frame: visit.frame("Audit log", Section::Operator),
            entries: page.items,
            archived: match bounds.audit {
                last if last > 0 && page.next_cursor.is_none() => format!(
                    "Entries up to number {last}, from before {}, are in archive files.",
                    &bounds.closed_at.date()[..4]
                ),
                _ => String::new(),
            },
            next_page: visit.next_page("/operator/audit", page.next_cursor),
        }
    }
}

impl AuditRow {
    pub(crate) fn new(entry: &Entry) -> AuditRow {
        AuditRow {
            id: entry.id,
            at: moment::to_the_minute(entry.created_at),
            description: description(&entry.action),
            subject: entry.subject.clone(),
            actor: format!("{} {}", entry.actor.into_str(), entry.actor_id).trim_end().to_owned(),
            account: entry.account.clone().unwrap_or_default(),
            address: entry.address.clone(),
            seal: entry.seal.map(|seal| hex(&seal[..SEAL_BYTES_SHOWN])).unwrap_or_default(),
        }
    }
}
