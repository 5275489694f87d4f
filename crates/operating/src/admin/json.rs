//! What the operator does and sees, and what watches the app.

use http::Method;
use schemars::JsonSchema;
use serde::Serialize;
use store::accounts::Account;
use store::invariants::Finding;
use store::mails::FailedMail;
use ui::audit::AuditView;
use web::api::{PAGING, PageOf};
use web::operation::{Access, Form, Operation, Parameter, schema_of};

pub(crate) const GROUP: &str = "Operator";

/// `GET /api/admin/invariants`
pub(crate) const CHECK_INVARIANTS: Operation = Operation {
    id: "checkInvariants",
    group: GROUP,
    path: "/api/admin/invariants",
    summary: "Runs all integrity checks now: on the current state, on new rows, and on the next \
              part of the history.",
    access: Access::Operator,
    about_answer: "Each integrity check and its number of violations.",
    answer: Some(schema_of::<InvariantsView>),
    ..Operation::READ
};

/// `GET /api/admin/accounts`
pub(crate) const LIST_ACCOUNTS: Operation = Operation {
    id: "listAccounts",
    group: GROUP,
    path: "/api/admin/accounts",
    summary: "Lists accounts by email address.",
    access: Access::Operator,
    query: &[
        Parameter {
            name: "prefix",
            form: Form::Text(254),
            about: "The start of the address. Omit it to list all accounts.",
            example: "ada@",
        },
        PAGING[0],
        PAGING[1],
    ],
    about_answer: "A page of accounts.",
    answer: Some(schema_of::<PageOf<AccountRowView>>),
    ..Operation::READ
};

