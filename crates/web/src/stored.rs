//! Responses that are stored with their idempotency key: a request acts once, and a retry gets the
//! response byte for byte.

use std::slice;

use domain::order::IdempotencyKey;
use http::StatusCode;
use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};
use store::responses::{self, Earlier, Intention, StoredResponse};

use crate::confirmation::Destination;
use crate::context::{Context, Response};
use crate::problem::{Kind, Problem};
use crate::respond;

/// A JSON document; `location` is where its subject can be looked up later.
pub fn json(
    status: StatusCode,
    document: &impl Serialize,
    location: impl Into<String>,
) -> StoredResponse {
    let body = serde_json::to_string(document).expect("numbers and text are JSON");
    StoredResponse { status: status.as_u16(), location: location.into(), body }
}

/// Nothing to say; `location` is where the effect can be looked up later.
pub fn no_content(location: impl Into<String>) -> StoredResponse {
    let status = StatusCode::NO_CONTENT.as_u16();
    StoredResponse { status, location: location.into(), body: String::new() }
}

/// The form did its work; the browser continues at `path`.
pub fn see_other(path: impl Into<String>) -> StoredResponse {
    let status = StatusCode::SEE_OTHER.as_u16();
    StoredResponse { status, location: path.into(), body: String::new() }
}

/// Does what a request asks for, once for each key. `asked` is the request as it was understood: a
/// retry may be written differently. `act` stores its response in the statement that acts.
pub fn once(
    cx: &Context<'_>,
    key: Option<IdempotencyKey>,
    asked: &Value,
    act: impl FnOnce(Option<&Intention>) -> Result<StoredResponse, Problem>,
) -> Result<Response, Problem> {
    once_as(cx, key, slice::from_ref(asked), act)
}

/// The same for a request that can be understood in several ways, the first of which is how it is
/// understood now: an earlier request that was any of them is the same.
pub fn once_as(
    cx: &Context<'_>,
    key: Option<IdempotencyKey>,
    asked: &[Value],
    act: impl FnOnce(Option<&Intention>) -> Result<StoredResponse, Problem>,
) -> Result<Response, Problem> {
    let intentions: Vec<Intention> =
        asked.iter().filter_map(|asked| intention(cx, key.clone(), asked)).collect();
    let Some(first) = intentions.first() else { return act(None).and_then(sent) };
    let earlier = || {
        let mut found = intentions.iter().map(|intention| earlier_of(cx, intention));
        let is_other = |found: &Result<Option<StoredResponse>, Problem>| {
            found.as_ref().is_err_and(|problem| problem.kind == Kind::KeyReused)
        };
        let last = found.next_back().unwrap_or(Ok(None));
        found.find(|found| !is_other(found)).unwrap_or(last)
    };
    if let Some(earlier) = earlier()? {
        return sent(earlier);
    }
    let response = act(Some(first)).or_else(|problem| {
        // A try of the same key may have been faster.
        earlier()?.ok_or(problem)
    });
    response.and_then(sent)
}

/// The stored response to an earlier request with this key; `None` if there was none.
pub fn earlier(
    cx: &Context<'_>,
    key: Option<IdempotencyKey>,
    asked: &Value,
) -> Result<Option<StoredResponse>, Problem> {
    intention(cx, key, asked).map_or(Ok(None), |intention| earlier_of(cx, &intention))
}

fn intention(cx: &Context<'_>, key: Option<IdempotencyKey>, asked: &Value) -> Option<Intention> {
    let owner = cx.identity.as_ref().map(|identity| identity.account);
    let operation = format!("{} {}", cx.request.method(), cx.request.uri().path());
    let fingerprint = Sha256::digest(format!("{operation}\n{asked}")).into();
    key.map(|key| Intention { owner, key, operation, fingerprint })
}

fn earlier_of(cx: &Context<'_>, intention: &Intention) -> Result<Option<StoredResponse>, Problem> {
    match responses::find(cx.db, intention)? {
        None | Some(Earlier::Begun) => Ok(None),
        Some(Earlier::Response(response)) => Ok(Some(response)),
        Some(Earlier::Deleted { location }) => {
            let detail = format!(
                "this request already succeeded and was not repeated, but its response is no \
                 longer stored; see {location}"
            );
            Err(Problem::new(Kind::ResponseDeleted, detail).with("location", location))
        }
        Some(Earlier::OtherRequest) => Err(Problem::plain(Kind::KeyReused)),
    }
}

fn sent(stored: StoredResponse) -> Result<Response, Problem> {
    let status = StatusCode::from_u16(stored.status).map_err(Problem::internal)?;
    Ok(match status {
        StatusCode::NO_CONTENT => respond::no_content(),
        StatusCode::SEE_OTHER => respond::see_other(Destination::stored(&stored.location)),
        _ => respond::answer(status, "application/json", stored.body.into_bytes()),
    })
}
