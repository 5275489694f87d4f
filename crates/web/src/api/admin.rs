//! What the operator does and sees, and what watches the app.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::accounts::Account;
use store::invariants::Finding;
use store::mails::FailedMail;

use crate::api::account::AuditView;
use crate::api::{PAGING, PageOf};
use crate::json::{Decimal, EMAIL, ONE_LINE_OF_200, dollars};
use crate::operation::{Access, Form, Operation, Parameter, schema_of};
use crate::problem::Kind;

const GROUP: &str = "Operator";

/// `POST /api/admin/credits`
pub const CREDIT_WALLET: Operation = Operation {
    id: "creditWallet",
    group: GROUP,
    method: Method::POST,
    path: "/api/admin/credits",
    summary: "Credits a wallet with an external payment.",
    access: Access::Operator,
    takes_key: true,
    body: Some(schema_of::<CreditBody>),
    status: 201,
    about_answer: "The wallet balance after the credit.",
    answer: Some(schema_of::<CreditView>),
    problems: &[Kind::NoSuchAccount],
    ..Operation::READ
};

/// `POST /api/admin/sla-credits`
pub const CREDIT_SLA: Operation = Operation {
    id: "creditSla",
    group: GROUP,
    method: Method::POST,
    path: "/api/admin/sla-credits",
    summary: "Credits a renter for a missed SLA from the farmer's earnings.",
    access: Access::Operator,
    takes_key: true,
    body: Some(schema_of::<SlaCreditBody>),
    status: 204,
    about_answer: "The credit was booked. A retry with the same key returns the same response and \
                   books nothing more.",
    problems: &[Kind::NotFound, Kind::NotEarned],
    ..Operation::READ
};

/// `GET /api/admin/invariants`
pub const CHECK_INVARIANTS: Operation = Operation {
    id: "checkInvariants",
    group: GROUP,
    path: "/api/admin/invariants",
    summary: "Runs all integrity checks now.",
    access: Access::Operator,
    about_answer: "Each integrity check and its number of violations.",
    answer: Some(schema_of::<InvariantsView>),
    ..Operation::READ
};

