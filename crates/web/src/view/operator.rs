//! Fills the operator's pages.

use domain::id::AccountId;
use domain::top_up::{Mismatch, Payment};
use store::accounts::Account;
use store::audit::Entry;
use store::chain::hex;
use store::invariants::Finding;
use store::mails::{FailedMail, Waiting};
use store::sync_runs::Run;
use store::top_ups::RefusedPayment;
use url::form_urlencoded::Serializer;

use crate::api::PageOf;
use crate::page::{
    AccountRow, AuditRow, Badge, DeedButton, FailedMailRow, InvariantRow, LastSync, Operator,
    OperatorAccounts, OperatorAudit, RefusedPaymentRow, Section, Tone,
};
use crate::view::activity::what;
use crate::view::moment;
use crate::view::upkeep::{counts, outcome};
use crate::view::visit::Visit;
use crate::view::wording::counted;

/// How many accounts one page shows.
pub const ACCOUNTS_PER_PAGE: u32 = 50;
/// How many entries of the audit log one page shows.
pub const AUDIT_PER_PAGE: u32 = 100;
/// How much of a seal is shown, in bytes: enough to compare two by eye.
const SEAL_BYTES_SHOWN: usize = 4;

/// How the marketplace stands, as the store gives it.
pub struct Standing {
    /// What must always hold, checked now.
    pub findings: Vec<Finding>,
    /// Jobs of agents that are late, and of which people were told.
    pub late_jobs: u32,
    /// Mail that waits.
    pub waiting: Waiting,
    /// Mail that could not be sent.
    pub failed: Vec<FailedMail>,
    /// Payments that nothing was credited for.
    pub payments: Vec<RefusedPayment>,
    /// The last run of the sync.
    pub sync: Option<Run>,
    /// Documents in quarantine.
    pub quarantined: usize,
    /// Nodes on which too much is rented.
    pub oversold: usize,
    /// Recurring jobs that fail.
    pub failing_jobs: usize,
}

impl Operator {
    /// How the marketplace stands.
    pub fn new(visit: &Visit<'_>, standing: &Standing) -> Operator {
        let mut findings: Vec<_> = standing.findings.iter().collect();
        findings.sort_by_key(|finding| finding.violations == 0);
        let broken = findings.iter().filter(|finding| finding.violations > 0).count();
        Operator {
            frame: visit.frame("Operator", Section::Operator),
            verdict: match broken {
                0 => Badge::new("all checks pass", Tone::Good),
                broken => Badge::new(format!("{broken} failed"), Tone::Bad),
            },
            invariants: findings.into_iter().map(InvariantRow::new).collect(),
            late_jobs: late_jobs(standing.late_jobs),
            waiting: waiting(visit, &standing.waiting),
            failed: standing.failed.iter().map(FailedMailRow::new).collect(),
            payments: standing.payments.iter().map(RefusedPaymentRow::new).collect(),
            sync: standing.sync.as_ref().map(LastSync::new),
            sync_notes: sync_notes(standing),
        }
    }
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
    fn new(finding: &Finding) -> InvariantRow {
        InvariantRow {
            id: finding.invariant.id,
            claim: finding.invariant.claim,
            state: match finding.violations {
                0 => Badge::new("passed", Tone::Good),
                count => Badge::new(format!("failed: {count}"), Tone::Bad),
            },
        }
    }
}

impl FailedMailRow {
    fn new(mail: &FailedMail) -> FailedMailRow {
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
    fn new(refused: &RefusedPayment) -> RefusedPaymentRow {
        let Payment { top_up, id, amount, currency } = &refused.payment;
        let who = refused.email.as_deref().unwrap_or("nobody");
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
            of: format!("{who}, {top_up}"),
            at: moment::to_the_minute(refused.created_at),
        }
    }
}

impl LastSync {
    fn new(run: &Run) -> LastSync {
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
    pub fn new(visit: &Visit<'_>, prefix: &str, found: Vec<Account>) -> OperatorAccounts {
        let own = visit.viewer.map(|viewer| viewer.identity.account);
        let place = |account: &Account| account.email.clone();
        let show = |account: &Account| AccountRow::new(account, own);
        let page = PageOf::new(found, ACCOUNTS_PER_PAGE, place, show);
        OperatorAccounts {
            frame: visit.frame("Accounts", Section::Operator),
            prefix: prefix.to_owned(),
            accounts: page.items,
            next_page: visit.next_page("/operator/accounts", page.next_cursor),
        }
    }
}

/// The list of accounts that begin with `prefix`, behind the notice at `address`.
pub fn with_prefix(address: String, prefix: &str) -> String {
    if prefix.is_empty() {
        return address;
    }
    let query = Serializer::new(String::new()).append_pair("prefix", prefix).finish();
    format!("{address}&{query}")
}

impl AccountRow {
    fn new(account: &Account, own: Option<AccountId>) -> AccountRow {
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
        let deed = |name: &str, text| DeedButton {
            url: format!("/operator/accounts/{}/{name}", account.id),
            text,
        };
        let deeds = if own == Some(account.id) {
            badges.push(Badge::new("you", Tone::Plain));
            Vec::new()
        } else {
            vec![
                deed("end-sessions", "Sign out everywhere"),
                if is_out { deed("enable", "Reactivate") } else { deed("disable", "Suspend") },
                if account.is_operator {
                    deed("revoke-operator", "Revoke operator access")
                } else {
                    deed("grant-operator", "Grant operator access")
                },
            ]
        };
        AccountRow {
            email: account.email.clone(),
            id: account.id.to_string(),
            since: moment::on_day(account.created_at),
            badges,
            deeds,
        }
    }
}

impl OperatorAudit {
    /// A page of the audit log: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<Entry>) -> OperatorAudit {
        let place = |entry: &Entry| entry.id.to_string();
        let page = PageOf::new(found, AUDIT_PER_PAGE, place, AuditRow::new);
        OperatorAudit {
            frame: visit.frame("Audit log", Section::Operator),
            entries: page.items,
            next_page: visit.next_page("/operator/audit", page.next_cursor),
        }
    }
}

impl AuditRow {
    fn new(entry: &Entry) -> AuditRow {
        AuditRow {
            id: entry.id,
            at: moment::to_the_minute(entry.created_at),
            what: what(&entry.action),
            subject: entry.subject.clone(),
            who: format!("{} {}", entry.actor.as_str(), entry.actor_id).trim_end().to_owned(),
            account: entry.account.clone().unwrap_or_default(),
            address: entry.address.clone(),
            seal: entry.seal.map(|seal| hex(&seal[..SEAL_BYTES_SHOWN])).unwrap_or_default(),
        }
    }
}