/// `POST /api/admin/accounts/{account}/suspend`
pub(crate) const SUSPEND_ACCOUNT: Operation = Operation {
    id: "suspendAccount",
    path: "/api/admin/accounts/{account}/suspend",
    summary: "Suspends an account, ends its sessions and rejects its tokens.",
    about_answer: "The account was suspended.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/reactivate`
pub(crate) const REACTIVATE_ACCOUNT: Operation = Operation {
    id: "reactivateAccount",
    path: "/api/admin/accounts/{account}/reactivate",
    summary: "Reactivates a suspended account.",
    about_answer: "The account was reactivated.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/end-sessions`
pub(crate) const END_ACCOUNT_SESSIONS: Operation = Operation {
    id: "endAccountSessions",
    path: "/api/admin/accounts/{account}/end-sessions",
    summary: "Ends all sessions of an account.",
    about_answer: "The sessions were ended.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/grant-operator`
pub(crate) const GRANT_OPERATOR: Operation = Operation {
    id: "grantOperator",
    path: "/api/admin/accounts/{account}/grant-operator",
    summary: "Grants operator access to an account. It applies to sessions with a second factor.",
    about_answer: "Operator access was granted.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/revoke-operator`
pub(crate) const REVOKE_OPERATOR: Operation = Operation {
    id: "revokeOperator",
    path: "/api/admin/accounts/{account}/revoke-operator",
    summary: "Revokes an account's operator access.",
    about_answer: "Operator access was revoked.",
    ..CHANGE_ACCOUNT
};

/// What the changes of an account have in common.
const CHANGE_ACCOUNT: Operation = Operation {
    group: GROUP,
    method: Method::POST,
    access: Access::Operator,
    status: 204,
    ..Operation::READ
};

/// `GET /api/admin/audit`
pub(crate) const LIST_ALL_AUDIT: Operation = Operation {
    id: "listAudit",
    group: GROUP,
    path: "/api/admin/audit",
    summary: "Lists the audit log, newest first.",
    access: Access::Operator,
    query: &PAGING,
    about_answer: "A page of the audit log.",
    answer: Some(schema_of::<PageOf<AuditView>>),
    ..Operation::READ
};

/// `GET /api/admin/mails`
pub(crate) const LIST_MAILS: Operation = Operation {
    id: "listMails",
    group: GROUP,
    path: "/api/admin/mails",
    summary: "Returns the email backlog and failed emails.",
    access: Access::Operator,
    about_answer: "The outbox, without addresses and contents.",
    answer: Some(schema_of::<MailsView>),
    ..Operation::READ
};

/// `POST /api/admin/mails/{mail}/retry`
pub(crate) const RETRY_MAIL: Operation = Operation {
    id: "retryMail",
    group: GROUP,
    method: Method::POST,
    path: "/api/admin/mails/{mail}/retry",
    summary: "Resends a failed email. Links in it may have expired.",
    access: Access::Operator,
    status: 204,
    about_answer: "The email was queued.",
    ..Operation::READ
};

/// `GET /api/health`
pub(crate) const SHOW_HEALTH: Operation = Operation {
    id: "showHealth",
    group: GROUP,
    path: "/api/health",
    summary: "Reports whether the app is running and can reach its database.",
    about_answer: "The app is healthy.",
    answer: Some(schema_of::<HealthView>),
    ..Operation::READ
};

/// An account, as the operator sees it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccountRowView {
    /// Its id.
    pub id: String,
    /// Its email address.
    pub email: String,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// Whether it is an operator's.
    pub is_operator: bool,
    /// Since when it is suspended (RFC 3339); null if it is not.
    pub suspended_at: Option<String>,
    /// Whether it has a second factor.
    pub has_second_factor: bool,
}

impl AccountRowView {
    /// Shows an account.
    pub(crate) fn new(account: &Account) -> AccountRowView {
        AccountRowView {
            id: account.id.to_string(),
            email: account.email.clone(),
            created_at: account.created_at.to_string(),
            is_operator: account.is_operator,
            suspended_at: account.disabled_at.map(|since| since.to_string()),
            has_second_factor: account.has_second_factor,
        }
    }
}

/// What must always hold, checked now.
#[derive(Serialize, JsonSchema)]
pub(crate) struct InvariantsView {
    /// Whether everything holds.
    pub ok: bool,
    /// When it was checked (RFC 3339).
    pub checked_at: String,
    /// How many jobs of agents are late, and people were notified: access to a slice that nobody
    /// has after 5 minutes, or the removal of one after an hour.
    pub late_jobs: u32,
    /// About how many seconds pass until all of the history has been checked again.
    pub full_pass_seconds: i64,
    /// Each invariant.
    pub invariants: Vec<InvariantView>,
}

/// Something that must always hold.
#[derive(Serialize, JsonSchema)]
pub(crate) struct InvariantView {
    /// A short name.
    pub id: &'static str,
    /// What holds, in a sentence.
    pub claim: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// How many things break it, in what was checked.
    pub violations: u64,
    /// One of them, such as `rental 01ky…`; null if nothing breaks it or the check only counts.
    pub example: Option<String>,
}

impl InvariantView {
    /// Shows a finding.
    pub(crate) fn new(finding: &Finding) -> InvariantView {
        InvariantView {
            id: finding.invariant.id,
            claim: finding.invariant.claim,
            ok: finding.violations == 0,
            violations: finding.violations,
            example: finding.example.clone(),
        }
    }
}

/// Mail that waits, and mail that could not be sent.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MailsView {
    /// How many mails wait to be sent.
    pub waiting: u64,
    /// For how many seconds the oldest of them has been waiting; null where none waits.
    pub oldest_waiting_seconds: Option<i64>,
    /// Mails that could not be sent, the last one first; up to 100.
    pub failed: Vec<FailedMailView>,
}

/// A mail that could not be sent.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FailedMailView {
    /// Its id.
    pub id: String,
    /// Which mail, such as `sign-up`.
    pub kind: String,
    /// What went wrong last.
    pub error: Option<String>,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was to be sent first (RFC 3339).
    pub created_at: String,
    /// When it was given up (RFC 3339).
    pub failed_at: String,
}

impl FailedMailView {
    /// Shows a mail that could not be sent.
    pub(crate) fn new(mail: &FailedMail) -> FailedMailView {
        FailedMailView {
            id: mail.id.to_string(),
            kind: mail.kind.clone(),
            error: mail.last_error.clone(),
            attempts: mail.attempts,
            created_at: mail.created_at.to_string(),
            failed_at: mail.failed_at.to_string(),
        }
    }
}

/// The app runs.
#[derive(Serialize, JsonSchema)]
pub(crate) struct HealthView {
    /// Always `ok`; anything else is a problem.
    pub status: &'static str,
}