/// `GET /api/admin/accounts`
pub const LIST_ACCOUNTS: Operation = Operation {
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

/// `POST /api/admin/accounts/{account}/disable`
pub const DISABLE_ACCOUNT: Operation = Operation {
    id: "disableAccount",
    path: "/api/admin/accounts/{account}/disable",
    summary: "Suspends an account, ends its sessions and rejects its tokens.",
    about_answer: "The account was suspended.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/enable`
pub const ENABLE_ACCOUNT: Operation = Operation {
    id: "enableAccount",
    path: "/api/admin/accounts/{account}/enable",
    summary: "Reactivates a suspended account.",
    about_answer: "The account was reactivated.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/end-sessions`
pub const END_ACCOUNT_SESSIONS: Operation = Operation {
    id: "endAccountSessions",
    path: "/api/admin/accounts/{account}/end-sessions",
    summary: "Ends all sessions of an account.",
    about_answer: "The sessions were ended.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/grant-operator`
pub const GRANT_OPERATOR: Operation = Operation {
    id: "grantOperator",
    path: "/api/admin/accounts/{account}/grant-operator",
    summary: "Grants operator access to an account. It applies to sessions with a second factor.",
    about_answer: "Operator access was granted.",
    ..CHANGE_ACCOUNT
};

/// `POST /api/admin/accounts/{account}/revoke-operator`
pub const REVOKE_OPERATOR: Operation = Operation {
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
pub const LIST_ALL_AUDIT: Operation = Operation {
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
pub const LIST_MAILS: Operation = Operation {
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
pub const RETRY_MAIL: Operation = Operation {
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
pub const SHOW_HEALTH: Operation = Operation {
    id: "showHealth",
    group: GROUP,
    path: "/api/health",
    summary: "Reports whether the app is running and can reach its database.",
    about_answer: "The app is healthy.",
    answer: Some(schema_of::<HealthView>),
    ..Operation::READ
};

/// `GET /api/openapi.json`
pub const SHOW_API_DOCUMENT: Operation = Operation {
    id: "showApiDocument",
    group: GROUP,
    path: "/api/openapi.json",
    summary: "This document.",
    about_answer: "An OpenAPI 3.1 document.",
    answer: Some(schema_of::<serde_json::Value>),
    ..Operation::READ
};

/// A credit to grant.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditBody {
    /// Whose wallet.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// How much, in dollars and cents.
    #[schemars(schema_with = "dollars")]
    pub amount_usd: Decimal,
    /// Why, in a few words; the renter sees it.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

/// A credit for a broken promise.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SlaCreditBody {
    /// The rental whose promise was broken.
    pub rental_id: String,
    /// How much, in dollars and cents.
    #[schemars(schema_with = "dollars")]
    pub amount_usd: Decimal,
    /// Why, in a few words; renter and farmer see it.
    #[schemars(regex(pattern = ONE_LINE_OF_200))]
    pub reason: String,
}

/// A credit that was granted.
#[derive(Serialize, JsonSchema)]
pub struct CreditView {
    /// Whose wallet.
    pub email: String,
    /// How much, as decimal text.
    pub amount: String,
    /// What the wallet held then, as decimal text.
    pub balance: String,
    /// Of every amount here.
    pub currency: &'static str,
}

/// An account, as the operator sees it.
#[derive(Serialize, JsonSchema)]
pub struct AccountRowView {
    /// Its id.
    pub id: String,
    /// Its email address.
    pub email: String,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// Whether it is an operator's.
    pub is_operator: bool,
    /// Since when it is shut out (RFC 3339); null if it is not.
    pub disabled_at: Option<String>,
    /// Whether it has a second factor.
    pub has_second_factor: bool,
}

impl AccountRowView {
    /// Shows an account.
    pub fn new(account: &Account) -> AccountRowView {
        AccountRowView {
            id: account.id.to_string(),
            email: account.email.clone(),
            created_at: account.created_at.to_string(),
            is_operator: account.is_operator,
            disabled_at: account.disabled_at.map(|since| since.to_string()),
            has_second_factor: account.has_second_factor,
        }
    }
}

/// What must always hold, checked now.
#[derive(Serialize, JsonSchema)]
pub struct InvariantsView {
    /// Whether everything holds.
    pub ok: bool,
    /// When it was checked (RFC 3339).
    pub checked_at: String,
    /// How many jobs of agents are late, and people were told: access to a slice that nobody has
    /// after 5 minutes, or the removal of one after an hour.
    pub late_jobs: u32,
    /// Each invariant.
    pub invariants: Vec<InvariantView>,
}

/// Something that must always hold.
#[derive(Serialize, JsonSchema)]
pub struct InvariantView {
    /// A short name.
    pub id: &'static str,
    /// What holds, in a sentence.
    pub claim: &'static str,
    /// Whether it holds.
    pub ok: bool,
    /// How many things break it.
    pub violations: u64,
}

impl InvariantView {
    /// Shows a finding.
    pub fn new(finding: &Finding) -> InvariantView {
        InvariantView {
            id: finding.invariant.id,
            claim: finding.invariant.claim,
            ok: finding.violations == 0,
            violations: finding.violations,
        }
    }
}

/// Mail that waits, and mail that could not be sent.
#[derive(Serialize, JsonSchema)]
pub struct MailsView {
    /// How many mails wait to be sent.
    pub waiting: u64,
    /// For how many seconds the oldest of them has been waiting; null where none waits.
    pub oldest_waiting_seconds: Option<i64>,
    /// Mails that could not be sent, the last one first; up to 100.
    pub failed: Vec<FailedMailView>,
}

/// A mail that could not be sent.
#[derive(Serialize, JsonSchema)]
pub struct FailedMailView {
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
    pub fn new(mail: &FailedMail) -> FailedMailView {
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
pub struct HealthView {
    /// Always `ok`; anything else is a problem.
    pub status: &'static str,
}
