//! What the operator does and sees, and what watches the app.

use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::invariants::Finding;
use store::sync::{RefusedDocument, Run};

use crate::json::{Decimal, EMAIL, ONE_LINE_OF_200, dollars};
use crate::operation::{Access, Operation, schema_of};
use crate::problem::Kind;

const GROUP: &str = "Operator";

/// `POST /api/admin/credits`
pub const CREDIT_WALLET: Operation = Operation {
    id: "creditWallet",
    group: GROUP,
    method: Method::POST,
    path: "/api/admin/credits",
    summary: "Credits a wallet with money that came in from outside.",
    access: Access::Operator,
    takes_key: true,
    body: Some(schema_of::<CreditBody>),
    status: 201,
    about_answer: "What the wallet held after this credit.",
    answer: Some(schema_of::<CreditView>),
    problems: &[Kind::NoSuchAccount, Kind::KeyReused],
    ..Operation::READ
};

/// `GET /api/admin/invariants`
pub const CHECK_INVARIANTS: Operation = Operation {
    id: "checkInvariants",
    group: GROUP,
    path: "/api/admin/invariants",
    summary: "Checks now what must always hold.",
    access: Access::Operator,
    about_answer: "Each invariant, and how often it is broken.",
    answer: Some(schema_of::<InvariantsView>),
    ..Operation::READ
};

/// `GET /api/admin/sync-runs`
pub const LIST_SYNC_RUNS: Operation = Operation {
    id: "listSyncRuns",
    group: GROUP,
    path: "/api/admin/sync-runs",
    summary: "Shows the last runs of the sync with the grid, and the documents in quarantine.",
    access: Access::Operator,
    about_answer: "The last runs.",
    answer: Some(schema_of::<SyncRunsView>),
    ..Operation::READ
};

/// `GET /api/health`
pub const SHOW_HEALTH: Operation = Operation {
    id: "showHealth",
    group: GROUP,
    path: "/api/health",
    summary: "Says whether the app runs and reaches its database.",
    about_answer: "It does.",
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

/// What must always hold, checked now.
#[derive(Serialize, JsonSchema)]
pub struct InvariantsView {
    /// Whether everything holds.
    pub ok: bool,
    /// When it was checked (RFC 3339).
    pub checked_at: String,
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

/// The history of the sync.
#[derive(Serialize, JsonSchema)]
pub struct SyncRunsView {
    /// The last runs, the newest first.
    pub runs: Vec<RunView>,
    /// Documents that could not be used, by node.
    pub quarantine: Vec<QuarantineView>,
}

/// A run of the sync.
#[derive(Serialize, JsonSchema)]
pub struct RunView {
    /// When it began (RFC 3339).
    pub started_at: String,
    /// When it was done (RFC 3339).
    pub finished_at: String,
    /// The base URL that answered last; null where none did.
    pub upstream: Option<String>,
    /// Nodes whose report was taken over.
    pub updated: u32,
    /// Nodes that the grid no longer lists.
    pub missing: u32,
    /// Documents that could not be used.
    pub refused: u32,
    /// What went wrong; null for a whole run.
    pub failure: Option<String>,
}

impl RunView {
    /// Shows a run.
    pub fn new(run: &Run) -> RunView {
        RunView {
            started_at: run.started_at.to_string(),
            finished_at: run.finished_at.to_string(),
            upstream: run.upstream.clone(),
            updated: run.updated,
            missing: run.missing,
            refused: run.refused,
            failure: run.failure.clone(),
        }
    }
}

/// A document that could not be used.
#[derive(Serialize, JsonSchema)]
pub struct QuarantineView {
    /// The node that it is of.
    pub node_id: String,
    /// Why it could not be used.
    pub reason: String,
    /// Its beginning.
    pub excerpt: String,
}

impl QuarantineView {
    /// Shows a document in quarantine.
    pub fn new(document: &RefusedDocument) -> QuarantineView {
        QuarantineView {
            node_id: format!("node{}", document.node_id),
            reason: document.reason.clone(),
            excerpt: document.excerpt.clone(),
        }
    }
}

/// The app runs.
#[derive(Serialize, JsonSchema)]
pub struct HealthView {
    /// Always `ok`; anything else is a problem.
    pub status: &'static str,
}
