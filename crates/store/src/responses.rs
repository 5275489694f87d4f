//! Responses to requests with an idempotency key: each is stored by the statement that acts, and is
//! what a retry gets.

use domain::id::AccountId;
use domain::order::IdempotencyKey;
use domain::recurring::SWEEP_RESPONSES;
use domain::time::Timestamp;
use serde_json::json;

use crate::chain::hex;
use crate::db::{Db, StoreError, Value};
use crate::row::{row, select};

/// How long the body of a response is stored, in seconds: 30 days.
const KEPT_SECONDS: i64 = 30 * 86_400;

/// A request that acts once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intention {
    /// Who asks; `None` for the operator's token of the configuration.
    pub owner: Option<AccountId>,
    /// Marks it.
    pub key: IdempotencyKey,
    /// Method and path.
    pub operation: String,
    /// SHA-256 of the operation and what is asked for, to tell a retry from another request.
    pub fingerprint: [u8; 32],
}

/// A response, as far as it depends on what was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredResponse {
    /// The HTTP status.
    pub status: u16,
    /// Where the result can be looked up; where a redirect leads.
    pub location: String,
    /// The body, byte for byte.
    pub body: String,
}

/// What became of an earlier request with the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Earlier {
    /// It was the same request, and this is its response.
    Response(StoredResponse),
    /// It was the same request, whose response is not stored any more.
    Deleted {
        /// Where the result can be looked up.
        location: String,
    },
    /// It was the same request, which has begun and has no response yet.
    Begun,
    /// It was another request.
    OtherRequest,
}

row! {
    struct Stored {
        is_same: bool = "operation = ?3 AND fingerprint = ?4",
        status: Option<u16> = "status",
        location: String = "location",
        body: Option<String> = "body",
    }
}

/// The response to the key `?2` of `?1`, and whether it is that of the operation `?3` with the
/// fingerprint `?4`. Served by the primary key.
const FIND: &str = select!(Stored, "FROM responses WHERE owner_id = ?1 AND idempotency_key = ?2");

/// What became of an earlier request with the same key; `None` if there was none.
pub fn find(db: &dyn Db, intention: &Intention) -> Result<Option<Earlier>, StoreError> {
    let params = [
        Value::Text(owner_id(intention.owner)),
        intention.key.as_str().into(),
        intention.operation.as_str().into(),
        Value::from(&intention.fingerprint[..]),
    ];
    let found = db.first::<Stored>(FIND, &params)?;
    Ok(found.map(|Stored { is_same, status, location, body }| match (status, body) {
        _ if !is_same => Earlier::OtherRequest,
        (None, _) => Earlier::Begun,
        (Some(_), None) => Earlier::Deleted { location },
        (Some(status), Some(body)) => Earlier::Response(StoredResponse { status, location, body }),
    }))
}

fn owner_id(owner: Option<AccountId>) -> String {
    owner.map(|account| account.to_string()).unwrap_or_default()
}

/// What `store_response` takes; NULL for a request without a key.
pub(crate) fn column(intention: Option<&Intention>, response: &StoredResponse) -> Value {
    let StoredResponse { status, location, body } = response;
    document(intention, Some(*status), location, Some(body))
}

/// The same for a request that takes its key and has no response yet.
pub(crate) fn begun(intention: Option<&Intention>, location: &str) -> Value {
    document(intention, None, location, None)
}

fn document(
    intention: Option<&Intention>,
    status: Option<u16>,
    location: &str,
    body: Option<&str>,
) -> Value {
    let text = intention.map(|intention| {
        json!({
            "owner_id": owner_id(intention.owner),
            "idempotency_key": intention.key.as_str(),
            "operation": intention.operation,
            "fingerprint": hex(&intention.fingerprint),
            "status": status,
            "location": location,
            "body": body,
        })
        .to_string()
    });
    text.map(Value::Text).into()
}

/// Deletes the bodies of up to `?2` responses from before `?1`. Served by `responses_by_age`.
const SWEEP: &str = "
    UPDATE responses SET body = NULL WHERE rowid IN (
        SELECT rowid FROM responses
         WHERE body IS NOT NULL AND created_at <= ?1 ORDER BY created_at LIMIT ?2)";

/// Deletes the bodies of responses after 30 days. The keys stay, and act on nothing again.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    let params = [now.plus_seconds(-KEPT_SECONDS).into(), SWEEP_RESPONSES.limit().into()];
    db.run(SWEEP, &params).map(drop)
}

/// The statements that are served by an index, for the test of their plans.
pub const INDEXED: [(&str, &str); 1] = [(SWEEP, "responses_by_age")];
