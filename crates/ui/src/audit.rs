//! An entry of the audit log, as the API shows it.

use schemars::JsonSchema;
use serde::Serialize;
use store::audit::Entry;
use store::chain::hex;

/// An entry of the audit log.
#[derive(Serialize, JsonSchema)]
pub struct AuditView {
    /// Its number.
    pub id: i64,
    /// What was done, such as `sign-in` or `slice-rented`.
    pub action: String,
    /// How it was asked for: `visitor`, `account`, `token`, `operator`, or `market`.
    pub actor: &'static str,
    /// The account or token that asked; empty if there is none.
    pub actor_id: String,
    /// The account that it concerns; null if none.
    pub account_id: Option<String>,
    /// What it was done to, such as a rental's id.
    pub subject: String,
    /// From which network address; empty for the market's own.
    pub address: String,
    /// The request; empty for the market's own.
    pub request_id: String,
    /// When (RFC 3339).
    pub created_at: String,
    /// SHA-256 over the seal before it and this entry; null for some seconds, until it is sealed.
    pub seal: Option<String>,
}

impl AuditView {
    /// Shows an entry.
    pub fn new(entry: &Entry) -> AuditView {
        AuditView {
            id: entry.id,
            action: entry.action.clone(),
            actor: entry.actor.into_str(),
            actor_id: entry.actor_id.clone(),
            account_id: entry.account.clone(),
            subject: entry.subject.clone(),
            address: entry.address.clone(),
            request_id: entry.request_id.clone(),
            created_at: entry.created_at.to_string(),
            seal: entry.seal.map(|seal| hex(&seal)),
        }
    }
}
